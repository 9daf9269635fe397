"""Frames for people who look on: the last ones of a station, and those that pass while somebody watches.

Rings of the last frames exist anyway (``trace.py``); they are read here, redacted, when somebody asks. A *tap* is one
watcher of one station. While nobody watches nothing is done at all: the taps step between the live driver and its
observer with the first watcher and leave with the last. Secrets are replaced exactly as in a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from simulator.events import EventStream
from simulator.fleet.farm import Farm
from simulator.fleet.live import Observer, Seat
from simulator.fleet.trace import OpenCalls, timestamp, trace_record

#: watchers at once; each costs a connection and a bounded queue
TAPS_MAX = 50
Frame = tuple[int, bool, bytes]


class LastMessage(msgspec.Struct, frozen=True, gc=False):
    """The last frame of a station: when (UTC), ``cp-to-csms`` or ``csms-to-cp``, its message type, and its action."""

    timestamp: str
    direction: str
    type: str
    action: str | None


def last_frames(farm: Farm, seat: Seat, last: int, actions: Collection[str] = ()) -> list[dict[str, Any]]:
    """The last so many frames of a station in the exchange format, redacted, oldest first; only of ``actions`` if any
    are named."""
    if last <= 0:
        return []
    calls = OpenCalls()
    found = [_record(farm, seat, frame, calls) for frame in farm.rings.frames(seat.station.id)]
    return [record for record in found if not actions or record.get("action") in actions][-last:]


def last_message(frames: Sequence[Frame], utc_of_zero_us: int) -> LastMessage | None:
    """What the last of ``frames`` was; an answer has the action of its CALL when that is among them."""
    if not frames:
        return None
    at_us, to_csms, data = frames[-1]
    record = _plain(data, to_csms)
    action = record.get("action")
    if action is None and "messageId" in record:
        asked = record["messageId"].encode()
        for _, theirs, earlier in reversed(frames[:-1]):
            if theirs != to_csms and asked in earlier:
                call = _plain(earlier, theirs)
                if call.get("messageId") == record["messageId"] and call["messageType"] == "CALL":
                    action = call["action"]
                    break
    return LastMessage(timestamp(utc_of_zero_us + at_us), record["direction"], record["messageType"], action)


def _plain(data: bytes, to_csms: bool) -> dict[str, Any]:
    return trace_record(data, station_id="", ocpp="", utc_us=0, to_csms=to_csms, calls=OpenCalls())


def _record(farm: Farm, seat: Seat, frame: Frame, calls: OpenCalls) -> dict[str, Any]:
    at_us, to_csms, data = frame
    station = seat.station
    return trace_record(
        farm.redactor.clean(data, station.id),
        station_id=station.id,
        ocpp=station.dialect.name,
        utc_us=farm.clock.epoch_us + at_us,
        to_csms=to_csms,
        calls=calls,
    )


class Tap:
    """One watcher of one station."""

    def __init__(self, farm: Farm, seat: Seat, actions: Collection[str], on_close: Callable[[Tap], None]) -> None:
        self._farm, self.seat, self._actions = farm, seat, actions
        self.stream = EventStream(lambda: on_close(self))
        self._calls = OpenCalls()

    def begin(self, last: int) -> None:
        """Begin with frames that have passed already; all of them tell which CALLs are still to be answered."""
        passed = [self._wanted(frame) for frame in self._farm.rings.frames(self.seat.station.id)]
        for line in [line for line in passed if line is not None][-last:] if last > 0 else ():
            self.stream.send("frame", line)

    def pass_on(self, frame: Frame) -> None:
        """A frame passes."""
        line = self._wanted(frame)
        if line is not None:
            self.stream.send("frame", line)

    def _wanted(self, frame: Frame) -> bytes | None:
        """A frame as a line of JSON; None when it is of an action nobody asked for."""
        record = _record(self._farm, self.seat, frame, self._calls)
        return msgspec.json.encode(record) if not self._actions or record.get("action") in self._actions else None


class Taps:
    """All watchers of a farm; an observer of the live driver while there are any."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._taps: list[Tap] = []
        self._behind: Observer | None = None

    def open(self, seat: Seat, *, last: int = 0, actions: Collection[str] = ()) -> EventStream | None:
        """Watch a station, from its ``last`` frames on; None when too many are watching already."""
        if len(self._taps) >= TAPS_MAX:
            return None
        if not self._taps:
            self._behind, self._farm.live.observer = self._farm.live.observer, self
        tap = Tap(self._farm, seat, actions, self._close)
        self._taps.append(tap)
        tap.begin(last)
        return tap.stream

    def _close(self, tap: Tap) -> None:
        self._taps.remove(tap)
        if not self._taps and self._farm.live.observer is self:
            self._farm.live.observer, self._behind = self._behind, None

    def record(self, seat: Seat, what: Any, now: int) -> None:
        """A record of a station: passed on."""
        if self._behind is not None:
            self._behind.record(seat, what, now)

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        """A frame: passed on, and shown to whoever watches this station."""
        if self._behind is not None:
            self._behind.frame(seat, data, to_csms, now)
        at_us = self._farm.clock.real_us()
        for tap in self._taps:
            if tap.seat is seat:
                tap.pass_on((at_us, to_csms, data))
