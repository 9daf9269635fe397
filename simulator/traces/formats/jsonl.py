"""One JSON object on each line: our own exchange format, that of other tools, and what log shippers make of a log.

A field counts by its name, however it is spelt (``chargePointId``, ``charge_point_id``, ``cpId``). The message is an
array, a text that holds one, or the parts of one in fields of their own. An object may be spread over lines that begin
with one that holds its bracket alone, as tools print it that make JSON pretty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from simulator.traces.formats.fields import take_row
from simulator.traces.formats.table import Format
from simulator.traces.model import Unreadable
from simulator.traces.pieces import JOINED_MAX, Found
from simulator.traces.scan import DEPTH_MAX, FRAME_MAX, Scanner

#: the first line of an object that is spread over lines
_ALONE = ("{", "[{")
_FIELD = re.compile(r'"[^"]{1,64}"\s*:')
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
    number = 0
    while number < len(lines):
        line, first = lines[number], number + 1
        number += 1
        if line.strip() in ("", "[", "]"):
            continue  # also one array with an object on each line
        if line.strip() in _ALONE:
            line, number = _spread(lines, number - 1)
        row = _object(line)
        if isinstance(row, str):
            found.unreadable.append(Unreadable(line=first, raw=line[:FRAME_MAX], reason=row))
        else:
            take_row(row, first, line, found)
    return found


def _spread(lines: Sequence[str], number: int) -> tuple[str, int]:
    """The object whose bracket stands alone on a line, and the number of the line behind it."""
    scanner, size = Scanner(), 0
    for now in range(number, min(number + JOINED_MAX, len(lines))):
        text = lines[now].replace("[{", "{", 1) if now == number else lines[now]
        size += len(text)
        if scanner.feed(text) is not None:
            return "\n".join([lines[number].replace("[{", "{", 1), *lines[number + 1 : now + 1]]), now + 1
        if size > 2 * FRAME_MAX or (now > number and lines[now][:1] == "{"):
            break  # it is cut off, and another one begins
    return lines[number], number + 1


def _score(lines: Sequence[str]) -> int:
    filled = [line.strip().rstrip(",") for line in lines if line.strip()]
    objects = sum(1 for line in filled if _BEGIN.match(line))
    if 2 * objects >= len(filled):
        return 3 * objects
    begin = next((place for place, line in enumerate(filled) if line != "["), 0)
    pretty = filled[begin] in _ALONE and _FIELD.match("".join(filled[begin + 1 : begin + 2]))
    return 3 * len(filled) if pretty else 0


FORMAT = Format(name="jsonl", summary="JSON lines: the exchange format 1.1 and others", score=_score, read=_read)
