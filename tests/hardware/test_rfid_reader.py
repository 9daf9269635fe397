"""The token reader."""

import pytest

from simulator.hardware.board import Board
from simulator.hardware.rfid_reader import ByteOrder


def test_a_healthy_reader_reads_once(board: Board) -> None:
    assert board.reader.read("04A2B3C4", 0) == ("04A2B3C4",)


def test_dead(board: Board) -> None:
    board.inject("f", "reader.dead", 0, {}, 0)
    assert board.reader.read("04A2B3C4", 1) == ()
    assert [(p.code, p.blocks, p.evse_id) for p in board.problems(2)] == [("reader_failure", False, 0)]
    board.clear("f", 2)
    assert board.reader.read("04A2B3C4", 3) == ("04A2B3C4",) and board.problems(2) == ()


def test_double_read(board: Board) -> None:
    board.inject("f", "reader.double_read", 0, {}, 0)
    assert board.reader.read("04A2B3C4", 1) == ("04A2B3C4", "04A2B3C4")
    board.inject("g", "reader.byte_order", 0, {}, 0)
    assert board.reader.read("04A2B3C4", 1) == ("C4B3A204", "C4B3A204")
    board.clear("f", 2)
    assert board.reader.read("04A2B3C4", 3) == ("C4B3A204",)
    board.clear("g", 4)
    assert board.reader.read("04A2B3C4", 5) == ("04A2B3C4",)


@pytest.mark.parametrize(
    ("token", "seen"), [("04a2", "a204"), ("04A2B", "04A2B"), ("VALID-1", "VALID-1"), ("", ""), ("AB", "AB")]
)
def test_only_pairs_of_hex_digits_are_turned_round(token: str, seen: str) -> None:
    assert ByteOrder().read(token) == (seen,)
