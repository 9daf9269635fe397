"""Heat of contacts and housing, what makes it worse, and what protection does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from simulator.core.model import ThermalSpec
from simulator.errors import AuthorError
from simulator.hardware.board import Board
from simulator.hardware.thermal import CUT_OUT, DERATED, FAILED, NORMAL

S, DAY = 1_000_000, 86_400_000_000
SPEC = ThermalSpec()
MakeBoard = Callable[..., Board]


def flow(board: Board, amps: float, now: int, evse: int = 1) -> None:
    meter = board.meters[evse - 1]
    meter.set_flow(amps * 690.0, (amps, amps, amps), 230.0, now)
    board.warm(now)


def run(board: Board, now: int, until: int) -> int:
    """Do everything that is due; how often that was."""
    count = 0
    while (due := board.next_change(now)) is not None and due <= until:
        assert due > now or count == 0, "no standing still"
        now = due
        board.advance(now)
        count += 1
        assert count < 1000
    board.advance(until)
    return count


def test_a_station_that_never_charges_keeps_nothing(board: Board) -> None:
    board.power_cut(S)
    board.power_up(2 * S)
    assert board.thermal.places is None and board.next_change(2 * S) is None
    assert board.thermal.temperature_c(1, 3 * S) == SPEC.ambient_c == board.thermal.temperature_c(0, 3 * S)


def test_contacts_warm_with_the_square_of_the_current(board: Board) -> None:
    flow(board, 32.0, 0)
    tau = int(SPEC.contact_tau_s * S)
    reached = SPEC.ambient_c + SPEC.contact_rise_k * (1 - math.exp(-1))
    assert board.thermal.temperature_c(1, tau) == pytest.approx(reached)
    assert board.thermal.temperature_c(1, 100 * tau) == pytest.approx(SPEC.ambient_c + SPEC.contact_rise_k)
    assert board.thermal.temperature_c(2, tau) == SPEC.ambient_c, "the other EVSE is cold"
    flow(board, 16.0, 100 * tau)
    assert board.thermal.temperature_c(1, 100 * tau) == pytest.approx(SPEC.ambient_c + SPEC.contact_rise_k)
    assert board.thermal.temperature_c(1, 200 * tau) == pytest.approx(SPEC.ambient_c + SPEC.contact_rise_k / 4)
    flow(board, 0.0, 200 * tau)
    assert board.thermal.temperature_c(1, 300 * tau) == pytest.approx(SPEC.ambient_c)


def test_the_housing_warms_with_the_power(board: Board) -> None:
    flow(board, 32.0, 0)
    half = 32.0 * 690.0 / (2 * 22_000.0)
    assert board.thermal.temperature_c(0, DAY) == pytest.approx(SPEC.ambient_c + SPEC.cabinet_rise_k * half)
    flow(board, 32.0, DAY, evse=2)
    assert board.thermal.temperature_c(0, DAY) == pytest.approx(SPEC.ambient_c + SPEC.cabinet_rise_k * half)
    assert board.thermal.temperature_c(0, 2 * DAY) == pytest.approx(SPEC.ambient_c + SPEC.cabinet_rise_k * 2 * half)


def test_nothing_happens_to_what_is_healthy(board: Board) -> None:
    flow(board, 32.0, 0)
    assert board.next_change(0) is None and board.problems(1) == () and board.limit_share(1) == 1.0


def test_worn_contacts_derate_then_recover_then_fail(board: Board) -> None:
    """Derating comes with the current and goes with it; the resistance only grows."""
    board.inject("w", "thermal.contact_worn", 1, {"growth_mohm_per_day": 0.1, "fails_mohm": 2.0}, 0)
    assert board.thermal.contact_mohm(1, 5 * DAY) == pytest.approx(SPEC.contact_mohm + 0.5)
    assert board.problems(1) == () and board.limit_share(1) == 1.0
    run(board, 0, 6 * DAY)
    flow(board, 32.0, 6 * DAY)
    run(board, 6 * DAY, 6 * DAY + 3600 * S)
    # 0.4 + 0.6 mOhm make 75 K of the 30 K
    assert board.thermal.state(1) == DERATED and board.limit_share(1) == SPEC.derate_to
    assert [(p.component, p.code, p.blocks) for p in board.problems(1)] == [
        ("TemperatureSensor", "high_temperature", False)
    ]
    assert board.problems(2) == () and board.limit_share(2) == 1.0
    version = board.version
    flow(board, 16.0, 6 * DAY + 3600 * S)
    run(board, 6 * DAY + 3600 * S, 6 * DAY + 7200 * S)
    assert board.thermal.state(1) == "normal" and board.version > version and board.problems(1) == ()
    flow(board, 0.0, 6 * DAY + 7200 * S)
    run(board, 6 * DAY + 7200 * S, 20 * DAY - 1)
    assert board.thermal.state(1) == "normal"
    run(board, 20 * DAY - 1, 20 * DAY)
    assert board.thermal.state(1) == FAILED and board.limit_share(1) == 0.0
    assert [(p.component, p.blocks, p.info) for p in board.problems(1)] == [
        ("Connector", True, "connector contact burnt")
    ]
    assert board.thermal.contact_mohm(1, 30 * DAY) == pytest.approx(SPEC.contact_mohm + 2.0), "no further"
    board.clear("w", 21 * DAY)
    assert board.thermal.state(1) == "normal" and board.problems(1) == ()


def test_far_too_hot_is_switched_off(board: Board) -> None:
    board.inject("w", "thermal.contact_worn", 2, {"extra_mohm": 1.6, "growth_mohm_per_day": 0.0}, 0)
    flow(board, 32.0, 0, evse=2)
    run(board, 0, 4 * 3600 * S)
    assert board.thermal.state(2) == CUT_OUT and board.limit_share(2) == 0.0
    assert [p.blocks for p in board.problems(2)] == [True]
    flow(board, 0.0, 4 * 3600 * S, evse=2)
    run(board, 4 * 3600 * S, 8 * 3600 * S)
    assert board.thermal.state(2) == NORMAL and board.problems(2) == ()


def test_a_contact_gets_hotter_from_day_to_day(board: Board) -> None:
    """The resistance grows while the current flows: the temperature follows the rising line one time constant later."""
    board.inject("w", "thermal.contact_worn", 1, {"growth_mohm_per_day": 0.04}, 0)
    flow(board, 32.0, 0)
    k_per_day = SPEC.contact_rise_k / SPEC.contact_mohm * 0.04
    one, two = (board.thermal.temperature_c(1, day * DAY) for day in (1, 2))
    assert two - one == pytest.approx(k_per_day)
    lag = k_per_day * SPEC.contact_tau_s / 86_400
    assert one == pytest.approx(SPEC.ambient_c + SPEC.contact_rise_k + k_per_day - lag)


def test_hot_air(board: Board) -> None:
    board.inject("h", "thermal.hot_ambient", 0, {"air_c": 60.0}, 0)
    assert board.thermal.temperature_c(1, 0) == SPEC.ambient_c, "it takes its time"
    assert board.thermal.temperature_c(1, DAY) == pytest.approx(60.0)
    run(board, 0, DAY)
    assert board.limit_share(1) == 1.0
    flow(board, 32.0, DAY)
    flow(board, 32.0, DAY, evse=2)
    run(board, DAY, 2 * DAY)
    assert board.thermal.state(0) == "derated" and board.limit_share(1) == board.limit_share(2) == SPEC.derate_to
    assert ("TemperatureSensor", 0) in [(p.component, p.evse_id) for p in board.problems(1)]
    board.clear("h", 2 * DAY)
    run(board, 2 * DAY, 3 * DAY)
    assert board.limit_share(1) == 1.0 and board.thermal.temperature_c(1, 3 * DAY) < 60.0
    with pytest.raises(AuthorError, match="concerns the whole station"):
        board.inject("h", "thermal.hot_ambient", 1, {}, 3 * DAY)


def test_asking_changes_nothing(make_board: MakeBoard) -> None:
    def life(asked: bool) -> list[Any]:
        board = make_board()
        board.inject("w", "thermal.contact_worn", 1, {"extra_mohm": 0.7, "growth_mohm_per_day": 0.1}, 0)
        flow(board, 32.0, 0)
        seen = []
        now = 0
        while (due := board.next_change(now)) is not None and due < 20 * DAY:
            if asked:
                board.thermal.temperature_c(1, (now + due) // 2)
                board.advance((now + due) // 2)
            now = due
            board.advance(now)
            seen.append((now, board.thermal.state(1)))
            flow(board, 32.0 * board.limit_share(1), now)
            if len(seen) > 50:
                break
        return seen

    assert life(False) == life(True)
    assert [state for _, state in life(False)][:4] == ["derated", "normal", "derated", "normal"]
