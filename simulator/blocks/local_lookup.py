"""C13, C14 What the station knows of a token by itself: the local list first, then the cache.

The list has priority over the cache, and what is in the list is never cached (1.6 3.5.3, C13.FR.01-03). What the CSMS
says of a token comes by here too: it is cached, or held against the list. If the two disagree on whether the token is
valid, the CSMS is told so (1.6 3.5.2); the list stays, only the CSMS may change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulator.blocks import local_list, token_cache
from simulator.blocks.token_cache import TokenInfo, fold
from simulator.core.reports import StatusChanged
from simulator.core.settings import setting

if TYPE_CHECKING:
    from simulator.core.station import Station

ASKS_NOBODY = setting(
    "AuthCtrlr.DisableRemoteAuthorization",
    "bool",
    False,
    description="only list and cache say whether a token is valid; the CSMS is never asked",
)

#: types of tokens that the CSMS or nobody has made up: it is never asked about them (C02, C03.FR.01, C05.FR.01)
NEVER_ASKED = frozenset({"Central", "NoAuthorization"})
#: statuses that leave a token valid as such (1.6 3.5.2)
VALID = frozenset({"Accepted", "ConcurrentTx"})


class Known(NamedTuple):
    """What is known of a token: ``status`` in the finest words, its group, and ``listed`` when it is of the list.
    ``evse_ids`` limits where it may charge, empty means anywhere; ``lapsed``: its time in the list is over."""

    status: str
    group: str | None
    listed: bool
    evse_ids: tuple[int, ...] = ()
    lapsed: bool = False

    def admits_to(self, evse_id: int) -> bool:
        """Is the token good for charging at this EVSE (C01.FR.21)?"""
        return self.status == "Accepted" and (not self.evse_ids or evse_id in self.evse_ids)


def same_token(one: str, other: str, its_type: str = "", other_type: str = "") -> bool:
    """Are two tokens the same? Case does not count; types do, where both are known (C01.FR.25)."""
    return (one == other or fold(one) == fold(other)) and (not its_type or not other_type or its_type == other_type)


def same_group(one: str | None, other: str | None) -> bool:
    """Are two tokens with these groups of one group? A group is a token too, so case does not count (C 1.2)."""
    return bool(one) and bool(other) and same_token(str(one), str(other))


def lookup(st: Station, id_token: str, token_type: str = "") -> Known | None:
    """What list and cache know of a token, None when nothing; ``token_type`` empty asks for any type."""
    entry = local_list.known(st, id_token, token_type)
    if entry is not None:
        lapsed = entry.expiry_us is not None and entry.expiry_us < st.board.rtc.wall(st.now)
        return Known(entry.status, entry.group, True, entry.evse_ids, lapsed)
    cached = token_cache.lookup(st, id_token, token_type)
    return None if cached is None else Known(cached.status, cached.group, False, cached.evse_ids)


def is_final(st: Station, known: Known) -> bool:
    """Is a token refused for what is known of it, without asking the CSMS again (DisablePostAuthorize)? One whose time
    in the list is over counts as if it were not there (C14.FR.05)."""
    post = local_list.DISABLE_POST if known.listed else token_cache.DISABLE_POST
    post_barred = bool(st.settings[post]) and not known.lapsed
    return known.status != "Accepted" and bool(post_barred or st.settings[ASKS_NOBODY])


def remember(st: Station, id_token: str, info: TokenInfo, token_type: str = "") -> None:
    """The CSMS said something of a token: into the cache with it, unless it is in the list."""
    entry = local_list.known(st, id_token, token_type)
    if entry is None:
        token_cache.remember(st, id_token, info, token_type)
        return
    conflict = (fold(id_token), info.status)
    if (entry.status in VALID) == (info.status in VALID):
        if st.data.get("list_conflict", ("",))[0] == conflict[0]:
            del st.data["list_conflict"]
    elif st.data.get("list_conflict") != conflict:  # once, not with every answer about it
        st.data["list_conflict"] = conflict
        st.publish(_conflict(st))


def _conflict(st: Station) -> StatusChanged:
    """The station as a whole reports it; its status is not touched by it."""
    status = (st.data.get("station_told") or ("Available", ""))[0]
    return StatusChanged(
        evse_id=0,
        connector_id=0,
        status=status,
        plugged=False,
        error="list_conflict",
        info="",
        at=st.stamp(),
    )
