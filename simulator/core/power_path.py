"""Lock, contactor and energy: the rule that lets a car charge when everything permits it, and only then.

The lock closes for an authorised, plugged socket cable and opens when the authorisation is over (E06.FR.10), except
that a cable stays locked after a deauthorisation by the CSMS (E05.FR.11) and after an EV-side disconnect when the
setting says so (E09.FR.03). A lock that does not confirm keeps the contactor open (G05.FR.01). Power is constant
between events, so the meter integrates in closed form and the car tells when its curve takes the next step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.settings import setting
from simulator.core.wiring import on_timer, rule

if TYPE_CHECKING:
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
    if evse.grant is not None:
        return evse.plugged or not st.settings[UNLOCK_ON_EV_SIDE]
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
    permitted = (
        evse.plugged
        and grant is not None
        and grant.energy
        and evse.evse_ready
        and not evse.lock_failed
        and not st.blocked(evse)
        and _module_free(st, evse)
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
    if live and ev is not None:
        offer_w = min(spec.max_power_w, grant.limit_w) if grant is not None else spec.max_power_w
        offer_w *= board.protection.limit_share(evse.evse_id)
        power_w = ev.power_w(offer_w, spec.phases, spec.voltage_v * board.supply.voltage_share, spec.max_current_a)
    flowing = power_w > 0.0

    if not evse.plugged:
        state = IDLE
    elif grant is None:
        state = EV_CONNECTED
    elif not permitted:
        state = SUSPENDED_EVSE  # before SuspendedEV (1.6 4.9)
    elif evse.handshake:
        # before the first energy; after a suspension by the station the car is the one that is awaited (1.6 E4)
        state = EV_CONNECTED if evse.charging_state in (IDLE, EV_CONNECTED) else SUSPENDED_EV
    elif not ready or not flowing:
        state = SUSPENDED_EV
    else:
        state = CHARGING

    if power_w != evse.power_w or flowing != evse.flowing:
        _flow(st, evse, power_w, now)
        evse.power_w, evse.flowing = power_w, flowing
        changed = True
    if state != evse.charging_state:
        evse.charging_state = state
        changed = True
    return changed


def _flow(st: Station, evse: Evse, power_w: float, now: int) -> None:
    meter = st.board.meters[evse.evse_id - 1]
    ev = evse.ev
    voltage_v = evse.spec.voltage_v * st.board.supply.voltage_share
    currents = ev.phase_currents(power_w, evse.spec.phases, voltage_v) if ev else (0.0, 0.0, 0.0)
    meter.set_flow(power_w, currents, voltage_v, now)
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
