"""A trace in the exchange format, and back."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from simulator.traces.read import read_trace
from simulator.traces.write import exchange_lines, exchange_records

SNIPPETS = sorted((Path(__file__).parent / "snippets").iterdir())


@pytest.mark.parametrize("path", SNIPPETS, ids=lambda path: path.name)
def test_what_is_written_is_read_again(path: Path) -> None:
    trace = read_trace(path.read_text(encoding="utf-8"))
    lines = list(exchange_lines(trace))
    again = read_trace("\n".join(lines))
    assert len(lines) == len(trace.frames) + len(trace.unreadable) + len(trace.marks)
    assert again.format == "jsonl"
    same = [msgspec.structs.replace(frame, line=0, raw="", assumed=()) for frame in trace.frames]
    assert [msgspec.structs.replace(frame, line=0, raw="", assumed=()) for frame in again.frames] == same
    assert len(again.unreadable) == len(trace.unreadable)
    same_marks = [msgspec.structs.replace(mark, line=0) for mark in trace.marks]
    assert [msgspec.structs.replace(mark, line=0) for mark in again.marks] == same_marks


def test_what_is_not_known_is_left_out_and_what_was_concluded_is_said() -> None:
    (record,) = exchange_records(read_trace('[2,"1","Heartbeat",{}]'))
    assert "timestamp" not in record and "chargePointId" not in record
    assert record["meta"] == {"line": 1, "assumed": ["direction"]}


def test_any_text_can_be_written() -> None:
    trace = read_trace('[2,"\\ud800","Authorize",{"idTag":"\u00e4"}]')
    (line,) = exchange_lines(trace)
    assert line.isascii() and json.loads(line)["payload"] == {"idTag": "\u00e4"}
