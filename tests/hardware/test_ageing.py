"""Faults that announce themselves: hour by hour a little worse, and the end after days."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.core.model import ModemSpec, RtcSpec, ThermalSpec
from simulator.hardware import ageing
from simulator.hardware.board import Board
from simulator.hardware.fault import FAULTS

S, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
MakeBoard = Callable[..., Board]
ALL = [name for name in FAULTS if FAULTS.get(name).__module__ == ageing.__name__]


def live(board: Board, now: int, until: int) -> None:
    """Do everything that is due."""
    for _ in range(2_000):
        due = board.next_change(now)
        if due is None or due > until:
            board.advance(until)
            return
        now = due
        board.advance(now)
    raise AssertionError("it never ends")


def test_there_are_some_for_each_part_that_wears() -> None:
    assert ALL == ["flash.ageing", "meter.drift", "modem.fading", "rtc.battery_ageing", "thermal.fan_worn"]


@pytest.mark.parametrize("name", ALL)
def test_it_is_asked_once_an_hour(board: Board, name: str) -> None:
    board.inject("f", name, 0, {}, 5 * S)
    assert board.next_change(5 * S) == HOUR + 5 * S
    board.advance(HOUR + 5 * S)
    assert board.next_change(HOUR + 5 * S) == 2 * HOUR + 5 * S


def test_flash(board: Board) -> None:
    def failures(now: int) -> int:
        return sum(not board.flash.write("a", n, 1, 10) for n in range(1_000))

    board.inject("f", "flash.ageing", 0, {"share_per_day": 0.1, "share_most": 0.25}, 0)
    assert failures(0) == 0 and board.problems(0) == ()
    live(board, 0, DAY)
    assert 70 < failures(DAY) < 130
    assert [problem.code for problem in board.problems(0)] == ["internal_error"]
    live(board, DAY, 10 * DAY)
    assert 200 < failures(10 * DAY) < 300, "it grows no further"


def test_meter(board: Board) -> None:
    meter = board.meters[0]
    meter.set_flow(10_000.0, (14.5, 14.5, 14.5), 230.0, 0)
    board.inject("f", "meter.drift", 1, {"permille_per_day": 24.0}, 0)
    first = meter.sample(0)
    live(board, 0, DAY)
    later = meter.sample(DAY)
    assert first is not None and later is not None and first.energy_wh is not None and later.energy_wh is not None
    # hour n counts by 1 + n / 1000: on average 11.5 permille too much
    assert later.energy_wh - first.energy_wh == pytest.approx(240_000 * 1.0115, abs=25)
    assert later.power_w == pytest.approx(10_240.0) and meter.sample(DAY) == later
    board.clear("f", DAY)
    after = meter.sample(DAY)
    assert after is not None and after.energy_wh == pytest.approx(later.energy_wh, abs=1) and after.power_w == 10_000.0
    board.inject("g", "meter.drift", 1, {"permille_per_day": -100.0}, DAY)
    live(board, DAY, 20 * DAY)
    low = meter.sample(20 * DAY)
    assert low is not None and low.power_w == 5_000.0 and low.energy_wh is not None and low.energy_wh > later.energy_wh


def test_fan(make_board: MakeBoard) -> None:
    spec = ThermalSpec(ambient_c=25.0, cabinet_rise_k=15.0, cabinet_tau_s=60.0)
    board = make_board(evses=1, thermal=spec)
    board.meters[0].set_flow(22_000.0, (32.0, 32.0, 32.0), 230.0, 0)
    board.warm(0)
    board.inject("f", "thermal.fan_worn", 0, {"loss_per_day": 0.1, "flow_least": 0.2}, 0)
    live(board, 0, HOUR)
    assert board.thermal.temperature_c(0, HOUR) == pytest.approx(40.0, abs=0.1)
    live(board, HOUR, 5 * DAY)
    assert board.thermal.airflow() == pytest.approx(0.5)
    # the housing is still as warm as the air flow of the hour before made it
    assert board.thermal.temperature_c(0, 5 * DAY) == pytest.approx(25.0 + 15.0 / (0.5 + 0.1 / 24), abs=0.01)
    live(board, 5 * DAY, 8 * DAY)
    assert [p.code for p in board.problems(0)] == ["high_temperature"] and board.limit_share(1) < 1.0
    assert board.next_change(9 * DAY) is None, "it is as bad as it gets"
    assert board.thermal.state(1) != "failed", "a fan breaks no contact"


def test_clock_battery(make_board: MakeBoard) -> None:
    board = make_board(rtc=RtcSpec(drift_ppm=0.0))
    board.inject("f", "rtc.battery_ageing", 0, {"lag_ppm_per_day": 100.0, "lasts_days": 4.0}, 0)
    epoch_us = board.rtc.wall(0)
    live(board, 0, DAY)
    first_us = DAY + epoch_us - board.rtc.wall(DAY)
    live(board, DAY, 2 * DAY)
    second_us = 2 * DAY + epoch_us - board.rtc.wall(2 * DAY) - first_us
    assert first_us > 3 * S and second_us > 2 * first_us
    board.power_cut(2 * DAY)
    board.power_up(2 * DAY)
    assert not board.rtc.lost
    live(board, 2 * DAY, 5 * DAY)
    board.power_cut(5 * DAY)
    board.power_up(5 * DAY)
    assert board.rtc.lost and board.rtc.wall(5 * DAY) == 0


def test_modem(make_board: MakeBoard) -> None:
    board = make_board(modem=ModemSpec("lte", (40, 90), signal_dbm=-60))
    board.inject("f", "modem.fading", 0, {"first_dbm": -80, "loss_db_per_day": 10.0}, 0)
    assert board.modem.signal_dbm() == -80 and board.problems(0) == ()
    live(board, 0, 2 * DAY)
    assert board.modem.signal_dbm() == -100 and board.problems(0) == ()
    before = board.version
    live(board, 2 * DAY, 3 * DAY)
    assert [(p.code, p.info) for p in board.problems(0)] == [
        ("weak_signal", "signal -110 dBm")
    ] and board.version > before
    assert board.modem.up(3 * DAY)
    live(board, 3 * DAY, 4 * DAY)
    assert not board.modem.up(4 * DAY)
    board.clear("f", 4 * DAY)
    assert board.modem.up(4 * DAY) and board.modem.signal_dbm() == -60
