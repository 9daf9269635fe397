"""D01 and D02: the local authorisation list, sent and asked for its version."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.states201 import booted
from simulator.certify.tester201 import Tester201

ENABLED = "LocalAuthListCtrlr.Enabled"
#: the version the tool is set to; the one before it must be a version of a list as well
VERSION = 5
LISTED = {ENABLED: True}


def _send(t: Tester201, step: int, version: int, *tokens: str, full: bool = False, **more: Any) -> None:
    """The tool sends an update with these tokens as accepted ones; without any it has no list at all."""
    payload: dict[str, Any] = {"versionNumber": version, "updateType": "Full" if full else "Differential"}
    if tokens:
        rows = [{"idToken": t.token(token), "idTokenInfo": {"status": "Accepted"}} for token in tokens]
        payload["localAuthorizationList"] = rows
    t.call(step, "SendLocalList", {**payload, **more}, status="Accepted")


def _version(t: Tester201, step: int, version: int) -> None:
    t.call(step, "GetLocalListVersion", {}, versionNumber=version)


def _held(t: Tester201) -> None:
    """The list holds the valid token and has the tool's version (IdTokenLocalAuthList)."""
    with t.within("IdTokenLocalAuthList"):
        _send(t, 2, VERSION, t.valid, full=True)


@case_201("TC_D_01", settings=LISTED, if_implemented=[ENABLED])
def full(t: Tester201) -> None:
    """Send list: full."""
    _send(t, 2, VERSION, t.valid, full=True)
    _version(t, 4, VERSION)


@case_201("TC_D_02", settings=LISTED, if_implemented=[ENABLED], memory=[_held])
def added(t: Tester201) -> None:
    """Send list: differential update."""
    _send(t, 2, VERSION + 1, t.valid2)
    _version(t, 4, VERSION + 1)


@case_201("TC_D_03", settings=LISTED, if_implemented=[ENABLED], memory=[_held])
def removed(t: Tester201) -> None:
    """Send list: differential remove."""
    _send(t, 2, VERSION + 1, localAuthorizationList=[{"idToken": t.token()}])
    _version(t, 4, VERSION + 1)


@case_201("TC_D_04", settings=LISTED, if_implemented=[ENABLED], memory=[_held])
def emptied(t: Tester201) -> None:
    """Send list: full with empty list, which keeps its version (D01.FR.04)."""
    _send(t, 2, VERSION, full=True)
    _version(t, 4, VERSION)


@case_201("TC_D_05", settings=LISTED, if_implemented=[ENABLED], memory=[_held])
def nothing_new(t: Tester201) -> None:
    """Send list: differential with empty list."""
    _send(t, 2, VERSION + 1)
    _version(t, 4, VERSION + 1)


@case_201("TC_D_06", settings=LISTED, if_implemented=[ENABLED], memory=[_held])
def outdated(t: Tester201) -> None:
    """Send list: VersionMismatch."""
    rows = [{"idToken": t.token(t.valid2), "idTokenInfo": {"status": "Accepted"}}]
    payload = {"versionNumber": VERSION - 1, "updateType": "Differential", "localAuthorizationList": rows}
    t.call(2, "SendLocalList", payload, status="VersionMismatch")
    _version(t, 4, VERSION)


@case_201("TC_D_07", settings=LISTED, if_implemented=[ENABLED], memory=[_held], states=[booted])
def kept(t: Tester201) -> None:
    """Send list: persistent over reboot."""
    _version(t, 2, VERSION)


@case_201("TC_D_08", settings=LISTED, if_implemented=[ENABLED], memory=[_held])
def asked(t: Tester201) -> None:
    """Get Local List Version: success."""
    _version(t, 2, VERSION)


@case_201("TC_D_10", settings={ENABLED: False}, if_implemented=[ENABLED])
def switched_off(t: Tester201) -> None:
    """Get Local List Version: function disabled."""
    _version(t, 2, 0)
