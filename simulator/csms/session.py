"""One connection of one station: frames in, checked answers out, and CALLs to the station one at a time.

Built on ``ocpp``'s ChargePoint for its routing (``@on``), its messages and its validators. Three of its habits are not
wanted here and are replaced: payloads stay as they were on the wire (its key conversion costs more than everything
else and loses spelling), answers to our CALLs are matched by id (an answer nobody waits for is a violation, not a
queue entry), and every CALL gets an answer, also an unknown one in 2.1 and one that cannot be read.

Answering is synchronous, so calls of one station are handled strictly in order; only an answer that a fault delays
waits in a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ocpp.charge_point import ChargePoint
from ocpp.messages import Call, CallError, CallResult
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from simulator.csms import tls, validation
from simulator.csms.clock import now_text, parse
from simulator.csms.frames import (
    UNREADABLE_ID,
    ResultError,
    Send,
    Unreadable,
    encode,
    error_frame,
    result_frame,
)
from simulator.csms.frames import parse as parse_frame
from simulator.csms.stations import Station
from simulator.pki.reading import Rejected

if TYPE_CHECKING:
    from simulator.csms.app import ReferenceCsms

LOG = logging.getLogger("simulator.csms")

WAITING_MAX = 100
EXPIRED_KEPT = 16
DELAYED_MAX = 1000
#: what a tolerant CSMS can do without when it does not understand it
PASSED_OVER = frozenset({"MeterValues"})
CLOSE_TIMEOUT_S = 5.0

# The words of 2.0.1 and 2.1 (part 4, 4.3) and of 1.6 (1.6-J 4.2.3) for what can go wrong with a call.
ERROR_CODES = frozenset(
    {
        "FormationViolation",
        "FormatViolation",
        "GenericError",
        "InternalError",
        "MessageTypeNotSupported",
        "NotImplemented",
        "NotSupported",
        "OccurenceConstraintViolation",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "RpcFrameworkError",
        "SecurityError",
        "TypeConstraintViolation",
    }
)


class Refusal(Exception):
    """Raised by a handler to answer with a CALLERROR instead of a result."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


class TooManyWaiting(Exception):
    """More CALLs wait for one station than :data:`WAITING_MAX`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a CALL of ours: ``result``, ``error``, ``timeout`` or ``disconnected``."""

    status: str
    payload: Any = None
    code: str = ""
    description: str = ""
    details: Any = None
    violation: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The answer of the operations API."""
        if self.status == "result":
            shown: dict[str, Any] = {"status": self.status, "payload": self.payload}
        elif self.status == "error":
            shown = {"status": self.status, "code": self.code, "description": self.description, "details": self.details}
        else:
            shown = {"status": self.status, "description": self.description}
        return shown if self.violation is None else {**shown, "violation": self.violation}


@dataclass(slots=True)
class _Waiting:
    """The CALL that is under way."""

    unique_id: str
    action: str
    answer: asyncio.Future[Outcome]


class Session(ChargePoint):
    """What the versions have in common; ``_ocpp_version`` and the handlers come from the subclasses."""

    version: ClassVar[str]
    """``1.6``, ``2.0.1`` or ``2.1``."""
    _ocpp_version: ClassVar[str]
    silent_answers: ClassVar[frozenset[str]]
    """Actions that are noted and answered with an empty payload."""

    def __init__(self, csms: ReferenceCsms, station: Station, connection: ServerConnection) -> None:
        super().__init__(station.id, connection)
        self.csms, self.station, self.connection = csms, station, connection
        self.triggered: set[str] = set()
        self._waiting: _Waiting | None = None
        self._queued = 0
        self._calls_sent = 0
        self._expired: deque[str] = deque(maxlen=EXPIRED_KEPT)
        self._spoilt: deque[str] = deque(maxlen=EXPIRED_KEPT)  # ids of calls that a fault answered wrongly
        self._fault_plan: object = None
        self._calls_under_plan = 0
        self._delayed: set[asyncio.Task[None]] = set()
        self._signed: list[dict[str, Any]] = []  # to be handed over once their request has been answered

    @property
    def incoming(self) -> frozenset[str]:
        """The actions this CSMS takes from a station."""
        return self.silent_answers | self.route_map.keys() | {"NotifyPeriodicEventStream"}

    # --- what handlers use -------------------------------------------------------------------------------------------

    def violation(self, action: str, rule: str, detail: str) -> None:
        """The station did something wrong."""
        self.csms.violations.add(self.station.id, action, rule, detail)

    def check_time(self, action: str, text: str) -> None:
        """``text`` was given as a date-time; ``ocpp`` does not check formats."""
        if parse(text) is None:
            self.violation(action, "date-time", f"{text[:40]!r} is not RFC 3339 with an offset")

    def boot(self, identity: dict[str, Any]) -> dict[str, Any]:
        """The answer to BootNotification, the same in every version."""
        station, csms = self.station, self.csms
        station.boots += 1
        station.identity = {**identity, "booted_at": now_text()}
        station.registration = csms.boot_status
        self.triggered.clear()
        csms.stations.changed(station)
        return {"status": csms.boot_status, "currentTime": now_text(), "interval": csms.boot_interval_s}

    def sign(self, csr: str, more: dict[str, Any]) -> dict[str, Any]:
        """The answer to SignCertificate (A02, white paper A02); the certificate follows in a CALL of its own.

        ``more`` goes into that CALL beside the chain. Without an authority, and for a request that cannot be read, the
        answer is Rejected.
        """
        self.station.note("SignCertificate", {"csr": csr, **more})
        authority = self.csms.authority
        if authority is None:
            return {"status": "Rejected"}
        try:
            chain = tls.sign(authority, csr)
        except Rejected as no:
            self.violation("SignCertificate", "csr", no.detail)
            return {"status": "Rejected"}
        self._signed.append({"certificateChain": chain, **more})
        return {"status": "Accepted"}

    async def _hand_over(self, payload: dict[str, Any]) -> None:
        """What became of it stands among the station's notices."""
        try:
            outcome = await self.call_station("CertificateSigned", payload, self.csms.options.call_timeout_s)
        except TooManyWaiting as full:
            outcome = Outcome("timeout", description=str(full))
        self.station.note("CertificateSigned", outcome.as_json())

    def learn_password(self, action: str, payload: Any, result: Any) -> None:
        """A CALL of ours was answered; if it has set the station's password, remember that."""
        raise NotImplementedError

    # --- frames in ---------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Read and answer until the connection ends."""
        try:
            while True:
                await self.route_message(await self.connection.recv(decode=False))
        except ConnectionClosed:
            return
        finally:
            for task in self._delayed:
                task.cancel()
            if self._waiting is not None and not self._waiting.answer.done():
                self._waiting.answer.set_result(Outcome("disconnected", description="the station's connection ended"))

    async def route_message(self, raw_msg: bytes) -> None:
        """Handle one frame. Never raises for what a station sends; ConnectionClosed passes."""
        try:
            message = parse_frame(raw_msg, self.version)
        except Unreadable as e:
            self.violation("", e.rule, e.detail)
            await self._answer_unreadable(e)
            return
        if isinstance(message, Call):
            await self._handle_call(message)
        elif isinstance(message, Send):
            self._take_send(message)
        elif isinstance(message, ResultError):
            if message.unique_id not in self._spoilt:  # else it is right
                self.violation("", "callresulterror", f"refused our answer: {message.error_code[:40]}")
        else:
            await self._take_answer(message)

    async def _answer_unreadable(self, e: Unreadable) -> None:
        if e.rule == "message-type" and self.version != "2.0.1":
            return  # ignored (1.6-J 4.1.3, part 4 of 2.1 4.4); only 2.0.1 refuses it (part 4 4.4)
        if self.version == "1.6":
            if e.message_id is None:  # 1.6 has no id for the unreadable
                return
            e.code = "FormationViolation"
        await self._send_bytes(error_frame(e.message_id or UNREADABLE_ID, e.code, e.detail))

    async def _handle_call(self, msg: Call) -> None:
        self.csms.calls += 1
        self.station.calls += 1
        answer = await self._answer(msg)
        plan = self.csms.faults
        if plan.active:
            await self._answer_faultily(msg, answer)
        else:
            await self._send_bytes(answer)
        while self._signed:
            task = asyncio.create_task(self._hand_over(self._signed.pop()))
            self._delayed.add(task)
            task.add_done_callback(self._delayed.discard)

    async def _answer(self, call: Call) -> bytes:
        """The frame that answers ``call``."""
        action, unique_id, payload = call.action, call.unique_id, call.payload
        route = self.route_map.get(action)
        if route is None and action not in self.silent_answers:
            # 1.6-J 4.2.3, part 4 4.3: NotImplemented is "not known", NotSupported "known but not done here".
            known = action in validation.actions(self.version)
            self.violation(action, "unknown-action", "a CSMS does not receive this" if known else "no such action")
            code = "NotSupported" if known else "NotImplemented"
            return error_frame(unique_id, code, f"{action[:60]} is not for a CSMS")
        complaint = await validation.check_call(self.version, action, payload)
        if complaint is not None:
            self.violation(action, complaint.rule, complaint.detail)
            if not self.csms.options.tolerant:
                return error_frame(unique_id, complaint.code, f"{complaint.rule}: {complaint.detail}")
        if not self._may_talk(action):
            return error_frame(unique_id, "SecurityError", "the BootNotification was not accepted")
        try:
            if route is None:
                self.station.note(action, payload)
                result: dict[str, Any] = {}
            else:
                result = route["_on_action"](payload)
        except Refusal as e:
            return error_frame(unique_id, e.code, e.description)
        except Exception:
            if complaint is not None:
                return self._not_understood(action, unique_id, complaint)
            LOG.exception("%s of %s was not handled", action, self.station.id)
            return error_frame(unique_id, "InternalError", "the reference CSMS failed; see its log")
        encoded = encode(result)
        complaint = await validation.check_own_result(self.version, action, result, encoded)
        if complaint is not None:
            LOG.error("own answer to %s breaks the schema: %s %s", action, complaint.rule, complaint.detail)
            return error_frame(unique_id, "InternalError", "the reference CSMS had no valid answer")
        return result_frame(unique_id, encoded)

    def _not_understood(self, action: str, unique_id: str, complaint: validation.Complaint) -> bytes:
        """What a tolerant CSMS answers to what breaks the schema and makes no sense: readings are passed over, because
        an error would have the station tell them again; anything else is an error after all."""
        if action in PASSED_OVER:
            return result_frame(unique_id, encode({}))
        return error_frame(unique_id, complaint.code, f"{complaint.rule}: {complaint.detail}")

    def _may_talk(self, action: str) -> bool:
        """Registration (1.6 4.2; 2.0.1 B01.FR.10, B02.FR.09, B03.FR.07): only 2.x answers offenders with an error."""
        registration = self.station.registration
        if registration == "Accepted" or action == "BootNotification":
            return True
        if registration is None:
            self.violation(action, "before-boot", "sent before the first BootNotification")
            return True
        if registration == "Pending" and action in self.triggered:
            return True
        self.violation(action, "before-accepted", f"sent although the BootNotification was answered {registration}")
        return self.version == "1.6"

    def _take_send(self, message: Send) -> None:
        complaint = validation.check_send(self.version, message.action, message.payload)
        if complaint is not None:
            self.violation(message.action, complaint.rule, complaint.detail)
        else:
            self.station.note(message.action, message.payload)

    # --- faults ------------------------------------------------------------------------------------------------------

    async def _answer_faultily(self, call: Call, answer: bytes) -> None:
        plan = self.csms.faults
        if self._fault_plan is not plan:
            self._fault_plan, self._calls_under_plan = plan, 0
        self._calls_under_plan += 1
        frames = plan.frames(call, answer)
        if frames != [answer]:
            self._spoilt.append(call.unique_id)
        if plan.delay_s:
            if len(self._delayed) < DELAYED_MAX:
                task = asyncio.create_task(self._send_later(frames, plan.delay_s))
                self._delayed.add(task)
                task.add_done_callback(self._delayed.discard)
        else:
            for frame in frames:
                await self._send_bytes(frame)
        if plan.close_after is not None and self._calls_under_plan >= plan.close_after:
            if plan.close_code == 1006:
                self.connection.transport.abort()
            else:
                await self.connection.close(plan.close_code, "a fault that was asked for")

    async def _send_later(self, frames: list[bytes], delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        try:
            for frame in frames:
                await self._send_bytes(frame)
        except ConnectionClosed:
            pass  # the station did not wait; serve() has seen the end too

    # --- CALLs to the station ----------------------------------------------------------------------------------------

    async def call_station(self, action: str, payload: Any, timeout_s: float) -> Outcome:
        """Send a CALL and wait for what becomes of it; ``timeout_s`` counts from sending.

        CALLs to one station go one after the other (part 4, 4.1.1). Raises :class:`TooManyWaiting`.
        """
        if self._queued >= WAITING_MAX:
            raise TooManyWaiting(f"{WAITING_MAX} calls wait for {self.station.id} already")
        self._queued += 1
        try:
            async with self._call_lock:
                outcome = await self._call_now(action, payload, timeout_s)
            if outcome.status == "result" and outcome.violation is None:
                valid = await validation.check_call(self.version, action, payload) is None
                if valid:  # a raw call can have any shape
                    self.learn_password(action, payload, outcome.payload)
            return outcome
        finally:
            self._queued -= 1

    async def _call_now(self, action: str, payload: Any, timeout_s: float) -> Outcome:
        self._calls_sent += 1
        unique_id = f"csms-{self.station.connects}-{self._calls_sent}"
        waiting = self._waiting = _Waiting(unique_id, action, asyncio.get_running_loop().create_future())
        self._expect(action, payload)
        try:
            await self._send_bytes(encode([2, unique_id, action, payload]))
            async with asyncio.timeout(timeout_s):
                return await waiting.answer
        except ConnectionClosed:
            return Outcome("disconnected", description="the station's connection ended")
        except TimeoutError:
            self._expired.append(unique_id)
            return Outcome("timeout", description=f"no answer within {timeout_s:g} s")
        finally:
            self._waiting = None

    def _expect(self, action: str, payload: Any) -> None:
        """Remember what an unaccepted station may now send because we asked (1.6 5.17; 2.0.1 B02.FR.09)."""
        if action in ("TriggerMessage", "ExtendedTriggerMessage") and isinstance(payload, dict):
            wanted = str(payload.get("requestedMessage"))
            self.triggered.add("SignCertificate" if wanted.startswith("Sign") else wanted)
        elif action in ("GetBaseReport", "GetReport"):
            self.triggered.add("NotifyReport")

    async def _take_answer(self, message: CallResult | CallError) -> None:
        waiting = self._waiting
        if waiting is None or waiting.unique_id != message.unique_id or waiting.answer.done():
            late = message.unique_id in self._expired
            rule, detail = ("late-answer", "came after its time") if late else ("unmatched-answer", "nobody asked")
            self.violation("", rule, f"{detail}: {message.unique_id[:36]}")
            return
        if isinstance(message, CallError):
            if message.error_code not in ERROR_CODES:
                self.violation(waiting.action, "error-code", f"no such error code: {message.error_code[:40]}")
            waiting.answer.set_result(
                Outcome(
                    "error",
                    code=message.error_code,
                    description=str(message.error_description),
                    details=message.error_details,
                )
            )
            return
        complaint = await validation.check_result(self.version, waiting.action, message.payload)
        described = None
        if complaint is not None and complaint.rule != "unknown-action":  # unknown: a raw call, nothing to compare with
            described = f"{complaint.rule}: {complaint.detail}"
            self.violation(waiting.action, complaint.rule, f"in the answer: {complaint.detail}")
            if self.version == "2.1":
                await self._send_bytes(error_frame(message.unique_id, complaint.code, described, kind=5))
        if not waiting.answer.done():
            waiting.answer.set_result(Outcome("result", payload=message.payload, violation=described))

    async def _send_bytes(self, frame: bytes) -> None:
        await self.connection.send(frame, text=True)
