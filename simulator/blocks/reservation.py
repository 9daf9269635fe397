"""H Reservations: an EVSE, or any one EVSE, is kept for a token or its group until it is used or time is up.

A reservation of an EVSE marks it. Those of *any* EVSE mark nothing as long as more EVSEs are vacant than such
reservations exist; once they are as many, each vacant one is kept, so that one remains for every reserved token (1.6
5.13, H01.FR.07, H01.FR.20). Both show as the fact ``reserved``, from which the status Reserved follows. A car that
plugs in uses nothing up; only the token does.

It ends when a transaction of its token or group starts, when its time is over, when it is cancelled, or when its EVSE
(for any: every EVSE) becomes faulted or unavailable (1.6 5.13, H01.FR.16-17). A restart is none of these, so
reservations are kept on flash. Time is the station's own clock: if that is set, the deadline moves with it.

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
from simulator.core.settings import READ_ONLY, setting
from simulator.core.wiring import at, on_timer, station_rule

if TYPE_CHECKING:
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
RESERVATION_BYTES = 64


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """One reservation, as it lies on flash. ``evse_id`` 0 means any; ``expiry_us`` wall time."""

    reservation_id: int
    evse_id: int
    id_token: str
    expiry_us: int
    group: str | None = None

    def admits(self, id_token: str, group: str | None) -> bool:
        """Is it for this token, or for the group this token is of?"""
        if same_token(id_token, self.id_token):
            return True
        return self.group is not None and group is not None and same_token(group, self.group)


def _held(st: Station) -> dict[int, Reservation]:
    found: dict[int, Reservation] = st.data.get(HELD, _NONE)
    return found


_NONE: dict[int, Reservation] = {}


# -- requests of the CSMS ----------------------------------------------------------------------------------------------


def reserve(st: Station, wanted: Reservation) -> str:
    """Make or replace a reservation: Accepted, Occupied, Faulted, Unavailable, Rejected (1.6 5.13, H01.FR.01-24).

    Rejected: the product takes no reservations (none of this kind), there is no such EVSE, its time is over already,
    or flash refuses it. What it would have replaced stays then.
    """
    if FEATURE not in product_settings.features(st.model) or not st.settings[RESERVATIONS_ENABLED]:
        return "Rejected"
    if wanted.evse_id == 0 and (not st.settings[ANY_EVSE] or ANY_EVSE in st.model.absent):
        return "Rejected"
    if wanted.evse_id and st.evse(wanted.evse_id) is None:
        return "Rejected"
    if wanted.expiry_us <= st.board.rtc.wall(st.now):
        return "Rejected"
    others = {key: one for key, one in _held(st).items() if key != wanted.reservation_id}
    problem = _any_problem(st, others) if wanted.evse_id == 0 else _problem(st, wanted.evse_id, others)
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
    """Cancel a reservation; False when there is none of this id, or flash cannot forget it (1.6 5.1, H02.FR.01-02)."""
    held = _held(st)
    if reservation_id not in held or not st.board.flash.delete(RESERVATION_AREA, reservation_id):
        return False
    _keep(st, {key: one for key, one in held.items() if key != reservation_id})
    return True


def _problem(st: Station, evse_id: int, others: dict[int, Reservation]) -> str:
    """Why this EVSE cannot be reserved beside the other reservations, or nothing."""
    evse = st.evses[evse_id - 1]
    if _broken(st, evse):
        return "Faulted"
    if not evse.operative and evse.tx is None:
        return "Unavailable"
    if any(one.evse_id == evse_id for one in others.values()):
        return "Occupied"
    if not _vacant(st, evse) or evse.asked is not None or evse.wish is not None:
        return "Occupied"
    # what is kept for those who may come to any EVSE cannot be given away
    return "" if len(_vacancies(st, others)) > _expected(st, others) else "Occupied"


def _any_problem(st: Station, others: dict[int, Reservation]) -> str:
    """Why no EVSE can be kept for one more, or nothing."""
    if len(_vacancies(st, others)) > _expected(st, others):
        return ""
    if all(_broken(st, evse) for evse in st.evses):
        return "Faulted"
    usable = any(not _broken(st, evse) and (evse.operative or evse.tx is not None) for evse in st.evses)
    return "Occupied" if usable else "Unavailable"


def _broken(st: Station, evse: Evse) -> bool:
    return evse.lock_failed or st.blocked(evse)


def _vacant(st: Station, evse: Evse) -> bool:
    """May somebody with a token begin here? A cable in a kept EVSE changes nothing, one that was there before does."""
    return _idle(st, evse) and (evse.reserved or not (evse.plugged or evse.ev_gone or evse.bay))


def _idle(st: Station, evse: Evse) -> bool:
    return evse.tx is None and evse.grant is None and evse.operative and not _broken(st, evse)


def _vacancies(st: Station, held: dict[int, Reservation]) -> list[Evse]:
    """The vacant EVSEs that have no reservation of their own."""
    own = {one.evse_id for one in held.values()}
    return [evse for evse in st.evses if evse.evse_id not in own and _vacant(st, evse)]


def _expected(st: Station, held: dict[int, Reservation]) -> int:
    """How many may still come to any EVSE: not those whose token has been taken and waits for its cable."""
    here = {used_by(st, evse, evse.grant.id_token, evse.grant.group) for evse in st.evses if evse.grant and not evse.tx}
    return sum(1 for one in held.values() if one.evse_id == 0 and one.reservation_id not in here)


# -- who may come ------------------------------------------------------------------------------------------------------


def stance(st: Station, evse: Evse, id_token: str, known: Known | None) -> str:
    """How a token stands towards what is kept at an EVSE: free, mine, ask, refused.

    ``known`` is what the station knows of the token by itself. A group that can only be learnt from the CSMS is worth
    asking for (1.6 5.13).
    """
    held = _held(st)
    if not held:
        return "free"
    keepers = _keepers(held, evse)
    group = known.group if known is not None and known.status == "Accepted" else None
    if any(one.admits(id_token, group) for one in keepers or held.values() if one.evse_id in (0, evse.evse_id)):
        return "mine"
    if not keepers:
        return "free"
    unsure = known is None or known.status != "Accepted"
    return "ask" if unsure and any(one.group is not None for one in keepers) else "refused"


def admits(st: Station, evse: Evse, id_token: str, group: str | None) -> bool:
    """May this token, of this group, charge here as far as reservations go?"""
    keepers = _keepers(_held(st), evse)
    return not keepers or any(one.admits(id_token, group) for one in keepers)


def used_by(st: Station, evse: Evse, id_token: str, group: str | None) -> int | None:
    """The reservation that a transaction of this token at this EVSE uses up, None when it uses none."""
    held = _held(st)
    for evse_id in (evse.evse_id, 0):
        for one in held.values():
            if one.evse_id == evse_id and one.admits(id_token, group):
                return one.reservation_id
    return None


def _keepers(held: dict[int, Reservation], evse: Evse) -> tuple[Reservation, ...]:
    """For whom an EVSE is kept: for its own reservation, else for all those that may come to any."""
    own = tuple(one for one in held.values() if one.evse_id == evse.evse_id)
    return own or tuple(one for one in held.values() if one.evse_id == 0 and evse.reserved)


# -- how it goes on ----------------------------------------------------------------------------------------------------


def _keep(st: Station, held: dict[int, Reservation]) -> None:
    """These are the reservations now."""
    if held:
        st.data[HELD] = held
    else:
        st.data.pop(HELD, None)
        st.timers.cancel("reservation")
        for evse in st.evses:
            evse.reserved = False
    _arm(st)


def _arm(st: Station) -> None:
    """The next expiry by the station's clock; a clock that drifts is looked at again when the time has come."""
    held = _held(st)
    if held:
        left_us = min(one.expiry_us for one in held.values()) - st.board.rtc.wall(st.now)
        st.timers.set("reservation", st.now + max(0, left_us))


def _drop(st: Station, gone: dict[int, str]) -> None:
    """These have ended, each with the reason why."""
    for reservation_id, why in gone.items():
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
    for one in held.values():
        if one.evse_id in unusable or (one.evse_id == 0 and len(unusable) == len(st.evses)):
            gone.setdefault(one.reservation_id, "its EVSE cannot be used")
    if gone:
        _drop(st, gone)
        held = _held(st)
    before = [evse.reserved for evse in st.evses]
    _mark(st, held, also_new=False)
    return bool(gone) or before != [evse.reserved for evse in st.evses]


def _mark(st: Station, held: dict[int, Reservation], *, also_new: bool) -> None:
    """Mark the EVSEs that are kept. Only what is available becomes reserved (1.6 4.9, A7), and that is told first: a
    mark that comes with another input (``also_new`` False) is left to the timer, at the same moment."""
    own = {one.evse_id for one in held.values()}
    vacant = {evse.evse_id for evse in _vacancies(st, held)}
    count = _expected(st, held)
    kept = vacant if count > 0 and len(vacant) <= count else set()
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
    gone = {one.reservation_id: "expired" for one in _held(st).values() if one.expiry_us <= wall_us}
    if gone:
        _drop(st, gone)
    _arm(st)
    _mark(st, _held(st), also_new=True)


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
