"""Where blocks plug themselves into the station: rules, timers and moments of its life, as tables.

A block never calls another block. It declares a *rule* (run until nothing changes after every input), a *timer* (by
name), or a *moment*; the station walks these tables in the declared order. The tables are filled by importing
``simulator.blocks`` and never change afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

EvseRule = Callable[["Station", "Evse", int], bool]
StationRule = Callable[["Station", int], bool]
TimerHandler = Callable[["Station", int, int], None]
Moment = Callable[["Station", int], None]

#: one joint-state rule per fact group, in order: authority, wish, energy path, transaction, metering, status
EVSE_RULES: list[tuple[int, EvseRule]] = []
STATION_RULES: list[tuple[int, StationRule]] = []
#: run once after settling: tell what has changed
DRAINS: list[tuple[int, Moment]] = []
TIMERS: dict[str, TimerHandler] = {}
MOMENTS: dict[str, list[Moment]] = {
    # the station's software starts (RAM is fresh, flash is loaded)
    "start": [],
    # the link opened and the protocol fits
    "link_up": [],
    # the link went down
    "link_down": [],
    # BootNotification was answered Accepted
    "accepted": [],
    # a setting was written (the names stand in station.changed_settings)
    "settings": [],
    # the clock was set
    "clock": [],
}


def rule(order: int) -> Callable[[EvseRule], EvseRule]:
    """Declare a rule over one EVSE; returns True when it changed a fact. Lower ``order`` runs first."""

    def declare(function: EvseRule) -> EvseRule:
        EVSE_RULES.append((order, function))
        EVSE_RULES.sort(key=lambda row: row[0])
        return function

    return declare


def station_rule(order: int) -> Callable[[StationRule], StationRule]:
    """Declare a rule over the whole station."""

    def declare(function: StationRule) -> StationRule:
        STATION_RULES.append((order, function))
        STATION_RULES.sort(key=lambda row: row[0])
        return function

    return declare


def drain(order: int) -> Callable[[Moment], Moment]:
    """Declare a function that publishes reports once the facts have settled."""

    def declare(function: Moment) -> Moment:
        DRAINS.append((order, function))
        DRAINS.sort(key=lambda row: row[0])
        return function

    return declare


def on_timer(name: str) -> Callable[[TimerHandler], TimerHandler]:
    """``handler(station, index, now)`` runs when the timer ``name`` is due."""

    def declare(function: TimerHandler) -> TimerHandler:
        assert name not in TIMERS, f"two handlers for timer {name}"
        TIMERS[name] = function
        return function

    return declare


def at(moment: str) -> Callable[[Moment], Moment]:
    """``function(station, now)`` runs at a moment of the station's life."""

    def declare(function: Moment) -> Moment:
        MOMENTS[moment].append(function)
        return function

    return declare
