"""The local authorisation list: a station without one, versions, updates, and a session on its word."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case
from simulator.certify.cases16.sessions import started
from simulator.certify.tester import Tester

LISTED = {"LocalAuthListEnabled": True}


def update(t: Tester, version: int, *tokens: str, full: bool = True) -> dict[str, Any]:
    """The payload of a SendLocalList with these tokens accepted; without any the list is left out."""
    payload: dict[str, Any] = {"listVersion": version, "updateType": "Full" if full else "Differential"}
    if tokens:
        payload["localAuthorizationList"] = [{"idTag": one, "idTagInfo": {"status": "Accepted"}} for one in tokens]
    return payload


@case("TC_042_1", settings={"LocalAuthListEnabled": False}, if_implemented=["LocalAuthListEnabled"])
def no_list_no_version(t: Tester) -> None:
    """Without a list its version is -1, or the question not supported."""
    t.call(2, "GetLocalListVersion", {}, or_error="NotSupported", listVersion=-1)


@case("TC_043_1")
def no_list_no_update(t: Tester) -> None:
    """Without a list an update is not supported."""
    t.call(2, "SendLocalList", update(t, 1, t.valid), or_error="NotSupported", status="NotSupported")


@case("TC_042_2", settings=LISTED)
def empty_list(t: Tester) -> None:
    """An empty list has version 0, whatever number came with it (5.10)."""
    t.call(2, "SendLocalList", update(t, 1), status="Accepted")
    t.call(4, "GetLocalListVersion", {}, listVersion=0)


@case("TC_043", settings=LISTED)
def full_then_differential(t: Tester) -> None:
    """A full and a differential update are taken."""
    t.call(2, "SendLocalList", update(t, 1, t.valid), status="Accepted")
    t.call(4, "SendLocalList", update(t, 2, t.valid2, full=False), status="Accepted")


@case("TC_043_2", settings=LISTED)
def old_version(t: Tester) -> None:
    """A differential update must bring a higher version."""
    t.call(2, "SendLocalList", update(t, 2, t.valid), status="Accepted")
    t.call(4, "GetLocalListVersion", {}, listVersion=2)
    t.call(6, "SendLocalList", update(t, 5, t.valid2, full=False), status="Accepted")
    t.call(8, "GetLocalListVersion", {}, listVersion=5)
    t.call(10, "SendLocalList", update(t, 4, t.member, full=False), status="VersionMismatch")
    t.call(12, "GetLocalListVersion", {}, listVersion=5)


@case("TC_043_3", settings=LISTED)
def update_fails(t: Tester) -> None:
    """A memory that takes no more writes cannot keep a list."""
    t.rig.inject("hand-flash", "flash.read_only")
    t.call(2, "SendLocalList", update(t, 2, t.valid), status="Failed")


@case(
    "TC_008_1",
    "TC_008_2",
    settings={
        "LocalPreAuthorize": True,
        "AuthorizationCacheEnabled": False,
        "LocalAuthListEnabled": True,
        "AuthorizeRemoteTxRequests": True,
    },
    if_implemented=["AuthorizationCacheEnabled"],
)
def listed_token(t: Tester) -> None:
    """A token of the list starts at once, without Authorize."""
    version = t.call(2, "GetLocalListVersion", {}).payload["listVersion"]
    t.call(4, "SendLocalList", update(t, max(version, 0) + 1, t.valid), status="Accepted")
    t.plug()
    t.expect(5, "StatusNotification", connectorId=t.connector, status="Preparing")
    t.call(8, "RemoteStartTransaction", {"idTag": t.valid, "connectorId": t.connector}, status="Accepted")
    started(t, 9, 11)
