"""Words of the cases about security and other addresses: what they take, and what not."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.certify.reset201 import Reset201
from simulator.certify.rig import Rig
from simulator.certify.rules import OMITTED
from simulator.certify.security import hashed
from simulator.certify.states201_network import active_slot, move
from simulator.certify.states201_security import (
    CSMS_ROOT,
    MAKER_ROOT,
    SOUND_REQUEST,
    connects,
    including,
    security_event,
    special_events,
    without,
)
from simulator.certify.tester201 import Tester201
from simulator.certify.verdicts import CaseFailed
from simulator.certify.wire import CONNECT, Heard
from simulator.wire.rpc import CALL


def at_bench(security: int) -> Tester201:
    """A tester at a station delivered with a security profile."""
    rig = Rig("generic/ac-single", deliver=False, ocpp="2.0.1")
    rig.deliver(security)
    Reset201(rig).learn()
    rig.csms.fresh_case()
    return Tester201(rig, "TC_A_01")


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "SN")])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def test_a_request_must_be_one_by_a_key_that_is_long_enough() -> None:
    """A00.FR.502 and 503; PEM, and signed by itself."""
    assert SOUND_REQUEST.accepts(request(ec.generate_private_key(ec.SECP256R1())))
    assert SOUND_REQUEST.accepts(request(rsa.generate_private_key(65537, 2048)))
    assert not SOUND_REQUEST.accepts(request(ec.generate_private_key(ec.SECP192R1())))
    assert not SOUND_REQUEST.accepts(request(rsa.generate_private_key(65537, 1024)))
    forged = request(ec.generate_private_key(ec.SECP256R1())).splitlines()
    forged[-2] = forged[-2][:4] + ("A" if forged[-2][4] != "A" else "B") + forged[-2][5:]
    for text in ("\n".join(forged), "no request", "", OMITTED):
        assert not SOUND_REQUEST.accepts(text)


def test_a_certificate_is_known_by_all_its_hashes_and_its_kind() -> None:
    """Text in hexadecimal digits compares without case."""
    rig = Rig("generic/ac-single", deliver=False, ocpp="2.0.1")
    rig.deliver(2)
    wanted = hashed(rig.security.root.pem)
    data = {name: value.lower() for name, value in wanted.items()} | {"hashAlgorithm": "SHA256"}
    row = {"certificateType": CSMS_ROOT, "certificateHashData": data}
    rule, gone = including(CSMS_ROOT, wanted), without(CSMS_ROOT, wanted)
    assert rule.accepts([row]) and not gone.accepts([row])
    other = {**row, "certificateHashData": {**data, "serialNumber": "1"}}
    for rows in ([other], [{**row, "certificateType": MAKER_ROOT}], [], OMITTED):
        assert not rule.accepts(rows) and gone.accepts(rows)


def test_ordinary_events_are_in_nobodys_way() -> None:
    t = at_bench(1)
    for kind in ("SettingSystemTime", "InvalidTLSVersion"):
        t.csms.pending.append(Heard(0, 0, CALL, kind, "SecurityEventNotification", {"type": kind}))
    assert [heard.payload["type"] for heard in special_events(t)] == ["InvalidTLSVersion"]
    security_event(t, 1, "InvalidTLSVersion")
    assert not t.csms.pending


@pytest.mark.parametrize("listening", [True, False])
def test_a_station_is_moved_to_the_other_address(listening: bool) -> None:
    """By the slot that is not in use; it comes back where it was when nobody is there."""
    t = at_bench(1)
    t.drop(CONNECT)
    assert (active_slot(t), move(t, security_profile=1, listening=listening)) == ("1", ("1", "2"))
    t.call(1, "Reset", {"type": "Immediate"}, status="Accepted")
    heard = connects(t, 2)
    t.wait(60.0)
    assert (heard.payload["endpoint"], active_slot(t)) == (("/second", "2") if listening else ("", "1"))


def test_who_comes_by_the_wrong_password_is_seen() -> None:
    t = at_bench(1)
    t.drop(CONNECT)
    t.rig.security.password = "another-password"  # the door goes on to take the old one
    t.rig.hang_up()
    with pytest.raises(CaseFailed, match="credential"):
        connects(t, 1)
