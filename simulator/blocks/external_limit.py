"""K11 to K13 External limits: somebody beside the CSMS limits charging, an energy manager or the grid operator.

Such a limit is a charging profile of its own purpose: it counts beside all others, is listed with them, and can neither
be replaced nor cleared by the CSMS (K01.FR.05, K10.FR.08-09). Its id is negative (K11.FR.06). It lies on flash like
the others, because who imposed it does not know of restarts. What is told of it: that it came or changed by more than
LimitChangeSignificance, and that it went or its time was over; what a running transaction feels of it tells the
transaction.

It comes in by ``Perform``: ``charging_limit`` with ``limit_a`` (a phase) or ``limit_w`` (in all), and optionally
``evse_id`` (0: the station), ``source`` (EMS, SO, Other), ``duration_s`` and ``grid_critical``;
``charging_limit_released`` with ``evse_id``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.blocks import charging_profiles
from simulator.blocks import charging_schedule as cs
from simulator.blocks.charging_profiles import FEATURE, SOURCES, Installed
from simulator.core.records import Remark
from simulator.core.reports import LimitImposed, LimitReleased
from simulator.core.settings import setting
from simulator.core.wiring import performs

if TYPE_CHECKING:
    from simulator.core.station import Station

EXTERNAL_ENABLED = setting(
    "SmartChargingCtrlr.ExternalControlSignalsEnabled",
    "bool",
    True,
    feature=FEATURE,
    description="does the station obey limits that do not come from the CSMS",
)
WITH_SCHEDULES = setting(
    "SmartChargingCtrlr.NotifyChargingLimitWithSchedules",
    "bool",
    False,
    feature=FEATURE,
    description="tell the schedule of an external limit, not only that there is one",
)
LIMIT_CHANGE = setting(
    "SmartChargingCtrlr.LimitChangeSignificance",
    "float",
    10.0,
    minimum=0,
    maximum=100,
    unit="Percent",
    required=True,
    feature=FEATURE,
    description="change of an external limit, or of a charging rate by it, that is told",
)
#: stack level of the profile that stands for such a limit
LEVEL = 0
#: limits of the hardware of any station are far below, in the unit of the limit
MOST = 1e7


def external_id(evse_id: int) -> int:
    """The id of the profile that an external limit is listed as."""
    return -1 - evse_id


def _free_id(st: Station, evse_id: int) -> int:
    """The same, or the next below it that the CSMS has not given to a profile of its own: that one must stay."""
    number, taken = external_id(evse_id), {there.profile.id for there in charging_profiles.installed(st)}
    while number in taken:
        number -= 1 + len(st.evses)
    return number


def _imposed(st: Station, evse_id: int) -> Installed | None:
    """The limit there is at an EVSE."""
    return next(
        (
            there
            for there in charging_profiles.installed(st)
            if there.evse_id == evse_id and (there.profile.purpose, there.profile.stack_level) == (cs.EXTERNAL, LEVEL)
        ),
        None,
    )


def _remark(st: Station, why: str) -> None:
    st.record(Remark(f"external limit ignored: {why}"))


@performs("charging_limit")
def impose(st: Station, args: dict[str, Any], now: int) -> None:
    """A limit is imposed, in place of the one there was for the same EVSE (K11.FR.01-02, K12.FR.01-02)."""
    evse_id, source = args.get("evse_id", 0), args.get("source", "EMS")
    given = [(unit, args[name]) for name, unit in (("limit_a", cs.AMPERE), ("limit_w", cs.WATT)) if name in args]
    if not charging_profiles.offered(st) or not st.settings[EXTERNAL_ENABLED]:
        return _remark(st, "the product does not take any, or they are switched off")
    if not isinstance(evse_id, int) or (evse_id != 0 and st.evse(evse_id) is None):
        return _remark(st, f"there is no EVSE {evse_id}")
    if source not in SOURCES:
        return _remark(st, f"source {source!r} is not one of {', '.join(SOURCES)}")
    if len(given) != 1 or not isinstance(given[0][1], int | float) or not 0 <= given[0][1] < MOST:
        return _remark(st, "it needs one of limit_a and limit_w, a number from 0 on")
    unit, limit = given[0][0], int(given[0][1] * 10 + 1e-6)
    duration_s = int(args["duration_s"]) if "duration_s" in args else None
    wall_us = st.board.rtc.wall(now)
    schedule = cs.Schedule(unit, (cs.Period(0, limit),), duration_s, wall_us)
    before = _imposed(st, evse_id)
    number = _free_id(st, evse_id) if before is None else before.profile.id
    profile = cs.ChargingProfile(number, LEVEL, cs.EXTERNAL, cs.ABSOLUTE, (schedule,))
    if charging_profiles.keep(st, evse_id, profile, source):
        charging_profiles.store_of(st).external = True
        if before is None or before.source != source or _significant(st, before.profile.schedules[0], schedule):
            critical = bool(args["grid_critical"]) if "grid_critical" in args else None
            st.publish(LimitImposed(source, evse_id, unit, limit, wall_us, duration_s, critical))


def _significant(st: Station, before: cs.Schedule, after: cs.Schedule) -> bool:
    """Has the limit changed by more than LimitChangeSignificance?"""
    if (before.unit, before.duration_s) != (after.unit, after.duration_s):
        return True
    return differs(st, before.periods[0].limit, after.periods[0].limit)


def differs(st: Station, before: float, after: float) -> bool:
    """Do two amounts differ by more than LimitChangeSignificance, in percent of the first?"""
    return abs(after - before) * 100 > float(st.settings[LIMIT_CHANGE]) * max(before, 0)


@performs("charging_limit_released")
def release(st: Station, args: dict[str, Any], now: int) -> None:
    """The limit is gone (K13.FR.01-02)."""
    evse_id = args.get("evse_id", 0)
    there = _imposed(st, evse_id)
    if there is None:
        return _remark(st, f"there is none at EVSE {evse_id} to release")
    return _gone(st, there)


def _gone(st: Station, limit: Installed) -> None:
    charging_profiles.remove(st, [limit.profile.id])
    charging_profiles.store_of(st).external = True
    st.publish(LimitReleased(limit.source, limit.evse_id))


def run_out(st: Station, now: int) -> None:
    """A limit whose time is over is gone like one that is released, and this is told: of its duration the CSMS may
    never have heard (K13.FR.01-03)."""
    wall_us = st.board.rtc.wall(now)
    for there in charging_profiles.installed(st):
        if there.profile.purpose == cs.EXTERNAL and _over(there, wall_us):
            _gone(st, there)


def _over(limit: Installed, wall_us: int) -> bool:
    schedule = limit.profile.schedules[0]
    if schedule.start_us is None or schedule.duration_s is None:
        return False
    return wall_us >= schedule.start_us + schedule.duration_s * cs.SECOND_US
