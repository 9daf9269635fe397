"""Proof that a case can fail: for a validation, the smallest lie about the station that it must notice.

A case that passed has written down what each validation looked at: which frame of the station, which field, by which
rule. A mutant is derived from that record alone, so a new case needs no code for it:

``alter``   the field gets another value that the schema allows and the rule does not
``drop``    the tool never learns of the message, nor of a repetition; its automatic answer goes out all the same, so
            that the station goes on as before
``early``   a copy of the message reaches the tool before its time
``insert``  a message that must not come reaches the tool

Then the case is run again on a station that was just delivered, with the lie told between station and tool, and has to
fail at that very step and field. The clock is virtual and the seed the same, so until the lie both runs are identical.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from simulator.certify.case import Case
from simulator.certify.rig import Rig
from simulator.certify.rules import OMITTED, Rule, look
from simulator.certify.runner import run_case
from simulator.certify.tester import Meddler
from simulator.certify.verdicts import CAME, FAIL, FIELD, NEVER, PASS, TIMING, CaseResult, Validation
from simulator.certify.wire import Mutation, schema_problem, validator
from simulator.wire.rpc import CALL, RESULT

ALTER, DROP, EARLY, INSERT = "alter", "drop", "early", "insert"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One lie: how it is told, and the validation that must notice it."""

    kind: str
    target: Validation
    value: Any = None

    def __str__(self) -> str:
        target = self.target
        what = f"{target.action}{' (answer)' if target.answer else ''} {target.path}".rstrip()
        told = f" = {self.value!r}" if self.kind == ALTER else ""
        return f"{self.kind} {what}{told} at step {target.step} (validation {target.number})"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a mutant. ``killed``: the case failed at the validation it was made for."""

    mutant: Mutant
    result: CaseResult
    killed: bool


def baseline(
    profile: str, case: Case, *, seed: int = 1, option: str = "", security: int | None = None, ocpp: str = "1.6"
) -> CaseResult:
    """The case, alone on a station just delivered: what mutants are derived from. ``security``: one of the case's
    security profiles; its first without."""
    rig = Rig(profile, seed=seed, ocpp=ocpp)
    reset = rig.edition.reset(rig)
    reset.learn()
    return run_case(rig, reset, case, option=option, security=security)


def derive(result: CaseResult) -> list[Mutant]:
    """A mutant for every validation of a passed case that one can be made for, in order; altered fields before dropped
    frames where a message has both."""
    assert result.verdict == PASS, f"{result.id}: mutants are derived from a case that passed, not {result.verdict}"
    found = (_derive(validation, result.ocpp) for validation in result.validations)
    return [mutant for mutant in found if mutant is not None]


def first(result: CaseResult) -> Mutant | None:
    """The mutant of the first validation of the case itself; of a state it begins with, if it has none of its own."""
    mutants = derive(result)
    own = [m for m in mutants if "." not in m.target.step] or mutants
    fields = [m for m in own if m.kind != DROP]
    return next(iter(fields or own), None)


def attempt(
    profile: str,
    case: Case,
    mutant: Mutant,
    *,
    seed: int = 1,
    option: str = "",
    security: int | None = None,
    ocpp: str = "1.6",
) -> Trial:
    """Run the case again with the lie."""
    rig = Rig(profile, seed=seed, ocpp=ocpp)
    reset = rig.edition.reset(rig)
    reset.learn()
    mutation = _mutation(mutant) if mutant.kind in (ALTER, DROP) else None
    meddler = _meddler(mutant) if mutant.kind in (EARLY, INSERT) else None
    result = run_case(rig, reset, case, option=option, security=security, mutation=mutation, meddler=meddler)
    return Trial(mutant, result, _killed(mutant, result))


def _killed(mutant: Mutant, result: CaseResult) -> bool:
    failure, target = result.failure, mutant.target
    if result.verdict != FAIL or failure is None or failure.step != target.step:
        return False
    if mutant.kind == DROP:  # what comes instead, or that nothing comes, is noticed at this step
        return True
    return failure.message == target.action + (" (answer)" if target.answer else "") and failure.path == target.path


# -- making them


def _derive(v: Validation, ocpp: str) -> Mutant | None:
    if v.kind == NEVER:
        return Mutant(INSERT, v)
    if v.kind == TIMING:
        return Mutant(EARLY, v)
    if v.frame < 0 or v.kind not in (CAME, FIELD):
        return None
    if v.kind == CAME:
        return Mutant(DROP, v)
    if v.answer and v.path.startswith("error"):
        return Mutant(ALTER, v, "GenericError") if v.rule and not v.rule.accepts("GenericError") else Mutant(DROP, v)
    value = wrong_value(v, ocpp)
    return Mutant(DROP, v) if value is None else Mutant(ALTER, v, value)


def wrong_value(v: Validation, ocpp: str = "1.6") -> Any:
    """A value for the field that the schema allows and the rule refuses (OMITTED: leave it out); None without one."""
    assert v.rule is not None
    kind = RESULT if v.answer else CALL
    root = validator(v.action, kind, ocpp).schema
    for value in _candidates(look(v.payload, v.path), _schema_of(root, v.path), root):
        if v.rule.accepts(value):
            continue
        altered = with_value(v.payload, v.path, value)
        if altered is not None and not schema_problem(v.action, kind, exact(altered), ocpp):
            return value
    return None


def exact(payload: Any) -> Any:
    """A payload with exact decimals, as the schemas need them for steps of 0.1."""
    return json.loads(json.dumps(payload), parse_float=Decimal)


def with_value(payload: Any, path: str, value: Any) -> Any:
    """A copy of a payload with another value at a path; None when the path leads nowhere."""
    copy = json.loads(json.dumps(payload))
    *way, last = path.split(".")
    place = copy
    for part in way:
        place = look(place, part)
    key: Any = int(last) if isinstance(place, list) and last.isdigit() else last
    try:
        if value is OMITTED:
            del place[key]
        elif isinstance(place, list) and key == len(place):
            place.append(value)
        else:
            place[key] = value
    except (KeyError, IndexError, TypeError):
        return None
    return copy


def _schema_of(root: dict[str, Any], path: str) -> dict[str, Any]:
    def follow(schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
        return schema

    schema = follow(root)
    for part in path.split("."):
        schema = follow(schema["items"] if part.isdigit() else schema.get("properties", {}).get(part, {}))
        if not schema:
            return {}
    return schema


def _candidates(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> Iterator[Any]:
    yield from schema.get("enum", ())
    kind = schema.get("type")
    if kind == "boolean" or isinstance(value, bool):
        yield not value if isinstance(value, bool) else True
    elif isinstance(value, int | float):
        yield from (value + 1000, value + 1, value - 1, 0)
    elif schema.get("format") == "date-time" and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        for seconds in (7, -7, 86_400, -86_400):
            yield (moment + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    elif isinstance(value, str):
        yield from ("7", "other", value + "x", value[:-1], "")
    elif isinstance(value, list):
        yield []
        yield value[1:]
        yield value[:-1]
    elif value is OMITTED:
        yield from ({"string": ("other",), "integer": (7,), "array": (["other"], [{}])}.get(str(kind), ()))
        if kind == "object":
            yield sample(schema, root)
    yield OMITTED


def sample(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """The smallest value a schema allows."""
    root = root or schema
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: sample(schema["properties"][name], root) for name in schema.get("required", ())}
    if kind == "array":
        return [sample(schema["items"], root)] if schema.get("minItems", 1) else []
    if kind == "string":
        return "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else "x"
    return {"integer": schema.get("minimum", 0), "number": 0, "boolean": False}.get(str(kind))


# -- telling them


def _mutation(mutant: Mutant) -> Mutation:
    target = mutant.target

    def lie(number: int, frame: list[Any]) -> list[Any] | None:
        if mutant.kind == DROP:  # a repetition of what nobody heard is not heard either
            again = frame[0] == CALL and not target.answer and frame[2] == target.action
            return None if number == target.frame or (number > target.frame and again) else frame
        if number != target.frame:
            return frame
        place = {CALL: 3, RESULT: 2}.get(frame[0])
        if place is None:  # the code of a CALLERROR
            return [*frame[:2], mutant.value, *frame[3:]]
        altered = with_value(frame[place], target.path, mutant.value)
        assert altered is not None, f"{mutant}: the frame is not the one it was"
        return [*frame[:place], altered, *frame[place + 1 :]]

    return lie


def _meddler(mutant: Mutant) -> Callable[[Rig], Meddler]:
    target = mutant.target

    def on(rig: Rig) -> Meddler:
        def meddle(number: int, kind: str) -> None:
            if number != target.number or kind != target.kind:
                return
            payload = target.payload
            if mutant.kind == INSERT:
                schema = validator(target.action, CALL, rig.edition.ocpp).schema
                payload = _with_rules(sample(schema), target.payload)
            frame = [CALL, f"lie-{number}", target.action, payload]
            rig.csms.hear(json.dumps(frame).encode(), rig.now_us, -1)

        return meddle

    return on


def _with_rules(payload: Any, fields: dict[str, Any]) -> Any:
    """A payload whose fields are such that a ``never`` with these fields sees it."""
    for path, wanted in fields.items():
        schema_value = wanted
        if isinstance(wanted, Rule):
            schema_value = next(
                v for v in ("Charging", "Accepted", "StopAuthorized", 1, True, "x") if wanted.accepts(v)
            )
        altered = with_value(payload, path, schema_value)
        payload = altered if altered is not None else payload
    return payload
