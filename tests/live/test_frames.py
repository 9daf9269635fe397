"""Spoilt frames on real sockets: the reference CSMS survives each of them, and the session goes on."""

from pathlib import Path

import pytest

from simulator.core import inputs as i
from simulator.hardware.comms import FrameFault
from simulator.hardware.fault import FAULTS
from tests.live.rig import VERSIONS, Stage, groups, perform, plan_of

pytestmark = pytest.mark.live

FRAMES = [name for name in FAULTS if FAULTS.get(name).part == "frame"]
SETTINGS = {"MessageTimeout": 1, "TransactionMessageAttempts": 5, "TransactionMessageRetryInterval": 0}
#: how the reference CSMS ends a connection because of a frame
CLOSED = {"frame.invalid_utf8", "frame.oversize"}


def test_every_spoilt_frame_within_a_session(tmp_path: Path) -> None:
    """One station of each version for each fault, all at the same time; each loses two frames of its session."""
    stations = len(FRAMES)

    async def play(stage: Stage) -> None:
        await stage.booted()
        await stage.charging()
        for number, seat in enumerate(stage.seats):
            name = FRAMES[number % stations]
            old = seat.station.dialect.name == "1.6"
            params = {"frames": 2}
            if name == "frame.late_answer":
                params = {"frames": 1, "late_s": 0.3}
            else:
                params["actions"] = "MeterValues" if old else "TransactionEvent"  # type: ignore[assignment]
            stage.farm.live.feed(seat, i.Inject("f", name, 0, params))
        for seat in stage.seats[FRAMES.index("frame.late_answer") :: stations]:
            await stage.operate(seat.station.id, "ClearCache", {})

        def spoilt() -> bool:
            faults = [seat.station.board.active["f"].fault for seat in stage.seats]
            return all(isinstance(f, FrameFault) and f.done >= min(f.frames, 2) for f in faults)

        await stage.until(spoilt, "every fault has had its frames", 30)
        stage.each(lambda seat: i.Clear("f"))
        await stage.until(lambda: all(seat.station.link.is_up for seat in stage.seats), "all are connected")
        await stage.done()

    played = perform(plan_of(tmp_path, groups(stations, settings=SETTINGS)), play, drain_s=20.0)
    found = played.summary["transactions"]
    assert found["started"] == found["stopped"] == stations * len(VERSIONS) and found["open"] == 0
    assert set(played.verdicts().values()) <= {"PASS"}, played.summary["checks"]
    excused = [row for check in played.summary["checks"] for row in check["excused"]]
    assert any("frame.truncated" in row for row in excused), "what follows from a fault is named after it"
    assert {row["fault"] for row in played.summary["faults"]} == set(FRAMES)
    assert played.summary["reconnects"] >= len(CLOSED) * len(VERSIONS)
