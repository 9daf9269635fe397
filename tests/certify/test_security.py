"""The tool as an operator, and connections as messages a case can look at."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from simulator.certify.case import CASES, Case
from simulator.certify.cases16.security import EVENT, security_event
from simulator.certify.reset import Reset
from simulator.certify.rig import Rig
from simulator.certify.runner import run_case, run_cases
from simulator.certify.security import (
    CONNECT_SCHEMA,
    DELIVERED_PASSWORD,
    IMAGE,
    NEW_PASSWORD,
    OPERATOR,
    Security,
    connect_payload,
    hashed,
)
from simulator.certify.tester import Tester
from simulator.certify.verdicts import FAIL, PASS, CaseResult
from simulator.certify.wire import CONNECT, schema_problem
from simulator.errors import AuthorError
from simulator.pki import work
from simulator.pki.keystore import Keystore
from simulator.pki.reading import inspect_certificate
from simulator.wire.rpc import CALL

PROFILE = "generic/ac-single"
EPOCH_US = 1_772_323_200_000_000


def play(scenario: Any, *, mutation: Any = None, security: tuple[int, ...] = (), **more: Any) -> CaseResult:
    """One case on a new bench."""
    rig = Rig(PROFILE)
    reset = Reset(rig)
    reset.learn()
    case = Case("TC_003", scenario, fresh=bool(security), security=security, **more)
    return run_case(rig, reset, case, mutation=mutation)


def operator() -> Security:
    """The tool's side for a device."""
    return Security(EPOCH_US, "SN-1", Keystore())


def test_certificates_follow_from_the_device_and_the_day() -> None:
    """So that a run can be repeated; the expired root is that, the stranger's certificate nobody's."""
    one, other = operator(), operator()
    assert one.root.pem == other.root.pem and one.server.chain == other.server.chain
    assert one.root.pem != one.other_root.pem != one.maker.pem != one.other_maker.pem
    work.check_chain(one.server.chain, [one.root.pem], EPOCH_US, purpose="server", host="127.0.0.1")
    work.check_chain(one.signer.chain, [one.maker.pem], EPOCH_US, purpose="code")
    with pytest.raises(work.Rejected, match="expired"):
        work.check_chain(one.expired_root, [], EPOCH_US, purpose="root")
    keys = Keystore()
    keys.make("k")
    csr = keys.csr("k", {"CN": "SN-1", "O": OPERATOR})
    work.check_chain(one.signed(csr), [one.root.pem], EPOCH_US, purpose="client", common_name="SN-1")
    with pytest.raises(work.Rejected, match="untrusted"):
        work.check_chain(one.signed_by_nobody(csr), [one.root.pem], EPOCH_US, purpose="client")


def test_signatures_over_the_image() -> None:
    """The right one is right, the wrong one is the maker's and wrong all the same."""
    own, sha256 = operator(), hashlib.sha256(IMAGE).hexdigest()
    work.check_signature(sha256, own.signer.certificate, own.signature)
    with pytest.raises(work.Rejected, match="bad_signature"):
        work.check_signature(sha256, own.signer.certificate, own.wrong_signature)


def test_hash_data_in_the_words_of_the_protocol() -> None:
    """As the station computes it, in other words."""
    pem = operator().root.pem
    facts = inspect_certificate(pem)
    assert hashed(pem) == {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": facts["issuer_name_hash"],
        "issuerKeyHash": facts["issuer_key_hash"],
        "serialNumber": facts["serial_number"],
    }


def test_what_is_noted_of_a_connection_holds_no_secret_and_fits_its_schema() -> None:
    """A password is judged, never noted."""
    password = bytes.fromhex(DELIVERED_PASSWORD)
    noted = connect_payload("DUT", tls="TLSv1.2", suites=["B", "A"], user="DUT", password=password, expected=b"0")
    assert noted == {
        "identity": "DUT",
        "endpoint": "",
        "tls": "TLSv1.2",
        "suites": ["A", "B"],
        "user": "DUT",
        "credential": "other",
        "password_bytes": 18,
    }
    right = connect_payload("DUT", user="DUT", password=password, expected=bytes.fromhex(DELIVERED_PASSWORD))
    assert right["credential"] == "current" and set(right) < set(CONNECT_SCHEMA["properties"])
    assert not schema_problem(CONNECT, CALL, noted) and not schema_problem(CONNECT, CALL, right)
    assert "nobody" in schema_problem(CONNECT, CALL, {**noted, "nobody": 1})


@pytest.mark.parametrize("profile", [0, 1, 2, 3])
def test_a_station_delivered_with_a_security_profile(profile: int) -> None:
    """It says so, and connects as the profile wants; the door is for no other."""

    def look(t: Tester) -> None:
        assert t.read("SecurityProfile") == str(profile)
        assert t.rig.door is t.rig.security.door is not None and t.rig.door.profiles == {profile}
        t.rig.mains(False)
        t.rig.mains(True)
        seen = t.expect(1, CONNECT, identity="DUT", within_s=300).payload
        assert seen["tls"] == ("TLSv1.3" if profile > 1 else "")
        assert ("credential" in seen) == (profile in (1, 2)) and ("certificate" in seen) == (profile == 3)

    assert play(look, security=(profile,)).verdict == PASS


def test_a_clock_that_begins_years_ago_finds_the_tool_in_force() -> None:
    """Until it is set by the tool, which it must reach first."""
    rig = Rig("alfen/ng910")
    rig.deliver(2)
    began_us = rig.station.board.rtc.wall(rig.station.now)
    assert began_us < rig.fleet.epoch_us - 86_400_000_000 * 365
    assert rig.wait_for(lambda: rig.csms.boots > 0, 300)


def test_ordinary_security_events_are_in_nobodys_way() -> None:
    """They come when they come; another one than the one wanted fails the case there."""

    def told(*types: str) -> CaseResult:
        def look(t: Tester) -> None:
            for number, name in enumerate(types):
                payload = {"type": name, "timestamp": "2026-03-01T00:00:00Z"}
                frame = [CALL, f"own-{number}", EVENT, payload]
                t.csms.hear(json.dumps(frame).encode(), t.rig.now_us, number)
            security_event(t, 7, "InvalidChargePointCertificate")

        return play(look)

    assert told("StartupOfTheDevice", "SettingSystemTime", "InvalidChargePointCertificate").verdict == PASS
    wrong = told("StartupOfTheDevice", "InvalidMessages").failure
    assert wrong is not None and (wrong.step, wrong.path, wrong.got) == ("7", "type", "InvalidMessages")
    missing = told("StartupOfTheDevice").failure
    assert missing is not None and missing.got == "nothing"


def test_without_a_security_profile_everybody_is_let_in_and_nothing_is_noted() -> None:
    """As before there were any."""

    def look(t: Tester) -> None:
        assert t.rig.door is None and t.read("SecurityProfile") == "0"
        t.power_cycle()
        t.expect(1, "BootNotification", within_s=300)
        assert not t.told(CONNECT)

    assert play(look).verdict == PASS


def test_a_connection_can_be_lied_about() -> None:
    """Altered, it is seen so; dropped, the case never hears of it."""

    def reconnects(t: Tester) -> None:
        t.rig.security.take(NEW_PASSWORD)
        t.call(1, "ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD}, status="Accepted")
        t.expect(2, CONNECT, credential="current")

    def other(number: int, frame: list[Any]) -> list[Any] | None:
        return [*frame[:3], {**frame[3], "credential": "other"}] if frame[2] == CONNECT else frame

    assert play(reconnects, security=(1,)).verdict == PASS
    altered = play(reconnects, security=(1,), mutation=other)
    assert altered.failure is not None and altered.failure.path == "credential" and altered.failure.got == "other"
    dropped = play(reconnects, security=(1,), mutation=lambda n, frame: None if frame[2] == CONNECT else frame)
    assert dropped.verdict == FAIL and "nothing" in dropped.reason
    assert [row["from"] for row in dropped.frames if row["action"] == CONNECT] == ["hidden"]


def test_one_run_for_each_security_profile() -> None:
    """Named apart."""
    run = run_cases(PROFILE, ["TC_085", "TC_003"])
    assert [r.name for r in run.results] == ["TC_085 [profile 1]", "TC_085 [profile 2]", "TC_003"]
    assert {r.verdict for r in run.results} == {PASS}
    assert [r.as_dict()["security_profile"] for r in run.results if r.id == "TC_085"] == [1, 2]


def test_the_firmware_that_was_installed_is_named() -> None:
    """Version and hash of the image."""
    run = run_cases(PROFILE, ["TC_080"])
    assert run.firmware_version == "2.0.0" and run.firmware_sha256 is not None and len(run.firmware_sha256) == 64


def test_only_cases_about_connections_are_run_on_sockets() -> None:
    """Asked for another one, it says which there are."""
    with pytest.raises(AuthorError, match=r"--transport: none of these .* TC_073, .*TC_087"):
        run_cases(PROFILE, ["TC_003"], transport="socket")
    assert {name for name, case in CASES.items() if case.sockets} == {
        *("TC_073", "TC_074", "TC_077", "TC_078", "TC_083", "TC_085", "TC_086", "TC_087")
    }
