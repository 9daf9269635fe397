"""What monitors cost. Never in seconds: looks are counted, memory is weighed object by object."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.bench import table
from simulator.bench.watching import WANTED, WatchedPool, Watching, measure
from simulator.core.station import Station

#: measured: 200
BYTES_PER_MONITOR = 260


def test_a_measurement_in_small() -> None:
    found = measure(stations=3, seconds=600)
    assert (found.stations, found.monitors, found.seconds) == (3, len(WANTED), 600)
    assert found.events >= 3 * 2 and 0 < found.bytes_per_monitor <= BYTES_PER_MONITOR


def test_nobody_looks_between_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many ticks more as there was something to tell, and no more."""
    fed = [0]
    plain_feed = Station.feed

    def feed(station: Station, event: Any, now: int) -> Any:
        fed[0] += type(event).__name__ == "Tick"
        return plain_feed(station, event, now)

    monkeypatch.setattr(Station, "feed", feed)

    def ticks(watched: bool) -> tuple[int, int]:
        pool = WatchedPool(2, watched=watched)
        before, events = fed[0], pool.events
        pool.run(1_800)
        return fed[0] - before, pool.events - events

    plain, none = ticks(watched=False)
    more, events = ticks(watched=True)
    assert none == 0 and events >= 2 * 6
    assert 0 < more - plain <= events


def test_the_row_of_the_table() -> None:
    found = Watching(1_000, 10, 600, 4_000, 1.8, 1.2, 100.0, 200.0)
    lines = "\n".join(table._watching(found))
    assert "1000 charging stations" in lines and "1.80 ms" in lines and "200 bytes for each monitor" in lines
