"""Parts of messages that may be anything: what has another type than it should have is as good as absent."""

from __future__ import annotations

from typing import Any


def fields(value: object) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """A JSON array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def rows(value: object) -> list[dict[str, Any]]:
    """The objects in an array."""
    return [item for item in items(value) if isinstance(item, dict)]


def whole(value: object, otherwise: int = 0) -> int:
    """A whole number of a size that means something."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53 else otherwise


def text(value: object) -> str:
    """A text; "" for anything else."""
    return value if isinstance(value, str) else ""
