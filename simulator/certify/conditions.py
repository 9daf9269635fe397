"""Conditions over the answers of a PICS, as the certification lists state them.

``C-07 AND C-08 AND NOT AQ-2``, ``C-06 IN {Yes,Both}``, ``count(security_profiles) > 1``, with brackets. A name stands
for an answer; on its own it must be yes or no. A small recursive-descent parser: nothing is evaluated as code, and a
name the PICS does not have is an error that says the nearest one, never a silent no.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.errors import AuthorError
from simulator.registry import nearest

_TOKEN = re.compile(r"\s*(?:(?P<op>[(){},>]|AND\b|OR\b|NOT\b|IN\b|count\b)|(?P<word>[A-Za-z][\w.-]*|\d+))")


def holds(expression: str, answers: Mapping[str, Any]) -> bool:
    """Is ``expression`` true for these answers? An empty one always is.

    Raises AuthorError for what cannot be read, an unknown name, and a name that is not a yes or no where one is needed.
    """
    if not expression.strip():
        return True
    parser = _Parser(expression, answers)
    value = parser.any_of()
    if parser.tokens:
        raise parser.wrong(f"unexpected {parser.tokens[0]!r}")
    return value


def names_in(expression: str) -> set[str]:
    """The answers that an expression asks for."""
    found: set[str] = set()
    inside = False
    for token in _tokens(expression):
        if token in "{}":
            inside = token == "{"
        elif (
            not inside and token not in ("AND", "OR", "NOT", "IN", "count", "(", ")", ",", ">") and not token.isdigit()
        ):
            found.add(token)
    return found


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise AuthorError(f"cannot read {text[at:]!r} in the condition {expression!r}")
        tokens.append(match["op"] or match["word"])
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, expression: str, answers: Mapping[str, Any]) -> None:
        self.expression, self.answers = expression, answers
        self.tokens = _tokens(expression)

    def wrong(self, what: str) -> AuthorError:
        return AuthorError(f"{what} in the condition {self.expression!r}")

    def take(self, *wanted: str) -> bool:
        if self.tokens and self.tokens[0] in wanted:
            del self.tokens[0]
            return True
        return False

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self.wrong(f"{wanted!r} is missing")

    def word(self) -> str:
        if not self.tokens:
            raise self.wrong("something is missing at the end")
        return self.tokens.pop(0)

    def any_of(self) -> bool:
        value = self.all_of()
        while self.take("OR"):
            value = self.all_of() or value  # both sides are read in any case
        return value

    def all_of(self) -> bool:
        value = self.one()
        while self.take("AND"):
            value = self.one() and value
        return value

    def one(self) -> bool:
        if self.take("NOT"):
            return not self.one()
        if self.take("("):
            value = self.any_of()
            self.need(")")
            return value
        if self.take("count"):
            self.need("(")
            items = self.answer(self.word())
            self.need(")")
            self.need(">")
            return len(items) > int(self.word())
        name = self.word()
        answer = self.answer(name)
        if self.take("IN"):
            self.need("{")
            allowed = {self.word()}
            while self.take(","):
                allowed.add(self.word())
            self.need("}")
            return answer in allowed
        if not isinstance(answer, bool):
            raise self.wrong(f"{name} is {answer!r}, not yes or no,")
        return answer

    def answer(self, name: str) -> Any:
        if name not in self.answers:
            near = nearest(name, list(self.answers))
            raise self.wrong(f"the PICS has no answer {name!r}" + (f" (did you mean {near!r}?)" if near else ""))
        return self.answers[name]
