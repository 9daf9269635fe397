"""What people and circumstances do to a station: tokens, buttons, faults, mains power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.inputs import Clear, Inject
from simulator.core.records import FaultBegan, FaultEnded, Remark
from simulator.core.wiring import PRESENTED, PRESSED
from simulator.errors import AuthorError, UnknownName

if TYPE_CHECKING:
    from simulator.core.inputs import Present, Press
    from simulator.core.station import Station


def present(st: Station, event: Present, now: int) -> None:
    """A token is held to the reader; a dead one reads nothing, a bouncing one reads it twice."""
    if not st.running:
        return
    for token in st.board.reader.read(event.id_token, now):
        PRESENTED[0](st, token, event.token_type, event.evse_id, now)


def press(st: Station, event: Press, now: int) -> None:
    """A button is pressed."""
    if event.button == "emergency_stop":
        inject(st, Inject("panel-emergency", "protection.emergency_stop"), now)
    elif event.button == "emergency_release":
        clear(st, Clear("panel-emergency"), now)
    elif st.running:
        PRESSED[0](st, event.button, event.evse_id, now)


def inject(st: Station, event: Inject, now: int) -> None:
    """A fault begins; a name or parameter that is wrong is on record and changes nothing."""
    try:
        begun = st.board.inject(event.fault_id, event.fault, event.evse_id, event.params, now)
    except (AuthorError, UnknownName) as error:
        st.record(Remark(f"fault not injected: {error}"))
        return
    st.record(FaultBegan(event.fault_id, event.fault, event.evse_id, begun.params(), event.cause))
    follow_supply(st, now)


def clear(st: Station, event: Clear, now: int) -> None:
    """A fault ends."""
    name = st.board.clear(event.fault_id, now)
    if name is None:
        st.record(Remark(f"no active fault {event.fault_id!r} to clear"))
        return
    st.record(FaultEnded(event.fault_id, name))
    follow_supply(st, now)


def follow_supply(st: Station, now: int) -> None:
    """Mains may have gone or come; a hold-up time lets the station say so first."""
    mains = st.board.supply.mains
    if mains and not st.powered and st.switched_on:
        st.power_up(now)
    elif mains:
        st.timers.cancel("holdup")
    elif st.powered:
        holdup_s = st.model.hardware.holdup_s
        if holdup_s > 0:
            st.timers.set("holdup", now + int(holdup_s * 1_000_000))
        else:
            st.power_cut(now)
