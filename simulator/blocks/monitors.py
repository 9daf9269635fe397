"""N The monitors a station has: built in, set in the factory, set by the CSMS; what may be set, and where it is kept.

A monitor watches one variable at one place. *Hard-wired* and *preconfigured* ones are the product's, data of its
archetype, with the same ids on every station of a model. *Custom* ones are set by the CSMS; one set over a
preconfigured one takes its id and its place until the base is set anew (N04.FR.15). Which are at work is the monitoring
base: hard-wired and custom ones always, preconfigured ones with the bases All and FactoryDefault.

What differs from the product is one record on flash: the custom monitors, the preconfigured ones that were removed, and
the last id. Thousands of stations are told the same monitors, so records and the plans made of them are shared by
content; both tables are bounded, and nothing depends on them. Watching is ``monitoring``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.blocks.device_model import Variable, archetype, look_up, variables
from simulator.blocks.inventory.archetypes import HARD_WIRED, PRECONFIGURED
from simulator.blocks.inventory.tree import inventory
from simulator.core.records import FlashTrouble
from simulator.core.settings import READ_ONLY, WRITE_ONLY, setting

if TYPE_CHECKING:
    from simulator.core.model import Model
    from simulator.core.station import Station

ALL, FACTORY_DEFAULT, HARD_WIRED_ONLY = "All", "FactoryDefault", "HardWiredOnly"
UPPER, LOWER, DELTA = "UpperThreshold", "LowerThreshold", "Delta"
PERIODIC, CLOCK_ALIGNED = "Periodic", "PeriodicClockAligned"
CUSTOM = "CustomMonitor"
#: severities: 0 danger to 9 debugging
WORST, LEAST = 0, 9

ENABLED = setting(
    "MonitoringCtrlr.Enabled",
    "bool",
    True,
    description="are variables watched at all; what is hard-wired is",
)
ITEMS_PER_SET = setting(
    "MonitoringCtrlr.ItemsPerMessage[SetVariableMonitoring]",
    "int",
    50,
    mutability=READ_ONLY,
    required=True,
    minimum=1,
    description="most monitors of one SetVariableMonitoring",
)
ITEMS_PER_CLEAR = setting(
    "MonitoringCtrlr.ItemsPerMessage[ClearVariableMonitoring]",
    "int",
    50,
    mutability=READ_ONLY,
    minimum=1,
    description="most ids of one ClearVariableMonitoring",
)
BYTES_PER_SET = setting(
    "MonitoringCtrlr.BytesPerMessage[SetVariableMonitoring]",
    "int",
    32_768,
    mutability=READ_ONLY,
    required=True,
    unit="B",
    description="longest SetVariableMonitoring",
)
BYTES_PER_CLEAR = setting(
    "MonitoringCtrlr.BytesPerMessage[ClearVariableMonitoring]",
    "int",
    32_768,
    mutability=READ_ONLY,
    unit="B",
    description="longest ClearVariableMonitoring",
)
OFFLINE_SEVERITY = setting(
    "MonitoringCtrlr.OfflineQueuingSeverity",
    "int",
    3,
    minimum=WORST,
    maximum=LEAST,
    description="events up to this severity are kept while there is no connection",
)
ACTIVE_BASE = setting(
    "MonitoringCtrlr.ActiveMonitoringBase",
    "str",
    HARD_WIRED_ONLY,
    mutability=READ_ONLY,
    values=(ALL, FACTORY_DEFAULT, HARD_WIRED_ONLY),
    description="which monitors of the product are at work",
)
ACTIVE_LEVEL = setting(
    "MonitoringCtrlr.ActiveMonitoringLevel",
    "int",
    LEAST,
    mutability=READ_ONLY,
    minimum=WORST,
    maximum=LEAST,
    description="events up to this severity are told",
)

AREA, KEY = "monitors", "custom"
#: custom monitors of one station
MAX_CUSTOM = 200
#: records and plans that are shared at a time
MAX_SHARED = 64
#: what one monitor takes on flash, without its names
MONITOR_BYTES = 32
_NUMBERS = frozenset({"integer", "decimal"})


class Monitor(msgspec.Struct, frozen=True, gc=False):
    """A monitor. ``value``: the threshold, the change, or seconds of a period. ``transaction``: at work only while one
    runs there. ``standing``: who set it, in the words of EventNotificationEnumType."""

    monitor_id: int
    component: str
    component_instance: str
    evse_id: int
    connector_id: int
    variable: str
    instance: str
    kind: str
    value: float
    severity: int
    transaction: bool = False
    standing: str = CUSTOM

    @property
    def address(self) -> tuple[str, str, int, int, str, str]:
        """The variable it is about."""
        return self.component, self.component_instance, self.evse_id, self.connector_id, self.variable, self.instance


class Kept(msgspec.Struct, frozen=True):
    """What differs from the product, as it lies on flash."""

    custom: tuple[Monitor, ...] = ()
    removed: tuple[int, ...] = ()
    last_id: int = 0


_NOTHING_KEPT = Kept()


class Own(msgspec.Struct, frozen=True):
    """The product's own monitors, and the hard-wired ones for problems by (component, EVSE), which tell what is wrong
    with a part. ``others``: some are hard-wired to something else."""

    monitors: tuple[Monitor, ...]
    problems: dict[tuple[str, int], Monitor]
    others: bool


_OWN: dict[Model, Own] = {}
_SHARED: dict[Kept, Kept] = {}


def own(model: Model) -> Own:
    """Monitors every station of this product has, with their ids: the hard-wired first."""
    found = _OWN.get(model)
    if found is None:
        if len(_OWN) >= MAX_SHARED:
            _OWN.clear()
        found = _OWN[model] = _own(model)
    return found


def _own(model: Model) -> Own:
    wanted = archetype(model).monitors
    made: list[Monitor] = []
    for standing in (HARD_WIRED, PRECONFIGURED):
        for row in wanted:
            if row.standing != standing:
                continue
            for found in inventory(model).variables:
                if (found.component, found.variable, found.instance) == (row.component, row.variable, row.instance):
                    made.append(_at(found, len(made) + 1, row.kind, row.value, row.severity, False, standing))
    hard_wired = [monitor for monitor in made if monitor.standing == HARD_WIRED]
    problems = {(m.component, m.evse_id): m for m in hard_wired if (m.variable, m.kind) == ("Problem", DELTA)}
    return Own(tuple(made), problems, len(problems) < len(hard_wired))


def _at(
    found: Variable, monitor_id: int, kind: str, value: float, severity: int, transaction: bool, standing: str
) -> Monitor:
    return Monitor(
        monitor_id, found.component, found.component_instance, found.evse_id, found.connector_id, found.variable,
        found.instance, kind, value, severity, transaction, standing,
    )  # fmt: skip


# -- what is there -----------------------------------------------------------------------------------------------------


def kept(st: Station) -> Kept:
    """What this station has beside the product's own."""
    found = st.board.flash.get(AREA, KEY)
    return found if isinstance(found, Kept) else _NOTHING_KEPT


def present(st: Station) -> tuple[Monitor, ...]:
    """Every monitor at work, by id. A custom one stands for a preconfigured one of its variable, type and severity:
    there are no two of these (N04.FR.10), also if it was set while the other was not at work."""
    more = kept(st)
    over = {monitor.monitor_id for monitor in more.custom} | set(more.removed)
    alike = {(monitor.address, monitor.kind, monitor.severity) for monitor in more.custom}
    preconfigured = st.settings[ACTIVE_BASE] != HARD_WIRED_ONLY
    mine = [
        monitor
        for monitor in own(st.model).monitors
        if monitor.standing == HARD_WIRED
        or (
            preconfigured
            and monitor.monitor_id not in over
            and (monitor.address, monitor.kind, monitor.severity) not in alike
        )
    ]
    return tuple(sorted((*mine, *more.custom), key=lambda monitor: monitor.monitor_id))


def find(st: Station, monitor_id: int) -> Monitor | None:
    """The monitor at work with this id."""
    return next((monitor for monitor in present(st) if monitor.monitor_id == monitor_id), None)


def variable_of(st: Station, monitor: Monitor) -> Variable | None:
    """The variable a monitor is about; None when the product has it no longer."""
    component, component_instance, evse_id, connector_id, variable, instance = monitor.address
    found = look_up(
        st,
        component,
        variable,
        component_instance=component_instance,
        evse_id=evse_id,
        connector_id=connector_id,
        instance=instance,
    )
    return None if isinstance(found, str) else found


def is_number(found: Variable) -> bool:
    """Can its values be compared with a threshold?"""
    return found.data_type in _NUMBERS and found.mutability != WRITE_ONLY


# -- what the CSMS changes ---------------------------------------------------------------------------------------------


class Wish(msgspec.Struct, frozen=True):
    """A monitor the CSMS wants. ``found`` is the variable, or the word why there is none; ``monitor_id`` of the monitor
    to be replaced."""

    found: Variable | str
    kind: str
    value: float
    severity: int
    transaction: bool = False
    monitor_id: int | None = None


def set_monitor(st: Station, wish: Wish) -> tuple[str, int | None, str]:
    """Set a monitor (N04.FR.03-18): (status, its id if accepted, reason code or "")."""
    found, old = wish.found, None
    if wish.monitor_id is not None:
        old = find(st, wish.monitor_id)
        if old is None:
            return "Rejected", None, "NotFound"  # FR.13
        if old.standing == HARD_WIRED:
            return "Rejected", None, "ReadOnly"  # FR.18
        if isinstance(found, str) or old.address != _address(found):
            return "Rejected", None, "InvalidValue"  # FR.16
    if isinstance(found, str):
        return found, None, "NotFound" if found.startswith("Unknown") else "UnsupportedParam"  # FR.03-04
    status, why = _judge(st, found, wish)
    if status != "Accepted":
        return status, None, why
    for other in present(st):
        same = (other.kind, other.severity) == (wish.kind, wish.severity) and other.address == _address(found)
        if same and other.monitor_id != wish.monitor_id:
            return "Duplicate", None, ""  # FR.10
    before = kept(st)
    custom = [monitor for monitor in before.custom if monitor.monitor_id != wish.monitor_id]
    if len(custom) >= MAX_CUSTOM:
        return "Rejected", None, "OutOfMemory"
    last_id = max(before.last_id, len(own(st.model).monitors))
    if wish.monitor_id is None:
        last_id += 1
    monitor_id = last_id if wish.monitor_id is None else wish.monitor_id
    custom.append(_at(found, monitor_id, wish.kind, wish.value, wish.severity, wish.transaction, CUSTOM))
    if not _keep(st, Kept(tuple(custom), before.removed, last_id)):
        return "Rejected", None, "OutOfStorage"
    return "Accepted", monitor_id, ""


def _address(found: Variable) -> tuple[str, str, int, int, str, str]:
    return (
        found.component, found.component_instance, found.evse_id, found.connector_id, found.variable, found.instance,
    )  # fmt: skip


def _judge(st: Station, found: Variable, wish: Wish) -> tuple[str, str]:
    """Can this be watched so? The status, and the reason code where it is Rejected."""
    if not st.settings[ENABLED]:
        return "Rejected", "NotEnabled"
    if not WORST <= wish.severity <= LEAST:
        return "Rejected", "ValueOutOfRange"
    periodic = wish.kind in (PERIODIC, CLOCK_ALIGNED)
    if not found.monitored or (periodic and found.mutability == WRITE_ONLY):
        return "UnsupportedMonitorType", ""  # as its supportsMonitoring says
    if wish.kind in (UPPER, LOWER):
        if not is_number(found):
            return "UnsupportedMonitorType", ""  # FR.05
        low = found.minimum is not None and wish.value < found.minimum
        if low or (found.maximum is not None and wish.value > found.maximum):
            return "Rejected", "ValueOutOfRange"  # FR.06
    elif wish.value < 0:
        return "Rejected", "ValuePositiveOnly"  # FR.14
    elif periodic and wish.value < 1:
        return "Rejected", "ValueTooLow"
    return "Accepted", ""


def clear_monitor(st: Station, monitor_id: int) -> str:
    """Remove a monitor (N06.FR.01-03): Accepted, NotFound, Rejected. A preconfigured one comes back with its base."""
    found = find(st, monitor_id)
    if found is None:
        return "NotFound"
    if found.standing == HARD_WIRED:
        return "Rejected"
    before = kept(st)
    custom = tuple(monitor for monitor in before.custom if monitor.monitor_id != monitor_id)
    removed = before.removed
    if any(monitor.monitor_id == monitor_id for monitor in own(st.model).monitors) and monitor_id not in removed:
        removed = (*removed, monitor_id)
    return "Accepted" if _keep(st, Kept(custom, removed, before.last_id)) else "Rejected"


def set_base(st: Station, base: str) -> bool:
    """Put a base to work (N03.FR.03-05): only All leaves custom monitors; False when flash refuses."""
    before = kept(st)
    custom = before.custom if base == ALL else ()
    return _keep(st, Kept(custom, (), before.last_id)) and st.write_setting(ACTIVE_BASE, base)


def set_level(st: Station, severity: int) -> bool:
    """Tell events up to this severity only (N05); False when it is out of range or flash refuses."""
    return WORST <= severity <= LEAST and st.write_setting(ACTIVE_LEVEL, severity)


def _keep(st: Station, new: Kept) -> bool:
    flash = st.board.flash
    if not (new.custom or new.removed):
        # the last id is worth keeping only while ids that were given are about
        done = flash.delete(AREA, KEY) if not new.last_id else flash.write(AREA, KEY, shared(new), MONITOR_BYTES)
    else:
        done = flash.write(AREA, KEY, shared(new), MONITOR_BYTES + sum(_bytes(monitor) for monitor in new.custom))
    if not done:
        st.record(FlashTrouble(AREA, flash.why, "monitors"))
    return done


def shared(new: Kept) -> Kept:
    """The one object for this content."""
    found = _SHARED.pop(new, new)
    while len(_SHARED) >= MAX_SHARED:
        del _SHARED[next(iter(_SHARED))]
    _SHARED[found] = found  # the latest use is the last to go
    return found


def _bytes(monitor: Monitor) -> int:
    names: list[Any] = [monitor.component, monitor.component_instance, monitor.variable, monitor.instance]
    return MONITOR_BYTES + sum(map(len, names))


def matches(st: Station) -> tuple[tuple[Variable, tuple[Monitor, ...]], ...]:
    """Every variable with monitors, in the order of the inventory, each with its monitors by id."""
    by_address: dict[Any, list[Monitor]] = {}
    for monitor in present(st):
        by_address.setdefault(monitor.address, []).append(monitor)
    return tuple(
        (found, tuple(by_address[_address(found)])) for found in variables(st) if _address(found) in by_address
    )
