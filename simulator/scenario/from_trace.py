"""A scenario drafted from a trace or a log: what people did at the station, read off what the station said.

A trace has messages, a scenario has causes. A StatusNotification Preparing was a cable, an Authorize was a card, a
StopTransaction says why; what the CSMS sent was its operator. So each message becomes the act that must have caused it,
if there is one, and an expectation. Tokens become the roles that the CSMS's answers gave them; ids, times and registers
are left out, because they are never the same again. Whatever is guessed is marked ``assumed`` in a comment, and what
could not be used is counted at the top: it is a draft to be read, not a proof.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import AuthorError
from simulator.replay.capture import spoken_version
from simulator.scenario.expecting import is_order
from simulator.scenario.match import find
from simulator.scenario.words import MESSAGES, Form
from simulator.traces.model import ERROR, Frame, Trace
from simulator.yamlfile import hint

MAX_STEPS = 900
#: a pause shorter than this is no step of its own
PAUSE_S = 2.0
#: what a CSMS says of a token -> the role of such a token
ROLE_OF = {
    "Accepted": "valid",
    "Blocked": "blocked",
    "Expired": "expired",
    "Invalid": "invalid",
    "Unknown": "invalid",
    "ConcurrentTx": "concurrent",
}
EMERGENCY = "press: emergency_stop"
#: what the station says by itself, whatever anybody does
BY_ITSELF = frozenset({"Heartbeat", "MeterValues", "NotifyReport", "SecurityEventNotification", "DataTransfer"})


@dataclass(slots=True)
class _Line:
    at_s: float
    to_csms: bool
    kind: int
    action: str
    payload: Any
    answer: _Line | None = None


@dataclass(slots=True)
class _Draft:
    steps: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    plugged: set[int] = field(default_factory=set)
    status: dict[int, str] = field(default_factory=dict)
    #: a token that was shown, or named by the CSMS, and has neither begun nor ended anything yet
    pending: str = ""
    #: by EVSE, the token its session began with
    sessions: dict[int, str] = field(default_factory=dict)
    emergency: bool = False
    unused: dict[str, int] = field(default_factory=dict)

    def add(self, step: str, why: str = "") -> None:
        """One more step. A button that makes a station faulty was pressed before the station said so."""
        place = len(self.steps)
        while step == EMERGENCY and place and "Faulted" in self.steps[place - 1]:
            place -= 1
        self.steps.insert(place, f"  - {step}" + (f"   # assumed: {why}" if why else ""))


def draft(trace: Trace, *, station: str | None = None, source: str = "trace") -> str:
    """The YAML of a scenario from a trace. Raises AuthorError for a trace without messages, or with several stations
    when none is named."""
    version, frames = _frames(trace, station, source)
    lines = _paired(frames)
    found = _Draft()
    spoilt = sum(one.station == frames[0].station for one in trace.unreadable)
    nowhere = sum(frame.direction is None for frame in frames)
    for what, count in (("pieces that cannot be read", spoilt), ("messages that went nobody knows which way", nowhere)):
        if count:
            found.unused[what] = count
    began_booting = bool(lines) and lines[0].action == "BootNotification"
    clock_s = next((frame.at_us / 1e6 for frame in frames if frame.at_us is not None), 0.0)
    if began_booting:
        found.add("power: {on: true, how: switch}")
    for number, line in enumerate(lines):
        if len(found.steps) > MAX_STEPS:
            found.unused["messages after those that fit into one scenario"] = len(lines) - number
            break
        before = len(found.steps)
        acts = list(_acts(line, version, found))
        expectation = _expectation(line, version, found)
        if acts or expectation:
            pause = line.at_s - clock_s
            if pause >= PAUSE_S:
                found.steps.insert(before, f"  - wait: {_duration(pause)}")
            clock_s = line.at_s
        for act, why in acts:
            found.add(act, why)
        if expectation:
            found.add(expectation)
    if found.plugged:
        found.add("unplug", "the trace ends with the cable in")
    return _text(version, began_booting, found, source)


def _text(version: str, booting: bool, found: _Draft, source: str) -> str:
    head = [f"# Drafted from {source}; read it, give it a title and a reason, and keep what matters."]
    if found.unused:
        listed = ", ".join(f"{action} {count}" for action, count in sorted(found.unused.items()))
        head.append(f"# Not used: {listed}.")
    head += [f"title: Drafted from {source}"[:120], "because: it happened", "tags: [draft]", f"ocpp: {version}"]
    if booting:
        head.append("begin: off")
    steps = found.steps or ["  - wait: 1s   # assumed: nothing in the trace could be used"]
    return "\n".join([*head, "", "steps:", *steps]) + "\n"


# -- reading


def _frames(trace: Trace, station: str | None, source: str) -> tuple[str, list[Frame]]:
    """The frames of one station, and its version."""
    if not trace.frames:
        raise AuthorError("there is no OCPP message in it", file=source)
    if station is None:
        if len(trace.stations) > 1:
            named = ", ".join(repr(one) for one in trace.stations[:5])
            raise AuthorError(f"holds {len(trace.stations)} stations; say which: {named}", field="--station")
        station = trace.stations[0]
    frames = trace.of(station)
    if not frames:
        raise AuthorError(f"no station {station!r} in it{hint(station, trace.stations)}", field="--station")
    versions: dict[str, Frame] = {}
    for frame in frames:
        if frame.version:
            versions.setdefault(frame.version, frame)
    if len(versions) > 1:
        several = (
            f"{station or 'the station'} speaks {' and '.join(versions)} in it: these are two runs, record one of them"
        )
        raise AuthorError(several, file=source, line=list(versions.values())[1].line)
    return spoken_version(frames), frames


def _paired(frames: Iterable[Frame]) -> list[_Line]:
    """The calls that went a known way, each with its answer. Without a time of its own a message follows at once."""
    calls: dict[tuple[bool, str], _Line] = {}
    found: list[_Line] = []
    at_s = 0.0
    for frame in frames:
        at_s = at_s if frame.at_us is None else frame.at_us / 1e6
        if frame.direction is None:
            continue
        if frame.is_call:
            line = _Line(at_s, frame.to_csms, frame.kind, frame.action, frame.payload)
            calls[line.to_csms, frame.id] = line
            found.append(line)
        elif (asked := calls.get((not frame.to_csms, frame.id))) is not None:
            asked.answer = _Line(at_s, frame.to_csms, frame.kind, frame.action, frame.payload)
    return found


# -- what must have happened


def _form(name: str, version: str) -> Form | None:
    return MESSAGES[name].form(version)


def _is(line: _Line, name: str, version: str) -> Form | None:
    form = _form(name, version)
    if form is None or line.action != form.action:
        return None
    return form if all(find(line.payload, path) == [value] for path, value in form.where.items()) else None


def _first(values: list[Any]) -> Any:
    return values[0] if values else None


def _acts(line: _Line, version: str, found: _Draft) -> Iterator[tuple[str, str]]:
    """What somebody must have done for this message to be sent, and why that is only assumed."""
    if not line.to_csms:
        started = _is(line, "remote start", version)
        if started is not None:
            found.pending = str(_first(started.get(line.payload, "token")))
            found.tokens.setdefault(found.pending, "valid")
        yield _operation(line, found), ""
    elif (form := _is(line, "status", version)) is not None:
        yield from _status(line, form, found)
    elif (form := _is(line, "authorize", version)) is not None:
        yield from _card(line, form, found)
    elif (form := _is(line, "transaction started", version)) is not None:
        evse = int(_first(form.get(line.payload, "evse")) or 1)
        yield from _cable(evse, True, found, "a session needs a cable")
        token = _first(form.get(line.payload, "token"))
        if token is not None and found.pending != token:
            yield from _card(line, form, found)
        found.sessions[evse] = str(token or found.pending)
        found.pending = ""
    elif (form := _is(line, "transaction ended", version)) is not None:
        yield from _end(line, form, found)


def _cable(evse: int, plugged: bool, found: _Draft, why: str = "") -> Iterator[tuple[str, str]]:
    """The cable is put in or pulled, unless it is so already."""
    if (evse in found.plugged) is plugged:
        return
    (found.plugged.add if plugged else found.plugged.discard)(evse)
    name = "plug" if plugged else "unplug"
    yield (name if evse == 1 else f"{name}: {{evse: {evse}}}"), why


def _status(line: _Line, form: Form, found: _Draft) -> Iterator[tuple[str, str]]:
    evse, status = int(_first(form.get(line.payload, "evse")) or 0), str(_first(form.get(line.payload, "status")))
    before = found.status.get(evse, "")
    found.status[evse] = status
    if found.emergency and before == "Faulted" and status != "Faulted":
        found.emergency = False
        yield "press: emergency_release", ""
    if evse == 0:
        return
    where = "" if evse == 1 else f", evse: {evse}"
    if status == "Occupied" or (status == "Preparing" and not found.pending):
        yield from _cable(evse, True, found)
    elif status == "Available":
        yield from _cable(evse, False, found)
    elif status == "SuspendedEV":
        yield f"suspend: {{side: ev{where}}}", ""
    elif status == "Charging" and before == "SuspendedEV":
        yield f"resume: {{side: ev{where}}}", ""


def _card(line: _Line, form: Form, found: _Draft) -> Iterator[tuple[str, str]]:
    """A token is shown; its role is what the CSMS said of it."""
    token = str(_first(form.get(line.payload, "token")))
    verdict = _first(form.of_answer(line.answer.payload, "status")) if line.answer is not None else None
    why = "" if verdict is not None or token in found.tokens else "its verdict is not in the trace"
    if token not in found.tokens:
        role = ROLE_OF.get(str(verdict), "valid")
        found.tokens[token] = "valid2" if role == "valid" and "valid" in found.tokens.values() else role
    if ROLE_OF.get(str(verdict), "valid") == "valid":
        found.pending = token
    yield f"present: {found.tokens[token]}", why


def _end(line: _Line, form: Form, found: _Draft) -> Iterator[tuple[str, str]]:
    reason = str(_first(form.get(line.payload, "reason")))
    evse = int(_first(form.get(line.payload, "evse")) or next(iter(found.sessions), 1))
    token = str(_first(form.get(line.payload, "token")) or found.sessions.get(evse, ""))
    found.sessions.pop(evse, None)
    if reason == "Local" and token in found.tokens and found.pending != token:
        yield f"present: {found.tokens[token]}", ""
    elif reason == "EVDisconnected":
        yield from _cable(evse, False, found)
    elif reason == "EmergencyStop":
        found.emergency = True
        yield EMERGENCY, ""
    elif reason == "PowerLoss":
        yield "power: off", "the power was gone"
        yield "power: on", "and came back"
    found.pending = ""


def _operation(line: _Line, found: _Draft) -> str:
    """What the CSMS sent, word by word but for what is never the same again."""
    payload = json.loads(json.dumps(line.payload))
    if not isinstance(payload, dict):
        payload = {}
    if "transactionId" in payload:
        payload["transactionId"] = "$transaction"
    inner = payload.get("idToken")
    for key, holder in (("idTag", payload), ("idToken", inner)):
        if isinstance(holder, dict) and isinstance(holder.get(key), str):
            holder[key] = f"$token.{found.tokens.get(holder[key], 'valid')}"
    return f"operator: {{do: {line.action}, payload: {json.dumps(payload, ensure_ascii=False)}}}"


def _expectation(line: _Line, version: str, found: _Draft) -> str:
    """The message itself, by its meaning where it has one."""
    if not line.to_csms:
        return ""
    if line.action in BY_ITSELF or is_order(line.action):
        found.unused[line.action] = found.unused.get(line.action, 0) + 1
        return ""
    for name in ("boot", "authorize", "transaction started", "transaction ended", "status"):
        form = _is(line, name, version)
        if form is None:
            continue
        if name == "status":
            status = _first(form.get(line.payload, "status"))
            return f"expect: {{message: status, where: {{status: {status}}}}}"
        verdict = _first(form.of_answer(line.answer.payload, "status")) if line.answer is not None else None
        answer = "error" if line.answer is not None and line.answer.kind == ERROR else verdict or "any"
        return f"expect: {{message: {name}, answer: {answer}}}" if line.answer is not None else f"expect: {name}"
    found.unused[line.action] = found.unused.get(line.action, 0) + 1
    return ""


def _duration(seconds: float) -> str:
    """A pause as people write it, whole seconds."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes >= 2 and rest in (0, 1):
        return f"{minutes} minutes"
    return f"{whole}s"
