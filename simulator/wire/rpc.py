"""OCPP-J frames: bytes in, one of five frames out, and the reverse. No socket, no state.

A frame is a JSON array whose first element is a number that says what the rest means. The five kinds are msgspec
structs in array form, told apart by that number, so that one pass of the decoder checks the whole wrapper. The payload
is not looked into: it stays raw bytes until somebody knows which action it belongs to.

Only when that pass fails is the frame read again, slowly, to say what is wrong and which message id can still be read.
What follows from a bad frame depends on its message type, and the kind of the `RemoteProtocolError` says it:

* a bad CALL is answered with a CALLERROR: ``rpc_framework`` if the wrapper is broken, ``formation`` if the wrapper is
  whole up to the action and the JSON behind it is not;
* an unknown message type is ``message_type``, and its payload is ignored;
* a bad answer or SEND is ``protocol``. It must never be answered; its id, if any, tells which call it meant;
* what cannot be told to be any of these is ``rpc_framework``, without an id. The reply then bears `UNREADABLE_ID`
  where the version has such a reply at all.

Sources: OCPP-J 1.6, 4.1 and 4.2; OCPP-J of 2.0.1 and 2.1 (part 4), 4.1 to 4.3.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import Meta, MsgspecError, Raw, Struct

from simulator.errors import RemoteProtocolError

#: Longest message id, in characters.
MAX_ID = 36
#: Longest description of a CALLERROR, in characters.
MAX_DESCRIPTION = 255
#: A message id longer than allowed is still echoed in the error that refuses it, up to this many characters.
MAX_ECHOED_ID = 255
#: The id of a reply to a frame whose id could not be read.
UNREADABLE_ID = "-1"

CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6

_Id = Annotated[str, Meta(max_length=MAX_ID)]


class Call(Struct, array_like=True, tag=CALL, forbid_unknown_fields=True, frozen=True, gc=False):
    """A request that wants an answer (part 4, 4.2.1)."""

    message_id: _Id
    action: str
    payload: Raw


class Result(Struct, array_like=True, tag=RESULT, forbid_unknown_fields=True, frozen=True, gc=False):
    """The answer to a CALL (part 4, 4.2.2)."""

    message_id: _Id
    payload: Raw


class Error(Struct, array_like=True, tag=ERROR, forbid_unknown_fields=True, frozen=True, gc=False):
    """The refusal of a CALL; `code` is whatever the peer wrote (part 4, 4.2.3)."""

    message_id: _Id
    code: str
    description: str
    details: Raw


class ResultError(Struct, array_like=True, tag=RESULT_ERROR, forbid_unknown_fields=True, frozen=True, gc=False):
    """The refusal of an answer; whether the version in use has it is the caller's business (part 4, 4.2.3)."""

    message_id: _Id
    code: str
    description: str
    details: Raw


class Send(Struct, array_like=True, tag=SEND, forbid_unknown_fields=True, frozen=True, gc=False):
    """A message that is never answered; whether the version in use has it is the caller's business (part 4, 4.2.4)."""

    message_id: _Id
    action: str
    payload: Raw


Frame = Call | Result | Error | ResultError | Send

_NAMES = {CALL: "CALL", RESULT: "CALLRESULT", ERROR: "CALLERROR", RESULT_ERROR: "CALLRESULTERROR", SEND: "SEND"}
_LENGTHS = {CALL: 4, RESULT: 3, ERROR: 5, RESULT_ERROR: 5, SEND: 4}
_TEXTS = {
    CALL: ("action",),
    RESULT: (),
    ERROR: ("error code", "error description"),
    RESULT_ERROR: ("error code", "error description"),
    SEND: ("action",),
}

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_decode = _decoder.decode
_decode_parts = msgspec.json.Decoder(list[Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode

_BOM = b"\xef\xbb\xbf"
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]{0,17})")
# The readable beginning of a frame that is not valid as a whole: number, id, action. Repetition is bounded, so that no
# frame, however hostile, takes more than one pass.
_TEXT = rb'"(?:[^"\\]|\\.){0,1024}"'
_HEAD = re.compile(
    rb"\s*\[\s*(-?[0-9]{1,18})\s*(?:,\s*(" + _TEXT + rb")\s*(?:,\s*(" + _TEXT + rb")\s*,)?)?",
    re.DOTALL,
)


def parse(frame: bytes) -> Frame:
    """The frame these bytes are.

    Raises RemoteProtocolError for anything else; see the module's text for what its kinds mean.
    """
    try:
        # The decoder skips over the payload without looking at its characters, so the encoding is checked here.
        if not frame.isascii():
            str(frame, "utf-8")
        return _decode(frame)
    except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse(frame, error)


def _refuse(frame: bytes, error: Exception) -> NoReturn:
    """Says what is wrong with a frame that could not be decoded."""
    if frame.startswith(_BOM):
        _refuse_text(frame.removeprefix(_BOM), "the frame begins with a byte order mark", error, wrapper=True)
    if isinstance(error, UnicodeDecodeError):
        _refuse_text(frame, "the frame is not valid UTF-8", error)
    if isinstance(error, RecursionError):
        _refuse_text(frame, "the frame is nested too deeply", error)
    try:
        parts = _decode_parts(frame)
    except msgspec.ValidationError:
        raise RemoteProtocolError("rpc_framework", "the frame is not a JSON array") from error
    except (MsgspecError, RecursionError):
        _refuse_text(frame, "the frame is not valid JSON", error)
    _refuse_parts(parts, error)


def _refuse_text(frame: bytes, what: str, error: Exception, *, wrapper: bool = False) -> NoReturn:
    """Refuses a frame that is no JSON text, after its readable beginning; `wrapper` if already that is at fault."""
    head = _HEAD.match(frame)
    number, message_id, action = (None, None, None)
    if head:
        number, message_id, action = int(head[1]), _readable(head[2]), _readable(head[3])
    kind = "rpc_framework"
    if number is not None and number not in _NAMES:
        kind = "message_type"
    elif number is not None and number != CALL:
        kind = "protocol"
    elif message_id is not None and action is not None and not wrapper:
        kind = "formation"
    raise RemoteProtocolError(kind, what, message_id=message_id, is_result=number == RESULT) from error


def _refuse_parts(parts: list[Raw], error: Exception) -> NoReturn:
    """Refuses a JSON array that is no frame, because of its first wrong element."""
    elements = [bytes(part) for part in parts[:4]]
    message_id = _readable(elements[1]) if len(elements) > 1 else None
    if not elements or not _INTEGER.fullmatch(elements[0]):
        what = "the frame does not begin with a message type number"
        raise RemoteProtocolError("rpc_framework", what, message_id=message_id) from error
    number = int(elements[0])
    if number not in _NAMES:
        what = f"message type number {number} is not supported"
        raise RemoteProtocolError("message_type", what, message_id=message_id) from error
    kind, name = "rpc_framework" if number == CALL else "protocol", _NAMES[number]
    wrong = [text for text, element in zip(_TEXTS[number], elements[2:], strict=False) if _text(element) is None]
    if len(parts) != _LENGTHS[number]:
        what = f"a {name} has {_LENGTHS[number]} elements, this one has {len(parts)}"
    elif not elements[1].startswith(b'"'):
        what = f"the message id of a {name} is a string"
    elif message_id is None:
        what = f"the message id of this {name} is not readable"
    elif len(message_id) > MAX_ID:
        what = f"a message id has at most {MAX_ID} characters, this one has {len(message_id)}"
    elif wrong:
        what = f"the {wrong[0]} of a {name} is a string"
    else:
        what = f"this {name} is not readable"
    raise RemoteProtocolError(kind, what, message_id=message_id, is_result=number == RESULT) from error


def _text(element: bytes) -> str | None:
    """The string this JSON element is, or None if it is none."""
    try:
        return _decode_text(element)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _readable(element: bytes | None) -> str | None:
    """A message id, or any other short string, if it can be read and is short enough to be repeated."""
    text = None if element is None else _text(element)
    return None if text is None or len(text) > MAX_ECHOED_ID else text


def encode_call(message_id: str, action: str, payload: Struct | Raw) -> bytes:
    """Bytes of a CALL. The payload is encoded as it is: constructors do not validate, neither does this."""
    assert len(message_id) <= MAX_ID, f"message id {message_id!r} is too long"
    return _encode((CALL, message_id, action, payload))


def encode_send(message_id: str, action: str, payload: Struct | Raw) -> bytes:
    """Bytes of a SEND, the message without an answer."""
    assert len(message_id) <= MAX_ID, f"message id {message_id!r} is too long"
    return _encode((SEND, message_id, action, payload))


def encode_result(message_id: str, payload: Struct | Raw) -> bytes:
    """Bytes of a CALLRESULT to the CALL with this id."""
    return _encode((RESULT, message_id, payload))


def encode_error(message_id: str, code: str, description: str = "", details: Any = None) -> bytes:
    """Bytes of a CALLERROR to the CALL with this id; the description is cut to what the protocol allows."""
    return _encode((ERROR, message_id, code, description[:MAX_DESCRIPTION], {} if details is None else details))


def encode_result_error(
    message_id: str, code: str, description: str = "", details: dict[str, Any] | Raw | None = None
) -> bytes:
    """Bytes of a CALLRESULTERROR to the CALLRESULT with this id; the description is cut as in a CALLERROR."""
    return _encode((RESULT_ERROR, message_id, code, description[:MAX_DESCRIPTION], {} if details is None else details))
