"""ReserveNow and CancelReservation of 1.6 (5.13, 5.1).

A product that takes no reservations answers Rejected, the word the messages have for it (5.13, certification cases
TC_048_4_CS and TC_050_4_CS), so the core does not refuse these requests by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import reservation
from simulator.blocks.reservation import Reservation
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.core.wall import parse_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table(feature=reservation.FEATURE)


@table.on("ReserveNow", when=REGISTERED, feature="")
def reserve(st: Station, req: Any, m: Any) -> Any:
    """5.13; connector 0 means any."""
    expiry_us = parse_wall(req.expiry_date)
    if expiry_us is None:
        raise CallRefused("property", f"expiryDate {req.expiry_date!r} is no date and time")
    wanted = Reservation(
        reservation_id=req.reservation_id,
        evse_id=req.connector_id,
        id_token=req.id_tag,
        expiry_us=expiry_us,
        group=None if req.parent_id_tag is UNSET else req.parent_id_tag,
    )
    return m.ReserveNowResponse(status=reservation.reserve(st, wanted))


@table.on("CancelReservation", when=REGISTERED, feature="")
def cancel(st: Station, req: Any, m: Any) -> Any:
    """5.1."""
    done = reservation.cancel(st, req.reservation_id)
    return m.CancelReservationResponse(status="Accepted" if done else "Rejected")
