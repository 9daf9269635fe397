"""What stations keep over two runs with ``--state``: passwords, registers, queues; and who may read it."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet.run import Run
from simulator.fleet.state import StateDir
from simulator.fleet.target import make_target
from tests.live.rig import BRISK, Stage, perform, plan_of

pytestmark = pytest.mark.live

COUNT = 100  # of each version
KINDS = {"old": "1.6", "new": "2.0.1"}


def first_password(station_id: str) -> str:
    return f"first-of-{station_id}-aaaa"


def second_password(station_id: str) -> str:
    return f"2nd-of-{station_id}-bbbb"  # 16 to 20 bytes, see the white paper A00.FR.205


def fleet(folder: Path) -> list[dict[str, Any]]:
    groups = []
    everybody = ["id,password"]
    for name, version in KINDS.items():
        rows = [f"{name}-{n:03d},{first_password(f'{name}-{n:03d}')}" for n in range(COUNT)]
        everybody += rows
        (folder / f"{name}.csv").write_text("\n".join(["id,password", *rows]) + "\n")
        groups.append(
            {
                "name": name,
                "profile": "brisk.yaml",
                "version": version,
                "stations": f"{name}.csv",
                "settings": {**BRISK, "MessageTimeout": 1},
            }
        )
    (folder / "all.csv").write_text("\n".join(everybody) + "\n")
    return groups


async def set_password(stage: Stage, station_id: str) -> None:
    password = second_password(station_id)
    if station_id.startswith("old"):
        wish: dict[str, Any] = {"key": "AuthorizationKey", "value": password.encode().hex()}
        assert (await stage.operate(station_id, "ChangeConfiguration", wish))["status"] == "Accepted"
        return
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    answer = await stage.operate(
        station_id, "SetVariables", {"setVariableData": [{**place, "attributeValue": password}]}
    )
    assert [row["attributeStatus"] for row in answer["setVariableResult"]] == ["Accepted"]


def artefacts(folder: Path, name: str) -> dict[str, Any]:
    kinds = {"summary": "json", "report": "html", "junit": "xml", "ledger": "sqlite", "trace": "jsonl"}
    return {kind: folder / f"{name}-{kind}.{ending}" for kind, ending in kinds.items()}


def registers(run: Run) -> dict[str, int]:
    assert run.farm is not None
    now = run.farm.clock.now()
    return {seat.station.id: round(seat.station.board.meters[0].physical_wh(now)) for seat in run.farm.live.seats}


def test_passwords_registers_and_queues_are_kept_over_two_runs(tmp_path: Path) -> None:
    groups = fleet(tmp_path)
    options = CsmsOptions(port=0, http_port=0, db=tmp_path / "csms.sqlite", passwords=tmp_path / "all.csv")
    state, written = tmp_path / "state", []
    with CsmsProcess(options) as csms:
        target = make_target({"url": csms.url + "/{id}", "security_profile": 1}, {}, base_dir=tmp_path)

        async def first(stage: Stage) -> None:
            await stage.booted()
            stage.plug_in(stage.seats[:6] + stage.seats[-6:])
            busy = asyncio.Semaphore(20)

            async def bounded(station_id: str) -> None:
                async with busy:
                    await set_password(stage, station_id)

            await asyncio.gather(*(bounded(seat.station.id) for seat in stage.seats))
            begun = [seat for seat in stage.seats if seat.station.evses[0].tx is not None]
            assert len(begun) == 12
            await stage.until(lambda: all(seat.station.evses[0].flowing for seat in begun), "energy flows")
            await stage.until(lambda: not any(s.station.outbox.waiting() for s in stage.seats), "all is told")
            await stage.api("PUT", "/api/faults", {"down_for_s": 600.0})
            await stage.until(lambda: not any(s.station.link.is_up for s in begun), "the CSMS is gone")
            stage.each(lambda seat: i.Unplug(1, "both"), begun)
            await stage.until(lambda: all(seat.station.evses[0].tx is None for seat in begun), "cars have left")

        plan = plan_of(tmp_path, groups, target=target, at_end="disconnect")
        files = artefacts(tmp_path, "first")
        one = perform(plan, first, csms=csms, state=state, **files)
        written += list(files.values())
        csms.request("PUT", "/api/faults", {})
        assert one.summary["transactions"]["queued"] == 12 and one.summary["booted"] == 2 * COUNT
        assert {row["state"] for row in one.booked} == {"open"} and len(one.booked) == 12
        assert stat.S_IMODE((state / "state.sqlite").stat().st_mode) == 0o600
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        kept = StateDir(state)
        assert len(kept.ids()) == 2 * COUNT
        queued = [name for name in kept.ids() if (kept.load(name) or {})["flash"].get("queue")]
        kept.close()
        assert len(queued) == 12

        before = registers(one.run)
        seen: dict[str, int] = {}

        async def second(stage: Stage) -> None:
            await stage.booted()
            seen.update(registers(stage.run))
            await stage.quiet()

        plan = plan_of(tmp_path, groups, target=target)
        files = artefacts(tmp_path, "second")
        two = perform(plan, second, csms=csms, state=state, **files)
        written += list(files.values())
        assert two.summary["booted"] == 2 * COUNT and two.summary["connect_failures"] == {}
        assert seen == before
        assert {row["state"] for row in two.booked} == {"closed"} and len(two.booked) == 12

        # The CSMS really has the new ones: without the state nobody gets in.
        async def third(stage: Stage) -> None:
            await stage.until(lambda: stage.run.metrics.connect_failures.get("http_401", 0) >= 4, "all are refused")

        few = [{**group, "count": 2} for group in groups]
        three = perform(plan_of(tmp_path, few, target=target), third, csms=csms)
        assert three.summary["booted"] == 0 and set(three.summary["connect_failures"]) == {"http_401"}
        assert three.summary["exit_code"] == 3

    text = b"".join(path.read_bytes() for path in written)
    assert b"old-000" in text and b"AuthorizationKey" in text and b"BasicAuthPassword" in text
    for name in KINDS:
        for n in range(COUNT):
            station_id = f"{name}-{n:03d}"
            for password in (first_password(station_id), second_password(station_id)):
                for spelling in (password, password.encode().hex(), password.encode().hex().upper()):
                    assert spelling.encode() not in text, (station_id, spelling)
