"""Quantities as people write them in YAML files and on the command line.

`20m`, `1h30m`, `500ms` are durations, `30%` is a share, `64KiB` is a size. Inside they are integers of microseconds, a
float from 0 to 1, and bytes. A bare number is refused where its unit would be a guess. The pydantic types below parse
and also say in the JSON schema what a file may hold.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_UNIT_US = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
_DURATION = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+(?:\.\d{1,6})?)s)?(?:(?P<ms>\d+)ms)?(?:(?P<us>\d+)us)?"
)
#: units as words: how many of which
_WORDS = {
    "week": (7, "d"),
    "day": (1, "d"),
    "hour": (1, "h"),
    "minute": (1, "m"),
    "min": (1, "m"),
    "second": (1, "s"),
    "sec": (1, "s"),
}
_IN_WORDS = re.compile(rf"(\d{{1,9}}) ?({'|'.join(_WORDS)})s?\b")
#: ten years: nothing in a run lasts longer, and sums stay far from 64 bits
MAX_DURATION_US = 3_650 * _UNIT_US["d"]

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|KB|MB|GB|KiB|MiB|GiB)")
_SIZE_B = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def parse_duration(value: Any) -> int:
    """Microseconds of ``20m``, ``1h30m``, ``45s``, ``2.5s``, ``500ms``, ``2d``, ``2 days``, ``1 hour 30 minutes`` or 0;
    ValueError says what is wrong."""
    if isinstance(value, str):
        text = _IN_WORDS.sub(_in_letters, value).replace(" ", "")
        if text == "0":
            return 0
        match = _DURATION.fullmatch(text)
        if match is None or not text:
            raise ValueError(f"{value!r} is not a duration; write it like 45s, 20m, 1h30m, 500ms or 2d")
        total = 0
        for unit, amount in match.groupdict().items():
            if amount is not None:
                whole, _, fraction = amount.partition(".")
                total += int(whole[:20]) * _UNIT_US[unit]
                total += int((fraction + "000000")[:6]) if fraction else 0
        if total > MAX_DURATION_US:
            raise ValueError(f"{value!r} is longer than ten years")
        return total
    if value == 0 and not isinstance(value, bool) and isinstance(value, int | float):
        return 0
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{value} has no unit; write {value}s for seconds")
    raise ValueError("must be a duration like 45s, 20m, 1h30m, 500ms or 2d")


def _in_letters(found: re.Match[str]) -> str:
    """``2 weeks`` as ``14d``."""
    times, letter = _WORDS[found[2]]
    return f"{int(found[1]) * times}{letter}"


def parse_share(value: Any) -> float:
    """A part of a whole, 0 to 1, of ``30%`` or 0.3."""
    if isinstance(value, str):
        try:
            share = float(value.strip().removesuffix("%")) / (100 if value.strip().endswith("%") else 1)
        except ValueError:
            raise ValueError(f"{value!r} is not a share; write it like 30% or 0.3") from None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = float(value)
    else:
        raise ValueError("must be a share like 30% or 0.3")
    if share > 1 and not (isinstance(value, str) and value.strip().endswith("%")):
        raise ValueError(f"{value} is more than the whole; write {value}% for a percentage")
    if not 0 <= share <= 1:
        raise ValueError(f"{value} is not between 0% and 100%")
    return share


def parse_size(value: Any) -> int:
    """Bytes of ``64KiB``, ``5MB``, ``512B`` or a whole number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"{value} is below 0")
        return value
    if isinstance(value, str):
        if re.fullmatch(r"\d{1,15}", value):
            return int(value)
        match = _SIZE.fullmatch(value.strip())
        if match is not None and len(match[1]) <= 15:
            return round(float(match[1]) * _SIZE_B[match[2]])
    raise ValueError(f"{value!r} is not a size; write it like 64KiB, 5MB or 512B")


def format_duration(us: int) -> str:
    """The shortest text that :func:`parse_duration` reads back as ``us``."""
    if us == 0:
        return "0"
    text = ""
    for unit, size in _UNIT_US.items():
        amount, us = divmod(us, size)
        text += f"{amount}{unit}" if amount else ""
    return text


#: microseconds, written as 20m
DurationUs = Annotated[
    int,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "description": "a duration: 45s, 20m, 1h30m, 500ms, 2d", "examples": ["20m"]}),
]
#: 0 to 1, written as 30%
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    WithJsonSchema({"type": ["string", "number"], "description": "a share: 30% or 0.3", "examples": ["30%"]}),
]
#: bytes, written as 64KiB
SizeBytes = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": ["string", "integer"], "description": "a size: 64KiB, 5MB, 512B", "examples": ["64KiB"]}),
]


def one_or_many(value: Any) -> Any:
    """A single text stands for a list of one."""
    return [value] if isinstance(value, str) else value


#: one text or a list of texts
Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
