"""A farm without sockets and without waiting: a loop whose clock is turned by hand, and a CSMS on each connection.

``ManualLoop`` has what the live driver asks of a loop. ``LabTransport`` opens connections to scripted CSMSs that answer
after 5 ms. ``asyncio.sleep`` of the farm is replaced by turning the clock, so its end of a run runs to its end at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import pytest

from simulator.fleet import clock, farm
from simulator.fleet.connection import DialSpec
from simulator.fleet.farm import Farm
from simulator.fleet.live import Seat
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.schema import load_fleet
from simulator.fleet.target import make_target
from simulator.lab.csms import LabCsms
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report.redact import Redactor

ANSWER_S = 0.005
EPOCH_US = 1_700_000_000_000_000


class Timer:
    def __init__(self, function: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.function, self.args, self.cancelled = function, args, False

    def cancel(self) -> None:
        self.cancelled = True


class ManualLoop:
    """Stands for the loop, and for the module ``time`` of the clock."""

    def __init__(self) -> None:
        self.ns = 0
        self._heap: list[tuple[int, int, Timer]] = []
        self._count = 0

    def time(self) -> float:
        return self.ns / 1e9

    def perf_counter_ns(self) -> int:
        return self.ns

    def time_ns(self) -> int:
        return EPOCH_US * 1000 + self.ns

    def call_at(self, when_s: float, function: Callable[..., None], *args: Any) -> Timer:
        timer = Timer(function, args)
        self._count += 1
        heappush(self._heap, (max(self.ns, round(when_s * 1e9)), self._count, timer))
        return timer

    def call_later(self, delay_s: float, function: Callable[..., None], *args: Any) -> Timer:
        return self.call_at(self.time() + delay_s, function, *args)

    def turn(self, seconds: float) -> None:
        """Let time pass and everything happen that is due."""
        until = self.ns + round(seconds * 1e9)
        while self._heap and self._heap[0][0] <= until:
            at, _, timer = heappop(self._heap)
            self.ns = max(self.ns, at)
            if not timer.cancelled:
                timer.function(*timer.args)
        self.ns = until


class LabConnection:
    """A connection to a scripted CSMS; the interface of ``Connection``."""

    def __init__(self, transport: LabTransport, dial: DialSpec, seat: Any) -> None:
        self.transport, self.dial, self.seat = transport, dial, seat
        self.open = False
        self.ended = ""
        csms = LabCsms(dial.subprotocols[0], epoch_us=EPOCH_US)
        self.csms = transport.csms.setdefault(seat.station.id, csms)
        transport.loop.call_later(ANSWER_S, self._opened)

    reads = True

    def _opened(self) -> None:
        if self.ended:
            return
        if self.transport.away:
            self._down("refused", 0)
        else:
            self.open = True
            self.seat.on_open(self, self.dial.subprotocols[0])

    def _down(self, cause: Any, code: int) -> None:
        if not self.ended:
            self.open, self.ended = False, cause
            self.seat.on_down(self, cause, code, "", None)

    def send(self, data: bytes) -> bool:
        if self.open and not self.transport.deaf:
            for frame in self.csms.receive(data, self.transport.loop.ns // 1000):
                self.transport.loop.call_later(ANSWER_S, self._answer, frame)
        return self.open

    def _answer(self, frame: bytes) -> None:
        if self.open:
            self.seat.on_text(self, frame)

    def send_raw(self, data: bytes, *, opcode: int = 1, fin: bool = True) -> bool:
        return self.send(data)

    def ping(self) -> bool:
        self.transport.loop.call_later(ANSWER_S, self.seat.on_pong, self)
        return self.open

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.open, self.ended = False, f"close {code}"

    def abort(self) -> None:
        self.transport.loop.call_later(0, self._down, "reset", 0)
        self.open = False

    def vanish(self) -> None:
        self.open, self.ended = False, "vanish"

    def read(self, on: bool) -> None:
        self.reads = on


class LabTransport:
    """Opens connections to scripted CSMSs. ``away``: refuses; ``deaf``: hears nothing that is sent."""

    def __init__(self, loop: ManualLoop) -> None:
        self.loop = loop
        self.away = self.deaf = False
        self.csms: dict[str, LabCsms] = {}
        self.dials: list[DialSpec] = []
        self.connections: list[LabConnection] = []

    def open(self, dial: DialSpec, seat: Any) -> LabConnection:
        self.dials.append(dial)
        self.connections.append(LabConnection(self, dial, seat))
        return self.connections[-1]


class Rig:
    """A farm and what is around it."""

    def __init__(self, patch: pytest.MonkeyPatch, plan: FleetPlan, target: dict[str, Any], **more: Any) -> None:
        self.loop = ManualLoop()
        self.transport = LabTransport(self.loop)
        patch.setattr(clock, "time", self.loop)
        patch.setattr(farm.asyncio, "sleep", self._sleep)
        self.ledger = Ledger(None)
        self.metrics = RunMetrics()
        self.farm = Farm(
            plan,
            make_target({"url": "ws://csms.invalid/{id}", **target}, {}, base_dir=Path()),
            loop=self.loop,  # type: ignore[arg-type]
            transport=self.transport,  # type: ignore[arg-type]
            user_agent="test",
            metrics=self.metrics,
            ledger=self.ledger,
            redactor=Redactor(),
            **more,
        )
        self.ledger.begin_run({}, start_us=0, start_utc_us=EPOCH_US, speed=plan.speed)
        self.farm.start()

    async def _sleep(self, seconds: float) -> None:
        self.loop.turn(max(seconds, 0.001))

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run what the farm waits in; with the sleep above it never really waits."""
        with pytest.raises(StopIteration):
            coroutine.send(None)

    def seat(self, station_id: str) -> Seat:
        return self.farm.by_id[station_id]

    def finish(self, mode: str = "finish", drain_s: float = 10.0) -> None:
        self.run(self.farm.finish(mode, drain_s))

    def transactions(self) -> list[tuple[Any, ...]]:
        return self.ledger.query(
            "SELECT station_id, end_us IS NOT NULL, stop_fate, queued FROM transactions ORDER BY station_id"
        )


def plan_of(**fleet: Any) -> FleetPlan:
    """The plan of these options."""
    given = {"id": "S-{n}", **fleet}
    return resolve(load_fleet(None, given, environ={}), hostname="test")


def plan_of_file(folder: Path, document: dict[str, Any]) -> FleetPlan:
    """The plan of a fleet file that says this."""
    file = folder / "fleet.yaml"
    file.write_text(json.dumps(document))
    return resolve(load_fleet(file, {}, environ={}), hostname="test")


__all__ = ["ANSWER_S", "EPOCH_US", "LabTransport", "ManualLoop", "Rig", "asyncio", "plan_of", "plan_of_file"]
