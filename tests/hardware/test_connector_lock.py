"""The lock: bolt, command and feedback."""

from collections.abc import Callable

import pytest

from simulator.hardware.board import Board
from simulator.hardware.connector_lock import Lock


def test_a_healthy_lock_follows_and_releases_in_a_power_cut(board: Board) -> None:
    lock = board.locks[0]
    assert isinstance(lock, Lock) and lock.drive(True, 0) and lock.closed and not board.locks[1].closed
    assert lock.drive(False, 1) and not lock.closed
    lock.drive(True, 2)
    board.power_cut(3)
    assert not lock.closed


def test_a_tethered_cable_has_no_lock(make_board: Callable[..., Board]) -> None:
    lock = make_board(tethered=True).locks[0]
    assert not lock.fitted and lock.drive(True, 0) and not lock.closed


@pytest.mark.parametrize(
    ("stuck", "was", "at"),
    [("as_is", True, True), ("as_is", False, False), ("open", True, False), ("closed", False, True)],
)
def test_jammed(board: Board, stuck: str, was: bool, at: bool) -> None:
    lock = board.locks[0]
    lock.drive(was, 0)
    board.inject("f", "lock.jammed", 1, {"stuck": stuck}, 1)
    assert lock.closed is at and board.problems(1) == (), "nobody has tried yet"
    assert lock.drive(at, 2) is True and board.problems(1) == ()
    assert lock.drive(not at, 3) is False and lock.closed is at
    assert [(p.code, p.blocks, p.component, p.evse_id) for p in board.problems(1)] == [
        ("lock_failure", False, "ConnectorPlugRetentionLock", 1)
    ]
    board.power_cut(4)
    assert lock.closed is at
    board.power_up(5)
    board.clear("f", 6)
    assert board.problems(1) == () and lock.drive(not at, 7) and lock.closed is not at


def test_lying(board: Board) -> None:
    lock = board.locks[0]
    lock.drive(True, 0)
    board.inject("f", "lock.lying", 1, {}, 1)
    assert lock.drive(False, 2) is True and lock.closed, "confirmed, and yet the plug is held"
    assert lock.reported is False
    assert board.problems(1) == ()
    board.clear("f", 3)
    assert not lock.closed and not lock.reported, "the last command takes effect"
    assert lock.drive(True, 4) and lock.reported
