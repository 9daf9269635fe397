"""Sites: stations that share one connection to the grid, and with it phases, weather and switches.

A group names its site. A name with a number in it, ``park-{n:02d}``, makes as many sites as the stations need, filled
in the order of the fleet with ``site_size`` stations each; so a larger fleet has the same sites first. Stations at one
connection are wired in turn (L1 of the second is phase 2 of the grid), as installers do it to share out the load of
single-phase cars; what the loss of a phase does to a station follows from its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

PHASES = 3
#: stations of a site of which there are several, unless the fleet says how many
DEFAULT_SIZE = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a station stands: its site, and its position there, from 0."""

    site: str
    position: int

    @property
    def rotation(self) -> int:
        """By how many phases its wiring is turned."""
        return self.position % PHASES


class Sites:
    """Gives places away, in the order of the fleet; groups with the same pattern share their sites."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def place(self, pattern: str, size: int | None) -> Place:
        """The next place at a site of this name, or at the next site of this pattern."""
        number = self._taken.get(pattern, 0)
        self._taken[pattern] = number + 1
        if "{" not in pattern:
            return Place(pattern, number)
        per_site = size or DEFAULT_SIZE
        return Place(pattern.format(n=number // per_site + 1), number % per_site)


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names of sites that are meant, each once, in order; ``*`` stands for anything."""
    return [name for name in dict.fromkeys(names) if fnmatchcase(name, pattern)]
