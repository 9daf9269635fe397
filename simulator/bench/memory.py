"""The path of a call through a station, without a socket.

A *pool* is a number of stations in one plain list, each booted and in a transaction, every one fed by hand: no loop, no
network, no heap of deadlines, no metrics. ``drive`` gives each what is due and then the answer to what it said.

Figures are given in passes of a yardstick as well, see ``yardstick.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import msgspec

from simulator.bench.yardstick import unit
from simulator.core import inputs as i
from simulator.core.effects import Dial, Ping, Record, Send
from simulator.core.model import Model
from simulator.core.records import CallFinished
from simulator.core.station import Station
from simulator.fleet.garbage import Garbage
from simulator.profile.compiled import compile_profile

PROFILE = "generic/ac-single"
EPOCH_US = 1_772_323_200_000_000
SECOND_US = 1_000_000
SAMPLE_S = 3
HEARTBEAT_S = 2
"""After so much silence: one heartbeat between two samples. The sink offers the same, so that no station changes it."""
MEASURANDS = ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import")
"""Five values on three phases: what a common configuration of an AC station sends."""
#: a car that is not full before the benchmark is over
CAR = i.EvSpec(battery_wh=1e8, soc=0.2)
TOKEN = "VALID0001"

_TICK = i.Tick()


def bench_model(version: str) -> Model:
    """The profile under test: a sample every three seconds, and a heartbeat after two seconds of silence in between."""
    settings = {
        "MeterValueSampleInterval": SAMPLE_S,
        "HeartbeatInterval": HEARTBEAT_S,
        "MeterValuesSampledData": MEASURANDS,
    }
    return compile_profile(PROFILE, version, settings=settings)


class Pool:
    """Stations in memory, and the metrics they feed."""

    def __init__(self, version: str, count: int, *, charging: bool = True, prefix: str = "BENCH") -> None:
        model = bench_model(version)
        self.version = version
        self.now = 0
        self.stations = [
            Station(f"{prefix}-{number:05d}", model, seed=1, number=number, epoch_us=EPOCH_US)
            for number in range(count)
        ]
        self.calls = 0
        self.transactions = 0
        for station in self.stations:
            self.feed(station, i.PowerOn())
            self._run(station, 3)
        if charging:
            for station in self.stations:
                self.feed(station, i.Plug(1, CAR))
                self.feed(station, i.Present(TOKEN, 1))
            self.now += 10 * SECOND_US
            for station in self.stations:
                self._run(station, 10)
            assert all(s.evses[0].flowing and s.outbox.in_flight is None for s in self.stations), "not all are charging"

    def feed(self, station: Station, event: i.Input) -> None:
        """Feed one input and carry out the effects as a live driver would, answering every call at once."""
        todo: list[i.Input] = [event]
        while todo:
            for effect in station.feed(todo.pop(), self.now):
                kind = type(effect)
                if kind is Record:
                    what = effect.what  # type: ignore[union-attr]
                    if type(what) is CallFinished:
                        self.calls += 1
                        assert what.outcome == "ok", what
                elif kind is Send:
                    todo.append(i.Frame(effect.link, self._answer(station)))  # type: ignore[union-attr]
                elif kind is Ping:
                    todo.append(i.Pong(effect.link))  # type: ignore[union-attr]
                elif kind is Dial:
                    todo.append(i.LinkUp(effect.link, station.dialect.subprotocol))  # type: ignore[union-attr]

    def _answer(self, station: Station) -> bytes:
        """What a CSMS that accepts everything answers. Its own work is not to be measured, so it looks at the station
        and not at the frame."""
        outbox = station.outbox
        body = ANSWERS.get(outbox.action)
        if body is None:
            body = self._rare_answer(outbox.action)
        return b'[3,"%b",%b]' % (outbox.message_id.encode(), body)

    def _rare_answer(self, action: str) -> bytes:
        if action == "StartTransaction":
            self.transactions += 1
            return b'{"idTagInfo":{"status":"Accepted"},"transactionId":%d}' % self.transactions
        if action == "Authorize":
            return b'{"%b":{"status":"Accepted"}}' % (b"idTagInfo" if self.version == "1.6" else b"idTokenInfo")
        return b"{}"

    def _run(self, station: Station, rounds: int) -> None:
        for _ in range(rounds):
            due = station.next_deadline()
            if due is None or due > self.now:
                return
            self.feed(station, _TICK)

    def drive(self, seconds: int) -> int:
        """Let ``seconds`` of station time pass in steps of one; how many calls were made and answered."""
        before = self.calls
        for _ in range(seconds):
            self.now += SECOND_US
            now = self.now
            for station in self.stations:
                due = station.next_deadline()
                while due is not None and due <= now:
                    self.feed(station, _TICK)
                    due = station.next_deadline()
        return self.calls - before


ANSWERS = {
    "BootNotification": b'{"status":"Accepted","currentTime":"2026-03-01T00:00:00Z","interval":0}',
    "Heartbeat": b'{"currentTime":"2026-03-01T00:00:00Z"}',
    "MeterValues": b"{}",
    "TransactionEvent": b"{}",
}


class Figure(msgspec.Struct, frozen=True):
    """One measurement in memory, of many short slices. ``us`` and ``unit_us``: CPU microseconds for each call and for
    each pass of the yardstick, in the best slice of each, which is the one nobody else disturbed; ``us_median`` what it
    was in the middle. ``units`` is the ratio of the first two."""

    us: float
    us_median: float
    unit_us: float
    units: float
    calls: int
    slices: int


def measure(pool: Pool, slices: int, clock: Callable[[], float] = time.perf_counter) -> Figure:
    """``slices`` times: the yardstick, then three seconds of station time; a millisecond each for a small pool."""
    costs: list[float] = []
    units: list[float] = []
    calls = 0
    garbage = Garbage()  # as in a run: what lives on is no garbage
    garbage.begin()
    garbage.settle()
    try:
        for _ in range(slices):
            a = clock()
            unit(UNIT_PASSES)
            b = clock()
            done = pool.drive(SAMPLE_S)
            c = clock()
            calls += done
            units.append((b - a) / UNIT_PASSES * 1e6)
            costs.append((c - b) / done * 1e6)
    finally:
        garbage.end()
    us, unit_us = min(costs), min(units)
    return Figure(us=us, us_median=median(costs), unit_us=unit_us, units=us / unit_us, calls=calls, slices=slices)


UNIT_PASSES = 100
"""About half a millisecond."""
