"""What leaves a station whose frames are spoilt, what a sound CSMS does with it, and that the session goes on."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.effects import RawSend
from simulator.core.sending import LATE, MAX_LATE
from simulator.hardware.fault import FAULTS
from simulator.lab.checkers import Checkers
from tests.core.build import VERSIONS, rig

FRAMES = [name for name in FAULTS if FAULTS.get(name).part == "frame"]
QUICK = {
    "MessageTimeout": 5,
    "TransactionMessageRetryInterval": 5,
    "HeartbeatInterval": 5,
    "MeterValueSampleInterval": 5,
}
#: what makes a sound CSMS close
CLOSES = {"frame.binary": 1003, "frame.oversize": 1009, "frame.invalid_utf8": 1007}
#: what nobody can tell from a sound message, or may do as if
HARMLESS = {
    "frame.fragmented",
    "frame.pretty_printed",
    "frame.duplicate",
    "frame.answer_to_nothing",
    "frame.late_answer",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FRAMES)
def test_a_session_goes_on_after_each(name: str, version: str) -> None:
    lab = rig(version, settings=QUICK)
    checkers = Checkers()
    odd: list[RawSend] = []

    def watch(station: object, event: object, effects: list[object], now: int) -> None:
        checkers.observe(station, event, effects, now)  # type: ignore[arg-type]
        odd.extend(effect for effect in effects if isinstance(effect, RawSend))

    lab.fleet._observer = watch
    lab.boot()
    lab.charge()
    action = "MeterValues" if version == "1.6" else "TransactionEvent"
    params = {} if name == "frame.late_answer" else {"actions": action}
    lab.feed(i.Inject("f", name, 0, {"frames": 2, **params}))
    lab.fleet.ask(lab.station, "ClearCache", {}, 1.0)
    lab.run(60)
    if name not in ("frame.duplicate", "frame.late_answer", "frame.answer_to_nothing"):
        assert len({effect.meant for effect in odd}) >= 2 and all(effect.data for effect in odd)
    lab.feed(i.Clear("f"))
    lab.run(60)
    lab.leave()
    lab.run(120)
    codes = {record.code for record in lab.records(r.Disconnected)}
    assert codes == ({CLOSES[name]} if name in CLOSES else set())
    failed = {record.outcome for record in lab.records(r.CallFinished) if record.outcome != "ok"}
    assert bool(failed) == (name not in HARMLESS), failed
    assert len(lab.records(r.TransactionOpened)) == len(lab.records(r.TransactionClosed)) == 1
    assert checkers.finish([lab.station], lab.fleet.now) == []


def test_a_late_answer_waits_and_goes_with_its_link() -> None:
    lab = rig("1.6", settings=QUICK).boot()
    lab.feed(i.Inject("f", "frame.late_answer", 0, {"late_s": 20.0, "frames": 0}))
    first = lab.fleet.call(lab.station, "ClearCache", {})
    lab.run(19)
    assert first not in lab.csms.answers
    lab.run(2)
    assert lab.csms.answers[first] == {"status": "Accepted"}
    second = lab.fleet.call(lab.station, "ClearCache", {})
    lab.run(5)
    lab.cut()
    lab.back()
    assert second not in lab.csms.answers, "its connection is gone"


def test_no_more_than_so_many_answers_wait() -> None:
    lab = rig("1.6").boot()
    lab.feed(i.Inject("f", "frame.late_answer", 0, {"late_s": 600.0, "frames": 0}))
    for _ in range(MAX_LATE + 3):
        lab.fleet.call(lab.station, "ClearCache", {})
    lab.run(5)
    assert len(lab.station.data[LATE]) == MAX_LATE
    assert sum("late at once" in record.text for record in lab.records(r.Remark)) == 3


def test_the_station_is_told_nothing_and_repeats_what_must_not_be_lost() -> None:
    lab = rig("1.6", settings=QUICK).boot()
    lab.feed(i.Inject("f", "frame.truncated", 0, {"actions": "StartTransaction"}))
    lab.charge()
    starts = [seen for seen in lab.csms.seen if seen.action == "StartTransaction" and seen.kind == 2]
    assert len(starts) == 1 and starts[0].payload["idTag"] == "TAG", "the first one could not be read"
    outcomes = [f.outcome for f in lab.records(r.CallFinished) if f.action == "StartTransaction"]
    assert outcomes[-1] == "ok" and len(outcomes) == 2
