"""Named tables: faults, quirks, scenario steps.

A table refuses duplicates, suggests the nearest name when one is unknown, and is frozen once everything is imported,
so that what a name means cannot depend on import order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from simulator.errors import UnknownName

T = TypeVar("T")


#: a shorter part of a name says nothing
PART_MIN = 3
_BETWEEN_PARTS = re.compile(r"[/._ -]")


def nearest(name: str, names: list[str]) -> str | None:
    """The valid name that is closest to ``name``, or None when nothing is close (case does not count). The first one of
    which it is a whole part is close, too: ``kempower`` of ``kempower/satellite``."""
    lowered = {n.lower(): n for n in names}
    hits = get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    if not hits and len(name) >= PART_MIN:
        hits = [n for n in lowered if name.lower() in _BETWEEN_PARTS.split(n)]
    return lowered[hits[0]] if hits else None


class Registry(Generic[T]):
    """A table of ``kind`` by name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._table: dict[str, T] = {}
        self._frozen = False

    def add(self, name: str, value: T) -> T:
        """Register ``value``. A second value under the same name is our bug."""
        assert not self._frozen, f"{self.kind} {name!r} registered after the table was frozen"
        assert name not in self._table, f"{self.kind} {name!r} registered twice"
        self._table[name] = value
        return value

    def named(self, name: str) -> Callable[[T], T]:
        """Decorator form of :meth:`add`."""
        return lambda value: self.add(name, value)

    def get(self, name: str) -> T:
        """The value called ``name``; raises :class:`UnknownName` with the nearest name."""
        try:
            return self._table[name]
        except KeyError:
            raise UnknownName(self.kind, name, nearest(name, list(self._table))) from None

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._table))

    def __len__(self) -> int:
        return len(self._table)

    def freeze(self) -> None:
        """No more registrations."""
        self._frozen = True
