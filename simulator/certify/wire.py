"""The wire as the tool sees it: a scripted central system that answers as the tool does, and a watch over every frame.

:class:`ToolCsms` gives default answers (boots accepted, tokens by their role), one-time answers a case asks for, and
keeps what it saw. It is also where a mutant gets in: between the station and what the tool believes to have seen.
:class:`Watch` sits on the station's side and holds every frame against the schemas of the `ocpp` package and the rules
of the protocol; what it finds makes the case fail.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from ocpp.messages import get_validator

from simulator.certify.rules import show
from simulator.certify.security import ATTEMPT_SCHEMA, CONNECT_SCHEMA
from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.records import CallFinished
from simulator.core.station import Station
from simulator.lab.csms import LabCsms, Seen
from simulator.report.performance import Performance
from simulator.wire.loose import elements
from simulator.wire.rpc import CALL, ERROR, RESULT

#: a connection that was let in, told as if it were a CALL of the station
CONNECT = "Connect"
#: one that came to nothing at the tool's end, likewise
ATTEMPT = "ConnectionAttempt"
_NOTED = {CONNECT: CONNECT_SCHEMA, ATTEMPT: ATTEMPT_SCHEMA}
#: frames of one case that are kept for its report
MAX_FRAMES = 5_000
MAX_BREACHES = 20

#: what a mutant makes of one frame of the station (its number, the frame): the frame the tool is to see instead, or
#: None: it answers as always, but nobody is told that there was one
Mutation = Callable[[int, list[Any]], list[Any] | None]


@cache
def validator(action: str, kind: int, ocpp: str = "1.6") -> Any:
    """The compiled schema of a request (2) or response (3); raises OSError for an action that has none."""
    if action in _NOTED:
        return type(validator("Heartbeat", CALL))(_NOTED[action])
    return get_validator(kind, action, ocpp, parse_float=Decimal)


#: version, action, kind, list and row, as text
_Row = tuple[str, str, int, str, str]
#: rows of long lists that have been found right; a report says the same again before every case, and judging each row
#: anew took most of a run's time
_RIGHT: set[_Row] = set()
MAX_RIGHT = 50_000
LONG = 4


def _shortened(
    payload: Any, check: Any, where: tuple[str, str, int]
) -> tuple[Any, list[tuple[str, str, int, str, str]]]:
    """The payload without the rows that were found right before, and what is found right if nothing is wrong with it.

    A row's schema does not depend on its neighbours; a list keeps one row, and one that has a largest length all.
    """
    fresh: list[_Row] = []
    if not isinstance(payload, dict):
        return payload, fresh
    shorter = payload
    for name, rows in payload.items():
        if not isinstance(rows, list) or len(rows) <= LONG:
            continue
        if not {"maxItems", "uniqueItems"}.isdisjoint(check.schema.get("properties", {}).get(name, {})):
            continue
        keys = [(*where, name, repr(row)) for row in rows]
        fresh += (key for key in keys if key not in _RIGHT)
        kept = [row for row, key in zip(rows, keys, strict=True) if key not in _RIGHT]
        shorter = {**shorter, name: kept or rows[:1]}
    return shorter, fresh


def schema_problem(action: str, kind: int, payload: Any, ocpp: str = "1.6") -> str:
    """What the schema says against a payload; "" when nothing."""
    try:
        check = validator(action, kind, ocpp)
    except OSError:
        return f"{action} has no schema"
    shorter, fresh = _shortened(payload, check, (ocpp, action, kind))
    if next(check.iter_errors(shorter), None) is None:
        if len(_RIGHT) + len(fresh) > MAX_RIGHT:
            _RIGHT.clear()
        _RIGHT.update(fresh)
        return ""
    for problem in check.iter_errors(payload):
        where = ".".join(map(str, problem.absolute_path))
        return f"{action}{' ' + where if where else ''}: {problem.message[:200]}"
    return ""


@dataclass(slots=True)
class Heard:
    """A frame of the station as the tool saw it. ``number`` counts the station's frames within the case."""

    number: int
    at_us: int
    kind: int
    message_id: str
    action: str
    payload: Any


@dataclass
class ToolCsms(LabCsms):
    """The tool's end of the link."""

    station_id: str = "DUT"
    #: one-time answers, by action
    once: dict[str, deque[Any]] = field(default_factory=dict)
    #: calls of the station nobody has claimed yet
    pending: list[Heard] = field(default_factory=list)
    results: dict[str, Heard] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    #: last status the station told, by connector (in 2.x by EVSE: each has one)
    statuses: dict[int, str] = field(default_factory=dict)
    #: transactions that have begun and not ended: transaction id -> the message it began with
    running: dict[Any, dict[str, Any]] = field(default_factory=dict)
    boots: int = 0
    frames: int = 0
    mutation: Mutation | None = None
    performance: Performance = field(default_factory=Performance)

    def fresh_case(self) -> None:
        """A case begins: nothing of an earlier one counts."""
        self.once.clear()
        self.script.clear()
        self.pending.clear()
        self.results.clear()
        self.seen.clear()
        self.answers.clear()
        self.log = []
        self.frames = 0

    def receive(self, data: bytes, now: int, *, odd: bool = False) -> list[bytes]:
        """One frame of the station, or what a mutant makes of it. Nothing is odd to a tool: cases judge every frame."""
        self.performance.frame(self.station_id, data, True, now)
        number, self.frames = self.frames, self.frames + 1
        read = elements(data) if self.mutation is not None else None
        if read is None or self.mutation is None:
            return self.hear(data, now, number)
        altered = self.mutation(number, read)
        if altered is None:
            return self.hear(data, now, number, hidden=True)
        return self.hear(json.dumps(altered).encode(), now, number)

    def hear(self, data: bytes, now: int, number: int, *, hidden: bool = False) -> list[bytes]:
        """The tool sees a frame; its answers. ``hidden``: the case does not learn of it."""
        before = len(self.seen)
        replies = super().receive(data, now)
        for seen in self.seen[before:]:
            who = "hidden" if hidden and seen.direction == "cp" else seen.direction
            its = number if seen.direction == "cp" else None
            self._write(who, seen.now, seen.kind, seen.message_id, seen.action, seen.payload, its)
            if seen.direction == "cp":
                self._note(seen, number, hidden)
        for reply in replies:
            self.performance.frame(self.station_id, reply, False, now)
        return replies

    def connected(self, payload: dict[str, Any], now: int, kind: str = CONNECT) -> None:
        """A connection was let in (or, ``ATTEMPT``, not); a case hears of it as of a message."""
        number, self.frames = self.frames, self.frames + 1
        frame: list[Any] | None = [CALL, f"connection-{number}", kind, payload]
        if self.mutation is not None:
            frame = self.mutation(number, [CALL, f"connection-{number}", kind, payload])
        told = payload if frame is None else frame[3]
        self._write("cp" if frame else "hidden", now, CALL, f"connection-{number}", kind, told, number)
        self._note(Seen(now, "cp", CALL, f"connection-{number}", kind, told), number, frame is None)

    def call(self, action: str, payload: dict[str, Any]) -> tuple[str, bytes]:
        """A CALL of the tool."""
        message_id, data = super().call(action, payload)
        self._write("csms", self.now, CALL, message_id, action, payload)
        self.performance.frame(self.station_id, data, False, self.now)
        return message_id, data

    def sound(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """A one-time answer if a case gave one, else the tool's default."""
        waiting = self.once.get(action)
        if waiting:
            given = waiting.popleft()
            answer: dict[str, Any] = given(payload) if callable(given) else super().sound(action, payload) | given
            return answer
        return super().sound(action, payload)

    def on_SignCertificate(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Taken; a case that signs answers by CertificateSigned."""
        return {"status": "Accepted"}

    def _note(self, seen: Seen, number: int, hidden: bool) -> None:
        heard = Heard(number, seen.now, seen.kind, seen.message_id, seen.action, seen.payload)
        if seen.kind != CALL:
            if seen.kind in (RESULT, ERROR) and not hidden:
                self.results[seen.message_id] = heard
            return
        if not hidden:
            self.pending.append(heard)
        if seen.action == "BootNotification":
            self.boots += 1
        self.learn(seen.action, seen.payload)

    def learn(self, action: str, payload: dict[str, Any]) -> None:
        """What a CALL of the station says about statuses and transactions."""
        if action == "StatusNotification" and isinstance(payload.get("connectorId"), int):
            self.statuses[payload["connectorId"]] = str(payload.get("status"))
        elif action == "StartTransaction":
            for transaction, known in self.transactions.items():
                if known["start"] == payload and known["stop"] is None:
                    self.running[transaction] = payload
        elif action == "StopTransaction":
            self.running.pop(payload.get("transactionId"), None)

    def _write(
        self, who: str, now: int, kind: int, message_id: str, action: str, payload: Any, number: int | None = None
    ) -> None:
        if len(self.log) < MAX_FRAMES:
            self.log.append(
                {
                    "at_s": round(now / 1e6, 6),
                    "from": {"cp": "station", "csms": "tool"}.get(who, who),
                    "kind": {CALL: "call", RESULT: "result", ERROR: "error"}.get(kind, "unreadable"),
                    "number": number,
                    "id": message_id,
                    "action": action,
                    "payload": payload if not isinstance(payload, bytes) else payload.decode("utf-8", "replace"),
                }
            )


class Watch:
    """Every frame of the station against the schemas, and the rules of the wire: one CALL in flight, ids used once, no
    answer to what was not asked. ``breaches`` fills up to a bound."""

    def __init__(self, ocpp: str = "1.6") -> None:
        self.ocpp = ocpp
        self.breaches: list[str] = []
        self._in_flight: str | None = None
        self._ids: set[str] = set()
        self._asked: dict[str, str] = {}

    def __call__(self, st: Station, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        if isinstance(event, i.Frame):
            self.incoming(event.data)
        elif isinstance(event, i.LinkDown | i.LinkUp):
            self.fresh_link()
        if not st.link.is_up or st.timers.get("call") is None:
            self._in_flight = None
        for effect in effects:
            if isinstance(effect, e.Send | e.RawSend):
                self.outgoing(effect.data)
            elif isinstance(effect, e.Record) and isinstance(effect.what, CallFinished):
                self._in_flight = None  # answered, or waited for in vain
            elif isinstance(effect, e.Hangup):
                self.fresh_link()

    def take(self) -> list[str]:
        """The breaches so far; the list is emptied."""
        found, self.breaches = self.breaches, []
        return found

    def given_up(self) -> None:
        """The station waits for an answer no more."""
        self._in_flight = None

    def fresh_link(self) -> None:
        """Another connection, or none: nothing is owed any more."""
        self._in_flight = None
        self._asked.clear()

    def _breach(self, text: str) -> None:
        if len(self.breaches) < MAX_BREACHES:
            self.breaches.append(text)

    def incoming(self, data: bytes) -> None:
        """A frame of the tool."""
        try:
            frame = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(frame, list) or len(frame) < 3:
            return
        if frame[0] == CALL:
            self._asked[frame[1]] = frame[2]
        elif frame[1] == self._in_flight:
            self._in_flight = None

    def outgoing(self, data: bytes) -> None:
        """A frame of the station."""
        try:
            frame = json.loads(data, parse_float=Decimal)
        except (ValueError, RecursionError):
            self._breach(f"not JSON: {data[:80]!r}")
            return
        if not isinstance(frame, list) or len(frame) < 3 or frame[0] not in (CALL, RESULT, ERROR):
            self._breach(f"not a frame: {show(frame)}")
        elif frame[0] == CALL:
            if self._in_flight is not None:
                self._breach(f"{frame[2]} was sent while another CALL was in flight")
            if frame[1] in self._ids:
                self._breach(f"the id {show(frame[1])} of {frame[2]} was used before")
            self._in_flight = frame[1]
            self._ids.add(frame[1])
            self._schema(str(frame[2]), CALL, frame[3])
        else:
            action = self._asked.pop(frame[1], "")
            if not action:
                self._breach(f"an answer to nothing: {show(frame)}")
            elif frame[0] == RESULT:
                self._schema(action, RESULT, frame[2])
            elif len(frame) != 5:
                self._breach(f"a CALLERROR with {len(frame)} items")

    def _schema(self, action: str, kind: int, payload: Any) -> None:
        problem = schema_problem(action, kind, payload, self.ocpp)
        if problem:
            self._breach(f"{'answer to ' if kind == RESULT else ''}{problem}")
