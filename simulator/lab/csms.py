"""A scripted CSMS for the virtual driver: sans-IO, one object per station, no schema of its own.

By default it behaves: accepts boots, answers everything as a sound CSMS would, keeps what it saw. A test changes single
answers with ``script``: a function per action that returns the payload, or one of the verbs below.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.core.wall import format_wall, parse_wall
from simulator.dialects import DIALECTS
from simulator.errors import RemoteProtocolError
from simulator.wire.loose import elements
from simulator.wire.rpc import Call, encode_error, parse

#: longest message it takes
MAX_MESSAGE_BYTES = 1 << 20

#: a scripted answer that is not a payload
SILENT = object()


@dataclass
class CallError:
    """Answer with a CALLERROR."""

    code: str
    description: str = ""


@dataclass
class Raw:
    """Answer with this text, whatever it is; ``{id}`` is the message id."""

    text: str


@dataclass
class Late:
    """Give this answer so many seconds later, whatever has happened meanwhile."""

    seconds: float
    reply: Any


@dataclass
class Twice:
    """Give this answer two times."""

    reply: Any


@dataclass
class Stranger:
    """Give this answer under a message id nobody has used."""

    reply: Any


@dataclass
class Seen:
    """One frame as the CSMS saw it. ``action`` of a result is that of its call."""

    now: int
    direction: str
    kind: int
    message_id: str
    action: str
    payload: Any


Script = Callable[["LabCsms", dict[str, Any]], Any]


@dataclass
class LabCsms:
    """The CSMS end of one station's link. ``epoch_us``: true wall time at ``now`` 0."""

    subprotocol: str
    epoch_us: int = 0
    #: further subprotocols it speaks
    also: tuple[str, ...] = ()
    boot_status: str = "Accepted"
    interval_s: int = 300
    verdicts: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    script: dict[str, Script] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    transactions: dict[Any, dict[str, Any]] = field(default_factory=dict)
    now: int = 0
    outbox: list[bytes] = field(default_factory=list)
    #: (microseconds to wait, frame) of late answers; the driver takes them
    late: list[tuple[int, bytes]] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    next_id: int = 1
    next_transaction: int = 1

    # -- the wire

    def pick(self, offered: tuple[str, ...]) -> str | None:
        """The subprotocol it answers a handshake with: the first offered that it speaks, else its own all the same;
        none when none was offered."""
        spoken = [name for name in offered if name in (self.subprotocol, *self.also)]
        return spoken[0] if spoken else self.subprotocol if offered else None

    def receive(self, data: bytes, now: int, *, odd: bool = False) -> list[bytes]:
        """One frame of the station; the frames to send back. ``odd``: a fault made it, so it is looked at closely."""
        self.now = now
        self.outbox = []
        frame = elements(data)
        refusal = self.judge(data) if odd else None
        if refusal is not None:
            self.seen.append(Seen(now, "cp", 0, "", "", data))
            self.outbox += refusal
        elif frame is None or (
            frame[0] == 2 and not isinstance(frame[3], dict)
        ):  # malformed on purpose by a fault or a quirk
            self.seen.append(Seen(now, "cp", 0, "", "", data))
        elif frame[0] == 2:
            _, message_id, action, payload = frame
            self.seen.append(Seen(now, "cp", 2, message_id, action, payload))
            self._answer(message_id, action, payload)
        else:
            action = self.calls.pop(frame[1], "?")
            payload = frame[2] if frame[0] == 3 else frame[2:]
            self.seen.append(Seen(now, "cp", frame[0], frame[1], action, payload))
            self.answers[frame[1]] = payload
        return self.outbox

    def judge(self, data: bytes) -> list[bytes] | None:
        """What a sound CSMS answers to a frame that is no message of its version; None when it is one."""
        dialect = next((d for d in DIALECTS.values() if d.subprotocol == self.subprotocol), None)
        if dialect is None:
            return None
        try:
            message = parse(data)
        except RemoteProtocolError as error:
            message_id = error.message_id if error.message_id is not None else dialect.unreadable_id
            if error.kind in dialect.never_answered or message_id is None:
                return []
            return [encode_error(message_id, dialect.error_codes[error.kind], error.description)]
        if not isinstance(message, Call):
            return None
        if not dialect.codec.knows(message.action):
            return [encode_error(message.message_id, dialect.error_codes["not_implemented"])]
        for wrong in dialect.codec.decode_request(message.action, message.payload).violations:
            return [encode_error(message.message_id, dialect.error_codes[wrong.kind], wrong.path)]
        return None

    @staticmethod
    def close_code(data: bytes, *, binary: bool) -> int | None:
        """With which code a sound CSMS fails the connection because of this message (RFC 6455 section 7.4.1)."""
        if binary:
            return 1003
        if len(data) > MAX_MESSAGE_BYTES:
            return 1009
        try:
            data.decode()
        except UnicodeDecodeError:
            return 1007
        return None

    def _answer(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        scripted = self.script.get(action)
        reply = scripted(self, payload) if scripted is not None else self.sound(action, payload)
        times = 1
        wait_us: int | None = None
        if isinstance(reply, Late):
            reply, wait_us = reply.reply, int(reply.seconds * 1_000_000)
        elif isinstance(reply, Twice):
            reply, times = reply.reply, 2
        elif isinstance(reply, Stranger):
            reply, message_id = reply.reply, f"nobody-{self.next_id}"
            self.next_id += 1
        if reply is SILENT:
            return
        if isinstance(reply, Raw):
            data = reply.text.replace("{id}", message_id).encode()
        elif isinstance(reply, CallError):
            data = json.dumps([4, message_id, reply.code, reply.description, {}]).encode()
        else:
            self.seen.append(Seen(self.now, "csms", 3, message_id, action, reply))
            data = json.dumps([3, message_id, reply]).encode()
        if wait_us is None:
            self.outbox.extend([data] * times)
        else:
            self.late.append((wait_us, data))

    def sound(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """What a sound CSMS answers."""
        answer: dict[str, Any] = getattr(self, "on_" + action, self._nothing)(payload)
        return answer

    def call(self, action: str, payload: dict[str, Any]) -> tuple[str, bytes]:
        """A CALL of the CSMS: its id and the frame."""
        message_id = f"csms-{self.next_id}"
        self.next_id += 1
        self.calls[message_id] = action
        self.seen.append(Seen(self.now, "csms", 2, message_id, action, payload))
        return message_id, json.dumps([2, message_id, action, payload]).encode()

    # -- what a test asks

    def sent(self, *actions: str) -> list[dict[str, Any]]:
        """Payloads of the CALLs of the station with these actions (all of them without), in order."""
        return [
            s.payload for s in self.seen if s.direction == "cp" and s.kind == 2 and (not actions or s.action in actions)
        ]

    def actions(self) -> list[str]:
        """Actions of the station's CALLs, in order."""
        return [s.action for s in self.seen if s.direction == "cp" and s.kind == 2]

    # -- a sound CSMS

    def time(self) -> str:
        """The true time."""
        return format_wall(self.epoch_us + self.now)

    def _nothing(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {}

    def on_BootNotification(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Registration."""
        return {"status": self.boot_status, "currentTime": self.time(), "interval": self.interval_s}

    def on_Heartbeat(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The time."""
        return {"currentTime": self.time()}

    def on_DataTransfer(self, payload: dict[str, Any]) -> dict[str, Any]:
        """No vendor is known."""
        return {"status": "UnknownVendorId"}

    def _verdict(self, token: str) -> str:
        return self.verdicts.get(token, "Accepted")

    def _tag_info(self, token: str) -> dict[str, Any]:
        info: dict[str, Any] = {"status": self._verdict(token)}
        if token in self.groups:
            info["parentIdTag"] = self.groups[token]
        return info

    def _token_info(self, token: str) -> dict[str, Any]:
        info: dict[str, Any] = {"status": self._verdict(token)}
        if token in self.groups:
            info["groupIdToken"] = {"idToken": self.groups[token], "type": "Central"}
        return info

    def on_Authorize(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Both shapes of the message."""
        if "idTag" in payload:
            return {"idTagInfo": self._tag_info(payload["idTag"])}
        return {"idTokenInfo": self._token_info(payload["idToken"]["idToken"])}

    def on_StartTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A repeated start (same connector, time and token) gets the same id."""
        for number, known in self.transactions.items():
            if known["start"] == payload:
                return {"transactionId": number, "idTagInfo": self._tag_info(payload["idTag"])}
        number = self.next_transaction
        self.next_transaction += 1
        self.transactions[number] = {"start": payload, "stop": None, "samples": []}
        return {"transactionId": number, "idTagInfo": self._tag_info(payload["idTag"])}

    def on_StopTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Close it."""
        known = self.transactions.get(payload["transactionId"])
        if known is not None:
            known["stop"] = payload
        return {}

    def on_MeterValues(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Keep samples of known transactions."""
        known = self.transactions.get(payload.get("transactionId"))
        if known is not None:
            known["samples"].append(payload)
        return {}

    def on_TransactionEvent(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Collect the events of a transaction."""
        key = payload["transactionInfo"]["transactionId"]
        known = self.transactions.setdefault(key, {"events": []})
        known["events"].append(payload)
        token = payload.get("idToken")
        return {"idTokenInfo": self._token_info(token["idToken"])} if token is not None else {}

    def clock_error_us(self, stamp: str) -> int:
        """How far a stamp is from the CSMS's own time."""
        wall_us = parse_wall(stamp)
        assert wall_us is not None, stamp
        return wall_us - (self.epoch_us + self.now)
