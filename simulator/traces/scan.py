"""Finding messages in text, and reading them: bounded, never recursive, and without repairing what the sender broke.

What a log or a forum did to a message is undone: line breaks, quotation marks escaped once more, HTML entities,
typographic quotation marks, Python's way to write JSON. What the sender did to it stays: a message that was no JSON on
the wire is not made one, because that is what somebody looks for.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from simulator.traces.model import CALL, ERROR, KINDS, RESULT, RESULT_ERROR, SEND

FRAME_MAX = 1 << 20
"""Longest message in characters; OCPP messages are rarely longer than 64 KiB."""
DEPTH_MAX = 64
"""Deepest nesting of a message; that of OCPP is below 12."""
PYTHON_MAX = 1 << 16
"""Longest message in Python's notation."""

SHORTENED = "shortened by whoever wrote the log"

#: how a message begins: a bracket, its type, and something like an id
START = re.compile(
    r"""\[\s*(?:"?[2-6]"?\s*,\s*(?:\\*["'\u201c\u201d]|&quot;|-?\d|\{|null)|"?\d{1,3}"?\s*,\s*"[^"]{1,64}"\s*,\s*["{])"""
)
_MARKS = re.compile(r"""\\.|["'\[\]{}]""")
_MARKS_ESCAPED = re.compile(r"""\\{2,}"|\\?"|[\[\]{}]""")
#: a message inside of a text
ESCAPED = re.compile(r"\[\s*\d\s*,\s*\\")
#: dots in the place of text, unlike those that end a sentence
_ELIDED = re.compile(r"\.\.\.(?![\s\"])|\u2026")
_ACTION = re.compile(r'\[\s*2\s*,\s*"?([^",]*)"?\s*,\s*"(\w{1,60})"')
_LENGTHS = {CALL: (4, 4), RESULT: (3, 3), ERROR: (3, 5), RESULT_ERROR: (3, 5), SEND: (4, 4)}
_SMART = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00a0": " "})


class Scanner:
    """Where a JSON array that began ends, over any number of lines; ``escaped`` when it stands inside of a text."""

    def __init__(self, *, escaped: bool = False) -> None:
        self.depth = 0
        self.deepest = 0
        self.quote = ""
        self._marks = _MARKS_ESCAPED if escaped else _MARKS

    def feed(self, text: str, begin: int = 0) -> int | None:
        """The place behind the end of the array, None when it goes on; of text that continues what came before."""
        for found in self._marks.finditer(text, begin):
            letter = found[0][-1]
            if (len(found[0]) == 2 and self._marks is _MARKS) or len(found[0]) > 2:
                continue  # escaped
            if self.quote:
                if letter == self.quote:
                    self.quote = ""
            elif letter in "\"'":
                self.quote = letter
            elif letter in "[{":
                self.depth += 1
                self.deepest = max(self.deepest, self.depth)
            else:
                self.depth -= 1
                if self.depth <= 0:
                    return found.end()
        return None


class Message:
    """What a text says, when it is a message."""

    __slots__ = ("action", "code", "description", "id", "kind", "payload")

    def __init__(self, kind: int, message_id: str, action: str, payload: Any, code: str, description: str) -> None:
        self.kind, self.id, self.action, self.payload = kind, message_id, action, payload
        self.code, self.description = code, description


def read_message(text: str) -> Message | str:
    """The message of a text, or why it is none."""
    if len(text) > FRAME_MAX:
        return f"longer than {FRAME_MAX} characters"
    scanner = Scanner(escaped=ESCAPED.match(text) is not None)
    ended = scanner.feed(text)
    if scanner.deepest > DEPTH_MAX:
        return f"nested deeper than {DEPTH_MAX}"
    problem = ""
    for undo in _UNDO:
        candidate = undo(text)
        if candidate is None:
            continue
        try:
            parts = json.loads(candidate, strict=undo is _as_it_is, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            problem = problem or _why(str(error))
            continue
        made = message_of(parts)
        return SHORTENED if isinstance(made, str) and _ELIDED.search(text) else made
    python = _python(text)
    if python is not None:
        return message_of(python)
    if _ELIDED.search(text):
        return SHORTENED
    if ended is None:
        return f"cut off: it ends in the middle ({problem})"
    return f"not JSON: {problem}"


def message_of(parts: Any) -> Message | str:
    """The message of decoded JSON, or why it is none."""
    if not isinstance(parts, list) or not parts:
        return "not an array"
    kind = int(parts[0]) if isinstance(parts[0], str) and parts[0].isascii() and parts[0].isdigit() else parts[0]
    if isinstance(kind, bool) or not isinstance(kind, int) or kind not in KINDS:
        return f"unknown message type {str(parts[0])[:40]}"
    least, most = _LENGTHS[kind]
    if not least <= len(parts) <= most:
        expected = f"{least}" if least == most else f"{least} to {most}"
        return f"{len(parts)} elements in a {KINDS[kind]}, which has {expected}"
    if isinstance(parts[1], list | dict):
        return "the message id is no text"
    message_id = parts[1] if isinstance(parts[1], str) else json.dumps(parts[1])
    if kind in (CALL, SEND):
        if not isinstance(parts[2], str):
            return "the action is no text"
        return Message(kind, message_id, parts[2], parts[3], "", "")
    if kind == RESULT:
        return Message(kind, message_id, "", parts[2], "", "")
    code, description, details = [*parts[2:], None, None, None][:3]
    return Message(kind, message_id, "", details, _text(code), _text(description))


def guess(text: str) -> tuple[str, str]:
    """Message id and action of a CALL that cannot be read, as far as its beginning shows them."""
    found = _ACTION.search(text[:400])
    return (found[1][:100], found[2]) if found else ("", "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _why(problem: str) -> str:
    return re.sub(r": line \d+ column (\d+) \(char \d+\)", r" at character \1", problem)[:160]


def _as_it_is(text: str) -> str | None:
    return text


def _without_breaks(text: str) -> str | None:
    """Line breaks gone; other signs that JSON forbids within a text (a tab) are let be."""
    return re.sub(r"[\r\n]+", "", text)


def _unescaped(text: str) -> str | None:
    """Quotation marks that were escaped once more, as in a message inside of a JSON text."""
    if ESCAPED.match(text) is None:
        return None
    try:
        inner = json.loads(f'"{text}"', strict=False)
    except ValueError:
        return None
    return inner if isinstance(inner, str) else None


def _entities(text: str) -> str | None:
    return html.unescape(text) if "&quot;" in text else None


def _typography(text: str) -> str | None:
    changed = text.translate(_SMART)
    return changed if changed != text else None


_UNDO: tuple[Callable[[str], str | None], ...] = (_as_it_is, _without_breaks, _unescaped, _entities, _typography)


def _python(text: str) -> list[Any] | None:
    """A list in Python's notation, as in ``[2, 'id', 'Heartbeat', {}]``."""
    if "'" not in text or len(text) > PYTHON_MAX:
        return None
    try:
        found = ast.literal_eval(text)
        return found if isinstance(found, list) and json.dumps(found) else None
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
