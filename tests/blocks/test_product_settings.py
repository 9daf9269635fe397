"""Settings of the product: lengths that agree with the lists, phase rotation, and what a fixed cable decides."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core.records import Remark
from tests.bench import Lab, build


def bench(**fields: object) -> Lab:
    return Lab(build("1.6", **fields)).boot()  # type: ignore[arg-type]


def keys(lab: Lab) -> dict[str, dict[str, object]]:
    return {row["key"]: row for row in lab.ask("GetConfiguration")["configurationKey"]}


@pytest.mark.parametrize(
    "name", ["MeterValuesSampledData", "MeterValuesAlignedData", "StopTxnSampledData", "StopTxnAlignedData"]
)
def test_the_length_of_a_list_is_told_and_kept(name: str) -> None:
    lab = bench()
    length = int(str(keys(lab)[f"{name}MaxLength"]["value"]))
    one = "Voltage"
    assert lab.ask("ChangeConfiguration", key=name, value=",".join([one] * (length + 1)))["status"] == "Rejected"
    assert lab.ask("ChangeConfiguration", key=f"{name}MaxLength", value="1")["status"] == "Rejected"


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("0.RST,1.RTS,2.SRT", "Accepted"),
        ("1.XYZ", "Rejected"),
        ("RST", "Rejected"),
        ("0.RST,1.RST,2.RST,0.RST", "Rejected"),
    ],
)
def test_phase_rotation(value: str, status: str) -> None:
    lab = bench(evses=2)
    assert keys(lab)["ConnectorPhaseRotationMaxLength"]["value"] == "3"
    assert lab.ask("ChangeConfiguration", key="ConnectorPhaseRotation", value=value)["status"] == status


@pytest.mark.parametrize(("tethered", "value", "status"), [(True, "false", "Rejected"), (False, "true", "Accepted")])
def test_a_fixed_cable_is_never_unlocked(tethered: bool, value: str, status: str) -> None:
    lab = bench(evse={"tethered": tethered})
    row = keys(lab)["UnlockConnectorOnEVSideDisconnect"]
    assert (row["value"], row["readonly"]) == (value, tethered)
    answer = lab.ask("ChangeConfiguration", key="UnlockConnectorOnEVSideDisconnect", value="true")
    assert answer["status"] == status


def test_lights_have_settings_within_bounds() -> None:
    lab = bench()
    assert lab.ask("ChangeConfiguration", key="LightIntensity", value="40")["status"] == "Accepted"
    assert lab.ask("ChangeConfiguration", key="LightIntensity", value="101")["status"] == "Rejected"
    assert lab.ask("ChangeConfiguration", key="BlinkRepeat", value="-1")["status"] == "Rejected"
    assert keys(lab)["LightIntensity"]["value"] == "40"


def test_an_installer_sets_what_the_csms_may_not() -> None:
    lab = bench()
    name = "NumberOfConnectors"
    assert lab.ask("ChangeConfiguration", key=name, value="5")["status"] == "Rejected"
    lab.feed(i.Perform("set", {"name": "HeartbeatInterval", "value": 77}))
    assert keys(lab)["HeartbeatInterval"]["value"] == "77"
    lab.feed(i.Perform("set", {"name": "MeterValuesSampledData", "value": ["Voltage"]}))
    assert keys(lab)["MeterValuesSampledData"]["value"] == "Voltage"


@pytest.mark.parametrize(
    ("args", "remark"),
    [
        ({"name": "HeartbeetInterval", "value": 5}, "set ignored: the product has no setting 'HeartbeetInterval'"),
        ({"name": "HeartbeatInterval", "value": "often"}, "set ignored: HeartbeatInterval: "),
    ],
)
def test_what_an_installer_cannot_set_is_remarked(args: dict[str, object], remark: str) -> None:
    lab = bench()
    lab.feed(i.Perform("set", args))
    assert [one.text for one in lab.fleet.recorded(Remark) if one.text.startswith(remark)]
