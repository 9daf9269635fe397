"""A trace in the exchange format (version 1.1), one JSON object on a line, as ``--trace`` of a run writes it.

What was concluded by the reader stands in ``meta.assumed``; what the reader could not read goes out as ``UNPARSEABLE``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from simulator.fleet.trace import TRACE_VERSION
from simulator.traces.model import ERROR, KINDS, RESULT_ERROR, Frame, Trace, Unreadable, utc


def exchange_records(trace: Trace) -> Iterator[dict[str, Any]]:
    """Frames and unreadable pieces in the order of their lines. Fields that are not known are left out."""
    both: list[Frame | Unreadable] = [*trace.frames, *trace.unreadable]
    for item in sorted(both, key=lambda entry: entry.line):
        yield _frame(item) if isinstance(item, Frame) else _unreadable(item)


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
