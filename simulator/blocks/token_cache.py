"""C10 to C12 The authorization cache: what the station remembers of tokens, on flash.

Everything the CSMS says of a token is kept, whatever it is (C10.FR.01), unless it is over already; an entry ends by its
own expiry or, without one, by the life time since the CSMS last spoke of it (C10.FR.10, FR.13, errata 2.21). When room
is short, be it in the cache (``hardware.flash.cache_tokens`` of the profile) or on flash, what is not valid gives way
first, then the least recently used (1.6 3.5.1, C10.FR.07). Tokens compare without case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simulator.core.records import FlashTrouble
from simulator.core.settings import setting

if TYPE_CHECKING:
    from simulator.core.model import Model
    from simulator.core.station import Station

CACHE_ENABLED = setting(
    "AuthCacheCtrlr.Enabled",
    "bool",
    True,
    key16="AuthorizationCacheEnabled",
    description="keep what the CSMS says of tokens",
)


def in_product(model: Model) -> bool:
    """Has this product a cache at all (1.6 errata 3.23)?"""
    return CACHE_ENABLED not in model.absent


CACHE_LIFETIME = setting(
    "AuthCacheCtrlr.LifeTime",
    "int",
    0,
    when=in_product,
    minimum=0,
    maximum=10**9,
    unit="s",
    description="seconds after the CSMS last spoke of it until a cached token is forgotten; 0: no limit",
)
DISABLE_POST = setting(
    "AuthCacheCtrlr.DisablePostAuthorize",
    "bool",
    False,
    when=in_product,
    description="refuse a token that is cached as anything but accepted without asking the CSMS again",
)

CACHE_AREA = "cache"


class TokenInfo(msgspec.Struct, frozen=True):
    """What the CSMS says of a token. ``status`` in the finest words (Accepted, Blocked, Expired, Invalid, ConcurrentTx,
    Unknown, ...); ``expiry_us`` wall time; ``evse_ids`` limits where it may charge, empty means anywhere."""

    status: str
    group: str | None = None
    expiry_us: int | None = None
    evse_ids: tuple[int, ...] = ()


class CacheEntry(msgspec.Struct, frozen=True):
    """A cached token; ``used_us`` is the wall time of its last use, ``told_us`` of the CSMS's last word on it (0: the
    same). Without ``token_type`` in a version of the protocol that has no types."""

    status: str
    group: str | None
    expiry_us: int | None
    used_us: int
    told_us: int = 0
    evse_ids: tuple[int, ...] = ()
    token_type: str = ""


def fold(id_token: str) -> str:
    """A token as it is compared: without case (CiString20Type; 2.x identifiers compare so too)."""
    return id_token.upper()


def has_cache(st: Station) -> bool:
    """Has this product a cache, and is it switched on?"""
    return in_product(st.model) and bool(st.settings[CACHE_ENABLED])


def lookup(st: Station, id_token: str, token_type: str = "") -> CacheEntry | None:
    """What the cache knows of a token, None when nothing (any more). One of another type is another token, where both
    types are known (C01.FR.25)."""
    if not has_cache(st):
        return None
    id_token = fold(id_token)
    entry: CacheEntry | None = st.board.flash.get(CACHE_AREA, id_token)
    if entry is None or (token_type and entry.token_type not in ("", token_type)):
        return None
    wall_us = st.board.rtc.wall(st.now)
    lifetime_s = st.settings[CACHE_LIFETIME]
    if entry.expiry_us is not None and entry.expiry_us < wall_us:  # C10.FR.10, FR.13
        return msgspec.structs.replace(entry, status="Expired")
    since_us = entry.told_us or entry.used_us
    if entry.expiry_us is None and lifetime_s and since_us + lifetime_s * 1_000_000 < wall_us:  # C10.FR.08, FR.10
        st.board.flash.delete(CACHE_AREA, id_token)
        return None
    return entry


def remember(st: Station, id_token: str, info: TokenInfo, token_type: str = "") -> None:
    """Keep what the CSMS said, whatever it was (C10.FR.01, FR.04-05); others give way if they must (C10.FR.07). With an
    expiry that is past already it says that nothing is to be kept (C10.FR.10, note; 1.6 IdTagInfo expiryDate)."""
    if not has_cache(st) or not id_token or id_token == st.model.free_vend_token:
        return
    flash, id_token = st.board.flash, fold(id_token)
    wall_us = st.board.rtc.wall(st.now)
    if info.expiry_us is not None and info.expiry_us < wall_us:
        flash.delete(CACHE_AREA, id_token)
        return
    entry = CacheEntry(info.status, info.group, info.expiry_us, wall_us, wall_us, info.evse_ids, token_type)
    size = _entry_bytes(id_token, info.group)
    while not flash.write(CACHE_AREA, id_token, entry, size):
        if flash.why != "full" or not _evict(st, id_token):
            st.record(FlashTrouble(CACHE_AREA, flash.why, id_token))
            return
    if len(flash.areas[CACHE_AREA]) > flash.spec.cache_tokens:
        _evict(st, id_token)


def use(st: Station, id_token: str) -> None:
    """A cached token was of use: it is not the next to give way (C10.FR.07)."""
    id_token = fold(id_token)
    entry: CacheEntry | None = st.board.flash.get(CACHE_AREA, id_token)
    if entry is not None:
        used = msgspec.structs.replace(entry, used_us=st.board.rtc.wall(st.now))
        st.board.flash.write(CACHE_AREA, id_token, used, _entry_bytes(id_token, entry.group))


def _entry_bytes(id_token: str, group: str | None) -> int:
    return 40 + len(id_token) + len(group or "")


def _evict(st: Station, new: str) -> bool:
    """Make room for a new entry (1.6 3.5.1, C10.FR.07), whatever that itself is."""
    entries = [row for row in st.board.flash.items(CACHE_AREA) if row[0] != new]
    if not entries:
        return False
    wall_us = st.board.rtc.wall(st.now)
    first = min(entries, key=lambda row: (_is_valid(row[1], wall_us), row[1].used_us, row[0]))
    return st.board.flash.delete(CACHE_AREA, first[0])


def _is_valid(entry: CacheEntry, wall_us: int) -> bool:
    return entry.status == "Accepted" and (entry.expiry_us is None or entry.expiry_us >= wall_us)


def clear_cache(st: Station) -> bool:
    """Forget every cached token; False when there is no cache (C11.FR.04, 1.6 5.4) or flash refuses (C11.FR.05)."""
    if not has_cache(st):
        return False
    return bool(st.board.flash.clear(CACHE_AREA))
