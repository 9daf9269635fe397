"""Heat: how warm contacts and housing get, what worn contacts do to that, and the protection that acts on it.

A contact is warmed by its resistance times the square of the current and loses that to the air around it: it runs
towards a temperature that follows from both, with one time constant. The housing does the same with the power that
passes through. Between two changes of the load both are closed formulas (:class:`~simulator.core.course.Course`), and
nothing ticks: the board is told when the next limit will be passed.

Resistance that grows with the days makes the settled temperature a rising line, which the formula has room for. Over
``derate_c`` the station offers a share of the power only, until the contact has cooled to ``normal_c``; over
``cut_out_c`` it switches the EVSE off. A contact whose resistance reaches the limit of the fault has failed for good.

A station that never charges and has no such fault keeps nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from simulator.core.course import Course
from simulator.core.model import EvseSpec, ThermalSpec
from simulator.hardware.fault import Fault, Part, Problem, fault

NORMAL, DERATED, CUT_OUT, FAILED = "normal", "derated", "cut_out", "failed"
_DAY_US = 86_400_000_000
#: a temperature so close to a limit has reached it
_NEAR_K = 1e-6
_HOT, _TOO_HOT = "connector hot, power reduced", "connector too hot, switched off"


class ThermalFault(Fault):
    """Base of what makes it warmer."""

    component = "Connector"

    def ambient_c(self, ambient_c: float) -> float:
        """Air temperature as it is with this fault."""
        return ambient_c

    def added_mohm(self, now: int) -> float:
        """Resistance that it adds to the contacts of its EVSE."""
        return 0.0

    def growth_mohm_s(self, now: int) -> float:
        """How fast that grows, per second."""
        return 0.0

    def airflow(self, share: float) -> float:
        """What is left of the air that the fan of the housing moves."""
        return share

    def look(self, now: int) -> bool:
        """Has it broken the part by now, which it had not before?"""
        return False


class Warm(msgspec.Struct, gc=False, eq=False):
    """What is known of one place: how its temperature goes on, the load that makes it, and what protection does."""

    course: Course
    load: float = 0.0
    state: str = NORMAL
    due: int | None = None


class Thermal(Part[ThermalFault], gc=False, eq=False):
    """All warm places of a station. ``places``: 0 the housing, else the contacts of an EVSE; ``due`` when a limit will
    be passed (microseconds), or None."""

    spec: ThermalSpec = ThermalSpec()
    evses: tuple[EvseSpec, ...] = ()
    places: dict[int, Warm] | None = None
    due: int | None = None
    #: protection does something somewhere
    stirred: bool = False

    # -- asked

    def temperature_c(self, place: int, now: int) -> float:
        """Temperature of the contacts of an EVSE, with 0 inside the housing."""
        return self.course(place, now).at(now)

    def course(self, place: int, now: int) -> Course:
        """How that temperature goes on if nothing changes."""
        warm = None if self.places is None else self.places.get(place)
        return Course(now, self.ambient_c()) if warm is None else warm.course

    def state(self, place: int) -> str:
        """What protection does there: normal, derated, cut_out or failed."""
        if place and any(f.blocking(self) and f.evse_id in (0, place) for f in self.faults):
            return FAILED
        warm = None if self.places is None else self.places.get(place)
        return NORMAL if warm is None else warm.state

    def limit_share(self, evse_id: int) -> float:
        """What is left of the rated power, 0 to 1."""
        if self.places is None:
            return 1.0
        if self.state(evse_id) in (CUT_OUT, FAILED):
            return 0.0
        return self.spec.derate_to if DERATED in (self.state(evse_id), self.state(0)) else 1.0

    def ambient_c(self) -> float:
        """Air temperature around the station."""
        ambient_c = self.spec.ambient_c
        for one in self.faults:
            ambient_c = one.ambient_c(ambient_c)
        return ambient_c

    def airflow(self) -> float:
        """Share of the air that a sound fan moves through the housing."""
        share = 1.0
        for one in self.faults:
            share = one.airflow(share)
        return share

    def contact_mohm(self, evse_id: int, now: int) -> float:
        """Resistance of the contacts of an EVSE."""
        return self.spec.contact_mohm + sum(f.added_mohm(now) for f in self.faults if f.evse_id in (0, evse_id))

    def problems(self, evse_id: int) -> tuple[Problem, ...]:
        """What protection says of an EVSE, with 0 of the housing; what a fault has broken says the fault itself."""
        state = self.state(evse_id)
        if state not in (DERATED, CUT_OUT):
            return ()
        info = _TOO_HOT if state == CUT_OUT else _HOT if evse_id else "housing hot, power reduced"
        return (Problem("TemperatureSensor", evse_id, "high_temperature", state == CUT_OUT, info),)

    # -- told

    def carry(self, amps: Sequence[float], power_w: float, now: int) -> None:
        """From ``now`` on these currents flow in the contacts of the EVSEs, and this power in all through the
        station."""
        if self.places is None and power_w <= 0.0:
            return
        places = self._places(now)
        share = power_w / sum(spec.max_power_w for spec in self.evses)
        for place, load in enumerate((share, *amps)):
            warm = places[place]
            if warm.load != load:
                # what passed a limit up to this moment did so with the load before it
                self._go_on(place, warm, now, load)
        self._set_due(now)

    def advance(self, now: int) -> None:
        """Do what was due at ``now``."""
        if self.due is not None and self.due <= now:
            self.refresh(now)

    def refresh(self, now: int) -> None:
        """The load or a fault has changed, or a limit is passed: go on from the temperatures that are reached."""
        if self.places is None and not self.faults:
            return
        for one in self.faults:
            if one.look(now):
                self.notice(one)
        for place, warm in self._places(now).items():
            self._go_on(place, warm, now, warm.load)
        self._set_due(now)

    # -- how it works

    def _go_on(self, place: int, warm: Warm, now: int, load: float) -> None:
        reached_c = warm.course.at(now)
        state = self._next_state(place, warm.state, reached_c)
        if state != warm.state:
            warm.state = state
            self.pulse.beat()
        warm.load = load
        warm.course = self._follow(place, load, reached_c, now)
        warm.due = self._limit_passed(place, warm, now)

    def _set_due(self, now: int) -> None:
        places = self._places(now).values()
        dues = [due for one in self.faults if (due := one.next_change(now)) is not None]
        dues += [warm.due for warm in places if warm.due is not None]
        self.due = min(dues, default=None)
        self.stirred = any(warm.state != NORMAL for warm in places)

    def _places(self, now: int) -> dict[int, Warm]:
        if self.places is None:
            ambient_c = self.spec.ambient_c
            self.places = {n: Warm(Course(now, ambient_c)) for n in range(len(self.evses) + 1)}
        return self.places

    def _follow(self, place: int, load: float, reached_c: float, now: int) -> Course:
        spec, ambient_c = self.spec, self.ambient_c()
        if place == 0:
            base = ambient_c + spec.cabinet_rise_k * load / self.airflow()
            return Course(now, base, 0.0, reached_c - base, spec.cabinet_tau_s)
        rated_a = self.evses[place - 1].max_current_a
        #: kelvin for each milliohm at this current
        k_per_mohm = spec.contact_rise_k / spec.contact_mohm * (load / rated_a) ** 2
        slope = k_per_mohm * sum(f.growth_mohm_s(now) for f in self.faults if f.evse_id in (0, place))
        # what is run after lags one time constant behind
        base = ambient_c + k_per_mohm * self.contact_mohm(place, now) - slope * spec.contact_tau_s
        return Course(now, base, slope, reached_c - base, spec.contact_tau_s)

    def _limits(self, place: int) -> tuple[float, float, float]:
        spec = self.spec
        if place == 0:
            return spec.cabinet_normal_c, spec.cabinet_derate_c, 1e9
        return spec.normal_c, spec.derate_c, spec.cut_out_c

    def _next_state(self, place: int, state: str, reached_c: float) -> str:
        normal_c, derate_c, cut_out_c = self._limits(place)
        if reached_c >= cut_out_c - _NEAR_K:
            return CUT_OUT
        if state == NORMAL:
            return DERATED if reached_c >= derate_c - _NEAR_K else NORMAL
        return NORMAL if reached_c <= normal_c + _NEAR_K else state

    def _limit_passed(self, place: int, warm: Warm, now: int) -> int | None:
        """When the next limit of its state is passed; it is not passed now."""
        normal_c, derate_c, cut_out_c = self._limits(place)
        course = warm.course
        found = [] if warm.state == NORMAL else [course.passes(normal_c, now, rising=False)]
        if warm.state != CUT_OUT:
            found.append(course.passes(derate_c if warm.state == NORMAL else cut_out_c, now, rising=True))
        return min((max(due, now + 1) for due in found if due is not None), default=None)


@fault("thermal.contact_worn")
class ContactWorn(ThermalFault):
    """The contacts of the connector wear: their resistance grows with the days, and at the end they burn.

    Under load they get hotter from day to day; protection reduces the power long before they fail.
    """

    code, info = "other_error", "connector contact burnt"
    wire16 = "Temperature in MeterValues rises from day to day; HighTemperature and less power, at last Faulted"
    wire2x = "Temperature of TemperatureSensor rises from day to day; NotifyEvent, less power, at last Faulted"

    extra_mohm: Annotated[float, Meta(ge=0.0, le=1e4, description="resistance added at once")] = 0.0
    growth_mohm_per_day: Annotated[float, Meta(ge=0.0, le=1e4, description="what it grows by each day")] = 0.05
    fails_mohm: Annotated[float, Meta(ge=0.0, le=1e6, description="with so much added the contact has failed")] = 3.0

    def added_mohm(self, now: int) -> float:
        """So far."""
        grown = self.growth_mohm_per_day * (now - self.since) / _DAY_US
        return min(self.extra_mohm + grown, max(self.fails_mohm, self.extra_mohm))

    def growth_mohm_s(self, now: int) -> float:
        """Until it has failed."""
        return 0.0 if self.noticed else self.growth_mohm_per_day / 86_400.0

    def next_change(self, now: int) -> int | None:
        """When it fails."""
        if self.noticed or not self.growth_mohm_per_day:
            return None
        days = (self.fails_mohm - self.extra_mohm) / self.growth_mohm_per_day
        return self.since + max(round(days * _DAY_US), 1)

    def look(self, now: int) -> bool:
        """The limit is reached."""
        due = self.next_change(now)
        return due is not None and now >= due

    def evident(self) -> bool:
        """Not before it has failed."""
        return self.noticed

    def blocking(self, part: Any) -> bool:
        """A burnt contact carries nothing."""
        return self.noticed


@fault("thermal.hot_ambient")
class HotAmbient(ThermalFault):
    """The air around the station is hot: the sun, a blocked vent."""

    component = "ExternalTemperatureSensor"
    station_wide = True
    wire16 = "Temperature in MeterValues is higher; HighTemperature and less power under load"
    wire2x = "Temperature of TemperatureSensor is higher; NotifyEvent and less power under load"

    air_c: Annotated[float, Meta(ge=-40.0, le=90.0, description="temperature of the air, in degrees Celsius")] = 45.0

    def ambient_c(self, ambient_c: float) -> float:
        """As it is."""
        return self.air_c
