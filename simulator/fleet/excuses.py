"""What a run was bound to break: by a quirk, by the way it was told to end, by somebody's Ctrl-C.

Checks judge the CSMS. What the run itself has caused is listed with its cause and not held against anybody; how an
excuse is applied stands in ``report/truth.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from simulator.core.model import Model
from simulator.report.checks import ANSWERED, BOOTED, DELIVERED, NO_ERRORS
from simulator.report.truth import Excuse


class Modelled(Protocol):
    """A station as it is planned: its id and its compiled profile."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def model(self) -> Model:
        """Its compiled profile."""


#: who breaks one of these may never be registered
NOT_BOOTED = frozenset({"status_before_boot", "handshake", "gets_in"})


def of_quirks(stations: Iterable[Modelled]) -> list[Excuse]:
    """What a station is meant to break is not held against the CSMS; the quirk is named as the cause. A product that
    speaks without having registered may never register by itself, and one that knocks in a way of its own may be sent
    away."""
    found: dict[str, set[str]] = {}
    unregistered: set[str] = set()
    for station in stations:
        for quirk in station.model.quirks:
            if quirk.breaks:
                found.setdefault(quirk.name, set()).add(station.id)
            if NOT_BOOTED & set(quirk.breaks):
                unregistered.add(quirk.name)
    return [
        Excuse(check, f"the quirk {name}", stations=frozenset(ids))
        for name, ids in sorted(found.items())
        for check in (NO_ERRORS, ANSWERED, DELIVERED, *((BOOTED,) if name in unregistered else ()))
    ]


def of_the_end(at_end: str, *, cut_short: bool) -> list[Excuse]:
    """What an end that does not wait for drivers and queues leaves behind."""
    if not cut_short and at_end == "finish":
        return []
    why = "the end of the run was cut short" if cut_short else f"the run was to end with {at_end}"
    return [Excuse(DELIVERED, why), Excuse(ANSWERED, why)]


def of_an_interrupt(young: Iterable[str]) -> list[Excuse]:
    """Stations that still had time to boot when the run was interrupted."""
    ids = frozenset(young)
    return [Excuse(BOOTED, "the run was interrupted before their time was over", stations=ids)] if ids else []
