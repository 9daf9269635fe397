"""Boot, reset and configuration keys of 1.6.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core.model import Identity
from simulator.ocpp16 import provisioning
from tests.bench import Lab, bench, build, frames, told

REQUIRED_KEYS = {
    # key: may it be written (None: the case leaves it open)
    "AuthorizeRemoteTxRequests": None,
    "ClockAlignedDataInterval": True,
    "ConnectionTimeOut": True,
    "ConnectorPhaseRotation": True,
    "GetConfigurationMaxKeys": False,
    "HeartbeatInterval": True,
    "LocalAuthorizeOffline": True,
    "LocalPreAuthorize": True,
    "MeterValuesAlignedData": True,
    "MeterValuesSampledData": True,
    "MeterValueSampleInterval": True,
    "NumberOfConnectors": False,
    "ResetRetries": True,
    "StopTransactionOnInvalidId": True,
    "StopTxnAlignedData": True,
    "StopTxnSampledData": True,
    "SupportedFeatureProfiles": False,
    "TransactionMessageAttempts": True,
    "TransactionMessageRetryInterval": True,
    "UnlockConnectorOnEVSideDisconnect": None,
}


def test_tc_001_cs_cold_boot_rejected_then_accepted() -> None:
    lab = Lab(build())
    lab.csms.boot_status, lab.csms.interval_s = "Rejected", 40
    lab.boot().run(39)
    assert lab.csms.actions() == ["BootNotification"]
    lab.csms.boot_status, lab.csms.interval_s = "Accepted", 90
    lab.run(1 + 3 * 90)
    assert [t for t, _, _ in frames(lab.csms, "BootNotification")] == [0, 40]
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")] == [
        (0, "Available"),
        (1, "Available"),
    ]
    assert [t for t, _, _ in frames(lab.csms, "Heartbeat")] == [130, 220, 310]


def test_tc_002_cs_cold_boot_pending() -> None:
    lab = Lab(build())
    lab.csms.boot_status, lab.csms.interval_s = "Pending", 60
    lab.boot().run(10)
    assert len(lab.ask("GetConfiguration")["configurationKey"]) >= len(REQUIRED_KEYS)
    assert lab.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="30") == {"status": "Accepted"}
    assert lab.csms.actions() == ["BootNotification"]
    lab.csms.boot_status, lab.csms.interval_s = "Accepted", 100
    lab.run(160)
    assert [t for t, _, _ in frames(lab.csms, "BootNotification")] == [0, 60]
    assert lab.statuses() == ["Available"]
    assert [t for t, _, _ in frames(lab.csms, "Heartbeat")] == [160]


@pytest.mark.parametrize("case, kind, boot_s", [("tc_013_cs", "Hard", 15), ("tc_014_cs", "Soft", 5)])
def test_tc_013_and_014_cs_reset_without_transaction(case: str, kind: str, boot_s: int) -> None:
    lab = bench(evses=2)
    assert lab.ask("ChangeAvailability", connectorId=1, type="Inoperative") == {"status": "Accepted"}
    assert lab.statuses()[-1] == "Unavailable"
    lab.forget()
    asked_s = lab.fleet.now / 1e6
    assert lab.ask("Reset", type=kind) == {"status": "Accepted"}
    lab.run(60)
    assert [t for t, _, _ in frames(lab.csms, "BootNotification")] == [asked_s + boot_s]
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")] == [
        (0, "Available"),
        (1, "Unavailable"),
        (2, "Available"),
    ]
    assert lab.ask("ChangeAvailability", connectorId=1, type="Operative") == {"status": "Accepted"}
    assert lab.statuses()[-1] == "Available"


def test_tc_015_cs_hard_reset_with_transaction() -> None:
    lab = bench(evses=2).charge().forget()
    assert lab.ask("Reset", type="Hard") == {"status": "Accepted"}
    lab.run(60)
    assert lab.session().reason == "HardReset"
    assert told(lab).count("BootNotification") == told(lab).count("StopTransaction") == 1
    after = lab.csms.sent("StatusNotification")[-3:]
    assert [(p["connectorId"], p["status"]) for p in after] in (
        [(0, "Available"), (1, "Preparing"), (2, "Available")],
        [(0, "Available"), (1, "Finishing"), (2, "Available")],
    )


def test_tc_016_cs_soft_reset_with_transaction() -> None:
    lab = bench(evses=2).charge().forget()
    assert lab.ask("Reset", type="Soft") == {"status": "Accepted"}
    lab.run(60)
    assert told(lab)[:3] == ["StopTransaction", "StatusNotification Finishing", "BootNotification"]
    assert lab.session().reason == "SoftReset"
    after = [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")][-3:]
    assert after[0] == (0, "Available") and after[2] == (2, "Available")
    assert after[1] in ((1, "Preparing"), (1, "Finishing"))


def test_tc_019_cs_retrieve_configuration(lab: Lab) -> None:
    profiles = lab.ask("GetConfiguration", key=["SupportedFeatureProfiles"])
    assert [row["key"] for row in profiles["configurationKey"]] == ["SupportedFeatureProfiles"]
    assert not profiles.get("unknownKey")
    rows = {row["key"]: row for row in lab.ask("GetConfiguration")["configurationKey"]}
    assert set(REQUIRED_KEYS) <= set(rows)
    for key, writable in REQUIRED_KEYS.items():
        assert writable is None or rows[key]["readonly"] is not writable, key
    (most,) = lab.ask("GetConfiguration", key=["GetConfigurationMaxKeys"])["configurationKey"]
    asked = list(rows)[: int(most["value"])]
    answer = lab.ask("GetConfiguration", key=asked)
    assert [row["key"] for row in answer["configurationKey"]] == asked and not answer.get("unknownKey")


def test_keys_beyond_all_reason_are_not_dropped_in_silence(lab: Lab) -> None:
    answer = lab.ask("GetConfiguration", key=[f"key {n}" for n in range(1_200)])
    assert len(answer["unknownKey"]) == 1_000
    assert "GetConfiguration: 1200 keys, answered are 1000" in lab.remarks()


def test_tc_021_cs_change_configuration(lab: Lab) -> None:
    assert lab.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="17") == {"status": "Accepted"}
    (row,) = lab.ask("GetConfiguration", key=["MeterValueSampleInterval"])["configurationKey"]
    assert row == {"key": "MeterValueSampleInterval", "readonly": False, "value": "17"}


def test_tc_040_1_cs_unknown_key(lab: Lab) -> None:
    assert lab.ask("ChangeConfiguration", key="Testing", value="true") == {"status": "NotSupported"}


def test_tc_040_2_cs_invalid_value(lab: Lab) -> None:
    assert lab.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="-1") == {"status": "Rejected"}


@pytest.mark.parametrize(
    "key, value, status",
    [
        ("HeartbeatInterval", "60", "Accepted"),
        ("heartbeatinterval", "60", "Accepted"),
        ("HeartbeatInterval", "sixty", "Rejected"),
        ("HeartbeatInterval", "", "Rejected"),
        ("HeartbeatInterval", "1.5", "Rejected"),
        ("NumberOfConnectors", "2", "Rejected"),
        ("SupportedFeatureProfiles", "Core", "Rejected"),
        ("LocalPreAuthorize", "TRUE", "Accepted"),
        ("LocalPreAuthorize", "yes", "Rejected"),
        ("MeterValuesSampledData", "Energy.Active.Import.Register,Voltage", "Accepted"),
        ("MeterValuesSampledData", "", "Accepted"),
        ("MeterValuesSampledData", "Energy.Active.Import.Register,Weight", "Rejected"),
        ("StopTxnAlignedData", "Weight", "Rejected"),
        ("WebSocketPingInterval", "-1", "Rejected"),
        ("NoSuchKey", "1", "NotSupported"),
    ],
)
def test_change_configuration(lab: Lab, key: str, value: str, status: str) -> None:
    """5.3, 3.16.4: what is refused changes nothing."""
    before = lab.ask("GetConfiguration", key=[key])
    assert lab.ask("ChangeConfiguration", key=key, value=value) == {"status": status}
    if status != "Accepted":
        assert lab.ask("GetConfiguration", key=[key]) == before


def test_get_configuration_names_what_it_does_not_know(lab: Lab) -> None:
    """5.8."""
    answer = lab.ask("GetConfiguration", key=["heartbeatinterval", "Nope", "AuthorizationKey"])
    assert answer["unknownKey"] == ["Nope"]
    rows = {row["key"]: row for row in answer["configurationKey"]}
    assert rows["HeartbeatInterval"]["value"] == "300"
    assert "value" not in rows["AuthorizationKey"], "what can only be written is not shown"


def test_keys_of_the_vendor() -> None:
    lab = bench(vendor_keys={"LedColour": ("green", True), "Batch": ("7", False)})
    assert lab.ask("ChangeConfiguration", key="LedColour", value="blue") == {"status": "Accepted"}
    assert lab.ask("ChangeConfiguration", key="Batch", value="8") == {"status": "Rejected"}
    rows = {row["key"]: row for row in lab.ask("GetConfiguration", key=["ledcolour", "Batch"])["configurationKey"]}
    assert (rows["LedColour"]["value"], rows["Batch"]["value"]) == ("blue", "7")


def test_the_rejected_station_serves_nothing(lab: Lab) -> None:
    """4.2: while Rejected the CSMS is to ask for nothing, and nothing it sends is answered."""
    lab.csms.boot_status, lab.csms.interval_s = "Rejected", 300
    lab.ask("Reset", type="Soft")
    lab.run(30)
    assert all("rejected" not in route.when for _, route, _ in provisioning.table.handlers)
    for action, payload in (
        ("GetConfiguration", {}),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "1"}),
        ("Reset", {"type": "Soft"}),
        ("DataTransfer", {"vendorId": "x"}),
        ("Reset", {}),
        ("NoSuchAction", {}),
    ):
        assert lab.ask(action, **payload) is None, action
    lab.forget().feed(i.Frame(lab.station.link.number, b'[2,"1","Reset",{'), 1)
    assert lab.csms.seen == []


def test_a_long_identity_is_cut_to_what_the_message_takes() -> None:
    (told_once,) = bench(identity=Identity("Maker", "Box", serial="S" * 60)).csms.sent("BootNotification")
    assert told_once["chargePointSerialNumber"] == "S" * 25
