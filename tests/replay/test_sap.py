"""Invented station templates of SAP's simulator become profiles; what has no place in one is told field by field."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import AuthorError
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile
from simulator.replay.draft import Draft, checked
from simulator.replay.sap import LEFT, convert
from tests.quirks.rig import Bench

OLD: dict[str, Any] = {
    "supervisionUrls": ["ws://user:hunter2@csms.example/ocpp"],
    "supervisionPassword": "hunter2",
    "baseName": "CS-ROBIN",
    "chargePointVendor": "Robin Works",
    "chargePointModel": "Nest 2",
    "chargePointSerialNumberPrefix": "RW{",
    "firmwareVersion": "4.1",
    "power": [11, 22],
    "powerUnit": "kW",
    "numberOfConnectors": 2,
    "resetTime": 12,
    "transactionDataMeterValues": True,
    "amperageLimitationOcppKey": "MaxAmps",
    "paintColour": "red",
    "Configuration": {
        "configurationKey": [
            {"key": "MeterValueSampleInterval", "readonly": True, "value": "45"},
            {"key": "MeterValuesSampledData", "readonly": False, "value": "Energy.Active.Import.Register,Voltage"},
            {"key": "HeartbeatInterval", "readonly": False, "value": "often"},
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            {"key": "NestLight", "readonly": False, "value": "on", "visible": False, "reboot": True},
            {"readonly": True},
        ]
    },
    "commandsSupport": {
        "incomingCommands": {"reserveNow": False, "Reset": True, "Sing": False},
        "outgoingCommands": {"Heartbeat": False},
    },
    "AutomaticTransactionGenerator": {"enable": True, "minDuration": 60, "maxDuration": 100},
    "Connectors": {
        "0": {},
        "1": {
            "bootStatus": "Available",
            "MeterValues": [
                {"unit": "Wh"},
                {"unit": "V", "measurand": "Voltage", "value": "231", "fluctuationPercent": 3},
                {"unit": "W", "measurand": "Warmth"},
            ],
        },
    },
}
NEW: dict[str, Any] = {
    "chargePointVendor": "Robin Works",
    "chargePointModel": "Eyrie",
    "ocppVersion": "2.0.1",
    "currentOutType": "DC",
    "power": 240_000,
    "powerSharedByConnectors": True,
    "Configuration": {
        "configurationKey": [
            {"key": "OCPPCommCtrlr.MessageAttempts.TransactionEvent", "readonly": False, "value": "7"},
            {"key": "AuthCtrlr.LocalAuthorizationOffline", "readonly": False, "value": "true"},
        ]
    },
    "Evses": {
        "0": {"Connectors": {"0": {}}},
        "1": {"Connectors": {"1": {"type": "cNACS", "MeterValues": [{"measurand": "SoC"}]}, "2": {}}},
        "2": {"Connectors": {"1": {"maximumPower": 100_000}}},
    },
}


def made(data: dict[str, Any]) -> Draft:
    return convert(json.dumps(data), source="robin.json")


def test_a_template_is_a_product_and_the_rest_is_told() -> None:
    draft = made(OLD)
    profile = checked(draft)
    assert profile.identity.vendor == "Robin Works" and profile.identity.serial == "RW{{{n:06d}"
    assert profile.identity.box_serial is None and profile.versions == ("1.6",)
    assert [(e.max_power_w, e.max_current_a, e.phases) for e in profile.evses] == [(11_000, 15.9, 3)] * 2
    assert profile.hardware.boot.soft_s == profile.hardware.boot.hard_s == 12
    assert profile.hardware.meter.measurands == ("Energy.Active.Import.Register", "Voltage")
    assert profile.settings == {
        "MeterValueSampleInterval": 45,
        "MeterValuesSampledData": ["Energy.Active.Import.Register", "Voltage"],
        "StopTxnSampledData": ["Energy.Active.Import.Register", "Voltage"],
    }
    assert profile.read_only == ("MeterValueSampleInterval",)
    assert profile.not_offered == ("ReserveNow",)
    assert profile.vendor_keys["NestLight"].value == "on" and profile.vendor_keys["NestLight"].writable
    assert profile.source("hardware.boot.soft_s") == "template robin.json, resetTime"
    assert profile.standing("hardware.flash.capacity") == "assumed"
    left = {line.split(": ")[1] for line in draft.notes if line.startswith("not carried over: ")}
    assert left == {
        "supervisionUrls",
        "supervisionPassword",
        "baseName, nameSuffix, fixedName",
        "amperageLimitationOcppKey",
        "paintColour",
        "Configuration.configurationKey[2] (HeartbeatInterval)",
        "Configuration.configurationKey[3] (NumberOfConnectors)",
        "Configuration.configurationKey[4] (NestLight).visible",
        "Configuration.configurationKey[4] (NestLight).reboot",
        "Configuration.configurationKey[5]",
        "commandsSupport.incomingCommands.Sing",
        "commandsSupport.outgoingCommands.Heartbeat",
        "AutomaticTransactionGenerator (enable, minDuration, maxDuration)",
        "Connectors.*.bootStatus",
        "Connectors.*.MeterValues[*].value",
        "Connectors.*.MeterValues[*].fluctuationPercent",
        "Connectors.*.MeterValues[*]",
    }
    assert "hunter2" not in draft.text() and "csms.example" not in draft.text()
    assert "power is one of 2 at random there; the largest is taken" in draft.notes
    assert any("--charging 100% --session 80s" in note for note in draft.notes)


def test_a_station_of_a_newer_version_and_of_direct_current(tmp_path: Path) -> None:
    draft = made(NEW)
    path = tmp_path / "robin.yaml"
    path.write_text(draft.text())
    loaded = load_profile(str(path))
    assert loaded.profile.versions == ("2.0.1",)
    assert [(e.connector_type, e.phases, e.max_power_w, e.max_current_a) for e in loaded.profile.evses] == [
        ("cNACS", 0, 240_000, 600.0),
        ("cCCS2", 0, 100_000, 600.0),
    ]
    assert loaded.profile.settings["OCPPCommCtrlr.MessageAttempts[TransactionEvent]"] == 7
    notes = "\n".join(draft.notes)
    assert "AuthCtrlr.LocalAuthorizationOffline): no variable of this name; did you mean" in notes
    assert "Evses.1.Connectors.*: an EVSE has one connector here" in notes
    bench = Bench(compile_profile(loaded, "2.0.1")).boot(120).plug().token("TAG", 30)
    assert bench.csms.sent("BootNotification")[0]["chargingStation"]["model"] == "Eyrie"
    assert len(bench.csms.transactions) == 1


@pytest.mark.parametrize("key", sorted(LEFT))
def test_every_key_that_is_left_is_told_with_its_reason(key: str) -> None:
    draft = made({"chargePointVendor": "V", "chargePointModel": "M", key: "x"})
    assert f"not carried over: {key}: {LEFT[key]}" in draft.notes
    checked(draft)


def test_odd_values_are_told_and_a_usual_one_is_taken() -> None:
    draft = made(
        {
            "chargePointVendor": "V" * 30,
            "chargePointModel": 5,
            "ocppVersion": "9",
            "power": "much",
            "numberOfPhases": 7,
            "numberOfConnectors": [3, 1],
            "baseNam": "x",
        }
    )
    profile = checked(draft)
    assert (profile.identity.vendor, profile.identity.model) == ("V" * 20, "Unknown")
    assert len(profile.evses) == 3 and profile.evses[0].phases == 3 and profile.versions == ("1.6",)
    notes = "\n".join(draft.notes)
    assert "power: 'much' is no number" in notes and "numberOfPhases: 7 does not fit AC" in notes
    assert "ocppVersion: 9 is not spoken here; 1.6 is taken" in notes
    assert "baseNam: nothing is known of it; is it 'baseName'?" in notes


@pytest.mark.parametrize(
    ("text", "why"), [("{", r"robin.json:1: is no JSON"), ("[]", "is no station template"), ('{"a": 1}', "missing")]
)
def test_what_is_no_template_is_an_error(text: str, why: str) -> None:
    with pytest.raises(AuthorError, match=why):
        convert(text, source="robin.json")
