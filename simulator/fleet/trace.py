"""What went over the wire and what went into the stations, written down.

Three recorders, from cheap to complete. *Rings* keep the last frames of each station as bytes, without looking at them;
only when a station fails is its ring copied and, for the report, read. A *frame trace* writes every frame as one JSON
line in the exchange format other OCPP tools read (version 1.1 of it; a frame that cannot be read is kept in ``raw``
under the message type ``UNPARSEABLE``). What a recorder between two others sees of their connections it adds under the
message type ``CONNECTION``; a run has it in its ledger. An *input recording* writes what went into the stations: as a
station is a pure function of its inputs, that is enough to run it again, and a digest over inputs and effects tells
whether the second run did the same.

Secrets are replaced before anything is written, hashed or shown. Since placeholders survive a second redaction, the
digest of a replay equals that of the recording although the replayed stations only ever saw placeholders.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

from simulator.core import effects as fx
from simulator.core import inputs as inp
from simulator.core import records as r
from simulator.errors import AuthorError
from simulator.report.ledger_file import private
from simulator.report.redact import Redactor

TRACE_VERSION = "1.1"
INPUTS_SCHEMA = "cpfarm-inputs/1"
BUFFER_BYTES = 1 << 20
"""What a writer holds back before it writes."""
OPEN_CALLS_MAX = 50_000
"""CALLs whose action is remembered for the answer; beyond that the oldest is forgotten."""
RING_FRAMES = 50
RING_FRAMES_MIN = 8
RINGS_FRAMES_MAX = 200_000
"""Frames in all rings together; a larger fleet has shorter rings."""
RING_FRAME_BYTES = 16 * 1024
"""A longer frame is cut in a ring."""
KEPT_MAX = 50
"""Stations whose frames are kept for the report."""

CONNECTION = "CONNECTION"
"""Message type of what is no message: a connection was opened, closed or refused."""
ConnectionEvent = Literal["opened", "closed", "refused"]

_TYPES = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR", 6: "SEND"}
_LENGTHS = {2: (4,), 3: (3,), 4: (4, 5), 5: (4, 5), 6: (4,)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder(order="deterministic").encode


class OpenCalls:
    """Remembers the action of each CALL until it is answered; bounded."""

    def __init__(self) -> None:
        self._actions: dict[tuple[str, bool, str], str] = {}

    def asked(self, station_id: str, to_csms: bool, message_id: str, action: str) -> None:
        """A CALL went in this direction."""
        self._actions[station_id, to_csms, message_id] = action
        if len(self._actions) > OPEN_CALLS_MAX:
            del self._actions[next(iter(self._actions))]

    def answered(self, station_id: str, to_csms: bool, message_id: str) -> str | None:
        """The action an answer in this direction belongs to, if it is known."""
        return self._actions.pop((station_id, not to_csms, message_id), None)


def trace_record(
    data: bytes, *, station_id: str, ocpp: str, utc_us: int, to_csms: bool, calls: OpenCalls
) -> dict[str, Any]:
    """One frame in the exchange format. Fields that do not apply are left out."""
    record: dict[str, Any] = {
        "schemaVersion": TRACE_VERSION,
        "timestamp": timestamp(utc_us),
        "ocppVersion": ocpp,
        "transport": "json",
        "chargePointId": station_id,
        "direction": "cp-to-csms" if to_csms else "csms-to-cp",
    }
    try:
        kind, rest = _split(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        problem = str(error)[:200]
        raw = data.decode("utf-8", "backslashreplace")
        return {**record, "messageType": "UNPARSEABLE", "raw": raw, "meta": {"problem": problem}}
    message_id = rest[0]
    record["messageType"] = _TYPES[kind]
    record["messageId"] = message_id
    if kind in (2, 6):
        record["action"] = rest[1]
        if kind == 2:
            calls.asked(station_id, to_csms, message_id, rest[1])
    elif kind in (3, 4):
        action = calls.answered(station_id, to_csms, message_id)
        if action is not None:
            record["action"] = action
    if kind in (4, 5):
        record["error"] = dict(zip(("code", "description", "details"), rest[1:], strict=False))
    else:
        record["payload"] = rest[-1]
    return record


def connection_record(
    event: ConnectionEvent, detail: str, *, station_id: str, ocpp: str = "", when: str = "", **meta: Any
) -> dict[str, Any]:
    """What happened to a connection, in the exchange format: ``detail`` as a sentence for people, ``meta`` for programs
    (``code`` of a Close, ``status`` of a refusal). Fields that are not known are left out. Its direction is that of
    whoever did it: a connection is refused by the CSMS, and else the station's doing unless ``by`` names the CSMS."""
    theirs = event == "refused" or meta.get("by") == "csms"
    record = {
        "schemaVersion": TRACE_VERSION,
        "timestamp": when,
        "ocppVersion": ocpp,
        "transport": "json",
        "chargePointId": station_id,
        "direction": "csms-to-cp" if theirs else "cp-to-csms",
        "messageType": CONNECTION,
        "raw": detail,
        "meta": {"event": event, **{name: value for name, value in meta.items() if value}},
    }
    return {name: value for name, value in record.items() if value}


def _split(data: bytes) -> tuple[int, list[Any]]:
    """Message type and the rest of a frame; payloads stay bytes. Raises what the decoder raises, or ValueError."""
    data.decode("utf-8")
    parts = _parts.decode(data)
    kind = msgspec.json.decode(parts[0]) if parts else None
    if not isinstance(kind, int) or kind not in _LENGTHS:
        raise ValueError("unknown message type")
    if len(parts) not in _LENGTHS[kind]:
        raise ValueError(f"{len(parts)} elements in a {_TYPES[kind]}")
    texts = {2: 2, 3: 1, 4: 3, 5: 3, 6: 2}[kind]
    rest: list[Any] = [msgspec.json.decode(part) for part in parts[1 : 1 + texts]]
    if not all(isinstance(text, str) for text in rest):
        raise ValueError("message id, action, code and description are strings")
    # A raw payload is written as it came, unless it would break the line.
    rest += [
        msgspec.json.decode(part) if b"\n" in bytes(part) or b"\r" in bytes(part) else part
        for part in parts[1 + texts :]
    ]
    return kind, rest


def timestamp(utc_us: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return (_EPOCH + timedelta(microseconds=utc_us)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FrameTrace:
    """Writes every frame to a file of JSON lines, mode 0600, through a bounded buffer."""

    def __init__(self, path: str | Path, redactor: Redactor) -> None:
        self._file = os.fdopen(private(Path(path)), "wb", buffering=BUFFER_BYTES)
        self._redactor = redactor
        self._calls = OpenCalls()
        self.frames = 0

    def frame(
        self,
        station_id: str,
        data: bytes,
        *,
        ocpp: str,
        utc_us: int,
        to_csms: bool,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one frame; ``meta`` is whatever else is worth knowing, as plain data without secrets."""
        cleaned = self._redactor.clean(data, station_id)
        record = trace_record(
            cleaned, station_id=station_id, ocpp=ocpp, utc_us=utc_us, to_csms=to_csms, calls=self._calls
        )
        if meta:
            record["meta"] = {**record.get("meta", {}), **meta}
        self._file.write(msgspec.json.encode(record) + b"\n")
        self.frames += 1

    def connection(
        self, station_id: str, event: ConnectionEvent, detail: str, *, ocpp: str, utc_us: int, **meta: Any
    ) -> None:
        """Write what happened to a connection; see :func:`connection_record`."""
        record = connection_record(
            event,
            self._redactor.clean_text(detail, station_id),
            station_id=station_id,
            ocpp=ocpp,
            when=timestamp(utc_us),
            **meta,
        )
        self._file.write(msgspec.json.encode(record) + b"\n")

    def flush(self) -> None:
        """Write what is held back."""
        self._file.flush()

    def close(self) -> None:
        """Write what is held back and let go of the file."""
        self._file.close()


class KeptFrames(msgspec.Struct, frozen=True):
    """The frames of a station around its first failure, the last one being the offending one."""

    station_id: str
    why: str
    frames: tuple[tuple[int, bool, bytes], ...]


class FrameRings:
    """The last frames of every station as (us of the run, to the CSMS, bytes), and copies of those that failed."""

    def __init__(self, stations: int = 0) -> None:
        self.length = max(RING_FRAMES_MIN, min(RING_FRAMES, RINGS_FRAMES_MAX // max(stations, 1)))
        self._rings: dict[str, deque[tuple[int, bool, bytes]]] = {}
        self.kept: dict[str, KeptFrames] = {}

    def add(self, station_id: str, at_us: int, data: bytes, to_csms: bool) -> None:
        """A frame passed. The bytes are kept as they are."""
        ring = self._rings.get(station_id)
        if ring is None:
            ring = self._rings[station_id] = deque(maxlen=self.length)
        ring.append((at_us, to_csms, data if len(data) <= RING_FRAME_BYTES else data[:RING_FRAME_BYTES]))

    def frames(self, station_id: str) -> tuple[tuple[int, bool, bytes], ...]:
        """What the ring of a station holds now, oldest first; the bytes are not redacted."""
        return tuple(self._rings.get(station_id, ()))

    def keep(self, station_id: str, why: str) -> None:
        """The station failed: keep its frames as they are now; only its first failure counts, for KEPT_MAX stations."""
        if station_id not in self.kept and len(self.kept) < KEPT_MAX:
            self.kept[station_id] = KeptFrames(station_id, why, tuple(self._rings.get(station_id, ())))

    def read(self, station_id: str, redactor: Redactor, *, ocpp: str, utc_of_zero_us: int = 0) -> list[dict[str, Any]]:
        """The kept (or else the present) frames in the exchange format, redacted; ``utc_of_zero_us`` is UTC at 0."""
        kept = self.kept.get(station_id)
        calls = OpenCalls()
        return [
            trace_record(
                redactor.clean(data, station_id),
                station_id=station_id,
                ocpp=ocpp,
                utc_us=utc_of_zero_us + at_us,
                to_csms=to_csms,
                calls=calls,
            )
            for at_us, to_csms, data in (kept.frames if kept else self._rings.get(station_id, ()))
        ]


def failure_of(record: object) -> str | None:
    """Why the frames before this record are worth keeping, or None."""
    if isinstance(record, r.CallFinished) and record.outcome != "ok":
        return f"{record.action}: {record.outcome} {record.code}".rstrip()
    if isinstance(record, r.ViolationSeen):
        return f"{record.action}: {record.path}: {record.rule}"
    if isinstance(record, r.StrayAnswer):
        return f"an answer nobody waits for ({record.kind})"
    if isinstance(record, r.BootRefused):
        return f"BootNotification: {record.status}"
    if isinstance(record, r.ConnectFailed):
        return f"connect: {record.cause} {record.code or ''}".rstrip()
    return None


class RecordedInput(msgspec.Struct, frozen=True):
    """One input as it was fed: at ``now`` (us), to this station."""

    now: int
    station: str
    input: inp.AnyInput


class InputRecorder:
    """Hashes, and with a path also writes, every feed of every station in the order in which they happened.

    ``header`` says what is needed to build the same stations again (seed, fleet, versions), as plain data.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        header: Mapping[str, Any] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._redactor = redactor or Redactor()
        self._sha = hashlib.sha256()
        self.inputs = 0
        self._file = None if path is None else os.fdopen(private(Path(path)), "wb", buffering=BUFFER_BYTES)
        if self._file is not None:
            self._file.write(self._redactor.clean(_encode({"schema": INPUTS_SCHEMA, **(header or {})})) + b"\n")

    def record(self, now: int, station_id: str, fed: inp.Input, effects: Iterable[fx.Effect]) -> None:
        """One feed: what went in at ``now`` and what came out."""
        line = _encode({"now": now, "station": station_id, "input": self._plain(fed, station_id)})
        self._sha.update(line)
        for effect in effects:
            self._sha.update(_encode(self._plain(effect, station_id)))
        self.inputs += 1
        if self._file is not None:
            self._file.write(line + b"\n")

    def _plain(self, item: inp.Input | fx.Effect, station_id: str) -> msgspec.Raw | dict[str, Any]:
        """As redacted JSON. The bytes of frames are text where they are, so that they can be redacted and read."""
        if isinstance(item, inp.Frame | fx.Send | fx.RawSend):
            data = self._redactor.clean(item.data, station_id)
            plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(item, data=data))
            try:
                plain["text"] = data.decode("utf-8")
            except UnicodeDecodeError:
                return plain  # base64, as msgspec writes bytes
            del plain["data"]
            return plain
        return msgspec.Raw(self._redactor.clean(_encode(item), station_id))

    @property
    def digest(self) -> str:
        """SHA-256 over all feeds so far, in hex."""
        return self._sha.hexdigest()

    def close(self) -> None:
        """End the file with the digest."""
        if self._file is not None:
            self._file.write(_encode({"digest": self.digest, "inputs": self.inputs}) + b"\n")
            self._file.close()


def read_header(path: str | Path) -> dict[str, Any]:
    """What a recording says about its run; AuthorError when it is none."""
    with Path(path).open("rb") as file:
        first = file.readline(BUFFER_BYTES)
    try:
        header = msgspec.json.decode(first)
    except msgspec.DecodeError:
        header = None
    if not isinstance(header, dict) or header.get("schema") != INPUTS_SCHEMA:
        raise AuthorError(f"this is no recording of inputs ({INPUTS_SCHEMA})", file=str(path), line=1)
    return header


def read_inputs(path: str | Path) -> Iterator[RecordedInput]:
    """The inputs of a recording in their order; AuthorError names the line that cannot be read.

    A recording that breaks off (the program was killed) ends where it ends; see :func:`read_digest`.
    """
    read_header(path)
    with Path(path).open("rb") as file:
        next(file)
        for number, line in enumerate(file, start=2):
            try:
                entry = msgspec.json.decode(line)
                if "digest" in entry:
                    return
                fed = entry["input"]
                if "text" in fed:
                    text = fed.pop("text")
                    frame = inp.Frame(link=fed["link"], data=text.encode())
                    yield RecordedInput(entry["now"], entry["station"], frame)
                else:
                    yield msgspec.convert(entry, RecordedInput)
            except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
                raise AuthorError(f"not a recorded input: {error}", file=str(path), line=number) from error


def read_digest(path: str | Path) -> str | None:
    """The digest a recording ends with; None when it breaks off before its end."""
    last = b""
    with Path(path).open("rb") as file:
        for line in file:
            last = line
    try:
        entry = msgspec.json.decode(last)
    except msgspec.DecodeError:
        return None
    return entry.get("digest") if isinstance(entry, dict) else None
