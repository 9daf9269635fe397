"""GetLog and LogStatusNotification of 2.x (N01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import logs
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import LogProgress, LogStep
from simulator.ocpp2x.types import moment, optional, reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: logType -> is it the security log; a station of ours has no other logs than these
KINDS = {"DiagnosticsLog": False, "SecurityLog": True}


@table.on("GetLog", when=REGISTERED)
def get_log(st: Station, req: Any, m: Any) -> Any:
    """N01.FR.01-05, FR.12: without a file of that kind or time it is Rejected."""
    security = KINDS.get(req.log_type)
    if security is None:
        return m.make(m.GetLogResponse, status="Rejected", status_info=reason(m, "UnsupportedParam"))
    wish = logs.LogWish(
        req.log.remote_location,
        security=security,
        request_id=req.request_id,
        retries=optional(req.retries),
        interval_s=optional(req.retry_interval),
        oldest_us=moment(req.log.oldest_timestamp, "oldestTimestamp"),
        latest_us=moment(req.log.latest_timestamp, "latestTimestamp"),
    )
    verdict = logs.request(st, wish)
    if not verdict.file_name:
        return m.make(m.GetLogResponse, status=verdict.status, status_info=reason(m, "NotFound"))
    return m.make(m.GetLogResponse, status=verdict.status, filename=verdict.file_name)


@table.render(LogProgress)
@table.render(LogStep)
def log_status(st: Station, report: LogProgress, m: Any) -> Any:
    """N01.FR.07-13, FR.20: without a request id only when triggered while nothing is uploaded."""
    return "LogStatusNotification", m.make(
        m.LogStatusNotificationRequest,
        status=report.status,
        request_id=UNSET if report.request_id is None else report.request_id,
    )
