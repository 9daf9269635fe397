"""PublishFirmware, UnpublishFirmware and PublishFirmwareStatusNotification (L03, L04), of a local controller.

Any other product answers both requests as not supported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import publishing
from simulator.blocks.product_settings import LOCAL_CONTROLLER
from simulator.core.dialect import REGISTERED, Later, Table
from simulator.core.reports import PublishProgress, PublishStep
from simulator.ocpp2x.types import optional, reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table(LOCAL_CONTROLLER)


@table.on("PublishFirmware", when=REGISTERED)
def publish(st: Station, req: Any, m: Any) -> Any:
    """L03.FR.05."""
    status, code = publishing.request(
        st, req.location, req.checksum, req.request_id, optional(req.retries), optional(req.retry_interval)
    )
    return m.make(m.PublishFirmwareResponse, status=status, status_info=reason(m, code) if code else UNSET)


@table.on("UnpublishFirmware", when=REGISTERED)
def unpublish(st: Station, req: Any, m: Any) -> Any:
    """L04.FR.01-04."""
    words = ("Unpublished", "NoFirmware", "DownloadOngoing")
    answers = {word: m.make(m.UnpublishFirmwareResponse, status=word) for word in words}
    promised = publishing.withdraw(st, req.checksum, answers)
    return answers[promised] if isinstance(promised, str) else Later(*promised)


@table.render(PublishProgress)
@table.render(PublishStep)
def status(st: Station, report: PublishProgress, m: Any) -> Any:
    """L03.FR.01, FR.04, FR.06-11: the addresses stand with Published only."""
    return "PublishFirmwareStatusNotification", m.make(
        m.PublishFirmwareStatusNotificationRequest,
        status=report.status,
        request_id=UNSET if report.request_id is None else report.request_id,
        location=list(report.places) or UNSET,
    )
