"""500 stations with certificates of their own boot, lose the network, and come back."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest

from simulator.fleet.limits import KIB_PER_STATION
from tests.live.rig import Stage, groups, perform, plan_of

pytestmark = [pytest.mark.live, pytest.mark.slow]

COUNT = 500


def rss_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def test_500_stations_on_profile_3_lose_the_network_and_come_back(tmp_path: Path) -> None:
    told: dict[str, float] = {}

    async def play(stage: Stage) -> None:
        gc.collect()
        before_kib, begin, cpu = rss_kib(), time.monotonic(), time.process_time()
        await stage.until(lambda: len(stage.farm.booted) == COUNT, "all have booted", 60)
        told["boot_s"], told["boot_cpu_ms"] = time.monotonic() - begin, (time.process_time() - cpu) * 1e3 / COUNT
        await stage.quiet()
        told["kib"] = (rss_kib() - before_kib) / COUNT
        numbers = [seat.station.link.number for seat in stage.seats]
        begin, cpu = time.monotonic(), time.process_time()
        stage.farm.live.cut()
        await stage.until(
            lambda: all(
                seat.station.link.is_up and seat.station.link.number > number
                for seat, number in zip(stage.seats, numbers, strict=True)
            ),
            "all are back",
            60,
        )
        told["back_s"], told["back_cpu_ms"] = time.monotonic() - begin, (time.process_time() - cpu) * 1e3 / COUNT
        await stage.quiet()

    plan = plan_of(tmp_path, [{**groups(COUNT)[0], "count": COUNT}], ramp={"rate": 200})
    played = perform(plan, play, security_profile=3)
    print({name: round(value, 2) for name, value in told.items()})
    assert played.summary["booted"] == COUNT and played.summary["reconnects"] >= COUNT
    assert not played.violations
    assert told["kib"] < KIB_PER_STATION[True], "what the run was told beforehand that it needs"
