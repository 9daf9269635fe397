"""GetVariables and SetVariables of 2.x (B05, B06).

Every item is answered on its own and in order, also when the same variable is named twice; what a request may hold at
most is bounded by ItemsPerMessage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from simulator.blocks import device_model
from simulator.blocks.device_model import ACTUAL, CLOCK, MAX_VALUE_CHARS, Variable
from simulator.blocks.product_settings import BYTES_PER_GET, BYTES_PER_SET, ITEMS_PER_GET, ITEMS_PER_SET
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.ocpp2x.types import now, reason

if TYPE_CHECKING:
    from simulator.core.settings import Setting
    from simulator.core.station import Station

table = Table()


def value_text(st: Station, found: Variable, type_: str = ACTUAL) -> str | None:
    """An attribute as it is told now; None when it cannot be read, the empty text when it has no value."""
    text = found.text(st, type_)
    if text is None:
        return None
    return now(st) if text == CLOCK else text[:MAX_VALUE_CHARS]


def meant(st: Station, item: Any) -> Variable | str:
    """The variable that the component and variable of an item name, else UnknownComponent or UnknownVariable."""
    where, what = item.component, item.variable
    evse_id = connector_id = 0
    if where.evse is not UNSET:
        if where.evse.id < 1 or where.evse.connector_id == 0:  # numbers count from 1 (EVSEType)
            return "UnknownComponent"
        evse_id = where.evse.id
        connector_id = 0 if where.evse.connector_id is UNSET else where.evse.connector_id
    return device_model.look_up(
        st,
        where.name,
        what.name,
        component_instance="" if where.instance is UNSET else where.instance,
        evse_id=evse_id,
        connector_id=connector_id,
        instance="" if what.instance is UNSET else what.instance,
    )


def _find(st: Station, item: Any) -> Variable | str:
    """The variable an item means, else the status that answers it."""
    found = meant(st, item)
    if isinstance(found, Variable) and found.attribute(_type(item)) is None:
        return "NotSupportedAttributeType"  # B05.FR.06, B06.FR.08
    return found


def _type(item: Any) -> str:
    """The attribute type an item means (B05.FR.12, B06.FR.11)."""
    return ACTUAL if item.attribute_type is UNSET else str(item.attribute_type)


def bounded(st: Station, req: Any, items: list[Any], most: Setting, most_bytes: Setting) -> None:
    """Refuse a request with more items or bytes than the product takes (B06.FR.16-17, B08.FR.17-18). Bytes are those of
    the payload without white space."""
    if len(items) > st.settings[most]:
        raise CallRefused("occurrence", f"{len(items)} items, at most {st.settings[most]}")
    size = len(msgspec.json.encode(req))
    if size > st.settings[most_bytes]:
        raise CallRefused("formation", f"{size} bytes, at most {st.settings[most_bytes]}")


@table.on("GetVariables", when=REGISTERED)
def get_variables(st: Station, req: Any, m: Any) -> Any:
    """B06.FR.01-04, FR.06-11, FR.13: component, variable and attribute type come back as they were asked for."""
    bounded(st, req, req.get_variable_data, ITEMS_PER_GET, BYTES_PER_GET)
    return m.make(m.GetVariablesResponse, get_variable_result=[_get(st, item, m) for item in req.get_variable_data])


def _get(st: Station, item: Any, m: Any) -> Any:
    found = _find(st, item)
    info: Any = UNSET
    value: Any = UNSET
    if isinstance(found, str):
        status = found
    else:
        text = value_text(st, found, _type(item))
        if text is None:  # B06.FR.09
            status, info = "Rejected", reason(m, "WriteOnly")
        else:
            status, value = "Accepted", text
    return m.make(
        m.GetVariableResultType,
        attribute_status=status,
        attribute_status_info=info,
        attribute_type=_type(item),
        attribute_value=value,
        component=item.component,
        variable=item.variable,
    )


@table.on("SetVariables", when=REGISTERED)
def set_variables(st: Station, req: Any, m: Any) -> Any:
    """B05.FR.01-10, FR.12."""
    bounded(st, req, req.set_variable_data, ITEMS_PER_SET, BYTES_PER_SET)
    return m.make(m.SetVariablesResponse, set_variable_result=[_set(st, item, m) for item in req.set_variable_data])


def _set(st: Station, item: Any, m: Any) -> Any:
    found = _find(st, item)
    code = ""
    if isinstance(found, str):
        status = found
    else:
        status, code = device_model.write_variable(st, found, item.attribute_value, _type(item))
    return m.make(
        m.SetVariableResultType,
        attribute_status=status,
        attribute_status_info=reason(m, code) if code else UNSET,
        attribute_type=_type(item),
        component=item.component,
        variable=item.variable,
    )
