"""Remote start and stop, unlocking and triggers of 1.6.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import AUTHORIZE_REMOTE, CONNECTION_TIMEOUT
from simulator.ocpp16 import remote_control
from tests.bench import Lab, bench, told


def test_tc_010_cs_remote_start_with_the_cable_first(lab: Lab) -> None:
    lab.forget().plug()
    assert lab.remote_start() == "Accepted"
    lab.run(4)
    assert told(lab) == ["StatusNotification Preparing", "StartTransaction", "StatusNotification Charging"]


@pytest.mark.parametrize("authorize", [False, True])
def test_tc_011_1_cs_remote_start_first(authorize: bool) -> None:
    lab = bench(settings={AUTHORIZE_REMOTE: authorize}).forget()
    assert lab.remote_start() == "Accepted"
    lab.run(2)
    assert told(lab) == [*(["Authorize"] if authorize else []), "StatusNotification Preparing"]
    lab.forget().plug().run(4)
    assert told(lab) == ["StartTransaction", "StatusNotification Charging"]


def test_tc_011_2_cs_remote_start_time_out() -> None:
    lab = bench(settings={CONNECTION_TIMEOUT: 30}).forget()
    assert lab.remote_start() == "Accepted"
    lab.run(30)
    assert told(lab) == ["StatusNotification Preparing", "StatusNotification Available"]


def test_tc_026_cs_remote_start_rejected(lab: Lab) -> None:
    lab.charge()
    assert lab.remote_start("OTHER") == "Rejected"


def test_tc_027_cs_remote_start_on_connector_0(lab: Lab) -> None:
    assert lab.remote_start(evse_id=0) == "Rejected"


def test_tc_028_cs_remote_stop_of_an_unknown_transaction(lab: Lab) -> None:
    lab.charge()
    assert lab.remote_stop(4711) == "Rejected"
    assert lab.evse().flowing


def test_tc_017_1_cs_unlock_without_session(lab: Lab) -> None:
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "Unlocked"}


def test_tc_017_2_cs_unlock_of_a_fixed_cable() -> None:
    lab = bench(evse={"tethered": True})
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "NotSupported"}


def test_tc_018_1_cs_unlock_with_session(lab: Lab) -> None:
    lab.charge().forget()
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "UnlockCommand"
    lab.unplug()
    assert lab.statuses()[-1] == "Available"


def test_tc_018_2_cs_unlock_of_a_fixed_cable_with_session() -> None:
    lab = bench(evse={"tethered": True}).charge().forget()
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "NotSupported"}
    lab.run(5)
    assert told(lab) == [] and lab.evse().flowing


def test_tc_030_cs_unlock_failure(lab: Lab) -> None:
    lab.charge().inject("lock.jammed", 1, stuck="closed").present()
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "UnlockFailed"}


def test_tc_031_cs_unlock_of_an_unknown_connector(lab: Lab) -> None:
    assert lab.ask("UnlockConnector", connectorId=9) == {"status": "NotSupported"}


def test_tc_054_cs_trigger_message(lab: Lab) -> None:
    for wanted, message in (
        ({"requestedMessage": "MeterValues", "connectorId": 1}, "MeterValues"),
        ({"requestedMessage": "Heartbeat"}, "Heartbeat"),
        ({"requestedMessage": "StatusNotification", "connectorId": 1}, "StatusNotification Available"),
        ({"requestedMessage": "DiagnosticsStatusNotification"}, "DiagnosticsStatusNotification Idle"),
        ({"requestedMessage": "FirmwareStatusNotification"}, "FirmwareStatusNotification Idle"),
        ({"requestedMessage": "BootNotification"}, "BootNotification"),
    ):
        lab.forget()
        assert lab.ask("TriggerMessage", **wanted) == {"status": "Accepted"}
        assert told(lab)[:1] == [message]
        kinds = [(s.direction, s.kind) for s in lab.csms.seen if s.direction == "cp"]
        assert kinds[0] == ("cp", 3), "the answer comes before what was asked for"


def test_tc_055_cs_trigger_message_rejected(lab: Lab) -> None:
    lab.forget()
    assert lab.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=2) == {"status": "Rejected"}
    lab.run(2)
    assert told(lab) == []


@pytest.mark.parametrize("connector", [-1, 3])
def test_a_trigger_for_a_connector_that_is_not_there(lab: Lab, connector: int) -> None:
    answer = lab.ask("TriggerMessage", requestedMessage="StatusNotification", connectorId=connector)
    assert answer == {"status": "Rejected"}


def test_a_triggered_status_of_all_connectors() -> None:
    """5.17: without connectorId every connector, the station as connector 0 included."""
    lab = bench(evses=2).forget()
    assert lab.ask("TriggerMessage", requestedMessage="StatusNotification") == {"status": "Accepted"}
    assert [p["connectorId"] for p in lab.csms.sent("StatusNotification")] == [0, 1, 2]


def test_a_remote_start_while_another_is_waiting(lab: Lab) -> None:
    assert lab.remote_start("A") == "Accepted"
    assert lab.remote_start("B") == "Rejected"


def test_every_answer_of_unlock_has_a_word() -> None:
    words = {"Unlocked", "UnlockFailed", "UnknownConnector", "NoLock"}
    assert set(remote_control._UNLOCK) == words


def test_a_charging_profile_in_the_request_is_left_aside(lab: Lab) -> None:
    """5.11: without smart charging the profile is ignored, not refused."""
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
        },
    }
    assert lab.remote_start(chargingProfile=profile) == "Accepted"
    lab.plug().run(4)
    assert lab.evse().power_w == 11_000
