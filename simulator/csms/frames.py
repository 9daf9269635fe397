"""OCPP-J frames as the reference CSMS reads them: strict, and with an answer for everything it cannot read.

``ocpp`` has an ``unpack`` of its own; it says nothing to a frame it cannot parse and does not know the message types
that 2.1 added (5 CALLRESULTERROR, 6 SEND). So the array is taken apart here and handed on as ``ocpp``'s messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from ocpp.messages import Call, CallError, CallResult

MESSAGE_ID_MAX = 36
UNREADABLE_ID = "-1"

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Unreadable(Exception):
    """A frame that is no OCPP-J message. ``code`` is the CALLERROR to answer with, under ``message_id``."""

    def __init__(self, rule: str, detail: str, code: str, message_id: str | None = None) -> None:
        super().__init__(detail)
        self.rule, self.detail, self.code, self.message_id = rule, detail, code, message_id


@dataclass(frozen=True, slots=True)
class Send:
    """An unconfirmed message (2.1 part 4, 4.2.4)."""

    unique_id: str
    action: str
    payload: Any


@dataclass(frozen=True, slots=True)
class ResultError:
    """The station could not use our answer (2.1 part 4, 4.2.3)."""

    unique_id: str
    error_code: str
    error_description: str


Message: TypeAlias = Call | CallResult | CallError | Send | ResultError
LENGTHS = {2: 4, 3: 3, 4: 5, 5: 5, 6: 4}


def parse(frame: bytes | str, version: str) -> Message:
    """The message in ``frame``; raises :class:`Unreadable`."""
    try:
        parts = _decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as e:
        raise Unreadable("json", f"not JSON: {str(e)[:120]}", "RpcFrameworkError") from None
    if not isinstance(parts, list) or not parts:
        raise Unreadable("frame", "not a JSON array with something in it", "RpcFrameworkError")
    kind = parts[0]
    unique_id = parts[1] if len(parts) > 1 and isinstance(parts[1], str) else None
    known = LENGTHS if version == "2.1" else {n: LENGTHS[n] for n in (2, 3, 4)}
    if type(kind) is not int or kind not in known:
        raise Unreadable("message-type", f"message type {str(kind)[:20]}", "MessageTypeNotSupported", unique_id)
    if unique_id is None:
        raise Unreadable("message-id", "no message id, or not a string", "RpcFrameworkError")
    if not 0 < len(unique_id) <= MESSAGE_ID_MAX:
        raise Unreadable("message-id", f"message id of {len(unique_id)} characters", "RpcFrameworkError")
    if len(parts) != known[kind]:
        detail = f"{len(parts)} elements in a message of type {kind}"
        raise Unreadable("frame", detail, "RpcFrameworkError", unique_id)
    return _build(kind, unique_id, parts[2:])


def _build(kind: int, unique_id: str, rest: list[Any]) -> Message:
    if kind == 3:
        return CallResult(unique_id, rest[0])
    if not isinstance(rest[0], str) or (kind in (4, 5) and not isinstance(rest[1], str)):
        raise Unreadable("frame", "an action or error code that is no string", "RpcFrameworkError", unique_id)
    if kind == 2:
        return Call(unique_id, rest[0], rest[1])
    if kind == 4:
        return CallError(unique_id, *rest)
    if kind == 5:
        return ResultError(unique_id, rest[0], rest[1])
    return Send(unique_id, rest[0], rest[1])


def result_frame(unique_id: str, payload: bytes) -> bytes:
    """A CALLRESULT around a payload that is JSON already."""
    return b"[3," + encode(unique_id) + b"," + payload + b"]"


def error_frame(unique_id: str, code: str, description: str, *, kind: int = 4) -> bytes:
    """A CALLERROR (or, with ``kind`` 5, a CALLRESULTERROR); the description is cut to its 255 characters."""
    return encode([kind, unique_id, code, description[:255], {}])
