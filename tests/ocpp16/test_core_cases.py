"""The Core cases of the 1.6 certification tool (edition 2024-04), played on the virtual bench.

Each test carries the id of its case and checks the messages the case lists, in the order it allows. Cases about lists,
reservations, smart charging, firmware and security belong to other profiles and are not here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from simulator.blocks.authorization import (
    AUTHORIZE_REMOTE,
    CONNECTION_TIMEOUT,
    LOCAL_PRE_AUTHORIZE,
    MAX_ENERGY_ON_INVALID,
    OFFLINE_UNKNOWN,
    STOP_ON_EV_SIDE,
    STOP_ON_INVALID,
)
from simulator.blocks.availability import MINIMUM_STATUS_DURATION
from simulator.blocks.metering import ALIGNED_INTERVAL, ALIGNED_MEASURANDS, SAMPLE_INTERVAL, SAMPLE_MEASURANDS
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from simulator.core.readings import CURRENT, ENERGY, POWER
from simulator.core.wall import parse_wall
from tests.bench import AT_ONCE, Lab, bench, build, frames

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


def told(lab: Lab) -> list[str]:
    """Actions since the last `forget`, with the status where there is one."""
    return [f"{a} {p['status']}" if "status" in p else a for _, a, p in frames(lab.csms)]


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


def test_tc_003_cs_plugin_first(lab: Lab) -> None:
    lab.forget().plug().run(5)
    lab.present().run(4)
    assert told(lab) == [
        "StatusNotification Preparing",
        "Authorize",
        "StartTransaction",
        "StatusNotification Charging",
    ]


def test_tc_004_1_cs_identification_first(lab: Lab) -> None:
    lab.forget().present().run(5)
    lab.plug().run(4)
    assert told(lab) == [
        "Authorize",
        "StatusNotification Preparing",
        "StartTransaction",
        "StatusNotification Charging",
    ]


def test_tc_004_2_cs_connection_timeout(lab: Lab) -> None:
    lab.configure(CONNECTION_TIMEOUT, 20)
    lab.forget().present().run(19.9)
    assert told(lab) == ["Authorize", "StatusNotification Preparing"]
    lab.run(0.1)
    assert told(lab)[2:] == ["StatusNotification Available"]
    lab.plug().run(5)
    assert not lab.sessions()


def test_tc_068_cs_stopped_by_the_same_token_only(lab: Lab) -> None:
    lab.charge().forget().present("OTHER").run(2)
    assert told(lab) == []
    lab.present("TAG")
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().stop_token == "TAG"


def test_tc_069_cs_stopped_by_a_token_of_the_group(lab: Lab) -> None:
    lab.csms.groups = {"TAG": "FAMILY", "SISTER": "FAMILY", "STRANGER": "OTHERS"}
    lab.charge().forget().present("STRANGER").run(2)
    assert told(lab) == ["Authorize"]
    lab.forget().present("SISTER").run(1)
    assert told(lab) == ["Authorize", "StopTransaction", "StatusNotification Finishing"]
    assert lab.session().stop_token == "SISTER"


def test_tc_005_1_cs_ev_side_disconnect_stops_and_unlocks(lab: Lab) -> None:
    lab.charge().forget().unplug(side="ev").run(1)
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "EVDisconnected" and lab.session().stop_token is None
    lab.unplug(side="station")
    assert lab.statuses()[-1] == "Available"


def test_tc_005_2_cs_ev_side_disconnect_stops_and_stays_locked() -> None:
    lab = bench(settings={UNLOCK_ON_EV_SIDE: False}).charge().forget()
    lab.unplug(side="ev").run(1)
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "EVDisconnected"
    lab.unplug(side="station")
    assert "locked" in lab.remarks()[-1]
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    lab.unplug(side="station")
    assert lab.statuses()[-1] == "Available"


def test_tc_005_3_cs_ev_side_disconnect_goes_on() -> None:
    lab = bench(settings={STOP_ON_EV_SIDE: False, UNLOCK_ON_EV_SIDE: False}).charge().forget()
    lab.unplug(side="ev").run(1)
    assert told(lab) == ["StatusNotification SuspendedEV"]
    assert lab.csms.sent("StatusNotification")[0]["info"] == "EV side disconnected"
    assert lab.remote_stop() == "Accepted"
    assert sorted(told(lab)[1:]) == ["StatusNotification Finishing", "StopTransaction"]
    assert lab.session().reason == "Remote"


def test_tc_007_cs_remote_start_of_a_cached_token() -> None:
    lab = bench(settings={AUTHORIZE_REMOTE: True, LOCAL_PRE_AUTHORIZE: True})
    lab.present().run(1)
    lab.present().run(1)  # known now, and let go again
    lab.forget().plug()
    assert lab.remote_start() == "Accepted"
    lab.run(4)
    assert told(lab) == ["StatusNotification Preparing", "StartTransaction", "StatusNotification Charging"]


def test_tc_061_cs_clear_cache() -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True}).forget()
    lab.present().run(1)
    lab.present().run(1)
    assert told(lab) == ["Authorize", "StatusNotification Preparing", "StatusNotification Available"]
    lab.forget().present().present().run(1)
    assert "Authorize" not in told(lab)
    assert lab.ask("ClearCache") == {"status": "Accepted"}
    lab.forget().present().run(1)
    assert told(lab)[0] == "Authorize"


def test_tc_010_cs_remote_start_with_the_cable_first(lab: Lab) -> None:
    lab.forget().plug()
    assert lab.remote_start() == "Accepted"
    lab.run(4)
    assert told(lab) == ["StatusNotification Preparing", "StartTransaction", "StatusNotification Charging"]


@pytest.mark.parametrize("authorize", [False, True])
def test_tc_011_1_cs_remote_start_first(authorize: bool) -> None:
    lab = bench(settings={AUTHORIZE_REMOTE: authorize}).forget()
    assert lab.remote_start() == "Accepted"
    lab.run(2)
    assert told(lab) == [*(["Authorize"] if authorize else []), "StatusNotification Preparing"]
    lab.forget().plug().run(4)
    assert told(lab) == ["StartTransaction", "StatusNotification Charging"]


def test_tc_011_2_cs_remote_start_time_out() -> None:
    lab = bench(settings={CONNECTION_TIMEOUT: 30}).forget()
    assert lab.remote_start() == "Accepted"
    lab.run(30)
    assert told(lab) == ["StatusNotification Preparing", "StatusNotification Available"]


def test_tc_012_cs_remote_stop(lab: Lab) -> None:
    lab.charge().forget()
    assert lab.remote_stop() == "Accepted"
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "Remote" and lab.session().stop_token is None


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


def test_tc_017_1_cs_unlock_without_session(lab: Lab) -> None:
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "Unlocked"}


def test_tc_017_2_cs_unlock_of_a_fixed_cable() -> None:
    lab = bench(evse={"tethered": True})
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "NotSupported"}


def test_tc_018_1_cs_unlock_with_session(lab: Lab) -> None:
    lab.charge().forget()
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "UnlockCommand"
    lab.unplug()
    assert lab.statuses()[-1] == "Available"


def test_tc_018_2_cs_unlock_of_a_fixed_cable_with_session() -> None:
    lab = bench(evse={"tethered": True}).charge().forget()
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "NotSupported"}
    lab.run(5)
    assert told(lab) == [] and lab.evse().flowing


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


def test_tc_021_cs_change_configuration(lab: Lab) -> None:
    assert lab.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="17") == {"status": "Accepted"}
    (row,) = lab.ask("GetConfiguration", key=["MeterValueSampleInterval"])["configurationKey"]
    assert row == {"key": "MeterValueSampleInterval", "readonly": False, "value": "17"}


def samples(lab: Lab) -> list[dict[str, Any]]:
    """The meter values told in transactions."""
    return [value for p in lab.csms.sent("MeterValues") for value in p["meterValue"]]


def steps(values: list[dict[str, Any]]) -> set[int]:
    """Seconds between consecutive stamps."""
    stamps = [parse_wall(v["timestamp"]) or 0 for v in values]
    return {(b - a) // 1_000_000 for a, b in pairwise(stamps)}


@pytest.mark.parametrize("wanted", [(ENERGY, POWER), ()])
def test_tc_070_cs_sampled_meter_values(wanted: tuple[str, ...]) -> None:
    lab = bench(settings={SAMPLE_INTERVAL: 10, SAMPLE_MEASURANDS: wanted}).charge().run(30)
    values = samples(lab)
    assert len(values) == 3 and steps(values) == {10}
    for value in values:
        # an empty list means the default of the field
        assert [s["measurand"] for s in value["sampledValue"]] == list(wanted or (ENERGY,))
        assert {s["context"] for s in value["sampledValue"]} == {"Sample.Periodic"}


@pytest.mark.parametrize("wanted", [(ENERGY, CURRENT), ()])
def test_tc_071_cs_clock_aligned_meter_values(wanted: tuple[str, ...]) -> None:
    lab = bench(settings={SAMPLE_INTERVAL: 0, ALIGNED_INTERVAL: 20, ALIGNED_MEASURANDS: wanted})
    lab.run(7).charge().run(56)
    values = samples(lab)
    assert len(values) == 3 and steps(values) == {20}
    for value in values:
        assert value["timestamp"][17:] in ("00.000Z", "20.000Z", "40.000Z")
        assert {s["measurand"] for s in value["sampledValue"]} == set(wanted or (ENERGY,))
        assert {s["context"] for s in value["sampledValue"]} == {"Sample.Clock"}


def test_tc_023_cs_authorize_invalid() -> None:
    lab = bench(settings={MINIMUM_STATUS_DURATION: 10, LOCAL_PRE_AUTHORIZE: True}).forget()
    lab.csms.verdicts["TAG"] = "Invalid"
    lab.plug().run(15)
    assert told(lab) == ["StatusNotification Preparing"]
    lab.present().run(30)
    assert told(lab)[1:] == ["Authorize"] and not lab.sessions()


def test_tc_024_cs_lock_failure(lab: Lab) -> None:
    lab.inject("lock.jammed", 1, stuck="open").forget()
    assert lab.remote_start() == "Accepted"
    assert told(lab) == ["StatusNotification Preparing"]
    lab.plug().run(10)
    last = lab.csms.sent("StatusNotification")[-1]
    assert (last["status"], last["errorCode"]) == ("Faulted", "ConnectorLockFailure")
    assert not lab.sessions() and not lab.evse().flowing
    lab.unplug().clear()
    assert lab.statuses()[-1] == "Available"


def test_tc_026_cs_remote_start_rejected(lab: Lab) -> None:
    lab.charge()
    assert lab.remote_start("OTHER") == "Rejected"


def test_tc_027_cs_remote_start_on_connector_0(lab: Lab) -> None:
    assert lab.remote_start(evse_id=0) == "Rejected"


def test_tc_028_cs_remote_stop_of_an_unknown_transaction(lab: Lab) -> None:
    lab.charge()
    assert lab.remote_stop(4711) == "Rejected"
    assert lab.evse().flowing


def test_tc_030_cs_unlock_failure(lab: Lab) -> None:
    lab.charge().inject("lock.jammed", 1, stuck="closed").present()
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "UnlockFailed"}


def test_tc_031_cs_unlock_of_an_unknown_connector(lab: Lab) -> None:
    assert lab.ask("UnlockConnector", connectorId=9) == {"status": "NotSupported"}


def test_tc_032_1_cs_power_failure_with_a_back_up() -> None:
    hardware = HardwareSpec(modem=AT_ONCE, holdup_s=10.0, power_loss="stop_before")
    lab = bench(hardware=hardware, evses=2).charge().forget()
    lab.inject("supply.mains_outage").run(5)
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "PowerLoss"
    lab.run(60)
    assert not lab.station.powered
    lab.forget().clear().run(60)
    assert told(lab)[0] == "BootNotification" and "StopTransaction" not in told(lab)
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")] == [
        (0, "Available"),
        (1, "Preparing"),
        (2, "Available"),
    ]


@pytest.mark.parametrize("habit", ["stop_after", "resume"])
def test_tc_032_2_cs_power_failure_without_back_up(habit: str) -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, power_loss=habit)).charge().forget()
    lab.inject("supply.mains_outage").run(60)
    assert told(lab) == []
    lab.clear().run(60)
    assert told(lab)[0] == "BootNotification"
    if habit == "resume":
        assert lab.statuses()[-1] == "Charging" and lab.session().end is None
        lab.present().run(1)
        assert lab.session().reason == "Local"
        assert lab.statuses()[-1] == "Finishing"
    else:
        assert lab.session().reason == "PowerLoss"
        assert lab.statuses()[-1] in ("Preparing", "Finishing")


def test_tc_034_cs_power_failure_keeps_unavailable() -> None:
    lab = bench(evses=2)
    assert lab.ask("ChangeAvailability", connectorId=0, type="Inoperative") == {"status": "Accepted"}
    every = [(0, "Unavailable"), (1, "Unavailable"), (2, "Unavailable")]
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")][-3:] == every
    lab.inject("supply.mains_outage").run(60)
    lab.forget().clear().run(60)
    assert told(lab)[0] == "BootNotification"
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")] == every


def test_tc_036_cs_connection_loss_during_transaction() -> None:
    lab = bench(settings={SAMPLE_INTERVAL: 10}).charge()
    lab.fleet.cut(lab.station)
    lab.run(45)
    assert samples(lab) == []
    lab.fleet.mend(lab.station)
    lab.run(120)
    values = samples(lab)
    assert len(values) >= 10 and steps(values) == {10}


def offline_session(lab: Lab) -> None:
    """A session that began offline, once the link is back."""
    lab.fleet.cut(lab.station)
    lab.plug().present().run(10)
    lab.fleet.mend(lab.station)
    lab.run(200)


def test_tc_037_1_cs_offline_start_valid() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True}).forget()
    offline_session(lab)
    assert lab.statuses()[-1] == "Charging" and lab.session().end is None
    assert lab.session().begin["timestamp"] == "2026-03-01T00:00:00.000Z"


def test_tc_037_2_cs_offline_start_invalid_suspends() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True, STOP_ON_INVALID: False, MAX_ENERGY_ON_INVALID: 0}).forget()
    lab.csms.verdicts["TAG"] = "Invalid"
    offline_session(lab)
    assert lab.statuses()[-2:] == ["Charging", "SuspendedEVSE"] and lab.session().end is None


def test_tc_037_3_cs_offline_start_invalid_stops() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True, STOP_ON_INVALID: True}).forget()
    lab.csms.verdicts["TAG"] = "Invalid"
    offline_session(lab)
    assert lab.statuses()[-2:] == ["Charging", "Finishing"]
    assert lab.session().reason == "DeAuthorized"


def test_tc_038_cs_offline_stop(lab: Lab) -> None:
    lab.charge()
    lab.fleet.cut(lab.station)
    lab.run(5).present().run(5)
    lab.fleet.mend(lab.station)
    lab.forget().run(200)
    assert lab.session().reason == "Local"
    assert sorted(told(lab)[:2]) == ["StatusNotification Finishing", "StopTransaction"]


def test_tc_039_cs_offline_transaction() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True}).forget()
    lab.fleet.cut(lab.station)
    lab.plug().present().run(30)
    lab.present().run(5)
    lab.unplug().run(5)
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert [a for a in told(lab) if not a.startswith("Status")] == ["StartTransaction", "StopTransaction"]
    assert lab.session().reason == "Local"
    begun, ended = lab.session().begin, lab.session().end
    assert ended is not None and begun["timestamp"] < ended["timestamp"]
    assert ended["transactionId"] == 1 and ended["meterStop"] > begun["meterStart"]


def test_tc_040_1_cs_unknown_key(lab: Lab) -> None:
    assert lab.ask("ChangeConfiguration", key="Testing", value="true") == {"status": "NotSupported"}


def test_tc_040_2_cs_invalid_value(lab: Lab) -> None:
    assert lab.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="-1") == {"status": "Rejected"}


def test_tc_041_cs_no_start_in_fault_state(lab: Lab) -> None:
    lab.inject("protection.rcd_trip", 1)
    assert lab.statuses()[-1] == "Faulted"
    lab.plug().present().run(60)
    assert lab.remote_start() == "Rejected"
    assert not lab.sessions() and not lab.evse().flowing


def test_tc_054_cs_trigger_message(lab: Lab) -> None:
    for wanted, message in (
        ({"requestedMessage": "MeterValues", "connectorId": 1}, "MeterValues"),
        ({"requestedMessage": "Heartbeat"}, "Heartbeat"),
        ({"requestedMessage": "StatusNotification", "connectorId": 1}, "StatusNotification Available"),
        ({"requestedMessage": "DiagnosticsStatusNotification"}, "DiagnosticsStatusNotification Idle"),
        ({"requestedMessage": "FirmwareStatusNotification"}, "FirmwareStatusNotification Idle"),
        ({"requestedMessage": "BootNotification"}, "BootNotification"),
    ):
        lab.forget()
        assert lab.ask("TriggerMessage", **wanted) == {"status": "Accepted"}
        assert told(lab)[:1] == [message]
        kinds = [(s.direction, s.kind) for s in lab.csms.seen if s.direction == "cp"]
        assert kinds[0] == ("cp", 3), "the answer comes before what was asked for"


def test_tc_055_cs_trigger_message_rejected(lab: Lab) -> None:
    lab.forget()
    assert lab.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=2) == {"status": "Rejected"}
    lab.run(2)
    assert told(lab) == []


def test_tc_064_cs_data_transfer_to_the_station(lab: Lab) -> None:
    answer = lab.ask("DataTransfer", vendorId="somebody", messageId="m", data="x")
    assert answer["status"] in ("UnknownVendorId", "UnknownMessageId", "Rejected")


def test_a_token_is_read_in_the_middle_of_a_press(lab: Lab) -> None:
    lab.charge().feed(i.Press("stop", 1))
    assert lab.session().reason == "Local" and lab.session().stop_token is None
