"""How a run looks while it runs: a live panel on a terminal, plain lines elsewhere, JSON lines on request."""

from __future__ import annotations

import json
import sys
import time

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from simulator.commands.output import console
from simulator.fleet.progress import Progress, Silent
from simulator.fleet.run import Run
from simulator.metrics import PHASES

LINE_EVERY_S = 5.0


def figures(run: Run) -> dict[str, float | int | str]:
    """What there is to say about a run right now."""
    metrics = run.metrics
    calls = metrics.by_action()
    total = sum(row.count for row in calls.values())
    failed = sum(row.errors + row.timeouts for row in calls.values())
    elapsed = run.farm.clock.real_us() / 1e6 if run.farm is not None else 0.0
    return {
        "t_s": round(elapsed, 1),
        **{phase: metrics.stations[phase] for phase in PHASES},
        "transactions": metrics.transactions_active,
        "calls": total,
        "failed": failed,
        "queued": metrics.queued,
        "faults": sum(metrics.faults_active.values()),
    }


def _ending(run: Run, why: str) -> str:
    """Why the run ends, and what somebody who waits for it should know."""
    if run.plan.at_end != "finish" or not run.farm or not run.farm.booted:
        return f"ending: {why}"
    return (
        f"ending: {why}; drivers leave and queues run empty, {run.options.drain_s:g} s at most (Ctrl-C ends it at once)"
    )


class Lines:
    """A line every few seconds on standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self.every_s = LINE_EVERY_S
        self._next = 0.0

    def started(self, run: Run) -> None:
        """Where to look."""
        if run.http_url:
            self._say(
                {"event": "started", "page": run.http_url + "/", "metrics": run.http_url + "/metrics"},
                f"page at {run.http_url}/ (metrics at {run.http_url}/metrics)",
            )

    def tick(self, run: Run) -> None:
        """A line, when it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self.every_s
        row = figures(run)
        phases = " ".join(f"{phase} {row[phase]}" for phase in PHASES if row[phase])
        self._say(
            {"event": "progress", **row},
            f"{row['t_s']:>7} s  {phases} | transactions {row['transactions']} calls {row['calls']} "
            f"failed {row['failed']} queued {row['queued']}",
        )

    def ending(self, run: Run, why: str) -> None:
        """The run is ending."""
        self._say({"event": "ending", "why": why}, _ending(run, why))

    def _say(self, data: dict[str, object], text: str) -> None:
        typer.echo(json.dumps(data) if self._json else text, err=True)


class Panel:
    """A live panel on a terminal."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._why = ""
        #: lines a story wants to be seen, newest last
        self.story: list[tuple[str, str]] = []

    def started(self, run: Run) -> None:
        """Begin to draw."""
        self._live = Live(self._draw(run), console=console(error=True), refresh_per_second=5, transient=True)
        self._live.start()

    def tick(self, run: Run) -> None:
        """Draw again."""
        if self._live is not None:
            self._live.update(self._draw(run))

    def ending(self, run: Run, why: str) -> None:
        """Last drawing."""
        self._why = why
        if self._live is not None:
            self._live.update(self._draw(run))
            self._live.stop()
            self._live = None
        typer.echo(_ending(run, why), err=True)

    def _draw(self, run: Run) -> Group:
        row = figures(run)
        head = Text(f"cpfarm  {row['t_s']} s", style="bold")
        if run.http_url:
            head.append(f"   page {run.http_url}/   metrics {run.http_url}/metrics", style="dim")
        stations = Table(box=None, pad_edge=False)
        for phase in PHASES:
            stations.add_column(phase, justify="right")
        stations.add_row(*(str(row[phase]) for phase in PHASES))
        calls = Table(box=None, pad_edge=False)
        for name in ("action", "calls", "errors", "timeouts", "p50 ms", "p95 ms", "p99 ms"):
            calls.add_column(name, justify="left" if name == "action" else "right")
        for action, found in sorted(run.metrics.by_action().items(), key=lambda item: -item[1].count)[:12]:
            cells = (found.p50_ms, found.p95_ms, found.p99_ms)
            calls.add_row(
                action,
                str(found.count),
                str(found.errors or ""),
                str(found.timeouts or ""),
                *("" if cell is None else f"{cell:.1f}" for cell in cells),
            )
        tail = Text(
            f"transactions {row['transactions']}   queued {row['queued']}   faults {row['faults']}   "
            f"failed calls {row['failed']}"
        )
        told = [Text(f"{when:>7}  {line}") for when, line in self.story[-8:]]
        return Group(head, stations, calls, tail, *told)


def make_progress(*, quiet: bool = False, log_format: str = "text") -> Progress:
    """What fits the terminal there is."""
    if quiet:
        return Silent()
    if log_format == "json":
        return Lines(as_json=True)
    return Panel() if sys.stderr.isatty() else Lines(as_json=False)
