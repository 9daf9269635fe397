"""DataTransfer of 2.x, both ways (P01, P02)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from simulator.blocks import data_transfer
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import DataSent

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.on("DataTransfer", when=REGISTERED)
def received(st: Station, req: Any, m: Any) -> Any:
    """P01.FR.05-06."""
    message_id = None if req.message_id is UNSET else req.message_id
    return m.make(m.DataTransferResponse, status=data_transfer.received(st, req.vendor_id, message_id))


@table.render(DataSent)
def send(st: Station, report: DataSent, m: Any) -> Any:
    """P02; the data may be any JSON value."""
    return "DataTransfer", m.make(
        m.DataTransferRequest,
        vendor_id=report.vendor_id[:255],
        message_id=UNSET if report.message_id is None else report.message_id[:50],
        data=UNSET if report.data is None else msgspec.Raw(msgspec.json.encode(report.data)),
    )
