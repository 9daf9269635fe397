"""Something new on the link is tried, confirmed, or taken back: a password, a security profile, a certificate.

A station that is told to use other credentials must not lock itself out (white paper A05 error handling, A05.FR.08).
So :func:`begin` puts the previous value on flash *before* the new one is written anywhere; the power may fail between
any two of these writes and the station is left with either value and a way back. The new value counts as confirmed when
a link that was dialled with it is up and the station is registered (the answer to BootNotification, if one is still
due). Dials that fail for a reason that speaks against the new value are counted; after as many as the setting
NetworkProfileConnectionAttempts says, the previous value is put back and dialled with at once.

Which reasons speak against a value differs: a wrong password is refused by HTTP, and a network that is down for an hour
must not bring back a password that the CSMS has dropped; a security profile may fail in every way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.core.link_policy import NETWORK_ATTEMPTS
from simulator.core.records import FlashTrouble, Remark
from simulator.core.wiring import at, drain, on_timer

if TYPE_CHECKING:
    from simulator.core.station import Station

#: flash area and key of what there was before, kind -> value
AREA, KEY = "link", "previous"
#: HTTP statuses by which a server refuses credentials
REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be tried. ``restore(st, previous)`` puts the old value back and returns None, or, where the two are to
    be tried in turn until one of them works, what is to be gone back to next. ``confirm(st, previous)``: what is in
    use works. ``blames(cause, code)``: does this end of a dial speak against the value in use? ``rounds(st)``: how many
    times the attempts of one network profile it is worth."""

    restore: Callable[[Station, Any], Any]
    confirm: Callable[[Station, Any], None]
    blames: Callable[[str, int], bool]
    rounds: Callable[[Station], int] = lambda st: 1


KINDS: dict[str, Kind] = {}


def declare(name: str, kind: Kind) -> None:
    """A block says what it lets be tried."""
    assert name not in KINDS, f"two kinds of trial called {name}"
    KINDS[name] = kind


def pending(st: Station) -> dict[str, Any]:
    """What is being tried: kind -> previous value; empty when nothing is."""
    found = st.board.flash.get(AREA, KEY)
    return found if isinstance(found, dict) else {}


def begin(st: Station, name: str, previous: Any) -> bool:
    """Before a new value is written: keep the previous one. False when flash refuses; then write nothing.

    A second change within a trial keeps the oldest value, the last that is known to work.
    """
    assert name in KINDS, name
    known = pending(st)
    if name not in known and not st.board.flash.write(AREA, KEY, {**known, name: previous}, 32 + 32 * len(known)):
        return False
    st.link.failures = 0
    st.link.tried_from = st.link.number
    return True


def _confirm(st: Station) -> None:
    known = pending(st)
    if not known or not st.link.is_up or st.gate != "accepted" or st.link.number <= st.link.tried_from:
        return
    for name, previous in known.items():
        KINDS[name].confirm(st, previous)
    _over(st)


@at("link_up")
def connected(st: Station, now: int) -> None:
    """A new link proves what it was dialled with, unless the registration is still to come."""
    _confirm(st)


@at("accepted")
def registered(st: Station, now: int) -> None:
    """The CSMS has taken the station."""
    _confirm(st)


@drain(15)
def judge(st: Station, now: int) -> None:
    """A dial has failed: does that speak against what is tried, and is it enough?"""
    link = st.link
    if link.trouble is None or link.trouble[0] <= link.tried_from:
        return
    known = pending(st)
    if not known:
        return
    number, cause, code, _ = link.trouble
    link.tried_from = number  # counted once
    if not any(KINDS[name].blames(cause, code) for name in known):
        return
    link.failures += 1
    if link.failures < st.settings[NETWORK_ATTEMPTS] * max(KINDS[name].rounds(st) for name in known):
        return
    again = {name: KINDS[name].restore(st, previous) for name, previous in known.items()}
    again = {name: other for name, other in again.items() if other is not None}
    if not again or not st.board.flash.write(AREA, KEY, again, 32 * len(again)):
        _over(st)
    st.record(Remark(f"back to the previous {', '.join(sorted(known))} after {link.failures} failed dials ({cause})"))
    link.failures = 0
    if again:
        return  # with two that do not work in turn the waits grow as ever
    link.attempts = 0
    if link.state == "down" and not link.held:
        st.timers.set("dial", now)


def _over(st: Station) -> None:
    if not st.board.flash.delete(AREA, KEY):
        st.record(FlashTrouble(AREA, st.board.flash.why, "the end of a trial; it will be judged again"))


@drain(92, watches_outbox=True)
def renew(st: Station, now: int) -> None:
    """A new connection is wanted: once what is queued has been answered, or when patience is over."""
    link = st.link
    if link.renew_by is None:
        return
    if not link.is_up or link.held:
        link.renew_by = None
        st.timers.cancel("renew")
    elif now >= link.renew_by or not (st.outbox.waiting() or st.later):
        link.renew_now(st, now)


@on_timer("renew")
def patience_over(st: Station, index: int, now: int) -> None:
    """The drain looks at the moment itself."""
