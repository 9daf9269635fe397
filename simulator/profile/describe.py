"""A profile as rows of plain data: every value, whether somebody has seen it or it is assumed, and where.

Lists and JSON output are made of these rows; a value that no file gives is shown too, because the default that fills it
is a statement about the product as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.profile.load import LoadedProfile
from simulator.yamlfile import Loc, field_path


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One value: its path, the value, ``sourced`` or ``assumed``, the link, and where it is written (None: default)."""

    path: str
    value: Any
    standing: str
    source: str | None
    file: str | None
    line: int | None


def describe_profile(loaded: LoadedProfile) -> list[ProfileRow]:
    """Every value of a profile in the order of the schema; a quirk is one row under its name."""
    profile, document = loaded.profile, loaded.document
    data = profile.model_dump(mode="json", by_alias=True, exclude={"extends", "evidence", "sources", "quirks"})
    rows = [_row(loaded, field_path(loc), loc, value) for loc, value in _leaves(data, ())]
    for index, use in enumerate(profile.quirks):
        loc: Loc = ("quirks", index)
        file, line = document.place_of(loc)
        rows.append(ProfileRow(use.name, use.params, profile.standing(use.name), profile.source(use.name), file, line))
    return rows


def standings(loaded: LoadedProfile) -> dict[str, int]:
    """How many of the values and quirks of a profile are sourced, and how many assumed; defaults are assumed."""
    found = [row.standing for row in describe_profile(loaded)]
    return {standing: found.count(standing) for standing in ("sourced", "assumed")}


def _row(loaded: LoadedProfile, path: str, loc: Loc, value: Any) -> ProfileRow:
    profile, places = loaded.profile, loaded.document.places
    # An EVSE that was asked for by number stands where the number does.
    place = places.get(loc) or (places.get(("evses",)) if loc[0] == "evses" else None)
    file, line = place or (None, None)
    return ProfileRow(path, value, profile.standing(path), profile.source(path), file, line)


def _leaves(value: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*loc, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, item in enumerate(value):
            yield from _leaves(item, (*loc, index))
    else:
        yield loc, value
