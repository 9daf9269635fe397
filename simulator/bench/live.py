"""The live benchmark: a sink, and client processes that take turns.

Clients stay on one core and the sink on another where the system lets us say so. All clients are connected before the
first window and stay so; a window of one begins when that of another has ended. Figures are medians over rounds; their
spread says how far to trust them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import IO, Any

import msgspec

from simulator.bench.memory import HEARTBEAT_S

WARM = 20
"""Clients that come before the memory is read for the first time: they pay for what all share."""


class Spread(msgspec.Struct, frozen=True):
    """A median and what it is the median of."""

    median: float
    low: float
    high: float


class Client(msgspec.Struct, frozen=True):
    """What one kind of client costs.

    ``us_per_call``: CPU of its process; ``undisturbed_us`` the same after allowing for how much slower than at its best
    the yardstick was before and after each window. KiB and tracked objects are for each station: booted and idle, then
    with a transaction open, and that again ``after`` all windows, when buffers have grown. ``sink_share``: how much of
    its core the sink used meanwhile; ``bytes_per_call`` are those sent, without frames."""

    kind: str
    version: str
    stations: int
    calls: int
    us_per_call: Spread
    undisturbed_us: float
    calls_per_s: Spread
    sink_share: float
    bytes_per_call: float
    kib_idle: float
    kib_charging: float
    kib_after: float
    tracked_idle: float
    tracked_charging: float
    full_pass_ms: float
    connect_us: float


class Process:
    """A child that answers each line by one."""

    def __init__(self, *words: str) -> None:
        self._name = words[0]
        self._child = subprocess.Popen(
            [sys.executable, "-m", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdin is not None and self._child.stdout is not None
        self._in: IO[str] = self._child.stdin
        self._out: IO[str] = self._child.stdout

    def read(self) -> str:
        """Its next line. Raises RuntimeError when it has ended instead."""
        line = self._out.readline()
        if not line:
            raise RuntimeError(f"{self._name} has ended with {self._child.wait()}")
        return line.strip()

    def ask(self, *words: object) -> str:
        """Send a line and wait for the answer."""
        self._in.write(" ".join(map(str, words)) + "\n")
        self._in.flush()
        return self.read()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._in.close()
        try:
            self._child.wait(15)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._out.close()


def cores() -> tuple[int | None, int | None]:
    """A core for the clients and another for the sink; None where they cannot be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[1]) if len(free) > 1 else (None, None)


class Runner:
    """One kind of client through all its windows."""

    def __init__(self, stack: ExitStack, kind: str, version: str, port: int, stations: int, folder: str) -> None:
        self.kind, self.version, self.stations = kind, version, stations
        options = {"kind": kind, "version": version, "port": port, "cpu": cores()[0], "folder": folder}
        self._process = stack.enter_context(Process("simulator.bench.client", json.dumps(options)))
        self._process.read()
        self.us: list[float] = []
        self.units: list[float] = []
        self.rates: list[float] = []
        self.calls = 0
        self.bytes_per_call = 0.0
        self.sink_s = self.wall_s = 0.0

    def _ask(self, *words: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._process.ask(*words))
        return found

    def prepare(self) -> None:
        """Connect everything, weighing before and after."""
        self._ask("connect", WARM)
        self.before = self._ask("weigh")
        self.connect_us = self._ask("connect", self.stations - WARM)["cpu_s"] / (self.stations - WARM) * 1e6
        self.idle = self._ask("weigh")
        self._ask("charge")
        self.charging = self._ask("weigh")

    def window(self, seconds: float, sink_cpu: Callable[[], float]) -> None:
        """One turn."""
        before = sink_cpu()
        found = self._ask("window", seconds)
        self.sink_s += sink_cpu() - before
        self.wall_s += found["wall_s"]
        self.calls += found["calls"]
        self.bytes_per_call = found["bytes_per_call"]
        self.us.append(found["cpu_s"] / found["calls"] * 1e6)
        self.rates.append(found["calls"] / found["wall_s"])
        self.units.append(found["unit_us"])

    def forget(self) -> None:
        """The first window fills caches and counts for nothing."""
        self.us.clear()
        self.rates.clear()
        self.units.clear()

    def result(self, unit_us: float) -> Client:
        """All of it; ``unit_us`` is the yardstick on an undisturbed machine."""
        after = self._ask("weigh")
        more = self.stations - WARM

        def kib(reading: dict[str, Any]) -> float:
            return float(reading["rss"] - self.before["rss"]) / more / 1024

        def tracked(reading: dict[str, Any]) -> float:
            return float(reading["tracked"] - self.before["tracked"]) / more

        return Client(
            kind=self.kind,
            version=self.version,
            stations=self.stations,
            calls=self.calls,
            us_per_call=_spread(self.us),
            undisturbed_us=median(us * unit_us / unit for us, unit in zip(self.us, self.units, strict=True)),
            calls_per_s=_spread(self.rates),
            sink_share=self.sink_s / self.wall_s,
            bytes_per_call=self.bytes_per_call,
            kib_idle=kib(self.idle),
            kib_charging=kib(self.charging),
            kib_after=kib(after),
            tracked_idle=tracked(self.idle),
            tracked_charging=tracked(self.charging),
            full_pass_ms=after["full_pass_ms"],
            connect_us=self.connect_us,
        )


def _spread(values: list[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def run(
    kinds: list[tuple[str, str]],
    *,
    stations: int,
    rounds: int,
    seconds: float,
    folder: str,
    unit_us: float,
    told: Callable[[str], None],
) -> list[Client]:
    """Measure each (kind, version) in turns. ``unit_us`` is the best that the yardstick took so far, ``told`` hears how
    it goes. Raises RuntimeError when a child fails."""
    with ExitStack() as stack:
        cpu = cores()[1]
        words = (
            "simulator.bench.sink",
            "--heartbeat",
            str(HEARTBEAT_S),
            *(("--cpu", str(cpu)) if cpu is not None else ()),
        )
        sink = stack.enter_context(Process(*words))
        port = int(sink.read().rsplit(" ", 1)[1])
        runners = []
        for kind, version in kinds:
            told(f"{stations} stations: {kind} {version}")
            runner = Runner(stack, kind, version, port, stations, folder)
            runner.prepare()
            runners.append(runner)
        for runner in runners:
            runner.window(seconds / 2, lambda: float(sink.ask("cpu")))
            runner.forget()
        for number in range(rounds):
            told(f"round {number + 1} of {rounds}")
            for runner in runners:
                runner.window(seconds, lambda: float(sink.ask("cpu")))
        best_us = min(unit_us, *(min(runner.units) for runner in runners))
        return [runner.result(best_us) for runner in runners]
