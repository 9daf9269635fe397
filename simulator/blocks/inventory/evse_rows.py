"""Each EVSE and its connector: parts and what they can tell (part 2 appendices, 3: physical components).

A component that serves one EVSE stands on the tier of the EVSE, what belongs to the plug on that of the connector. What
the car says of itself (ConnectedEV) comes over the digital communication of direct current; the pilot of alternating
current tells nothing of the kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import charging_profiles
from simulator.blocks.inventory import quantities as q
from simulator.blocks.inventory.archetypes import LIQUID_COOLED, archetype
from simulator.blocks.inventory.rows import (
    CONNECTOR,
    EVSE,
    MAX_SET,
    TARGET,
    Limit,
    ReadRow,
    Row,
    When,
    number,
    truth,
)
from simulator.blocks.product_identity import identify
from simulator.blocks.setting_values import is_offered
from simulator.blocks.signed_values import has_switches, public_key
from simulator.hardware import cooling

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.model import EvseSpec, Model
    from simulator.core.station import Station

LOCK = "ConnectorPlugRetentionLock"
#: coolant must stay cooler than this
COOLANT_MAX_C = 60.0
#: what the lamp shows: 24-bit colours
_COLORS = {
    "Available": "00FF00", "Occupied": "0000FF", "Reserved": "FFFF00", "Unavailable": "000000", "Faulted": "FF0000",
}  # fmt: skip


def _flag(
    component: str, variable: str, read: ReadRow, *, tier: str = EVSE, when: When | None = None, monitored: bool = True
) -> Row:
    return Row(tier, component, variable, "boolean", read, monitored=monitored, when=when)


def _decimal(
    component: str,
    variable: str,
    unit: str,
    read: ReadRow | None,
    *,
    tier: str = EVSE,
    most: Limit = None,
    least: Limit = 0.0,
    more: tuple[tuple[str, ReadRow], ...] = (),
    when: When | None = None,
) -> Row:
    return Row(
        tier, component, variable, "decimal", read,
        unit=unit, minimum=least, maximum=most, more=more, when=when, monitored=True,
    )  # fmt: skip


def _always(component: str, *, tier: str = EVSE, when: When | None = None) -> Row:
    """Enabled of a part that nobody can switch off: it is always true."""
    return Row(tier, component, "Enabled", "boolean", "true", constant=True, when=when)


def _problem(component: str, *, tier: str = EVSE, when: When | None = None) -> Row:
    return _flag(
        component, "Problem", lambda st, evse: truth(q.troubled(st, component, evse.evse_id)), tier=tier, when=when
    )


def _text(component: str, variable: str, read: ReadRow, instance: str, *, most: float, when: When | None = None) -> Row:
    return Row(EVSE, component, variable, "string", read, instance=instance, maximum=most, constant=True, when=when)


# -- on which hardware -------------------------------------------------------------------------------------------------


def _direct(model: Model, spec: EvseSpec | None) -> bool:
    return spec is not None and spec.is_dc


def _alternating(model: Model, spec: EvseSpec | None) -> bool:
    return spec is not None and not spec.is_dc


def _several_phases(model: Model, spec: EvseSpec | None) -> bool:
    return spec is not None and spec.phases > 1


def _socket(model: Model, spec: EvseSpec | None) -> bool:
    return spec is not None and not spec.tethered


def _pilot(model: Model, spec: EvseSpec | None) -> bool:
    return spec is not None and spec.pilot


def _bay(model: Model, spec: EvseSpec | None) -> bool:
    return spec is not None and spec.bay_sensor


def _liquid(model: Model, spec: EvseSpec | None) -> bool:
    return _direct(model, spec) and archetype(model).name == LIQUID_COOLED


def _profiles(model: Model, spec: EvseSpec | None) -> bool:
    return is_offered(model, "SmartCharging")


def _rated_w(model: Model, spec: EvseSpec | None) -> float | None:
    return None if spec is None else spec.max_power_w


def _rated_a(model: Model, spec: EvseSpec | None) -> float | None:
    return None if spec is None else spec.max_current_a


def _phases(model: Model, spec: EvseSpec | None) -> float | None:
    return None if spec is None else float(spec.phases)


def _voltage_limit(model: Model, spec: EvseSpec | None) -> float | None:
    return None if spec is None else round(spec.voltage_v * q.OVERLOAD, 1)


# -- values ------------------------------------------------------------------------------------------------------------


def _or_nothing(value: float | None, digits: int = 1) -> str:
    """A value that may be missing: the empty text then (B06.FR.13)."""
    return "" if value is None else number(value, digits)


def _contactor_tripped(st: Station, evse: Evse) -> str:
    return truth(st.board.protection.opens(evse.evse_id))


def _lock_problem(st: Station, evse: Evse) -> str:
    return truth(evse.lock_failed or q.troubled(st, LOCK, evse.evse_id))  # G05.FR.02


def _register(st: Station, evse: Evse) -> str:
    return _or_nothing(q.register_wh(st, evse), 3)


def _installed(st: Station, evse: Evse) -> str:
    return str(sum(1 for found in charging_profiles.installed(st) if found.evse_id == evse.evse_id))


def _car(reader: str, digits: int = 0) -> ReadRow:
    """A number of the car's data sheet, which it tells when it is plugged in."""

    def read(st: Station, evse: Evse) -> str:
        return "" if evse.ev is None or not evse.plugged else number(getattr(evse.ev.spec, reader), digits)

    return read


def _car_current(st: Station, evse: Evse) -> str:
    if evse.ev is None or not evse.plugged:
        return ""
    return number(evse.ev.spec.max_dc_w / evse.spec.voltage_v)


def _wanted_current(st: Station, evse: Evse) -> str:
    if evse.ev is None or not evse.plugged:
        return ""
    q.soc_percent(st, evse)  # the curve depends on it
    return number(evse.ev.accepts_w() / evse.spec.voltage_v if evse.ev.ready else 0.0)


def _wanted_voltage(st: Station, evse: Evse) -> str:
    return number(evse.spec.voltage_v) if evse.ev is not None and evse.plugged else ""


def _target_soc(st: Station, evse: Evse) -> str:
    return number(evse.ev.spec.target_soc * 100) if evse.ev is not None and evse.plugged else ""


def _full(st: Station, evse: Evse) -> str:
    missing = q.missing_wh(st, evse)
    return truth(missing is not None and missing <= 0.0)


def _contact_limit(st: Station, evse: Evse) -> str:
    """Over this the power is reduced."""
    return number(st.model.hardware.thermal.derate_c)


#: the contacts are warm on either current; what is over the limit, or reported as too hot, is active
def _hot(st: Station, evse: Evse) -> str:
    limit_c = st.model.hardware.thermal.derate_c
    return truth(q.contact_c(st, evse) > limit_c or q.troubled(st, "TemperatureSensor", evse.evse_id))


ROWS: tuple[Row, ...] = (
    # -- the EVSE
    Row(EVSE, "EVSE", "AllowReset", "boolean", lambda st, evse: truth(st.model.resets_evse), constant=True),
    Row(
        EVSE, "EVSE", "AvailabilityState", "OptionList", q.evse_state, values=q.AVAILABILITY_WORDS, monitored=True,
    ),
    Row(EVSE, "EVSE", "Available", "boolean", "true", constant=True),
    _flag("EVSE", "Enabled", lambda st, evse: truth(evse.operative)),
    _flag("EVSE", "Problem", lambda st, evse: truth(st.blocked(evse) or evse.lock_failed)),
    _flag("EVSE", "Tripped", _contactor_tripped),
    _flag("EVSE", "Overload", lambda st, evse: truth(q.overloaded(evse))),
    Row(
        EVSE, "EVSE", "SupplyPhases", "integer", lambda st, evse: str(evse.spec.phases), maximum=_phases, constant=True,
    ),
    Row(
        EVSE, "EVSE", "ChargeProtocol", "string", lambda st, evse: q.charge_protocol(evse.spec), constant=True,
    ),
    Row(
        EVSE, "EVSE", "PhaseRotation", "OptionList", lambda st, evse: q.phase_rotation(st, evse.evse_id),
        values=q.PHASE_ORDERS, when=_several_phases,
    ),
    _decimal("EVSE", "Power", "W", lambda st, evse: str(round(evse.power_w)), most=_rated_w),
    _decimal(
        "EVSE", "ACVoltage", "V", lambda st, evse: number(q.voltage_v(st, evse)), most=_voltage_limit,
        when=_alternating,
    ),
    _decimal(
        "EVSE", "ACCurrent", "A", lambda st, evse: number(q.current_a(st, evse), 2), most=_rated_a, when=_alternating,
    ),
    _decimal(
        "EVSE", "DCVoltage", "V", lambda st, evse: number(q.voltage_v(st, evse)), most=_voltage_limit, when=_direct,
    ),
    _decimal("EVSE", "DCCurrent", "A", lambda st, evse: number(q.current_a(st, evse), 2), most=_rated_a, when=_direct),
    _decimal(
        "EVSE", "CurrentImbalance", "Percent", lambda st, evse: number(q.imbalance_percent(st, evse)),
        most=200.0, when=_several_phases,
    ),
    Row(
        EVSE, "EVSE", "Count", "integer", _installed, instance="ChargingProfiles", when=_profiles,
        maximum=lambda model, spec: float(model.defaults[charging_profiles.MAX_PROFILES.index]),
    ),
    # -- the connector
    Row(
        CONNECTOR, "Connector", "AvailabilityState", "OptionList", q.evse_state,
        values=q.AVAILABILITY_WORDS, monitored=True,
    ),
    Row(CONNECTOR, "Connector", "Available", "boolean", "true", constant=True),
    _flag("Connector", "Enabled", lambda st, evse: truth(evse.operative), tier=CONNECTOR),
    _flag("Connector", "Problem", lambda st, evse: truth(st.blocked(evse) or evse.lock_failed), tier=CONNECTOR),
    _flag("Connector", "Tripped", _contactor_tripped, tier=CONNECTOR),
    Row(CONNECTOR, "Connector", "ConnectorType", "string", lambda st, evse: evse.spec.connector_type, constant=True),
    Row(
        CONNECTOR, "Connector", "SupplyPhases", "integer", lambda st, evse: str(evse.spec.phases),
        maximum=_phases, constant=True,
    ),
    Row(
        CONNECTOR, "Connector", "PhaseRotation", "OptionList", lambda st, evse: q.phase_rotation(st, evse.evse_id),
        values=q.PHASE_ORDERS, when=_several_phases,
    ),
    Row(
        CONNECTOR, "Connector", "ChargeProtocol", "string", lambda st, evse: q.charge_protocol(evse.spec),
        constant=True,
    ),
    _always(LOCK, tier=CONNECTOR, when=_socket),
    _flag(
        LOCK, "Active", lambda st, evse: truth(st.board.locks[evse.evse_id - 1].reported), tier=CONNECTOR, when=_socket,
    ),
    _flag(LOCK, "Problem", _lock_problem, tier=CONNECTOR, when=_socket),
    # -- its power path and its protection
    _flag("PowerContactor", "Active", lambda st, evse: truth(st.board.contactors[evse.evse_id - 1].closed)),
    _flag("PowerContactor", "Tripped", _contactor_tripped),
    _problem("PowerContactor"),
    _flag("RCD", "Tripped", lambda st, evse: truth(q.troubled(st, "RCD", evse.evse_id))),
    _problem("RCD"),
    _flag(
        "OverCurrentProtection", "Active",
        lambda st, evse: truth(q.troubled(st, "OverCurrentProtection", evse.evse_id)),
    ),
    _problem("OverCurrentProtection"),
    _decimal(
        "OverCurrentProtection", "ACCurrent", "A", lambda st, evse: number(q.current_a(st, evse), 2), most=_rated_a,
        when=_alternating,
    ),
    _flag("TemperatureSensor", "Active", _hot),
    _problem("TemperatureSensor"),
    _decimal(
        "TemperatureSensor", "Temperature", "Celsius", lambda st, evse: number(q.contact_c(st, evse)),
        least=-40.0, most=150.0, more=((MAX_SET, _contact_limit),),
    ),
    _decimal(
        "TemperatureSensor", "Temperature", "Celsius", lambda st, evse: number(q.contact_c(st, evse)),
        tier=CONNECTOR, least=-40.0, most=150.0, more=((MAX_SET, _contact_limit),),
    ),
    _flag("TemperatureSensor", "Active", _hot, tier=CONNECTOR),
    # -- its meter
    _problem("FiscalMetering"),
    _decimal("FiscalMetering", "EnergyImportRegister", "Wh", _register),
    _decimal("FiscalMetering", "EnergyImport", "Wh", lambda st, evse: number(q.transferred_wh(st, evse), 3)),
    _text(
        "FiscalMetering", "Model", lambda st, evse: st.model.identity.meter_type or "", "Meter", most=25,
        when=lambda model, spec: bool(model.identity.meter_type),
    ),
    _text(
        "FiscalMetering", "SerialNumber",
        lambda st, evse: identify(st, st.model.identity.meter_serial or "")[:25], "Meter", most=25,
        when=lambda model, spec: bool(model.identity.meter_serial),
    ),
    _text(
        "FiscalMetering", "PublicKey", lambda st, evse: public_key(st, evse.evse_id), "", most=2_500,
        when=lambda model, spec: has_switches(model),
    ),
    # -- what signals to the car and to people
    _always("CPPWMController", when=_pilot),
    _flag("CPPWMController", "Active", lambda st, evse: truth(evse.plugged), when=_pilot),
    _problem("CPPWMController", when=_pilot),
    Row(
        EVSE, "CPPWMController", "State", "string", lambda st, evse: q.pilot_state(st, evse),
        maximum=1, monitored=True, when=_pilot,
    ),
    _decimal("CPPWMController", "DCVoltage", "V", lambda st, evse: q.pilot_v(st, evse), most=12.0, when=_pilot),
    _decimal(
        "CPPWMController", "Percentage", "Percent", lambda st, evse: number(q.duty_percent(evse)), most=100.0,
        when=_pilot,
    ),
    Row(
        EVSE, "ChargingStatusIndicator", "Active", "boolean",
        lambda st, evse: truth(q.evse_state(st, evse) != "Unavailable"),
    ),
    Row(
        EVSE, "ChargingStatusIndicator", "Color", "string", lambda st, evse: _COLORS[q.evse_state(st, evse)], maximum=6,
    ),
    _always("BayOccupancySensor", when=_bay),
    _flag("BayOccupancySensor", "Active", lambda st, evse: truth(evse.bay), when=_bay),
    # -- what direct current needs
    _always("AcDcConverter", when=_direct),
    _problem("AcDcConverter", when=_direct),
    _flag("AcDcConverter", "Tripped", _contactor_tripped, when=_direct),
    _flag("AcDcConverter", "Overload", lambda st, evse: truth(q.overloaded(evse)), when=_direct),
    _decimal("AcDcConverter", "Power", "W", lambda st, evse: number(evse.power_w), most=_rated_w, when=_direct),
    _decimal(
        "AcDcConverter", "DCVoltage", "V", lambda st, evse: number(q.voltage_v(st, evse)), most=_voltage_limit,
        when=_direct,
    ),
    _decimal(
        "AcDcConverter", "DCCurrent", "A", lambda st, evse: number(q.current_a(st, evse), 2), most=_rated_a,
        when=_direct,
    ),
    _decimal(
        "AcDcConverter", "Temperature", "Celsius", lambda st, evse: number(q.module_c(st, evse)),
        least=-40.0, most=150.0, when=_direct,
    ),
    _decimal(
        "AcDcConverter", "FanSpeed", "RPM",
        lambda st, evse: number(cooling.fan_rpm(evse.power_w / evse.spec.max_power_w) * st.board.thermal.airflow(), 0),
        most=cooling.FAN_FULL_RPM, when=_direct,
    ),
    _always("LiquidCoolingSystem", tier=CONNECTOR, when=_liquid),
    _flag("LiquidCoolingSystem", "Active", lambda st, evse: truth(evse.flowing), tier=CONNECTOR, when=_liquid),
    _problem("LiquidCoolingSystem", tier=CONNECTOR, when=_liquid),
    _decimal(
        "LiquidCoolingSystem", "Temperature", "Celsius", lambda st, evse: number(q.coolant_c(st, evse)),
        tier=CONNECTOR, least=-40.0, most=120.0, more=((MAX_SET, number(COOLANT_MAX_C)),), when=_liquid,
    ),
    # -- what the car says of itself
    _flag("ConnectedEV", "Available", lambda st, evse: truth(evse.plugged), when=_direct),
    _decimal(
        "ConnectedEV", "StateOfCharge", "Percent", lambda st, evse: _or_nothing(q.soc_percent(st, evse)), most=100.0,
        more=((MAX_SET, _target_soc),), when=_direct,
    ),
    _decimal("ConnectedEV", "EnergyCapacity", "Wh", _car("battery_wh"), when=_direct),
    _decimal("ConnectedEV", "Power", "W", None, more=((MAX_SET, _car("max_dc_w")),), when=_direct),
    _decimal(
        "ConnectedEV", "DCCurrent", "A", None, more=((TARGET, _wanted_current), (MAX_SET, _car_current)), when=_direct,
    ),
    _decimal("ConnectedEV", "DCVoltage", "V", None, more=((TARGET, _wanted_voltage),), when=_direct),
    _decimal(
        "ConnectedEV", "EnergyImport", "Wh", None, when=_direct,
        more=((TARGET, lambda st, evse: _or_nothing(q.missing_wh(st, evse), 0)),),
    ),
    Row(
        EVSE, "ConnectedEV", "RemainingTimeFull", "integer", lambda st, evse: _or_nothing(q.remaining_s(st, evse), 0),
        unit="s", minimum=0.0, monitored=True, when=_direct,
    ),
    _flag("ConnectedEV", "ChargingCompleteFull", _full, when=_direct),
)  # fmt: skip
