"""The checks of a run as JUnit XML, one case per check, for continuous integration.

A failure carries its sentence, example stations and the command that shows it alone. What could not be judged is
skipped with its reason; warnings and excuses stand in the case's output. Characters XML cannot hold are shown as their
code, because a station's id may contain anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(summary: Mapping[str, Any], suite: str = "cpfarm") -> str:
    """The document for the ``checks`` of a summary."""
    checks: Sequence[Mapping[str, Any]] = summary["checks"]
    failures = sum(check["verdict"] == "FAIL" for check in checks)
    skipped = sum(check["verdict"] not in ("PASS", "FAIL") for check in checks)
    seconds = f"{summary['wall_seconds']:.3f}"
    counts = {"tests": str(len(checks)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}
    root = ET.Element("testsuites", {"name": "cpfarm", "time": seconds, **counts})
    begin = summary["run"]["begin"].removesuffix("Z")
    element = ET.SubElement(root, "testsuite", {"name": _safe(suite), "time": seconds, "timestamp": begin, **counts})
    properties = ET.SubElement(element, "properties")
    for name in ("id", "version", "command", "seed"):
        ET.SubElement(properties, "property", {"name": name, "value": _safe(str(summary["run"][name]))})
    for check in checks:
        _case(element, check, suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write_junit(summary: Mapping[str, Any], path: str | Path, suite: str = "cpfarm") -> None:
    """Write the document to a file."""
    Path(path).write_text(junit_xml(summary, suite), encoding="utf-8")


def _case(suite: ET.Element, check: Mapping[str, Any], name: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": _safe(name), "name": _safe(check["name"]), "time": "0"})
    sentence = _safe(check["sentence"])
    if check["verdict"] == "FAIL":
        failure = ET.SubElement(case, "failure", {"message": sentence, "type": "check"})
        lines = [sentence]
        if check["examples"]:
            lines.append(f"e.g. {', '.join(check['examples'])}")
        if check["reproduce"]:
            lines.append(f"alone: {check['reproduce']}")
        failure.text = _safe("\n".join(lines))
    elif check["verdict"] != "PASS":
        ET.SubElement(case, "skipped", {"message": _safe(f"{check['verdict']}: {check['sentence']}")})
    output = [f"warning: {check['sentence']}"] if check["warning"] else []
    output += [f"excused: {excuse}" for excuse in check["excused"]]
    if output:
        ET.SubElement(case, "system-out").text = _safe("\n".join(output))


def _safe(text: str) -> str:
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
