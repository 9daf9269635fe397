"""The mains supply."""

from collections.abc import Callable

import pytest

from simulator.hardware.board import Board
from simulator.hardware.supply import Supply


def test_mains_outage_opens_every_contactor(board: Board) -> None:
    assert isinstance(board.supply, Supply) and board.supply.mains
    for contactor in board.contactors:
        contactor.drive(True, 0)
    board.inject("f", "supply.mains_outage", 0, {}, 1)
    assert not board.supply.mains and board.supply.voltage_share == 0.0
    assert not any(c.closed for c in board.contactors) and not board.live(1)
    assert board.problems(0) == (), "a station without power says nothing"
    board.clear("f", 2)
    assert board.supply.mains and board.supply.voltage_share == 1.0 and board.live(1)


def test_brown_out(board: Board) -> None:
    board.contactors[0].drive(True, 0)
    board.inject("f", "supply.brown_out", 0, {"voltage_to": 0.75}, 1)
    assert board.supply.mains and board.supply.voltage_share == 0.75 and board.live(1)
    assert [(p.code, p.blocks, p.component) for p in board.problems(1)] == [("under_voltage", False, "ElectricalFeed")]
    board.clear("f", 2)
    assert board.supply.voltage_share == 1.0 and board.problems(1) == ()


def test_over_voltage(board: Board) -> None:
    board.contactors[0].drive(True, 0)
    board.inject("f", "supply.over_voltage", 0, {}, 1)
    assert board.supply.voltage_share == 1.2 and not board.contactors[0].closed
    assert [(p.code, p.blocks) for p in board.problems(2)] == [("over_voltage", True)]
    board.clear("f", 2)
    assert board.contactors[0].closed and board.problems(2) == ()


@pytest.mark.parametrize("rotation", [0, 1, 2])
def test_phase_loss_with_three_phases(make_board: Callable[..., Board], rotation: int) -> None:
    board = make_board()
    board.supply.rotation = rotation
    board.inject("f", "supply.phase_loss", 0, {"phase": 2}, 0)
    assert board.supply.mains and board.limit_share(1) == pytest.approx(2 / 3)
    assert [(p.code, p.blocks) for p in board.problems(0)] == [("under_voltage", False)]
    board.clear("f", 1)
    assert board.limit_share(1) == 1.0 and board.problems(0) == ()


@pytest.mark.parametrize("rotation", [0, 1, 2])
def test_phase_loss_with_one_phase(make_board: Callable[..., Board], rotation: int) -> None:
    board = make_board()
    board.supply.phases, board.supply.rotation = 1, rotation
    board.inject("f", "supply.phase_loss", 0, {"phase": 2}, 0)
    assert board.supply.mains is (rotation != 1) and board.problems(0) == ()
    assert board.limit_share(1) == 1.0
    board.clear("f", 1)
    assert board.supply.mains
