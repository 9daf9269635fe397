"""StatusNotification, Heartbeat and ChangeAvailability of 1.6 (4.6, 4.9, 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import availability
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import HeartbeatDue, StatusChanged
from simulator.core.wall import format_wall, parse_wall
from simulator.core.wiring import QUIET
from simulator.ocpp16.policy import told_error

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: neutral problem code -> ChargePointErrorCode (7.6)
ERROR_CODES = {
    "": "NoError",
    "lock_failure": "ConnectorLockFailure",
    "ev_communication": "EVCommunicationError",
    "ground_failure": "GroundFailure",
    "high_temperature": "HighTemperature",
    "internal_error": "InternalError",
    "list_conflict": "LocalListConflict",
    "other_error": "OtherError",
    "over_current": "OverCurrentFailure",
    "over_voltage": "OverVoltage",
    "meter_failure": "PowerMeterFailure",
    "power_switch_failure": "PowerSwitchFailure",
    "reader_failure": "ReaderFailure",
    "reset_failure": "ResetFailure",
    "under_voltage": "UnderVoltage",
    "weak_signal": "WeakSignal",
}


@table.render(StatusChanged)
def status(st: Station, report: StatusChanged, m: Any) -> Any:
    """4.9."""
    return "StatusNotification", m.make(
        m.StatusNotificationRequest,
        connector_id=report.evse_id,
        error_code=ERROR_CODES[told_error(report.status, report.error)],
        status=report.status,
        info=report.info[:50] or UNSET,
        timestamp=format_wall(st.wall_of(report.at)),
        vendor_error_code=report.vendor_error or UNSET,
    )


@table.render(HeartbeatDue)
def heartbeat(st: Station, report: HeartbeatDue, m: Any) -> Any:
    """4.6."""
    return "Heartbeat", m.HeartbeatRequest()


@table.reply("Heartbeat")
def beaten(st: Station, report: HeartbeatDue, res: Any) -> object:
    """4.6: the answer carries the time."""
    wall_us = parse_wall(res.current_time)
    if wall_us is not None:
        st.set_clock(wall_us)
    return QUIET  # the clock only labels; no rule looks at it


@table.on("ChangeAvailability", when=REGISTERED)
def change(st: Station, req: Any, m: Any) -> Any:
    """5.2."""
    word = availability.change(st, req.connector_id, req.type == "Operative")
    return m.ChangeAvailabilityResponse(status=word)
