"""StatusNotification, Heartbeat and ChangeAvailability of 2.x (B04, G01 to G04).

The blocks know nine statuses, 2.x has five; a change that does not show in the five is not told (``policy.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import availability
from simulator.blocks.device_model import coarse_status
from simulator.blocks.diagnostics import next_event_id
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import ComponentEvent, HeartbeatDue, StatusChanged
from simulator.core.wiring import QUIET
from simulator.ocpp2x.diagnostics import notify_event
from simulator.ocpp2x.provisioning import told_time
from simulator.ocpp2x.types import reason, when

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.render(StatusChanged)
def status(st: Station, report: StatusChanged, m: Any) -> Any:
    """G01.FR.03-07: by StatusNotification, or by NotifyEvent where the product does so. The station as a whole has no
    status of its own here."""
    if report.evse_id == 0:
        return None
    word = coarse_status(report.status, report.plugged)
    if st.model.availability_by_event:
        return notify_event(
            st,
            ComponentEvent(
                event_id=next_event_id(st),
                component="Connector",
                evse_id=report.evse_id,
                connector_id=report.connector_id,
                variable="AvailabilityState",
                value=word,
                trigger="Delta",
                at=report.at,
            ),
            m,
        )
    return "StatusNotification", m.make(
        m.StatusNotificationRequest,
        timestamp=when(st, report.at),
        connector_status=word,
        evse_id=report.evse_id,
        connector_id=report.connector_id,
    )


@table.render(HeartbeatDue)
def heartbeat(st: Station, report: HeartbeatDue, m: Any) -> Any:
    """G02.FR.02."""
    return "Heartbeat", m.make(m.HeartbeatRequest)


@table.reply("Heartbeat")
def beaten(st: Station, report: HeartbeatDue, res: Any) -> object:
    """G02.FR.06: the answer carries the time."""
    wall_us = told_time(st, res.current_time)
    if wall_us is not None:
        st.set_clock(wall_us)
    return QUIET  # the clock only labels; no rule looks at it


@table.on("ChangeAvailability", when=REGISTERED)
def change(st: Station, req: Any, m: Any) -> Any:
    """G03, G04: an EVSE, its connector (every EVSE has one), or the whole station (G04.FR.01)."""
    evse_id, connector = 0, False
    if req.evse is not UNSET:
        evse_id = req.evse.id
        if st.evse(evse_id) is None:
            return m.make(m.ChangeAvailabilityResponse, status="Rejected", status_info=reason(m, "UnknownEvse"))
        connector = req.evse.connector_id is not UNSET
        if connector and req.evse.connector_id != 1:
            return m.make(m.ChangeAvailabilityResponse, status="Rejected", status_info=reason(m, "UnknownConnectorId"))
    word = availability.change(st, evse_id, req.operational_status == "Operative", connector=connector)
    return m.make(m.ChangeAvailabilityResponse, status=word)
