"""C Authorization: who may charge, at which EVSE, and how an authorisation ends.

The result is one fact per EVSE, the *grant*. Everything that can end it (the same token, a token of the group, the
CSMS, a pulled cable, a fault, a time-out, a reset) ends it here with a *grant end* that says how; the transactions
block reads both. Where the token came from does not matter afterwards, so plug-first, token-first, remote start and
free vend are one code path.

Online the CSMS decides unless LocalPreAuthorize and the cache allow to go ahead (1.6 3.5, C10, C12); offline the local
rules decide (1.6 3.5.4, C13, C15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import allowance, common_reader, kept_cable, master_pass, reservation
from simulator.blocks.grant import FAULT_REASONS, Asked, Grant, GrantEnd
from simulator.blocks.local_lookup import (
    ASKS_NOBODY,
    NEVER_ASKED,
    Known,
    is_final,
    lookup,
    remember,
    same_group,
    same_token,
)
from simulator.blocks.provisioning import interruption
from simulator.blocks.token_cache import TokenInfo, use
from simulator.core.records import Remark
from simulator.core.reports import AuthorizeAsked
from simulator.core.settings import setting
from simulator.core.wiring import PRESENTED, PRESSED, on_timer, rule

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

LOCAL_PRE_AUTHORIZE = setting(
    "AuthCtrlr.LocalPreAuthorize",
    "bool",
    False,
    key16="LocalPreAuthorize",
    required=True,
    required16=True,
    description="go ahead with a token known locally without waiting for the CSMS",
)
LOCAL_AUTHORIZE_OFFLINE = setting(
    "AuthCtrlr.LocalAuthorizeOffline",
    "bool",
    True,
    key16="LocalAuthorizeOffline",
    required=True,
    required16=True,
    description="may a token known locally start a session while offline",
)
OFFLINE_UNKNOWN = setting(
    "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    "bool",
    False,
    key16="AllowOfflineTxForUnknownId",
    description="may an unknown token start a session while offline",
)
AUTHORIZE_REMOTE = setting(
    "AuthCtrlr.AuthorizeRemoteStart",
    "bool",
    False,
    key16="AuthorizeRemoteTxRequests",
    required=True,
    required16=True,
    description="check the token of a remote start like a local one",
)
STOP_ON_INVALID = setting(
    "TxCtrlr.StopTxOnInvalidId",
    "bool",
    True,
    key16="StopTransactionOnInvalidId",
    required=True,
    required16=True,
    description="end the transaction when the CSMS refuses its token",
)
MAX_ENERGY_ON_INVALID = setting(
    "TxCtrlr.MaxEnergyOnInvalidId",
    "int",
    0,
    key16="MaxEnergyOnInvalidId",
    minimum=0,
    maximum=10**7,
    unit="Wh",
    description="energy still allowed after the token was refused",
)
STOP_ON_EV_SIDE = setting(
    "TxCtrlr.StopTxOnEVSideDisconnect",
    "bool",
    True,
    key16="StopTransactionOnEVSideDisconnect",
    required=True,
    required16=True,
    description="pulling the plug at the car ends the authorisation",
)
CONNECTION_TIMEOUT = setting(
    "TxCtrlr.EVConnectionTimeOut",
    "int",
    60,
    key16="ConnectionTimeOut",
    minimum=0,
    maximum=86_400,
    unit="s",
    required=True,
    required16=True,
    description="seconds an authorisation waits for the cable",
)

#: capability of a dialect: another token is asked about only when the session's token is known to be of a group
GROUP_FIRST = "group_first"
#: capability of a dialect: a session whose plug was pulled at the car goes on without a limit of time (1.6 4.10)
NO_RETURN_TIME = "no_return_time"


# -- a token at the reader ---------------------------------------------------------------------------------------------


def present(st: Station, id_token: str, token_type: str, evse_id: int, now: int) -> None:
    """Somebody holds a token to the reader. ``evse_id`` 0 lets the station find the EVSE that is meant."""
    registered = st.gate == "accepted" or not st.link.is_up
    evse = st.evse(evse_id) if evse_id else common_reader.meant(st, id_token, token_type)
    if evse is None:
        st.record(Remark("token ignored: no EVSE is free"))
        return
    grant = evse.grant
    if grant is not None:
        if same_token(id_token, grant.id_token, token_type, grant.token_type):
            end(st, evse, GrantEnd("StopAuthorized", "Local", now, id_token, token_type))
            return
        known = lookup(st, id_token, token_type)
        if known is not None and known.status == "Accepted" and same_group(known.group, grant.group):
            end(st, evse, GrantEnd("StopAuthorized", "Local", now, id_token, token_type))  # C09.FR.07, E07.FR.01 (b)
            return
        of_group = grant.group is not None or GROUP_FIRST not in st.dialect.capabilities
        if st.link.is_up and registered and of_group:
            _ask(st, evse, id_token, token_type, None)
        return
    if not registered:  # an end needs no registration: it is told later (C01.FR.03)
        st.record(Remark("token ignored: not registered"))
        return
    if st.leave_by is not None:
        st.record(Remark("token ignored: the run is ending"))
        return
    if evse.asked is not None:
        return
    known = lookup(st, id_token, token_type)
    obstacle = _obstacle(st, evse, id_token, token_type)
    if not obstacle and reservation.stance(st, evse, id_token, token_type, known) == "refused":
        obstacle = f"EVSE {evse.evse_id} is reserved"  # 1.6 5.13
    if obstacle:
        st.record(Remark(f"token refused: {obstacle}"))
        if st.link.is_up and master_pass.may_be_one(st, known):
            _ask(st, evse, id_token, token_type, None)
        return
    if st.link.is_up:
        _decide_online(st, evse, id_token, token_type, known, None)
    else:
        _decide_offline(st, evse, id_token, token_type, known)
    if evse.grant is None and evse.asked is None:
        kept_cable.hand_back(st, evse, id_token, known.group if known else None)


def _obstacle(st: Station, evse: Evse, id_token: str, token_type: str) -> str:
    """Why nobody with this token can begin anything at an EVSE, whatever its status; empty when he can."""
    tx = evse.tx
    if tx is not None and tx.id_token and not same_token(tx.id_token, id_token, tx.token_type, token_type):
        return "the transaction belongs to another one"  # C01.FR.23
    unusable = st.blocked(evse) or (not evse.in_service and tx is None)
    return f"EVSE {evse.evse_id} is not usable" if unusable else ""


def _decide_online(
    st: Station, evse: Evse, id_token: str, token_type: str, known: Known | None, remote_start_id: int | None
) -> None:
    """What the station knows is enough if it may be; otherwise the CSMS says (1.6 3.5, C10, C12, C14)."""
    ours = known is not None and not master_pass.is_one(st, known.group)
    ahead = st.settings[LOCAL_PRE_AUTHORIZE] or st.settings[ASKS_NOBODY]
    if ours and known is not None and known.admits_to(evse.evse_id) and ahead:
        give(st, evse, id_token, token_type, known.group, "local", remote_start_id)
    elif known is not None and is_final(st, known):
        st.record(Remark(f"token refused: {known.status}, and the CSMS is not asked about it"))
    else:
        _ask(st, evse, id_token, token_type, remote_start_id)


def _decide_offline(st: Station, evse: Evse, id_token: str, token_type: str, known: Known | None) -> None:
    if not reservation.admits(st, evse, id_token, token_type, known.group if known is not None else None):
        st.record(Remark(f"token refused offline: EVSE {evse.evse_id} is reserved"))
    elif known is not None:
        if master_pass.is_one(st, known.group):
            st.record(Remark("token refused offline: a master pass begins nothing"))  # C16.FR.03
        elif known.admits_to(evse.evse_id) and st.settings[LOCAL_AUTHORIZE_OFFLINE]:
            give(st, evse, id_token, token_type, known.group, "local")
        else:
            st.record(Remark(f"token refused offline: {known.status}"))
    elif st.settings[OFFLINE_UNKNOWN]:
        give(st, evse, id_token, token_type, None, "offline")  # 1.6 3.5.4, C15
    else:
        st.record(Remark("token refused offline: unknown"))


def _ask(st: Station, evse: Evse, id_token: str, token_type: str, remote_start_id: int | None) -> None:
    if st.settings[ASKS_NOBODY]:
        st.record(Remark("token refused: unknown here, and the CSMS is not asked"))
    elif evse.asked is None:
        evse.asked = Asked(id_token, token_type, remote_start_id, to_end=evse.grant is not None)
        st.publish(AuthorizeAsked(evse.evse_id, id_token, token_type))


# -- what the CSMS says ------------------------------------------------------------------------------------------------


def deafen(st: Station) -> None:
    """A defect of some software: every reader is busy from now on, with a token that is never decided on."""
    for evse in st.evses:
        evse.asked = Asked("", "", None)


def answered(st: Station, evse_id: int, id_token: str, info: TokenInfo, token_type: str = "") -> None:
    """The answer to Authorize."""
    remember(st, id_token, info, token_type)
    evse = st.evses[evse_id - 1]
    asked = evse.asked
    if asked is None or asked.id_token != id_token:
        return
    evse.asked = None
    if info.status == "Accepted" and master_pass.is_one(st, info.group):
        _end_all(st, master_pass.read(st, id_token, asked.token_type))
        return
    allowed = info.status == "Accepted" and (not info.evse_ids or evse_id in info.evse_ids)  # C01.FR.21
    grant = evse.grant
    if grant is not None:
        if info.status == "Accepted" and same_group(info.group, grant.group):  # C09.FR.03, FR.11: at any EVSE
            end(st, evse, GrantEnd("StopAuthorized", "Local", st.now, id_token, asked.token_type))
        else:
            st.record(Remark("token refused: another session is running"))
        return
    obstacle = _obstacle(st, evse, id_token, asked.token_type) if allowed else ""
    if asked.to_end:
        obstacle = "the session it was presented in is over"
    if obstacle:  # ... or the EVSE has been taken out of service meanwhile
        st.record(Remark(f"token refused: {obstacle}"))
    elif allowed and not reservation.admits(st, evse, id_token, asked.token_type, info.group):
        st.record(Remark(f"token refused: EVSE {evse.evse_id} is reserved"))
    elif allowed:
        give(st, evse, id_token, asked.token_type, info.group, "csms", asked.remote_start_id)
    else:
        kept_cable.hand_back(st, evse, id_token, info.group)
        st.record(Remark(f"token refused by the CSMS: {info.status}"))


def unanswered(st: Station, evse_id: int, code: str) -> None:
    """Authorize got no usable answer. A link lost meanwhile means the offline rules decide."""
    evse = st.evses[evse_id - 1]
    asked, evse.asked = evse.asked, None
    if asked is None or asked.to_end:
        return
    if code == "lost" and evse.grant is None and asked.remote_start_id is None:
        _decide_offline(st, evse, asked.id_token, asked.token_type, lookup(st, asked.id_token, asked.token_type))


# -- grants ------------------------------------------------------------------------------------------------------------


def give(
    st: Station,
    evse: Evse,
    id_token: str,
    token_type: str,
    group: str | None,
    source: str,
    remote_start_id: int | None = None,
) -> None:
    """Charging is authorised at an EVSE; without a cable the connection time-out starts (1.6 ConnectionTimeOut).

    A cable that stayed locked after its session is handed back instead, to its owner (E09.FR.03)."""
    if source != "remote" and remote_start_id is None and kept_cable.kept(st, evse):
        evse.asked = None
        if not kept_cable.hand_back(st, evse, id_token, group):
            st.record(Remark("token refused: somebody else's cable is locked in"))
        return
    grant = Grant(id_token, token_type, group, source, st.now)
    grant.remote_start_id = remote_start_id
    if source == "local":
        use(st, id_token)
    evse.grant, evse.grant_end, evse.asked = grant, None, None
    if not evse.plugged:
        _await_cable(st, evse)


def _await_cable(st: Station, evse: Evse) -> None:
    timeout_s = st.settings[CONNECTION_TIMEOUT]
    if timeout_s > 0:
        st.timers.set("connect", st.now + timeout_s * 1_000_000, evse.evse_id)


def end(st: Station, evse: Evse, how: GrantEnd | None) -> None:
    """The authorisation is over; None: it is forgotten."""
    if how is not None and evse.grant is not None:
        how.owner, how.owner_group = evse.grant.id_token, evse.grant.group
    evse.grant, evse.grant_end = None, how
    if how is None or evse.tx is None or evse.plugged:  # else the transaction still waits for its cable
        st.timers.cancel("connect", evse.evse_id)
    st.timers.cancel("allowance", evse.evse_id)


def _end_all(st: Station, choice: master_pass.Choice) -> None:
    for evse in choice.evses:
        if evse.grant is not None:
            end(st, evse, GrantEnd("StopAuthorized", "MasterPass", st.now, choice.id_token, choice.token_type))


@on_timer("connect")
def no_cable(st: Station, evse_id: int, now: int) -> None:
    """Nobody plugged in (E03.FR.05, F02.FR.07)."""
    evse = st.evses[evse_id - 1]
    if not evse.plugged and (evse.grant is not None or evse.tx is not None):
        end(st, evse, GrantEnd("EVConnectTimeout", "Timeout", now))


@rule(10)
def hold(st: Station, evse: Evse, now: int) -> bool:
    """Bind the grant to its transaction, and end it when its ground is gone."""
    before = evse.grant
    if evse.restarting and (before or evse.grant_end or evse.asked or evse.wish):
        end(st, evse, None)
        evse.asked = evse.wish = None
        return True
    _resume(evse, now)
    _serve_wish(st, evse, now)
    grant = evse.grant
    if grant is None:
        if st.model.free_vend and evse.plugged and not evse.used and evse.tx is None and _may_vend(st, evse):
            give(st, evse, st.model.free_vend_token, "NoAuthorization", None, "free")
        if not (evse.plugged or evse.ev_gone) and evse.tx is None:
            evse.grant_end = None
        return evse.grant is not before
    if evse.tx is not None:
        grant.bound = True
    elif grant.bound:
        evse.grant = None  # its transaction is over
        return True
    elif not evse.operative:
        end(st, evse, None)  # nothing has begun, and nothing may any more (G03, G04)
        return True
    if evse.plugged:
        if not grant.plugged_seen:
            grant.plugged_seen = True
            st.timers.cancel("connect", evse.evse_id)
    elif grant.plugged_seen:
        if st.settings[STOP_ON_EV_SIDE]:
            end(st, evse, GrantEnd("EVCommunicationLost", "EVDisconnected", now))  # E09.FR.01
        else:
            grant.plugged_seen = False  # E10: it may come back in time
            if evse.spec.tethered and NO_RETURN_TIME not in st.dialect.capabilities:
                _await_cable(st, evse)  # E10.FR.02
    if evse.grant is grant:
        _check_faults(st, evse, now)
        allowance.check(st, evse, grant, now)
        ends = interruption(st, evse)
        if ends is not None and evse.grant is not None:
            end(st, evse, GrantEnd(*ends, now))
    return evse.grant is not before


def _resume(evse: Evse, now: int) -> None:
    """A transaction that goes on after a power cut has its authorisation back, if it had one."""
    tx = evse.tx
    if tx is None or not (tx.resumed and tx.authorized) or evse.grant is not None or evse.grant_end is not None:
        return
    grant = Grant(tx.id_token, tx.token_type, tx.group, "resumed", now)
    grant.energy, grant.bound, grant.plugged_seen = tx.energy, True, True
    grant.remote_start_id = tx.remote_start_id
    evse.grant = grant


def _may_vend(st: Station, evse: Evse) -> bool:
    usable = evse.in_service and not st.blocked(evse) and not evse.reserved
    return st.leave_by is None and usable and (st.gate == "accepted" or not st.link.is_up)


def _check_faults(st: Station, evse: Evse, now: int) -> None:
    for problem in st.board.problems(evse.evse_id):
        stops = problem.blocks or (problem.code == "meter_failure" and st.model.hardware.meter.stop_when_dead)
        if stops:
            reason = FAULT_REASONS.get(problem.component) or FAULT_REASONS.get(problem.code or "", "Other")
            end(st, evse, GrantEnd("AbnormalCondition", reason, now))  # E06.FR.16
            return


def _serve_wish(st: Station, evse: Evse, now: int) -> None:
    """A remote start or stop was accepted: act as if it had happened at the station (F01.FR.01-02, F03)."""
    wish = evse.wish
    if wish is None:
        return
    evse.wish = None
    if wish.start:
        by_csms = wish.token_type in NEVER_ASKED
        known = lookup(st, wish.id_token, wish.token_type)
        who = wish.id_token, wish.token_type
        unsure = wish.group is None and not by_csms and reservation.group_may_fit(st, evse, *who, known)
        if st.settings[AUTHORIZE_REMOTE] and not by_csms:
            _decide_online(st, evse, wish.id_token, wish.token_type, known, wish.remote_start_id)
        elif unsure or not reservation.admits(st, evse, *who, wish.group or (known.group if known else None)):
            _ask(st, evse, wish.id_token, wish.token_type, wish.remote_start_id)  # its group may be the right one
        else:
            give(st, evse, wish.id_token, wish.token_type, wish.group, "remote", wish.remote_start_id)
    elif evse.grant is not None or (evse.tx is not None and not evse.tx.id_token):
        end(st, evse, GrantEnd(wish.trigger, wish.reason, now))  # also of one that waits for its token (F03.FR.02-03)


def press(st: Station, button: str, evse_id: int, now: int) -> None:
    """The stop button ends the session of an EVSE, or says which one a master pass is for."""
    choice = master_pass.chosen(st, evse_id) if button == "stop" else None
    if choice is not None:
        _end_all(st, choice)
        return
    evse = st.evse(evse_id or 1)
    if button == "stop" and evse is not None and evse.grant is not None:
        end(st, evse, GrantEnd("StopAuthorized", "Local", now))
    else:
        st.record(Remark(f"button {button!r} has no effect now"))


PRESENTED.append(present)
PRESSED.append(press)
