"""A: passwords, TLS, the station's own certificate, and the way up through the security profiles."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import one_of, such_that
from simulator.certify.security import LONG_ENOUGH, NEW_PASSWORD
from simulator.certify.states201 import HAND_S, booted, booting, rebooted
from simulator.certify.states201_network import active_slot, move, network_profile, use_slots
from simulator.certify.states201_security import (
    BACK_S,
    CSMS_ROOT,
    EVENT,
    OPERATOR_KNOWN,
    as_the_profile_wants,
    asked,
    by_password,
    connects,
    install,
    renewed,
    renewed_certificate,
    security_event,
    signed,
    special_events,
    triggered_request,
)
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place
from simulator.certify.wire import CONNECT

PASSWORD = "SecurityCtrlr.BasicAuthPassword"
PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
ATTEMPTS = "OCPPCommCtrlr.NetworkProfileConnectionAttempts"
WILDCARDS = "SecurityCtrlr.AllowCSMSTLSWildcards"
WAIT, TIMES = "SecurityCtrlr.CertSigningWaitMinimum", "SecurityCtrlr.CertSigningRepeatTimes"
#: one character less than a password must have
SHORT_PASSWORD = "fifteen-letters"
WAIT_S = 30
#: the station is watched for so long when it must not come back, s
LONG_S = 120.0
#: back-off of the cases about refused connections, s
BACK_OFF = {
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 5,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": 0,
}


# -- connections -------------------------------------------------------------------------------------------------------


@case_201("TC_A_01", security=(1, 2), sockets=True)
def name_and_password(t: Tester201) -> None:
    """Basic Authentication: valid username/password combination."""
    t.drop(CONNECT)
    booted(t)
    t.expect(1, CONNECT, by_password(t))


@case_201("TC_A_04", security=(2, 3), states=[booting], sockets=True)
def sound_server(t: Tester201) -> None:
    """TLS, server-side certificate: valid certificate."""
    connects(t, 2)
    rebooted(t, step=7, event=False)


@case_201(
    "TC_A_05",
    settings={ATTEMPTS: 3, PRIORITY: lambda t: active_slot(t), WILDCARDS: False, **BACK_OFF},
    if_implemented=[WILDCARDS],
    security=(2, 3),
    sockets=True,
)
def unsound_server(t: Tester201) -> None:
    """TLS, server-side certificate: invalid certificate. Errata 6.2.2 to 6.2.4: for each certificate."""
    sound = t.rig.security.server
    t.drop(CONNECT)
    began_us = t.rig.now_us
    t.rig.hang_up()
    connects(t, 3)
    took_s = (t.rig.now_us - began_us) / 1e6
    for server in t.rig.security.unsound_servers().values():
        t.rig.show(server)
        t.rig.hang_up()
        t.never(7, CONNECT, 2.0 * took_s)
        t.rig.show(sound)
        connects(t, 9)
        security_event(t, 11, "InvalidCsmsCertificate")


@case_201("TC_A_06", settings={ATTEMPTS: 1, **BACK_OFF}, security=(2, 3), sockets=True)
def old_tls(t: Tester201) -> None:
    """TLS, server-side certificate: TLS version too low. A station that notices why tells it (A00.FR.316)."""
    t.drop(CONNECT, EVENT)
    t.call("reset", "Reset", {"type": "Immediate"}, status="Accepted")
    t.rig.speak("TLSv1.1")
    t.never(3, CONNECT, LONG_S)
    t.rig.speak("TLSv1.2", "TLSv1.3")
    connects(t, 5)
    rebooted(t, step=10)
    t.wait(HAND_S)
    for heard in special_events(t):  # steps 16 and 17 are optional
        t.validate(16, heard, type="InvalidTLSVersion")


@case_201("TC_A_07", security=(3,), states=[booting], sockets=True)
def own_certificate(t: Tester201) -> None:
    """TLS, Client-side certificate: valid certificate. That it is X.509 is what TLS itself demands; its encoding on the
    wire is DER, whatever the document says."""
    heard = connects(t, 4)
    kind = t.validate(4, heard, {"certificate.key": one_of(*LONG_ENOUGH)}).payload["certificate"]["key"]
    bits = such_that(f"at least {LONG_ENOUGH[kind]}", lambda got: got >= LONG_ENOUGH[kind])
    serial = such_that("a serial number", lambda got: got.strip("0") != "")
    t.validate(4, heard, {"certificate.bits": bits, "certificate.serial": serial})
    rebooted(t, step=7, event=False)


# -- passwords ---------------------------------------------------------------------------------------------------------


def _set_password(t: Tester201, password: str, status: Any) -> str:
    payload = {"setVariableData": [{**place(PASSWORD), "attributeValue": password}]}
    heard = t.call(2, "SetVariables", payload, {"setVariableResult.0.attributeStatus": status})
    return str(heard.payload["setVariableResult"][0]["attributeStatus"])


@case_201("TC_A_09", security=(1, 2), sockets=True)
def new_password(t: Tester201) -> None:
    """New password: accepted."""
    t.drop(CONNECT)
    t.rig.security.take(NEW_PASSWORD)  # looked at when somebody connects; the station still is
    status = _set_password(t, NEW_PASSWORD, one_of("Accepted", "RebootRequired"))
    t.expect(3, CONNECT, by_password(t), within_s=BACK_S)
    if status == "RebootRequired":
        rebooted(t, step=5, event=False)


@case_201("TC_A_10", security=(1, 2), sockets=True)
def short_password(t: Tester201) -> None:
    """New password: rejected."""
    t.drop(CONNECT)
    _set_password(t, SHORT_PASSWORD, "Rejected")
    booted(t)
    t.expect(3, CONNECT, by_password(t))


# -- the station's own certificate -------------------------------------------------------------------------------------


@case_201("TC_A_11", security=(3,), sockets=True)
def new_certificate(t: Tester201) -> None:
    """Update station Certificate by request of CSMS: success, station Certificate."""
    renewed(t)


@case_201("TC_A_14", settings=OPERATOR_KNOWN, security=(3,), sockets=True)
def unsound_certificate(t: Tester201) -> None:
    """Update station Certificate by request of CSMS: invalid certificate."""
    signed(t, 6, t.rig.security.signed_by_nobody(triggered_request(t, 2, 3)), "Rejected")
    security_event(t, 7, "InvalidChargingStationCertificate")


@case_201("TC_A_15", settings=OPERATOR_KNOWN, security=(3,))
def request_refused(t: Tester201) -> None:
    """Update station Certificate by request of CSMS: SignCertificateRequest Rejected."""
    t.answer_next("SignCertificate", {"status": "Rejected"})
    triggered_request(t, 2, 3)


@case_201("TC_A_23", settings={**OPERATOR_KNOWN, WAIT: WAIT_S, TIMES: 1}, security=(3,))
def certificate_does_not_come(t: Tester201) -> None:
    """Update station Certificate by request of CSMS: CertificateSignedRequest Timeout. Errata 6.2.5: each of the
    requests is answered in the end, and one of the certificates at least is taken."""
    requests = [triggered_request(t, 2, 3)]
    for step, wait_s in ((6, WAIT_S), (9, 2 * WAIT_S)):
        # a second for the way there and back
        requests.append(asked(t, step, after_s=wait_s - 1.0, within_s=wait_s + 10.0))
    taken = []
    for step, csr in zip((12, 14, 16), requests, strict=True):
        t.drop(CONNECT)
        heard = signed(t, step, t.rig.security.signed(csr), one_of("Accepted", "Rejected"))
        taken.append(heard.payload["status"])
        if taken[-1] == "Accepted":  # it comes back with the new one
            connects(t, step)
    t.check("post", "one certificate at least is taken", "Accepted" in taken, taken)


# -- the security profile ----------------------------------------------------------------------------------------------


def ready_for_more(t: Tester201) -> None:
    """What the next security profile needs: a root of the tool from 1 to 2, a certificate of the station to 3."""
    if t.rig.security.profile == 1:
        install(t, CSMS_ROOT, t.rig.security.root.pem)
    else:
        renewed_certificate(t)


@case_201("TC_A_19", security=(1, 2), memory=[ready_for_more], sockets=True)
def upgrade(t: Tester201) -> None:
    """Security profile upgrade: accepted. With errata 6.2.6, 6.2.7, 6.2.17 and 6.2.18."""
    before = t.rig.security.profile or 0
    wanted = before + 1
    old, new = move(t, security_profile=wanted)
    t.drop(CONNECT)
    t.call(6, "Reset", {"type": "OnIdle"}, status="Accepted")
    t.rig.security.offer(wanted)
    t.expect(8, CONNECT, as_the_profile_wants(t, wanted) | {"endpoint": "/second"}, within_s=BACK_S)
    with t.within("Booted"):
        rebooted(t)
    one = {"getVariableResult.0.attributeValue": str(wanted)}
    t.call(12, "GetVariables", {"getVariableData": [place("SecurityCtrlr.SecurityProfile")]}, one)
    no_more = such_that(f"without {old}", lambda got: old not in got.split(",") and new in got.split(","))
    heard = t.call(14, "GetVariables", {"getVariableData": [place(PRIORITY)]})
    t.validate(14, heard, {"getVariableResult.0.attributeValue": no_more})
    if before == 1:
        t.rig.security.offer(1)
        t.rig.hang_up()
        t.never(16, CONNECT, LONG_S)
        t.rig.security.offer(2)
        t.expect(18, CONNECT, as_the_profile_wants(t, 2), within_s=BACK_S)


def _not_up(t: Tester201, wanted: int, *, stored: Any) -> None:
    """A network profile of a higher security may be stored; it cannot be used."""
    slot = active_slot(t)
    new = network_profile(t, security_profile=wanted, status=stored)
    use_slots(t, new, slot, status="Rejected")


@case_201("TC_A_20", settings={PRIORITY: lambda t: active_slot(t)}, security=(1,))
def no_root(t: Tester201) -> None:
    """Security profile upgrade: no valid CSMSRootCertificate installed. Errata 6.2.9: the network profile may be
    refused as well."""
    _not_up(t, 2, stored=one_of("Accepted", "Rejected"))


@case_201("TC_A_21", security=(2,))
def no_certificate(t: Tester201) -> None:
    """Security profile upgrade: no valid ChargingStationCertificate installed. Errata 6.2.10: it is profile 3."""
    _not_up(t, 3, stored="Accepted")


@case_201("TC_A_22", security=(2, 3))
def no_way_back(t: Tester201) -> None:
    """Security profile upgrade: downgrade security profile, Rejected. Errata 6.2.11: it is profile 1."""
    network_profile(t, security_profile=1, status="Rejected")
