"""Lock, contactor and energy: the rule that lets a car charge when everything permits it, and only then.

The lock closes for an authorised, plugged socket cable and opens when the authorisation is over (E06.FR.10), except
that a cable stays locked after a deauthorisation by the CSMS (E05.FR.11) and after an EV-side disconnect when the
setting says so (E09.FR.03). A lock that does not confirm keeps the contactor open (G05.FR.01). Power is constant
between events, so the meter integrates in closed form and the car tells when its curve takes the next step.

The offer is what the EVSE is made for, less what charging profiles take away (``evse.limit``). Where that leaves less
than a car can charge with (AC: 6 A a phase, IEC 61851-1), nothing is offered at all: SuspendedEVSE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.connector import DATA_SIGNED
from simulator.core.settings import setting
from simulator.core.wiring import on_timer, rule
from simulator.world.ev import MIN_AC_CURRENT_A

if TYPE_CHECKING:
    from simulator.blocks.charging_schedule import Bound
    from simulator.core.connector import Evse
    from simulator.core.station import Station

UNLOCK_ON_EV_SIDE = setting(
    "OCPPCommCtrlr.UnlockOnEVSideDisconnect",
    "bool",
    True,
    key16="UnlockConnectorOnEVSideDisconnect",
    required=True,
    required16=True,
    description="unlock the station side when the plug is pulled at the car",
)

#: how long a socket without pilot tries whether a new load draws current
FEEL_US = 2_500_000

IDLE, EV_CONNECTED, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE = (
    "Idle",
    "EVConnected",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
)


def _lock_wanted(st: Station, evse: Evse) -> bool:
    if evse.spec.tethered or evse.released or not (evse.plugged or evse.ev_gone):
        return False
    if evse.grant is not None:  # a session that goes on without its car keeps the cable (1.6 4.10, E10.FR.01)
        return evse.plugged or evse.grant.bound or not st.settings[UNLOCK_ON_EV_SIDE]
    end = evse.grant_end
    if end is not None and evse.ev_gone and end.trigger == "EVCommunicationLost":
        return not st.settings[UNLOCK_ON_EV_SIDE]
    return end is not None and end.trigger == "Deauthorized"


@rule(1)
def perceive(st: Station, evse: Evse, now: int) -> bool:
    """What the control pilot shows of the cable is all the station knows of it."""
    seen = st.board.pilots[evse.evse_id - 1].plugged
    if not evse.spec.pilot:
        seen = _felt(st, evse, seen, now)
    if seen == evse.plugged:
        return False
    evse.plugged = seen
    return True


def _felt(st: Station, evse: Evse, there: bool, now: int) -> bool:
    """Does a socket without pilot notice the plug?

    It tries with a short flow of power whether something new draws current (test rules of the certification, appendix
    D: Preparing during it, Available after it); then the socket is dead, and feels nothing, until somebody is
    authorised. The plug of a session that took place stays locked behind its lid, which is noticed.
    """
    if not there:
        evse.felt_until = None
        return False
    if evse.felt_until is None:
        evse.felt_until = now + FEEL_US
        st.timers.set("felt", evse.felt_until, evse.evse_id)
    return evse.grant is not None or evse.used or evse.tx is not None or now < evse.felt_until


@on_timer("felt")
def felt(st: Station, evse_id: int, now: int) -> None:
    """The short flow of power is over; ``perceive`` sees that."""


def usable_phases(evse: Evse, limit: Bound) -> int:
    """How many phases can carry current: those of the EVSE, of the limit, and of the car, as the meter shows."""
    phases = evse.spec.phases if limit.phases is None else min(evse.spec.phases, limit.phases)
    return phases if evse.ev is None else min(phases, evse.ev.spec.phases)


def enough(evse: Evse, limit: Bound) -> bool:
    """Can a car charge within this limit at all?

    A socket without pilot cannot tell the car how much to take, so it is either on or off.
    """
    spec = evse.spec
    phases = usable_phases(evse, limit)
    if not spec.pilot:
        least_a, least_w = spec.max_current_a, spec.max_power_w
    elif spec.is_dc:
        return limit.current != 0 and limit.power != 0
    else:
        least_a = MIN_AC_CURRENT_A
        least_w = MIN_AC_CURRENT_A * spec.voltage_v * phases
    if limit.current is not None and limit.current < least_a * 10:
        return False
    power = limit.total(phases)
    return power is None or power >= least_w * 10


def offer(evse: Evse) -> tuple[float, float]:
    """What an EVSE that delivers energy offers: power in W, and current in A a phase."""
    spec, limit = evse.spec, evse.limit
    power_w, current_a = spec.max_power_w, spec.max_current_a
    if limit is None:
        return power_w, current_a
    if not enough(evse, limit):
        return 0.0, 0.0
    if limit.current is not None:
        current_a = min(current_a, limit.current / 10)
    phases = usable_phases(evse, limit)
    power = limit.total(phases)
    if power is not None:
        power_w = min(power_w, power / 10)
    volts = spec.voltage_v * max(1, phases)
    return min(power_w, current_a * volts), min(current_a, power_w / volts)


@rule(30)
def drive(st: Station, evse: Evse, now: int) -> bool:
    """Drive lock and contactor, then let energy flow or stop it."""
    board = st.board
    index = evse.evse_id - 1
    lock, contactor = board.locks[index], board.contactors[index]
    changed = False

    wanted = _lock_wanted(st, evse)
    # a lock that has failed is tried again: a bolt that came free may already be where it should
    if not evse.spec.tethered and (lock.closed != wanted or evse.lock_failed):
        confirmed = lock.drive(wanted, now)
        failed = wanted and not confirmed
        if failed != evse.lock_failed:
            evse.lock_failed = failed
            changed = True
    if not wanted and evse.lock_failed:
        evse.lock_failed = False
        changed = True

    ev = evse.ev
    grant = evse.grant
    awaited = evse.tx is None and not evse.data_signed and _signature_first(st)
    permitted = (
        evse.plugged
        and not awaited
        and grant is not None
        and grant.energy
        and evse.evse_ready
        and not evse.lock_failed
        and not st.blocked(evse)
        and _module_free(st, evse)
        and (evse.limit is None or enough(evse, evse.limit))
        and not (st.model.hardware.meter.stop_when_dead and st.meter_dead(evse))
    )
    if not permitted:
        evse.handshake = None
    elif evse.handshake is None:
        # pilot signalling and the car's own checks take a moment before energy can flow
        evse.handshake = now + st.rng.between("handshake", 500_000, 3_000_000)
        st.timers.set("handshake", evse.handshake, evse.evse_id)
    elif evse.handshake and now >= evse.handshake:
        evse.handshake = 0
    pilot = board.pilots[index]
    pilot.set_ev_ready(ev is not None and ev.ready, now)
    ready = pilot.ev_ready
    close = bool(permitted and ready and evse.handshake == 0)
    if contactor.closed != close:
        contactor.drive(close, now)
    # a welded contactor keeps energising whatever is plugged in
    live = board.live(evse.evse_id) and evse.connected and ev is not None and (ready or not permitted)
    spec = evse.spec
    power_w = 0.0
    phases = spec.phases
    if evse.limit is not None and evse.limit.phases is not None:
        phases = min(phases, evse.limit.phases)
    if live and ev is not None:
        offer_w, offer_a = (spec.max_power_w, spec.max_current_a) if evse.limit is None else offer(evse)
        if grant is not None:
            offer_w = min(offer_w, grant.limit_w)
        offer_w *= board.limit_share(evse.evse_id)
        power_w = ev.power_w(offer_w, phases, spec.voltage_v * board.supply.voltage_share, offer_a)
    flowing = power_w > 0.0

    if not evse.plugged:
        state = IDLE
    elif grant is None or awaited:
        state = EV_CONNECTED
    elif not permitted:
        state = SUSPENDED_EVSE  # before SuspendedEV (1.6 4.9)
    elif evse.handshake:
        # before the first energy; after a suspension by the station the car is the one that is awaited (1.6 E4)
        state = EV_CONNECTED if evse.charging_state in (IDLE, EV_CONNECTED) else SUSPENDED_EV
    elif not ready or not flowing:
        # what the car wants is not understood: it is the station that does not deliver (1.6 7.6)
        deaf = any(problem.code == "ev_communication" for problem in board.problems(evse.evse_id))
        state = SUSPENDED_EVSE if deaf else SUSPENDED_EV
    else:
        state = CHARGING

    if power_w != evse.power_w or flowing != evse.flowing or phases != evse.phases:
        _flow(st, evse, power_w, phases, now)
        evse.power_w, evse.flowing, evse.phases = power_w, flowing, phases
        changed = True
    if state != evse.charging_state:
        evse.charging_state = state
        changed = True
    return changed


def _flow(st: Station, evse: Evse, power_w: float, phases: int, now: int) -> None:
    meter = st.board.meters[evse.evse_id - 1]
    ev = evse.ev
    voltage_v = evse.spec.voltage_v * st.board.supply.voltage_share
    currents = ev.phase_currents(power_w, phases, voltage_v) if ev else (0.0, 0.0, 0.0)
    meter.set_flow(power_w, currents, voltage_v, now)
    st.board.warm(now)
    account(st, evse, now)
    until_us = ev.until_change_us(power_w) if ev is not None and power_w > 0 else None
    if until_us is not None:
        st.timers.set("ev", now + max(1, until_us), evse.evse_id)
    else:
        st.timers.cancel("ev", evse.evse_id)


def account(st: Station, evse: Evse, now: int) -> None:
    """Book into the car's battery what the meter has seen since the last time."""
    energy_wh = st.board.meters[evse.evse_id - 1].physical_wh(now)
    booked = st.booked_wh[evse.evse_id - 1]
    if energy_wh != booked:
        if evse.ev is not None and energy_wh > booked:
            evse.ev.take(energy_wh - booked)
        st.booked_wh[evse.evse_id - 1] = energy_wh


def _signature_first(st: Station) -> bool:
    """Does a transaction, and so the energy, wait for the first signed value of the meter (E01, scenario S4)?"""
    return st.model.hardware.meter.signer is not None and bool(st.dialect.policy.start_points(st) & DATA_SIGNED)


def _module_free(st: Station, evse: Evse) -> bool:
    """EVSEs that share one power module take turns: whoever flows keeps it."""
    group = evse.spec.power_group
    if not group:
        return True
    return not any(o is not evse and o.spec.power_group == group and o.flowing for o in st.evses)


@rule(70)
def take_out(st: Station, evse: Evse, now: int) -> bool:
    """A driver who leaves takes the cable with him once the lock lets go."""
    if not (evse.taking_out and evse.ev_gone) or st.board.locks[evse.evse_id - 1].closed:
        return False
    evse.ev_gone = evse.taking_out = False
    return True


@on_timer("handshake")
def handshake_over(st: Station, evse_id: int, now: int) -> None:
    """Nothing to do: ``drive`` sees in the settling that follows that the time has come."""


@on_timer("ev")
def curve_step(st: Station, evse_id: int, now: int) -> None:
    """The car's charging curve takes its next step, or the car is full."""
    evse = st.evses[evse_id - 1]
    account(st, evse, now)
    if evse.ev is None or not evse.flowing:
        return
    # ``drive`` sees the new power in the settling that follows; an unchanged power needs the next step's time
    until_us = evse.ev.until_change_us(evse.power_w)
    if until_us is not None:
        st.timers.set("ev", now + max(1, until_us), evse_id)
