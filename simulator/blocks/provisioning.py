"""B Provisioning: registration, the clock, resets.

The registration gate (``station.gate``) is ``unknown`` until the CSMS has answered, then ``accepted``, ``pending`` or
``rejected``. It belongs to the boot, not to the connection: a station that was accepted and only lost its link goes on
where it was (1.6 4.2, B01.FR.08, B02.FR.02).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.connector import AVAILABLE
from simulator.core.records import Booted, BootRefused
from simulator.core.reports import BootAsked
from simulator.core.settings import setting
from simulator.core.wiring import BUSY, MOMENTS, at, drain, on_timer

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

RESET_RETRIES = setting(
    "OCPPCommCtrlr.ResetRetries",
    "int",
    3,
    key16="ResetRetries",
    minimum=0,
    maximum=100,
    required=True,
    required16=True,
    description="how often a failed reset is tried again",
)

#: a station that may choose its own waiting time after Pending or Rejected waits this long, plus a random part
OWN_WAIT_S, OWN_WAIT_RANDOM_S = 30, 30
#: a reset waits this long for the stop messages to be answered, then goes on; they are on flash
RESET_PATIENCE_S = 30


@dataclass(slots=True)
class Reset:
    """A reset that is under way. ``reason`` ends running transactions, None waits until they end by themselves.

    ``patient``: wait (bounded) until what is queued has been answered. ``kind`` soft or hard, for the boot time.
    ``withdrawn``: the EVSEs that were Available when it was asked for and are nobody's until it has been carried out.
    """

    kind: str
    reason: str | None
    boot_reason: str
    patient: bool
    deadline_us: int
    withdrawn: tuple[int, ...] = ()


class Provisioning:
    """State of the block."""

    __slots__ = ("asked_us", "reset")

    def __init__(self) -> None:
        self.reset: Reset | None = None
        self.asked_us = 0


def state(st: Station) -> Provisioning:
    """The block's state."""
    found: Provisioning = st.data["provisioning"]
    return found


@at("start")
def start(st: Station, now: int) -> None:
    """Fresh after every boot; the boot reason comes from flash."""
    st.data["provisioning"] = Provisioning()
    reason = st.board.flash.get("facts", "boot_reason")
    st.boot_reason = reason if isinstance(reason, str) else "Unknown"


@at("link_up")
def ask(st: Station, now: int) -> None:
    """Not registered in this boot yet: BootNotification comes first and alone (B01.FR.01). An interval that the CSMS
    has given runs on whatever becomes of the link (B02.FR.04, B03.FR.02, 1.6 4.2); ``retry`` asks when it is over."""
    told_to_wait = st.gate in ("pending", "rejected") and st.timers.get("boot_retry") is not None
    if st.gate != "accepted" and not told_to_wait:
        st.timers.cancel("boot_retry")
        announce(st, now)


def announce(st: Station, now: int, *, triggered: bool = False) -> None:
    """Publish BootNotification."""
    state(st).asked_us = now
    st.publish(BootAsked("Triggered" if triggered else st.boot_reason), triggered=triggered)


@on_timer("boot_retry")
def retry(st: Station, index: int, now: int) -> None:
    """The interval of a Pending or Rejected answer is over (B02.FR.08, B03.FR.06)."""
    if st.gate != "accepted" and st.link.is_up:
        announce(st, now)


def answered(st: Station, status: str, wall_us: int | None, interval_s: int) -> None:
    """The answer to BootNotification. ``status`` Accepted, Pending, Rejected; ``interval_s`` as in the answer."""
    now = st.now
    if wall_us is not None:
        st.set_clock(wall_us)  # 1.6 4.2, B01.FR.06
    if status == "Accepted":
        st.gate = "accepted"
        st.timers.cancel("boot_retry")
        st.data["heartbeat_s"] = interval_s
        st.record(Booted(now - state(st).asked_us, st.boot_reason))
        for function in MOMENTS["accepted"]:
            function(st, now)
        return
    st.gate = "pending" if status == "Pending" else "rejected"
    st.record(BootRefused(status))
    _retry_in(st, interval_s, now)


def failed(st: Station, code: str) -> None:
    """BootNotification was not answered, or by a CALLERROR."""
    if code != "lost":  # a new link asks again by itself
        _retry_in(st, 0, st.now)


def _retry_in(st: Station, interval_s: int, now: int) -> None:
    if interval_s > 0:
        wait_us = interval_s * 1_000_000
    else:  # B02.FR.07, B03.FR.05: a wait of its own that does not flood
        wait_us = OWN_WAIT_S * 1_000_000 + st.rng.below("boot_retry", OWN_WAIT_RANDOM_S * 1_000_000)
    st.timers.set("boot_retry", now + wait_us)


def request_reset(st: Station, *, kind: str, reason: str | None, boot_reason: str, patient: bool) -> str:
    """Ask for a reset: Accepted, or Scheduled when something must end first (B11.FR.07, B12.FR.01)."""
    own = state(st)
    scheduled = reason is None and not idle(st)
    if own.reset is not None and reason is None:
        return "Scheduled" if scheduled else "Accepted"
    # one that waits has its patience from when what it waits for is over
    deadline_us = 0 if scheduled else st.now + RESET_PATIENCE_S * 1_000_000
    withdrawn = withdraws(st)
    if scheduled and _transactions(st):
        withdrawn = tuple(evse.evse_id for evse in st.evses if evse.status == AVAILABLE)
    own.reset = Reset(kind, reason, boot_reason, patient, deadline_us, withdrawn)
    st.waits_for_outbox = True
    if scheduled:
        return "Scheduled"
    st.timers.set("reset", deadline_us)
    return "Accepted"


def withdraws(st: Station) -> tuple[int, ...]:
    """EVSEs at which nothing may begin because a reset waits for the transactions at others (B12, scenario step 3a)."""
    reset = state(st).reset
    return () if reset is None else reset.withdrawn


def interruption(st: Station, evse: Evse) -> tuple[str, str] | None:
    """What ends the transaction of an EVSE now, as (trigger, reason): a reset of the station or of this EVSE alone, or
    mains that has gone on a product whose hold-up time is there to say so first."""
    reset = state(st).reset
    if reset is not None and reset.reason is not None:
        return "ResetCommand", reset.reason
    if evse.reset_wanted:
        return "ResetCommand", evse.reset_wanted
    if st.model.hardware.power_loss == "stop_before" and not st.board.supply.mains:
        return "AbnormalCondition", "PowerLoss"
    return None


def idle_evse(st: Station, evse: Evse) -> bool:
    """Is nobody using an EVSE? A transaction, an authorisation, a reservation, and a cable that is still locked in are
    uses (errata 2.14)."""
    nobody = evse.tx is None and evse.grant is None and evse.asked is None and evse.wish is None
    return nobody and not evse.reserved and not st.board.locks[evse.evse_id - 1].reported


def idle(st: Station) -> bool:
    """Does the station do nothing that a reset on idle waits for (errata 2.14)?"""
    return all(idle_evse(st, evse) for evse in st.evses) and not any(busy(st) for busy in BUSY)


def _transactions(st: Station) -> bool:
    return any(evse.tx is not None for evse in st.evses)


@on_timer("reset")
def reset_due(st: Station, index: int, now: int) -> None:
    """The drain below looks at the deadline."""


@drain(95, watches_outbox=True)
def carry_out_reset(st: Station, now: int) -> None:
    """Reboot when transactions are over and, if the reset is patient, their messages are delivered (B12.FR.04-05).
    One that is no end to anything waits until the station is idle."""
    reset = state(st).reset
    if reset is None or _transactions(st) or (reset.reason is None and not idle(st)):
        return
    if not reset.deadline_us:
        reset.deadline_us = now + RESET_PATIENCE_S * 1_000_000
    # the status that follows from the end of a transaction is to be heard as well (1.6 5.14)
    if reset.patient and now < reset.deadline_us and st.link.is_up and st.outbox.waiting():
        if st.timers.get("reset") is None:
            st.timers.set("reset", reset.deadline_us)
        return
    st.reboot(reset.boot_reason, reset.kind, now)
