"""Samples over time: nothing is lost by merging, and the number of points stays bounded."""

import pytest

from simulator.core import records as r
from simulator.metrics import PHASES, RunMetrics
from simulator.report import series as module
from simulator.report.series import POINTS_MAX, Series


def test_a_point_is_what_happened_since_the_last_one() -> None:
    metrics, series = RunMetrics(), Series()
    handle = metrics.bind("1.6", "p")
    handle.phase(None, "available")
    for took_us in (10_000, 20_000):
        handle.record(r.CallFinished("Heartbeat", "ok", took_us, 0))
    handle.record(r.CallFinished("Heartbeat", "timeout", 30_000_000, 0))
    series.sample(2.0, metrics)
    handle.phase("available", "charging")
    series.sample(3.0, metrics)
    first, second = series.points
    assert (first.calls, first.failures, first.calls_per_s) == (3, 1, 1.5)
    assert first.p95_ms == pytest.approx(20, rel=0.04), "a time-out is no response time"
    assert (second.calls, second.p95_ms, second.seconds) == (0, None, 1.0)
    assert dict(zip(PHASES, second.stations, strict=True))["charging"] == 1


@pytest.mark.parametrize("samples", [1, 599, 600, 601, 602, 1201, 1202, 1203, 5000])
def test_the_number_of_points_is_bounded_and_no_call_is_lost(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POINTS_MAX", 20)  # the same arithmetic with less of it
    metrics, series = RunMetrics(), Series()
    handle = metrics.bind("1.6", "p")
    samples = samples // 30 + samples % 7 + 1
    for n in range(samples):
        handle.record(r.CallFinished("Heartbeat", "ok", 1000 * (n + 1), 0))
        series.sample(float(n + 1), metrics)
        assert len(series.points) <= 21
        assert sum(point.calls for point in series.points) == n + 1
        assert sum(point.seconds for point in series.points) == n + 1
    points = series.points
    assert points[-1].t_s == samples
    assert [point.t_s for point in points] == sorted({point.t_s for point in points})
    assert max(point.p95_ms or 0 for point in points) == pytest.approx(samples, rel=0.04)
    assert len({point.seconds for point in points[:-1]}) <= 1, "all points but the last are of one length"


def test_a_long_run_has_at_least_half_the_points() -> None:
    metrics, series = RunMetrics(), Series()
    for n in range(POINTS_MAX * 3):
        series.sample(float(n), metrics)
    assert POINTS_MAX // 2 <= len(series.points) <= POINTS_MAX + 1
