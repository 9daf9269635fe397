"""Tables: what a CSMS or a spreadsheet exports, with names of columns in the first row.

Commas, semicolons and tabs separate. A message stands in one column, or its parts in several.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from simulator.traces.formats.fields import NAMES, take_row
from simulator.traces.formats.table import Format
from simulator.traces.model import Unreadable
from simulator.traces.pieces import Found
from simulator.traces.scan import FRAME_MAX

_SEPARATORS = ",;\t|"
_KNOWN = frozenset(name for names in NAMES.values() for name in names)
_TELLING = frozenset(name for meaning in ("frame", "payload", "id", "action") for name in NAMES[meaning])
COLUMNS_MAX = 200


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum() or letter == "@")


def _separator(header: str) -> str | None:
    """What separates the columns of a first row; None where it names too few that are known."""
    best = max(_SEPARATORS, key=header.count)
    names = {_plain(name) for name in header.lstrip("\ufeff").split(best)}
    return best if len(names & _KNOWN) >= 2 and names & _TELLING else None


def _score(lines: Sequence[str]) -> int:
    first = next((line for line in lines if line.strip()), "")
    return 3 * len(lines) if len(first) < 4000 and "[" not in first and _separator(first) else 0


def _read(lines: Sequence[str]) -> Found:
    found = Found()
    begin = next((number for number, line in enumerate(lines) if line.strip()), 0)
    header = lines[begin] if lines else ""
    separator = _separator(header) or max(_SEPARATORS, key=header.count)
    csv.field_size_limit(2 * FRAME_MAX)
    reader = csv.reader(_with_ends(lines[begin:]), delimiter=separator)
    names: list[str] = []
    last = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            line = begin + last + 1
            found.unreadable.append(Unreadable(line=line, raw=lines[line - 1][:FRAME_MAX], reason=f"no row: {error}"))
            last = reader.line_num
            continue
        line, last = begin + last + 1, reader.line_num
        if not names:
            names = [name.strip().lstrip("\ufeff") for name in row[:COLUMNS_MAX]]
            found.other += 1
            continue
        if not any(cell.strip() for cell in row):
            continue
        take_row(dict(zip(names, row, strict=False)), line, separator.join(row), found)
    return found


def _with_ends(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield line + "\n"


FORMAT = Format(name="csv", summary="a table with names of columns in its first row", score=_score, read=_read)
