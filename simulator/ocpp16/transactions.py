"""StartTransaction and StopTransaction of 1.6 (4.8, 4.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import local_lookup, transaction_record, verdict
from simulator.core.dialect import Table
from simulator.core.reports import TransactionEnded, TransactionStarted
from simulator.core.wall import format_wall
from simulator.ocpp16.authorization import token_info
from simulator.ocpp16.metering import transaction_data, wire_id

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

REASONS = frozenset(
    {
        "DeAuthorized",
        "EmergencyStop",
        "EVDisconnected",
        "HardReset",
        "Local",
        "Other",
        "PowerLoss",
        "Reboot",
        "Remote",
        "SoftReset",
        "UnlockCommand",
    }
)


@table.render(TransactionStarted)
def start(st: Station, report: TransactionStarted, m: Any) -> Any:
    """4.8."""
    return "StartTransaction", m.make(
        m.StartTransactionRequest,
        connector_id=report.evse_id,
        id_tag=report.start_token[:20],
        meter_start=round(report.register_wh or 0.0),
        reservation_id=UNSET if report.reservation_id is None else report.reservation_id,
        timestamp=format_wall(st.wall_of(report.at)),
    )


@table.reply("StartTransaction")
def started(st: Station, report: TransactionStarted, res: Any) -> None:
    """4.8: the CSMS names the transaction and may refuse the token."""
    transaction_record.named(st, report.key, str(res.transaction_id))
    verdict.judge(st, report.key, token_info(res.id_tag_info), report.start_token)


@table.render(TransactionEnded)
def stop(st: Station, report: TransactionEnded, m: Any) -> Any:
    """4.10: reason Local may be left out, but is clearer when said; reasons 1.6 does not know become Other."""
    data = transaction_data(st, report.readings, m)
    return "StopTransaction", m.make(
        m.StopTransactionRequest,
        id_tag=UNSET if report.stop_token is None else report.stop_token[:20],
        meter_stop=round(report.register_wh if report.register_wh is not None else report.begun_wh or 0.0),
        timestamp=format_wall(st.wall_of(report.at)),
        transaction_id=wire_id(st, report.key),
        reason=report.reason if report.reason in REASONS else "Other",
        transaction_data=data if data else UNSET,
    )


@table.failure("StopTransaction")
def given_up(st: Station, report: TransactionEnded, code: str) -> None:
    """3.7.1: the last attempt failed; no message will need the id any more."""
    transaction_record.forget_name(st, report.key)


@table.reply("StopTransaction")
def stopped(st: Station, report: TransactionEnded, res: Any) -> None:
    """4.10: the last word on a transaction."""
    transaction_record.forget_name(st, report.key)
    if res.id_tag_info is not UNSET and report.stop_token is not None:
        local_lookup.remember(st, report.stop_token, token_info(res.id_tag_info))
