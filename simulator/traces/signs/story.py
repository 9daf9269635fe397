"""What one station said, in the order of the log, with what a sign has to know: answers, samples, sessions.

Nothing of a payload is taken for granted (``values``), and nothing here takes longer than the log is long.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

from simulator.traces.model import CALL, ERROR, RESULT, TO_CSMS, TO_STATION, Frame, Mark, Trace, Unreadable
from simulator.traces.parts import fields, items, text
from simulator.traces.signs.values import ENERGY, Ids, Profile, Sample, Session, Status, integer, meter_values, stamp

PROFILES_MAX = 300
"""Charging profiles of one station that are looked at."""
OPEN_MAX = 8
"""Sessions of one connector that may seem to run at the same time, because their ends are not in the log."""
PASSED_MAX_US = 86_400_000_000
"""Between two times of a log; what is longer may be a clock that was set."""


class Story:
    """The log of one station."""

    def __init__(self, trace: Trace, station: str) -> None:
        self.frames = trace.of(station)
        self.unreadable: list[Unreadable] = [item for item in trace.unreadable if item.station == station]
        self.marks: list[Mark] = [mark for mark in trace.marks if mark.station == station]
        self.station = station
        self._order = {id(frame): place for place, frame in enumerate(self.frames)}
        self._sampled: dict[int, list[Sample]] = {}
        self._pair()

    def _pair(self) -> None:
        self._answers: dict[int, Frame] = {}
        opened: dict[tuple[str, bool], Frame] = {}
        for frame in self.frames:
            if frame.kind == CALL:
                opened[frame.id, frame.direction == TO_CSMS] = frame
            elif frame.kind in (RESULT, ERROR):
                asked = opened.pop((frame.id, frame.direction == TO_STATION), None)
                if asked is not None:
                    self._answers[id(asked)] = frame

    # -- frames

    def order(self, frame: Frame) -> int:
        """Place of a frame among all of the station."""
        return self._order[id(frame)]

    def answer(self, call: Frame) -> Frame | None:
        """The answer to a CALL, if it is in the log."""
        return self._answers.get(id(call))

    def accepted(self, call: Frame) -> bool:
        """Was it answered with the status Accepted?"""
        return self.status_of_answer(call) == "Accepted"

    def status_of_answer(self, call: Frame) -> str:
        """The status of the answer; "" when there is none."""
        answer = self.answer(call)
        return "" if answer is None or answer.kind != RESULT else text(fields(answer.payload).get("status"))

    def refused(self, call: Frame) -> str:
        """The error code with which it was answered; "" when it was not."""
        answer = self.answer(call)
        return answer.code if answer is not None and answer.kind == ERROR else ""

    @cached_property
    def calls(self) -> list[Frame]:
        """CALLs of the station."""
        return [frame for frame in self.frames if frame.kind == CALL and frame.direction == TO_CSMS]

    @cached_property
    def orders(self) -> list[Frame]:
        """CALLs of the CSMS."""
        return [frame for frame in self.frames if frame.kind == CALL and frame.direction == TO_STATION]

    def told(self, *actions: str) -> list[Frame]:
        """CALLs of the station with one of these actions."""
        return [frame for frame in self.calls if frame.action in actions]

    def asked(self, *actions: str) -> list[Frame]:
        """CALLs of the CSMS with one of these actions."""
        return [frame for frame in self.orders if frame.action in actions]

    def after(self, frame: Frame) -> list[Frame]:
        """What came later."""
        return self.frames[self.order(frame) + 1 :]

    def calls_after(self, order: int) -> Iterator[Frame]:
        """CALLs of the station that came later than a place of the log."""
        return islice(self.calls, bisect_right(self._call_orders, order), None)

    @cached_property
    def _call_orders(self) -> list[int]:
        return [self.order(call) for call in self.calls]

    def frame_before(self, line: int) -> Frame | None:
        """The last frame above a line of the log."""
        place = bisect_left(self._lines, line)
        return self.frames[place - 1] if place else None

    def call_below(self, line: int) -> Frame | None:
        """The first CALL of the station below a line of the log."""
        place = bisect_right(self._lines, line)
        return next(self.calls_after(place - 1), None)

    @cached_property
    def _lines(self) -> list[int]:
        return [frame.line for frame in self.frames]

    @cached_property
    def last_heard(self) -> Frame | None:
        """The last frame of the station."""
        return next((frame for frame in reversed(self.frames) if frame.direction == TO_CSMS), None)

    def gap_s(self, earlier: Frame, later: Frame) -> float | None:
        """Seconds from one frame to another by the clock of the log; None when it does not say."""
        if earlier.at_us is None or later.at_us is None:
            return None
        return (later.at_us - earlier.at_us) / 1e6

    def lived_s(self, frame: Frame) -> float | None:
        """Seconds from a frame to the end of the log."""
        return self.gap_s(frame, self.frames[-1])

    # -- boot

    @cached_property
    def boots(self) -> list[Frame]:
        """BootNotifications."""
        return self.told("BootNotification")

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Vendor, model and the like of the first BootNotification, in the words of 1.6."""
        for boot in self.boots:
            payload = fields(boot.payload)
            newer = fields(payload.get("chargingStation"))
            if newer:
                modem = fields(newer.get("modem"))
                return {
                    "chargePointVendor": newer.get("vendorName"),
                    "chargePointModel": newer.get("model"),
                    "chargePointSerialNumber": newer.get("serialNumber"),
                    "firmwareVersion": newer.get("firmwareVersion"),
                } | {name: modem[name] for name in ("iccid", "imsi") if name in modem}
            return payload
        return {}

    def reported(self, name: str) -> str:
        """A text of the BootNotification, by its 1.6 name."""
        return text(self.identity.get(name))

    # -- statuses, samples, sessions

    @cached_property
    def statuses(self) -> list[Status]:
        """StatusNotifications, in their order."""
        found = []
        for frame in self.told("StatusNotification"):
            payload = fields(frame.payload)
            word = text(payload.get("status")) or text(payload.get("connectorStatus"))
            connector = integer(payload.get("connectorId"))
            found.append(Status(frame, self.order(frame), connector, word, payload))
        return found

    @cached_property
    def _by_connector(self) -> dict[int | None, list[Status]]:
        found: dict[int | None, list[Status]] = {}
        for status in self.statuses:
            found.setdefault(status.connector, []).append(status)
        return found

    def statuses_of(self, connector: int | None) -> list[Status]:
        """Statuses of one connector."""
        return self._by_connector.get(connector, [])

    @property
    def connectors(self) -> list[int]:
        """Connectors above 0 of which a status was told."""
        return sorted({s.connector for s in self.statuses if s.connector})

    @cached_property
    def samples(self) -> list[Sample]:
        """Sampled values of MeterValues, StopTransaction and TransactionEvent, in their order."""
        found: list[Sample] = []
        for frame in self.told("MeterValues", "StopTransaction", "TransactionEvent"):
            found += self.samples_of(frame)
        return found

    def samples_of(self, frame: Frame) -> list[Sample]:
        """The sampled values of one message."""
        known = self._sampled.get(id(frame))
        if known is None:
            known = self._sampled[id(frame)] = list(self._samples_of(frame))
        return known

    @cached_property
    def _meter_frames(self) -> dict[Any, tuple[list[int], list[Frame]]]:
        """MeterValues by connector, with their places."""
        found: dict[Any, tuple[list[int], list[Frame]]] = {}
        for frame in self.told("MeterValues"):
            connector = integer(fields(frame.payload).get("connectorId"))
            orders, frames = found.setdefault(connector, ([], []))
            orders.append(self.order(frame))
            frames.append(frame)
        return found

    def meter_frames(self, session: Session) -> list[Frame]:
        """MeterValues of the connector of a session that came while it ran."""
        orders, frames = self._meter_frames.get(session.connector, ([], []))
        last = session.end if session.end is not None else len(self.frames)
        return frames[bisect_right(orders, session.begin) : bisect_left(orders, last)]

    def _samples_of(self, frame: Frame) -> Iterator[Sample]:
        payload = fields(frame.payload)
        transaction = payload.get("transactionId", fields(payload.get("transactionInfo")).get("transactionId"))
        connector = integer(payload.get("connectorId", payload.get("evseId")))
        for value in meter_values(frame):
            for sampled in items(fields(value).get("sampledValue")):
                part = fields(sampled)
                yield Sample(
                    frame,
                    self.order(frame),
                    connector,
                    transaction,
                    stamp(fields(value).get("timestamp")),
                    part.get("value"),
                    text(part.get("context")),
                    text(part.get("measurand")),
                    text(part.get("unit")) or text(fields(part.get("unitOfMeasure")).get("unit")),
                    text(part.get("phase")),
                    text(part.get("location")),
                )

    def measured(self, measurand: str, *, energy_by_default: bool = True) -> list[Sample]:
        """Samples of a measurand in MeterValues; one without a name is energy, unless its unit says otherwise."""
        return [
            sample
            for sample in self.samples
            if sample.frame.action == "MeterValues"
            and (
                sample.measurand == measurand
                or (
                    measurand == ENERGY
                    and energy_by_default
                    and not sample.measurand
                    and sample.unit in ("", "Wh", "kWh")
                )
            )
        ]

    @cached_property
    def sessions(self) -> list[Session]:
        """Transactions of 1.6, in the order of their starts."""
        found: list[Session] = []
        for frame in self.told("StartTransaction", "StopTransaction"):
            payload = fields(frame.payload)
            if frame.action == "StartTransaction":
                answer = self.answer(frame)
                given = fields(answer.payload).get("transactionId") if answer and answer.kind == RESULT else None
                found.append(Session(frame, None, integer(payload.get("connectorId")), given, self.order(frame)))
                continue
            wanted = payload.get("transactionId")
            there = [session for session in found if session.stop is None]
            named = [session for session in there if session.id is not None and session.id == wanted]
            candidates = named or there
            if candidates:
                candidates[-1].stop, candidates[-1].end = frame, self.order(frame)
            else:
                found.append(Session(None, frame, None, wanted, self.order(frame), self.order(frame)))
        for session in found:
            session.samples = [s for frame in self.meter_frames(session) for s in self.samples_of(frame)]
            if session.stop is not None:
                session.samples += self.samples_of(session.stop)
        return found

    def running(self, order: int, connector: int | None) -> Session | None:
        """The session that ran on a connector at a place of the log."""
        begins, sessions = self._running.get(connector, ([], []))
        place = bisect_left(begins, order)
        # a few may have been left without their end
        for session in reversed(sessions[max(0, place - OPEN_MAX) : place]):
            if session.end is None or session.end > order:
                return session
        return None

    @cached_property
    def _running(self) -> dict[int | None, tuple[list[int], list[Session]]]:
        found: dict[int | None, tuple[list[int], list[Session]]] = {}
        for session in sorted(self.sessions, key=lambda session: session.begin):
            begins, sessions = found.setdefault(session.connector, ([], []))
            begins.append(session.begin)
            sessions.append(session)
        return found

    def over_before(self, order: int, connector: int | None) -> Session | None:
        """The last session of a connector that was over at a place of the log."""
        begins, sessions = self._running.get(connector, ([], []))
        place = bisect_left(begins, order)
        for session in reversed(sessions[max(0, place - OPEN_MAX) : place]):
            if session.end is not None and session.end < order:
                return session
        return None

    def ended_by(self, stop: Frame) -> Session | None:
        """The session a StopTransaction ended."""
        return self._ended.get(id(stop))

    @cached_property
    def _ended(self) -> dict[int, Session]:
        return {id(session.stop): session for session in self.sessions if session.stop is not None}

    @cached_property
    def given_ids(self) -> Ids:
        """Transaction ids the CSMS has given."""
        return Ids(session.id for session in self.sessions if session.start is not None)

    # -- settings

    @cached_property
    def settings(self) -> list[tuple[Frame, dict[str, Any]]]:
        """Every key of every GetConfiguration answer, with the answer."""
        found = []
        for call in self.asked("GetConfiguration"):
            answer = self.answer(call)
            if answer is None:
                continue
            for entry in items(fields(answer.payload).get("configurationKey")):
                if isinstance(entry, dict) and isinstance(entry.get("key"), str):
                    found.append((answer, entry))
        return found

    def setting(self, name: str) -> tuple[Frame, str] | None:
        """The first value of a key that was read, with the answer."""
        for answer, entry in self.settings:
            if entry["key"] == name:
                return answer, text(entry.get("value"))
        return None

    @cached_property
    def full_lists(self) -> list[tuple[Frame, list[dict[str, Any]]]]:
        """Answers to GetConfiguration without a list of keys: the answer, its entries."""
        found = []
        for call in self.asked("GetConfiguration"):
            answer = self.answer(call)
            if answer is not None and answer.kind == RESULT and not items(fields(call.payload).get("key")):
                entries = items(fields(answer.payload).get("configurationKey"))
                found.append((answer, [entry for entry in entries if isinstance(entry, dict)]))
        return found

    def written(self, name: str) -> list[tuple[Frame, str, str]]:
        """ChangeConfiguration of a key: the CALL, the value, and the status of its answer."""
        return [
            (call, text(fields(call.payload).get("value")), self.status_of_answer(call))
            for call in self.asked("ChangeConfiguration")
            if text(fields(call.payload).get("key")) == name
        ]

    # -- time of the CSMS

    @cached_property
    def csms_times(self) -> list[tuple[int, int]]:
        """(place in the log, microseconds since 1970) of the times the CSMS told."""
        found = []
        for frame in self.frames:
            if frame.direction == TO_STATION and frame.kind == RESULT:
                at = stamp(fields(frame.payload).get("currentTime"))
                if at is not None:
                    found.append((self.order(frame), at))
        return found

    def true_us(self, frame: Frame) -> int | None:
        """True time at a frame: by the log, where it says day and zone, or else what the CSMS told last and what has
        passed since then by the log."""
        if frame.at_us is not None and "date" not in frame.assumed and "zone" not in frame.assumed:
            return frame.at_us
        told = self._told_before(frame)
        teller = self.frames[told[0]] if told is not None else None
        if told is None or teller is None or teller.at_us is None or frame.at_us is None:
            return None
        passed_us = frame.at_us - teller.at_us
        return told[1] + passed_us if 0 <= passed_us < PASSED_MAX_US else None

    def known_us(self, frame: Frame) -> int | None:
        """True time at a frame, at least: where nothing better is known, what the CSMS told last."""
        true_us = self.true_us(frame)
        told = self._told_before(frame)
        return true_us if true_us is not None else told[1] if told is not None else None

    def _told_before(self, frame: Frame) -> tuple[int, int] | None:
        place = bisect_left(self.csms_times, (self.order(frame), 0))
        return self.csms_times[place - 1] if place else None

    @cached_property
    def profiles(self) -> list[Profile]:
        """Charging profiles the CSMS has sent, the first of them, with what became of them."""
        found = []
        for call in self.asked("SetChargingProfile")[:PROFILES_MAX]:
            payload = fields(call.payload)
            profile = fields(payload.get("csChargingProfiles")) or fields(payload.get("chargingProfile"))
            schedule = profile.get("chargingSchedule")
            schedule = fields(items(schedule)[0]) if items(schedule) else fields(schedule)
            found.append(
                Profile(
                    call,
                    self.order(call),
                    integer(payload.get("connectorId", payload.get("evseId"))),
                    text(profile.get("chargingProfilePurpose")),
                    text(profile.get("chargingProfileKind")),
                    integer(profile.get("stackLevel")) or 0,
                    text(schedule.get("chargingRateUnit")),
                    [fields(period) for period in items(schedule.get("chargingSchedulePeriod"))],
                    self.status_of_answer(call) or self.refused(call),
                )
            )
        return found
