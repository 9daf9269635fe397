"""Security events, passwords and the security profile in 1.6. Ids are cases of the certification tool."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core import trial
from simulator.core.link_policy import NETWORK_ATTEMPTS, PASSWORD, SECURITY_PROFILE
from simulator.core.model import HardwareSpec, RtcSpec
from simulator.core.records import ConnectFailed, Remark
from simulator.core.reports import SecurityNote
from simulator.ocpp16.security import NAMES
from simulator.pki.authority import DAY_US, YEAR_US
from tests.bench import AT_ONCE, told
from tests.secure import (
    EPOCH_US,
    OTHER_PASSWORD,
    SecureLab,
    authority,
    delivered,
    secured,
    server_chain,
    station_certificate,
)
from tests.secure import (
    PASSWORD as FIRST,
)


def write(lab: SecureLab, key: str, value: Any) -> str:
    """ChangeConfiguration; the status."""
    return str(lab.ask("ChangeConfiguration", key=key, value=str(value))["status"])


def profile_of(lab: SecureLab) -> str:
    """SecurityProfile as the central system reads it."""
    (row,) = lab.ask("GetConfiguration", key=["SecurityProfile"])["configurationKey"]
    return str(row["value"])


# -- password


@pytest.mark.parametrize("profile", [1, 2])
def test_tc_073_cs_the_password_is_changed_and_used(profile: int) -> None:
    lab = secured(profile=profile)
    links = lab.links()
    lab.door.passwords = frozenset({OTHER_PASSWORD})  # A01.FR.03: the old one is not taken any more
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(2)
    assert lab.links() == links + 1 and lab.station.link.is_up and lab.dial.password == OTHER_PASSWORD
    assert "BootNotification" not in lab.csms.actions()
    assert not trial.pending(lab.station)
    lab.feed(i.PowerOff()).boot().run(60)
    assert lab.station.link.is_up and lab.dial.password == OTHER_PASSWORD


def test_a_password_the_central_system_does_not_know_is_taken_back() -> None:
    lab = secured(profile=1)
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(120)
    assert lab.station.link.is_up and lab.dial.password == FIRST
    assert [d.password for d in lab.path.dials][-4:] == [OTHER_PASSWORD] * 3 + [FIRST]
    assert lab.station.settings[PASSWORD] == FIRST
    assert any("back to the previous password" in r.text for r in lab.fleet.recorded(Remark))


def test_a_network_that_is_down_does_not_bring_the_old_password_back() -> None:
    lab = secured(profile=1)
    lab.door.passwords = frozenset({OTHER_PASSWORD})
    lab.path.refuse = "refused"
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(900)
    lab.path.refuse = ""
    lab.run(300)
    assert lab.station.link.is_up and lab.dial.password == OTHER_PASSWORD


@pytest.mark.parametrize("value", ["", "00", "zz" * 16, "0" * 33, "00" * 15, "00" * 21, "plain-text-16-ch"])
def test_a_password_that_is_none_is_refused(value: str) -> None:
    """A00.FR.205: 16 to 20 bytes as hexadecimal digits."""
    lab = secured(profile=1)
    assert write(lab, "AuthorizationKey", value) == "Rejected"
    lab.run(30)
    assert lab.links() == 1 and lab.station.settings[PASSWORD] == FIRST


@pytest.mark.parametrize("profile", [0, 3])
def test_a_password_that_is_not_in_use_is_only_stored(profile: int) -> None:
    lab = secured(profile=profile)
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(30)
    assert lab.links() == 1 and lab.station.settings[PASSWORD] == OTHER_PASSWORD


def test_the_new_connection_waits_for_what_is_queued() -> None:
    lab = secured(profile=1, evses=2)
    lab.door.passwords = frozenset({FIRST, OTHER_PASSWORD})
    lab.fleet.call(lab.station, "TriggerMessage", {"requestedMessage": "StatusNotification"})
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(5)
    assert len(lab.csms.sent("StatusNotification")) == 3 and lab.links() == 2


def test_and_not_for_ever() -> None:
    from simulator.lab.csms import SILENT

    lab = secured(profile=1)
    lab.door.passwords = frozenset({FIRST, OTHER_PASSWORD})
    lab.csms.script["Heartbeat"] = lambda csms, payload: SILENT
    lab.fleet.call(lab.station, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    lab.run(1)
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(8)
    assert lab.links() == 1
    lab.run(4)
    assert lab.links() == 2


def test_a_transaction_goes_on_over_the_new_connection() -> None:
    lab = secured(profile=1)
    lab.charge()
    lab.door.passwords = frozenset({OTHER_PASSWORD})
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(200)
    assert lab.evse().flowing and lab.station.link.is_up
    lab.present().run(2)
    assert lab.session().reason == "Local" and len(lab.sessions()) == 1


def test_the_password_is_in_no_record() -> None:
    lab = secured(profile=1)
    assert write(lab, "AuthorizationKey", OTHER_PASSWORD) == "Accepted"
    lab.run(200)
    assert OTHER_PASSWORD not in str(lab.fleet.records) and FIRST not in str(lab.fleet.records)


# -- security profile


def ready_for(profile: int) -> SecureLab:
    """One below, with all that the next one needs, and a central system that takes both."""
    lab = secured(profile=profile - 1, roots=(authority("operator").pem,) if profile >= 2 else ())
    if profile == 1:
        assert write(lab, "AuthorizationKey", FIRST) == "Accepted"
    if profile == 3:
        assert lab.certificate_signed(lab.sign(lab.ask_for_csr())) == "Accepted"
        lab.run(2)
    lab.door.profiles = frozenset({profile})
    return lab.forget()  # type: ignore[return-value]


@pytest.mark.parametrize("profile", [1, 2, 3])
def test_tc_083_cs_the_profile_is_upgraded(profile: int) -> None:
    lab = ready_for(profile)
    links = lab.links()
    assert write(lab, "SecurityProfile", profile) == "Accepted"
    lab.run(2)
    assert lab.links() == links + 1 and lab.station.link.is_up and lab.dial.security_profile == profile
    assert profile_of(lab) == str(profile)
    assert lab.ask("Reset", type="Hard") == {"status": "Accepted"}
    lab.run(60)
    assert lab.station.link.is_up and lab.dial.security_profile == profile
    assert lab.statuses()[-1] == "Available"


@pytest.mark.parametrize("present, wanted", [(1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 0), (0, 0), (3, 4), (1, -1)])
def test_tc_084_cs_the_profile_is_never_lowered(present: int, wanted: int) -> None:
    lab = secured(profile=present)
    assert write(lab, "SecurityProfile", wanted) == "Rejected"
    lab.run(30)
    assert lab.links() == 1 and profile_of(lab) == str(present)


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_an_upgrade_without_what_it_needs_is_refused(wanted: int) -> None:
    """A05.FR.02-04."""
    lab = secured(profile=0)
    assert write(lab, "SecurityProfile", wanted) == "Rejected"
    assert write(lab, "AuthorizationKey", FIRST) == "Accepted"
    if wanted == 2:  # the password alone is not enough
        assert write(lab, "SecurityProfile", 2) == "Rejected"
    if wanted == 3:
        assert lab.install(authority("operator").pem) == "Accepted"
        assert write(lab, "SecurityProfile", 3) == "Rejected"
    lab.run(30)
    assert lab.links() == 1 and profile_of(lab) == "0"


def test_a_root_that_has_expired_is_no_root() -> None:
    """A05.FR.03: a valid one."""
    lab = secured(profile=1, roots=(authority("old", -2 * YEAR_US, -DAY_US).pem,))
    assert write(lab, "SecurityProfile", 2) == "Rejected"


@pytest.mark.parametrize("how", ["no such profile", "nobody listens", "silence", "strange certificate"])
def test_an_upgrade_that_fails_is_taken_back(how: str) -> None:
    """A05.FR.08."""
    lab = secured(profile=1, roots=(authority("operator").pem,), settings={NETWORK_ATTEMPTS: 2})
    if how == "strange certificate":
        lab.door.profiles, lab.door.chain = frozenset({1, 2}), server_chain("stranger")
    assert write(lab, "SecurityProfile", 2) == "Accepted"
    lab.path.refuse = {"nobody listens": "refused", "silence": "timeout"}.get(how, "")
    lab.run(40)
    lab.path.refuse = ""
    lab.door.profiles = frozenset({1})
    lab.run(60)
    assert lab.station.link.is_up and lab.dial.security_profile == 1 and profile_of(lab) == "1"
    assert [d.security_profile for d in lab.path.dials].count(2) == 2


def test_once_confirmed_there_is_no_way_back() -> None:
    """A05.FR.09, A00.FR.005."""
    lab = ready_for(2)
    assert write(lab, "SecurityProfile", 2) == "Accepted"
    lab.run(2)
    assert not trial.pending(lab.station)
    lab.door.profiles = frozenset({1})
    lab.fleet.cut(lab.station)
    lab.fleet.mend(lab.station)
    lab.run(3_600)
    assert not lab.station.link.is_up and lab.station.settings[SECURITY_PROFILE] == 2


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.5, 3.0, 9.0, 20.0])
def test_the_power_fails_during_an_upgrade(after_s: float, good: bool) -> None:
    lab = ready_for(2)
    if not good:
        lab.door.profiles = frozenset({1})
    lab.fleet.call(lab.station, "ChangeConfiguration", {"key": "SecurityProfile", "value": "2"})
    lab.run(after_s)
    lab.feed(i.PowerOff()).run(1)
    lab.boot().run(200)
    wanted = 2 if good else 1
    assert lab.station.link.is_up and not trial.pending(lab.station)
    taken = any(s.action == "ChangeConfiguration" and s.kind == 3 for s in lab.csms.seen) or after_s > 0
    assert lab.station.settings[SECURITY_PROFILE] == (wanted if taken else 1) or not taken


def test_a_memory_that_cannot_be_written_refuses_the_upgrade() -> None:
    lab = ready_for(2)
    lab.inject("flash.read_only")
    assert write(lab, "SecurityProfile", 2) == "Rejected"
    lab.run(30)
    assert profile_of(lab) == "1" and lab.links() == 1


@pytest.mark.parametrize("profile", [1, 2])
def test_tc_085_cs_every_connection_carries_the_password(profile: int) -> None:
    lab = secured(profile=profile)
    assert lab.ask("Reset", type="Soft") == {"status": "Accepted"}
    lab.run(60)
    assert told(lab)[:3] == ["BootNotification", "StatusNotification Available", "StatusNotification Available"]
    assert {(d.security_profile, d.password) for d in lab.path.dials} == {(profile, FIRST)}


@pytest.mark.parametrize("profile", [2, 3])
def test_tc_086_cs_a_valid_server_certificate(profile: int) -> None:
    lab = secured(profile=profile)
    assert lab.ask("Reset", type="Soft") == {"status": "Accepted"}
    lab.run(60)
    assert lab.station.link.is_up and "BootNotification" in told(lab)
    assert lab.dial.refs["trust"] == authority("operator").pem
    assert (lab.dial.password is not None) == (profile == 2)


def test_tc_087_cs_a_valid_client_certificate() -> None:
    lab = secured(profile=3)
    assert lab.ask("Reset", type="Soft") == {"status": "Accepted"}
    lab.run(60)
    assert lab.station.link.is_up and lab.dial.refs["certificate"] == station_certificate().chain


# -- events


BAD = {
    "another authority": lambda: server_chain("stranger"),
    "expired": lambda: server_chain("operator", "csms.test", -1000),
    "another name": lambda: server_chain("operator", "elsewhere.test"),
}


@pytest.mark.parametrize("profile", [2, 3])
@pytest.mark.parametrize("why", BAD)
def test_a_server_with_a_bad_certificate_is_not_talked_to(why: str, profile: int) -> None:
    """A00.FR.307-310: no connection; the event comes with the next one that is sound, once."""
    lab = secured(profile=profile)
    lab.door.chain = BAD[why]()
    lab.fleet.cut(lab.station)
    lab.fleet.mend(lab.station)
    lab.run(600)
    assert not lab.station.link.is_up
    assert {r.cause for r in lab.fleet.recorded(ConnectFailed)} == {"tls_server_cert"}
    lab.door.chain = server_chain()
    lab.run(600)
    assert lab.events() == ["InvalidCentralSystemCertificate"]


@pytest.mark.parametrize(
    "field, value, event",
    [("versions", {"TLSv1.1"}, "InvalidTLSVersion"), ("ciphers", {"TLS_NULL"}, "InvalidTLSCipherSuite")],
)
def test_old_tls_is_refused_with_an_event(field: str, value: set[str], event: str) -> None:
    lab = secured(profile=2)
    before = getattr(lab.door, field)
    setattr(lab.door, field, frozenset(value))
    lab.fleet.cut(lab.station)
    lab.fleet.mend(lab.station)
    lab.run(300)
    setattr(lab.door, field, before)
    lab.run(600)
    assert lab.events() == [event]


def test_the_event_survives_a_power_cut_while_offline() -> None:
    """A04.FR.02."""
    lab = secured(profile=2)
    lab.door.chain = server_chain("stranger")
    lab.fleet.cut(lab.station)
    lab.fleet.mend(lab.station)
    lab.run(60)
    lab.feed(i.PowerOff())
    lab.door.chain = server_chain()
    lab.boot().run(120)
    assert lab.events()[:1] == ["InvalidCentralSystemCertificate"]


def test_refused_credentials_stand_only_in_the_log() -> None:
    """Not critical: FailedToAuthenticateAtCentralSystem."""
    lab = secured(profile=1)
    notes: list[str] = []
    publish = lab.station.publish

    def listen(report: Any, **kwargs: Any) -> None:
        notes.extend([report.kind] if type(report) is SecurityNote else [])
        publish(report, **kwargs)

    type(lab.station).publish, kept = listen_method(listen), type(lab.station).publish
    try:
        lab.door.passwords = frozenset({"other"})
        lab.fleet.cut(lab.station)
        lab.fleet.mend(lab.station)
        lab.run(300)
    finally:
        type(lab.station).publish = kept  # type: ignore[method-assign]
    lab.door.passwords = frozenset({FIRST})
    lab.run(600)
    assert notes.count("FailedToAuthenticateAtCsms") == 1 and lab.events() == []


def listen_method(function: Any) -> Any:
    """A function as a method that forgets its object."""
    return lambda self, report, **kwargs: function(report, **kwargs)


def test_without_a_security_profile_a_boot_is_not_told() -> None:
    """A central system may never have heard of the extension."""
    lab = delivered(profile=0).boot()
    lab.run(30)
    assert "SecurityEventNotification" not in lab.csms.actions()


@pytest.mark.parametrize("profile", [1, 2, 3])
def test_a_boot_is_told_after_the_registration(profile: int) -> None:
    lab = delivered(profile=profile)
    lab.boot().run(30)
    assert lab.events() == ["StartupOfTheDevice"]  # type: ignore[attr-defined]
    actions = lab.csms.actions()
    assert actions[0] == "BootNotification" and actions.index("SecurityEventNotification") > 0
    assert lab.ask("Reset", type="Hard") == {"status": "Accepted"}
    lab.run(60)
    assert lab.events() == ["StartupOfTheDevice", "ResetOrReboot"]  # type: ignore[attr-defined]


def test_a_clock_that_is_set_noticeably_is_told() -> None:
    hardware = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0, battery=False))
    lab = delivered(profile=1, hardware=hardware)
    lab.boot().run(30)
    assert lab.events() == ["StartupOfTheDevice", "SettingSystemTime"]  # type: ignore[attr-defined]


def test_a_full_memory_is_told_once() -> None:
    lab = secured(profile=1)
    lab.inject("flash.full", free_bytes=300)
    for number in range(8):
        assert lab.install(authority(f"many-{number}").pem) == "Failed"
    lab.run(30)
    assert lab.events() == ["MemoryExhaustion"]


def test_names_of_the_white_paper() -> None:
    assert all(old.endswith(("CentralSystem", "Certificate", "Authenticate")) for old in NAMES.values())
    assert secured().fleet.epoch_us == EPOCH_US
