"""One client process of the live benchmark: ``python -m simulator.bench.client OPTIONS``, driven by its standard input.

Commands, one a line, each answered by one line of JSON: ``connect N``, ``charge``, ``weigh``, ``window SECONDS``. It
ends with its standard input. Options are one JSON object: kind (ours, books, bare), version, port, cpu, folder.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import uvloop

from simulator.bench.sink import raise_file_limit
from simulator.bench.weight import full_pass_ms, resident_bytes
from simulator.bench.yardstick import unit


class Clients(Protocol):
    """What ``Ours`` and ``Bare`` have in common."""

    def bytes_per_call(self) -> float: ...
    async def connect(self, count: int) -> None: ...
    async def charge(self) -> None: ...
    async def window(self, seconds: float) -> int: ...
    async def close(self) -> None: ...


def make(options: dict[str, Any]) -> Clients:
    """The clients these options ask for; only their own modules are imported, so that memory can be compared."""
    if options["kind"] == "bare":
        from simulator.bench.bare import Bare

        return Bare(options["version"], options["port"])
    from simulator.bench.ours import Ours

    books = Path(options["folder"]) / "ledger.sqlite" if options["kind"] == "books" else None
    return Ours(options["version"], options["port"], books=books)


def cpu_s() -> float:
    """CPU time of this process, all threads, kernel's part included."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def yardstick_us() -> float:
    """How long one pass of the yardstick takes at this moment, others on this core included in what slows it down."""
    begin = cpu_s()
    unit(YARDSTICK_PASSES)
    return (cpu_s() - begin) / YARDSTICK_PASSES * 1e6


YARDSTICK_PASSES = 4_000
"""20 ms or more."""


class Desk:
    """Carries out commands."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients

    async def connect(self, count: str) -> dict[str, Any]:
        """More clients."""
        begin, cpu = perf_counter(), cpu_s()
        await self.clients.connect(int(count))
        return {"wall_s": perf_counter() - begin, "cpu_s": cpu_s() - cpu}

    async def charge(self) -> dict[str, Any]:
        """All in a transaction."""
        await self.clients.charge()
        return {}

    async def weigh(self) -> dict[str, Any]:
        """Memory and work for the collector, as it is."""
        resident = resident_bytes()
        return {"rss": resident, "tracked": len(gc.get_objects()), "full_pass_ms": full_pass_ms()}

    async def window(self, seconds: str) -> dict[str, Any]:
        """Calls for so long."""
        gc.collect()
        unit_us = yardstick_us()
        begin, cpu = perf_counter(), cpu_s()
        calls = await self.clients.window(float(seconds))
        cpu, wall = cpu_s() - cpu, perf_counter() - begin
        return {
            "calls": calls,
            "cpu_s": cpu,
            "wall_s": wall,
            "unit_us": (unit_us + yardstick_us()) / 2,
            "bytes_per_call": self.clients.bytes_per_call(),
        }


async def serve(options: dict[str, Any]) -> None:
    """Commands until standard input ends."""
    loop = asyncio.get_running_loop()
    desk = Desk(make(options))
    commands: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
        "connect": desk.connect,
        "charge": desk.charge,
        "weigh": desk.weigh,
        "window": desk.window,
    }
    lines: asyncio.Queue[bytes] = asyncio.Queue(maxsize=16)
    loop.add_reader(sys.stdin.fileno(), lambda: lines.put_nowait(os.read(sys.stdin.fileno(), 4096)))
    print(json.dumps({"ready": True}), flush=True)
    while line := (await lines.get()).decode().split():
        print(json.dumps(await commands[line[0]](*line[1:])), flush=True)
    loop.remove_reader(sys.stdin.fileno())
    await desk.clients.close()


def main() -> None:
    """The process."""
    options = json.loads(sys.argv[1])
    if options["cpu"] is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options["cpu"]})
    raise_file_limit()
    uvloop.run(serve(options))


if __name__ == "__main__":
    main()
