"""G Availability: operative states, status reports, heartbeats.

A status is derived (``core/connector``), compared with what was told, and told when it has held for
MinimumStatusDuration. A change to Inoperative waits for a running transaction to end (1.6 5.2, G03.FR.05) and is kept
on flash (G01.FR.02). After an offline time only what has changed is told, or everything when it lasted longer than the
threshold of versions that have one (1.6 4.9, B04).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.blocks import firmware, provisioning
from simulator.core.connector import AVAILABLE, FAULTED, UNAVAILABLE, derive_status
from simulator.core.reports import HeartbeatDue, StatusChanged
from simulator.core.settings import setting
from simulator.core.wiring import QUIET, at, drain, on_timer, rule, station_rule

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station
    from simulator.hardware.fault import Problem

HEARTBEAT_INTERVAL = setting(
    "OCPPCommCtrlr.HeartbeatInterval",
    "int",
    300,
    key16="HeartbeatInterval",
    minimum=1,
    maximum=10**7,
    unit="s",
    required16=True,
    description="seconds of silence after which a heartbeat is due",
)
MINIMUM_STATUS_DURATION = setting(
    None,
    "int",
    0,
    key16="MinimumStatusDuration",
    minimum=0,
    maximum=86_400,
    unit="s",
    description="seconds a status must hold before it is told",
)
OFFLINE_THRESHOLD = setting(
    "OCPPCommCtrlr.OfflineThreshold",
    "int",
    60,
    minimum=0,
    maximum=86_400,
    unit="s",
    required=True,
    description="offline longer than this: every connector's status is told again",
)

#: a heartbeat comes at least this often even if other messages keep resetting its timer (G02.FR.07)
HEARTBEAT_AT_LEAST_US = 86_400_000_000
#: what the state of a connector has behind the name of its EVSE's state
CONNECTOR = ".1"


@at("start")
def start(st: Station, now: int) -> None:
    """Operative states come from flash, they survive a reboot."""
    st.data["station_operative"] = st.board.flash.get("facts", "operative:0") is not False
    st.data["station_told"] = None
    st.data["withdrawn"] = ()
    for evse in st.evses:
        evse.operative = _effective(st, evse)


# -- operative states --------------------------------------------------------------------------------------------------


def change(st: Station, evse_id: int, operative: bool, *, connector: bool = False) -> str:
    """Make an EVSE (0: the whole station) operative or not: Accepted, Scheduled, Rejected (no such EVSE).

    ``connector``: its connector alone, whose state a version may keep apart from that of the EVSE (G03, note 1)."""
    if evse_id and st.evse(evse_id) is None:
        return "Rejected"
    targets = [evse for evse in st.evses if evse_id in (0, evse.evse_id)]
    st.board.flash.write("facts", f"operative:{evse_id}{CONNECTOR if connector else ''}", operative, 16)
    if evse_id == 0:
        st.data["station_operative"] = operative
        if st.dialect.policy.station_sets_connectors:
            for evse in targets:
                st.board.flash.write("facts", f"operative:{evse.evse_id}", operative, 16)
    scheduled = False
    for evse in targets:
        wanted = _effective(st, evse)
        if evse.tx is not None and not wanted:
            scheduled = scheduled or evse.operative  # G03.FR.03: no change, nothing to schedule
            evse.scheduled = False if evse.operative else None
        else:
            evse.scheduled = None
            evse.operative = wanted and evse.evse_id not in st.data["withdrawn"]
    return "Scheduled" if scheduled else "Accepted"


def _effective(st: Station, evse: Evse) -> bool:
    """An EVSE's own state; where a version keeps those of station, EVSE and connector apart, all must be operative
    (G03.FR.06-07, G04.FR.07-08)."""
    names = (f"operative:{evse.evse_id}", f"operative:{evse.evse_id}{CONNECTOR}")
    own = all(st.board.flash.get("facts", name) is not False for name in names)
    return own and (st.dialect.policy.station_sets_connectors or bool(st.data["station_operative"]))


@station_rule(50)
def withdraw(st: Station, now: int) -> bool:
    """Nothing new may begin while an update waits to be installed (L01.FR.07), or a reset for the other EVSEs (B12);
    what runs goes on. Not on flash: the state the CSMS gave comes back by itself."""
    withdrawn = provisioning.withdraws(st)
    if firmware.withdraws(st):
        withdrawn = tuple(evse.evse_id for evse in st.evses)
    if withdrawn == st.data["withdrawn"]:
        return False
    st.data["withdrawn"] = withdrawn
    for evse in st.evses:
        if evse.tx is None:
            evse.operative = _effective(st, evse) and evse.evse_id not in withdrawn
    return True


@rule(60)
def follow(st: Station, evse: Evse, now: int) -> bool:
    """Carry out a scheduled change once the transaction is over, then derive the status."""
    changed = False
    if evse.operative and evse.tx is None and evse.evse_id in st.data["withdrawn"]:
        evse.operative = False
        changed = True
    if evse.scheduled is not None and evse.tx is None:
        evse.operative, evse.scheduled = evse.scheduled and evse.evse_id not in st.data["withdrawn"], None
        changed = True
    status = derive_status(evse, st.blocked(evse))
    if status != evse.status:
        evse.status, evse.held_since = status, now
        changed = True
    return changed


# -- telling -----------------------------------------------------------------------------------------------------------


@drain(30)
def tell_before_start(st: Station, now: int) -> None:
    """Where a cable and a transaction come at one moment, the occupied connector is told first (E02, scenario)."""
    if st.gate == "accepted" and st.link.is_up:
        for evse in st.evses:
            if evse.tx is not None and not evse.tx.told_started and not evse.flowing:
                _tell_evse(st, evse, now)


@drain(60)
def tell(st: Station, now: int) -> None:
    """Tell every status that differs from what was told and has held long enough."""
    if st.gate != "accepted" or not st.link.is_up:
        return
    _tell_station(st, now)
    # after an offline time in the order in which it happened (1.6 4.9)
    back = st.data.pop("back_online", False)
    for evse in sorted(st.evses, key=lambda evse: evse.held_since) if back else st.evses:
        _tell_evse(st, evse, now)


def _tell_evse(st: Station, evse: Evse, now: int) -> None:
    shown, error = st.dialect.policy.shown_status(evse, _error(st, evse))
    if shown == evse.told_status and error == evse.told_error:
        return
    hold_us = st.settings[MINIMUM_STATUS_DURATION] * 1_000_000
    if hold_us and evse.told_status is not None and error == evse.told_error:
        due = evse.held_since + hold_us
        if now < due:
            st.timers.set("status", due, evse.evse_id)
            return
    publish_status(st, evse)


@on_timer("status")
def held_long_enough(st: Station, evse_id: int, now: int) -> None:
    """The drain above looks."""


def _error(st: Station, evse: Evse) -> str:
    problems = st.board.problems(evse.evse_id)
    if evse.lock_failed and not any(p.code == "lock_failure" for p in problems):
        return "lock_failure"
    return _worst(problems)[0]


def _worst(problems: Sequence[Problem]) -> tuple[str, str]:
    """Code and text of the problem that is told: one that blocks goes before the others."""
    if not problems:
        return "", ""
    blocking = [p for p in problems if p.blocks]
    return next(((p.code, p.info) for p in (*blocking, *problems) if p.code), ("", ""))


def _vendor_error(error: str, problems: Sequence[Problem]) -> str:
    """What an error without a code of its own is (1.6 7.6, OtherError)."""
    return _worst(problems)[1] if error == "other_error" else ""


def publish_status(st: Station, evse: Evse, *, triggered: bool = False) -> None:
    """State the status of an EVSE as it is now."""
    error = _error(st, evse)
    evse.told_status, evse.told_error = st.dialect.policy.shown_status(evse, error)
    info = ""
    gone = evse.ev_gone or (evse.spec.tethered and evse.tx is not None and not evse.plugged)
    if gone and evse.status in ("SuspendedEV", "Finishing"):
        info = "EV side disconnected"  # 1.6 4.9
    st.publish(
        StatusChanged(
            evse_id=evse.evse_id,
            connector_id=1,
            status=evse.status,
            plugged=evse.plugged or evse.ev_gone,
            error=error,
            info=info,
            at=st.stamp(),
            vendor_error=_vendor_error(evse.told_error, st.board.problems(evse.evse_id)),
        ),
        triggered=triggered,
    )


def _station_status(st: Station) -> tuple[str, str]:
    """The status and problem of the station as a whole (connector 0 of 1.6): Available, Unavailable, Faulted. It is
    available as long as somebody may charge: until the last transaction that a change waits for is over (1.6 5.2)."""
    problems = _own_problems(st)
    error = _worst(problems)[0]
    if any(p.blocks for p in problems):
        return FAULTED, error
    open_yet = st.data["station_operative"] or any(evse.scheduled is False for evse in st.evses)
    return AVAILABLE if open_yet else UNAVAILABLE, error


def _own_problems(st: Station) -> list[Problem]:
    return [p for p in st.board.problems(0) if p.evse_id == 0]


def _tell_station(st: Station, now: int) -> None:
    shown, told = _station_status(st), st.data["station_told"]
    hold_us = st.settings[MINIMUM_STATUS_DURATION] * 1_000_000
    if shown == told:
        if hold_us:
            st.data.pop("station_since", None)
        return
    if hold_us and told is not None and shown[1] == told[1]:
        due = st.data.setdefault("station_since", now) + hold_us
        if now < due:
            st.timers.set("status", due)
            return
    publish_station(st)


def publish_station(st: Station, *, triggered: bool = False) -> None:
    """State the status of the station as a whole as it is now."""
    status, error = st.data["station_told"] = _station_status(st)
    st.data.pop("station_since", None)
    st.publish(
        StatusChanged(
            evse_id=0,
            connector_id=0,
            status=status,
            plugged=False,
            error=error,
            info="",
            at=st.stamp(),
            vendor_error=_vendor_error(error, _own_problems(st)),
        ),
        triggered=triggered,
    )


@at("accepted")
def all_statuses(st: Station, now: int) -> None:
    """After an accepted boot every status is told (1.6 4.2, B01.FR.05), and heartbeats begin."""
    st.data["station_told"] = None
    for evse in st.evses:
        evse.told_status = None
    interval_s = st.data.get("heartbeat_s", 0)
    if interval_s > 0 and interval_s != st.settings[HEARTBEAT_INTERVAL]:  # B01.FR.04, G02.FR.01
        st.write_setting(HEARTBEAT_INTERVAL, interval_s)
    st.data["heartbeat_us"] = now
    _arm_heartbeat(st, now)


@at("link_up")
def back_online(st: Station, now: int) -> None:
    """B04.FR.01-02: a long time offline tells everything again, a short one what has changed."""
    if st.gate != "accepted":
        return
    st.data["back_online"] = True
    since = st.link.down_since_us
    if since is not None and st.dialect.policy.offline_threshold(st) < (now - since):
        for evse in st.evses:
            evse.told_status = None
    _arm_heartbeat(st, now)


@at("link_down")
def not_told(st: Station, now: int) -> None:
    """What went down with the link was not told (B04.FR.02, 1.6 4.9)."""
    for report in st.lost:
        if isinstance(report, StatusChanged):
            evse = st.evse(report.evse_id)
            if report.evse_id == 0:
                st.data["station_told"] = None
            elif evse is not None:  # a quirk may speak of one there is not
                evse.told_status = None


# -- heartbeats --------------------------------------------------------------------------------------------------------


def _arm_heartbeat(st: Station, now: int) -> None:
    st.timers.set("heartbeat", now + st.settings[HEARTBEAT_INTERVAL] * 1_000_000)


@on_timer("heartbeat")
def heartbeat(st: Station, index: int, now: int) -> object:
    """A heartbeat is due unless another message was sent meanwhile (1.6 4.6, G02.FR.05)."""
    if st.gate != "accepted" or not st.link.is_up:
        return None
    interval_us = st.settings[HEARTBEAT_INTERVAL] * 1_000_000
    quiet_since = st.outbox.sent_us
    if quiet_since + interval_us > now and now - st.data.get("heartbeat_us", 0) < HEARTBEAT_AT_LEAST_US:
        st.timers.set("heartbeat", quiet_since + interval_us)
        return QUIET
    beat(st)
    st.timers.set("heartbeat", now + interval_us)
    return QUIET


def beat(st: Station, *, triggered: bool = False) -> None:
    """Publish a heartbeat."""
    st.data["heartbeat_us"] = st.now
    st.publish(HeartbeatDue(), triggered=triggered)


@at("settings")
def interval_changed(st: Station, now: int) -> None:
    """HeartbeatInterval was written."""
    if HEARTBEAT_INTERVAL.key in st.changed_settings and st.gate == "accepted":
        _arm_heartbeat(st, now)
