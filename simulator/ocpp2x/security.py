"""SecurityEventNotification of 2.x (A04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.core.dialect import Table
from simulator.core.reports import SecurityEvent
from simulator.ocpp2x.types import cut, when

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.render(SecurityEvent)
def security_event(st: Station, report: SecurityEvent, m: Any) -> Any:
    """A04.FR.01-02."""
    return "SecurityEventNotification", m.make(
        m.SecurityEventNotificationRequest,
        type=report.kind[:50],
        timestamp=when(st, report.at),
        tech_info=cut(report.info, 255),
    )
