"""The summary of a run: one plain dictionary that every other report is made of.

Theory. ``cpfarm-summary/1`` is a contract with machines: its schema is published beside this module and only ever
grows, readers ignore what they do not know. Figures of traffic come from the metrics, everything about a single
station or transaction from the ledger; nothing is worked out twice. Times are seconds since the run began unless the
name says otherwise; UTC is ISO 8601.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from simulator.fleet.trace import timestamp
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report import truth
from simulator.report.checks import CheckResult, GeneratorVerdict, exit_code, generator_verdict
from simulator.report.performance import Performance
from simulator.report.reasons import LOCAL_LIMIT, what_helps
from simulator.report.storms import Storms

SCHEMA_NAME = "cpfarm-summary/1"
VIOLATIONS_MAX = 200
"""Kinds of violations listed; the rest is added up in ``schema_violations_left_off``."""


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a run from outside its records. ``command`` and everything else is free of secrets.

    ``start_us`` is the run's monotonic time at ``begin_utc_us``. ``fleet`` and ``target`` hold ``name`` or ``url`` and
    ``sha256``; ``machine`` whatever describes it; ``notes`` whole sentences a reader must know.
    """

    run_id: str
    version: str
    command: str
    seed: int
    begin_utc_us: int
    end_utc_us: int
    start_us: int = 0
    speed: float = 1.0
    fleet: dict[str, str] = {}
    target: dict[str, str] = {}
    labels: dict[str, str] = {}
    machine: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    rss_bytes: int = 0
    wall_seconds: float = 0.0


def build_summary(
    metrics: RunMetrics,
    ledger: Ledger,
    run: RunInfo,
    *,
    storms: Storms | None = None,
    performance: Performance | None = None,
    checks: Sequence[CheckResult] = (),
    our_error: bool = False,
) -> dict[str, Any]:
    """The summary as plain data that satisfies the published schema."""
    stations, booted = truth.stations(ledger)
    totals = truth.transactions(ledger)
    generator = generator_verdict(metrics, ledger)
    violations = truth.violations(ledger)
    # The generator's own limits are told in its verdict and never held against the CSMS.
    failures = {reason: found for reason, found in truth.connect_failures(ledger).items() if reason != LOCAL_LIMIT}
    return {
        "schema": SCHEMA_NAME,
        "run": _run(run, generator),
        "stations": stations,
        "booted": booted,
        "connected_peak": metrics.connected_peak,
        "reconnects": metrics.reconnects,
        "connect_failures": {reason: {**found, "what_helps": what_helps(reason)} for reason, found in failures.items()},
        "disconnects": truth.disconnects(ledger),
        "calls": {action: msgspec.to_builtins(figures) for action, figures in metrics.by_action().items()},
        "lateness": {"p50_ms": metrics.lateness_ms(50), "p99_ms": metrics.lateness_ms(99)},
        "transactions": {
            "started": totals.started,
            "stopped": totals.stopped,
            "open": totals.open,
            "queued": totals.queued,
            "undelivered": totals.undelivered,
            "undelivered_by_cause": totals.causes,
        },
        "energy_wh": round(totals.reported_wh, 3),
        "physical_energy_wh": round(totals.physical_wh, 3),
        "schema_violations": violations[:VIOLATIONS_MAX],
        "schema_violations_left_off": sum(found["count"] for found in violations[VIOLATIONS_MAX:]),
        "faults": [_fault(found, run.start_us) for found in truth.faults(ledger)],
        "storms": storms.summary(run.start_us) if storms else [],
        "storms_left_off": storms.left_off if storms else 0,
        "performance": (performance or Performance()).summary(),
        "remarks": truth.remarks(ledger),
        "ledger_left_off": {"records": ledger.lost_rows, **ledger.left_off},
        "checks": [check_data(check) for check in checks],
        "exit_code": exit_code(checks, stations=stations, booted=booted, generator=generator, our_error=our_error),
        "cpu_seconds": round(run.cpu_seconds, 3),
        "rss_bytes": run.rss_bytes,
        "wall_seconds": round(run.wall_seconds, 3),
    }


def check_data(check: CheckResult) -> dict[str, Any]:
    """A check as plain data, with its verdict."""
    data: dict[str, Any] = {"name": check.name, "verdict": check.verdict, "sentence": check.sentence}
    return {
        **data,
        "warning": check.warning,
        "excused": list(check.excused),
        "examples": list(check.examples),
        "reproduce": check.reproduce,
    }


def write_summary(summary: dict[str, Any], path: str | Path) -> None:
    """Write the summary as JSON that people can read too."""
    Path(path).write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def summary_schema() -> dict[str, Any]:
    """The published JSON Schema of the summary."""
    return published_schema("summary")


def published_schema(name: str) -> dict[str, Any]:
    """One of the JSON Schemas that stand here as files: ``summary`` (of a run), ``scenarios``, ``replay``."""
    file = Path(__file__).with_name(f"cpfarm-{name}-1.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def _run(run: RunInfo, generator: GeneratorVerdict) -> dict[str, Any]:
    return {
        "id": run.run_id,
        "begin": timestamp(run.begin_utc_us),
        "end": timestamp(run.end_utc_us),
        "version": run.version,
        "command": run.command,
        "seed": run.seed,
        "speed": run.speed,
        "fleet": run.fleet,
        "target": run.target,
        "labels": run.labels,
        "machine": run.machine,
        "generator": {"kept_up": generator.kept_up, "reasons": list(generator.reasons)},
        "notes": list(run.notes),
    }


def _fault(found: dict[str, Any], start_us: int) -> dict[str, Any]:
    end_us = found["last_end_us"]
    return {
        "fault": found["fault"],
        "count": found["count"],
        "stations": found["stations"],
        "still_active": found["still_active"],
        "first_begin_s": round((found["first_begin_us"] - start_us) / 1e6, 3),
        "last_end_s": None if end_us is None else round((end_us - start_us) / 1e6, 3),
    }
