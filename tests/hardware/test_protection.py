"""Protective devices: what they open, what they leave, whom they concern."""

import pytest

from simulator.errors import AuthorError
from simulator.hardware.board import Board
from simulator.hardware.protection import Protection


def closed(board: Board) -> list[bool]:
    return [contactor.closed for contactor in board.contactors]


def codes(board: Board, evse_id: int) -> list[tuple[str, bool, int]]:
    return [(problem.code, problem.blocks, problem.evse_id) for problem in board.problems(evse_id)]


@pytest.fixture
def charging(board: Board) -> Board:
    assert isinstance(board.protection, Protection)
    for contactor in board.contactors:
        contactor.drive(True, 0)
    return board


@pytest.mark.parametrize(
    ("name", "code"), [("protection.rcd_trip", "ground_failure"), ("protection.over_current", "over_current")]
)
def test_a_trip_before_one_evse_or_before_all(charging: Board, name: str, code: str) -> None:
    charging.inject("f", name, 1, {}, 1)
    assert closed(charging) == [False, True] and charging.protection.limit_share(1) == 0.0
    assert codes(charging, 1) == [(code, True, 1)] and codes(charging, 2) == []
    assert charging.contactors[0].drive(True, 2) is False
    charging.inject("g", name, 0, {}, 3)
    assert closed(charging) == [False, False] and codes(charging, 2) == [(code, True, 0)]
    charging.clear("g", 4)
    charging.clear("f", 5)
    assert closed(charging) == [True, True] and codes(charging, 1) == codes(charging, 2) == []


def test_emergency_stop_concerns_the_whole_station(charging: Board) -> None:
    charging.inject("f", "protection.emergency_stop", 0, {}, 1)
    assert closed(charging) == [False, False] and codes(charging, 2) == [("other_error", True, 0)]
    charging.clear("f", 2)
    assert closed(charging) == [True, True] and codes(charging, 2) == []
    with pytest.raises(AuthorError, match=r"evse_id: protection\.emergency_stop concerns the whole station"):
        charging.inject("g", "protection.emergency_stop", 1, {}, 3)


@pytest.mark.parametrize(("left", "blocks"), [(0.5, False), (0.0, True)])
def test_over_temperature(charging: Board, left: float, blocks: bool) -> None:
    charging.inject("f", "protection.over_temperature", 2, {"derate_to": left}, 1)
    assert charging.protection.limit_share(2) == left and charging.protection.limit_share(1) == 1.0
    assert codes(charging, 2) == [("high_temperature", blocks, 2)] and closed(charging) == [True, True]
    charging.clear("f", 2)
    assert charging.protection.limit_share(2) == 1.0 and codes(charging, 2) == []


def test_a_welded_contactor_behind_a_tripped_device_carries_no_voltage(charging: Board) -> None:
    charging.inject("w", "contactor.welded", 1, {}, 1)
    assert charging.live(1)
    charging.inject("f", "protection.rcd_trip", 1, {}, 2)
    assert charging.contactors[0].closed and not charging.live(1)
    assert {code for code, _, _ in codes(charging, 1)} == {"ground_failure", "power_switch_failure"}
