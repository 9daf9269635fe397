"""GetDiagnostics of 1.6 (4.4, 5.9) and GetLog of its security extension (white paper N01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import logs
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import LogProgress, LogStep
from simulator.ocpp16.firmware import moment, optional

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: 6.13: the older message has four words; every other end is a failure. A cancelled upload is one too.
PLAIN = frozenset({"Idle", "Uploaded", "Uploading"})


@table.on("GetDiagnostics", when=REGISTERED, feature="FirmwareManagement")
def get_diagnostics(st: Station, req: Any, m: Any) -> Any:
    """5.9: without a file there is no file name, and nothing is uploaded."""
    wish = logs.LogWish(
        req.location,
        diagnostics=True,
        retries=optional(req.retries),
        interval_s=optional(req.retry_interval),
        oldest_us=None if req.start_time is UNSET else moment(req.start_time, "startTime"),
        latest_us=None if req.stop_time is UNSET else moment(req.stop_time, "stopTime"),
    )
    verdict = logs.request(st, wish)
    return m.GetDiagnosticsResponse(file_name=verdict.file_name or UNSET)


@table.on("GetLog", when=REGISTERED)
def get_log(st: Station, req: Any, m: Any) -> Any:
    """N01.FR.01-04, FR.11."""
    wish = logs.LogWish(
        req.log.remote_location,
        security=req.log_type == "SecurityLog",
        request_id=req.request_id,
        retries=optional(req.retries),
        interval_s=optional(req.retry_interval),
        oldest_us=None if req.log.oldest_timestamp is UNSET else moment(req.log.oldest_timestamp, "oldestTimestamp"),
        latest_us=None if req.log.latest_timestamp is UNSET else moment(req.log.latest_timestamp, "latestTimestamp"),
    )
    verdict = logs.request(st, wish)
    return m.GetLogResponse(status=verdict.status, filename=verdict.file_name or UNSET)


@table.render(LogProgress)
def asked_status(st: Station, report: LogProgress, m: Any) -> Any:
    """4.4, N01.FR.12."""
    return step(st, report, m)


@table.render(LogStep)
def step(st: Station, report: LogProgress, m: Any) -> Any:
    """4.4, N01.FR.07-10; that an upload was cancelled has no word of its own and was said by the answer."""
    if report.diagnostics:
        status = report.status if report.status in PLAIN else "UploadFailed"
        return "DiagnosticsStatusNotification", m.DiagnosticsStatusNotificationRequest(status=status)
    if report.status == "AcceptedCanceled":
        return None
    return "LogStatusNotification", m.LogStatusNotificationRequest(
        status=report.status, request_id=UNSET if report.request_id is None else report.request_id
    )
