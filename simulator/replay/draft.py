"""A profile that is being drafted: values, where each was seen, what could not be carried over, and the YAML of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import ProfileError
from simulator.profile.checks import check_profile
from simulator.profile.schema import Profile
from simulator.yamlfile import Loc, field_path, load_text, validate

_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*(?: [\w./+-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_WIDTH = 116
MAX_NOTES = 60


@dataclass
class Draft:
    """``extends`` gives what is not said here; all of that is assumed."""

    extends: str
    evidence: str
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What could not be carried over, or is worth a look, in whole sentences."""

    def put(self, path: Loc, value: Any, source: str) -> None:
        """A value and where it was seen; "" when it is assumed. The first word on a value counts."""
        place = self.values
        *way, last = path
        for step in way:
            place = place.setdefault(str(step), {})
        if last not in place:
            place[str(last)] = value
            if source:
                self.sources[field_path(path)] = source

    def has(self, path: Loc) -> bool:
        """Has something been said there?"""
        place: Any = self.values
        for step in path:
            if not isinstance(place, dict) or step not in place:
                return False
            place = place[step]
        return True

    def note(self, text: str) -> None:
        """One more thing to say, on one line; the same is said once."""
        text = " ".join("".join(one if one.isprintable() else " " for one in text).split())
        if text not in self.notes:
            self.notes.append(text)

    def text(self) -> str:
        """The YAML of it."""
        head = [f"# {line}" for line in (f"{self.evidence}.", "Read it before use: what has no source is assumed.")]
        shown = self.notes[:MAX_NOTES]
        head += [f"# - {line}" for line in shown]
        if len(self.notes) > len(shown):
            head.append(f"# - and {len(self.notes) - len(shown)} more")
        data = {"extends": self.extends, "evidence": self.evidence[:300], **self.values}
        blocks = ["\n".join(_block(key, value, 0)) for key, value in data.items()]
        if self.sources:
            blocks.append("\n".join(_block("sources", self.sources, 0)))
        return "\n".join(_fold(head)) + "\n" + "\n".join(blocks) + "\n"


def checked(draft: Draft, name: str = "draft") -> Profile:
    """The profile as it would be without what it extends; ProfileError names what is wrong."""
    return validate(load_text(draft.text(), name, ProfileError), Profile, ProfileError, check_profile)


def plain(field: str, said: str) -> str:
    """A text of an identity, to be said as it was: in patterns braces have a meaning, so they are doubled there. In the
    name of a firmware there can be none, because it is filled in twice."""
    if field in ("vendor", "model"):
        return said
    if field == "firmware":
        return said.replace("{", "(").replace("}", ")")
    return said.replace("{", "{{").replace("}", "}}")


def _fold(lines: list[str]) -> Iterator[str]:
    """Comments within the width of the house."""
    for line in lines:
        while len(line) > _WIDTH and " " in line[4:_WIDTH]:
            cut = line.rfind(" ", 0, _WIDTH)
            yield line[:cut]
            line = "#   " + line[cut + 1 :]
        yield line


def _block(key: str, value: Any, depth: int) -> Iterator[str]:
    """One key with what belongs to it, in lines."""
    pad = "  " * depth
    name = _scalar(key)
    if isinstance(value, dict) and value:
        yield f"{pad}{name}:"
        for inner, item in value.items():
            yield from _block(str(inner), item, depth + 1)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        yield f"{pad}{name}:"
        for item in value:
            text = ", ".join(f"{_scalar(inner)}: {_flow(one)}" for inner, one in item.items())
            yield f"{pad}  - {{{text}}}"
    else:
        yield f"{pad}{name}: {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """A text needs quotes unless it can be nothing else."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS and value[-1] != ":":
        return value
    return json.dumps(value, ensure_ascii=False)
