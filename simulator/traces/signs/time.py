"""Signs of quirks of time stamps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simulator.traces.model import RESULT, Frame
from simulator.traces.parts import fields, items
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign
from simulator.traces.signs.values import stamp

FAR_US = 60_000_000
"""A stamp that is wrong by more than this is no delay of a message."""
YEAR_US = 365 * 86_400 * 1_000_000


def _stamps(story: Story) -> Iterator[tuple[Frame, str]]:
    """Every time stamp of a message of the station."""
    for frame in story.calls:
        payload = fields(frame.payload)
        found = [payload.get("timestamp")]
        found += [fields(v).get("timestamp") for v in items(payload.get("meterValue"))]
        for value in found:
            if isinstance(value, str) and len(value) <= 64:
                yield frame, value


@sign("time-default-2014")
def in_2014(story: Story) -> Iterator[Hit]:
    """The first of January 2014."""
    for frame, value in _stamps(story):
        if value.startswith("2014-01-0"):
            yield shows(frame, f"stamped {value}")


@sign("time-local-offset")
def offset(story: Story) -> Iterator[Hit]:
    """An offset from UTC at the end."""
    for frame, value in _stamps(story):
        if re.search(r"[+-]\d{2}:?\d{2}$", value) and not re.search(r"[+-]00:?00$", value) and "T" in value:
            yield shows(frame, f"stamped {value}")


@sign("time-no-zone-suffix")
def no_zone(story: Story) -> Iterator[Hit]:
    """No zone at all."""
    for frame, value in _stamps(story):
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?", value):
            yield shows(frame, f"stamped {value}")


@sign("time-local-labelled-utc")
def labelled(story: Story) -> Iterator[Hit]:
    """Two times of a composite schedule that are whole hours apart."""
    for call in story.asked("GetCompositeSchedule"):
        answer = story.answer(call)
        payload = fields(answer.payload) if answer is not None and answer.kind == RESULT else {}
        first, second = (
            stamp(payload.get("scheduleStart")),
            stamp(fields(payload.get("chargingSchedule")).get("startSchedule")),
        )
        if answer is None or first is None or second is None:
            continue
        apart = abs(second - first)
        if apart >= 3_000_000_000 and min(apart % 3_600_000_000, -apart % 3_600_000_000) < 5_000_000:
            yield shows(answer, f"it begins at two times that are {apart / 3.6e9:.0f} h apart")


def _after_boot(story: Story) -> Iterator[tuple[Frame, int, int]]:
    """Stamps after a boot was answered: the frame, the stamp, and the time the CSMS told before it."""
    for frame, value in _stamps(story):
        at, now = stamp(value), story.known_us(frame)
        told = bool(story.csms_times) and story.csms_times[0][0] < story.order(frame)
        if at is not None and now is not None and told:
            yield frame, at, now


@sign("time-no-sync-from-boot")
def no_sync(story: Story) -> Iterator[Hit]:
    """A clock that stays in 1970, or years behind, after BootNotification was answered."""
    for frame, at, now in _after_boot(story):
        if now - at > YEAR_US and at < YEAR_US and frame.action == "StatusNotification":
            yield may(frame, "the clock is years behind, although the CSMS has told the time")


@sign("time-sync-from-heartbeat-only")
def heartbeat_only(story: Story) -> Iterator[Hit]:
    """The same, until the first Heartbeat was answered."""
    beats = [f for f in story.told("Heartbeat") if story.answer(f) is not None]
    for frame, at, now in _after_boot(story):
        if now - at > YEAR_US and at < YEAR_US and frame.action == "StatusNotification":
            earlier = [beat for beat in beats if story.order(beat) < story.order(frame)]
            yield may(frame, f"the clock is years behind {'after a Heartbeat' if earlier else 'before any Heartbeat'}")


@sign("time-pre-sync-event-timestamps")
def before_sync(story: Story) -> Iterator[Hit]:
    """The event of the start keeps a time that lies far behind."""
    told = dict(story.csms_times)
    for boot in story.boots:
        answer = story.answer(boot)
        now = told.get(story.order(answer)) if answer is not None else None
        for event in story.told("SecurityEventNotification"):
            at = stamp(fields(event.payload).get("timestamp"))
            startup = fields(event.payload).get("type") == "StartupOfTheDevice"
            if answer is None or now is None or at is None or not startup or story.order(event) < story.order(answer):
                continue
            late = story.gap_s(answer, event)
            if now - at > FAR_US and (late is None or late < 60):
                yield shows(event, f"the start is stamped {(now - at) / 1e6:.0f} s before the answer to the boot")


@sign("time-local-until-sync")
def ahead_until_sync(story: Story) -> Iterator[Hit]:
    """Stamps of what happened before the boot lie ahead of the present, those of what comes later do not."""
    # what the CSMS told last is long ago in a log without times: everything lies ahead of that
    rows = [(frame, at, now) for frame, at, _ in _after_boot(story) if (now := story.true_us(frame)) is not None]
    right = any(abs(at - now) < FAR_US for _, at, now in rows)
    for frame, at, now in rows:
        if 10 * FAR_US < at - now < 15 * 3_600_000_000 and right:
            yield may(frame, f"stamped {(at - now) / 6e7:.0f} minutes ahead of the time it was sent")
