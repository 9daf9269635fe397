"""A log-linear histogram of integer microseconds: the only container of durations in this program.

Theory. An octave (a power of two) is cut into 16 equal slots, so a slot is never wider than 1/16 of its lower bound
and the middle of a slot is at most 1/32 (3.2 %) away from every value in it. Values below 16 us have a slot each.
The slot of a value follows from its bit length by two shifts, without a search, and one increment of a list element
records it. Three readers share the same slots: percentiles of the summary, the coarse cumulative buckets of the
metrics page (a slot belongs to the first bound that is not below its middle), and batches for a load test, which are
differences between two copies of the list.

A copy of a list is one step for the interpreter, so another thread may take one while the owner goes on counting.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import add, sub

SLOTS_PER_OCTAVE = 16
LONGEST_US = (1 << 37) - 1
"""Values above (38 hours) are counted as this one."""
SLOTS = 34 * SLOTS_PER_OCTAVE
"""Slots of a histogram: the slot of LONGEST_US is the last one."""


def slot_of(value_us: int) -> int:
    """The slot that counts ``value_us``; negative values count as 0, values above LONGEST_US as LONGEST_US."""
    if value_us < SLOTS_PER_OCTAVE:
        return max(value_us, 0)
    if value_us > LONGEST_US:
        value_us = LONGEST_US
    octave = value_us.bit_length() - 5
    return (octave << 4) + (value_us >> octave)


def middle_us(slot: int) -> float:
    """The value a slot stands for: its middle, in us; exact below 32 us, at most 3.2 % off above."""
    if slot < 2 * SLOTS_PER_OCTAVE:
        return float(slot)
    octave = (slot >> 4) - 1
    return float(((slot - (octave << 4)) << octave) + ((1 << octave) - 1) / 2)


MIDDLES_US: tuple[float, ...] = tuple(middle_us(slot) for slot in range(SLOTS))


class Histogram:
    """Counts per slot and the sum of what was recorded. ``add`` is for everybody; hot paths write the two lines out."""

    __slots__ = ("counts", "sum_us")

    def __init__(self) -> None:
        self.counts: list[int] = [0] * SLOTS
        self.sum_us = 0

    def add(self, value_us: int) -> None:
        """Record one value in us."""
        self.counts[slot_of(value_us)] += 1
        self.sum_us += value_us

    def merge(self, other: Histogram) -> None:
        """Count what ``other`` has counted as well."""
        self.counts[:] = map(add, self.counts, other.counts)
        self.sum_us += other.sum_us

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return sum(self.counts)


def total(histograms: Iterable[Histogram]) -> list[int]:
    """The slots of several histograms added up."""
    result = [0] * SLOTS
    for histogram in histograms:
        result = list(map(add, result, histogram.counts))
    return result


def minus(now: Sequence[int], before: Sequence[int]) -> list[int]:
    """The slots counted since the copy ``before`` was taken."""
    return list(map(sub, now, before))


def percentile_us(counts: Sequence[int], percent: float) -> float | None:
    """The smallest slot's middle that covers ``percent`` (0 to 100) of the values, in us; None when there is none."""
    values = sum(counts)
    if not values:
        return None
    rank = max(1, -(-values * percent // 100))  # nearest rank, rounded up
    seen = 0
    for slot, count in enumerate(counts):
        seen += count
        if count and seen >= rank:
            return MIDDLES_US[slot]
    raise AssertionError("ranks never exceed the number of values")


def cumulative(counts: Sequence[int], bounds_us: Sequence[int]) -> list[int]:
    """Values at or below each bound (ascending, us), and last the number of all values."""
    result = []
    seen = first = 0
    for bound in bounds_us:
        end = bisect_right(MIDDLES_US, bound)
        seen += sum(counts[first:end])
        result.append(seen)
        first = end
    result.append(seen + sum(counts[first:]))
    return result
