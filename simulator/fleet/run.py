"""``cpfarm run``: one run from its options to its exit code.

Order: plan and limits (nothing is started when they are wrong), the reference CSMS if there is no target, the loop with
farm, HTTP port and progress, the end of the run, then ledger, summary and reports. A signal ends the run as the options
say; a second one ends it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import platform
import shlex
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import simulator
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet import excuses, limits, port
from simulator.fleet.clock import station_speed
from simulator.fleet.credentials import Credentials, read_credentials
from simulator.fleet.farm import Farm
from simulator.fleet.garbage import Garbage
from simulator.fleet.loops import run_loop
from simulator.fleet.plan import FleetPlan
from simulator.fleet.progress import Progress, Silent
from simulator.fleet.resolver import addresses
from simulator.fleet.state import StateDir
from simulator.fleet.target import Target, guard, make_target, refuse_unsupported
from simulator.fleet.throwaway import Throwaway
from simulator.fleet.timetable import befell_nobody
from simulator.fleet.trace import FrameTrace
from simulator.httpd import HttpServer
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.pki.keystore import Keystore
from simulator.report.checks import default_checks
from simulator.report.exposition import MetricsText
from simulator.report.html import KeptStation, write_html
from simulator.report.junit import write_junit
from simulator.report.redact import Redactor
from simulator.report.series import Series
from simulator.report.summary import RunInfo, build_summary, write_summary
from simulator.report.truth import Excuse, fault_ids, fault_spans

USER_AGENT = f"cpfarm/{simulator.__version__}"
TICK_S = 0.2
FLUSH_S = 1.0
#: a pause of our own that is worth a sentence, because latencies contain it
LONG_PAUSE_MS = 50.0
#: sentences about lines of the timetable that befell nobody
IDLE_LINES_MAX = 5


@dataclass
class RunOptions:
    """What ``cpfarm run`` was asked for, beyond the plan. Paths are None when not wanted."""

    command: str
    #: the command without what it writes; ``--only ID`` after it shows one station alone
    command_alone: str = ""
    http_port: int | None = 9464
    #: a port somebody asked for must be had, the default one need not
    http_port_asked_for: bool = False
    http_host: str = "127.0.0.1"
    #: needed where ``http_host`` is not loopback
    http_token: str | None = None
    drain_s: float = 60.0
    boot_timeout_s: float = 60.0
    wait_for_csms_s: float = 0.0
    strict: bool = False
    state: Path | None = None
    summary: Path | None = None
    report: Path | None = None
    junit: Path | None = None
    ledger: Path | None = None
    trace: Path | None = None
    labels: dict[str, str] = field(default_factory=dict)
    may_test_this: bool = False
    csms: CsmsOptions | None = None
    #: of a run without a target; a target says its own
    security_profile: int = 0
    fleet_sha256: str = ""


Story = Callable[["Run"], Any]


class Run:
    """One run. ``execute()`` returns the summary; its ``exit_code`` is the command's."""

    def __init__(
        self, plan: FleetPlan, options: RunOptions, progress: Progress | None = None, story: Story | None = None
    ) -> None:
        self.plan, self.options, self.progress, self.story = plan, options, progress or Silent(), story
        self.metrics = RunMetrics()
        self.series = Series()
        self.csms: CsmsProcess | None = None
        self.farm: Farm | None = None
        self.http_url = ""
        self.why_ended = ""
        self.notes: list[str] = []
        self.garbage = Garbage()
        self.our_error: BaseException | None = None
        #: what a story does to the CSMS on purpose is not held against it
        self.excuses: list[Excuse] = []
        #: called when the stations have left and the CSMS is still there
        self.afterwards: Callable[[Run], None] | None = None
        #: a second interrupt did not wait for the end
        self.cut_short = False
        #: stations that still had time to boot when the run was interrupted
        self._young: set[str] = set()
        self._interrupts = 0
        self._stop: asyncio.Event | None = None

    # -- before anything is started

    def check(self) -> None:
        """Raise GeneratorLimit, TargetError or FleetError when the run cannot or must not be started."""
        target = self.plan.target
        tls = self.options.security_profile >= 2 if target is None else target.is_tls
        sources = len(target.fields.source_addresses) if target is not None else 0
        limits.check(len(self.plan.stations), source_addresses=sources, tls=tls)
        station_speed(self.plan.speed)
        options = self.options
        port.check(options.http_host, options.http_port, options.http_token, asked_for=options.http_port_asked_for)
        if target is not None:
            refuse_unsupported(target)
            if not self.options.may_test_this:
                guard(
                    target,
                    len(self.plan.stations),
                    self.plan.hostile_quirks(),
                    self.plan.fault_names(),
                    resolve=addresses,
                )

    def execute(self) -> dict[str, Any]:
        """Run it. Raises what ``check`` raises before anything is started."""
        self.check()
        state = self.options.state
        keystore = Keystore(state / "keys" if state is not None else None)
        target = self.plan.target
        throwaway: Throwaway | None = None
        try:
            if target is None:
                throwaway = Throwaway(self.options.security_profile, state / "pki" if state is not None else None)
                target = self._reference(throwaway)
                credentials = throwaway.credentials(self.plan.stations, keystore)
            else:
                credentials = read_credentials(target, self.plan.stations, keystore)
            return run_loop(self._main(target, credentials))
        finally:
            if self.csms is not None:
                self.csms.stop()
            if throwaway is not None:
                throwaway.close()

    def _reference(self, throwaway: Throwaway) -> Target:
        options = throwaway.csms_options(self.options.csms or CsmsOptions(port=0, http_port=0))
        self.csms = CsmsProcess(options).start()
        return make_target(throwaway.target(self.csms.url), {}, base_dir=Path.cwd())

    # -- on the loop

    async def _main(self, target: Target, credentials: Credentials) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        options = self.options
        redactor = Redactor(target.secrets())
        for station in self.plan.stations:
            if station.password is not None:
                redactor.learn(station.password.get_secret_value(), station.id)
        state = StateDir(options.state) if options.state is not None else None
        ledger = Ledger(options.ledger, inline_flush=False)
        trace = FrameTrace(options.trace, redactor) if options.trace is not None else None
        if options.wait_for_csms_s > 0:
            await self._await_csms(target, options.wait_for_csms_s)
        farm = self.farm = Farm(
            self.plan,
            target,
            loop=loop,
            user_agent=USER_AGENT,
            metrics=self.metrics,
            ledger=ledger,
            redactor=redactor,
            trace=trace,
            state=state,
            boot_timeout_s=options.boot_timeout_s,
            credentials=credentials,
        )
        begin_utc_us, begin_cpu = time.time_ns() // 1000, time.process_time()
        begin_wall = time.monotonic()
        info = {"command": options.command, "version": simulator.__version__, "seed": self.plan.seed}
        ledger.begin_run(info, start_us=0, start_utc_us=farm.clock.epoch_us, speed=self.plan.speed)
        build = {"version": simulator.__version__, "python": platform.python_version()}
        page = MetricsText(self.metrics, build, {"fleet": self.plan.name, "seed": str(self.plan.seed)})
        server = await self._serve(farm, page)
        stop = self._stop = asyncio.Event()
        self._signals(loop)
        try:
            self.garbage.begin()
            farm.start()
            self.progress.started(self)
            story = loop.create_task(self.story(self)) if self.story is not None else None
            if story is not None:  # however it ends, the run does not wait for it
                story.add_done_callback(lambda _: self.end(self.why_ended or "the story is over"))
            await self._until_over(farm, page, ledger, stop)
            if story is not None:
                story.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await story
            if farm.live.failure is None:
                self.progress.ending(self, self.why_ended)
                await self._finish(farm, stop)
            self.our_error = farm.live.failure
            if self.our_error is not None:
                farm.close_books()
                self.notes.append(f"An error of cpfarm itself ended the run: {type(self.our_error).__name__}.")
        finally:
            await farm.close()
            self.garbage.end()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
            if server is not None:
                await server.stop("the run is over")
            if trace is not None:
                trace.close()
            ledger.flush()
            if state is not None:
                state.close()
        if self.afterwards is not None:
            await loop.run_in_executor(None, self.afterwards, self)
        if self.csms is not None:
            await loop.run_in_executor(None, self._ask_reference)
        run_info = RunInfo(
            run_id=format(begin_utc_us, "x"),
            version=simulator.__version__,
            command=options.command,
            seed=self.plan.seed,
            begin_utc_us=begin_utc_us,
            end_utc_us=time.time_ns() // 1000,
            speed=self.plan.speed,
            fleet={"name": self.plan.name, "sha256": options.fleet_sha256},
            target={"url": redactor.clean_text(target.fields.url), "sha256": _sha(target.fields.url)},
            labels=options.labels,
            machine=limits.machine(),
            notes=tuple(self._notes(target)),
            cpu_seconds=time.process_time() - begin_cpu,
            rss_bytes=limits.rss_bytes(),
            wall_seconds=time.monotonic() - begin_wall,
        )
        return self._reports(farm, ledger, run_info, redactor)

    async def _serve(self, farm: Farm, page: MetricsText) -> HttpServer | None:
        options = self.options
        if options.http_port is None:
            return None
        served = await port.serve(
            farm, page, options.http_host, options.http_port, options.http_token, asked_for=options.http_port_asked_for
        )
        if isinstance(served, str):
            self.notes.append(served)
            return None
        self.http_url = served.url
        return served

    def _signals(self, loop: asyncio.AbstractEventLoop) -> None:
        def interrupt() -> None:
            if self.farm is not None and not self._interrupts:
                self._young = {plan.id for plan in self.plan.stations if self.farm.still_has_time(plan.index)}
            self._interrupts += 1
            self.why_ended = "interrupted"
            if self._stop is not None:
                self._stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not in the main thread
                loop.add_signal_handler(number, interrupt)

    def end(self, why: str) -> None:
        """End the run from within (a story that is told)."""
        self.why_ended = why
        if self._stop is not None:
            self._stop.set()

    async def _until_over(self, farm: Farm, page: MetricsText, ledger: Ledger, stop: asyncio.Event) -> None:
        duration_us = self.plan.duration_us
        next_flush = time.monotonic() + FLUSH_S
        frozen = False
        begin = time.monotonic()
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK_S)
            if farm.live.failure is not None:
                self.why_ended = "an error of ours"
                return
            page.step(int((time.monotonic() - begin) * 1e6))
            self.progress.tick(self)
            if time.monotonic() >= next_flush:
                next_flush += FLUSH_S
                self.series.sample(time.monotonic() - begin, self.metrics)
                await asyncio.get_running_loop().run_in_executor(None, ledger.flush)
                if farm.trace is not None:
                    farm.trace.flush()
            settled = farm.settled_us
            if settled is not None:
                if not frozen:
                    self.garbage.settle()
                    frozen = True
                if not farm.booted:
                    self.why_ended = "no station booted"
                    return
                if duration_us is not None and farm.clock.now() >= settled + duration_us:
                    self.why_ended = "the time is over"
                    return

    async def _finish(self, farm: Farm, stop: asyncio.Event) -> None:
        """End the run; one more signal cuts it short."""
        before = self._interrupts
        stop.clear()
        finishing = asyncio.ensure_future(farm.finish(self.plan.at_end, self.options.drain_s))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({finishing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if self._interrupts > before and not finishing.done():
            finishing.cancel()
            self.cut_short = True
            self.notes.append("Ended at once by a second interrupt; what was queued or open then is counted so.")
            farm.close_books()
        stopping.cancel()
        for task in (finishing, stopping):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _await_csms(self, target: Target, seconds: float) -> None:
        """Wait until something listens at the target."""
        deadline = time.monotonic() + seconds
        proxy = target.proxy
        host, port = (target.host, target_port(target)) if proxy is None else (proxy.host, proxy.port)
        while time.monotonic() < deadline:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2.0)
            except (OSError, TimeoutError):
                await asyncio.sleep(0.5)
                continue
            writer.close()
            return
        self.notes.append(f"Nothing listened at {host}:{port} for {seconds:g} s.")

    # -- afterwards

    def _ask_reference(self) -> None:
        """The reference CSMS validates everything; what it found is worth a sentence."""
        assert self.csms is not None
        found = self.csms.request("GET", "/api/violations?limit=20")
        if found["count"]:
            kinds = sorted({f"{row['action']} {row['rule']}" for row in found["violations"]})[:5]
            self.notes.append(f"the reference CSMS saw {found['count']} violations by stations: {'; '.join(kinds)}")

    def _all_excuses(self) -> list[Excuse]:
        return [
            *self.excuses,
            *excuses.of_the_end(self.plan.at_end, cut_short=self.cut_short),
            *excuses.of_an_interrupt(self._young),
            *excuses.of_quirks(self.plan.stations),
        ]

    def _notes(self, target: Target) -> list[str]:
        notes = list(self.notes)
        if self.garbage.longest_ms > LONG_PAUSE_MS:
            notes.append(f"The longest pause for garbage collection here: {self.garbage.longest_ms:.0f} ms.")
        if self.plan.speed != 1 and self.csms is None:
            notes.append(
                f"station time ran {self.plan.speed:g} times as fast as the CSMS's clock; latencies are real, "
                "time stamps are not comparable"
            )
        if self.farm is not None and self.plan.fault_lines:
            begun = fault_ids(self.farm.ledger)
            notes += itertools.islice(befell_nobody(self.plan.fault_lines, begun), IDLE_LINES_MAX)
        return notes

    def _reports(self, farm: Farm, ledger: Ledger, info: RunInfo, redactor: Redactor) -> dict[str, Any]:
        options = self.options
        checks = default_checks(
            ledger,
            expect=self.plan.expect,
            strict=options.strict,
            boot_timeout_us=farm.boot_timeout_us,
            excuses=self._all_excuses(),
            reproduce=lambda station_id: f"{options.command_alone or options.command} --only {shlex.quote(station_id)}",
        )
        summary = build_summary(
            self.metrics,
            ledger,
            info,
            storms=farm.storms,
            performance=farm.performance,
            checks=checks,
            our_error=self.our_error is not None,
        )
        spans = [
            (name, begin_us / 1e6, None if end_us is None else end_us / 1e6)
            for name, begin_us, end_us in fault_spans(ledger)
        ]
        ledger.close()
        if options.summary is not None:
            write_summary(summary, options.summary)
        if options.junit is not None:
            write_junit(summary, options.junit)
        if options.report is not None:
            write_html(summary, options.report, points=self.series.points, spans=spans, kept=_kept(farm, redactor))
        return summary


def _kept(farm: Farm, redactor: Redactor) -> list[KeptStation]:
    """The frames around the first failure of some stations, for the report."""
    return [
        KeptStation(
            station_id,
            kept.why,
            farm.rings.read(
                station_id,
                redactor,
                ocpp=farm.by_id[station_id].station.dialect.name,
                utc_of_zero_us=farm.clock.epoch_us,
            ),
        )
        for station_id, kept in list(farm.rings.kept.items())[:10]
    ]


def target_port(target: Target) -> int:
    """The TCP port of a target."""
    return urlsplit(target.fields.url).port or (443 if target.is_tls else 80)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
