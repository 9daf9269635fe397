"""H01 to H04: an EVSE, any EVSE or one with a certain connector is reserved; used, expired, cancelled, lost."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.states201 import (
    begins,
    energy_started,
    evse_unavailable,
    grouped,
    station_unavailable,
)
from simulator.certify.states201_reservation import (
    EXPIRES_S,
    RESERVATION_ID,
    all_reserved,
    claimed,
    names_reservation,
    reservation,
    reserve,
    reserved,
    reserved_for,
    tokens,
)
from simulator.certify.tester201 import Tester201

ENABLED = "ReservationCtrlr.Enabled"
TAKEN = {ENABLED: True}
UNAVAILABLE, OCCUPIED = "Unavailable", "Occupied"


def _charges(t: Tester201, token: str) -> None:
    """Somebody without a reservation charges: authorised, and energy flows."""
    t.valid = token
    energy_started(t)


def _used(t: Tester201, token: str, *, shown: bool = True) -> None:
    """The reservation is used: its token is authorised, energy flows, the transaction names the reservation."""
    claimed(t, token, shown=shown)
    energy_started(t)
    names_reservation(t, "EnergyTransferStarted.9")


def _group(t: Tester201) -> dict[str, Any]:
    return {"groupIdToken": {"idToken": t.tool.group, "type": "Central"}}


def _alone(t: Tester201) -> bool:
    """Is there one EVSE only? Then it is the one that is kept for who may come to any (H01.FR.20, FR.24)."""
    return len(t.rig.connectors) == 1


# -- a specific EVSE ---------------------------------------------------------------------------------------------------


@case_201("TC_H_01", settings=TAKEN, if_implemented=[ENABLED])
def used(t: Tester201) -> None:
    """Reserve a specific EVSE: accepted, Valid idToken."""
    reserved(t)
    _used(t, t.valid)


@case_201("TC_H_02", settings=TAKEN, if_implemented=[ENABLED], states=[reserved])
def somebody_else(t: Tester201) -> None:
    """Reserve a specific EVSE: accepted, Different idToken.

    A cable does not change the status of a reserved connector (errata, G01.FR.09), whatever the state
    EVConnectedPreSession says. Both main parts are run.
    """
    with t.within("EVConnectedPreSession"):
        t.plug()
        t.connected = True
        if begins(t):
            t.hear(t.event(3, "CablePluggedIn", kind="Started", state="EVConnected", fields={"evse.id": t.connector}))
        status = t.status(1, OCCUPIED)
        t.never(1, status.action, 5.0, status.fields)
    charging = {"transactionInfo.chargingState": "Charging"}
    if t.local:
        t.present(t.valid2)
        t.never("A", "TransactionEvent", float(t.read("OCPPCommCtrlr.MessageTimeout[Default]") or 30), charging)
    payload = {"idToken": t.token(t.valid2), "remoteStartId": 1, "evseId": t.connector}
    t.call("B.2", "RequestStartTransaction", payload, status="Rejected")


@case_201("TC_H_03", settings=TAKEN, if_implemented=[ENABLED], memory=[reserved])
def reserved_already(t: Tester201) -> None:
    """Reserve a specific EVSE: occupied, EVSE Reserved."""
    reserve(t, 2, reservation(t, number=RESERVATION_ID + 1, evse=t.connector, token=t.valid2), OCCUPIED)


@case_201("TC_H_04", settings=TAKEN, if_implemented=[ENABLED], states=[energy_started])
def occupied(t: Tester201) -> None:
    """Reserve a specific EVSE: occupied, EVSE Occupied."""
    reserve(t, 2, reservation(t, evse=t.connector, token=t.valid2), OCCUPIED)


@case_201("TC_H_06", settings=TAKEN, if_implemented=[ENABLED], memory=[evse_unavailable])
def unavailable(t: Tester201) -> None:
    """Reserve a specific EVSE: unavailable."""
    reserve(t, 2, reservation(t, evse=t.connector, token=t.valid2), UNAVAILABLE)


@case_201("TC_H_07", settings=TAKEN, if_implemented=[ENABLED])
def expired(t: Tester201) -> None:
    """Reserve a specific EVSE: reservation Ended / not used."""
    reserved_for(t, EXPIRES_S)
    t.hear(t.status(1, "Available"), after_s=EXPIRES_S - 5.0, within_s=EXPIRES_S + 30.0)
    fields = {"reservationId": RESERVATION_ID, "reservationUpdateStatus": "Expired"}
    t.expect(3, "ReservationStatusUpdate", fields)
    _charges(t, t.valid2)


@case_201("TC_H_22", settings={ENABLED: False})
def switched_off(t: Tester201) -> None:
    """Reserve a specific EVSE: configured to Reject."""
    reserve(t, 2, reservation(t, evse=t.connector), "Rejected")


@case_201("TC_H_23", settings=TAKEN, if_implemented=[ENABLED], memory=[reserved])
def replaced(t: Tester201) -> None:
    """Reserve a specific EVSE: replace reservation. That the connector, which is reserved already, tells so again is
    validated for a step the scenario does not have; it is allowed here and not asked for (H01.FR.23 wants it of an
    available EVSE)."""
    reserve(t, 2, reservation(t, evse=t.connector, token=t.valid2))
    again = t.status(3, "Reserved")
    t.maybe(3, again.action, again.fields)
    _used(t, t.valid2)


@case_201("TC_H_19", settings=TAKEN, if_implemented=[ENABLED], memory=[grouped])
def used_by_the_group(t: Tester201) -> None:
    """Reserve a specific EVSE: use a reserved EVSE with GroupId."""
    reserve(t, 2, {**reservation(t, evse=t.connector), **_group(t)})
    t.hear(t.status(3, "Reserved"))
    _used(t, t.valid2)


# -- any EVSE ----------------------------------------------------------------------------------------------------------


@case_201("TC_H_08", settings=TAKEN, if_implemented=[ENABLED])
def any_used(t: Tester201) -> None:
    """Reserve an unspecified EVSE: accepted. The token that is authorised is the one of the reservation (errata)."""
    reserve(t, 2, reservation(t))
    if _alone(t):
        t.hear(t.status(3, "Reserved"))
    _used(t, t.valid, shown=_alone(t))


@case_201("TC_H_09", settings=TAKEN, if_implemented=[ENABLED], states=[all_reserved])
def all_are_reserved(t: Tester201) -> None:
    """Reserve an unspecified EVSE: occupied, EVSE Reserved."""
    reserve(t, 2, reservation(t, number=RESERVATION_ID + len(t.rig.connectors)), OCCUPIED)


def _all_charging(t: Tester201) -> None:
    for evse, token in zip(t.rig.connectors, tokens(t), strict=True):
        t.go_to(evse, token)
        energy_started(t)


@case_201("TC_H_10", settings=TAKEN, if_implemented=[ENABLED], states=[_all_charging])
def all_are_occupied(t: Tester201) -> None:
    """Reserve an unspecified EVSE: occupied, EVSE Occupied."""
    reserve(t, 2, reservation(t, token=t.tool.valid), OCCUPIED)


@case_201("TC_H_12", settings=TAKEN, if_implemented=[ENABLED], memory=[station_unavailable])
def all_are_unavailable(t: Tester201) -> None:
    """Reserve an unspecified EVSE: unavailable."""
    reserve(t, 2, reservation(t), UNAVAILABLE)


@case_201("TC_H_13", settings=TAKEN, if_implemented=[ENABLED])
def not_offered(t: Tester201) -> None:
    """Reserve an unspecified EVSE: rejected."""
    reserve(t, 2, reservation(t), "Rejected")


@case_201("TC_H_14", settings=TAKEN, if_implemented=[ENABLED])
def as_many_as_there_are(t: Tester201) -> None:
    """Reserve an unspecified EVSE: amount of EVSEs available equals the amount of reservations."""
    for number, token in enumerate(tokens(t)):
        reserve(t, 2, reservation(t, number=RESERVATION_ID + number, token=token))
    t.all_statuses(3, "Reserved")


@case_201("TC_H_24", settings=TAKEN, if_implemented=[ENABLED], memory=[grouped])
def any_used_by_the_group(t: Tester201) -> None:
    """Reserve an unspecified EVSE: GroupIdToken. Where more EVSEs are vacant than reserved none is marked, so the
    status is asked for only of a station with one (H01.FR.20; the errata make it optional for TC_H_08)."""
    reserve(t, 2, {**reservation(t), **_group(t)})
    if _alone(t):
        t.hear(t.status(3, "Reserved"))
    _used(t, t.valid2, shown=_alone(t))


# -- a type of connector -----------------------------------------------------------------------------------------------


def _kind(t: Tester201) -> dict[str, str]:
    return {"connectorType": t.rig.model.evses[t.connector - 1].connector_type}


def _same_kind(t: Tester201) -> list[int]:
    """The EVSEs with such a connector."""
    return [spec.evse_id for spec in t.rig.model.evses if spec.connector_type == _kind(t)["connectorType"]]


@case_201("TC_H_15", settings=TAKEN, if_implemented=[ENABLED])
def kind_used(t: Tester201) -> None:
    """Reserve a connector with a specific type: success."""
    reserve(t, 2, {**reservation(t), **_kind(t)})
    last = len(_same_kind(t)) == 1
    if last:
        t.hear(t.status(3, "Reserved"))
    _used(t, t.valid, shown=last)


@case_201("TC_H_16", settings=TAKEN, if_implemented=[ENABLED], states=[all_reserved])
def kind_is_reserved(t: Tester201) -> None:
    """Reserve a connector with a specific type: amount of available connectors of a type equals the amount of
    reservations."""
    reserve(t, 2, {**reservation(t, number=RESERVATION_ID + len(t.rig.connectors)), **_kind(t)}, OCCUPIED)


# -- cancelled ---------------------------------------------------------------------------------------------------------


@case_201("TC_H_17", settings=TAKEN, if_implemented=[ENABLED], memory=[reserved])
def cancelled(t: Tester201) -> None:
    """Cancel reservation of an EVSE: success."""
    t.call(2, "CancelReservation", {"reservationId": RESERVATION_ID}, status="Accepted")
    t.hear(t.status(3, "Available"))


@case_201("TC_H_18", settings=TAKEN, if_implemented=[ENABLED])
def not_cancelled(t: Tester201) -> None:
    """Cancel reservation of an EVSE: rejected."""
    t.call(2, "CancelReservation", {"reservationId": 1}, status="Rejected")


@case_201("TC_H_21", settings=TAKEN, if_implemented=[ENABLED], memory=[reserved])
def lost(t: Tester201) -> None:
    """Cancel reservation of an EVSE: station cancels reservation when Unavailable."""
    where = {"evse": {"id": t.connector}}
    t.call(2, "ChangeAvailability", {"operationalStatus": "Inoperative", **where}, status="Accepted")
    t.hear(t.status(3, UNAVAILABLE))
    fields = {"reservationId": RESERVATION_ID, "reservationUpdateStatus": "Removed"}
    t.expect(5, "ReservationStatusUpdate", fields)
    t.call(8, "ChangeAvailability", {"operationalStatus": "Operative", **where}, status="Accepted")
    t.hear(t.status(9, "Available"))
    _charges(t, t.valid2)
