"""The wall clock of the reference CSMS, and how it reads the stations' clocks."""

from __future__ import annotations

from datetime import UTC, datetime


def now_text() -> str:
    """Now in UTC with milliseconds, as both protocol families write it: ``2026-11-20T12:00:00.000Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime | None:
    """``text`` as an instant, or None when it is no RFC 3339 date-time with an offset."""
    if len(text) < 20 or text[10] not in "Tt":
        return None
    try:
        value = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return value if value.tzinfo is not None else None
