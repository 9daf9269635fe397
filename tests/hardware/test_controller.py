"""The controller: slow, leaking, and never surviving its start."""

from __future__ import annotations

from simulator.hardware.board import Board
from simulator.hardware.controller import Controller

S = 1_000_000


def test_a_sound_controller(board: Board) -> None:
    assert isinstance(board.controller, Controller)
    board.controller.software(True, 5)
    assert board.controller.answer_us(10) == 0 and not board.controller.crashed and board.controller.running_us == 5


def test_slow_cpu(board: Board) -> None:
    board.inject("f", "controller.slow_cpu", 0, {"delay_ms": 700}, 0)
    board.inject("g", "controller.slow_cpu", 0, {"delay_ms": 300}, 0)
    assert board.controller.answer_us(9 * S) == S and board.next_change(0) is None
    board.clear("f", 1)
    assert board.controller.answer_us(9 * S) == 300_000


def test_memory_leak_announces_itself_and_begins_anew_with_each_start(board: Board) -> None:
    board.controller.software(True, 0)
    board.inject("f", "controller.memory_leak", 0, {"lasts_s": 100, "slow_ms": 8_000}, 10 * S)
    assert [board.controller.answer_us(at * S) for at in (10, 60, 110)] == [0, 2 * S, 8 * S]
    assert board.next_change(10 * S) == 110 * S
    board.advance(109 * S)
    assert not board.controller.crashed
    before = board.version
    board.advance(110 * S)
    assert board.controller.crashed and board.version > before
    board.controller.software(False, 110 * S)
    assert not board.controller.crashed and board.next_change(110 * S) is None
    board.controller.software(True, 130 * S)
    assert board.next_change(130 * S) == 230 * S and board.controller.answer_us(130 * S) == 0


def test_crash_loop(board: Board) -> None:
    board.inject("f", "controller.crash_loop", 0, {"after_s": 5}, 0)
    assert board.next_change(0) is None, "nothing runs"
    board.controller.software(True, 2 * S)
    assert board.next_change(2 * S) == 7 * S
    board.advance(7 * S)
    assert board.controller.crashed
    board.clear("f", 7 * S)
    assert board.next_change(7 * S) is None
