"""Frames with or without something in front of them: pasted into an issue, printed by a server nobody knows, or evcc's.

Whatever stands before a message is looked through for a time, words for the way it went, and the id of a station.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.traces.formats.table import Format
from simulator.traces.pieces import Found, general_head, read_lines
from simulator.traces.scan import START


def _score(lines: Sequence[str]) -> int:
    # any format with more to go by wins
    return 1 if any(START.search(line) for line in lines) else 0


def _read(lines: Sequence[str]) -> Found:
    return read_lines(lines, general_head)


FORMAT = Format(
    name="frames",
    summary="frames one below the other, with or without time, direction and station before them",
    score=_score,
    read=_read,
)
