"""``cpfarm init``: the files it writes run as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.commands.init import API, CSMS, addressed
from simulator.csms.process import CsmsProcess
from tests.commands.conftest import Cpfarm


@pytest.mark.live
def test_fleet_target_and_scenario_run_as_they_are(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    told = cpfarm("init", "mine", "--csms", csms.url, "--api", csms.http_url)
    assert (told.code, told.err) == (0, "")
    assert "cpfarm run mine/fleet.yaml" in told.out
    told = cpfarm("scenario", "run", "mine/scenario.yaml")
    assert (told.code, told.err) == (0, ""), told.out
    assert "3 passed, 0 failed" in told.out
    words = ("--target", "mine/target.yaml", "--id-prefix", "INIT-")
    told = cpfarm("scenario", "run", "mine/scenario.yaml", "--ocpp", "1.6", "--speed", "600", *words)
    assert (told.code, told.err.startswith("PASS  ")) == (0, True), told.out
    told = cpfarm("fleet", "list", "mine/fleet.yaml", "--json")
    assert len(json.loads(told.out)) == 9
    told = cpfarm("run", "mine/fleet.yaml", *words, "--duration", "1s", "--http-port", "off", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["booted"] == 9


def test_nothing_is_overwritten_and_addresses_are_looked_at(cpfarm: Cpfarm, tmp_path: Path) -> None:
    assert cpfarm("init", "mine").code == 0
    assert CSMS in (tmp_path / "mine" / "target.yaml").read_text()
    (tmp_path / "mine" / "fleet.yaml").unlink()
    told = cpfarm("init", "mine")
    assert (told.code, told.err) == (
        2,
        "cpfarm: mine: target.yaml and scenario.yaml there already; nothing was written\n",
    )
    assert not (tmp_path / "mine" / "fleet.yaml").exists()
    told = cpfarm("init", "other", "--csms", "http://x")
    assert "--csms: 'http://x' does not begin with ws:// or wss://" in told.err
    (tmp_path / "file").write_text("")
    assert "cannot be written" in cpfarm("init", "file/below").err
    assert cpfarm("init", "file").err == "cpfarm: file: is a file; name a folder\n"


def test_addresses_are_put_in() -> None:
    assert addressed(f"url: {CSMS}/\napi: {API}/api", "wss://a/", "https://b/") == "url: wss://a/\napi: https://b/api"
