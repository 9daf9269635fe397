"""Signs of quirks of the connection: ids, frames, and when a connection ends."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from simulator.traces.model import CALL, ERROR, TO_CSMS, TO_STATION, Frame, Mark
from simulator.traces.parts import fields, text
from simulator.traces.scan import guess
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign

FLAPS = 3
"""So many connections that the station ended by itself are no accident."""
FLAP_S = 90.0
REDIAL_S = 5.0
"""A station that ended its connection for no reason is back within this time."""
SLOW_S = 300.0
"""A station that takes so long to dial again does so on purpose, or nobody answers it."""
IDS_SEEN = 3
"""Ids that are enough to see how they are made."""


def _ids(story: Story, pattern: str) -> list[Frame]:
    """All CALLs of the station when every id has this form and there are some."""
    return story.calls if len(story.calls) >= IDS_SEEN and all(re.fullmatch(pattern, c.id) for c in story.calls) else []


@sign("msgid-36-char-random")
def longest_ids(story: Story) -> Iterator[Hit]:
    """36 letters and digits, and no UUID."""
    found = _ids(story, r"[A-Za-z0-9]{36}")
    if found:
        yield shows(found[0], f"ids are 36 characters long: {found[0].id}")


@sign("msgid-compound")
def compound_ids(story: Story) -> Iterator[Hit]:
    """Two numbers with a colon between them."""
    found = _ids(story, r"\d+:\d+")
    if found:
        yield shows(found[0], f"ids are two numbers: {found[0].id}")


@sign("msgid-short-numeric-leading-zero")
def short_ids(story: Story) -> Iterator[Hit]:
    """Digits that do not count up, with zeros in front."""
    found = _ids(story, r"\d{4,18}")
    if not found or len({len(call.id) for call in found}) != 1:
        return
    numbers = [int(call.id) for call in found]
    if any(later == earlier + 1 for earlier, later in itertools.pairwise(numbers)):
        return
    zero = next((call for call in found if call.id.startswith("0")), None)
    if zero is not None:
        yield shows(zero, f"ids are digits with zeros in front: {zero.id}")
    else:
        yield may(found[0], f"ids are {len(found[0].id)} digits drawn anew: {found[0].id}")


@sign("msgid-reused-across-boots")
def reused_ids(story: Story) -> Iterator[Hit]:
    """Two BootNotifications with the same id."""
    seen: dict[str, Frame] = {}
    for boot in story.boots:
        if boot.id in seen and story.answer(seen[boot.id]) is not None:
            yield shows(boot, f"id {boot.id} is that of the BootNotification in line {seen[boot.id].line}, too")
        seen.setdefault(boot.id, boot)


@sign("frame-pretty-printed-json")
def pretty_printed(story: Story) -> Iterator[Hit]:
    """Line breaks between the parts of its messages, and not in those of the CSMS."""
    ours = [frame for frame in story.frames if frame.direction == TO_CSMS]
    broken = [frame for frame in ours if re.search(r'[{,][ \t]*\n[ \t]+"', frame.raw)]
    theirs = [f for f in story.frames if f.direction == TO_STATION and re.search(r'[{,][ \t]*\n[ \t]+"', f.raw)]
    full = [frame for frame in ours if fields(frame.payload)]
    if broken and len(broken) == len(full) and not theirs:
        yield shows(broken[0], "its messages are written over several lines, those of the CSMS are not")
    elif broken:
        yield may(broken[0], "a message is written over several lines")


@sign("frame-invalid-json")
def invalid_json(story: Story) -> Iterator[Hit]:
    """A transaction id without a value; a settings list without its end."""
    for item in story.unreadable:
        if item.direction == TO_STATION:
            continue
        if re.search(r'"transactionId"\s*:\s*[,}]', item.raw) and guess(item.raw)[1] == "MeterValues":
            yield shows(item, "MeterValues with a transactionId that has no value")
        elif item.raw.lstrip().startswith("[3") and '"configurationKey"' in item.raw:
            yield may(item, f"a list of settings that is no JSON: {item.reason}")


@sign("frame-leading-comma")
def leading_comma(story: Story) -> Iterator[Hit]:
    """A list that begins with a comma."""
    for item in story.unreadable:
        if item.direction != TO_STATION and re.search(r'"sampledValue"\s*:\s*\[\s*,', item.raw):
            yield shows(item, "the list of sampled values begins with a comma")


@sign("callerror-details-string")
def details_text(story: Story) -> Iterator[Hit]:
    """A text in the place of the details."""
    for frame in story.frames:
        if frame.kind == ERROR and frame.direction == TO_CSMS and isinstance(frame.payload, str):
            yield shows(frame, f"the details are the text {frame.payload!r}")


def _unanswered(story: Story, call: Frame, patience_s: float) -> bool:
    """Was there no answer, although the station went on talking for so long?"""
    if story.answer(call) is not None:
        return False
    last = story.last_heard
    if last is None or story.order(last) < story.order(call):
        return False
    gap = story.gap_s(call, last)
    return gap is None or gap >= patience_s


@sign("calls-before-boot-unanswered")
def unanswered_before_boot(story: Story) -> Iterator[Hit]:
    """An order before BootNotification was answered, and no answer to it."""
    for boot in story.boots[:20]:
        answer = story.answer(boot)
        if answer is None:
            continue
        for frame in story.frames[story.order(boot) + 1 : story.order(answer)]:
            if frame.kind == CALL and frame.direction == TO_STATION and _unanswered(story, frame, 0.0):
                later = [call for call in story.orders if story.order(call) > story.order(answer)]
                if all(story.answer(call) is not None for call in later):
                    yield may(frame, f"{frame.action} before BootNotification was answered has no answer")


@sign("security-events-unsolicited")
def security_events(story: Story) -> Iterator[Hit]:
    """Security events in the plain protocol, unasked."""
    if story.asked("ExtendedTriggerMessage", "GetLog", "CertificateSigned", "SignedUpdateFirmware"):
        return  # a CSMS that has the security extension
    older = any(call.action in ("StartTransaction", "Authorize", "StatusNotification") for call in story.calls)
    newer = any("chargingStation" in fields(boot.payload) for boot in story.boots)
    for event in story.told("SecurityEventNotification"):
        kind = text(fields(event.payload).get("type"))
        if older and not newer and kind in ("StartupOfTheDevice", "SettingSystemTime"):
            yield may(event, f"{kind}, and the CSMS uses nothing of the security extension")


@sign("v201-subprotocol-16-messages")
def older_messages(story: Story) -> Iterator[Hit]:
    """Messages that only the older protocol has, on a connection with the newer one."""
    newer = next((m for m in story.marks if m.what == "opened" and re.search(r"ocpp2\.(0\.1|1)", m.detail)), None)
    for call in story.told("StartTransaction", "StopTransaction", "BootNotification"):
        older = call.action != "BootNotification" or "chargePointVendor" in fields(call.payload)
        if older and (call.version.startswith("2") or newer is not None):
            yield shows(call, f"{call.action} of 1.6 where {call.version or '2.x'} was agreed upon")


@sign("ws-no-subprotocol-header")
def no_subprotocol(story: Story) -> Iterator[Hit]:
    """The log of the connection says that none was asked for."""
    for mark in story.marks:
        if re.search(r"subprotocol\W{1,3}(none|null|''|\"\")|no (sub)?protocol", mark.detail, re.IGNORECASE):
            yield may(mark, "no subprotocol on this connection")


def _ended(story: Story) -> Iterator[tuple[Mark, Frame | None, float | None]]:
    """Connections that ended: the mark, the last frame before it, and seconds between them."""
    for mark in story.marks:
        if mark.what != "closed":
            continue
        last = story.frame_before(mark.line)
        known = last is not None and mark.at_us is not None and last.at_us is not None
        yield mark, last, (mark.at_us - last.at_us) / 1e6 if known and last and last.at_us and mark.at_us else None


@sign("ws-drop-after-heartbeat")
def drop_after_heartbeat(story: Story) -> Iterator[Hit]:
    """A minute after a Heartbeat the connection ends."""
    for mark, last, gap in _ended(story):
        if last is not None and last.action == "Heartbeat" and gap is not None and 55 <= gap <= 65:
            yield may(mark, f"{gap:.0f} s after a Heartbeat")


@sign("ws-flapping")
def flapping(story: Story) -> Iterator[Hit]:
    """Short connections, one right after the other: a network that comes and goes stays away for longer."""
    lives: list[tuple[Mark, float]] = []
    opened: Mark | None = None
    for mark in story.marks:
        if mark.what == "opened":
            opened = mark
            gone = lives[-1][0].at_us if lives else None
            if gone is not None and mark.at_us is not None and mark.at_us - gone > REDIAL_S * 1e6:
                lives[-1] = (lives[-1][0], 0.0)
        elif mark.what == "closed" and opened is not None and mark.at_us is not None and opened.at_us is not None:
            lives.append((mark, (mark.at_us - opened.at_us) / 1e6))
            opened = None
    short = [mark for mark, life in lives if 5 <= life <= FLAP_S]
    if len(short) >= FLAPS and len(short) * 2 >= len(lives):
        yield shows(short[0], f"{len(short)} connections that lasted at most {FLAP_S:.0f} s")


@sign("ws-reconnect-loop-after-csms-restart")
def reconnect_loop(story: Story) -> Iterator[Hit]:
    """Connections that are closed again within seconds, many times."""
    short = 0
    opened: Mark | None = None
    for mark in story.marks:
        if mark.what == "opened":
            opened = mark
        elif mark.what == "closed" and opened is not None and mark.at_us is not None and opened.at_us is not None:
            short = short + 1 if mark.at_us - opened.at_us < 5_000_000 else 0
            opened = None
            if short == FLAPS + 1:
                yield shows(mark, f"{short} connections in a row that lasted less than 5 s")


@sign("ws-drop-after-setup")
def drop_after_setup(story: Story) -> Iterator[Hit]:
    """Seconds after ChangeAvailability the connection ends."""
    for mark, last, _ in _ended(story):
        orders = [call for call in story.asked("ChangeAvailability") if call.line < mark.line]
        if not orders or last is None or mark.at_us is None or orders[-1].at_us is None:
            continue
        gap = (mark.at_us - orders[-1].at_us) / 1e6
        booted = next((boot for boot in story.boots if boot.line > mark.line), None)
        if gap <= 30 and booted is None:
            yield may(mark, f"{gap:.0f} s after ChangeAvailability")


@sign("remote-silent-no-answer")
def silent(story: Story) -> Iterator[Hit]:
    """An order right after the connection is never answered; everything else is."""
    for call in story.orders:
        if not _unanswered(story, call, 30.0) or call.action == "GetConfiguration":
            continue
        booted = any(story.order(boot) < story.order(call) and story.answer(boot) is not None for boot in story.boots)
        others = [order for order in story.orders if order is not call and story.answer(order) is not None]
        if booted or not story.boots:
            sure = call.action == "ChangeAvailability" and bool(others)
            yield (shows if sure else may)(call, f"{call.action} has no answer, and the station goes on talking")


@sign("getconfiguration-no-answer")
def no_settings(story: Story) -> Iterator[Hit]:
    """GetConfiguration without keys has no answer."""
    for call in story.asked("GetConfiguration"):
        if not fields(call.payload).get("key") and _unanswered(story, call, 20.0):
            yield shows(call, "GetConfiguration without keys has no answer")


@sign("getconfiguration-notimplemented")
def settings_not_implemented(story: Story) -> Iterator[Hit]:
    """Keys can neither be read nor written."""
    for call in story.asked("GetConfiguration"):
        if story.refused(call) in ("NotImplemented", "NotSupported"):
            yield shows(call, f"GetConfiguration: {story.refused(call)}")


@sign("commands-partial-support")
def few_commands(story: Story) -> Iterator[Hit]:
    """Commands of the core profile that are not supported."""
    refused = [call for call in story.orders if story.refused(call) in ("NotSupported", "NotImplemented")]
    for call in refused:
        if call.action == "ChangeAvailability":
            sure = len({other.action for other in refused}) > 1
            yield (shows if sure else may)(call, f"ChangeAvailability: {story.refused(call)}")


@sign("v201-validates-against-16-schema")
def older_schema(story: Story) -> Iterator[Hit]:
    """An error that names a field only the older protocol has."""
    for call in story.asked("SetChargingProfile"):
        answer = story.answer(call)
        if (
            "evseId" in fields(call.payload)
            and answer is not None
            and answer.kind == ERROR
            and re.search(r"csChargingProfiles|connectorId", answer.description)
        ):
            yield shows(answer, f"{answer.code}: {answer.description}")


@sign("change-availability-harmful")
def harmful(story: Story) -> Iterator[Hit]:
    """ChangeAvailability soon after a boot, and then another boot."""
    for call in story.asked("ChangeAvailability"):
        earlier = [boot for boot in story.boots if story.order(boot) < story.order(call)]
        later = next((boot for boot in story.boots if story.order(boot) > story.order(call)), None)
        asked = any(f.action in ("Reset", "TriggerMessage", "UpdateFirmware") for f in story.orders)
        if not earlier or later is None or asked or not story.accepted(call):
            continue
        since, until = story.gap_s(earlier[-1], call), story.gap_s(call, later)
        if since is not None and until is not None and since <= 60 and until <= 180:
            yield may(later, f"a boot {until:.0f} s after ChangeAvailability")


@sign("reboot-on-getconfiguration-after-measurand-set")
def reboot_on_read_back(story: Story) -> Iterator[Hit]:
    """MeterValuesSampledData is written, read back, and a boot follows."""
    for call in story.asked("GetConfiguration"):
        keys = fields(call.payload).get("key")
        written = [c for c, _, _ in story.written("MeterValuesSampledData") if story.order(c) < story.order(call)]
        later = next((boot for boot in story.boots if story.order(boot) > story.order(call)), None)
        if not written or later is None or story.asked("Reset"):
            continue
        gap = story.gap_s(call, later)
        if (not keys or "MeterValuesSampledData" in str(keys)) and (gap is None or gap <= 120):
            yield shows(later, "a boot after MeterValuesSampledData was written and read back")


@sign("local-list-first-1000-cached")
def short_list(story: Story) -> Iterator[Hit]:
    """A token of an accepted local list is asked about all the same."""
    sent: dict[str, int] = {}
    for call in story.asked("SendLocalList"):
        if story.accepted(call):
            for place, entry in enumerate(fields(call.payload).get("localAuthorizationList") or ()):
                info = fields(fields(entry).get("idTagInfo"))
                if info.get("status") == "Accepted":
                    sent[text(fields(entry).get("idTag"))] = place
    for call in story.told("Authorize"):
        token = text(fields(call.payload).get("idTag"))
        if token in sent and len(sent) > 1:
            yield may(call, "a token of the local list is asked about")


@sign("ws-slow-reconnect")
def slow_reconnect(story: Story) -> Iterator[Hit]:
    """Many minutes between the end of a connection and the next."""
    closed: Mark | None = None
    for mark in story.marks:
        if mark.what == "opened" and closed is not None and mark.at_us is not None and closed.at_us is not None:
            gap = (mark.at_us - closed.at_us) / 1e6
            if SLOW_S <= gap <= 4 * SLOW_S:
                yield may(mark, f"{gap / 60:.0f} minutes after the connection was lost")
        closed = mark if mark.what == "closed" else None
