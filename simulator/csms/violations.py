"""What stations did wrong: a bounded list, and counts that are not bounded.

A violation names the station, the action, a rule and a detail. A detail never repeats a value that may be a secret:
it says where and what kind, and quotes only words a schema lists. Rules are of two kinds: those of the JSON schemas
(``required``, ``type``, ``enum``, ``maxLength``, ``additionalProperties`` ...) and those of order and sense, named
below where they are raised (``before-boot``, ``unknown-transaction``, ``seqno-gap`` ...).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 10_000
DETAIL_MAX = 300


@dataclass(frozen=True, slots=True)
class Violation:
    """One finding; ``at`` is the CSMS's own time."""

    station: str
    action: str
    rule: str
    detail: str
    at: str


class ViolationLog:
    """The last :data:`KEPT` violations, and how many there were by rule."""

    def __init__(self, clock: Callable[[], str]) -> None:
        self._clock = clock
        self._kept: deque[Violation] = deque(maxlen=KEPT)
        self.by_rule: Counter[str] = Counter()
        self._by_station: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """All violations so far, kept or not."""
        return self.by_rule.total()

    def add(self, station: str, action: str, rule: str, detail: str) -> None:
        """Record one violation."""
        self._kept.append(Violation(station, action[:64], rule, detail[:DETAIL_MAX], self._clock()))
        self.by_rule[rule] += 1
        self._by_station[station] += 1

    def of_station(self, station: str) -> int:
        """How many ``station`` has, kept or not."""
        return self._by_station[station]

    def select(self, station: str | None, rule: str | None, limit: int) -> list[dict[str, Any]]:
        """The newest ``limit`` kept violations that match, oldest first."""
        found: list[dict[str, Any]] = []
        for violation in reversed(self._kept):
            if len(found) == limit:
                break
            if station in (None, violation.station) and rule in (None, violation.rule):
                found.append(asdict(violation))
        return found[::-1]

    def clear(self) -> None:
        """Forget all, counts too; for the next test against the same CSMS."""
        self._kept.clear()
        self.by_rule.clear()
        self._by_station.clear()
