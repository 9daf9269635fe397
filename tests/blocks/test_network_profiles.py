"""SetNetworkProfile, the order of network profiles, the move to another CSMS and the way back (B09, B10, A05)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.blocks import network_profiles
from simulator.core import inputs as i
from simulator.core.link_policy import BACKOFF_MINIMUM, BACKOFF_RANDOM, NETWORK_ATTEMPTS, PASSWORD, SECURITY_PROFILE
from simulator.core.model import HardwareSpec
from simulator.core.outbox import MESSAGE_TIMEOUT
from simulator.core.settings import SETTINGS
from simulator.lab.csms import LabCsms
from simulator.ocpp2x.network import MAX_TIMEOUT_S
from simulator.ocpp2x.network_rows import COMPONENT
from tests.bench import AT_ONCE, Lab, bench, each_2x

URL = "ws://other.test/ocpp"
PRIORITY = SETTINGS.get("OCPPCommCtrlr.NetworkConfigurationPriority")


def ask(lab: Lab, action: str, **payload: Any) -> Any:
    """The CSMS the station is connected with calls; the watch knows its calls only."""
    lab.watch.csms = lab.fleet.csms(lab.station)
    return lab.ask(action, **payload)


def profile(lab: Lab, slot: int = 2, **changed: Any) -> Any:
    data: dict[str, Any] = {
        "ocppVersion": {"2.0.1": "OCPP20", "2.1": "OCPP21"}[lab.version],
        "ocppTransport": "JSON",
        "ocppCsmsUrl": URL,
        "messageTimeout": 25,
        "securityProfile": 0,
        "ocppInterface": "Wired0",
    }
    return ask(lab, "SetNetworkProfile", configurationSlot=slot, connectionData=data | changed)


def order(lab: Lab, text: str) -> str:
    row = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}
    answer = ask(lab, "SetVariables", setVariableData=[{**row, "attributeValue": text}])
    return str(answer["setVariableResult"][0]["attributeStatus"])


def value(lab: Lab, variable: str, component: str = "OCPPCommCtrlr") -> str:
    row = {"component": {"name": component}, "variable": {"name": variable}}
    return str(ask(lab, "GetVariables", getVariableData=[row])["getVariableResult"][0]["attributeValue"])


def other(lab: Lab, url: str = URL) -> LabCsms:
    csms = LabCsms(lab.station.dialect.subprotocol)
    lab.fleet.elsewhere(lab.station, url, csms)
    return csms


def reset(lab: Lab, seconds: float = 60) -> None:
    assert ask(lab, "Reset", type="OnIdle")["status"] == "Accepted"
    lab.run(seconds)


def dialled(lab: Lab) -> list[int]:
    return [dial.slot for dial in lab.fleet.paths[0].dials]


def move(lab: Lab, text: str = "2,1") -> None:
    assert profile(lab)["status"] == "Accepted"
    assert order(lab, text) == "RebootRequired"


@each_2x
def test_the_move_to_another_csms(version: str) -> None:
    """TC_B_45: nothing changes before the reboot; then the station is at the other one, and registers there."""
    lab = bench(version)
    new, old = other(lab), lab.csms
    move(lab)
    lab.run(30)
    assert not new.seen and value(lab, "ActiveNetworkProfile") == "1"
    seen = len(old.seen)
    reset(lab)
    assert new.sent("BootNotification") and lab.station.gate == "accepted"
    last = lab.fleet.paths[0].dials[-1]
    assert (last.slot, last.url) == (2, URL)
    # from the answer to Reset on, nothing more is said to the old one once the new is called
    assert not [s for s in old.seen[seen:] if s.action == "BootNotification"]
    assert lab.station.settings[MESSAGE_TIMEOUT] == 25
    assert value(lab, "ActiveNetworkProfile") == "2" and value(lab, "NetworkConfigurationPriority") == "2,1"


def test_fall_back_within_the_list() -> None:
    """TC_B_46: as many dials as the setting says, then the next entry at once."""
    lab = bench("2.0.1", settings={NETWORK_ATTEMPTS: 2, BACKOFF_RANDOM: 0})
    lab.fleet.elsewhere(lab.station, URL, None)
    move(lab)
    old = len(lab.csms.sent("BootNotification"))
    reset(lab)
    assert dialled(lab)[-3:] == [2, 2, 0]
    assert len(lab.csms.sent("BootNotification")) == old + 1 and lab.station.gate == "accepted"
    assert value(lab, "ActiveNetworkProfile") == "1"
    assert lab.station.settings[MESSAGE_TIMEOUT] == MESSAGE_TIMEOUT.default


def test_when_all_have_failed_the_one_that_worked_last_is_dialled_in_its_own_time() -> None:
    """TC_B_49: the alternative is refused, the previous too; after RetryBackOffWaitMinimum the previous is let in."""
    lab = bench("2.0.1", settings={NETWORK_ATTEMPTS: 1, BACKOFF_RANDOM: 0, BACKOFF_MINIMUM: 20})
    lab.fleet.elsewhere(lab.station, URL, None)
    move(lab)
    path = lab.fleet.paths[0]
    assert ask(lab, "Reset", type="OnIdle")["status"] == "Accepted"
    path.refuse = "refused"
    lab.run(lab.station.model.hardware.boot_soft_s + 1)
    assert dialled(lab)[-2:] == [2, 0]
    path.refuse = ""
    lab.run(15)
    assert dialled(lab)[-2:] == [2, 0] and not lab.station.link.is_up
    lab.run(10)
    assert dialled(lab)[-3:] == [2, 0, 0] and lab.station.gate == "accepted"


def test_the_list_is_tried_again_and_again() -> None:
    """B10.FR.08-09: the station never stops trying."""
    lab = bench("2.0.1", settings={NETWORK_ATTEMPTS: 1, BACKOFF_RANDOM: 0, BACKOFF_MINIMUM: 5})
    lab.fleet.elsewhere(lab.station, URL, None)
    move(lab)
    lab.fleet.paths[0].refuse = "refused"
    reset(lab, 120)
    assert {0, 2} == set(dialled(lab)) and not lab.station.link.is_up
    new = other(lab)
    lab.fleet.paths[0].refuse = ""
    lab.run(600)
    assert lab.station.gate == "accepted" and (new.sent("BootNotification") or lab.csms.seen)


def test_a_lost_link_is_dialled_by_its_own_profile_first_and_another_one_is_told_of_the_station() -> None:
    """B10.FR.03, FR.10."""
    lab = bench("2.0.1", settings={NETWORK_ATTEMPTS: 1, BACKOFF_RANDOM: 0})
    new = other(lab)
    move(lab)
    reset(lab)
    boots = len(lab.csms.sent("BootNotification"))
    lab.fleet.elsewhere(lab.station, URL, None)
    lab.feed(i.LinkDown(lab.station.link.number, "reset"), 60)
    assert dialled(lab)[-2:] == [2, 0]
    assert lab.station.gate == "accepted" and lab.station.link.is_up
    assert len(lab.csms.sent("BootNotification")) == boots + 1, "registered anew although it has not rebooted"
    assert new.sent("BootNotification")


@each_2x
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ocppTransport": "SOAP"}, "InvalidNetworkConf"),
        ({"ocppCsmsUrl": "http://other.test"}, "InvalidNetworkConf"),
        ({"ocppCsmsUrl": "ws://"}, "InvalidNetworkConf"),
        ({"securityProfile": 2}, "InvalidNetworkConf"),
        ({"securityProfile": 7}, "InvalidNetworkConf"),
        ({"messageTimeout": 0}, "InvalidNetworkConf"),
        ({"messageTimeout": MAX_TIMEOUT_S + 1}, "InvalidNetworkConf"),
        ({"ocppInterface": "Wireless0"}, "InvalidNetworkConf"),
        (
            {"vpn": {"server": "vpn.test", "user": "u", "password": "p", "key": "k", "type": "IPSec"}},
            "InvalidNetworkConf",
        ),
    ],
)
def test_what_the_station_cannot_do_is_rejected(version: str, changed: dict[str, Any], code: str) -> None:
    """B09.FR.02."""
    lab = bench(version)
    answer = profile(lab, **changed)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", code)
    assert not network_profiles.configured(lab.station, 2)


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("a.test", "Accepted"),
        ("A.TEST:1234/x?y=1", "Accepted"),
        ("[::1]:80/ocpp/", "Accepted"),
        ("a b", "Rejected"),
        ("a.test/x y", "Rejected"),
        ("ä.test", "Rejected"),
        ("[::1/x", "Rejected"),
        (":80/x", "Rejected"),
        ("a.test:99999", "Rejected"),
        ("a.test:x", "Rejected"),
        ("user:password@a.test", "Rejected"),
    ],
)
def test_an_address_must_be_one(rest: str, status: str) -> None:
    """B09.FR.02: what nobody could ever dial is not stored."""
    assert profile(bench("2.0.1"), ocppCsmsUrl="ws://" + rest)["status"] == status


@each_2x
@pytest.mark.parametrize("word", ["OCPP12", "OCPP16", "OCPP20"])
def test_the_version_in_a_profile_is_ignored(version: str, word: str) -> None:
    """NetworkConnectionProfileType: the handshake decides which version is spoken, not this field."""
    lab = bench(version)
    assert profile(lab, ocppVersion=word)["status"] == "Accepted"
    assert network_profiles.configured(lab.station, 2)


@each_2x
def test_slots_that_do_not_exist_and_less_security(version: str) -> None:
    """TC_B_43, B09.FR.04-05 (TC_A_22)."""
    lab = bench(version)
    assert profile(lab, 999)["statusInfo"]["reasonCode"] == "InvalidConfSlot"
    assert lab.station.write_setting(SECURITY_PROFILE, 1)
    answer = profile(lab)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "NoSecurityDowngrade")


def test_a_memory_that_cannot_be_written() -> None:
    """B09.FR.03."""
    lab = bench("2.0.1").inject("flash.read_only")
    assert profile(lab)["status"] == "Failed"


def test_an_order_that_cannot_work_is_rejected() -> None:
    """B10.FR.02; A05.FR.02-03 (TC_A_20, TC_A_21): without a root or a certificate there is no such connection."""
    lab = bench("2.0.1")
    assert order(lab, "2,1") == "Rejected", "slot 2 is empty"
    assert order(lab, "9") == order(lab, "1,1") == order(lab, "") == "Rejected"
    assert profile(lab, 2, ocppCsmsUrl="wss://other.test", securityProfile=2)["status"] == "Accepted"
    assert profile(lab, 3, ocppCsmsUrl="wss://other.test", securityProfile=3)["status"] == "Accepted"
    assert order(lab, "2,1") == order(lab, "3,1") == "Rejected"
    assert value(lab, "NetworkConfigurationPriority") == "1"


def test_a_slot_that_is_dialled_is_not_made_to_fail() -> None:
    """A05.FR.02, the other way round (errata 6.2.8): the order is there already, the root is not."""
    lab = bench("2.0.1")
    answer = profile(lab, 1, ocppCsmsUrl="wss://other.test", securityProfile=2)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidNetworkConf")
    assert profile(lab, 2, ocppCsmsUrl="wss://other.test", securityProfile=2)["status"] == "Accepted"


def test_a_password_of_its_own_is_no_root() -> None:
    """A05.FR.02, with the passwords that profiles of 2.1 may bring along."""
    lab = bench("2.1")
    secure = {"ocppCsmsUrl": "wss://other.test", "securityProfile": 2, "basicAuthPassword": "a-password-of-its-own"}
    assert profile(lab, **secure)["status"] == "Accepted" and order(lab, "2,1") == "Rejected"
    assert profile(lab, basicAuthPassword="a-password-of-its-own", securityProfile=1)["status"] == "Accepted"
    assert order(lab, "2,1") == "RebootRequired"


@each_2x
def test_no_more_security_than_now_needs_nothing_new(version: str) -> None:
    """A05.FR.04, B10.FR.01: whatever the present connection is trusted by, another one of its kind is."""
    lab = bench(version, settings={SECURITY_PROFILE: 2})
    assert profile(lab, ocppCsmsUrl="wss://other.test", securityProfile=2)["status"] == "Accepted"
    assert order(lab, "2,1") == "RebootRequired"


def test_more_security_by_another_profile() -> None:
    """TC_A_19, A05.FR.04-06: once connected, what is less secure is forgotten and SecurityProfile says so."""
    lab = bench("2.0.1")
    other(lab)
    password = "a-password-of-some-length"
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    ask(lab, "SetVariables", setVariableData=[{**row, "attributeValue": password}])
    assert profile(lab, securityProfile=1)["status"] == "Accepted"
    assert order(lab, "2,1") == "RebootRequired" and value(lab, "SecurityProfile", "SecurityCtrlr") == "0"
    reset(lab)
    dial = lab.fleet.paths[0].dials[-1]
    assert (dial.security_profile, dial.password) == (1, password)
    assert value(lab, "SecurityProfile", "SecurityCtrlr") == "1"
    assert value(lab, "NetworkConfigurationPriority") == "2"
    assert order(lab, "2,1") == "Rejected", "the first slot is no more"
    reset(lab)
    assert value(lab, "ActiveNetworkProfile") == "2"


def test_less_security_is_not_forgotten_before_the_new_one_works() -> None:
    lab = bench("2.0.1", settings={NETWORK_ATTEMPTS: 1, BACKOFF_RANDOM: 0})
    lab.fleet.elsewhere(lab.station, URL, None)
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    ask(lab, "SetVariables", setVariableData=[{**row, "attributeValue": "a-password-of-some-length"}])
    assert profile(lab, securityProfile=1)["status"] == "Accepted"
    assert order(lab, "2,1") == "RebootRequired"
    reset(lab)
    assert lab.station.gate == "accepted" and value(lab, "SecurityProfile", "SecurityCtrlr") == "0"
    assert value(lab, "NetworkConfigurationPriority") == "2,1"


def test_a_station_that_was_told_of_no_other_profile_holds_nothing() -> None:
    lab = bench("2.0.1")
    assert network_profiles.NAME not in lab.station.data and value(lab, "ActiveNetworkProfile") == "1"
    assert lab.fleet.paths[0].dials[-1].slot == 0


def slots(lab: Lab) -> dict[str, dict[str, Any]]:
    """The component NetworkConfiguration: slot -> variable -> what is told of it."""
    lab.forget()
    assert ask(lab, "GetBaseReport", requestId=1, reportBase="FullInventory")["status"] == "Accepted"
    lab.run(60)
    found: dict[str, dict[str, Any]] = {}
    for report in lab.csms.sent("NotifyReport"):
        for row in report["reportData"]:
            if row["component"]["name"] == COMPONENT:
                (attribute,) = row["variableAttribute"]
                found.setdefault(row["component"]["instance"], {})[row["variable"]["name"]] = attribute
    return found


def test_the_slots_are_variables_of_the_newer_version() -> None:
    """2.1 B09.FR.08-09, FR.13: an instance for each slot, read-only because only SetNetworkProfile sets it."""
    lab = bench("2.1")
    assert profile(lab, ocppInterface="Any", basicAuthPassword="secret-of-slot-2")["status"] == "Accepted"
    told = slots(lab)
    assert set(told) == {"1", "2", "3"}
    assert {one["mutability"] for variables in told.values() for one in variables.values()} == {"ReadOnly"}
    values = {slot: {name: one.get("value") for name, one in rows.items()} for slot, rows in told.items()}
    assert values["2"] == {
        "OcppCsmsUrl": URL, "OcppInterface": "Any", "OcppTransport": "JSON", "OcppVersion": "OCPP21",
        "MessageTimeout": "25", "SecurityProfile": "0", "BasicAuthPassword": "", "VpnEnabled": "false",
        "ApnEnabled": "false",
    }  # fmt: skip
    assert (values["1"]["SecurityProfile"], values["1"]["MessageTimeout"]) == ("0", "30")
    assert values["3"] == dict.fromkeys(values["2"], "") | {"VpnEnabled": "false", "ApnEnabled": "false"}
    assert not slots(bench("2.0.1"))


def test_a_slot_tells_whether_it_has_an_access_point() -> None:
    """2.1 B09.FR.12."""
    lab = bench("2.1", hardware=HardwareSpec(modem=replace(AT_ONCE, kind="lte")))
    apn = {"apn": "internet", "apnAuthentication": "NONE"}
    assert profile(lab, ocppInterface="Wireless0", apn=apn)["status"] == "Accepted"
    told = slots(lab)
    assert (told["2"]["ApnEnabled"]["value"], told["1"]["ApnEnabled"]["value"]) == ("true", "false")


def test_the_newer_version_tells_its_kinds_of_tokens() -> None:
    """2.1 part 2, 2.3.9."""
    assert value(bench("2.1"), "SupportedIdTokenTypes", "AuthCtrlr") == "Central,ISO14443"
    assert value(bench("2.1", free_vend=True), "SupportedIdTokenTypes", "AuthCtrlr").endswith(",NoAuthorization")


def test_the_password_of_a_slot_is_that_of_the_station_until_the_csms_sets_another() -> None:
    """2.1 errata B09.FR.27-28; the new one is tried like any other, and the old one is still there."""
    old, fresh = "slot-2-password-0123", "another-password-4567"
    lab = bench("2.1")
    other(lab)
    assert profile(lab, securityProfile=1, basicAuthPassword=old)["status"] == "Accepted"
    assert order(lab, "2,1") == "RebootRequired"
    reset(lab)
    assert lab.station.gate == "accepted" and lab.station.settings[PASSWORD] == old
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}, "attributeValue": fresh}
    answer = ask(lab, "SetVariables", setVariableData=[row])
    assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
    lab.run(60)
    found, kept = network_profiles.route(lab.station), network_profiles.profile_of(lab.station, 2)
    assert found is not None and found.slot == 2 and found.password is None
    assert kept is not None and kept.password is None and lab.station.settings[PASSWORD] == fresh
