"""Wall time on the wire: RFC 3339 text to microseconds since 1970 and back, without a clock or a calendar library.

Days are counted in the proleptic Gregorian calendar from 0000-03-01, which makes the leap day the last of the year.
"""

from __future__ import annotations

import re

_FORM = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9})\d*)?(?:([Zz])|([+-])(\d{2}):?(\d{2}))?$"
)
_DAY_US = 86_400_000_000
_EPOCH_DAYS = 719_468


def _days(year: int, month: int, day: int) -> int:
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _EPOCH_DAYS


def parse_wall(text: str) -> int | None:
    """Microseconds since 1970, or None for a text that is no date-time. A missing zone is read as UTC."""
    found = _FORM.match(text.strip())
    if found is None:
        return None
    date, hours, minutes, whole, part, _, sign, offset_h, offset_min = found.groups()
    known, day_us = _PARSED[0]
    if date != known:
        year, month, day = int(date[:4]), int(date[5:7]), int(date[8:])
        if not 1 <= month <= 12:
            return None
        first = _days(year, month, 1)
        if not 1 <= day <= _days(year + month // 12, month % 12 + 1, 1) - first:
            return None  # not in the calendar (RFC 3339 5.7)
        day_us = (first + day - 1) * _DAY_US
        _PARSED[0] = (date, day_us)
    hour, minute, second = int(hours), int(minutes), int(whole)
    if hour >= 24 or minute >= 60 or second > 60:
        return None
    seconds = hour * 3600 + minute * 60 + second
    if sign is not None:
        if int(offset_h) > 23 or int(offset_min) > 59:
            return None
        offset = int(offset_h) * 3600 + int(offset_min) * 60
        seconds += -offset if sign == "+" else offset
    return day_us + seconds * 1_000_000 + (int(part.ljust(6, "0")[:6]) if part else 0)


def format_wall(wall_us: int) -> str:
    """``2026-03-01T12:00:00.000Z``; what lies before year 1 or after 9999 is shown at that end."""
    if not _FIRST_US <= wall_us <= _LAST_US:
        wall_us = min(max(wall_us, _FIRST_US), _LAST_US)
    seconds, micro = divmod(wall_us, 1_000_000)
    known, text = _FORMATTED[0]
    if seconds != known:
        text = _to_the_second(seconds)
        _FORMATTED[0] = (seconds, text)
    return f"{text}{micro // 1000:03d}Z"


def _to_the_second(seconds: int) -> str:
    days, second = divmod(seconds, 86_400)
    shifted = days + _EPOCH_DAYS
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    year += era * 400 + (month <= 2)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}."


_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_000_000
#: the second formatted last: a fleet says many things in one second. One tuple, so that no thread sees half of it
_FORMATTED: list[tuple[int, str]] = [(-(1 << 62), "")]
#: the date parsed last and where its day begins (us since 1970)
_PARSED: list[tuple[str, int]] = [("", 0)]
