"""A recording as something that can be played: what one station said, in its order, and what it was told in return.

Of a trace only the frames of one station count. Each message of the station is an :class:`Act`, with the answer it got;
each call of its CSMS is an :class:`Order`, with the answer the station gave. Lines
tell which answers a station had when it went on: these a replay waits for, because the station may have waited, too.

A trace that begins in the middle lacks what came before. What cannot be left out is filled in and marked ``assumed``:
the registration, when the station was plainly registered already, and the start of a session whose end or values are
there. What a trace lacks at its end is not invented.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.core.wall import format_wall
from simulator.dialects import DIALECTS
from simulator.errors import AuthorError
from simulator.registry import nearest
from simulator.traces.model import CALL, ERROR, RESULT, SEND, TO_CSMS, TO_STATION, Frame, Mark, Trace, Unreadable
from simulator.traces.parts import fields, rows, text, whole

BOOT = "BootNotification"
MAX_NAMED = 5
#: a longer pause, or a longer step back, is a clock that was set
PAUSE_US, BACK_US = 30 * 86_400_000_000, 3_600_000_000
#: ids of a transaction that mean "none"
NO_TRANSACTION = (None, 0, -1, "")


@dataclass(slots=True)
class Answer:
    """What a call was answered with; ``code`` is that of a CALLERROR, "" for a result."""

    payload: Any
    code: str = ""
    description: str = ""
    line: int = 0
    at_us: int = 0

    @property
    def is_error(self) -> bool:
        """A CALLERROR."""
        return bool(self.code)


@dataclass(slots=True, eq=False)
class Act:
    """One message of the station. ``raw`` is set for what is no message: it is sent as it stands. ``hangup``: the link
    went, and came back for the next act."""

    action: str
    payload: Any
    at_us: int
    line: int = 0
    send: bool = False
    raw: str | None = None
    hangup: bool = False
    answer: Answer | None = None
    assumed: str = ""
    """Why this act was filled in; "" for what the trace has."""
    transaction: Any = None
    """Of an act that begins a transaction: its id in the trace."""


@dataclass(slots=True, eq=False)
class Order:
    """One call of the CSMS."""

    action: str
    payload: Any
    at_us: int
    line: int = 0
    answer: Answer | None = None


@dataclass
class Capture:
    """What can be played of one station. Times are microseconds of UTC since 1970 by the log's clock."""

    station: str
    version: str
    acts: list[Act] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    began_us: int = 0
    ended_us: int = 0
    assumed: list[str] = field(default_factory=list)
    """What was concluded or filled in, in whole sentences."""
    notes: list[str] = field(default_factory=list)
    """What was left out."""
    seq_shift: dict[str, int] = field(default_factory=dict)
    """Transaction of 2.x -> what is added to its sequence numbers, because a start was put before them."""

    def tokens(self) -> dict[str, str]:
        """Every token the station showed, with what its CSMS said of it first, "" if it did not."""
        found: dict[str, str] = {}
        for act in self.acts:
            token = token_of(act.payload)
            if token and not found.get(token):
                found[token] = verdict_of(act.answer.payload) if act.answer is not None else ""
        return found


def capture_of(
    trace: Trace, *, station: str | None = None, version: str = "", source: str = "trace", raw: bool = False
) -> Capture:
    """One station of a trace. AuthorError when there is nothing to play, or several stations and none is named.

    ``raw``: what is no message was sent so, and is not merely what the log made of one.
    """
    frames, broken = _of_station(trace, station, source)
    name = frames[0].station
    notes = []
    unknown = sum(frame.direction is None for frame in frames)
    if unknown:
        notes.append(f"{unknown} frames are left out: nothing tells which way they went")
    spoilt = [one for one in trace.unreadable if one.station == name]
    if spoilt and not raw:
        notes.append(f"{len(spoilt)} pieces are left out, which are no messages: the first is in line {spoilt[0].line}")
    said = next((frame.version for frame in frames if frame.version in DIALECTS), "")
    if version and said and version != said:
        raise AuthorError(f"{version} is not what the trace says: it says {said}", field="--ocpp")
    found = Capture(name, version or spoken_version(frames), notes=notes)
    if not version and not any(frame.version for frame in frames):
        found.assumed.append(f"the version is {found.version}, because of what is said")
    closed = [mark for mark in trace.marks if mark.station == name and mark.what == "closed"]
    _fill(found, [*frames, *(broken if raw else []), *closed])
    while found.acts and found.acts[-1].hangup:  # nothing is known of what came after
        found.acts.pop()
    if all(act.hangup for act in found.acts):
        raise AuthorError(f"has no message of the station {name!r}", file=source)
    for act in found.acts:
        if act.action == "StartTransaction" and act.answer is not None and isinstance(act.answer.payload, dict):
            act.transaction = transaction_of(act.answer.payload)
    return found


def _of_station(trace: Trace, station: str | None, source: str) -> tuple[list[Frame], list[Unreadable]]:
    stations = trace.stations
    if not stations:
        raise AuthorError("no message can be read in it", file=source)
    if station is None:
        if len(stations) > 1:
            named = ", ".join(repr(one) for one in stations[:MAX_NAMED])
            raise AuthorError(f"holds {len(stations)} stations; say which: {named}", field="--station")
        station = stations[0]
    if station not in stations:
        near = nearest(station, stations)
        hint = f"; did you mean {near!r}?" if near else ""
        raise AuthorError(f"no station {station!r} in it{hint}", field="--station")
    return trace.of(station), [one for one in trace.unreadable if one.station == station and one.direction == TO_CSMS]


def spoken_version(frames: Sequence[Frame]) -> str:
    """The version of the protocol: what the log says, else what the messages are like."""
    for frame in frames:
        if frame.version in DIALECTS:
            return frame.version
    spoken = {frame.action for frame in frames if frame.kind == CALL}
    scores = {name: len(spoken & set(dialect.messages.REQUESTS)) for name, dialect in DIALECTS.items()}
    boot = next((frame.payload for frame in frames if frame.kind == CALL and frame.action == BOOT), None)
    if isinstance(boot, dict):
        old = "chargePointVendor" in boot or "chargePointModel" in boot
        return "1.6" if old else "2.0.1"
    return max(scores, key=lambda name: scores[name])


def _fill(found: Capture, pieces: list[Frame | Unreadable | Mark]) -> None:
    acts: dict[str, Act] = {}
    orders: dict[str, Order] = {}
    pieces = sorted(pieces, key=lambda one: one.line)
    times = _steady([piece.at_us for piece in pieces])
    for place, piece in enumerate(pieces):
        at_us = times[place] if times else 0
        if place and times and _jumps(pieces[place - 1].at_us, piece.at_us):
            found.assumed.append(f"no time passes before line {piece.line}, where the clock of the log jumps")
        if isinstance(piece, Unreadable):
            found.acts.append(Act("", None, at_us, piece.line, raw=piece.raw))
        elif isinstance(piece, Mark):
            if found.acts and not found.acts[-1].hangup:
                found.acts.append(Act("", None, at_us, piece.line, hangup=True))
        elif piece.kind in (CALL, SEND) and piece.direction == TO_CSMS:
            act = Act(piece.action, piece.payload, at_us, piece.line, send=piece.kind == SEND)
            acts[piece.id] = act
            found.acts.append(act)
        elif piece.kind == CALL and piece.direction == TO_STATION:
            order = orders[piece.id] = Order(piece.action, piece.payload, at_us, piece.line)
            found.orders.append(order)
        elif piece.kind in (RESULT, ERROR):
            code = piece.code or ("?" if piece.kind == ERROR else "")
            answer = Answer(piece.payload, code, piece.description, piece.line, at_us)
            if piece.direction == TO_STATION and piece.id in acts:
                acts.pop(piece.id).answer = answer
            elif piece.direction == TO_CSMS and piece.id in orders:
                orders.pop(piece.id).answer = answer
    found.began_us, found.ended_us = (min(times), max(times)) if times else (0, 0)
    if not times:
        found.assumed.append("the trace has no times; its messages follow each other at once")


def _jumps(before: int | None, after: int | None) -> bool:
    """Was the clock set between two times? Nobody has a log of one station with such a pause in it."""
    return before is not None and after is not None and not -BACK_US <= after - before <= PAUSE_US


def _steady(times: list[int | None]) -> list[int]:
    """Times without gaps and jumps; those after the last jump are right. Empty when there is none at all."""
    known = next((at_us for at_us in times if at_us is not None), None)
    if known is None:
        return []
    filled: list[int] = []
    for at_us in times:
        known = at_us if at_us is not None else known
        filled.append(known)
    shift_us = 0
    for place in range(len(filled) - 2, -1, -1):
        if _jumps(filled[place], filled[place + 1] - shift_us):
            shift_us = filled[place + 1] - filled[place]
        filled[place] += shift_us
    return filled


# -- what is missing


def complete(found: Capture, boot: Callable[[], Any], token: str) -> Capture:
    """Fill in what a CSMS cannot do without. ``boot`` gives the payload of a BootNotification, ``token`` one to begin
    a session with when the trace names none."""
    _sessions(found, token)
    if not _booted(found.acts):
        payload = boot()
        if payload is None:
            raise AuthorError(
                "a product of this profile does not register by itself; choose another", field="--profile"
            )
        found.acts.insert(0, Act(BOOT, payload, found.acts[0].at_us, assumed="the trace begins after it"))
        found.assumed.append("BootNotification is the profile's: the trace begins after it")
    return found


def _booted(acts: list[Act]) -> bool:
    """The trace has the registration; what came before it was refused or not answered."""
    for act in acts:
        if act.action == BOOT:
            return True
        if act.answer is not None and not act.answer.is_error:
            return False
    return False


def _sessions(found: Capture, token: str) -> None:
    known = set()
    orphans = deque(act for act in found.acts if act.action == "StartTransaction" and act.transaction is None)
    ended = {transaction_of(act.payload) for act in found.acts if act.action == "StopTransaction"}
    boots = [index for index, act in enumerate(found.acts) if act.action == BOOT and act.answer is not None]
    booted_at = boots[0] if boots else len(found.acts)
    acts: list[Act] = []
    for index, act in enumerate(found.acts):
        key = transaction_of(act.payload)
        if act.action == "StartTransaction":
            known.add(act.transaction)
        elif key in NO_TRANSACTION or key in known or _begins(act):
            known.add(key)
        else:
            known.add(key)
            start = _unanswered(orphans, act, acts)
            if start is not None:
                start.transaction = key
                found.assumed.append(f"transaction {key} is that of the StartTransaction in line {start.line}")
            elif act.action == "TransactionEvent" or key in ended or index < booted_at:
                acts.append(_start(found, act, key, token))
            else:
                found.notes.append(f"transaction {key} of line {act.line} was never begun: it is sent as it is")
        acts.append(act)
    found.acts = acts


def _unanswered(orphans: deque[Act], act: Act, before: list[Act]) -> Act | None:
    """A start whose answer is not in the trace, and that may be the one of this act."""
    for start in orphans:
        where = fields(act.payload).get("connectorId")
        if start in before and where in (None, fields(start.payload).get("connectorId")):
            orphans.remove(start)
            return start
    return None


def _begins(act: Act) -> bool:
    return fields(act.payload).get("eventType") == "Started"


def _start(found: Capture, act: Act, key: Any, token: str) -> Act:
    """A start of the session that this act belongs to."""
    payload = fields(act.payload)
    stamp = text(payload.get("timestamp")) or _first_stamp(payload) or format_wall(act.at_us)
    shown = [token_of(one.payload) for one in found.acts if transaction_of(one.payload) == key]
    who = next(filter(None, shown), "") or next(iter(found.tokens()), token)
    found.assumed.append(f"a start of transaction {key} is put before line {act.line}: the trace begins after it")
    if act.action == "TransactionEvent":
        found.seq_shift[str(key)] = 1 - whole(payload.get("seqNo"), 1)
        event = {
            "eventType": "Started",
            "timestamp": stamp,
            "triggerReason": "Authorized",
            "seqNo": 0 - found.seq_shift[str(key)],
            "transactionInfo": {"transactionId": key},
            "idToken": {"idToken": who, "type": "ISO14443"},
        }
        if fields(payload.get("evse")):
            event["evse"] = payload["evse"]
        return Act("TransactionEvent", event, act.at_us, assumed="the trace begins after it", transaction=key)
    start = {
        "connectorId": whole(payload.get("connectorId")) or 1,
        "idTag": who,
        "meterStart": _register_wh(payload),
        "timestamp": stamp,
    }
    return Act("StartTransaction", start, act.at_us, assumed="the trace begins after it", transaction=key)


def _values(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return rows(payload.get("meterValue")) or rows(payload.get("transactionData"))


def _first_stamp(payload: dict[str, Any]) -> str:
    return next(filter(None, (text(value.get("timestamp")) for value in _values(payload))), "")


def _register_wh(payload: dict[str, Any]) -> int:
    """The register as far as this message tells it, whole Wh."""
    for value in _values(payload):
        for sample in rows(value.get("sampledValue")):
            register = sample.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register"
            try:
                number = float(sample["value"]) * (1000 if sample.get("unit", "Wh") == "kWh" else 1)
            except (KeyError, ValueError, TypeError):
                continue
            if register and "phase" not in sample and 0 <= number < 1e12:
                return int(number)
    return whole(payload.get("meterStop"))


# -- where things stand in messages


def transaction_of(payload: Any) -> int | str | None:
    """The transaction a message names, None without one."""
    info = fields(fields(payload).get("transactionInfo")) or fields(payload)
    found = info.get("transactionId")
    return found if isinstance(found, int | str) else None


def token_of(payload: Any) -> str:
    """The token a message of a station names, "" without one."""
    return text(fields(fields(payload).get("idToken")).get("idToken")) or text(fields(payload).get("idTag"))


def verdict_of(payload: Any) -> str:
    """What an answer says of a token, "" when nothing."""
    info = fields(fields(payload).get("idTagInfo")) or fields(fields(payload).get("idTokenInfo"))
    return text(info.get("status"))
