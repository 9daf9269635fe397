"""H Reservations: an EVSE, or any one EVSE, is kept for a token or its group until it is used or time is up.

A reservation of an EVSE marks it. Those of *any* EVSE, or of any with a certain connector, mark nothing as long as
enough EVSEs are vacant for all of them; an EVSE without which they would be too few is kept, so that one remains for
every reserved token (1.6 5.13, H01.FR.07, FR.09, FR.20, FR.24). Both show as the fact ``reserved``, from which the
status Reserved follows. A car that plugs in uses nothing up; only the token does.

It ends when a transaction of its token or group starts, when its time is over, when it is cancelled, or when its EVSE
(for any: every EVSE it could be) becomes faulted or unavailable (1.6 5.13, H01.FR.16-17). Where a version wants it
(:data:`TOKEN_USES`) the token alone uses it up, whether a transaction follows or not (H03.FR.09). A restart is none of
these, so reservations are kept on flash. Time is the station's own clock: if that is set, the deadline moves with it.

Who comes to a kept EVSE has a *stance*: ``free`` nothing is kept here, ``mine`` the token or its group is the right
one, ``ask`` only its group could be the right one and the station does not know it, ``refused``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simulator.blocks import product_settings
from simulator.blocks.local_lookup import Known, same_token
from simulator.core.connector import AVAILABLE
from simulator.core.records import FlashTrouble, Remark
from simulator.core.reports import ReservationOver
from simulator.core.settings import READ_ONLY, setting
from simulator.core.wiring import at, drain, keeps_busy, on_timer, station_rule

if TYPE_CHECKING:
    from simulator.blocks.grant import Asked, Grant
    from simulator.core.connector import Evse
    from simulator.core.station import Station

FEATURE = "Reservation"

RESERVATIONS_ENABLED = setting(
    "ReservationCtrlr.Enabled",
    "bool",
    True,
    feature=FEATURE,
    description="does the station accept reservations",
)
ANY_EVSE = setting(
    "ReservationCtrlr.NonEvseSpecific",
    "bool",
    True,
    key16="ReserveConnectorZeroSupported",
    mutability=READ_ONLY,
    feature=FEATURE,
    description="can a reservation leave open which EVSE it is for",
)

RESERVATION_AREA = "reservations"
#: data of the block: reservations by id, there only while there are any
HELD = "reservations"
#: data of the block: EVSE id -> the reservation its authorisation has used, there only between token and transaction
CLAIMED = "reservations_claimed"
#: data of the block: (reservation id, how it ended) that are still to be told
OVER = "reservations_over"
RESERVATION_BYTES = 64
#: capability of a dialect: a token uses its reservation up even if no transaction follows
TOKEN_USES = "token_uses_reservation"
EXPIRED, REMOVED, NO_TRANSACTION = "Expired", "Removed", "NoTransaction"


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """One reservation, as it lies on flash. ``evse_id`` 0 means any, or any with a connector of ``connector_type`` (in
    the words of ConnectorEnumType); ``expiry_us`` wall time; ``token_type`` empty where tokens have none."""

    reservation_id: int
    evse_id: int
    id_token: str
    expiry_us: int
    group: str | None = None
    connector_type: str | None = None
    token_type: str = ""

    def covers(self, evse: Evse) -> bool:
        """Could it be used at this EVSE?"""
        if self.evse_id:
            return self.evse_id == evse.evse_id
        return self.connector_type in (None, evse.spec.connector_type)

    def admits(self, id_token: str, token_type: str, group: str | None) -> bool:
        """Is it for this token, or for the group this token is of?"""
        if same_token(id_token, self.id_token, token_type, self.token_type):
            return True
        return self.group is not None and group is not None and same_token(group, self.group)


def _held(st: Station) -> dict[int, Reservation]:
    found: dict[int, Reservation] = st.data.get(HELD, _NONE)
    return found


_NONE: dict[int, Reservation] = {}


def _in_use(st: Station) -> dict[int, Reservation]:
    """The reservations that count: those of a station that has them switched off lie idle (part 2, 2.1)."""
    held = _held(st)
    return held if not held or st.settings[RESERVATIONS_ENABLED] else _NONE


@keeps_busy
def pending(st: Station) -> bool:
    """Is anybody awaited, be it at one EVSE or at any?"""
    return bool(_in_use(st))


# -- requests of the CSMS ----------------------------------------------------------------------------------------------


def reserve(st: Station, wanted: Reservation) -> str:
    """Make or replace a reservation: Accepted, Occupied, Faulted, Unavailable, Rejected (1.6 5.13, H01.FR.01-24).

    Rejected: the product takes no reservations (none of this kind), there is no such EVSE or connector, its time is
    over already, or flash refuses it. What it would have replaced stays then.
    """
    if FEATURE not in product_settings.features(st.model) or not st.settings[RESERVATIONS_ENABLED]:
        return "Rejected"
    if wanted.evse_id == 0 and (not st.settings[ANY_EVSE] or ANY_EVSE in st.model.absent):
        return "Rejected"
    targets = tuple(evse for evse in st.evses if wanted.covers(evse))
    if not targets or (wanted.evse_id and wanted.connector_type not in (None, targets[0].spec.connector_type)):
        return "Rejected"
    if wanted.expiry_us <= st.board.rtc.wall(st.now):
        return "Rejected"
    others = {key: one for key, one in _held(st).items() if key != wanted.reservation_id}
    problem = _problem(st, targets[0], others) if wanted.evse_id else _any_problem(st, wanted, targets, others)
    if problem:
        return problem
    size = RESERVATION_BYTES + len(wanted.id_token) + len(wanted.group or "")
    if not st.board.flash.write(RESERVATION_AREA, wanted.reservation_id, wanted, size):
        st.record(FlashTrouble(RESERVATION_AREA, st.board.flash.why, f"reservation {wanted.reservation_id}"))
        return "Rejected"
    others[wanted.reservation_id] = wanted
    _keep(st, others)
    _mark(st, others, also_new=True)
    return "Accepted"


def cancel(st: Station, reservation_id: int) -> bool:
    """Cancel a reservation; False when there is none of this id (any more: H03.FR.09), or flash cannot forget it (1.6
    5.1, H02.FR.01-02)."""
    held = _held(st)
    if reservation_id not in held or reservation_id in st.data.get(CLAIMED, {}).values():
        return False
    if not st.board.flash.delete(RESERVATION_AREA, reservation_id):
        return False
    _keep(st, {key: one for key, one in held.items() if key != reservation_id})
    return True


def _problem(st: Station, evse: Evse, others: dict[int, Reservation]) -> str:
    """Why this EVSE cannot be reserved beside the other reservations, or nothing."""
    if _broken(st, evse):
        return "Faulted"
    if not evse.in_service and evse.tx is None:
        return "Unavailable"
    if any(one.evse_id == evse.evse_id for one in others.values()):
        return "Occupied"
    if not _vacant(st, evse) or evse.asked is not None or evse.wish is not None:
        return "Occupied"
    # what is kept for those who may come to any EVSE cannot be given away
    rest = [other for other in _vacancies(st, others) if other is not evse]
    return "" if _room(rest, _expected(st, others)) else "Occupied"


def _any_problem(st: Station, wanted: Reservation, targets: tuple[Evse, ...], others: dict[int, Reservation]) -> str:
    """Why no EVSE of ``targets`` can be kept for one more, or nothing."""
    if _room(_vacancies(st, others), [*_expected(st, others), wanted]):
        return ""
    if all(_broken(st, evse) for evse in targets):
        return "Faulted"
    usable = any(not _broken(st, evse) and (evse.operative or evse.tx is not None) for evse in targets)
    return "Occupied" if usable else "Unavailable"


def _room(vacant: list[Evse], expected: list[Reservation]) -> bool:
    """Are these EVSEs enough for all these reservations of any? Each EVSE has one type of connector, so it is enough
    that every type has as many as are reserved of it, and all together as many as are reserved."""
    if len(expected) > len(vacant):
        return False
    return all(
        sum(one.connector_type == kind for one in expected) <= sum(evse.spec.connector_type == kind for evse in vacant)
        for kind in {one.connector_type for one in expected} - {None}
    )


def _broken(st: Station, evse: Evse) -> bool:
    return evse.lock_failed or st.blocked(evse)


def _vacant(st: Station, evse: Evse) -> bool:
    """May somebody with a token begin here? A cable in a kept EVSE changes nothing, one that was there before does."""
    taken = evse.tx is not None or evse.plugged or evse.ev_gone or evse.bay
    return _idle(st, evse) and (evse.reserved or not taken)


def _idle(st: Station, evse: Evse) -> bool:
    """Nobody has come with a token. A transaction that a car alone has begun changes nothing (G01.FR.09)."""
    nobody = evse.grant is None and (evse.tx is None or not evse.tx.id_token)
    nobody = nobody and evse.evse_id not in st.data.get(CLAIMED, ())
    return nobody and evse.operative and not _broken(st, evse)


def _vacancies(st: Station, held: dict[int, Reservation]) -> list[Evse]:
    """The vacant EVSEs that have no reservation of their own."""
    own = {one.evse_id for one in held.values()}
    return [evse for evse in st.evses if evse.evse_id not in own and _vacant(st, evse)]


def _expected(st: Station, held: dict[int, Reservation]) -> list[Reservation]:
    """Those who may still come to any EVSE: not those whose token has been taken and waits for its cable."""
    here = {used_by(st, evse, evse.grant) for evse in st.evses if evse.grant and not evse.tx}
    here.update(st.data.get(CLAIMED, {}).values())
    return [one for one in held.values() if one.evse_id == 0 and one.reservation_id not in here]


# -- who may come ------------------------------------------------------------------------------------------------------


def stance(st: Station, evse: Evse, id_token: str, token_type: str, known: Known | None) -> str:
    """How a token stands towards what is kept at an EVSE: free, mine, ask, refused.

    ``known`` is what the station knows of the token by itself. A group that can only be learnt from the CSMS is worth
    asking for (1.6 5.13).
    """
    held = _in_use(st)
    if not held:
        return "free"
    keepers = _keepers(st, held, evse)
    group = known.group if known is not None and known.status == "Accepted" else None
    if any(one.admits(id_token, token_type, group) for one in keepers or held.values() if one.covers(evse)):
        return "mine"
    if not keepers:
        return "free"
    unsure = known is None or known.status != "Accepted"
    return "ask" if unsure and any(one.group is not None for one in keepers) else "refused"


def group_may_fit(st: Station, evse: Evse, id_token: str, token_type: str, known: Known | None) -> bool:
    """Could a token use a reservation at this EVSE by a group that only the CSMS can tell? Also where nothing is kept
    because there is room enough, the CSMS is asked for the group then (1.6 5.13, H03.FR.08)."""
    if known is not None and known.status == "Accepted":
        return False
    here = [one for one in _in_use(st).values() if one.covers(evse)]
    by_itself = any(one.admits(id_token, token_type, None) for one in here)
    return not by_itself and any(one.group is not None for one in here)


def admits(st: Station, evse: Evse, id_token: str, token_type: str, group: str | None) -> bool:
    """May this token, of this group, charge here as far as reservations go?"""
    keepers = _keepers(st, _in_use(st), evse)
    return not keepers or any(one.admits(id_token, token_type, group) for one in keepers)


def used_by(st: Station, evse: Evse, who: Grant | Asked) -> int | None:
    """The reservation that a transaction of this token at this EVSE uses up, None when it uses none."""
    group = getattr(who, "group", None)  # of a token that is asked about none is known yet
    here = (one for one in _in_use(st).values() if one.covers(evse))
    fits = [one for one in here if one.admits(who.id_token, who.token_type, group)]
    if not fits:
        return None
    # its own before those of any, and of these the one that names the connector
    return max(fits, key=lambda one: (one.evse_id, one.connector_type is not None)).reservation_id


def _keepers(st: Station, held: dict[int, Reservation], evse: Evse) -> tuple[Reservation, ...]:
    """For whom an EVSE is kept: for its own reservation, else for those that may come to any and leave enough for the
    others when they come to this one."""
    own = tuple(one for one in held.values() if one.evse_id == evse.evse_id)
    if own or not evse.reserved:
        return own
    vacant = [other for other in _vacancies(st, held) if other is not evse]
    expected = _expected(st, held)
    comers = tuple(one for one in held.values() if one.evse_id == 0 and one.covers(evse))
    polite = tuple(one for one in comers if _room(vacant, [other for other in expected if other is not one]))
    return polite or comers


# -- how it goes on ----------------------------------------------------------------------------------------------------


def _keep(st: Station, held: dict[int, Reservation]) -> None:
    """These are the reservations now."""
    if held:
        st.data[HELD] = held
    else:
        st.data.pop(HELD, None)
        st.data.pop(CLAIMED, None)
        st.timers.cancel("reservation")
        for evse in st.evses:
            evse.reserved = False
    _arm(st)


def _arm(st: Station) -> None:
    """The next expiry by the station's clock; a clock that drifts is looked at again when the time has come."""
    waiting = _unclaimed(st)
    if waiting:
        left_us = min(one.expiry_us for one in waiting) - st.board.rtc.wall(st.now)
        st.timers.set("reservation", st.now + max(0, left_us))


def _unclaimed(st: Station) -> list[Reservation]:
    """Those whose time can run out: nobody has come for them yet."""
    claimed = st.data.get(CLAIMED, {}).values()
    return [one for one in _held(st).values() if one.reservation_id not in claimed]


#: how a reservation ends -> what is told of it; its use is told by the transaction
TOLD = {"expired": EXPIRED, "its EVSE cannot be used": REMOVED, "used without a transaction": NO_TRANSACTION}


def _drop(st: Station, gone: dict[int, str]) -> None:
    """These have ended, each with the reason why."""
    for reservation_id, why in gone.items():
        if why in TOLD:
            st.data.setdefault(OVER, []).append((reservation_id, TOLD[why]))
        if not st.board.flash.delete(RESERVATION_AREA, reservation_id):
            st.record(FlashTrouble(RESERVATION_AREA, st.board.flash.why, f"end of reservation {reservation_id}"))
        st.record(Remark(f"reservation {reservation_id} is over: {why}"))
    _keep(st, {key: one for key, one in _held(st).items() if key not in gone})


@station_rule(20)
def keep(st: Station, now: int) -> bool:
    """End what has been used or lost its EVSE, and mark the EVSEs that are kept."""
    if HELD not in st.data:
        return False
    held = _held(st)
    gone: dict[int, str] = {}
    for evse in st.evses:
        if evse.tx is not None and evse.tx.reservation_id is not None and evse.tx.reservation_id in held:
            gone[evse.tx.reservation_id] = "used"
    unusable = {evse.evse_id for evse in st.evses if _broken(st, evse) or not evse.operative}
    for one in _unclaimed(st) if unusable else ():
        if all(evse.evse_id in unusable for evse in st.evses if one.covers(evse)):
            gone.setdefault(one.reservation_id, "its EVSE cannot be used")
    for reservation_id in _follow_claims(st, held):
        gone.setdefault(reservation_id, "used without a transaction")
    if gone:
        _drop(st, gone)
        held = _held(st)
    before = [evse.reserved for evse in st.evses]
    _mark(st, held, also_new=False)
    return bool(gone) or before != [evse.reserved for evse in st.evses]


def _follow_claims(st: Station, held: dict[int, Reservation]) -> list[int]:
    """Who has come with a token; the reservations of those who have left without a transaction."""
    if TOKEN_USES not in st.dialect.capabilities:
        return []
    claimed: dict[int, int] = st.data.get(CLAIMED, {})
    left = [one for evse_id, one in claimed.items() if st.evses[evse_id - 1].grant is None and one in held]
    now_here: dict[int, int] = {}
    for evse in st.evses:
        found = None
        if evse.grant is None and evse.asked is not None:  # before the CSMS has said anything (H03, S1)
            found = used_by(st, evse, evse.asked)
        elif evse.grant is not None and evse.tx is None:
            found = used_by(st, evse, evse.grant)
        if found is not None:
            now_here[evse.evse_id] = found
    if now_here:
        st.data[CLAIMED] = now_here
    else:
        st.data.pop(CLAIMED, None)
    return [one for one in left if one not in now_here.values()]


def _mark(st: Station, held: dict[int, Reservation], *, also_new: bool) -> None:
    """Mark the EVSEs that are kept. Only what is available becomes reserved (1.6 4.9, A7), and that is told first: a
    mark that comes with another input (``also_new`` False) is left to the timer, at the same moment."""
    held = held if not held or st.settings[RESERVATIONS_ENABLED] else _NONE
    own = {one.evse_id for one in held.values()}
    vacant = _vacancies(st, held)
    expected = _expected(st, held)
    kept = {
        evse.evse_id
        for evse in (vacant if expected else ())
        if any(one.covers(evse) for one in expected) and not _room([v for v in vacant if v is not evse], expected)
    }
    for evse in st.evses:
        wanted = _idle(st, evse) and (evse.evse_id in own or evse.evse_id in kept)
        if wanted and not evse.reserved:
            if evse.status == AVAILABLE and not also_new:
                st.timers.set("reservation", st.now)
            wanted = evse.status == AVAILABLE and also_new
        evse.reserved = wanted


@on_timer("reservation")
def time_is_up(st: Station, index: int, now: int) -> None:
    """A reservation may have expired, or an EVSE has become available a moment ago."""
    wall_us = st.board.rtc.wall(now)
    gone = {one.reservation_id: "expired" for one in _unclaimed(st) if one.expiry_us <= wall_us}
    if gone:
        _drop(st, gone)
    _arm(st)
    _mark(st, _held(st), also_new=True)


@drain(70)
def tell_over(st: Station, now: int) -> None:
    """H01.FR.16-17, H03.FR.11, H04.FR.01: after the status that follows from it."""
    for reservation_id, status in st.data.pop(OVER, ()):
        st.publish(ReservationOver(reservation_id, status))


@at("settings")
def switched(st: Station, now: int) -> None:
    """Switched off they lie idle, switched on again they count."""
    if RESERVATIONS_ENABLED.key in st.changed_settings and HELD in st.data:
        st.timers.set("reservation", now)


@at("clock")
def clock_set(st: Station, now: int) -> None:
    """The clock was set: what was an hour away may be due."""
    if HELD in st.data:
        _arm(st)


@at("start")
def start(st: Station, now: int) -> None:
    """Reservations survive a restart; whose time is over is dropped by the timer."""
    found: list[tuple[int, Reservation]] = st.board.flash.items(RESERVATION_AREA)
    if found:
        _keep(st, dict(found))
        _mark(st, _held(st), also_new=True)
