"""Where blocks plug themselves into the station: rules, timers and moments of its life, as tables.

A block never calls another block. It declares a *rule* (run until nothing changes after every input), a *timer* (by
name), or a *moment*; the station walks these tables in the declared order. The tables are filled by importing
``simulator.blocks`` and never change afterwards.

Most inputs of a busy station change nothing that a rule could care about: a sample is taken, its answer comes. A timer
or reply function that has changed no fact returns :data:`QUIET`, and the station leaves rules and drains alone, except
the drains that watch the outbox. To say nothing is always safe; ``tests/core/test_quiet.py`` finds who says it wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.model import Model
    from simulator.core.reports import TransactionReport
    from simulator.core.station import Station

EvseRule = Callable[["Station", "Evse", int], bool]
StationRule = Callable[["Station", int], bool]
TimerHandler = Callable[["Station", int, int], object]
Moment = Callable[["Station", int], None]

#: one joint-state rule per fact group, in order: authority, wish, energy path, transaction, metering, status
EVSE_RULES: list[tuple[int, EvseRule]] = []
STATION_RULES: list[tuple[int, StationRule]] = []
#: run once after settling: tell what has changed
DRAINS: list[tuple[int, Moment]] = []
#: those of them that look at the outbox, in the same order: they run after every input
WATCHING_DRAINS: list[tuple[int, Moment]] = []
#: a timer's or reply's word that it has changed no fact a rule or a drain looks at, the outbox aside
QUIET: Final = object()
TIMERS: dict[str, TimerHandler] = {}
#: set by the transactions block: gives a transaction report its sequence number
NUMBER: list[Callable[[Station, TransactionReport], TransactionReport]] = []
#: set by the product settings: the optional features of a product
FEATURES: list[Callable[[Model], frozenset[str]]] = []
#: settings (by key) whose writing by the CSMS depends on more than the value: asked just before, False refuses it
BEFORE_WRITE: dict[str, Callable[[Station, Any], bool]] = {}
#: set by the authorization block: who takes a presented token, and who a pressed button
PRESENTED: list[Callable[[Station, str, str, int, int], None]] = []
PRESSED: list[Callable[[Station, str, int, int], None]] = []
#: what of the whole station, beside what goes on at an EVSE, a reset on idle waits for (2.0.1 errata 2.14)
BUSY: list[Callable[[Station], bool]] = []
#: what a maintainer or a scenario may ask for beside what the station itself knows, by name (``inputs.Perform``)
PERFORMED: dict[str, Callable[[Station, dict[str, Any], int], None]] = {}
MOMENTS: dict[str, list[Moment]] = {
    # the station's software starts (RAM is fresh, flash is loaded)
    "start": [],
    # the link opened and the protocol fits
    "link_up": [],
    # the link went down
    "link_down": [],
    # BootNotification was answered Accepted
    "accepted": [],
    # a CALL (outbox.action) was answered by a CALLERROR
    "callerror": [],
    # the CSMS has sent what is no message of the version (``data["invalid"]`` says what is wrong with it)
    "invalid": [],
    # a setting was written (the names stand in station.changed_settings)
    "settings": [],
    # the clock was set
    "clock": [],
    # the memory refused a write or a deletion (flash.why says which way)
    "flash": [],
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


def drain(order: int, *, watches_outbox: bool = False) -> Callable[[Moment], Moment]:
    """Declare a function that publishes reports once the facts have settled.

    ``watches_outbox``: what it does depends on which messages are still waiting, so while ``station.waits_for_outbox``
    it runs after a quiet input too.
    """

    def declare(function: Moment) -> Moment:
        for table in (DRAINS, WATCHING_DRAINS) if watches_outbox else (DRAINS,):
            table.append((order, function))
            table.sort(key=lambda row: row[0])
        return function

    return declare


def on_timer(name: str) -> Callable[[TimerHandler], TimerHandler]:
    """``handler(station, index, now)`` runs when the timer ``name`` is due; it may return :data:`QUIET`."""

    def declare(function: TimerHandler) -> TimerHandler:
        assert name not in TIMERS, f"two handlers for timer {name}"
        TIMERS[name] = function
        return function

    return declare


def keeps_busy(function: Callable[[Station], bool]) -> Callable[[Station], bool]:
    """``function(station)`` says whether something goes on that a reset on idle waits for."""
    BUSY.append(function)
    return function


Performed = Callable[["Station", dict[str, Any], int], None]


def performs(what: str) -> Callable[[Performed], Performed]:
    """Declare ``function(station, args, now)`` as what ``Perform(what)`` does on a station that runs."""

    def declare(function: Performed) -> Performed:
        assert what not in PERFORMED, f"two functions perform {what}"
        PERFORMED[what] = function
        return function

    return declare


def before_write(key: str) -> Callable[[Callable[[Station, Any], bool]], Callable[[Station, Any], bool]]:
    """``function(station, value)`` says whether the CSMS may write a valid value to the setting ``key`` now."""

    def declare(function: Callable[[Station, Any], bool]) -> Callable[[Station, Any], bool]:
        assert key not in BEFORE_WRITE, f"two judges of {key}"
        BEFORE_WRITE[key] = function
        return function

    return declare


def at(moment: str) -> Callable[[Moment], Moment]:
    """``function(station, now)`` runs at a moment of the station's life."""

    def declare(function: Moment) -> Moment:
        MOMENTS[moment].append(function)
        return function

    return declare
