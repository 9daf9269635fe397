"""CostUpdated, and what other answers of the CSMS say of tariffs and costs (I01 to I06)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import tariff
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.core.records import Remark
from simulator.core.reports import TransactionEnded, TransactionReport

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.on("CostUpdated", when=REGISTERED)
def cost_updated(st: Station, req: Any, m: Any) -> Any:
    """I02.FR.02-03. The answer has no word for a transaction that does not run."""
    if not tariff.shows_cost(st.model):
        raise CallRefused("not_supported", "this product shows no costs")
    if not tariff.running(st, req.transaction_id.lower(), req.total_cost):  # without case (2.1.4)
        st.record(Remark(f"cost of a transaction that does not run: {req.transaction_id[:36]}"))
    return m.make(m.CostUpdatedResponse)


def identified(st: Station, evse_id: int, info: Any) -> None:
    """The answer to Authorize: IdTokenInfoType (I01)."""
    if info.personal_message is not UNSET:
        tariff.personal(st, evse_id, info.personal_message.content)


def event_answered(st: Station, report: TransactionReport, res: Any) -> None:
    """The answer to a transaction event: running or total cost, a new tariff, a message (I02, I03, I06)."""
    for message in (
        UNSET if res.id_token_info is UNSET else res.id_token_info.personal_message,
        res.updated_personal_message,
    ):
        if message is not UNSET:
            tariff.updated(st, report.key, message.content)
    if isinstance(report, TransactionEnded):
        tariff.total(st, report.key, None if res.total_cost is UNSET else res.total_cost)
    elif res.total_cost is not UNSET:
        tariff.running(st, report.key, res.total_cost)
