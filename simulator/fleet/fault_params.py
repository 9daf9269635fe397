"""Is this a fault, and are these its parameters? What hardware cannot know is looked at here: the names of messages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import simulator.hardware  # noqa: F401 - registers the faults of all parts
from simulator.dialects import DIALECTS
from simulator.errors import AuthorError
from simulator.hardware.fault import FAULTS
from simulator.registry import nearest


@cache
def known_actions() -> frozenset[str]:
    """Every action of every version."""
    return frozenset(name for dialect in DIALECTS.values() for name in dialect.messages.REQUESTS)


def check_fault(name: str, params: Mapping[str, Any]) -> None:
    """Raise UnknownName for a fault that does not exist, AuthorError with the field for parameters that are wrong."""
    made = FAULTS.get(name).from_params(params)
    for action in str(made.params().get("actions", "")).replace(",", " ").split():
        if action not in known_actions():
            near = nearest(action, sorted(known_actions()))
            hint = f"; did you mean {near!r}?" if near else ""
            raise AuthorError(f"{name} knows no action {action!r} in any version{hint}", field="actions")
