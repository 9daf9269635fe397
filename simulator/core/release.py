"""Which firmware is newer, and what a newer one leaves behind.

Makers write versions as they like: ``6.7.25``, ``v2.3.2``, ``4.52-5419``, ``TAC3Z91::V1.8.21``, ``328``. What counts is
the first run of numbers joined by dots, with a build number after a dash; where no number has a dot, the first number.
Groups are compared as numbers, and missing ones count as 0. A text without any number is comparable to nothing.

A habit that a maker has fixed (``Quirk.fixed_in``) stays with a station until an *update* brings it a firmware which is
newer than the one it was made with and has the fix. What its factory firmware is called does not matter: who gives a
station a habit means it to have it.
"""

from __future__ import annotations

import re

_DOTTED = re.compile(r"\d+(?:\.\d+)+(?:-\d+(?![\w.]))?")
_NUMBER = re.compile(r"\d+")
#: before a version: not the first that has the fix is known, but the last that has not
AFTER = ">"


def release(text: str) -> tuple[int, ...]:
    """The numbers by which a firmware is compared; trailing zeros do not count, () when there is no number at all."""
    found = _DOTTED.search(text) or _NUMBER.search(text)
    groups = [int(group[:18]) for group in _NUMBER.findall(found.group(0))] if found is not None else []
    while len(groups) > 1 and groups[-1] == 0:
        groups.pop()
    return tuple(groups)


def has_fix(running: str, factory: str | None, fixed_in: str) -> bool:
    """Has an update from ``factory`` to ``running`` brought what came with ``fixed_in`` (``1.9``, or ``>1.8.21``)?"""
    now, then, fix = release(running), release(factory or ""), release(fixed_in)
    if not now or not fix or now <= then:
        return False
    return now > fix if fixed_in.startswith(AFTER) else now >= fix
