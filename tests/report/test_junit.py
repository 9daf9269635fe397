"""JUnit XML: one case per check, well formed whatever the stations are called."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from simulator.report.checks import CheckResult
from simulator.report.junit import junit_xml, write_junit
from simulator.report.summary import build_summary
from tests.report.sample_run import HOSTILE, bad_run, checks_of, good_run, info


def summary_of(checks: list[CheckResult]) -> dict[str, Any]:
    run = good_run()
    return build_summary(run.metrics, run.ledger, info(), checks=checks)


def cases(xml: str) -> dict[str, ET.Element]:
    return {case.attrib["name"]: case for case in ET.fromstring(xml).iter("testcase")}


def test_a_bad_run_has_a_failure_per_failed_check(tmp_path: Path) -> None:
    summary = summary_of(checks_of(bad_run()))
    write_junit(summary, tmp_path / "j.xml")
    xml = (tmp_path / "j.xml").read_text(encoding="utf-8")
    suite = ET.fromstring(xml).find("testsuite")
    assert suite is not None
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == ("5", "4", "0")
    assert suite.attrib["timestamp"] == "2023-11-14T22:13:20.000"
    found = cases(xml)
    failure = found["all_calls_answered"].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "1 CALLs were never answered (Heartbeat 1)"
    assert failure.text is not None
    assert failure.text.splitlines()[1:] == ["e.g. CP2", "alone: cpfarm check --id CP2"]
    output = found["all_calls_answered"].find("system-out")
    assert output is not None
    assert output.text == "excused: 1 under modem.half_open"
    warning = found["no_schema_violations"].find("system-out")
    assert warning is not None
    assert warning.text is not None
    assert warning.text.startswith("warning: 1 violations")


def test_what_was_not_judged_is_skipped_with_its_reason() -> None:
    xml = junit_xml(
        summary_of([CheckResult("a", False, "no station booted", judged=False), CheckResult("b", True, "ok")])
    )
    found = cases(xml)
    skipped = found["a"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "INCONCLUSIVE: no station booted"
    assert list(found["b"]) == []


def test_hostile_text_stays_text() -> None:
    (case,) = cases(junit_xml(summary_of([CheckResult(HOSTILE, False, HOSTILE, examples=(HOSTILE,))]))).values()
    assert case.attrib["name"] == HOSTILE.replace("\x00", "\\x00")
