"""N Diagnostics: component problems become events, one begin and one end each.

What a fault breaks is told through the component it breaks (``Problem`` of that component), independent of the
connector's status: two faults at once are two events, also of one component. Where the product has a hard-wired monitor
for it, the event is that monitor's, with its id and severity; else it is a notification. Versions without component
events say it by the error code of the status instead.

Without a connection a problem that is severe enough is kept (N07.FR.04); of the others the CSMS hears what applies when
it is there again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simulator.blocks import monitors
from simulator.blocks.device_model import archetype
from simulator.core import history
from simulator.core.records import FlashTrouble, HeatChanged
from simulator.core.reports import ComponentEvent, KeptEvent
from simulator.core.wiring import at, drain

if TYPE_CHECKING:
    from simulator.core.station import Station

#: severities where the archetype has none: 2 failure that stops use, 4 error, as of MonitoringSeverity 0-9
SEVERITY_BLOCKING, SEVERITY_OTHER = 2, 4
#: ids of one boot; the next boot has others, for an event may wait longer than a boot lasts
IDS_PER_BOOT, MAX_BOOTS = 1_000_000, 2_000

#: flash area of what the CSMS believes to be wrong, and what a problem takes there
AREA, PROBLEM_BYTES = "problems", 64

#: a problem: component, EVSE, code, info
Key = tuple[str, int, str, str]


class Told(msgspec.Struct, frozen=True, gc=False):
    """A problem that the CSMS knows of: what it is, its event (negative: perhaps the CSMS has not heard of it), and
    whether it stops use."""

    problem: Key
    event_id: int
    blocks: bool

    @property
    def name(self) -> str:
        """Its key on flash."""
        return "|".join(map(str, self.problem))


@at("start")
def start(st: Station, now: int) -> None:
    """What the CSMS was told before a reboot it still believes."""
    st.data["problems_told"] = {told.problem: told for _, told in st.board.flash.items(AREA)}
    st.data["problems_seen"] = -1


def next_event_id(st: Station) -> int:
    """An event id not used yet."""
    number = int(st.data.get("event_id", 0)) + 1
    st.data["event_id"] = number
    return (st.boot_no - 1) % MAX_BOOTS * IDS_PER_BOOT + number


def publish_event(st: Station, event: ComponentEvent, *, kept: bool) -> None:
    """Tell an event, now or when there is a connection."""
    st.publish(KeptEvent(event) if kept else event)


def problem_event(st: Station, evse_id: int) -> int | None:
    """The latest event about something that stops the use of an EVSE or of the station."""
    told: dict[Key, Told] = st.data["problems_told"]
    found = [abs(one.event_id) for key, one in told.items() if one.blocks and key[1] in (0, evse_id)]
    return max(found, default=None)


@at("link_down")
def not_told(st: Station, now: int) -> None:
    """An event that went down with the link was not told: a severe one is kept, else the drain finds it again."""
    for place, report in enumerate(st.lost):
        if not isinstance(report, ComponentEvent) or report.variable != "Problem":
            continue
        if report.severity <= st.settings[monitors.OFFLINE_SEVERITY]:
            st.publish(KeptEvent(report))
            continue
        key = (report.component, report.evse_id, report.tech_code, report.tech_info)
        known: Told | None = st.data["problems_told"].get(key)
        if place < st.lost_sent:  # the CSMS may have heard it, so whatever is then is told
            _believed(st, key, Told(key, -report.event_id, known is not None and known.blocks))
        else:
            _believed(st, key, Told(key, report.event_id, False) if report.cleared else None)
        st.data["problems_seen"] = -1


@drain(50)
def tell(st: Station, now: int) -> None:
    """Compare the problems of the board with what was told."""
    if ComponentEvent not in st.dialect.renderers:
        return
    online = st.gate == "accepted" and st.link.is_up
    lock_failed = tuple(evse.evse_id for evse in st.evses if evse.lock_failed)
    seen = (st.board.version, lock_failed, online, st.settings[monitors.ACTIVE_LEVEL])
    if st.data["problems_seen"] == seen:
        return
    st.data["problems_seen"] = seen
    current: dict[Key, bool] = {}
    for evse_id in range(len(st.evses) + 1):
        for problem in st.board.problems(evse_id):
            current[(problem.component, problem.evse_id, problem.code or "", problem.info)] = problem.blocks
    for evse_id in lock_failed:  # G05.FR.02
        if not any(key[:2] == ("ConnectorPlugRetentionLock", evse_id) for key in current):
            current[("ConnectorPlugRetentionLock", evse_id, "lock_failure", "")] = False
    told: dict[Key, Told] = st.data["problems_told"]
    for key, blocks in current.items():
        if key not in told or told[key].event_id < 0:
            event = _event(st, key, blocks, "true", cleared=None)
            if _speaks(st, event, online):
                _believed(st, key, Told(key, event.event_id, blocks))
                _publish(st, event, online)
    for key in [key for key in told if key not in current]:
        still = any(other[:2] == key[:2] for other in current)
        event = _event(st, key, told[key].blocks, "true" if still else "false", cleared=True)
        if _speaks(st, event, online):
            _believed(st, key, None)
            _publish(st, event, online)


def _believed(st: Station, key: Key, told: Told | None) -> None:
    """The CSMS has been told of a problem, or that it is over; a flash that refuses it forgets it at the next boot."""
    flash = st.board.flash
    if told is None:
        gone = st.data["problems_told"].pop(key, None)
        done = gone is None or flash.delete(AREA, gone.name)
    else:
        st.data["problems_told"][key] = told
        done = flash.write(AREA, told.name, told, PROBLEM_BYTES)
    if not done:
        st.record(FlashTrouble(AREA, flash.why, f"what is told of {key[0]}"))


def _speaks(st: Station, event: ComponentEvent, online: bool) -> bool:
    """May it be told now? A notification that is no monitor's knows no level (N05.FR.03)."""
    if event.monitor_id is not None and event.severity > st.settings[monitors.ACTIVE_LEVEL]:
        return False
    return online or bool(event.severity <= st.settings[monitors.OFFLINE_SEVERITY])


def _publish(st: Station, event: ComponentEvent, online: bool) -> None:
    if not online:
        history.watch(st, event)
    publish_event(st, event, kept=not online)


def _event(st: Station, key: Key, blocks: bool, value: str, *, cleared: bool | None) -> ComponentEvent:
    component, evse_id, code, info = key
    monitor = monitors.own(st.model).problems.get((component, evse_id))
    severity = archetype(st.model).severity(component, "Problem")
    if monitor is not None:
        severity = monitor.severity
    elif severity is None:
        severity = SEVERITY_BLOCKING if blocks else SEVERITY_OTHER
    evse = st.evse(evse_id)
    return ComponentEvent(
        event_id=next_event_id(st),
        component=component,
        evse_id=evse_id,
        connector_id=1 if component.startswith("Connector") else 0,
        variable="Problem",
        value=value,
        trigger="Delta",  # it has changed; no threshold is passed (G05.FR.02)
        at=st.stamp(),
        severity=severity,
        cleared=cleared,
        tech_code=code,
        tech_info=info,
        key=evse.tx.key if evse is not None and evse.tx is not None else None,
        notification_type="HardWiredNotification" if monitor is None else monitor.standing,
        monitor_id=None if monitor is None else monitor.monitor_id,
        cause=_cause(st, component, evse_id) if cleared is None else None,
    )


def _cause(st: Station, component: str, evse_id: int) -> int | None:
    """The alert about its temperature, if it is heat that it has a problem with (N07.FR.05)."""
    if component != "TemperatureSensor":
        return None
    watch = st.data.get("watch")
    if watch is None:
        return None
    for monitor_id, event_id in watch.passed.items():
        found = monitors.find(st, monitor_id)
        if found is not None and (found.variable, found.evse_id) == ("Temperature", evse_id):
            return abs(int(event_id))
    return None


@drain(51)
def heat(st: Station, now: int) -> None:
    """Put on record what the protection against heat does: the truth, whatever the CSMS is told."""
    thermal = st.board.thermal
    shown: dict[int, str] | None = st.data.get("heat")
    if not (thermal.stirred or thermal.faults) and not shown:
        return
    if shown is None:
        shown = st.data["heat"] = {}
    for place in range(len(st.evses) + 1):
        state = thermal.state(place)
        if state != shown.get(place, "normal"):
            shown[place] = state
            mohm = thermal.contact_mohm(place, now) if place else None
            st.record(HeatChanged(place, state, round(thermal.temperature_c(place, now), 3), mohm))
    if all(state == "normal" for state in shown.values()):
        del st.data["heat"]
