"""DataTransfer of 1.6, both ways (4.3, 5.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import data_transfer
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import DataSent

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.on("DataTransfer", when=REGISTERED)
def received(st: Station, req: Any, m: Any) -> Any:
    """5.6."""
    message_id = None if req.message_id is UNSET else req.message_id
    own = st.model.identity.vendor
    vendor_id = own if req.vendor_id.lower() == own.lower() else req.vendor_id  # 6.15: its case does not count
    return m.DataTransferResponse(status=data_transfer.received(st, vendor_id, message_id))


@table.render(DataSent)
def send(st: Station, report: DataSent, m: Any) -> Any:
    """4.3."""
    return "DataTransfer", m.make(
        m.DataTransferRequest,
        vendor_id=report.vendor_id,
        message_id=report.message_id or UNSET,
        data=UNSET if report.data is None else str(report.data),
    )
