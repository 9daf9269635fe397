"""``cpfarm certify station``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.certify.case import CASES, Case
from simulator.certify.edition import EDITIONS
from simulator.certify.tester import Tester
from simulator.cli import app
from simulator.commands.certify import OCPP
from simulator.errors import AuthorError, UnknownName

RUNNER = CliRunner()


def test_passed(tmp_path: Path) -> None:
    """Tables, the sentence, the line that repeats it, every output; 0."""
    files = {name: tmp_path / f"out.{name}" for name in ("summary", "report", "junit")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    result = RUNNER.invoke(app, ["certify", "station", "--case", "TC_003", "--case", "tc_012_cs", *options])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "2 passed, 0 failed" in lines and lines[-1].startswith("Repeat: cpfarm")
    assert json.loads(files["summary"].read_text())["verdicts"]["PASS"] == 2
    assert files["report"].read_text().startswith("<!DOCTYPE html>")
    assert files["junit"].read_text().startswith("<?xml")


def test_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """1, and the reason in the table."""

    def wrong(t: Tester) -> None:
        t.expect(1, "Authorize", within_s=1)

    monkeypatch.setitem(CASES, "TC_003", Case("TC_003", wrong))
    result = RUNNER.invoke(app, ["certify", "station", "--case", "TC_003", "--json"])
    assert result.exit_code == 1
    assert (
        json.loads(result.output)["cases"][0]["reason"]
        == "step 1, Authorize: expected Authorize within 1 s, got nothing"
    )


def test_versions() -> None:
    """Any way of writing those there are."""
    assert OCPP == EDITIONS == ("1.6", "2.0.1")
    assert RUNNER.invoke(app, ["certify", "station", "--ocpp", "1.6J", "--case", "TC_027"]).exit_code == 0


def test_list() -> None:
    """Every case with its condition and whether it applies."""
    result = RUNNER.invoke(app, ["certify", "station", "--list", "--json", "--profile", "generic/ac-mode2"])
    assert result.exit_code == 0
    rows = {row["id"]: row for row in json.loads(result.output)}
    assert len(rows) == 107 and rows["TC_057"]["applies"] is False and rows["TC_003"]["applies"] is True
    plain = RUNNER.invoke(app, ["certify", "station", "--list", "--case", "TC_057"])
    assert "1 cases, 1 apply to generic/ac-single" in plain.output


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--case", "TC_0033"], UnknownName),
        (["--profile", "generic/none"], AuthorError),
        (["--ocpp", "2.1"], AuthorError),
        (["--report", "/nowhere/at/all.html"], AuthorError),
    ],
)
def test_bad_input(words: list[str], error: type[Exception]) -> None:
    """Errors of the author; the entry point makes them one line and 2."""
    result = RUNNER.invoke(app, ["certify", "station", *words])
    assert isinstance(result.exception, error)


def test_of_2_0_1(tmp_path: Path) -> None:
    """The same options and outputs for the other version; its features are printed by ``profiles pics``."""
    report = tmp_path / "out.html"
    words = [
        "certify",
        "station",
        "--ocpp",
        "2.0.1",
        "--case",
        "tc_b_06_cs",
        "--case",
        "TC_B_25",
        "--report",
        str(report),
    ]
    result = RUNNER.invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "1 passed, 0 failed, 1 not applicable" in result.output.splitlines()
    assert "OCPP 2.0.1" in report.read_text()
    listed = RUNNER.invoke(app, ["certify", "station", "--ocpp", "2.0.1", "--list", "--json"])
    assert len(json.loads(listed.output)) == 350
    pics = RUNNER.invoke(app, ["profiles", "pics", "generic/ac-dual", "--ocpp", "2.0.1", "--json"])
    assert json.loads(pics.output)["hardware_features"]["HFS-8"] == [1, 2]
