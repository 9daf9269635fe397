"""The log of an Alfen station: a number, a time, a level, the source file and its line, then the text.

As in ``4711_2024-03-01T10:00:00.000Z:INFO:ocpp.c:815:Tx [2,"1","Heartbeat",{}]``. The station writes it, so what it
sent went to the CSMS. A message that is longer than a line of the log goes on in the next lines, each with a head.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from simulator.traces.formats.table import Format
from simulator.traces.pieces import Found, Head, direction_of, marked, read_lines, way_of
from simulator.traces.times import read_time

_HEAD = re.compile(
    r"^\s*\d{1,9}_(?P<time>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)\s*:"
    r"(?P<level>[A-Z]+):(?:(?P<file>[\w./-]+):(?P<at>\d+):)?\s?"
)


def _head(line: str) -> Head | None:
    found = _HEAD.match(line)
    if found is None:
        return None
    words = line[found.end() :]
    return Head(read_time(found["time"]), "", way_of(words), direction_of(words), end=found.end(), mark=marked(words))


def _score(lines: Sequence[str]) -> int:
    return 2 * sum(1 for line in lines if _HEAD.match(line))


def _read(lines: Sequence[str]) -> Found:
    return read_lines(lines, _head)


FORMAT = Format(
    name="alfen", summary="the log an Alfen station keeps itself", score=_score, read=_read, writer="station"
)
