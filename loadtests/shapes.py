"""How the number of stations moves during a load test: ``--shape NAME``. No Locust in here, only arithmetic.

A shape takes over from Locust's own ramp. ``N`` is --users, ``T`` is --shape-time, the rate is --spawn-rate where a
shape does not set its own; --run-time ends any of them early.

ramp    evenly from 0 to N in T, then N until --run-time (without it, for T again)
steps   N in --shape-steps equal steps, each T long, the ascent of each at --spawn-rate
storm   N at --spawn-rate; T after they are all there every connection is cut at once, and the stations come back as
        their back-off says; ends another T later (or at --run-time)
day     the day of a public network pressed into T: the share of N that is connected follows the hours, from a fifth in
        the small hours to all of them in the early evening; ends after one day

Each tick of Locust (once a second) asks for the number of users and the rate to get there; None ends the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: share of the stations that is connected in each hour of a day
HOURS = (
    0.30, 0.25, 0.20, 0.20, 0.20, 0.25, 0.40, 0.60, 0.75, 0.80, 0.80, 0.80,
    0.80, 0.75, 0.75, 0.80, 0.90, 1.00, 0.95, 0.80, 0.65, 0.55, 0.45, 0.35,
)  # fmt: skip
RATE_MIN = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says. ``users`` and ``rate`` (users a second) are above 0; times in seconds."""

    users: int
    rate: float
    time_s: float
    steps: int = 5
    run_time_s: float | None = None


@dataclass(frozen=True, slots=True)
class Want:
    """What a shape wants now; ``cut`` is the number of cuts that should have been made by now."""

    users: int
    rate: float
    cut: int = 0


def ramp(now_s: float, wish: Wish) -> Want | None:
    """Evenly to N in T, then level."""
    if now_s >= (wish.run_time_s or 2 * wish.time_s):
        return None
    return Want(wish.users, max(wish.users / wish.time_s, RATE_MIN))


def steps(now_s: float, wish: Wish) -> Want | None:
    """A stair of equal steps."""
    step = int(now_s // wish.time_s) + 1
    if step > wish.steps:
        return None
    return Want(max(1, wish.users * step // wish.steps), wish.rate)


def storm(now_s: float, wish: Wish) -> Want | None:
    """All are there, all are cut, all come back."""
    cut_s = wish.users / wish.rate + wish.time_s
    if now_s >= (wish.run_time_s or cut_s + wish.time_s):
        return None
    return Want(wish.users, wish.rate, cut=int(now_s >= cut_s))


def day(now_s: float, wish: Wish) -> Want | None:
    """One day, hour by hour; the rate is such that an hour is long enough for the change."""
    hour_s = wish.time_s / 24
    hour = int(now_s // hour_s)
    if hour >= 24:
        return None
    users = max(1, round(wish.users * HOURS[hour]))
    before = round(wish.users * HOURS[hour - 1]) if hour else 0
    return Want(users, max(abs(users - before) / hour_s * 1.25, RATE_MIN))


SHAPES: dict[str, Callable[[float, Wish], Want | None]] = {"ramp": ramp, "steps": steps, "storm": storm, "day": day}
