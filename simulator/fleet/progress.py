"""Who shows how a run goes: the seam between a run, which knows no terminal, and the commands, which do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simulator.fleet.run import Run


class Progress(Protocol):
    """Who shows how a run goes. Called on the loop about five times a second."""

    def started(self, run: Run) -> None:
        """The farm runs; addresses are known."""

    def tick(self, run: Run) -> None:
        """Another moment has passed."""

    def ending(self, run: Run, why: str) -> None:
        """The run is ending."""


class Silent:
    """Shows nothing."""

    def started(self, run: Run) -> None:
        """Nothing."""

    def tick(self, run: Run) -> None:
        """Nothing."""

    def ending(self, run: Run, why: str) -> None:
        """Nothing."""
