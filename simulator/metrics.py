"""Counters and histograms of a run, fed by the records stations put out.

Theory. Every record of every station passes here once, on the loop that also drives the stations, so the one thing
that matters is the cost of a finished CALL. A driver binds a handle per (protocol version, profile) before the run;
inside it a finished CALL is two dictionary look-ups and two histogram increments, no label is ever put together, and
no lock is taken. Histograms are shared by all profiles of a version, because durations carry no profile label;
only the counter does. Station ids occur nowhere.

Two latencies are kept apart: *response time* (sent to answered) and *lateness* (due to sent). A CSMS that answers
slowly makes later calls late, and would otherwise hide behind the station's own queue.

Readers copy lists and dictionaries in single steps, so a thread beside the loop may read while the loop counts on.
The names of what is exported stand in ``simulator/report/exposition.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from simulator.core import records as r
from simulator.core.records import CallFinished
from simulator.report.histogram import (
    MIDDLES_US,
    Histogram,
    minus,
    percentile_us,
    slot_of,
    total,
)
from simulator.report.reasons import KICKED, boot_reason, dial_reason, is_kick

OUTCOMES = ("ok", "callerror", "timeout", "lost")
ANSWERED = ("ok", "callerror")
"""Outcomes whose duration is a response time of the CSMS."""
PHASES = ("off", "connecting", "pending", "available", "charging", "faulted", "offline")


class ActionCalls(msgspec.Struct, frozen=True):
    """What became of one action's CALLs. Times in ms over answered ones, None when there is none."""

    count: int
    errors: int
    timeouts: int
    lost: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class ActionDelta(msgspec.Struct, frozen=True):
    """One action's CALLs since the last reading; ``times_ms`` maps a response time in ms to how often it occurred."""

    action: str
    count: int
    failures: int
    total_ms: float
    times_ms: dict[float, int]


class CallCount:
    """CALLs of one (action, version, profile, outcome); ``duration`` is shared by the profiles."""

    __slots__ = ("duration", "n")

    def __init__(self, duration: Histogram) -> None:
        self.duration = duration
        self.n = 0


class Handle:
    """What a driver calls for stations of one version and profile. Get one with :meth:`RunMetrics.bind`."""

    __slots__ = ("_by_type", "_late", "_metrics", "_not_ok", "_ocpp", "_ok", "_profile")

    def __init__(self, metrics: RunMetrics, ocpp: str, profile: str) -> None:
        self._metrics, self._ocpp, self._profile = metrics, ocpp, profile
        self._late = metrics.lateness.setdefault(ocpp, Histogram())
        self._ok: dict[str, CallCount] = {}
        self._not_ok: dict[tuple[str, str], CallCount] = {}
        self._by_type: dict[type, Callable[[Any, int | None, str], None]] = {
            r.CsmsCallHandled: self._csms_call,
            r.ViolationSeen: self._violation,
            r.StrayAnswer: self._stray,
            r.Booted: self._booted,
            r.BootRefused: self._boot_refused,
            r.Connected: self._connected,
            r.Disconnected: self._disconnected,
            r.ConnectFailed: self._connect_failed,
            r.TransactionOpened: self._opened,
            r.TransactionClosed: self._closed,
            r.FaultBegan: self._fault_began,
            r.FaultEnded: self._fault_ended,
            # Told through phase() and queue(), which need what was before.
            r.PhaseChanged: self._nothing,
            r.QueueDepth: self._nothing,
            # Matters of the ledger alone.
            r.TransactionNamed: self._nothing,
            r.TransactionTold: self._nothing,
            r.MessageFate: self._nothing,
            r.HeatChanged: self._nothing,
            r.Alerted: self._nothing,
            r.DriverShown: self._nothing,
            r.FlashTrouble: self._nothing,
            r.Remark: self._nothing,
        }

    def record(self, rec: r.AnyRecord, real_us: int | None = None, phase: str = "") -> None:
        """Count one record.

        ``real_us`` replaces the record's own duration where the driver measured it. ``phase`` is the station's phase
        before the feed that gave the record; only Disconnected looks at it (a link lost while ``pending`` was kicked).
        """
        if type(rec) is not CallFinished:
            self._by_type[type(rec)](rec, real_us, phase)
            return
        action = rec.action
        cell = self._ok.get(action) if rec.outcome == "ok" else self._not_ok.get((action, rec.outcome))
        if cell is None:
            cell = self._new_cell(action, rec.outcome)
        cell.n += 1
        # Histogram.add, written out twice: this is the hot path of the whole program.
        us = rec.took_us if real_us is None else real_us
        histogram = cell.duration
        histogram.sum_us += us
        if 16 <= us <= 0x1F_FFFF_FFFF:
            octave = us.bit_length() - 5
            histogram.counts[(octave << 4) + (us >> octave)] += 1
        else:
            histogram.counts[slot_of(us)] += 1
        us = rec.late_us
        histogram = self._late
        histogram.sum_us += us
        if 16 <= us <= 0x1F_FFFF_FFFF:
            octave = us.bit_length() - 5
            histogram.counts[(octave << 4) + (us >> octave)] += 1
        else:
            histogram.counts[slot_of(us)] += 1
        if rec.code:
            _count(self._metrics.errors, (rec.action, rec.code))

    def phase(self, old: str | None, new: str | None) -> None:
        """Move a station between phases; None for ``old`` adds it to the fleet, None for ``new`` takes it away."""
        stations = self._metrics.stations
        if old is not None:
            stations[old] -= 1
        if new is not None:
            stations[new] += 1

    def queue(self, old: int, new: int) -> None:
        """The number of messages waiting in a station's outbox went from ``old`` to ``new``."""
        self._metrics.queued += new - old

    def _new_cell(self, action: str, outcome: str) -> CallCount:
        assert outcome in OUTCOMES, f"no outcome of a CALL: {outcome!r}"
        metrics = self._metrics
        duration = metrics.durations.setdefault((action, self._ocpp, outcome), Histogram())
        cell = metrics.calls.setdefault((action, self._ocpp, self._profile, outcome), CallCount(duration))
        if outcome == "ok":
            self._ok[action] = cell
        else:
            self._not_ok[action, outcome] = cell
        return cell

    def _csms_call(self, rec: r.CsmsCallHandled, _: int | None, __: str) -> None:
        _count(self._metrics.csms_calls, (rec.action, self._ocpp, rec.outcome))

    def _violation(self, rec: r.ViolationSeen, _: int | None, __: str) -> None:
        _count(self._metrics.violations, rec.action)

    def _stray(self, rec: r.StrayAnswer, _: int | None, __: str) -> None:
        _count(self._metrics.strays, rec.kind)

    def _booted(self, rec: r.Booted, real_us: int | None, _: str) -> None:
        self._metrics.boots.add(rec.took_us if real_us is None else real_us)

    def _boot_refused(self, rec: r.BootRefused, _: int | None, __: str) -> None:
        _count(self._metrics.connect_failures, boot_reason(rec.status))

    def _connected(self, rec: r.Connected, real_us: int | None, _: str) -> None:
        metrics = self._metrics
        metrics.connects.add(rec.took_us if real_us is None else real_us)
        metrics.reconnects += rec.again
        metrics.connected += 1
        metrics.connected_peak = max(metrics.connected_peak, metrics.connected)

    def _disconnected(self, rec: r.Disconnected, _: int | None, phase: str) -> None:
        self._metrics.connected -= 1
        if phase == "pending" and is_kick(rec):
            _count(self._metrics.connect_failures, KICKED)

    def _connect_failed(self, rec: r.ConnectFailed, _: int | None, __: str) -> None:
        _count(self._metrics.connect_failures, dial_reason(rec.cause, rec.code))

    def _opened(self, rec: r.TransactionOpened, _: int | None, __: str) -> None:
        self._metrics.transactions_active += 1

    def _closed(self, rec: r.TransactionClosed, _: int | None, __: str) -> None:
        self._metrics.transactions_active -= 1
        # A register that was reset by a fault can report less than nothing; a counter never falls.
        self._metrics.energy_wh += max(rec.reported_energy_wh, 0.0)

    def _fault_began(self, rec: r.FaultBegan, _: int | None, __: str) -> None:
        _count(self._metrics.faults_active, rec.fault)

    def _fault_ended(self, rec: r.FaultEnded, _: int | None, __: str) -> None:
        active = self._metrics.faults_active
        assert active.get(rec.fault, 0) > 0, f"the fault {rec.fault!r} ended more often than it began"
        active[rec.fault] -= 1

    def _nothing(self, rec: object, _: int | None, __: str) -> None:
        return


class RunMetrics:
    """All figures of a run, or of one worker's part of it.

    Attributes hold plain numbers, by label values in the order of the contract's label lists: ``calls`` (action,
    ocpp, profile, outcome), ``durations`` (action, ocpp, outcome), ``lateness`` (ocpp), ``csms_calls`` (action, ocpp,
    outcome), ``errors`` (action, code), ``connect_failures`` (reason), ``stations`` (state), ``faults_active``
    (fault), ``violations`` (action), ``strays`` (kind), and totals without labels.
    """

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str, str, str], CallCount] = {}
        self.durations: dict[tuple[str, str, str], Histogram] = {}
        self.lateness: dict[str, Histogram] = {}
        self.csms_calls: dict[tuple[str, str, str], int] = {}
        self.errors: dict[tuple[str, str], int] = {}
        self.connect_failures: dict[str, int] = {}
        self.stations: dict[str, int] = dict.fromkeys(PHASES, 0)
        self.faults_active: dict[str, int] = {}
        self.violations: dict[str, int] = {}
        self.strays: dict[str, int] = {}
        self.connects, self.boots, self.lags = Histogram(), Histogram(), Histogram()
        self.connected = self.connected_peak = self.reconnects = self.transactions_active = self.queued = 0
        self.energy_wh = 0.0
        self.lag_us = 0
        self._handles: dict[tuple[str, str], Handle] = {}
        self._reader = CallReader(self)

    def bind(self, ocpp: str, profile: str) -> Handle:
        """The handle for stations of this protocol version and profile; the same one each time."""
        handle = self._handles.get((ocpp, profile))
        if handle is None:
            handle = self._handles[ocpp, profile] = Handle(self, ocpp, profile)
        return handle

    def observe(self, record: r.AnyRecord, *, ocpp: str, profile: str, real_us: int | None = None) -> None:
        """Count one record without a bound handle, for callers in no hurry."""
        self.bind(ocpp, profile).record(record, real_us)

    def lag(self, lag_us: int) -> None:
        """The loop came ``lag_us`` later than it was asked to."""
        self.lag_us = lag_us
        self.lags.add(lag_us)

    def by_action(self) -> dict[str, ActionCalls]:
        """Counts and percentiles of every action seen, all versions and profiles together, sorted by name."""
        durations = list(self.durations.items())
        result = {}
        for action in sorted({key[0] for key, _ in durations}):
            own = {outcome: [h for (a, _, o), h in durations if a == action and o == outcome] for outcome in OUTCOMES}
            n = {outcome: sum(h.count for h in histograms) for outcome, histograms in own.items()}
            slots = total(h for outcome in ANSWERED for h in own[outcome])
            times = (_ms(percentile_us(slots, percent)) for percent in (50, 95, 99))
            result[action] = ActionCalls(sum(n.values()), n["callerror"], n["timeout"], n["lost"], *times)
        return result

    def lateness_ms(self, percent: float) -> float | None:
        """A percentile of lateness over all CALLs, in ms; None before the first CALL."""
        return _ms(percentile_us(total(self.lateness.values()), percent))

    def lag_ms(self, percent: float) -> float | None:
        """A percentile of the loop's lag, in ms; None when it was never measured."""
        return _ms(percentile_us(self.lags.counts, percent))

    def delta(self) -> list[ActionDelta]:
        """The CALLs finished since the last call of this method, by action; may be called beside the loop's thread."""
        return self._reader.read()

    def merge(self, other: RunMetrics) -> None:
        """Add another worker's figures. Gauges are added as well: the workers' fleets do not overlap."""
        for key, cell in other.calls.items():
            action, ocpp, profile, outcome = key
            duration = self.durations.setdefault((action, ocpp, outcome), Histogram())
            self.calls.setdefault((action, ocpp, profile, outcome), CallCount(duration)).n += cell.n
        for histograms, others in ((self.durations, other.durations), (self.lateness, other.lateness)):
            _merge_histograms(histograms, others)
        for name in ("csms_calls", "errors", "connect_failures", "stations", "faults_active", "violations", "strays"):
            mine, theirs = getattr(self, name), getattr(other, name)
            for label, n in theirs.items():
                mine[label] = mine.get(label, 0) + n
        for name in ("connects", "boots", "lags"):
            getattr(self, name).merge(getattr(other, name))
        for name in ("connected", "connected_peak", "reconnects", "transactions_active", "queued", "energy_wh"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lag_us = max(self.lag_us, other.lag_us)


class CallReader:
    """Reads the CALLs finished since it last looked. Each reader has its own memory, so readers do not disturb others.

    Nothing is swapped or reset: a reading is the difference between two copies of the counts, so no CALL is lost or
    read twice whatever thread reads.
    """

    def __init__(self, metrics: RunMetrics) -> None:
        self._metrics = metrics
        self._before: dict[tuple[str, str, str], list[int]] = {}

    def slots(self) -> dict[tuple[str, str, str], list[int]]:
        """New CALLs per histogram slot for every (action, ocpp, outcome) that has any."""
        fresh = {}
        for key, histogram in list(self._metrics.durations.items()):
            counts = list(histogram.counts)
            before = self._before.get(key)
            if counts != before:
                self._before[key] = counts
                fresh[key] = minus(counts, before) if before else counts
        return fresh

    def read(self) -> list[ActionDelta]:
        """New CALLs by action; everything that is not ``ok`` is a failure. Response times are slot middles in ms."""
        found: dict[str, tuple[list[int], dict[float, int]]] = {}
        for (action, _, outcome), slots in self.slots().items():
            counts, times = found.setdefault(action, ([0, 0], {}))
            for slot, n in enumerate(slots):
                if n:
                    ms = MIDDLES_US[slot] / 1000
                    times[ms] = times.get(ms, 0) + n
                    counts[0] += n
                    counts[1] += n if outcome != "ok" else 0
        return [
            ActionDelta(action, count, failures, sum(ms * n for ms, n in times.items()), times)
            for action, ((count, failures), times) in found.items()
            if count
        ]


def _count(counts: dict[Any, int], key: Any) -> None:
    counts[key] = counts.get(key, 0) + 1


def _ms(us: float | None) -> float | None:
    return None if us is None else round(us / 1000, 3)


def _merge_histograms(mine: dict[Any, Histogram], theirs: dict[Any, Histogram]) -> None:
    for key, histogram in theirs.items():
        mine.setdefault(key, Histogram()).merge(histogram)
