"""B What a setting is on one product and one station: whether it exists, what may be written, its present value.

Whether a setting exists, can be written, and what a list of it may hold follows from the model alone, so it is worked
out once for thousands of stations. Only the value is the station's own: a difference on its flash, or the hardware.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.blocks.product_settings import (
    CERTIFICATE_ENTRIES,
    NUMBER_OF_CONNECTORS,
    PHASE_ROTATION,
    PHASE_ROTATION_MAX,
    features,
)
from simulator.core import certificate_store
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from simulator.core.readings import MEASURANDS, SOC
from simulator.core.records import Remark
from simulator.core.settings import KEYS, READ_ONLY, SETTINGS, Setting, Value
from simulator.core.wiring import performs

if TYPE_CHECKING:
    from simulator.core.model import Model
    from simulator.core.station import Station

#: members of a setting's list that mean nothing here: a temperature is a variable of its own and no measurand
NOT_OFFERED = frozenset({"Temperature"})
#: what only a product has whose meter signs its values (E01.FR.04)
SIGNED_ONLY = "DataSigned"


def is_offered(model: Model, feature: str) -> bool:
    """Does this product have an optional feature, and does its version serve requests of it?"""
    return feature in model.dialect.features and feature in features(model)


def exists_in(model: Model, found: Setting) -> bool:
    """Does this product have the setting? One of an optional feature it has with the feature."""
    if found.feature and not is_offered(model, found.feature):
        return False
    if found.when is not None and not found.when(model):
        return False
    return found not in model.absent


def exists(st: Station, found: Setting) -> bool:
    """Does this station have the setting?"""
    return exists_in(st.model, found)


def may_write(model: Model, found: Setting, mutability: str) -> bool:
    """May the CSMS write it on this product? A fixed cable is never unlocked (1.6 9.1)."""
    if found is UNLOCK_ON_EV_SIDE and _all_tethered(model):
        return False
    return mutability != READ_ONLY and found not in model.read_only


def writable(st: Station, found: Setting, mutability: str) -> bool:
    """May the CSMS write it on this station?"""
    return may_write(st.model, found, mutability)


def measurable(model: Model, name: str) -> bool:
    """Can this product measure it? AC signalling does not tell the state of charge. A name that is no measurand can."""
    if name not in MEASURANDS:
        return True
    named = model.hardware.meter.measurands
    return (not named or name in named) and (name != SOC or any(spec.is_dc for spec in model.evses))


def members_in(model: Model, found: Setting) -> tuple[str, ...]:
    """What a list may hold on this product: what its hardware can do."""
    bay = any(spec.bay_sensor for spec in model.evses)
    return tuple(
        name
        for name in found.values
        if name not in NOT_OFFERED
        and (name != SIGNED_ONLY or model.hardware.meter.signer is not None)
        and (bay or name != "ParkingBayOccupancy")
        and measurable(model, name)
    )


def value_of(st: Station, found: Setting) -> Value:
    """The present value; what follows from the hardware is computed."""
    if found is NUMBER_OF_CONNECTORS:
        return len(st.evses)
    if found is PHASE_ROTATION and found.key not in st.settings.overlay:
        return tuple(f"{number}.Unknown" for number in range(len(st.evses) + 1))
    if found is PHASE_ROTATION_MAX:
        return len(st.evses) + 1
    if found is CERTIFICATE_ENTRIES:
        return certificate_store.count(st)
    if found is UNLOCK_ON_EV_SIDE and _all_tethered(st.model):
        return False
    return st.settings[found]


def text_of(st: Station, found: Setting, name: str) -> str:
    """The present value as text, after the quirks of the ``setting`` seam."""
    text = found.format(value_of(st, found))
    for quirk in st.model.seams.setting:
        text = quirk.setting(st, name, text)
    return text


@performs("set")
def set_by_hand(st: Station, args: dict[str, Any], now: int) -> None:
    """An installer sets something at the station itself: ``name`` (either name) and ``value``, as the setting stores
    it. What the CSMS may not write can be set so, but nothing that the product does not have."""
    name, value = str(args.get("name")), args.get("value")
    found = SETTINGS.get(name) if name in SETTINGS else KEYS.get(name) if name in KEYS else None
    if found is None or not exists(st, found):
        st.record(Remark(f"set ignored: the product has no setting {name!r}"))
        return
    try:
        found.validate(tuple(value) if isinstance(value, list) else value)
    except ValueError as error:
        st.record(Remark(f"set ignored: {name}: {error}"))
        return
    if not st.write_setting(found, tuple(value) if isinstance(value, list) else value):
        st.record(Remark(f"set ignored: {name}: flash did not take it ({st.board.flash.why})"))


def _all_tethered(model: Model) -> bool:
    return all(spec.tethered for spec in model.evses)
