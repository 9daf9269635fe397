"""Messages of the 1.6 security extension that the present blocks need (white paper edition 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.core.dialect import Table
from simulator.core.reports import SecurityEvent
from simulator.core.wall import format_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.render(SecurityEvent)
def security_event(st: Station, report: SecurityEvent, m: Any) -> Any:
    """A04."""
    return "SecurityEventNotification", m.make(
        m.SecurityEventNotificationRequest,
        type=report.kind,
        timestamp=format_wall(st.wall_of(report.at)),
        tech_info=report.info or UNSET,
    )
