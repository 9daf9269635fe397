"""Archetypes: what an operator wants of each kind of station, as data.

The device model lets every maker report what he likes, so operators of mixed fleets get nothing they can count on. An
archetype is the minimum list for one kind of hardware: the components to be reported, the variables on which monitors
can be set, the monitors that are built in (hard-wired) or set in the factory (preconfigured), and one severity for each
commonly occurring event, the same on every product. A profile names its archetype; without a word of it, it follows
from the hardware.

Severities are those of SetVariableMonitoring: 0 danger to people, 1 hardware failure, 2 system failure, 3 critical,
4 error, 5 alert, 6 warning, 7 notice, 8 information, 9 debugging. Temperatures in Celsius, powers in W, times in s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.core.model import Model

AC_SINGLE, AC_DUAL, DC_FAST, DC_HPC, LIQUID_COOLED = "ac-single", "ac-dual", "dc-fast", "dc-hpc", "dc-liquid-cooled"
HARD_WIRED, PRECONFIGURED = "HardWiredMonitor", "PreconfiguredMonitor"
UPPER, LOWER, DELTA = "UpperThreshold", "LowerThreshold", "Delta"
PERIODIC, PERIODIC_ALIGNED = "Periodic", "PeriodicClockAligned"

#: a cable that is not cooled carries at most this much; above it something has to carry the heat away
UNCOOLED_MAX_A = 400.0
#: more than this at one connector is high-power charging
HPC_ABOVE_W = 150_000.0


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor that a station has by itself, on every place that has the variable.

    ``kind`` is a word of MonitorEnumType, ``value`` the threshold, the change (1 for one that has two states or words),
    or the seconds of a period. ``standing``: :data:`HARD_WIRED` ones cannot be cleared, :data:`PRECONFIGURED` ones can.
    """

    component: str
    variable: str
    kind: str
    value: float
    severity: int
    standing: str = PRECONFIGURED
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Severity:
    """How bad it is when something common happens, and through which variable it shows."""

    event: str
    component: str
    variable: str
    severity: int


@dataclass(frozen=True, slots=True)
class Archetype:
    """One kind of station. ``monitored`` are (component, variable) pairs on which a CSMS can set monitors."""

    name: str
    title: str
    components: tuple[str, ...]
    monitored: tuple[tuple[str, str], ...]
    monitors: tuple[Monitor, ...]
    severities: tuple[Severity, ...]

    def severity(self, component: str, variable: str) -> int | None:
        """The severity of what shows through this variable, None when it is not among the common events."""
        for row in self.severities:
            if (row.component, row.variable) == (component, variable):
                return row.severity
        return None

    def extended(
        self,
        name: str,
        title: str,
        *,
        components: tuple[str, ...] = (),
        monitored: tuple[tuple[str, str], ...] = (),
        monitors: tuple[Monitor, ...] = (),
        severities: tuple[Severity, ...] = (),
    ) -> Archetype:
        """Another kind, which has all of this one and more."""
        return replace(
            self,
            name=name,
            title=title,
            components=self.components + components,
            monitored=self.monitored + monitored,
            monitors=self.monitors + monitors,
            severities=self.severities + severities,
        )


def _problems(*rows: tuple[str, int, str]) -> tuple[tuple[Monitor, ...], tuple[Severity, ...]]:
    """A problem of a component is told without being asked for: (component, severity, event)."""
    monitors = tuple(Monitor(component, "Problem", DELTA, 1, severity, HARD_WIRED) for component, severity, _ in rows)
    return monitors, tuple(Severity(event, component, "Problem", severity) for component, severity, event in rows)


_COMMON_MONITORS, _COMMON_SEVERITIES = _problems(
    ("EmergencyStopSensor", 0, "emergency stop pressed"),
    ("PowerContactor", 0, "contactor does not open or close"),
    ("RCD", 1, "residual current device tripped"),
    ("OverCurrentProtection", 1, "over-current protection tripped"),
    ("ElectricalFeed", 2, "supply voltage too low or too high"),
    ("FiscalMetering", 2, "meter cannot be read"),
    ("Controller", 2, "memory or program failed"),
    ("TemperatureSensor", 3, "too hot, power reduced"),
    ("CPPWMController", 4, "signalling with the car failed"),
    ("TokenReader", 4, "token reader failed"),
    ("RealTimeClock", 5, "clock has lost the time"),
    ("DataLink", 6, "wireless link weak"),
)
_STATES = tuple(
    Monitor(component, "AvailabilityState", DELTA, 1, 7) for component in ("ChargingStation", "EVSE", "Connector")
)

_single = Archetype(
    AC_SINGLE,
    "one alternating-current outlet",
    components=(
        "ChargingStation", "EVSE", "Connector", "Controller", "DataLink", "ElectricalFeed", "RealTimeClock",
        "TokenReader", "FiscalMetering", "PowerContactor", "RCD", "OverCurrentProtection", "TemperatureSensor",
        "EmergencyStopSensor", "ChargingStatusIndicator",
    ),
    monitored=(
        ("ChargingStation", "AvailabilityState"), ("EVSE", "AvailabilityState"), ("Connector", "AvailabilityState"),
        ("EVSE", "Power"), ("EVSE", "ACCurrent"), ("EVSE", "ACVoltage"), ("ElectricalFeed", "ACVoltage"),
        ("ElectricalFeed", "Active"), ("FiscalMetering", "EnergyImportRegister"), ("PowerContactor", "Active"),
        ("RCD", "Tripped"), ("OverCurrentProtection", "Active"), ("TemperatureSensor", "Temperature"),
        ("DataLink", "Active"), ("RealTimeClock", "Active"),
        *((monitor.component, "Problem") for monitor in _COMMON_MONITORS),
    ),
    monitors=(
        *_COMMON_MONITORS,
        *_STATES,
        Monitor("TemperatureSensor", "Temperature", UPPER, 85, 3),
        Monitor("ElectricalFeed", "ACVoltage", LOWER, 207, 5),
        Monitor("ElectricalFeed", "ACVoltage", UPPER, 253, 5),
    ),
    severities=(
        *_COMMON_SEVERITIES,
        Severity("availability has changed", "Connector", "AvailabilityState", 7),
        Severity("temperature over its limit", "TemperatureSensor", "Temperature", 3),
        Severity("mains voltage outside 10 %", "ElectricalFeed", "ACVoltage", 5),
    ),
)  # fmt: skip

_dual = _single.extended(
    AC_DUAL,
    "two or more alternating-current outlets in one housing",
    monitored=(("ChargingStation", "Power"), ("ChargingStation", "ACCurrent"), ("ChargingStation", "Overload")),
    monitors=(Monitor("ChargingStation", "Overload", DELTA, 1, 4),),
    severities=(Severity("station takes more than it is made for", "ChargingStation", "Overload", 4),),
)

_converter_monitors, _converter_severities = _problems(
    ("AcDcConverter", 1, "power module failed"),
    ("AirCoolingSystem", 3, "fan failed"),
)
_fast = replace(
    _dual,
    monitored=tuple(pair for pair in _dual.monitored if pair not in (("EVSE", "ACCurrent"), ("EVSE", "ACVoltage"))),
).extended(
    DC_FAST,
    "direct current up to 150 kW at a connector",
    components=("AcDcConverter", "AirCoolingSystem", "ConnectedEV", "CPPWMController"),
    monitored=(
        ("EVSE", "DCCurrent"), ("EVSE", "DCVoltage"), ("AcDcConverter", "Problem"), ("AcDcConverter", "Overload"),
        ("AcDcConverter", "Temperature"), ("AirCoolingSystem", "Problem"), ("AirCoolingSystem", "FanSpeed"),
        ("ConnectedEV", "StateOfCharge"),
    ),
    monitors=(*_converter_monitors, Monitor("AcDcConverter", "Temperature", UPPER, 110, 3)),
    severities=(
        *_converter_severities,
        Severity("power module too hot", "AcDcConverter", "Temperature", 3),
    ),
)  # fmt: skip

_hpc = _fast.extended(
    DC_HPC,
    "direct current above 150 kW at a connector",
    monitored=(("ChargingStation", "Problem"), ("EVSE", "Overload")),
    monitors=(Monitor("EVSE", "Overload", DELTA, 1, 4),),
    severities=(Severity("EVSE delivers more than it is made for", "EVSE", "Overload", 4),),
)

_cooled_monitors, _cooled_severities = _problems(("LiquidCoolingSystem", 2, "cooling of the cable failed"))
_liquid = _hpc.extended(
    LIQUID_COOLED,
    "direct current through a liquid-cooled cable",
    components=("LiquidCoolingSystem",),
    monitored=(
        ("LiquidCoolingSystem", "Problem"), ("LiquidCoolingSystem", "Active"), ("LiquidCoolingSystem", "Temperature"),
    ),
    monitors=(
        *_cooled_monitors,
        Monitor("LiquidCoolingSystem", "Temperature", UPPER, 60, 3),
    ),
    severities=(*_cooled_severities, Severity("coolant too hot", "LiquidCoolingSystem", "Temperature", 3)),
)  # fmt: skip

ARCHETYPES: dict[str, Archetype] = {found.name: found for found in (_single, _dual, _fast, _hpc, _liquid)}


def derived(model: Model) -> str:
    """The archetype that follows from the hardware."""
    direct = [spec for spec in model.evses if spec.is_dc]
    if not direct:
        return AC_SINGLE if len(model.evses) == 1 else AC_DUAL
    if any(spec.max_current_a > UNCOOLED_MAX_A for spec in direct):
        return LIQUID_COOLED
    return DC_HPC if any(spec.max_power_w > HPC_ABOVE_W for spec in direct) else DC_FAST


def archetype(model: Model) -> Archetype:
    """The archetype of a product: the one its profile names, else the one that follows from its hardware."""
    return ARCHETYPES[model.archetype or derived(model)]
