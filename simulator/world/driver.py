"""Drivers: who comes when, with which car, does things in which order, and stays how long.

A habit is data. A visit is drawn from it as a pure function of (seed, EVSE, number of the visit): no counter moves, so
the thousandth visit can be drawn without the others, and no two EVSEs share a lot. Arrivals follow the time of day: the
hours' weights bend the wait, hour by hour. Hours are those of the wall time given, so an author who wants local habits
gives local time.

``steady`` is the load tester's habit. It begins in equilibrium: the asked share of connectors is in the middle of a
session when the run starts, those sessions with what is left of them, and the rest wait for what is left of the pause.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from simulator.core.inputs import EvSpec, Input, Plug, Present, Unplug
from simulator.core.rng import Rng, draw, seed_of
from simulator.errors import AuthorError
from simulator.registry import Registry

_S = 1_000_000
_MIN_S = 60.0
_H_S = 3600.0
_H_US = 3_600_000_000
_LONGEST_WAIT_H = 24 * 28  # an end to the search, for habits that hardly ever come

Order = Literal["plug_first", "token_first", "remote"]
StopBy = Literal["token", "unplug", "remote"]
_ORDERS: tuple[Order, ...] = ("plug_first", "token_first", "remote")
_STOPS: tuple[StopBy, ...] = ("token", "unplug", "remote")

#: Cars by what they are, not by who makes them. State of charge and target are drawn for each visit.
CARS: dict[str, EvSpec] = {
    "hybrid": EvSpec(battery_wh=12_000, max_ac_w=3_680, max_dc_w=0, phases=1),
    "small": EvSpec(battery_wh=36_000, max_ac_w=7_360, max_dc_w=50_000, phases=1),
    "compact": EvSpec(battery_wh=58_000, max_ac_w=11_000, max_dc_w=120_000),
    "iron": EvSpec(battery_wh=60_000, max_ac_w=11_000, max_dc_w=90_000, curve="lfp"),
    "family": EvSpec(battery_wh=77_000, max_ac_w=11_000, max_dc_w=170_000),
    "large": EvSpec(battery_wh=100_000, max_ac_w=22_000, max_dc_w=250_000),
    "van": EvSpec(battery_wh=90_000, max_ac_w=11_000, max_dc_w=115_000),
}

_ALWAYS = (1.0,) * 24


class Habit(msgspec.Struct, frozen=True, gc=False):
    """What a kind of driver does. Durations in seconds; weights need not add up to anything.

    ``gap_s`` is the mean time a connector stands free at the mean of ``hours``; ``stay_s`` the range of the time
    plugged in, its middle the likeliest. ``orders`` weighs plug_first, token_first, remote; ``stops`` weighs token,
    unplug, remote. ``steady``: begin in equilibrium.
    """

    summary: str
    gap_s: float
    stay_s: tuple[float, float]
    cars: tuple[str, ...]
    soc: tuple[float, float] = (0.2, 0.7)
    target_soc: tuple[float, float] = (0.8, 1.0)
    hours: tuple[float, ...] = _ALWAYS
    orders: tuple[float, float, float] = (0.6, 0.3, 0.1)
    stops: tuple[float, float, float] = (0.6, 0.3, 0.1)
    pause_s: tuple[float, float] = (3.0, 25.0)
    leave_s: tuple[float, float] = (5.0, 90.0)
    steady: bool = False


HABITS: Registry[Habit] = Registry("habit")


# fmt: off
HABITS.add("home", Habit(
    "comes home in the evening, stays until the morning", gap_s=11 * _H_S, stay_s=(6 * _H_S, 14 * _H_S),
    cars=("hybrid", "small", "compact", "iron", "family"), soc=(0.3, 0.85),
    hours=(.3, .1, .1, .1, .1, .1, .1, .2, .3, .4, .4, .5, .7, .7, .8, 1.2, 2.0, 3.5, 4.0, 3.5, 2.5, 1.5, 1.0, .6),
    orders=(0.8, 0.1, 0.1), stops=(0.3, 0.65, 0.05), pause_s=(1.0, 10.0),
))
HABITS.add("workplace", Habit(
    "comes in the morning, stays for half a day or a whole one", gap_s=9 * _H_S, stay_s=(3 * _H_S, 9 * _H_S),
    cars=("hybrid", "small", "compact", "iron", "family", "large"), soc=(0.3, 0.8),
    hours=(0, 0, 0, 0, 0, .3, 2, 5, 6, 3, .8, .6, 1.5, 2, .6, .3, .2, .1, .1, 0, 0, 0, 0, 0),
    stops=(0.7, 0.25, 0.05),
))
HABITS.add("public_ac", Habit(
    "parks in the street to shop, eat or work", gap_s=3 * _H_S, stay_s=(25 * _MIN_S, 5 * _H_S),
    cars=("hybrid", "small", "compact", "iron", "family", "large", "van"), soc=(0.2, 0.75),
    hours=(.3, .2, .1, .1, .1, .2, .5, 1, 1.5, 1.6, 1.6, 1.6, 1.6, 1.5, 1.5, 1.5, 1.7, 2, 1.8, 1.4, 1.0, .8, .6, .4),
    orders=(0.45, 0.3, 0.25), stops=(0.55, 0.25, 0.2),
))
HABITS.add("dc_hub", Habit(
    "stops on a journey for as long as a coffee takes", gap_s=25 * _MIN_S, stay_s=(10 * _MIN_S, 45 * _MIN_S),
    cars=("compact", "iron", "family", "large", "van"), soc=(0.05, 0.45),
    hours=(.3, .2, .2, .2, .3, .5, .8, 1.1, 1.3, 1.4, 1.5, 1.6, 1.6, 1.5, 1.5, 1.6, 1.7, 1.7, 1.5, 1.2, .9, .7, .5, .4),
    orders=(0.4, 0.3, 0.3), stops=(0.5, 0.2, 0.3), pause_s=(3.0, 40.0), leave_s=(5.0, 60.0),
))
HABITS.add("steady", Habit(
    "keeps a share of the connectors busy, day and night", gap_s=20 * _MIN_S * 7 / 3 - 12.0,
    stay_s=(10 * _MIN_S, 30 * _MIN_S), cars=("family", "large"), soc=(0.05, 0.3), target_soc=(1.0, 1.0),
    orders=(0.5, 0.5, 0.0), stops=(0.6, 0.4, 0.0), pause_s=(1.0, 5.0), leave_s=(3.0, 15.0), steady=True,
))
# fmt: on
HABITS.freeze()


def steady(share: float, session_s: float) -> Habit:
    """The ``steady`` habit that keeps ``share`` (0 < share <= 1) of the connectors busy with ``session_s`` on average.

    Raises :class:`AuthorError` for a share or a length that cannot be had. The seconds spent plugging and leaving are
    taken out of the pause; with a share close to 1 they are all that is left between two sessions.
    """
    base = HABITS.get("steady")
    if not 0.0 < share <= 1.0:
        raise AuthorError(f"must be above 0 and at most 1, not {share!r}", field="charging")
    if not 10.0 <= session_s <= 30 * 24 * _H_S:
        raise AuthorError(f"must last from 10 s to 30 days, not {session_s!r} s", field="session")
    fuss = (sum(base.pause_s) + sum(base.leave_s)) / 2
    gap = max(session_s * (1.0 - share) / share - fuss, 0.0)
    return msgspec.structs.replace(base, gap_s=gap, stay_s=(session_s * 0.5, session_s * 1.5))


class Visit(msgspec.Struct, frozen=True, gc=False):
    """One visit. ``arrive_after_us`` counts from the end of the visit before; ``pause_us`` lies between the two acts of
    plugging and presenting; ``stay_us`` from the second of them to the act that ends it; ``leave_after_us`` from there
    until the cable is out and the bay is free.
    """

    arrive_after_us: int
    ev: EvSpec
    id_token: str
    order: Order
    pause_us: int
    stay_us: int
    stop_by: StopBy
    leave_after_us: int

    @property
    def length_us(self) -> int:
        """From the end of the visit before to the end of this one."""
        return self.arrive_after_us + self.pause_us + self.stay_us + self.leave_after_us


def visit(
    rng: Rng, habit: Habit, seq: int, *, evse_id: int, wall_us: int, tokens: tuple[str, ...], dc: bool = False
) -> Visit:
    """Visit number ``seq`` (from 0) at this EVSE; ``wall_us`` is the time when the connector became free.

    ``tokens`` are the role's tokens to choose from; ``dc`` leaves out cars that cannot charge there. Raises
    :class:`AuthorError` when there is no token. Draws nothing from ``rng``'s counters.
    """
    if not tokens:
        raise AuthorError("a driver needs at least one token", field="tokens")
    lots = _Lots(seed_of(rng.seed, "driver", evse_id), seq)
    cars = [name for name in habit.cars if CARS[name].max_dc_w > 0 or not dc]
    assert cars, "every habit has a car for every plug"
    ev = msgspec.structs.replace(
        CARS[cars[lots.below("car", len(cars))]],
        soc=round(lots.between("soc", *habit.soc), 3),
        target_soc=round(lots.between("target", *habit.target_soc), 3),
    )
    stay_s = lots.middle("stay", *habit.stay_s)
    wait_us = _wait_us(habit, lots.unit("gap"), wall_us)
    if habit.steady and seq == 0:
        stay_s, wait_us = _in_equilibrium(habit, lots, stay_s, wait_us)
    return Visit(
        arrive_after_us=wait_us,
        ev=ev,
        id_token=tokens[lots.below("token", len(tokens))],
        order=_ORDERS[lots.weighted("order", habit.orders)],
        pause_us=int(lots.between("pause", *habit.pause_s) * _S),
        stay_us=int(stay_s * _S),
        stop_by=_STOPS[lots.weighted("stop", habit.stops)],
        leave_after_us=int(lots.between("leave", *habit.leave_s) * _S),
    )


def timeline(visit: Visit, evse_id: int, start_us: int) -> list[tuple[int, Input]]:
    """The visit as inputs with their times, in order, from ``start_us`` (the end of the visit before).

    What the CSMS does (remote start and stop) is not in it: such a driver plugs in and waits, and pulls the cable at
    the end.
    """
    first = start_us + visit.arrive_after_us
    second = first + visit.pause_us
    stop = second + visit.stay_us
    leave = stop + visit.leave_after_us
    plug, present = Plug(evse_id, visit.ev), Present(visit.id_token, evse_id)
    acts: list[tuple[int, Input]]
    if visit.order == "plug_first":
        acts = [(first, plug), (second, present)]
    elif visit.order == "token_first":
        acts = [(first, present), (second, plug)]
    else:
        acts = [(first, plug)]
    if visit.stop_by == "unplug":
        acts.append((stop, Unplug(evse_id)))
    else:
        if visit.stop_by == "token":
            acts.append((stop, present))
        acts.append((leave, Unplug(evse_id)))
    return acts


class DriverPlan(msgspec.Struct, gc=False, eq=False):
    """The visits of one EVSE, one after the other; only the number of the next visit is kept."""

    rng: Rng
    habit: Habit
    evse_id: int
    tokens: tuple[str, ...]
    dc: bool = False
    seq: int = 0

    def next(self, start_us: int, wall_us: int) -> tuple[list[tuple[int, Input]], int]:
        """The acts of the next visit, and when it is over: the ``start_us`` of the one after it."""
        one = visit(
            self.rng, self.habit, self.seq, evse_id=self.evse_id, wall_us=wall_us, tokens=self.tokens, dc=self.dc
        )
        self.seq += 1
        return timeline(one, self.evse_id, start_us), start_us + one.length_us


class _Lots:
    """The lots of one visit: named, and independent of each other."""

    __slots__ = ("seed", "seq")

    def __init__(self, seed: int, seq: int) -> None:
        self.seed, self.seq = seed, seq

    def unit(self, what: str) -> float:
        """In [0, 1)."""
        return (draw(self.seed, what, self.seq) >> 11) * (1.0 / (1 << 53))

    def below(self, what: str, bound: int) -> int:
        """An integer in [0, bound)."""
        return draw(self.seed, what, self.seq) * bound >> 64

    def between(self, what: str, low: float, high: float) -> float:
        """Evenly from low to high."""
        return low + (high - low) * self.unit(what)

    def middle(self, what: str, low: float, high: float) -> float:
        """From low to high, the middle likeliest (the mean of two even lots)."""
        return (self.between(what, low, high) + self.between(f"{what}.2", low, high)) / 2

    def weighted(self, what: str, weights: tuple[float, ...]) -> int:
        """An index, as likely as its weight; one of weight 0 never."""
        left = self.unit(what) * sum(weights)
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0.0:
                return index
        return max(index for index, weight in enumerate(weights) if weight > 0.0)  # rounding ate the last hair


def _wait_us(habit: Habit, unit: float, wall_us: int) -> int:
    """An exponential wait of mean ``gap_s``, whose clock runs faster in busy hours and slower in quiet ones."""
    left = -math.log(1.0 - unit) * habit.gap_s * _S  # in "mean microseconds"
    mean = sum(habit.hours) / 24
    at = wall_us
    for _ in range(_LONGEST_WAIT_H):
        speed = habit.hours[at // _H_US % 24] / mean
        room = _H_US - at % _H_US
        if speed > 0.0 and left <= room * speed:
            return at + int(left / speed) - wall_us
        left -= room * speed
        at += room
    return at - wall_us


def _in_equilibrium(habit: Habit, lots: _Lots, stay_s: float, wait_us: int) -> tuple[float, int]:
    """(rest of the stay, wait) of a connector that is looked at for the first time, at a random moment.

    A random moment falls into a long session more often than into a short one, so the session it falls into is accepted
    by its length; of an exponential wait, what is left is distributed as the whole.
    """
    low, high = habit.stay_s
    fuss = (sum(habit.pause_s) + sum(habit.leave_s)) / 2
    mean = (low + high) / 2
    if lots.unit("busy") >= mean / (mean + fuss + habit.gap_s):
        return stay_s, wait_us
    length = stay_s
    for attempt in range(32):  # each is accepted with at least low/high; the bound is out of reach in practice
        length = lots.middle(f"under_way.{attempt}", low, high)
        if lots.unit(f"under_way.{attempt}.keep") < length / high:
            break
    return length * lots.unit("rest"), 0
