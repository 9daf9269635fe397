"""A profile's device model as rows of plain data, and what its archetype asks for.

One row is one variable at one place. Nothing here is a value: values belong to a station, and a profile is none.
"""

from __future__ import annotations

from typing import Any

from simulator.blocks.device_model import Variable, archetype
from simulator.blocks.inventory.rows import CONNECTOR, EVSE, STATION
from simulator.blocks.inventory.tree import inventory
from simulator.errors import ProfileError
from simulator.profile.compiled import compile_profile
from simulator.profile.load import LoadedProfile


def newest_version(loaded: LoadedProfile) -> str:
    """The newest protocol version of a product that has a device model; raises ProfileError when none has."""
    from simulator.dialects import DIALECTS

    for version in sorted(loaded.profile.versions, reverse=True):
        if "GetBaseReport" in DIALECTS[version].routes:
            return version
    raise ProfileError(f"{loaded.name}: none of its versions ({', '.join(loaded.profile.versions)}) has a device model")


def describe_device_model(loaded: LoadedProfile, version: str | None = None) -> dict[str, Any]:
    """Variables, archetype, monitors and severities of a product in ``version``; without it, in the newest that has a
    device model."""
    chosen = version or newest_version(loaded)
    model = compile_profile(loaded, chosen)
    kind = archetype(model)
    return {
        "version": chosen,
        "archetype": {"name": kind.name, "title": kind.title, "components": list(kind.components)},
        "variables": [_row(found) for found in inventory(model).variables],
        "monitors": [
            {
                "component": one.component,
                "variable": one.variable,
                "kind": one.kind,
                "value": one.value,
                "severity": one.severity,
                "standing": one.standing,
            }
            for one in kind.monitors
        ],
        "severities": [
            {"event": one.event, "component": one.component, "variable": one.variable, "severity": one.severity}
            for one in kind.severities
        ],
    }


def _row(found: Variable) -> dict[str, Any]:
    """A variable; what does not apply is left out."""
    row: dict[str, Any] = {
        "component": found.component,
        "variable": found.variable,
        "instance": found.instance,
        "tier": CONNECTOR if found.connector_id else EVSE if found.evse_id else STATION,
        "evse_id": found.evse_id,
        "connector_id": found.connector_id,
        "data_type": found.data_type,
        "unit": found.unit,
        "min_limit": found.minimum,
        "max_limit": found.maximum,
        "values": list(found.values),
        "attributes": {one.type: one.mutability for one in found.attributes},
        "monitored": found.monitored,
        "persistent": found.attributes[0].persistent,
        "constant": found.attributes[0].constant,
    }
    return {key: value for key, value in row.items() if value not in ("", None, [])}
