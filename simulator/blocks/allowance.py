"""E05 The energy that a refused token may still take (MaxEnergyOnInvalidId), where its transaction goes on.

The station knows its power, so the moment at which the allowance is used up is solved for, not polled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.wiring import on_timer

if TYPE_CHECKING:
    from simulator.blocks.grant import Grant
    from simulator.core.connector import Evse
    from simulator.core.station import Station


def grant(st: Station, evse: Evse, holder: Grant, energy_wh: float) -> None:
    """From now on so much energy is still allowed (E05.FR.03, C15.FR.07); an allowance is given once."""
    if holder.stop_at_wh is None:
        holder.stop_at_wh = st.board.meters[evse.evse_id - 1].physical_wh(st.now) + energy_wh


def check(st: Station, evse: Evse, holder: Grant, now: int) -> None:
    """Stop the energy when the allowance is used up, else look again when it will be."""
    if holder.stop_at_wh is None or not holder.energy:
        return
    left_wh = holder.stop_at_wh - st.board.meters[evse.evse_id - 1].physical_wh(now)
    if left_wh <= 1e-6:
        holder.energy = False
        st.timers.cancel("allowance", evse.evse_id)
    elif evse.power_w > 0:
        st.timers.set("allowance", now + 1 + int(left_wh / evse.power_w * 3_600_000_000), evse.evse_id)


@on_timer("allowance")
def used(st: Station, evse_id: int, now: int) -> None:
    """``check`` compares with the register in the settling that follows."""
