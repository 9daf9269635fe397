"""Stations beside Locust: an uvloop in a real thread of each worker, and the hand-over of what it measured.

Locust is monkey-patched as shipped, and its users are greenlets of the main thread. The stations are not: they live on
an uvloop in a thread of the operating system (gevent's patched ``threading`` would give a greenlet), so one worker
drives thousands of them at the cost of `cpfarm run`. The thread starts in Locust's `init` event, which comes after the
fork of `--processes`, and never on the master.

Between the two sides there is no lock, no queue and no executor, because patched ones would stop the thread for ever:
to the stations a call goes by ``call_soon_threadsafe``, from them a batch goes on a deque and one ``async_`` watcher
of the hub is rung. Every time stamp is taken in the stations' thread. Batches come every half second and are merged
into Locust's statistics with ``StatsEntry.extend``, which is what the master itself does with workers' reports; with
``--fire-events`` each CALL becomes a request event of its own instead, for listeners.

The end: Locust decides when (`-t`, the web page, Ctrl-C, a shape). The master asks its workers to finish and waits for
their last figures before Locust lets go of them; a worker ends its sessions, closes its connections and its ledger.
"""

from __future__ import annotations

import signal
import socket
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import gevent
import uvloop
from gevent import monkey
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from locust.env import Environment
from locust.log import greenlet_exception_logger
from locust.runners import WorkerRunner
from locust.stats import RequestStats, StatsEntry, StatsError
from master import BAD_INPUT, CUT, END_S, FINISH, FINISHED, LOG, conclude

import simulator
from simulator.core.inputs import Input
from simulator.errors import CpfarmError
from simulator.fleet.load import Batch, LoadFarm, LoadOptions, LoadPlan, locust_bucket
from simulator.fleet.resolver import numeric_family
from simulator.fleet.transport import Transport
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report.checks import OUR_ERROR, generator_verdict
from simulator.report.exposition import MetricsText
from simulator.report.redact import Redactor

BATCH_S, EVENTS_S = 0.5, 0.05
"""How often batches, or single calls, are handed over."""
BATCHES_MAX = 100
"""Batches waiting for Locust; as long as there are so many, counting goes on in the next one."""
DRAIN_S = 8.0
"""What the stations get of END_S for their last messages."""
LEAVE_S = 10.0
"""What a station has for its last messages when its user leaves while the test goes on."""


class StationLoop:
    """The loop and its thread. ``on_news`` is called in the hub after :meth:`ring`; ``trouble`` holds tracebacks."""

    def __init__(self, on_news: Callable[[], None]) -> None:
        self.loop = uvloop.new_event_loop()
        self.trouble: deque[str] = deque(maxlen=10)
        self._watcher = gevent.get_hub().loop.async_(ref=False)
        self._watcher.start(on_news)
        self._over = False

    def start(self) -> None:
        """Start the thread; only once, and only after a fork."""
        self.loop.set_exception_handler(self._failed)
        monkey.get_original("_thread", "start_new_thread")(self._run, ())

    def post(self, function: Callable[..., object], *args: object) -> None:
        """Have ``function`` called on the loop, in the order of posting."""
        self.loop.call_soon_threadsafe(function, *args)

    def ring(self) -> None:
        """Tell the hub that there is news; called on the loop."""
        self._watcher.send()

    def stop(self) -> None:
        """End the thread; waits a second at most."""
        if self._over:
            return
        self.post(self.loop.stop)
        deadline = time.monotonic() + 1.0
        while not self._over and time.monotonic() < deadline:
            gevent.sleep(0.01)
        self._watcher.stop()

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # signals are Locust's
        try:
            self.loop.run_forever()
        finally:
            self._over = True

    def _failed(self, loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        lines = traceback.format_exception(error) if error is not None else [str(context.get("message"))]
        self.trouble.append("".join(lines))
        self.ring()


class Engine:
    """The stations of a local runner or a worker; everything public is for greenlets."""

    def __init__(self, environment: Environment, runner: Any) -> None:
        self.environment, self.runner = environment, runner
        self.is_worker = isinstance(runner, WorkerRunner)
        self.worker: int = runner.worker_index
        assert self.worker >= 0, "the master gave no index: use the same version of Locust everywhere"
        self.plan: LoadPlan | None = None
        self.metrics = RunMetrics()
        self._farm: LoadFarm | None = None
        self._ledger: Ledger | None = None
        self._state = "idle"  # idle, running, ending
        self._ended = False  # written by the loop's thread
        self._batches: deque[Batch] = deque()
        self._free: list[int] = []
        self._made = self._present = 0
        self._every_s = BATCH_S
        self._addresses: list[str] = []
        self._helpers: list[gevent.Greenlet] = []
        self._page: WSGIServer | None = None
        self._news = Event()
        self.loop = StationLoop(self._news.set)
        self.loop.start()
        gevent.spawn(self._report).link_exception(greenlet_exception_logger(LOG))
        runner.register_message(CUT, lambda **_: self.cut())
        if self.is_worker:
            runner.register_message(FINISH, lambda **_: self.finish(), concurrent=True)

    # -- the beginning

    def begin(self, plan: LoadPlan, *, ledger: Path | None, metrics_port: int | None, each_call: bool) -> None:
        """A test starts: make a farm without stations. Raises CpfarmError for a ledger that cannot be written."""
        self.plan, self.metrics = plan, RunMetrics()
        self._free, self._made, self._present, self._ended = [], 0, 0, False
        self._every_s = EVENTS_S if each_call else BATCH_S
        self._addresses = look_up(plan.target.host)
        if ledger is not None and self.is_worker:
            ledger = ledger.with_name(f"{ledger.stem}.w{self.worker:02d}{ledger.suffix}")
        loop = self.loop.loop
        self._ledger = Ledger(ledger, inline_flush=False)
        farm = self._farm = LoadFarm(
            plan,
            each_call=each_call,
            loop=loop,
            user_agent=f"cpfarm/{simulator.__version__}",
            metrics=self.metrics,
            ledger=self._ledger,
            redactor=Redactor(plan.target.secrets()),
            transport=Transport(loop, user_agent=f"cpfarm/{simulator.__version__}", resolve=self._resolve),
        )
        run = {"command": "load", "version": simulator.__version__, "seed": plan.fleet.seed, "worker": self.worker}
        self._ledger.begin_run(run, start_us=0, start_utc_us=farm.clock.epoch_us, speed=plan.fleet.speed)
        self._state = "running"
        self.loop.post(self._tick, farm)
        page = MetricsText(self.metrics, {"version": simulator.__version__}, {"seed": str(plan.fleet.seed)})
        self._helpers = [gevent.spawn(self._write, self._ledger), gevent.spawn(_refresh, page)]
        for helper in self._helpers:
            helper.link_exception(greenlet_exception_logger(LOG))
        self._page = None if metrics_port is None else self._serve(page, metrics_port)

    async def _resolve(self, host: str) -> Sequence[str]:
        if not self._addresses:
            raise OSError(f"no address for {host}")
        return self._addresses

    def _serve(self, page: MetricsText, port: int) -> WSGIServer | None:
        def answer(environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
            path = environ["PATH_INFO"]
            if path == "/metrics":
                start("200 OK", [("Content-Type", page.content_type)])
                return [page.text or page.render()]
            if path == "/healthz":
                start("200 OK", [("Content-Type", "application/json")])
                return [b'{"status":"ok"}\n']
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics and /healthz\n"]

        if port and self.is_worker:
            port += 1 + self.worker
        server = WSGIServer(("127.0.0.1", port), answer, log=None)
        try:
            server.start()
        except OSError as error:
            LOG.warning("no metrics: port %d cannot be used (%s)", port, error.strerror)
            return None
        LOG.info("metrics at http://127.0.0.1:%d/metrics", server.server_port)
        return server

    # -- users

    def claim(self) -> str | None:
        """A station for a user: made, or brought back, and switched on. None when there is none to be had."""
        farm, plan = self._farm, self.plan
        if farm is None or plan is None or self._state != "running":
            return None
        workers = max(1, self.environment.parsed_options.expect_workers) if self.is_worker else 1
        try:
            plan.guard((self._present + 1) * workers, lambda _: self._addresses)
            number = self._free[0] if self._free else self._made + 1
            station = plan.station(self.worker, number)
        except CpfarmError as error:
            self.give_up(str(error), BAD_INPUT)
            return None
        if self._free:
            heappop(self._free)
        else:
            self._made += 1
        self._present += 1
        self.loop.post(farm.add_station, station)
        return station.id

    def leave(self, station_id: str) -> None:
        """The user of a station goes: its session is ended and its queue delivered, then it is away."""
        if self._farm is not None and self._state == "running":
            self.loop.post(self._farm.leave, station_id, LEAVE_S)

    def feed(self, station_id: str, event: Input) -> None:
        """Something happens at a station (a plug, a token, a fault), for tasks of one's own."""
        if self._farm is not None and self._state == "running":
            self.loop.post(_feed, self._farm, station_id, event)

    def cut(self) -> None:
        """Cut the connections of all stations at once."""
        if self._farm is not None and self._state == "running":
            LOG.info("every connection is cut now")
            self.loop.post(self._farm.cut)

    def forget(self) -> None:
        """Throw away what was counted so far (Locust's --reset-stats)."""
        if self._farm is not None:
            self.loop.post(self._farm.batch)
            self._batches.clear()

    # -- what comes back

    def _tick(self, farm: LoadFarm) -> None:
        """On the loop: hand over, and again in a while."""
        if farm is self._farm and not self._ended:
            self._hand_over(farm)
            self.loop.loop.call_later(self._every_s, self._tick, farm)

    def _hand_over(self, farm: LoadFarm) -> None:
        if len(self._batches) < BATCHES_MAX:
            batch = farm.batch()
            if batch:
                self._batches.append(batch)
        if self._batches or farm.calls or farm.live.failure is not None:
            self.loop.ring()

    def _report(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            self._deliver()
            if self.loop.trouble and self._state == "running":
                self.give_up(f"this is an error of cpfarm itself:\n{self.loop.trouble[0]}", OUR_ERROR)

    def _deliver(self) -> None:
        while self._batches:
            batch = self._batches.popleft()
            merge(self.environment.stats, batch)
            for station_id in batch.freed:
                heappush(self._free, int(station_id[-5:]))
                self._present -= 1
        calls = self._farm.calls if self._farm is not None else ()
        fired = 0
        while calls:
            call = calls.popleft()
            self.environment.events.request.fire(
                request_type=call.method,
                name=call.name,
                response_time=call.took_ms,
                response_length=0,
                exception=call.error,
                context={},
                start_time=call.at_s - (call.took_ms or 0) / 1000,
            )
            fired += 1
            if fired % 500 == 0:
                gevent.sleep(0)

    def _write(self, ledger: Ledger) -> None:
        while True:
            gevent.sleep(1.0)
            ledger.flush()

    def give_up(self, why: str, code: int) -> None:
        """End the test because it cannot go on; the reason is logged once."""
        if self._state != "running":
            return
        LOG.error(why)
        self.environment.process_exit_code = max(code, self.environment.process_exit_code or 0)
        gevent.spawn(self.finish)
        if not self.is_worker:
            gevent.spawn(self.runner.quit)

    # -- the end

    def finish(self) -> None:
        """End sessions, close connections, deliver the last figures; returns when that is done, in END_S at most."""
        farm, ledger = self._farm, self._ledger
        if self._state == "ending":
            while self._state == "ending":
                gevent.sleep(0.05)
            return
        if self._state == "idle" or farm is None or ledger is None:
            return
        self._state = "ending"
        try:
            self.loop.post(self._end, farm)
            deadline = time.monotonic() + END_S
            while not self._ended and farm.live.failure is None and time.monotonic() < deadline:
                gevent.sleep(0.05)
            self._deliver()
            gevent.killall(self._helpers)
            if self._page is not None:
                self._page.stop(timeout=1)
            told = self._tell(farm, ledger)
            ledger.close()
            self._farm = self._ledger = None
            if self.is_worker:
                self.runner._send_stats()  # the last figures have to be there before the word that they are
                self.runner.send_message(FINISHED, told)
            else:
                conclude(self.environment, [told])
        finally:
            self._state = "idle"

    def _end(self, farm: LoadFarm) -> None:
        """On the loop: begin to end."""
        task = self.loop.loop.create_task(farm.finish(farm.plan.at_end, DRAIN_S))

        def done(_: object) -> None:
            if not task.cancelled() and task.exception() is not None:
                self.loop.trouble.append("".join(traceback.format_exception(task.exception())))
            # What is left is one more batch, whatever waits.
            self._batches.append(farm.batch())
            self._ended = True
            self.loop.ring()

        task.add_done_callback(done)

    def _tell(self, farm: LoadFarm, ledger: Ledger) -> dict[str, Any]:
        """What there is to say at the end, as plain data for the master."""
        problems = list(generator_verdict(self.metrics, ledger).reasons)
        if farm.calls_dropped:
            problems.append(
                f"{farm.calls_dropped} calls came faster than listeners took them, and are not in the table."
            )
        if not self._ended and farm.live.failure is None:
            problems.append(f"The stations were not done after {END_S:g} s; what came later is not in the table.")
        late = [self.metrics.lateness_ms(99) or 0.0, self.metrics.lag_ms(99) or 0.0]
        LOG.info("%d stations; p99 of lateness %.1f ms, of the loop's lag %.1f ms", self._made, *late)
        return {
            "stations": self._made,
            "booted": self.metrics.boots.count,
            "problems": problems,
            "exit_code": self.environment.process_exit_code or (OUR_ERROR if self.loop.trouble else 0),
            "ledger": None if ledger.path is None else str(ledger.path.absolute()),
        }


def merge(stats: RequestStats, batch: Batch) -> None:
    """Add a batch to Locust's statistics, as its master adds the report of a worker."""
    second = int(batch.at_s)
    failed: dict[tuple[str, str], int] = {}
    for (method, name, text), count in batch.failures.items():
        failed[method, name] = failed.get((method, name), 0) + count
        key = StatsError.create_key(method, name, text)
        error = stats.errors.get(key)
        if error is None:
            error = stats.errors[key] = StatsError(method, name, text)
        for _ in range(count):
            error.occurred()
    for row in batch.rows:
        entry = StatsEntry(stats, row.name, row.method)
        entry.start_time = batch.at_s - BATCH_S
        entry.last_request_timestamp = batch.at_s
        entry.num_requests, entry.num_none_requests = row.count, row.untimed
        entry.num_failures = failed.get((row.method, row.name), 0)
        entry.total_response_time = row.total_ms
        entry.num_reqs_per_sec[second] = entry.num_requests
        if entry.num_failures:
            entry.num_fail_per_sec[second] = entry.num_failures
        for ms, count in row.times_ms.items():
            entry.response_times[locust_bucket(ms)] += count
        if row.times_ms:
            entry.min_response_time, entry.max_response_time = min(row.times_ms), max(row.times_ms)
        stats.entries[row.name, row.method].extend(entry)
        stats.total.extend(entry)


def look_up(host: str) -> list[str]:
    """The addresses of a name, asked for in a greenlet because the stations' thread cannot; empty if there are none."""
    try:
        numeric_family(host)
    except ValueError:
        if host == "localhost":
            return []
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return []  # each dial will say so
        return list(dict.fromkeys(str(row[4][0]) for row in rows))
    return []


def load_options(options: Any) -> LoadOptions:
    """What the command line of Locust says about the stations."""
    return LoadOptions(
        host=options.host or None,
        target=_path(options.target),
        fleet=_path(options.fleet),
        profile=getattr(options, "station_profile", None) or options.profile,
        ocpp=options.ocpp,
        charging=options.charging,
        session=options.session,
        meter_interval=options.meter_interval,
        seed=options.seed,
        id_prefix=options.id_prefix,
        security_profile=options.security_profile,
        password=options.password,
        may_test_this=options.i_may_test_this,
    )


def _path(text: str | None) -> Path | None:
    return None if not text else Path(text)


def _feed(farm: LoadFarm, station_id: str, event: Input) -> None:
    farm.live.feed(farm.by_id[station_id], event)


def _refresh(page: MetricsText) -> None:
    while True:
        page.step(time.monotonic_ns() // 1000)
        gevent.sleep(0.05)
