"""What the physical world does to a station: cars, cables, bays, buttons. Writes the physical facts and nothing else.

These facts are true whether or not the station has power; what the station makes of them follows from its rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.power_path import account
from simulator.core.records import Remark
from simulator.world.ev import Ev

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.inputs import EvReady, EvseReady, Park, Plug, Unplug
    from simulator.core.station import Station


def plug(st: Station, event: Plug, now: int) -> None:
    """A car is connected at both ends. A second car at an occupied EVSE is somebody's mistake, on record."""
    evse = st.evse(event.evse_id)
    if evse is None or evse.connected:
        st.record(Remark(f"plug at EVSE {event.evse_id} ignored: {'occupied' if evse else 'no such EVSE'}"))
        return
    if event.side != "both" and not _one_end(st, evse, event.side):
        return
    evse.ev = Ev(event.ev)
    evse.connected, evse.ev_gone = True, False
    st.board.pilots[evse.evse_id - 1].set_plugged(True, now)


def _one_end(st: Station, evse: Evse, side: str) -> bool:
    """One end of the cable is plugged in; does that connect station and car?"""
    fixed = evse.spec.tethered
    if side == "ev":
        if not (fixed or evse.ev_gone):
            st.record(Remark(f"plug at EVSE {evse.evse_id} ignored: no cable sits in the socket"))
        return fixed or evse.ev_gone
    if fixed or evse.ev_gone:
        why = "its cable is fixed" if fixed else "a cable sits in the socket already"
        st.record(Remark(f"plug at EVSE {evse.evse_id} ignored: {why}"))
        return False
    evse.ev_gone = True
    return False


def unplug(st: Station, event: Unplug, now: int) -> None:
    """The cable is pulled: at the car, or at the socket if the lock lets go."""
    evse = st.evse(event.evse_id)
    if evse is None or not (evse.connected or evse.ev_gone):
        st.record(Remark(f"unplug at EVSE {event.evse_id} ignored: nothing is plugged in"))
        return
    tethered = evse.spec.tethered
    if event.side == "station" and not tethered:
        if st.board.locks[evse.evse_id - 1].closed:
            st.record(Remark(f"unplug at EVSE {event.evse_id} refused: the connector is locked"))
            return
        _gone(st, evse, now, ev_gone=False)
        return
    evse.taking_out = event.side == "both" and not tethered
    if evse.connected:
        _gone(st, evse, now, ev_gone=not tethered)


def _gone(st: Station, evse: Evse, now: int, *, ev_gone: bool) -> None:
    account(st, evse, now)
    evse.connected, evse.ev_gone, evse.ev = False, ev_gone, None
    st.board.pilots[evse.evse_id - 1].set_plugged(False, now)


def park(st: Station, event: Park, now: int) -> None:
    """A vehicle enters or leaves the bay; only a bay sensor sees it."""
    evse = st.evse(event.evse_id)
    if evse is not None and evse.spec.bay_sensor:
        evse.bay = event.present


def ev_ready(st: Station, event: EvReady, now: int) -> None:
    """The car starts or stops asking for energy."""
    evse = st.evse(event.evse_id)
    if evse is None or evse.ev is None:
        st.record(Remark(f"no car at EVSE {event.evse_id} to suspend or resume"))
        return
    evse.ev.ready = event.ready


def evse_ready(st: Station, event: EvseReady, now: int) -> None:
    """The station side offers or withholds energy."""
    evse = st.evse(event.evse_id)
    if evse is not None:
        evse.evse_ready = event.ready
