"""What a run was bound to break: by a quirk, by the way it was told to end, by somebody's Ctrl-C.

Checks judge the CSMS. What the run itself has caused is listed with its cause and not held against anybody; how an
excuse is applied stands in ``report/truth.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from simulator.core.model import Model
from simulator.quirks import Quirk, seams_of
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


#: check -> what a quirk must break to be the cause of a failure (words of ``quirks.BREAKS``), the likeliest first. What
#: a station breaks in how it answers, obeys or charges makes no CSMS refuse or miss its messages.
CAUSES: dict[str, tuple[str, ...]] = {
    BOOTED: ("handshake", "status_before_boot", "gets_in", "schema"),
    NO_ERRORS: (
        *("schema", "frames", "handshake", "status_before_boot", "own_transaction_id", "sessions_told", "one_start"),
        *(
            "message_ids",
            "measurand_unit",
            "samples_in_session",
            "plain_numbers",
            "register_never_falls",
            "status_true",
        ),
        *("sample_context", "stop_reason", "error_true", "true_time", "token", "boot_once", "every_fate", "attempts"),
    ),
    ANSWERED: (
        *("frames", "handshake", "gets_in", "stays_connected", "boot_once", "says_goodbye", "message_ids", "schema"),
        *("status_before_boot", "own_transaction_id", "attempts"),
    ),
    DELIVERED: (
        *("frames", "schema", "handshake", "sessions_told", "gets_in", "boot_once", "stays_connected", "says_goodbye"),
        *("own_transaction_id", "message_ids", "one_start", "measurand_unit", "status_before_boot", "every_fate"),
        *("attempts", "register_never_falls", "stop_reason", "true_time"),
    ),
}


def of_quirks(stations: Iterable[Modelled]) -> list[Excuse]:
    """What a station is meant to break is not held against the CSMS; the quirk is named as the cause. Of the quirks of
    a station the one that breaks what leads to such a failure most often stands first."""
    found: dict[str, set[str]] = {}
    kinds: dict[str, type[Quirk]] = {}
    for station in stations:
        for quirk in station.model.quirks:
            if quirk.breaks:
                found.setdefault(quirk.name, set()).add(station.id)
                kinds[quirk.name] = type(quirk)
    ranked = sorted((rank, name, check) for name, kind in kinds.items() for check, rank in _ranks(kind))
    return [Excuse(check, f"the quirk {name}", stations=frozenset(found[name])) for rank, name, check in ranked]


def _ranks(quirk: type[Quirk]) -> Iterator[tuple[str, int]]:
    """The checks that a quirk may fail, and how likely it is among others: 0 comes first."""
    for check, words in CAUSES.items():
        # only a boot that leaves the schema keeps a station from being registered
        told = [word for word in quirk.breaks if word != "schema" or check != BOOTED or "boot" in seams_of(quirk)]
        ranks = [words.index(word) for word in told if word in words]
        if ranks:
            yield check, min(ranks)


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
