"""A file server, an executor and a seat whose station waits for every job; all over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from simulator.core import inputs as i
from simulator.core.effects import Job
from simulator.core.station import Station
from simulator.csms.files import FileFaults, FileServer
from simulator.fleet.jobs import Executor, JobSetup
from simulator.fleet.live import Seat
from simulator.fleet.target_file import Transfers
from simulator.fleet.transfers.limits import Limits
from simulator.pki.keystore import Keystore
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile

MODEL = compile_profile(load_profile("generic/ac-single"), "1.6")
QUICK = Limits(connect_s=2.0, idle_s=2.0, total_s=20.0)


class Place:
    """As much of a seat as an executor sees."""

    def __init__(self, station: Station) -> None:
        self.station = station


async def lookup(host: str) -> Sequence[str]:
    """The names of these tests, without asking anybody."""
    names = {"localhost": ["127.0.0.1"], "csms.example": ["127.0.0.1"], "far.example": ["192.0.2.7"]}
    if host not in names:
        raise OSError(f"no address for {host}")
    return names[host]


def setup_of(trust: str | None = None, **settings: Any) -> JobSetup:
    """An executor's setup; ``transfers`` is a mapping as in a target file, the rest replaces fields."""
    transfers = Transfers.model_validate(settings.pop("transfers", {}))
    made = JobSetup(transfers, ("csms.example",), lookup, "cpfarm/test", Keystore(), trust=trust, limits=QUICK)
    return replace(made, **settings)


@dataclass
class Desk:
    """Starts jobs and keeps what comes of them."""

    executor: Executor
    seat: Seat
    fed: list[i.Input] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _count: int = 0

    def feed(self, seat: Seat, event: i.Input) -> None:
        self.fed.append(event)
        if isinstance(event, i.JobDone):
            seat.station.jobs.pop(event.job)
        self._changed.set()

    def start(self, kind: str, **args: Any) -> int:
        """Start a job, as a station does: it notes the number first."""
        self._count += 1
        self.seat.station.jobs[self._count] = "test"
        before = len(self.fed)
        self.executor.start(self.seat, Job(self._count, kind, args))
        assert len(self.fed) == before, "fed while the station was still being fed"
        return self._count

    async def end(self, number: int) -> i.JobDone:
        """Wait for the end of a job."""
        while True:
            for event in self.fed:
                if isinstance(event, i.JobDone) and event.job == number:
                    return event
            self._changed.clear()
            await self._changed.wait()

    async def download(self, url: str, max_bytes: int = 1_000_000, roots: str = "") -> i.JobDone:
        return await self.end(self.start("download", url=url, max_bytes=max_bytes, roots=roots))

    async def upload(self, url: str, content: bytes = b"log\n" * 500, roots: str = "") -> i.JobDone:
        name = "CP1_diagnostics.log"
        return await self.end(self.start("upload", url=url, file_name=name, content=content, roots=roots))


@asynccontextmanager
async def desk(made: JobSetup | None = None) -> AsyncIterator[Desk]:
    """An executor with one seat; no end may come twice, and nothing of ours may fail."""
    found: list[Desk] = []
    executor = Executor(
        asyncio.get_running_loop(),
        made or setup_of(),
        feed=lambda seat, event: found[0].feed(seat, event),
        now=lambda: 0,
        fail=lambda error: found[0].failures.append(error),
    )
    found.append(Desk(executor, cast(Seat, Place(Station("CP1", MODEL, seed=1)))))
    try:
        yield found[0]
    finally:
        await executor.close()
        ends = [event.job for event in found[0].fed if isinstance(event, i.JobDone)]
        assert len(ends) == len(set(ends)) and not found[0].failures
        assert not executor.running and not executor.waiting


@asynccontextmanager
async def server(folder: Path, **options: Any) -> AsyncIterator[FileServer]:
    """A file server in ``folder``; ``faults`` are those of FileFaults."""
    faults = options.pop("faults", {})
    made = FileServer(folder=folder, password="secret-word", **options)
    await made.start()
    made.store.faults = FileFaults(**faults)
    try:
        yield made
    finally:
        await made.stop()
