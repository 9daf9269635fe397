"""What a checker understands of the frames of one station: JSON in, complaints out, no codec of ours.

Both families of messages are brought to one notion: a *line* is what was said about one transaction, a start, samples
and updates, an end. A message may come again after a time-out or a lost link; then it must be the same message, but for
its time, which a station may only know better later. In 1.6 the transaction of a start is found through the records,
because nothing in the message ties it to the ones that follow.
"""

from __future__ import annotations

import json
from typing import Any

from simulator.core.wall import parse_wall

#: 1.6 4.9 against the five values of 2.x
COARSE = {
    "Preparing": "Occupied",
    "Charging": "Occupied",
    "SuspendedEV": "Occupied",
    "SuspendedEVSE": "Occupied",
    "Finishing": "Occupied",
}
#: what a CSMS may ask for before the registration is accepted (1.6 4.2, B02.FR.02), and what comes then
ASKING = ("TriggerMessage", "ExtendedTriggerMessage", "GetBaseReport", "GetReport", "GetMonitoringReport", "GetLog")
ANSWERING = ("NotifyReport", "NotifyMonitoringReport", "LogStatusNotification")


def same(payload: dict[str, Any]) -> str:
    """A message as text, without what may differ when it is repeated."""

    def strip(part: Any) -> Any:
        if isinstance(part, dict):
            return {k: strip(v) for k, v in part.items() if k not in ("timestamp", "offline")}
        return [strip(v) for v in part] if isinstance(part, list) else part

    return json.dumps(strip(payload), sort_keys=True)


class Line:
    """What was said about one transaction."""

    __slots__ = ("csms_id", "dropped", "ended", "last_us", "numbers", "started", "starts", "stops", "swallowed")

    def __init__(self) -> None:
        self.started = self.ended = False
        #: its start or its end went into a modem that passes nothing
        self.swallowed = False
        self.numbers: dict[int, str] = {}
        self.dropped = 0
        self.last_us: int | None = None
        self.csms_id: str | None = None
        #: the messages that started and ended it, as text without what may differ when repeated
        self.starts: set[str] = set()
        self.stops: set[str] = set()


class Conversation:
    """The frames of one station. ``complaints`` holds (rule, text) until somebody takes them."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.complaints: list[tuple[str, str]] = []
        self.lines: dict[str, Line] = {}
        self.statuses: dict[int, str] = {}
        self._in_flight: tuple[str, str] | None = None
        self._ids: set[str] = set()
        self._asked: set[str] = set()
        self._last: tuple[str, dict[str, Any]] = ("", {})
        self._by_csms_id: dict[str, str] = {}
        self._touched: Line | None = None

    # -- both ways

    def heard(self, data: bytes) -> None:
        """A frame of the CSMS."""
        try:
            frame = json.loads(data)
        except (ValueError, RecursionError):
            return  # garbage: no business of this checker
        if not isinstance(frame, list) or len(frame) < 3:
            return
        if frame[0] in (3, 4) and self._in_flight is not None and frame[1] == self._in_flight[0]:
            self._in_flight = None
        elif frame[0] == 2 and len(frame) == 4 and frame[2] in ASKING and isinstance(frame[3], dict):
            self._asked.add(str(frame[3].get("requestedMessage", "")))
            self._asked.update(ANSWERING)

    def said(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """A frame of the station; (action, payload) of a CALL."""
        self._touched = None
        try:
            frame = json.loads(data)
        except ValueError:
            self.complaints.append(("frames", f"{data[:100]!r} is no JSON"))
            return None
        if frame[0] != 2:
            return None
        _, message_id, action, payload = frame
        if self._in_flight is not None:
            self.complaints.append(("one_call_in_flight", f"{action} while {self._in_flight[1]} is unanswered"))
        if message_id in self._ids:
            self.complaints.append(("message_ids", f"{action} has the used id {message_id!r}"))
        self._ids.add(message_id)
        self._in_flight = (message_id, action)
        self._last = (action, payload)
        if action == "StatusNotification":
            self._status(payload)
        elif action == "TransactionEvent":
            self._event(payload)
        elif action in ("MeterValues", "StopTransaction") and "transactionId" in payload:
            self._old_style(action, payload)
        return action, payload

    def given_up(self) -> None:
        """The station no longer waits for an answer."""
        self._in_flight = None

    lost = given_up

    def restarted(self) -> None:
        """The station's software began anew."""
        self._in_flight = None
        self._asked.clear()

    def triggered(self, action: str) -> bool:
        """Did the CSMS ask for this message since the station booted?"""
        return action in self._asked

    # -- transactions

    def _line(self, key: str) -> Line:
        return self.lines.setdefault(key, Line())

    def _event(self, payload: dict[str, Any]) -> None:
        key, number, kind = payload["transactionInfo"]["transactionId"], payload["seqNo"], payload["eventType"]
        line = self._line(key)
        text = same(payload)
        self._touched = line if number not in line.numbers else None
        if number in line.numbers:
            if line.numbers[number] != text:
                self.complaints.append(("sequence", f"{key} has two messages with seqNo {number}"))
            return
        if line.ended:
            self.complaints.append(("one_end", f"{key} goes on with seqNo {number} after its end"))
        if line.numbers and number < max(line.numbers):
            self.complaints.append(("sequence", f"{key} goes back from seqNo {max(line.numbers)} to {number}"))
        if kind == "Started":
            if line.started or number:
                self.complaints.append(("one_start", f"{key} starts with seqNo {number}"))
            line.started = True
        elif not line.started and not line.swallowed:
            self.complaints.append(("one_start", f"{key} is {kind} and was never started"))
        line.numbers[number] = text
        if kind == "Ended":
            line.ended = True
            gaps = number + 1 - len(line.numbers)
            if gaps > line.dropped:
                text = f"{key} ends with seqNo {number}: {gaps} numbers missing, {line.dropped} dropped on record"
                self.complaints.append(("sequence", text))

    def _old_style(self, action: str, payload: dict[str, Any]) -> None:
        wanted = str(payload["transactionId"])
        if wanted == "-1":
            return
        key = self._by_csms_id.get(wanted)
        if key is None:
            self.complaints.append(("own_transaction_id", f"{action} names {wanted}, which the CSMS never gave"))
            return
        line = self._line(key)
        # a value the CSMS asked for is told at once and may overtake what waits; an empty one does not say what it is
        text = json.dumps(payload)
        self._touched = None if '"context": "Trigger"' in text or '"sampledValue": []' in text else line
        if action == "StopTransaction":
            line.stops.add(same(payload))
            if len(line.stops) > 1:
                self.complaints.append(("one_end", f"transaction {wanted} was stopped in two ways"))
        elif line.stops:
            self.complaints.append(("samples_in_session", f"transaction {wanted} has values after its end"))

    def named(self, key: str, csms_id: str) -> None:
        """The CSMS gave its id (1.6)."""
        self._line(key).csms_id = csms_id
        self._by_csms_id[csms_id] = key

    def told(self, key: str, moment: str) -> list[tuple[str, str]]:
        """By the records, the CALL sent last was the begin or end of ``key``."""
        action, payload = self._last
        line = self._line(key)
        if action == "TransactionEvent":
            right = payload["transactionInfo"]["transactionId"] == key
            right = right and payload["eventType"] == ("Started" if moment == "begin" else "Ended")
            return [] if right else [("own_transaction_id", f"{moment} of {key} was told as another one")]
        found: list[tuple[str, str]] = []
        text = same(payload)
        if action == "StartTransaction":
            line.started = True
            line.starts.add(text)
            line.last_us = parse_wall(payload["timestamp"])
            if len(line.starts) > 1:
                found.append(("one_start", f"{key} was started in two ways"))
        elif action == "StopTransaction":
            if not line.started and not line.swallowed:
                found.append(("one_start", f"{key} ends and was never started"))
            line.ended = True
            line.stops.add(text)
            if str(payload["transactionId"]) != (line.csms_id or "-1"):
                found.append(("own_transaction_id", f"{payload['transactionId']} instead of {line.csms_id}"))
        return found

    def swallowed(self, key: str) -> None:
        """By the records its start or end was sent, but the modem passed nothing on."""
        self._line(key).swallowed = True

    def dropped(self, key: str) -> None:
        """By the records, a message of this transaction was dropped."""
        self._line(key).dropped += 1

    def time_fell(self, payload: dict[str, Any]) -> int:
        """By how many microseconds the message just said is older than the one before of its transaction."""
        line = self._touched
        if line is None:
            return 0
        stamp = payload.get("timestamp")
        if not stamp:
            values = payload["meterValue"]
            stamp = (values if isinstance(values, dict) else values[0])["timestamp"]
        at_us = parse_wall(stamp)
        assert at_us is not None, f"{stamp!r} is no time"
        before, line.last_us = line.last_us, at_us
        return 0 if before is None else max(0, before - at_us)

    def at_the_end(self, over: set[str], alive: set[str]) -> list[tuple[str, str]]:
        """What is missing now that everything has been delivered. ``over``: transactions that have ended."""
        found: list[tuple[str, str]] = []
        for key in sorted(over | alive):
            line = self._line(key)
            if line.swallowed:
                continue
            if not line.started and not line.dropped:
                found.append(("one_start", f"the start of {key} was never told"))
            if key in over and not line.ended and not line.dropped:
                found.append(("one_end", f"the end of {key} was never told"))
            if key in alive and line.ended:
                found.append(("one_end", f"the end of {key} was told while it goes on"))
        return found

    # -- status

    def _status(self, payload: dict[str, Any]) -> None:
        if "evseId" in payload:
            self.statuses[payload["evseId"]] = payload["connectorStatus"]
        else:
            self.statuses[payload["connectorId"]] = payload["status"]

    def words_for(self, status: str, plugged: bool) -> tuple[str, ...]:
        """How a status may have been told: as it is, or in the coarser words, where what is in use without a cable is
        free (E06, E10)."""
        coarse = COARSE.get(status, status)
        return (status, coarse if plugged or status not in COARSE or status == "Charging" else "Available")
