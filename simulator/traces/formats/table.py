"""What a format is, and which one a log is written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.registry import Registry
from simulator.traces.pieces import Found

SNIFFED = 400
"""Lines at the beginning of a log that tell its format."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format: ``score`` counts the lines of a sample that look like it, ``read`` takes all lines.

    ``writer``: the side that usually writes such a log, which tells what "received" means where no message does.
    """

    name: str
    summary: str
    score: Callable[[Sequence[str]], int]
    read: Callable[[Sequence[str]], Found]
    writer: Literal["csms", "station"] = "csms"


FORMATS: Registry[Format] = Registry("format of a trace")


def sniff(lines: Sequence[str]) -> Format:
    """The format that most of the first lines look like; bare frames where none is recognised."""
    sample = lines[:SNIFFED]
    scores = {name: FORMATS.get(name).score(sample) for name in FORMATS}
    best = max(scores, key=lambda name: (scores[name], name != "frames"))
    return FORMATS.get(best if scores[best] else "frames")
