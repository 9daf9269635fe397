"""Names of variables in cases of 2.0.1: ``Component.Variable``, ``Component.Variable[Instance]``, and for one below the
station ``Component.Variable@evse`` or ``@evse.connector``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def place(name: str) -> dict[str, Any]:
    """Component and variable of a name, as they stand in a message."""
    where, _, evse = name.partition("@")
    component, _, rest = where.partition(".")
    variable, _, instance = rest.partition("[")
    found: dict[str, Any] = {"component": {"name": component}, "variable": {"name": variable}}
    if instance:
        found["variable"]["instance"] = instance.rstrip("]")
    if evse:
        number, _, connector = evse.partition(".")
        found["component"]["evse"] = {"id": int(number)} | ({"connectorId": int(connector)} if connector else {})
    return found


def spelled(row: Mapping[str, Any]) -> str:
    """The name of what a message names by component and variable."""
    component, variable = row["component"], row["variable"]
    name = f"{component['name']}.{variable['name']}"
    if "instance" in variable:
        name += f"[{variable['instance']}]"
    evse = component.get("evse")
    if evse is None:
        return name
    return f"{name}@{evse['id']}" + (f".{evse['connectorId']}" if "connectorId" in evse else "")
