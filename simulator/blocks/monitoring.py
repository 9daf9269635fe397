"""N Watching: compares what is monitored with what was there before, and makes events of it (N07, N08).

A station without monitors has nothing here. One with monitors has a :class:`Watch`: a plan, shared with every station
that has the same monitors, and for each monitor two small values: what was there last, and when to look again. It
looks

* when something has happened: every variable is compared once after an input that changed the facts;
* at a moment that was worked out: a period is over, or a quantity that moves by itself (``forecast``) will have passed
  its level. All monitors of a station share one timer.

A threshold is told once when it is passed and once, ``cleared``, when the value is back; what is passed is on flash,
under the id of the event, so that the second is told after a reboot too (N07.FR.14). A monitor that may not speak now
(severity over the level, no connection and not severe enough, no transaction) is not looked at: when it may again, it
compares with the present, so that the CSMS hears what applies then (N07, remark).
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from simulator.blocks import monitors
from simulator.blocks.diagnostics import next_event_id, problem_event, publish_event
from simulator.blocks.metering import CORRECTION_US
from simulator.blocks.monitors import CLOCK_ALIGNED, DELTA, LOWER, PERIODIC, UPPER, Monitor, Wish
from simulator.blocks.watch_list import (
    LOST,
    UNSEEN,
    Watch,
    Watched,
    aligned,
    anything,
    foresee,
    is_beyond,
    next_period,
    plan_of,
    text_of,
    value_of,
)
from simulator.core import history
from simulator.core.records import Alerted, FlashTrouble
from simulator.core.reports import ComponentEvent, KeptEvent, MonitorEvents
from simulator.core.settings import WRITE_ONLY
from simulator.core.wiring import QUIET, at, drain, on_timer

if TYPE_CHECKING:
    from simulator.core.station import Station

#: flash area: id of a monitor whose threshold is passed -> id of the event that said so; negative if it is not known
#: whether the CSMS has heard of that event
PASSED_AREA, PASSED_BYTES = "alerts", 16
#: most events of one message
EVENTS_PER_MESSAGE = 10
_FACTS = attrgetter(
    "status", "plugged", "ev_gone", "bay", "power_w", "operative", "charging_state", "lock_failed", "limit"
)


# -- lifetimes ---------------------------------------------------------------------------------------------------------


@at("start")
def start(st: Station, now: int) -> None:
    """Monitors survive a reboot, and so does what was passed (N04, N07.FR.13-14)."""
    rebuild(st, now)


def rebuild(st: Station, now: int) -> None:
    """The monitors have changed: make the plan anew. What is known of a monitor that stays is kept."""
    old: Watch | None = st.data.get("watch")
    serves = MonitorEvents in st.dialect.renderers
    plan = plan_of(st) if serves and anything(st) else None
    if plan is None or not plan.rows:
        if st.data.pop("watch", None) is not None:
            st.timers.cancel("monitor")
            st.board.flash.clear(PASSED_AREA)
        return
    passed = dict(st.board.flash.items(PASSED_AREA)) if old is None else old.passed
    watch = Watch(plan, passed)
    if old is not None:
        watch.keys, watch.writes = old.keys, old.writes
        known = {row.monitor: n for n, row in enumerate(old.plan.rows)}
        for n, row in enumerate(plan.rows):
            before = known.get(row.monitor)
            if before is not None:
                watch.last[n], watch.due[n] = old.last[before], old.due[before]
    ids = {row.monitor.monitor_id for row in plan.rows}
    for monitor_id in [monitor_id for monitor_id in passed if monitor_id not in ids]:
        _forget(st, watch, monitor_id)  # removed: nothing is cleared any more (N07.FR.12)
    st.data["watch"] = watch


# -- what the CSMS changes ---------------------------------------------------------------------------------------------


def set_monitors(st: Station, wishes: list[Wish]) -> list[tuple[str, int | None, str]]:
    """Set monitors, one result each: (status, id if accepted, reason code or "")."""
    results = []
    for wish in wishes:
        old = None if wish.monitor_id is None else monitors.find(st, wish.monitor_id)
        result = monitors.set_monitor(st, wish)
        results.append(result)
        if result[0] == "Accepted" and old is not None:
            _replaced(st, old, monitors.find(st, old.monitor_id))
    rebuild(st, st.now)
    return results


def _replaced(st: Station, old: Monitor, new: Monitor | None) -> None:
    """N07.FR.11: a threshold that was passed is told anew if the new one is passed too, and else cleared."""
    watch: Watch | None = st.data.get("watch")
    variable = None if new is None else monitors.variable_of(st, new)
    if watch is None or new is None or variable is None or new.monitor_id not in watch.passed:
        return
    row = Watched(new, variable, monitors.is_number(variable), None)
    if new.kind != old.kind or is_beyond(st, row):
        _forget(st, watch, new.monitor_id)


def clear_monitors(st: Station, ids: list[int]) -> list[str]:
    """Remove monitors, one status each."""
    results = [monitors.clear_monitor(st, monitor_id) for monitor_id in ids]
    rebuild(st, st.now)
    return results


def set_base(st: Station, base: str) -> bool:
    """Put a monitoring base to work; False when flash refuses."""
    done = monitors.set_base(st, base)
    rebuild(st, st.now)
    return done


@at("settings")
def settings_written(st: Station, now: int) -> None:
    """A setting may be watched, and base, level and switch are settings themselves."""
    watch: Watch | None = st.data.get("watch")
    if watch is None:
        return
    watch.writes += 1
    for n, row in enumerate(watch.plan.rows):
        setting = row.variable.setting
        if setting is not None and setting.key in st.changed_settings and row.variable.mutability == WRITE_ONLY:
            watch.last[n] = LOST if watch.last[n] is not UNSEEN else UNSEEN


@at("clock")
def clock_set(st: Station, now: int) -> None:
    """Aligned periods follow the clock."""
    watch: Watch | None = st.data.get("watch")
    if watch is None:
        return
    for n, row in enumerate(watch.plan.rows):
        due = watch.due[n]
        if row.monitor.kind != CLOCK_ALIGNED or due is None:
            continue
        past, left = aligned(st, row.monitor, now)
        jumped = due - now < min(left, CORRECTION_US) and past < CORRECTION_US  # a little forward over the moment
        watch.due[n] = now if jumped else next_period(st, row.monitor, now)
    _arm(st, watch)


@at("link_down")
def not_told(st: Station, now: int) -> None:
    """Events that went down with the link: the severe ones are kept, of the others the present is told later."""
    watch: Watch | None = st.data.get("watch")
    for place, report in enumerate(st.lost):
        if not isinstance(report, MonitorEvents):
            continue
        for event in report.events:
            if event.severity <= st.settings[monitors.OFFLINE_SEVERITY]:
                st.publish(KeptEvent(event))
            elif watch is not None:
                _untold(st, watch, event, sent=place < st.lost_sent)
    if watch is not None:
        watch.facts = None


def _untold(st: Station, watch: Watch, event: ComponentEvent, *, sent: bool) -> None:
    for n, row in enumerate(watch.plan.rows):
        if row.monitor.monitor_id != event.monitor_id:
            continue
        if row.monitor.kind == DELTA:
            watch.last[n] = LOST
        elif row.monitor.kind not in (UPPER, LOWER):
            continue
        elif sent:  # the CSMS may have heard it, so whatever is then is told (N07.FR.02)
            _remember(st, watch, row.monitor.monitor_id, -event.event_id)
        elif event.cleared:
            _remember(st, watch, row.monitor.monitor_id, event.event_id)
        else:
            _forget(st, watch, row.monitor.monitor_id)


# -- looking -----------------------------------------------------------------------------------------------------------


@drain(55)
def changes(st: Station, now: int) -> None:
    """After an input that changed something: compare everything that is monitored."""
    watch: Watch | None = st.data.get("watch")
    if watch is None:
        return
    facts = (
        st.board.version,
        watch.writes,
        online(st),
        st.data.get("station_operative", True),
        tuple([evse.tx.key if evse.tx is not None else None for evse in st.evses]),
        tuple([_FACTS(evse) for evse in st.evses]),
    )
    if facts == watch.facts and not watch.plan.everywhere:
        return
    watch.facts = facts
    keys = facts[4]
    assert isinstance(keys, tuple)
    _look(st, watch, now, range(len(watch.plan.rows)), happened=True, keys=keys)
    watch.keys = keys


@on_timer("monitor")
def foreseen(st: Station, index: int, now: int) -> object:
    """A period is over, or a level is passed."""
    watch: Watch | None = st.data.get("watch")
    if watch is not None:
        rows = [n for n, due in enumerate(watch.due) if due is not None and due <= now]
        _look(st, watch, now, rows, happened=False, keys=watch.keys)
    return QUIET  # it has looked, and changed no fact


def _look(
    st: Station, watch: Watch, now: int, rows: range | list[int], *, happened: bool, keys: tuple[str | None, ...]
) -> None:
    events: list[ComponentEvent] = []
    connected = online(st)
    enabled, told = st.settings[monitors.ENABLED], st.settings[monitors.ACTIVE_LEVEL]
    level = told if connected else min(told, st.settings[monitors.OFFLINE_SEVERITY])
    for n in rows:
        row = watch.plan.rows[n]
        monitor = row.monitor
        key = _transaction(monitor, keys) or _transaction(monitor, watch.keys)
        if monitor.transaction and key is None:
            watch.last[n], watch.due[n] = UNSEEN, None
            continue
        speaks = enabled and monitor.severity <= level
        if monitor.kind in (PERIODIC, CLOCK_ALIGNED):
            due = watch.due[n]
            if not enabled or monitor.severity > told:
                watch.due[n] = None  # the period begins when it may speak again
            elif due is None or due <= now:
                watch.due[n] = next_period(st, monitor, now)
                if due is not None and speaks and not _early(st, monitor, now):
                    events.append(_event(st, row, text_of(st, row), "Periodic", key))
            continue
        if not speaks:
            if watch.last[n] is UNSEEN and monitor.kind == DELTA:
                watch.last[n] = value_of(st, row)
            watch.due[n] = None
            continue
        found = (_delta if monitor.kind == DELTA else _threshold)(st, watch, n, key)
        if found is not None:
            events.append(found)
        watch.due[n] = foresee(st, watch, n, now, missed=not happened and found is None)
        if monitor.transaction and _transaction(monitor, keys) is None:
            watch.last[n], watch.due[n] = UNSEEN, None  # it was looked at for the last time
    _arm(st, watch)
    _publish(st, events, connected)


def _early(st: Station, monitor: Monitor, now: int) -> bool:
    """Is the aligned moment still to come by a clock that runs too slow? Else it would be told twice."""
    if monitor.kind != CLOCK_ALIGNED:
        return False
    past, left = aligned(st, monitor, now)
    return left < past


def _transaction(monitor: Monitor, keys: tuple[str | None, ...]) -> str | None:
    """The transaction a monitor belongs to; one of the whole station belongs to any."""
    if monitor.evse_id:
        return keys[monitor.evse_id - 1] if keys else None
    return next((key for key in keys if key), None)


def _delta(st: Station, watch: Watch, n: int, key: str | None) -> ComponentEvent | None:
    """N07.FR.18-19."""
    row = watch.plan.rows[n]
    value, last = value_of(st, row), watch.last[n]
    if last is UNSEEN:
        watch.last[n] = value
        return None
    if last is not LOST:
        if value == last:
            return None
        if value is not None and last is not None and row.number and not abs(value - last) > row.monitor.value:
            return None
    watch.last[n] = value
    return _event(st, row, text_of(st, row), "Delta", key, cause=_cause(st, row))


def _threshold(st: Station, watch: Watch, n: int, key: str | None) -> ComponentEvent | None:
    """N07.FR.02, FR.11, FR.16-17: passed once, cleared once."""
    row = watch.plan.rows[n]
    monitor, beyond = row.monitor, is_beyond(st, row)
    believed = watch.passed.get(monitor.monitor_id, 0)
    if beyond == (believed != 0) and believed >= 0:
        return None
    info = f"{'above' if monitor.kind == UPPER else 'below'} {monitor.value:g} {row.variable.unit}".rstrip()
    if beyond:
        event = _event(st, row, text_of(st, row), "Alerting", key, info=info)
        _remember(st, watch, monitor.monitor_id, event.event_id)
    else:
        event = _event(st, row, text_of(st, row), "Alerting", key, info=f"no longer {info}", cleared=True)
        _forget(st, watch, monitor.monitor_id)
    return event


def _arm(st: Station, watch: Watch) -> None:
    due = min((due for due in watch.due if due is not None), default=None)
    if due is None:
        st.timers.cancel("monitor")
    else:
        st.timers.set("monitor", due)


# -- telling -----------------------------------------------------------------------------------------------------------


def online(st: Station) -> bool:
    """Can an event be told at once?"""
    return st.gate == "accepted" and st.link.is_up


def _event(
    st: Station,
    row: Watched,
    text: str,
    trigger: str,
    key: str | None,
    *,
    info: str = "",
    cleared: bool | None = None,
    cause: int | None = None,
) -> ComponentEvent:
    monitor = row.monitor
    return ComponentEvent(
        event_id=next_event_id(st),
        component=monitor.component,
        component_instance=monitor.component_instance,
        evse_id=monitor.evse_id,
        connector_id=monitor.connector_id,
        variable=monitor.variable,
        instance=monitor.instance,
        value=text,
        trigger=trigger,
        at=st.stamp(),
        severity=monitor.severity,
        cleared=cleared,
        tech_info=info,
        key=key if monitor.evse_id else None,
        notification_type=monitor.standing,
        monitor_id=monitor.monitor_id,
        cause=cause,
    )


def _cause(st: Station, row: Watched) -> int | None:
    """The problem that made something unavailable (N07.FR.05)."""
    if row.monitor.variable == "AvailabilityState" and row.variable.text(st) == "Faulted":
        return problem_event(st, row.monitor.evse_id)
    return None


def _publish(st: Station, events: list[ComponentEvent], connected: bool) -> None:
    for event in events:
        if event.trigger == "Alerting":
            history.watch(st, event)
            monitor_id, over = event.monitor_id or 0, bool(event.cleared)
            st.record(Alerted(monitor_id, event.component, event.evse_id, event.variable, event.value, over))
        if not connected:
            publish_event(st, event, kept=True)
    if connected:
        for first in range(0, len(events), EVENTS_PER_MESSAGE):
            page = tuple(events[first : first + EVENTS_PER_MESSAGE])
            more = first + EVENTS_PER_MESSAGE < len(events)
            st.publish(MonitorEvents(page, first // EVENTS_PER_MESSAGE, more))


def _remember(st: Station, watch: Watch, monitor_id: int, event_id: int) -> None:
    watch.passed[monitor_id] = event_id
    if not st.board.flash.write(PASSED_AREA, monitor_id, event_id, PASSED_BYTES):
        st.record(FlashTrouble(PASSED_AREA, st.board.flash.why, f"monitor {monitor_id} has passed its threshold"))


def _forget(st: Station, watch: Watch, monitor_id: int) -> None:
    watch.passed.pop(monitor_id, None)
    if not st.board.flash.delete(PASSED_AREA, monitor_id):
        st.record(FlashTrouble(PASSED_AREA, st.board.flash.why, f"monitor {monitor_id} is back within its threshold"))
