"""YAML files that know their line numbers.

Profiles, fleets, targets and scenarios are written by people, so every complaint must say where: `FILE:LINE: field:
reason; did you mean 'x'?`. The parser's node graph has the lines, pydantic has the rules, and neither knows of the
other; this module turns the graph into plain data beside a map from *location* (the path of keys and list indexes, as
pydantic spells it) to file and line, and turns pydantic's complaints back into such lines.

The plain data is stricter than YAML where YAML surprises people. Keys are texts and unique. Only `true` and `false`
are truth values. Digits with a leading zero stay text (an RFID tag `0123` or `04E1` is not a number, nor is a password
of zeros). Dates stay text. Tags, merge keys and several documents in a file are refused.

A file is hostile until read: 1 MiB at most, and an alias that is expanded again and again (the "billion laughs") is
stopped by a bound on the number of values.
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
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from simulator.errors import AuthorError
from simulator.registry import nearest

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
        root = YAML(typ="rt", pure=True).compose(text)
        if root is None:
            raise error("is empty", file=path)
        if not isinstance(root, MappingNode):
            raise error("must be a mapping of keys to values at its top", file=path, line=_line(root))
        builder = _Builder(path, error)
        data = builder.build(root, ())
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        reason = " ".join(str(exc.problem or exc.context or "is not valid YAML").split())
        raise error(reason, file=path, line=mark.line + 1 if mark is not None else None) from None
    except YAMLError as exc:
        raise error(" ".join(str(exc).split()), file=path) from None
    except RecursionError:
        raise error(f"is nested more than {MAX_DEPTH} levels deep", file=path) from None
    return Document(data, path, builder.places)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


class _Builder:
    """Node graph to plain data; counts values, so that aliases cannot multiply without end."""

    def __init__(self, path: str, error: type[AuthorError]) -> None:
        self.path, self.error = path, error
        self.places: dict[Loc, Place] = {}
        self.values = 0

    def refuse(self, reason: str, node: Node, loc: Loc) -> AuthorError:
        return self.error(reason, file=self.path, line=_line(node), field=field_path(loc) or None)

    def build(self, node: Node, loc: Loc) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.refuse(f"more than {MAX_VALUES} values once its aliases are expanded", node, ())
        if len(loc) > MAX_DEPTH:
            raise self.refuse(f"is nested more than {MAX_DEPTH} levels deep", node, ())
        self.places.setdefault(loc, (self.path, _line(node)))
        tag = str(node.tag)
        if not tag.startswith("tag:yaml.org,2002:"):
            raise self.refuse(f"the tag {tag!r} is not supported", node, loc)
        if isinstance(node, MappingNode):
            return self.mapping(node, loc)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*loc, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self.scalar(node, tag, loc)

    def mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        data: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.value == "":
                raise self.refuse("a key must be a single word or text", key_node, loc)
            key = str(key_node.value)
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self.refuse("merge keys (<<) are not supported", key_node, loc)
            inner = (*loc, key)
            if key in data:
                raise self.refuse(f"the key stands twice, first in line {lines[key]}", key_node, inner)
            lines[key] = _line(key_node)
            self.places[inner] = (self.path, lines[key])
            data[key] = self.build(value_node, inner)
        return data

    def scalar(self, node: ScalarNode, tag: str, loc: Loc) -> Any:
        text = str(node.value)
        if node.style is not None or tag.endswith(":str"):
            return text
        if text.lower() in _WORDS and text in (text.lower(), text.title(), text.upper()):
            return _WORDS[text.lower()]
        if _INT.fullmatch(text):
            if len(text) > 19:
                raise self.refuse("a number this long must be put in quotes to stay as it is", node, loc)
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
            raise self.refuse(f"{text} is too large a number", node, loc)
        return text


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
        if kind == "extra_forbidden":
            yield loc, "unknown key" + hint(str(loc[-1]), _keys_at(model, loc[:-1]))
        elif kind == "literal_error":
            values = re.findall(r"'([^']*)'", str(ctx.get("expected", ""))) or [str(ctx.get("expected", ""))]
            given = _value_at(document.data, loc)
            yield loc, f"{_short(given)} is not one of {', '.join(values)}{hint(given, values)}"
        else:
            yield loc, _reason(kind, ctx, item["msg"])


def _reason(kind: str, ctx: Mapping[str, Any], message: str) -> str:
    if kind == "value_error":
        return str(ctx["error"])
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
        return limits[kind].format(**ctx)
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
    for part in loc:
        try:
            data = data[part]
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
