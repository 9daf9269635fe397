"""Signs of quirks of remote starts and stops, and of triggers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from simulator.traces.model import Frame
from simulator.traces.parts import fields, text
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign
from simulator.traces.signs.values import Session

PATIENCE_S = 60.0
"""A remote start that has led to nothing after so long will not."""


def _starts(story: Story) -> list[Frame]:
    return story.asked("RemoteStartTransaction")


def _status_before(story: Story, frame: Frame, connector: object = None) -> str:
    """The last status of a connector before a frame."""
    rows = [
        s for s in story.statuses
        if s.order < story.order(frame) and s.connector and connector in (None, s.connector)
    ]  # fmt: skip
    return rows[-1].status if rows else ""


def _wanted(frame: Frame) -> object:
    return fields(frame.payload).get("connectorId")


def _begun(story: Story, call: Frame) -> Session | None:
    """The session that followed upon a remote start, before another one was asked for."""
    later = [c for c in _starts(story) if story.order(c) > story.order(call)]
    until = story.order(later[0]) if later else len(story.frames)
    return next((s for s in story.sessions if s.start is not None and story.order(call) < s.begin < until), None)


@sign("remotestart-accepted-no-start")
def accepted_no_start(story: Story) -> Iterator[Hit]:
    """Accepted, a car waits, and nothing begins."""
    for call in _starts(story):
        lived = story.lived_s(call)
        waits = _status_before(story, call, _wanted(call)) in ("Preparing", "Finishing", "SuspendedEV")
        running = any(s.begin < story.order(call) < (s.end or len(story.frames)) for s in story.sessions)
        if (
            story.accepted(call)
            and _begun(story, call) is None
            and waits
            and not running
            and (lived is None or lived >= 20)
        ):
            yield may(call, "accepted with a car waiting, and no transaction begins")


@sign("remotestart-accepted-when-available")
def accepted_when_available(story: Story) -> Iterator[Hit]:
    """Accepted without a car, the token asked about, the stop rejected."""
    for call in _starts(story):
        if not story.accepted(call) or _status_before(story, call, _wanted(call)) != "Available":
            continue
        token = text(fields(call.payload).get("idTag"))
        asked = [f for f in story.told("Authorize") if fields(f.payload).get("idTag") == token]
        asked = [f for f in asked if story.order(f) > story.order(call)]
        stops = [c for c in story.asked("RemoteStopTransaction") if story.status_of_answer(c) == "Rejected"]
        if asked and any(story.order(stop) > story.order(call) for stop in stops):
            yield shows(call, "accepted without a car, and the stop of that session is rejected")
        elif asked:
            yield may(call, "accepted without a car, and the token asked about")


@sign("remotestart-double-accepted")
def accepted_twice(story: Story) -> Iterator[Hit]:
    """Two starts for one connector are accepted, and one session begins."""
    accepted = [call for call in _starts(story) if story.accepted(call)]
    for first, second in itertools.pairwise(accepted):
        between = [s for s in story.sessions if story.order(first) < s.begin < story.order(second)]
        if _wanted(first) == _wanted(second) and not between and _begun(story, second) is None:
            yield shows(second, f"accepted like the one in line {first.line}, and without effect")
        elif _wanted(first) == _wanted(second) and not between:
            yield may(second, f"accepted like the one in line {first.line}, before a session began")


@sign("remotestart-embedded-profile-refused")
def profile_refused(story: Story) -> Iterator[Hit]:
    """A start with a charging profile is refused."""
    for call in _starts(story):
        if "chargingProfile" not in fields(call.payload):
            continue
        if story.refused(call):
            yield shows(call, f"{story.refused(call)} for a start with a charging profile")
        elif story.status_of_answer(call) == "Rejected" and _status_before(story, call) == "Preparing":
            yield may(call, "rejected, and it has a charging profile")


@sign("remotestart-idtag-must-match-config")
def must_match(story: Story) -> Iterator[Hit]:
    """One token is rejected, another one accepted, in the same state."""
    calls = _starts(story)
    for first, second in itertools.pairwise(calls):
        one, two = fields(first.payload).get("idTag"), fields(second.payload).get("idTag")
        answers = [story.status_of_answer(call) for call in (first, second)]
        same = _status_before(story, first) == _status_before(story, second)
        if one != two and answers == ["Rejected", "Accepted"] and same:
            yield may(first, "rejected, and another token is accepted in the same state")


@sign("remotestart-rejected-in-finishing")
def rejected_in_finishing(story: Story) -> Iterator[Hit]:
    """Rejected while the connector is Finishing."""
    for call in _starts(story):
        if story.status_of_answer(call) == "Rejected" and _status_before(story, call, _wanted(call)) == "Finishing":
            yield may(call, "rejected in Finishing")


@sign("remotestart-required")
def start_required(story: Story) -> Iterator[Hit]:
    """A car waits for long, and only a remote start begins anything."""
    if story.told("Authorize"):
        return
    for session in story.sessions:
        if session.start is None:
            continue
        rows = [s for s in story.statuses_of(session.connector) if s.order < session.begin]
        calls = [c for c in _starts(story) if story.order(c) < session.begin and story.accepted(c)]
        gap = story.gap_s(rows[-1].frame, calls[-1]) if rows and calls else None
        tokens = {text(fields(c.payload).get("idTag")) for c in calls}
        begun = text(fields(session.start.payload).get("idTag")) in tokens
        if rows and rows[-1].status == "Preparing" and begun and gap is not None and gap >= 30:
            yield may(session.start, f"a car waited for {gap:.0f} s until a remote start")


@sign("remotestart-changes-mode")
def changes_mode(story: Story) -> Iterator[Hit]:
    """A session at the reader stays without current, one that the CSMS starts does not."""
    if story.profiles:
        return  # a limit would explain it
    calls = [call for call in _starts(story) if story.accepted(call)]
    for session in story.sessions:
        if session.start is None or session.end is None:
            continue
        token = fields(session.start.payload).get("idTag")
        rows = [s for s in story.statuses_of(session.connector) if session.begin - 4 <= s.order < session.end]
        idle = bool(rows) and all(s.status in ("Preparing", "SuspendedEVSE") for s in rows)
        later = [c for c in calls if story.order(c) > session.end and fields(c.payload).get("idTag") != token]
        if idle and rows[-1].status == "SuspendedEVSE" and later:
            yield may(session.start, "no current in a session at the reader, and none is limited")


@sign("remotestart-soon-after-stop-dead-session")
def dead_session(story: Story) -> Iterator[Hit]:
    """A remote start soon after a stop, a session without power, and the connection is lost."""
    for earlier, later in zip(story.sessions, story.sessions[1:], strict=False):
        if earlier.stop is None or later.start is None:
            continue
        calls = [c for c in _starts(story) if story.order(earlier.stop) < story.order(c) < later.begin]
        gap = story.gap_s(earlier.stop, later.start)
        rows = [s for s in story.statuses_of(later.connector) if s.order > later.begin]
        closed = [m for m in story.marks if m.what == "closed" and m.line > later.start.line]
        if calls and gap is not None and gap <= 600 and rows and rows[0].status == "SuspendedEVSE" and closed:
            yield may(later.start, f"SuspendedEVSE {gap:.0f} s after a stop, then the connection is lost")


@sign("remotestop-rejected-while-charging")
def stop_rejected(story: Story) -> Iterator[Hit]:
    """The stop of the running transaction is rejected."""
    for call in story.asked("RemoteStopTransaction"):
        named = fields(call.payload).get("transactionId")
        place = story.order(call)
        running = [s for s in story.sessions if s.begin < place and not (s.end is not None and s.end < place)]
        if story.status_of_answer(call) == "Rejected" and any(s.id is not None and s.id == named for s in running):
            yield shows(call, f"transaction {named} is running, and its stop is rejected")


@sign("trigger-metervalues-rejected")
def trigger_rejected(story: Story) -> Iterator[Hit]:
    """MeterValues cannot be triggered."""
    for call in story.asked("TriggerMessage"):
        wanted = fields(call.payload).get("requestedMessage")
        if wanted == "MeterValues" and story.status_of_answer(call) in ("Rejected", "NotImplemented"):
            yield shows(call, f"TriggerMessage for MeterValues: {story.status_of_answer(call)}")


@sign("idtag-20-chars-typeconstraint")
def twenty_characters(story: Story) -> Iterator[Hit]:
    """A token of 20 characters is an error."""
    for call in _starts(story):
        token = text(fields(call.payload).get("idTag"))
        if len(token) == 20 and story.refused(call) == "TypeConstraintViolation":
            yield shows(call, "TypeConstraintViolation for a token of 20 characters")
