"""What monitors cost: stations in memory with ten each, beside the same stations without.

Every station charges all the while and has little else to do, so the difference between the two is the monitors'. The
ten are what an operator might set: temperatures, power, states, the register, two of them told at intervals. Time jumps
from one deadline to the next.
"""

from __future__ import annotations

import time
from heapq import heapify, heapreplace
from typing import Any

import msgspec

from simulator.bench.memory import CAR, TOKEN, Pool
from simulator.bench.weight import owned_bytes
from simulator.blocks import monitoring
from simulator.blocks.device_model import look_up
from simulator.blocks.monitors import CLOCK_ALIGNED, DELTA, LOWER, PERIODIC, UPPER, Wish
from simulator.core import inputs as i
from simulator.core.model import Model
from simulator.core.station import Station
from simulator.fleet.garbage import Garbage
from simulator.profile.compiled import compile_profile

VERSION = "2.0.1"
PROFILE = "generic/ac-single"
#: rare samples and heartbeats, so that the monitors are most of what happens
SETTINGS = {"MeterValueSampleInterval": 900, "HeartbeatInterval": 3_600}
SECOND_US = 1_000_000
#: component, EVSE, connector, variable, kind, value
WANTED = (
    ("TemperatureSensor", 1, 1, "Temperature", UPPER, 85.0),
    ("TemperatureSensor", 1, 1, "Temperature", PERIODIC, 300.0),
    ("TemperatureSensor", 0, 0, "Temperature", CLOCK_ALIGNED, 900.0),
    ("EVSE", 1, 0, "Power", UPPER, 20_000.0),
    ("EVSE", 1, 0, "Power", LOWER, 100.0),
    ("EVSE", 1, 0, "AvailabilityState", DELTA, 1.0),
    ("EVSE", 1, 0, "ACCurrent", DELTA, 5.0),
    ("ChargingStation", 0, 0, "AvailabilityState", DELTA, 1.0),
    ("FiscalMetering", 1, 0, "EnergyImportRegister", DELTA, 1_000.0),
    ("ElectricalFeed", 0, 0, "ACVoltage", LOWER, 207.0),
)


class Watching(msgspec.Struct, frozen=True):
    """One measurement. ``ms_per_s``: CPU milliseconds of one second of all stations' time, with monitors, and
    ``plain_ms_per_s`` without; ``us_per_event`` the difference for each event told; ``bytes_per_monitor`` of memory."""

    stations: int
    monitors: int
    seconds: int
    events: int
    ms_per_s: float
    plain_ms_per_s: float
    us_per_event: float
    bytes_per_monitor: float


class WatchedPool(Pool):
    """Charging stations, each with the ten monitors or with none; ``events`` counts messages about them."""

    def __init__(self, count: int, *, watched: bool) -> None:
        self._model = compile_profile(PROFILE, VERSION, settings=SETTINGS)
        super().__init__(VERSION, 0)
        self.events = 0
        for number in range(count):
            self.stations.append(Station(f"WATCH-{number:05d}", self._model, seed=1, number=number))
        for station in self.stations:
            self.feed(station, i.PowerOn())
            self._run(station, 3)
            if watched:
                found = monitoring.set_monitors(station, wishes(self._model, station))
                assert all(status == "Accepted" for status, _, _ in found), found
            self.feed(station, i.Plug(1, CAR))
            self.feed(station, i.Present(TOKEN, 1))
        self.run(60)
        assert all(station.evses[0].flowing for station in self.stations), "not all are charging"

    def _rare_answer(self, action: str) -> bytes:
        self.events += action == "NotifyEvent"
        return super()._rare_answer(action)

    def run(self, seconds: int) -> None:
        """Let so much time pass, deadline by deadline."""
        until = self.now + seconds * SECOND_US
        heap = [(_due(station, until), number) for number, station in enumerate(self.stations)]
        heapify(heap)
        while heap and heap[0][0] <= until:
            due, number = heap[0]
            self.now = max(self.now, due)
            station = self.stations[number]
            self.feed(station, i.Tick())
            heapreplace(heap, (_due(station, until), number))
        self.now = until


def _due(station: Station, until: int) -> int:
    due = station.next_deadline()
    return until + 1 if due is None else due


def wishes(model: Model, station: Station) -> list[Wish]:
    """The ten."""
    found: list[Wish] = []
    for component, evse_id, connector_id, variable, kind, value in WANTED:
        target: Any = look_up(station, component, variable, evse_id=evse_id, connector_id=connector_id)
        assert not isinstance(target, str), f"{model.name} has no {component}.{variable}"
        found.append(Wish(target, kind, value, 5))
    return found


def measure(stations: int = 1_000, seconds: int = 600) -> Watching:
    """Both kinds of stations through the same time."""
    plain, watched = WatchedPool(stations, watched=False), WatchedPool(stations, watched=True)
    garbage = Garbage()
    garbage.begin()
    garbage.settle()
    try:
        plain_s = _cpu(plain, seconds)
        before = watched.events
        watched_s = _cpu(watched, seconds)
        events = watched.events - before
    finally:
        garbage.end()
    more = _own(watched) - _own(plain)
    return Watching(
        stations=stations,
        monitors=len(WANTED),
        seconds=seconds,
        events=events,
        ms_per_s=watched_s / seconds * 1e3,
        plain_ms_per_s=plain_s / seconds * 1e3,
        us_per_event=(watched_s - plain_s) / events * 1e6,
        bytes_per_monitor=more / len(WANTED),
    )


def _cpu(pool: WatchedPool, seconds: int) -> float:
    begin = time.thread_time()
    pool.run(seconds)
    return time.thread_time() - begin


def _own(pool: WatchedPool) -> int:
    station, other = pool.stations[0], pool.stations[-1]
    return owned_bytes(station, (station.model, other))
