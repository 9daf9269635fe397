"""NetworkConfiguration: what is stored in each slot for a network profile, as variables (2.1 B09, part 2 2.1.8).

These rows of the device model are of the newer edition alone; the tables that all versions share are in
``blocks/inventory``.

Slots are set by SetNetworkProfile alone, so everything here is read-only (B09.FR.10), and the password of a slot has no
value that could be read. The address of a slot that the station was delivered with is nowhere in the station: it is
whatever target the driver has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import network_profiles
from simulator.blocks.inventory.rows import STATION, Read, Row, truth
from simulator.blocks.network_profiles import FACTORY_SLOT, SLOTS, NetworkProfile, own_interface
from simulator.core.link_policy import SECURITY_PROFILE
from simulator.core.outbox import MESSAGE_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.core.station import Station

COMPONENT = "NetworkConfiguration"
MAX_URL = 2_000
#: members of OCPPInterfaceEnumType that a station of ours can have, and those of OCPPVersionEnumType
INTERFACES = ("Wired0", "Wireless0", "Any")
VERSIONS = ("OCPP12", "OCPP15", "OCPP16", "OCPP20", "OCPP201", "OCPP21")


def _stored(st: Station, slot: int) -> NetworkProfile | None:
    """What a slot holds; None when it holds nothing."""
    found = network_profiles.profile_of(st, slot)
    if found is None and slot == FACTORY_SLOT:
        default = int(st.model.defaults[MESSAGE_TIMEOUT.index])
        return NetworkProfile("", st.settings[SECURITY_PROFILE], default, interface=own_interface(st.model))
    return None if found is None or found.removed else found


def _of(slot: int, read: Callable[[Station, NetworkProfile], str]) -> Read:
    def text(st: Station) -> str:
        found = _stored(st, slot)
        return "" if found is None else read(st, found)

    return text


def _version(st: Station) -> str:
    """In the form of OCPPVersionEnumType; a station speaks one."""
    return f"OCPP{st.dialect.name.replace('.', '')}"


def _slot(slot: int) -> tuple[Row, ...]:
    def row(variable: str, data_type: str, read: Read | str, **more: object) -> Row:
        return Row(STATION, COMPONENT, variable, data_type, read, component_instance=str(slot), **more)  # type: ignore[arg-type]

    return (
        row("OcppCsmsUrl", "string", _of(slot, lambda st, found: found.url), maximum=MAX_URL),
        row("OcppInterface", "OptionList", _of(slot, lambda st, found: found.interface), values=INTERFACES),
        row("OcppTransport", "OptionList", _of(slot, lambda st, found: "JSON"), values=("JSON",)),
        row("OcppVersion", "OptionList", _of(slot, lambda st, found: _version(st)), values=VERSIONS),
        row("MessageTimeout", "integer", _of(slot, lambda st, found: str(found.timeout_s)), unit="s"),
        row("SecurityProfile", "integer", _of(slot, lambda st, found: str(found.security_profile)), maximum=3),
        row("BasicAuthPassword", "string", "", maximum=64),
        row("VpnEnabled", "boolean", "false"),
        row("ApnEnabled", "boolean", lambda st: truth(getattr(_stored(st, slot), "apn", False))),
    )


ROWS: tuple[Row, ...] = tuple(row for slot in SLOTS for row in _slot(slot))
