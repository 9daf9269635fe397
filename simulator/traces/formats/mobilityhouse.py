"""The log of the Python library mobilityhouse/ocpp, as ``logging`` or Home Assistant writes it.

The library logs ``<id>: receive message [...]`` and ``<id>: send [...]``, whichever side it plays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from simulator.traces.formats.table import Format
from simulator.traces.pieces import Found, Head, general_head, read_lines
from simulator.traces.times import read_time

_HEAD = re.compile(r"(?P<station>[^\s\[\]:]{1,255}):\s(?P<way>receive message|send)\s*(?=\[|$)")
_LEVEL = re.compile(r"\b(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b[: ]")
#: Home Assistant calls the connection itself "charger" or "central"; that is nobody's id
_NOBODY = frozenset({"charger", "central", "cpid"})


def _head(line: str) -> Head | None:
    found = _HEAD.search(line)
    if found is None:
        if _LEVEL.search(line[:80]) is None:
            return None
        general = general_head(line)
        # a line of another logger: it ends what stands before it, and may tell of the connection
        return Head(end=len(line), announces=False, time=read_time(line[:60]), mark=general.mark if general else None)
    station = found["station"].removeprefix("ocpp:")
    return Head(
        read_time(line[: found.start()]),
        "" if station in _NOBODY else station,
        "in" if found["way"] == "receive message" else "out",
        end=found.end(),
        announces=True,
    )


def _score(lines: Sequence[str]) -> int:
    return 2 * sum(1 for line in lines if _HEAD.search(line) and "chargeBoxId=" not in line)


def _read(lines: Sequence[str]) -> Found:
    return read_lines(lines, _head)


FORMAT = Format(
    name="mobilityhouse",
    summary="the Python library mobilityhouse/ocpp, also in Home Assistant",
    score=_score,
    read=_read,
)
