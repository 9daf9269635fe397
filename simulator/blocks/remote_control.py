"""F Remote control: start and stop by the CSMS, unlocking, triggers.

A request is checked against the facts and leaves a *wish* behind; the authorization rules act on it after the reply has
gone out, exactly as if somebody stood at the station (F01.FR.01-03).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

from simulator.blocks import master_pass, reservation
from simulator.blocks.local_lookup import NEVER_ASKED, Known, lookup
from simulator.core.wiring import rule


@dataclass(frozen=True, slots=True)
class StartWish:
    """A remote start. ``evse_id`` None lets the station choose."""

    id_token: str
    token_type: str
    evse_id: int | None = None
    remote_start_id: int | None = None
    group: str | None = None
    start: bool = True
    trigger: str = "RemoteStart"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StopWish:
    """The end of an authorisation by the CSMS: ``trigger`` and ``reason`` as in a grant end."""

    trigger: str
    reason: str
    start: bool = False
    id_token: str = ""
    token_type: str = ""
    group: str | None = None
    remote_start_id: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a remote start: ``transaction_key`` when one runs already, unauthorised (F01.FR.13)."""

    accepted: bool
    reason: str = ""
    transaction_key: str | None = None


def request_start(st: Station, wish: StartWish) -> Outcome:
    """May this remote start go ahead? If so it is left as a wish."""
    known = lookup(st, wish.id_token, wish.token_type)
    if master_pass.is_one(st, wish.group or (known.group if known is not None else None)):
        return Outcome(False, "InvalidIdToken")  # C16.FR.03
    if wish.evse_id is not None:
        evse = st.evse(wish.evse_id)
        if evse is None:
            return Outcome(False, "UnknownEvse")
        if not _free(st, evse, wish):
            return Outcome(False, "NotFree")
    else:
        evse = _choose(st, wish)
        if evse is None:
            return Outcome(False, "NotFree")
    evse.wish = wish
    return Outcome(True, transaction_key=evse.tx.key if evse.tx is not None else None)


def _free(st: Station, evse: Evse, wish: StartWish) -> bool:
    """Operative, without fault, authorised session, or reservation for somebody else (F01.FR.21-24, 1.6 5.13)."""
    if not evse.in_service or st.blocked(evse) or evse.lock_failed or _stance(st, evse, wish) == "refused":
        return False
    if evse.grant is not None or evse.wish is not None or evse.asked is not None:
        return False
    return evse.tx is None or not evse.tx.id_token


def _stance(st: Station, evse: Evse, wish: StartWish) -> str:
    known = lookup(st, wish.id_token, wish.token_type)
    if wish.group is not None or wish.token_type in NEVER_ASKED:  # C05.FR.01: its group is told now or never
        known = Known("Accepted", wish.group, False)
    return reservation.stance(st, evse, wish.id_token, wish.token_type, known)


def _choose(st: Station, wish: StartWish) -> Evse | None:
    """F01.FR.20: an EVSE with a waiting car goes before an empty one, and what is kept for the token before both."""
    free = [evse for evse in st.evses if _free(st, evse, wish)]
    for evse in free:
        if evse.reserved and _stance(st, evse, wish) == "mine":
            return evse
    for evse in free:
        if evse.plugged and (not evse.used or evse.tx is not None):  # a transaction that waits for its token
            return evse
    for evse in free:
        if not evse.plugged:
            return evse
    return free[0] if free else None


def request_stop(st: Station, key: str, trigger: str = "RemoteStop", reason: str = "Remote") -> bool:
    """Stop the transaction with this key; False when none such runs (F03.FR.07-08).

    ``trigger`` and ``reason`` are what it says of its end, when it is not the CSMS who wants it."""
    for evse in st.evses:
        if evse.tx is not None and evse.tx.key == key:
            evse.wish = StopWish(trigger, reason)
            return True
    return False


def unlock(st: Station, evse_id: int, *, stop_reason: str | None) -> str:
    """Unlock the connector: Unlocked, UnlockFailed, OngoingAuthorizedTransaction, UnknownConnector, NoLock.

    ``stop_reason``: versions that end a running transaction first (1.6 5.18) say with which reason; the others refuse
    while one is authorised (F05.FR.02), or is about to begin.
    """
    evse = st.evse(evse_id)
    if evse is None:
        return "UnknownConnector"
    begins = evse.tx is not None or ((evse.plugged or evse.ev_gone) and not evse.lock_failed)
    if evse.grant is not None and stop_reason is None and begins:
        return "OngoingAuthorizedTransaction"
    if evse.spec.tethered:  # 1.6 5.18: there is nothing to unlock, so nothing is stopped for it either
        return "NoLock"
    if evse.grant is not None and (stop_reason is not None or evse.lock_failed):
        evse.wish = StopWish("UnlockCommand", stop_reason or "Other")
    if evse.restarting:
        return "UnlockFailed"
    evse.released = True
    if st.board.locks[evse_id - 1].drive(False, st.now):
        return "Unlocked"
    return "UnlockFailed"


@rule(15)
def relock(st: Station, evse: Evse, now: int) -> bool:
    """An unlocked connector may be locked again once the cable is out, or somebody has been authorised since: nobody
    charges with a cable that anybody may pull (G05)."""
    authorised = evse.grant is not None and evse.grant.at_us == now
    if evse.released and (authorised or not (evse.plugged or evse.ev_gone)):
        evse.released = False
        return True
    return False
