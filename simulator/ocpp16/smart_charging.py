"""SetChargingProfile, ClearChargingProfile and GetCompositeSchedule of 1.6 (5.5, 5.7, 5.16), and the profile in
RemoteStartTransaction (5.16.2).

A connector that does not exist is a PropertyConstraintViolation (errata 3.39), everything else that cannot be done is
Rejected. Fields that are out of place but harm nothing (a recurrency without recurrence, the transaction of a profile
that is for none) are left aside, on record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET

from simulator.blocks import charging_profiles, smart_charging, transaction_record
from simulator.blocks import charging_schedule as cs
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.core.records import ViolationSeen
from simulator.core.wall import format_wall, parse_wall

if TYPE_CHECKING:
    from simulator.blocks.remote_control import StartWish
    from simulator.core.station import Station

table = Table(feature=charging_profiles.FEATURE)

_PURPOSES = {"ChargePointMaxProfile": cs.STATION_MAX, "TxDefaultProfile": cs.TX_DEFAULT, "TxProfile": cs.TX}
#: how far from a tenth a decimal may be and still be one
_HAIR = 1e-6
#: whole numbers of a profile fit into 32 bits, as those of the types of 1.6 do
_MOST = 1 << 31


@table.on("SetChargingProfile", when=REGISTERED)
def set_profile(st: Station, req: Any, m: Any) -> Any:
    """5.16, errata 3.39."""
    wire = req.cs_charging_profiles
    profile = _profile(st, "SetChargingProfile", "csChargingProfiles", wire)
    if charging_profiles.problem(st, req.connector_id, profile) == "UnknownEvse":
        raise CallRefused("property", f"connectorId: there is no connector {req.connector_id}")
    done = _key_fits(st, wire, profile) and not charging_profiles.install(st, req.connector_id, profile)
    return m.SetChargingProfileResponse(status="Accepted" if done else "Rejected")


def _key_fits(st: Station, wire: Any, profile: cs.ChargingProfile) -> bool:
    """A transactionId that is given must be that of a running transaction (7.8); which one, the block looks at."""
    return wire.transaction_id is UNSET or profile.purpose != cs.TX or profile.transaction_key is not None


@table.on("ClearChargingProfile", when=REGISTERED)
def clear_profile(st: Station, req: Any, m: Any) -> Any:
    """5.5, errata 3.25 and 3.26."""
    purpose = req.charging_profile_purpose
    found = charging_profiles.clear(
        st,
        profile_id=None if req.id is UNSET else req.id,
        evse_id=None if req.connector_id is UNSET else req.connector_id,
        purpose=None if purpose is UNSET else _PURPOSES[purpose],
        stack_level=None if req.stack_level is UNSET else req.stack_level,
    )
    return m.ClearChargingProfileResponse(status="Accepted" if found else "Unknown")


@table.on("GetCompositeSchedule", when=REGISTERED)
def get_composite(st: Station, req: Any, m: Any) -> Any:
    """5.7. startSchedule is left out of the schedule, scheduleStart says it (errata 3.57)."""
    unit = None if req.charging_rate_unit is UNSET else req.charging_rate_unit
    found = smart_charging.composite(st, req.connector_id, _whole(req.duration, "duration"), unit)
    if isinstance(found, str):
        return m.GetCompositeScheduleResponse(status="Rejected")
    periods = [
        m.ChargingSchedulePeriod(
            start_period=period.start_s,
            limit=period.limit / 10,
            number_phases=UNSET if period.phases is None else period.phases,
        )
        for period in found.periods
    ]
    return m.GetCompositeScheduleResponse(
        status="Accepted",
        connector_id=found.evse_id,
        schedule_start=format_wall(st.wall_of(st.stamp())),
        charging_schedule=m.ChargingSchedule(
            duration=found.duration_s, charging_rate_unit=found.unit, charging_schedule_period=periods
        ),
    )


# -- the profile of a remote start -------------------------------------------------------------------------------------


def remote_profile(st: Station, wire: Any, evse_id: int | None) -> cs.ChargingProfile | Literal[False] | None:
    """The profile a remote start brings along; None when there is none or the product does no smart charging (5.11),
    False when the start must be rejected for it (5.16.2: only a TxProfile)."""
    if wire is UNSET or not charging_profiles.offered(st):
        return None
    profile = _profile(st, "RemoteStartTransaction", "chargingProfile", wire)
    if profile.purpose != cs.TX:
        return False
    if wire.transaction_id is not UNSET:
        _out_of_place(st, "RemoteStartTransaction", "chargingProfile.transactionId")
    # every connector judges a profile alike, so it does not matter that the station may still choose one
    return False if charging_profiles.problem(st, evse_id or 1, profile) not in ("", "UnknownEvse") else profile


def expect(st: Station, wish: StartWish, profile: cs.ChargingProfile) -> None:
    """The remote start was accepted: its profile waits for the transaction (5.16.2)."""
    for evse in st.evses:
        if evse.wish is wish:
            charging_profiles.expect(st, evse.evse_id, wish.id_token, profile)


# -- translation -------------------------------------------------------------------------------------------------------


def _out_of_place(st: Station, action: str, path: str) -> None:
    st.record(ViolationSeen(action, path, "out of place"))


def _profile(st: Station, action: str, path: str, wire: Any) -> cs.ChargingProfile:
    """A profile in neutral words. Raises CallRefused for values no profile can have."""
    kind, recurrency = wire.charging_profile_kind, wire.recurrency_kind
    purpose = _PURPOSES[wire.charging_profile_purpose]
    if kind != cs.RECURRING and recurrency is not UNSET:
        _out_of_place(st, action, f"{path}.recurrencyKind")  # errata 3.56
    key: str | None = None
    if wire.transaction_id is not UNSET:
        if purpose == cs.TX:
            key = _key(st, wire.transaction_id)
        else:
            _out_of_place(st, action, f"{path}.transactionId")  # 7.8
    return cs.ChargingProfile(
        id=_whole(wire.charging_profile_id, f"{path}.chargingProfileId"),
        stack_level=wire.stack_level,
        purpose=purpose,
        kind=kind,
        schedules=(_schedule(st, action, f"{path}.chargingSchedule", wire.charging_schedule),),
        recurrency=None if recurrency is UNSET or kind != cs.RECURRING else recurrency,
        valid_from_us=_wall(wire.valid_from, f"{path}.validFrom"),
        valid_to_us=_wall(wire.valid_to, f"{path}.validTo"),
        transaction_key=key,
    )


def _key(st: Station, transaction_id: int) -> str | None:
    for evse in st.evses:
        if evse.tx is not None and transaction_record.csms_id(st, evse.tx.key) == str(transaction_id):
            return evse.tx.key
    return None


def _schedule(st: Station, action: str, path: str, wire: Any) -> cs.Schedule:
    if not wire.charging_schedule_period:  # 7.13: 1..*, which the schema does not say
        raise CallRefused("occurrence", f"{path}.chargingSchedulePeriod: a schedule has at least one period")
    periods = tuple(
        cs.Period(
            _whole(period.start_period, f"{path}.chargingSchedulePeriod.{number}.startPeriod"),
            _tenths(st, action, f"{path}.chargingSchedulePeriod.{number}.limit", period.limit),
            None if period.number_phases is UNSET else period.number_phases,
        )
        for number, period in enumerate(wire.charging_schedule_period)
    )
    rate = wire.min_charging_rate
    return cs.Schedule(
        unit=wire.charging_rate_unit,
        periods=periods,
        duration_s=None if wire.duration is UNSET else _whole(wire.duration, f"{path}.duration"),
        start_us=_wall(wire.start_schedule, f"{path}.startSchedule"),
        min_rate=None if rate is UNSET else _tenths(st, action, f"{path}.minChargingRate", rate),
    )


def _whole(value: int, path: str) -> int:
    if not -_MOST <= value < _MOST:
        raise CallRefused("property", f"{path} is out of range")
    return value


def _wall(text: Any, path: str) -> int | None:
    if text is UNSET:
        return None
    wall_us = parse_wall(text)
    if wall_us is None:
        raise CallRefused("property", f"{path}: {text[:40]!r} is no date and time")
    return wall_us


def _tenths(st: Station, action: str, path: str, value: float) -> int:
    """A decimal with at most one digit after the point (7.13, 7.14); a lenient product cuts off the others."""
    if not abs(value) < cs.NEVER_US:
        raise CallRefused("property", f"{path}: {value} is no limit")
    nearest = round(value * 10)
    if abs(value * 10 - nearest) <= _HAIR * max(1.0, abs(value)):
        return nearest
    st.record(ViolationSeen(action, path, "multipleOf", str(value)))
    if not st.model.lenient:
        raise CallRefused("property", f"{path}: {value} has more than one digit after the point")
    return int(value * 10)
