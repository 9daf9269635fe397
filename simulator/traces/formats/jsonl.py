"""One JSON object on each line: our own exchange format, that of other tools, and what log shippers make of a log.

A field counts by its name, however it is spelt (``chargePointId``, ``charge_point_id``, ``cpId``). The message is an
array, a text that holds one, or the parts of one in fields of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from simulator.traces.formats.fields import piece_of_row
from simulator.traces.formats.table import Format
from simulator.traces.model import Unreadable
from simulator.traces.pieces import Found
from simulator.traces.scan import DEPTH_MAX, FRAME_MAX, Scanner

_BEGIN = re.compile(r'\{\s*"[^"]{1,64}"\s*:')


def _object(line: str) -> dict[str, Any] | str:
    """The object of a line, or why there is none."""
    text = line.strip().rstrip(",")
    if len(text) > 2 * FRAME_MAX:
        return f"longer than {2 * FRAME_MAX} characters"
    scanner = Scanner()
    ended = scanner.feed(text)
    if scanner.deepest > DEPTH_MAX:
        return f"nested deeper than {DEPTH_MAX}"
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        return "cut off: it ends in the middle" if ended is None else f"not JSON: {str(error)[:160]}"
    return found if isinstance(found, dict) else "no JSON object"


def _read(lines: Sequence[str]) -> Found:
    found = Found()
    for number, line in enumerate(lines, start=1):
        if line.strip() in ("", "[", "]"):
            continue  # also one array with an object on each line
        row = _object(line)
        if isinstance(row, str):
            found.unreadable.append(Unreadable(line=number, raw=line[:FRAME_MAX], reason=row))
            continue
        made = piece_of_row(row, number, line)
        if made is None:
            found.other += 1
        elif isinstance(made, Unreadable):
            found.unreadable.append(made)
        else:
            found.pieces.append(made)
    return found


def _score(lines: Sequence[str]) -> int:
    filled = [line.strip().rstrip(",") for line in lines if line.strip()]
    objects = sum(1 for line in filled if _BEGIN.match(line))
    return 3 * objects if 2 * objects >= len(filled) else 0


FORMAT = Format(name="jsonl", summary="JSON lines: the exchange format 1.1 and others", score=_score, read=_read)
