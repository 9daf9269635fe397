"""Reservations of 2.x. Tests with an id in their name are cases of part 6."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.blocks.authorization import CONNECTION_TIMEOUT
from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.blocks.reservation import ANY_EVSE, RESERVATIONS_ENABLED
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core.wall import format_wall
from simulator.ocpp2x import reservation
from tests.bench import CAR, Lab, bench, build, each_2x, frames, told

GROUP = {"idToken": "FAMILY", "type": "Central"}


def reserve(
    lab: Lab, evse_id: int | None = 1, token: str = "TAG", number: int = 7, for_s: float = 3600, **more: Any
) -> Any:
    """The answer; its status, with the reason if it has one."""
    payload: dict[str, Any] = {
        "id": number,
        "expiryDateTime": format_wall(lab.fleet.epoch_us + lab.fleet.now + int(for_s * 1e6)),
        "idToken": {"idToken": token, "type": "ISO14443"},
    } | more
    if evse_id is not None:
        payload["evseId"] = evse_id
    answer = lab.ask("ReserveNow", **payload)
    return answer["status"] if "statusInfo" not in answer else (answer["status"], answer["statusInfo"]["reasonCode"])


def updates(lab: Lab) -> list[tuple[int, str]]:
    """What was told of the end of reservations."""
    return [(p["reservationId"], p["reservationUpdateStatus"]) for p in lab.csms.sent("ReservationStatusUpdate")]


def used(lab: Lab) -> list[Any]:
    """The reservation each transaction named, and that no event after the first that did named it again."""
    found = []
    for session in lab.sessions():
        named = [event["reservationId"] for event in session.events if "reservationId" in event]
        assert len(named) <= 1, named
        found.append(named[0] if named else None)
    return found


def two_kinds(version: str) -> Lab:
    """EVSE 1 and 2 with a socket of type 2, EVSE 3 with a cable of CCS."""
    model = build(version, evses=3)
    evses = (*model.evses[:2], replace(model.evses[2], connector_type="cCCS2", tethered=True))
    return Lab(replace(model, evses=evses)).boot()


@each_2x
@pytest.mark.parametrize("remote", [False, True])
def test_tc_h_01_the_reserved_token(version: str, remote: bool) -> None:
    lab = bench(version, evses=2)
    assert reserve(lab) == "Accepted" and lab.statuses()[-1] == "Reserved"
    if remote:
        assert lab.remote_start("TAG", 1) == "Accepted"
    else:
        lab.present("TAG", 1)
    lab.run(1)
    assert lab.statuses()[-1] == "Available"  # H03.FR.10
    lab.plug().run(4)
    assert lab.statuses()[-1] == "Occupied" and used(lab) == [7] and updates(lab) == []
    lab.present("TAG", 1).unplug().run(2)
    assert lab.statuses()[-1] == "Available"


@each_2x
def test_tc_h_02_another_token(version: str) -> None:
    """H03.FR.01, F01.FR.22, G01.FR.09."""
    lab = bench(version, evses=2)
    reserve(lab)
    lab.plug().present("OTHER", 1).run(5)
    assert lab.statuses()[-1] == "Reserved" and not lab.evse().flowing
    assert lab.remote_start("OTHER", 1) == "Rejected"


@each_2x
def test_a_transaction_that_a_car_has_begun_leaves_the_connector_reserved(version: str) -> None:
    """TC_H_02 and H03 S1 with the start point EVConnected: only the right token changes the status (G01.FR.09)."""
    lab = bench(version, evses=2, settings={TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)})
    reserve(lab)
    lab.plug().run(2).present("OTHER", 1).run(2)
    assert [e["eventType"] for e in lab.sessions()[-1].events] == ["Started"] and lab.statuses()[-1] == "Reserved"
    assert reserve(lab, token="THIRD", number=8) == "Occupied" and lab.remote_start("OTHER", 1) == "Rejected"
    lab.present("TAG", 1).run(3)
    assert lab.statuses()[-1] == "Occupied" and lab.evse().flowing and used(lab) == [7]
    lab.present("TAG", 1).unplug().run(2)
    assert lab.statuses()[-1] == "Available"


@each_2x
def test_a_car_that_only_came_by_leaves_a_reserved_connector_as_it_was(version: str) -> None:
    lab = bench(version, settings={TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)})
    reserve(lab)
    told_before = lab.statuses()
    lab.plug().run(2).unplug().run(2)
    assert [e["eventType"] for e in lab.sessions()[-1].events] == ["Started", "Ended"]
    assert lab.statuses() == told_before and lab.statuses()[-1] == "Reserved"
    lab.charge(1, "TAG")
    assert used(lab) == [None, 7]


@each_2x
def test_tc_h_03_04_06_12_what_stands_against_it(version: str) -> None:
    """H01.FR.11, FR.12, FR.14."""
    lab = bench(version, evses=4)
    assert reserve(lab, 1) == "Accepted"
    assert reserve(lab, 1, "OTHER", 8) == "Occupied"
    lab.charge(2)
    assert reserve(lab, 2, "OTHER", 8) == "Occupied"
    lab.ask("ChangeAvailability", evse={"id": 3}, operationalStatus="Inoperative")
    assert reserve(lab, 3, "OTHER", 8) == "Unavailable"
    lab.inject("protection.rcd_trip", 4)
    assert reserve(lab, 4, "OTHER", 8) == "Faulted"
    assert updates(lab) == []


@each_2x
def test_tc_h_07_expires(version: str) -> None:
    """H04.FR.01-03: freed first, then told why."""
    lab = bench(version, evses=2)
    reserve(lab, for_s=30)
    lab.forget().run(31)
    assert told(lab) == ["StatusNotification", "ReservationStatusUpdate"]
    assert lab.statuses() == ["Available"] and updates(lab) == [(7, "Expired")]
    lab.charge(1, "OTHER")
    assert used(lab) == [None]


@each_2x
def test_it_is_told_when_the_link_is_back(version: str) -> None:
    lab = bench(version)
    reserve(lab, for_s=30)
    lab.inject("modem.outage")
    lab.run(60)
    assert not lab.station.link.is_up and updates(lab) == []
    lab.clear().run(60)
    assert updates(lab) == [(7, "Expired")]


@each_2x
def test_tc_h_08_14_any_evse(version: str) -> None:
    """H01.FR.04, FR.07, FR.18, FR.20."""
    lab = bench(version, evses=2)
    assert reserve(lab, None, "A", 1) == "Accepted"
    assert lab.statuses(1)[-1] == lab.statuses(2)[-1] == "Available"  # one of them remains in any case
    assert reserve(lab, None, "B", 2) == "Accepted"
    assert lab.statuses(1)[-1] == lab.statuses(2)[-1] == "Reserved"
    assert reserve(lab, None, "C", 3) == "Occupied"  # TC_H_09
    lab.charge(2, "A").charge(1, "B")
    assert used(lab) == [1, 2]


@each_2x
def test_tc_h_13_any_evse_is_not_offered(version: str) -> None:
    """H01.FR.19."""
    lab = bench(version, settings={ANY_EVSE: False})
    assert reserve(lab, None) == "Rejected" and reserve(lab, 1) == "Accepted"


@each_2x
def test_tc_h_15_16_a_type_of_connector(version: str) -> None:
    """H01.FR.06, FR.09, FR.24."""
    lab = two_kinds(version)
    assert reserve(lab, None, "A", 1, connectorType="cCCS2") == "Accepted"
    assert [lab.statuses(n)[-1] for n in (1, 2, 3)] == ["Available", "Available", "Reserved"]
    assert reserve(lab, None, "B", 2, connectorType="cCCS2") == "Occupied"
    assert reserve(lab, None, "B", 2, connectorType="cTesla") == ("Rejected", "UnknownConnectorType")
    lab.present("OTHER", 3).run(2)
    assert lab.evse(3).grant is None
    lab.charge(3, "A")
    assert used(lab) == [1]


@each_2x
def test_any_and_a_type_do_not_rob_each_other(version: str) -> None:
    """Three reservations on three EVSEs: whoever may take any of them does not take the only one of the type."""
    lab = two_kinds(version)
    for number, token, more in ((1, "A", {"connectorType": "cCCS2"}), (2, "B", {}), (3, "C", {})):
        assert reserve(lab, None, token, number, **more) == "Accepted"
    assert [lab.statuses(n)[-1] for n in (1, 2, 3)] == ["Reserved"] * 3
    lab.present("B", 3).run(2)
    assert lab.evse(3).grant is None
    lab.charge(1, "B").charge(3, "A").charge(2, "C")
    assert used(lab) == [2, 1, 3]


@each_2x
def test_tc_h_17_18_cancel(version: str) -> None:
    """H02.FR.01-02."""
    lab = bench(version)
    reserve(lab)
    assert lab.ask("CancelReservation", reservationId=8)["status"] == "Rejected"
    assert lab.statuses()[-1] == "Reserved"
    assert lab.ask("CancelReservation", reservationId=7)["status"] == "Accepted"
    lab.run(1)
    assert lab.statuses()[-1] == "Available" and updates(lab) == []


@each_2x
@pytest.mark.parametrize("evse_id", [1, None], ids=["tc_h_19", "tc_h_24"])
def test_the_group(version: str, evse_id: int | None) -> None:
    """H03.FR.04, FR.06, FR.08: the CSMS says of which group the token is."""
    lab = bench(version)
    lab.csms.groups["MEMBER"] = "FAMILY"
    assert reserve(lab, evse_id, "TAG", groupIdToken=GROUP) == "Accepted" and lab.statuses()[-1] == "Reserved"
    lab.present("STRANGER", 1).run(2)
    assert lab.evse().grant is None
    lab.charge(1, "MEMBER")
    assert used(lab) == [7]


@each_2x
@pytest.mark.parametrize("how", ["faulted", "unavailable"])
def test_tc_h_20_21_its_evse_goes(version: str, how: str) -> None:
    """H01.FR.16, FR.17."""
    lab = bench(version, evses=2)
    reserve(lab)
    lab.forget()
    if how == "faulted":
        lab.inject("protection.rcd_trip", 1)
    else:
        lab.ask("ChangeAvailability", evse={"id": 1}, operationalStatus="Inoperative")
    lab.run(1)
    said = [action for _, action, _ in frames(lab.csms, "StatusNotification", "ReservationStatusUpdate")]
    assert said == ["StatusNotification", "ReservationStatusUpdate"]
    assert lab.statuses() == [how.capitalize()] and updates(lab) == [(7, "Removed")]


@each_2x
def test_tc_h_22_rejected(version: str) -> None:
    """H01.FR.01: the product takes none, or is not set up for it."""
    for settings in ({FEATURE_PROFILES: ("Core",)}, {RESERVATIONS_ENABLED: False}):
        lab = bench(version, settings=settings)
        assert reserve(lab) == "Rejected" and reserve(lab, None) == "Rejected"
    assert reserve(lab, 9) == ("Rejected", "UnknownEvse") and reserve(lab, 0) == ("Rejected", "UnknownEvse")
    assert lab.ask("ReserveNow", id=1, expiryDateTime="soon", idToken=GROUP)[0] == "PropertyConstraintViolation"


@each_2x
def test_tc_h_23_replaced(version: str) -> None:
    """H01.FR.02."""
    lab = bench(version, evses=2)
    reserve(lab)
    assert reserve(lab, 1, "OTHER") == "Accepted"
    lab.present("TAG", 1).run(2)
    assert lab.evse().grant is None
    lab.charge(1, "OTHER")
    assert used(lab) == [7] and updates(lab) == []


@each_2x
def test_a_token_without_a_cable_has_used_it(version: str) -> None:
    """H03.FR.09; only 2.1 can tell (H03.FR.11)."""
    lab = bench(version, settings={CONNECTION_TIMEOUT: 60})
    reserve(lab)
    lab.present("TAG", 1).run(61)
    assert lab.evse().grant is None and lab.statuses()[-1] == "Available"
    assert updates(lab) == ([(7, "NoTransaction")] if version == "2.1" else [])
    lab.charge(1, "OTHER")
    assert used(lab) == [None]


@each_2x
def test_what_is_used_cannot_be_cancelled_nor_lost(version: str) -> None:
    """H03.FR.09: from the token on there is no such reservation any more (H02.FR.01), but its transaction names it."""
    lab = bench(version)
    reserve(lab)
    lab.present("TAG", 1).run(1)
    assert lab.ask("CancelReservation", reservationId=7)["status"] == "Rejected"
    lab.plug(1, CAR).run(4)
    assert used(lab) == [7]
    lab.present("TAG", 1).unplug(1).run(1)
    reserve(lab)
    lab.present("TAG", 1).run(1).inject("protection.rcd_trip", 1).run(5)
    assert lab.statuses()[-1] == "Faulted" and (7, "Removed") not in updates(lab)


@each_2x
def test_a_token_that_is_refused_has_used_it_too(version: str) -> None:
    """H03.FR.09-10, S1: what counts is that it is presented; the CSMS is asked after that."""
    lab = bench(version)
    lab.csms.verdicts["TAG"] = "Blocked"
    reserve(lab)
    lab.present("TAG", 1).run(1)
    assert lab.statuses()[-1] == "Available" and lab.evse().grant is None
    assert updates(lab) == ([(7, "NoTransaction")] if version == "2.1" else [])
    assert lab.ask("CancelReservation", reservationId=7)["status"] == "Rejected"
    reserve(lab)
    lab.present("OTHER", 1).run(1)
    assert lab.statuses()[-1] == "Reserved"


@each_2x
def test_a_token_of_another_type_is_another_token(version: str) -> None:
    """C01.FR.25 (errata 2.19), F01.FR.21, H03.FR.01."""
    lab = bench(version)
    reserve(lab, idToken={"idToken": "TAG", "type": "Central"})
    lab.present("TAG", 1).run(1)
    assert lab.evse().grant is None and lab.remote_start() == "Rejected"
    assert lab.remote_start(idToken={"idToken": "tag", "type": "Central"}) == "Accepted"
    lab.plug(1, CAR).run(4)
    assert used(lab) == [7]


@each_2x
def test_used_at_the_last_moment_is_not_expired(version: str) -> None:
    lab = bench(version)
    reserve(lab, for_s=30)
    lab.run(25).present("TAG", 1).run(10).plug(1, CAR).run(4)
    assert used(lab) == [7] and updates(lab) == []


@each_2x
def test_switched_off_it_lies_idle(version: str) -> None:
    """Part 2, 2.1: the entries stay, and count again afterwards."""
    lab = bench(version)
    reserve(lab)
    lab.configure(RESERVATIONS_ENABLED, False)
    lab.run(1)
    assert lab.statuses()[-1] == "Available"
    lab.configure(RESERVATIONS_ENABLED, True)
    lab.run(1)
    assert lab.statuses()[-1] == "Reserved"
    assert reservation.table.feature == "Reservation"
