"""What a station with monitors keeps of them, how a monitored value is read, and when it is to be read again.

The *plan* is the monitors at work, each with its variable and the way it moves; stations with the same monitors share
it. A :class:`Watch` is what is a station's own: for each row of the plan what was there last and when to look again.
``monitoring`` looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from simulator.blocks import forecast, monitors
from simulator.blocks.device_model import CLOCK, MAX_VALUE_CHARS, Variable
from simulator.blocks.forecast import Forecast
from simulator.blocks.monitors import DELTA, PERIODIC, UPPER, Monitor
from simulator.core.wall import format_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

#: a level that was foreseen and is not passed yet is looked for again after this time, doubled each time
RETRY_US, MAX_DOUBLED = 1_000, 22
_DAY_US = 86_400_000_000
#: nothing was seen yet
UNSEEN: Final = object()
#: what was last seen was never told: any value is another one
LOST: Final = object()


class Watched(msgspec.Struct, frozen=True):
    """One monitor and what it needs: its variable, whether that is a number, how it moves."""

    monitor: Monitor
    variable: Variable
    number: bool
    moves: Forecast | None


class Plan(msgspec.Struct, frozen=True):
    """The monitors at work in a fixed order. ``everywhere``: some variable depends on more than the facts that are
    compared, so all are looked at after every input."""

    rows: tuple[Watched, ...]
    everywhere: bool


class Watch:
    """What a station with monitors knows of them; ``last`` and ``due`` go with the rows of the plan."""

    __slots__ = ("due", "facts", "keys", "last", "missed", "passed", "plan", "writes")

    def __init__(self, plan: Plan, passed: dict[int, int]) -> None:
        self.plan = plan
        self.last: list[Any] = [UNSEEN] * len(plan.rows)
        self.due: list[int | None] = [None] * len(plan.rows)
        self.passed = passed
        self.facts: tuple[object, ...] | None = None
        #: transactions of the EVSEs when it was looked last
        self.keys: tuple[str | None, ...] = ()
        #: how often in a row a level was not passed when it should have been, by row; None: never
        self.missed: dict[int, int] | None = None
        #: how often settings were written
        self.writes = 0


_PLANS: dict[tuple[Any, ...], Plan] = {}


def plan_of(st: Station) -> Plan:
    """The monitors at work, problems aside; one object for all stations with the same."""
    key = (st.model, monitors.kept(st), st.settings[monitors.ACTIVE_BASE])
    found = _PLANS.get(key)
    if found is None:
        rows = []
        problems = {monitor.monitor_id for monitor in monitors.own(st.model).problems.values()}
        for monitor in monitors.present(st):
            if monitor.monitor_id in problems:
                continue  # the diagnostics block tells these
            variable = monitors.variable_of(st, monitor)
            if variable is not None:  # gone with an older firmware
                rows.append(Watched(monitor, variable, monitors.is_number(variable), forecast.forecast_of(variable)))
        everywhere = any(row.variable.setting is None and row.variable.component.endswith("Ctrlr") for row in rows)
        while len(_PLANS) >= monitors.MAX_SHARED:
            del _PLANS[next(iter(_PLANS))]
        found = _PLANS[key] = Plan(tuple(rows), everywhere)
    return found


def anything(st: Station) -> bool:
    """Is there anything to watch beside the problems?"""
    return bool(
        monitors.kept(st).custom
        or st.settings[monitors.ACTIVE_BASE] != monitors.HARD_WIRED_ONLY
        or monitors.own(st.model).others
    )


# -- reading -----------------------------------------------------------------------------------------------------------


def text_of(st: Station, row: Watched) -> str:
    """The value as it is told: nothing of what is write-only (N07.FR.10)."""
    text = row.variable.text(st)
    if text == CLOCK:
        return format_wall(st.wall_of(st.stamp()))
    return (text or "")[:MAX_VALUE_CHARS]


def value_of(st: Station, row: Watched) -> Any:
    """The value as it is compared; None for a number that is not there."""
    text = text_of(st, row)
    if not row.number:
        return text
    try:
        return float(text)
    except ValueError:
        return None


def is_beyond(st: Station, row: Watched) -> bool:
    """Is a threshold passed? It is not by being on it (N07.FR.16-17), nor by a value that is not there."""
    value, level = value_of(st, row), row.monitor.value
    return value is not None and bool(value > level if row.monitor.kind == UPPER else value < level)


# -- when to look again ------------------------------------------------------------------------------------------------


def foresee(st: Station, watch: Watch, n: int, now: int, *, missed: bool) -> int | None:
    """When the next event of this monitor will come by itself."""
    row = watch.plan.rows[n]
    monitor = row.monitor
    shown = row.moves(st, monitor.evse_id, now) if row.moves is not None else None
    if shown is None:
        return None
    if monitor.kind == DELTA:
        last = watch.last[n]
        if not isinstance(last, float):
            return None
        dues = [
            forecast.due(shown, last + monitor.value, now, above=True),
            forecast.due(shown, last - monitor.value, now, above=False),
        ]
    else:
        above = (monitor.kind == UPPER) != (monitor.monitor_id in watch.passed)
        level = monitor.value
        if monitor.monitor_id in watch.passed:  # back on the level is within it (N07.FR.02)
            level += shown.step / 2 if monitor.kind == UPPER else -shown.step / 2
        dues = [forecast.due(shown, level, now, above=above)]
    found = min((due for due in dues if due is not None), default=None)
    if found is None or not missed:
        if watch.missed:
            watch.missed.pop(n, None)
        return found
    # a rounding, or a fault, shows something else than the formula
    if watch.missed is None:
        watch.missed = {}
    times = watch.missed[n] = min(watch.missed.get(n, -1) + 1, MAX_DOUBLED)
    return max(found, now + (RETRY_US << times))


def next_period(st: Station, monitor: Monitor, now: int) -> int:
    """N08.FR.06-07: from when it was set or told, or the next moment by the station's own clock."""
    if monitor.kind == PERIODIC:
        return now + _period_us(monitor)
    return now + max(aligned(st, monitor, now)[1], RETRY_US)


def aligned(st: Station, monitor: Monitor, now: int) -> tuple[int, int]:
    """Microseconds by the clock since the last aligned moment, and up to the next. They count from midnight, those of a
    period of more than a day from 1970."""
    period_us = _period_us(monitor)
    wall_us = st.board.rtc.wall(now)
    into = wall_us % _DAY_US if period_us <= _DAY_US else wall_us
    past = into % period_us
    left = period_us - past
    return past, min(left, _DAY_US - into) if period_us <= _DAY_US else left


def _period_us(monitor: Monitor) -> int:
    return max(round(monitor.value * 1e6), 1)
