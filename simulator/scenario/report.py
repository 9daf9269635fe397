"""What a run of scenarios leaves: plain data, JUnit with a case for each cell, and a matrix for the terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import simulator
from simulator.report.summary import check_data
from simulator.scenario.judge import NOT_APPLICABLE, PASS, SKIPPED, VERDICTS
from simulator.scenario.player import FAIL
from simulator.scenario.run import Result, ScenarioRun

SCHEMA_NAME = "cpfarm-scenarios/1"
#: columns of the matrix that still have names over them
MAX_NAMED = 4
#: cells of one reason that are named, and what stands for the profile in a reason that many share
SHOWN_CELLS, THIS = 3, "the profile"
#: how a verdict stands in the matrix
SIGNS = {"PASS": "ok", "FAIL": "FAIL", "INCONCLUSIVE": "?", "NOT_APPLICABLE": "-", "SKIPPED": "skip"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(run: ScenarioRun, *, command: str, wall_s: float) -> dict[str, Any]:
    """Everything about a run as plain data."""
    scenarios = {result.cell.scenario.name: result.cell.scenario for result in run.results}
    target = run.target
    return {
        "schema": SCHEMA_NAME,
        "run": {
            "version": simulator.__version__,
            "command": command,
            "seed": run.options.seed,
            "target": target.display_url if target is not None else "in memory",
            "speed": run.options.live.speed if run.options.live is not None else None,
            "wall_seconds": round(wall_s, 3),
        },
        "verdicts": {verdict: run.count(verdict) for verdict in VERDICTS},
        "sentence": run.sentence,
        "exit_code": run.exit_code,
        "scenarios": [
            {
                "name": name,
                "file": str(scenario.path),
                "title": scenario.fields.title,
                "because": scenario.fields.because,
                "tags": list(scenario.fields.tags),
                "case": list(scenario.fields.case),
            }
            for name, scenario in scenarios.items()
        ],
        "cells": [_cell(result) for result in run.results],
    }


def _cell(result: Result) -> dict[str, Any]:
    cell, failure = result.cell, result.failure
    return {
        "scenario": cell.scenario.name,
        "profile": cell.profile,
        "ocpp": cell.version,
        "verdict": result.verdict,
        "reason": result.reason,
        "step": failure.step if failure is not None else "",
        "line": failure.line if failure is not None else 0,
        "because": failure.because if failure is not None else "",
        "station": failure.station if failure is not None else "",
        "frames": list(result.frames),
        "findings": list(result.findings),
        "checks": [check_data(check) for check in result.checks],
        "figures": dict(result.figures),
        "stations": result.stations,
        "booted": result.booted,
        "simulated_seconds": round(result.simulated_s, 3),
        "wall_seconds": round(result.took_s, 3),
        "reproduce": result.reproduce,
        "error": result.our_error,
    }


# -- text


def matrix(data: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: a scenario in each row, a profile and version in each column."""
    columns = list(dict.fromkeys((cell["profile"], cell["ocpp"]) for cell in data["cells"]))
    found = {(cell["scenario"], cell["profile"], cell["ocpp"]): cell["verdict"] for cell in data["cells"]}
    rows = []
    for scenario in data["scenarios"]:
        name = scenario["name"]
        rows.append([name, *(SIGNS.get(found.get((name, *column), ""), "") for column in columns)])
    heads = [f"{profile} {version}" for profile, version in columns]
    if len(columns) > MAX_NAMED:
        heads = [str(number) for number in range(1, len(columns) + 1)]
    return ["scenario", *heads], rows


def legend(data: Mapping[str, Any]) -> list[str]:
    """What the numbers over the columns of a wide matrix mean; empty when they have names."""
    columns = list(dict.fromkeys((cell["profile"], cell["ocpp"]) for cell in data["cells"]))
    if len(columns) <= MAX_NAMED:
        return []
    return [f"{number:3d}  {profile} {version}" for number, (profile, version) in enumerate(columns, 1)]


def failure_lines(cell: Mapping[str, Any], *, frames: bool = True) -> list[str]:
    """A cell that did not pass, for the terminal: the sentence, where, why, frames, and how to repeat it."""
    lines = [f"{cell['verdict']:13}{cell['scenario']} on {cell['profile']}, OCPP {cell['ocpp']}: {cell['reason']}"]
    if cell["step"]:
        at = f" at {cell['station']}" if cell["station"] else ""
        lines.append(f"  step: line {cell['line']}, {cell['step']}{at}")
    if cell["because"]:
        lines.append(f"  because: {cell['because']}")
    lines += [f"  {frame}" for frame in cell["frames"] if frames]
    lines += [f"  also: {finding}" for finding in cell["findings"][1:]]
    if cell["reproduce"]:
        lines.append(f"  alone: {cell['reproduce']}")
    return lines


def left_out(data: Mapping[str, Any]) -> list[str]:
    """Why cells were left out: a line for each scenario and reason, however many profiles it is the reason for."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for cell in data["cells"]:
        if cell["verdict"] in (SKIPPED, NOT_APPLICABLE):
            reason = cell["reason"].replace(cell["profile"], THIS)
            where = f"{cell['profile']} {cell['ocpp']}"
            found.setdefault((cell["verdict"], cell["scenario"], reason), []).append(where)
    lines = []
    for (verdict, scenario, reason), cells in found.items():
        if len(cells) == 1:
            reason = reason.replace(THIS, cells[0].rpartition(" ")[0])
        more = f" and {len(cells) - SHOWN_CELLS} more" if len(cells) > SHOWN_CELLS else ""
        lines.append(f"{verdict:15}{scenario} on {', '.join(cells[:SHOWN_CELLS])}{more}: {reason}")
    return lines


# -- JUnit


def junit(data: Mapping[str, Any]) -> str:
    """JUnit XML: a suite for each scenario, a case for each cell."""
    root = ET.Element("testsuites", {"name": "cpfarm scenario", **_numbers(data["cells"])})
    for scenario in data["scenarios"]:
        cells = [cell for cell in data["cells"] if cell["scenario"] == scenario["name"]]
        suite = ET.SubElement(root, "testsuite", {"name": _safe(scenario["name"]), **_numbers(cells)})
        for cell in cells:
            _case(suite, scenario, cell)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _numbers(cells: list[Mapping[str, Any]]) -> dict[str, str]:
    failed = sum(cell["verdict"] == FAIL for cell in cells)
    errors = sum(bool(cell["error"]) for cell in cells)
    skipped = sum(cell["verdict"] not in (PASS, FAIL) and not cell["error"] for cell in cells)
    seconds = sum(cell["wall_seconds"] for cell in cells)
    return {
        "tests": str(len(cells)),
        "failures": str(failed),
        "errors": str(errors),
        "skipped": str(skipped),
        "time": f"{seconds:.3f}",
    }


def _case(suite: ET.Element, scenario: Mapping[str, Any], cell: Mapping[str, Any]) -> None:
    name = f"{scenario['title']} [{cell['profile']}, OCPP {cell['ocpp']}]"
    place = {"classname": _safe(scenario["name"]), "name": _safe(name), "time": f"{cell['wall_seconds']:.3f}"}
    case = ET.SubElement(suite, "testcase", place)
    if cell["error"]:
        ET.SubElement(case, "error", {"message": _safe(cell["reason"])}).text = _safe(cell["error"])
    elif cell["verdict"] == FAIL:
        failure = ET.SubElement(case, "failure", {"message": _safe(cell["reason"]), "type": "scenario"})
        failure.text = _safe("\n".join(failure_lines(cell)))
    elif cell["verdict"] != PASS:
        ET.SubElement(case, "skipped", {"message": _safe(f"{cell['verdict']}: {cell['reason']}")})


def _safe(text: str) -> str:
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
