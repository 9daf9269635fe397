"""C13, C14, C09 and C16: tokens of the local list, without and with a connection; groups in it; the master pass; and
tokens that are refused without asking."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.offline import AWAY_S, away, back
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states201 import (
    HAND_S,
    STOPPED_AT_ONCE,
    authorized_with,
    cached,
    cached_verdict,
    energy_started,
    ev_connected,
    ev_connected_after,
    ev_disconnected,
    grouped,
    parking_bay_unoccupied,
    stopped_with,
)
from simulator.certify.tester201 import State201, Tester201, same_token
from simulator.certify.wire import Heard

ENABLED, PRE = "LocalAuthListCtrlr.Enabled", "AuthCtrlr.LocalPreAuthorize"
DISABLE_POST, CACHE_DISABLE_POST = "LocalAuthListCtrlr.DisablePostAuthorize", "AuthCacheCtrlr.DisablePostAuthorize"
UNKNOWN_OFFLINE, LOCAL_OFFLINE = "AuthCtrlr.OfflineTxForUnknownIdEnabled", "AuthCtrlr.LocalAuthorizeOffline"
MASTER_GROUP, START = "AuthCtrlr.MasterPassGroupId", "TxCtrlr.TxStartPoint"
GROUP = "MASTER"
QUIET_S = 30.0
#: nothing ends before somebody has chosen, s
ASKING_S = 5.0
#: more events than this of one session without a connection are no session
MAX_EVENTS = 100

#: a listed token is enough
LIST = {ENABLED: True, PRE: True}
#: it is without a connection as well, and no other token is; the station stays away for a while
LIST_OFFLINE = {
    **LIST,
    UNKNOWN_OFFLINE: False,
    LOCAL_OFFLINE: True,
    "OCPPCommCtrlr.OfflineThreshold": AWAY_S + 60,
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": AWAY_S,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
}
OPTIONAL = [ENABLED, UNKNOWN_OFFLINE, DISABLE_POST]


def listed_as(status: str, role: str = "valid") -> State201:
    """A memory state: the local list holds a token (a role of the tool) with this status."""
    return list_of((role, status))


def list_of(*rows: tuple[str, str], group: str = "") -> State201:
    """A memory state: the local list holds these tokens (role, status), all of this group if there is one."""

    def state(t: Tester201) -> None:
        with t.within("IdTokenLocalAuthList"):
            more = {"groupIdToken": {"idToken": getattr(t.tool, group), "type": "Central"}} if group else {}
            entries = [
                {"idToken": t.token(getattr(t.tool, role)), "idTokenInfo": {"status": status, **more}}
                for role, status in rows
            ]
            payload = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": entries}
            t.call(2, "SendLocalList", payload, status="Accepted")

    return state


# -- online ------------------------------------------------------------------------------------------------------------


@case_201("TC_C_27", settings=LIST, if_implemented=OPTIONAL, memory=[listed_as("Accepted")])
def accepted(t: Tester201) -> None:
    """Listed token, online: accepted."""
    authorized_with(t, t.valid, known=True)
    ev_connected(t)
    energy_started(t)


_POST = {**LIST, DISABLE_POST: False}


def _asked_about(t: Tester201, token: str, status: str) -> None:
    """The station asks, and nothing begins when the answer is no."""
    t.verdict_on(token, status)
    t.present(token)
    t.expect(1, "Authorize", same_token(token))
    t.never("post", "TransactionEvent", QUIET_S)


@case_201("TC_C_28", settings=_POST, if_implemented=OPTIONAL, memory=[listed_as("Invalid", "invalid")])
def invalid(t: Tester201) -> None:
    """Listed token, online: invalid & Not Accepted."""
    _asked_about(t, t.invalid, "Invalid")


_PLUGGED: dict[str, Any] = {"settings": _POST, "if_implemented": OPTIONAL, "states": [ev_connected]}


@case_201("TC_C_29", memory=[listed_as("Blocked", "blocked")], **_PLUGGED)
def blocked(t: Tester201) -> None:
    """Listed token, online: blocked."""
    _asked_about(t, t.tool.blocked, "Blocked")


@case_201("TC_C_30", memory=[listed_as("Expired", "expired")], **_PLUGGED)
def expired(t: Tester201) -> None:
    """Listed token, online: expired."""
    _asked_about(t, t.tool.expired, "Expired")


@case_201("TC_C_31", settings=LIST, if_implemented=OPTIONAL, memory=[listed_as("Invalid", "invalid")])
def invalid_but_accepted(t: Tester201) -> None:
    """Listed token, online: invalid & Accepted."""
    t.valid = t.invalid
    t.verdict_on(t.valid, "Accepted")
    authorized_with(t, t.valid)
    ev_connected(t)
    energy_started(t)


def _refused_unasked(t: Tester201) -> None:
    """Nobody is asked about the invalid token, and a car that is connected is not charged."""
    t.present(t.invalid)
    t.never(1, "Authorize", QUIET_S)
    if not t.connected:
        ev_connected(t)
    t.never("post", "TransactionEvent", QUIET_S, {"transactionInfo.chargingState": "Charging"})


@case_201(
    "TC_C_58",
    settings={**LIST, DISABLE_POST: True},
    if_implemented=[ENABLED],
    memory=[listed_as("Invalid", "invalid")],
)
def listed_and_not_asked(t: Tester201) -> None:
    """Listed token, online: LocalAuthListDisablePostAuthorize."""
    _refused_unasked(t)


@case_201(
    "TC_C_57",
    settings={"AuthCacheCtrlr.Enabled": True, PRE: True, CACHE_DISABLE_POST: True},
    if_implemented=["AuthCacheCtrlr.Enabled"],
    memory=[cached_verdict("Invalid", "invalid")],
    states=[ev_connected],
)
def cached_and_not_asked(t: Tester201) -> None:
    """Cached token: AuthCacheDisablePostAuthorize."""
    _refused_unasked(t)


@case_201("TC_C_05")
def before_the_cable(t: Tester201) -> None:
    """Local start: authorization invalid, Cable lock."""
    t.verdict_on(t.invalid, "Invalid")
    t.present(t.invalid)
    t.expect(1, "Authorize", same_token(t.invalid))
    t.never(3, "TransactionEvent", QUIET_S)


# -- groups ------------------------------------------------------------------------------------------------------------


@case_201(
    "TC_C_40",
    settings=LIST,
    if_implemented=OPTIONAL,
    memory=[grouped, list_of(("valid", "Accepted"), ("valid2", "Accepted"), group="group")],
    states=[ev_connected],
)
def group(t: Tester201) -> None:
    """Group token: success with local list."""
    authorized_with(t, t.valid, known=True)
    energy_started(t)
    stopped_with(t, t.valid2)
    ev_connected_after(t)
    ev_disconnected(t)
    parking_bay_unoccupied(t)


@case_201(
    "TC_C_43",
    settings=LIST,
    if_implemented=OPTIONAL,
    memory=[grouped, list_of(("valid", "Accepted"), ("invalid", "Invalid"), group="group")],
    states=[ev_connected],
)
def group_but_invalid(t: Tester201) -> None:
    """Group token: invalid status with local list."""
    authorized_with(t, t.valid, known=True)
    energy_started(t)
    t.csms.groups[t.tool.invalid] = t.tool.group
    t.wait(t.tool.transaction_s)
    t.present(t.invalid)
    t.expect(4, "Authorize", same_token(t.invalid))
    t.never("post", "TransactionEvent", QUIET_S, triggerReason=one_of("StopAuthorized", "Deauthorized"))


# -- without a connection ----------------------------------------------------------------------------------------------


@case_201("TC_C_21", settings=LIST_OFFLINE, if_implemented=OPTIONAL, memory=[listed_as("Accepted")])
def accepted_offline(t: Tester201) -> None:
    """Listed token, offline: accepted."""
    away(t)
    t.present()
    t.wait(HAND_S)
    t.plug()
    t.wait(AWAY_S)
    t.present()
    t.wait(HAND_S)
    t.unplug()
    back(t)
    t.background |= {"StatusNotification", "NotifyEvent"}
    told: list[Heard] = []
    while not told or told[-1].payload["eventType"] != "Ended":
        assert len(told) < MAX_EVENTS, "a session that does not end"
        told.append(t.hear(t.event(1)))
        if told[-1].payload["triggerReason"] != "StopAuthorized":
            t.validate(1, told[-1], offline=True)
    named = [heard for heard in told if heard.payload["triggerReason"] == "StopAuthorized"]
    t.validate(1, (named or told)[-1], triggerReason="StopAuthorized")
    first = next((heard for heard in told if "idToken" in heard.payload), told[0])
    t.validate(1, first, same_token(t.valid))


def _nothing_begins(t: Tester201, token: str) -> None:
    """Without a connection the token is refused. A car is connected as well, unless that alone begins a transaction:
    then a token that is taken has to show."""
    plug = "EVConnected" not in t.points("TxStartPoint")
    away(t)
    t.present(token)
    t.wait(HAND_S)
    if plug:
        t.plug()
    back(t)
    t.never(5, "TransactionEvent", QUIET_S)


_OFFLINE: dict[str, Any] = {"settings": LIST_OFFLINE, "if_implemented": OPTIONAL}


@case_201("TC_C_22", memory=[listed_as("Invalid", "invalid")], **_OFFLINE)
def invalid_offline(t: Tester201) -> None:
    """Listed token, offline: invalid."""
    _nothing_begins(t, t.invalid)


@case_201("TC_C_23", memory=[listed_as("Blocked", "blocked")], **_OFFLINE)
def blocked_offline(t: Tester201) -> None:
    """Listed token, offline: blocked."""
    _nothing_begins(t, t.tool.blocked)


@case_201("TC_C_24", memory=[listed_as("Expired", "expired")], **_OFFLINE)
def expired_offline(t: Tester201) -> None:
    """Listed token, offline: expired."""
    _nothing_begins(t, t.tool.expired)


@case_201(
    "TC_C_25",
    settings={**LIST_OFFLINE, UNKNOWN_OFFLINE: True, "TxCtrlr.StopTxOnInvalidId": False},
    if_implemented=[ENABLED],
    memory=[cached, listed_as("Invalid")],
    states=[ev_connected],
)
def list_before_cache(t: Tester201) -> None:
    """Listed token, offline: local list > cache."""
    away(t)
    t.present()
    t.wait(t.tool.transaction_s)
    back(t)
    t.never(3, "TransactionEvent", QUIET_S, eventType="Started")


# -- the master pass ---------------------------------------------------------------------------------------------------


def master_pass(t: Tester201) -> None:
    """The tool knows a token of the group of master passes."""
    t.csms.groups[t.member] = GROUP


_MASTER: dict[str, Any] = {"memory": [master_pass]}


@case_201("TC_C_45", settings={MASTER_GROUP: GROUP, START: "PowerPathClosed"}, **_MASTER)
def master_begins_nothing(t: Tester201) -> None:
    """Group token: master pass, Not able to start transaction + groupld."""
    t.present(t.member)
    t.expect(1, "Authorize", same_token(t.member))
    ev_connected(t)
    t.never(4, "TransactionEvent", QUIET_S, {"transactionInfo.chargingState": "Charging"})


def _sessions(t: Tester201, evses: tuple[int, ...]) -> dict[int, str]:
    """Sessions run at these EVSEs, each by a token of its own; their transactions."""
    t.take_option("local")
    found: dict[int, str] = {}
    for number, evse in enumerate(evses):
        t.go_to(evse, (t.tool.valid, t.tool.valid2)[number] if number < 2 else f"{t.tool.valid}{number}")
        energy_started(t)
        found[evse] = str(t.transaction_id)
    t.wait(t.tool.transaction_s)
    return found


def _pass_shown(t: Tester201) -> None:
    """The master pass is presented; the station asks about it."""
    t.present(t.member)
    t.expect(1, "Authorize", same_token(t.member))


def _end(t: Tester201, sessions: dict[int, str]) -> None:
    """The master pass has ended these sessions; the cars go. That it was the master pass stands in the message that
    ends a transaction (errata 6.2.32), which is not always the first."""
    at_once = bool(t.points("TxStopPoint") & STOPPED_AT_ONCE)
    fields = {"idToken.idToken": one_of(t.member, OMITTED)}
    stopped = "MasterPass" if at_once else None
    kind = "Ended" if at_once else "Updated"
    t.any_order(
        *(
            t.event(3, kind=kind, stopped=stopped, fields={**fields, "transactionInfo.transactionId": key})
            for key in sessions.values()
        )
    )
    for evse, key in sessions.items():
        t.go_to(evse, t.valid, connected=True)
        t.transaction_id, t.authorized = key, False
        ev_connected_after(t)
        ev_disconnected(t)
        parking_bay_unoccupied(t)


@case_201("TC_C_49", settings={MASTER_GROUP: GROUP}, **_MASTER)
def master_ends_all(t: Tester201) -> None:
    """Stop Transaction with a Master Pass: without UI."""
    sessions = _sessions(t, t.rig.connectors[:2])
    _pass_shown(t)
    _end(t, sessions)


@case_201("TC_C_47", settings={MASTER_GROUP: GROUP}, **_MASTER)
def master_chooses_all(t: Tester201) -> None:
    """Stop Transaction with a Master Pass: with UI, All transactions."""
    sessions = _sessions(t, t.rig.connectors)
    _pass_shown(t)
    t.never(1, "TransactionEvent", ASKING_S, eventType="Ended")
    t.rig.press()
    _end(t, sessions)


@case_201("TC_C_48", settings={MASTER_GROUP: GROUP}, **_MASTER)
def master_chooses_one(t: Tester201) -> None:
    """Stop Transaction with a Master Pass: with UI, with UI, Specific transactions."""
    sessions = _sessions(t, t.rig.connectors)
    chosen = t.rig.connectors[0]
    _pass_shown(t)
    t.wait(HAND_S)
    t.rig.press(chosen)
    _end(t, {chosen: sessions.pop(chosen)})
    for key in sessions.values():
        t.call("post", "GetTransactionStatus", {"transactionId": key}, ongoingIndicator=True)
        fields = {"transactionInfo.transactionId": key}
        t.see_samples()
        t.drop()
        t.hear(t.event("post", "MeterValuePeriodic", kind="Updated", fields=fields), within_s=120.0)
