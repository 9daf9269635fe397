"""Remote start and stop, unlocking, triggers (F01 to F06)."""

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.model import EvseSpec
from simulator.ocpp2x.remote_control import TRIGGERS
from tests.ocpp2x.bench import Bench, each_version

TOKEN = {"idToken": "APP", "type": "ISO14443"}


def start(bench: Bench, remote_start_id: int = 9, **more: Any) -> Any:
    return bench.ask("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": remote_start_id, **more})


@each_version
@pytest.mark.parametrize("plug_first", [True, False])
def test_remote_start(version: str, plug_first: bool) -> None:
    """F01.FR.02-04, FR.19, FR.25, F02.FR.01, FR.21."""
    bench = Bench(version).boot()
    if plug_first:
        bench.feed(i.Plug(2))
    assert start(bench, evseId=2) == {"status": "Accepted"}
    bench.run(5)
    if not plug_first:
        bench.feed(i.Plug(2))
        bench.run(5)
    assert not bench.sent("Authorize")
    (started,) = bench.events("Started")
    assert started["triggerReason"] == "RemoteStart" and started["idToken"] == TOKEN
    assert started["transactionInfo"]["remoteStartId"] == 9
    assert [event for event in bench.events() if "remoteStartId" in event["transactionInfo"]] == [started]
    answer = start(bench, 10, evseId=2)  # F01.FR.24
    assert answer["status"] == "Rejected" and answer["statusInfo"]["reasonCode"] == "TxInProgress"


@each_version
def test_remote_start_with_authorization(version: str) -> None:
    """F01.FR.01."""
    bench = Bench(version, {"AuthCtrlr.AuthorizeRemoteStart": True}).boot()
    bench.csms.verdicts["APP"] = "Blocked"
    bench.feed(i.Plug(1))
    assert start(bench, evseId=1)["status"] == "Accepted"
    bench.run(5)
    assert bench.sent("Authorize") == [{"idToken": TOKEN}] and not bench.events()


@each_version
def test_remote_start_of_a_transaction_that_waits_for_a_token(version: str) -> None:
    """F01.FR.13, FR.25."""
    bench = Bench(version, {"TxCtrlr.TxStartPoint": ("EVConnected",)}).boot()
    bench.feed(i.Plug(1))
    bench.run(2)
    (started,) = bench.events()
    key = started["transactionInfo"]["transactionId"]
    assert start(bench, evseId=1) == {"status": "Accepted", "transactionId": key}
    bench.run(5)
    named = bench.events()[1]
    assert named["triggerReason"] == "RemoteStart" and named["idToken"] == TOKEN
    assert named["transactionInfo"]["remoteStartId"] == 9


@each_version
def test_remote_start_finds_an_evse_by_itself(version: str) -> None:
    """F01.FR.20: the one where a car waits."""
    bench = Bench(version).boot()
    bench.feed(i.Plug(2))
    bench.run(1)
    assert start(bench)["status"] == "Accepted"
    bench.run(5)
    assert bench.events("Started")[0]["evse"]["id"] == 2


@each_version
def test_remote_start_that_cannot_be(version: str) -> None:
    """F01.FR.23; an EVSE that does not exist."""
    bench = Bench(version).boot()
    assert start(bench, evseId=7)["statusInfo"]["reasonCode"] == "UnknownEvse"
    bench.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    assert start(bench, evseId=1)["status"] == "Rejected"
    bench.feed(i.Inject("f1", "protection.rcd_trip", 2))
    bench.run(1)
    assert start(bench, evseId=2)["status"] == "Rejected"
    assert start(bench)["statusInfo"]["reasonCode"] == "Unspecified"


def test_evse_zero_is_no_evse() -> None:
    assert start(Bench("2.0.1").boot(), evseId=0)["statusInfo"]["reasonCode"] == "UnknownEvse"


@each_version
def test_a_profile_is_left_aside(version: str) -> None:
    """F01.FR.12."""
    bench = Bench(version).boot()
    bench.feed(i.Plug(1))
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [
            {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}]}
        ],
    }
    assert start(bench, evseId=1, chargingProfile=profile)["status"] == "Accepted"
    bench.run(5)
    assert bench.st.evses[0].power_w > 10_000


@each_version
def test_remote_stop(version: str) -> None:
    """F03.FR.03, FR.07-08."""
    bench = Bench(version).boot()
    key = bench.charge()
    wrong = bench.ask("RequestStopTransaction", {"transactionId": "other"})
    assert wrong["status"] == "Rejected" and wrong["statusInfo"]["reasonCode"] == "UnknownTxId"
    assert bench.ask("RequestStopTransaction", {"transactionId": key}) == {"status": "Accepted"}
    bench.run(2)
    (last,) = bench.events("Ended")
    assert (last["triggerReason"], last["transactionInfo"]["stoppedReason"]) == ("RemoteStop", "Remote")
    assert "idToken" not in last


@each_version
def test_remote_stop_with_another_stop_point(version: str) -> None:
    """F03.FR.02."""
    bench = Bench(version, {"TxCtrlr.TxStopPoint": ("EVConnected",)}).boot()
    key = bench.charge()
    assert bench.ask("RequestStopTransaction", {"transactionId": key})["status"] == "Accepted"
    bench.run(2)
    assert [event["eventType"] for event in bench.events() if event["triggerReason"] == "RemoteStop"] == ["Updated"]
    assert bench.st.evses[0].power_w == 0


@each_version
def test_unlock(version: str) -> None:
    """F05.FR.02-06."""
    bench = Bench(version, evses=(EvseSpec(1), EvseSpec(2, tethered=True))).boot()

    def unlock(evse_id: int, connector_id: int = 1) -> Any:
        return bench.ask("UnlockConnector", {"evseId": evse_id, "connectorId": connector_id})

    assert unlock(1) == {"status": "Unlocked"}  # no cable
    assert unlock(3)["status"] == unlock(1, 2)["status"] == "UnknownConnector"
    fixed = unlock(2)
    assert fixed["status"] == "UnlockFailed" and fixed["statusInfo"]["reasonCode"] == "FixedCable"
    bench.charge()
    assert unlock(1) == {"status": "OngoingAuthorizedTransaction"}
    bench.run(2)
    assert not bench.events("Ended")


# -- triggers ----------------------------------------------------------------------------------------------------------


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
    for message in ("SignChargingStationCertificate", "SignV2GCertificate", "PublishFirmwareStatusNotification"):
        assert message not in TRIGGERS and trigger(bench, message) == ("NotImplemented", [])


def test_custom_triggers_are_not_known() -> None:
    """2.1 F06.FR.19."""
    bench = Bench("2.1").boot()
    answer = bench.ask("TriggerMessage", {"requestedMessage": "CustomTrigger", "customTrigger": "mine"})
    assert answer["status"] == "NotImplemented"


@each_version
def test_nothing_to_measure_is_refused(version: str) -> None:
    bench = Bench(version, {"AlignedDataCtrlr.Measurands": ()}).boot()
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
