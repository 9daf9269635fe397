"""Security: passwords, certificates, security profiles, and what a connection must look like."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case
from simulator.certify.rules import OMITTED, Rule, one_of, such_that
from simulator.certify.security import BOTH_SUITES, LONG_ENOUGH, NEW_PASSWORD, OPERATOR, ORDINARY, hashed
from simulator.certify.states import certificate_installed, renewed_certificate
from simulator.certify.tester import WITHIN_S, Tester
from simulator.certify.wire import Heard

CSMS_ROOT, MAKER_ROOT = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
#: a station may take so long to be back after a reset
BACK_S = 300.0
EVENT = "SecurityEventNotification"
TLS = one_of("TLSv1.2", "TLSv1.3")
OPERATOR_KNOWN = {"CpoName": OPERATOR}


def including(wanted: dict[str, str]) -> Rule:
    """A list of hash data with this certificate in it; hexadecimal text compares without case."""
    return such_that(f"with {wanted['serialNumber']}", lambda got: _holds(got, wanted))


def without(wanted: dict[str, str]) -> Rule:
    """No list, or one without this certificate."""
    return Rule(f"without {wanted['serialNumber']}", lambda got: got is OMITTED or not _holds(got, wanted))


def _holds(listed: list[dict[str, Any]], wanted: dict[str, str]) -> bool:
    plain = {name: value.lower() for name, value in wanted.items()}
    return any({name: str(one.get(name)).lower() for name in plain} == plain for one in listed)


def by_password(t: Tester, step: int) -> Heard:
    """The next connection says who it is by the password the tool takes (A00.FR.203 to 205)."""
    # 16 to 20 bytes: the document's 20 to 40 hexadecimal digits, but never less than 16 characters
    length = such_that("16 to 20 bytes", lambda got: 16 <= got <= 20)
    fields = {"identity": t.rig.station_id, "user": t.rig.station_id, "credential": "current", "password_bytes": length}
    return t.expect(step, "Connect", fields, within_s=BACK_S)


def reset(t: Tester) -> None:
    """The tool resets the station."""
    t.drop("Connect")
    t.call("reset", "Reset", {"type": "Hard"}, status="Accepted")


def booted(t: Tester, step_boot: int, step_status: int) -> None:
    """It tells that it has booted, and that every connector is free."""
    t.expect(step_boot, "BootNotification", within_s=BACK_S)
    t.statuses(step_status, {}, others="Available")


def security_event(t: Tester, step: int, wanted: str) -> None:
    """The station tells this event; others that are told whenever they happen are in nobody's way."""

    def ordinary(heard: Heard) -> bool:
        return heard.action == EVENT and heard.payload.get("type") in ORDINARY

    def told() -> bool:
        return any(heard.action == EVENT and not ordinary(heard) for heard in t.csms.pending)

    t.rig.wait_for(told, max(WITHIN_S, t.rig.patience_s))
    t.csms.pending[:] = [heard for heard in t.csms.pending if not ordinary(heard)]
    t.expect(step, EVENT, type=wanted)


@case("TC_073", security=(1, 2), sockets=True)
def new_password(t: Tester) -> None:
    """Told a new password, the station comes back with it."""
    t.drop("Connect")
    t.rig.security.take(NEW_PASSWORD)  # looked at when somebody connects; the station still is
    t.call(2, "ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD}, status="Accepted")
    by_password(t, 3)


def request(t: Tester, step_trigger: int, step_csr: int) -> str:
    """The station is told to ask for a certificate, and does; its request."""
    wanted = {"requestedMessage": "SignChargePointCertificate"}
    t.call(step_trigger, "ExtendedTriggerMessage", wanted, status="Accepted")
    return str(t.expect(step_csr, "SignCertificate").payload["csr"])


@case("TC_074", security=(3,), settings=OPERATOR_KNOWN, sockets=True)
def new_certificate(t: Tester) -> None:
    """Asked to renew its certificate the station comes back with the one it was given."""
    chain = t.rig.security.signed(request(t, 2, 3))
    t.drop("Connect")
    t.call(6, "CertificateSigned", {"certificateChain": chain}, status="Accepted")
    fields = {"certificate.serial": hashed(chain)["serialNumber"], "identity": t.rig.station_id}
    t.expect(7, "Connect", fields)


def install(t: Tester, kind: str, pem: str) -> None:
    """A root is installed and listed."""
    t.call(2, "InstallCertificate", {"certificateType": kind, "certificate": pem}, status="Accepted")
    listed = {"status": "Accepted", "certificateHashData": including(hashed(pem))}
    t.call(4, "GetInstalledCertificateIds", {"certificateType": kind}, listed)


@case("TC_075_1", security=(2, 3))
def maker_root(t: Tester) -> None:
    """A root of the maker."""
    install(t, MAKER_ROOT, t.rig.security.other_maker.pem)


@case("TC_075_2", security=(2, 3))
def operator_root(t: Tester) -> None:
    """A root of the operator."""
    install(t, CSMS_ROOT, t.rig.security.other_root.pem)


@case("TC_076", security=(2, 3), memory=[certificate_installed])
def root_deleted(t: Tester) -> None:
    """A root nothing rests on can be deleted, and is gone."""
    root = hashed(t.rig.security.other_root.pem)
    t.call(2, "GetInstalledCertificateIds", {"certificateType": CSMS_ROOT})
    t.call(4, "DeleteCertificate", {"certificateHashData": root}, status="Accepted")
    t.call(6, "GetInstalledCertificateIds", {"certificateType": CSMS_ROOT}, certificateHashData=without(root))


@case("TC_077", security=(3,), settings=OPERATOR_KNOWN, sockets=True)
def wrong_certificate(t: Tester) -> None:
    """A certificate nobody vouches for is turned down, and told."""
    chain = t.rig.security.signed_by_nobody(request(t, 2, 3))
    t.call(6, "CertificateSigned", {"certificateChain": chain}, status="Rejected")
    security_event(t, 7, "InvalidChargePointCertificate")


@case("TC_078", security=(2, 3), sockets=True)
def wrong_root(t: Tester) -> None:
    """A root whose time is over is turned down, and told."""
    payload = {"certificateType": CSMS_ROOT, "certificate": t.rig.security.expired_root}
    t.call(2, "InstallCertificate", payload, status="Rejected")
    security_event(t, 3, "InvalidCentralSystemCertificate")


def ready_for_more(t: Tester) -> None:
    """What the next security profile needs: a root of the tool from 1 to 2, a certificate of the station to 3."""
    if t.rig.security.profile == 1:
        certificate_installed(t, t.rig.security.root.pem)
    else:
        renewed_certificate(t)


@case("TC_083", security=(1, 2), memory=[ready_for_more], sockets=True)
def upgrade(t: Tester) -> None:
    """One security profile up: the station comes back with it, by itself or after a reset."""
    wanted = (t.rig.security.profile or 0) + 1
    t.drop("Connect")
    t.rig.security.offer(wanted)
    payload = {"key": "SecurityProfile", "value": str(wanted)}
    heard = t.call(2, "ChangeConfiguration", payload, status=one_of("Accepted", "RebootRequired"))
    by_itself = heard.payload["status"] == "Accepted" and t.rig.wait_for(lambda: t.told("Connect"), BACK_S)
    if not by_itself:
        t.call(4, "Reset", {"type": "Hard"}, status="Accepted")
        booted(t, 5, 7)
    # what the new connection has to show is in no step, but the point of the case (A05.FR.04, A05.FR.06)
    fields: dict[str, Any] = {"tls": TLS, "credential": OMITTED if wanted == 3 else "current"}
    t.expect("2b", "Connect", fields | ({"certificate.common_name": t.rig.security.serial} if wanted == 3 else {}))


@case("TC_084", security=(2, 3))
def no_way_back(t: Tester) -> None:
    """One security profile down is refused."""
    lower = (t.rig.security.profile or 0) - 1
    t.call(2, "ChangeConfiguration", {"key": "SecurityProfile", "value": str(lower)}, status="Rejected")


@case("TC_085", security=(1, 2), sockets=True)
def connects_by_password(t: Tester) -> None:
    """After a reset the station says who it is by name and password."""
    reset(t)
    by_password(t, 1)
    booted(t, 3, 5)


@case("TC_086", security=(2, 3), sockets=True)
def connects_by_tls(t: Tester) -> None:
    """After a reset the station connects over TLS, with a password if its security profile has one."""
    reset(t)
    if t.rig.security.profile == 2:
        heard = by_password(t, 5)
    else:  # A00.FR.401: who shows a certificate sends no password
        heard = t.expect(5, "Connect", {"user": OMITTED, "credential": OMITTED}, within_s=BACK_S)
    t.validate(2, heard, tls=TLS, suites=BOTH_SUITES)
    booted(t, 7, 9)


@case("TC_087", security=(3,), sockets=True)
def connects_by_certificate(t: Tester) -> None:
    """After a reset the station connects over TLS and shows a certificate in its own name."""
    reset(t)
    # That it is X.509 is what TLS itself demands; its encoding on the wire is DER, whatever the document says.
    heard = t.expect(4, "Connect", {"tls": TLS, "suites": BOTH_SUITES}, within_s=BACK_S)
    kind = t.validate(4, heard, {"certificate.key": one_of(*LONG_ENOUGH)}).payload["certificate"]["key"]
    bits = such_that(f"at least {LONG_ENOUGH[kind]}", lambda got: got >= LONG_ENOUGH[kind])
    serial = such_that("a serial number", lambda got: got.strip("0") != "")
    fields = {"certificate.bits": bits, "certificate.serial": serial}
    t.validate(4, heard, fields | {"certificate.common_name": t.rig.security.serial})
    booted(t, 7, 9)
