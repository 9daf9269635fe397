"""Storms: when one begins, which stations it takes in, and how its recovery is timed."""

import pytest

from simulator.core import records as r
from simulator.report import storms as module
from simulator.report.storms import Storms

SECOND = 1_000_000


def fleet(size: int) -> Storms:
    storms = Storms()
    for n in range(size):
        storms.add(f"CP{n}", r.Connected(1, False), 0)
        storms.add(f"CP{n}", r.Booted(1, "PowerUp"), 0)
    return storms


def lose(storms: Storms, stations: range, at_us: int, code: int = 1006) -> None:
    for n in stations:
        storms.add(f"CP{n}", r.Disconnected("closed", code), at_us)


@pytest.mark.parametrize(("lost", "storm"), [(4, False), (5, True), (100, True)])
def test_five_percent_within_ten_seconds(lost: int, storm: bool) -> None:
    storms = fleet(100)
    for n in range(lost):
        lose(storms, range(n, n + 1), 100 * SECOND + n * 10 * SECOND // max(lost - 1, 1))
    assert bool(storms.storms) is storm
    if storm:
        (found,) = storms.summary(start_us=40 * SECOND)
        assert (found["begin_s"], found["connected_before"], found["stations_lost"]) == (60.0, 100, lost)
        assert found["by_code"] == {"1006": lost}


def test_losses_spread_over_more_time_are_no_storm() -> None:
    storms = fleet(100)
    for n in range(40):
        lose(storms, range(n, n + 1), n * 3 * SECOND)
        storms.add(f"CP{n}", r.Connected(1, True), n * 3 * SECOND + 1)
    assert storms.storms == []


def test_one_station_is_no_storm_and_neither_is_the_end_of_a_run() -> None:
    storms = fleet(3)
    for at_s in (1, 2, 3):
        lose(storms, range(1), at_s * SECOND)
        storms.add("CP0", r.Connected(1, True), at_s * SECOND)
    assert storms.storms == [], "the same station three times"
    storms.ending()
    lose(storms, range(3), 4 * SECOND)
    assert storms.storms == []


def test_recovery_is_timed_in_three_stages() -> None:
    storms = fleet(100)
    lose(storms, range(10), 100 * SECOND)
    for n in range(10):
        station = f"CP{n}"
        at_us = (101 + n) * SECOND
        storms.add(station, r.ConnectFailed("http_status", 503), at_us)
        storms.add(station, r.QueueDepth(3), at_us)
        storms.add(station, r.Connected(1, True), at_us)
        if n % 2:
            storms.add(station, r.Booted(1, "PowerUp"), at_us + SECOND)
        else:
            storms.add(station, r.PhaseChanged("charging"), at_us + SECOND)
        if n < 9:
            storms.add(station, r.QueueDepth(0), at_us + 5 * SECOND)
    storms.add("CP50", r.ConnectFailed("refused", 0), 103 * SECOND)
    (found,) = storms.summary()
    assert found["reconnected"] == {"p50_s": 5.0, "p95_s": 10.0, "p100_s": 10.0}
    assert found["booted"] == {"p50_s": 6.0, "p95_s": 11.0, "p100_s": 11.0}
    assert found["queues_empty"] == {"p50_s": 10.0, "p95_s": None, "p100_s": None}
    assert found["refusals"] == {"http_503": 10}, "another station's refusal is not the storm's"
    storms.add("CP9", r.QueueDepth(0), 200 * SECOND)
    assert storms.summary()[0]["queues_empty"]["p100_s"] == 100.0


def test_an_empty_queue_is_reached_when_back_at_work() -> None:
    storms = fleet(20)
    lose(storms, range(2), SECOND)
    for n in range(2):
        storms.add(f"CP{n}", r.Connected(1, True), 2 * SECOND)
        assert storms.summary()[0]["queues_empty"]["p50_s"] is None
    for n in range(2):
        storms.add(f"CP{n}", r.PhaseChanged("available"), 4 * SECOND)
        storms.add(f"CP{n}", r.PhaseChanged("charging"), 9 * SECOND)
    assert storms.summary()[0]["queues_empty"] == {"p50_s": 3.0, "p95_s": 3.0, "p100_s": 3.0}
    assert storms.storms[0].over


def test_a_station_lost_again_starts_over_and_late_losses_join() -> None:
    storms = fleet(20)
    lose(storms, range(2), 0)
    storms.add("CP0", r.Connected(1, True), 4 * SECOND)
    lose(storms, range(1), 5 * SECOND, code=1011)
    lose(storms, range(5, 6), 14 * SECOND)
    storms.add("CP0", r.Connected(1, True), 20 * SECOND)
    (found,) = storms.summary()
    assert found["stations_lost"] == 3
    assert found["by_code"] == {"1006": 3, "1011": 1}
    assert found["reconnected"]["p50_s"] is None
    storms.add("CP1", r.Connected(1, True), 30 * SECOND)
    assert storms.summary()[0]["reconnected"] == {"p50_s": 30.0, "p95_s": None, "p100_s": None}


def test_a_station_that_is_back_before_the_storm_is_recognised_counts_as_back() -> None:
    storms = fleet(40)
    lose(storms, range(1), SECOND)
    storms.add("CP0", r.Connected(1, True), 2 * SECOND)
    storms.add("CP0", r.PhaseChanged("available"), 3 * SECOND)
    lose(storms, range(1, 2), 8 * SECOND)
    (found,) = storms.summary()
    assert found["stations_lost"] == 2
    assert found["reconnected"]["p50_s"] == 1.0
    assert found["booted"]["p50_s"] == found["queues_empty"]["p50_s"] == 2.0


def test_a_second_storm_is_its_own() -> None:
    storms = fleet(20)
    lose(storms, range(4), 0)
    for n in range(4):
        storms.add(f"CP{n}", r.Connected(1, True), SECOND)
        storms.add(f"CP{n}", r.PhaseChanged("available"), SECOND)
    lose(storms, range(4), 60 * SECOND)
    assert [storm["begin_s"] for storm in storms.summary()] == [0.0, 60.0]
    assert storms.summary()[0]["queues_empty"]["p100_s"] == 1.0, "the first one was over"


def test_the_number_of_storms_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STORMS_MAX", 2)
    storms = fleet(4)
    for round_number in range(5):
        at_us = round_number * 100 * SECOND
        lose(storms, range(4), at_us)
        for n in range(4):
            storms.add(f"CP{n}", r.Connected(1, True), at_us + SECOND)
            storms.add(f"CP{n}", r.PhaseChanged("available"), at_us + SECOND)
    assert (len(storms.storms), storms.left_off) == (2, 3)
