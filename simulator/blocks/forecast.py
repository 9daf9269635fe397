"""Which variables move by themselves between two events, how they go on, and when they will show another value.

Most variables change only when something happens, and are compared then. A few follow a closed formula from one event
to the next: temperatures (``hardware/thermal``), the energy register, what the car's battery holds. For these the
moment at which a level will have been passed is solved, so that nobody has to look in between. What is compared with a
level is the value as it is shown, rounded; :func:`due` therefore asks for the first value beyond the level that can be
shown at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from simulator.core import readings
from simulator.core.course import Course

if TYPE_CHECKING:
    from simulator.blocks.device_model import Variable
    from simulator.core.station import Station

_US_PER_H = 3.6e9


class Shown(msgspec.Struct, frozen=True, gc=False):
    """How a moving value goes on, and how it is shown: in steps, rounded to the nearest or (``floors``) down."""

    course: Course
    step: float
    floors: bool = False


Forecast = Callable[["Station", int, int], "Shown | None"]


def _temperature(st: Station, place: int, now: int) -> Shown:
    return Shown(st.board.thermal.course(place, now), 0.1)


def _register(st: Station, evse_id: int, now: int) -> Shown | None:
    meter = st.board.meters[evse_id - 1]
    if meter.power_w <= 0.0:
        return None
    slope_s = meter.power_w * meter.gain * 1e6 / _US_PER_H
    if meter.faults:  # what a fault shows has no formula; from what is shown now it takes at least so long
        reading = meter.sample(now)
        if reading is None or reading.energy_wh is None:
            return None
        base = reading.energy_wh
    else:
        base = meter.register_wh(now)
    return Shown(Course(now, base, slope_s), max(meter.spec.resolution_wh, 0.001), floors=True)


def _session_energy(st: Station, evse_id: int, now: int) -> Shown | None:
    tx = st.evses[evse_id - 1].tx
    found = _register(st, evse_id, now)
    if tx is None or tx.register_wh is None or found is None:
        return None
    course = found.course
    return Shown(Course(now, course.base - tx.register_wh, course.slope_s), found.step, floors=True)


def _feed_energy(st: Station, evse_id: int, now: int) -> Shown | None:
    """All registers together, in whole Wh."""
    base, slope_s, step = 0.0, 0.0, 1.0
    for evse in st.evses:
        shown = _register(st, evse.evse_id, now)
        if shown is None:
            base += readings.register_wh(st, evse) or 0.0
        else:
            base, slope_s = base + shown.course.base, slope_s + shown.course.slope_s
            step = max(step, shown.step)
    return Shown(Course(now, base, slope_s), step, floors=True) if slope_s else None


def _soc(st: Station, evse_id: int, now: int) -> Shown | None:
    evse = st.evses[evse_id - 1]
    if evse.ev is None or evse.power_w <= 0.0:
        return None
    unbooked_wh = st.board.meters[evse_id - 1].physical_wh(now) - st.booked_wh[evse_id - 1]
    percent_per_wh = 100.0 / evse.ev.spec.battery_wh
    soc = evse.ev.soc * 100.0 + unbooked_wh * percent_per_wh
    return Shown(Course(now, soc, evse.power_w / 3600.0 * percent_per_wh), 0.1)


def _remaining(st: Station, evse_id: int, now: int) -> Shown | None:
    evse = st.evses[evse_id - 1]
    found = _soc(st, evse_id, now)
    if found is None or evse.ev is None:
        return None
    missing_wh = (evse.ev.spec.target_soc - found.course.base / 100.0) * evse.ev.spec.battery_wh
    return Shown(Course(now, missing_wh / evse.power_w * 3600.0, -1.0), 1.0)


#: (component, variable) -> how it moves
_MOVING: dict[tuple[str, str], Forecast] = {
    ("TemperatureSensor", "Temperature"): _temperature,
    ("FiscalMetering", "EnergyImportRegister"): _register,
    ("FiscalMetering", "EnergyImport"): _session_energy,
    ("ElectricalFeed", "Energy"): _feed_energy,
    ("ConnectedEV", "StateOfCharge"): _soc,
    ("ConnectedEV", "RemainingTimeFull"): _remaining,
}


def forecast_of(found: Variable) -> Forecast | None:
    """How this variable moves by itself; None for one that changes with events only."""
    return _MOVING.get((found.component, found.variable))


def due(shown: Shown, level: float, now: int, *, above: bool) -> int | None:
    """The moment after ``now`` at which what is shown will be above (else below) ``level``; None when not foreseen."""
    step = shown.step
    if above:
        target = (math.floor(level / step + 1e-9) + 1) * step
        exact = target if shown.floors else target - step / 2
    else:
        target = (math.ceil(level / step - 1e-9) - 1) * step
        exact = target + step if shown.floors else target + step / 2
    found = shown.course.passes(exact, now, rising=above)
    return None if found is None else max(found, now) + 1
