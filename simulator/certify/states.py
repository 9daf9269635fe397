"""Reusable states and memory states: what several cases begin with.

A state does its own steps and validations; they carry its name. The tool's configuration says connector and tokens.
"""

from __future__ import annotations

from typing import Any

from simulator.certify.case import State
from simulator.certify.rules import one_of, such_that
from simulator.certify.security import OPERATOR, hashed
from simulator.certify.tester import Tester, message
from simulator.certify.wire import Heard
from simulator.core.wall import format_wall

FEATURES = "SupportedFeatureProfiles"


def authorizes_remote(t: Tester, step: int | str) -> bool:
    """Does a remote start go through Authorize? (the product need not let that be changed)"""
    named = {"configurationKey.0.key": "AuthorizeRemoteTxRequests"}
    heard = t.call(step, "GetConfiguration", {"key": ["AuthorizeRemoteTxRequests"]}, named)
    return bool(heard.payload["configurationKey"][0].get("value") == "true")


def authorized(t: Tester) -> None:
    """A valid token was presented; the station waits for the cable (or was waiting for the token)."""
    with t.within("Authorized"):
        waiting = t.csms.statuses.get(t.connector) == "Preparing"
        asks = not t.remote_form or authorizes_remote(t, "start")
        t.authorise("start")
        wanted = [message(1, "Authorize", idTag=t.valid)] if asks else []
        if not waiting:
            wanted.append(message(3, "StatusNotification", connectorId=t.connector, status="Preparing"))
        t.any_order(*wanted)


def charging(t: Tester) -> None:
    """A transaction of the valid token runs and energy flows."""
    charging_with(t, t.valid)


def charging_with(t: Tester, token: str) -> Heard:
    """A transaction runs and energy flows: cable first, then a remote start (or a token, see ``Tester.option``). The
    start message is returned."""
    with t.within("Charging"):
        asks = authorizes_remote(t, 2)
        reserved = t.csms.statuses.get(t.connector) == "Reserved"
        t.plug()
        if not reserved:
            t.expect(3, "StatusNotification", connectorId=t.connector, status="Preparing")
        if t.option == "local":
            t.present(token)
        else:
            start = {"idTag": token, "connectorId": t.connector}
            t.call(6, "RemoteStartTransaction", start, status="Accepted")
        wanted = [message(8, "StatusNotification", connectorId=t.connector, status="Preparing")] if reserved else []
        if asks or t.option == "local":  # a token at the reader is asked for before the reservation is touched
            wanted.append(message(9, "Authorize", idTag=token))
        if t.option == "local":
            t.any_order(*wanted)
        else:
            for one in wanted:
                t.expect(one.step, one.action, one.fields)
        begin, _ = t.any_order(
            message(11, "StartTransaction", connectorId=t.connector, idTag=token),
            message(13, "StatusNotification", connectorId=t.connector, status="Charging"),
        )
    return begin


def connector_faulted(t: Tester) -> None:
    """The connector under test is faulted."""
    with t.within("SetConnectorFaulted"):
        t.rig.inject("hand-connector", "protection.rcd_trip", t.connector)
        t.expect(1, "StatusNotification", connectorId=t.connector, status="Faulted")


def station_faulted(t: Tester) -> None:
    """All connectors are faulted."""
    with t.within("SetChargePointFaulted"):
        t.rig.inject("hand-station", "protection.emergency_stop")
        t.statuses(1, {}, others="Faulted")


def connector_unavailable(t: Tester) -> None:
    """The connector under test is out of order by command."""
    with t.within("SetConnectorUnavailable"):
        payload = {"connectorId": t.connector, "type": "Inoperative"}
        t.call(2, "ChangeAvailability", payload, status="Accepted")
        t.expect(3, "StatusNotification", connectorId=t.connector, status="Unavailable")


def others_unavailable(t: Tester) -> None:
    """Every connector but the one under test is out of order by command."""
    with t.within("SetConnectorUnavailable"):
        for connector in t.rig.connectors:
            if connector != t.connector:
                payload = {"connectorId": connector, "type": "Inoperative"}
                t.call(2, "ChangeAvailability", payload, status="Accepted")
                t.expect(3, "StatusNotification", connectorId=connector, status="Unavailable")


def station_unavailable(t: Tester) -> None:
    """The whole station is out of order by command."""
    with t.within("SetChargePointUnavailable"):
        t.call(2, "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, status="Accepted")
        t.statuses(3, {}, others="Unavailable")


def connector_occupied(t: Tester) -> None:
    """A car is at the connector under test."""
    with t.within("SetConnectorOccupied"):
        t.plug()
        t.expect(1, "StatusNotification", connectorId=t.connector, status="Preparing")


def station_occupied(t: Tester) -> None:
    """A car is at every connector."""
    with t.within("SetConnectorOccupied"):
        for connector in t.rig.connectors:
            t.plug(connector)
            t.expect(1, "StatusNotification", connectorId=connector, status="Preparing")


RESERVATION_ID = 4711


def reserved(t: Tester) -> None:
    """The connector under test is reserved for the valid token, for an hour."""
    with t.within("Reserved"):
        t.call(2, "ReserveNow", reservation(t), status="Accepted")
        t.expect(3, "StatusNotification", connectorId=t.connector, status="Reserved")


def reservation(
    t: Tester, *, connector: int | None = None, token: str | None = None, for_s: int = 3600
) -> dict[str, Any]:
    """The payload of a ReserveNow of the tool; noted so that the basic state cancels it."""
    t.rig.hands.reservations.add(RESERVATION_ID)
    return {
        "connectorId": t.connector if connector is None else connector,
        "expiryDate": format_wall(t.rig.fleet.epoch_us + t.rig.now_us + for_s * 1_000_000),
        "idTag": token or t.valid,
        "reservationId": RESERVATION_ID,
    }


def grouped(t: Tester) -> None:
    """The tool tells a group with the valid token and with ``t.member``: the same one."""
    t.csms.groups |= {t.tool.valid: t.tool.group, t.tool.group_member: t.tool.group}


def cached(t: Tester) -> None:
    """The valid token is in the cache: it has charged once."""
    cached_token(t, t.valid)


def cached_token(t: Tester, token: str) -> None:
    """A token is in the cache: it has charged once."""
    with t.within("IdTagCached"):
        t.configure("AuthorizationCacheEnabled", True)
        charging_with(t, token)
        running = t.transaction_id
        if t.remote_form:
            t.call("stop", "RemoteStopTransaction", {"transactionId": running}, status="Accepted")
        else:
            t.present(token)
        stopped = such_that("the id given at the start", lambda value: value == running)
        t.any_order(
            message(1, "StopTransaction", transactionId=stopped),
            message(3, "StatusNotification", connectorId=t.connector, status="Finishing"),
        )
        t.unplug()
        t.expect(5, "StatusNotification", connectorId=t.connector, status="Available")


def local_list(*tokens: str) -> State:
    """A memory state: the local list holds these tokens (roles of the tool, e.g. ``valid``), as accepted."""

    def state(t: Tester) -> None:
        with t.within("IdTagLocalAuthList"):
            t.configure("LocalAuthListEnabled", True)
            entries = [{"idTag": getattr(t.tool, token), "idTagInfo": {"status": "Accepted"}} for token in tokens]
            payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
            t.call(2, "SendLocalList", payload, status="Accepted")

    return state


def supports(t: Tester, feature: str) -> bool:
    """Does the station say that it has a feature profile?"""
    return feature in (t.read(FEATURES) or "").split(",")


ROOT_KIND = {"certificateType": "CentralSystemRootCertificate"}


def certificate_installed(t: Tester, pem: str = "") -> None:
    """A root of the operator is installed: one that nothing rests on, unless another is given."""
    root = pem or t.rig.security.other_root.pem
    with t.within("CertificateInstalled"):
        listed = t.call(2, "GetInstalledCertificateIds", ROOT_KIND, status=one_of("Accepted", "NotFound"))
        if hashed(root) not in listed.payload.get("certificateHashData", ()):
            t.call(4, "InstallCertificate", {**ROOT_KIND, "certificate": root}, status="Accepted")


def renewed_certificate(t: Tester) -> None:
    """The station has asked for a certificate and was given it."""
    with t.within("RenewChargePointCertificate"):
        t.configure("CpoName", OPERATOR)
        wanted = {"requestedMessage": "SignChargePointCertificate"}
        t.call(2, "ExtendedTriggerMessage", wanted, status="Accepted")
        chain = t.rig.security.signed(str(t.expect(3, "SignCertificate").payload["csr"]))
        t.call(6, "CertificateSigned", {"certificateChain": chain}, status="Accepted")
