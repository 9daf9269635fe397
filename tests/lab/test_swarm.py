"""Hunts: plans from a seed, a run that survives its prey, and a station fleet without a broken rule."""

from __future__ import annotations

import pytest

from simulator.core.outbox import Outbox
from simulator.core.station import Station
from simulator.hardware.fault import FAULTS
from simulator.lab.swarm import ACTS, MAX_STATIONS, Act, Plan, Seat, hunt, play, random_plan
from simulator.profile.load import profile_paths


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_random_fleet_keeps_every_rule(seed: int) -> None:
    result = hunt(seed, 20.0)
    assert not result.problems, f"{result.problems[0]}\nrepeat: {result.replay}"
    assert result.feeds > 50 and result.stations >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_many_random_fleets_keep_every_rule(seed: int) -> None:
    result = hunt(seed, 60.0)
    assert not result.problems, f"{result.problems[0]}\nrepeat: {result.replay}"


def test_plans_are_wide_and_bounded() -> None:
    plans = [random_plan(seed, 30.0) for seed in range(1, 250)]
    assert {len(plan.seats) for plan in plans} == set(range(1, MAX_STATIONS + 1))
    assert {seat.profile for plan in plans for seat in plan.seats} == set(profile_paths())
    assert {act.kind for plan in plans for act in plan.acts} == set(ACTS)
    assert {seat.version for plan in plans for seat in plan.seats} == {"1.6", "2.0.1", "2.1"}
    assert max(len(plan.acts) for plan in plans) < 5_000
    assert all(act.at_us <= 30 * 60_000_000 for plan in plans for act in plan.acts)
    injected = {act.lot // 64 % len(FAULTS) for plan in plans for act in plan.acts if act.kind == "inject"}
    assert len(injected) == len(FAULTS), "every fault has its turn"


def test_a_plan_without_acts_comes_to_rest() -> None:
    result = play(Plan(1, 1.0, (Seat("A", "generic/ac-single", "1.6"), Seat("B", "generic/ac-dual", "2.0.1")), ()))
    assert not result.problems and result.stations == 2


def test_a_crash_is_a_problem_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Station, *_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Station, "power_up", broken)
    result = hunt(1, 1.0)
    assert "crash" in result.problems[0]
    assert "ZeroDivisionError: planted" in result.problems[0] and "broken" in result.problems[0]
    assert result.replay == "cpfarm hunt --seed 1 --runs 1 --minutes 1"


def test_a_broken_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hunt is worth nothing if it does not see a station that forgets its queue."""
    monkeypatch.setattr(Outbox, "restore", lambda self, st, now: None)
    seat = Seat("A", "generic/ac-single", "1.6")
    acts = [(1, "plug", 0), (2, "present", 64 * 3), (30, "cut", 64), (35, "unplug", 64 * 2)]
    acts += [(40, "switch_off", 0), (50, "switch_on", 0)]
    plan = Plan(1, 2.0, (seat,), tuple(Act(at * 1_000_000, 0, kind, lot) for at, kind, lot in acts))
    broken = play(plan).problems
    assert any("every_fate: TransactionEnded" in problem for problem in broken), broken
