"""B Settings and inventory: reading and writing settings, and the station's components and variables.

Values are live: a setting is read from the station's settings, a physical variable from hardware and facts when it is
asked for. There is no second copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.blocks import firmware
from simulator.blocks.product_settings import (
    CERTIFICATE_ENTRIES,
    NETWORK_PRIORITY,
    NUMBER_OF_CONNECTORS,
    PHASE_ROTATION,
    PHASE_ROTATION_MAX,
    TIME_SOURCE,
    features,
)
from simulator.core import certificate_store
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from simulator.core.readings import MEASURANDS
from simulator.core.settings import (
    KEYS,
    READ_ONLY,
    WRITE_ONLY,
    Setting,
    Value,
    all_settings,
)
from simulator.core.wiring import BEFORE_WRITE

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station


MAX_KEYS = 1_000


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the inventory: a component's variable and its attribute Actual, the only one there is.

    ``value`` None: write-only. ``values`` are the members of a list or option type, ``maximum`` the largest number or
    the greatest length of a text, ``max_elements`` of a list. ``setting`` is set when the CSMS may know it as one.
    """

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
    max_elements: int | None = None
    monitored: bool = False
    setting: Setting | None = None


def identify(st: Station, pattern: str) -> str:
    """A serial or identity pattern (``{n:06d}``, ``{id}``) filled for this station; profiles check patterns."""
    return pattern.format(n=st.number, id=st.id) if "{" in pattern else pattern


def serial_of(st: Station) -> str | None:
    """The station's serial number: its own from a list of stations, else the product's pattern; ends tell apart."""
    pattern = st.model.identity.serial
    if st.serial is None and pattern is None:
        return None
    return (st.serial if st.serial is not None else identify(st, pattern or ""))[-25:]


# -- settings ----------------------------------------------------------------------------------------------------------


def exists(st: Station, found: Setting) -> bool:
    """Does this product have the setting? One of an optional feature it has with the feature."""
    if found.feature and not (found.feature in st.dialect.features and found.feature in features(st.model)):
        return False
    return found not in st.model.absent


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
    if found is UNLOCK_ON_EV_SIDE and _all_tethered(st):
        return False  # 1.6 9.1: a fixed cable is never unlocked
    return st.settings[found]


def text_of(st: Station, found: Setting, name: str) -> str:
    """The present value as text, after the quirks of the ``setting`` seam."""
    text = found.format(value_of(st, found))
    for quirk in st.model.seams.setting:
        text = quirk.setting(st, name, text)
    return text


def writable(st: Station, found: Setting, mutability: str) -> bool:
    """May the CSMS write it on this product?"""
    if found is UNLOCK_ON_EV_SIDE and _all_tethered(st):
        return False
    return mutability != READ_ONLY and found not in st.model.read_only


def _all_tethered(st: Station) -> bool:
    return all(evse.spec.tethered for evse in st.evses)


def write(st: Station, found: Setting, mutability: str, text: str) -> str:
    """Write a setting from its wire text: Accepted, RebootRequired, Rejected."""
    if not writable(st, found, mutability):
        return "Rejected"
    try:
        value = found.parse(text)
    except ValueError:
        return "Rejected"
    if found is PHASE_ROTATION and len(value) > len(st.evses) + 1:
        return "Rejected"
    judge = BEFORE_WRITE.get(found.key)
    if judge is not None and not judge(st, value):
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

#: members of a setting's list that mean nothing here: a temperature is a variable of its own and no measurand, and no
#: meter of ours signs its values (E01.FR.04)
NOT_OFFERED = frozenset({"Temperature", "DataSigned"})
#: lists whose order matters
_SEQUENCES = frozenset({TIME_SOURCE, NETWORK_PRIORITY})
_DATA_TYPES = {"int": "integer", "bool": "boolean", "str": "string", "float": "decimal", "list": "MemberList"}


def variables(st: Station) -> Iterator[Variable]:
    """Every variable of this station, settings first, in a fixed order."""
    for found in all_settings():
        if found.name and exists(st, found):
            yield _of_setting(st, found)
    yield from _physical(st)


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
    """One variable, else UnknownComponent or UnknownVariable (B05.FR.04-05, B06.FR.06-07, FR.15). Names compare
    without case; an instance that is not given is one that the variable must not have."""
    known = False
    wanted = (component.lower(), component_instance.lower(), evse_id, connector_id)
    if wanted[1:] == ("", 0, 0):
        settings = _settings_of().get(wanted[0], {})
        found = settings.get((variable.lower(), instance.lower()))
        if found is not None and exists(st, found):
            return _of_setting(st, found)
        known = any(exists(st, other) for other in settings.values())
    for row in _physical(st):
        if (row.component.lower(), row.component_instance.lower(), row.evse_id, row.connector_id) == wanted:
            if row.variable.lower() == variable.lower() and row.instance.lower() == instance.lower():
                return row
            known = True
    return "UnknownVariable" if known else "UnknownComponent"


def write_variable(st: Station, row: Variable, text: str) -> tuple[str, str]:
    """Write a variable from its wire text: (Accepted or RebootRequired, "") or (Rejected, reason code).

    B05.FR.07-10: a bad form, a value out of range and one the product cannot store are all Rejected."""
    found = row.setting
    if found is None or row.mutability == READ_ONLY:
        return "Rejected", "ReadOnly"
    try:
        value = found.parse(text)
    except ValueError:
        return "Rejected", "InvalidValue"
    if row.values and found.type == "list" and not set(value) <= set(row.values):
        return "Rejected", "InvalidValue"
    judge = BEFORE_WRITE.get(found.key)
    if judge is not None and not judge(st, value):
        return "Rejected", "InvalidValue"
    if not st.write_setting(found, value):
        return "Rejected", "OutOfStorage" if st.board.flash.why == "full" else "InternalError"
    return "RebootRequired" if found.reboot else "Accepted", ""


def _settings_of() -> dict[str, dict[tuple[str, str], Setting]]:
    """Settings by component, then by (variable, instance), all in lower case."""
    if sum(map(len, _BY_COMPONENT.values())) != sum(1 for found in all_settings() if found.name):
        _BY_COMPONENT.clear()
        for found in all_settings():
            if found.name:
                names = _BY_COMPONENT.setdefault(found.component.lower(), {})
                names[(found.variable.lower(), found.instance.lower())] = found
    return _BY_COMPONENT


_BY_COMPONENT: dict[str, dict[tuple[str, str], Setting]] = {}


def members(st: Station, found: Setting) -> tuple[str, ...]:
    """What a list may hold on this product: what its hardware can do."""
    measurable = st.model.hardware.meter.measurands
    bay = any(evse.spec.bay_sensor for evse in st.evses)
    return tuple(
        name
        for name in found.values
        if name not in NOT_OFFERED
        and (bay or name != "ParkingBayOccupancy")
        and (not measurable or name not in MEASURANDS or name in measurable)
    )


def _of_setting(st: Station, found: Setting) -> Variable:
    data_type = _DATA_TYPES[found.type]
    maximum: float | None = found.maximum
    offered: tuple[str, ...] = ()
    if found.type == "list":
        offered = members(st, found)
        data_type = "SequenceList" if found in _SEQUENCES else data_type
        maximum = sum(len(name) + 1 for name in offered) - 1 if offered else None
    elif found.type == "str":
        offered, maximum = found.values, found.max_len
        data_type = "OptionList" if offered else data_type
    text: str | None = None
    if found.mutability != WRITE_ONLY:
        text = text_of(st, found, found.key)
        if offered and found.type == "list":
            text = ",".join(name for name in text.split(",") if name in offered)
    return Variable(
        component=found.component,
        variable=found.variable,
        instance=found.instance,
        value=text,
        data_type=data_type,
        mutability=found.mutability if writable(st, found, found.mutability) else READ_ONLY,
        unit=found.unit,
        values=offered,
        minimum=found.minimum,
        maximum=maximum,
        max_elements=len(offered) if offered and found.type == "list" else None,
        setting=found,
    )


AVAILABILITY_WORDS = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
#: parts every station has, whose only variable is whether they have a problem
_STATION_PARTS = ("Controller", "DataLink", "RealTimeClock", "TokenReader")
_EVSE_PARTS = ("FiscalMetering", "PowerContactor")
_LOCK = "ConnectorPlugRetentionLock"


def _physical(st: Station) -> Iterator[Variable]:
    faulted = any(problem.blocks for problem in st.board.problems(0) if problem.evse_id == 0)
    operative = st.data.get("station_operative", True)
    state = "Faulted" if faulted else "Available" if operative else "Unavailable"
    identity = st.model.identity
    yield Variable("ChargingStation", "Available", "true", "boolean")
    yield Variable("ChargingStation", "AvailabilityState", state, "OptionList", values=AVAILABILITY_WORDS)
    yield Variable("ChargingStation", "Model", identity.model, "string")
    yield Variable("ChargingStation", "VendorName", identity.vendor, "string")
    running = firmware.version(st)
    if running is not None:
        yield Variable("ChargingStation", "FirmwareVersion", running, "string")
    serial = serial_of(st)
    if serial is not None:
        yield Variable("ChargingStation", "SerialNumber", serial, "string")
    # the grid side: a station of direct current is fed by three phases
    phases = max(evse.spec.phases for evse in st.evses) or 3
    yield Variable("ChargingStation", "SupplyPhases", str(phases), "integer")
    yield Variable("ClockCtrlr", "DateTime", CLOCK, "dateTime")
    yield Variable("SecurityCtrlr", "Identity", st.id, "string", maximum=48)
    yield from _problems(st, 0, dict.fromkeys(_STATION_PARTS, 0))
    for evse in st.evses:
        yield from _of_evse(st, evse)


#: the value of a variable that is the time at which it is told
CLOCK = "@clock"


def _of_evse(st: Station, evse: Evse) -> Iterator[Variable]:
    number, spec = evse.evse_id, evse.spec
    state = coarse_status(evse.status, evse.plugged or evse.ev_gone)
    phases = str(spec.phases)  # 0 means direct current
    power = str(round(evse.power_w))
    parts = dict.fromkeys(_EVSE_PARTS, 0)
    yield Variable("EVSE", "AllowReset", "false", "boolean", evse_id=number)
    yield Variable("EVSE", "AvailabilityState", state, "OptionList", evse_id=number, values=AVAILABILITY_WORDS)
    yield Variable("EVSE", "Available", "true", "boolean", evse_id=number)
    yield Variable("EVSE", "SupplyPhases", phases, "integer", evse_id=number)
    yield Variable("EVSE", "Power", power, "decimal", evse_id=number, unit="W", maximum=spec.max_power_w)
    yield Variable(
        "Connector", "AvailabilityState", state, "OptionList", evse_id=number, connector_id=1, values=AVAILABILITY_WORDS
    )
    yield Variable("Connector", "Available", "true", "boolean", evse_id=number, connector_id=1)
    yield Variable("Connector", "ConnectorType", spec.connector_type, "string", evse_id=number, connector_id=1)
    yield Variable("Connector", "SupplyPhases", phases, "integer", evse_id=number, connector_id=1)
    closed = _truth(st.board.contactors[number - 1].closed)
    yield Variable("PowerContactor", "Active", closed, "boolean", evse_id=number)
    if not spec.tethered:
        locked = _truth(st.board.locks[number - 1].closed)
        yield Variable(_LOCK, "Active", locked, "boolean", evse_id=number, connector_id=1)
        parts[_LOCK] = 1
    yield from _problems(st, number, parts, also=_LOCK if evse.lock_failed else "")


def _problems(st: Station, evse_id: int, parts: dict[str, int], also: str = "") -> Iterator[Variable]:
    """Problem of each part (component -> connector), and of whatever else has one now."""
    troubled = {problem.component for problem in st.board.problems(evse_id) if problem.evse_id == evse_id}
    if also:
        troubled.add(also)
    for component in (*parts, *sorted(troubled - parts.keys())):
        value = _truth(component in troubled)
        at = parts.get(component, 1 if component.startswith("Connector") else 0)
        yield Variable(component, "Problem", value, "boolean", evse_id=evse_id, connector_id=at)


def _truth(fact: bool) -> str:
    return "true" if fact else "false"


def coarse_status(status: str, plugged: bool) -> str:
    """The nine statuses collapsed to five: available, occupied, reserved, unavailable, faulted (G01)."""
    if status in ("Available", "Reserved", "Unavailable", "Faulted"):
        return status
    # a token without a cable does not occupy the connector: nothing is plugged in (E03, G01.FR.03)
    return "Occupied" if plugged or status != "Preparing" else "Available"
