"""Changing a rendered message, whatever shape the quirk before left it in.

A message reaches the ``send`` seam as a typed struct. A quirk that stays within the schema gives a struct back; one
that leaves it gives back a plain dictionary with wire names, and quirks after it get that. These functions take both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Struct, structs


def get(payload: Any, field: str) -> Any:
    """The value of a top-level field by its wire name; UNSET when it is absent or not known to the message."""
    if isinstance(payload, dict):
        return payload.get(field, UNSET)
    name = _names(type(payload)).get(field)
    return UNSET if name is None else getattr(payload, name)


def knows(payload: Any, field: str) -> bool:
    """Does this message have such a field at all? A dictionary is taken as knowing any."""
    return isinstance(payload, dict) or field in _names(type(payload))


def _names(cls: type[Struct]) -> dict[str, str]:
    """Wire name -> attribute, worked out once for each message."""
    found = _NAMES.get(cls)
    if found is None:
        found = _NAMES[cls] = {known.encode_name: known.name for known in structs.fields(cls)}
    return found


#: one entry for each kind of message that quirks look at
_NAMES: dict[type[Struct], dict[str, str]] = {}


def put(payload: Any, **fields: Any) -> Any:
    """The message with other top-level fields (attribute names); UNSET leaves one out. Unknown ones are left alone."""
    if isinstance(payload, dict):
        changed = dict(payload)
        for name, value in fields.items():
            head, *rest = name.split("_")
            wire = head + "".join(part.capitalize() for part in rest)
            if value is UNSET:
                changed.pop(wire, None)
            else:
                changed[wire] = value
        return changed
    known = _names(type(payload)).values()
    fitting = {name: value for name, value in fields.items() if name in known}
    return structs.replace(payload, **fitting) if fitting else payload


def plain(payload: Any) -> dict[str, Any]:
    """The message as a dictionary with wire names, safe to change at every depth."""
    made: dict[str, Any] = msgspec.to_builtins(payload)
    return made


def edit(payload: Any, change: Callable[[dict[str, Any]], None]) -> Any:
    """Let ``change`` alter the message as a dictionary; a struct comes back as a struct.

    Raises ``msgspec.ValidationError`` when a change that should stay within the schema does not: a mistake of ours.
    """
    made = plain(payload)
    change(made)
    return msgspec.convert(made, type(payload)) if isinstance(payload, Struct) else made


#: messages that may hold meter values, of any version
METER_MESSAGES = frozenset({"MeterValues", "StopTransaction", "TransactionEvent"})
_LISTS = ("meterValue", "transactionData")


def meter_values(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The meter values of a plain message: what was sampled at one moment each. A quirk may have left a single one."""
    found: list[dict[str, Any]] = []
    for key in _LISTS:
        values = message.get(key, ())
        found.extend([values] if isinstance(values, dict) else values)
    return found


def each_sample(payload: Any, change: Callable[[dict[str, Any]], None], *, numbers: bool = False) -> Any:
    """Let ``change`` alter every sampled value of MeterValues or of a stop message's transaction data.

    Only where values are texts, unless ``numbers``: the newer shape of the message has numbers, and units of its own.
    """

    def walk(message: dict[str, Any]) -> None:
        for value in meter_values(message):
            for sample in value["sampledValue"]:
                if numbers or isinstance(sample["value"], str):
                    change(sample)

    return edit(payload, walk) if any(get(payload, key) not in (UNSET, None) for key in _LISTS) else payload


def rescale(sample: dict[str, Any], factor: float, unit: str, decimals: int) -> None:
    """Tell a sampled value in another unit, with at most (a text: exactly) so many decimals."""
    value = float(sample["value"]) * factor
    if isinstance(sample["value"], str):
        sample["value"], sample["unit"] = f"{value:.{decimals}f}", unit
    else:
        sample["value"], sample["unitOfMeasure"] = round(value, decimals), {"unit": unit}
