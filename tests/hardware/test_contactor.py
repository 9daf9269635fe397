"""The contactor: what it does, and what the station can know of it."""

from simulator.hardware.board import Board
from simulator.hardware.contactor import Contactor

S = 1_000_000


def codes(board: Board, evse_id: int = 1) -> list[tuple[str, bool]]:
    return [(problem.code, problem.blocks) for problem in board.problems(evse_id)]


def test_a_healthy_contactor_follows(board: Board) -> None:
    contactor = board.contactors[0]
    assert isinstance(contactor, Contactor) and not contactor.closed
    before = board.version
    assert contactor.drive(True, 0) and contactor.closed and board.version > before
    before = board.version
    assert contactor.drive(True, 1) and board.version == before, "nothing has changed"
    assert contactor.drive(False, 2) and not contactor.closed


def test_welded_in_a_session_is_noticed_when_it_should_open(board: Board) -> None:
    contactor = board.contactors[0]
    contactor.drive(True, 0)
    board.inject("f", "contactor.welded", 1, {}, 1)
    assert contactor.closed and codes(board) == []
    assert contactor.drive(False, 2) is False and contactor.closed
    assert codes(board) == [("power_switch_failure", True)] and codes(board, 2) == []
    board.clear("f", 3)
    assert not contactor.closed and codes(board) == []


def test_welded_on_an_idle_connector_is_noticed_at_once(board: Board) -> None:
    board.inject("f", "contactor.welded", 1, {}, 1)
    assert board.contactors[0].closed and codes(board) == [("power_switch_failure", True)]
    board.power_cut(2)
    assert board.contactors[0].closed and not board.live(1), "without mains no energy flows all the same"


def test_stuck_open(board: Board) -> None:
    contactor = board.contactors[0]
    board.inject("f", "contactor.stuck_open", 1, {}, 0)
    assert codes(board) == [], "an open contactor that should be open looks healthy"
    assert contactor.drive(True, 1) is False and not contactor.closed
    assert codes(board) == [("power_switch_failure", True)]
    assert contactor.drive(False, 2) and codes(board) == [("power_switch_failure", True)], "latched"
    board.clear("f", 3)
    assert codes(board) == [] and contactor.drive(True, 4)


def test_stuck_open_in_a_session_opens_it(board: Board) -> None:
    board.contactors[1].drive(True, 0)
    board.inject("f", "contactor.stuck_open", 2, {}, 1)
    assert not board.contactors[1].closed and codes(board, 2) == [("power_switch_failure", True)]


def test_chattering(board: Board) -> None:
    contactor = board.contactors[0]
    board.inject("f", "contactor.chattering", 1, {"closed_s": 4, "open_s": 1, "jitter": 0}, 0)
    assert board.next_change(0) is None, "an open contactor does not chatter"
    assert contactor.drive(True, 0) and not contactor.closed
    seen, now = [], 0
    for _ in range(6):
        due = board.next_change(now)
        assert due is not None and due > now
        before, now = board.version, due
        board.advance(now)
        assert board.version > before
        seen.append((now // S, contactor.closed))
    assert seen == [(1, True), (5, False), (6, True), (10, False), (11, True), (15, False)]
    assert codes(board) == []
    board.clear("f", now)
    assert contactor.closed and board.next_change(now) is None


def test_slow(board: Board) -> None:
    contactor = board.contactors[0]
    board.inject("f", "contactor.slow", 1, {"delay_ms": 800}, 0)
    assert contactor.drive(True, 0) and not contactor.closed and board.next_change(0) == 800_000
    board.advance(799_999)
    assert not contactor.closed
    board.advance(800_000)
    assert contactor.closed and board.next_change(800_000) is None
    assert contactor.drive(False, S) and contactor.closed
    assert contactor.drive(True, S + 1) and board.next_change(S + 1) is None, "taken back in time"
    contactor.drive(False, 2 * S)
    board.clear("f", 2 * S)
    assert not contactor.closed and codes(board) == []


def test_a_locked_out_contactor_comes_back_only_if_still_commanded(board: Board) -> None:
    contactor = board.contactors[0]
    contactor.drive(True, 0)
    board.inject("f", "supply.mains_outage", 0, {}, 1)
    assert not contactor.closed and contactor.drive(True, 2) is False
    board.clear("f", 3)
    assert contactor.closed
    board.power_cut(4)
    board.power_up(5)
    assert not contactor.closed and contactor.drive(True, 6)
