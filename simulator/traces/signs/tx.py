"""Signs of quirks of transactions: ids, tokens, registers at begin and end, what is repeated or missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from simulator.traces.model import RESULT, Frame
from simulator.traces.parts import fields, text
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign
from simulator.traces.signs.values import ENERGY, Session, integer, number, stamp

NO_ID = 2**63 - 1
QUEUE_MAX = 500
"""Messages after a boot among which the statuses must come."""
#: reasons of 1.6 (StopTransaction, 7.38)
REASONS = frozenset(
    {
        "DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot",
        "Remote", "SoftReset", "UnlockCommand",
    }
)  # fmt: skip


def _register(frame: Frame | None, name: str) -> float | None:
    return None if frame is None else number(fields(frame.payload).get(name))


def _token(frame: Frame) -> str:
    payload = fields(frame.payload)
    return text(payload.get("idTag")) or text(fields(payload.get("idToken")).get("idToken"))


def _tokens(story: Story) -> Iterator[tuple[Frame, str]]:
    """Tokens the station told; not those the CSMS has given it."""
    given = {_token(call) for call in story.asked("RemoteStartTransaction", "RequestStartTransaction")}
    for frame in story.told("Authorize", "StartTransaction", "TransactionEvent"):
        token = _token(frame)
        if token and token not in given:
            yield frame, token


@sign("idtag-colon-separated")
def colons(story: Story) -> Iterator[Hit]:
    """Pairs of hexadecimal digits with colons."""
    for frame, token in _tokens(story):
        if re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){2,6}", token):
            yield shows(frame, f"the token has colons: {token}")


@sign("idtag-corrupted")
def spoilt(story: Story) -> Iterator[Hit]:
    """A token whose second half is zeros."""
    for frame, token in _tokens(story):
        if re.fullmatch(r"[0-9A-Fa-f]*[1-9A-Fa-f]0{6,}", token):
            yield may(frame, f"the token ends in zeros: {token}")


@sign("idtag-equals-serial")
def serial_for_token(story: Story) -> Iterator[Hit]:
    """The serial of the BootNotification for a token."""
    names = ("chargePointSerialNumber", "chargeBoxSerialNumber", "meterSerialNumber")
    serials = {story.reported(name) for name in names} - {""}
    for frame, token in _tokens(story):
        if token in serials:
            yield shows(frame, "the token is the station's serial")


@sign("autocharge-key")
def autocharge(story: Story) -> Iterator[Hit]:
    """A token in Base32 as long as a MAC address makes it, or the key."""
    for call, value, status in story.written("AutochargeEnabled"):
        if status == "Accepted":
            yield shows(call, f"AutochargeEnabled was written: {value}")
    known = story.setting("AutochargeEnabled")
    if known is not None:
        yield shows(known[0], f"AutochargeEnabled is {known[1]!r}")
    for frame, token in _tokens(story):
        if re.fullmatch(r"[A-Z2-7]{10}", token):
            yield may(frame, f"the token is Base32 and as long as a MAC address makes it: {token}")


@sign("config-dummy-idtags")
def dummy_token(story: Story) -> Iterator[Hit]:
    """A token nobody has."""
    for call, value, status in story.written("DummyIdTagForAutostart"):
        if status == "Accepted":
            yield shows(call, f"DummyIdTagForAutostart was written: {value}")
    known = story.setting("DummyIdTagForAutostart")
    if known is not None:
        yield shows(known[0], f"DummyIdTagForAutostart is {known[1]!r}")
    for frame, token in _tokens(story):
        if token.lower() == "autostart":
            yield shows(frame, f"the token is {token}")


@sign("tx-meterstart-always-zero")
def starts_at_zero(story: Story) -> Iterator[Hit]:
    """meterStart is 0, and the register is not."""
    energies: dict[int | None, list[float]] = {}
    for sample in story.measured(ENERGY):
        if sample.amount is not None:
            wh = sample.amount * (1000 if sample.unit == "kWh" else 1)
            energies.setdefault(sample.connector, []).append(wh)
    zeros = sum(_register(s.start, "meterStart") == 0 for s in story.sessions)
    for session in story.sessions:
        begin, end = _register(session.start, "meterStart"), _register(session.stop, "meterStop")
        open_still = any(
            s.connector == session.connector and s.stop is None and s.begin < session.begin for s in story.sessions
        )
        if session.start is None or begin != 0 or open_still:
            continue
        earlier = energies.get(session.connector, [])
        taken = [s for s in story.sessions if s.stop is not None and (_register(s.stop, "meterStop") or 0) > 0]
        if earlier and min(earlier) > 100_000:
            yield shows(session.start, f"meterStart is 0, the register is {min(earlier):g} Wh")
        elif zeros > 1 and taken and end:
            yield may(session.start, "every session begins at 0")


@sign("tx-offline-begin-zero")
def offline_begin_zero(story: Story) -> Iterator[Hit]:
    """A session that began while there was no connection, with a begin of 0."""
    for session in story.sessions:
        if session.start is None or _register(session.start, "meterStart") != 0:
            continue
        at, now = stamp(fields(session.start.payload).get("timestamp")), story.known_us(session.start)
        others = [s for s in story.sessions if s is not session and (_register(s.start, "meterStart") or 0) > 0]
        if at is not None and now is not None and now - at > 10_000_000 and others:
            yield shows(session.start, f"meterStart is 0, and it was sent {(now - at) / 1e6:.0f} s late")


@sign("tx-meter-value-minus-one")
def minus_one(story: Story) -> Iterator[Hit]:
    """-1 for a register."""
    for frame in story.told("StartTransaction", "StopTransaction"):
        for name in ("meterStart", "meterStop"):
            if fields(frame.payload).get(name) == -1:
                yield shows(frame, f"{name} is -1")


@sign("tx-meterstop-below-start")
def stop_below_start(story: Story) -> Iterator[Hit]:
    """A session that ends a little below its begin."""
    for session in story.sessions:
        begin, end = _register(session.start, "meterStart"), _register(session.stop, "meterStop")
        if session.stop is not None and begin is not None and end is not None and 0 <= end < begin <= end + 10:
            yield shows(session.stop, f"meterStop is {end:g}, meterStart was {begin:g}")


@sign("tx-meterstop-equals-start")
def stop_equals_start(story: Story) -> Iterator[Hit]:
    """A session that ends at its begin, although the register rose."""
    for session in story.sessions:
        begin, end = _register(session.start, "meterStart"), _register(session.stop, "meterStop")
        if session.stop is None or begin is None or end != begin:
            continue
        energies = [
            s.amount * (1000 if s.unit == "kWh" else 1)
            for s in session.samples
            if s.measurand in (ENERGY, "") and s.amount is not None and s.frame is not session.stop
        ]
        later = [
            n for s in story.sessions
            if s.begin > session.begin and s.connector == session.connector
            and (n := _register(s.start, "meterStart")) is not None
        ]  # fmt: skip
        if (energies and max(energies) > begin + 10) or (later and later[0] > begin + 10):
            yield shows(session.stop, f"meterStop is meterStart, {begin:g}, although energy was taken")


def _same(first: Frame, second: Frame, *names: str) -> bool:
    one, two = fields(first.payload), fields(second.payload)
    return all(one.get(name) == two.get(name) for name in names)


def _repeated_starts(story: Story) -> Iterator[tuple[Frame, list[Frame]]]:
    """StartTransactions with the same content: the first, and those after it."""
    by_content: dict[str, list[Frame]] = {}
    for start in story.told("StartTransaction"):
        payload = fields(start.payload)
        if "timestamp" in payload:
            content = str([payload.get(name) for name in ("connectorId", "idTag", "timestamp", "meterStart")])
            by_content.setdefault(content, []).append(start)
    for first, *again in by_content.values():
        if again:
            yield first, again


def _new_link(story: Story, earlier: Frame, later: Frame) -> bool:
    """Did a connection begin between two frames?"""
    opened = any(mark.what == "opened" and earlier.line < mark.line < later.line for mark in story.marks)
    return opened or any(story.order(earlier) < story.order(boot) < story.order(later) for boot in story.boots)


@sign("tx-start-duplicate-repeat")
def start_repeated(story: Story) -> Iterator[Hit]:
    """The same start again at once."""
    for first, again in _repeated_starts(story):
        answer = story.answer(first)
        if answer is not None and answer.kind == RESULT and not _new_link(story, first, again[0]):
            sure = len(again) > 1
            yield (shows if sure else may)(again[0], f"the start of line {first.line} again, {len(again) + 1} in all")


@sign("tx-start-resent-on-reconnect")
def start_resent(story: Story) -> Iterator[Hit]:
    """The same start again after a lost connection, although it was answered."""
    for first, again in _repeated_starts(story):
        if story.answer(first) is not None and _new_link(story, first, again[0]):
            yield shows(again[0], f"the start of line {first.line} again, on a new connection")


@sign("tx-start-instead-of-stop")
def start_for_stop(story: Story) -> Iterator[Hit]:
    """Another start with 0 where a stop should be."""
    for earlier, later in zip(story.sessions, story.sessions[1:], strict=False):
        if earlier.start is None or later.start is None or earlier.connector != later.connector:
            continue
        same = _same(earlier.start, later.start, "idTag") and not _same(earlier.start, later.start, "timestamp")
        zero = _register(later.start, "meterStart") == 0 and (_register(earlier.start, "meterStart") or 0) > 0
        if earlier.stop is None and same and zero:
            yield shows(
                later.start, f"a start with meterStart 0, and the session of line {earlier.start.line} has no stop"
            )


def _stops(story: Story) -> Iterator[tuple[Frame, object]]:
    for frame in story.told("StopTransaction"):
        yield frame, fields(frame.payload).get("transactionId", "absent")


def _start_of(story: Story, stop: Frame) -> Session | None:
    return story.ended_by(stop)


@sign("tx-stop-null-transaction-id")
def null_id(story: Story) -> Iterator[Hit]:
    """null for an id."""
    for frame, named in _stops(story):
        if named is None:
            yield shows(frame, "transactionId is null")


@sign("tx-stop-transaction-id-zero")
def zero_id(story: Story) -> Iterator[Hit]:
    """0 for an id nobody gave."""
    for frame, named in _stops(story):
        if named == 0 and 0 not in story.given_ids:
            yield shows(frame, "transactionId is 0, which nobody gave")


@sign("tx-stop-transaction-id-minus-one")
def minus_one_id(story: Story) -> Iterator[Hit]:
    """-1 for an id, although the CSMS has given one."""
    for frame, named in _stops(story):
        session = _start_of(story, frame)
        if named == -1 and -1 not in story.given_ids and session is not None and session.id is not None:
            yield shows(frame, f"transactionId is -1, the CSMS gave {session.id}")


@sign("tx-stop-retry-until-answered")
def stop_for_ever(story: Story) -> Iterator[Hit]:
    """The same stop more often than any setting says."""
    attempts = story.setting("TransactionMessageAttempts")
    most = int(attempts[1]) if attempts and attempts[1].isdecimal() and len(attempts[1]) < 4 else 3
    by_content: dict[str, list[Frame]] = {}
    for frame in story.told("StopTransaction"):
        if story.refused(frame) or story.answer(frame) is None:
            key = str(sorted((k, str(v)[:200]) for k, v in fields(frame.payload).items()))
            by_content.setdefault(key, []).append(frame)
    for frames in by_content.values():
        if len(frames) > most:
            yield (shows if attempts else may)(frames[most], f"the same stop {len(frames)} times")


def _named(story: Story) -> Iterator[tuple[Frame, int, Session | None]]:
    """Messages that name a transaction by a number, with the session that ran."""
    for frame in story.told("MeterValues", "StopTransaction"):
        named = integer(fields(frame.payload).get("transactionId"))
        if named is None:
            continue
        if frame.action == "StopTransaction":
            yield frame, named, _start_of(story, frame)
        else:
            yield frame, named, story.running(story.order(frame), integer(fields(frame.payload).get("connectorId")))


@sign("txid-int64-max")
def id_flips(story: Story) -> Iterator[Hit]:
    """Right ids first, then 2^63-1 in the same session."""
    for frame, named, session in _named(story):
        if named != NO_ID or NO_ID in story.given_ids:
            continue
        right = session is not None and any(
            s.transaction == session.id for s in session.samples if s.order < story.order(frame)
        )
        yield (shows if right else may)(frame, "the transaction id is 2^63-1, which nobody gave")


@sign("tx-store-overflow")
def store_full(story: Story) -> Iterator[Hit]:
    """2^63-1 in all messages of a session."""
    for frame, named, session in _named(story):
        if named != NO_ID or NO_ID in story.given_ids or frame.action != "StopTransaction":
            continue
        right = session is not None and any(s.transaction == session.id for s in session.samples)
        if not right:
            yield may(frame, "the transaction id is 2^63-1 in every message of the session")


@sign("txid-older-than-last-issued")
def older_id(story: Story) -> Iterator[Hit]:
    """The id of the session before."""
    for frame, named, session in _named(story):
        if session is None or session.id is None or named == session.id or frame.action != "MeterValues":
            continue
        if any(s.id == named and s.begin < session.begin for s in story.sessions):
            yield shows(frame, f"transaction {named}, and {session.id} is running")


@sign("txid-self-assigned")
def own_ids(story: Story) -> Iterator[Hit]:
    """Another id than the one the CSMS gave, throughout."""
    for frame, named, session in _named(story):
        if session is None or session.id is None or named in (session.id, 0, -1, NO_ID):
            continue
        if named not in story.given_ids and frame.action == "StopTransaction" and not _wrapped(session.id, named):
            yield shows(frame, f"transaction {named}, and the CSMS gave {session.id}")


def _wrapped(given: object, named: int) -> bool:
    whole = integer(given)
    return whole is not None and whole - 2**32 == named


@sign("txid-signed-int32-only")
def signed_ids(story: Story) -> Iterator[Hit]:
    """The id, less 2 to the power of 32."""
    for frame, named, session in _named(story):
        if session is not None and _wrapped(session.id, named):
            yield shows(frame, f"transaction {named}, and the CSMS gave {session.id}")


@sign("stop-reason-201-vocabulary")
def newer_reasons(story: Story) -> Iterator[Hit]:
    """A reason 1.6 does not have."""
    for frame in story.told("StopTransaction"):
        reason = text(fields(frame.payload).get("reason"))
        if reason and reason not in REASONS:
            yield shows(frame, f"reason {reason}")


@sign("stop-reason-deauthorized")
def error_ends_session(story: Story) -> Iterator[Hit]:
    """DeAuthorized after an error for the start."""
    for session in story.sessions:
        if session.stop is None or text(fields(session.stop.payload).get("reason")) != "DeAuthorized":
            continue
        begun = [f for f in story.told("StartTransaction") if story.order(f) < story.order(session.stop)]
        errors = [f for f in begun if story.refused(f)]
        refused = [f for f in begun if _verdict(story, f) not in ("", "Accepted")]
        if errors and not refused:
            yield shows(session.stop, f"StartTransaction in line {errors[-1].line} was answered by an error")


def _verdict(story: Story, start: Frame) -> str:
    answer = story.answer(start)
    return "" if answer is None else text(fields(fields(answer.payload).get("idTagInfo")).get("status"))


@sign("stop-reason-local-for-normal-end")
def local_for_remote(story: Story) -> Iterator[Hit]:
    """Local, and the CSMS has stopped it."""
    for call in story.asked("RemoteStopTransaction"):
        named = fields(call.payload).get("transactionId")
        for session in story.sessions:
            if session.stop is None or session.id != named or not story.accepted(call):
                continue
            gap = story.gap_s(call, session.stop)
            if (
                story.order(session.stop) > story.order(call)
                and (gap is None or gap < 30)
                and text(fields(session.stop.payload).get("reason")) == "Local"
            ):
                yield shows(session.stop, f"reason Local, and line {call.line} has stopped it")


@sign("tx-continues-after-rejected-start")
def refusal_ignored(story: Story) -> Iterator[Hit]:
    """A session goes on although its token was refused."""
    for session in story.sessions:
        if session.start is None or _verdict(story, session.start) in ("", "Accepted", "ConcurrentTx"):
            continue
        last = session.end if session.end is not None else len(story.frames)
        busy = [
            s for s in story.statuses_of(session.connector) if session.begin < s.order < last and s.status == "Charging"
        ]
        if busy:
            yield shows(busy[0].frame, f"Charging, and the token was {_verdict(story, session.start)}")


@sign("tx-offline-queue-after-boot")
def history_first(story: Story) -> Iterator[Hit]:
    """After a boot the past comes before the statuses."""
    for boot in story.boots:
        later = list(islice(story.calls_after(story.order(boot)), QUEUE_MAX))
        if not later or later[0].action not in ("StartTransaction", "StopTransaction", "MeterValues"):
            continue
        at, now = stamp(fields(later[0].payload).get("timestamp")), story.known_us(later[0])
        statuses = [call for call in later if call.action == "StatusNotification"]
        told = [call for call in later if call.action in ("StartTransaction", "StopTransaction")]
        if at is not None and now is not None and now - at > 5_000_000 and statuses and told:
            gap = story.gap_s(told[-1], statuses[0])
            if story.order(statuses[0]) > story.order(told[-1]) and gap is not None and gap >= 1:
                yield shows(later[0], f"what happened offline comes first, the statuses {gap:.1f} s after it")


@sign("tx-second-session-dead-until-reboot")
def second_session_dead(story: Story) -> Iterator[Hit]:
    """After a session nothing starts any more."""
    over = [session for session in story.sessions if session.end is not None]
    if not over or len(story.sessions) != 1:
        return
    for call in story.asked("RemoteStartTransaction"):
        if story.order(call) > (over[0].end or 0) and story.status_of_answer(call) == "Rejected":
            rows = [s for s in story.statuses if s.connector == over[0].connector and s.order < story.order(call)]
            if rows and rows[-1].status == "Preparing":
                yield may(call, "a second session is rejected, although a car waits")
