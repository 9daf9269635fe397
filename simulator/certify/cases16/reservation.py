"""Reservations: of a connector, of the whole station, used, expired, refused, cancelled, and used by a group."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states import (
    RESERVATION_ID,
    charging_with,
    connector_faulted,
    connector_occupied,
    connector_unavailable,
    others_unavailable,
    reservation,
    reserved,
    station_faulted,
    station_occupied,
    station_unavailable,
)
from simulator.certify.tester import Tester, message

#: how long a reservation that is to expire is made for
EXPIRES_S = 60


def reserve(t: Tester, status: str, *, connector: int | None = None) -> None:
    """The tool asks for a reservation; the station says what stands in its way."""
    t.call(2, "ReserveNow", reservation(t, connector=connector), status=status)


@case("TC_046_1", states=[others_unavailable])
def used_by_token(t: Tester) -> None:
    """Another token is turned away; the right one starts, and the start names the reservation."""
    reserve(t, "Accepted")
    t.expect(3, "StatusNotification", connectorId=t.connector, status="Reserved")
    t.present(t.valid2)
    t.maybe(5, "Authorize", idTag=t.valid2)
    t.never(5, "StatusNotification", 2, connectorId=t.connector)
    t.present(t.valid)
    t.maybe(5, "Authorize", idTag=t.valid)
    t.expect(7, "StatusNotification", connectorId=t.connector, status="Preparing")
    t.plug()
    t.any_order(
        message(9, "StartTransaction", connectorId=t.connector, idTag=t.valid, reservationId=RESERVATION_ID),
        message(11, "StatusNotification", connectorId=t.connector, status="Charging"),
    )


@case("TC_046_2")
def used_by_remote_start(t: Tester) -> None:
    """A remote start for the right token uses the reservation."""
    reserve(t, "Accepted")
    t.expect(3, "StatusNotification", connectorId=t.connector, status="Reserved")
    t.validate(5, charging_with(t, t.valid), reservationId=RESERVATION_ID)


@case("TC_047", states=[others_unavailable])
def expired(t: Tester) -> None:
    """Nobody came in time: the connector is free for everybody."""
    t.call(2, "ReserveNow", reservation(t, for_s=EXPIRES_S), status="Accepted")
    t.expect(3, "StatusNotification", connectorId=t.connector, status="Reserved")
    t.expect(
        5,
        "StatusNotification",
        connectorId=t.connector,
        status="Available",
        after_s=EXPIRES_S - 5,
        within_s=EXPIRES_S + 30,
    )
    t.validate(7, charging_with(t, t.valid2), reservationId=OMITTED)


@case("TC_048_1", states=[connector_faulted])
def faulted(t: Tester) -> None:
    """A faulted connector cannot be reserved."""
    reserve(t, "Faulted")


@case("TC_048_2", states=[connector_occupied])
def occupied(t: Tester) -> None:
    """Nor can one with a car at it."""
    reserve(t, "Occupied")


@case("TC_048_3", states=[connector_unavailable])
def unavailable(t: Tester) -> None:
    """Nor one that is out of order."""
    reserve(t, "Unavailable")


@case("TC_048_4")
def refused(t: Tester) -> None:
    """A station without reservations refuses them, or does not know the request."""
    t.call(2, "ReserveNow", reservation(t), or_error=one_of("NotSupported", "NotImplemented"), status="Rejected")


@case("TC_049", states=[others_unavailable])
def station_used(t: Tester) -> None:
    """The whole station is reserved; its token may start at a connector."""
    reserve(t, "Accepted", connector=0)
    t.expect(3, "StatusNotification", status="Reserved")
    t.validate(5, charging_with(t, t.valid), reservationId=RESERVATION_ID)


@case("TC_050_1", states=[station_faulted])
def station_is_faulted(t: Tester) -> None:
    """A faulted station cannot be reserved."""
    reserve(t, "Faulted", connector=0)


@case("TC_050_2", states=[station_occupied])
def station_is_occupied(t: Tester) -> None:
    """Nor one with a car at every connector."""
    reserve(t, "Occupied", connector=0)


@case("TC_050_3", states=[station_unavailable])
def station_is_unavailable(t: Tester) -> None:
    """Nor one that is out of order."""
    reserve(t, "Unavailable", connector=0)


@case("TC_050_4")
def station_refused(t: Tester) -> None:
    """A station that cannot be reserved as a whole refuses it, or does not know the request."""
    t.call(
        2,
        "ReserveNow",
        reservation(t, connector=0),
        or_error=one_of("NotSupported", "NotImplemented"),
        status="Rejected",
    )


@case("TC_051", states=[reserved])
def cancelled(t: Tester) -> None:
    """Cancelled, the connector is free for another token."""
    t.call(2, "CancelReservation", {"reservationId": RESERVATION_ID}, status="Accepted")
    t.expect(3, "StatusNotification", connectorId=t.connector, status="Available")
    t.validate(5, charging_with(t, t.valid2), reservationId=OMITTED)


@case("TC_052", states=[reserved])
def not_cancelled(t: Tester) -> None:
    """An unknown reservation cannot be cancelled."""
    t.call(2, "CancelReservation", {"reservationId": RESERVATION_ID + 1}, status="Rejected")


@case("TC_053_1", "TC_053_2", states=[others_unavailable])
def used_by_group(t: Tester) -> None:
    """A token of the same group uses the reservation."""
    t.csms.groups |= {t.valid: t.tool.group, t.valid2: t.tool.group}
    payload = {**reservation(t), "parentIdTag": t.tool.group}
    t.call(2, "ReserveNow", payload, status="Accepted")
    t.expect(3, "StatusNotification", connectorId=t.connector, status="Reserved")
    t.present(t.valid2)
    t.any_order(
        message(5, "Authorize", idTag=t.valid2),
        message(5, "StatusNotification", connectorId=t.connector, status="Preparing"),
    )
    t.plug()
    t.any_order(
        message(7, "StartTransaction", connectorId=t.connector, idTag=t.valid2, reservationId=RESERVATION_ID),
        message(9, "StatusNotification", connectorId=t.connector, status="Charging"),
    )
