"""Reusable states and memory states of 2.0.1: what several cases begin with, and what many consist of.

When a transaction begins and ends follows from the start and stop points the station has at the moment, so a state
expects what these points ask for: the same state serves every configuration. Where the document leaves a message or its
order open, so does the state. A parking bay without a sensor needs no step.
"""

from __future__ import annotations

from typing import Any

from simulator.certify.rules import OMITTED, PRESENT, one_of
from simulator.certify.tester import Expected, message
from simulator.certify.tester201 import State201, Tester201, same_token
from simulator.certify.wire import Heard

REMOTE_START_ID = 42
#: what a driver needs for the next thing to do, s
HAND_S = 2.0
#: a stop point among these ends a transaction as soon as it is stopped
STOPPED_AT_ONCE = frozenset({"Authorized", "PowerPathClosed", "EnergyTransfer", "DataSigned"})
STARTUP = one_of("StartupOfTheDevice", "ResetOrReboot")


# -- boot --------------------------------------------------------------------------------------------------------------


def booting(t: Tester201) -> None:
    """The station boots; it has not connected yet."""
    with t.within("Booting"):
        t.call(2, "Reset", {"type": "Immediate"}, status="Accepted")


def booted(t: Tester201) -> None:
    """The station was reset and is idle again."""
    booted_with(t, "Immediate")


def booted_with(t: Tester201, kind: str, *, statuses: dict[int, Any] | None = None, **boot: Any) -> None:
    """The station was reset (``kind``: a type of ResetRequest, or ``power``) and has told every connector's status."""
    with t.within("Booted"):
        if kind == "power":
            t.power_cycle()
        else:
            t.call(2, "Reset", {"type": kind}, status="Accepted")
        rebooted(t, statuses=statuses, **boot)


def rebooted(
    t: Tester201,
    *,
    step: int = 3,
    statuses: dict[int, Any] | None = None,
    event: bool = True,
    within_s: float = 300.0,
    **boot: Any,
) -> Heard:
    """What follows a reboot: BootNotification (with these fields), a status of every connector (Available, unless
    ``statuses`` says otherwise by EVSE), the security event. The BootNotification is returned."""
    fields = {"chargingStation.model": PRESENT, "chargingStation.vendorName": PRESENT, "reason": PRESENT}
    heard = t.expect(step, "BootNotification", {**fields, **boot}, within_s=within_s)
    wanted = [t.status(step + 2, (statuses or {}).get(evse, "Available"), evse) for evse in t.rig.connectors]
    if event:
        wanted.append(message(step + 4, "SecurityEventNotification", type=STARTUP))
    t.any_order(*wanted)
    return heard


# -- a session ---------------------------------------------------------------------------------------------------------


def running(t: Tester201) -> bool:
    """Is there a transaction?"""
    return t.transaction_id is not None and t.transaction_id in t.csms.running


def begins(t: Tester201, *, flowing: bool = False) -> bool:
    """Does a transaction begin with what holds now?"""
    starts = t.points("TxStartPoint")
    return (
        ("EVConnected" in starts and t.connected)
        or ("Authorized" in starts and t.authorized)
        or ("PowerPathClosed" in starts and t.connected and t.authorized)
        or ("EnergyTransfer" in starts and flowing)
    )


def ev_connected(t: Tester201) -> None:
    """The car and the station are connected (EVConnectedPreSession)."""
    with t.within("EVConnectedPreSession"):
        _connect(t, 1)


def _connect(t: Tester201, step: int) -> None:
    was = running(t)
    t.wait(HAND_S)
    t.plug()
    t.connected = True
    wanted = [t.status(step, "Occupied")]
    if was or begins(t):
        states = ("EVConnected", "SuspendedEVSE", "Charging") if t.authorized else ("EVConnected",)
        fields: dict[str, Any] = {"evse.id": t.connector, "evse.connectorId": 1}
        if t.authorized and not was:
            fields |= same_token(t.valid)
        triggers: tuple[str, ...] = ("CablePluggedIn", "ChargingStateChanged")
        if t.authorized and not was and t.by_tool:
            triggers, fields["transactionInfo.remoteStartId"] = ("RemoteStart",), REMOTE_START_ID
        kind = "Updated" if was else "Started"
        wanted.append(t.event(step + 2, one_of(*triggers), kind=kind, state=one_of(*states), fields=fields))
    t.any_order(*wanted)


def with_a_cable(t: Tester201) -> Any:
    """What a connector tells of itself while a cable is in it and nobody is authorised. A household socket without
    pilot feels a car for a moment only and is Available after it (certification procedure of 1.6, appendix D)."""
    return "Occupied" if t.rig.feels_cars(t.connector) else one_of("Occupied", "Available")


def left_alone(t: Tester201) -> None:
    """The car has been connected for a while and nobody has come with a token: a socket without pilot says that it has
    let go, and will feel the car again when somebody is authorised."""
    if not (t.rig.feels_cars(t.connector) or t.authorized or running(t)):
        t.hear(t.status(1, "Available"))
        t.let_go = True


def _felt_again(t: Tester201) -> list[Expected]:
    told = [t.status(1, "Occupied")] if t.let_go else []
    t.let_go = False
    return told


def authorized(t: Tester201) -> None:
    """The driver may charge: by a token, or by the tool's request, as the option of the run says."""
    (authorized_locally if t.local else authorized_remotely)(t)


def authorized_locally(t: Tester201) -> None:
    """A valid token was presented and accepted."""
    authorized_with(t, t.valid)


def authorized_with(t: Tester201, token: str, *, known: bool = False) -> None:
    """This token was presented and accepted. ``known``: the station need not ask for it."""
    with t.within("Authorized"):
        was = running(t)
        t.present(token)
        if not known:
            t.expect(1, "Authorize", same_token(token))
        t.authorized, t.by_tool = True, False
        wanted = _felt_again(t)
        if was or begins(t):
            kind = "Updated" if was else "Started"
            wanted.append(t.event(3, "Authorized", kind=kind, fields=same_token(token)))
        t.any_order(*wanted)


def authorized_remotely(t: Tester201, **more: Any) -> None:
    """The tool asked for a transaction (with ``more`` fields), which was accepted."""
    with t.within("Authorized"):
        was = running(t)
        asks = t.read("AuthCtrlr.AuthorizeRemoteStart", 1) == "true"
        fields = {"status": "Accepted"} | ({"transactionId": t.transaction_id} if was else {})
        t.call(2, "RequestStartTransaction", start_request(t, **more), fields)
        if asks:
            t.expect(3, "Authorize", same_token(t.valid))
        t.authorized = t.by_tool = True
        wanted = _felt_again(t)
        if was or begins(t):
            kind = "Updated" if was else "Started"
            fields = {**same_token(t.valid), "transactionInfo.remoteStartId": REMOTE_START_ID}
            wanted.append(t.event(7, "RemoteStart", kind=kind, fields=fields))
        t.any_order(*wanted)


def start_request(t: Tester201, **more: Any) -> dict[str, Any]:
    """The payload of a RequestStartTransaction of the tool."""
    return {"idToken": t.token(), "remoteStartId": REMOTE_START_ID, "evseId": t.connector, **more}


def energy_started(t: Tester201) -> None:
    """Energy flows in a transaction (EnergyTransferStarted)."""
    if not t.authorized:
        authorized(t)
    with t.within("EnergyTransferStarted"):
        if not t.connected:
            _connect(t, 1)
        _flows(t, 9)


def _flows(t: Tester201, step: int) -> None:
    was = running(t)
    if was or begins(t, flowing=True):
        kind = "Updated" if was else "Started"
        triggers = ("ChargingStateChanged", "RemoteStart") if t.by_tool and not was else ("ChargingStateChanged",)
        charging = t.event(step, one_of(*triggers), kind=kind, state="Charging")
        t.until(step, charging)


def energy_suspended(t: Tester201) -> None:
    """The car takes no more energy (EnergyTransferSuspended)."""
    if not running(t):
        energy_started(t)
    with t.within("EnergyTransferSuspended"):
        t.wait(t.tool.transaction_s)
        t.rig.ev_ready(t.connector, False)
        ended = "EnergyTransfer" in t.points("TxStopPoint")
        stopped = "StoppedByEV" if ended else None
        t.hear(
            t.event(
                1,
                "ChargingStateChanged",
                kind="Ended" if ended else "Updated",
                state=one_of("EVConnected", "SuspendedEV"),
                stopped=stopped,
            )
        )


def stop_authorized(t: Tester201) -> None:
    """The session may end: by the token it began with, or by the tool's request, as the option of the run says."""
    (stopped_locally if t.local else stopped_remotely)(t)


def stopped_locally(t: Tester201) -> None:
    """The token that began the session was presented again."""
    stopped_with(t, t.valid)


def stopped_with(t: Tester201, token: str, stopped: Any = None) -> Heard:
    """This token was presented to stop. The message that says so is returned."""
    if not running(t):
        energy_started(t)
    with t.within("StopAuthorized"):
        t.wait(t.tool.transaction_s)
        ended = bool(t.points("TxStopPoint") & STOPPED_AT_ONCE)
        t.present(token)
        t.authorized = t.by_tool = False
        fields = {"idToken.idToken": one_of(token, OMITTED)}
        heard = t.hear(t.event(1, "StopAuthorized", kind="Ended" if ended else "Updated", fields=fields))
        if ended:
            t.validate(3, heard, {"transactionInfo.stoppedReason": stopped or one_of("Local", OMITTED)})
        return heard


def stopped_remotely(t: Tester201) -> None:
    """The tool asked for the end of the transaction."""
    if not running(t):
        energy_started(t)
    with t.within("StopAuthorized"):
        t.wait(t.tool.transaction_s)
        ended = bool(t.points("TxStopPoint") & STOPPED_AT_ONCE)
        t.call(2, "RequestStopTransaction", {"transactionId": t.transaction_id}, status="Accepted")
        t.authorized, t.by_tool = False, True
        wanted = t.event(3, "RemoteStop", kind="Ended" if ended else "Updated", stopped="Remote" if ended else None)
        t.hear(wanted)


def ev_connected_after(t: Tester201) -> None:
    """No energy flows any more and none will without another authorisation (EVConnectedPostSession)."""
    if t.authorized or not t.connected:
        stop_authorized(t)
    with t.within("EVConnectedPostSession"):
        if running(t) and t.state != "EVConnected":  # a state is told once, be it with the stop itself
            t.hear(t.event(1, "ChargingStateChanged", state="EVConnected"))


def ev_disconnected(t: Tester201, status: Any = "Available") -> None:
    """The car is gone after the session (EVDisconnected); ``status``: what the connector is then,
    None where that was told before."""
    if t.authorized or not t.connected:
        ev_connected_after(t)
    with t.within("EVDisconnected"):
        _disconnect(t, status)


def _disconnect(t: Tester201, status: Any = "Available") -> None:
    was = running(t)
    wanted = [] if status is None else [t.status(1, status)]
    if was:
        ended = "EVConnected" in t.points("TxStopPoint")
        wanted.append(
            t.event(
                3,
                "EVCommunicationLost",
                kind="Ended" if ended else "Updated",
                state="Idle",
                stopped=one_of("Remote" if t.by_tool else "Local", "EVDisconnected") if ended else None,
            )
        )
    t.unplug()
    t.connected = t.authorized = False
    t.any_order(*wanted)


def parking_bay_unoccupied(t: Tester201) -> None:
    """The session is over, whatever it takes (ParkingBayUnoccupied). No bay here has a sensor."""
    if t.connected:
        if t.authorized:
            stop_authorized(t)
        ev_connected_after(t)
        ev_disconnected(t)


# -- availability ------------------------------------------------------------------------------------------------------


def inoperative(t: Tester201, where: dict[str, int] | None, *, step: int = 1, state: str = "Unavailable") -> None:
    """The tool takes an EVSE, a connector or (None) the whole station out of service."""
    payload: dict[str, Any] = {"operationalStatus": "Inoperative"} | ({"evse": where} if where else {})
    with t.within(state):
        t.call(step + 1, "ChangeAvailability", payload, status="Accepted")
        t.any_order(*(t.status(step + 2, "Unavailable", evse) for evse in concerned(t, where)))


def concerned(t: Tester201, where: dict[str, int] | None) -> tuple[int, ...]:
    """The EVSEs that such a command is about."""
    return (where["id"],) if where else t.rig.connectors


def evse_unavailable(t: Tester201) -> None:
    """The EVSE under test is out of service."""
    inoperative(t, {"id": t.connector})


def station_unavailable(t: Tester201) -> None:
    """The whole station is out of service."""
    inoperative(t, None)


def connector_unavailable(t: Tester201) -> None:
    """The connector under test is out of service."""
    inoperative(t, t.evse)


# -- memory ------------------------------------------------------------------------------------------------------------


def cached(t: Tester201) -> None:
    """The valid token is in the cache: it has charged once."""
    cached_token(t, t.valid)


def cached_token(t: Tester201, token: str) -> None:
    """A token is in the cache: it was accepted and has charged."""
    with t.within("IdTokenCached"):
        authorized_with(t, token)
        with t.within("EnergyTransferStarted"):
            _connect_with(t, token)
            _flows(t, 9)
        stopped_with(t, token)
        ev_connected_after(t)
        with t.within("EVDisconnected"):
            _disconnect(t)


def _connect_with(t: Tester201, token: str) -> None:
    before, t.valid = t.valid, token
    try:
        _connect(t, 1)
    finally:
        t.valid = before


def cached_verdict(status: str, token: str = "valid") -> State201:
    """A memory state: the cache holds the token (a role of the tool) with this status."""

    def state(t: Tester201) -> None:
        with t.within("IdTokenCached"):
            name = getattr(t.tool, token)
            t.verdict_on(name, status)
            t.present(name)
            t.expect(2, "Authorize", same_token(name))
            t.wait(1.0)
            t.drop()

    return state


def listed(t: Tester201, *tokens: str) -> None:
    """The local list holds these tokens, as accepted."""
    with t.within("IdTokenLocalAuthList"):
        entries = [{"idToken": t.token(token), "idTokenInfo": {"status": "Accepted"}} for token in tokens]
        payload = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": entries}
        t.call(2, "SendLocalList", payload, status="Accepted")


def valid_listed(t: Tester201) -> None:
    """The local list holds the valid token, if the product has such a list."""
    if t.variable("LocalAuthListCtrlr.Enabled")["attributeStatus"] == "Accepted":
        listed(t, t.valid)


def grouped(t: Tester201) -> None:
    """The tool tells a group with both valid tokens: the same one."""
    t.csms.groups |= {t.tool.valid: t.tool.group, t.tool.valid2: t.tool.group}


def offline_session(t: Tester201) -> None:
    """A session has begun while there was no connection (StartOfflineTransaction)."""
    t.rig.network(False)
    t.present(t.valid)
    t.wait(2.0)
    t.plug()
    t.connected = t.authorized = True
    t.wait(10.0)
    t.rig.network(True)
