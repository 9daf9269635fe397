"""Is a product able to go through a scenario at all? Else the CSMS is not to blame for what did not happen.

A scenario is written for some products and may be run on any. One that asks for what a product never does says nothing
about a CSMS. So a cell that did not pass is rehearsed in memory, where the CSMS is sound. If the product fails there
too, no later than before, while those the scenario is written for pass, the cell is NOT_APPLICABLE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from simulator.errors import ProfileError
from simulator.scenario.cells import Cell, choose, expand
from simulator.scenario.judge import PASS
from simulator.scenario.player import Failure


class Rehearsed(Protocol):
    """What came of a rehearsal."""

    verdict: str
    reason: str
    failure: Failure | None
    simulated_s: float


Rehearse = Callable[[Cell], Rehearsed]
#: where a cell stands that went through all of its steps, and failed by what the ledger or a check says
END = 1 << 30


def line_of(result: Rehearsed) -> int:
    """The line of the file at which it went wrong."""
    return result.failure.line if result.failure is not None else END


class Rehearsals:
    """The rehearsals of a run, each done once. ``rehearse`` plays a cell in memory with a sound CSMS."""

    def __init__(self, rehearse: Rehearse) -> None:
        self._rehearse = rehearse
        self._done: dict[tuple[str, str, str], Rehearsed] = {}

    def unable(self, cell: Cell, wrong: Rehearsed) -> str:
        """Why the product of a cell that did not pass cannot do better; empty when it can, or when it has to."""
        if cell.profile in self._written_for(cell):
            return ""
        alone = self._of(cell)
        if alone.verdict == PASS or line_of(wrong) < line_of(alone) or not self._passes_at_home(cell):
            return ""
        return f"{cell.profile} does not get through it with a sound CSMS either: {alone.reason}"

    def seconds(self, cell: Cell) -> float:
        """How much of the stations' time a cell takes with a sound CSMS; 0 when it does not get to its end there."""
        alone = self._of(cell)
        return alone.simulated_s if alone.verdict == PASS else 0.0

    def _of(self, cell: Cell) -> Rehearsed:
        if cell.key not in self._done:
            self._done[cell.key] = self._rehearse(cell)
        return self._done[cell.key]

    @staticmethod
    def _written_for(cell: Cell) -> list[str]:
        try:
            return expand(cell.scenario.fields.profile)
        except ProfileError:  # running it there will say so
            return []

    def _passes_at_home(self, cell: Cell) -> bool:
        """Does the first product it is written for pass, if possible in the same version?"""
        written = self._written_for(cell)
        home = [one for one in choose([cell.scenario], written) if not one.not_applicable] if written else []
        home.sort(key=lambda one: one.version != cell.version)
        return bool(home) and self._of(home[0]).verdict == PASS
