"""The slots against the obvious way of doing it: a sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.report.histogram import (
    LONGEST_US,
    SLOTS,
    Histogram,
    cumulative,
    middle_us,
    minus,
    percentile_us,
    slot_of,
    total,
)

durations = st.integers(0, LONGEST_US) | st.integers(0, 100_000)


@given(durations)
def test_a_slot_stands_for_its_values_within_a_thirtieth(value_us: int) -> None:
    assert abs(middle_us(slot_of(value_us)) - value_us) <= value_us / 30


@given(durations, durations)
def test_slots_keep_the_order(a: int, b: int) -> None:
    assert (a <= b) == (slot_of(a) <= slot_of(b)) or slot_of(a) == slot_of(b)


def test_every_slot_is_reached_and_the_ends_are_clamped() -> None:
    assert [slot_of(int(middle_us(slot))) for slot in range(SLOTS)] == list(range(SLOTS))
    assert slot_of(-5) == 0
    assert slot_of(LONGEST_US) == slot_of(LONGEST_US * 1000) == SLOTS - 1


@given(st.lists(durations, min_size=1, max_size=200), st.sampled_from([1, 50, 90, 95, 99, 99.9, 100]))
def test_percentiles_are_within_five_percent_of_the_exact_ones(values: list[int], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    rank = max(1, -int(-len(values) * percent // 100))
    exact = sorted(values)[rank - 1]
    found = percentile_us(histogram.counts, percent)
    assert found is not None
    assert abs(found - exact) <= exact * 0.05
    assert histogram.count == len(values)
    assert histogram.sum_us == sum(values)


def test_nothing_recorded_has_no_percentile() -> None:
    assert percentile_us(Histogram().counts, 50) is None


@given(st.lists(st.integers(0, 10_000_000), max_size=100))
def test_cumulative_buckets_count_each_value_once(values: list[int]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    bounds = (1_000, 100_000, 5_000_000)
    heights = cumulative(histogram.counts, bounds)
    assert heights == sorted(heights)
    assert heights[-1] == len(values)
    for bound, height in zip(bounds, heights, strict=False):
        assert sum(v < bound * 0.96 for v in values) <= height <= sum(v <= bound * 1.04 for v in values)


@given(st.lists(durations, max_size=30), st.lists(durations, max_size=30))
def test_merged_is_added_and_a_difference_takes_it_back(first: list[int], second: list[int]) -> None:
    a, b = Histogram(), Histogram()
    for value in first:
        a.add(value)
    for value in second:
        b.add(value)
    before = list(a.counts)
    assert minus(total([a, b]), before) == b.counts
    a.merge(b)
    assert minus(a.counts, before) == b.counts
    assert a.sum_us == sum(first) + sum(second)
