"""What the rows read: small physical and logical quantities of a station, an EVSE, a car.

Everything is asked of the hardware and the facts at the moment of reading. Powers in W, currents in A, voltages in V.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.network_profiles import active_slot
from simulator.blocks.product_settings import NETWORK_PRIORITY, PHASE_ROTATION, ROTATIONS
from simulator.blocks.setting_values import value_of
from simulator.core.power_path import IDLE, account, offer
from simulator.hardware import cooling

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.model import EvseSpec, Model
    from simulator.core.station import Station

#: the grid a station of direct current is connected to, phase to neutral
GRID_V = 230.0
#: over this share of what it is made for, a part is overloaded
OVERLOAD = 1.1
#: what the instrument of the feed can show, as a share of the nominal voltage; an over-voltage is within it
FEED_RANGE = 2.0
#: PhaseRotation by its three letters; unknown and not applicable are the empty text (part 2, 2.13.5)
PHASE_ORDERS = tuple(order for order in ROTATIONS if order.isupper())
AVAILABILITY_WORDS = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
#: IEC 61851-1: voltage of the pilot in states A, B, C, E
_PILOT_V = {"A": "12", "B": "9", "C": "6", "E": "0"}


def coarse_status(status: str, plugged: bool) -> str:
    """The nine statuses collapsed to five: available, occupied, reserved, unavailable, faulted (G01)."""
    if status in ("Available", "Reserved", "Unavailable", "Faulted"):
        return status
    # neither a token nor a car in the bay occupies the connector, nor a transaction whose cable is out: nothing is
    # plugged in (E03, E06, E10, G01.FR.03); what charges has a cable, also where the station does not feel it
    return "Occupied" if plugged or status == "Charging" else "Available"


# -- the station -------------------------------------------------------------------------------------------------------


def operative(st: Station) -> bool:
    """Is the station as a whole in service?"""
    return bool(st.data.get("station_operative", True))


def station_blocked(st: Station) -> bool:
    """Does a problem of the station as a whole keep it from charging?"""
    return any(problem.blocks for problem in st.board.problems(0) if problem.evse_id == 0)


def station_state(st: Station) -> str:
    """AvailabilityState of the station."""
    return "Faulted" if station_blocked(st) else "Available" if operative(st) else "Unavailable"


def troubled(st: Station, component: str, evse_id: int = 0) -> bool:
    """Has this component, of the station (0) or of an EVSE, a problem that the station knows of?"""
    return any(p.component == component and p.evse_id == evse_id for p in st.board.problems(evse_id))


def power_w(st: Station) -> float:
    """What all cars together take now."""
    return sum(evse.power_w for evse in st.evses)


def rated_power_w(model: Model) -> float:
    """What the station can deliver at once: EVSEs that share a power module count once."""
    groups: dict[str, float] = {}
    for spec in model.evses:
        key = spec.power_group or f"#{spec.evse_id}"
        groups[key] = max(groups.get(key, 0.0), spec.max_power_w)
    return sum(groups.values())


def feed_phases(model: Model) -> int:
    """Phases of the grid side; direct current is made of three."""
    return max(spec.phases for spec in model.evses) or 3


def feed_nominal_v(model: Model) -> float:
    """Nominal voltage of the grid side, phase to neutral."""
    return next((spec.voltage_v for spec in model.evses if spec.phases), GRID_V)


def feed_voltage_v(st: Station) -> float:
    """Voltage of the grid side now, with what the supply makes of it."""
    return feed_nominal_v(st.model) * st.board.supply.voltage_share


def feed_current_a(st: Station) -> float:
    """Current from the grid, mean of its phases."""
    voltage_v = feed_voltage_v(st)
    return power_w(st) / (voltage_v * feed_phases(st.model)) if voltage_v else 0.0


def load_share(st: Station) -> float:
    """Share of the rated power that is being delivered."""
    return power_w(st) / rated_power_w(st.model)


def cabinet_c(st: Station) -> float:
    """Temperature inside the housing."""
    return st.board.thermal.temperature_c(0, st.now)


def cabinet_hot(st: Station) -> bool:
    """Is it over the limit at which the power is reduced?"""
    return cabinet_c(st) > st.model.hardware.thermal.cabinet_derate_c


def phase_rotation(st: Station, number: int) -> str:
    """How the phases of a connector (0: of the station) are wired, as the installer has set it; empty: not known."""
    for item in value_of(st, PHASE_ROTATION):
        at, _, rotation = str(item).partition(".")
        if at == str(number):
            return rotation if rotation in PHASE_ORDERS else ""
    return ""


def fallen_back(st: Station) -> bool:
    """Is the station connected by another network profile than the one it should use first?"""
    first = str(st.settings[NETWORK_PRIORITY][0]) if st.settings[NETWORK_PRIORITY] else ""
    return str(active_slot(st)) != first


# -- an EVSE -----------------------------------------------------------------------------------------------------------


def evse_state(st: Station, evse: Evse) -> str:
    """AvailabilityState of an EVSE and of its connector."""
    return coarse_status(evse.status, evse.plugged or evse.ev_gone)


def currents_a(st: Station, evse: Evse) -> tuple[float, float, float]:
    """Current of each phase as the meter of the EVSE measures it; direct current is all in the first."""
    reading = st.board.meters[evse.evse_id - 1].sample(st.now)
    return reading.currents_a if reading is not None and reading.currents_a is not None else (0.0, 0.0, 0.0)


def current_a(st: Station, evse: Evse) -> float:
    """Current of an EVSE, mean of the phases it is made for."""
    return sum(currents_a(st, evse)) / max(evse.spec.phases, 1)


def imbalance_percent(st: Station, evse: Evse) -> float:
    """How far the phase that carries most is above the mean of all, in percent of the mean."""
    phases = currents_a(st, evse)[: evse.spec.phases]
    mean = sum(phases) / len(phases)
    return (max(phases) / mean - 1.0) * 100.0 if mean else 0.0


def voltage_v(st: Station, evse: Evse) -> float:
    """Voltage at the plug while it is live, else 0."""
    return evse.spec.voltage_v * st.board.supply.voltage_share if st.board.live(evse.evse_id) else 0.0


def overloaded(evse: Evse) -> bool:
    """Does more flow than the EVSE is made for?"""
    return evse.power_w > evse.spec.max_power_w * OVERLOAD


def contact_c(st: Station, evse: Evse) -> float:
    """Temperature of the contacts at the plug."""
    return st.board.thermal.temperature_c(evse.evse_id, st.now)


def module_c(st: Station, evse: Evse) -> float:
    """Temperature of the power module of an EVSE of direct current."""
    return cooling.module_c(st.board.thermal.ambient_c(), evse.power_w / evse.spec.max_power_w)


def coolant_c(st: Station, evse: Evse) -> float:
    """Temperature of the coolant of its cable."""
    return cooling.coolant_c(st.board.thermal.ambient_c(), evse.power_w / evse.spec.max_power_w)


def register_wh(st: Station, evse: Evse) -> float | None:
    """What the meter's register shows, None when it cannot be read."""
    reading = st.board.meters[evse.evse_id - 1].sample(st.now)
    return None if reading is None else reading.energy_wh


def transferred_wh(st: Station, evse: Evse) -> float:
    """Energy of the running transaction by the register, 0 without one."""
    now_wh = register_wh(st, evse)
    if evse.tx is None or evse.tx.register_wh is None or now_wh is None:
        return 0.0
    return now_wh - evse.tx.register_wh


def pilot_state(st: Station, evse: Evse) -> str:
    """IEC 61851-1 state: A no car, B a car, C it charges, E shorted."""
    if any(p.component == "CPPWMController" and p.blocks for p in st.board.problems(evse.evse_id)):
        return "E"
    return "A" if not evse.plugged else "C" if evse.flowing else "B"


def pilot_v(st: Station, evse: Evse) -> str:
    """Positive voltage of the pilot in that state."""
    return _PILOT_V[pilot_state(st, evse)]


def duty_percent(evse: Evse) -> float:
    """Duty cycle of the pilot: 100 without an offer, 5 where it only calls for digital communication, else by the
    current offered (IEC 61851-1, annex A: 0.6 A a percent up to 51 A, 2.5 A a percent above)."""
    if not evse.plugged or evse.charging_state == IDLE or evse.grant is None:
        return 100.0
    if evse.spec.is_dc:
        return 5.0
    amps = offer(evse)[1]
    return amps / 0.6 if amps <= 51.0 else amps / 2.5 + 64.0


def charge_protocol(spec: EvseSpec | None) -> str:
    """ChargeProtocol of a connector, by how car and station agree."""
    assert spec is not None
    if not spec.pilot:
        return "Uncontrolled"
    if not spec.is_dc:
        return "CPPWM"
    return "CHAdeMO" if spec.connector_type == "cG105" else "ISO15118"


# -- the car, as far as it tells ---------------------------------------------------------------------------------------


def soc_percent(st: Station, evse: Evse) -> float | None:
    """State of charge the car tells, None without a car."""
    if evse.ev is None or not evse.plugged:
        return None
    account(st, evse, st.now)  # the battery counts between events as well
    return evse.ev.soc * 100.0


def missing_wh(st: Station, evse: Evse) -> float | None:
    """Energy up to the car's target, None without a car."""
    soc = soc_percent(st, evse)
    if soc is None or evse.ev is None:
        return None
    return max(evse.ev.spec.target_soc - soc / 100.0, 0.0) * evse.ev.spec.battery_wh


def remaining_s(st: Station, evse: Evse) -> float | None:
    """Seconds to the target at the present power, None when none flows."""
    energy_wh = missing_wh(st, evse)
    if energy_wh is None or evse.power_w <= 0.0:
        return None
    return energy_wh / evse.power_w * 3600.0
