"""NotifyEvent of 2.x (G05, N07, N08)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.core.dialect import Table
from simulator.core.reports import (
    ComponentEvent,
    KeptEvent,
    MonitorEvents,
)
from simulator.ocpp2x.types import component, cut, now, variable, when

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.render(ComponentEvent)
def notify_event(st: Station, report: ComponentEvent, m: Any) -> Any:
    """G05.FR.02: a problem, or a state, one event a message."""
    return _notify(st, (report,), m)


@table.render(MonitorEvents)
def notify_monitors(st: Station, report: MonitorEvents, m: Any) -> Any:
    """N07.FR.06-07, N08.FR.04-05: what monitors found at one moment, in parts counted from 0."""
    return _notify(st, report.events, m, report.seq_no, more=report.more)


@table.render(KeptEvent)
def notify_kept(st: Station, report: KeptEvent, m: Any) -> Any:
    """N07.FR.04, N08.FR.03: an event of the time without connection."""
    return _notify(st, (report.event,), m)


def _notify(
    st: Station, events: tuple[ComponentEvent, ...], m: Any, seq_no: int = 0, *, more: bool = False
) -> tuple[str, Any]:
    return "NotifyEvent", m.make(
        m.NotifyEventRequest,
        generated_at=now(st),
        seq_no=seq_no,
        tbc=True if more else UNSET,
        event_data=[_event(st, event, m) for event in events],
    )


def _event(st: Station, event: ComponentEvent, m: Any) -> Any:
    """One event (N07.FR.02, FR.05-06); the severity is a field that only 2.1 has (N07.FR.21)."""
    return m.make(
        m.EventDataType,
        event_id=event.event_id,
        timestamp=when(st, event.at),
        trigger=event.trigger,
        cause=UNSET if event.cause is None else event.cause,
        actual_value=event.value[:2500],
        cleared=UNSET if event.cleared is None else event.cleared,
        tech_code=cut(event.tech_code, 50),
        tech_info=cut(event.tech_info, 500),
        transaction_id=event.key or UNSET,
        variable_monitoring_id=UNSET if event.monitor_id is None else event.monitor_id,
        component=component(m, event.component, event.evse_id, event.connector_id, event.component_instance),
        variable=variable(m, event.variable, event.instance),
        event_notification_type=event.notification_type,
        severity=event.severity,
    )
