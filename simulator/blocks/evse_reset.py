"""B Provisioning: the reset of one EVSE while the station and its other EVSEs go on (B11 and B12 with an evseId).

Two facts of the EVSE carry it. ``reset_wanted`` waits: for the moment the EVSE is idle, or, when it holds a reason, for
the end of the transaction that it brings about itself (``provisioning.interruption``). ``restarting`` is the restart:
for as long as a soft reset of the station takes, the EVSE is out of service and whoever owns a fact that a reboot
forgets forgets it: the authorisation, what was used up of the plug. What the CSMS has told it to be (Inoperative,
Reserved) lies elsewhere and is there again (B11.FR.02, FR.05, B12.FR.06).

Both are lost at a reboot, which does what they were for: every EVSE starts anew then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import firmware, provisioning
from simulator.core import history
from simulator.core.wiring import on_timer, rule

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

#: ``reset_wanted`` of one that ends nothing
WHEN_IDLE = ""


def request(st: Station, evse_id: int, reason: str | None) -> tuple[str, str, str]:
    """Ask for the reset of an EVSE: Accepted, Scheduled or Rejected, and of the latter a reason code and more about it.

    ``reason`` ends a transaction under way at once, None waits until the EVSE is idle.
    """
    if not st.model.resets_evse:
        return "Rejected", "UnsupportedParam", "evseId"  # B11.FR.09, B12.FR.09
    evse = st.evse(evse_id)
    if evse is None:
        return "Rejected", "UnknownEvse", ""
    if firmware.installs(st) and reason is not None:
        return "Rejected", "FwUpdateInProgress", ""
    why = _prevented(st, evse)
    if why:
        return "Rejected", "Unspecified", why  # B11.FR.06, B12.FR.10
    if reason is not None:
        evse.reset_wanted = reason
        return "Accepted", "", ""
    if evse.reset_wanted is None:
        evse.reset_wanted = WHEN_IDLE
    return ("Accepted" if _may_begin(st, evse) else "Scheduled"), "", ""


def _prevented(st: Station, evse: Evse) -> str:
    """Why this EVSE cannot be reset now, or nothing."""
    reset = provisioning.state(st).reset
    if evse.restarting:
        return "the EVSE restarts already"
    if reset is not None and reset.reason is not None:
        return "the station is about to reboot"
    return "" if st.board.supply.mains else "the EVSE has no power"


def _may_begin(st: Station, evse: Evse) -> bool:
    """Is what the reset waits for over? An installation may need the EVSE's controller as well (errata 2.14)."""
    if evse.reset_wanted == WHEN_IDLE:
        return provisioning.idle_evse(st, evse) and not firmware.installs(st)
    return evse.tx is None


@rule(45)
def begin(st: Station, evse: Evse, now: int) -> bool:
    """The restart begins as soon as it may; the end of the transaction has been told by then (B12.FR.07-08)."""
    if evse.reset_wanted is None or not _may_begin(st, evse):
        return False
    evse.reset_wanted, evse.restarting = None, True
    history.note(st, f"EVSE {evse.evse_id} restarts")
    st.timers.set("evse_restart", now + int(st.model.hardware.boot_soft_s * 1_000_000), evse.evse_id)
    return True


@on_timer("evse_restart")
def over(st: Station, evse_id: int, now: int) -> None:
    """The EVSE has started."""
    st.evses[evse_id - 1].restarting = False
