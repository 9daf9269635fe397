"""Station time: real time, faster real time, in microseconds since the beginning of the run."""

from __future__ import annotations

import time

from simulator.errors import FleetError


class LiveClock:
    """``speed`` station seconds pass in one real second. ``epoch_us`` is the true UTC (us since 1970) at 0."""

    __slots__ = ("_start_ns", "epoch_us", "speed")

    def __init__(self, speed: float = 1.0) -> None:
        assert speed > 0
        self.speed = speed
        self._start_ns = time.perf_counter_ns()
        self.epoch_us = time.time_ns() // 1000

    def now(self) -> int:
        """Station time in us."""
        return int((time.perf_counter_ns() - self._start_ns) * self.speed) // 1000

    def real_us(self) -> int:
        """Real time in us since the beginning."""
        return (time.perf_counter_ns() - self._start_ns) // 1000

    def seconds_until(self, at_us: int) -> float:
        """Real seconds until a moment of station time; 0 when it has passed."""
        return max(0.0, (at_us - self.now()) / self.speed / 1e6)


def station_speed(speed: float) -> int:
    """The speed as stations take it. Raises FleetError unless it is a whole number from 1.

    A station stretches what waits for the outside (time-outs of calls, dials and pings) by its speed, in whole
    microseconds; slower than real or half a time faster are of no use to anybody so far.
    """
    if speed < 1 or speed != int(speed):
        raise FleetError(f"{speed:g} is not supported; a whole number from 1 is", field="--speed")
    return int(speed)
