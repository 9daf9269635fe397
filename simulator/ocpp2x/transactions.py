"""TransactionEvent and GetTransactionStatus of 2.x (E)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import transaction_record, verdict
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import (
    SampleTaken,
    TransactionEnded,
    TransactionReport,
    TransactionStarted,
    TransactionUpdated,
)
from simulator.core.wiring import QUIET
from simulator.ocpp2x import smart_charging, tariff
from simulator.ocpp2x.authorization import NOT_CACHED, token_info
from simulator.ocpp2x.metering import meter_values
from simulator.ocpp2x.types import evse, id_token, when

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

table = Table()

#: ReasonEnumType as both versions have it
REASONS = frozenset(
    {
        "DeAuthorized",
        "EmergencyStop",
        "EnergyLimitReached",
        "EVDisconnected",
        "GroundFault",
        "ImmediateReset",
        "Local",
        "LocalOutOfCredit",
        "MasterPass",
        "Other",
        "OvercurrentFault",
        "PowerLoss",
        "PowerQuality",
        "Reboot",
        "Remote",
        "SOCLimitReached",
        "StoppedByEV",
        "TimeLimitReached",
        "Timeout",
    }
)


def _token(report: TransactionReport) -> tuple[str, str] | None:
    """(token, type) this report names: the one that authorises, named once (E01.FR.10), else one that ends the
    authorisation (E07.FR.02)."""
    if report.id_token is not None:
        return report.id_token, report.token_type
    if isinstance(report, TransactionEnded) and report.stop_token is not None:
        return report.stop_token, report.stop_token_type
    return None


def _event(st: Station, report: TransactionReport, m: Any, event_type: str, stopped: Any = UNSET) -> Any:
    token = _token(report)
    values = meter_values(st, report.readings, m, report.evse_id, report.key_with)
    # E01.FR.16: the event after the plug-in names the EVSE, even if an earlier one named where it was going to be
    tell_evse = report.tell_evse or report.trigger == "CablePluggedIn"
    # not make(): all of these fields are in both versions, and this is the busiest message
    return "TransactionEvent", m.TransactionEventRequest(
        event_type=event_type,
        timestamp=when(st, report.at),
        trigger_reason=report.trigger,
        seq_no=report.seq_no,
        offline=True if report.offline else UNSET,
        number_of_phases_used=UNSET if report.phases_used is None else report.phases_used,
        reservation_id=UNSET if report.reservation_id is None else report.reservation_id,
        transaction_info=m.TransactionType(
            transaction_id=report.key,
            charging_state=report.charging_state or UNSET,
            stopped_reason=stopped,
            remote_start_id=UNSET if report.remote_start_id is None else report.remote_start_id,
        ),
        evse=evse(m, report.evse_id, report.connector_id) if tell_evse else UNSET,
        id_token=UNSET if token is None else id_token(st, m, *token, report.remote_start_id),
        meter_value=values if values else UNSET,
    )


@table.render(TransactionStarted)
def started(st: Station, report: TransactionStarted, m: Any) -> Any:
    """E01, E02, E03."""
    return _event(st, report, m, "Started")


@table.render(TransactionUpdated)
def updated(st: Station, report: TransactionUpdated, m: Any) -> Any:
    """E02.FR.13-20."""
    return _event(st, report, m, "Updated")


@table.render(SampleTaken)
def sample(st: Station, report: SampleTaken, m: Any) -> Any:
    """J02.FR.11, J01.FR.22."""
    return _event(st, report, m, "Updated")


@table.render(TransactionEnded)
def ended(st: Station, report: TransactionEnded, m: Any) -> Any:
    """E06; the reason is always said (E06.FR.08-09, E07.FR.05), one that 2.x does not know becomes Other."""
    return _event(st, report, m, "Ended", report.reason if report.reason in REASONS else "Other")


@table.reply("TransactionEvent")
def answered(st: Station, report: TransactionReport, res: Any) -> object:
    """E05: the CSMS may refuse the token. What it says is of the token that the event named, else of the one the
    transaction belongs to (E06.FR.04: it may think better of it at any time)."""
    tariff.event_answered(st, report, res)
    ranked = res.charging_priority is not UNSET and smart_charging.event_answered(st, report.key, res.charging_priority)
    if res.id_token_info is UNSET:
        return None if ranked else QUIET
    token = _token(report)
    where = None if token is not None else transaction_record.running(st, report.key)
    if token is None:
        tx = None if where is None else where.tx
        if tx is None or not tx.id_token:
            return None if ranked else QUIET
        token = tx.id_token, tx.token_type
    before = None if where is None else _judged(where)
    name, kind = token
    smart_charging.identified(st, report.evse_id, name, res.id_token_info)
    info = token_info(res.id_token_info)
    verdict.judge(st, report.key, info, name, kind, cached=kind not in NOT_CACHED)
    # some say with every answer what they have said before
    return QUIET if where is not None and not ranked and _judged(where) == before else None


def _judged(where: Evse) -> tuple[object, ...]:
    """What an answer may change of an authorisation."""
    grant = where.grant
    return () if grant is None else (id(grant), grant.group, grant.energy, grant.stop_at_wh, grant.priority)


@table.on("GetTransactionStatus", when=REGISTERED)
def status(st: Station, req: Any, m: Any) -> Any:
    """E14.FR.01-08."""
    if req.transaction_id is UNSET:
        waiting = any(key for _, key in st.outbox.undelivered())
        return m.make(m.GetTransactionStatusResponse, messages_in_queue=waiting)
    key = req.transaction_id.lower()  # without case (2.1.4); the station's own are lower
    return m.make(
        m.GetTransactionStatusResponse,
        ongoing_indicator=transaction_record.running(st, key) is not None,
        messages_in_queue=st.outbox.transaction_waits(key),
    )
