"""What a run leaves behind."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from simulator.certify import report as reports
from simulator.certify import runner
from simulator.certify.case import CASES, Case
from simulator.certify.runner import Run, run_cases
from simulator.certify.tester import Tester
from simulator.certify.verdicts import FAIL, INCONCLUSIVE, NOT_APPLICABLE, PASS

SECRET = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Three verdicts, one of them with a secret and markup in its frames."""

    def leaky(t: Tester) -> None:
        t.call(2, "ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}, or_error=None)
        t.call(4, "DataTransfer", {"vendorId": "<script>alert(1)</script>", "data": SECRET})
        t.expect(6, "Authorize", idTag="<b>", within_s=1)

    monkeypatch.setitem(CASES, "TC_027", Case("TC_027", leaky))
    return run_cases("generic/ac-single", ["TC_012", "TC_018_2", "TC_027"])


def data_of(run: Run) -> dict[str, Any]:
    """The plain data."""
    return reports.report(run, version="1.2.3", command="cpfarm certify station", wall_s=0.5)


def test_data(run: Run) -> None:
    """Everything the procedure wants in a report."""
    data = data_of(run)
    assert data["schema"] == "cpfarm-certify/1"
    assert data["verdicts"] == {PASS: 1, FAIL: 1, INCONCLUSIVE: 0, NOT_APPLICABLE: 1, "SKIPPED": 0}
    assert data["sentence"].startswith("1 passed, 1 failed") and run.exit_code == 1
    assert data["run"]["order"] == ["TC_012", "TC_018_2", "TC_027"]
    assert set(data["performance"]) == set(data["pics"]["performance"]["parameters"])
    assert {"key": "NumberOfConnectors", "value": "1", "readonly": True} in data["configuration"]
    case = data["cases"][0]
    assert (case["id"], case["verdict"], case["transport"], case["group"]) == (
        "TC_012",
        PASS,
        "simulated",
        "Remote start and stop",
    )
    assert {"at_s", "from", "kind", "number", "id", "action", "payload"} == set(case["frames"][0])
    assert data["firmware_sha256"] is None and data["firmware_version"]
    json.dumps(data)


def test_no_secret(run: Run) -> None:
    """Not where it stands by right, and nowhere else."""
    data = data_of(run)
    for text in (json.dumps(data), reports.html(data), reports.junit(data)):
        assert SECRET not in text
    assert "<secret:1>" in json.dumps(data)


class Page(HTMLParser):
    """Counts tags, refuses what a page without a script must not have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One tag."""
        assert tag not in ("script", "link", "img", "iframe"), tag
        self.tags[tag] = self.tags.get(tag, 0) + 1


def test_html(run: Run) -> None:
    """One page, nothing executable, the failed case open with the step that failed."""
    text = reports.html(data_of(run))
    tags = Page(text).tags
    assert tags["details"] == 3 and tags["h1"] == 1
    assert "<details open>" in text and "default-src 'none'" in text
    assert "&lt;script&gt;" in text
    assert "no image was installed" in text


def test_the_wrong_frame_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, that of the frame the validation looked at."""

    def wrong(t: Tester) -> None:
        t.plug()
        t.expect(1, "StatusNotification", status="Charging")

    monkeypatch.setitem(CASES, "TC_027", Case("TC_027", wrong))
    text = reports.html(data_of(run_cases("generic/ac-single", ["TC_027"])))
    (line,) = [line for line in text.splitlines() if line.partition('class="FAIL">')[2].startswith("&gt;")]
    assert "StatusNotification" in line and "Preparing" in line


def test_junit(run: Run) -> None:
    """A suite for each group; numbers add up."""
    root = ET.fromstring(reports.junit(data_of(run)))
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("3", "1", "1")
    suites = root.findall("testsuite")
    assert sum(int(suite.get("tests", "0")) for suite in suites) == 3
    (failure,) = root.iter("failure")
    assert "step 6" in (failure.get("message") or "")


def test_groups_keep_the_order_of_the_list(run: Run) -> None:
    """Not the order of the run."""
    assert list(reports.groups(run)) == ["Remote start and stop", "Unlock", "Refused remote actions"]


def test_an_inconclusive_case_is_counted(run: Run) -> None:
    """It is no pass."""
    run.results[0].verdict = INCONCLUSIVE
    assert run.sentence == "0 passed, 1 failed, 1 inconclusive, 1 not applicable"
    assert runner.Run.exit_code.fget(run) == 1  # type: ignore[attr-defined]
