"""B Settings and inventory: reading and writing settings, and the station's components and variables.

Values are live: a setting is read from the station's settings, a physical variable from hardware and facts when it is
asked for. There is no second copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.reports import ReportPage
from simulator.core.rng import seed_of
from simulator.core.settings import (
    KEYS,
    READ_ONLY,
    READ_WRITE,
    WRITE_ONLY,
    Setting,
    Value,
    all_settings,
    setting,
)

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

NUMBER_OF_CONNECTORS = setting(
    None, "int", 1, key16="NumberOfConnectors", mutability=READ_ONLY, required16=True, minimum=1, maximum=64
)
MAX_KEYS_SETTING = setting(
    None, "int", 50, key16="GetConfigurationMaxKeys", mutability=READ_ONLY, required16=True, minimum=1, maximum=1000
)
FEATURE_PROFILES = setting(
    None,
    "list",
    ("Core", "RemoteTrigger"),
    key16="SupportedFeatureProfiles",
    mutability=READ_ONLY,
    required16=True,
)
PHASE_ROTATION = setting(
    None, "list", ("0.Unknown", "1.Unknown"), key16="ConnectorPhaseRotation", required16=True, max_items=64
)
ITEMS_PER_MESSAGE = setting(
    "DeviceDataCtrlr.ItemsPerMessage[GetReport]", "int", 40, mutability=READ_ONLY, required=True, minimum=1
)
ITEMS_PER_GET = setting(
    "DeviceDataCtrlr.ItemsPerMessage[GetVariables]", "int", 50, mutability=READ_ONLY, required=True, minimum=1
)
ITEMS_PER_SET = setting(
    "DeviceDataCtrlr.ItemsPerMessage[SetVariables]", "int", 50, mutability=READ_ONLY, required=True, minimum=1
)
BYTES_PER_MESSAGE = setting(
    "DeviceDataCtrlr.BytesPerMessage[GetReport]", "int", 32_768, mutability=READ_ONLY, required=True, unit="B"
)
BYTES_PER_GET = setting(
    "DeviceDataCtrlr.BytesPerMessage[GetVariables]", "int", 32_768, mutability=READ_ONLY, required=True, unit="B"
)
BYTES_PER_SET = setting(
    "DeviceDataCtrlr.BytesPerMessage[SetVariables]", "int", 32_768, mutability=READ_ONLY, required=True, unit="B"
)
ORGANIZATION = setting("SecurityCtrlr.OrganizationName", "str", "cpfarm", key16="CpoName", max_len=255, required=True)
CERTIFICATE_ENTRIES = setting("SecurityCtrlr.CertificateEntries", "int", 0, mutability=READ_ONLY, required=True)
TIME_SOURCE = setting(
    "ClockCtrlr.TimeSource",
    "list",
    ("Heartbeat",),
    values=("Heartbeat", "NTP", "GPS", "RealTimeClock", "MobileNetwork", "RadioTimeTransmitter"),
    required=True,
)
FILE_PROTOCOLS = setting(
    "OCPPCommCtrlr.FileTransferProtocols",
    "list",
    ("HTTP", "HTTPS", "FTP", "FTPS"),
    key16="SupportedFileTransferProtocols",
    mutability=READ_ONLY,
    values=("FTP", "FTPS", "HTTP", "HTTPS", "SFTP"),
    required=True,
)
NETWORK_PRIORITY = setting("OCPPCommCtrlr.NetworkConfigurationPriority", "list", ("0",), max_items=8, required=True)
NETWORK_ATTEMPTS = setting(
    "OCPPCommCtrlr.NetworkProfileConnectionAttempts", "int", 3, minimum=1, maximum=1000, required=True
)

MAX_KEYS = 1_000


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the inventory. ``values`` are the members of a list or option type; ``value`` None: write-only."""

    component: str
    variable: str
    value: str | None
    data_type: str
    mutability: str = READ_ONLY
    evse_id: int = 0
    connector_id: int = 0
    instance: str = ""
    component_instance: str = ""
    unit: str = ""
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    monitored: bool = False


def identify(st: Station, pattern: str) -> str:
    """A serial or identity pattern filled for this station: ``{id}``, ``{n}`` and ``{hash:8}``-like digits."""
    if "{" not in pattern:
        return pattern
    digits = format(seed_of("identity", st.id) % 10**12, "012d")
    return pattern.replace("{id}", st.id).replace("{n}", str(st.number)).replace("{digits}", digits[:8])


# -- settings ----------------------------------------------------------------------------------------------------------


def exists(st: Station, found: Setting) -> bool:
    """Does this product have the setting?"""
    return found not in st.model.absent


def value_of(st: Station, found: Setting) -> Value:
    """The present value; what follows from the hardware is computed."""
    if found is NUMBER_OF_CONNECTORS:
        return len(st.evses)
    if found is PHASE_ROTATION and found.key not in st.settings.overlay:
        return tuple(f"{number}.Unknown" for number in range(len(st.evses) + 1))
    return st.settings[found]


def text_of(st: Station, found: Setting, name: str) -> str:
    """The present value as text, after the quirks of the ``setting`` seam."""
    text = found.format(value_of(st, found))
    for quirk in st.model.seams.setting:
        text = quirk.setting(st, name, text)
    return text


def writable(st: Station, found: Setting, mutability: str) -> bool:
    """May the CSMS write it on this product?"""
    return mutability != READ_ONLY and found not in st.model.read_only


def write(st: Station, found: Setting, mutability: str, text: str) -> str:
    """Write a setting from its wire text: Accepted, RebootRequired, Rejected."""
    if not writable(st, found, mutability):
        return "Rejected"
    try:
        value = found.parse(text)
    except ValueError:
        return "Rejected"
    if not st.write_setting(found, value):
        return "Rejected"
    return "RebootRequired" if found.reboot else "Accepted"


# -- by configuration key ----------------------------------------------------------------------------------------------


def read_key(st: Station, name: str) -> tuple[str, str | None, bool] | None:
    """(key, value or None for write-only, read-only) of one configuration key; names compare without case."""
    found = _by_key(st, name)
    if found is not None:
        assert found.key16 is not None
        read_only = not writable(st, found, found.mutability16)
        value = None if found.mutability16 == WRITE_ONLY else text_of(st, found, found.key16)
        return found.key16, value, read_only
    for key, (value, may_write) in st.model.vendor_keys.items():
        if key.lower() == name.lower():
            return key, st.board.flash.get("vendor_keys", key) or value, not may_write
    return None


def all_keys(st: Station) -> list[tuple[str, str | None, bool]]:
    """Every configuration key of this product."""
    names = [s.key16 for s in all_settings() if s.key16 and exists(st, s)]
    rows = [read_key(st, name) for name in (*names, *st.model.vendor_keys)]
    return [row for row in rows if row is not None][:MAX_KEYS]


def write_key(st: Station, name: str, text: str) -> str:
    """Write a configuration key: Accepted, RebootRequired, Rejected, NotSupported (unknown)."""
    found = _by_key(st, name)
    if found is not None:
        return write(st, found, found.mutability16, text)
    for key, (_, may_write) in st.model.vendor_keys.items():
        if key.lower() == name.lower():
            stored = may_write and st.board.flash.write("vendor_keys", key, text, 16 + len(key) + len(text))
            return "Accepted" if stored else "Rejected"
    return "NotSupported"


def _by_key(st: Station, name: str) -> Setting | None:
    found = KEYS.get(name) if name in KEYS else _lowered().get(name.lower())
    return found if found is not None and exists(st, found) else None


def _lowered() -> dict[str, Setting]:
    if len(_LOWERED) != len(KEYS):
        _LOWERED.clear()
        _LOWERED.update({key.lower(): KEYS.get(key) for key in KEYS})
    return _LOWERED


_LOWERED: dict[str, Setting] = {}


# -- by component and variable -----------------------------------------------------------------------------------------


def variables(st: Station) -> Iterator[Variable]:
    """Every variable of this station, settings first, in a fixed order."""
    for found in all_settings():
        if found.name and exists(st, found):
            yield _of_setting(st, found)
    yield from _physical(st)


def _of_setting(st: Station, found: Setting) -> Variable:
    kinds = {"int": "integer", "bool": "boolean", "str": "string", "float": "decimal", "list": "MemberList"}
    mutability = found.mutability if writable(st, found, found.mutability) else READ_ONLY
    hidden = found.mutability == WRITE_ONLY
    return Variable(
        component=found.component,
        variable=found.variable,
        instance=found.instance,
        value=None if hidden else text_of(st, found, found.key),
        data_type=kinds[found.type],
        mutability=WRITE_ONLY if hidden else mutability,
        unit=found.unit,
        values=found.values,
        minimum=found.minimum,
        maximum=found.maximum,
    )


AVAILABILITY_WORDS = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")


def _physical(st: Station) -> Iterator[Variable]:
    station_faulted = any(p.blocks for p in st.board.problems(0))
    operative = st.data.get("station_operative", True)
    state = "Faulted" if station_faulted else "Available" if operative else "Unavailable"
    identity = st.model.identity
    yield Variable("ChargingStation", "Available", "true", "boolean")
    yield Variable("ChargingStation", "AvailabilityState", state, "OptionList", values=AVAILABILITY_WORDS)
    yield Variable("ChargingStation", "Model", identity.model, "string")
    yield Variable("ChargingStation", "VendorName", identity.vendor, "string")
    if identity.firmware is not None:
        yield Variable("ChargingStation", "FirmwareVersion", identity.firmware, "string")
    if identity.serial is not None:
        yield Variable("ChargingStation", "SerialNumber", identify(st, identity.serial), "string")
    phases = max(evse.spec.phases for evse in st.evses) or 3
    yield Variable("ChargingStation", "SupplyPhases", str(phases), "integer")
    yield Variable("ClockCtrlr", "DateTime", "@clock", "dateTime")
    for evse in st.evses:
        yield from _of_evse(st, evse)


def _of_evse(st: Station, evse: Evse) -> Iterator[Variable]:
    number, spec = evse.evse_id, evse.spec
    state = coarse_status(evse.status, evse.plugged or evse.ev_gone)
    phases = str(spec.phases or 3)
    yield Variable("EVSE", "AllowReset", "false", "boolean", evse_id=number)
    yield Variable("EVSE", "AvailabilityState", state, "OptionList", evse_id=number, values=AVAILABILITY_WORDS)
    yield Variable("EVSE", "Available", "true", "boolean", evse_id=number)
    yield Variable("EVSE", "SupplyPhases", phases, "integer", evse_id=number)
    yield Variable(
        "EVSE", "Power", str(round(evse.power_w)), "decimal", evse_id=number, unit="W", maximum=spec.max_power_w
    )
    yield Variable(
        "Connector", "AvailabilityState", state, "OptionList", evse_id=number, connector_id=1, values=AVAILABILITY_WORDS
    )
    yield Variable("Connector", "Available", "true", "boolean", evse_id=number, connector_id=1)
    yield Variable("Connector", "ConnectorType", spec.connector_type, "string", evse_id=number, connector_id=1)
    yield Variable("Connector", "SupplyPhases", phases, "integer", evse_id=number, connector_id=1)
    if not spec.tethered:
        locked = "true" if st.board.locks[number - 1].closed else "false"
        yield Variable("ConnectorPlugRetentionLock", "Active", locked, "boolean", evse_id=number, connector_id=1)
    problems = {problem.component for problem in st.board.problems(number)}
    for component in sorted(problems):
        yield Variable(component, "Problem", "true", "boolean", evse_id=number)


def coarse_status(status: str, plugged: bool) -> str:
    """The nine statuses collapsed to five: available, occupied, reserved, unavailable, faulted (G01)."""
    if status in ("Available", "Reserved", "Unavailable", "Faulted"):
        return status
    # a token without a cable does not occupy the connector: nothing is plugged in (E03, G01.FR.03)
    return "Occupied" if plugged or status != "Preparing" else "Available"


def publish_report(st: Station, request_id: int, rows: list[Variable]) -> None:
    """Send an inventory in pages (B07.FR.03-05, B08)."""
    size = int(st.settings[ITEMS_PER_MESSAGE])
    pages = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
    for number, page in enumerate(pages):
        st.publish(
            ReportPage(
                request_id=request_id,
                seq_no=number,
                more=number < len(pages) - 1,
                rows=tuple(page),
                at=st.stamp(),
            ),
            triggered=True,
        )


__all__ = ["MAX_KEYS", "READ_WRITE", "Variable", "variables"]
