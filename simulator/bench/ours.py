"""Stations of a shipped profile on real sockets, in a closed loop.

The driver is ``fleet/live.py`` as it is; only its clock is another one. A station sends because something falls due, so
the benchmark lets station time jump a second ahead whenever every call is answered: all that is due then goes out in
one wake-up, the answers come back, and the next second begins. One call in flight for each station, as fast as it can
be answered. Between two windows time stands still, so that an idle client costs nothing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Any

from simulator.bench.memory import CAR, PROFILE, SAMPLE_S, SECOND_US, TOKEN, bench_model
from simulator.core import inputs as i
from simulator.core.effects import Dial
from simulator.core.records import Booted, CallFinished
from simulator.core.station import Station
from simulator.fleet.clock import LiveClock
from simulator.fleet.connection import DialSpec
from simulator.fleet.live import LiveFleet, Seat
from simulator.fleet.trace import FrameRings
from simulator.fleet.transport import Transport
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics

#: how long a boot, or an answer, may take before the benchmark gives up
PATIENCE_S = 60.0


class SteppedClock(LiveClock):
    """Real time plus what was skipped; it can stand still."""

    __slots__ = ("_ahead_us", "_still_us")

    def __init__(self) -> None:
        super().__init__()
        self._ahead_us = 0
        self._still_us: int | None = None

    def now(self) -> int:
        """Station time in us."""
        return self.real_us() + self._ahead_us if self._still_us is None else self._still_us

    def skip(self, us: int) -> None:
        """Jump ahead."""
        self._ahead_us += us

    def stop(self) -> None:
        """Stand still from now on."""
        self._still_us = self.now()

    def go(self) -> None:
        """Run again from where it stood."""
        if self._still_us is not None:
            self._ahead_us = self._still_us - self.real_us()
            self._still_us = None


class Ours:
    """Stations of ours. ``books`` keeps what a run keeps as well: the ledger and the last frames of each station."""

    def __init__(self, version: str, port: int, *, books: Path | None = None) -> None:
        self.version = version
        self.model = bench_model(version)
        self.port = port
        self.loop = asyncio.get_running_loop()
        self.clock = SteppedClock()
        self.metrics = RunMetrics()
        self.handle = self.metrics.bind(version, PROFILE)
        transport = Transport(self.loop, user_agent="cpfarm/bench")
        self.fleet = LiveFleet(self.loop, transport, self._dial, self.clock, self)
        self.ledger = None if books is None else Ledger(books)
        self.rings = None if books is None else FrameRings(0)
        self.calls = 0
        self.sent_bytes = self._counted_from = 0
        self.open = 0
        self.failures: dict[str, int] = {}
        self._booted = 0
        self._quiet = asyncio.Event()
        self._woken = False

    # -- what the live driver tells

    def _dial(self, seat: Seat, dial: Dial) -> DialSpec:
        url = f"ws://127.0.0.1:{self.port}/{seat.station.id}"
        return DialSpec(url=url, subprotocols=dial.subprotocols, timeout_s=PATIENCE_S)

    def record(self, seat: Seat, what: Any, now: int) -> None:
        """Count what ended."""
        if self.ledger is not None:
            self.ledger.add(seat.station.id, what, now)
        kind = type(what)
        if kind is CallFinished:
            self.calls += 1
            self.open -= 1
            if what.outcome != "ok":
                self.failures[what.outcome] = self.failures.get(what.outcome, 0) + 1
            if not self.open and self._woken:
                self._quiet.set()
        elif kind is Booted:
            self._booted += 1

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        """Count what began."""
        if self.rings is not None:
            self.rings.add(seat.station.id, self.clock.real_us(), data, to_csms)
        if to_csms:
            self.open += 1
            self.sent_bytes += len(data)

    # -- what the benchmark asks for

    async def connect(self, count: int) -> None:
        """``count`` more stations, booted."""
        self.clock.go()
        begin, wanted = perf_counter(), self._booted + count
        for _ in range(count):
            number = len(self.fleet.seats)
            station = Station(
                f"BENCH-{number:05d}",
                self.model,
                seed=1,
                number=number,
                epoch_us=self.clock.epoch_us,
                now=self.clock.now(),
            )
            self.fleet.feed(self.fleet.add(station, self.handle), i.PowerOn())
        while self._booted < wanted or self.open:
            await asyncio.sleep(0.02)
            _patience(begin, f"{wanted - self._booted} of {count} stations have not booted")
        self.clock.stop()

    async def charge(self) -> None:
        """Every station in a transaction."""
        self.clock.go()
        for seat in self.fleet.seats:
            self.fleet.feed(seat, i.Plug(1, CAR))
            self.fleet.feed(seat, i.Present(TOKEN, 1))
        begin = perf_counter()
        while not all(seat.station.evses[0].flowing for seat in self.fleet.seats):
            await self._round()
            _patience(begin, "not every station is charging")
        self.clock.stop()
        self.sent_bytes, self._counted_from = 0, self.calls

    async def window(self, seconds: float) -> int:
        """Rounds for so long; how many calls were answered."""
        self.clock.go()
        before, end = self.calls, perf_counter() + seconds
        while perf_counter() < end:
            for _ in range(SAMPLE_S):  # in which each station sends a sample and a heartbeat
                await self._round()
        self.clock.stop()
        if self.fleet.failure is not None:
            raise self.fleet.failure
        if self.failures:
            raise RuntimeError(f"calls that were not answered well: {self.failures}")
        return self.calls - before

    def bytes_per_call(self) -> float:
        """Of the messages sent since all were charging."""
        return self.sent_bytes / max(1, self.calls - self._counted_from)

    async def _round(self) -> None:
        """A second of station time, and everything it brings is answered."""
        self._quiet.clear()
        self._woken = False
        self.clock.skip(SECOND_US)
        self.fleet.call_at(0, self._at_wake)  # overdue: the driver wakes as soon as it ever does
        await asyncio.wait_for(self._quiet.wait(), PATIENCE_S)

    def _at_wake(self) -> None:
        """Runs in the wake-up that serves the stations, before them; what it plans runs after them."""
        self.loop.call_soon(self._after_wake)

    def _after_wake(self) -> None:
        self._woken = True
        if not self.open:
            self._quiet.set()

    async def close(self) -> None:
        """Hang up."""
        self.fleet.stop()
        if self.ledger is not None:
            self.ledger.close()


def _patience(begin: float, what: str) -> None:
    if perf_counter() - begin > PATIENCE_S:
        raise TimeoutError(f"{what} after {PATIENCE_S:g} s")
