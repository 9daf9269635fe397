"""The certification report: plain data, one HTML page, JUnit.

The page needs nothing else: no script, no style sheet, no network; every text is escaped. It has what the procedure
wants in a report: who was tested (PICS), the configuration that was read, the tool's own configuration, the performance
parameters, software version and hash of the firmware image, each case with its verdict and frames, and the order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from xml.etree import ElementTree as ET

from simulator.certify.edition import edition_of
from simulator.certify.runner import Run
from simulator.certify.verdicts import FAIL, PASS, VERDICTS
from simulator.report.redact import Redactor

SCHEMA = "cpfarm-certify/1"
#: frames of one case that the page shows
PAGE_FRAMES = 120
FRAME_CHARS = 1_500

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #60656c; --paper: #fff; --line: #d9dce0;
  --bad: #b42318; --good: #1a7f4b; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --dim: #9ba1a8; --paper: #15181b; --line: #33383d;
  --bad: #ff8a7a; --good: #6fd09c; --warn: #e3b341; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 64rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; }
.PASS { color: var(--good); } .FAIL { color: var(--bad); } .INCONCLUSIVE, .SKIPPED { color: var(--warn); }
.NOT_APPLICABLE, .dim { color: var(--dim); } .big { font-size: 1.2rem; font-weight: 600; }
details { margin: .2rem 0; } summary { cursor: pointer; } pre, code { font: 12px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
.tool { color: var(--dim); } .verdict { display: inline-block; min-width: 9.5rem; font-weight: 600; }
"""


def report(run: Run, *, version: str, command: str, wall_s: float) -> dict[str, Any]:
    """Everything about a run as plain data, without secrets."""
    return _redacted(
        {
            "schema": SCHEMA,
            "run": {
                "version": version,
                "command": command,
                "profile": run.profile,
                "ocpp": run.ocpp,
                "transport": run.transport,
                "seed": run.seed,
                "shuffled": run.shuffled,
                "order": [result.name for result in run.results],
                "deliveries": run.deliveries,
                "notes": list(run.notes),
                "wall_seconds": round(wall_s, 3),
            },
            "verdicts": {verdict: run.count(verdict) for verdict in VERDICTS},
            "sentence": run.sentence,
            "firmware_version": run.firmware_version,
            "firmware_sha256": run.firmware_sha256,
            "pics": run.pics.as_dict(),
            "tool": run.tool.as_dict(),
            "configuration": [
                {"key": key, "value": value, "readonly": read_only}
                for key, (value, read_only) in sorted(run.configuration.items())
            ],
            "configuration_findings": [finding.as_dict() for finding in run.findings],
            "performance": run.performance,
            "groups": [{"group": group, **counts} for group, counts in groups(run).items()],
            "cases": [result.as_dict() | _names(run.ocpp, result.id) for result in run.results],
        }
    )


def _redacted(data: dict[str, Any]) -> dict[str, Any]:
    """Secrets stand in known places of messages; once learnt there, they are found anywhere."""
    redactor = Redactor()
    text = json.dumps(data).encode()
    for _ in range(2):
        text = redactor.clean(text)
    clean: dict[str, Any] = json.loads(text)
    return clean


def groups(run: Run) -> dict[str, dict[str, int]]:
    """How many cases of each group have which verdict, in the order of the list."""
    found: dict[str, dict[str, int]] = {}
    known = {result.id for result in run.results}
    rows = edition_of(run.ocpp).rows()
    for row in rows.values():
        if row.id in known:
            found.setdefault(row.group, dict.fromkeys(VERDICTS, 0))
    for result in run.results:
        found[rows[result.id].group][result.verdict] += 1
    return found


def _names(ocpp: str, case_id: str) -> dict[str, str]:
    row = edition_of(ocpp).rows()[case_id]
    return {"group": row.group, "title": row.title, "mark": row.mark, "condition": row.condition}


# -- HTML


def html(data: Mapping[str, Any]) -> str:
    """The page."""
    run = data["run"]
    title = f"Certification of {run['profile']}, OCPP {run['ocpp']}"
    order = f"shuffled with seed {run['seed']}" if run["shuffled"] else "in the order of the list"
    verdict = PASS if not (data["verdicts"][FAIL] or data["verdicts"]["INCONCLUSIVE"]) else FAIL
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="big {verdict}">{escape(data["sentence"])}</p>',
        f'<p class="dim">cpfarm {escape(run["version"])}, transport {escape(run["transport"])}, {escape(order)}, seed '
        f"{run['seed']}, {run['wall_seconds']:.1f} s. The station behaves like its profile says; this is a test of the "
        "simulator, never a certificate.</p>",
        *(f"<p>{escape(note)}</p>" for note in run["notes"]),
        "<h2>Device under test</h2>",
        _table(
            ("", ""),
            [
                ("firmware version", data["firmware_version"] or "not told"),
                ("SHA-256 of the firmware image", data["firmware_sha256"] or "no image was installed in this run"),
                ("stations delivered", run["deliveries"]),
            ],
        ),
        "<h2>Groups</h2>",
        _table(
            ("group", *(v.replace("_", " ").lower() for v in VERDICTS)),
            [[row["group"], *(row[v] or "" for v in VERDICTS)] for row in data["groups"]],
        ),
        "<h2>Cases</h2>",
        *(_case(row) for row in data["cases"]),
        "<h2>Performance parameters</h2>",
        _table(
            ("parameter", "measured", "median s", "longest s"),
            [
                (name, row["count"], _figure(row["median_s"]), _figure(row["longest_s"]))
                for name, row in data["performance"].items()
            ],
        ),
        "<h2>Configuration</h2>",
        *(f'<p class="FAIL">{escape(f["key"])}: {escape(f["text"])}</p>' for f in data["configuration_findings"]),
        _table(
            ("key", "value", "access"),
            [
                (row["key"], "" if row["value"] is None else row["value"], "R" if row["readonly"] else "RW")
                for row in data["configuration"]
            ],
        ),
        "<h2>Tool configuration</h2>",
        _table(("", ""), list(data["tool"].items())),
        "<h2>PICS</h2>",
        *_pics(data["pics"]),
        f"<h2>Repeat</h2><pre>{escape(run['command'])}</pre>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _case(row: Mapping[str, Any]) -> str:
    verdict = row["verdict"]
    head = f'<span class="verdict {verdict}">{verdict}</span><b>{escape(row["name"])}</b> {escape(row["title"])}' + (
        f' <span class="dim">{escape(row["reason"])}</span>' if row["reason"] else ""
    )
    if not row["frames"]:
        return f"<details><summary>{head}</summary></details>"
    shown = row["frames"][:PAGE_FRAMES]
    more = len(row["frames"]) - len(shown)
    wrong = {v["frame"] for v in row["validations"] if not v["ok"]} - {None}
    frames = "\n".join(_frame(frame, frame["number"] in wrong) for frame in shown) + (
        f"\n... and {more} more" if more else ""
    )
    looks = _table(
        ("step", "message", "field", "expected", "got", ""),
        [
            (v["step"], v["message"], v["field"], v["expected"], v["got"], "ok" if v["ok"] else "FAIL")
            for v in row["validations"]
        ],
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in row["notes"])
    opened = " open" if verdict == FAIL else ""
    return f"<details{opened}><summary>{head}</summary>{notes}{looks}<pre>{frames}</pre></details>"


def _frame(frame: Mapping[str, Any], wrong: bool) -> str:
    """A line; the frame a validation failed at is marked."""
    payload = json.dumps(frame["payload"], ensure_ascii=False)
    if len(payload) > FRAME_CHARS:
        payload = payload[:FRAME_CHARS] + "..."
    who = "FAIL" if wrong else "tool" if frame["from"] == "tool" else "station"
    head = f"{'>' if wrong else ' '}{frame['at_s']:>11.3f} {frame['from']:8}{frame['kind']:7}{frame['action']}"
    return f'<span class="{who}">{escape(head)} {escape(payload)}</span>'


def _pics(pics: Mapping[str, Any]) -> Iterable[str]:
    for part, values in pics.items():
        if isinstance(values, dict):
            yield f"<h3>{escape(part.replace('_', ' '))}</h3>" + _table(("", ""), list(values.items()))
        else:
            yield f"<p>{escape(part.replace('_', ' '))}: {escape(_text(values))}</p>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads) if any(heads) else ""
    lines = "".join("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{'<tr>' + head + '</tr>' if head else ''}{lines}</table>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{key} {_text(item)}" for key, item in value.items())
    return "-" if value is None else str(value)


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


# -- JUnit


def junit(data: Mapping[str, Any]) -> str:
    """JUnit XML: a suite for each group."""
    counts = data["verdicts"]
    total = sum(counts.values())
    skipped = total - counts[PASS] - counts[FAIL]
    numbers = {"tests": str(total), "failures": str(counts[FAIL]), "errors": "0", "skipped": str(skipped)}
    root = ET.Element("testsuites", {"name": f"cpfarm certify {data['run']['profile']}", **numbers})
    suites: dict[str, ET.Element] = {}
    for group in data["groups"]:
        every = sum(group[v] for v in VERDICTS)
        failures, passed = group[FAIL], group[PASS]
        suites[group["group"]] = ET.SubElement(
            root,
            "testsuite",
            {
                "name": group["group"],
                "tests": str(every),
                "failures": str(failures),
                "errors": "0",
                "skipped": str(every - passed - failures),
            },
        )
    for row in data["cases"]:
        place = {"classname": row["group"], "name": f"{row['name']} {row['title']}", "time": "0"}
        element = ET.SubElement(suites[row["group"]], "testcase", place)
        if row["verdict"] == FAIL:
            failure = ET.SubElement(element, "failure", {"message": row["reason"], "type": "case"})
            failure.text = "\n".join([row["reason"], *row["notes"]])
        elif row["verdict"] != PASS:
            ET.SubElement(element, "skipped", {"message": f"{row['verdict']}: {row['reason']}"})
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
