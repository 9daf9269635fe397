"""NotifyEvent and the status messages of logs and firmware of 2.x (N07, N01, L01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.core.dialect import Table
from simulator.core.reports import ComponentEvent, FirmwareProgress, FirmwareStep, LogProgress, LogStep
from simulator.ocpp2x.types import component, cut, now, variable, when

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


def next_event_id(st: Station) -> int:
    """An event id not used yet in this boot; the counter is the diagnostics block's."""
    event_id = int(st.data.get("event_id", 0)) + 1
    st.data["event_id"] = event_id
    return event_id


@table.render(ComponentEvent)
def notify_event(st: Station, report: ComponentEvent, m: Any) -> Any:
    """G05.FR.02, N07.FR.02, FR.07: one event a message. The severity is a field that only 2.1 has (N07.FR.21)."""
    return "NotifyEvent", m.make(
        m.NotifyEventRequest,
        generated_at=now(st),
        seq_no=0,
        event_data=[
            m.make(
                m.EventDataType,
                event_id=report.event_id,
                timestamp=when(st, report.at),
                trigger=report.trigger,
                actual_value=report.value[:2500],
                cleared=UNSET if report.cleared is None else report.cleared,
                tech_code=cut(report.tech_code, 50),
                tech_info=cut(report.tech_info, 500),
                transaction_id=report.key or UNSET,
                component=component(m, report.component, report.evse_id, report.connector_id),
                variable=variable(m, report.variable),
                event_notification_type=report.notification_type,
                severity=report.severity,
            )
        ],
    )


@table.render(LogProgress)
@table.render(LogStep)
def log_status(st: Station, report: LogProgress, m: Any) -> Any:
    """N01.FR.07-13: without a request id only when triggered while nothing is uploaded."""
    return "LogStatusNotification", m.make(
        m.LogStatusNotificationRequest,
        status=report.status,
        request_id=UNSET if report.request_id is None else report.request_id,
    )


@table.render(FirmwareProgress)
@table.render(FirmwareStep)
def firmware_status(st: Station, report: FirmwareProgress, m: Any) -> Any:
    """L01.FR.01, FR.20."""
    return "FirmwareStatusNotification", m.make(
        m.FirmwareStatusNotificationRequest,
        status=report.status,
        request_id=UNSET if report.request_id is None else report.request_id,
    )
