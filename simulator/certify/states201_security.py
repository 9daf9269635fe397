"""States and words of the cases about security: certificates, passwords, what a connection must show.

What the document calls a handshake is here the message ``Connect`` (:mod:`simulator.certify.security`): which TLS, who
says to be who, by what.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from simulator.certify.rules import OMITTED, Rule, look, one_of, such_that
from simulator.certify.security import BOTH_SUITES, LONG_ENOUGH, OPERATOR, ORDINARY, hashed
from simulator.certify.tester import WITHIN_S
from simulator.certify.tester201 import State201, Tester201
from simulator.certify.wire import ATTEMPT, CONNECT, Heard

CSMS_ROOT, MAKER_ROOT = "CSMSRootCertificate", "ManufacturerRootCertificate"
EVENT = "SecurityEventNotification"
#: a station may take so long to be back after a reset, or to connect anew by itself, s
BACK_S = 300.0
#: the operator goes into every request for a certificate (A02.FR.13)
OPERATOR_KNOWN = {"SecurityCtrlr.OrganizationName": OPERATOR}
#: A00.FR.313 and 416
SECURE: dict[str, Any] = {"tls": one_of("TLSv1.2", "TLSv1.3"), "suites": BOTH_SUITES}
#: A00.FR.205: characters of a password
PASSWORD_LENGTH = such_that("16 to 40 bytes", lambda got: 16 <= got <= 40)


def by_password(t: Tester201) -> dict[str, Any]:
    """Fields of a connection that says who it is by the password the tool takes (A00.FR.203 to 205)."""
    me = t.rig.station_id
    return {"identity": me, "user": me, "credential": "current", "password_bytes": PASSWORD_LENGTH}


def as_the_profile_wants(t: Tester201, profile: int) -> dict[str, Any]:
    """Fields of a connection of this security profile."""
    if profile == 1:
        return by_password(t)
    if profile == 2:
        return by_password(t) | SECURE
    # A00.FR.401 and 402: who shows a certificate sends no password
    return {"user": OMITTED, "credential": OMITTED, "certificate.common_name": t.rig.security.serial} | SECURE


def connects(t: Tester201, step: int | str, **more: Any) -> Heard:
    """The next connection is one of the security profile the station has now."""
    assert t.rig.security.profile is not None
    return t.expect(step, CONNECT, as_the_profile_wants(t, t.rig.security.profile) | more, within_s=BACK_S)


def security_event(t: Tester201, step: int, wanted: Any) -> None:
    """The station tells this event; others that are told whenever they happen are in nobody's way."""

    t.rig.wait_for(lambda: bool(special_events(t)), max(WITHIN_S, t.rig.patience_s))
    special = special_events(t)
    t.csms.pending[:] = [heard for heard in t.csms.pending if heard.action != EVENT or heard in special]
    t.expect(step, EVENT, type=wanted)


def special_events(t: Tester201) -> list[Heard]:
    """Security events nobody has claimed yet, without those of the daily round."""
    return [h for h in t.csms.pending if h.action == EVENT and h.payload.get("type") not in ORDINARY]


# -- certificates ------------------------------------------------------------------------------------------------------


def _long_enough(csr: Any) -> bool:
    """Is it a request (RFC 2986) in PEM, signed by a key that is long enough (A00.FR.502 and 503)?"""
    try:
        request = x509.load_pem_x509_csr(str(csr).encode())
    except ValueError:
        return False
    key = request.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return request.is_signature_valid and key.key_size >= LONG_ENOUGH["EC"]
    return isinstance(key, rsa.RSAPublicKey) and request.is_signature_valid and key.key_size >= LONG_ENOUGH["RSA"]


SOUND_REQUEST = such_that("a request for a certificate in PEM, for a key that is long enough", _long_enough)


def triggered_request(t: Tester201, step_trigger: int, step_csr: int) -> str:
    """The station is told to ask for a certificate, and does; its request."""
    wanted = {"requestedMessage": "SignChargingStationCertificate"}
    t.call(step_trigger, "TriggerMessage", wanted, status="Accepted")
    return asked(t, step_csr)


def asked(t: Tester201, step: int, **when: Any) -> str:
    """The station asks for a certificate; its request."""
    kind = {"certificateType": one_of("ChargingStationCertificate", OMITTED)}
    return str(t.expect(step, "SignCertificate", {"csr": SOUND_REQUEST, **kind}, **when).payload["csr"])


def signed(t: Tester201, step: int, chain: str, status: Any) -> Heard:
    """The tool sends a certificate."""
    payload = {"certificateChain": chain, "certificateType": "ChargingStationCertificate"}
    return t.call(step, "CertificateSigned", payload, status=status)


def renewed_certificate(t: Tester201) -> None:
    """The station has asked for a certificate, was given it and uses it; the station is at security profile 3, or will
    be (then there is nothing to connect with yet). Errata 6.2.122 and 6.2.123: it connects anew."""
    renewed(t)


def renewed(t: Tester201) -> str:
    """As :func:`renewed_certificate`; the certificate is returned."""
    with t.within("RenewChargingStationCertificate"):
        t.configure("SecurityCtrlr.OrganizationName", OPERATOR)
        chain = t.rig.security.signed(triggered_request(t, 2, 3))
        t.drop(CONNECT, ATTEMPT)
        signed(t, 6, chain, "Accepted")
        if t.rig.security.profile == 3:
            if not t.rig.wait_for(lambda: t.told(CONNECT), WITHIN_S):
                t.rig.hang_up()
            connects(t, 7, **{"certificate.serial": hash_of(t, chain)["serialNumber"]})
    return chain


def installed(kind: str, root: str) -> State201:
    """A memory state: this root (``other_root``, ``other_maker``, ... of the tool's operator) is installed."""

    def state(t: Tester201) -> None:
        install(t, kind, getattr(t.rig.security, root).pem)

    return state


def install(t: Tester201, kind: str, pem: str, status: Any = "Accepted") -> None:
    """The tool installs a root."""
    with t.within("CertificateInstalled"):
        t.call(2, "InstallCertificate", {"certificateType": kind, "certificate": pem}, status=status)


def listed_certificates(t: Tester201, step: int | str, *kinds: str, **more: Any) -> Heard:
    """The tool asks which certificates of these kinds (all of them without) there are."""
    return t.call(step, "GetInstalledCertificateIds", {"certificateType": list(kinds)} if kinds else {}, **more)


def known_certificates(t: Tester201, wanted: dict[str, str]) -> None:
    """GetInstalledCertificates: each kind is listed with this root (PEM)."""
    with t.within("GetInstalledCertificates"):
        heard = listed_certificates(t, 2, *wanted, status="Accepted")
        for kind, pem in wanted.items():
            t.validate(2, heard, certificateHashDataChain=including(kind, hash_of(t, pem)))


def hash_of(t: Tester201, pem: str) -> dict[str, str]:
    """The hash data of a certificate that is a root or one of the operator's."""
    return hashed(pem, t.rig.security.root.pem)


def including(kind: str, wanted: dict[str, str]) -> Rule:
    """A list of hash data with this certificate in it, as this kind; hexadecimal text compares without case."""
    return such_that(f"with {kind} {wanted['serialNumber']}", lambda got: _holds(got, kind, wanted))


def without(kind: str, wanted: dict[str, str]) -> Rule:
    """No list, or one without this certificate."""
    return Rule(f"without {kind} {wanted['serialNumber']}", lambda got: got is OMITTED or not _holds(got, kind, wanted))


def _holds(rows: Any, kind: str, wanted: dict[str, str]) -> bool:
    plain = {f"certificateHashData.{name}": value.lower() for name, value in wanted.items()}
    return any(
        look(row, "certificateType") == kind and {path: str(look(row, path)).lower() for path in plain} == plain
        for row in rows
    )
