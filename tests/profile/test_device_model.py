"""A profile's device model as plain rows, and the command that prints it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from simulator.blocks.device_model import archetype
from simulator.blocks.inventory.tree import inventory
from simulator.cli import app
from simulator.errors import ProfileError
from simulator.profile.compiled import compile_profile
from simulator.profile.device_model import describe_device_model, newest_version
from simulator.profile.load import load_profile, profile_paths


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_every_variable_is_a_row(version: str) -> None:
    model = compile_profile("generic/dc-fast", version)
    found = describe_device_model(load_profile("generic/dc-fast"), version)
    assert len(found["variables"]) == len(inventory(model).variables) and found["version"] == version
    assert found["archetype"]["name"] == archetype(model).name == "dc-fast"
    rows = {
        (row["component"], row["variable"], row.get("evse_id"), row.get("instance", "")): row
        for row in found["variables"]
    }
    power = rows["EVSE", "Power", 2, ""]
    assert (power["tier"], power["unit"], power["max_limit"], power["monitored"]) == ("evse", "W", 150_000, True)
    assert power["attributes"] == {"Actual": "ReadOnly"}
    assert rows["Connector", "ConnectorType", 1, ""]["tier"] == "connector"
    assert rows["SecurityCtrlr", "BasicAuthPassword", 0, ""]["attributes"] == {"Actual": "WriteOnly"}
    assert set(rows["ConnectedEV", "DCCurrent", 1, ""]["attributes"]) == {"Target", "MaxSet"}
    assert rows["OCPPCommCtrlr", "MessageTimeout", 0, "Default"]["persistent"]


def test_a_product_without_a_device_model_says_so() -> None:
    old = next(name for name in profile_paths() if load_profile(name).profile.versions == ("1.6",))
    with pytest.raises(ProfileError, match="device model"):
        newest_version(load_profile(old))
    assert newest_version(load_profile("generic/ac-single")) == "2.1"


def test_the_command() -> None:
    run = CliRunner()
    table = run.invoke(app, ["profiles", "show", "generic/ac-single", "--device-model"])
    assert table.exit_code == 0 and "ac-single, one alternating-current outlet" in table.stdout
    for word in ("ConnectorPlugRetentionLock", "HardWiredMonitor", "residual current device tripped"):
        assert word in table.stdout
    printed = run.invoke(app, ["profiles", "show", "generic/ac-single", "--device-model", "--json"])
    found = json.loads(printed.stdout)
    assert found["name"] == "generic/ac-single" and found["monitors"] and found["severities"]
    assert {row["standing"] for row in found["monitors"]} == {"HardWiredMonitor", "PreconfiguredMonitor"}
