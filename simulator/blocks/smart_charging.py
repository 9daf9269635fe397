"""K Smart charging: the limit that follows from the installed profiles for every EVSE, and the composite schedule.

One fact follows, ``evse.limit``, which the power path obeys and which nobody else writes. It is worked out anew when a
profile comes or goes, when a session begins or ends or a car asks for energy or ceases to, when the clock is set, and
at the next moment at which any schedule changes; never in between, and never on a station without profiles. The link
plays no part in it: an offline station goes on (1.6 3.13.6).

The profile of the whole station is shared. Each EVSE whose car asks for energy, and whose own limit lets it charge,
gets the same share; when such a share is too small to charge with (IEC 61851-1: 6 A), those who were authorised last
wait, so that the others can. What one does not take of its share is not given to the others. Those whom the CSMS gives
a higher priority go before all that: only what they cannot take is left to the others (K03.FR.04).

Sources: 1.6 3.13, 5.7, 9.4.4, errata 3.8, 3.28 to 3.30, 3.34, 3.43; part 2 K01, K03, K08.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import msgspec

from simulator.blocks import charging_schedule as cs
from simulator.blocks.charging_profiles import NAME, SWITCH_PHASES, Store, in_force, install, remove, units
from simulator.blocks.external_limit import run_out
from simulator.core.connector import POWER_PATH_CLOSED
from simulator.core.power_path import enough, usable_phases
from simulator.core.records import Remark
from simulator.core.wiring import at, on_timer, station_rule

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

#: most periods a composite schedule is reported with; a longer one is cut short and says so by its duration
MAX_COMPOSITE_PERIODS = 500

#: capability of a dialect: where a profile of a transaction imposes nothing the default ones are in force
GIVES_WAY = "ended_profile_gives_way"

#: capability of a dialect: a power is for the phases it names; fewer of them have less (K01.FR.50)
POWER_DIVIDED = "power_is_for_its_phases"

#: data of the block: EVSE -> power before it got another limit, an external one or because of those it shares with; its
#: transaction tells when that made a difference
RATE_CHANGED = "rate_changed"

# -- the limit that holds ----------------------------------------------------------------------------------------------


def _began_us(st: Station, evse: Evse, wall_us: int) -> int:
    """Wall time from which what is relative counts, by the clock as it is now: when the EVSE was ready to deliver
    energy, authorised and connected (K01.FR.42, 3.12; 1.6 7.9 leaves it to the station); ``wall_us`` where it is not.

    A transaction may begin sooner, with the cable, or later, with the energy: that depends on TxStartPoint.
    """
    tx = evse.tx
    if tx is None or not tx.held & POWER_PATH_CLOSED:
        return wall_us if evse.path_us is None else wall_us - (st.now - evse.path_us)
    began = tx.path_closed or tx.started
    # the monotonic time of a stamp from an earlier run means nothing any more; then only what the clock said is left
    return began.wall_us if began.boot == 0 else wall_us - (st.now - began.mono_us)


def _of_station(st: Station, at_us: int) -> tuple[cs.Bound, int]:
    """The limit of the whole station: by the CSMS, and by others beside it (K08.FR.04). What has no start of its own
    counts from its arrival."""
    stack = [(i.profile, i.at_us) for i in in_force(st) if i.profile.purpose == cs.STATION_MAX]
    bound, until_us = cs.leading(stack, at_us, divided=POWER_DIVIDED in st.dialect.capabilities)
    return _and_external(st, 0, bound, until_us, at_us)


def _and_external(st: Station, evse_id: int, bound: cs.Bound, until_us: int, at_us: int) -> tuple[cs.Bound, int]:
    """A bound, and what somebody beside the CSMS imposes at the same place."""
    stack = [(i.profile, i.at_us) for i in in_force(st) if i.evse_id == evse_id and i.profile.purpose == cs.EXTERNAL]
    if not stack:
        return bound, until_us
    external, good_until_us = cs.leading(stack, at_us)
    return cs.merge(bound, external), min(until_us, good_until_us)


def _of_evse(st: Station, evse: Evse, at_us: int, anchor_us: int) -> tuple[cs.Bound, int]:
    """The limit of the transaction of an EVSE, or of one that would begin at ``anchor_us``.

    A default profile of this very EVSE takes the place of the common one of the same level (1.6 3.13.1).
    """
    key = None if evse.tx is None else evse.tx.key
    own: list[cs.Anchored] = []
    special: list[cs.Anchored] = []
    common: list[cs.Anchored] = []
    for there in in_force(st):
        profile = there.profile
        if profile.purpose == cs.TX:
            if key is not None and profile.transaction_key == key:
                own.append((profile, anchor_us))
        elif profile.purpose == cs.TX_DEFAULT and there.evse_id in (0, evse.evse_id):
            (special if there.evse_id else common).append((profile, anchor_us))
    awaited = _awaited(st, evse)
    if awaited is not None:
        own.append((awaited, anchor_us))
    taken = {profile.stack_level for profile, _ in special}
    default = special + [row for row in common if row[0].stack_level not in taken]
    words = st.dialect.capabilities
    bound, until_us = cs.of_transaction(
        own, default, at_us, gives_way=GIVES_WAY in words, divided=POWER_DIVIDED in words
    )
    return _and_external(st, evse.evse_id, bound, until_us, at_us)


def _awaited(st: Station, evse: Evse) -> cs.ChargingProfile | None:
    """The profile of a remote start whose transaction is yet to begin, because it begins with the energy: that must be
    within it from the first moment, on the phases it allows (K05)."""
    store: Store | None = st.data.get(NAME)
    if store is None or evse.tx is not None or evse.grant is None:
        return None
    id_token, profile = store.expected.get(evse.evse_id, ("", None))
    return profile if evse.grant.id_token == id_token else None


def _asking(st: Station, evse: Evse) -> bool:
    """Does the car want energy, and does nothing but a limit stand against it? Must not depend on whether it flows."""
    grant = evse.grant
    return (
        evse.plugged
        and grant is not None
        and grant.energy
        and evse.evse_ready
        and not st.blocked(evse)
        and st.board.pilots[evse.evse_id - 1].ev_ready
    )


@station_rule(50)
def follow(st: Station, now: int) -> bool:
    """Keep ``evse.limit`` what the installed profiles make it."""
    store: Store | None = st.data.get(NAME)
    if store is None:
        return False
    before = store.seen
    if store.expected:
        _apply_expected(st, store)
    seen = tuple(
        (
            evse.tx.key if evse.tx is not None else None,
            None if evse.grant is None else _priority(evse),
            evse.flowing,
            _asking(st, evse),
        )
        for evse in st.evses
    )
    offset_us = st.board.rtc.wall(now) - now
    if seen == store.seen and now < store.next_us and abs(offset_us - store.offset_us) < cs.SECOND_US:
        return False
    running = {key for key, _, _, _ in seen}
    remove(
        st,
        [
            n
            for n, i in store.profiles.items()
            if i.profile.purpose == cs.TX and i.profile.transaction_key not in running
        ],
    )
    run_out(st, now)
    # who is as before has another limit because others come and go
    balanced = []
    if before is not None and before != seen:
        balanced = [evse for evse, was, is_now in zip(st.evses, before, seen, strict=True) if was == is_now]
    store.seen, store.offset_us = seen, offset_us
    changed = _apply(st, store, now, balanced)
    kept = any(phases < st.evses[evse_id - 1].spec.phases for evse_id, phases in store.phases.items())
    if not (store.profiles or store.expected or kept):
        del st.data[NAME]
        st.timers.cancel("schedule")
    return changed


def _apply_expected(st: Station, store: Store) -> None:
    for evse_id, (id_token, profile) in list(store.expected.items()):
        evse = st.evses[evse_id - 1]
        tx, grant = evse.tx, evse.grant
        # a transaction that began without a token is given its name in a moment
        token = "" if tx is None else tx.id_token or ("" if grant is None else grant.id_token)
        if token:
            del store.expected[evse_id]
            why = install(st, evse_id, profile) if token == id_token else ""
            if why:  # it was fine when the start was accepted; since then others have taken its place
                st.record(Remark(f"charging profile {profile.id} of the remote start is not in force: {why}"))
        elif evse.wish is None and evse.asked is None and evse.grant is None:
            del store.expected[evse_id]  # nothing came of it


def _apply(st: Station, store: Store, now: int, balanced: Sequence[Evse]) -> bool:
    wall_us = st.board.rtc.wall(now)
    total, until_us = _of_station(st, wall_us)
    limits: dict[int, cs.Bound | None] = {}
    users: list[Evse] = []
    for evse in st.evses:
        limits[evse.evse_id] = None
        if evse.grant is None:
            store.phases.pop(evse.evse_id, None)
            continue
        own, own_until_us = _of_evse(st, evse, wall_us, _began_us(st, evse, wall_us))
        until_us = min(until_us, own_until_us)
        limit = _with_phases(st, store, evse, cs.merge(own, total))
        all_phases = limit.phases is None or limit.phases >= evse.spec.phases
        if limit.current is not None or limit.power is not None or not all_phases:
            limits[evse.evse_id] = limit
        if _asking(st, evse) and enough(evse, cs.merge(own, cs.Bound(phases=limit.phases))):
            users.append(evse)
    if len(users) > 1 and total != cs.FREE:
        _divide(total, users, limits)
    changed = False
    external, store.external = store.external, False
    for evse in st.evses:
        if evse.limit != limits[evse.evse_id]:
            if (external or evse in balanced) and evse.tx is not None:  # K11.FR.04, K13.FR.03, SC.02
                st.data.setdefault(RATE_CHANGED, {}).setdefault(evse.evse_id, evse.power_w)
            evse.limit = limits[evse.evse_id]
            changed = True
    store.next_us = cs.NEVER_US
    st.timers.cancel("schedule")
    if until_us < cs.NEVER_US:
        # a clock that drifts is asked again a moment before or after: then it is only asked once more
        store.next_us = now + max(1, until_us - wall_us)
        st.timers.set("schedule", store.next_us)
    return changed


def _with_phases(st: Station, store: Store, evse: Evse, limit: cs.Bound) -> cs.Bound:
    """The phases a session may use: they stay what they were when energy first flowed, unless the product can switch
    them while a session runs (1.6 9.4.4)."""
    if evse.spec.is_dc:
        return msgspec.structs.replace(limit, phases=None)
    if st.settings[SWITCH_PHASES]:
        return limit
    fixed = store.phases.get(evse.evse_id)
    began = evse.flowing or (evse.tx is not None and evse.tx.told_phases > 0)
    if fixed is None and began:
        before = evse.limit.phases if evse.limit is not None else None
        fixed = store.phases[evse.evse_id] = evse.spec.phases if before is None else min(before, evse.spec.phases)
    return limit if fixed is None else msgspec.structs.replace(limit, phases=fixed)


def _seniority(evse: Evse) -> tuple[int, int]:
    assert evse.grant is not None
    return evse.grant.at_us, evse.evse_id


def _priority(evse: Evse) -> int:
    """K03.FR.05-06: that of the transaction, else of the token, else 0."""
    assert evse.grant is not None
    return evse.grant.priority if evse.grant.tx_priority is None else evse.grant.tx_priority


def _divide(total: cs.Bound, users: Sequence[Evse], limits: dict[int, cs.Bound | None]) -> None:
    """Divide the station's limit: those of the highest priority first (K03.FR.04), those of the same share."""
    for priority in sorted({_priority(evse) for evse in users}, reverse=True):
        alike = sorted((evse for evse in users if _priority(evse) == priority), key=_seniority)
        _share(total, alike, limits)
        for evse in alike:
            total = _less(total, evse, limits[evse.evse_id] or cs.FREE)


def _less(total: cs.Bound, evse: Evse, limit: cs.Bound) -> cs.Bound:
    """What is left of a limit beside the most that one EVSE may take of it."""
    if not enough(evse, limit):
        return total
    most = cs.merge(limit, _of_hardware(evse))
    used = usable_phases(evse, limit)
    volts, current, power = evse.spec.voltage_v * max(1, used), most.current, most.total(used)
    assert current is not None and power is not None, "the hardware bounds both"
    amps, watts = min(current, ceil(power / volts)), ceil(min(power, current * volts))
    return cs.Bound(
        None if total.current is None else max(0, total.current - amps),
        None if total.power is None else max(0, total.power - watts),
        total.phases,
        None if total.each is None else max(0.0, total.each - watts / max(1, used)),
    )


def _share(total: cs.Bound, users: Sequence[Evse], limits: dict[int, cs.Bound | None]) -> None:
    """Divide the station's limit among as many of the users, the oldest first, as can charge with their share."""
    for served in range(len(users), 0, -1):
        part = cs.Bound(
            None if total.current is None else total.current // served,
            None if total.power is None else total.power // served,
            total.phases,
            None if total.each is None else total.each / served,
        )
        shares = {e.evse_id: cs.merge(limits[e.evse_id] or cs.FREE, part) for e in users[:served]}
        if served == 1 or all(enough(e, shares[e.evse_id]) for e in users[:served]):
            break
    limits.update(shares)
    for evse in users[served:]:
        limits[evse.evse_id] = cs.Bound(0, 0, (limits[evse.evse_id] or total).phases)


@on_timer("schedule")
def schedule_changes(st: Station, index: int, now: int) -> None:
    """A schedule goes to its next period; ``follow`` sees that."""


@at("clock")
def clock_set(st: Station, now: int) -> None:
    """The clock was set: what follows from wall time is worked out anew, in an input of its own."""
    store: Store | None = st.data.get(NAME)
    if store is not None:
        store.seen = None
        st.timers.set("schedule", now)


# -- the composite schedule --------------------------------------------------------------------------------------------


class Composite(msgspec.Struct, frozen=True, gc=False):
    """A composite schedule: ``periods`` in ``unit`` from ``begin_us`` (wall time) on; it covers ``duration_s``."""

    evse_id: int
    unit: str
    begin_us: int
    duration_s: int
    periods: tuple[cs.Period, ...]


def composite(st: Station, evse_id: int, duration_s: int, unit: str | None) -> Composite | str:
    """What an EVSE may deliver from now on, or the station take from the grid (0); or why that cannot be told:
    UnknownEvse, Unit, Duration (1.6 5.7, K08).

    What the hardware is made for counts as a limit. The grid connection carries what all EVSEs together may deliver,
    occupied or not, because a car may come to any of them; one power module is counted once however many share it.
    """
    if evse_id != 0 and st.evse(evse_id) is None:
        return "UnknownEvse"
    if not 0 <= duration_s < 1 << 31:  # 2.x 2.1.4: an integer has 32 bits
        return "Duration"
    allowed = units(st)
    evses = st.evses if evse_id == 0 else (st.evses[evse_id - 1],)
    if unit is None:
        usual = cs.WATT if evses[0].spec.is_dc else cs.AMPERE
        unit = usual if usual in allowed else allowed[0]
    elif unit not in allowed:
        return "Unit"
    begin_us = st.board.rtc.wall(st.now)
    wanted = unit
    store: Store | None = st.data.get(NAME)
    kept = {} if store is None else store.phases  # what a session has begun on it goes on with (SC.04)

    def level(at_us: int) -> tuple[cs.Level, int]:
        total, until_us = _of_station(st, at_us)
        sums: dict[str, int] = {}
        phases: list[int] = []
        for evse in evses:
            own, own_until_us = _of_evse(st, evse, at_us, _began_us(st, evse, begin_us))
            until_us = min(until_us, own_until_us)
            bound = cs.merge(cs.merge(own, total), _of_hardware(evse))
            bound = cs.merge(bound, cs.Bound(phases=kept.get(evse.evse_id)))
            amount = cs.express(bound, wanted, evse.spec.phases, evse.spec.voltage_v)
            assert amount is not None, "the hardware bounds both"
            module = evse.spec.power_group or f"own module of {evse.evse_id}"
            sums[module] = max(sums.get(module, 0), amount)
            if bound.phases is not None and not evse.spec.is_dc:
                phases.append(bound.phases)
        widest = max((evse.spec for evse in evses), key=lambda spec: spec.phases)
        cap = cs.express(total, wanted, widest.phases, widest.voltage_v)
        amount = sum(sums.values()) if cap is None else min(cap, sum(sums.values()))
        return (amount, max(phases) if phases else None), until_us

    periods, covered_s = cs.walk(level, begin_us, duration_s, MAX_COMPOSITE_PERIODS)
    return Composite(evse_id, unit, begin_us, covered_s, periods)


def _of_hardware(evse: Evse) -> cs.Bound:
    spec = evse.spec
    return cs.Bound(int(spec.max_current_a * 10), int(spec.max_power_w * 10), spec.phases or None)
