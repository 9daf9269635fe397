"""Remote start and stop, and unlocking of 1.6.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import AUTHORIZE_REMOTE, CONNECTION_TIMEOUT
from simulator.ocpp16 import remote_control
from tests.bench import Lab, bench, build, told


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


def test_a_remote_start_while_another_is_waiting(lab: Lab) -> None:
    assert lab.remote_start("A") == "Accepted"
    assert lab.remote_start("B") == "Rejected"


def test_every_answer_of_unlock_has_a_word() -> None:
    words = {"Unlocked", "UnlockFailed", "UnknownConnector", "NoLock"}
    assert set(remote_control._UNLOCK) == words


def test_a_token_of_nothing_starts_nothing(lab: Lab) -> None:
    lab.plug()
    assert lab.ask("RemoteStartTransaction", idTag="", connectorId=1) == {"status": "Rejected"}


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("ClearCache", {}),
        ("UnlockConnector", {"connectorId": 1}),
        ("ClearChargingProfile", {}),
        ("CancelReservation", {"reservationId": 1}),
        ("GetCompositeSchedule", {"connectorId": 1, "duration": 60}),
    ],
)
def test_a_pending_station_serves_all_but_remote_starts_and_stops(action: str, payload: dict[str, int]) -> None:
    """4.2.1."""
    lab = Lab(build("1.6"))
    lab.csms.boot_status = "Pending"
    lab.boot()
    assert "status" in lab.ask(action, **payload)
    assert lab.ask("RemoteStartTransaction", idTag="TAG")[0] == "GenericError"
