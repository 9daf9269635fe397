"""B Components and variables: finding, reading and writing what a station can tell and what may be set.

Which variables a product has stands in ``inventory``; a value is read from settings, hardware and facts when it is
asked for. There is no second copy, and a station holds nothing for it: what differs between stations of one product is
in its settings and in its hardware.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simulator.blocks.config_keys import MAX_KEYS, all_keys, read_key, write, write_key
from simulator.blocks.inventory.archetypes import archetype
from simulator.blocks.inventory.controllers import MAX_SET_CHARS, MAX_VALUE_CHARS
from simulator.blocks.inventory.quantities import AVAILABILITY_WORDS, coarse_status
from simulator.blocks.inventory.rows import ACTUAL, CLOCK, Attribute, Variable
from simulator.blocks.inventory.tree import find, inventory, monitored_variables, read
from simulator.blocks.product_identity import identify, serial_of
from simulator.blocks.setting_values import NOT_OFFERED, exists, members_in, text_of, value_of, writable
from simulator.core.settings import READ_ONLY
from simulator.core.wiring import BEFORE_WRITE

if TYPE_CHECKING:
    from simulator.core.station import Station

__all__ = [
    "ACTUAL",
    "AVAILABILITY_WORDS",
    "CLOCK",
    "MAX_KEYS",
    "MAX_VALUE_CHARS",
    "NOT_OFFERED",
    "Attribute",
    "Variable",
    "all_keys",
    "archetype",
    "coarse_status",
    "exists",
    "find",
    "identify",
    "look_up",
    "members_in",
    "monitored_variables",
    "read",
    "read_key",
    "serial_of",
    "text_of",
    "value_of",
    "variables",
    "writable",
    "write",
    "write_key",
    "write_variable",
]

#: how a value of these types is written (part 2, 2.1.4): no plus sign, no leading zeros, at most six decimal places
_FORMS = {
    "integer": re.compile(r"-?(0|[1-9][0-9]*)"),
    "decimal": re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]{1,6})?"),
    "boolean": re.compile(r"true|false"),
}


def variables(st: Station) -> tuple[Variable, ...]:
    """Every variable of this station, in a fixed order; shared with all stations of its model."""
    return inventory(st.model).variables


def look_up(
    st: Station,
    component: str,
    variable: str,
    *,
    component_instance: str = "",
    evse_id: int = 0,
    connector_id: int = 0,
    instance: str = "",
) -> Variable | str:
    """One variable of this station, else UnknownComponent or UnknownVariable (see ``inventory.tree.find``)."""
    return find(
        st.model,
        component,
        variable,
        component_instance=component_instance,
        evse_id=evse_id,
        connector_id=connector_id,
        instance=instance,
    )


def write_variable(st: Station, found: Variable, text: str, type_: str = ACTUAL) -> tuple[str, str]:
    """Write an attribute from its wire text: (Accepted or RebootRequired, "") or (Rejected, reason code).

    B05.FR.07-10: a bad form, a value out of range and one the product cannot store are all Rejected."""
    attribute = found.attribute(type_)
    setting = found.setting
    if setting is None or attribute is None or attribute.mutability == READ_ONLY:
        return "Rejected", "ReadOnly"
    if len(text) > MAX_SET_CHARS:
        return "Rejected", "TooLargeElement"
    form = _FORMS.get(found.data_type)
    if form is not None and not form.fullmatch(text):
        return "Rejected", "InvalidValue"
    try:
        value = setting.parse(text)
    except ValueError:
        return "Rejected", _why(found, text)
    if found.values and setting.type == "list" and not set(value) <= set(found.values):
        return "Rejected", "InvalidValue"
    judge = BEFORE_WRITE.get(setting.key)
    if judge is not None and not judge(st, value):
        return "Rejected", "InvalidValue"
    if not st.write_setting(setting, value):
        return "Rejected", "OutOfStorage" if st.board.flash.why == "full" else "InternalError"
    return "RebootRequired" if setting.reboot else "Accepted", ""


def _why(found: Variable, text: str) -> str:
    """The reason code for a value that does not fit: out of range if it is a number at all (B05.FR.07-08)."""
    if found.data_type not in ("integer", "decimal"):
        return "InvalidValue"
    try:
        value = float(text)
    except ValueError:
        return "InvalidValue"
    if found.minimum is not None and value < found.minimum:
        return "ValueTooLow"
    if found.maximum is not None and value > found.maximum:
        return "ValueTooHigh"
    return "InvalidValue"
