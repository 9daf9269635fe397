"""The metrics page: names, labels, bucket bounds, and a text that is built in slices.

Theory. A scrape must never stall the loop that drives the stations, and the text of a page with some two thousand
series takes tens of milliseconds in one piece. So the page is a generator of small samples; whoever owns the loop calls
``MetricsText.step`` now and then, each step writes a few hundred lines at most, and a request is answered with the last
complete text. The same samples feed a prometheus-client collector for everybody who has a registry anyway.

The number of series has a hard bound of 3,000. Labels come from closed sets except four (action, profile, code, fault),
and each family has a limit of children; whatever comes after it is added up under the value ``other``. Timeouts and
losses say little by their duration, so they get no inner buckets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from simulator.metrics import ANSWERED, PHASES, RunMetrics
from simulator.report.histogram import Histogram, cumulative

BOUNDS_US = (5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 30_000_000)
"""Bounds of the exported duration buckets, in us."""
SERIES_MAX = 3000
OTHER = "other"
REFRESH_US = 1_000_000
"""A text older than this is rebuilt at the next step."""

FOLDED_PER_GROUP = 20

Sample = tuple[str, tuple[tuple[str, str], ...], float]
"""(suffix of the family's name, labels, value)"""


class Family(msgspec.Struct, frozen=True):
    """One metric: its samples come in groups, a group being what belongs to one child."""

    name: str
    kind: str
    help: str
    groups: Iterable[tuple[Sample, ...]]


# Which labels may take values nobody listed beforehand, and how many children are exported one by one.
_OPEN = frozenset({"action", "profile", "code", "fault", "reason"})
_LIMITS = {
    "cpfarm_call_duration_seconds": 110,
    "cpfarm_calls_total": 500,
    "cpfarm_csms_calls_total": 180,
    "cpfarm_call_errors_total": 100,
    "cpfarm_schema_violations_total": 60,
    "cpfarm_faults_active": 80,
    "cpfarm_connect_failures_total": 40,
}


def families(metrics: RunMetrics, build_info: Mapping[str, str], run_info: Mapping[str, str]) -> Iterator[Family]:
    """Every family of the contract in a fixed order; ``build_info`` and ``run_info`` become labels of a constant 1."""
    m = metrics
    seconds = "in seconds of real time"
    yield _histograms(
        "cpfarm_call_duration_seconds",
        f"From sending a CALL to its answer, {seconds}",
        ("action", "ocpp", "outcome"),
        list(m.durations.items()),
    )
    yield _histograms(
        "cpfarm_call_lateness_seconds",
        "From the moment a CALL was due to the moment it was sent, in seconds",
        ("ocpp",),
        [((ocpp,), h) for ocpp, h in list(m.lateness.items())],
    )
    yield _numbers(
        "cpfarm_calls_total",
        "counter",
        "CALLs of stations that have ended",
        ("action", "ocpp", "profile", "outcome"),
        [(key, cell.n) for key, cell in list(m.calls.items())],
    )
    yield _numbers(
        "cpfarm_csms_calls_total",
        "counter",
        "CALLs of the CSMS that were dealt with",
        ("action", "ocpp", "outcome"),
        list(m.csms_calls.items()),
    )
    yield _numbers(
        "cpfarm_call_errors_total",
        "counter",
        "CALLERRORs received",
        ("action", "code"),
        list(m.errors.items()),
    )
    yield _histograms("cpfarm_connect_duration_seconds", f"From dial to open, {seconds}", (), [((), m.connects)])
    yield _histograms(
        "cpfarm_boot_duration_seconds", f"From open to BootNotification accepted, {seconds}", (), [((), m.boots)]
    )
    yield _by_label("cpfarm_connect_failures_total", "counter", "Failures to get to work", "reason", m.connect_failures)
    yield _by_label(
        "cpfarm_stations", "gauge", "Stations by state", "state", {phase: m.stations[phase] for phase in PHASES}
    )
    yield _plain("cpfarm_transactions_active", "gauge", "Transactions under way", m.transactions_active)
    yield _plain("cpfarm_energy_wh_total", "counter", "Energy reported by transactions that ended, in Wh", m.energy_wh)
    yield _plain("cpfarm_reconnects_total", "counter", "Connections that were not a station's first", m.reconnects)
    yield _by_label("cpfarm_faults_active", "gauge", "Faults in force", "fault", m.faults_active)
    yield _by_label(
        "cpfarm_schema_violations_total", "counter", "Violations by the CSMS, by action", "action", m.violations
    )
    yield _plain("cpfarm_queued_messages", "gauge", "Messages waiting in the stations' outboxes", m.queued)
    yield _plain("cpfarm_loop_lag_seconds", "gauge", "How late the loop last came, in seconds", m.lag_us / 1e6)
    for name, help_text, info in (
        ("cpfarm_build_info", "What is running", build_info),
        ("cpfarm_run_info", "What it was asked to do", run_info),
    ):
        yield Family(name, "gauge", help_text, [(("", tuple(sorted(info.items())), 1.0),)])


class RunCollector(Collector):
    """The same families for a prometheus-client registry."""

    def __init__(self, metrics: RunMetrics, build_info: Mapping[str, str], run_info: Mapping[str, str]) -> None:
        self._arguments = (metrics, build_info, run_info)

    def collect(self) -> Iterator[Metric]:
        """All families with their present values."""
        for family in families(*self._arguments):
            metric = Metric(family.name.removesuffix("_total"), family.help, family.kind)
            for group in family.groups:
                for suffix, labels, value in group:
                    metric.add_sample(family.name + suffix, dict(labels), value)
            yield metric


class MetricsText:
    """The page as text, rebuilt a slice at a time and cached.

    Whoever owns the loop calls :meth:`step` regularly; :attr:`text` is what a request gets.
    """

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(
        self,
        metrics: RunMetrics,
        build_info: Mapping[str, str],
        run_info: Mapping[str, str],
        *,
        groups_per_step: int = 40,
    ) -> None:
        self._arguments = (metrics, build_info, run_info)
        self._groups_per_step = groups_per_step
        self._parts: Iterator[str] | None = None
        self._lines: list[str] = []
        self._begun_us: int | None = None
        self.text = b""

    def step(self, now_us: int) -> bool:
        """Write one slice; True when a new text has just become complete. Starts over once the text is old."""
        if self._parts is None:
            if self._begun_us is not None and now_us - self._begun_us < REFRESH_US:
                return False
            self._begun_us = now_us
            self._parts = self._render()
        before = len(self._lines)
        self._lines.extend(islice(self._parts, self._groups_per_step))
        if len(self._lines) - before == self._groups_per_step:
            return False
        self._finish()
        return True

    def render(self) -> bytes:
        """A new text in one piece, whatever it costs: for tests and for the end of a run."""
        self._parts, self._lines = self._render(), []
        self._lines.extend(self._parts)
        self._finish()
        return self.text

    def _finish(self) -> None:
        self.text = "".join(self._lines).encode()
        self._parts, self._lines = None, []

    def _render(self) -> Iterator[str]:
        for family in families(*self._arguments):
            yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
            for group in family.groups:
                yield "".join([_line(family.name, sample) for sample in group])


def _line(name: str, sample: Sample) -> str:
    suffix, labels, value = sample
    number = repr(int(value)) if value == int(value) else repr(float(value))
    if not labels:
        return f"{name}{suffix} {number}\n"
    inside = ",".join([f'{label}="{_escaped(text)}"' for label, text in labels])
    return f"{name}{suffix}{{{inside}}} {number}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _plain(name: str, kind: str, help_text: str, value: float) -> Family:
    return Family(name, kind, help_text, [(("", (), value),)])


def _by_label(name: str, kind: str, help_text: str, label: str, values: Mapping[str, float]) -> Family:
    return _numbers(name, kind, help_text, (label,), [((text,), value) for text, value in list(values.items())])


def _numbers(
    name: str, kind: str, help_text: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float]]
) -> Family:
    return Family(name, kind, help_text, _number_groups(name, labels, values))


def _number_groups(
    name: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float]]
) -> Iterator[tuple[Sample, ...]]:
    limit = _LIMITS.get(name, len(values))
    for key, value in values[:limit]:
        yield (("", tuple(zip(labels, key, strict=True)), value),)
    folded: dict[tuple[str, ...], float] = {}
    for n, (key, value) in enumerate(values[limit:], start=1):
        rest = _folded(labels, key)
        folded[rest] = folded.get(rest, 0) + value
        if n % FOLDED_PER_GROUP == 0:
            yield ()  # adding up is work too: it gets its share of a slice
    for key, value in folded.items():
        yield (("", tuple(zip(labels, key, strict=True)), value),)


def _histograms(
    name: str, help_text: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], Histogram]]
) -> Family:
    return Family(name, "histogram", help_text, _histogram_groups(name, labels, values))


def _histogram_groups(
    name: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], Histogram]]
) -> Iterator[tuple[Sample, ...]]:
    limit = _LIMITS.get(name, len(values))
    for key, histogram in values[:limit]:
        yield _child(labels, key, histogram)
    folded: dict[tuple[str, ...], Histogram] = {}
    for key, histogram in values[limit:]:
        folded.setdefault(_folded(labels, key), Histogram()).merge(histogram)
        yield ()
    for key, histogram in folded.items():
        yield _child(labels, key, histogram)


def _child(labels: tuple[str, ...], key: tuple[str, ...], histogram: Histogram) -> tuple[Sample, ...]:
    own = tuple(zip(labels, key, strict=True))
    inner = "outcome" not in labels or key[labels.index("outcome")] in ANSWERED
    bounds = BOUNDS_US if inner else ()
    heights = cumulative(list(histogram.counts), bounds)
    marks = [*(repr(bound / 1e6) for bound in bounds), "+Inf"]
    buckets = [("_bucket", (*own, ("le", mark)), float(height)) for mark, height in zip(marks, heights, strict=True)]
    return (*buckets, ("_count", own, float(heights[-1])), ("_sum", own, histogram.sum_us / 1e6))


def _folded(labels: tuple[str, ...], key: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(OTHER if label in _OPEN else text for label, text in zip(labels, key, strict=True))
