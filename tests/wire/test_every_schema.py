"""Every schema against the struct that stands for it, with jsonschema as the judge.

Each message (387 schemas) is built in its smallest form and in its largest, with every list at two items, every string
at its full length and every word of every enumeration in turn; both must pass the judge, decode without a violation
and come back unchanged. Then each struct, messages and nested types alike, is broken in every way its own schema
knows, one field at a time, and codec and judge must name the same rules at the same paths.
"""

import copy
import json
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import jsonschema
import msgspec
import pytest
from msgspec import inspect as shape

from simulator.generate import VERSIONS, action, load, struct_name
from simulator.ocpp2x import messages_21, messages_201
from simulator.ocpp16 import messages as messages_16
from simulator.wire.codec import Codec, Decoded

Schema = dict[str, Any]
MODULES: dict[str, ModuleType] = {"v16": messages_16, "v201": messages_201, "v21": messages_21}
JUDGES = {"v16": jsonschema.Draft4Validator, "v201": jsonschema.Draft6Validator, "v21": jsonschema.Draft6Validator}
FOLDERS = tuple(folder for _, _, folder, _, _ in VERSIONS)
STAMP = "2026-02-28T23:59:59.123Z"
TEXT = "é漢😀x"  # two, three, four bytes and one: lengths are counted in characters

schemas = cache(load)
codecs = {folder: Codec(module) for folder, module in MODULES.items()}
MESSAGES = [(folder, name) for folder in FOLDERS for name in schemas(folder)]


def resolve(part: Schema, root: Schema) -> Schema:
    return root["definitions"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def sample(part: Schema, root: Schema, *, full: bool, turn: int) -> Any:
    """A valid instance; `turn` picks the words of enumerations."""
    part = resolve(part, root)
    if "enum" in part:
        return part["enum"][turn % len(part["enum"])]
    match part.get("type"):
        case "object":
            required = part.get("required", [])
            return {
                name: sample(inner, root, full=full, turn=turn)
                for name, inner in part.get("properties", {}).items()
                if full or name in required
            }
        case "array":
            count = max(part.get("minItems", 0), min(part.get("maxItems", 2), 2) if full else 0)
            return [sample(part["items"], root, full=full, turn=turn + n) for n in range(count)]
        case "string":
            longest = part.get("maxLength", 40 if full else 1)
            return STAMP if part.get("format") == "date-time" else (TEXT * (longest // 4 + 1))[: longest if full else 0]
        case "integer":
            return int(part.get("maximum" if full else "minimum", part.get("minimum", part.get("maximum", -7))))
        case "number":
            return part.get("maximum" if full else "minimum", part.get("minimum", part.get("maximum", 0.5)))
        case "boolean":
            return full
        case None:
            return {"any": [1, 2.5, None, "x"]} if full else None
    raise AssertionError(part)


def structs(folder: str) -> Iterator[tuple[str, type[msgspec.Struct], Schema, Schema]]:
    """(where, struct, its schema, the schema file's root): every message, and every nested struct once."""
    module, seen = MODULES[folder], set()
    for name, root in schemas(folder).items():
        cls = getattr(module, struct_name(folder, name))
        todo: list[tuple[shape.Type, Schema]] = [(shape.type_info(cls), root)]
        while todo:
            kind, part = todo.pop()
            part = resolve(part, root)
            if isinstance(kind, shape.ListType):
                todo.append((kind.item_type, part["items"]))
            elif isinstance(kind, shape.StructType) and kind.cls not in seen:
                seen.add(kind.cls)
                yield f"{folder}-{kind.cls.__name__}", kind.cls, part, root
                assert {field.encode_name for field in kind.fields} == part.get("properties", {}).keys(), kind.cls
                todo += [(field.type, part["properties"][field.encode_name]) for field in kind.fields]
    if hasattr(module, "CustomDataType"):
        yield f"{folder}-CustomDataType", module.CustomDataType, root["definitions"]["CustomDataType"], root


STRUCTS = [(folder, *found) for folder in FOLDERS for found in structs(folder)]


@cache
def judge(folder: str, name: str) -> Any:
    return JUDGES[folder](schemas(folder)[name])


def decode(folder: str, name: str, payload: bytes) -> Decoded:
    codec = codecs[folder]
    if name.endswith("Response"):
        return codec.decode_response(action(name), payload)
    return codec.decode_request(action(name), payload)


def largest_enum(part: Any) -> int:
    if isinstance(part, dict):
        own = len(part["enum"]) if isinstance(part.get("enum"), list) else 1
        return max([own, *(largest_enum(inner) for inner in part.values())])
    return 1


def test_the_number_of_schemas() -> None:
    assert [len(schemas(folder)) for folder in FOLDERS] == [78, 128, 181]
    assert len(STRUCTS) == len({where for _, where, *_ in STRUCTS})
    for folder in FOLDERS:
        module = MODULES[folder]
        assert len(module.REQUESTS) + len(module.RESPONSES) == len(schemas(folder))
        assert set(module.REQUESTS) - set(module.RESPONSES) == module.SENDS


@pytest.mark.parametrize(("folder", "name"), MESSAGES, ids=[f"{f}-{n}" for f, n in MESSAGES])
def test_valid_messages_decode_and_come_back(folder: str, name: str) -> None:
    root = schemas(folder)[name]
    cls = getattr(MODULES[folder], struct_name(folder, name))
    for full in (False, True):
        message = sample(root, root, full=full, turn=0)
        assert judged(judge(folder, name), message) == set()
        done = decode(folder, name, json.dumps(message).encode())
        assert done.violations == ()
        assert type(done.value) is cls
        again = msgspec.json.encode(done.value)
        assert json.loads(again) == message
        # The tolerant way gives the same message as the strict one, and finds nothing wrong with it.
        assert codecs[folder].violations(cls, message) == ()
        assert json.loads(msgspec.json.encode(codecs[folder].salvage(cls, message))) == message
    for turn in range(1, largest_enum(root)):
        payload = json.dumps(sample(root, root, full=True, turn=turn)).encode()
        assert decode(folder, name, payload).violations == ()


def mutants(part: Schema, root: Schema, valid: Schema) -> Iterator[tuple[str, Any]]:
    """(what was done, the broken object): one change each, in the fields of the object itself."""
    yield "not an object", [valid]
    yield "not an object", "text"
    yield "unknown", {**valid, "notInTheSchema": {"secret": 1}}
    for name, inner in part.get("properties", {}).items():
        inner = resolve(inner, root)
        good = valid.get(name, sample(inner, root, full=False, turn=0))
        if name in part.get("required", ()):
            yield f"{name} missing", {key: value for key, value in valid.items() if key != name}
        others: list[Any] = [None, True, 3, 2.0, 2.5, "text", [], {}]
        match inner.get("type"):
            case "string":
                others += [good[:-1] + "😀" if "enum" in inner else "x" * (inner.get("maxLength", 0) + 1)]
            case "integer" | "number":
                others += [inner[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in inner]
            case "array":
                item = sample(inner["items"], root, full=False, turn=0)
                most = inner.get("maxItems", 0)
                others += [[item] * (most + 1) if most <= 20 else [item], [item, None], [7, item, "text"]]
            case "object" if good:
                others += [{**good, "alsoUnknown": None}]
        for other in others:
            yield f"{name} = {other!r}"[:80], {**valid, name: other}


def judged(validator: Any, obj: Any) -> set[tuple[str, str]]:
    """(path, rule) of what the judge objects to, in the codec's words."""
    found: set[tuple[str, str]] = set()
    for error in validator.iter_errors(obj):
        path = ""
        for step in error.absolute_path:
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
        stem = f"{path}." if path else ""
        match error.validator:
            case "required":
                found |= {(stem + name, "required") for name in error.validator_value if name not in error.instance}
            case "additionalProperties":
                found |= {(stem + n, "unknown") for n in error.instance if n not in error.schema.get("properties", {})}
            case "multipleOf":  # left out of the structs; a judge that divides binary floats is no authority on tenths
                pass
            case rule:
                found.add((path, rule))
    # A number where a word should be is not also the wrong word.
    return {(path, rule) for path, rule in found if rule != "enum" or (path, "type") not in found}


@pytest.mark.parametrize(("folder", "where", "cls", "part", "root"), STRUCTS, ids=[where for _, where, *_ in STRUCTS])
def test_broken_structs_are_refused_as_the_schema_refuses_them(
    folder: str, where: str, cls: type[msgspec.Struct], part: Schema, root: Schema
) -> None:
    codec = codecs[folder]
    validator = JUDGES[folder]({**part, "definitions": root.get("definitions", {})})
    strict = msgspec.json.Decoder(cls).decode
    valid = sample(part, root, full=False, turn=0)
    broken = 0
    for what, mutant in mutants(part, root, valid):
        before = copy.deepcopy(mutant)
        expected = judged(validator, mutant)
        listed = codec.violations(cls, mutant)
        found = {(violation.path, violation.rule) for violation in listed if violation.rule != "date-time"}
        assert found == expected, what
        try:
            strict(json.dumps(mutant).encode())
            accepted = True
        except msgspec.ValidationError:
            accepted = False
        if accepted:  # what the strict decoder cannot see is at most this
            assert all(path.startswith("customData") for path, _ in expected), what
        elif not expected:  # what it refuses though it is right is at most a whole number written as 2.0
            assert codec.messages.INTEGRAL_FLOATS, what
            assert 2.0 in mutant.values(), what
        broken += bool(expected)
        saved = codec.salvage(cls, mutant)
        hopeless = [path for path, rule in expected if rule in ("required", "type")]
        if saved is not None:
            assert not {*part.get("required", ()), ""} & set(hopeless), what
            left = judged(validator, json.loads(msgspec.json.encode(saved)))
            assert left <= expected, what
            assert not {rule for _, rule in left} & {"required", "type", "unknown"}, what
        else:
            assert hopeless, what
        assert mutant == before, "the object must not be changed"
        assert not expected or all(violation.kind for violation in listed)
    assert broken >= 3
