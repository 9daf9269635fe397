"""What was read from a log: frames in their order, what happened to the connection, and what could not be read.

A :class:`Frame` is one OCPP-J message. What the log does not say is unknown here, never made up: no time is None, no
station and no action are "", and a direction that neither the log nor the message tells is None.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

Direction = Literal["cp-to-csms", "csms-to-cp"]
TO_CSMS: Direction = "cp-to-csms"
TO_STATION: Direction = "csms-to-cp"

CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6
KINDS: dict[int, str] = {
    CALL: "CALL",
    RESULT: "CALLRESULT",
    ERROR: "CALLERROR",
    RESULT_ERROR: "CALLRESULTERROR",
    SEND: "SEND",
}
"""Message types of OCPP-J, by number."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was read."""

    line: int
    """Line of the log on which it begins, from 1."""
    raw: str
    """The message as it stands in the log (joined, when it was spread over lines)."""
    kind: int
    """2 CALL, 3 CALLRESULT, 4 CALLERROR, 5 CALLRESULTERROR, 6 SEND."""
    id: str
    """Message id, as text also where the log has another type; ``raw`` shows it as it is."""
    action: str = ""
    """Of an answer: that of the CALL it answers, "" when that one is not in the log."""
    payload: Any = None
    """Decoded JSON; of an error its details. Not checked against any schema."""
    code: str = ""
    """Error code of kinds 4 and 5."""
    description: str = ""
    """Error description of kinds 4 and 5."""
    direction: Direction | None = None
    """Which way it went; None when nothing tells."""
    station: str = ""
    """Id of the station as the log calls it; "" when it does not."""
    at_us: int | None = None
    """When, in microseconds of UTC since 1970, by the clock of whoever wrote the log; None when it does not say."""
    version: str = ""
    """"1.6", "2.0.1" or "2.1" where the log says so; "" otherwise."""
    assumed: tuple[str, ...] = ()
    """What the reader concluded rather than read: "direction", "action", "station", "date", "zone", "end" (it was cut
    off)."""

    @property
    def to_csms(self) -> bool:
        """It came from the station, as far as is known."""
        return self.direction == TO_CSMS

    @property
    def is_call(self) -> bool:
        """It asks for something or tells something: a CALL or a SEND."""
        return self.kind in (CALL, SEND)


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the log that should be a message and could not be read."""

    line: int
    raw: str
    reason: str
    direction: Direction | None = None
    station: str = ""
    at_us: int | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a connection, as far as the log tells."""

    line: int
    what: Literal["opened", "closed", "refused"]
    detail: str = ""
    """Close code, reason, path or header, as the log has it."""
    station: str = ""
    at_us: int | None = None


class Trace(msgspec.Struct, kw_only=True):
    """A whole log. ``frames``, ``unreadable`` and ``marks`` are each in the order of the log."""

    format: str
    """Name of the format it was read as."""
    frames: list[Frame] = msgspec.field(default_factory=list)
    unreadable: list[Unreadable] = msgspec.field(default_factory=list)
    marks: list[Mark] = msgspec.field(default_factory=list)
    lines: int = 0
    """Lines of the log."""
    other: int = 0
    """Lines that hold no message and no part of one, such as what a log says about other things."""
    cut: str = ""
    """Why reading ended before the end of the log (it is larger than what is read); "" when it did not."""

    @property
    def stations(self) -> list[str]:
        """Ids of stations in the order of their first frame; "" stands for those that are not named."""
        return list(dict.fromkeys(frame.station for frame in self.frames))

    def of(self, station: str) -> list[Frame]:
        """The frames of one station, in their order."""
        return [frame for frame in self.frames if frame.station == station]


def utc(at_us: int | None) -> str:
    """A time of the log as ISO 8601 in UTC with milliseconds; "" when there is none."""
    if at_us is None:
        return ""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
