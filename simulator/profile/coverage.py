"""The catalogue of documented vendor behaviour, and how much of it the shipped quirks and profiles can play.

The catalogue (``quirks/catalogue/<category>.csv``) is the list of what is known of real products: an id, how sure it
is, the vendors, the sources, what a CSMS must do, and the ``kind``:

``behaviour``  it concerns the wire or the state: covered by the quirk of that name;
``data``       it is a fact a profile states, as in ``note``; covered when one shipped profile states all of it, each
               item with a source;
``no``         it cannot be simulated here; ``note`` says why;
``open``       not decided.

The note of a data row holds ``path=value`` items with ``; `` between them. Paths are those of ``profile/schema.py``;
values are YAML, but texts of ``identity`` and ``vendor_keys`` stand as they are. A path without a value only has to be
there; a list of names (``absent``, ``quirks``) has to hold the names given. Where several makers have facts of their
own in one row, `` || `` stands between them, and each part must be stated by a profile.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from simulator.core.settings import Setting
from simulator.errors import AuthorError, UnknownName
from simulator.profile.checks import check_profile, find_setting, setting_value
from simulator.profile.load import load_profile, profile_paths
from simulator.profile.schema import Profile
from simulator.quirks import QUIRKS
from simulator.yamlfile import load_text

#: entries that have to be covered by a quirk or by a profile
ENOUGH = 240
KINDS = ("behaviour", "data", "no", "open")
#: lists of a profile in which only the names count, not their order
_SETS = frozenset({"read_only", "absent", "not_offered", "quirks"})
_MISSING = object()
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue."""

    id: str
    category: str
    confidence: str
    vendors: tuple[str, ...]
    sources: tuple[str, ...]
    survive: str
    kind: str
    note: str


@dataclass(frozen=True, slots=True)
class Item:
    """One fact of a data row: a path, and the value it must have (``MISSING``: any)."""

    path: str
    value: Any = _MISSING

    @property
    def any_value(self) -> bool:
        """Does it only have to be there?"""
        return self.value is _MISSING


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one entry. ``state``: behaviour, data, impossible or open. ``by``: the profile of a data row."""

    entry: Entry
    state: str
    by: str = ""

    def row(self) -> dict[str, Any]:
        """Plain data."""
        entry = self.entry
        return {
            "id": entry.id,
            "category": entry.category,
            "state": self.state,
            "by": self.by,
            "kind": entry.kind,
            "note": entry.note,
            "confidence": entry.confidence,
            "vendors": list(entry.vendors),
        }


@cache
def catalogue() -> dict[str, Entry]:
    """Every entry by its id, in the order of categories and ids."""
    found: dict[str, Entry] = {}
    folder = files("simulator.quirks") / "catalogue"
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".csv"):
            continue
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            assert row["kind"] in KINDS and row["id"] not in found, f"{path.name}: {row['id']}"
            found[row["id"]] = Entry(
                id=row["id"],
                category=path.name.removesuffix(".csv"),
                confidence=row["confidence"],
                vendors=tuple(row["vendors"].split("; ")),
                sources=tuple(row["sources"].split("; ")),
                survive=row["survive"],
                kind=row["kind"],
                note=row["note"].strip(),
            )
    return found


def parts_of(note: str) -> list[str]:
    """The note of a data row, cut where the facts of another maker begin."""
    return note.split(" || ")


def items_of(part: str) -> list[Item]:
    """The facts in one part of the note of a data row; AuthorError for a value that is no YAML."""
    found = []
    for text in filter(None, (item.strip() for item in part.split("; "))):
        path, equals, value = text.partition("=")
        found.append(Item(path.strip(), _read(path, value, text) if equals else _MISSING))
    return found


def _read(path: str, value: str, text: str) -> Any:
    """Identities and keys of the product are texts, whatever they look like."""
    if path.startswith(("identity.", "vendor_keys.")) and value[:1] not in ('"', "'", "{") and value != "null":
        return value
    return load_text(f"value: {value}", text).data["value"]


def problems_of(items: Iterable[Item]) -> Iterator[str]:
    """Why no profile can ever state these facts: an unknown path, a value that the schema refuses."""
    data: dict[str, Any] = {"identity": {"vendor": "x", "model": "x"}, "versions": ["1.6"]}
    for item in items:
        try:
            _put(data, item)
        except (KeyError, IndexError, TypeError, ValueError, UnknownName):
            yield f"{item.path} is no path of a profile"
            return
    try:
        profile = Profile.model_validate(data)
    except ValueError as error:
        yield str(error)
        return
    yield from (f"{'.'.join(map(str, loc))} {reason}" for loc, reason in check_profile(profile))


def _put(data: dict[str, Any], item: Item) -> None:
    steps = _steps(item.path)
    value: Any = data
    for step, after in pairwise(steps):
        if isinstance(step, int):
            while len(value) <= step:
                value.append({})
            value = value[step]
        else:
            value = value.setdefault(step, [] if isinstance(after, int) else {})
    if not item.any_value:
        value[steps[-1]] = [*value.get(steps[-1], ()), *item.value] if item.path in _SETS else item.value
    elif steps[0] == "vendor_keys":
        value[steps[-1]] = ""
    elif steps[0] == "settings":
        find_setting(str(steps[-1]))
    elif steps[0] != "identity" or len(steps) != 2:
        raise ValueError(item.path)


def _steps(path: str) -> list[str | int]:
    """``evses[1].pilot`` as steps; names of settings keep their dots and brackets."""
    for part in ("settings.", "vendor_keys."):
        if path.startswith(part):
            return [part[:-1], path.removeprefix(part)]
    return [int(number) if number else name for name, number in _STEP.findall(path)]


def states(profile: Profile, item: Item) -> bool:
    """Does the profile state this fact, and say where it was seen?"""
    if item.path in _SETS:
        return _names(profile, item)
    steps = _steps(item.path)
    if steps[0] == "settings":
        return _setting(profile, item, str(steps[-1]))
    value: Any = profile
    for step in steps:
        try:
            value = value[step] if isinstance(step, int) or isinstance(value, dict) else getattr(value, step)
        except (KeyError, IndexError, AttributeError):
            return False
    if not item.any_value and not _same(value, item.value):
        return False
    return profile.standing(item.path) == "sourced"


def _names(profile: Profile, item: Item) -> bool:
    if item.path == "quirks":
        present = {use.name: use.name for use in profile.quirks}
    else:
        present = {name: f"{item.path}[{place}]" for place, name in enumerate(getattr(profile, item.path))}
    wanted = item.value if isinstance(item.value, list) else [item.value]
    return all(name in present and profile.standing(present[name]) == "sourced" for name in wanted)


def _setting(profile: Profile, item: Item, name: str) -> bool:
    """Under either of its names."""
    found: Setting = find_setting(name)
    for given, value in profile.settings.items():
        if find_setting(given) is found:
            same = item.any_value or setting_value(given, value) == setting_value(name, item.value)
            return same and profile.standing(f"settings.{given}") == "sourced"
    return False


def _same(value: Any, wanted: Any) -> bool:
    """Parts are compared in what is named of them, lists place by place, a key of the product by its value."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(by_alias=True)
        wanted = wanted if isinstance(wanted, dict) else {"value": wanted}
        return all(_same(value.get(key), item) for key, item in wanted.items())
    if isinstance(value, tuple):
        return isinstance(wanted, list) and len(value) == len(wanted) and all(map(_same, value, wanted))
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def coverage(profiles: dict[str, Profile] | None = None) -> list[Verdict]:
    """What became of every entry of the catalogue; ``profiles`` are the shipped ones unless given."""
    known = {name: load_profile(name).profile for name in profile_paths()} if profiles is None else profiles
    return [_judge(entry, known) for entry in catalogue().values()]


def _judge(entry: Entry, profiles: dict[str, Profile]) -> Verdict:
    if entry.kind == "behaviour" and entry.id in QUIRKS:
        return Verdict(entry, "behaviour")
    if entry.kind == "no" and entry.note:
        return Verdict(entry, "impossible")
    if entry.kind == "data" and entry.note:
        try:
            found = [_stating(items_of(part), profiles) for part in parts_of(entry.note)]
        except (AuthorError, UnknownName, ValueError):
            found = [""]
        if all(found):
            return Verdict(entry, "data", ", ".join(dict.fromkeys(found)))
    return Verdict(entry, "open")


def _stating(items: list[Item], profiles: dict[str, Profile]) -> str:
    """The first profile that states all of this; "" without one."""
    return next((name for name, p in profiles.items() if all(states(p, item) for item in items)), "")


def summary(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many there are of each state, how many are covered, and how many there are in all."""
    found = [verdict.state for verdict in verdicts]
    counts = {state: found.count(state) for state in ("behaviour", "data", "impossible", "open")}
    return {**counts, "covered": counts["behaviour"] + counts["data"], "all": len(found), "enough": ENOUGH}
