"""ReserveNow, CancelReservation and ReservationStatusUpdate of 2.x (H01 to H04).

A product that takes no reservations answers Rejected, the word the messages have for it (H01.FR.01), so the core does
not refuse these requests by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import reservation
from simulator.blocks.reservation import NO_TRANSACTION, Reservation
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.core.reports import ReservationOver
from simulator.core.wall import parse_wall
from simulator.ocpp2x.capabilities import V21
from simulator.ocpp2x.types import group_of, reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table(feature=reservation.FEATURE)


@table.on("ReserveNow", feature="", when=REGISTERED)
def reserve(st: Station, req: Any, m: Any) -> Any:
    """H01.FR.01-24; without an EVSE any is meant, or any with such a connector. Not before the station is accepted,
    which is no error of the message (part 2, FR.02)."""
    if st.gate != "accepted":
        return m.make(m.ReserveNowResponse, status="Rejected", status_info=reason(m, "CSNotAccepted"))
    expiry_us = parse_wall(req.expiry_date_time)
    if expiry_us is None:
        raise CallRefused("property", f"expiryDateTime {req.expiry_date_time!r} is no date and time")
    code = _unknown(st, req)
    if code:
        return m.make(m.ReserveNowResponse, status="Rejected", status_info=reason(m, code))
    wanted = Reservation(
        reservation_id=req.id,
        evse_id=0 if req.evse_id is UNSET else req.evse_id,
        id_token=req.id_token.id_token,
        expiry_us=expiry_us,
        group=group_of(req.group_id_token),
        connector_type=None if req.connector_type is UNSET else req.connector_type,
        token_type=req.id_token.type,
    )
    return m.make(m.ReserveNowResponse, status=reservation.reserve(st, wanted))


def _unknown(st: Station, req: Any) -> str:
    """A reason code if the request names what the station does not have."""
    if req.evse_id is not UNSET and st.evse(req.evse_id) is None:
        return "UnknownEvse"
    meant = st.evses if req.evse_id is UNSET else (st.evses[req.evse_id - 1],)
    if req.connector_type is not UNSET and all(evse.spec.connector_type != req.connector_type for evse in meant):
        return "UnknownConnectorType"
    return ""


@table.on("CancelReservation", feature="", when=REGISTERED)
def cancel(st: Station, req: Any, m: Any) -> Any:
    """H02.FR.01-02."""
    if reservation.cancel(st, req.reservation_id):
        return m.make(m.CancelReservationResponse, status="Accepted")
    return m.make(m.CancelReservationResponse, status="Rejected", status_info=reason(m, "NotFound"))


@table.render(ReservationOver)
def over(st: Station, report: ReservationOver, m: Any) -> Any:
    """H01.FR.16-17, H04.FR.01; that a token came and no transaction only 2.1 can say (H03.FR.11)."""
    if report.status == NO_TRANSACTION and V21 not in st.dialect.capabilities:
        return None
    return "ReservationStatusUpdate", m.make(
        m.ReservationStatusUpdateRequest,
        reservation_id=report.reservation_id,
        reservation_update_status=report.status,
    )
