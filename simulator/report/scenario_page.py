"""The report of a run of scenarios as one HTML page: the matrix, each scenario with its cells, time lines, frames.

As the report of a run of a fleet it needs nothing else and forbids itself to load or run anything: what a hostile CSMS
has sent is text. A failed cell stands open, with the frames around its failure and the offending one marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from simulator.report import timeline as picture

Key = tuple[str, str, str]

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #60656c; --paper: #fff; --line: #d9dce0; --bad: #b42318;
  --good: #1a7f4b; --warn: #9a6700; --good-bg: #e4f4ea; --bad-bg: #fbe4e1; --warn-bg: #fbf1d6; --dim-bg: #f1f2f4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --dim: #9ba1a8; --paper: #15181b; --line: #33383d;
  --bad: #ff8a7a; --good: #6fd09c; --warn: #e3b341; --good-bg: #173526; --bad-bg: #452320; --warn-bg: #3d3316;
  --dim-bg: #202428; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 64rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem; } p { margin: .3rem 0; }
table { border-collapse: collapse; } .wide { overflow-x: auto; margin: 1rem 0; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.matrix td, .matrix th { padding: .25rem .5rem; } .matrix td { text-align: center; white-space: nowrap; }
.matrix th { font-weight: 500; } .matrix thead th { color: var(--dim); font-size: 12px; vertical-align: bottom; }
.matrix tbody th { min-width: 15rem; } .matrix thead th { text-align: center; }
.matrix thead tr:first-child th { color: var(--ink); font-weight: 600; }
.matrix a { color: inherit; text-decoration: none; }
.PASS { color: var(--good); } .FAIL { color: var(--bad); } .INCONCLUSIVE, .SKIPPED { color: var(--warn); }
.NOT_APPLICABLE, .dim { color: var(--dim); } .matrix .PASS { background: var(--good-bg); }
.matrix .FAIL { background: var(--bad-bg); font-weight: 600; } .matrix .NOT_APPLICABLE { background: var(--dim-bg); }
.matrix .INCONCLUSIVE, .matrix .SKIPPED { background: var(--warn-bg); }
.big { font-size: 1.2rem; font-weight: 600; } .verdict { display: inline-block; min-width: 8.5rem; font-weight: 600; }
details { margin: .3rem 0; } summary { cursor: pointer; } figure { margin: .8rem 0 1.2rem; }
figcaption { font-weight: 600; } svg { width: 100%; height: auto; display: block; }
.pair th { font-weight: 500; color: var(--dim); padding-right: 1.5rem; }
code, pre { font: 12px/1.5 ui-monospace, monospace; } pre { white-space: pre-wrap; overflow-wrap: anywhere;
  margin: .4rem 0; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: 4px; }
.offending { color: var(--bad); font-weight: 600; }
"""
SIGNS = {"PASS": "pass", "FAIL": "FAIL", "INCONCLUSIVE": "?", "NOT_APPLICABLE": "–", "SKIPPED": "skip"}


def scenario_page(data: Mapping[str, Any], timelines: Mapping[Key, picture.Timeline]) -> str:
    """The page for the data of :func:`simulator.scenario.report.report`; time lines by scenario, profile, version."""
    run = data["run"]
    verdict = "PASS" if data["exit_code"] == 0 else "FAIL"
    body = [
        "<h1>Scenarios</h1>",
        f'<p class="big {verdict}">{escape(data["sentence"])}</p>',
        f'<p class="dim">cpfarm {escape(run["version"])}, CSMS: {escape(run["target"])}, '
        f"{run['wall_seconds']:.1f} s</p>",
        _matrix(data),
        *(part for scenario in data["scenarios"] for part in _scenario(scenario, data, timelines)),
        f"<h2>Repeat</h2><pre>{escape(run['command'])}</pre>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Scenarios: {escape(data['sentence'])}</title><style>{_STYLE}{picture.STYLE}</style></head><body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _anchor(cell: Mapping[str, Any]) -> str:
    return escape("-".join((cell["scenario"], cell["profile"], cell["ocpp"])).replace("/", "."), quote=True)


def _matrix(data: Mapping[str, Any]) -> str:
    columns = sorted({(cell["profile"], cell["ocpp"]) for cell in data["cells"]})
    found = {(cell["scenario"], cell["profile"], cell["ocpp"]): cell for cell in data["cells"]}
    profiles = {profile: sum(profile == other for other, _ in columns) for profile, _ in columns}
    names = "".join(f'<th colspan="{wide}">{escape(profile)}</th>' for profile, wide in profiles.items())
    versions = "".join(f"<th>{escape(ocpp)}</th>" for _, ocpp in columns)
    rows = []
    for scenario in data["scenarios"]:
        cells = []
        for column in columns:
            cell = found.get((scenario["name"], *column))
            if cell is None:
                cells.append("<td></td>")
                continue
            tip = escape(cell["reason"] or cell["verdict"], quote=True)
            sign = SIGNS[cell["verdict"]]
            cells.append(f'<td class="{cell["verdict"]}" title="{tip}"><a href="#{_anchor(cell)}">{sign}</a></td>')
        rows.append(f"<tr><th>{escape(scenario['title'])}</th>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table class="matrix"><thead><tr><th></th>{names}</tr>'
        f"<tr><th></th>{versions}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _scenario(
    scenario: Mapping[str, Any], data: Mapping[str, Any], timelines: Mapping[Key, picture.Timeline]
) -> Iterator[str]:
    yield f"<h2>{escape(scenario['title'])}</h2>"
    words = [scenario["name"], *scenario["tags"], *scenario["case"]]
    yield f'<p class="dim">{escape(" · ".join(words))}</p>'
    if scenario["because"]:
        yield f"<p>{escape(scenario['because'])}</p>"
    for cell in data["cells"]:
        if cell["scenario"] == scenario["name"]:
            yield _cell(cell, timelines.get((cell["scenario"], cell["profile"], cell["ocpp"])))


def _cell(cell: Mapping[str, Any], drawn: picture.Timeline | None) -> str:
    verdict = cell["verdict"]
    where = f"{cell['profile']}, OCPP {cell['ocpp']}"
    head = f'<span class="verdict {verdict}">{verdict.replace("_", " ")}</span>{escape(where)}'
    if cell["reason"]:
        head += f' <span class="dim">{escape(cell["reason"])}</span>'
    bad = verdict in ("FAIL", "INCONCLUSIVE")
    opened = " open" if bad or (drawn is not None and drawn.curves) else ""
    return f'<details id="{_anchor(cell)}"{opened}><summary>{head}</summary>{"".join(_inside(cell, drawn))}</details>'


def _inside(cell: Mapping[str, Any], drawn: picture.Timeline | None) -> Iterator[str]:
    if cell["step"]:
        at = f" at {cell['station']}" if cell["station"] else ""
        yield f"<p>Step: line {cell['line']}, <code>{escape(cell['step'])}</code>{escape(at)}</p>"
    if cell["because"]:
        yield f"<p>Because: {escape(cell['because'])}</p>"
    if drawn is not None:
        yield picture.draw(drawn)
    for finding in cell["findings"]:
        yield f'<p class="FAIL">{escape(finding)}</p>'
    for check in cell["checks"]:
        if check["verdict"] != "PASS" or check["excused"]:
            excused = f"; excused: {'; '.join(check['excused'])}" if check["excused"] else ""
            text = escape(check["sentence"] + excused)
            yield f'<p><span class="{check["verdict"]}">{check["name"]}</span>: {text}</p>'
    if cell["frames"]:
        lines = "\n".join(
            f'<span class="offending">{escape(frame)}</span>' if frame.startswith("> ") else escape(frame)
            for frame in cell["frames"]
        )
        yield f"<pre>{lines}</pre>"
    if cell["error"]:
        yield f"<pre>{escape(cell['error'])}</pre>"
    if cell["reproduce"]:
        yield f"<p>Alone: <code>{escape(cell['reproduce'])}</code></p>"
