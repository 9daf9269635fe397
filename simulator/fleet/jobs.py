"""The jobs of stations in the live driver (``core/jobs.py``): started by an effect, ended by exactly one ``JobDone``.

*Transfers* are real connections (``fleet/transfers``). At most ``at_once`` run, the others wait in a queue with an end:
a fleet that is told at once to update itself should find the server busy, not this machine. The target says with
``transfers.mode`` how real they are: ``headers-only`` connects, logs in and looks at the size without moving the body,
``simulated`` touches no network and takes the time the modem would. Neither has a body to hash or to sign; a signed
update needs ``real``.

*Work on keys and certificates* is a millisecond on this thread, except the making of an RSA key, which goes to a thread
where threads are to be had. Under Locust they are not.

What waits for the outside is real time, whatever the speed of the stations; a simulated transfer is station time. A
station that restarts, leaves or cancels forgets its jobs: their connections are dropped and nobody is told.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from simulator.core import inputs as i
from simulator.core.effects import Job
from simulator.fleet.target_file import Transfers
from simulator.fleet.tls import Contexts
from simulator.fleet.transfers.limits import Flow, Hosts, Limits, Lookup, Outfit, TransferFailed, Unwanted
from simulator.fleet.transfers.place import Place, place_of
from simulator.pki import work
from simulator.pki.keystore import Keystore

if TYPE_CHECKING:
    from simulator.fleet.live import Seat

TRANSFERS = ("upload", "download")
#: what a local controller does with an image it has fetched
SITE = ("publish", "unpublish")
#: transfers that wait for their turn, and how long
QUEUE_MAX, QUEUE_S = 20_000, 300.0
#: what a simulated download brings at most
SIMULATED_BYTES = 1_000_000
#: a form around an upload, beyond the file itself
FORM_BYTES = 1_024
PROTOCOLS = {"http": "http", "https": "http", "ftp": "ftp", "ftps": "ftp", "sftp": "sftp"}
DEFAULT_LIMITS = Limits()
_LIBRARIES = ("simulator.fleet.transfers.http", "simulator.fleet.transfers.ftp")
_SFTP, _SITE = "simulator.fleet.transfers.sftp", "simulator.fleet.transfers.site"


@dataclass(frozen=True, slots=True)
class JobSetup:
    """What a farm's executor stands on. ``hosts`` may be talked to besides loopback, ``trust`` (PEM) judges servers of
    which a station has no roots, None: the system's. ``threads``: may other threads be used?"""

    transfers: Transfers
    hosts: tuple[str, ...]
    lookup: Lookup
    user_agent: str
    keystore: Keystore
    trust: str | None = None
    speed: float = 1.0
    threads: bool = True
    limits: Limits = DEFAULT_LIMITS


class _Errand:
    """One job of one seat; also the line of its transfer."""

    __slots__ = ("executor", "job", "seat", "since_s", "station", "task")

    def __init__(self, executor: Executor, seat: Seat, job: Job, since_s: float) -> None:
        self.executor, self.seat, self.station, self.job, self.since_s = executor, seat, seat.station, job, since_s
        self.task: asyncio.Task[None] | None = None

    def wanted(self) -> bool:
        return self.seat.station is self.station and self.job.job in self.station.jobs

    def state(self) -> str:
        now, modem = self.executor.now(), self.station.board.modem
        if not modem.up(now):
            return "dead"
        return "open" if modem.passes(now) else "silent"

    def kb_s(self) -> float | None:
        return self.station.board.modem.bandwidth_kb_s()

    def progress(self, done: int, total: int) -> None:
        self.executor.tell(self, i.JobProgress(self.job.job, done, total))


class Executor:
    """Carries out the jobs of one fleet. Everything is called on the loop's thread.

    ``feed`` hands an input to a seat, ``now`` is station time, ``fail`` is told of a bug of ours. :meth:`start` never
    feeds before it returns. Call :meth:`stop` when nothing is to be fed any more, :meth:`close` to wait for the ends.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        setup: JobSetup,
        *,
        feed: Callable[[Seat, i.Input], None],
        now: Callable[[], int],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._loop, self._setup, self._feed, self.now, self._fail = loop, setup, feed, now, fail
        self._limits = Limits(
            min(setup.limits.max_bytes, setup.transfers.max_size_bytes),
            setup.limits.connect_s,
            setup.limits.idle_s,
            setup.limits.total_s,
        )
        hosts = Hosts((*setup.hosts, *setup.transfers.allowed_hosts), setup.lookup)
        self._outfit = Outfit(hosts, self._limits, setup.user_agent)
        self._contexts = Contexts()
        self._waiting: deque[_Errand] = deque()
        self._running: set[_Errand] = set()
        self._protocols: dict[str, Any] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._beside: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Task[None] | None = None
        #: made with the first image that is to be kept
        self._site: Any = None
        self._stopped = False
        if not setup.threads and setup.transfers.mode != "simulated":
            _import_libraries()  # later it would hold the loop up in the middle of a test

    @property
    def running(self) -> int:
        """Transfers under way."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Transfers that wait for their turn."""
        return len(self._waiting)

    def start(self, seat: Seat, job: Job) -> None:
        """A station has asked for a job."""
        if self._stopped:
            return
        errand = _Errand(self, seat, job, self._loop.time())
        if job.kind in work.KINDS:
            self._loop.call_soon(self._work, errand)
        elif job.kind in SITE:
            task = self._loop.create_task(self._publish(errand))
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)
        elif job.kind not in TRANSFERS:
            self._later(errand, False, _cause("unsupported", f"no job {job.kind!r} is carried out here"))
        elif len(self._running) < self._setup.transfers.at_once:
            self._begin(errand)
        elif len(self._waiting) >= QUEUE_MAX:
            self._later(errand, False, _cause("busy", f"{QUEUE_MAX} transfers wait already"))
        else:
            self._waiting.append(errand)
            if self._expiry is None:
                self._expiry = self._loop.call_later(QUEUE_S, self._expire)

    def stop(self) -> None:
        """Drop everything; nothing is fed any more."""
        self._stopped = True
        self._waiting.clear()
        if self._expiry is not None:
            self._expiry.cancel()
        for errand in self._running:
            if errand.task is not None:
                errand.task.cancel()
        for task in self._beside:
            task.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        ends = [one for one in (self._protocols.pop("http", None), self._site) if one is not None]
        self._site = None
        if ends:
            self._ending = self._loop.create_task(_close(ends))

    async def close(self) -> None:
        """Stop, and wait until every connection is dropped."""
        self.stop()
        tasks = [errand.task for errand in self._running if errand.task is not None]
        await asyncio.gather(*tasks, *self._beside, return_exceptions=True)
        if self._ending is not None:
            await self._ending

    def tell(self, errand: _Errand, event: i.Input) -> None:
        """Feed ``event`` if the station still waits for the job."""
        if not self._stopped and errand.wanted():
            self._feed(errand.seat, event)

    # -- ends

    def _later(self, errand: _Errand, ok: bool, result: dict[str, Any]) -> None:
        self._loop.call_soon(self.tell, errand, i.JobDone(errand.job.job, ok, result))

    # -- keys and certificates

    def _work(self, errand: _Errand) -> None:
        if self._stopped or not errand.wanted():
            return
        job = errand.job
        slow = job.kind == "make_csr" and str(job.args.get("algorithm", "")).startswith("RSA")
        if slow and self._setup.threads:
            task = self._loop.create_task(self._work_in_thread(errand))
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)
            return
        self.tell(errand, i.JobDone(job.job, *work.run(job.kind, job.args, self._setup.keystore)))

    async def _work_in_thread(self, errand: _Errand) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(2, "cpfarm-keys")
        job = errand.job
        try:
            ended = await self._loop.run_in_executor(self._pool, work.run, job.kind, job.args, self._setup.keystore)
        except Exception as error:
            self._fail(error)
            raise
        self.tell(errand, i.JobDone(job.job, *ended))

    # -- transfers

    def _begin(self, errand: _Errand) -> None:
        self._running.add(errand)
        errand.task = self._loop.create_task(self._run(errand))

    def _next(self) -> None:
        while self._waiting and len(self._running) < self._setup.transfers.at_once:
            errand = self._waiting.popleft()
            if errand.wanted():
                self._begin(errand)

    def _expire(self) -> None:
        self._expiry = None
        due = self._loop.time() - QUEUE_S
        while self._waiting and (self._waiting[0].since_s <= due or not self._waiting[0].wanted()):
            self._later(self._waiting.popleft(), False, _cause("busy", f"no turn within {QUEUE_S:g} s"))
        if self._waiting:
            self._expiry = self._loop.call_at(self._waiting[0].since_s + QUEUE_S, self._expire)

    async def _run(self, errand: _Errand) -> None:
        ok, result, wanted = True, {}, True
        try:
            result = await self._attempt(errand)
        except TransferFailed as failed:
            ok, result = False, _cause(failed.cause, failed.detail)
        except Unwanted:
            wanted = False
        except asyncio.CancelledError:
            wanted = False
            raise
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            self._running.discard(errand)
            if not self._stopped:
                self._next()
        if wanted:
            self.tell(errand, i.JobDone(errand.job.job, ok, result))

    async def _attempt(self, errand: _Errand) -> dict[str, Any]:
        job, mode = errand.job, self._setup.transfers.mode
        try:
            where = place_of(job.args["url"])
            if "keep" in job.args and mode != "real":
                raise TransferFailed("unsupported", "what is published must be fetched: transfers.mode is not real")
            if mode == "simulated":
                return await self._simulate(errand, where)
            server = await self._protocol(PROTOCOLS[where.scheme])
            context = self._trust(job.args.get("roots") or "") if where.scheme in ("https", "ftps") else None
            deadline: asyncio.Timeout
            async with asyncio.timeout(self._limits.connect_s) as deadline:
                watch = asyncio.ensure_future(self._watch(errand, asyncio.current_task()))
                try:
                    if job.kind == "upload":
                        return await self._upload(errand, where, server, context, deadline)
                    return await self._download(errand, where, server, context, deadline)
                finally:
                    watch.cancel()
        except TimeoutError:
            raise TransferFailed("timeout", "nothing came any more, or it took too long in all") from None

    async def _watch(self, errand: _Errand, task: asyncio.Task[None] | None) -> None:
        """A transfer that waits for the server must not outlive the station's interest."""
        while errand.wanted():
            await asyncio.sleep(1.0)
        if task is not None:
            task.cancel()

    async def _upload(
        self, errand: _Errand, where: Place, server: Any, context: ssl.SSLContext | None, deadline: asyncio.Timeout
    ) -> dict[str, Any]:
        content, name = errand.job.args["content"], errand.job.args["file_name"]
        flow = Flow(errand, self._limits.max_bytes + FORM_BYTES, self._limits, deadline, len(content))
        if len(content) > self._limits.max_bytes:
            raise TransferFailed("too_large", f"{len(content)} bytes, and {self._limits.max_bytes} are allowed")
        real = self._setup.transfers.mode == "real"
        where = replace(where, fixed=not errand.job.args.get("redirects", True))
        await server.upload(where, name, content, flow, context, body=real)
        return {"bytes": len(content)}

    async def _download(
        self, errand: _Errand, where: Place, server: Any, context: ssl.SSLContext | None, deadline: asyncio.Timeout
    ) -> dict[str, Any]:
        limit = min(self._limits.max_bytes, errand.job.args["max_bytes"])
        flow = Flow(errand, limit, self._limits, deadline)
        if self._setup.transfers.mode == "real":
            flow.kept = bytearray() if "keep" in errand.job.args else None
            await server.download(where, flow, context)
            return _downloaded(flow.bytes, flow.sha256, flow.head, where) | self._kept(errand, flow)
        await server.download(where, flow, context, body=False)
        return _downloaded(flow.total, "", b"", where)

    def _kept(self, errand: _Errand, flow: Flow) -> dict[str, Any]:
        """Keep a body that is to be published, and tell its other digest."""
        if flow.kept is None:
            return {}
        if self._site is None:
            self._site = importlib.import_module(_SITE).Site()
        content = bytes(flow.kept)
        self._site.keep(errand.station.id, errand.job.args["keep"], content)
        return {"md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}

    async def _publish(self, errand: _Errand) -> None:
        """Serve an image that was kept, or serve it no longer."""
        job, station_id = errand.job, errand.station.id
        ok, result = True, {}
        try:
            if self._site is None:
                raise TransferFailed("not_found", "nothing was kept")
            if job.kind == "publish":
                result = {"places": [await self._site.publish(station_id, job.args["name"], job.args["file_name"])]}
            else:
                self._site.unpublish(station_id, job.args["name"])
        except TransferFailed as failed:
            ok, result = False, _cause(failed.cause, failed.detail)
        except Exception as error:
            self._fail(error)
            raise
        self.tell(errand, i.JobDone(job.job, ok, result))

    async def _simulate(self, errand: _Errand, where: Place) -> dict[str, Any]:
        """As long as the modem would take, in station time; whether it holds is looked at before and after."""
        args, modem, speed = errand.job.args, errand.station.board.modem, self._setup.speed
        upload = errand.job.kind == "upload"
        size = len(args["content"]) if upload else min(SIMULATED_BYTES, args["max_bytes"], self._limits.max_bytes)
        if size > self._limits.max_bytes:
            raise TransferFailed("too_large", f"{size} bytes, and {self._limits.max_bytes} are allowed")
        self._alive(errand)
        kb_s = modem.bandwidth_kb_s()
        seconds = 2 * modem.rtt_ms(self.now())[1] / 1_000 + (0.0 if kb_s is None else size / (kb_s * 1_000))
        await asyncio.sleep(seconds / speed)
        self._alive(errand)
        if upload:
            return {"bytes": size}
        return _downloaded(size, hashlib.sha256(where.url.encode()).hexdigest(), b"", where)

    def _alive(self, errand: _Errand) -> None:
        if not errand.wanted():
            raise Unwanted
        if errand.state() != "open":
            raise TransferFailed("broken", "nothing passes the station's modem")

    async def _protocol(self, name: str) -> Any:
        """The client of a protocol; the libraries are read in a thread, because that takes a third of a second."""
        if name == "sftp" and name not in self._protocols:
            if not self._setup.threads:  # its library goes to a thread with every connection
                raise TransferFailed("unsupported", "sftp is not carried out in load tests, only in runs")
            sftp = await self._loop.run_in_executor(None, importlib.import_module, _SFTP)
            self._protocols[name] = sftp.Sftp(self._outfit)
        if name not in self._protocols:
            if self._setup.threads:
                await self._loop.run_in_executor(None, _import_libraries)
            http, ftp = _import_libraries()
            if name not in self._protocols:
                self._protocols[name] = http.Http(self._outfit) if name == "http" else ftp.Ftp(self._outfit)
        return self._protocols[name]

    def _trust(self, roots: str) -> ssl.SSLContext:
        """What judges the server: the station's own roots, else the target's, else the system's."""
        try:
            return self._contexts.context(roots or self._setup.trust)
        except ssl.SSLError as error:
            raise TransferFailed("tls", f"the station's roots cannot be read: {error.reason}") from None


async def _close(ends: Iterable[Any]) -> None:
    for one in ends:
        await one.close()


def _import_libraries() -> Iterable[Any]:
    return [importlib.import_module(name) for name in _LIBRARIES]


def _cause(cause: str, detail: str) -> dict[str, Any]:
    return {"cause": cause, "detail": detail}


def _downloaded(size: int, sha256: str, head: bytes, where: Place) -> dict[str, Any]:
    return {"bytes": size, "sha256": sha256, "head": head.hex(), "file_name": where.name}
