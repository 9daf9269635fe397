"""Quirks of the connection: message ids that come again, frames that are no JSON, errors that are taken badly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from simulator.core.reports import BootAsked
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station
    from simulator.quirks.seams import CallErrorParts

_OPAQUE_IDS = "Message ids are opaque texts of up to 36 characters; match answers per connection and expect reuse."
_TOLERANT = (
    "Read JSON tolerantly, log and drop a bad frame, keep the socket open; do not repeat the call that provoked it."
)
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TRANSACTION = re.compile(rb'"transactionId":("[^"]*"|-?\d+)')
_ENDS = ("StopTransaction", "TransactionEvent")
_READS = ("GetConfiguration", "GetVariables")


@quirk(
    "msgid-36-char-random",
    vendors=("StarCharge",),
    sources=("lbbrhzn/ocpp#1096",),
    survive=_OPAQUE_IDS,
)
class MessageIdLongest(Quirk):
    """Ids of CALLs are 36 random letters and digits, the most there may be."""

    def message_id(self, st: Station, number: int) -> str:
        """All of them random."""
        return "".join(_LETTERS[st.rng.below("quirk.message_id", len(_LETTERS))] for _ in range(36))


@quirk(
    "msgid-reused-across-boots",
    vendors=("Metron",),
    sources=("dallmann-consulting/OCPP.Core#31",),
    breaks=("message_ids",),
    survive=_OPAQUE_IDS,
    params={"first": (1_000_001, 0, 999_999_999)},
)
class MessageIdReused(Quirk):
    """Ids of CALLs begin anew with every boot, so the id of a BootNotification is always the same.

    ``first``: the id of BootNotification.
    """

    first: int

    def message_id(self, st: Station, number: int) -> str:
        """One until the boot was accepted, then counting."""
        return str(self.first if st.gate != "accepted" else self.first + number)


@quirk(
    "frame-invalid-json",
    vendors=("Grizzl-E", "AEFA"),
    sources=("lbbrhzn/ocpp:docs/user-guide.md", "lbbrhzn/ocpp#2032"),
    breaks=("configured_samples", "frames", "stays_connected"),
    survive=_TOLERANT,
    params={"in_samples": (True,), "in_answers": (True,), "every": (10, 1, 1_000)},
    order=110,
    hostile=True,
)
class FrameInvalid(Quirk):
    """Some frames are no JSON: a transaction id without a value in MeterValues, a settings list without its end.

    After such a list the station restarts. ``in_samples``, ``in_answers``: which of the two this product does.
    ``every``: 1 spoils all MeterValues, 10 one of ten.
    """

    in_samples: bool
    in_answers: bool
    every: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The value is missing."""
        if action != "MeterValues" or not self.in_samples:
            return payload
        memory = QuirkPort(st, self).memory
        memory["samples"] = memory.get("samples", 0) + 1
        if memory["samples"] % self.every:
            return payload
        text = msgspec.json.encode(payload)
        broken = _TRANSACTION.sub(b'"transactionId":', text)
        return Raw(broken if broken != text else text[:-1] + b',"transactionId":}')

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The end is missing."""
        if action not in _READS or not self.in_answers:
            return reply
        QuirkPort(st, self).wake_in(1.0)
        return Raw(msgspec.json.encode(reply)[:-1])

    def timer(self, st: Station, now: int) -> None:
        """It has written where it should not."""
        QuirkPort(st, self).reboot("Watchdog")


@quirk(
    "frame-leading-comma",
    vendors=("ZJ BENY",),
    sources=("lbbrhzn/ocpp#1078", "mobilityhouse/ocpp#546"),
    breaks=("configured_samples", "frames"),
    survive=_TOLERANT,
    params={"every": (10, 1, 1_000)},
    order=110,
    hostile=True,
)
class LeadingComma(Quirk):
    """The list of sampled values begins with a comma, which makes the frame no JSON.

    ``every``: 1 spoils all MeterValues, 10 one of ten.
    """

    every: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Before the first of them."""
        if action != "MeterValues":
            return payload
        memory = QuirkPort(st, self).memory
        memory["samples"] = memory.get("samples", 0) + 1
        if memory["samples"] % self.every:
            return payload
        return Raw(msgspec.json.encode(payload).replace(b'"sampledValue":[', b'"sampledValue":[,'))


@quirk(
    "callerror-details-string",
    vendors=("Simpson & Partners",),
    sources=("lbbrhzn/ocpp#1911",),
    breaks=("frames",),
    survive=_TOLERANT,
)
class DetailsString(Quirk):
    """The details of a CALLERROR are an empty text instead of an object."""

    def error(self, st: Station, action: str, error: CallErrorParts) -> CallErrorParts:
        """The same without details."""
        return error[0], error[1], ""


@quirk(
    "boot-loop-after-callerror",
    vendors=("Metron",),
    sources=("dallmann-consulting/OCPP.Core#31",),
    breaks=("boot_once",),
    survive="Always answer boot and transaction messages by a valid result, for unknown ids as well; never let one"
    " error poison a session.",
    params={"repeat_s": (10.0, 1.0, 600.0)},
)
class LoopAfterError(Quirk):
    """A single CALLERROR to the end of a transaction, and it sends nothing but BootNotification any more.

    Only a restart helps. ``repeat_s``: from one to the next.
    """

    repeat_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """The error does it; that the boot is accepted does not help."""
        port = QuirkPort(st, self)
        if name == "callerror" and st.outbox.action in _ENDS:
            port.memory["stuck"] = True
        elif name == "link_down":
            port.sleep()
        if port.memory.get("stuck") and name in ("callerror", "accepted"):
            st.gate = "unknown"
            port.wake_in(self.repeat_s)

    def timer(self, st: Station, now: int) -> None:
        """Once more."""
        if st.link.is_up:
            QuirkPort(st, self).publish(BootAsked(st.boot_reason))


@quirk(
    "v201-validates-against-16-schema",
    vendors=("FoxESS",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "lbbrhzn/ocpp#2050"),
    breaks=("no_callerror",),
    survive="Pick the protocol per connection, and offer to pin a station to 1.6 when the newer one does not work.",
)
class OlderSchema(Quirk):
    """In the newer protocol a charging profile is refused by a CALLERROR that names a field of the older one."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Only where there is such a field to be missed."""
        if action != "SetChargingProfile" or hasattr(req, "cs_charging_profiles"):
            return None
        return QuirkPort(st, self).refuse(message_id, "property", "csChargingProfiles validation failed")


@quirk(
    "protocol-ocpp15j-capable",
    vendors=("Alfen",),
    sources=("steve-community/steve#1347",),
    survive="Pick the protocol per connection, recognise the version of a payload, offer to pin a station to 1.6.",
)
class OlderBootAnswer(Quirk):
    """It takes the boot answer of OCPP 1.5, too, where the interval has another name."""

    def read(self, st: Station, action: str, payload: Raw) -> Raw:
        """The older name is as good."""
        if action != "BootNotification" or b"heartbeatInterval" not in bytes(payload):
            return payload
        answer = msgspec.json.decode(payload)
        if isinstance(answer, dict) and "heartbeatInterval" in answer and "interval" not in answer:
            answer["interval"] = answer.pop("heartbeatInterval")
        return Raw(msgspec.json.encode(answer))
