"""All configuration keys, read and validated before the first case.

``keys16.csv`` beside this file lists every standard key: its feature profile, whether it is required, how it may be
accessed, its type and lowest value. A finding is one sentence about one key. Keys a vendor made up are only shown.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulator.certify.pics import Pics

FEATURE_OF_SECURITY = "Security"
_BOOLEANS = ("true", "false")


@dataclass(frozen=True, slots=True)
class Key:
    """A standard key. ``access``: R, RW, W, or ``R|RW``; ``type``: boolean, integer, list or string."""

    name: str
    profile: str
    required: bool
    access: str
    type: str
    minimum: int | None
    maximum: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a key that should not be so."""

    key: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """Plain data."""
        return {"key": self.key, "text": self.text}


@cache
def keys() -> dict[str, Key]:
    """The standard keys by name."""
    text = files("simulator.certify").joinpath("keys16.csv").read_text(encoding="utf-8")
    found: dict[str, Key] = {}
    for r in csv.DictReader(text.splitlines()):
        low, high = (int(r[name]) if r[name] else None for name in ("minimum", "maximum"))
        found[r["key"]] = Key(r["key"], r["profile"], r["required"] == "yes", r["access"], r["type"], low, high)
    return found


def check_configuration(configuration: Mapping[str, tuple[str | None, bool]], pics: Pics) -> list[Finding]:
    """What is wrong with a configuration, key by key; required keys of features the product has must be there."""
    found: list[Finding] = []
    for key in keys().values():
        if key.name not in configuration:
            if key.required and (key.profile in pics.features or key.profile == "Core"):
                found.append(Finding(key.name, f"required by {key.profile}, but the station does not have it"))
            continue
        value, read_only = configuration[key.name]
        if key.access == "RW" and read_only:
            found.append(Finding(key.name, "must be writable, but is read-only"))
        elif key.access == "R" and not read_only:
            found.append(Finding(key.name, "must be read-only, but is writable"))
        problem = _value_problem(key, value)
        if problem:
            found.append(Finding(key.name, problem))
    return found


def _value_problem(key: Key, value: str | None) -> str:
    if key.access == "W":
        return "must never be told, but is" if value is not None else ""
    if value is None:
        return "has no value"
    if key.type == "boolean" and value.lower() not in _BOOLEANS:
        return f"must be true or false, but is {value!r}"
    if key.type == "integer":
        if not value.lstrip("-").isdigit():
            return f"must be a whole number, but is {value!r}"
        if key.minimum is not None and int(value) < key.minimum:
            return f"must be at least {key.minimum}, but is {value}"
        if key.maximum is not None and int(value) > key.maximum:
            return f"must be at most {key.maximum}, but is {value}"
    if key.type == "list" and value and any(not item.strip() for item in value.split(",")):
        return f"has an empty item: {value!r}"
    return ""
