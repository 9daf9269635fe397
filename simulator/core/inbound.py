"""What comes in over the link: answers to our CALLs, requests of the CSMS, and garbage.

Everything the CSMS sends is hostile until decoded. A frame is split, its kind checked against the version, its payload
decoded against the schema; only then does a handler see it. Whatever is wrong is on record and answered as the version
says, and nothing that comes in can raise out of here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.dialect import CallRefused, Later
from simulator.core.network import end_link
from simulator.core.records import CsmsCallHandled, ViolationSeen
from simulator.core.wiring import FEATURES, MOMENTS, QUIET
from simulator.errors import RemoteProtocolError
from simulator.hardware.network import Cut
from simulator.wire.rpc import Call, Error, Result, ResultError, parse

if TYPE_CHECKING:
    from simulator.core.dialect import Route
    from simulator.core.inputs import Frame
    from simulator.core.outbox import Entry
    from simulator.core.station import Station
    from simulator.wire.codec import Violation

MAX_LATER = 16
RESET = Cut("reset")
#: a longer frame of the CSMS is refused without being read
MAX_FRAME_BYTES = 1 << 20
#: longest error code of a CALLERROR that is kept
MAX_CODE = 50


def frame(st: Station, event: Frame, now: int) -> object:
    """One text message of the CSMS: an answer, a request, or garbage. ``QUIET`` when it changed no fact."""
    if event.link != st.link.number or not st.link.is_up or not st.board.modem.passes(now):
        return None
    if st.board.network.faults:
        st.board.network.traffic(now)
    try:
        if len(event.data) > MAX_FRAME_BYTES:
            raise RemoteProtocolError("rpc_framework", f"a frame of {len(event.data)} bytes is too long")
        message = parse(event.data)
        if not isinstance(message, st.dialect.frame_types):
            raise RemoteProtocolError(
                "message_type",
                f"this version has no message type {type(message).__name__}",
                message_id=message.message_id,
            )
    except RemoteProtocolError as error:
        _on_garbage(st, error)
        return None
    if type(message) is Result:
        return _on_result(st, message, now)
    if type(message) is Call:
        _on_call(st, message, now)
    elif type(message) is Error:
        _on_error(st, message, now)
    else:  # neither is ever answered; the CSMS has no business to send the one, and the other is our own fault
        st.record(ViolationSeen("", "", type(message).__name__, "nobody waits for this"))
    return None


def _on_garbage(st: Station, error: RemoteProtocolError) -> None:
    """A frame that cannot be used: on record, and refused if this version answers such a frame at all."""
    st.record(ViolationSeen("", "", error.kind, error.description[:100]))
    _invalid(st, error.kind)
    outbox = st.outbox
    asked = error.is_result and outbox.in_flight is not None and error.message_id == outbox.message_id
    if asked and ResultError in st.dialect.frame_types and not st.model.lenient:  # 2.1 part 2, 3 FR.06
        st.refuse_answer(outbox.message_id, "rpc_framework", error.description, outbox.action)
        return
    if error.kind in st.dialect.never_answered or _silent(st):
        return
    message_id = error.message_id if error.message_id is not None else st.dialect.unreadable_id
    if message_id is not None:
        st.refuse(message_id, error.kind, error.description)


def _invalid(st: Station, what: str) -> None:
    """The CSMS has sent something that is no message of OCPP."""
    st.data["invalid"] = what
    for function in MOMENTS["invalid"]:
        function(st, st.now)


def _silent(st: Station) -> bool:
    """Does the registration forbid any answer?"""
    return st.gate == "rejected" and st.dialect.rejected_is_silent


def _on_result(st: Station, message: Result, now: int) -> object:
    outbox = st.outbox
    if st.board.network.faults and message.message_id == outbox.message_id and st.board.network.loses():
        end_link(st, RESET, now)
        return None
    entry = outbox.take_answer(st, message.message_id, now)
    if entry is None:
        return None
    action = outbox.action
    payload = message.payload
    for quirk in st.model.seams.request:
        payload = quirk.read(st, action, payload)
    decoded = st.dialect.codec.decode_response(action, payload)
    for violation in decoded.violations:
        st.record(ViolationSeen(action, violation.path, violation.rule, violation.value))
    if decoded.violations and not st.model.lenient and ResultError in st.dialect.frame_types:
        first = decoded.violations[0]  # 2.1 part 2, 3 FR.06; what can be read of the answer is used all the same
        st.refuse_answer(message.message_id, first.kind, f"{first.path or 'payload'}: {first.rule}", action)
    if decoded.value is None:
        # answered, but with nothing that can be used: as good as a failure to process
        outbox.finished(st, entry, "callerror", now, "unusable")
        if not outbox.failed(st, entry, now, "unusable"):
            failure(st, entry, "unusable")
        return None
    outbox.finished(st, entry, "ok", now)
    outbox.delivered(st, entry)
    value = decoded.value
    for quirk in st.model.seams.request:
        value = quirk.heard(st, action, value)
    reply = st.dialect.replies.get(action)
    return QUIET if reply is None else reply(st, entry.report, value)


def _on_error(st: Station, message: Error, now: int) -> None:
    outbox = st.outbox
    entry = outbox.take_answer(st, message.message_id, now)
    if entry is None:
        return
    code = message.code[:MAX_CODE]
    outbox.finished(st, entry, "callerror", now, code)
    if not outbox.failed(st, entry, now, code):
        failure(st, entry, code)
    for function in MOMENTS["callerror"]:
        function(st, now)


def call_timed_out(st: Station, now: int) -> None:
    """The call timer fired."""
    entry = st.outbox.timeout(st, now)
    if entry is not None and not st.outbox.failed(st, entry, now, "timeout"):
        failure(st, entry, "timeout")


def failure(st: Station, entry: Entry, code: str) -> None:
    """A CALL ended without an answer that can be used; ``code`` of a CALLERROR, timeout, lost, unusable."""
    told = st.dialect.failures.get(st.outbox.action)
    if told is not None:
        told(st, entry.report, code)


def _has(st: Station, feature: str) -> bool:
    return feature in FEATURES[0](st.model)


def _bearable(st: Station, route: Route, violations: tuple[Violation, ...]) -> bool:
    """May a request be served although its schema forbids it?"""
    if st.model.lenient:
        return True
    return all(found.rule in ("enum", "minItems") and found.path in route.open_words for found in violations)


def _on_call(st: Station, message: Call, now: int) -> None:
    dialect = st.dialect
    action = message.action
    if _silent(st):
        st.record(CsmsCallHandled(action if dialect.codec.knows(action) else "", "silent"))
        return
    route = dialect.routes.get(action)
    if action in st.model.not_offered or (route is not None and route.feature and not _has(st, route.feature)):
        route = None
    if route is None:
        if action in dialect.strange:
            st.refuse(message.message_id, "not_implemented", action, action)
        elif dialect.codec.knows(action):
            st.refuse(message.message_id, "not_supported", action, action)
        else:  # the name is whatever a peer likes; on record it would become a label without bounds
            st.refuse(message.message_id, "not_implemented", action)
        return
    decoded = dialect.codec.decode_request(action, message.payload)
    for violation in decoded.violations:
        st.record(ViolationSeen(action, violation.path, violation.rule, violation.value))
    if decoded.violations and not (decoded.value is not None and _bearable(st, route, decoded.violations)):
        first = decoded.violations[0]
        _invalid(st, f"{action} {first.path} {first.rule}")
        st.refuse(message.message_id, first.kind, f"{first.path or 'payload'}: {first.rule}", action)
        return
    for quirk in st.model.seams.request:
        verdict = quirk.request(st, action, decoded.value, message.message_id)
        if verdict is not None:  # answered by the quirk, or left unanswered on purpose
            st.record(CsmsCallHandled(action, verdict))
            return
    if st.gate not in route.when:
        st.refuse(message.message_id, dialect.refused_kind, f"not while registration is {st.gate}", action)
        return
    try:
        answer = route.handler(st, decoded.value, dialect.messages)
    except CallRefused as refusal:
        st.refuse(message.message_id, refusal.kind, refusal.description, action)
        return
    if isinstance(answer, Later):
        if len(st.later) >= MAX_LATER:
            st.refuse(message.message_id, "internal", f"{MAX_LATER} answers are owed already", action)
            return
        st.later[answer.token] = (message.message_id, action, answer.deadline_us)
        st.timers.set("later", min(deadline for _, _, deadline in st.later.values()))
        return
    st.reply(message.message_id, action, answer)
