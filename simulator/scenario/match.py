"""Where a value stands in a payload, and whether it is what was wanted.

A path is written as people read JSON: ``idTagInfo.status``, ``meterValue[0].timestamp``, and with ``[*]`` for any of a
list, ``meterValue[*].sampledValue[*].value``. What is wanted is a value, or one of few words: ``any`` (it is there),
``absent``, ``>= 5``, ``< 5``, ``!= x``, ``~ regular expression``; a list means one of these. Numbers are equal whether
they are written as text or not, because OCPP itself writes them both ways. Times are earlier or later as instants,
whatever zone they are written in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.core.wall import parse_wall

ANY, ABSENT = "any", "absent"
Getter = Callable[[Any], list[Any]]

_PART = re.compile(r"([^.\[\]]+)|\[(\d+|\*)\]")
_COMPARE = re.compile(r"(>=|<=|>|<|!=|~)\s*(.*)", re.DOTALL)
#: a text longer than this is not searched: an expression somebody wrote in haste must not stop a run
MAX_TEXT = 10_000


def find(payload: Any, path: str) -> list[Any]:
    """Every value at a path, in order; none when there is none. The empty path is the payload itself."""
    found = [payload]
    for name, index in _PART.findall(path):
        further: list[Any] = []
        for value in found:
            if name:
                if isinstance(value, Mapping) and name in value:
                    further.append(value[name])
            elif isinstance(value, list):
                further += value if index == "*" else value[int(index) : int(index) + 1]
        found = further
    return found


def path_problem(path: str) -> str | None:
    """What is wrong with a path, None when it can be read."""
    rest = _PART.sub("", path).replace(".", "")
    return f"{path!r} is not a path such as meterValue[*].sampledValue[0].value" if rest or not path else None


def holds(wanted: Any, found: list[Any]) -> bool:
    """Is one of the values found what was wanted?"""
    if wanted == ABSENT:
        return not found
    return any(_one(wanted, value) for value in found)


def _one(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, list | tuple):
        return any(_one(each, value) for each in wanted)
    if isinstance(wanted, Mapping):
        return all(holds(each, find(value, path)) for path, each in wanted.items())
    if isinstance(wanted, str):
        if wanted == ANY:
            return True
        compared = _COMPARE.fullmatch(wanted)
        if compared is not None:
            return _compare(compared[1], compared[2], value)
    return _equal(wanted, value)


def _compare(sign: str, text: str, value: Any) -> bool:
    if sign == "~":
        return isinstance(value, str) and re.search(text, value[:MAX_TEXT]) is not None
    if sign == "!=":
        return not _equal(text, value)
    left: float | None = number(value)
    right: float | None = number(text)
    if left is None and right is None and isinstance(value, str):
        left, right = parse_wall(value), parse_wall(text)
    if left is None or right is None:
        if not isinstance(value, str):
            return False
        return {">=": value >= text, "<=": value <= text, ">": value > text, "<": value < text}[sign]
    return {">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right}[sign]


def _equal(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return _text(wanted) == _text(value)
    left, right = number(wanted), number(value)
    if left is not None and right is not None:
        return left == right
    return _text(wanted) == _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(value: Any) -> float | None:
    """The number a value is, or that its text says."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?", value):
        return float(value)
    return None


def matcher_problem(wanted: Any) -> str | None:
    """What is wrong with a matcher, None when it can be used."""
    if isinstance(wanted, str) and wanted.startswith("~"):
        try:
            re.compile(wanted[1:].strip())
        except re.error as error:
            return f"{wanted!r} is not a regular expression: {error}"
    if isinstance(wanted, list | tuple):
        return next((reason for each in wanted if (reason := matcher_problem(each))), None)
    return None


def shown(value: Any) -> str:
    """A value for a sentence."""
    if isinstance(value, list | tuple):
        return "nothing" if not value else " or ".join(shown(each) for each in value[:4])
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."
