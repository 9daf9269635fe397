"""The modem: whether there is a link, whether anything passes, and how long it takes."""

from collections.abc import Callable

from simulator.core.model import ModemSpec
from simulator.hardware.board import Board
from simulator.hardware.modem import Modem

S = 1_000_000


def test_a_healthy_modem(make_board: Callable[..., Board]) -> None:
    modem = make_board(modem=ModemSpec("lte", (40, 90))).modem
    assert isinstance(modem, Modem) and modem.up(0) and modem.passes(0) and modem.rtt_ms(0) == (40, 90)


def test_outage(board: Board) -> None:
    before = board.version
    board.inject("f", "modem.outage", 0, {}, 0)
    assert not board.modem.up(5) and not board.modem.passes(5) and board.version > before
    before = board.version
    board.clear("f", 6)
    assert board.modem.up(6) and board.modem.passes(6) and board.version > before


def test_flapping_is_a_function_of_seed_and_time(make_board: Callable[..., Board]) -> None:
    params = {"up_s": 60, "down_s": 10, "jitter": 0.5}
    one, same, other = make_board(seed=1), make_board(seed=1), make_board(seed=2)
    for board in (one, same, other):
        board.inject("f", "modem.flapping", 0, params, 0)
    changes, now = [], 0
    assert not one.modem.up(0), "it goes first"
    for _ in range(20):
        due = one.next_change(now)
        assert due is not None
        before, now = one.version, due
        one.advance(now)
        assert one.version == before + 1 and one.modem.up(now) is not one.modem.up(now - 1)
        changes.append(now)
    assert all(cycle == 70 * S for cycle in (b - a for a, b in zip(changes[1::2], changes[3::2], strict=False)))
    assert all(5 * S <= turn % (70 * S) <= 15 * S for turn in changes[::2]) and len(set(changes[::2])) == 10
    times = range(0, 700 * S, S)
    assert [same.modem.up(t) for t in reversed(times)] == [one.modem.up(t) for t in times][::-1]
    assert [other.modem.up(t) for t in times] != [one.modem.up(t) for t in times]
    one.clear("f", now)
    assert one.modem.up(now) and one.next_change(now) is None


def test_half_open(board: Board) -> None:
    before = board.version
    board.inject("f", "modem.half_open", 0, {}, 0)
    assert board.modem.up(1) and not board.modem.passes(1) and board.version > before
    board.clear("f", 2)
    assert board.modem.passes(2)


def test_slow(board: Board) -> None:
    low, high = board.modem.rtt_ms(0)
    board.inject("f", "modem.slow", 0, {"rtt_ms": 700}, 0)
    assert board.modem.rtt_ms(1) == (low + 700, high + 700) and board.modem.passes(1)
    board.clear("f", 2)
    assert board.modem.rtt_ms(2) == (low, high)


def test_weak_signal(board: Board) -> None:
    board.inject("f", "modem.weak_signal", 0, {"signal_dbm": -120}, 0)
    assert board.modem.passes(1)
    assert [(p.code, p.blocks, p.info) for p in board.problems(0)] == [("weak_signal", False, "signal -120 dBm")]
    board.clear("f", 2)
    assert board.problems(0) == ()


def test_narrow(board: Board) -> None:
    assert board.modem.bandwidth_kb_s() is None
    board.inject("f", "modem.narrow", 0, {"bandwidth_kb_s": 9.0}, 0)
    board.inject("g", "modem.narrow", 0, {}, 0)
    assert board.modem.bandwidth_kb_s() == 5.0 and board.modem.passes(1)
    board.clear("g", 2)
    assert board.modem.bandwidth_kb_s() == 9.0


def test_signal(board: Board) -> None:
    assert board.modem.signal_dbm() is None
    board.inject("f", "modem.weak_signal", 0, {"signal_dbm": -120}, 0)
    assert board.modem.signal_dbm() == -120
