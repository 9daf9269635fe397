"""The mains supply."""

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
