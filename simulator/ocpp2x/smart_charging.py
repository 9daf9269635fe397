"""Charging profiles of 2.x: set, get, clear, the composite schedule, and external limits (K01 to K13).

Whatever cannot be done is Rejected with a reason code, and so are several schedules to choose from: they are for
sessions of ISO 15118, which this station does not have (K01.FR.34). What only 2.1 has beyond a limit for charging (set
points, discharging, profiles that change by themselves) is Rejected, never half done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import charging_profiles, smart_charging, transaction_record
from simulator.blocks import charging_schedule as cs
from simulator.blocks.charging_profiles import Installed
from simulator.blocks.external_limit import WITH_SCHEDULES
from simulator.blocks.local_lookup import same_token
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.core.reports import LimitImposed, LimitReleased, ProfilesPage
from simulator.core.wall import format_wall
from simulator.ocpp2x.charging_profile import Refused, profile_of, schedules_of
from simulator.ocpp2x.types import now, reason

if TYPE_CHECKING:
    from simulator.blocks.remote_control import StartWish
    from simulator.core.station import Station

table = Table(feature=charging_profiles.FEATURE)

#: why a profile is refused -> reason code (part 2 appendices, 5)
CODES = {
    "UnknownEvse": "UnknownEvse",
    "WrongEvse": "InvalidProfile",
    "StackLevel": "InvalidStackLevel",
    "Schedule": "InvalidSchedule",
    "Unit": "UnsupportedRateUnit",
    "Phases": "InvalidSchedule",
    "Periods": "TooManyElements",
    "TooMany": "TooManyElements",
    "External": "InvalidProfile",
    "Duplicate": "DuplicateProfile",
    "NoTransaction": "TxNotFound",
    "OtherTransaction": "TxNotFound",
    "Flash": "OutOfStorage",
    "Duration": "InvalidValue",
}
#: most profiles in one ReportChargingProfiles
PAGE = 10


def _switched_on(st: Station) -> None:
    """Switched off is as good as not there (K01.FR.29)."""
    if not charging_profiles.offered(st):
        raise CallRefused("not_supported", "smart charging is switched off")


@table.on("SetChargingProfile", when=REGISTERED)
def set_profile(st: Station, req: Any, m: Any) -> Any:
    """K01.FR.04-09, FR.26-53."""
    _switched_on(st)
    try:
        profile = profile_of(st, "SetChargingProfile", req.charging_profile)
        if profile.purpose == cs.TX and profile.transaction_key is None:  # K01.FR.03
            raise Refused("MissingParam")
        why = charging_profiles.install(st, req.evse_id, profile)
        code = CODES[why] if why else ""
    except Refused as refusal:
        code = refusal.code
    if code:
        return m.make(m.SetChargingProfileResponse, status="Rejected", status_info=reason(m, code))
    return m.make(m.SetChargingProfileResponse, status="Accepted")


@table.on("ClearChargingProfile", when=REGISTERED)
def clear_profile(st: Station, req: Any, m: Any) -> Any:
    """K10.FR.01-09."""
    _switched_on(st)
    wanted = req.charging_profile_criteria
    criteria: dict[str, Any] = {}
    if wanted is not UNSET:
        criteria = {
            "evse_id": None if wanted.evse_id is UNSET else wanted.evse_id,
            "purpose": None if wanted.charging_profile_purpose is UNSET else wanted.charging_profile_purpose,
            "stack_level": None if wanted.stack_level is UNSET else wanted.stack_level,
        }
    profile_id = None if req.charging_profile_id is UNSET else req.charging_profile_id
    found = charging_profiles.clear(st, profile_id=profile_id, **criteria)
    return m.make(m.ClearChargingProfileResponse, status="Accepted" if found else "Unknown")


@table.on("GetCompositeSchedule", when=REGISTERED)
def get_composite(st: Station, req: Any, m: Any) -> Any:
    """K08.FR.02-07."""
    _switched_on(st)
    unit = None if req.charging_rate_unit is UNSET else req.charging_rate_unit
    found = smart_charging.composite(st, req.evse_id, req.duration, unit)
    if isinstance(found, str):
        return m.make(m.GetCompositeScheduleResponse, status="Rejected", status_info=reason(m, CODES[found]))
    periods = [
        m.make(
            m.ChargingSchedulePeriodType,
            start_period=period.start_s,
            limit=period.limit / 10,
            number_phases=UNSET if period.phases is None else period.phases,
        )
        for period in found.periods
    ]
    schedule = m.make(
        m.CompositeScheduleType,
        evse_id=found.evse_id,
        duration=found.duration_s,
        schedule_start=now(st),
        charging_rate_unit=found.unit,
        charging_schedule_period=periods,
    )
    return m.make(m.GetCompositeScheduleResponse, status="Accepted", schedule=schedule)


# -- what is installed -------------------------------------------------------------------------------------------------


@table.on("GetChargingProfiles", when=REGISTERED)
def get_profiles(st: Station, req: Any, m: Any) -> Any:
    """K09.FR.01-06. While the registration is pending the profiles wait for it (B02.FR.02)."""
    _switched_on(st)
    groups: dict[tuple[str, int], list[Installed]] = {}
    for there in charging_profiles.installed(st):
        if (req.evse_id is UNSET or req.evse_id == there.evse_id) and _fits(there, req.charging_profile):
            groups.setdefault((there.source, there.evse_id), []).append(there)
    pages = [
        (source, evse_id, rows[start : start + PAGE])
        for (source, evse_id), rows in groups.items()
        for start in range(0, len(rows), PAGE)
    ]
    for number, (source, evse_id, rows) in enumerate(pages, 1):
        more = number < len(pages)
        st.publish(ProfilesPage(req.request_id, source, evse_id, tuple(rows), more), triggered=st.gate == "accepted")
    return m.make(m.GetChargingProfilesResponse, status="Accepted" if pages else "NoProfiles")


def _fits(there: Installed, wanted: Any) -> bool:
    """Does a profile match everything that was given? What is left out stands for any."""
    profile = there.profile
    return (
        (wanted.charging_profile_id is UNSET or profile.id in wanted.charging_profile_id)
        and (wanted.charging_profile_purpose in (UNSET, profile.purpose))
        and (wanted.stack_level in (UNSET, profile.stack_level))
        and (wanted.charging_limit_source is UNSET or there.source in wanted.charging_limit_source)
    )


@table.render(ProfilesPage)
def report_profiles(st: Station, report: ProfilesPage, m: Any) -> Any:
    """K09.FR.01-02."""
    return "ReportChargingProfiles", m.make(
        m.ReportChargingProfilesRequest,
        request_id=report.request_id,
        charging_limit_source=report.source,
        evse_id=report.evse_id,
        tbc=True if report.more else UNSET,
        charging_profile=[_told(row.profile, m) for row in report.rows if isinstance(row, Installed)],
    )


def _told(profile: cs.ChargingProfile, m: Any) -> Any:
    return m.make(
        m.ChargingProfileType,
        id=profile.id,
        stack_level=profile.stack_level,
        charging_profile_purpose=profile.purpose,
        charging_profile_kind=profile.kind,
        recurrency_kind=profile.recurrency or UNSET,
        valid_from=UNSET if profile.valid_from_us is None else format_wall(profile.valid_from_us),
        valid_to=UNSET if profile.valid_to_us is None else format_wall(profile.valid_to_us),
        transaction_id=profile.transaction_key or UNSET,
        max_offline_duration=UNSET if profile.max_offline_s is None else profile.max_offline_s,
        invalid_after_offline_duration=True if profile.ends_offline else UNSET,
        charging_schedule=schedules_of(profile, m),
    )


# -- external limits ---------------------------------------------------------------------------------------------------


@table.render(LimitImposed)
def imposed(st: Station, report: LimitImposed, m: Any) -> Any:
    """K11.FR.02-03, K12.FR.02-03. An evseId must be above 0 (1.33.1): a limit of the whole station goes without."""
    limit = m.make(
        m.ChargingLimitType,
        charging_limit_source=report.source,
        is_grid_critical=UNSET if report.grid_critical is None else report.grid_critical,
    )
    schedule: Any = UNSET
    if st.settings[WITH_SCHEDULES]:
        one = cs.Schedule(report.unit, (cs.Period(0, report.limit),), report.duration_s, report.since_us)
        profile = cs.ChargingProfile(-1, 0, cs.EXTERNAL, cs.ABSOLUTE, (one,))
        schedule = schedules_of(profile, m)
    return "NotifyChargingLimit", m.make(
        m.NotifyChargingLimitRequest, charging_limit=limit, charging_schedule=schedule, evse_id=report.evse_id or UNSET
    )


@table.render(LimitReleased)
def released(st: Station, report: LimitReleased, m: Any) -> Any:
    """K13.FR.02."""
    return "ClearedChargingLimit", m.make(
        m.ClearedChargingLimitRequest, charging_limit_source=report.source, evse_id=report.evse_id
    )


# -- priorities --------------------------------------------------------------------------------------------------------


def identified(st: Station, evse_id: int, name: str, info: Any) -> None:
    """What the CSMS says of a token: IdTokenInfoType (K03.FR.04-06)."""
    grant = st.evses[evse_id - 1].grant
    if info.charging_priority is not UNSET and grant is not None and same_token(grant.id_token, name):
        grant.priority = info.charging_priority


def event_answered(st: Station, key: str, priority: int) -> bool:
    """The answer to an event of a transaction gives this one a priority (K03.FR.05); False when it does not run."""
    evse = transaction_record.running(st, key)
    if evse is None or evse.grant is None:
        return False
    evse.grant.tx_priority = priority
    return True


# -- the profile of a remote start -------------------------------------------------------------------------------------


def remote_profile(st: Station, wire: Any, evse_id: int | None) -> cs.ChargingProfile | None:
    """The profile a remote start brings along; None when there is none, or the product does no smart charging and
    leaves it aside (K05.FR.04, F01.FR.12). Refused when the start must be rejected for it (K05.FR.02, FR.05, F01.FR.09,
    FR.11, FR.26)."""
    if wire is UNSET or not charging_profiles.offered(st):
        return None
    profile = profile_of(st, "RequestStartTransaction", wire, of_start=True)
    if profile.purpose != cs.TX or wire.transaction_id is not UNSET:
        raise Refused("InvalidProfile")
    # every EVSE judges a profile alike, so it does not matter that the station may still choose one
    why = charging_profiles.problem(st, evse_id or 1, profile)
    if why and why != "UnknownEvse":
        raise Refused("InvalidSchedule" if why in ("Schedule", "Unit", "Periods", "Phases") else "InvalidProfile")
    return profile


def expect(st: Station, wish: StartWish, profile: cs.ChargingProfile) -> None:
    """The remote start was accepted: its profile waits for the transaction (K05.FR.03)."""
    for evse in st.evses:
        if evse.wish is wish:
            charging_profiles.expect(st, evse.evse_id, wish.id_token, profile)
