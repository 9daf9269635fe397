"""Station time: real time, faster real time, in microseconds since the beginning of the run."""

from __future__ import annotations

import time


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
