"""Times as logs write them, to microseconds of UTC since 1970, and what was concluded to get there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from simulator.core.wall import parse_wall

DAY_US = 86_400_000_000
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_CLOCK = r"(\d{1,2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?"
_ZONE = r"(?:\s?(Z(?!\w)|UTC|GMT|[+-]\d{2}:?\d{2}(?![\w:])))?"
#: what a time may look like; earlier ones first
_ISO = re.compile(rf"(\d{{4}})[-/.](\d{{2}})[-/.](\d{{2}})[T _]\s?{_CLOCK}{_ZONE}")
_DAY_FIRST = re.compile(rf"(\d{{1,2}})[./-](\d{{1,2}})[./-](\d{{4}}),?[T ]\s?{_CLOCK}{_ZONE}(?:\s?([AaPp][Mm])\b)?")
_APACHE = re.compile(rf"(\d{{1,2}})[/ -]([A-Za-z]{{3}})[/ -](\d{{4}})[: ]{_CLOCK}{_ZONE}")
_SYSLOG = re.compile(rf"\b([A-Z][a-z]{{2}})\s{{1,2}}(\d{{1,2}})\s(?:(\d{{4}})\s)?{_CLOCK}{_ZONE}")
_TIME_ONLY = re.compile(rf"(?<![\d:.-]){_CLOCK}(?![\d:])")
_EPOCH = re.compile(r"(?<![\w.\"])(1[0-9]{9})(?:\.(\d{1,6})|(\d{3})|(\d{6}))?(?![\w\"])")


class Read(NamedTuple):
    """A time that was read: microseconds since 1970, or of the day when ``assumed`` names the date."""

    at_us: int
    assumed: tuple[str, ...]
    begin: int
    end: int


def read_time(text: str) -> Read | None:
    """The first time of a text, whatever way it is written in. Without a zone it is read as UTC."""
    for pattern, make in _FORMS:
        found = pattern.search(text)
        if found is not None:
            made = make(found)
            if made is not None:
                return Read(made[0], made[1], found.start(), found.end())
    return None


def whole(text: str) -> Read | None:
    """The same of a text that holds a time and nothing else, as a field of a table does."""
    text = text.strip().strip('"')
    if re.fullmatch(r"\d{10}(\.\d{1,9})?|\d{13}|\d{16}", text):
        digits, _, part = text.partition(".")
        digits = digits.ljust(16, "0") if not part else digits + part.ljust(6, "0")[:6]
        return Read(int(digits), (), 0, len(text))
    found = read_time(text)
    return found if found is not None and found.begin == 0 else None


_Made = tuple[int, tuple[str, ...]] | None


def _make(year: int, month: int, day: int, clock: tuple[str, ...], zone: str | None, *, assumed: str = "") -> _Made:
    hour, minute, second, part = clock
    named = "Z" if zone in (None, "", "UTC", "GMT", "Z") else zone
    fraction = f".{part}" if part else ""
    at_us = parse_wall(f"{year:04}-{month:02}-{day:02}T{int(hour):02}:{minute}:{second}{fraction}{named}")
    notes = (*((assumed,) if assumed else ()), *(() if zone else ("zone",)))
    return None if at_us is None else (at_us, notes)


def _iso(found: re.Match[str]) -> _Made:
    year, month, day, *rest, zone = found.groups()
    return _make(int(year), int(month), int(day), tuple(rest), zone)


def _day_first(found: re.Match[str]) -> _Made:
    """Day and month in the order of most countries, unless only the other one makes sense, or the clock has halves."""
    first, second, year, hour, minute, sec, part, zone, half = found.groups()
    day, month = int(first), int(second)
    if half:
        day, month = month, day
        hour = str(int(hour) % 12 + (12 if half.lower() == "pm" else 0))
    if month > 12:
        day, month = month, day
    clear = max(int(first), int(second)) > 12 or "." in found[0][:3]
    return _make(int(year), month, day, (hour, minute, sec, part), zone, assumed="" if clear else "date")


def _apache(found: re.Match[str]) -> _Made:
    day, name, year, *rest, zone = found.groups()
    if name.lower() not in _MONTHS:
        return None
    return _make(int(year), _MONTHS.index(name.lower()) + 1, int(day), tuple(rest), zone)


def _syslog(found: re.Match[str]) -> _Made:
    name, day, year, *rest, zone = found.groups()
    if name.lower() not in _MONTHS:
        return None
    # without a year: one with a leap day, and said so
    month = _MONTHS.index(name.lower()) + 1
    return _make(int(year or 1972), month, int(day), tuple(rest), zone, assumed="" if year else "date")


def _time_only(found: re.Match[str]) -> _Made:
    hour, minute, second, part = found.groups()
    return _make(1970, 1, 1, (hour, minute, second, part), None, assumed="day")


def _epoch(found: re.Match[str]) -> _Made:
    seconds, part, milli, micro = found.groups()
    fraction = (part or milli or micro or "").ljust(6, "0")
    return int(seconds) * 1_000_000 + int(fraction), ()


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], _Made]], ...] = (
    (_ISO, _iso),
    (_APACHE, _apache),
    (_DAY_FIRST, _day_first),
    (_SYSLOG, _syslog),
    (_EPOCH, _epoch),
    (_TIME_ONLY, _time_only),
)


class Days:
    """Gives times of the day a day: the one after the last seen where a clock went back over midnight."""

    def __init__(self) -> None:
        self._day = 0
        self._last: int | None = None

    def place(self, of_day_us: int) -> int:
        """Microseconds since an unknown midnight."""
        if self._last is not None and of_day_us < self._last - DAY_US // 2:
            self._day += 1
        self._last = of_day_us
        return self._day * DAY_US + of_day_us
