"""K Charging profiles that count without a connection for so long only (2.1 K01.FR.101-103, Q08).

A profile may name a longest time offline. When the station has been offline for that long the profile counts no more,
and the next one of its stack takes its place; with the connection it comes back, unless it says that it must not, and
then it is gone for good. A restart does not make the time begin anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.charging_profiles import NAME, Store, lapses_us, remove
from simulator.core.wiring import at, on_timer

if TYPE_CHECKING:
    from simulator.core.station import Station

TIMER = "offline_limit"


def waiting(st: Station) -> list[tuple[int, bool, int]]:
    """(id, is it over, when it is) of the profiles with such a time; none while there is a connection."""
    store: Store | None = st.data.get(NAME)
    found = []
    for number, there in store.profiles.items() if store is not None else ():
        over_us = lapses_us(st, there.profile)
        if over_us is not None:
            found.append((number, over_us <= st.now, over_us))
    return found


@at("start")
@at("link_down")
def offline(st: Station, now: int) -> None:
    """Look again when the first time is over."""
    ahead = [over_us for _, over, over_us in waiting(st) if not over]
    if ahead:
        st.timers.set(TIMER, min(ahead))


@on_timer(TIMER)
def over(st: Station, index: int, now: int) -> None:
    """A profile counts no more; ``smart_charging`` works the limits out anew."""
    store: Store | None = st.data.get(NAME)
    if store is None:
        return
    gone = [number for number, is_over, _ in waiting(st) if is_over and store.profiles[number].profile.ends_offline]
    remove(st, gone)
    store.seen = None
    offline(st, now)


@at("link_up")
def online(st: Station, now: int) -> None:
    """What had to give way counts again, in an input of its own (K01.FR.102)."""
    store: Store | None = st.data.get(NAME)
    if store is not None and any(there.profile.max_offline_s is not None for there in store.profiles.values()):
        st.timers.cancel(TIMER)
        store.seen = None
        st.timers.set("schedule", now)
