"""Charging schedules as they go over the wire in every version, for tests of smart charging."""

from __future__ import annotations

from typing import Any

from simulator.core.wall import format_wall
from tests.bench import Lab


def clock(lab: Lab, seconds: float = 0.0) -> str:
    """So many seconds from now, as the CSMS writes it."""
    return format_wall(lab.fleet.epoch_us + lab.fleet.now + int(seconds * 1_000_000))


def schedule(
    periods: tuple[tuple[float, ...], ...], unit: str, start: str | None, duration: int | None
) -> dict[str, Any]:
    """``periods`` are (start, limit) or (start, limit, phases)."""
    found: dict[str, Any] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": int(row[0]), "limit": row[1]} | ({"numberPhases": int(row[2])} if len(row) > 2 else {})
            for row in periods
        ],
    }
    found |= {} if start is None else {"startSchedule": start}
    found |= {} if duration is None else {"duration": duration}
    return found
