"""D The local authorisation list: tokens the CSMS has told in advance, on flash.

A list has a version and entries by token. A *full* update replaces everything, a *differential* one adds, changes and
deletes; each happens as a whole or not at all, for it is one write to flash. Nothing but an update of the CSMS changes
the list (1.6 3.5.2, D01.FR.09). An empty list has the version 0, whatever the update said (1.6 5.10), or keeps the
version it was told where a version of the protocol wants that (D01.FR.04).

Thousands of stations are told the same list. What lies on flash is therefore a *base* that all stations with the same
content share, and the *changes* since then, which are shared just so. Both are never written to once made. The table
of what is shared is keyed by content and bounded: it saves memory, no decision depends on it.

Tokens compare without case (CiString20Type; 2.x identifiers are caseInsensitive). Where they have types, one text of
two types is two tokens (C01.FR.25), so the type is part of what an entry is kept under.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from simulator.blocks import product_settings
from simulator.blocks.token_cache import fold
from simulator.core.records import FlashTrouble
from simulator.core.settings import READ_ONLY, setting

if TYPE_CHECKING:
    from simulator.core.station import Station

FEATURE = "LocalAuthListManagement"

LIST_ENABLED = setting(
    "LocalAuthListCtrlr.Enabled",
    "bool",
    True,
    key16="LocalAuthListEnabled",
    required=True,
    required16=True,
    feature=FEATURE,
    description="is the local authorisation list in use",
)
LIST_MAX = setting(
    None,
    "int",
    1_000,
    key16="LocalAuthListMaxLength",
    mutability=READ_ONLY,
    required16=True,
    minimum=1,
    maximum=100_000,
    feature=FEATURE,
    description="most tokens the local authorisation list holds",
)
LIST_MAX_SENT = setting(
    "LocalAuthListCtrlr.ItemsPerMessage",
    "int",
    100,
    key16="SendLocalListMaxLength",
    mutability=READ_ONLY,
    required=True,
    required16=True,
    minimum=1,
    maximum=100_000,
    feature=FEATURE,
    description="most tokens of one update of the local authorisation list",
)

LIST_MAX_BYTES = setting(
    "LocalAuthListCtrlr.BytesPerMessage",
    "int",
    32_768,
    mutability=READ_ONLY,
    required=True,
    minimum=1,
    unit="B",
    feature=FEATURE,
    description="longest update of the local authorisation list",
)
DISABLE_POST = setting(
    "LocalAuthListCtrlr.DisablePostAuthorize",
    "bool",
    False,
    feature=FEATURE,
    description="refuse a token that is listed as anything but accepted without asking the CSMS",
)

LIST_AREA = "local_list"
LIST_KEY = "list"
#: lists and differences that are shared at a time; beyond it the oldest are shared no longer
MAX_SHARED = 64
#: a difference of more than this and a quarter of the base becomes a base of its own
SMALL_CHANGE = 16


#: between the text and the type of a token; no identifier has it (part 2, 2.1.4)
_BETWEEN = "\n"


def typed(id_token: str, token_type: str) -> str:
    """The name of a token that has a type, as :func:`update` takes it."""
    return id_token + _BETWEEN + token_type


class ListEntry(msgspec.Struct, frozen=True, gc=False):
    """What the list says of a token: ``status`` in the finest words, ``expiry_us`` wall time; without ``token_type`` in
    a version of the protocol that has no types."""

    status: str
    group: str | None = None
    expiry_us: int | None = None
    token_type: str = ""
    evse_ids: tuple[int, ...] = ()


#: entries by folded token; None in a difference is a deletion
Entries = dict[str, ListEntry | None]


class LocalList(msgspec.Struct, frozen=True, gc=False):
    """The list as it lies on flash: ``base`` with ``changes`` over it, ``length`` tokens altogether."""

    version: int
    length: int
    base: Entries
    changes: Entries

    def get(self, id_token: str, token_type: str = "") -> ListEntry | None:
        """The entry of a token, None when it is not in the list."""
        found = self._at(fold(typed(id_token, token_type))) if token_type else None
        return self._at(fold(id_token)) if found is None else found

    def _at(self, key: str) -> ListEntry | None:
        return self.changes[key] if key in self.changes else self.base.get(key)

    def every(self, id_token: str) -> list[ListEntry]:
        """The entries of a token of whatever type."""
        text = fold(id_token)
        keys = dict.fromkeys((*self.base, *self.changes))
        entries = [self._at(key) for key in keys if key.partition(_BETWEEN)[0] == text]
        return [entry for entry in entries if entry is not None]


_SHARED: dict[tuple[tuple[str, ListEntry | None], ...], Entries] = {}


def _share(entries: Entries) -> Entries:
    """The one object for this content."""
    if not entries:
        return _NOTHING
    key = tuple(sorted(entries.items(), key=lambda row: row[0]))
    found = _SHARED.pop(key, None)
    if found is None:
        found = entries
        if len(_SHARED) >= MAX_SHARED:
            del _SHARED[next(iter(_SHARED))]
    _SHARED[key] = found  # the latest use is the last to go
    return found


_NOTHING: Entries = {}


def supported(st: Station) -> bool:
    """Has this product a local list, and is it switched on (1.6 9.2, certification case TC_042_1_CS)?"""
    return FEATURE in product_settings.features(st.model) and bool(st.settings[LIST_ENABLED])


def known(st: Station, id_token: str, token_type: str = "") -> ListEntry | None:
    """What the list says of a token, None when nothing. One whose time is over says Expired (1.6 3.5.4, C14.FR.05); one
    of another type is another token, where both types are known (C01.FR.25)."""
    found: LocalList | None = st.board.flash.get(LIST_AREA, LIST_KEY)
    if found is None or not supported(st):
        return None
    entry = found.get(id_token, token_type)
    if entry is not None and entry.expiry_us is not None and entry.expiry_us < st.board.rtc.wall(st.now):
        entry = structs.replace(entry, status="Expired")
    if entry is not None and token_type and entry.token_type not in ("", token_type):
        return None
    return entry


def version(st: Station) -> int:
    """The version of the list: 0 when nothing is kept of one, -1 when the product has none or it is switched off (1.6
    5.10, D02.FR.01-02)."""
    if not supported(st):
        return -1
    found: LocalList | None = st.board.flash.get(LIST_AREA, LIST_KEY)
    return 0 if found is None else found.version


def length(st: Station) -> int:
    """How many tokens the list holds (LocalAuthListCtrlr.Entries, D01.FR.12)."""
    found: LocalList | None = st.board.flash.get(LIST_AREA, LIST_KEY)
    return 0 if found is None else found.length


def update(
    st: Station,
    number: int,
    rows: Iterable[tuple[str, ListEntry | None]],
    *,
    full: bool,
    empty_has_version: bool = False,
) -> str:
    """Apply an update: Accepted, Failed, VersionMismatch, NotSupported (1.6 5.15, 7.47, D01.FR.01-19).

    ``number`` is the version the list has afterwards, ``rows`` are tokens (:func:`typed` where there are types) with
    what is to be kept of them; None deletes one, which a full update has no use for. ``empty_has_version``: a list
    without tokens keeps its version (D01.FR.04). Anything but Accepted leaves the list as it was.
    """
    if not supported(st):
        return "NotSupported"
    flash = st.board.flash
    old: LocalList | None = flash.get(LIST_AREA, LIST_KEY)
    if not full and number <= (old.version if old is not None else 0):
        return "VersionMismatch"  # 7.47: less than or equal to the present one
    if number <= 0:
        return "Failed"  # 1.6 errata 3.52: 0 and -1 mean something else
    told = list(rows)
    told_rows: Entries = {fold(id_token): entry for id_token, entry in told}
    if len(told) > st.settings[LIST_MAX_SENT] or len(told_rows) < len(told):  # 6.41: no token twice
        return "Failed"
    if full and None in told_rows.values():  # 1.6 7.1: idTagInfo is required in a full update
        return "Failed"
    new = _replaced(number, told_rows) if full else _changed(old, number, told_rows)
    if new.length > st.settings[LIST_MAX]:
        return "Failed"
    if not new.length and not empty_has_version:
        done = flash.delete(LIST_AREA, LIST_KEY)
    else:
        done = flash.write(LIST_AREA, LIST_KEY, new, _list_bytes(new))
    if not done:
        st.record(FlashTrouble(LIST_AREA, flash.why, f"version {number} of the local list"))
        return "Failed"
    return "Accepted"


def _replaced(number: int, rows: Entries) -> LocalList:
    return LocalList(number, len(rows), _share(rows), _NOTHING)


def _changed(old: LocalList | None, number: int, rows: Entries) -> LocalList:
    base = old.base if old is not None else _NOTHING
    changes = {**(old.changes if old is not None else _NOTHING), **rows}
    changes = {key: entry for key, entry in changes.items() if entry != base.get(key)}
    if len(changes) > SMALL_CHANGE + len(base) // 4:
        merged = {**base, **changes}
        return _replaced(number, {key: entry for key, entry in merged.items() if entry is not None})
    added = sum(1 for key in changes if key not in base)
    deleted = sum(1 for entry in changes.values() if entry is None)
    return LocalList(number, len(base) + added - deleted, base, _share(changes))


def _list_bytes(new: LocalList) -> int:
    """What it takes on a flash that knows nothing of other stations."""
    kept = 16
    for key, entry in (*new.base.items(), *new.changes.items()):
        if entry is not None and (key not in new.changes or new.changes[key] is entry):
            kept += 24 + len(key) + len(entry.group or "")
    return kept


def shared(found: LocalList) -> LocalList:
    """The same list, made of what is shared: for one that was read from a file. Files of before types counted name
    tokens without them."""
    rows = {key: entry for key, entry in {**found.base, **found.changes}.items() if entry is not None}
    if any(entry.token_type and _BETWEEN not in key for key, entry in rows.items()):
        told: Entries = {fold(typed(key, entry.token_type)): entry for key, entry in rows.items()}
        return _replaced(found.version, told)
    return LocalList(found.version, found.length, _share(found.base), _share(found.changes))
