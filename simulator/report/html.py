"""The report of a run as one HTML page that needs nothing else: no script, no style sheet, no font, no network.

It is made of the summary, the samples over time, and the frames around failures. A content security policy forbids
the page to load or run anything, so that a hostile CSMS cannot put anything into it that does; every text is escaped
besides. Light and dark follow the reader's setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from simulator.metrics import PHASES
from simulator.report.plots import Span, line_plot, stacked_plot
from simulator.report.series import Point
from simulator.report.text import PERFORMANCE

FRAMES_MAX = 50
FRAME_CHARS = 2000

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #60656c; --paper: #fff; --line: #d9dce0; --accent: #1f6fb5;
  --bad: #b42318; --good: #1a7f4b; --warn: #9a6700; --fault: #b4231816; --off: #b9bec4; --connecting: #8fb8de;
  --pending: #c9a8e0; --available: #56a97b; --charging: #1f6fb5; --faulted: #d64933; --offline: #e0a030; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --dim: #9ba1a8; --paper: #15181b; --line: #33383d;
  --accent: #6cb2f0; --bad: #ff8a7a; --good: #6fd09c; --warn: #e3b341; --fault: #ff8a7a1c; --off: #555b61;
  --connecting: #3f6f9c; --pending: #7d5c96; --available: #3f8f63; --charging: #6cb2f0; --faulted: #e5614c;
  --offline: #c48a25; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.pair { width: auto; } .pair th { padding-right: 2rem; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.PASS { color: var(--good); } .FAIL { color: var(--bad); } .WARNING, .INCONCLUSIVE, .SKIPPED { color: var(--warn); }
.dim, .unit, figcaption .unit { color: var(--dim); } figure { margin: 1rem 0 0; } figcaption { font-weight: 600; }
.unit { font-weight: 400; } svg { width: 100%; height: auto; display: block; }
.line { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
.grid { stroke: var(--line); } .tick { fill: var(--dim); font-size: 11px; } .end { text-anchor: end; }
.mid { text-anchor: middle; } .fault { fill: var(--fault); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; margin: .3rem 0 0; }
.key { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; background: currentColor; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; white-space: pre-wrap; margin: 0;
  overflow-wrap: anywhere; } .offending { color: var(--bad); font-weight: 600; } details { margin: .5rem 0; }
"""
_STYLE += "".join(f".s-{phase} {{ fill: var(--{phase}); color: var(--{phase}); }}\n" for phase in PHASES)


class KeptStation(msgspec.Struct, frozen=True):
    """A station with a failure: why its frames were kept, and the frames in the exchange format, redacted."""

    station_id: str
    why: str
    frames: Sequence[Mapping[str, Any]]


def html_report(
    summary: Mapping[str, Any],
    *,
    points: Sequence[Point] = (),
    spans: Iterable[Span] = (),
    kept: Iterable[KeptStation] = (),
) -> str:
    """The page. ``spans`` are faults in seconds of the run, ``points`` the samples of a Series."""
    run = summary["run"]
    title = f"cpfarm run {run['id']}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="dim">{escape(run["begin"])} to {escape(run["end"])}, cpfarm {escape(run["version"])}, '
        f"seed {run['seed']}, speed {run['speed']:g}</p>",
        *(f"<p>{escape(note)}</p>" for note in run["notes"]),
        *(f'<p class="FAIL">{escape(reason)}</p>' for reason in run["generator"]["reasons"]),
        _checks(summary["checks"]),
        _overview(summary),
        _plots(points, list(spans)),
        _calls(summary["calls"]),
        _performance(summary["performance"]),
        _connect_failures(summary["connect_failures"]),
        _table(
            "Schema violations by the CSMS",
            ("action", "path", "rule", "count", "stations", "example"),
            [list(found.values()) for found in summary["schema_violations"]],
        ),
        _storms(summary["storms"]),
        _table(
            "Faults",
            ("fault", "count", "stations", "still active", "first begin s", "last end s"),
            [list(found.values()) for found in summary["faults"]],
        ),
        _kept(kept),
        f"<h2>Repeat</h2><pre>{escape(run['command'])}</pre>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def write_html(summary: Mapping[str, Any], path: str | Path, **more: Any) -> None:
    """Write the page to a file; the keywords are those of :func:`html_report`."""
    Path(path).write_text(html_report(summary, **more), encoding="utf-8")


def _checks(checks: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for check in checks:
        mark = "WARNING" if check["warning"] and check["verdict"] == "PASS" else check["verdict"]
        text = escape(check["sentence"])
        if check["examples"]:
            text += f'<br><span class="dim">e.g. {escape(", ".join(check["examples"]))}</span>'
        if check["excused"]:
            text += f'<br><span class="dim">excused: {escape("; ".join(check["excused"]))}</span>'
        if check["reproduce"]:
            text += f"<br><code>{escape(check['reproduce'])}</code>"
        rows.append(f'<tr><td class="{mark}">{mark}</td><td>{escape(check["name"])}</td><td>{text}</td></tr>')
    return f"<h2>Checks</h2><table>{''.join(rows)}</table>" if rows else ""


def _overview(summary: Mapping[str, Any]) -> str:
    transactions = summary["transactions"]
    causes = ", ".join(f"{cause} {n}" for cause, n in transactions["undelivered_by_cause"].items())
    target = summary["run"]["target"]
    rows = [
        ("Target", target.get("url", "")),
        (
            "Stations booted",
            f"{summary['booted']} of {summary['stations']}, peak {summary['connected_peak']} connected",
        ),
        ("Reconnects", summary["reconnects"]),
        (
            "Transactions",
            f"{transactions['started']} started, {transactions['stopped']} stopped, {transactions['open']} open",
        ),
        ("Undelivered", f"{transactions['undelivered']}{f' ({causes})' if causes else ''}"),
        (
            "Energy",
            f"{summary['energy_wh'] / 1000:.1f} kWh reported, {summary['physical_energy_wh'] / 1000:.1f} kWh taken",
        ),
        ("Lateness p99", _text(summary["lateness"]["p99_ms"]) + " ms"),
        (
            "Cost",
            f"{summary['cpu_seconds']:.1f} s CPU in {summary['wall_seconds']:.1f} s, "
            f"{summary['rss_bytes'] / 2**20:.0f} MiB",
        ),
    ]
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(_text(value))}</td></tr>" for name, value in rows)
    return f'<h2>Overview</h2><table class="pair">{cells}</table>'


def _plots(points: Sequence[Point], spans: Sequence[Span]) -> str:
    if not points:
        return ""
    times = [point.t_s for point in points]
    layers = [(phase, [float(point.stations[n]) for point in points]) for n, phase in enumerate(PHASES)]
    return (
        "<h2>Over time</h2>"
        + line_plot("Calls", "per second", times, [point.calls_per_s for point in points], spans=spans)
        + line_plot("Response time, p95", "ms", times, [point.p95_ms for point in points], spans=spans)
        + stacked_plot("Stations by state", "stations", times, layers)
    )


def _calls(calls: Mapping[str, Mapping[str, Any]]) -> str:
    return _table(
        "Calls",
        ("action", "count", "errors", "timeouts", "lost", "p50 ms", "p95 ms", "p99 ms"),
        [[action, *figures.values()] for action, figures in calls.items()],
    )


def _connect_failures(failures: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            reason,
            found["count"],
            found["stations"],
            f"{found['example']['station']} {found['example']['detail']}",
            found["what_helps"],
        ]
        for reason, found in failures.items()
    ]
    return _table("Could not connect", ("reason", "count", "stations", "example", "what usually helps"), rows)


def _performance(parameters: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [PERFORMANCE[name], found["count"], found["median_s"], found["longest_s"]]
        for name, found in parameters.items()
        if found["count"]
    ]
    heads = ("performance parameter", "measured", "median s", "longest s")
    return _table("Performance parameters of the certification procedure", heads, rows)


def _storms(storms: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            storm["begin_s"],
            f"{storm['stations_lost']} of {storm['connected_before']}",
            ", ".join(f"{code} {n}" for code, n in storm["by_code"].items()),
            ", ".join(f"{reason} {n}" for reason, n in storm["refusals"].items()),
            *(
                " / ".join(_text(time) for time in storm[stage].values())
                for stage in ("reconnected", "booted", "queues_empty")
            ),
        ]
        for storm in storms
    ]
    heads = ("begin s", "lost", "by code", "refusals", "back s (50/95/100 %)", "booted s", "queues empty s")
    return _table("Storms", heads, rows)


def _kept(kept: Iterable[KeptStation]) -> str:
    parts = []
    for station in kept:
        frames = list(station.frames)[-FRAMES_MAX:]
        lines = [
            f'<pre class="{"offending" if n == len(frames) - 1 else "frame"}">{escape(_frame(frame))}</pre>'
            for n, frame in enumerate(frames)
        ]
        head = f"{escape(station.station_id)}: {escape(station.why)}"
        parts.append(f"<details><summary>{head}</summary>{''.join(lines) or '<p>no frame yet</p>'}</details>")
    return f"<h2>Frames before failures</h2>{''.join(parts)}" if parts else ""


def _frame(record: Mapping[str, Any]) -> str:
    arrow = "->" if record["direction"] == "cp-to-csms" else "<-"
    rest = record.get("raw", record.get("payload", record.get("error")))
    text = rest if isinstance(rest, str) else msgspec.json.encode(rest).decode()
    cut = f"{text[:FRAME_CHARS]} (cut)" if len(text) > FRAME_CHARS else text
    words = (record["timestamp"], arrow, record["messageType"], record.get("action", ""), record.get("messageId", ""))
    return " ".join([*(word for word in words if word), cut])


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    numeric = [
        all(value is None or isinstance(value, int | float) for value in column) for column in zip(*rows, strict=True)
    ]
    head = "".join(
        f'<th class="n">{escape(name)}</th>' if right else f"<th>{escape(name)}</th>"
        for name, right in zip(heads, numeric, strict=True)
    )
    lines = []
    for row in rows:
        cells = "".join(
            f'<td class="n">{escape(_text(value))}</td>' if right else f"<td>{escape(_text(value))}</td>"
            for value, right in zip(row, numeric, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return f'<h2>{escape(title)}</h2><div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3f}".rstrip("0").rstrip(".")
