"""What a field of a message may be: the right-hand side of a validation.

A plain value means exactly that value; the rest is said with :func:`one_of`, :data:`OMITTED`, :data:`PRESENT` and
:func:`such_that`. A rule can say itself in words, and it can be asked about any value, which is how a mutant finds one
that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: stands for a field that is not there, and as a rule for "is not there"
OMITTED: Any = type("Omitted", (), {"__repr__": lambda self: "omitted", "__slots__": ()})()


class Rule:
    """``accepts`` decides, ``text`` says what is wanted."""

    __slots__ = ("accepts", "text")

    def __init__(self, text: str, accepts: Callable[[Any], bool]) -> None:
        self.text, self.accepts = text, accepts

    def __repr__(self) -> str:
        return self.text


#: the field is there, whatever it says
PRESENT = Rule("present", lambda value: value is not OMITTED)


def one_of(*values: Any) -> Rule:
    """Any of these (``OMITTED`` among them: the field may be left out)."""
    return Rule(" or ".join(_show(v) for v in values), lambda value: any(_same(value, v) for v in values))


def such_that(text: str, accepts: Callable[[Any], bool]) -> Rule:
    """A condition of one's own; a field that is not there never fulfils it."""
    return Rule(text, lambda value: value is not OMITTED and accepts(value))


def not_equal(value: Any) -> Rule:
    """There, and anything else than this."""
    return such_that(f"not {_show(value)}", lambda got: not _same(got, value))


def rule_of(expected: Any) -> Rule:
    """``expected`` as a rule: a rule stays what it is, a value means exactly that value."""
    if isinstance(expected, Rule):
        return expected
    return Rule(_show(expected), lambda value: _same(value, expected))


def look(payload: Any, path: str) -> Any:
    """The value at ``a.0.b`` in a payload, or OMITTED."""
    for part in path.split(".") if path else ():
        if isinstance(payload, dict) and part in payload:
            payload = payload[part]
        elif isinstance(payload, list) and part.isdigit() and int(part) < len(payload):
            payload = payload[int(part)]
        else:
            return OMITTED
    return payload


def show(value: Any) -> str:
    """A value as it stands in reports, cut to a line."""
    text = _show(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _show(value: Any) -> str:
    return value if isinstance(value, str) and value else repr(value)


def _same(a: Any, b: Any) -> bool:
    if a is OMITTED or b is OMITTED:
        return a is b
    return type(a) is type(b) and a == b if isinstance(a, bool) or isinstance(b, bool) else bool(a == b)
