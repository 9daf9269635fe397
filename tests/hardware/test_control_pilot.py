"""The control pilot: truth and what is sensed of it."""

from simulator.hardware.board import Board
from simulator.hardware.control_pilot import Pilot


def sensed(pilot: Pilot) -> tuple[bool, bool]:
    return pilot.plugged, pilot.ev_ready


def test_a_healthy_pilot_senses_the_truth(board: Board) -> None:
    pilot = board.pilots[0]
    pilot.set_ev_ready(True, 0)
    assert sensed(pilot) == (False, False), "a car that is not plugged cannot ask"
    before = board.version
    pilot.set_plugged(True, 1)
    assert sensed(pilot) == (True, True) and board.version > before
    pilot.set_ev_ready(False, 2)
    assert sensed(pilot) == (True, False) and sensed(board.pilots[1]) == (False, False)


def test_bouncing(board: Board) -> None:
    pilot = board.pilots[0]
    board.inject("f", "pilot.bouncing", 1, {"closed_s": 2, "open_s": 0.5, "jitter": 0}, 0)
    assert board.next_change(0) is None, "nothing is plugged"
    pilot.set_plugged(True, 0)
    pilot.set_ev_ready(True, 0)
    seen, now = [sensed(pilot)], 0
    for _ in range(3):
        due = board.next_change(now)
        assert due is not None
        now = due
        board.advance(now)
        seen.append(sensed(pilot))
    assert now == 3_000_000 and seen == [(False, False), (True, True), (False, False), (True, True)]
    board.clear("f", 2_600_000)
    assert sensed(pilot) == (True, True) and board.next_change(2_600_000) is None


def test_bouncing_of_the_wish_alone(board: Board) -> None:
    pilot = board.pilots[0]
    pilot.set_plugged(True, 0)
    pilot.set_ev_ready(True, 0)
    board.inject("f", "pilot.bouncing", 1, {"signal_lost": "ev_ready"}, 0)
    assert sensed(pilot) == (True, False)


def test_short(board: Board) -> None:
    pilot = board.pilots[0]
    pilot.set_plugged(True, 0)
    pilot.set_ev_ready(True, 0)
    board.inject("f", "pilot.short", 1, {}, 1)
    assert sensed(pilot) == (True, False)
    assert [(p.code, p.blocks, p.component) for p in board.problems(1)] == [
        ("ev_communication", True, "CPPWMController")
    ]
    board.clear("f", 2)
    assert sensed(pilot) == (True, True) and board.problems(1) == ()


def test_no_communication(board: Board) -> None:
    pilot = board.pilots[1]
    pilot.set_plugged(True, 0)
    pilot.set_ev_ready(True, 0)
    board.inject("f", "pilot.no_communication", 2, {}, 1)
    assert sensed(pilot) == (True, False)
    assert [(p.code, p.blocks) for p in board.problems(2)] == [("ev_communication", False)]
    board.clear("f", 2)
    assert sensed(pilot) == (True, True) and board.problems(2) == ()
