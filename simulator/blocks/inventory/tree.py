"""The device model of one product: every variable at its place, built once and shared by all its stations.

A model is frozen, so which variables exist, their types and limits follow from it alone. The only thing of a station
here is the argument of a reader. ``inventory(model)`` builds on first use and keeps the last :data:`MAX_KEPT` models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.blocks.inventory import controllers, evse_rows, station_rows
from simulator.blocks.inventory.rows import (
    ACTUAL,
    CONNECTOR,
    CONNECTOR_ID,
    EVSE,
    STATION,
    Attribute,
    Limit,
    Read,
    ReadRow,
    Row,
    Variable,
)
from simulator.blocks.product_settings import MAXIMA, NETWORK_PRIORITY, TIME_SOURCE
from simulator.blocks.setting_values import exists_in, may_write, members_in, text_of
from simulator.core.settings import READ_ONLY, Setting, all_settings

if TYPE_CHECKING:
    from simulator.core.model import EvseSpec, Model
    from simulator.core.station import Station

MAX_KEPT = 256
#: lists whose order matters
_SEQUENCES = frozenset({TIME_SOURCE, NETWORK_PRIORITY})
_DATA_TYPES = {"int": "integer", "bool": "boolean", "str": "string", "float": "decimal", "list": "MemberList"}

#: an address in lower case: component, its instance, EVSE, connector
Place = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Inventory:
    """All variables of a model, and the same by component and by (variable, instance), names in lower case."""

    variables: tuple[Variable, ...]
    by_place: dict[Place, dict[tuple[str, str], Variable]]


_KEPT: dict[Model, tuple[int, Inventory]] = {}


def inventory(model: Model) -> Inventory:
    """The device model of this product."""
    found = _KEPT.get(model)
    count = len(all_settings())
    if found is None or found[0] != count:
        if len(_KEPT) >= MAX_KEPT:
            _KEPT.clear()
        found = _KEPT[model] = (count, _build(model))
    return found[1]


def monitored_variables(model: Model) -> tuple[Variable, ...]:
    """The variables on which the CSMS may set monitors."""
    return tuple(found for found in inventory(model).variables if found.monitored)


def find(
    model: Model,
    component: str,
    variable: str,
    *,
    component_instance: str = "",
    evse_id: int = 0,
    connector_id: int = 0,
    instance: str = "",
) -> Variable | str:
    """One variable, else UnknownComponent or UnknownVariable (B05.FR.04-05, B06.FR.06-07, FR.15). Names compare
    without case; an instance that is not given is one that the variable must not have."""
    known = inventory(model).by_place.get((component.lower(), component_instance.lower(), evse_id, connector_id))
    if known is None:
        return "UnknownComponent"
    return known.get((variable.lower(), instance.lower()), "UnknownVariable")


def read(st: Station, component: str, evse_id: int, connector_id: int, variable: str, instance: str = "") -> str | None:
    """The attribute Actual of a variable now; None when there is no such variable or it cannot be read."""
    found = find(st.model, component, variable, evse_id=evse_id, connector_id=connector_id, instance=instance)
    return None if isinstance(found, str) else found.text(st)


def _build(model: Model) -> Inventory:
    found = tuple(_variables(model))
    by_place: dict[Place, dict[tuple[str, str], Variable]] = {}
    for one in found:
        place = (one.component.lower(), one.component_instance.lower(), one.evse_id, one.connector_id)
        names = by_place.setdefault(place, {})
        key = (one.variable.lower(), one.instance.lower())
        assert key not in names, f"two rows for {one.component}.{one.variable}"
        names[key] = one
    return Inventory(found, by_place)


def _variables(model: Model) -> Iterator[Variable]:
    """Settings first, then the station, then each EVSE with its connector, always in the same order. A component that
    lives of its settings is gone when the product has none of them."""
    named = [found for found in all_settings() if found.name]
    present = [found for found in named if exists_in(model, found)]
    gone = {found.component for found in named} - {found.component for found in present}
    names = {(found.component, found.variable, found.instance) for found in named}
    for found in present:
        yield of_setting(model, found)
    for row in (*controllers.ROWS, *model.dialect.rows, *station_rows.ROWS):
        assert row.tier == STATION
        if row.component in gone or (row.component, row.variable, row.instance) in names:
            continue
        if row.when is None or row.when(model, None):
            yield _placed(model, row, None)
    for spec in model.evses:
        for row in evse_rows.ROWS:
            assert row.tier in (EVSE, CONNECTOR)
            if row.when is None or row.when(model, spec):
                yield _placed(model, row, spec)


def _placed(model: Model, row: Row, spec: EvseSpec | None) -> Variable:
    """A row at its place."""
    index = None if spec is None else spec.evse_id - 1
    attributes = [
        Attribute(type_, _reader(read_, index), constant=row.constant or (isinstance(read_, str) and type_ != ACTUAL))
        for type_, read_ in ((ACTUAL, row.read), *row.more)
        if read_ is not None
    ]
    return Variable(
        component=row.component,
        variable=row.variable,
        data_type=row.data_type,
        attributes=tuple(attributes),
        evse_id=0 if spec is None else spec.evse_id,
        connector_id=CONNECTOR_ID if row.tier == CONNECTOR else 0,
        instance=row.instance,
        component_instance=row.component_instance,
        unit=row.unit,
        values=row.values,
        minimum=_limit(row.minimum, model, spec),
        maximum=_limit(row.maximum, model, spec),
        monitored=row.monitored,
    )


def _limit(limit: Limit, model: Model, spec: EvseSpec | None) -> float | None:
    return limit(model, spec) if callable(limit) else limit


def _reader(given: ReadRow, index: int | None) -> Read:
    if isinstance(given, str):
        text = given
        return lambda st: text
    function: Any = given  # of the one kind or the other, as the tier of the row says
    if index is None:
        return lambda st: str(function(st))
    return lambda st: str(function(st, st.evses[index]))


def of_setting(model: Model, found: Setting) -> Variable:
    """A setting as a variable. Settings are on flash, so they persist."""
    data_type = _DATA_TYPES[found.type]
    maximum: float | None = MAXIMA[found.key](model) if found.key in MAXIMA else found.maximum
    offered: tuple[str, ...] = ()
    if found.type == "list":
        offered = members_in(model, found)
        data_type = "SequenceList" if found in _SEQUENCES else data_type
        maximum = sum(len(name) + 1 for name in offered) - 1 if offered else None
    elif found.type == "str":
        offered, maximum = found.values, model.dialect.longest.get(found.key, found.max_len)
        data_type = "OptionList" if offered else data_type
    shown = frozenset(offered)

    def read_setting(st: Station) -> str:
        text = text_of(st, found, found.key)
        if shown and found.type == "list":
            text = ",".join(name for name in text.split(",") if name in shown)
        return text

    mutability = found.mutability if may_write(model, found, found.mutability) else READ_ONLY
    return Variable(
        component=found.component,
        variable=found.variable,
        data_type=data_type,
        attributes=(Attribute(ACTUAL, read_setting, mutability, persistent=True),),
        instance=found.instance,
        unit=found.unit,
        values=offered,
        minimum=found.minimum,
        maximum=maximum,
        max_elements=len(offered) if offered and found.type == "list" else None,
        monitored=True,
        setting=found,
    )
