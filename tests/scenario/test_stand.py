"""Scenarios about how a station gets in, on sockets: a reference CSMS for each security profile, when it is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.fleet.trace import FrameTrace
from simulator.resources import scenarios_dir
from simulator.scenario.cells import Cell, choose
from simulator.scenario.run import Options, ScenarioRun
from simulator.scenario.schema import load_scenario
from simulator.scenario.stand import Stand

pytestmark = pytest.mark.live

PROFILES = ["generic/ac-single"]


def cells(*wanted: tuple[str, str]) -> list[Cell]:
    return [
        cell
        for name, version in wanted
        for cell in choose([load_scenario(scenarios_dir() / f"{name}.yaml")], PROFILES, [version])
    ]


def test_each_security_profile_has_a_csms_of_its_own(tmp_path: Path) -> None:
    these = cells(
        ("security/wrong-password", "1.6"),
        ("security/right-password", "1.6"),
        ("security/client-certificate", "2.0.1"),
    )
    with Stand(these, speed=600, id_prefix='it\'s, a "prefix"-', longest_us=3_600_000_000) as stand:
        run = ScenarioRun(these, Options(live=stand.live))
        run.options.trace = trace = FrameTrace(tmp_path / "t.jsonl", stand.live.redactor)
        results = run.execute()
        trace.close()
        assert [(result.verdict, result.reason) for result in results] == [("PASS", "")] * 3
        assert results[0].took_s < 5  # nobody waits for one that is kept out
        urls = {profile: stand.secured(profile).target.fields.url for profile in (0, 1, 3)}
        assert len(set(urls.values())) == 3 and urls[3].startswith("wss://")
        password = stand.secured(1).target.password
        assert password is not None
        assert stand.live.redactor.clean_text(password.get_secret_value()).startswith("<secret:")
    booted = [json.loads(line)["action"] for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert booted.count("BootNotification") == 4  # two stations, with its answer each
