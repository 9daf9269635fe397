"""Triggers (F06)."""

from typing import Any

import pytest

from simulator.ocpp2x.triggers import TRIGGERS
from tests.ocpp2x.bench import Bench, each_version


def trigger(bench: Bench, message: str, **evse: int) -> tuple[str, list[tuple[str, Any]]]:
    """Status of the answer, and what the station said afterwards (F06.FR.04)."""
    mark = bench.mark()
    payload: dict[str, Any] = {"requestedMessage": message}
    if evse:
        payload["evse"] = evse
    status = bench.ask("TriggerMessage", payload)["status"]
    bench.run(1)
    seen = [s for s in bench.csms.seen[mark:] if s.direction == "cp"]
    assert seen[0].kind == 3  # the reply came first
    return status, bench.since(mark)


@each_version
def test_triggers_of_an_idle_station(version: str) -> None:
    """F06.FR.03, FR.06, FR.08, FR.12, FR.15-17."""
    bench = Bench(version).boot()
    assert trigger(bench, "BootNotification") == ("Rejected", [])
    assert trigger(bench, "LogStatusNotification") == ("Accepted", [("LogStatusNotification", {"status": "Idle"})])
    assert trigger(bench, "FirmwareStatusNotification", id=1) == (
        "Accepted",
        [("FirmwareStatusNotification", {"status": "Idle"})],
    )
    assert trigger(bench, "Heartbeat") == ("Accepted", [("Heartbeat", {})])
    status, said = trigger(bench, "MeterValues")
    assert status == "Accepted" and [(what, payload["evseId"]) for what, payload in said] == [
        ("MeterValues", 1),
        ("MeterValues", 2),
    ]
    (sample,) = said[0][1]["meterValue"][0]["sampledValue"]
    assert sample["context"] == "Trigger" and sample["measurand"] == "Energy.Active.Import.Register"
    assert len(trigger(bench, "MeterValues", id=2)[1]) == 1
    assert trigger(bench, "MeterValues", id=3) == ("Rejected", [])
    status, said = trigger(bench, "StatusNotification", id=2, connectorId=1)
    assert status == "Accepted" and said[0][1]["connectorStatus"] == "Available" and said[0][1]["evseId"] == 2
    for where in ({}, {"id": 1}, {"id": 3, "connectorId": 1}, {"id": 1, "connectorId": 2}):
        assert trigger(bench, "StatusNotification", **where) == ("Rejected", [])
    assert trigger(bench, "TransactionEvent") == ("Rejected", [])
    for message in ("SignV2GCertificate", "SignCombinedCertificate"):
        assert message not in TRIGGERS and trigger(bench, message) == ("NotImplemented", [])
    assert trigger(bench, "PublishFirmwareStatusNotification") == ("NotImplemented", [])  # no local controller


def test_custom_triggers_are_not_known() -> None:
    """2.1 F06.FR.19."""
    bench = Bench("2.1").boot()
    answer = bench.ask("TriggerMessage", {"requestedMessage": "CustomTrigger", "customTrigger": "mine"})
    assert answer["status"] == "NotImplemented"


@each_version
def test_nothing_to_measure_is_refused(version: str) -> None:
    """F06.FR.10: what is Accepted is sent; the state of charge is not known here."""
    for measurands in ((), ("SoC",)):
        bench = Bench(version, {"AlignedDataCtrlr.Measurands": measurands}).boot()
        assert trigger(bench, "MeterValues") == ("Rejected", [])


@each_version
@pytest.mark.parametrize("dead", [False, True])
def test_trigger_of_a_transaction_event(version: str, dead: bool) -> None:
    """F06.FR.07, FR.11; with a dead meter still the state."""
    bench = Bench(version, {"SampledDataCtrlr.TxUpdatedMeasurands": () if dead else ("Voltage",)}).boot()
    key = bench.charge(evse_id=2)
    for where in ({}, {"id": 2}):
        status, said = trigger(bench, "TransactionEvent", **where)
        ((action, event),) = said
        assert (status, action, event["triggerReason"]) == ("Accepted", "TransactionEvent", "Trigger")
        assert event["transactionInfo"] == {"transactionId": key, "chargingState": "Charging"}
        assert event["evse"] == {"id": 2, "connectorId": 1}
        if dead:
            assert "meterValue" not in event
        else:
            assert {v["measurand"] for v in event["meterValue"][0]["sampledValue"]} == {"Voltage"}
    assert [event["seqNo"] for event in bench.events()] == list(range(len(bench.events())))
    assert trigger(bench, "TransactionEvent", id=1) == ("Rejected", [])


@each_version
def test_triggers_while_pending(version: str) -> None:
    """B02.FR.02: what was asked for may go out."""
    bench = Bench(version)
    bench.csms.boot_status, bench.csms.interval_s = "Pending", 1000
    bench.boot()
    for message in ("Heartbeat", "LogStatusNotification", "FirmwareStatusNotification", "MeterValues"):
        status, said = trigger(bench, message)
        assert status == "Accepted" and said, message
    assert trigger(bench, "StatusNotification", id=1, connectorId=1)[1]
    assert trigger(bench, "TransactionEvent") == ("Rejected", [])
    bench.csms.boot_status = "Accepted"
    assert trigger(bench, "BootNotification")[0] == "Accepted"
    bench.run(2)
    statuses = [payload["evseId"] for payload in bench.sent("StatusNotification")]
    assert statuses == [1, 1, 2]  # B01.FR.05: all again
