"""A log made fit to be passed on: what identifies people, stations and networks is replaced, the rest stays as it is.

The text is changed in place, so a log keeps its format, its line numbers and what is broken in it. The same value gets
the same stand-in wherever it turns up, in messages, heads of lines and pieces nobody can read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from simulator.errors import UnknownName
from simulator.registry import nearest
from simulator.traces.model import Trace
from simulator.traces.placeholders import Placeholders, core
from simulator.traces.secrets import DEPTH_MAX, KINDS, by_form, by_place
from simulator.traces.signs.tx import REASONS

ANYWHERE_MIN = 4
"""Shorter values are replaced only where they are a whole text of JSON."""
DIGITS_ANYWHERE_MIN = 6
"""The same for values of digits alone, which elsewhere are readings."""
CHUNK = 500
"""Values looked for at once."""
#: fields of messages that hold words of the protocol
_WORD_FIELDS = frozenset(
    {
        "chargingProfileKind", "chargingProfilePurpose", "chargingRateUnit", "context", "errorCode", "eventType",
        "format", "key", "location", "measurand", "phase", "reason", "requestedMessage", "status", "triggerReason",
        "type", "unit",
    }
)  # fmt: skip
#: kinds of tokens, and words that a log may lack by chance
_WORDS = frozenset(
    {
        "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "MacAddress", "NoAuthorization",
        "Available", "Charging", "Preparing", "Finishing", "Unavailable", "Faulted", "Accepted", "Rejected",
    }
)  # fmt: skip
_SHAPED = {"mail": "addresses", "ipv4": "addresses", "ipv6": "addresses", "host": "addresses"}
#: a hexadecimal value may be written with signs between its pairs elsewhere
_PAIRS = re.compile(r"(?:[0-9A-Fa-f]{2}){4,10}")


class Scrubbed(msgspec.Struct, frozen=True, kw_only=True):
    """The changed text, and how many values of each kind were replaced."""

    text: str
    replaced: dict[str, int]


def scrub(text: str, trace: Trace, *, key: str, keep: Iterable[str] = ()) -> Scrubbed:
    """Replace what should not be passed on in ``text``, of which ``trace`` was read.

    ``key`` decides which stand-ins are used: with the same key the same value gets the same one in other logs, too.
    ``keep`` names kinds (:data:`simulator.traces.secrets.KINDS`) that stay, or values.
    """
    keep = tuple(keep)
    kinds = {word for word in keep if word in KINDS}
    values = {core(word) for word in keep if word not in KINDS}
    for word in keep:
        near = nearest(word, list(KINDS))
        if word not in KINDS and near is not None and word not in text:
            raise UnknownName("kind of value", word, near)
    made = Placeholders(key)
    every = [*by_form(text), *by_place(trace)]
    values |= {core(value) for kind, value in every if _SHAPED.get(kind, kind) in kinds}
    found: dict[str, str] = {}
    for kind, value in every:
        if core(value) not in values:
            found.setdefault(value, kind)
    words = _vocabulary(trace)
    everywhere = {value: kind for value, kind in found.items() if _anywhere(value) and value.lower() not in words}
    replaced: dict[str, int] = {}
    for value, kind in found.items():
        name = _SHAPED.get(kind, kind)
        replaced[name] = replaced.get(name, 0) + 1
        if value not in everywhere:
            text = _in_its_field(text, value, made)
    return Scrubbed(text=_replace(text, everywhere, made), replaced=dict(sorted(replaced.items())))


def _anywhere(value: str) -> bool:
    return len(value) >= (DIGITS_ANYWHERE_MIN if value.isdigit() else ANYWHERE_MIN)


def _vocabulary(trace: Trace) -> set[str]:
    """Words of the protocol in small letters, which stay words also where somebody has one of them for a tag."""
    from simulator.dialects import DIALECTS

    words = {action for dialect in DIALECTS.values() for action in dialect.messages.REQUESTS} | REASONS | _WORDS
    for frame in trace.frames:
        words.update(_words_of(frame.payload, 0))
    return {word.lower() for word in words}


def _words_of(value: Any, depth: int) -> Iterator[str]:
    """What stands in fields that hold words."""
    if depth > DEPTH_MAX:
        return
    for item in value if isinstance(value, list) else ():
        yield from _words_of(item, depth + 1)
    for name, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, str) and name in _WORD_FIELDS and len(item) <= 50:
            yield item
        else:
            yield from _words_of(item, depth + 1)


#: a field of JSON, also of JSON inside of a text, whose name says that it holds a tag, a serial or a password
_FIELD = r"""(\\*"(?:\w*[iI]d[tT]a\w*|\w*[tT]oken\w*|\w*[sS]erial\w*|\w*[pP]ass\w*|\w*[pP]in|user\w*)\\*"\s*:\s*\\*")"""


def _in_its_field(text: str, value: str, made: Placeholders) -> str:
    """A value that may be anything elsewhere is replaced where a field says what it is."""
    pattern = re.compile(_FIELD + f"({re.escape(value)})" + r'(?=\\*")')
    return pattern.sub(lambda match: match[1] + made.of(value), text)


def _replace(text: str, found: dict[str, str], made: Placeholders) -> str:
    """All of them everywhere, the longest first, so that none is changed in part."""
    shapes: dict[str, Callable[[str], str]] = {
        "mail": made.mail, "ipv4": made.address4, "ipv6": made.address6, "host": made.host,
    }  # fmt: skip
    patterns: dict[str, str] = {}
    for value, kind in found.items():
        for form in {value, quote(value, safe=""), value.replace("/", "\\/"), value.replace('"', '\\"')}:
            patterns[_pattern(form, kind)] = kind
    rows = sorted(patterns.items(), key=lambda row: -len(row[0]))
    # marked first and put in afterwards: a stand-in must not be taken for a value of the next chunk
    marks: list[str] = []

    def mark(shape: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
        def put(match: re.Match[str]) -> str:
            marks.append(shape(match[0]))
            return f"\ue000{len(marks) - 1}\ue001"

        return put

    text = text.replace("\ue000", "\ufffd").replace("\ue001", "\ufffd")
    for begin in range(0, len(rows), CHUNK):
        chunk = rows[begin : begin + CHUNK]
        kinds = dict.fromkeys(kind if kind in shapes else "" for _, kind in chunk)
        for kind in kinds:
            joined = "|".join(pattern for pattern, own in chunk if (own if own in shapes else "") == kind)
            whole = rf"(?:(?<![A-Za-z0-9\ue000])|(?<=\\[nrt]))(?:{joined})(?![A-Za-z0-9\ue001])"
            text = re.sub(whole, mark(shapes.get(kind, made.of)), text, flags=re.IGNORECASE)
    return re.sub("\ue000(\\d+)\ue001", lambda match: marks[int(match[1])], text)


def _pattern(form: str, kind: str) -> str:
    plain = re.sub(r"[:\-]", "", form)
    if kind not in _SHAPED and _PAIRS.fullmatch(plain) and len(re.split(r"[:\-]", form)[0]) in (2, len(form)):
        return "[:-]?".join(plain[place : place + 2] for place in range(0, len(plain), 2))
    return re.escape(form)
