"""Python's garbage collector during a run: out of the way, and watched.

A station that lives for the whole run is no garbage, yet every full pass looks at all of it (30 ms at 500 stations). So
once the fleet is up everything that exists is frozen, and passes over the young become rarer. What passes still happen
are measured, because a pause of the generator is not the CSMS's.
"""

from __future__ import annotations

import gc
import time
from typing import Any

#: new objects between two passes over the young; the default of 700 is one pass for every ten calls
YOUNG = 10_000


class Garbage:
    """``begin`` watches, ``settle`` freezes what exists, ``end`` puts everything back. ``longest_ms``: longest pass."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.passes = 0
        self._begun_ns = 0
        self._before: tuple[int, int, int] | None = None

    def begin(self) -> None:
        """Watch from now on."""
        self._before = gc.get_threshold()
        gc.callbacks.append(self._watch)

    def settle(self) -> None:
        """The fleet is up: what exists now stays."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, 10, 10)
        self.longest_ms, self.passes = 0.0, 0  # of the time that is measured

    def end(self) -> None:
        """The run is over."""
        if self._before is None:
            return
        gc.callbacks.remove(self._watch)
        gc.set_threshold(*self._before)
        gc.unfreeze()
        self._before = None

    def _watch(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._begun_ns = time.perf_counter_ns()
            return
        self.passes += 1
        self.longest_ms = max(self.longest_ms, (time.perf_counter_ns() - self._begun_ns) / 1e6)
