"""A row of a table or a JSON object as a message: fields by the many names people give them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

from simulator.fleet.trace import CONNECTION, ConnectionEvent
from simulator.traces.model import KINDS, TO_CSMS, TO_STATION, Direction, Mark, Unreadable
from simulator.traces.pieces import DETAIL_MAX, Found, Head, Piece, Way, direction_of, general_head, way_of
from simulator.traces.scan import FRAME_MAX, START
from simulator.traces.times import Read, whole

#: meaning -> names in small letters without anything between words; the first that is there and not empty counts
NAMES: dict[str, tuple[str, ...]] = {
    "time": ("timestamp", "@timestamp", "time", "ts", "datetime", "date", "at", "createdat", "receivedat", "logtime"),
    "station": (
        "chargepointid", "chargeboxid", "chargingstationid", "stationid", "chargerid", "cpid", "csid", "identity",
        "chargepoint", "station", "charger", "clientid", "deviceid", "evseid",
    ),
    "direction": ("direction", "dir", "way", "flow", "origin", "sender", "from", "source"),
    "kind": ("messagetype", "messagetypeid", "kind", "type", "typeid"),
    "id": ("messageid", "uniqueid", "msgid", "correlationid", "requestid", "id"),
    "action": ("action", "operation", "command", "messagename", "method"),
    "payload": ("payload", "body", "content", "request", "response", "parameters", "params"),
    "frame": ("raw", "frame", "message", "msg", "data", "ocppmessage", "text", "log", "line", "payload", "body"),
    "version": ("ocppversion", "protocol", "subprotocol", "version"),
    "error": ("error",),
}  # fmt: skip
#: fields in which log shippers put a line of a log
_LINES = frozenset({"message", "msg", "text", "log", "line"})
_PLAIN = re.compile(r"[^a-z0-9@]")
_KINDS = {name: number for number, name in KINDS.items()} | {
    "REQUEST": 2, "REQ": 2, "CONFIRMATION": 3, "CONF": 3, "RESPONSE": 3, "RES": 3, "RESULT": 3, "ERROR": 4,
}  # fmt: skip
_SIDES: dict[str, Direction] = {
    "cp": TO_CSMS, "cs": TO_CSMS, "station": TO_CSMS, "charger": TO_CSMS, "chargepoint": TO_CSMS, "evse": TO_CSMS,
    "csms": TO_STATION, "server": TO_STATION, "backend": TO_STATION, "central": TO_STATION, "centralsystem": TO_STATION,
    "cptocsms": TO_CSMS, "csmstocp": TO_STATION, "upstream": TO_CSMS, "downstream": TO_STATION,
}  # fmt: skip
_VERSION = re.compile(r"(?:ocpp)?v?(1\.6|2\.0\.1|2\.1)j?", re.IGNORECASE)


def take_row(row: Mapping[str, Any], line: int, raw: str, found: Found) -> None:
    """Put what a row says to what was found before it."""
    made = piece_of_row(row, line, raw)
    if made is None:
        found.other += 1
    elif isinstance(made, Unreadable):
        found.unreadable.append(made)
    elif isinstance(made, Mark):
        found.marks.append(made)
    else:
        found.pieces.append(made)


def piece_of_row(row: Mapping[str, Any], line: int, raw: str) -> Piece | Unreadable | Mark | None:
    """The message of a row, what it says of the connection, why it cannot be read, or None where it is about something
    else. What a field says goes before what stands in front of the message in a log that was shipped in a field."""
    by_name: dict[str, Any] = {}
    for name, value in row.items():
        by_name.setdefault(_PLAIN.sub("", str(name).lower()), value)
    meta = by_name.get("meta")
    time, station = _time(_first(by_name, "time")), _text(_first(by_name, "station"))
    direction, way = _way(_text(_first(by_name, "direction")))
    version = _VERSION.fullmatch(_text(_first(by_name, "version")).strip())
    if _text(_first(by_name, "kind")).upper() == CONNECTION:
        return _connection(by_name, line, station, time)
    text, words = _frame(by_name)
    head = (general_head(words) if words else None) or Head()
    station = station or head.station
    if text is None:
        text = _composed(by_name)
        if text is None and head.mark is not None and station:
            return Mark(
                line=line, what=head.mark[0], detail=head.mark[1], station=station, at_us=_at(time or head.time)
            )
    if text is None:
        if _text(_first(by_name, "kind")).upper() == "UNPARSEABLE":
            text = _text(by_name.get("raw"))
            reason = str(meta.get("problem")) if isinstance(meta, dict) and "problem" in meta else "unparseable"
            return Unreadable(
                line=line, raw=text, reason=reason, direction=direction, station=station, at_us=_at(time)
            )  # fmt: skip
        if direction is None and way is None and not (_first(by_name, "action") or _first(by_name, "id")):
            return None
        return Unreadable(line=line, raw=raw[:FRAME_MAX], reason="no field holds a message", station=station)
    if direction is None and way is None:
        direction, way = head.direction, None if head.direction else head.way
    return Piece(
        line=line,
        text=text,
        time=time or head.time,
        station=station,
        way=way,
        direction=direction,
        version="" if version is None else version[1],
        action=_text(_first(by_name, "action")),
    )


def _first(row: Mapping[str, Any], meaning: str) -> Any:
    return next((row[name] for name in NAMES[meaning] if row.get(name) not in (None, "")), None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _time(value: Any) -> Read | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return whole(f"{value:.6f}")
    return whole(str(value)) if isinstance(value, str | int) else None


def _way(word: str) -> tuple[Direction | None, Way | None]:
    direction = _SIDES.get(_PLAIN.sub("", word.lower())) or direction_of(word)
    return direction, None if direction else way_of(word)


def _at(time: Read | None) -> int | None:
    """When, where the day is known."""
    return None if time is None or "day" in time.assumed else time.at_us


def _connection(row: Mapping[str, Any], line: int, station: str, time: Read | None) -> Mark | None:
    """What our own format says of a connection."""
    meta = row.get("meta")
    event = meta.get("event") if isinstance(meta, dict) else None
    detail = _text(row.get("raw"))[:DETAIL_MAX]
    for what in get_args(ConnectionEvent):
        if what == event:
            return Mark(line=line, what=what, detail=detail, station=station, at_us=_at(time))
    return None


def _frame(row: Mapping[str, Any]) -> tuple[str | None, str]:
    """The message where one field holds all of it, and the words before it; without one those of the line of a log."""
    words = ""
    for name in NAMES["frame"]:
        value = row.get(name)
        if isinstance(value, list) and value and value[0] in KINDS and not isinstance(value[0], dict | list):
            return json.dumps(value), ""
        if isinstance(value, str):
            start = START.search(value)
            if start is not None and (name not in ("payload", "body") or start.start() == 0):
                return value[start.start() :].rstrip(), value[: start.start()]
            words = words or (value if name in _LINES else "")
    return None, words


def _composed(row: Mapping[str, Any]) -> str | None:
    """The message put together from its parts."""
    message_id, action = _first(row, "id"), _text(_first(row, "action"))
    word = _text(_first(row, "kind")).strip().upper()
    kind = int(word) if word in {str(number) for number in KINDS} else _KINDS.get(_PLAIN.sub("", word.lower()).upper())
    if message_id is None:
        return None
    payload = _first(row, "payload")
    error = row.get("error")
    if kind is None:
        kind = 4 if isinstance(error, dict) else 2 if action else 3
    if kind in (4, 5):
        known = error if isinstance(error, dict) else {}
        code = known.get("code") or row.get("errorcode") or ""
        description = known.get("description") or row.get("errordescription") or ""
        details = known.get("details", row.get("errordetails", {} if payload is None else _decoded(payload)))
        return json.dumps([kind, message_id, code, description, details])
    if payload is None and "payload" not in row and "body" not in row and "request" not in row:
        return None
    body = "{}" if payload is None else payload if isinstance(payload, str) else json.dumps(payload)
    if kind == 3:
        return f"[3,{json.dumps(message_id)},{body}]"
    return f"[{kind},{json.dumps(message_id)},{json.dumps(action)},{body}]" if action else None


def _decoded(payload: Any) -> Any:
    if not isinstance(payload, str):
        return payload
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload
