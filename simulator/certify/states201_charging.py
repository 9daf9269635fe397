"""Charging profiles in cases of 2.0.1: made, set, asked for and compared, and the composite schedule.

Limits are given in steps of the tool: 1 A, or 230 W for each phase where the product knows only W (errata, 6.2.69).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.certify.rules import OMITTED, Rule, one_of, such_that
from simulator.certify.tester import message
from simulator.certify.tester201 import Tester201
from simulator.certify.wire import Heard
from simulator.core.wall import format_wall, parse_wall

#: how far clocks may be apart, s; profiles of the tool begin so much before now
DEVIATION_S = 5
DURATION_S = 300
DAY_S = 86_400
#: profiles with a limited validity are valid for so long, s
VALID_S = 401
MAXIMUM, DEFAULT, OF_TRANSACTION = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
ABSOLUTE, RECURRING, RELATIVE = "Absolute", "Recurring", "Relative"
UNITS = ("A", "W")
VOLTAGE_V, PHASES = 230, 3
#: the source of what the central system has set
CSO = "CSO"
#: fields of a profile that are moments
MOMENTS = ("validFrom", "validTo", "startSchedule")

#: (startPeriod, limit in steps); None for a limit that is the product's own affair
Periods = Sequence[tuple[int, float | None]]


def units(t: Tester201) -> list[str]:
    """The units the product knows."""
    return [unit for unit in UNITS if unit in (t.read("SmartChargingCtrlr.RateUnit", "unit") or "A").split(",")]


def step_of(t: Tester201, unit: str) -> int:
    """What one step of a limit is in a unit."""
    return 1 if unit == "A" else VOLTAGE_V * (t.rig.model.evses[t.connector - 1].phases or PHASES)


def moment(t: Tester201, offset_s: float = 0.0) -> str:
    """Now, or so many seconds from now, as a time stamp."""
    return format_wall(t.rig.fleet.epoch_us + t.rig.now_us + int(offset_s * 1_000_000))


def seconds_of(stamp: Any) -> float:
    """A time stamp as seconds since 1970; nan for one that is none."""
    wall_us = parse_wall(stamp) if isinstance(stamp, str) else None
    return wall_us / 1e6 if wall_us is not None else float("nan")


def profile(
    t: Tester201,
    number: int,
    purpose: str,
    periods: Periods = ((0, 6),),
    *,
    kind: str = ABSOLUTE,
    duration_s: int | None = DURATION_S,
    start: str | None = None,
    stack: int = 0,
    unit: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A profile; ``start`` of its schedule is a moment ago unless it is given. ``more``: further fields of it."""
    unit = unit or units(t)[0]
    phases = t.rig.model.evses[t.connector - 1].phases
    schedule: dict[str, Any] = {
        "id": number,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {
                "startPeriod": begin,
                "limit": (limit or 0) * step_of(t, unit),
                **({"numberPhases": phases} if phases else {}),
            }
            for begin, limit in periods
        ],
    }
    if kind != RELATIVE:
        schedule["startSchedule"] = start or moment(t, -DEVIATION_S)
    if duration_s is not None:
        schedule["duration"] = duration_s
    return {
        "id": number,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
        **more,
    }


def valid_for(t: Tester201, seconds: float = VALID_S + DEVIATION_S) -> dict[str, Any]:
    """Fields of a profile that is valid from a moment ago, for so long."""
    return {"validFrom": moment(t, -DEVIATION_S), "validTo": moment(t, seconds)}


def install(
    t: Tester201, step: int | str, one: Mapping[str, Any], *, evse: int | None = None, status: str = "Accepted"
) -> None:
    """The tool sets a profile, at the EVSE under test unless another is named."""
    payload = {"evseId": t.connector if evse is None else evse, "chargingProfile": one}
    t.call(step, "SetChargingProfile", payload, status=status)


def installed(t: Tester201, one: Mapping[str, Any], *, evse: int | None = None) -> None:
    """The station has this profile (SetChargingProfile)."""
    with t.within("SetChargingProfile"):
        install(t, 2, one, evse=evse)


# -- what is installed -------------------------------------------------------------------------------------------------


def get(
    t: Tester201,
    step: int,
    request: int,
    criteria: Mapping[str, Any],
    *,
    evse: int | None = None,
    status: str = "Accepted",
) -> None:
    """The tool asks which profiles there are."""
    payload = {"requestId": request, "chargingProfile": dict(criteria), **({} if evse is None else {"evseId": evse})}
    t.call(step, "GetChargingProfiles", payload, status=status)


def report(t: Tester201, step: int, request: int, wanted: Mapping[int, Sequence[Mapping[str, Any]]]) -> list[Heard]:
    """The station tells these profiles, by EVSE, and no others; only the last message says that none follows."""
    each = [message(step, "ReportChargingProfiles", {"requestId": request, "evseId": evse}) for evse in wanted]
    heard = t.any_order(*each)
    last = max(heard, key=lambda one: one.number)
    for one, profiles in zip(heard, wanted.values(), strict=True):
        t.validate(step, one, tbc=one_of(False, OMITTED) if one is last else True)
        for place, sent in enumerate(profiles):
            t.validate(step, one, same(sent, f"chargingProfile.{place}"))
        t.validate(step, one, {f"chargingProfile.{len(profiles)}": OMITTED})
    return heard


def same(sent: Any, path: str) -> dict[str, Any]:
    """Fields of a message in which this is told at a path as it was sent."""
    if isinstance(sent, Mapping):
        return {k: v for name, value in sent.items() for k, v in same(value, f"{path}.{name}").items()}
    if isinstance(sent, list):
        rows = {k: v for place, value in enumerate(sent) for k, v in same(value, f"{path}.{place}").items()}
        return {**rows, f"{path}.{len(sent)}": OMITTED}
    if path.rpartition(".")[2] in MOMENTS:
        return {path: such_that(f"the moment {sent}", lambda stamp: seconds_of(stamp) == seconds_of(sent))}
    return {path: sent}


# -- the composite schedule --------------------------------------------------------------------------------------------


def composite(
    t: Tester201,
    step: int,
    duration_s: int,
    periods: Periods,
    begun: str | None = None,
    *,
    evse: int | None = None,
    exact: bool = True,
) -> Heard:
    """The composite schedule: these periods, counted from ``begun`` (from now without). What lies before now is over.
    ``exact``: and no more than these."""
    unit = units(t)[0]
    where = t.connector if evse is None else evse
    payload = {"evseId": where, "duration": duration_s, "chargingRateUnit": unit}
    asked_s = seconds_of(moment(t))
    heard = t.call(step, "GetCompositeSchedule", payload, status="Accepted")
    near = such_that("now", lambda stamp: abs(seconds_of(stamp) - asked_s) <= DEVIATION_S)
    t.validate(
        step,
        heard,
        {
            "schedule.evseId": where,
            "schedule.duration": duration_s,
            "schedule.chargingRateUnit": unit,
            "schedule.scheduleStart": near,
        },
    )
    past_s = 0.0 if begun is None else seconds_of(heard.payload["schedule"]["scheduleStart"]) - seconds_of(begun)
    left = [(max(start - past_s, 0.0), limit) for start, limit in periods]
    while len(left) > 1 and left[1][0] <= 0:
        del left[0]
    place = "schedule.chargingSchedulePeriod"
    for number, (start, limit) in enumerate(left):
        fields: dict[str, Any] = {f"{place}.{number}.startPeriod": _about(start)}
        if limit is not None:
            fields[f"{place}.{number}.limit"] = limit * step_of(t, unit)
        t.validate(step, heard, fields)
    if exact:
        t.validate(step, heard, {f"{place}.{len(left)}": OMITTED})
    return heard


def _about(seconds: float) -> Rule:
    """A whole number of seconds this close."""
    if seconds == 0:
        return such_that("0", lambda value: value == 0)
    return such_that(f"about {seconds:.1f}", lambda value: isinstance(value, int) and abs(value - seconds) <= 1.0)
