"""The communication controller: the last piece of software and wire a frame passes on its way out.

Its port takes the bytes of one frame and gives back what really leaves: usually the same, under a fault something else,
more than one frame, or the same in another shape (binary, in pieces, late). The station above knows nothing of it: it
waits for its answer as ever and does what it does when none comes. ``Outgoing.meant`` keeps what the station wanted to
say.

Each fault says in ``sound_csms`` what a sound CSMS does with such a frame; none of them is a reason to lose a session.
A fault that finds nothing to spoil in a frame (no number in it, no JSON) lets it pass and does not count it.

Sources: OCPP-J 1.6 chapter 4 and part 4 (JSON over WebSockets) of 2.0.1 and 2.1, chapter 4, for what a message is and
how a wrong one is answered; RFC 6455 for frames and close codes; RFC 8259 for JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault

CALL, ANSWER = "call", "answer"
_SECOND_US = 1_000_000
#: where the payload stands in a CALL, a CALLRESULT and a CALLERROR
_PAYLOAD = {2: 3, 3: 2, 4: 4}


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """What leaves. ``pieces``: in so many WebSocket frames; ``late_us``: so much later than it should.

    ``meant`` is the frame as the station wanted it; empty for one that it never wanted to send.
    """

    data: bytes
    meant: bytes = b""
    binary: bool = False
    pieces: int = 1
    late_us: int = 0

    @property
    def sound(self) -> bool:
        """Is it a text message in one piece, as it was meant?"""
        return self.data == self.meant and not self.binary and self.pieces == 1


class FrameFault(Fault):
    """Base of faults of frames. What ``spoil`` gives leaves instead of the frame."""

    component = "Controller"
    kinds: ClassVar[tuple[str, ...]] = (CALL, ANSWER)

    actions: Annotated[str, Meta(max_length=500, description="only these, by name, with blanks between")] = ""
    direction: Annotated[
        Literal["both", "call", "answer"], Meta(description="the station's own calls, its answers, or both")
    ] = "both"
    share: Annotated[float, Meta(ge=0.0, le=1.0, description="share of the frames concerned, by lot")] = 1.0
    frames: Annotated[int, Meta(ge=0, le=1_000_000, description="after so many it is over; 0 is never")] = 1
    seen: int = 0
    done: int = 0

    def pass_on(self, frame: Outgoing, action: str, kind: str) -> tuple[Outgoing, ...]:
        """One frame through this fault; ``action`` is that of the request, ``kind`` call or answer."""
        if kind not in self.kinds or self.direction not in ("both", kind) or (self.frames and self.done >= self.frames):
            return (frame,)
        if self.actions and action not in self.actions.replace(",", " ").split():
            return (frame,)
        self.seen += 1
        if self.share < 1.0 and self.lot("frame", self.seen) >= self.share:
            return (frame,)
        spoilt = self.spoil(frame)
        if spoilt is None:
            return (frame,)
        self.done += 1
        return spoilt

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """What leaves instead; None when there is nothing to spoil."""
        raise NotImplementedError


class Comms(Part[FrameFault], gc=False, eq=False):
    """The way out of the controller."""

    def out(self, data: bytes, action: str, kind: str) -> tuple[Outgoing, ...]:
        """What leaves when ``data`` is to leave, in order."""
        leaving: tuple[Outgoing, ...] = (Outgoing(data, data),)
        for one in self.faults:
            leaving = tuple(out for frame in leaving for out in one.pass_on(frame, action, kind))
        return leaving


def _with(frame: Outgoing, data: bytes) -> tuple[Outgoing, ...]:
    return (msgspec.structs.replace(frame, data=data),)


def _parts(frame: Outgoing) -> list[Any] | None:
    """The frame as a list, None when it is no message (any more)."""
    try:
        parts = msgspec.json.decode(frame.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return parts if isinstance(parts, list) and len(parts) >= 3 and parts[0] in _PAYLOAD else None


def _on_payload(frame: Outgoing, change: Callable[[Any], Any]) -> tuple[Outgoing, ...] | None:
    """The frame with another payload; None when that is no other."""
    parts = _parts(frame)
    at = None if parts is None else _PAYLOAD[parts[0]]
    if parts is None or at is None or len(parts) <= at:
        return None
    payload = change(parts[at])
    if payload == parts[at] and type(payload) is type(parts[at]):
        return None
    parts[at] = payload
    return _with(frame, msgspec.json.encode(parts))


_REFUSE = "answers a call with CALLERROR"
_ON = "; the connection and the session go on"
_BAD_CALL = (
    f"{_REFUSE} FormationViolation (older, OCPP-J 4.2.3), FormatViolation or RpcFrameworkError (newer, part 4 4.3),"
    f" with the message id if it can be read, else -1 (newer) or not at all (older); never answers a broken answer{_ON}"
)


@fault("frame.truncated")
class Truncated(FrameFault):
    """The end of the frame is missing, as after a buffer that was too small."""

    wire16 = "a text message that ends in the middle of its JSON"
    wire2x = "a text message that ends in the middle of its JSON"
    sound_csms = _BAD_CALL

    cut_bytes: Annotated[int, Meta(ge=1, le=100_000, description="how much is missing; one byte is always left")] = 10

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Cut."""
        return _with(frame, frame.data[: max(1, len(frame.data) - self.cut_bytes)]) if len(frame.data) > 1 else None


@fault("frame.stray_comma")
class StrayComma(FrameFault):
    """A comma stands before the closing bracket."""

    wire16 = "a text message that is no JSON because of one comma"
    wire2x = "a text message that is no JSON because of one comma"
    sound_csms = _BAD_CALL

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """One comma more."""
        return _with(frame, frame.data[:-1] + b",]") if frame.data.endswith(b"]") else None


@fault("frame.wrong_types")
class WrongTypes(FrameFault):
    """A value has another type than the schema says: the first one of the payload; an empty payload is a list."""

    wire16 = "a payload whose first value is a list with that value, or a list instead of no fields"
    wire2x = "a payload whose first value is a list with that value, or a list instead of no fields"
    sound_csms = (
        f"{_REFUSE} TypeConstraintViolation (OCPP-J 4.2.3, part 4 4.3) or the code for broken syntax, takes a"
        f" broken answer for no answer{_ON}"
    )

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """The first value, wrapped up."""

        def change(payload: Any) -> Any:
            if not isinstance(payload, dict) or not payload:
                return []
            name = next(iter(payload))
            return {**payload, name: [payload[name]]}

        return _on_payload(frame, change)


@fault("frame.wrong_length")
class WrongLength(FrameFault):
    """The array has one element too many, or the last one is missing."""

    wire16 = "a message array of another length than its type demands"
    wire2x = "a message array of another length than its type demands"
    sound_csms = (
        f"{_REFUSE} RpcFrameworkError (newer, part 4 4.3), FormationViolation or GenericError (older, OCPP-J 4.2.3)"
        f"{_ON}"
    )

    change: Annotated[Literal["longer", "shorter"], Meta(description="an element too many, or the last missing")] = (
        "shorter"
    )

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Append an empty object, or leave the last element out."""
        parts = _parts(frame)
        if parts is None:
            return None
        return _with(frame, msgspec.json.encode([*parts, {}] if self.change == "longer" else parts[:-1]))


@fault("frame.unknown_type")
class UnknownType(FrameFault):
    """The message type is a number that does not exist."""

    wire16 = "a message array that begins with an unknown number"
    wire2x = "a message array that begins with an unknown number"
    sound_csms = (
        "ignores it (older, OCPP-J 4.1.3) or answers CALLERROR MessageTypeNotSupported (newer, part 4 4.3)" + _ON
    )

    type_number: Annotated[int, Meta(ge=7, le=255, description="the number that stands there")] = 9

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Another number."""
        parts = _parts(frame)
        return None if parts is None else _with(frame, msgspec.json.encode([self.type_number, *parts[1:]]))


@fault("frame.duplicate")
class Duplicate(FrameFault):
    """The frame leaves twice, one right after the other."""

    wire16 = "the very same message twice, with the same message id"
    wire2x = "the very same message twice, with the same message id"
    sound_csms = (
        "knows the message id (unique on a connection, part 4 4.1.4) and handles the message once: no second"
        " transaction, no second value; it may answer both; ignores the second answer"
    )

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """And again."""
        return (frame, msgspec.structs.replace(frame, meant=b""))


@fault("frame.duplicate_id")
class DuplicateId(FrameFault):
    """A call bears the message id of the call before it."""

    kinds = (CALL,)
    wire16 = "two different calls with one message id; the station never finds the answer to the second"
    wire2x = "two different calls with one message id; the station never finds the answer to the second"
    sound_csms = (
        "answers under the id it was given, or refuses it, as ids are unique on a connection (part 4, 4.1.4); it does"
        " not take the call for a repetition only because of its id, and knows it again when it comes once more"
    )

    last_id: str = ""

    def pass_on(self, frame: Outgoing, action: str, kind: str) -> tuple[Outgoing, ...]:
        """As others do; remembers the id of every call."""
        parts = _parts(frame) if kind == CALL else None
        leaving = super().pass_on(frame, action, kind)
        if parts is not None:
            self.last_id = str(parts[1])
        return leaving

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """The id of the one before, if there was one."""
        parts = _parts(frame)
        if parts is None or self.last_id in ("", parts[1]):
            return None
        return _with(frame, msgspec.json.encode([parts[0], self.last_id, *parts[2:]]))


@fault("frame.late_answer")
class LateAnswer(FrameFault):
    """The answer to a request of the CSMS comes when nobody waits any more."""

    kinds = (ANSWER,)
    wire16 = "a CALLRESULT or CALLERROR that comes after the time-out of the CSMS"
    wire2x = "a CALLRESULT or CALLERROR that comes after the time-out of the CSMS"
    sound_csms = (
        "gives the call up after its time-out (part 4, 4.1.1), sends the next, and ignores the late answer" + _ON
    )

    late_s: Annotated[float, Meta(ge=0.0, le=600.0, description="how much too late")] = 45.0

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Later."""
        return (msgspec.structs.replace(frame, late_us=frame.late_us + int(self.late_s * _SECOND_US)),)


@fault("frame.answer_to_nothing")
class AnswerToNothing(FrameFault):
    """An answer that nobody asked for goes before the frame."""

    wire16 = "a CALLRESULT with a message id that no request ever had"
    wire2x = "a CALLRESULT with a message id that no request ever had"
    sound_csms = "ignores it (part 4, 4.2.2: an answer belongs to a call), and answers the message behind it" + _ON

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """A stranger first."""
        return (Outgoing(msgspec.json.encode((3, f"nobody-{self.seen}", {}))), frame)


@fault("frame.oversize")
class Oversize(FrameFault):
    """The message is far too long: blanks without end between its elements."""

    wire16 = "one text message of that size, valid JSON"
    wire2x = "one text message of that size, valid JSON"
    sound_csms = (
        "has a limit: closes with 1009 (RFC 6455, 7.4.1) or answers CALLERROR, never runs out of memory; takes the"
        " station back and the message again"
    )

    size_bytes: Annotated[int, Meta(ge=1_000, le=16_777_216, description="how long it is at least")] = 1_200_000

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Blanks before the last bracket; JSON allows them."""
        missing = self.size_bytes - len(frame.data)
        if missing <= 0 or not frame.data.endswith(b"]"):
            return None
        return _with(frame, frame.data[:-1] + b" " * missing + b"]")


@fault("frame.invalid_utf8")
class InvalidUtf8(FrameFault):
    """A text message holds a byte that is no UTF-8."""

    wire16 = "a text message with a byte 0xFF in a string"
    wire2x = "a text message with a byte 0xFF in a string"
    sound_csms = (
        "fails the connection with 1007 (RFC 6455, 8.1) and takes the station back, or answers CALLERROR if its"
        " WebSocket does not look"
    )

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Into the last string."""
        at = frame.data.rfind(b'"')
        return None if at < 0 else _with(frame, frame.data[:at] + b"\xff" + frame.data[at:])


@fault("frame.binary")
class BinaryMessage(FrameFault):
    """The message is labelled as binary data instead of text."""

    wire16 = "a WebSocket message with opcode 2 that holds JSON"
    wire2x = "a WebSocket message with opcode 2 that holds JSON"
    sound_csms = (
        "closes with 1003 (RFC 6455, 7.4.1) and takes the station back, or reads it as if it were text: a"
        " message is JSON in UTF-8 (OCPP-J and part 4, 4.1.2)"
    )

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """The same bytes."""
        return (msgspec.structs.replace(frame, binary=True),)


@fault("frame.fragmented")
class Fragmented(FrameFault):
    """The message comes in several WebSocket frames, which is allowed and rare."""

    wire16 = "one message in several frames, the first with opcode 1, the others with opcode 0"
    wire2x = "one message in several frames, the first with opcode 1, the others with opcode 0"
    sound_csms = "joins the pieces (RFC 6455, 5.4) and answers as if nothing were special"

    pieces: Annotated[int, Meta(ge=2, le=1_000, description="number of frames")] = 3

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """In pieces, none of them empty."""
        pieces = min(self.pieces, len(frame.data))
        return (msgspec.structs.replace(frame, pieces=pieces),) if pieces > 1 else None


@fault("frame.pretty_printed")
class PrettyPrinted(FrameFault):
    """The JSON is laid out for readers, with line breaks and blanks."""

    wire16 = "valid JSON over many lines"
    wire2x = "valid JSON over many lines"
    sound_csms = "answers as if nothing were special: blanks between tokens mean nothing (RFC 8259, 2)"

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Laid out."""
        if _parts(frame) is None:
            return None
        return _with(frame, msgspec.json.format(frame.data, indent=2))


@fault("frame.byte_order_mark")
class ByteOrderMark(FrameFault):
    """The text begins with a byte order mark."""

    wire16 = "the bytes EF BB BF, then the message"
    wire2x = "the bytes EF BB BF, then the message"
    sound_csms = (
        "may ignore the mark (RFC 8259, 8.1), else treats it as broken JSON: CALLERROR RpcFrameworkError (newer),"
        f" FormationViolation or no answer (older){_ON}"
    )

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """In front."""
        return _with(frame, b"\xef\xbb\xbf" + frame.data)


@fault("frame.wrong_case")
class WrongCase(FrameFault):
    """The names of fields begin with a capital letter."""

    wire16 = "IdTag instead of idTag: required fields are missing, unknown ones are there"
    wire2x = "IdToken instead of idToken: required fields are missing, unknown ones are there"
    sound_csms = (
        f"{_REFUSE} OccurenceConstraintViolation or FormationViolation (older, OCPP-J 4.2.3), or"
        f" OccurrenceConstraintViolation or FormatViolation (newer, part 4 4.3), because names are case sensitive{_ON}"
    )

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """Those of the payload itself."""

        def change(payload: Any) -> Any:
            if not isinstance(payload, dict):
                return payload
            return {name[:1].upper() + name[1:]: value for name, value in payload.items()}

        return _on_payload(frame, change)


@fault("frame.numbers_as_text")
class NumbersAsText(FrameFault):
    """Every number of the payload is written as a text."""

    wire16 = '"connectorId": "1" instead of 1'
    wire2x = '"seqNo": "1" instead of 1'
    sound_csms = f"{_REFUSE} TypeConstraintViolation (OCPP-J 4.2.3, part 4 4.3), or reads the number{_ON}"

    def spoil(self, frame: Outgoing) -> tuple[Outgoing, ...] | None:
        """All of them, at any depth."""
        return _on_payload(frame, _texts)


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_texts(inner) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return msgspec.json.encode(value).decode()
    return value
