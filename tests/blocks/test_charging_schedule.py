"""The arithmetic of charging schedules, against a slow and obvious implementation of the same rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

from simulator.blocks import charging_schedule as cs
from simulator.blocks.charging_schedule import Bound, ChargingProfile, Period, Schedule

S = cs.SECOND_US
DAY = cs.RECURRENCES_S["Daily"]
#: a Friday noon, in microseconds since 1970
NOON = 1_772_193_600 * S


def profile(*periods: tuple[int, int], **fields: Any) -> ChargingProfile:
    """A profile in A; ``periods`` are (start_s, limit). Fields of both structs by name, times in seconds after noon."""
    schedule = Schedule(
        unit=fields.pop("unit", "A"),
        periods=tuple(Period(start, limit, fields.get("phases")) for start, limit in periods),
        duration_s=fields.pop("duration", None),
        start_us=NOON + fields.pop("start", 0) * S if fields.get("start", 0) is not None else fields.pop("start"),
    )
    fields.pop("phases", None)
    for edge in ("valid_from", "valid_to"):
        if edge in fields:
            fields[f"{edge}_us"] = NOON + fields.pop(edge) * S
    given_fields = {"id": 1, "stack_level": 0, "purpose": cs.TX_DEFAULT, "kind": cs.ABSOLUTE, **fields}
    return ChargingProfile(schedules=(schedule,), **given_fields)


def limit_at(one: ChargingProfile, second: int, anchor: int = 0) -> int | None:
    """The limit of a profile so many seconds after noon."""
    period, until_us = cs.active(one, NOON + anchor * S, NOON + second * S)
    assert until_us > NOON + second * S, "an answer that is good for no time"
    return None if period is None else period.limit


# -- one profile -------------------------------------------------------------------------------------------------------


def test_periods_follow_each_other_and_the_last_goes_on() -> None:
    """7.13: without a duration the last period continues."""
    one = profile((0, 160), (60, 80))
    assert [limit_at(one, s) for s in (-1, 0, 59, 60, 10**8)] == [None, 160, 160, 80, 80]


def test_a_duration_ends_the_schedule_and_cuts_off_periods() -> None:
    """5.16.4: periods after the duration are not executed, and the last lasts until the duration is over."""
    one = profile((0, 160), (60, 80), (120, 60), duration=100)
    assert [limit_at(one, s) for s in (60, 99, 100, 130)] == [80, 80, None, None]


@pytest.mark.parametrize("recurrency", ["Daily", "Weekly"])
def test_a_recurring_schedule_begins_anew(recurrency: str) -> None:
    """7.9, 5.16.4: with a shorter duration there is a gap, until it restarts."""
    cycle = cs.RECURRENCES_S[recurrency]
    one = profile((0, 160), (60, 80), duration=100, kind=cs.RECURRING, recurrency=recurrency)
    for n in (0, 1, 5):
        assert [limit_at(one, n * cycle + s) for s in (0, 60, 100, cycle - 1)] == [160, 80, None, None]


def test_a_gap_before_the_next_recurrence_says_when_it_ends() -> None:
    one = profile((0, 160), duration=100, kind=cs.RECURRING, recurrency="Daily")
    assert cs.active(one, NOON, NOON + (DAY + 500) * S) == (None, NOON + 2 * DAY * S)
    ends = profile((0, 160), duration=100, kind=cs.RECURRING, recurrency="Daily", valid_to=DAY + 700)
    assert cs.active(ends, NOON, NOON + (DAY + 500) * S) == (None, NOON + (DAY + 700) * S)


def test_what_is_longer_than_the_recurrence_is_not_executed() -> None:
    """5.16.4, errata 3.44."""
    one = profile((0, 160), (DAY + 10, 80), duration=2 * DAY, kind=cs.RECURRING, recurrency="Daily")
    assert [limit_at(one, s) for s in (0, DAY - 1, DAY, DAY + 10)] == [160, 160, 160, 160]


def test_a_recurrence_does_not_begin_before_its_start() -> None:
    """K01.FR.30."""
    one = profile((0, 160), kind=cs.RECURRING, recurrency="Daily", start=50)
    assert [limit_at(one, s) for s in (-DAY, 49, 50)] == [None, None, 160]


def test_a_relative_schedule_counts_from_the_start_of_charging() -> None:
    """7.9; a startSchedule plays no part in it."""
    one = profile((0, 160), (60, 80), kind=cs.RELATIVE, start=-10_000)
    assert [limit_at(one, s, anchor=100) for s in (99, 100, 159, 160)] == [None, 160, 160, 80]


def test_a_schedule_without_start_counts_from_the_start_of_charging() -> None:
    """7.13."""
    one = profile((0, 160), (60, 80), start=None)
    assert [limit_at(one, s, anchor=100) for s in (99, 100, 160)] == [None, 160, 80]


def test_validity_is_from_and_before() -> None:
    """7.8, K01.FR.36-37."""
    one = profile((0, 160), valid_from=10, valid_to=20)
    assert [limit_at(one, s) for s in (9, 10, 19, 20)] == [None, 160, 160, None]


# -- stacks ------------------------------------------------------------------------------------------------------------


def test_the_highest_level_leads_and_falls_back_when_its_schedule_is_over() -> None:
    """3.13.2, errata 3.43."""
    low = profile((0, 60), (100, 80), (200, 100), duration=400)
    high = profile((0, 70), (100, 90), duration=150, id=2, stack_level=1)
    stack = [(low, NOON), (high, NOON)]
    seen = [cs.leading(stack, NOON + s * S)[0].current for s in (0, 100, 149, 150, 200, 399, 400)]
    assert seen == [70, 90, 90, 80, 100, 100, None]


def test_a_profile_of_the_transaction_overrules_the_default_even_in_its_gaps() -> None:
    """3.13.1; certification case TC_066: what the default says does not count as long as the other one is valid."""
    default = [(profile((0, 80)), NOON)]
    own = [(profile((0, 160), duration=100, valid_to=200, purpose=cs.TX, id=2), NOON)]
    seen = [cs.of_transaction(own, default, NOON + s * S)[0].current for s in (0, 99, 100, 199, 200)]
    assert seen == [160, 160, None, None, 80]


def test_a_profile_of_the_transaction_gives_way_where_its_schedule_imposes_nothing() -> None:
    """K01.FR.30, K02.FR.08: not before it begins, not when its duration or its validity is over."""
    default = [(profile((0, 80)), NOON)]
    own = profile((0, 160), duration=100, valid_to=200, purpose=cs.TX, id=2, start=50, kind=cs.ABSOLUTE)
    short = profile((0, 160), valid_to=70, purpose=cs.TX, id=3, start=50, kind=cs.ABSOLUTE)

    def seen(*stack: ChargingProfile) -> list[tuple[int | None, int]]:
        found: list[tuple[int | None, int]] = []
        at_us = NOON
        while at_us < cs.NEVER_US:
            bound, until_us = cs.of_transaction([(one, NOON) for one in stack], default, at_us, gives_way=True)
            if not found or found[-1][0] != bound.current:
                found.append((bound.current, (at_us - NOON) // S))
            at_us = until_us
        return found

    assert seen(own) == [(80, 0), (160, 50), (80, 150)]
    assert seen(short) == [(80, 0), (160, 50), (80, 70)]
    assert seen() == [(80, 0)]


def test_bounds_of_both_units_are_kept_apart_until_one_number_is_wanted() -> None:
    """Errata 3.69: power is current times voltage times phases, on no more phases than there are (errata 3.34)."""
    both = cs.merge(Bound(current=160, phases=3), Bound(power=69_000, phases=1))
    assert both == Bound(160, 69_000, 1)
    assert cs.express(both, "A", 3, 230.0) == 160
    assert cs.express(both, "W", 3, 230.0) == 36_800
    assert cs.express(Bound(power=60_000, phases=3), "A", 3, 230.0) == 86, "rounded down"
    assert cs.express(Bound(power=60_000, phases=3), "A", 1, 230.0) == 260
    assert cs.express(Bound(power=41_400, phases=3), "A", 3, 230.0) == 60, "6 A exactly, not a hair less"
    assert cs.express(Bound(current=1_000), "W", 0, 400.0) == 400_000, "direct current has no phases"
    assert cs.express(cs.FREE, "A", 3, 230.0) is None


def test_a_walk_is_cut_short_at_its_bound_and_says_so() -> None:
    def busy(at_us: int) -> tuple[cs.Level, int]:
        return ((at_us - NOON) // S % 2, None), at_us + 1

    periods, covered_s = cs.walk(busy, NOON, 1_000, 10)
    assert len(periods) == 10 and covered_s == 10

    def dull(at_us: int) -> tuple[cs.Level, int]:
        return (1, None), at_us + 1

    periods, covered_s = cs.walk(dull, NOON, 10_000, 10)
    assert len(periods) == 1 and covered_s == 10 * cs.STEPS_PER_PERIOD


def test_a_second_in_which_the_limit_changes_has_the_least_of_it() -> None:
    """K08.FR.04: at no moment more than any of the schedules allows."""
    edges = [(NOON + 10 * S + 1, 100), (NOON + 20 * S + 1, 60), (NOON + 20 * S + 5, 80), (cs.NEVER_US, 90)]

    def level(at_us: int) -> tuple[cs.Level, int]:
        until_us, limit = next(edge for edge in edges if at_us < edge[0])
        return (limit, None), until_us

    periods, _ = cs.walk(level, NOON, 60, 10)
    assert [(p.start_s, p.limit) for p in periods] == [(0, 100), (10, 60), (21, 90)]
    edges[:] = [(NOON + 10 * S + 1, 60), (cs.NEVER_US, 100)]
    periods, _ = cs.walk(level, NOON, 60, 10)
    assert [(p.start_s, p.limit) for p in periods] == [(0, 60), (11, 100)]
    assert cs.EDGES_PER_SECOND > 4


def test_a_walk_of_no_time_still_tells_what_holds_now() -> None:
    assert cs.walk(lambda at_us: ((5, 3), cs.NEVER_US), NOON, 0, 10) == ((Period(0, 5, 3),), 0)


# -- the property: jumping from edge to edge gives what looking every second gives -------------------------------------


def slow_limit(one: ChargingProfile, anchor_us: int, at_us: int) -> int | None:
    """The rules of 1.6, one sentence after the other."""
    if one.valid_from_us is not None and at_us < one.valid_from_us:
        return None
    if one.valid_to_us is not None and at_us >= one.valid_to_us:
        return None
    schedule = one.schedules[0]
    start_us = anchor_us if one.kind == "Relative" or schedule.start_us is None else schedule.start_us
    into_us = at_us - start_us
    if into_us < 0:
        return None
    if one.kind == "Recurring":
        into_us %= (7 if one.recurrency == "Weekly" else 1) * 86_400 * S
    if schedule.duration_s is not None and into_us >= schedule.duration_s * S:
        return None
    begun = [period for period in schedule.periods if period.start_s * S <= into_us]
    return begun[-1].limit if begun else None


def slow_changes(one: ChargingProfile, anchor_us: int) -> list[int]:
    """All moments around noon at which a profile may change its mind."""
    schedule = one.schedules[0]
    start_us = anchor_us if one.kind == "Relative" or schedule.start_us is None else schedule.start_us
    steps = [0, *(period.start_s for period in schedule.periods), schedule.duration_s or 0]
    days = range(-15, 16) if one.kind == "Recurring" else (0,)
    starts = [start_us + (step + day * 86_400) * S for step in steps for day in days]
    return [when for when in (*starts, one.valid_from_us, one.valid_to_us) if when is not None]


def slow_stack(stack: list[tuple[ChargingProfile, int]], at_us: int) -> int | None:
    for one, anchor_us in sorted(stack, key=lambda row: -row[0].stack_level):
        limit = slow_limit(one, anchor_us, at_us)
        if limit is not None:
            return limit
    return None


def slow_second(stacks: dict[str, list[tuple[ChargingProfile, int]]], at_us: int, gives_way: bool) -> int:
    own = stacks[cs.TX]
    valid = [
        one
        for one, _ in own
        if (one.valid_from_us is None or at_us >= one.valid_from_us)
        and (one.valid_to_us is None or at_us < one.valid_to_us)
    ]
    overrules = slow_stack(own, at_us) is not None if gives_way else bool(valid)
    limits = [
        320,
        slow_stack(stacks[cs.STATION_MAX], at_us),
        slow_stack(own if overrules else stacks[cs.TX_DEFAULT], at_us),
    ]
    return min(limit for limit in limits if limit is not None)


#: microseconds around noon; most on whole seconds, some between them
moments = draw.one_of(draw.integers(-120, 240).map(lambda s: NOON + s * S), draw.integers(NOON - 90 * S, NOON + 90 * S))


@draw.composite
def profiles(pick: Any, purpose: str, level: int) -> ChargingProfile:
    starts = pick(draw.lists(draw.integers(1, 150), max_size=3, unique=True))
    periods = tuple(Period(s, pick(draw.integers(0, 8)) * 40) for s in [0, *sorted(starts)])
    kind = pick(draw.sampled_from(cs.KINDS))
    start_us = pick(draw.none() | moments)
    if kind == cs.RECURRING and start_us is not None:
        start_us -= pick(draw.sampled_from((0, 1, 7, 14))) * 86_400 * S
    return ChargingProfile(
        id=level,
        stack_level=level,
        purpose=purpose,
        kind=kind,
        schedules=(Schedule("A", periods, pick(draw.none() | draw.integers(0, 200)), start_us),),
        recurrency=pick(draw.sampled_from(("Daily", "Weekly"))) if kind == cs.RECURRING else None,
        valid_from_us=pick(draw.none() | moments),
        valid_to_us=pick(draw.none() | moments),
    )


@draw.composite
def stacks_of_all(pick: Any) -> dict[str, list[tuple[ChargingProfile, int]]]:
    found = {}
    for purpose in cs.PURPOSES:
        levels = pick(draw.lists(draw.integers(0, 4), max_size=3, unique=True))
        found[purpose] = [(pick(profiles(purpose, level)), pick(moments)) for level in levels]
    return found


@settings(max_examples=300)
@given(stacks_of_all(), draw.integers(0, 300), draw.integers(NOON - S, NOON + S), draw.booleans())
def test_edges_give_what_seconds_give(
    stacks: dict[str, list[tuple[ChargingProfile, int]]], duration_s: int, begin_us: int, gives_way: bool
) -> None:
    """5.7, 3.13: the composite schedule, second by second, and never more than is allowed (K08.FR.04)."""
    asked = 0

    def level(at_us: int) -> tuple[cs.Level, int]:
        nonlocal asked
        asked += 1
        total, until_us = cs.leading(stacks[cs.STATION_MAX], at_us)
        own, own_until_us = cs.of_transaction(stacks[cs.TX], stacks[cs.TX_DEFAULT], at_us, gives_way=gives_way)
        current = cs.merge(cs.merge(total, own), Bound(current=320)).current
        assert current is not None
        return (current, None), min(until_us, own_until_us)

    periods, covered_s = cs.walk(level, begin_us, duration_s, 400)
    assert covered_s == duration_s
    changes = sorted(when for stack in stacks.values() for row in stack for when in slow_changes(*row))
    expected: list[Period] = []
    for second in range(max(1, duration_s)):
        at_us = begin_us + second * S
        within = [at_us, *(when for when in changes if at_us < when < at_us + S)]
        limit = min(slow_second(stacks, when, gives_way) for when in within)
        if not expected or expected[-1].limit != limit:
            expected.append(Period(second, limit))
    assert list(periods) == expected
    edges = sum(4 + len(one.schedules[0].periods) * 2 for stack in stacks.values() for one, _ in stack)
    assert asked <= 1 + 3 * edges, "it looks at edges, not at every second"


@settings(max_examples=100)
@given(profiles(cs.TX_DEFAULT, 0), moments, moments)
def test_an_answer_holds_exactly_until_it_says(one: ChargingProfile, anchor_us: int, at_us: int) -> None:
    """Also for far away edges: nothing changes before, and every real change is announced."""
    period, until_us = cs.active(one, anchor_us, at_us)
    limit = None if period is None else period.limit
    assert limit == slow_limit(one, anchor_us, at_us)
    probes = [at_us + step for step in (1, S, 61 * S, DAY * S - 1, 8 * DAY * S) if at_us + step < until_us]
    if until_us < cs.NEVER_US:
        probes.append(until_us - 1)
    assert all(slow_limit(one, anchor_us, probe) == limit for probe in probes)
