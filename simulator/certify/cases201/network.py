"""B09, B10: the station is moved to another address, and what it does when nobody takes it there."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.certificates import ADDITIONAL, csms_root_installed, server_of
from simulator.certify.security import SECOND
from simulator.certify.states201 import rebooted
from simulator.certify.states201_network import ACTIVE, move
from simulator.certify.states201_security import (
    BACK_S,
    CSMS_ROOT,
    EVENT,
    as_the_profile_wants,
    hash_of,
    including,
    install,
    listed_certificates,
)
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place
from simulator.certify.wire import ATTEMPT, CONNECT, Heard

ATTEMPTS = "OCPPCommCtrlr.NetworkProfileConnectionAttempts"
#: the shortest wait before a reconnection, s
WAIT_S = 20
BACK_OFF = {
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": 0,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": WAIT_S,
}


def _moved(t: Tester201, *, listening: bool = True) -> tuple[str, str]:
    """The station is told to go to the other address and starts anew; (slot so far, the new one)."""
    t.rig.tells_connections = True
    slots = move(t, security_profile=t.rig.security.profile or 0, listening=listening)
    t.drop(CONNECT, ATTEMPT, EVENT)
    t.call(6, "Reset", {"type": "OnIdle"}, status="Accepted")
    return slots


def _arrives(t: Tester201, step: int, endpoint: str, **more: Any) -> Heard:
    """The next connection is to this address, with the security it had before."""
    fields = as_the_profile_wants(t, t.rig.security.profile or 0) | {"endpoint": endpoint}
    return t.expect(step, CONNECT, fields, within_s=BACK_S, **more)


def _booted(t: Tester201, slot: str) -> None:
    with t.within("Booted"):
        rebooted(t)
    active = {"getVariableResult.0.attributeValue": slot}
    t.call("post", "GetVariables", {"getVariableData": [place(ACTIVE)]}, active)


@case_201("TC_B_45", security=(1, 2, 3), sockets=True)
def another_address(t: Tester201) -> None:
    """Move to another network profile: success, Same CSMS Root."""
    _, new = _moved(t)
    _arrives(t, 7, SECOND)
    _booted(t, new)


@case_201("TC_B_46", settings={ATTEMPTS: 2}, security=(1, 2))
def nobody_there(t: Tester201) -> None:
    """Move to another network profile: fallback mechanism, Same CSMS Root."""
    old, _ = _moved(t, listening=False)
    for _ in range(2):
        t.expect(7, ATTEMPT, endpoint=SECOND, within_s=BACK_S)
    _arrives(t, 8, "")
    t.check(7, "two attempts and no more", not t.told(ATTEMPT))
    _booted(t, old)


def next_root_installed(t: Tester201) -> None:
    """The root that is to replace the present one is installed."""
    install(t, CSMS_ROOT, t.rig.security.next_root.pem)


@case_201("TC_B_47", settings={ATTEMPTS: 1}, security=(2, 3), memory=[next_root_installed])
def new_root_does_not_fit(t: Tester201) -> None:
    """Move to another network profile: fallback after NetworkProfileConnectionAttempts per NetworkConfigurationPriority
    failed, New CSMS Root, New CSMS."""
    old, _ = _moved(t)
    t.expect(8, ATTEMPT, endpoint=SECOND, within_s=BACK_S)
    _arrives(t, 9, "")
    _booted(t, old)
    kept = including(CSMS_ROOT, hash_of(t, t.rig.security.root.pem))
    listed_certificates(t, 12, CSMS_ROOT, status="Accepted", certificateHashDataChain=kept)


@case_201("TC_B_49", settings={ATTEMPTS: 1, **BACK_OFF}, security=(1, 2))
def nobody_anywhere(t: Tester201) -> None:
    """Move to another network profile: fallback after NetworkProfileConnectionAttempts per NetworkConfigurationPriority
    failed, Same CSMS Root."""
    old, _ = _moved(t, listening=False)
    t.rig.refuse(True)
    t.expect(8, ATTEMPT, endpoint=SECOND, within_s=BACK_S)
    t.expect(10, ATTEMPT, endpoint="", within_s=BACK_S)
    t.rig.refuse(False)
    _arrives(t, 11, "", after_s=WAIT_S - 1.0)
    _booted(t, old)


@case_201("TC_B_50", security=(2, 3), memory=[csms_root_installed], sockets=True)
def another_operator(t: Tester201) -> None:
    """Move to another network profile: success, New CSMS Root, New CSMS."""
    security = t.rig.security
    authority = security.next_root if t.read(ADDITIONAL) == "true" else security.other_root
    _, new = _moved(t)
    t.rig.show(server_of(t, authority))
    _arrives(t, 7, SECOND)
    _booted(t, new)
