"""SecurityEventNotification of the 1.6 security extension (white paper edition 3, A04 and chapter 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.core.dialect import Table
from simulator.core.reports import SecurityEvent
from simulator.core.wall import format_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: events that have another name in the white paper's list
NAMES = {
    "FailedToAuthenticateAtCsms": "FailedToAuthenticateAtCentralSystem",
    "CsmsFailedToAuthenticate": "CentralSystemFailedToAuthenticate",
    "InvalidCsmsCertificate": "InvalidCentralSystemCertificate",
    "InvalidChargingStationCertificate": "InvalidChargePointCertificate",
}


@table.render(SecurityEvent)
def security_event(st: Station, report: SecurityEvent, m: Any) -> Any:
    """A04."""
    return "SecurityEventNotification", m.make(
        m.SecurityEventNotificationRequest,
        type=NAMES.get(report.kind, report.kind),
        timestamp=format_wall(st.wall_of(report.at)),
        tech_info=report.info or UNSET,
    )
