"""What the network does to a link that the station did not choose: it ends, or a dial gets nowhere.

For the station it is as if its driver had told it so; the driver ends its side of the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.effects import Hangup
from simulator.core.inputs import LinkDown
from simulator.core.wiring import on_timer, station_rule

if TYPE_CHECKING:
    from simulator.core.station import Station
    from simulator.hardware.network import Cut


@station_rule(4)
def cut(st: Station, now: int) -> bool:
    """A connection whose end is due ends; without one nothing is left to end."""
    network = st.board.network
    if network.cut is None:
        return False
    due, network.cut = network.cut, None
    if st.link.state != "up":
        return False
    end_link(st, due, now)
    return True


def end_link(st: Station, due: Cut, now: int) -> None:
    """The open link ends as the network wants it; ``vanish`` leaves the station in its belief."""
    number = st.link.number
    st.do(Hangup(number, due.how, due.code or 1000))
    if due.how == "close":
        st.link.down(st, LinkDown(number, "closed", due.code), now)
    elif due.how == "reset":
        st.link.down(st, LinkDown(number, "reset"), now)


@on_timer("dial_lost")
def dial_lost(st: Station, index: int, now: int) -> None:
    """A dial that got nowhere is over."""
    cause = st.link.lost_cause
    if st.link.state == "dialing" and cause:
        st.link.lost_cause = ""
        st.link.down(st, LinkDown(st.link.number, cause, 0, "a fault of the network"), now)
