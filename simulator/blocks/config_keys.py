"""B Settings by configuration key: what the older protocol lists, reads and writes.

Names compare without case. A key that only the product has (``vendor_keys`` of its profile) is read, and kept on flash
when it may be written, but means nothing to the station.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.product_settings import FILE_PROTOCOLS, PHASE_ROTATION, rotated
from simulator.blocks.setting_values import exists, measurable, text_of, writable
from simulator.core.settings import KEYS, WRITE_ONLY, Setting, all_settings
from simulator.core.wiring import BEFORE_WRITE

if TYPE_CHECKING:
    from simulator.core.station import Station

MAX_KEYS = 1_000
#: 1.6 has no word for them (errata 3.90)
LATER_PROTOCOLS = frozenset({"SFTP"})


def write(st: Station, found: Setting, mutability: str, text: str) -> str:
    """Write a setting from its wire text: Accepted, RebootRequired, Rejected."""
    if not writable(st, found, mutability):
        return "Rejected"
    try:
        value = found.parse(text)
    except ValueError:
        return "Rejected"
    if found is PHASE_ROTATION and max(rotated(value), default=0) > len(st.evses):
        return "Rejected"
    if found.type == "list" and not all(measurable(st.model, name) for name in value):
        return "Rejected"  # 1.6 3.16.4
    judge = BEFORE_WRITE.get(found.key)
    if judge is not None and not judge(st, value):
        return "Rejected"
    if not st.write_setting(found, value):
        return "Rejected"
    return "RebootRequired" if found.reboot else "Accepted"


def read_key(st: Station, name: str) -> tuple[str, str | None, bool] | None:
    """(key, value or None for write-only, read-only) of one configuration key."""
    found = _by_key(st, name)
    if found is not None:
        assert found.key16 is not None
        read_only = not writable(st, found, found.mutability16)
        value = None if found.mutability16 == WRITE_ONLY else text_of(st, found, found.key16)
        if found is FILE_PROTOCOLS and value is not None:
            value = ",".join(name for name in value.split(",") if name not in LATER_PROTOCOLS)
        return found.key16, value, read_only
    for key, (value, may_write) in st.model.vendor_keys.items():
        if key.lower() == name.lower():
            return key, st.board.flash.get("vendor_keys", key) or value, not may_write
    return None


def all_keys(st: Station) -> list[tuple[str, str | None, bool]]:
    """Every configuration key of this product."""
    names = [s.key16 for s in all_settings() if s.key16 and exists(st, s)]
    rows = [read_key(st, name) for name in (*names, *st.model.vendor_keys)]
    return [row for row in rows if row is not None][:MAX_KEYS]


def write_key(st: Station, name: str, text: str) -> str:
    """Write a configuration key: Accepted, RebootRequired, Rejected, NotSupported (unknown)."""
    found = _by_key(st, name)
    if found is not None:
        return write(st, found, found.mutability16, text)
    for key, (_, may_write) in st.model.vendor_keys.items():
        if key.lower() == name.lower():
            stored = may_write and st.board.flash.write("vendor_keys", key, text, 16 + len(key) + len(text))
            return "Accepted" if stored else "Rejected"
    return "NotSupported"


def _by_key(st: Station, name: str) -> Setting | None:
    found = KEYS.get(name) if name in KEYS else _lowered().get(name.lower())
    return found if found is not None and exists(st, found) else None


def _lowered() -> dict[str, Setting]:
    if len(_LOWERED) != len(KEYS):
        _LOWERED.clear()
        _LOWERED.update({key.lower(): KEYS.get(key) for key in KEYS})
    return _LOWERED


_LOWERED: dict[str, Setting] = {}
