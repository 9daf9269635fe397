"""The lists: profiles, faults, quirks, fleets, states; for people and, with --json, for programs."""

import csv
import io
import json
from pathlib import Path

import pytest

from simulator.commands import lists
from simulator.hardware.fault import FAULTS
from simulator.profile.load import profile_paths
from simulator.quirks import QUIRKS
from simulator.resources import scenarios_dir
from simulator.scenario.schema import scenario_files
from tests.commands.conftest import Cpfarm

pytestmark = pytest.mark.live


def test_profiles(cpfarm: Cpfarm) -> None:
    rows = json.loads(cpfarm("profiles", "list", "--json").out)
    assert [row["name"] for row in rows] == sorted(profile_paths())
    assert all(row["evidence"] and row["assumed"] for row in rows)
    terra = next(row for row in rows if row["name"] == "abb/terra-ac")
    assert terra["sourced"] > 30 and terra["firmware"].endswith("V1.8.21")
    text = cpfarm("profiles", "list").out
    assert all(name in text for name in profile_paths()) and "\x1b" not in text
    shown = json.loads(cpfarm("profiles", "show", "generic/ac-single", "--json").out)
    standings = {row["standing"] for row in shown["values"]}
    assert shown["name"] == "generic/ac-single" and standings
    assert "identity.vendor" in cpfarm("profiles", "show", "generic/ac-single").out
    told = cpfarm("profiles", "show", "generic/ac-singel")
    assert told.code == 2 and "did you mean 'generic/ac-single'?" in told.err


def test_profiles_validate(cpfarm: Cpfarm) -> None:
    Path("bad.yaml").write_text("extends: generic/ac-single\nidentity: {vendor: A, model: B, frmware: 1}\n")
    told = cpfarm("profiles", "validate", "bad.yaml", "generic/ac-single")
    assert told.code == 2 and told.out == "1 of 2 profiles are valid\n"
    assert "bad.yaml:2: identity.frmware: " in told.err and "did you mean 'firmware'?" in told.err
    assert cpfarm("profiles", "validate", "generic/dc-fast").code == 0


def test_faults(cpfarm: Cpfarm) -> None:
    rows = json.loads(cpfarm("faults", "list", "--json").out)
    assert [row["name"] for row in rows] == list(FAULTS) and all(row["summary"] for row in rows)
    only = json.loads(cpfarm("faults", "list", "--part", "meter", "--json").out)
    assert only and all(row["name"].startswith("meter.") for row in only)
    told = cpfarm("faults", "list", "--part", "metre")
    assert told.code == 2 and told.err == "cpfarm: --part: no part 'metre'; did you mean 'meter'?\n"


def test_quirks(cpfarm: Cpfarm) -> None:
    rows = json.loads(cpfarm("quirks", "list", "--json").out)
    assert {row["name"] for row in rows} == set(QUIRKS)
    vendor = rows[0]["vendors"][0]
    only = json.loads(cpfarm("quirks", "list", "--vendor", vendor.upper(), "--json").out)
    assert only and all(vendor in row["vendors"] for row in only)
    told = cpfarm("quirks", "list", "--vendor", vendor + "x")
    assert told.code == 2 and f"did you mean {vendor!r}?" in told.err
    facts = ("description", "params", "vendors", "sources", "seams", "survive", "fixed_in", "confidence")
    assert all(set(facts) <= set(row) for row in rows)
    assert all(row["confidence"] and row["description"].startswith(row["summary"]) for row in rows)
    played = {row["scenario"] for row in rows} - {""}
    assert played == {path.stem for path in scenario_files([scenarios_dir() / "quirks"])}
    assert {row["name"] for row in rows if row["fixed_in"]} >= {"tls-ca-limited", "boot-retry-gives-up"}


def test_quirks_coverage(cpfarm: Cpfarm, monkeypatch: pytest.MonkeyPatch) -> None:
    told = cpfarm("quirks", "coverage", "--json")
    counts = json.loads(told.out)
    assert counts["all"] == len(counts["entries"]) and counts["behaviour"] == len(QUIRKS)
    assert told.code == (0 if counts["covered"] >= counts["enough"] == 240 else 1)
    text = cpfarm("quirks", "coverage").out
    assert f"{counts['covered']} of {counts['all']} are covered" in text
    assert "soap-missing-messageid" in text and "ws-flapping" not in text, "what is covered is not listed"
    for enough, code in ((0, 0), (999, 1)):
        monkeypatch.setattr(lists, "ENOUGH", enough)
        assert cpfarm("quirks", "coverage").code == code


def test_fleet(cpfarm: Cpfarm) -> None:
    words = ("fleet", "list", "--count", 3, "--id-prefix", "L-", "--ocpp", "2.0.1")
    rows = json.loads(cpfarm(*words, "--json").out)
    assert [row["id"] for row in rows] == ["L-00001", "L-00002", "L-00003"] and rows[0]["version"] == "2.0.1"
    table = list(csv.DictReader(io.StringIO(cpfarm(*words, "--csv").out)))
    assert [row["id"] for row in table] == [row["id"] for row in rows]
    assert "L-00003" in cpfarm(*words).out
    told = cpfarm("fleet", "list", "none.yaml")
    assert told.code == 2 and "none.yaml" in told.err


def test_state(cpfarm: Cpfarm, silent_port: int) -> None:
    told = cpfarm("state", "show", "here")
    assert told.code == 2 and told.err == "cpfarm: here: there is no state here\n"
    url = f"ws://127.0.0.1:{silent_port}"
    words = ("--id", "ST-{n}", "--count", 2, "--boot-timeout", "1s", "--http-port", "off", "--connect-rate", 100)
    assert cpfarm("run", "--csms", url, *words, "--state", "here").code == 3
    rows = json.loads(cpfarm("state", "show", "here", "--json").out)
    assert [row["id"] for row in rows] == ["ST-1", "ST-2"] and all(row["registers_wh"][0] > 0 for row in rows)
    assert "ST-2" in cpfarm("state", "show", "here").out
    told = cpfarm("state", "reset", "here", "--id", "ST-3")
    assert told.code == 2 and "did you mean 'ST-" in told.err
    assert cpfarm("state", "reset", "here", "--id", "ST-2").out == "1 stations forgotten\n"
    assert [row["id"] for row in json.loads(cpfarm("state", "show", "here", "--json").out)] == ["ST-1"]
    assert cpfarm("state", "reset", "here").out == "1 stations forgotten\n"


@pytest.mark.parametrize("words", [("--version",), ("profiles", "--help"), ("run", "--help"), ("demo", "--help")])
def test_help_and_version(cpfarm: Cpfarm, words: tuple[str, ...]) -> None:
    told = cpfarm(*words)
    assert told.code == 0 and told.out and told.err == ""
