"""A ChargingProfileType of 2.x as the blocks know it, and back.

A profile that breaks a rule of the standard is :class:`Refused` with the reason code that says which; a lenient product
passes over those that harm nothing. Limits are counted in tenths of their unit; a smaller digit is cut off (part 2,
ChargingSchedulePeriodType).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import charging_schedule as cs
from simulator.core.records import ViolationSeen
from simulator.core.wall import format_wall
from simulator.ocpp2x.capabilities import V21
from simulator.ocpp2x.types import moment, optional

if TYPE_CHECKING:
    from simulator.core.station import Station

#: whole numbers of a profile fit into 32 bits, and limits are far below
MOST = 1 << 31
#: a hair is added before a digit is cut off, because 13.8 * 10 may be a hair below 138
HAIR = 1e-6
#: fields of 2.1 that would have to change what is done; a station of ours refuses them
BEYOND_PROFILE = ("dyn_update_interval", "dyn_update_time")
BEYOND_SCHEDULE = ("limit_at_soc", "use_local_time", "randomized_delay")
#: limits of single phases: no car of ours tells what it can do on each (2.1 errata K01.FR.144)
BY_PHASE = ("limit_l2", "limit_l3")
BEYOND_PERIOD = (
    "discharge_limit", "discharge_limit_l2", "discharge_limit_l3", "setpoint", "setpoint_l2",
    "setpoint_l3", "setpoint_reactive", "setpoint_reactive_l2", "setpoint_reactive_l3", "evse_sleep",
    "v2x_freq_watt_curve", "v2x_signal_watt_curve",
)  # fmt: skip


class Refused(Exception):
    """A profile that is not taken; ``code`` is of the list of reason codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def profile_of(st: Station, action: str, wire: Any, *, of_start: bool = False) -> cs.ChargingProfile:
    """A profile in neutral words; raises Refused, or CallRefused for what is no date and time. ``of_start``: it came
    with a remote start, before there is a transaction it could name."""
    purpose, kind = wire.charging_profile_purpose, wire.charging_profile_kind
    if purpose == cs.EXTERNAL:  # K01.FR.22
        raise Refused("InvalidProfile")
    if purpose not in cs.PURPOSES:  # 2.1 K01.FR.120
        raise Refused("UnsupportedPurpose")
    if kind not in cs.KINDS:  # 2.1 K01.FR.121
        raise Refused("UnsupportedKind")
    _nothing_beyond(wire, BEYOND_PROFILE, "InvalidProfile")  # 2.1 K01.FR.122
    if purpose == cs.STATION_MAX and kind == cs.RELATIVE:  # K01.FR.38
        raise Refused("InvalidProfile")
    if len(wire.charging_schedule) > 1 and not st.model.lenient:  # K01.FR.34, 2.10
        raise Refused("InvalidSchedule")
    recurrency = optional(wire.recurrency_kind)
    if kind != cs.RECURRING and recurrency is not None:
        _out_of_place(st, action, "chargingProfile.recurrencyKind")
    most = optional(getattr(wire, "max_offline_duration", UNSET))
    if most is not None and most < 0:
        raise Refused("InvalidProfile")
    key = optional(wire.transaction_id)
    if key is not None and (of_start or purpose != cs.TX):
        _out_of_place(st, action, "chargingProfile.transactionId")
        key = None
    return cs.ChargingProfile(
        id=_whole(wire.id),
        stack_level=wire.stack_level,
        purpose=purpose,
        kind=kind,
        schedules=tuple(_schedule(st, kind, schedule) for schedule in wire.charging_schedule),
        recurrency=recurrency if kind == cs.RECURRING else None,
        valid_from_us=moment(wire.valid_from, "validFrom"),
        valid_to_us=moment(wire.valid_to, "validTo"),
        transaction_key=None if key is None else key.lower(),  # without case (2.1.4); the station's own are lower
        max_offline_s=None if most is None else _whole(most),
        ends_offline=getattr(wire, "invalid_after_offline_duration", UNSET) is True,
    )


def _schedule(st: Station, kind: str, wire: Any) -> cs.Schedule:
    _nothing_beyond(wire, BEYOND_SCHEDULE, "InvalidSchedule")  # 2.1 K01.FR.123-125
    start_us = moment(wire.start_schedule, "startSchedule")
    if (start_us is None) != (kind == cs.RELATIVE) and not st.model.lenient:  # K01.FR.40-41
        raise Refused("InvalidSchedule")
    rate = optional(wire.min_charging_rate)
    return cs.Schedule(
        unit=wire.charging_rate_unit,
        periods=tuple(_period(st, period) for period in wire.charging_schedule_period),
        duration_s=None if wire.duration is UNSET else _whole(wire.duration),
        start_us=start_us,
        min_rate=None if rate is None else _tenths(rate),
        id=wire.id,
    )


def _period(st: Station, wire: Any) -> cs.Period:
    mode = getattr(wire, "operation_mode", UNSET)
    if mode not in (UNSET, "ChargingOnly"):  # 2.1 errata K01.FR.115
        raise Refused("InvalidOperationMode")
    if any(getattr(wire, field, UNSET) is not UNSET for field in BY_PHASE):  # none is a limit too
        raise Refused("PhaseConflict")
    _nothing_beyond(wire, BEYOND_PERIOD, "InvalidSchedule")  # 2.1 K01.FR.126
    if wire.limit is UNSET:  # 2.1: then there would have to be a set point
        raise Refused("InvalidSchedule")
    direct = all(evse.spec.is_dc for evse in st.evses)
    if direct and V21 in st.dialect.capabilities and (wire.phase_to_use, wire.number_phases) != (UNSET, UNSET):
        raise Refused("NoPhaseForDC")  # K01.FR.44; 2.0.1 lets a station pass over them
    if wire.phase_to_use is not UNSET and not direct:
        raise Refused("UnsupportedParam")  # K01.FR.48: the phase cannot be chosen
    return cs.Period(_whole(wire.start_period), _tenths(wire.limit), optional(wire.number_phases))


def _nothing_beyond(wire: Any, fields: tuple[str, ...], code: str) -> None:
    if any(getattr(wire, field, UNSET) not in (UNSET, False, 0) for field in fields):
        raise Refused(code)


def _out_of_place(st: Station, action: str, path: str) -> None:
    st.record(ViolationSeen(action, path, "out of place"))


def _whole(value: int) -> int:
    if not -MOST <= value < MOST:
        raise Refused("InvalidProfile")
    return value


def _tenths(value: float) -> int:
    if not abs(value) < MOST:
        raise Refused("InvalidSchedule")
    return int(value * 10 + (HAIR if value >= 0 else -HAIR))


def schedules_of(profile: cs.ChargingProfile, m: Any) -> list[Any]:
    """The schedules of a profile, to be told."""
    return [
        m.make(
            m.ChargingScheduleType,
            id=schedule.id,
            charging_rate_unit=schedule.unit,
            start_schedule=UNSET if schedule.start_us is None else format_wall(schedule.start_us),
            duration=UNSET if schedule.duration_s is None else schedule.duration_s,
            min_charging_rate=UNSET if schedule.min_rate is None else schedule.min_rate / 10,
            charging_schedule_period=[
                m.make(
                    m.ChargingSchedulePeriodType,
                    start_period=period.start_s,
                    limit=period.limit / 10,
                    number_phases=UNSET if period.phases is None else period.phases,
                )
                for period in schedule.periods
            ],
        )
        for schedule in profile.schedules
    ]
