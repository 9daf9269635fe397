"""How a run went over time: one sample a second, few enough points to draw, however long the run is.

Theory. A plot needs some hundred points. Samples are collected until a point is complete; when there are more than 600
points, neighbours are merged in pairs and a point takes twice as long from then on. Merging keeps what a reader of a
plot must not miss: calls and failures are added, the 95th percentile is the worst of the two, and the states of the
stations are the latest.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from simulator.metrics import ANSWERED, PHASES, CallReader, RunMetrics
from simulator.report.histogram import Histogram, percentile_us

POINTS_MAX = 600


class Point(msgspec.Struct, frozen=True):
    """What happened in the ``seconds`` before ``t_s`` (seconds of the run). ``stations`` are by phase, as in PHASES."""

    t_s: float
    seconds: float
    calls: int
    failures: int
    p95_ms: float | None
    stations: tuple[int, ...]

    @property
    def calls_per_s(self) -> float:
        """Finished CALLs per second."""
        return self.calls / self.seconds if self.seconds > 0 else 0.0


class Series:
    """Samples of one run."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._open: Point | None = None
        self._samples = 0  # of which the open point is made
        self._samples_per_point = 1
        self._reader: CallReader | None = None
        self._last_s = 0.0

    def sample(self, t_s: float, metrics: RunMetrics) -> None:
        """Take a sample at ``t_s`` seconds of the run; to be called about once a second with the same metrics."""
        if self._reader is None:
            self._reader = CallReader(metrics)
        answered = Histogram()
        calls = failures = 0
        for (_, _, outcome), slots in self._reader.slots().items():
            n = sum(slots)
            calls += n
            failures += n if outcome != "ok" else 0
            if outcome in ANSWERED:
                answered.counts = [a + b for a, b in zip(answered.counts, slots, strict=True)]
        p95_us = percentile_us(answered.counts, 95)
        p95_ms = None if p95_us is None else round(p95_us / 1000, 3)
        stations = tuple(metrics.stations[phase] for phase in PHASES)
        point = Point(t_s, t_s - self._last_s, calls, failures, p95_ms, stations)
        self._last_s = t_s
        self._open = point if self._open is None else _merged([self._open, point])
        self._samples += 1
        if self._samples == self._samples_per_point:
            self._points.append(self._open)
            self._open, self._samples = None, 0
            if len(self._points) > POINTS_MAX:
                self._halve()

    @property
    def points(self) -> list[Point]:
        """All points, the last one perhaps of fewer samples than the others."""
        return self._points + ([self._open] if self._open else [])

    def _halve(self) -> None:
        pairs = [self._points[i : i + 2] for i in range(0, len(self._points), 2)]
        if len(pairs[-1]) == 1:  # a lone half waits for its other half
            (self._open,) = pairs.pop()
            self._samples = self._samples_per_point
        self._points = [_merged(pair) for pair in pairs]
        self._samples_per_point *= 2


def _merged(points: Sequence[Point]) -> Point:
    times = [point.p95_ms for point in points if point.p95_ms is not None]
    return Point(
        points[-1].t_s,
        sum(point.seconds for point in points),
        sum(point.calls for point in points),
        sum(point.failures for point in points),
        max(times) if times else None,
        points[-1].stations,
    )
