"""The five performance parameters of the certification procedure (1.6 test procedure V2.4, 9.2.1), from frames.

A certification measures them and judges nothing. They are read from the frames as they pass, in real or in simulated
time, so that the same code measures a run and a certification:

* ``triggered_function_timeout``: the answer to a command until the request it causes (four pairs, see ``_caused``)
* ``response_timeout``: any request sent to the station until its answer
* ``authorize_response``: Authorize until the central system's answer
* ``remote_start_to_start``, ``remote_stop_to_stop``: the command until the transaction message it causes, if that
  follows at once: a start that waited for the cable does not count

A station costs nothing here until it is commanded, and what never comes is forgotten after a minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PARAMETERS = (
    "triggered_function_timeout",
    "response_timeout",
    "authorize_response",
    "remote_start_to_start",
    "remote_stop_to_stop",
)
#: what follows later than this was not caused by the command
FORGET_US = 60_000_000
MAX_WAITING = 32
MAX_SAMPLES = 10_000

Match = Callable[[str, Any], bool]


@dataclass(slots=True)
class Waiting:
    """What one station owes or is owed. ``asked``: id -> (action, payload, at); ``caused``: what is to follow."""

    asked: dict[str, tuple[str, Any, int]] = field(default_factory=dict)
    authorize: dict[str, int] = field(default_factory=dict)
    caused: list[tuple[str, int, Match]] = field(default_factory=list)


class Performance:
    """Samples of the five parameters, in microseconds."""

    def __init__(self) -> None:
        self.samples: dict[str, list[int]] = {name: [] for name in PARAMETERS}
        self._waiting: dict[str, Waiting] = {}

    def frame(self, station_id: str, data: bytes, to_csms: bool, at_us: int) -> None:
        """A frame passed at ``at_us``; whatever cannot be read is of no interest."""
        kind = data[1:2]
        waiting = self._waiting.get(station_id)
        if to_csms:
            if kind == b"2" and (waiting is not None or b'"Authorize"' in data[:80]):
                self._call(station_id, data, at_us)
            elif kind == b"3" and waiting is not None and waiting.asked:
                self._answer(waiting, data, at_us)
        elif kind == b"2":
            self._command(station_id, data, at_us)
        elif kind == b"3" and waiting is not None and waiting.authorize:
            frame = _read(data, 3)
            begun = waiting.authorize.pop(frame[1], None) if frame else None
            if begun is not None:
                self._sample("authorize_response", at_us - begun)
        if waiting is not None:
            self._forget(station_id, waiting, at_us)

    def summary(self) -> dict[str, dict[str, float | int | None]]:
        """For each parameter how often it was measured, and the median and the longest time in seconds."""
        return {name: _figures(sorted(values)) for name, values in self.samples.items()}

    # -- what passes

    def _command(self, station_id: str, data: bytes, at_us: int) -> None:
        frame = _read(data, 4)
        if frame is None:
            return
        waiting = self._waiting.setdefault(station_id, Waiting())
        if len(waiting.asked) < MAX_WAITING:
            waiting.asked[frame[1]] = (frame[2], frame[3], at_us)

    def _answer(self, waiting: Waiting, data: bytes, at_us: int) -> None:
        frame = _read(data, 3)
        found = waiting.asked.pop(frame[1], None) if frame else None
        if frame is None or found is None:
            return
        action, payload, asked_us = found
        self._sample("response_timeout", at_us - asked_us)
        answer = frame[2]
        if not isinstance(answer, dict) or answer.get("status") != "Accepted" or len(waiting.caused) >= MAX_WAITING:
            return
        for name, match in _caused(action, payload if isinstance(payload, dict) else {}):
            since_us = at_us if name == "triggered_function_timeout" else asked_us
            waiting.caused.append((name, since_us, match))

    def _call(self, station_id: str, data: bytes, at_us: int) -> None:
        frame = _read(data, 4)
        if frame is None or not isinstance(frame[3], dict):
            return
        waiting = self._waiting.setdefault(station_id, Waiting())
        action, payload = frame[2], frame[3]
        if action == "Authorize" and len(waiting.authorize) < MAX_WAITING:
            waiting.authorize[frame[1]] = at_us
        if action == "StatusNotification" and _waits_for_the_cable(payload):
            waiting.caused = [row for row in waiting.caused if row[0] != "remote_start_to_start"]
        for row in waiting.caused:
            name, since_us, match = row
            if match(action, payload):
                waiting.caused.remove(row)
                self._sample(name, at_us - since_us)
                return

    def _forget(self, station_id: str, waiting: Waiting, at_us: int) -> None:
        limit_us = at_us - FORGET_US
        if waiting.caused and waiting.caused[0][1] < limit_us:
            waiting.caused = [row for row in waiting.caused if row[1] >= limit_us]
        for told in (waiting.authorize, waiting.asked):
            while told:
                first: Any = next(iter(told.values()))
                if (first[2] if isinstance(first, tuple) else first) >= limit_us:
                    break
                del told[next(iter(told))]
        if not (waiting.asked or waiting.authorize or waiting.caused):
            self._waiting.pop(station_id, None)

    def _sample(self, name: str, took_us: int) -> None:
        samples = self.samples[name]
        if len(samples) < MAX_SAMPLES:
            samples.append(took_us)


def _caused(action: str, payload: dict[str, Any]) -> list[tuple[str, Match]]:
    """What an accepted command is to be followed by. Firmware, diagnostics and reboots are left out (9.2.1)."""
    if action in ("CancelReservation", "ReserveNow"):
        status = "Reserved" if action == "ReserveNow" else "Available"
        return [("triggered_function_timeout", lambda a, p: a == "StatusNotification" and _status(p) == status)]
    if action == "ChangeAvailability":
        return [("triggered_function_timeout", lambda a, p: a == "StatusNotification")]
    if action in ("TriggerMessage", "ExtendedTriggerMessage"):
        wanted = payload.get("requestedMessage")
        if wanted in ("BootNotification", "Heartbeat", "StatusNotification", "MeterValues", "TransactionEvent"):
            return [("triggered_function_timeout", lambda a, p: a == wanted)]
    if action in ("RemoteStartTransaction", "RequestStartTransaction"):
        return [("remote_start_to_start", lambda a, p: a == "StartTransaction" or _event(a, p, "Started"))]
    if action in ("RemoteStopTransaction", "RequestStopTransaction"):
        return [("remote_stop_to_stop", lambda a, p: a == "StopTransaction" or _event(a, p, "Ended"))]
    return []


def _status(payload: dict[str, Any]) -> Any:
    return payload.get("status", payload.get("connectorStatus"))


def _event(action: str, payload: dict[str, Any], kind: str) -> bool:
    return action == "TransactionEvent" and payload.get("eventType") == kind


def _waits_for_the_cable(payload: dict[str, Any]) -> bool:
    """Preparing told after a remote start: the car is not there yet (with the cable in, it was told before)."""
    return payload.get("status") == "Preparing"


def _read(data: bytes, length: int) -> list[Any] | None:
    try:
        frame = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(frame, list)
        or len(frame) != length
        or not all(isinstance(w, str) for w in frame[1 : length - 1])
    ):
        return None
    return frame


def _figures(values: list[int]) -> dict[str, float | int | None]:
    if not values:
        return {"count": 0, "median_s": None, "longest_s": None}
    middle = values[len(values) // 2]
    return {"count": len(values), "median_s": round(middle / 1e6, 6), "longest_s": round(values[-1] / 1e6, 6)}
