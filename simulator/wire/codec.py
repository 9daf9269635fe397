"""Payloads to structs: strictly first, and when that fails, everything that is wrong and what can still be used.

A `Codec` belongs to one generated module of messages and knows its rules only from there. The common case is one pass
of a strict decoder. Only after that has failed is the payload decoded again as plain objects and held against the
struct's types, field by field, to list *all* violations, each with path, rule and value. `Codec.salvage` then builds
what can be built, so that a station can go on with a sloppy answer while the violation is on record.

Some rules a strict decoder does not see. Date-times are strings to it; they are checked after a strict decode too.
CustomData is raw to it; its few rules are checked whenever a payload contains it. And where the schemas of a version
count 1.0 as an integer, what the strict decoder refused is found to have no violation, and is built after all.

A violation names lengths and kinds of values, never the text of a free string: such texts can be secrets.

Sources: OCPP-J 1.6, 4.2.1 (null for an empty payload) and 4.2.3; OCPP-J of 2.0.1 and 2.1 (part 4), 4.1.5 to 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import UNSET, MsgspecError, Raw, Struct
from msgspec import inspect as shape

from simulator.errors import RemoteProtocolError
from simulator.registry import nearest

#: At most so many violations of one payload are listed; a hostile list could otherwise give a million.
MAX_VIOLATIONS = 32
#: At most so many characters of a value, or of an unknown field's name, are shown.
MAX_SHOWN = 60

S = TypeVar("S", bound=Struct)

# Rule of the schema -> kind of error. How many of something there are is a matter of occurrence, be it none of a
# required field or too many in a list; what a value may be is a matter of its property.
_KINDS = {
    "json": "formation",
    "unknown": "formation",
    "required": "occurrence",
    "minItems": "occurrence",
    "maxItems": "occurrence",
    "type": "type",
    "enum": "property",
    "maxLength": "property",
    "minimum": "property",
    "maximum": "property",
    "date-time": "property",
}

_DATETIME = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]"
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_UNUSABLE: Any = object()
_CUSTOM_DATA = "customData"

# What date-times a struct holds: attribute -> None for a date-time itself, or the same of the struct it leads to.
_Stamps = tuple[tuple[str, Any], ...]

_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Messages(Protocol):
    """What a codec needs of a generated module."""

    @property
    def VERSION(self) -> str: ...
    @property
    def INTEGRAL_FLOATS(self) -> bool: ...
    @property
    def REQUESTS(self) -> Mapping[str, type[Struct]]: ...
    @property
    def RESPONSES(self) -> Mapping[str, type[Struct]]: ...
    @property
    def DATETIMES(self) -> Mapping[str, tuple[str, ...]]: ...


class Violation(Struct, frozen=True, gc=False):
    """One thing a payload has that its schema forbids.

    `path` is in wire names (``chargingProfile.chargingSchedule[0].limit``, empty for the payload itself), `rule` the
    word of JSON Schema, or ``unknown`` for a field that does not exist and ``json`` for text that is no JSON. `value`
    describes the value shortly. `kind` is the version-neutral kind of error, as in `RemoteProtocolError`.
    """

    action: str
    path: str
    rule: str
    value: str
    kind: str


class Decoded(Struct, frozen=True, gc=False):
    """What a payload gave: the message, or None if nothing could be saved, and what is wrong with it."""

    value: Any
    violations: tuple[Violation, ...] = ()


class _Entry:
    """What decoding one message takes; made when the message first comes."""

    __slots__ = ("cls", "decode", "stamps")

    def __init__(self, cls: type[Struct], datetimes: Mapping[str, tuple[str, ...]]) -> None:
        self.cls = cls
        self.decode = msgspec.json.Decoder(cls).decode
        self.stamps = _stamps(shape.type_info(cls), datetimes)


class Codec:
    """Decoder of one version's payloads. Shared by all stations of that version: it only grows caches."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages
        self._requests: dict[str, _Entry] = {}
        self._responses: dict[str, _Entry] = {}
        custom = getattr(messages, "CustomDataType", None)
        self._custom: shape.Type | None = None if custom is None else shape.type_info(custom)
        self._shapes: dict[type[Struct], shape.Type] = {}

    def knows(self, action: str) -> bool:
        """Whether the version has a message of this name (whether the station offers it is another question)."""
        return action in self.messages.REQUESTS

    def decode_request(self, action: str, raw: Raw | bytes) -> Decoded:
        """The request or SEND of `action`. Raises RemoteProtocolError (``not_implemented``) for an unknown action."""
        entry = self._requests.get(action)
        if entry is None:
            cls = self.messages.REQUESTS.get(action)
            if cls is None:
                near = nearest(action[:MAX_SHOWN], list(self.messages.REQUESTS))
                hint = f"; the nearest is {near}" if near else ""
                raise RemoteProtocolError("not_implemented", f"no action {_cut(action)!r}{hint}")
            entry = self._requests[action] = _Entry(cls, self.messages.DATETIMES)
        return self._decode(action, entry, raw)

    def decode_response(self, action: str, raw: Raw | bytes) -> Decoded:
        """The answer to our own CALL of `action`; an action without an answer is an error of ours (AssertionError)."""
        entry = self._responses.get(action)
        if entry is None:
            cls = self.messages.RESPONSES.get(action)
            assert cls is not None, f"{action} has no response in {self.messages.VERSION}"
            entry = self._responses[action] = _Entry(cls, self.messages.DATETIMES)
        return self._decode(action, entry, raw)

    def violations(self, cls: type[Struct], obj: object, action: str = "") -> tuple[Violation, ...]:
        """All (at most `MAX_VIOLATIONS`) that is wrong with `obj`, a decoded JSON value, as a `cls`."""
        found = _Findings(action, self.messages, self._custom)
        found.check(self._shape(cls), obj, "")
        return tuple(found.violations)

    def salvage(self, cls: type[S], obj: object) -> S | None:
        """What can be made of `obj`, a decoded JSON value, as a `cls`; None if a required field is not usable.

        Unknown fields are dropped, and so are optional ones that are null, of the wrong type or not in their
        enumeration. A required word that is not in its enumeration is kept. Nothing is shortened or moved into
        bounds. A list is all or nothing: leaving an item out would change its meaning.
        """
        built = _Salvage(self.messages, self._custom).build(self._shape(cls), obj, True)
        return built if isinstance(built, cls) else None

    def _shape(self, cls: type[Struct]) -> shape.Type:
        if cls not in self._shapes:
            self._shapes[cls] = shape.type_info(cls)  # slow, and only needed when something is odd
        return self._shapes[cls]

    def _decode(self, action: str, entry: _Entry, raw: Raw | bytes) -> Decoded:
        payload = bytes(raw)
        try:
            value = entry.decode(payload)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return self._tolerant(action, entry, payload)
        if entry.stamps and not _stamps_hold(entry.stamps, value):
            return self._tolerant(action, entry, payload)
        if self._custom is not None and b'"customData"' in payload:
            tolerant = self._tolerant(action, entry, payload)
            if tolerant.violations:
                return tolerant
        return Decoded(value)

    def _tolerant(self, action: str, entry: _Entry, payload: bytes) -> Decoded:
        try:
            obj = _decode_any(payload)
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            what = "nested too deeply" if isinstance(error, RecursionError) else _cut(str(error))
            return Decoded(None, (Violation(action, "", "json", what, _KINDS["json"]),))
        if obj is None:  # a permitted way to write a payload without fields
            obj = {}
        violations = self.violations(entry.cls, obj, action)
        value = self.salvage(entry.cls, obj)
        assert violations or value is not None, f"{action}: refused, yet nothing is wrong with it"
        return Decoded(value, violations)


def is_datetime(text: str) -> bool:
    """Whether this is a date-time with an offset (RFC 3339, 5.6), the only form OCPP allows."""
    found = _DATETIME.fullmatch(text)
    if found is None:
        return False
    day = int(found[3])
    if day <= 28:
        return True
    year, month = int(found[1]), int(found[2])
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= _DAYS[month - 1] + leap


def _stamps(kind: shape.Type, datetimes: Mapping[str, tuple[str, ...]]) -> _Stamps:
    """Where the date-times of a struct are; attributes that lead to none are left out."""
    while isinstance(kind, shape.ListType):
        kind = kind.item_type
    if not isinstance(kind, shape.StructType):
        return ()
    own = datetimes.get(kind.cls.__name__, ())
    found: list[tuple[str, Any]] = [(name, None) for name in own]
    for field in kind.fields:
        below = _stamps(field.type, datetimes) if field.name not in own else ()
        if below:
            found.append((field.name, below))
    return tuple(found)


def _stamps_hold(stamps: _Stamps, value: Any) -> bool:
    """Whether every date-time in a struct is one."""
    for name, below in stamps:
        held = getattr(value, name)
        if held is UNSET:
            continue
        if below is None:
            if not is_datetime(held):
                return False
        elif type(held) is list:
            for item in held:
                if not _stamps_hold(below, item):
                    return False
        elif not _stamps_hold(below, held):
            return False
    return True


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def _describe(value: object) -> str:
    """A value in a few words, without the text of a string."""
    match value:
        case str():
            return f"string of {len(value)} characters"
        case list():
            return f"array of {len(value)}"
        case dict():
            return f"object of {len(value)}"
        case _:
            return _cut(_encode(value).decode())


class _Findings:
    """One payload's walk along the types of its struct, collecting violations."""

    def __init__(self, action: str, messages: Messages, custom: shape.Type | None) -> None:
        self.action = action
        self.integral_floats = messages.INTEGRAL_FLOATS
        self.datetimes = messages.DATETIMES
        self.custom = custom
        self.violations: list[Violation] = []

    def add(self, path: str, rule: str, value: str) -> None:
        if len(self.violations) < MAX_VIOLATIONS:
            self.violations.append(Violation(self.action, path, rule, value, _KINDS[rule]))

    def check(self, kind: shape.Type, value: object, path: str) -> None:
        """Adds what is wrong with `value` at `path`."""
        match kind:
            case shape.StructType():
                self.check_struct(kind, value, path)
            case shape.ListType(item_type=item, min_length=low, max_length=high):
                if not isinstance(value, list):
                    self.add(path, "type", _describe(value))
                    return
                if low is not None and len(value) < low:
                    self.add(path, "minItems", f"{len(value)} items, at least {low}")
                if high is not None and len(value) > high:
                    self.add(path, "maxItems", f"{len(value)} items, at most {high}")
                for index, part in enumerate(value):
                    if len(self.violations) >= MAX_VIOLATIONS:
                        return
                    self.check(item, part, f"{path}[{index}]")
            case shape.StrType(max_length=longest):
                if not isinstance(value, str):
                    self.add(path, "type", _describe(value))
                elif longest is not None and len(value) > longest:
                    self.add(path, "maxLength", f"{len(value)} characters, at most {longest}")
            case shape.LiteralType(values=words):
                if not isinstance(value, str):
                    self.add(path, "type", _describe(value))
                elif value not in words:
                    self.add(path, "enum", _cut(value))
            case shape.IntType() | shape.FloatType():
                if _number(kind, value, self.integral_floats) is _UNUSABLE:
                    self.add(path, "type", _describe(value))
                    return
                assert isinstance(value, int | float)
                if kind.ge is not None and value < kind.ge:
                    self.add(path, "minimum", f"{_describe(value)}, at least {kind.ge}")
                if kind.le is not None and value > kind.le:
                    self.add(path, "maximum", f"{_describe(value)}, at most {kind.le}")
            case shape.BoolType():
                if not isinstance(value, bool):
                    self.add(path, "type", _describe(value))
            case shape.RawType():
                pass
            case _:
                raise AssertionError(f"{path}: no rule for {kind!r}")

    def check_struct(self, kind: shape.StructType, value: object, path: str) -> None:
        """Adds what is wrong with an object, field by field."""
        if not isinstance(value, dict):
            self.add(path, "type", _describe(value))
            return
        stem = f"{path}." if path else ""
        stamps = self.datetimes.get(kind.cls.__name__, ())
        names = set()
        for field in kind.fields:
            wire = field.encode_name
            names.add(wire)
            if wire not in value:
                if field.required:
                    self.add(stem + wire, "required", "missing")
                continue
            part = value[wire]
            if wire == _CUSTOM_DATA and self.custom is not None:
                self.check(self.custom, part, stem + wire)
                continue
            self.check(field.type, part, stem + wire)
            if field.name in stamps and isinstance(part, str) and not is_datetime(part):
                self.add(stem + wire, "date-time", _cut(part))
        if kind.forbid_unknown_fields:
            for name, part in value.items():
                if name not in names:
                    if len(self.violations) >= MAX_VIOLATIONS:
                        return
                    self.add(stem + _cut(name), "unknown", _describe(part))


class _Salvage:
    """Builds structs from objects that a strict decoder refused."""

    def __init__(self, messages: Messages, custom: shape.Type | None) -> None:
        self.messages = messages
        self.custom = custom

    def build(self, kind: shape.Type, value: Any, required: bool) -> Any:
        """The value as the struct's field holds it, or `_UNUSABLE`."""
        match kind:
            case shape.StructType():
                return self.build_struct(kind, value)
            case shape.ListType(item_type=item):
                if not isinstance(value, list):
                    return _UNUSABLE
                items = [self.build(item, part, required) for part in value]
                return _UNUSABLE if any(part is _UNUSABLE for part in items) else items
            case shape.StrType():
                return value if isinstance(value, str) else _UNUSABLE
            case shape.LiteralType(values=words):
                return value if isinstance(value, str) and (required or value in words) else _UNUSABLE
            case shape.IntType() | shape.FloatType():
                return _number(kind, value, self.messages.INTEGRAL_FLOATS)
            case shape.BoolType():
                return value if isinstance(value, bool) else _UNUSABLE
            case _:
                assert isinstance(kind, shape.RawType), f"no rule for {kind!r}"
                return Raw(_encode(value))

    def build_struct(self, kind: shape.StructType, value: Any) -> Any:
        """The struct with every field that can be used, or `_UNUSABLE` if a required one cannot."""
        if not isinstance(value, dict):
            return _UNUSABLE
        fields = {}
        for field in kind.fields:
            part: Any = _UNUSABLE
            if field.encode_name in value:
                given = value[field.encode_name]
                custom = self.custom if field.encode_name == _CUSTOM_DATA else None
                if custom is None or self.build(custom, given, True) is not _UNUSABLE:
                    part = self.build(field.type, given, field.required)
            if part is not _UNUSABLE:
                fields[field.name] = part
            elif field.required:
                return _UNUSABLE
        return kind.cls(**fields)


def _number(kind: shape.IntType | shape.FloatType, value: Any, integral_floats: bool) -> Any:
    """The number as a field of this kind holds it, or `_UNUSABLE`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _UNUSABLE
    if isinstance(kind, shape.IntType):
        if isinstance(value, int):
            return value
        return int(value) if integral_floats and value.is_integer() else _UNUSABLE
    try:
        return float(value)
    except OverflowError:
        return _UNUSABLE
