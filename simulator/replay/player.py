"""A captured station that speaks again, sans-IO: frames of the CSMS and a ``now`` go in, frames come out.

Messages go out in their order and not before their time, and not before the answers are there that the station had when
it sent them. So the registration comes before everything else, and a session has its id before it is used. Two calls
are on their way at once only where the capture shows that. An answer that comes later than it did puts off all that
follows by as much, so that pauses stay what they were.

Where somebody can make the CSMS send what the first one sent (``operable``), that is asked for in its place, and what
the station said afterwards waits for it. Calls of the CSMS are answered as in the capture: by the same call if there is
one, else by the next of that action. What was never asked there is answered by the station's profile, and that is
marked ``assumed``.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from simulator.core.dialect import Dialect
from simulator.replay.capture import BOOT, Act, Answer, Capture, Order, transaction_of
from simulator.replay.mapping import Exchange
from simulator.replay.verdict import MAX_DIFFERENCES, Call, Difference, differences
from simulator.traces.parts import fields, whole
from simulator.wire.codec import Violation
from simulator.wire.loose import elements
from simulator.wire.rpc import CALL, ERROR, RESULT, SEND

CALL_TIMEOUT_US, BOOT_TIMEOUT_US = 30_000_000, 60_000_000
#: a CSMS that was made to send something does so within this time, or is not waited for
ORDER_TIMEOUT_US = 10_000_000
MIN_RETRY_US = 1_000_000
MAX_VIOLATIONS = 1_000
#: fields by which later messages of a station refer to a call of its CSMS
REFERENCES = ("requestId", "remoteStartId")
#: answers to these belong to the very things that were asked for
PARTICULAR = frozenset(
    {"GetConfiguration", "GetVariables", "SetVariables", "SetVariableMonitoring", "ClearVariableMonitoring"}
)

Fallback = Callable[[str, Any], Answer | None]


class Player:
    """Plays ``capture`` once. ``fallback`` answers what the capture does not; ``speed``: how much faster than it was.

    Use: :meth:`begin`, then :meth:`turn` whenever :attr:`due` has come and :meth:`receive` for each frame, until
    :attr:`done`. All times are microseconds on the caller's clock.
    """

    def __init__(
        self,
        capture: Capture,
        exchange: Exchange,
        dialect: Dialect,
        fallback: Fallback,
        *,
        speed: float = 1.0,
        call_timeout_us: int = CALL_TIMEOUT_US,
        boot_timeout_us: int = BOOT_TIMEOUT_US,
        operable: Callable[[str], bool] = lambda action: False,
    ) -> None:
        self.capture, self.exchange, self.dialect, self.fallback = capture, exchange, dialect, fallback
        self.speed, self.call_timeout_us, self.boot_timeout_us = speed, call_timeout_us, boot_timeout_us
        self.calls: list[Call] = []
        self.differences: list[Difference] = []
        self.violations: list[Violation] = []
        self.assumed: list[str] = list(capture.assumed)
        self.asked: list[str] = []
        """Actions that the CSMS called."""
        self.raw_sent = self.sends = 0
        self.gave_up = ""
        """Why the rest was not played."""
        self.away = False
        """The link is to be closed, and opened again when something is due."""
        self.open: set[Any] = set()
        """Transactions of this run that have begun and not ended."""
        self._acts = deque(capture.acts)
        self._held: dict[tuple[str, Any], list[Act]] = {}
        self._flight: dict[str, Call] = {}
        self._orders = list(capture.orders)
        self._prompts = deque(order for order in capture.orders if operable(order.action))
        self._awaited: list[tuple[Order, int]] = []
        self._origin_us = 0
        self._slip_us = 0
        self._count = 0
        self._boot_again: tuple[int, Act] | None = None
        self._boot_deadline_us: int | None = None
        self._referred = {
            (name, fields(order.payload)[name])
            for order in capture.orders
            for name in REFERENCES
            if isinstance(fields(order.payload).get(name), int | str)
        }

    # -- the driver's side

    def begin(self, now: int) -> None:
        """The first message is due now."""
        self._origin_us = now

    @property
    def done(self) -> bool:
        """Nothing is left to say or to wait for."""
        left = self._acts or self._flight or self._boot_again or self._prompts or self._awaited
        return bool(self.gave_up) or not left

    @property
    def due(self) -> int | None:
        """When to call :meth:`turn` next; None: only after a frame of the CSMS."""
        moments = [call.sent_us + self.call_timeout_us for call in self._flight.values()]
        if self.away:
            return self._due_us(self._acts[0]) if self._acts else None
        if self._boot_again is not None:
            moments += [self._boot_again[0]]
        elif self._acts and not self._blocked(self._acts[0]):
            moments.append(self._due_us(self._acts[0]))
        if self._may_prompt():
            moments.append(self._due_us(self._prompts[0]))
        moments += [until_us for _, until_us in self._awaited]
        if self._boot_deadline_us is not None:
            moments.append(self._boot_deadline_us)
        return min(moments) if moments else None

    def turn(self, now: int) -> list[bytes]:
        """What is to be sent now."""
        for message_id, call in list(self._flight.items()):
            if now - call.sent_us >= self.call_timeout_us:
                del self._flight[message_id]
                self._judge(call)
                if call.act.action == BOOT and self._boot_deadline_us is not None:
                    self._boot_again = (now, call.act)
        self._awaited = [(order, until_us) for order, until_us in self._awaited if now < until_us]
        if self._boot_deadline_us is not None and now >= self._boot_deadline_us:
            self.gave_up = "the CSMS did not accept the station"
        if self.gave_up or self.away:
            return []
        if self._boot_again is not None:
            if now < self._boot_again[0]:
                return []
            act, self._boot_again = self._boot_again[1], None
            return [self._send(act, now)]
        frames: list[bytes] = []
        while self._acts and not self._blocked(self._acts[0]) and self._due_us(self._acts[0]) <= now:
            act = self._acts.popleft()
            if act.hangup:
                self.away = True
                break
            reference = self._reference(act)
            if reference is not None:
                self._held.setdefault(reference, []).append(act)
                continue
            self._later(act.at_us, now)
            frames.append(self._send(act, now))
        return frames

    def prompts(self, now: int) -> list[tuple[str, Any]]:
        """What the CSMS is now to be made to send: actions and payloads."""
        found: list[tuple[str, Any]] = []
        while self._may_prompt() and self._due_us(self._prompts[0]) <= now:
            order = self._prompts.popleft()
            self._later(order.at_us, now)
            self._awaited.append((order, now + ORDER_TIMEOUT_US))
            found.append((order.action, self.exchange.order(order.payload)))
        return found

    def _may_prompt(self) -> bool:
        """The station has said and heard what it had then."""
        if not self._prompts or self.away or self._boot_again is not None or self.gave_up:
            return False
        line = self._prompts[0].line
        if self._acts and self._acts[0].line < line:
            return False
        answers = [call.act.answer for call in self._flight.values()]
        return all(answer is not None and answer.line > line for answer in answers)

    def back(self) -> None:
        """The link is there again."""
        self.away = False

    def lost(self) -> None:
        """The link is gone; what is on its way will get no answer."""
        for call in self._flight.values():
            self._judge(call)
        boots = [call.act for call in self._flight.values() if call.act.action == BOOT]
        if boots and self._boot_deadline_us is not None:
            self._boot_again = (self._boot_deadline_us - self.boot_timeout_us, boots[0])
        self._flight.clear()

    def receive(self, data: bytes, now: int) -> list[bytes]:
        """A frame of the CSMS; what is to be sent at once."""
        frame = elements(data)
        if frame is None:
            self._differs(Difference("frame", "", 0, "", "", data[:80].decode("utf-8", "replace")))
            return []
        if frame[0] == CALL:
            return self._answer(frame[1], frame[2], frame[3])
        call = self._flight.pop(frame[1], None) if frame[0] in (RESULT, ERROR) else None
        if call is not None:
            call.took_us = now - call.sent_us
            if frame[0] == RESULT:
                call.answer = Answer(frame[2])
                self._check(self.dialect.messages.RESPONSES, call.act.action, frame[2])
            else:
                code, description, details = (*frame[2:], "", "", {})[:3]
                call.answer = Answer(details, str(code) or "?", str(description))
            self._judge(call)
            self._learn(call, now)
        return []

    # -- what the station says

    def _offset_us(self, at_us: int) -> int:
        return int((at_us - self.capture.began_us) / self.speed)

    def _due_us(self, what: Act | Order) -> int:
        return self._origin_us + self._slip_us + self._offset_us(what.at_us)

    def _later(self, at_us: int, now: int) -> None:
        """What happened at ``at_us`` in the capture happens now, and everything after it so much later."""
        self._slip_us = max(self._slip_us, now - self._origin_us - self._offset_us(at_us))

    def _blocked(self, act: Act) -> bool:
        """An answer is waited for that the station had when it sent this, or may have had."""
        if self._boot_again is not None:
            return True
        orders = [*(order for order, _ in self._awaited), *list(self._prompts)[:1]]
        if any(order.line < act.line for order in orders):
            return True
        for call in self._flight.values():
            answer = call.act.answer
            if answer is None and act.hangup:
                continue  # it was lost with the link then, too
            if answer is None or answer.line < act.line or not act.line:
                return True
        return False

    def _reference(self, act: Act) -> tuple[str, Any] | None:
        """The call of the CSMS that this message is about, if the CSMS has not sent it (yet)."""
        value = fields(act.payload).get("requestId")
        key = ("requestId", value) if isinstance(value, int | str) else None
        return key if key in self._referred and key not in self.exchange.requests else None

    def _send(self, act: Act, now: int) -> bytes:
        if act.raw is not None:
            self.raw_sent += 1
            return act.raw.encode("utf-8", "surrogateescape")
        self._count += 1
        message_id = f"{self.exchange.nonce[:16]}-{self._count}"
        payload = self.exchange.payload(act.payload)
        if act.send:
            self.sends += 1
            return _encode([SEND, message_id, act.action, payload])
        if act.action == BOOT and self._boot_deadline_us is None and _expects_acceptance(act):
            self._boot_deadline_us = now + self.boot_timeout_us
        call = Call(act, message_id, now)
        self.calls.append(call)
        self._flight[message_id] = call
        return _encode([CALL, message_id, act.action, payload])

    def _judge(self, call: Call) -> None:
        for found in differences(call):
            self._differs(found)

    def _differs(self, found: Difference) -> None:
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(found)

    def _learn(self, call: Call, now: int) -> None:
        """What follows from an answer: the id of a session, or whether the station may go on."""
        payload = call.answer.payload if call.answer is not None and not call.answer.is_error else None
        act = call.act
        if act.answer is not None:
            self._later(act.answer.at_us, now)
        if act.action == BOOT and self._boot_deadline_us is not None:
            if fields(payload).get("status") == "Accepted":
                self._boot_deadline_us = None
            else:
                seconds = whole(fields(payload).get("interval"))
                self._boot_again = (now + max(MIN_RETRY_US, seconds * 1_000_000), act)
        elif act.action == "StartTransaction":
            new = transaction_of(payload)
            if new is not None:
                self.open.add(new)
                if act.transaction is not None:
                    self.exchange.transactions[act.transaction] = new
        elif act.action == "StopTransaction":
            self.open.discard(self.exchange.transactions.get(transaction_of(act.payload)))
        elif act.action == "TransactionEvent":
            key = transaction_of(self.exchange.payload(act.payload))
            (self.open.discard if fields(act.payload).get("eventType") == "Ended" else self.open.add)(key)

    # -- what the CSMS wants

    def _answer(self, message_id: str, action: str, payload: Any) -> list[bytes]:
        self.asked.append(action)
        self._check(self.dialect.messages.REQUESTS, action, payload)
        order = self._order(action, payload)
        if order is not None:
            self._refer(order, payload)
            answer = order.answer
            if answer is not None:
                answer = Answer(self.exchange.payload(answer.payload), answer.code, answer.description)
        else:
            answer = self.fallback(action, payload)
            self.assumed.append(f"the answer to {action} is the profile's: the capture has none")
        if answer is None:
            return []
        if answer.is_error:
            return [_encode([ERROR, message_id, answer.code, answer.description, answer.payload or {}])]
        return [_encode([RESULT, message_id, answer.payload])]

    def _order(self, action: str, payload: Any) -> Order | None:
        """The call of the capture that this one is taken for; each is used once."""
        same = [order for order in self._orders if order.action == action]
        wanted = _plain(payload)
        found = next((order for order in same if _plain(order.payload) == wanted), None)
        if found is None and same and action not in PARTICULAR:
            found = same[0]
        if found is not None:
            self._orders.remove(found)
            self._awaited = [one for one in self._awaited if one[0] is not found]
            if found in self._prompts:  # it came by itself
                self._prompts.remove(found)
        return found

    def _refer(self, order: Order, payload: Any) -> None:
        """From now on the station's messages about that call are about this one."""
        for name in REFERENCES:
            key, new = (name, fields(order.payload).get(name)), fields(payload).get(name)
            if isinstance(key[1], int | str) and new is not None:
                self.exchange.requests[key] = new
                self._acts.extendleft(reversed(self._held.pop(key, [])))

    def _check(self, classes: Any, action: str, payload: Any) -> None:
        """Does it obey its schema?"""
        if action in classes and len(self.violations) < MAX_VIOLATIONS:
            self.violations += self.dialect.codec.violations(classes[action], payload, action)

    # -- what is left

    @property
    def not_asked(self) -> list[str]:
        """Calls of the capture that this CSMS did not send."""
        return [order.action for order in self._orders]

    @property
    def not_played(self) -> list[str]:
        """Messages that were about such calls, or came after the player gave up."""
        held: Iterable[Act] = (act for acts in self._held.values() for act in acts)
        return [act.action for act in (*held, *self._acts) if not act.hangup]


def _expects_acceptance(act: Act) -> bool:
    """The station was accepted then, or nothing is known of it."""
    return act.answer is None or (
        isinstance(act.answer.payload, dict) and act.answer.payload.get("status") == "Accepted"
    )


def _plain(payload: Any) -> Any:
    """A call of the CSMS without what is never the same twice."""
    if not isinstance(payload, dict):
        return payload
    return {name: value for name, value in payload.items() if name not in (*REFERENCES, "transactionId")}


def _encode(frame: list[Any]) -> bytes:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")
