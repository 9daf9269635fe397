"""Schema validation: ``ocpp``'s validators, always on, for what stations say and for what we say.

Two things make them affordable without weakening them. The schemas of 2.x refer to shared definitions, and following
a reference at every visit is half of the time; so the first time a schema is used, its references are replaced by what
they refer to, inside the validator object that ``ocpp`` itself caches. And most of our answers are the same few
documents over and over; one that passed once passes again, so the last few thousand are remembered by their bytes.

``ocpp``'s own switch for validating in a thread pool is turned off: the work holds the interpreter lock anyway, and an
executor hangs in a process that gevent has patched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import ocpp.messages
from ocpp.exceptions import NotImplementedError as UnknownSchema
from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallResult, get_validator, validate_payload

ocpp.messages.ASYNC_VALIDATION = False

CALL, RESULT, SEND = 2, 3, 6
REMEMBERED = 4096

_passed: set[tuple[str, str, bytes]] = set()
_flat: set[tuple[int, str, str]] = set()


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why a payload is wrong: the broken rule, a detail without secrets, and the CALLERROR code to answer with."""

    rule: str
    detail: str
    code: str


@cache
def actions(version: str) -> frozenset[str]:
    """Every action that ``version`` (``1.6``, ``2.0.1``, ``2.1``) has a schema for."""
    folder = files("ocpp") / f"v{version.replace('.', '')}" / "schemas"
    stems = {entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")}
    return frozenset(stem.removesuffix("Request") for stem in stems if not stem.endswith("Response"))


async def check_call(version: str, action: str, payload: Any) -> Complaint | None:
    """What is wrong with ``payload`` as the request ``action``; None when nothing is."""
    return await _check(version, CALL, Call("", action, payload))


async def check_result(version: str, action: str, payload: Any) -> Complaint | None:
    """What is wrong with ``payload`` as the response to ``action``; None when nothing is."""
    return await _check(version, RESULT, CallResult("", payload, action))


async def check_own_result(version: str, action: str, payload: Any, encoded: bytes) -> Complaint | None:
    """:func:`check_result` for an answer of ours, given with its JSON; the same bytes are validated once."""
    key = (version, action, encoded)
    if key in _passed:
        return None
    if "currentTime" in payload:  # never the same twice
        return await check_result(version, action, payload)
    complaint = await check_result(version, action, payload)
    if complaint is None:
        if len(_passed) >= REMEMBERED:
            _passed.clear()
        _passed.add(key)
    return complaint


def check_send(version: str, action: str, payload: Any) -> Complaint | None:
    """What is wrong with ``payload`` as the unconfirmed message ``action`` (2.1 part 4, 4.2.4)."""
    try:
        validator = get_validator(SEND, action, version)
    except OSError:
        return Complaint("unknown-action", "no such unconfirmed message", "NotImplemented")
    for problem in validator.iter_errors(payload):
        return Complaint(*_describe(problem), "FormatViolation")
    return None


async def _check(version: str, kind: int, message: Call | CallResult) -> Complaint | None:
    try:
        # One of ocpp's checks swaps the payload for a copy with decimals; that copy stays in `message`.
        await validate_payload(message, version)
    except UnknownSchema:
        return Complaint("unknown-action", f"{version} has no schema for it", "NotImplemented")
    except OCPPError as e:
        rule, detail = _describe(e.__context__)
        return Complaint(rule, detail, _wire_code(version, e.code))
    finally:
        _flatten_cached(kind, message.action, version)
    return None


def _wire_code(version: str, code: str) -> str:
    """1.6 spells this one differently (1.6-J 4.2.3; errata 5.2), ``ocpp`` always answers with the later word."""
    return "FormationViolation" if version == "1.6" and code == "FormatViolation" else code


def _describe(problem: Any) -> tuple[str, str]:
    """Rule and detail of a validation error of jsonschema's."""
    where = "/".join(str(part) for part in problem.absolute_path) or "payload"
    rule, limit, got = str(problem.validator), problem.validator_value, problem.instance
    if rule in ("required", "additionalProperties"):
        return rule, f"{where}: {problem.message}"  # these messages name properties, never values
    if rule == "enum":
        return rule, f"{where}: {str(got)[:40]!r} is none of {', '.join(map(str, limit))}"
    if rule == "type":
        return rule, f"{where}: {type(got).__name__} instead of {limit}"
    size = f"length {len(got)}" if isinstance(got, str | list | dict) else str(got)
    return rule, f"{where}: {size}, the limit is {limit}"


def _flatten_cached(kind: int, action: str, version: str) -> None:
    """Replace the references in the schema that has just been used. Only after its first use: which number type a
    schema is read with is ``ocpp``'s business, and is settled by then."""
    if (kind, action, version) in _flat:
        return
    try:
        schema = get_validator(kind, action, version).schema
    except OSError:
        return  # an unknown action; it must not be remembered either, as names come from outside
    _flat.add((kind, action, version))
    definitions = schema.get("definitions", {})
    for name in definitions:
        if _reaches(definitions, name, name, set()):
            return  # a recursive definition cannot be unrolled; the references stay
    _unroll(schema, definitions)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _reaches(definitions: dict[str, Any], start: str, goal: str, seen: set[str]) -> bool:
    for name in _references(definitions[start]):
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            if _reaches(definitions, name, goal, seen):
                return True
    return False


def _unroll(node: Any, definitions: dict[str, Any]) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            target = definitions[node["$ref"].rpartition("/")[2]]
            _unroll(target, definitions)
            node.clear()  # draft 4: whatever stands beside a reference is ignored
            node.update(target)
        for value in node.values():
            _unroll(value, definitions)
    elif isinstance(node, list):
        for value in node:
            _unroll(value, definitions)
