"""Frames as those who only listen read them: plain lists, whatever their payload says.

A station reads with :mod:`simulator.wire.rpc`, which refuses with the right error code. Judges, tools and counterparts
in memory only want to know what was said, so that they can show it, count it or answer it.
"""

from __future__ import annotations

import json
from typing import Any

from simulator.wire.rpc import CALL, ERROR, RESULT, RESULT_ERROR, SEND


def elements(frame: bytes) -> list[Any] | None:
    """The elements of a message of OCPP-J (CALL: type, id, action, payload); None when it is none."""
    try:
        found = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or len(found) < 3 or not isinstance(found[1], str):
        return None
    if found[0] == CALL:
        return found if len(found) == 4 and isinstance(found[2], str) else None
    return found if found[0] in (RESULT, ERROR, RESULT_ERROR, SEND) else None
