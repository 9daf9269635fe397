"""M: roots that the tool installs, lists and deletes, and a change of the root the station trusts the tool by."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, one_of, such_that
from simulator.certify.security import HOSTS
from simulator.certify.states201 import rebooted
from simulator.certify.states201_security import (
    BACK_S,
    CSMS_ROOT,
    EVENT,
    MAKER_ROOT,
    connects,
    hash_of,
    including,
    install,
    installed,
    known_certificates,
    listed_certificates,
    renewed,
    without,
)
from simulator.certify.tester201 import Tester201
from simulator.certify.wire import ATTEMPT, CONNECT
from simulator.core.link_policy import TLS_PROFILES
from simulator.pki.authority import Authority, Issued

ADDITIONAL = "SecurityCtrlr.AdditionalRootCertificateCheck"
MO_ROOT = "MORootCertificate"


def one_more_root(t: Tester201) -> str:
    """A root of the operator that nothing rests on (PEM): any, or one that the present root vouches for where the
    product wants that (note of TC_M_01)."""
    strict = t.read(ADDITIONAL) == "true" and t.rig.security.profile in TLS_PROFILES
    return (t.rig.security.next_root if strict else t.rig.security.other_root).pem


def csms_root_installed(t: Tester201) -> None:
    """A second root of the operator is installed."""
    install(t, CSMS_ROOT, one_more_root(t))


maker_root_installed = installed(MAKER_ROOT, "other_maker")


# -- install -----------------------------------------------------------------------------------------------------------


@case_201("TC_M_01", security=(2, 3))
def csms_root(t: Tester201) -> None:
    """Install CA certificate: CSMSRootCertificate."""
    root = one_more_root(t)
    install(t, CSMS_ROOT, root)
    known_certificates(t, {CSMS_ROOT: root})


@case_201("TC_M_02", security=(2,))
def maker_root(t: Tester201) -> None:
    """Install CA certificate: ManufacturerRootCertificate."""
    root = t.rig.security.other_maker.pem
    install(t, MAKER_ROOT, root)
    known_certificates(t, {MAKER_ROOT: root})


def _refused(t: Tester201, pem: str, **listed: Any) -> None:
    payload = {"certificateType": CSMS_ROOT, "certificate": pem}
    t.call(2, "InstallCertificate", payload, status="Rejected")
    listed_certificates(t, 4, CSMS_ROOT, status="Accepted", **listed)


@case_201("TC_M_07", security=(2, 3))
def expired_root(t: Tester201) -> None:
    """Install CA certificate: rejected, Certificate invalid."""
    pem = t.rig.security.expired_root
    _refused(t, pem, certificateHashDataChain=without(CSMS_ROOT, hash_of(t, pem)))


@case_201("TC_M_09", security=(2, 3))
def root_of_nobody(t: Tester201) -> None:
    """Install CA certificate: AdditionalRootCertificateCheck, Rejected."""
    known = t.rig.security.root.pem
    alone = such_that("one certificate", lambda got: len(got) == 1)
    _refused(t, t.rig.security.other_root.pem, certificateHashDataChain=alone)
    listed_certificates(t, 4, CSMS_ROOT, certificateHashDataChain=including(CSMS_ROOT, hash_of(t, known)))


# -- another root of the tool ------------------------------------------------------------------------------------------


def server_of(t: Tester201, authority: Authority) -> Issued:
    """A server of the tool that only who trusts this very authority takes: it shows its certificate alone."""
    made = authority.server(HOSTS, **t.rig.security.times)
    return Issued(made.certificate, made.certificate, made.key)


next_root_installed = installed(CSMS_ROOT, "next_root")


def certificate_renewed(t: Tester201) -> None:
    """A station at profile 3 gets a certificate, too."""
    if t.rig.security.profile == 3:
        renewed(t)


def _reset(t: Tester201) -> None:
    t.drop(CONNECT, ATTEMPT, EVENT)  # with a new certificate it has been told already that the root did not fit
    t.call(2, "Reset", {"type": "OnIdle"}, status="Accepted")


@case_201("TC_M_30", security=(2, 3), memory=[next_root_installed, certificate_renewed], sockets=True)
def new_root_works(t: Tester201) -> None:
    """Install CA certificate: AdditionalRootCertificateCheck, Reconnect using new CSMS Root, Success."""
    _reset(t)
    t.rig.show(server_of(t, t.rig.security.next_root))
    connects(t, 4)
    with t.within("Booted"):
        rebooted(t)
    gone = without(CSMS_ROOT, hash_of(t, t.rig.security.root.pem))
    listed_certificates(t, 7, CSMS_ROOT, status="Accepted", certificateHashDataChain=gone)


@case_201("TC_M_31", security=(2, 3), memory=[next_root_installed])
def new_root_does_not_work(t: Tester201) -> None:
    """Install CA certificate: AdditionalRootCertificateCheck, Reconnect using new CSMS Root, Failback mechanism."""
    t.rig.tells_connections = True
    _reset(t)
    t.expect(4, ATTEMPT, endpoint="", within_s=BACK_S)
    connects(t, 5)
    with t.within("Booted"):
        rebooted(t)
    kept = including(CSMS_ROOT, hash_of(t, t.rig.security.root.pem))
    listed_certificates(t, 8, CSMS_ROOT, status="Accepted", certificateHashDataChain=kept)


# -- list --------------------------------------------------------------------------------------------------------------


@case_201("TC_M_12", security=(2, 3), memory=[csms_root_installed])
def csms_roots(t: Tester201) -> None:
    """List certificates of the station: CSMSRootCertificate. All that are installed, so the first one as well
    (M03.FR.04)."""
    for pem in (one_more_root(t), t.rig.security.root.pem):
        known_certificates(t, {CSMS_ROOT: pem})


@case_201("TC_M_13", security=(2,), memory=[maker_root_installed])
def maker_roots(t: Tester201) -> None:
    """List certificates of the station: ManufacturerRootCertificate. All that are installed (M03.FR.04)."""
    for authority in (t.rig.security.other_maker, t.rig.security.maker):
        known_certificates(t, {MAKER_ROOT: authority.pem})


_BOTH: dict[str, Any] = {"security": (2, 3), "memory": [csms_root_installed, maker_root_installed]}


@case_201("TC_M_17", **_BOTH)
def both_kinds(t: Tester201) -> None:
    """List certificates of the station: CSMSRootCertificate & ManufacturerRootCertificate."""
    known_certificates(t, {CSMS_ROOT: one_more_root(t), MAKER_ROOT: t.rig.security.other_maker.pem})


@case_201("TC_M_18", **_BOTH)
def all_kinds(t: Tester201) -> None:
    """List certificates of the station: all certificateTypes."""
    heard = listed_certificates(t, 2, status="Accepted")
    t.validate(2, heard, certificateHashDataChain=including(CSMS_ROOT, hash_of(t, one_more_root(t))))
    t.validate(2, heard, certificateHashDataChain=including(MAKER_ROOT, hash_of(t, t.rig.security.other_maker.pem)))


def no_mo_root(t: Tester201) -> None:
    """What is there of MORootCertificates is deleted."""
    for row in listed_certificates(t, "before", MO_ROOT).payload.get("certificateHashDataChain", ()):
        payload = {"certificateHashData": row["certificateHashData"]}
        t.call("before", "DeleteCertificate", payload, status="Accepted")


@case_201("TC_M_19", security=(2,), memory=[no_mo_root])
def none_of_the_kind(t: Tester201) -> None:
    """List certificates of the station: no matching certificate found."""
    listed_certificates(t, 2, MO_ROOT, status="NotFound", certificateHashDataChain=OMITTED)


# -- delete ------------------------------------------------------------------------------------------------------------


@case_201("TC_M_20", security=(1, 2, 3), memory=[csms_root_installed])
def deleted(t: Tester201) -> None:
    """Delete a certificate of the station: success. The document deletes whatever is listed; the root by which the
    station trusts the tool at the moment need not go (M04.FR.03), so there is always another one."""
    root = one_more_root(t)
    known_certificates(t, {CSMS_ROOT: root})
    t.call(3, "DeleteCertificate", {"certificateHashData": hash_of(t, root)}, status="Accepted")
    left = one_of("Accepted", "NotFound")
    listed_certificates(t, 4, CSMS_ROOT, status=left, certificateHashDataChain=without(CSMS_ROOT, hash_of(t, root)))


@case_201("TC_M_22", security=(2, 3))
def never_installed(t: Tester201) -> None:
    """Delete a certificate of the station: no matching certificate found."""
    known_certificates(t, {CSMS_ROOT: t.rig.security.root.pem})
    unknown = hash_of(t, t.rig.security.other_root.pem)
    t.call(3, "DeleteCertificate", {"certificateHashData": unknown}, status="NotFound")


@case_201("TC_M_23", security=(3,))
def own_certificate_stays(t: Tester201) -> None:
    """Delete a certificate of the station: unable to delete the station Certificate."""
    chain = renewed(t)
    with t.within("GetInstalledCertificates"):
        listed_certificates(t, 2, status="Accepted")
    payload = {"certificateHashData": hash_of(t, chain)}
    t.call(3, "DeleteCertificate", payload, status=one_of("NotFound", "Failed"))
    t.drop(CONNECT)
    t.rig.hang_up()
    connects(t, "post", **{"certificate.serial": hash_of(t, chain)["serialNumber"]})
