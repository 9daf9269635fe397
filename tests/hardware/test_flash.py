"""Flash: a model of it as plain dicts, and the ways in which writes go wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.model import FlashSpec
from simulator.errors import AuthorError
from simulator.hardware.board import Board
from simulator.hardware.fault import Pulse
from simulator.hardware.flash import Flash


@pytest.fixture
def board(make_board: Callable[..., Board]) -> Board:
    return make_board(flash=FlashSpec(capacity_bytes=1000))


def test_write_get_delete_items_clear(board: Board) -> None:
    flash, record = board.flash, {"a": 1}
    assert flash.write("queue", 1, record, 100) and flash.write("queue", 2, "b", 50) and flash.write("set", "k", 5, 10)
    assert flash.get("queue", 1) is record and flash.get("queue", 9) is None and flash.get("none", 1) is None
    assert flash.items("queue") == [(1, record), (2, "b")] and flash.items("none") == []
    assert (flash.used_bytes, flash.free_bytes) == (160, 840)
    assert flash.write("queue", 1, "c", 30) and flash.used_bytes == 90
    assert flash.delete("queue", 1) and flash.delete("queue", 1) and flash.used_bytes == 60
    assert flash.clear("queue") and flash.clear("queue") and flash.used_bytes == 10
    assert flash.items("set") == [("k", 5)]


def test_a_write_that_does_not_fit_changes_nothing(board: Board) -> None:
    flash = board.flash
    assert flash.write("a", 1, "old", 600) and not flash.write("a", 2, "x", 401) and flash.why == "full"
    assert not flash.write("a", 1, "new", 1001) and flash.get("a", 1) == "old" and flash.used_bytes == 600
    assert flash.write("a", 1, "new", 1000) and flash.free_bytes == 0 and flash.write("a", 1, "newer", 1000)


def test_full(board: Board) -> None:
    flash = board.flash
    flash.write("a", 1, "x", 300)
    board.inject("f", "flash.full", 0, {"free_bytes": 50}, 0)
    assert flash.free_bytes == 50 and board.problems(0) == (), "nobody knows yet"
    assert not flash.write("a", 2, "y", 51) and flash.why == "full"
    assert [(p.code, p.blocks, p.component, p.evse_id) for p in board.problems(1)] == [
        ("internal_error", False, "Controller", 0)
    ]
    assert flash.write("a", 2, "y", 50) and flash.free_bytes == 0
    assert flash.delete("a", 1) and flash.write("a", 3, "z", 300), "deleting gives room"
    board.clear("f", 1)
    assert flash.free_bytes == 650 and board.problems(0) == ()


def test_small(board: Board) -> None:
    flash = board.flash
    flash.write("a", 1, "x", 300)
    board.inject("f", "flash.small", 0, {"capacity_bytes": 200}, 0)
    assert (flash.capacity_bytes, flash.free_bytes) == (200, 0) and flash.get("a", 1) == "x"
    assert not flash.write("a", 2, "y", 1) and flash.write("a", 1, "shorter", 150) and flash.write("a", 2, "y", 50)
    assert board.problems(0) == ()
    board.clear("f", 1)
    assert flash.free_bytes == 800


def test_what_shrinks_may_be_written_even_when_too_much_is_there(board: Board) -> None:
    board.flash.write("a", 1, "x", 300)
    board.inject("f", "flash.small", 0, {"capacity_bytes": 100}, 0)
    assert board.flash.write("a", 1, "y", 250) and not board.flash.write("a", 1, "z", 251)


def test_read_only(board: Board) -> None:
    flash = board.flash
    flash.write("a", 1, "x", 10)
    board.inject("f", "flash.read_only", 0, {}, 0)
    version = board.version
    assert not flash.write("a", 1, "y", 10) and flash.why == "read_only" and board.version > version
    assert not flash.delete("a", 1) and not flash.clear("a") and flash.get("a", 1) == "x"
    assert [p.code for p in board.problems(0)] == ["internal_error"]
    board.clear("f", 1)
    assert flash.write("a", 1, "y", 10) and flash.delete("a", 1) and board.problems(0) == ()


@pytest.mark.parametrize("outcome", ["lost", "corrupted"])
def test_torn_write(board: Board, outcome: str) -> None:
    flash = board.flash
    board.inject("f", "flash.torn_write", 0, {"outcome": outcome}, 0)
    flash.write("a", 1, "old", 10)
    flash.write("a", 1, "new", 30)
    assert board.power_cut(5) == (("a", 1),)
    assert flash.get("a", 1) == ("old" if outcome == "lost" else None)
    assert flash.used_bytes == (10 if outcome == "lost" else 0)
    assert board.power_cut(6) == (), "the same write is not torn twice"
    board.power_up(7)
    flash.write("a", 2, "x", 10)
    board.clear("f", 8)
    assert board.power_cut(9) == () and flash.get("a", 2) == "x"


def test_a_torn_deletion_brings_the_entry_back(board: Board) -> None:
    board.inject("f", "flash.torn_write", 0, {}, 0)
    board.flash.write("a", 1, "x", 10)
    board.flash.delete("a", 1)
    assert board.power_cut(5) == (("a", 1),) and board.flash.get("a", 1) == "x"


def test_torn_writes_have_a_probability(board: Board) -> None:
    board.inject("f", "flash.torn_write", 0, {"probability": 0.3}, 0)
    torn = 0
    for now in range(500):
        board.flash.write("a", now, "x", 1)
        torn += len(board.power_cut(now))
    assert 110 < torn < 190


def test_worn(board: Board) -> None:
    flash = board.flash
    board.inject("f", "flash.worn", 0, {"share": 0.25}, 0)
    done = [flash.write("a", 1, n, 1) for n in range(1000)]
    assert 200 < done.count(False) < 300 and flash.why == "broken"
    assert flash.get("a", 1) == max(n for n, ok in enumerate(done) if ok)
    assert [p.code for p in board.problems(0)] == ["internal_error"]
    board.clear("f", 1)
    assert all(flash.write("a", 1, n, 1) for n in range(100)) and board.problems(0) == ()


def test_dump_and_load(board: Board, make_board: Callable[..., Board]) -> None:
    board.flash.write("a", 1, {"x": [1]}, 10)
    board.flash.write("b", "k", "v", 20)
    state = board.flash.dump()
    other = make_board().flash
    other.write("old", 1, 1, 1)
    other.load(state)
    assert other.dump() == state and other.used_bytes == 30 and other.items("old") == []
    assert other.get("a", 1) == {"x": [1]}


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"schema": 2, "entries": []},
        {"schema": 1},
        {"schema": 1, "entries": [[1]]},
        {"schema": 1, "entries": [["a", 1, 0, -1]]},
    ],
)
def test_foreign_states_are_refused(board: Board, state: dict[str, Any]) -> None:
    board.flash.write("a", 1, "kept", 10)
    with pytest.raises(AuthorError):
        board.flash.load(state)
    assert board.flash.get("a", 1) == "kept"


OPS = st.lists(
    st.tuples(st.sampled_from("wwwdc"), st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 60)), max_size=40
)


@given(OPS)
def test_law_flash_is_a_bounded_dict(ops: list[tuple[str, str, int, int]]) -> None:
    flash, model = Flash(Pulse(), spec=FlashSpec(capacity_bytes=100)), {}
    for number, (op, area, key, size) in enumerate(ops):
        if op == "w":
            after = {**model, (area, key): (number, size)}
            fits = sum(s for _, s in after.values()) <= 100
            assert flash.write(area, key, number, size) is fits
            model = after if fits else model
        elif op == "d":
            assert flash.delete(area, key)
            model.pop((area, key), None)
        else:
            assert flash.clear(area)
            model = {k: v for k, v in model.items() if k[0] != area}
        assert flash.used_bytes == sum(s for _, s in model.values()) <= 100
        assert {(a, k): v for a in "ab" for k, v in flash.items(a)} == {k: v for k, (v, _) in model.items()}


def test_a_damaged_room_for_the_image_spoils_images_only(board: Board) -> None:
    assert board.flash.image_intact()
    board.inject("f", "flash.bad_image", 0, {}, 0)
    assert not board.flash.image_intact() and board.flash.write("a", "k", 1, 10) and not board.problems(0)
    board.clear("f", 0)
    assert board.flash.image_intact()
