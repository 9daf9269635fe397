"""Reservations of 1.6. Tests with an id in their name are cases of the certification tool (2024-04)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.blocks.reservation import ANY_EVSE, RESERVATIONS_ENABLED
from simulator.core.wall import format_wall
from simulator.ocpp16 import reservation
from tests.bench import Lab, bench, frames, told


def in_s(lab: Lab, seconds: float) -> str:
    """A moment by the true clock."""
    return format_wall(lab.fleet.epoch_us + lab.fleet.now + int(seconds * 1e6))


def reserve(lab: Lab, connector: int = 1, token: str = "TAG", number: int = 7, for_s: float = 3600, **more: Any) -> str:
    answer = lab.ask(
        "ReserveNow",
        connectorId=connector,
        expiryDate=in_s(lab, for_s),
        idTag=token,
        reservationId=number,
        **more,
    )
    return str(answer["status"])


def cancel(lab: Lab, number: int = 7) -> str:
    return str(lab.ask("CancelReservation", reservationId=number)["status"])


def only_the_first(lab: Lab) -> Lab:
    """All connectors but the first become unavailable."""
    for evse in lab.station.evses[1:]:
        lab.ask("ChangeAvailability", connectorId=evse.evse_id, type="Inoperative")
    return lab.forget()


def reservations_told(lab: Lab) -> list[Any]:
    return [session.begin.get("reservationId") for session in lab.sessions()]


STARTS = ["StartTransaction", "StatusNotification Charging"]


def test_tc_046_1_cs_local_start() -> None:
    lab = only_the_first(bench(evses=2))
    assert reserve(lab) == "Accepted"
    assert lab.statuses() == ["Reserved"]
    lab.forget().present("OTHER").run(5)
    assert told(lab) == []
    lab.present("TAG").run(1)
    assert told(lab) == ["Authorize", "StatusNotification Preparing"]
    lab.forget().plug().run(4)
    assert told(lab) == STARTS
    assert reservations_told(lab) == [7] and lab.session().begin["idTag"] == "TAG"


@pytest.mark.parametrize("check", ["true", "false"])
def test_tc_046_2_cs_remote_start(check: str) -> None:
    lab = bench(evses=2)
    lab.ask("ChangeConfiguration", key="AuthorizeRemoteTxRequests", value=check)
    assert reserve(lab, 2) == "Accepted" and lab.statuses(2)[-1] == "Reserved"
    assert lab.remote_start("OTHER", 2) == "Rejected"
    assert lab.remote_start("TAG", 2) == "Accepted"
    lab.run(1).plug(2).run(4)
    assert lab.statuses(2)[-3:] == ["Reserved", "Preparing", "Charging"]
    assert reservations_told(lab) == [7] and lab.session().evse_id == 2


def test_tc_047_cs_expires() -> None:
    lab = only_the_first(bench(evses=2))
    assert reserve(lab, for_s=30) == "Accepted"
    lab.run(29)
    assert lab.statuses() == ["Reserved"]
    lab.run(1.5)
    (reserved, _, _), (freed, _, _) = frames(lab.csms, "StatusNotification")
    assert lab.statuses() == ["Reserved", "Available"] and 29.9 < freed - reserved < 30.1
    lab.charge(token="OTHER")
    assert reservations_told(lab) == [None]


def test_tc_048_1_cs_faulted() -> None:
    lab = bench(evses=2)
    lab.inject("protection.rcd_trip", 1)
    assert lab.statuses()[-1] == "Faulted"
    assert reserve(lab) == "Faulted" and reserve(lab, 2) == "Accepted"


def test_tc_048_2_cs_occupied() -> None:
    lab = bench().plug()
    assert reserve(lab) == "Occupied" and lab.statuses()[-1] == "Preparing"


def test_tc_048_3_cs_unavailable() -> None:
    lab = bench(evses=2)
    lab.ask("ChangeAvailability", connectorId=1, type="Inoperative")
    assert reserve(lab) == "Unavailable" and lab.statuses()[-1] == "Unavailable"


@pytest.mark.parametrize("connector", [1, 0], ids=["tc_048_4_cs", "tc_050_4_cs"])
def test_rejected(connector: int) -> None:
    """A product without the feature, or not set up for it (5.13)."""
    for settings in ({FEATURE_PROFILES: ("Core",)}, {RESERVATIONS_ENABLED: False}):
        lab = bench(settings=settings)
        assert reserve(lab, connector) == "Rejected" and cancel(lab) == "Rejected"
        assert lab.statuses() == ["Available"]


def test_tc_049_cs_any_connector() -> None:
    lab = only_the_first(bench(evses=2))
    assert reserve(lab, 0) == "Accepted"
    assert lab.statuses() == ["Reserved"]
    lab.forget().charge()
    assert reservations_told(lab) == [7] and lab.statuses() == ["Preparing", "Charging"]


def test_tc_050_1_cs_station_faulted() -> None:
    lab = bench(evses=2)
    for evse_id in (1, 2):
        lab.inject("protection.rcd_trip", evse_id, f"f{evse_id}")
    assert reserve(lab, 0) == "Faulted"


def test_tc_050_2_cs_station_occupied() -> None:
    assert reserve(bench(evses=2).plug(1).plug(2), 0) == "Occupied"


def test_tc_050_3_cs_station_unavailable() -> None:
    lab = bench(evses=2)
    lab.ask("ChangeAvailability", connectorId=0, type="Inoperative")
    assert reserve(lab, 0) == "Unavailable"


def test_tc_051_cs_cancel() -> None:
    lab = bench()
    reserve(lab)
    lab.forget()
    assert cancel(lab) == "Accepted"
    assert lab.statuses() == ["Available"]
    lab.charge(token="TAG2")
    assert reservations_told(lab) == [None]


def test_tc_052_cs_cancel_rejected() -> None:
    lab = bench()
    reserve(lab)
    assert cancel(lab, 8) == "Rejected" and lab.statuses()[-1] == "Reserved"
    assert lab.remote_start("OTHER") == "Rejected"


def test_tc_053_cs_parent_id_tag() -> None:
    lab = only_the_first(bench(evses=2))
    lab.csms.groups = {"TAG2": "FAMILY", "TAG3": "OTHERS"}
    assert reserve(lab, parentIdTag="FAMILY") == "Accepted" and lab.statuses() == ["Reserved"]
    lab.forget().present("TAG3").run(1)
    assert told(lab) == ["Authorize"] and lab.evse().grant is None
    lab.forget().present("TAG2").run(1)
    assert told(lab) == ["Authorize", "StatusNotification Preparing"]
    lab.forget().plug().run(4)
    assert told(lab) == STARTS
    assert reservations_told(lab) == [7] and lab.session().begin["idTag"] == "TAG2"


# -- the messages ------------------------------------------------------------------------------------------------------


def test_connector_0_needs_its_key() -> None:
    for model in ({"settings": {ANY_EVSE: False}}, {"absent": frozenset({ANY_EVSE})}):
        assert reserve(bench(**model), 0) == "Rejected"
    lab = bench()
    (row,) = lab.ask("GetConfiguration", key=["ReserveConnectorZeroSupported"])["configurationKey"]
    assert row == {"key": "ReserveConnectorZeroSupported", "readonly": True, "value": "true"}


def test_a_date_that_is_none_is_refused() -> None:
    lab = bench(lenient=True)
    answer = lab.ask("ReserveNow", connectorId=1, expiryDate="tomorrow", idTag="TAG", reservationId=1)
    assert answer[0] in ("PropertyConstraintViolation", "FormationViolation", "TypeConstraintViolation")
    assert not lab.evse().reserved


def test_a_connector_that_does_not_exist_and_a_time_that_is_over() -> None:
    lab = bench()
    assert reserve(lab, 3) == "Rejected" and reserve(lab, for_s=-1) == "Rejected"
    assert lab.statuses() == ["Available"]


def test_the_table_is_of_the_feature() -> None:
    assert reservation.table.feature == "Reservation"
