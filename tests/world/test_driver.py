"""Drivers: reproducible visits, habits that look like themselves, and a share that is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.inputs import Plug, Present, Unplug
from simulator.core.rng import Rng
from simulator.errors import AuthorError
from simulator.world.driver import CARS, HABITS, DriverPlan, Visit, steady, timeline, visit
from simulator.world.ev import Ev

S, H = 1_000_000, 3_600_000_000
MONDAY = 1_704_067_200 * S  # midnight
TOKENS = ("VALID-1", "VALID-2", "VALID-3")
ALL = [HABITS.get(name) for name in HABITS]


@pytest.mark.parametrize("name", HABITS)
def test_habits_are_complete(name: str) -> None:
    habit = HABITS.get(name)
    assert len(habit.hours) == 24 and sum(habit.hours) > 0 and min(habit.hours) >= 0
    assert sum(habit.orders) > 0 and sum(habit.stops) > 0 and habit.gap_s > 0
    for low, high in (habit.stay_s, habit.soc, habit.target_soc, habit.pause_s, habit.leave_s):
        assert 0 <= low <= high
    assert habit.soc[1] < habit.target_soc[0] + 0.2, "cars come to charge"
    assert all(Ev(CARS[car]).spec for car in habit.cars) and any(CARS[car].max_dc_w > 0 for car in habit.cars)


@given(
    seed=st.integers(0, 2**64 - 1),
    habit=st.sampled_from(ALL),
    seq=st.integers(0, 10_000),
    evse_id=st.integers(1, 8),
    wall_us=st.integers(0, 2_000_000_000 * S),
    dc=st.booleans(),
)
def test_law_a_visit_is_a_function_of_seed_evse_and_number(
    seed: int, habit: object, seq: int, evse_id: int, wall_us: int, dc: bool
) -> None:
    rng = Rng(seed)
    one = visit(rng, habit, seq, evse_id=evse_id, wall_us=wall_us, tokens=TOKENS, dc=dc)
    assert rng.counters == {}
    rng.next("something else")
    assert one == visit(rng, habit, seq, evse_id=evse_id, wall_us=wall_us, tokens=TOKENS, dc=dc)
    later = visit(rng, habit, seq, evse_id=evse_id, wall_us=wall_us + 9 * H, tokens=TOKENS, dc=dc)
    assert (later.ev, later.id_token, later.order, later.stop_by) == (one.ev, one.id_token, one.order, one.stop_by)
    assert one.id_token in TOKENS and 0 <= one.arrive_after_us <= 29 * 24 * H
    assert 0 <= one.stay_us <= habit.stay_s[1] * S
    assert not dc or one.ev.max_dc_w > 0
    Ev(one.ev)
    start = 12_345
    acts = timeline(one, evse_id, start)
    times = [at for at, _ in acts]
    assert times == sorted(times) and times[0] >= start and times[-1] <= start + one.length_us
    kinds = [type(act) for _, act in acts]
    assert kinds.count(Plug) == 1 and kinds[-1] is Unplug and kinds.count(Unplug) == 1
    assert all(act.evse_id == evse_id for _, act in acts)


def test_visits_differ_between_evses_numbers_and_seeds() -> None:
    visits = [
        visit(Rng(seed), HABITS.get("public_ac"), seq, evse_id=evse, wall_us=MONDAY, tokens=TOKENS)
        for seed in (1, 2)
        for seq in (1, 2)
        for evse in (1, 2)
    ]
    assert len({one.stay_us for one in visits}) == 8


@pytest.mark.parametrize(
    ("order", "stop_by", "expected"),
    [
        ("plug_first", "token", [(10, "Plug"), (13, "Present"), (113, "Present"), (120, "Unplug")]),
        ("token_first", "unplug", [(10, "Present"), (13, "Plug"), (113, "Unplug")]),
        ("remote", "remote", [(10, "Plug"), (120, "Unplug")]),
        ("remote", "token", [(10, "Plug"), (113, "Present"), (120, "Unplug")]),
    ],
)
def test_timelines(order: str, stop_by: str, expected: list[tuple[int, str]]) -> None:
    one = Visit(10 * S, CARS["small"], "T", order, 3 * S, 100 * S, stop_by, 7 * S)
    acts = timeline(one, 2, 1000 * S)
    assert [(at // S - 1000, type(act).__name__) for at, act in acts] == expected
    assert one.length_us == 120 * S
    assert [act.id_token for _, act in acts if isinstance(act, Present)] in ([], ["T"], ["T", "T"])
    assert [act.ev for _, act in acts if isinstance(act, Plug)] == [CARS["small"]]


def arrivals_by_hour(name: str) -> list[int]:
    hours = [0] * 24
    for station in range(150):
        plan, now = DriverPlan(Rng(station), HABITS.get(name), 1, TOKENS), MONDAY
        for _ in range(6):
            acts, now = plan.next(now, now)
            hours[acts[0][0] // H % 24] += 1
    return hours


def test_people_come_when_they_do() -> None:
    home, work = arrivals_by_hour("home"), arrivals_by_hour("workplace")
    assert sum(home[16:22]) > 0.5 * sum(home) and sum(home[0:6]) < 0.12 * sum(home)
    assert sum(work[6:10]) > 0.4 * sum(work) and work[0:5] == [0] * 5 and work[19:] == [0] * 5


def test_lots_follow_their_weights() -> None:
    habit = HABITS.get("home")
    drawn = [visit(Rng(n), habit, 0, evse_id=1, wall_us=MONDAY, tokens=TOKENS) for n in range(2000)]
    share = sum(one.order == "plug_first" for one in drawn) / 2000
    assert share == pytest.approx(0.8, abs=0.03)
    assert sum(one.stop_by == "unplug" for one in drawn) / 2000 == pytest.approx(0.65, abs=0.03)
    assert {one.id_token for one in drawn} == set(TOKENS)
    assert sum(one.stay_us for one in drawn) / 2000 / H == pytest.approx(10, abs=0.2)


def test_the_mean_pause_is_that_of_the_habit() -> None:
    habit = steady(0.5, 1200)
    waits = [visit(Rng(n), habit, 1, evse_id=1, wall_us=n * H, tokens=TOKENS).arrive_after_us for n in range(3000)]
    assert sum(waits) / 3000 / S == pytest.approx(habit.gap_s, rel=0.06)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8, 1.0])
def test_steady_keeps_its_share_busy_from_the_start(share: float) -> None:
    habit, moments = steady(share, 1200), [10, 300, 900, 2700, 7200]
    busy = [0] * len(moments)
    for station in range(1200):
        plan, now = DriverPlan(Rng(station), habit, 1, TOKENS), 0
        while now < 7300 * S:
            one = visit(plan.rng, habit, plan.seq, evse_id=1, wall_us=now, tokens=TOKENS)
            begin = now + one.arrive_after_us + one.pause_us
            for index, moment in enumerate(moments):
                busy[index] += begin <= moment * S < begin + one.stay_us
            _, now = plan.next(now, now)
    assert [count / 1200 for count in busy] == pytest.approx([share] * 5, abs=0.045)


def test_sessions_under_way_at_the_start_are_at_random_points() -> None:
    firsts = [visit(Rng(n), steady(1.0, 1200), 0, evse_id=1, wall_us=0, tokens=TOKENS) for n in range(4000)]
    rests = [one.stay_us / S for one in firsts if one.arrive_after_us == 0]
    assert len(rests) > 3800 and min(rests) < 20 and max(rests) > 1200
    # a random moment falls into a long session more often: E[x^2] / 2 E[x], not E[x] / 2
    assert sum(rests) / len(rests) == pytest.approx(625, abs=12)
    assert sum(rest < 300 for rest in rests) / len(rests) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(("share", "session_s"), [(0.0, 1200), (1.1, 1200), (0.3, 1), (0.3, 1e9), (float("nan"), 1200)])
def test_impossible_loads_are_refused(share: float, session_s: float) -> None:
    with pytest.raises(AuthorError):
        steady(share, session_s)


def test_a_driver_needs_a_token() -> None:
    with pytest.raises(AuthorError, match="at least one token"):
        visit(Rng(1), HABITS.get("home"), 0, evse_id=1, wall_us=0, tokens=())


def test_the_plan_counts_its_visits() -> None:
    plan = DriverPlan(Rng(3), HABITS.get("dc_hub"), 2, TOKENS, dc=True)
    first, end = plan.next(0, MONDAY)
    second, _ = plan.next(end, MONDAY + end)
    assert plan.seq == 2 and first[-1][0] <= end <= second[0][0]
    again = DriverPlan(Rng(3), HABITS.get("dc_hub"), 2, TOKENS, dc=True, seq=1)
    assert again.next(end, MONDAY + end)[0] == second
