"""Station time against a real clock that is turned by hand."""

import pytest

from simulator.errors import FleetError
from simulator.fleet import clock
from simulator.fleet.clock import LiveClock, station_speed


class Hands:
    """Stands for the module ``time``."""

    def __init__(self) -> None:
        self.ns = 5_000_000_000

    def perf_counter_ns(self) -> int:
        return self.ns

    def time_ns(self) -> int:
        return 1_700_000_000_000_000_000


@pytest.mark.parametrize("speed", [1, 10, 60])
def test_station_time_runs_as_fast_as_it_is_told(monkeypatch: pytest.MonkeyPatch, speed: int) -> None:
    hands = Hands()
    monkeypatch.setattr(clock, "time", hands)
    one = LiveClock(speed)
    assert (one.now(), one.real_us(), one.epoch_us) == (0, 0, 1_700_000_000_000_000)
    hands.ns += 2_500_000_000
    assert (one.now(), one.real_us()) == (2_500_000 * speed, 2_500_000)
    assert one.seconds_until(one.now() + 6_000_000) == 6 / speed
    assert one.seconds_until(one.now()) == one.seconds_until(0) == 0.0


def test_time_never_falls_and_never_drifts(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands()
    monkeypatch.setattr(clock, "time", hands)
    one = LiveClock(7)
    last = 0
    for step in range(10_000):
        hands.ns += 1 + step * 37 % 991
        assert one.now() >= last
        last = one.now()
    assert last == (hands.ns - 5_000_000_000) * 7 // 1000


@pytest.mark.parametrize("speed", [0.5, 1.5, 0.999, 59.9])
def test_fractions_are_refused(speed: float) -> None:
    with pytest.raises(FleetError, match=r"--speed: .* is not supported; a whole number from 1 is"):
        station_speed(speed)


def test_whole_numbers_are_taken() -> None:
    assert [station_speed(speed) for speed in (1.0, 2, 60.0)] == [1, 2, 60]
