"""A trace in the exchange format (version 1.1), one JSON object on a line, as ``--trace`` of a run writes it.

What was concluded by the reader stands in ``meta.assumed``; what the reader could not read goes out as ``UNPARSEABLE``,
what the log says about connections as ``CONNECTION``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from simulator.fleet.trace import TRACE_VERSION, connection_record
from simulator.traces.model import ERROR, KINDS, RESULT_ERROR, Frame, Mark, Trace, Unreadable, utc


def exchange_records(trace: Trace) -> Iterator[dict[str, Any]]:
    """Frames, ends of connections and unreadable pieces in the order of their lines. What is not known is left out."""
    every: list[Frame | Unreadable | Mark] = [*trace.frames, *trace.unreadable, *trace.marks]
    for item in sorted(every, key=lambda entry: entry.line):
        yield _frame(item) if isinstance(item, Frame) else _mark(item) if isinstance(item, Mark) else _unreadable(item)


def exchange_lines(trace: Trace) -> Iterator[str]:
    """The same as lines of JSON, in ASCII."""
    for record in exchange_records(trace):
        yield json.dumps(record, separators=(",", ":"))


def _head(item: Frame | Unreadable, version: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "schemaVersion": TRACE_VERSION,
        "timestamp": utc(item.at_us),
        "ocppVersion": version,
        "transport": "json",
        "chargePointId": item.station,
        "direction": item.direction,
    }
    return {name: value for name, value in record.items() if value}


def _frame(frame: Frame) -> dict[str, Any]:
    record = _head(frame, frame.version) | {"messageType": KINDS[frame.kind], "messageId": frame.id}
    if frame.action:
        record["action"] = frame.action
    if frame.kind in (ERROR, RESULT_ERROR):
        record["error"] = {"code": frame.code, "description": frame.description, "details": frame.payload}
    else:
        record["payload"] = frame.payload
    meta: dict[str, Any] = {"line": frame.line}
    if frame.assumed:
        meta["assumed"] = list(frame.assumed)
    record["meta"] = meta
    return record


def _unreadable(item: Unreadable) -> dict[str, Any]:
    return _head(item, "") | {
        "messageType": "UNPARSEABLE",
        "raw": item.raw,
        "meta": {"line": item.line, "problem": item.reason},
    }


def _mark(item: Mark) -> dict[str, Any]:
    return connection_record(item.what, item.detail, station_id=item.station, when=utc(item.at_us), line=item.line)
