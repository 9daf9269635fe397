"""The timers of the station itself: boot, hold-up, dialling, pings, the CALL in flight, the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.inbound import call_timed_out
from simulator.core.records import ConnectFailed
from simulator.core.wiring import at, drain, on_timer, station_rule

if TYPE_CHECKING:
    from simulator.core.station import Station


@on_timer("boot")
def boot(st: Station, index: int, now: int) -> None:
    """Booting is over: the software runs."""
    if st.powered and not st.running:
        st.start(now)


@on_timer("holdup")
def holdup_over(st: Station, index: int, now: int) -> None:
    """The supply's capacitors are empty."""
    if not st.board.supply.mains:
        st.power_cut(now)


@on_timer("dial")
def dial(st: Station, index: int, now: int) -> None:
    """Time to connect."""
    st.link.dial(st, now)


@on_timer("dial_bound")
def dial_bound(st: Station, index: int, now: int) -> None:
    """The driver never said what became of a dial: give it up."""
    if st.link.state == "dialing":
        st.record(ConnectFailed("timeout", 0, "no word of what became of the dial"))
        st.link.drop(st, now, "reset")


@on_timer("ping")
def ping(st: Station, index: int, now: int) -> None:
    """Is the peer still there?"""
    st.link.ping(st, now)


@on_timer("pong")
def pong_missing(st: Station, index: int, now: int) -> None:
    """The peer did not answer."""
    st.link.pong_missing(st, now)


@on_timer("call")
def call_timeout(st: Station, index: int, now: int) -> None:
    """The CALL in flight was not answered."""
    call_timed_out(st, now)


@on_timer("retry")
def retry(st: Station, index: int, now: int) -> None:
    """A failed transaction message may be offered again; the outbox looks by itself."""


@on_timer("later")
def later(st: Station, index: int, now: int) -> None:
    """A promised answer is overdue."""
    st.drop_later(now)


@on_timer("held")
def held(st: Station, index: int, now: int) -> None:
    """A quirk's hold is over."""
    st.release_held(now)


@on_timer("leave")
def leave(st: Station, index: int, now: int) -> None:
    """The end of the run cannot wait any longer; ``go`` sees that."""


@station_rule(5)
def modem(st: Station, now: int) -> bool:
    """Follow the modem."""
    return st.link.modem_changed(st, now)


@drain(90, watches_outbox=True)
def go(st: Station, now: int) -> None:
    """End of the run: hang up when everything is said, or at the deadline."""
    if st.leave_by is None or st.link.held:
        return
    # a station that never got through has nothing to wait for: whatever refused it will not take its queue either
    never = not st.link.ever_up
    said = never or not (st.outbox.durable_waits() or st.outbox.in_flight is not None or st.outbox.waiting())
    if now >= st.leave_by or (said and not any(evse.tx for evse in st.evses)):
        st.link.held = True
        st.timers.cancel("dial")
        st.link.drop(st, now, "close", redial=False)
        st.phase("off")


@at("settings")
def settings_changed(st: Station, now: int) -> None:
    """The ping interval may be another one."""
    st.link.settings_changed(st, now)
