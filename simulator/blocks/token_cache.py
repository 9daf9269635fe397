"""C10 to C12 The authorization cache: what the station remembers of tokens, on flash.

Everything the CSMS says of a token is kept, whatever it is (C10.FR.01); an entry ends by its own expiry or, without
one, by the life time since its last use; when room is short the least recently used give way (C10.FR.07).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simulator.core.records import FlashTrouble
from simulator.core.settings import setting

if TYPE_CHECKING:
    from simulator.core.station import Station

CACHE_ENABLED = setting(
    "AuthCacheCtrlr.Enabled",
    "bool",
    True,
    key16="AuthorizationCacheEnabled",
    description="keep what the CSMS says of tokens",
)
CACHE_LIFETIME = setting(
    "AuthCacheCtrlr.LifeTime",
    "int",
    0,
    minimum=0,
    maximum=10**9,
    unit="s",
    description="seconds after its last use until a cached token is forgotten; 0: no limit",
)

CACHE_AREA = "cache"
MAX_CACHE = 1_000


class TokenInfo(msgspec.Struct, frozen=True):
    """What the CSMS says of a token. ``status`` in the finest words (Accepted, Blocked, Expired, Invalid, ConcurrentTx,
    Unknown, ...); ``expiry_us`` wall time; ``evse_ids`` limits where it may charge, empty means anywhere."""

    status: str
    group: str | None = None
    expiry_us: int | None = None
    evse_ids: tuple[int, ...] = ()


class CacheEntry(msgspec.Struct, frozen=True):
    """A cached token; ``used_us`` is the wall time of its last use."""

    status: str
    group: str | None
    expiry_us: int | None
    used_us: int


def lookup(st: Station, id_token: str) -> CacheEntry | None:
    """What the station knows of a token, None when nothing (any more)."""
    if not st.settings[CACHE_ENABLED]:
        return None
    entry: CacheEntry | None = st.board.flash.get(CACHE_AREA, id_token)
    if entry is None:
        return None
    wall_us = st.board.rtc.wall(st.now)
    lifetime_s = st.settings[CACHE_LIFETIME]
    if entry.expiry_us is not None and entry.expiry_us < wall_us:  # C10.FR.10, FR.13
        return CacheEntry("Expired", entry.group, entry.expiry_us, entry.used_us)
    if entry.expiry_us is None and lifetime_s and entry.used_us + lifetime_s * 1_000_000 < wall_us:  # C10.FR.08
        st.board.flash.delete(CACHE_AREA, id_token)
        return None
    return entry


def remember(st: Station, id_token: str, info: TokenInfo) -> None:
    """Keep what the CSMS said, whatever it was (C10.FR.01, FR.04-05); the least recently used give way (C10.FR.07)."""
    if not st.settings[CACHE_ENABLED] or not id_token or id_token == st.model.free_vend_token:
        return
    flash = st.board.flash
    entry = CacheEntry(info.status, info.group, info.expiry_us, st.board.rtc.wall(st.now))
    size = _entry_bytes(id_token, info.group)
    while not flash.write(CACHE_AREA, id_token, entry, size):
        if flash.why != "full" or not _evict(st):
            st.record(FlashTrouble(CACHE_AREA, flash.why, id_token))
            return
    if len(flash.items(CACHE_AREA)) > MAX_CACHE:
        _evict(st)


def use(st: Station, id_token: str) -> None:
    """A cached token was of use: its life time counts from now (AuthCacheCtrlr.LifeTime, C10.FR.08)."""
    entry: CacheEntry | None = st.board.flash.get(CACHE_AREA, id_token)
    if entry is not None:
        used = msgspec.structs.replace(entry, used_us=st.board.rtc.wall(st.now))
        st.board.flash.write(CACHE_AREA, id_token, used, _entry_bytes(id_token, entry.group))


def _entry_bytes(id_token: str, group: str | None) -> int:
    return 40 + len(id_token) + len(group or "")


def _evict(st: Station) -> bool:
    entries = st.board.flash.items(CACHE_AREA)
    if not entries:
        return False
    oldest = min(entries, key=lambda row: (row[1].used_us, row[0]))
    st.board.flash.delete(CACHE_AREA, oldest[0])
    return True


def clear_cache(st: Station) -> bool:
    """Forget every cached token; False when there is no cache (C11.FR.04, 1.6 5.4) or flash refuses (C11.FR.05)."""
    if not st.settings[CACHE_ENABLED]:
        return False
    return bool(st.board.flash.clear(CACHE_AREA))
