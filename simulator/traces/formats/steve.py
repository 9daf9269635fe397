"""The log of SteVe: level, time, class, thread, then charge box, session and what it received or sent."""

from __future__ import annotations

import re
from collections.abc import Sequence

from simulator.traces.formats.table import Format
from simulator.traces.pieces import Found, Head, Way, marked, read_lines
from simulator.traces.times import read_time

_HEAD = re.compile(r"\[chargeBoxId=(?P<station>[^,\]]{1,255})(?:,\s*sessionId=[^\]]*)?\]\s*(?P<what>.*)$")
_WAY = re.compile(r"(Received|Sending|Sent)\b[^:]{0,40}:?\s*$")
#: a line of this log that belongs to nobody's connection
_OTHER = re.compile(r"^\[(?:TRACE|DEBUG|INFO|WARN|ERROR) ?\]\s+\d{4}-\d{2}-\d{2} ")


def _head(line: str) -> Head | None:
    found = _HEAD.search(line)
    if found is None:
        return Head(read_time(line[:60]), announces=False, end=len(line)) if _OTHER.match(line) else None
    what = found["what"]
    word = _WAY.search(what)
    way: Way | None = None if word is None else "in" if word[1] == "Received" else "out"
    return Head(
        read_time(line[: found.start()]),
        found["station"],
        way,
        end=found.start("what"),
        announces=word is not None and not re.search(r"\b(ping|pong)\b", what, re.IGNORECASE),
        mark=marked(what) if word is None else None,
    )


def _score(lines: Sequence[str]) -> int:
    return 2 * sum(1 for line in lines if _HEAD.search(line))


def _read(lines: Sequence[str]) -> Found:
    return read_lines(lines, _head)


FORMAT = Format(name="steve", summary="SteVe's steve.log", score=_score, read=_read)
