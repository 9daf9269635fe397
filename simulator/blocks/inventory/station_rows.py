"""The station as a whole: its parts and what they can tell (part 2 appendices, 3: physical components)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.availability import HEARTBEAT_INTERVAL
from simulator.blocks.firmware_record import version
from simulator.blocks.inventory import quantities as q
from simulator.blocks.inventory.rows import MAX_SET, STATION, Limit, ReadRow, Row, When, number, truth
from simulator.blocks.product_identity import identify, serial_of
from simulator.hardware import cooling

if TYPE_CHECKING:
    from simulator.core.model import EvseSpec, Model
    from simulator.core.station import Station


def _flag(component: str, variable: str, read: ReadRow, *, when: When | None = None, monitored: bool = True) -> Row:
    return Row(STATION, component, variable, "boolean", read, monitored=monitored, when=when)


def _text(component: str, variable: str, read: ReadRow, *, when: When | None = None, most: Limit = None) -> Row:
    return Row(STATION, component, variable, "string", read, when=when, maximum=most, constant=True)


def _decimal(
    component: str,
    variable: str,
    unit: str,
    read: ReadRow,
    *,
    most: Limit = None,
    least: Limit = 0.0,
    more: tuple[tuple[str, ReadRow], ...] = (),
    when: When | None = None,
) -> Row:
    return Row(
        STATION, component, variable, "decimal", read,
        unit=unit, minimum=least, maximum=most, more=more, when=when, monitored=True,
    )  # fmt: skip


def _always(component: str, when: When | None = None) -> Row:
    """Enabled of a part that nobody can switch off: it is always true."""
    return Row(STATION, component, "Enabled", "boolean", "true", constant=True, when=when)


def _problem(component: str, when: When | None = None) -> Row:
    return _flag(component, "Problem", lambda st: truth(q.troubled(st, component)), when=when)


def _tripped(component: str) -> Row:
    return _flag(component, "Tripped", lambda st: truth(q.troubled(st, component)))


def _direct(model: Model, spec: EvseSpec | None) -> bool:
    return any(evse.is_dc for evse in model.evses)


def _several_phases(model: Model, spec: EvseSpec | None) -> bool:
    return q.feed_phases(model) > 1


def _wireless(model: Model, spec: EvseSpec | None) -> bool:
    return model.hardware.modem.signal_dbm is not None


def _held_up(model: Model, spec: EvseSpec | None) -> bool:
    return model.hardware.holdup_s > 0


def _phases(model: Model, spec: EvseSpec | None) -> float:
    return float(q.feed_phases(model))


def _rated(model: Model, spec: EvseSpec | None) -> float:
    return q.rated_power_w(model)


def _feed_limit_v(model: Model, spec: EvseSpec | None) -> float:
    return q.feed_nominal_v(model) * q.FEED_RANGE


def _signal(st: Station) -> str:
    found = st.board.modem.signal_dbm()
    return "" if found is None else str(found)


def _protection_open(st: Station) -> str:
    return truth(any(one.opens and not one.evse_id for one in st.board.protection.faults))


ROWS: tuple[Row, ...] = (
    # -- the station
    Row(STATION, "ChargingStation", "Available", "boolean", "true", constant=True),
    Row(
        STATION, "ChargingStation", "AvailabilityState", "OptionList", q.station_state,
        values=q.AVAILABILITY_WORDS, monitored=True,
    ),
    _flag("ChargingStation", "Enabled", lambda st: truth(q.operative(st))),
    _flag("ChargingStation", "Problem", lambda st: truth(q.station_blocked(st))),
    _flag("ChargingStation", "Tripped", _protection_open),
    _flag("ChargingStation", "Overload", lambda st: truth(q.load_share(st) > q.OVERLOAD)),
    _text("ChargingStation", "Identity", lambda st: st.id, most=48),
    _text("ChargingStation", "Model", lambda st: st.model.identity.model, most=20),
    _text("ChargingStation", "VendorName", lambda st: st.model.identity.vendor, most=50),
    _text(
        "ChargingStation", "SerialNumber", lambda st: serial_of(st) or "", most=25,
        when=lambda model, spec: model.identity.serial is not None,
    ),
    Row(
        STATION, "ChargingStation", "FirmwareVersion", "string", lambda st: version(st) or "",
        maximum=50, when=lambda model, spec: model.identity.firmware is not None,
    ),
    Row(
        STATION, "ChargingStation", "SupplyPhases", "integer", lambda st: str(q.feed_phases(st.model)),
        maximum=_phases, constant=True,
    ),
    Row(
        STATION, "ChargingStation", "PhaseRotation", "OptionList", lambda st: q.phase_rotation(st, 0),
        values=q.PHASE_ORDERS, when=_several_phases,
    ),
    _decimal("ChargingStation", "ACVoltage", "V", lambda st: number(q.feed_voltage_v(st)), most=_feed_limit_v),
    _decimal("ChargingStation", "ACCurrent", "A", lambda st: number(q.feed_current_a(st), 2)),
    _decimal("ChargingStation", "Power", "W", lambda st: number(q.power_w(st)), most=_rated),
    # -- its feed and its supplies
    _always("ElectricalFeed"),
    _flag("ElectricalFeed", "Active", lambda st: truth(st.board.supply.mains)),
    _problem("ElectricalFeed"),
    Row(
        STATION, "ElectricalFeed", "PowerType", "OptionList", "AC", values=("AC", "DC"), constant=True,
    ),
    Row(
        STATION, "ElectricalFeed", "SupplyPhases", "integer", lambda st: str(q.feed_phases(st.model)), constant=True,
        maximum=_phases,
    ),
    Row(
        STATION, "ElectricalFeed", "PhaseRotation", "OptionList", lambda st: q.phase_rotation(st, 0),
        values=q.PHASE_ORDERS, when=_several_phases,
    ),
    _decimal("ElectricalFeed", "ACVoltage", "V", lambda st: number(q.feed_voltage_v(st)), most=_feed_limit_v),
    _decimal("ElectricalFeed", "Power", "W", lambda st: number(q.power_w(st)), most=_rated),
    _decimal(
        "ElectricalFeed", "Energy", "Wh",
        lambda st: number(sum(q.register_wh(st, evse) or 0.0 for evse in st.evses), 0),
    ),
    Row(
        STATION, "ELVSupply", "Fallback", "boolean", lambda st: truth(not st.board.supply.mains), maximum=1,
        monitored=True, when=_held_up,
    ),
    # -- its electronics
    _flag("Controller", "Active", lambda st: truth(st.running)),
    _problem("Controller"),
    _text("Controller", "Manufacturer", lambda st: st.model.identity.vendor, most=50),
    _text("Controller", "Model", lambda st: st.model.identity.model, most=20),
    _text(
        "Controller", "SerialNumber", lambda st: serial_of(st) or "", most=25,
        when=lambda model, spec: model.identity.serial is not None,
    ),
    Row(
        STATION, "Controller", "FirmwareVersion", "string", lambda st: version(st) or "", maximum=50,
        when=lambda model, spec: model.identity.firmware is not None,
    ),
    Row(
        STATION, "Controller", "Interval", "integer", lambda st: str(st.settings[HEARTBEAT_INTERVAL]),
        instance="Heartbeat", unit="s", minimum=HEARTBEAT_INTERVAL.minimum, maximum=HEARTBEAT_INTERVAL.maximum,
    ),
    _always("DataLink"),
    _flag("DataLink", "Active", lambda st: truth(st.link.is_up)),
    _flag("DataLink", "Fallback", lambda st: truth(q.fallen_back(st))),
    _problem("DataLink"),
    _text(
        "DataLink", "ICCID", lambda st: identify(st, st.model.identity.iccid or "")[:20], most=20,
        when=lambda model, spec: model.identity.iccid is not None,
    ),
    _text(
        "DataLink", "IMSI", lambda st: identify(st, st.model.identity.imsi or "")[:20], most=20,
        when=lambda model, spec: model.identity.imsi is not None,
    ),
    _decimal("DataLink", "SignalStrength", "dBm", _signal, least=-140.0, most=-30.0, when=_wireless),
    _flag("RealTimeClock", "Active", lambda st: truth(st.board.rtc.trusted(st.now))),
    _problem("RealTimeClock"),
    _always("TokenReader"),
    _problem("TokenReader"),
    # -- its protection
    _always("EmergencyStopSensor"),
    _flag("EmergencyStopSensor", "Active", lambda st: truth(q.troubled(st, "EmergencyStopSensor"))),
    _tripped("EmergencyStopSensor"),
    _problem("EmergencyStopSensor"),
    _tripped("RCD"),
    _problem("RCD"),
    _flag("OverCurrentProtection", "Active", lambda st: truth(q.troubled(st, "OverCurrentProtection"))),
    _problem("OverCurrentProtection"),
    _decimal("OverCurrentProtection", "ACCurrent", "A", lambda st: number(q.feed_current_a(st), 2)),
    # -- its warmth
    _flag(
        "TemperatureSensor", "Active",
        lambda st: truth(q.cabinet_hot(st) or q.troubled(st, "TemperatureSensor")),
    ),
    _problem("TemperatureSensor"),
    _decimal(
        "TemperatureSensor", "Temperature", "Celsius", lambda st: number(q.cabinet_c(st)), least=-40.0, most=125.0,
        more=((MAX_SET, lambda st: number(st.model.hardware.thermal.cabinet_derate_c)),),
    ),
    _decimal(
        "ExternalTemperatureSensor", "Temperature", "Celsius", lambda st: number(st.board.thermal.ambient_c()),
        least=-40.0, most=125.0,
    ),
    _always("AirCoolingSystem", _direct),
    _flag("AirCoolingSystem", "Active", lambda st: truth(q.load_share(st) > 0), when=_direct),
    _problem("AirCoolingSystem", _direct),
    _decimal(
        "AirCoolingSystem", "FanSpeed", "RPM",
        lambda st: number(cooling.fan_rpm(q.load_share(st)) * st.board.thermal.airflow(), 0),
        most=cooling.FAN_FULL_RPM, when=_direct,
    ),
)  # fmt: skip
