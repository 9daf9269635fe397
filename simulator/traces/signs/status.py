"""Signs of quirks of StatusNotification: what is in it, and the order in which statuses come."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator

from simulator.traces.parts import fields
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign
from simulator.traces.signs.values import BUSY, Session, Status, stamp

SOON_S = 5.0


def _gap(story: Story, earlier: Status, later: Status) -> float | None:
    """Seconds between two statuses, by the log or by their own stamps."""
    gap = story.gap_s(earlier.frame, later.frame)
    if gap is None:
        begin, end = stamp(earlier.payload.get("timestamp")), stamp(later.payload.get("timestamp"))
        return None if begin is None or end is None else (end - begin) / 1e6
    return gap


def _pairs(story: Story) -> Iterator[tuple[Status, Status]]:
    """Each status of a connector with the next of the same connector."""
    for connector in story.connectors:
        rows = story.statuses_of(connector)
        yield from itertools.pairwise(rows)


@sign("status-no-timestamp")
def no_timestamp(story: Story) -> Iterator[Hit]:
    """No time stamp at all."""
    for status in story.statuses:
        if "timestamp" not in status.payload:
            yield shows(status.frame, "no timestamp")


@sign("status-vendor-error-code-on-noerror")
def error_code_without_error(story: Story) -> Iterator[Hit]:
    """0x00 or 0x0000 beside NoError."""
    for status in story.statuses:
        if status.get("errorCode") == "NoError" and re.fullmatch(r"0x0+", status.get("vendorErrorCode")):
            yield shows(status.frame, f"vendorErrorCode {status.get('vendorErrorCode')} with NoError")


@sign("status-info-literal-null")
def null_text(story: Story) -> Iterator[Hit]:
    """The word null for info."""
    for status in story.statuses:
        if status.get("info") == "null":
            yield shows(status.frame, 'info is the text "null"')


@sign("status-vendorid-always")
def vendor_always(story: Story) -> Iterator[Hit]:
    """The vendor with NoError, and empty texts beside it."""
    for status in story.statuses:
        empty = status.payload.get("info") == "" and status.payload.get("vendorErrorCode") == ""
        if status.get("vendorId") and empty and status.get("errorCode") == "NoError":
            yield shows(status.frame, f"vendorId {status.get('vendorId')!r} with empty info and vendorErrorCode")


@sign("status-vendor-error-bitfield")
def bitfield(story: Story) -> Iterator[Hit]:
    """Zeros and ones."""
    for status in story.statuses:
        if re.fullmatch(r"[01]{8,50}", status.get("vendorErrorCode")):
            yield shows(status.frame, f"vendorErrorCode is {status.get('vendorErrorCode')}")


@sign("status-info-embedded-json")
def json_in_info(story: Story) -> Iterator[Hit]:
    """info is JSON."""
    for status in story.statuses:
        info = status.get("info")
        if info.startswith("{") and len(info) <= 1000:
            try:
                json.loads(info)
            except (ValueError, RecursionError):
                yield may(status.frame, f"info looks like JSON: {info}")
            else:
                yield shows(status.frame, f"info is JSON: {info}")


@sign("status-vendor-init-state")
def init_state(story: Story) -> Iterator[Hit]:
    """A state of the maker's own while it begins."""
    for status in story.statuses:
        if status.status == "Unavailable" and "INIT" in (status.get("vendorErrorCode"), status.get("info")):
            yield shows(status.frame, "Unavailable with INIT")


@sign("status-info-spam-on-residual-current")
def residual_current(story: Story) -> Iterator[Hit]:
    """The residual current in info."""
    for status in story.statuses:
        if re.match(r"RCMB?\b|residual", status.get("info"), re.IGNORECASE):
            yield shows(status.frame, f"info is {status.get('info')!r}")


@sign("status-finishing-with-error-code")
def finishing_with_error(story: Story) -> Iterator[Hit]:
    """Finishing is no error."""
    for status in story.statuses:
        code = status.get("errorCode")
        if status.status != "Finishing" or code in ("", "NoError"):
            continue
        if not any(s.get("errorCode") == code and s.status != "Finishing" for s in story.statuses):
            yield (shows if code == "OtherError" else may)(status.frame, f"Finishing with {code}")


def _between(story: Story, status: Status) -> Session | None:
    """The session that was not over yet when a status came."""
    return story.running(status.order, status.connector)


@sign("status-available-before-stop-tx")
def available_before_stop(story: Story) -> Iterator[Hit]:
    """Available, and the stop of the session comes only then."""
    for status in story.statuses:
        session = _between(story, status)
        if status.status == "Available" and session is not None and session.stop is not None:
            begin = session.start.line if session.start is not None else 0
            end = session.stop.line
            if any(mark.what == "opened" and begin < mark.line < end for mark in story.marks):
                continue  # it ended while nobody could hear it; the status of now goes before what was queued
            yield shows(status.frame, f"StopTransaction comes only in line {end}")


@sign("status-available-direct-after-charging")
def available_direct(story: Story) -> Iterator[Hit]:
    """From Charging straight to Available, with a remark about the car's side."""
    for before, after in _pairs(story):
        if before.status in BUSY and after.status == "Available" and "disconnected" in after.get("info").lower():
            yield shows(after.frame, f"{before.status}, then Available with info {after.get('info')!r}")


@sign("status-available-flash-before-unavailable")
def available_flash(story: Story) -> Iterator[Hit]:
    """After a boot Available for a moment, then Unavailable, and nobody asked for it."""
    for before, after in _pairs(story):
        gap = _gap(story, before, after)
        if (before.status, after.status) != ("Available", "Unavailable") or gap is None or gap > SOON_S:
            continue
        booted = any(0 <= before.order - story.order(boot) <= 12 for boot in story.boots)
        recent = [c for c in story.asked("ChangeAvailability") if before.order - 4 <= story.order(c) <= after.order]
        if booted and not recent:
            yield shows(after.frame, f"Available for {gap:.1f} s after the boot")


@sign("status-available-while-plugged")
def available_while_plugged(story: Story) -> Iterator[Hit]:
    """Available right after a session was stopped, without Finishing."""
    for session in story.sessions:
        if session.stop is None or session.connector is None:
            continue
        later = [s for s in story.statuses_of(session.connector) if s.order > story.order(session.stop)]
        gap = story.gap_s(session.stop, later[0].frame) if later else None
        reason = fields(session.stop.payload).get("reason")
        if (
            later
            and later[0].status == "Available"
            and gap is not None
            and gap <= 2
            and reason != "EVDisconnected"
            and "disconnected" not in later[0].get("info").lower()
        ):
            yield may(later[0].frame, f"Available {gap:.1f} s after StopTransaction, without Finishing")


@sign("status-charging-before-start-tx")
def charging_before_start(story: Story) -> Iterator[Hit]:
    """Charging, and StartTransaction a moment later."""
    for status in story.statuses:
        if status.status != "Charging" or _between(story, status) is not None:
            continue
        for session in story.sessions:
            if session.start is not None and session.begin > status.order and session.connector == status.connector:
                gap = story.gap_s(status.frame, session.start)
                begun, now = stamp(fields(session.start.payload).get("timestamp")), story.known_us(session.start)
                late = begun is not None and now is not None and now - begun > 10_000_000
                if not late and (gap is None or gap <= 60):
                    yield shows(status.frame, f"StartTransaction comes only in line {session.start.line}")
                break


@sign("status-connector-zero-available-while-plugged")
def zero_available(story: Story) -> Iterator[Hit]:
    """Connector 0 Available right behind SuspendedEV of another."""
    for before, after in zip(story.statuses, story.statuses[1:], strict=False):
        if {before.connector == 0, after.connector == 0} != {True, False}:
            continue
        zero, other = (before, after) if before.connector == 0 else (after, before)
        if other.status != "SuspendedEV":
            continue
        earlier = [s for s in story.statuses_of(0) if s.order < zero.order][-1:]
        noisy = sum(bool(s.connector) for s in story.statuses) <= len(story.statuses_of(0))
        again = bool(earlier) and earlier[0].status == zero.status == "Available"
        gap = _gap(story, before, after)
        if again and not noisy and gap is not None and gap <= SOON_S:
            yield shows(zero.frame, "connector 0 is Available again, with SuspendedEV of another")


@sign("status-connector-zero-noise")
def zero_noise(story: Story) -> Iterator[Hit]:
    """The same status of connector 0 again with each of another connector."""
    same = [
        after
        for before, after in zip(story.statuses_of(0), story.statuses_of(0)[1:], strict=False)
        if before.status == after.status and not any(before.order < story.order(b) < after.order for b in story.boots)
    ]
    others = sum(bool(status.connector) for status in story.statuses)
    if len(same) >= 3 and len(same) + 1 >= others // 2:
        yield shows(same[0].frame, f"connector 0 is told {len(same)} times although nothing changed")


@sign("status-finishing-on-plugin")
def finishing_on_plug_in(story: Story) -> Iterator[Hit]:
    """From Available to Finishing, without a session."""
    for before, after in _pairs(story):
        if (before.status, after.status) == ("Available", "Finishing") and _between(story, after) is None:
            stops = [s for s in story.sessions if s.end is not None and before.order < s.end < after.order]
            if not stops:
                yield shows(after.frame, "Finishing follows upon Available, and no session ended")


@sign("status-finishing-until-reset")
def stuck_in_finishing(story: Story) -> Iterator[Hit]:
    """After a remote stop Finishing stays, and remote starts are rejected."""
    for call in story.asked("RemoteStartTransaction"):
        if story.status_of_answer(call) != "Rejected":
            continue
        earlier = [s for s in story.statuses if s.order < story.order(call) and s.connector]
        stops = [c for c in story.asked("RemoteStopTransaction") if story.order(c) < story.order(call)]
        if earlier and earlier[-1].status == "Finishing" and any(story.accepted(stop) for stop in stops):
            yield may(call, "rejected in Finishing, after a remote stop")


@sign("status-preparing-available-flicker")
def flicker(story: Story) -> Iterator[Hit]:
    """Preparing, Available, Preparing within seconds."""
    for connector in story.connectors:
        rows = story.statuses_of(connector)
        for first, second, third in zip(rows, rows[1:], rows[2:], strict=False):
            gap = _gap(story, first, third)
            if (
                [s.status for s in (first, second, third)] == ["Preparing", "Available", "Preparing"]
                and gap is not None
                and gap <= SOON_S
            ):
                yield shows(second.frame, f"Preparing, Available, Preparing within {gap:.1f} s")


@sign("status-stale-timestamp-on-reconnect")
def stale_stamp(story: Story) -> Iterator[Hit]:
    """A status told again with the time of its last change."""
    seen: dict[int | None, Status] = {}
    for status in story.statuses:
        before = seen.get(status.connector)
        seen[status.connector] = status
        at, now = stamp(status.payload.get("timestamp")), story.known_us(status.frame)
        if before is None or at is None or before.status != status.status:
            continue
        if at == stamp(before.payload.get("timestamp")) and now is not None and now - at > 10_000_000:
            yield shows(status.frame, f"{status.status} again, with the time it had {(now - at) / 1e6:.0f} s ago")


@sign("connector-id-unexpected-high")
def unexpected_connector(story: Story) -> Iterator[Hit]:
    """A connector far above the others, or above what NumberOfConnectors says."""
    known = story.setting("NumberOfConnectors")
    most = int(known[1]) if known and known[1].isdecimal() and len(known[1]) < 4 else None
    numbers = story.connectors
    for status in story.statuses:
        if not status.connector or status.connector != max(numbers):
            continue
        if most is not None and status.connector > most:
            yield shows(status.frame, f"connector {status.connector}, NumberOfConnectors is {most}")
        elif most is None and len(numbers) > 1 and status.connector > numbers[-2] + 2:
            yield may(status.frame, f"connector {status.connector} beside {numbers[:-1]}")


#: error codes of 1.6 (7.6)
ERROR_CODES = frozenset(
    {
        "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
        "LocalListConflict", "NoError", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure",
        "PowerSwitchFailure", "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal",
    }
)  # fmt: skip


@sign("status-error-code-unknown")
def unknown_error_code(story: Story) -> Iterator[Hit]:
    """An error code that is none."""
    for status in story.statuses:
        code = status.get("errorCode")
        if code and code not in ERROR_CODES:
            yield shows(status.frame, f"errorCode {code}")
