"""A farm for load tests: stations come and go one by one, and what they did is handed on in batches.

Under Locust nobody knows the fleet beforehand: the number of users moves while the test runs, and each worker has its
share of them. So a :class:`LoadPlan` holds only what a station is made from (the mix of groups, the target, the seed),
and makes the n-th station of a worker when it is asked for. The id carries the worker's number and the seed of a
station comes from its id, so the same command line gives the same stations, however many workers there are.

:class:`LoadFarm` keeps no frames and writes no report. It counts, on its own loop, and :meth:`LoadFarm.batch` is what
has been added since the last one: rows of response times as Locust keeps them, failures by their text, and the numbers
of stations that have left. A CALL that was lost because *we* hung up (a cut, the end) is counted, and is no failure.

Nothing here knows gevent or Locust; ``loadtests/engine.py`` is the bridge.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simulator.core import records as r
from simulator.core.rng import seed_of
from simulator.errors import AuthorError, FleetError
from simulator.fleet.farm import Farm
from simulator.fleet.identity import default_prefix, fill, id_problem
from simulator.fleet.live import Seat
from simulator.fleet.plan import FleetPlan, StationPlan, resolve
from simulator.fleet.schema import Fleet, load_fleet
from simulator.fleet.target import (
    Target,
    guard,
    load_target,
    make_target,
    refuse_unsupported,
    target_from_flags,
)
from simulator.report.histogram import MIDDLES_US, SLOTS, Histogram, minus
from simulator.report.reasons import KICKED, boot_reason, dial_reason

DEFAULT_CHARGING = "30%"
PER_WORKER_MAX = 99_999
"""Stations of one worker: the id has five digits for them."""
CALLS_MAX = 200_000
"""Single calls held for whoever wants each of them; what comes after is counted in ``calls_dropped``."""
LINK = "WS"
"""The method under which connections stand beside the actions."""
CONNECT, DISCONNECT = "connect", "disconnect"

_NOTHING = [0] * SLOTS

Key = tuple[str, str]
"""(method, name) of a row: ``OCPP1.6`` and the action, or ``WS`` and what happened to a connection."""


# --- the plan --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What a load test is asked for; None where nothing was said. Texts as a fleet file has them."""

    host: str | None = None
    target: Path | None = None
    fleet: Path | None = None
    profile: str | None = None
    ocpp: str | None = None
    charging: str | None = None
    session: str | None = None
    meter_interval: str | None = None
    seed: int | None = None
    id_prefix: str | None = None
    security_profile: int | None = None
    password: str | None = field(default=None, repr=False)
    may_test_this: bool = False


class Mix:
    """Which kind the n-th station is: kinds take turns in proportion to their weights, from the first station on."""

    def __init__(self, weights: tuple[int, ...]) -> None:
        self._weights = weights
        self._taken = [0] * len(weights)
        self._kinds: list[int] = []

    def kind(self, index: int) -> int:
        """The kind of station ``index`` (from 0)."""
        while len(self._kinds) <= index:
            kind = min(range(len(self._weights)), key=lambda k: ((self._taken[k] + 1) / self._weights[k], k))
            self._taken[kind] += 1
            self._kinds.append(kind)
        return self._kinds[index]


class LoadPlan:
    """Where to and with what. ``fleet`` is a plan without stations; ``kinds`` has a pattern for each group."""

    def __init__(self, fleet: FleetPlan, target: Target, prefix: str, weights: tuple[int, ...]) -> None:
        self.fleet = replace(fleet, stations=())
        self.target, self.prefix = target, prefix
        self.kinds = fleet.stations
        self._hostile = fleet.hostile_quirks()
        self._mix = Mix(weights)

    def station(self, worker: int, number: int) -> StationPlan:
        """Station ``number`` (from 1) of ``worker`` (from 0)."""
        assert 1 <= number <= PER_WORKER_MAX
        kind = self.kinds[self._mix.kind(number - 1)]
        station_id = f"{self.prefix}{worker:02d}-{number:05d}"
        index = worker * (PER_WORKER_MAX + 1) + number - 1
        pattern = kind.model.identity.serial
        serial = None if pattern is None else fill(pattern, index + 1, station_id)
        return replace(kind, id=station_id, index=index, seed=seed_of(self.fleet.seed, station_id), serial=serial)

    def guard(self, stations: int, resolve: Callable[[str], Iterable[str]] | None = None) -> None:
        """Raise TargetError unless so many stations may be pointed at the target; ``resolve`` looks names up."""
        guard(self.target, stations, self._hostile, resolve=resolve)


def load_plan(options: LoadOptions, *, hostname: str, environ: Mapping[str, str]) -> LoadPlan:
    """The plan of a load test. Raises FleetError, TargetError, ProfileError or AuthorError."""
    fleet = _fleet(options, environ)
    for index, group in enumerate(fleet.fields.groups):
        for key, value in (("stations", group.stations), ("id", group.id)):
            if value is not None:
                reason = "is not supported under Locust: ids are <prefix><worker>-<number>; use --id-prefix"
                raise fleet.document.problem(("groups", index, key), reason, FleetError)
    if fleet.fields.faults:
        reason = "a timetable of faults is not supported under Locust; use `cpfarm run`"
        raise fleet.document.problem(("faults",), reason, FleetError)
    prefix = default_prefix(hostname) if options.id_prefix is None else options.id_prefix
    if problem := id_problem(f"{prefix}00-00001"):
        raise AuthorError(problem, field="--id-prefix")
    target = _target(options, fleet, environ)
    refuse_unsupported(target)
    groups = fleet.fields.groups
    # One station of each group is the pattern of the others.
    plan = resolve(fleet, {"count": len(groups)}, hostname=hostname, id_prefix=prefix, target=target, environ=environ)
    return LoadPlan(plan, target, prefix, tuple(group.count or 1 for group in groups))


def _fleet(options: LoadOptions, environ: Mapping[str, str]) -> Fleet:
    charging = options.charging
    if charging is None and options.fleet is None:
        charging = DEFAULT_CHARGING
    overrides = {
        "profile": options.profile,
        "version": options.ocpp,
        "charging": charging,
        "session": options.session,
        "meter_interval": options.meter_interval,
        "seed": options.seed,
    }
    given = {key: value for key, value in overrides.items() if value is not None}
    return load_fleet(options.fleet, given, environ=environ)


def _target(options: LoadOptions, fleet: Fleet, environ: Mapping[str, str]) -> Target:
    flags = target_from_flags(
        csms=options.host,
        security_profile=options.security_profile,
        password=options.password,
        i_may_test_this=options.may_test_this,
    )
    if options.target is not None:
        return load_target(options.target, environ, flags)
    if options.host is not None:
        return make_target(flags, environ, base_dir=Path.cwd())
    if fleet.target is None:
        raise AuthorError("no CSMS: add --host URL or --target FILE")
    extra = sorted(set(flags) - {"authorised"})
    if extra:
        raise AuthorError(f"{', '.join(extra)} given beside the fleet's own target: add --host URL or --target FILE")
    if options.may_test_this and not fleet.target.fields.authorised:
        raise AuthorError("--i-may-test-this goes with --host or --target; else say `authorised: true` in the fleet")
    return fleet.target


# --- what is handed on -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """What was added to one (method, name): ``untimed`` of the ``count`` have no response time.

    ``times_ms`` maps a response time in ms, at most 3.2 % off, to how often it occurred; ``total_ms`` is exact.
    """

    method: str
    name: str
    count: int = 0
    untimed: int = 0
    total_ms: float = 0.0
    times_ms: dict[float, int] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """What was added since the last batch, at ``at_s`` (UTC, in seconds since 1970)."""

    at_s: float
    rows: list[Row]
    failures: dict[tuple[str, str, str], int]
    """(method, name, text) to how often; these are among the ``count`` of the rows."""
    freed: list[str]
    """Stations that are away now."""

    def __bool__(self) -> bool:
        return bool(self.rows or self.failures or self.freed)


@dataclass(frozen=True, slots=True)
class OneCall:
    """One finished CALL, or one event of a connection; ``took_ms`` None where nothing was timed."""

    method: str
    name: str
    took_ms: float | None
    error: str | None
    at_s: float


def locust_bucket(ms: float) -> int:
    """The response time under which Locust keeps ``ms``: whole ms below 100, then two significant digits."""
    if ms < 100:
        return round(ms)
    if ms < 1_000:
        return round(ms / 10) * 10
    if ms < 10_000:
        return round(ms / 100) * 100
    return round(ms / 1_000) * 1_000


class LoadFarm(Farm):
    """A farm without stations at first. ``each_call`` keeps every CALL in ``calls`` instead of counting it.

    Everything is called on the loop's thread; only ``calls`` may be emptied from the other end by somebody else.
    """

    def __init__(self, plan: LoadPlan, *, each_call: bool = False, **farm: Any) -> None:
        super().__init__(plan.fleet, plan.target, threads=False, **farm)
        self.each_call = each_call
        self.calls: deque[OneCall] = deque()
        self.calls_dropped = 0
        self._before: dict[tuple[str, ...], tuple[list[int], int]] = {}
        self._rows: dict[Key, Row] = {}
        self._failures: dict[tuple[str, str, str], int] = {}
        self._freed: list[str] = []
        #: seats whose connection was cut by us and that are not back yet
        self._cut: set[int] = set()

    def cut(self) -> None:
        """Cut every connection at once: the beginning of a storm."""
        self._cut.update(seat.index for seat in self.live.seats if seat.conn is not None)
        self.live.cut()

    # -- called by the live driver

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        """Frames are not kept."""

    def record(self, seat: Seat, what: Any, now: int) -> None:
        """A record of a station: into the ledger as in any farm, then counted for the next batch."""
        super().record(seat, what, now)
        kind = type(what)
        if kind is r.CallFinished:
            if self.each_call or what.outcome != "ok":
                self._call(seat, what)
        elif kind is r.Connected:
            self._cut.discard(seat.index)
            if self.each_call:
                self._event(CONNECT, what.took_us / 1000 / self.plan.speed, None)
        elif kind is r.ConnectFailed:
            if not self._ours(seat):
                self._event(CONNECT, None, dial_reason(what.cause, what.code))
        elif kind is r.BootRefused:
            self._event(CONNECT, None, boot_reason(what.status))
        elif kind is r.Disconnected:
            if not self._ours(seat) and (not what.cause.startswith("local_") or what.cause == "local_reset"):
                kicked = seat.phase == "pending"
                self._event(CONNECT if kicked else DISCONNECT, None, KICKED if kicked else f"{what.cause} {what.code}")
        elif kind is r.PhaseChanged and what.phase == "off" and self._is_away(seat):
            self._freed.append(seat.station.id)

    def _is_away(self, seat: Seat) -> bool:
        """Has it left? Off while its software restarts is not away."""
        return seat.index in self.away and (seat.station.running or not seat.station.powered)

    def _ours(self, seat: Seat) -> bool:
        """Is what befalls this station's connection our own doing?"""
        return self.ending or seat.index in self._cut or seat.index in self.away

    def _call(self, seat: Seat, what: r.CallFinished) -> None:
        method = f"OCPP{seat.station.dialect.name}"
        error = None
        if what.outcome != "ok" and not (what.outcome == "lost" and self._ours(seat)):
            error = f"{what.outcome} {what.code}".rstrip()
        if self.each_call:
            timed = what.outcome in ("ok", "callerror")
            took_us = seat.arrived_us - seat.sent_us if timed else what.took_us / self.plan.speed
            self._keep(OneCall(method, what.action, took_us / 1000, error, time.time()))
        elif error is not None:
            self._fail(method, what.action, error)

    def _event(self, name: str, took_ms: float | None, error: str | None) -> None:
        if self.each_call:
            self._keep(OneCall(LINK, name, took_ms, error, time.time()))
            return
        assert error is not None  # what went well is counted by the histogram of dials
        row = self._row((LINK, name))
        row.count += 1
        row.untimed += 1
        self._fail(LINK, name, error)

    def _keep(self, call: OneCall) -> None:
        if len(self.calls) >= CALLS_MAX:
            self.calls_dropped += 1
            return
        self.calls.append(call)

    def _fail(self, method: str, name: str, text: str) -> None:
        key = (method, name, text)
        self._failures[key] = self._failures.get(key, 0) + 1

    # -- called by whoever hands it on

    def batch(self) -> Batch:
        """What was added since the last call; false when there is nothing."""
        if not self.each_call:
            metrics = self.metrics
            for (action, ocpp, outcome), histogram in metrics.durations.items():
                self._add((action, ocpp, outcome), (f"OCPP{ocpp}", action), histogram)
            self._add((CONNECT,), (LINK, CONNECT), metrics.connects)
        batch = Batch(time.time(), list(self._rows.values()), self._failures, self._freed)
        self._rows, self._failures, self._freed = {}, {}, []
        return batch

    def _row(self, key: Key) -> Row:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = Row(*key)
        return row

    def _add(self, key: tuple[str, ...], row_key: Key, histogram: Histogram) -> None:
        before, sum_before_us = self._before.get(key, (_NOTHING, 0))
        if histogram.counts == before:
            return
        counts = list(histogram.counts)
        self._before[key] = counts, histogram.sum_us
        row = self._row(row_key)
        row.total_ms += (histogram.sum_us - sum_before_us) / 1000
        for slot, n in enumerate(minus(counts, before)):
            if n:
                ms = MIDDLES_US[slot] / 1000
                row.times_ms[ms] = row.times_ms.get(ms, 0) + n
                row.count += n
