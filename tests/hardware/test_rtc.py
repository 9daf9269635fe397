"""The clock: integer time, drift, and how a station loses or never learns the time."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.model import RtcSpec
from simulator.hardware.board import Board
from simulator.hardware.fault import Pulse
from simulator.hardware.rtc import PLAUSIBLE_WALL_US, Rtc, year_us

EPOCH = 1_700_000_000_000_000
H = 3_600_000_000
EXACT = RtcSpec(drift_ppm=0.0)


@pytest.fixture
def board(make_board: Callable[..., Board]) -> Board:
    return make_board(rtc=EXACT)


@pytest.mark.parametrize("year", [1970, 1971, 1972, 1973, 1999, 2000, 2001, 2020, 2024, 2025, 2100])
def test_years_are_gregorian(year: int) -> None:
    assert year_us(year) == int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert year_us(2020) == PLAUSIBLE_WALL_US


def test_an_exact_clock_follows_now_and_can_be_set(board: Board) -> None:
    rtc = board.rtc
    assert rtc.wall(0) == EPOCH and rtc.wall(123_456_789) == EPOCH + 123_456_789
    assert not rtc.synced and rtc.trusted(0), "a battery keeps the factory's time"
    assert rtc.set(EPOCH + 5_000_000, 1_000_000) and rtc.synced
    assert rtc.wall(2_000_000) == EPOCH + 6_000_000


def test_every_station_has_its_own_drift_within_the_spec(make_board: Callable[..., Board]) -> None:
    drifts = [make_board(seed=s, rtc=RtcSpec(drift_ppm=20.0)).rtc.own_ppb for s in range(200)]
    assert len(set(drifts)) > 190 and -20_000 <= min(drifts) < -15_000 and 15_000 < max(drifts) <= 20_000
    assert all(isinstance(drift, int) for drift in drifts)


def test_drift_is_on_top_and_what_it_did_stays(board: Board) -> None:
    board.inject("f", "rtc.drift", 0, {"ppm": -100.0}, H)
    assert board.rtc.wall(H) == EPOCH + H, "it begins without a jump"
    assert board.rtc.wall(2 * H) == EPOCH + 2 * H - 360_000
    board.clear("f", 2 * H)
    assert board.rtc.wall(3 * H) == EPOCH + 3 * H - 360_000
    board.rtc.set(EPOCH, 3 * H)
    assert board.rtc.wall(4 * H) == EPOCH + H


def test_a_slow_clock_goes_on_however_often_it_is_looked_after(make_board: Callable[..., Board]) -> None:
    """Something due at its next microsecond would else be due for ever."""
    rtc = make_board(rtc=RtcSpec(drift_ppm=20.0)).rtc
    rtc.own_ppb = rtc.ppb = -20_000
    for now in range(1, 1_001):
        rtc.refresh(now)
    assert rtc.wall(1_000) >= EPOCH + 999


def test_step(board: Board) -> None:
    board.inject("f", "rtc.step", 0, {"step_s": -7200}, H)
    assert board.rtc.wall(H) == EPOCH - H
    board.clear("f", 2 * H)
    assert board.rtc.wall(2 * H) == EPOCH, "the end of the fault does not set the clock"


@pytest.mark.parametrize(("params", "shown"), [({}, 0), ({"year": 2000}, 946_684_800_000_000)])
def test_battery_dead(board: Board, params: dict[str, int], shown: int) -> None:
    board.rtc.set(EPOCH, 0)
    board.inject("f", "rtc.battery_dead", 0, params, H)
    assert board.rtc.wall(H) == EPOCH + H and board.rtc.synced, "nothing happens while there is power"
    board.power_cut(2 * H)
    board.power_up(5 * H)
    assert board.rtc.wall(5 * H) == shown and board.rtc.wall(5 * H + 9) == shown + 9
    assert not board.rtc.synced and not board.rtc.trusted(5 * H)
    assert board.rtc.set(EPOCH, 5 * H) and board.rtc.trusted(5 * H)
    board.clear("f", 5 * H)
    board.power_cut(6 * H)
    board.power_up(7 * H)
    assert board.rtc.wall(7 * H) == EPOCH + 2 * H and board.rtc.synced


def test_a_clock_without_battery_begins_and_comes_back_unset(make_board: Callable[..., Board]) -> None:
    board = make_board(rtc=RtcSpec(drift_ppm=0.0, battery=False, unset_wall_us=946_684_800_000_000))
    assert board.rtc.wall(7) == 946_684_800_000_007 and not board.rtc.trusted(7)
    board.rtc.set(EPOCH, 7)
    board.power_cut(H)
    board.power_up(2 * H)
    assert board.rtc.wall(2 * H) == 946_684_800_000_000 and not board.rtc.synced


def test_a_lost_clock_with_a_plausible_unset_time_is_still_not_trusted(make_board: Callable[..., Board]) -> None:
    board = make_board(rtc=RtcSpec(battery=False, unset_wall_us=EPOCH))
    assert not board.rtc.trusted(0)


def test_never_syncs(board: Board) -> None:
    board.inject("f", "rtc.never_syncs", 0, {}, 0)
    assert board.rtc.set(EPOCH + H, 5) is False and board.rtc.wall(5) == EPOCH + 5 and not board.rtc.synced
    board.clear("f", 5)
    assert board.rtc.set(EPOCH + H, 5) is True and board.rtc.wall(5) == EPOCH + H


def test_local_time(board: Board) -> None:
    board.inject("f", "rtc.local_time", 0, {"offset_min": 120}, 0)
    assert board.rtc.wall(0) == EPOCH + 2 * H
    board.rtc.set(EPOCH, 0)
    assert board.rtc.wall(0) == EPOCH + 2 * H, "setting it does not help"
    board.clear("f", 0)
    assert board.rtc.wall(0) == EPOCH


@given(
    ppb=st.integers(-500_000_000, 500_000_000),
    times=st.lists(st.integers(0, 10**15), min_size=2, max_size=8),
)
def test_law_a_clock_that_nobody_sets_never_runs_backwards(ppb: int, times: list[int]) -> None:
    rtc = Rtc(Pulse(), spec=EXACT, own_ppb=ppb, ppb=ppb, base_us=EPOCH)
    walls = [rtc.wall(now) for now in sorted(times)]
    assert walls == sorted(walls) and all(type(wall) is int for wall in walls)
    middle = sorted(times)[len(times) // 2]
    expected = rtc.wall(max(times))
    rtc.refresh(middle)
    assert expected - 1 <= rtc.wall(max(times)) <= expected, "starting the line anew costs less than a microsecond"
