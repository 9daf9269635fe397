"""Which fields a message can have, so that a misspelt one is an error of the file and not of the CSMS.

A field is one of the words of ``words.py``, or a path; the first name of a path is a field of the message in one of the
versions. What stands deeper is not looked at: readings and vendor data have shapes of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from simulator.scenario.words import MESSAGES, Form, unknown

#: the word that every message with readings has
REGISTER = "register"
_HEAD = re.compile(r"[^.\[]+")


def field_problem(messages: Iterable[str], path: str, *, answer: bool = False) -> str | None:
    """What is wrong with a field of one of these messages, or of its answer; None when it can be there.

    ``messages`` are words of ``words.py`` or actions. With a ``$`` in it a path is not known before the run.
    """
    if "$" in path:
        return None
    words: set[str] = set() if answer else {REGISTER}
    names: set[str] = set()
    for message in messages:
        for form in _forms(message):
            words |= set(form.answer if answer else form.fields)
            names |= _fields(form.action, answer)
    head = _HEAD.match(path)
    if not names or path in words or (head is not None and head[0] in names):
        return None
    return unknown(path, sorted(words | names), "field of the answer" if answer else "field of this message")


def _forms(message: str) -> tuple[Form, ...]:
    known = MESSAGES.get(message)
    if known is None:
        return (Form(message),)
    return tuple(form for form in (known.old, known.new) if form is not None)


@cache
def _fields(action: str, answer: bool) -> frozenset[str]:
    """The fields of an action's messages on the wire, in any version."""
    from simulator.dialects import DIALECTS

    found: set[str] = set()
    for dialect in DIALECTS.values():
        kinds: Mapping[str, Any] = dialect.messages.RESPONSES if answer else dialect.messages.REQUESTS
        if action in kinds:
            found |= set(kinds[action].__struct_encode_fields__)
    return frozenset(found)
