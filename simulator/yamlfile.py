"""YAML files that know their line numbers.

Profiles, fleets, targets and scenarios are written by people, so every complaint must say where: `FILE:LINE: field:
reason; did you mean 'x'?`. The parser's events have the lines, pydantic has the rules, and neither knows of the
other; this module turns events into plain data beside a map from *location* (the path of keys and list indexes, as
pydantic spells it) to file and line, and turns pydantic's complaints back into such lines.

The plain data is stricter than YAML where YAML surprises people. Keys are texts and unique. Only `true` and `false`
are truth values. Digits with a leading zero stay text (an RFID tag `0123` or `04E1` is not a number, nor is a password
of zeros). Dates stay text. Tags, merge keys and several documents in a file are refused.

A file is hostile until read: 1 MiB at most, nesting is bounded while it is parsed (the parser's own cost grows with the
square of the depth), and an alias that is expanded again and again (the "billion laughs") is stopped by a bound on the
number of values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from simulator.errors import AuthorError
from simulator.registry import nearest
from simulator.yamltypes import format_duration, parse_duration

MAX_BYTES = 1 << 20
#: values in one file after expanding its aliases; ten times the largest file anybody would write
MAX_VALUES = 100_000
MAX_DEPTH = 64
#: complaints shown of one file; the rest is counted
MAX_PROBLEMS = 20

Loc = tuple[str | int, ...]
Place = tuple[str, int]
M = TypeVar("M", bound=BaseModel)
#: checks that need more than one field or a registry: location and reason of each problem
Checks = Callable[[Any], Iterable[tuple[Loc, str]]]


class Closed(BaseModel):
    """Base of every model behind a YAML file: unknown keys are errors, nothing is changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data of one file, and where each part of it stands.

    ``data`` consists of dict, list, str, int, float, bool and None. ``places`` maps a location to file and line (from
    1; 0 means the file has no lines, as a command line). It may name more than one file when documents were merged.
    """

    data: dict[str, Any]
    path: str
    places: Mapping[Loc, Place] = field(default_factory=dict)

    def place_of(self, loc: Loc) -> Place:
        """File and line of ``loc``, or of the nearest enclosing part that was written down."""
        for length in range(len(loc), -1, -1):
            place = self.places.get(tuple(loc[:length]))
            if place is not None:
                return place
        return self.path, 0

    def line_of(self, loc: Loc) -> int:
        """Line (from 1) of ``loc`` or of what encloses it."""
        return self.place_of(loc)[1]

    def problem(self, loc: Loc, reason: str, error: type[AuthorError]) -> AuthorError:
        """An error at ``loc``, ready to be raised."""
        file, line = self.place_of(loc)
        return error(reason, file=file, line=line or None, field=field_path(loc) or None)

    def part(self, *prefix: str | int) -> Document:
        """The mapping below ``prefix`` as a document of its own, still knowing its lines."""
        data: Any = self.data
        for key in prefix:
            data = data[key]
        length = len(prefix)
        places = {loc[length:]: place for loc, place in self.places.items() if loc[:length] == prefix}
        return Document(data, self.path, places)


def field_path(loc: Loc) -> str:
    """A location as people read it: ``groups[0].count``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def load(path: Path | str, error: type[AuthorError] = AuthorError) -> Document:
    """Read a YAML file whose top is a mapping; raises ``error`` with file and line."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise error(f"cannot be read: {exc.strerror or exc}", file=str(path)) from None
    if len(raw) > MAX_BYTES:
        raise error(f"is larger than {MAX_BYTES} bytes", file=str(path))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise error("is not UTF-8 text", file=str(path), line=line) from None
    return load_text(text, str(path), error)


def load_text(text: str, path: str, error: type[AuthorError] = AuthorError) -> Document:
    """As :func:`load`, for a text already in memory; ``path`` is what errors call it."""
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise error("a tab in the indentation; use spaces", file=path, line=number)
    try:
        root = _Composer(path, error).compose(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        reason = " ".join(str(exc.problem or exc.context or "is not valid YAML").split())
        raise error(reason, file=path, line=mark.line + 1 if mark is not None else None) from None
    except YAMLError as exc:
        raise error(" ".join(str(exc).split()), file=path) from None
    if root is None:
        raise error("is empty", file=path)
    if not isinstance(root.value, dict):
        raise error("must be a mapping of keys to values at its top", file=path, line=root.line)
    places: dict[Loc, Place] = {}
    return Document(_Expander(path, error, places).expand(root, ()), path, places)


class _Node:
    """A value with its line: a plain scalar, a list of nodes, or a dict of key -> (line of the key, node)."""

    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Any) -> None:
        self.line, self.value = line, value


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_STR = "tag:yaml.org,2002:str"
_CORE = ("null", "bool", "int", "float", "str", "seq", "map")
_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in _CORE)
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


class _Composer:
    """Events to nodes. Shared nodes stay shared; a node cannot contain itself, because its name is known at its end."""

    def __init__(self, path: str, error: type[AuthorError]) -> None:
        self.path, self.error = path, error
        self.anchors: dict[str, _Node] = {}
        self.values = 0

    def refuse(self, reason: str, line: int, loc: Loc = ()) -> AuthorError:
        return self.error(reason, file=self.path, line=line, field=field_path(loc) or None)

    def compose(self, events: Iterator[Event]) -> _Node | None:
        root: _Node | None = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    raise self.refuse("a second document begins; a file holds one", _line(event))
                root = self.node(next(events), events, ())
        return root

    def node(self, event: Event, events: Iterator[Event], loc: Loc) -> _Node:
        line = _line(event)
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.refuse(f"has more than {MAX_VALUES} values", line)
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                raise self.refuse(f"the alias *{event.anchor} stands for nothing above it", line, loc)
            return _Node(line, self.anchors[event.anchor].value)
        assert isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent)
        if event.tag is not None and event.tag not in _TAGS:
            raise self.refuse(f"the tag {event.tag!r} is not supported", line, loc)
        if len(loc) >= MAX_DEPTH:
            raise self.refuse(f"is nested more than {MAX_DEPTH} levels deep", line)
        value: Any
        if isinstance(event, MappingStartEvent):
            value = self.mapping(events, loc)
        elif isinstance(event, SequenceStartEvent):
            value = []
            while not isinstance(inner := next(events), SequenceEndEvent):
                value.append(self.node(inner, events, (*loc, len(value))))
        else:
            value = self.scalar(event, loc)
        node = _Node(line, value)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def mapping(self, events: Iterator[Event], loc: Loc) -> dict[str, tuple[int, _Node]]:
        found: dict[str, tuple[int, _Node]] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = _line(event)
            if not isinstance(event, ScalarEvent) or event.value == "":
                raise self.refuse("a key must be a single word or text", line, loc)
            if event.value == "<<" and event.style is None:
                raise self.refuse("merge keys (<<) are not supported", line, loc)
            key = str(event.value)
            inner = (*loc, key)
            if key in found:
                raise self.refuse(f"the key stands twice, first in line {found[key][0]}", line, inner)
            found[key] = (line, self.node(next(events), events, inner))
        return found

    def scalar(self, event: ScalarEvent, loc: Loc) -> Any:
        text = str(event.value)
        if event.style is not None or event.tag == _STR:
            return text
        if text.lower() in _WORDS and text in (text.lower(), text.title(), text.upper()):
            return _WORDS[text.lower()]
        if _INT.fullmatch(text):
            if len(text) > 19:
                raise self.refuse("a number this long must be put in quotes to stay as it is", _line(event), loc)
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
            raise self.refuse(f"{text} is too large a number", _line(event), loc)
        return text


class _Expander:
    """Nodes to plain data and places; counts values, so that aliases cannot multiply without end."""

    def __init__(self, path: str, error: type[AuthorError], places: dict[Loc, Place]) -> None:
        self.path, self.error, self.places = path, error, places
        self.left = MAX_VALUES

    def expand(self, node: _Node, loc: Loc) -> Any:
        self.left -= 1
        if self.left < 0:
            reason = f"more than {MAX_VALUES} values once its aliases are expanded"
            raise self.error(reason, file=self.path, line=node.line)
        if len(loc) > MAX_DEPTH:
            raise self.error(f"is nested more than {MAX_DEPTH} levels deep", file=self.path, line=node.line)
        self.places.setdefault(loc, (self.path, node.line))
        if isinstance(node.value, list):
            return [self.expand(item, (*loc, index)) for index, item in enumerate(node.value)]
        if not isinstance(node.value, dict):
            return node.value
        data: dict[str, Any] = {}
        for key, (line, item) in node.value.items():
            self.places[(*loc, key)] = (self.path, line)
            data[key] = self.expand(item, (*loc, key))
        return data


# --- validation ------------------------------------------------------------------------------------------------------


def validate(
    document: Document, model: type[M], error: type[AuthorError] = AuthorError, checks: Checks | None = None
) -> M:
    """``document`` as a ``model``; raises ``error`` whose text is one line for each problem, in order of the file.

    ``checks`` runs after the model's own rules and reports what they cannot see. The error's ``file``, ``line`` and
    ``field`` are those of the first problem.
    """
    try:
        value = model.model_validate(document.data)
    except ValidationError as exc:
        found = list(_explain(exc, model, document))
    else:
        found = list(checks(value)) if checks is not None else []
        if not found:
            return value
    raise _joined(document, found, error)


def _joined(document: Document, found: list[tuple[Loc, str]], error: type[AuthorError]) -> AuthorError:
    problems = [document.problem(loc, reason, error) for loc, reason in found]
    order = sorted(range(len(problems)), key=lambda i: (problems[i].file != document.path, problems[i].line or 0, i))
    lines = list(dict.fromkeys(str(problems[i]) for i in order))
    if len(lines) > MAX_PROBLEMS:
        lines[MAX_PROBLEMS:] = [f"... and {len(lines) - MAX_PROBLEMS} more"]
    joined = error("\n".join(lines))
    first = problems[order[0]]
    joined.file, joined.line, joined.field = first.file, first.line, first.field
    return joined


def _explain(exc: ValidationError, model: type[BaseModel], document: Document) -> Iterator[tuple[Loc, str]]:
    for item in exc.errors(include_url=False):
        loc: Loc = item["loc"]
        kind, ctx = item["type"], item.get("ctx", {})
        if kind == "too_short" and len(_value_at(document.data, loc) or ()) >= ctx["min_length"]:
            continue  # pydantic counts only the entries that are right; the wrong ones are reported themselves
        if kind == "extra_forbidden":
            yield loc, "unknown key" + hint(str(loc[-1]), _keys_at(model, loc[:-1]))
        elif kind == "literal_error":
            expected = str(ctx.get("expected", ""))
            values = re.findall(r"'([^']*)'", expected) or re.split(", | or ", expected)
            given = _value_at(document.data, loc)
            shown = values if len(values) <= 10 else [*values[:3], f"... ({len(values)} in all)"]
            yield loc, f"{_short(given)} is not one of {', '.join(shown)}{hint(given, values)}"
        else:
            yield loc, _reason(kind, _in_units(ctx, _value_at(document.data, loc), item["input"]), item["msg"])


def _in_units(ctx: Mapping[str, Any], written: Any, read: Any) -> Mapping[str, Any]:
    """Limits of a duration as people write durations, not in the microseconds it is read as."""
    try:
        if not isinstance(written, str) or isinstance(read, str) or parse_duration(written) != read:
            return ctx
    except ValueError:
        return ctx
    return {name: format_duration(limit) if isinstance(limit, int) else limit for name, limit in ctx.items()}


def _reason(kind: str, ctx: Mapping[str, Any], message: str) -> str:
    if kind == "value_error":
        return str(ctx["error"])
    if kind in ("too_short", "string_too_short") and ctx["min_length"] == 1:
        return "must not be empty"
    limits = {
        "greater_than_equal": "must be at least {ge}",
        "greater_than": "must be above {gt}",
        "less_than_equal": "must be at most {le}",
        "less_than": "must be below {lt}",
        "string_too_long": "is longer than {max_length} characters",
        "string_too_short": "needs at least {min_length} characters",
        "too_long": "has more than {max_length} entries",
        "too_short": "needs at least {min_length} entries",
    }
    if kind in limits:
        numbers = {name: int(n) if isinstance(n, float) and n == int(n) else n for name, n in ctx.items()}
        return limits[kind].format(**numbers)
    plain = {
        "missing": "is required",
        "string_type": "must be a text; put quotes around a number",
        "int_type": "must be a whole number",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "float_type": "must be a number",
        "float_parsing": "must be a number",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "dict_type": "must be a mapping of keys to values",
        "model_type": "must be a mapping of keys to values",
        "list_type": "must be a list",
        "tuple_type": "must be a list",
        "finite_number": "must be a finite number",
    }
    return plain.get(kind) or message[:1].lower() + message[1:]


def hint(given: Any, valid: Iterable[str]) -> str:
    """``; did you mean 'x'?`` when a valid name is near what was given, else nothing."""
    near = nearest(given, list(valid)) if isinstance(given, str) else None
    return f"; did you mean {near!r}?" if near else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _value_at(data: Any, loc: Loc) -> Any:
    """What was written at ``loc``; of a bare value that a model takes for one of its fields, that value."""
    for part in loc:
        if not isinstance(data, dict | list):
            return data
        try:
            data = data[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that are valid at ``loc`` of a file described by ``model``."""
    annotation: Any = model
    for part in loc:
        owner = _model_in(annotation)
        if owner is not None and isinstance(part, str):
            fields = {info.alias or name: info for name, info in owner.model_fields.items()}
            if part not in fields:
                return []
            annotation = fields[part].annotation
        else:
            annotation = _item_of(annotation)
    owner = _model_in(annotation)
    return [info.alias or name for name, info in owner.model_fields.items()] if owner else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, Annotated):
        for arg in get_args(annotation):
            found = _model_in(arg)
            if found is not None:
                return found
    return None


def _item_of(annotation: Any) -> Any:
    """What a list or a mapping of ``annotation`` holds."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType, Annotated):
        for arg in get_args(annotation):
            found = _item_of(arg)
            if found is not None:
                return found
        return None
    args = [arg for arg in get_args(annotation) if arg is not ...]
    return args[-1] if origin in (list, tuple, dict) and args else None
