"""The watchdog restarts a station whose controller does not answer it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.wiring import station_rule

if TYPE_CHECKING:
    from simulator.core.station import Station


@station_rule(1)
def watchdog(st: Station, now: int) -> bool:
    """It bites once; the software then starts with that reason (BootReasonEnumType)."""
    if not st.board.controller.crashed:
        return False
    st.reboot("Watchdog", "hard", now)
    return True
