"""P Data transfer: vendor messages, both ways.

No vendor extension is built in: a request for an unknown vendor is answered so (P01.FR.05-06, 1.6 5.6), unless the
profile lists the vendor ids the product knows; a quirk may answer in its product's way through the ``request`` seam.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.core.reports import DataSent
from simulator.core.wiring import performs

if TYPE_CHECKING:
    from simulator.core.station import Station


def received(st: Station, vendor_id: str, message_id: str | None) -> str:
    """What becomes of a vendor message: UnknownVendorId; for the product's own vendor id UnknownMessageId, Rejected
    where no message id can be unknown (P01.FR.06: if used)."""
    own_id = vendor_id == st.model.identity.vendor
    if not own_id:
        return "UnknownVendorId"
    return "Rejected" if message_id is None else "UnknownMessageId"


def send(st: Station, vendor_id: str, message_id: str | None, data: object) -> None:
    """Send a vendor message."""
    st.publish(DataSent(vendor_id, message_id, data))


@performs("data_transfer")
def send_by_hand(st: Station, args: dict[str, Any], now: int) -> None:
    """Somebody has the product send one: ``vendor_id``, and optionally ``message_id`` and ``data``."""
    send(st, str(args["vendor_id"]), args.get("message_id"), args.get("data"))
