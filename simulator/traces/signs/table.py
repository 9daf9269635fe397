"""Signs: small functions that find a quirk in what a station said, registered under the quirk's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from simulator.registry import Registry
from simulator.traces.model import Frame, Mark, Unreadable
from simulator.traces.signs.story import Story

HITS_MAX = 50
"""Places of one quirk that are told; a log that shows it in every message says no more."""

Confidence = Literal["shows", "may show"]


class Hit(NamedTuple):
    """A place in a log, how sure it is, and what is to be seen there."""

    line: int
    confidence: Confidence
    why: str


Sign = Callable[[Story], Iterator[Hit]]

SIGNS: Registry[Sign] = Registry("sign of a quirk")


def sign(name: str) -> Callable[[Sign], Sign]:
    """Register a sign under the name of its quirk; the docstring says what is looked for."""
    return SIGNS.named(name)


def shows(place: Frame | Unreadable | Mark, why: str) -> Hit:
    """Nothing else that is known explains this."""
    return Hit(place.line, "shows", why)


def may(place: Frame | Unreadable | Mark, why: str) -> Hit:
    """There are other explanations, too."""
    return Hit(place.line, "may show", why)
