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
from typing import TYPE_CHECKING, Any, Final

import msgspec

from simulator.blocks import forecast, monitors
from simulator.blocks.device_model import CLOCK, MAX_VALUE_CHARS, Variable
from simulator.blocks.diagnostics import next_event_id, problem_event, publish_event
from simulator.blocks.forecast import Forecast
from simulator.blocks.monitors import CLOCK_ALIGNED, DELTA, LOWER, PERIODIC, UPPER, Monitor, Wish
from simulator.core import history
from simulator.core.records import FlashTrouble
from simulator.core.reports import ComponentEvent, KeptEvent, MonitorEvents
from simulator.core.settings import WRITE_ONLY
from simulator.core.wall import format_wall
from simulator.core.wiring import QUIET, at, drain, on_timer

if TYPE_CHECKING:
    from simulator.core.station import Station

#: flash area: id of a monitor whose threshold is passed -> id of the event that said so
PASSED_AREA, PASSED_BYTES = "alerts", 16
#: most events of one message
EVENTS_PER_MESSAGE = 10
#: a level that was foreseen and is not passed yet is looked for again after this time, doubled each time
RETRY_US, MAX_DOUBLED = 1_000, 22
_DAY_US = 86_400_000_000
_UNSEEN: Final = object()
#: what was last seen was never told: any value is another one
_LOST: Final = object()


class Watched(msgspec.Struct, frozen=True):
    """One monitor and what it needs: its variable, whether that is a number, how it moves."""

    monitor: Monitor
    variable: Variable
    number: bool
    moves: Forecast | None


class Plan(msgspec.Struct, frozen=True):
    """The monitors at work in a fixed order. ``everywhere``: some variable depends on more than the facts that are
    compared, so all are looked at after every input."""

    rows: tuple[Watched, ...]
    everywhere: bool


class Watch:
    """What a station with monitors knows of them; ``last`` and ``due`` go with the rows of the plan."""

    __slots__ = ("due", "facts", "keys", "last", "missed", "passed", "plan", "writes")

    def __init__(self, plan: Plan, passed: dict[int, int]) -> None:
        self.plan = plan
        self.last: list[Any] = [_UNSEEN] * len(plan.rows)
        self.due: list[int | None] = [None] * len(plan.rows)
        self.passed = passed
        self.facts: tuple[object, ...] | None = None
        #: transactions of the EVSEs when it was looked last
        self.keys: tuple[str | None, ...] = ()
        #: how often in a row a level was not passed when it should have been, by row; None: never
        self.missed: dict[int, int] | None = None
        #: how often settings were written
        self.writes = 0


_PLANS: dict[tuple[Any, ...], Plan] = {}
_FACTS = attrgetter(
    "status", "plugged", "ev_gone", "bay", "power_w", "operative", "charging_state", "lock_failed", "limit"
)


def _plan(st: Station) -> Plan:
    key = (st.model, monitors.kept(st), st.settings[monitors.ACTIVE_BASE])
    found = _PLANS.get(key)
    if found is None:
        rows = []
        problems = {monitor.monitor_id for monitor in monitors.own(st.model).problems.values()}
        for monitor in monitors.present(st):
            if monitor.monitor_id in problems:
                continue  # the diagnostics block tells these
            variable = monitors.variable_of(st, monitor)
            if variable is not None:  # gone with an older firmware
                rows.append(Watched(monitor, variable, monitors.is_number(variable), forecast.forecast_of(variable)))
        everywhere = any(row.variable.setting is None and row.variable.component.endswith("Ctrlr") for row in rows)
        while len(_PLANS) >= monitors.MAX_SHARED:
            del _PLANS[next(iter(_PLANS))]
        found = _PLANS[key] = Plan(tuple(rows), everywhere)
    return found


# -- lifetimes ---------------------------------------------------------------------------------------------------------


@at("start")
def start(st: Station, now: int) -> None:
    """Monitors survive a reboot, and so does what was passed (N04, N07.FR.13-14)."""
    rebuild(st, now)


def rebuild(st: Station, now: int) -> None:
    """The monitors have changed: make the plan anew. What is known of a monitor that stays is kept."""
    old: Watch | None = st.data.get("watch")
    serves = MonitorEvents in st.dialect.renderers
    plan = _plan(st) if serves and _any(st) else None
    if plan is None or not plan.rows:
        st.data.pop("watch", None)
        st.timers.cancel("monitor")
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
    if new.kind != old.kind or _beyond(st, row):
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


def _any(st: Station) -> bool:
    """Is there anything to watch beside the problems?"""
    return bool(
        monitors.kept(st).custom
        or st.settings[monitors.ACTIVE_BASE] != monitors.HARD_WIRED_ONLY
        or monitors.own(st.model).others
    )


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
            watch.last[n] = _LOST if watch.last[n] is not _UNSEEN else _UNSEEN


@at("clock")
def clock_set(st: Station, now: int) -> None:
    """Aligned periods follow the clock."""
    watch: Watch | None = st.data.get("watch")
    if watch is None:
        return
    for n, row in enumerate(watch.plan.rows):
        if row.monitor.kind == CLOCK_ALIGNED and watch.due[n] is not None:
            watch.due[n] = _next_period(st, row.monitor, now)
    _arm(st, watch)


@at("link_down")
def not_told(st: Station, now: int) -> None:
    """Events that went down with the link: the severe ones are kept, of the others the present is told later."""
    watch: Watch | None = st.data.get("watch")
    for report in st.lost:
        if not isinstance(report, MonitorEvents):
            continue
        for event in report.events:
            if event.severity <= st.settings[monitors.OFFLINE_SEVERITY]:
                st.publish(KeptEvent(event))
            elif watch is not None:
                _untold(st, watch, event)
    if watch is not None:
        watch.facts = None


def _untold(st: Station, watch: Watch, event: ComponentEvent) -> None:
    for n, row in enumerate(watch.plan.rows):
        if row.monitor.monitor_id != event.monitor_id:
            continue
        if row.monitor.kind == DELTA:
            watch.last[n] = _LOST
        elif event.cleared:
            _remember(st, watch, row.monitor.monitor_id, event.event_id)
        elif row.monitor.kind in (UPPER, LOWER):
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
            watch.last[n], watch.due[n] = _UNSEEN, None
            continue
        speaks = enabled and monitor.severity <= level
        if monitor.kind in (PERIODIC, CLOCK_ALIGNED):
            due = watch.due[n]
            if not enabled or monitor.severity > told:
                watch.due[n] = None  # the period begins when it may speak again
            elif due is None or due <= now:
                watch.due[n] = _next_period(st, monitor, now)
                if due is not None and speaks:
                    events.append(_event(st, row, _text(st, row), "Periodic", key))
            continue
        if not speaks:
            if watch.last[n] is _UNSEEN and monitor.kind == DELTA:
                watch.last[n] = _value(st, row)
            watch.due[n] = None
            continue
        found = (_delta if monitor.kind == DELTA else _threshold)(st, watch, n, key)
        if found is not None:
            events.append(found)
        watch.due[n] = _foresee(st, watch, n, now, missed=not happened and found is None)
        if monitor.transaction and _transaction(monitor, keys) is None:
            watch.last[n], watch.due[n] = _UNSEEN, None  # it was looked at for the last time
    _arm(st, watch)
    _publish(st, events, connected)


def _transaction(monitor: Monitor, keys: tuple[str | None, ...]) -> str | None:
    """The transaction a monitor belongs to; one of the whole station belongs to any."""
    if monitor.evse_id:
        return keys[monitor.evse_id - 1] if keys else None
    return next((key for key in keys if key), None)


def _text(st: Station, row: Watched) -> str:
    """The value as it is told: nothing of what is write-only (N07.FR.10)."""
    text = row.variable.text(st)
    if text == CLOCK:
        return format_wall(st.wall_of(st.stamp()))
    return (text or "")[:MAX_VALUE_CHARS]


def _value(st: Station, row: Watched) -> Any:
    """The value as it is compared; None for a number that is not there."""
    text = _text(st, row)
    if not row.number:
        return text
    try:
        return float(text)
    except ValueError:
        return None


def _delta(st: Station, watch: Watch, n: int, key: str | None) -> ComponentEvent | None:
    """N07.FR.18-19."""
    row = watch.plan.rows[n]
    value, last = _value(st, row), watch.last[n]
    if last is _UNSEEN:
        watch.last[n] = value
        return None
    if last is not _LOST:
        if value == last:
            return None
        if value is not None and last is not None and row.number and not abs(value - last) > row.monitor.value:
            return None
    watch.last[n] = value
    return _event(st, row, _text(st, row), "Delta", key, cause=_cause(st, row))


def _beyond(st: Station, row: Watched) -> bool:
    """Is a threshold passed? It is not by being on it (N07.FR.16-17), nor by a value that is not there."""
    value, level = _value(st, row), row.monitor.value
    return value is not None and bool(value > level if row.monitor.kind == UPPER else value < level)


def _threshold(st: Station, watch: Watch, n: int, key: str | None) -> ComponentEvent | None:
    """N07.FR.02, FR.11, FR.16-17: passed once, cleared once."""
    row = watch.plan.rows[n]
    monitor, beyond = row.monitor, _beyond(st, row)
    if beyond == (monitor.monitor_id in watch.passed):
        return None
    info = f"{'above' if monitor.kind == UPPER else 'below'} {monitor.value:g} {row.variable.unit}".rstrip()
    if beyond:
        event = _event(st, row, _text(st, row), "Alerting", key, info=info)
        _remember(st, watch, monitor.monitor_id, event.event_id)
    else:
        event = _event(st, row, _text(st, row), "Alerting", key, info=f"no longer {info}", cleared=True)
        _forget(st, watch, monitor.monitor_id)
    return event


def _foresee(st: Station, watch: Watch, n: int, now: int, *, missed: bool) -> int | None:
    """When the next event of this monitor will come by itself."""
    row = watch.plan.rows[n]
    monitor = row.monitor
    shown = row.moves(st, monitor.evse_id, now) if row.moves is not None else None
    if shown is None:
        return None
    if monitor.kind == DELTA:
        last = watch.last[n]
        if not isinstance(last, float):
            return None
        dues = [
            forecast.due(shown, last + monitor.value, now, above=True),
            forecast.due(shown, last - monitor.value, now, above=False),
        ]
    else:
        above = (monitor.kind == UPPER) != (monitor.monitor_id in watch.passed)
        level = monitor.value
        if monitor.monitor_id in watch.passed:  # back on the level is within it (N07.FR.02)
            level += shown.step / 2 if monitor.kind == UPPER else -shown.step / 2
        dues = [forecast.due(shown, level, now, above=above)]
    found = min((due for due in dues if due is not None), default=None)
    if found is None or not missed:
        if watch.missed:
            watch.missed.pop(n, None)
        return found
    # a rounding, or a fault, shows something else than the formula
    if watch.missed is None:
        watch.missed = {}
    times = watch.missed[n] = min(watch.missed.get(n, -1) + 1, MAX_DOUBLED)
    return max(found, now + (RETRY_US << times))


def _next_period(st: Station, monitor: Monitor, now: int) -> int:
    """N08.FR.06-07; aligned ones count from midnight of the station's own clock."""
    period_us = max(round(monitor.value * 1e6), 1)
    if monitor.kind == PERIODIC:
        return now + period_us
    into_day = st.board.rtc.wall(now) % _DAY_US
    return now + max(min((into_day // period_us + 1) * period_us, _DAY_US) - into_day, 1)


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
