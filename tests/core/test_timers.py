"""Named deadlines against an obvious model: a table and its minimum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core import inputs as i
from simulator.core.timers import MAX_TIMERS, Timers
from tests.core.build import VERSIONS, rig

NAMES = st.sampled_from(["a", "b", "c"])
STEP = st.one_of(
    st.tuples(st.just("set"), NAMES, st.integers(0, 2), st.integers(0, 40)),
    st.tuples(st.just("cancel"), NAMES, st.integers(0, 2), st.just(0)),
    st.tuples(st.just("pop"), st.just(""), st.just(0), st.integers(0, 40)),
)


@given(st.lists(STEP, max_size=60))
def test_it_behaves_like_a_table_with_a_minimum(steps: list[tuple[str, str, int, int]]) -> None:
    timers, table = Timers(), dict[tuple[str, int], int]()
    for kind, name, index, at in steps:
        if kind == "set":
            timers.set(name, at, index)
            table[name, index] = at
        elif kind == "cancel":
            timers.cancel(name, index)
            table.pop((name, index), None)
        else:
            due = sorted((when, key) for key, when in table.items() if when <= at)
            assert timers.pop_due(at) == [key for _, key in due]
            for _, key in due:
                del table[key]
        assert timers.next_deadline() == min(table.values(), default=None)
        assert set(timers.keys()) == set(table)
        assert all(timers.get(*key) == when for key, when in table.items())


def test_equal_deadlines_come_in_order_of_name_and_index_whenever_they_were_set() -> None:
    timers = Timers()
    for name, index in (("b", 2), ("a", 9), ("b", 1)):
        timers.set(name, 5, index)
    assert timers.pop_due(5) == [("a", 9), ("b", 1), ("b", 2)]


def test_a_reboot_forgets_all() -> None:
    timers = Timers()
    timers.set("a", 1)
    timers.clear()
    assert timers.next_deadline() is None and timers.pop_due(100) == []


def test_there_is_a_bound() -> None:
    timers = Timers()
    for index in range(MAX_TIMERS):
        timers.set("a", 1, index)
    with pytest.raises(AssertionError):
        timers.set("a", 1, MAX_TIMERS)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_largest_station_a_profile_can_describe_stays_within_it(version: str) -> None:
    """Sixty-four sessions at once, each with every timer it can have."""
    lab = rig(version, evses=64, settings={"MeterValueSampleInterval": 30, "MinimumStatusDuration": 5}).boot(30)
    for evse_id in range(1, 65):
        lab.feed(i.Plug(evse_id), i.Present(f"T{evse_id}", evse_id))
        lab.run(0.2)
    lab.run(60)
    assert all(evse.flowing for evse in lab.station.evses)
    assert 128 < len(lab.station.timers.keys()) <= MAX_TIMERS
