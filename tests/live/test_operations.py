"""What an operator does through the reference CSMS's API, to stations on real sockets; told and done."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from simulator.core import inputs as i
from tests.live.rig import Stage, groups, perform, plan_of

pytestmark = pytest.mark.live

TOKEN = {"idToken": "VALID9", "type": "Central"}


async def start_and_stop(stage: Stage, station_id: str) -> None:
    """Remote start with a car waiting, and remote stop."""
    old = station_id.startswith("1.6")
    station = stage.farm.by_id[station_id].station
    stage.farm.live.feed(stage.farm.by_id[station_id], i.Plug(1, i.EvSpec()))
    if old:
        answer = await stage.operate(station_id, "RemoteStartTransaction", {"connectorId": 1, "idTag": "VALID9"})
    else:
        wish = {"evseId": 1, "idToken": TOKEN, "remoteStartId": 7}
        answer = await stage.operate(station_id, "RequestStartTransaction", wish)
    assert answer["status"] == "Accepted"
    await stage.until(lambda: station.evses[0].tx is not None, f"{station_id} has a transaction")
    await stage.until(lambda: not station.outbox.waiting(), "the CSMS has named it")
    booked = (await stage.api("GET", f"/api/transactions?station={station_id}&state=open"))["transactions"]
    assert len(booked) == 1, booked
    name = booked[0]["transaction_id"]
    if old:
        answer = await stage.operate(station_id, "RemoteStopTransaction", {"transactionId": int(name)})
    else:
        answer = await stage.operate(station_id, "RequestStopTransaction", {"transactionId": name})
    assert answer["status"] == "Accepted"
    await stage.until(lambda: not station.evses[0].flowing, f"{station_id} has stopped charging")
    stage.farm.live.feed(stage.farm.by_id[station_id], i.Unplug(1, "both"))
    await stage.until(lambda: station.evses[0].tx is None, f"{station_id} has ended it")


async def change(stage: Stage, station_id: str) -> None:
    """A setting changes, can be read back, and an unknown one is refused."""
    if station_id.startswith("1.6"):
        key = {"key": "HeartbeatInterval", "value": "77"}
        assert (await stage.operate(station_id, "ChangeConfiguration", key))["status"] == "Accepted"
        found = await stage.operate(station_id, "GetConfiguration", {"key": ["HeartbeatInterval", "NoSuchKey"]})
        assert [row["value"] for row in found["configurationKey"]] == ["77"]
        assert found["unknownKey"] == ["NoSuchKey"]
        unknown = {"key": "NoSuchKey", "value": "1"}
        assert (await stage.operate(station_id, "ChangeConfiguration", unknown))["status"] == "NotSupported"
        return
    place: dict[str, Any] = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    strange: dict[str, Any] = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NoSuchVariable"}}
    data = [{**place, "attributeValue": "77"}, {**strange, "attributeValue": "1"}]
    told = await stage.operate(station_id, "SetVariables", {"setVariableData": data})
    assert [row["attributeStatus"] for row in told["setVariableResult"]] == ["Accepted", "UnknownVariable"]
    told = await stage.operate(station_id, "GetVariables", {"getVariableData": [place]})
    assert [row["attributeValue"] for row in told["getVariableResult"]] == ["77"]
    ask = {"requestId": 5, "reportBase": "FullInventory"}
    assert (await stage.operate(station_id, "GetBaseReport", ask))["status"] == "Accepted"
    for _ in range(200):
        reports = (await stage.api("GET", f"/api/stations/{station_id}"))["reports"]
        if reports and reports[-1]["complete"]:
            break
        await asyncio.sleep(0.05)
    assert [report["request_id"] for report in reports if report["complete"]] == [5]
    names = {(row["component"]["name"], row["variable"]["name"]) for row in reports[-1]["variables"]}
    assert ("OCPPCommCtrlr", "HeartbeatInterval") in names and len(names) > 40
    assert ("SecurityCtrlr", "BasicAuthPassword") in names
    kept = [row for row in reports[-1]["variables"] if row["variable"]["name"] == "BasicAuthPassword"]
    # write-only for the station; those of 2.1's network slots are read-only and empty
    told_of = {row["component"]["name"]: row["variableAttribute"][0].get("value") for row in kept}
    assert told_of.pop("SecurityCtrlr") is None and set(told_of.values()) <= {""}


async def trigger_and_unlock(stage: Stage, station_id: str) -> None:
    """A triggered message comes; the lock of an unused socket answers."""
    old = station_id.startswith("1.6")
    farm = stage.farm

    def heartbeats() -> int:
        rows = farm.ledger.query(
            "SELECT count FROM calls WHERE station_id = ? AND action = 'Heartbeat' AND outcome = 'ok'", (station_id,)
        )
        return int(rows[0][0]) if rows else 0

    before = heartbeats()
    answer = await stage.operate(station_id, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert answer["status"] == "Accepted"
    await stage.until(lambda: heartbeats() > before, f"{station_id} sent its heartbeat")
    payload = {"connectorId": 1} if old else {"evseId": 1, "connectorId": 1}
    answer = await stage.operate(station_id, "UnlockConnector", payload)
    assert answer["status"] == "Unlocked"


async def reset(stage: Stage, station_id: str) -> None:
    """A reset is answered first; the station comes back and says why it was away."""
    kind = "Soft" if station_id.startswith("1.6") else "Immediate"
    assert (await stage.operate(station_id, "Reset", {"type": kind}))["status"] == "Accepted"
    station = stage.farm.by_id[station_id].station
    await stage.until(lambda: station.boot_no == 2 and station.gate == "accepted", f"{station_id} is back")
    seen = await stage.api("GET", f"/api/stations/{station_id}")
    assert seen["boots"] == 2


def test_every_operation_is_done_and_told(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        ids = [seat.station.id for seat in stage.seats]
        for scene in (start_and_stop, change, trigger_and_unlock, reset):
            await asyncio.gather(*(scene(stage, station_id) for station_id in ids))
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1)), play)
    assert played.violations == []
    assert played.summary["exit_code"] == 0 and played.verdicts()["all_calls_answered"] == "PASS"
    assert played.summary["transactions"]["started"] == 3
    assert all(ours == theirs for ours, theirs in played.energies().values()) and len(played.energies()) == 3
