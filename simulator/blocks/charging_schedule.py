"""K Smart charging, the arithmetic: which limit holds when, and the composite schedule that follows.

A *profile* holds a schedule: periods with a limit each, counted from the schedule's start. Profiles of one purpose form
a *stack*; at any moment the one with the highest level leads that is valid and has a period then. What the stacks of
several purposes, and the hardware, allow is combined by taking the least of each dimension: current, power and phases
are bounded apart and meet only when somebody wants one number.

Nothing ticks. A stack is asked for a moment and answers with the bound and the moment until which it holds; whoever
walks a span of time jumps from one such moment to the next. All is counted in integers: microseconds of wall time, and
0.1 A or 0.1 W.

Sources: 1.6 3.13 (purposes, stacking, combining), 5.16.4 (durations, recurrence), 7.8 to 7.14, errata 3.43 and 3.69;
part 2 K01 and 3.2 to 3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

STATION_MAX, TX_DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
#: what somebody beside the CSMS imposes (K11 to K13)
EXTERNAL = "ChargingStationExternalConstraints"
PURPOSES = (STATION_MAX, TX_DEFAULT, TX, EXTERNAL)
ABSOLUTE, RECURRING, RELATIVE = "Absolute", "Recurring", "Relative"
KINDS = (ABSOLUTE, RECURRING, RELATIVE)
AMPERE, WATT = "A", "W"
UNITS = (AMPERE, WATT)

SECOND_US = 1_000_000
RECURRENCES_S = {"Daily": 86_400, "Weekly": 604_800}
#: later than everything
NEVER_US = 1 << 62
#: phases of a period that names none (1.6 7.14, K01.FR.49)
DEFAULT_PHASES = 3


N = TypeVar("N", int, float)


class Period(msgspec.Struct, frozen=True, gc=False):
    """From ``start_s`` after the schedule's start at most ``limit`` (0.1 A a phase, or 0.1 W in all) on ``phases``."""

    start_s: int
    limit: int
    phases: int | None = None


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """Limits over time. ``duration_s`` None: the last period goes on. ``start_us`` wall time, None: counted from the
    start of charging. ``min_rate`` in 0.1 of the unit: below it the car charges badly. ``id`` is only told back."""

    unit: str
    periods: tuple[Period, ...]
    duration_s: int | None = None
    start_us: int | None = None
    min_rate: int | None = None
    id: int = 0


class ChargingProfile(msgspec.Struct, frozen=True, gc=False):
    """A profile in the words of 2.x. ``schedules``: one, or up to three alternatives, of which the first is followed.

    ``transaction_key`` is the station's own id of the transaction a TxProfile belongs to; None: whichever runs.
    ``max_offline_s``: without a connection it counts for so long; ``ends_offline``: after that it never counts again.
    """

    id: int
    stack_level: int
    purpose: str
    kind: str
    schedules: tuple[Schedule, ...]
    recurrency: str | None = None
    valid_from_us: int | None = None
    valid_to_us: int | None = None
    transaction_key: str | None = None
    max_offline_s: int | None = None
    ends_offline: bool = False


class Bound(msgspec.Struct, frozen=True, gc=False):
    """What may flow: ``current`` in 0.1 A a phase, ``power`` in 0.1 W in all, how many ``phases``, and the power for
    ``each`` of them; None: no bound of that kind."""

    current: int | None = None
    power: int | None = None
    phases: int | None = None
    each: float | None = None

    def total(self, used: int) -> float | None:
        """The power in all, in 0.1 W, when so many phases are used (0: direct current, which has none)."""
        return _least(self.power, None if self.each is None or not used else self.each * used + HAIR)


FREE = Bound()

#: a profile and the moment (wall time) from which a schedule without a start of its own counts
Anchored = tuple[ChargingProfile, int]


#: added where a part is multiplied again, because 11000 / 3 * 3 may be a hair below 11000
HAIR = 1e-6


def _least(one: N | None, other: N | None) -> N | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def merge(one: Bound, other: Bound) -> Bound:
    """What both allow."""
    return Bound(
        _least(one.current, other.current),
        _least(one.power, other.power),
        _least(one.phases, other.phases),
        _least(one.each, other.each),
    )


def express(bound: Bound, unit: str, phases: int, voltage_v: float) -> int | None:
    """A bound as one number, in 0.1 of ``unit``, rounded down; None when there is none.

    ``phases`` the EVSE has (0: direct current). Power is voltage times current times phases (1.6 errata 3.69), with the
    nominal voltage, and on as many phases as both the EVSE and the bound have.
    """
    used = phases if bound.phases is None else min(phases, bound.phases)
    volts = voltage_v * max(1, used)
    power = bound.total(used)
    # a hair is added, because 13.8 / 0.23 is a hair below 60
    if unit == AMPERE:
        return _least(bound.current, None if power is None else int(power / volts + 1e-9))
    flowing = None if bound.current is None else int(bound.current * volts + 1e-9)
    return _least(flowing, None if power is None else int(power))


def is_valid(profile: ChargingProfile, at_us: int) -> bool:
    """Is the profile valid at this moment: from ``valid_from`` on and before ``valid_to`` (K01.FR.36-37)?"""
    if profile.valid_from_us is not None and at_us < profile.valid_from_us:
        return False
    return profile.valid_to_us is None or at_us < profile.valid_to_us


def active(profile: ChargingProfile, anchor_us: int, at_us: int) -> tuple[Period | None, int]:
    """The period of a profile that holds at ``at_us``, and until when this answer is good."""
    if not is_valid(profile, at_us):
        begins = profile.valid_from_us
        return None, begins if begins is not None and at_us < begins else NEVER_US
    until_us = NEVER_US if profile.valid_to_us is None else profile.valid_to_us
    schedule = profile.schedules[0]
    start_us = schedule.start_us
    if profile.kind == RELATIVE or start_us is None:
        start_us = anchor_us
    if at_us < start_us:
        return None, min(until_us, start_us)
    lasts_us = NEVER_US if schedule.duration_s is None else schedule.duration_s * SECOND_US
    again_us = NEVER_US
    if profile.kind == RECURRING and profile.recurrency is not None:
        cycle_us = RECURRENCES_S[profile.recurrency] * SECOND_US
        start_us += (at_us - start_us) // cycle_us * cycle_us
        again_us = start_us + cycle_us
        lasts_us = min(lasts_us, cycle_us)  # what is longer than the recurrence is not executed (5.16.4)
    into_us = at_us - start_us
    if into_us >= lasts_us:
        return None, min(until_us, again_us)
    until_us = min(until_us, start_us + lasts_us)
    found: Period | None = None
    for period in schedule.periods:
        if period.start_s * SECOND_US > into_us:
            until_us = min(until_us, start_us + period.start_s * SECOND_US)
            break
        found = period
    return found, until_us


def bound_of(profile: ChargingProfile, period: Period, *, divided: bool = False) -> Bound:
    """A period as a bound. ``divided``: a power is for the phases it names, and those that are not used take their part
    of it along (2.x K01.FR.49-50); else it is for as many as there are (1.6 errata 3.34)."""
    phases = DEFAULT_PHASES if period.phases is None else period.phases
    if profile.schedules[0].unit == AMPERE:
        return Bound(current=period.limit, phases=phases)
    return Bound(power=period.limit, phases=phases, each=period.limit / phases if divided else None)


def leading(stack: Iterable[Anchored], at_us: int, *, divided: bool = False) -> tuple[Bound, int]:
    """What a stack allows at ``at_us`` and until when: the highest level that is valid and has a period leads; when
    its schedule is over, the next one below does (errata 3.43). ``divided``: see :func:`bound_of`."""
    best: Bound = FREE
    best_level, until_us = -1, NEVER_US
    for profile, anchor_us in stack:
        period, good_until_us = active(profile, anchor_us, at_us)
        # a level below the leading one cannot take over before the leading one ends, but waking twice is harmless
        until_us = min(until_us, good_until_us)
        if period is not None and profile.stack_level > best_level:
            best, best_level = bound_of(profile, period, divided=divided), profile.stack_level
    return best, until_us


def of_transaction(
    own: Iterable[Anchored], default: Iterable[Anchored], at_us: int, *, gives_way: bool = False, divided: bool = False
) -> tuple[Bound, int]:
    """What a transaction's own profiles and the default ones allow.

    As long as a profile of the transaction itself is valid the default ones do not count, not even when its schedule
    is over (1.6 3.13.1). ``gives_way``: in other versions of the protocol only as long as its schedule imposes
    something: not before it begins (K01.FR.30) and not after it has ended (K02.FR.08).
    """
    own = tuple(own)
    overruled = False
    until_us = NEVER_US
    for profile, anchor_us in own:
        if gives_way:
            period, good_until_us = active(profile, anchor_us, at_us)
            overruled, until_us = overruled or period is not None, min(until_us, good_until_us)
            continue
        overruled = overruled or is_valid(profile, at_us)
        for edge_us in (profile.valid_from_us, profile.valid_to_us):
            if edge_us is not None and edge_us > at_us:
                until_us = min(until_us, edge_us)
    bound, good_until_us = leading(own if overruled else default, at_us, divided=divided)
    return bound, min(until_us, good_until_us)


#: how often a walk may look without finding anything new, for each period it may find
STEPS_PER_PERIOD = 16
#: how many edges within one second a walk looks at
EDGES_PER_SECOND = 16

#: a number in 0.1 of a unit, and the phases it is meant for; None where phases mean nothing
Level = tuple[int, int | None]


def walk(
    level: Callable[[int], tuple[Level, int]], begin_us: int, duration_s: int, most: int
) -> tuple[tuple[Period, ...], int]:
    """The composite schedule of ``duration_s`` from ``begin_us`` on, and how many seconds of it are covered.

    ``level(at_us)`` answers until when it holds. A period begins with a whole second after the begin; a second in which
    the level changes has the least of it, so that nowhere is more promised than is allowed (K08.FR.04). Neighbours that
    are alike are one period. With more than ``most`` periods, or after too many steps, the schedule ends early and
    covers less.
    """
    periods: list[Period] = []
    at_s = steps = 0
    while at_s < duration_s or not periods:
        steps += 1
        if steps > STEPS_PER_PERIOD * most:
            return tuple(periods), at_s
        (limit, phases), until_us = level(begin_us + at_s * SECOND_US)
        next_us = begin_us + (at_s + 1) * SECOND_US
        broken = until_us < next_us
        for _ in range(EDGES_PER_SECOND):
            if until_us >= next_us:
                break
            (other, other_phases), until_us = level(until_us)
            limit, phases = min(limit, other), _least(phases, other_phases)
        if not periods or (periods[-1].limit, periods[-1].phases) != (limit, phases):
            if len(periods) == most:
                return tuple(periods), at_s
            periods.append(Period(at_s, limit, phases))
        # the next second in which something else may hold
        at_s = at_s + 1 if broken else max(at_s + 1, (until_us - begin_us) // SECOND_US)
    return tuple(periods), duration_s
