"""GetVariables and SetVariables of 2.x (B05, B06).

Every item is answered on its own and in order, also when the same variable is named twice; what a request may hold at
most is bounded by ItemsPerMessage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import device_model
from simulator.blocks.device_model import CLOCK, Variable
from simulator.blocks.product_settings import ITEMS_PER_GET, ITEMS_PER_SET
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.ocpp2x.types import now, reason

if TYPE_CHECKING:
    from simulator.core.settings import Setting
    from simulator.core.station import Station

table = Table()

ACTUAL = "Actual"
#: a value of GetVariables is never longer (ReportingValueSize, GetVariablesResponse)
MAX_VALUE_CHARS = 2500


def value_text(st: Station, row: Variable) -> str | None:
    """The value of a variable as it is told now; None when it cannot be read."""
    if row.value == CLOCK:
        return now(st)
    return None if row.value is None else row.value[:MAX_VALUE_CHARS]


def _find(st: Station, item: Any) -> Variable | str:
    """The variable an item means, else the status that answers it."""
    where, what = item.component, item.variable
    evse_id = connector_id = 0
    if where.evse is not UNSET:
        if where.evse.id < 1:
            return "UnknownComponent"
        evse_id = where.evse.id
        connector_id = 0 if where.evse.connector_id is UNSET else where.evse.connector_id
    found = device_model.look_up(
        st,
        where.name,
        what.name,
        component_instance="" if where.instance is UNSET else where.instance,
        evse_id=evse_id,
        connector_id=connector_id,
        instance="" if what.instance is UNSET else what.instance,
    )
    if isinstance(found, Variable) and item.attribute_type not in (UNSET, ACTUAL):
        return "NotSupportedAttributeType"  # B05.FR.06, B06.FR.08
    return found


def _bounded(st: Station, items: list[Any], most: Setting) -> None:
    if len(items) > st.settings[most]:  # B06.FR.16
        raise CallRefused("occurrence", f"{len(items)} items, at most {st.settings[most]}")


@table.on("GetVariables", when=REGISTERED)
def get_variables(st: Station, req: Any, m: Any) -> Any:
    """B06.FR.01-04, FR.06-11: component, variable and attribute type come back as they were asked for."""
    _bounded(st, req.get_variable_data, ITEMS_PER_GET)
    return m.make(m.GetVariablesResponse, get_variable_result=[_get(st, item, m) for item in req.get_variable_data])


def _get(st: Station, item: Any, m: Any) -> Any:
    found = _find(st, item)
    info: Any = UNSET
    value: Any = UNSET
    if isinstance(found, str):
        status = found
    else:
        text = value_text(st, found)
        if text is None:  # B06.FR.09
            status, info = "Rejected", reason(m, "WriteOnly")
        else:
            status, value = "Accepted", text
    return m.make(
        m.GetVariableResultType,
        attribute_status=status,
        attribute_status_info=info,
        attribute_type=ACTUAL if item.attribute_type is UNSET else item.attribute_type,
        attribute_value=value,
        component=item.component,
        variable=item.variable,
    )


@table.on("SetVariables", when=REGISTERED)
def set_variables(st: Station, req: Any, m: Any) -> Any:
    """B05.FR.01-10, FR.12."""
    _bounded(st, req.set_variable_data, ITEMS_PER_SET)
    return m.make(m.SetVariablesResponse, set_variable_result=[_set(st, item, m) for item in req.set_variable_data])


def _set(st: Station, item: Any, m: Any) -> Any:
    found = _find(st, item)
    code = ""
    if isinstance(found, str):
        status = found
    else:
        status, code = device_model.write_variable(st, found, item.attribute_value)
    return m.make(
        m.SetVariableResultType,
        attribute_status=status,
        attribute_status_info=reason(m, code) if code else UNSET,
        attribute_type=ACTUAL if item.attribute_type is UNSET else item.attribute_type,
        component=item.component,
        variable=item.variable,
    )
