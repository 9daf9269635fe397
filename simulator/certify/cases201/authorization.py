"""C01, C08 to C15: tokens that are refused, the cache, groups, and what an answer says later."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.offline import STATUSES, away, back
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states201 import (
    authorized_with,
    booted,
    cached,
    cached_token,
    cached_verdict,
    energy_started,
    ev_connected,
    ev_connected_after,
    ev_disconnected,
    grouped,
    left_alone,
    offline_session,
    parking_bay_unoccupied,
    stopped_locally,
    stopped_with,
    valid_listed,
)
from simulator.certify.tester201 import Tester201, same_token

ENABLED, PRE = "AuthCacheCtrlr.Enabled", "AuthCtrlr.LocalPreAuthorize"
LIFE_TIME, DISABLE_POST = "AuthCacheCtrlr.LifeTime", "AuthCacheCtrlr.DisablePostAuthorize"
UNKNOWN_OFFLINE, LOCAL_OFFLINE = "AuthCtrlr.OfflineTxForUnknownIdEnabled", "AuthCtrlr.LocalAuthorizeOffline"
STOP_INVALID, MAX_INVALID = "TxCtrlr.StopTxOnInvalidId", "TxCtrlr.MaxEnergyOnInvalidId"
#: a cached token is enough
CACHE = {ENABLED: True, PRE: True}
CACHE_POST = {**CACHE, DISABLE_POST: False}
QUIET_S = 30.0


def _refused(t: Tester201, token: str, status: str) -> None:
    """The tool refuses the token: nothing begins."""
    t.verdict_on(token, status)
    t.present(token)
    t.expect(1, "Authorize", same_token(token))
    t.never(3, "TransactionEvent", QUIET_S)


@case_201("TC_C_02", states=[ev_connected])
def invalid(t: Tester201) -> None:
    """Local start: authorization Invalid/Unknown."""
    _refused(t, t.invalid, "Invalid")


@case_201("TC_C_06", states=[ev_connected])
def blocked(t: Tester201) -> None:
    """Local start: authorization Restricted."""
    _refused(t, t.tool.blocked, "Blocked")


@case_201("TC_C_07", states=[ev_connected])
def expired(t: Tester201) -> None:
    """Local start: authorization Expired."""
    _refused(t, t.tool.expired, "Expired")


@case_201("TC_C_56", states=[ev_connected])
def unknown(t: Tester201) -> None:
    """Local start: authorization Unknown."""
    _refused(t, t.invalid, "Unknown")


@case_201("TC_C_04", states=[energy_started])
def another_token(t: Tester201) -> None:
    """Local Stop Transaction: different idToken."""
    t.present(t.valid2)
    t.expect(1, "Authorize", same_token(t.valid2))
    t.never("post", "TransactionEvent", QUIET_S, eventType="Ended")


# -- the cache ---------------------------------------------------------------------------------------------------------


def _known(t: Tester201) -> None:
    """The cached token is presented; the tool need not be asked."""
    authorized_with(t, t.valid, known=True)


@case_201("TC_C_08", settings=CACHE, if_implemented=[ENABLED], memory=[cached], states=[ev_connected])
def cached_accepted(t: Tester201) -> None:
    """Cached token: accepted."""
    _known(t)
    energy_started(t)


@case_201("TC_C_13", settings=CACHE, if_implemented=[ENABLED], memory=[cached])
def cached_before_the_cable(t: Tester201) -> None:
    """Cached token: accepted but cable not connected yet."""
    _known(t)
    ev_connected(t)
    energy_started(t)


@case_201("TC_C_32", settings=CACHE, if_implemented=[ENABLED], memory=[cached])
def cached_after_a_boot(t: Tester201) -> None:
    """Cache: persistent over reboot."""
    booted(t)
    _known(t)
    ev_connected(t)
    energy_started(t)


def _asked_again(t: Tester201, token: str, status: str) -> None:
    t.verdict_on(token, status)
    t.present(token)
    t.expect(1, "Authorize", same_token(token))


_POST: dict[str, Any] = {"settings": CACHE_POST, "if_implemented": [ENABLED, DISABLE_POST], "states": [ev_connected]}


@case_201("TC_C_09", memory=[cached_verdict("Invalid", "invalid")], **_POST)
def cached_invalid(t: Tester201) -> None:
    """Cached token: invalid & Not Accepted."""
    _asked_again(t, t.invalid, "Invalid")


@case_201("TC_C_10", memory=[cached_verdict("Blocked", "blocked")], **_POST)
def cached_blocked(t: Tester201) -> None:
    """Cached token: blocked."""
    _asked_again(t, t.tool.blocked, "Blocked")


@case_201("TC_C_11", memory=[cached_verdict("Expired", "expired")], **_POST)
def cached_expired(t: Tester201) -> None:
    """Cached token: expired."""
    _asked_again(t, t.tool.expired, "Expired")


@case_201("TC_C_12", memory=[cached_verdict("Invalid", "invalid")], **_POST)
def cached_invalid_but_accepted(t: Tester201) -> None:
    """Cached token: invalid & Accepted."""
    t.verdict_on(t.invalid, "Accepted")
    authorized_with(t, t.invalid)
    energy_started(t)


@case_201("TC_C_36", settings={ENABLED: True, PRE: False}, memory=[cached])
def cached_but_asked(t: Tester201) -> None:
    """Cache: AuthCacheCtrl.LocalPreAuthorize = false."""
    _asked_again(t, t.valid, "Invalid")


@case_201("TC_C_33", settings=CACHE, states=[ev_connected])
def cached_by_an_answer(t: Tester201) -> None:
    """Cache: update on AuthorizeResponse."""
    authorized_with(t, t.valid)
    energy_started(t)
    stopped_with(t, t.valid)
    ev_connected_after(t)
    ev_disconnected(t)
    ev_connected(t)
    _known(t)


@case_201("TC_C_34", settings=CACHE, memory=[cached], states=[ev_connected])
def cached_by_an_event(t: Tester201) -> None:
    """Cache: update on TransactionEventResponse."""
    t.verdict_on(t.valid, "Invalid")
    _known(t)
    t.until(3, t.event(3, "Deauthorized"))
    if not t.rig.fixed_cable(t.connector):  # it stays locked in (E05.FR.11); the tool lets it go
        t.call("unlock", "UnlockConnector", {"evseId": t.connector, "connectorId": 1}, status="Unlocked")
    t.unplug()
    t.connected = t.authorized = False
    t.hear(t.status(3, "Available"))
    ev_connected(t)
    t.drop()
    t.present()
    t.expect(7, "Authorize", same_token(t.valid))


@case_201("TC_C_46", settings={LIFE_TIME: 60, PRE: True}, memory=[cached], states=[ev_connected])
def cached_too_long_ago(t: Tester201) -> None:
    """Cache: AuthCacheLifeTime."""
    t.wait(t.tool.transaction_s + 5.0)
    left_alone(t)
    authorized_with(t, t.valid)


@case_201("TC_C_37", settings={ENABLED: True}, if_implemented=[ENABLED], memory=[cached])
def cleared(t: Tester201) -> None:
    """Clear cache: accepted."""
    t.call(2, "ClearCache", {}, status="Accepted")
    ev_connected(t)
    t.present()
    t.expect(5, "Authorize", same_token(t.valid))
    t.authorized = True
    t.hear(t.event(7, "Authorized"))
    energy_started(t)


@case_201("TC_C_38", settings={ENABLED: False}, if_implemented=[ENABLED])
def not_cleared(t: Tester201) -> None:
    """Clear cache: rejected."""
    t.call(2, "ClearCache", {}, status="Rejected")


# -- groups ------------------------------------------------------------------------------------------------------------


@case_201("TC_C_39", memory=[grouped], states=[ev_connected])
def group(t: Tester201) -> None:
    """Group token: success."""
    authorized_with(t, t.valid)
    energy_started(t)
    t.wait(t.tool.transaction_s)
    t.present(t.valid2)
    t.expect(6, "Authorize", same_token(t.valid2))
    t.authorized = False
    t.hear(t.event(8, "StopAuthorized"))
    ev_connected_after(t)
    ev_disconnected(t)
    parking_bay_unoccupied(t)


def _both_cached(t: Tester201) -> None:
    cached_token(t, t.valid)
    cached_token(t, t.valid2)


@case_201("TC_C_41", settings=CACHE, if_implemented=[ENABLED], memory=[grouped])
def group_in_the_cache(t: Tester201) -> None:
    """Group token: success with cache."""
    t.configure(PRE, False)
    _both_cached(t)
    t.configure(PRE, True)
    ev_connected(t)
    _known(t)
    energy_started(t)
    stopped_with(t, t.valid2)
    ev_connected_after(t)
    ev_disconnected(t)
    parking_bay_unoccupied(t)


def _invalid_member(t: Tester201, step: int) -> None:
    """A token of the group that is not valid does not stop the session."""
    t.csms.groups[t.tool.invalid] = t.tool.group
    t.wait(t.tool.transaction_s)
    t.present(t.invalid)
    t.expect(step, "Authorize", same_token(t.invalid))
    t.never("post", "TransactionEvent", QUIET_S, triggerReason=one_of("StopAuthorized", "Deauthorized"))


@case_201("TC_C_42", memory=[grouped], states=[ev_connected])
def group_but_invalid(t: Tester201) -> None:
    """Group token: not stopped by GroupId."""
    authorized_with(t, t.valid)
    energy_started(t)
    _invalid_member(t, 6)


@case_201(
    "TC_C_44",
    settings=CACHE_POST,
    if_implemented=[ENABLED, DISABLE_POST],
    memory=[grouped, cached, cached_verdict("Invalid", "invalid")],
    states=[ev_connected],
)
def group_but_cached_as_invalid(t: Tester201) -> None:
    """Group token: invalid status with cache."""
    _known(t)
    energy_started(t)
    _invalid_member(t, 4)


# -- what the answer to a transaction says -----------------------------------------------------------------------------


def _refused_later(t: Tester201, wait_s: float) -> None:
    """A session that began offline; the answer to its token is Invalid. Its first message is looked at."""
    t.background |= STATUSES
    away(t)
    t.present()
    t.wait(wait_s)
    t.verdict_on(t.valid, "Invalid")
    back(t)
    t.until(3, t.event(3, "Authorized", fields={"offline": True, **same_token(t.valid)}))
    t.until(3, t.event(3, state="Charging", fields={"offline": True}))


_LATER: dict[str, Any] = {
    "if_implemented": [ENABLED, UNKNOWN_OFFLINE],
    "memory": [cached, valid_listed],
    "states": [ev_connected],
}
_OFFLINE = {**CACHE, UNKNOWN_OFFLINE: True, LOCAL_OFFLINE: True}


@case_201("TC_C_16", settings={**CACHE, LOCAL_OFFLINE: True, STOP_INVALID: True, MAX_INVALID: 0}, **_LATER)
def stopped_later(t: Tester201) -> None:
    """Cached token: StopTxOnInvalidId = true."""
    _refused_later(t, 5.0)
    t.until(5, t.event(5, "Deauthorized"))


@case_201("TC_C_17", settings={**_OFFLINE, STOP_INVALID: False, MAX_INVALID: 0}, **_LATER)
def suspended_later(t: Tester201) -> None:
    """Cached token: StopTxOnInvalidId = false."""
    _refused_later(t, 5.0)
    t.until(5, t.event(5, "ChargingStateChanged", state="SuspendedEVSE"))
    t.never("post", "TransactionEvent", QUIET_S, triggerReason="Deauthorized")


@case_201("TC_C_15", settings={**_OFFLINE, STOP_INVALID: False, MAX_INVALID: 10_000}, **_LATER)
def goes_on_for_a_while(t: Tester201) -> None:
    """Cached token: StopTxOnInvalidId = false, MaxEnergyOnInvalidId > 0."""
    _refused_later(t, float(t.tool.transaction_s))
    t.never(3, "TransactionEvent", QUIET_S, {"transactionInfo.chargingState": "SuspendedEVSE"})
    t.never(3, "TransactionEvent", QUIET_S, triggerReason="Deauthorized")


@case_201("TC_C_18", settings={**_OFFLINE, STOP_INVALID: True, MAX_INVALID: 500}, **_LATER)
def stops_after_a_while(t: Tester201) -> None:
    """Cached token: StopTxOnInvalidId = true, MaxEnergyOnInvalidId > 0."""
    _refused_later(t, float(t.tool.transaction_s))
    t.until(5, t.event(5, "Deauthorized", fields={"offline": one_of(False, OMITTED)}), within_s=1800.0)


@case_201(
    "TC_C_26",
    settings={PRE: True, UNKNOWN_OFFLINE: True, LOCAL_OFFLINE: True, MAX_INVALID: 0, STOP_INVALID: False},
    if_implemented=[MAX_INVALID],
)
def unknown_offline(t: Tester201) -> None:
    """Offline Authorization: unknown Id. Errata 6.2.34: the connector tells that it is occupied, and the session ends
    by the reusable states. That the station stops offering is told after the answer, so no longer offline."""
    t.verdict_on(t.valid, "Invalid")
    offline_session(t)
    t.until(1, t.status(1, "Occupied"), within_s=300.0)
    t.background |= STATUSES
    t.until(1, t.event(1, kind="Started", fields={"offline": True}), within_s=300.0)
    t.until(1, t.event(1, state="SuspendedEVSE"))
    t.background -= STATUSES
    t.drop("StatusNotification", "NotifyEvent")
    stopped_locally(t)
    ev_connected_after(t)
    ev_disconnected(t)
