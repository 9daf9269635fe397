"""One heap of deadlines: order, moving, cancelling, and a bounded size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.fleet.scheduler import Scheduler


def test_the_earliest_comes_first_and_equal_ones_in_order_of_setting() -> None:
    heap = Scheduler()
    for number, due in ((3, 50), (1, 20), (2, 50), (4, 20)):
        heap.set(number, due)
    assert heap.next_deadline() == 20
    assert heap.pop_due(20) == [1, 4]
    assert heap.pop_due(49) == []
    assert heap.pop_due(50) == [3, 2]
    assert heap.next_deadline() is None and len(heap) == 0


def test_a_deadline_moves_both_ways_and_goes() -> None:
    heap = Scheduler()
    heap.set(1, 100)
    heap.set(1, 50)
    heap.set(1, 200)
    assert heap.pop_due(199) == []
    heap.set(1, None)
    heap.set(1, None)
    assert heap.next_deadline() is None and heap.pop_due(10_000) == []


def test_what_was_popped_is_gone_until_set_again() -> None:
    heap = Scheduler()
    heap.set(1, 10)
    assert heap.pop_due(10) == [1] and heap.pop_due(10) == []
    heap.set(1, 10)
    assert heap.pop_due(10) == [1]


def test_a_limit_leaves_the_rest_for_later() -> None:
    heap = Scheduler()
    for number in range(5):
        heap.set(number, number)
    assert heap.pop_due(100, 2) == [0, 1]
    assert heap.pop_due(100) == [2, 3, 4]


def test_stale_entries_do_not_pile_up() -> None:
    heap = Scheduler()
    for turn in range(10_000):
        for number in range(10):
            heap.set(number, turn * 10 + number)
    assert len(heap._heap) <= 2 * 10 + 65
    assert len(heap) == 10


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.integers(0, 5), st.one_of(st.none(), st.integers(0, 30))),
            st.tuples(st.just("pop"), st.integers(0, 30), st.integers(1, 6)),
        ),
        max_size=200,
    )
)
def test_it_behaves_like_a_sorted_table(steps: list[tuple[str, int, int | None]]) -> None:
    heap, table = Scheduler(), dict[int, tuple[int, int]]()
    for turn, (kind, a, b) in enumerate(steps):
        if kind == "set":
            if b is None:
                table.pop(a, None)
            elif a not in table or table[a][0] != b:
                table[a] = (b, turn)
            heap.set(a, b)
        else:
            due = sorted((at, order, number) for number, (at, order) in table.items() if at <= a)[: b or 0]
            assert heap.pop_due(a, b or 0) == [number for _, _, number in due]
            for _, _, number in due:
                del table[number]
        assert heap.next_deadline() == min((at for at, _ in table.values()), default=None)
        assert len(heap) == len(table)
