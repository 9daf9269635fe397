"""What a server that is too busy asks for: the Retry-After header of a 429 or 503 (RFC 9110 section 10.2.3).

It is either a number of seconds or a date. A date is compared with the server's own Date header when there is one, so
that a wrong clock on either side does not matter.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_DIGITS = 9
"""A longer number is no waiting time (it would be over thirty years) and is passed over."""


def retry_after_s(headers: tuple[tuple[str, str], ...]) -> int | None:
    """Seconds to wait, never negative; None when the header is missing or says nothing usable."""
    said = {name.lower(): value.strip() for name, value in headers}
    wish = said.get("retry-after", "")
    if wish.isascii() and wish.isdigit():
        return int(wish) if len(wish) <= MAX_DIGITS else None
    until = _date(wish)
    if until is None:
        return None
    return max(0, int((until - (_date(said.get("date", "")) or datetime.now(UTC))).total_seconds()))


def _date(text: str) -> datetime | None:
    try:
        value = parsedate_to_datetime(text)
    except ValueError:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
