"""Charging profiles: set, stacked, combined, cleared, and given with a remote start.

Limits are in the tool's unit: A, or W (a thousand for each of the document's numbers) for a product that knows only W.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.certify.case import case
from simulator.certify.cases16.meter_values import seconds_of
from simulator.certify.rules import OMITTED, Rule, such_that
from simulator.certify.states import authorizes_remote, charging
from simulator.certify.tester import Tester, message
from simulator.core.wall import format_wall

#: how far clocks may be apart, s; profiles of the tool begin so much before now
DEVIATION_S = 5
DURATION_S = 300
#: profiles that end with their validity are valid for so long, s
VALID_S = 401
DAY_S = 86_400
MAXIMUM, DEFAULT, OF_TRANSACTION = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"

Periods = Sequence[tuple[int, float]]


def rate_unit(t: Tester) -> str:
    """The unit the tool is set to: A where the product knows it."""
    return "A" if "Current" in (t.read("ChargingScheduleAllowedChargingRateUnit", "unit") or "") else "W"


def moment(t: Tester, offset_s: float = 0.0) -> str:
    """Now, or so many seconds from now, as a time stamp."""
    return format_wall(t.rig.fleet.epoch_us + t.rig.now_us + int(offset_s * 1_000_000))


def profile(
    t: Tester,
    number: int,
    purpose: str,
    periods: Periods,
    duration_s: int,
    *,
    stack: int = 0,
    bounded: bool = False,
    transaction: int | None = None,
) -> dict[str, Any]:
    """An absolute profile that began a moment ago; ``bounded``: valid for a limited time."""
    unit = rate_unit(t)
    factor = 1 if unit == "A" else 1000
    phases = t.rig.model.evses[t.connector - 1].phases
    schedule: dict[str, Any] = {
        "duration": duration_s,
        "startSchedule": moment(t, -DEVIATION_S),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": start, "limit": limit * factor, **({"numberPhases": phases} if phases else {})}
            for start, limit in periods
        ],
    }
    found: dict[str, Any] = {
        "chargingProfileId": number,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
    if bounded:
        found |= {"validFrom": moment(t, -DEVIATION_S), "validTo": moment(t, VALID_S - DEVIATION_S)}
    if transaction is not None:
        found["transactionId"] = transaction
    return found


def install(t: Tester, step: int | str, one: dict[str, Any], *, connector: int | None = None) -> None:
    """The tool sets a profile, which is accepted."""
    payload = {"connectorId": t.connector if connector is None else connector, "csChargingProfiles": one}
    t.call(step, "SetChargingProfile", payload, status="Accepted")


def composite(t: Tester, step: int, duration_s: int, periods: Periods | None, begun: str) -> None:
    """The combined schedule: these periods counted from ``begun``; None stands for one that the product sets itself."""
    unit = rate_unit(t)
    factor = 1 if unit == "A" else 1000
    payload = {"connectorId": t.connector, "duration": duration_s, "chargingRateUnit": unit}
    heard = t.call(step, "GetCompositeSchedule", payload, status="Accepted", connectorId=t.connector)
    asked_s = seconds_of(moment(t))
    t.validate(step, heard, {"chargingSchedule.duration": duration_s, "chargingSchedule.chargingRateUnit": unit})
    near = such_that("now", lambda stamp: abs(seconds_of(stamp) - asked_s) <= DEVIATION_S)
    t.validate(step, heard, {"scheduleStart": near})
    place = "chargingSchedule.chargingSchedulePeriod"
    if periods is None:
        own = such_that("a limit of the product", lambda limit: isinstance(limit, int | float) and limit > 12 * factor)
        t.validate(step, heard, {f"{place}.0.startPeriod": 0, f"{place}.0.limit": own, f"{place}.1": OMITTED})
        return
    past_s = seconds_of(heard.payload["scheduleStart"]) - seconds_of(begun)
    left = [(max(start - past_s, 0), limit) for start, limit in periods]
    while len(left) > 1 and left[1][0] <= 0:
        del left[0]
    for number, (start, limit) in enumerate(left):
        t.validate(
            step,
            heard,
            {f"{place}.{number}.startPeriod": _about(start), f"{place}.{number}.limit": limit * factor},
        )
    t.validate(step, heard, {f"{place}.{len(left)}": OMITTED})


def _about(seconds: float) -> Rule:
    """A whole number of seconds this close."""
    if seconds == 0:
        return such_that("0", lambda value: value == 0)
    return such_that(f"about {seconds:.1f}", lambda value: isinstance(value, int) and abs(value - seconds) <= 1.0)


@case("TC_056")
def default_profile(t: Tester) -> None:
    """A default profile shows in the combined schedule of its connector."""
    one = profile(t, 1, DEFAULT, [(0, 6)], DURATION_S + DEVIATION_S)
    install(t, 2, one)
    composite(t, 4, DURATION_S, [(0, 6)], one["chargingSchedule"]["startSchedule"])


@case("TC_057", states=[charging])
def profile_of_transaction(t: Tester) -> None:
    """A profile for the running transaction shows in the combined schedule."""
    one = profile(t, 1, OF_TRANSACTION, [(0, 6)], DURATION_S + DEVIATION_S, transaction=t.transaction_id)
    install(t, 2, one)
    composite(t, 4, DURATION_S, [(0, 6)], one["chargingSchedule"]["startSchedule"])


@case("TC_058_1")
def no_transaction(t: Tester) -> None:
    """Without a transaction there can be no profile for one."""
    one = profile(t, 1, OF_TRANSACTION, [(0, 6)], DURATION_S, transaction=12345)
    payload = {"connectorId": t.connector, "csChargingProfiles": one}
    t.call(2, "SetChargingProfile", payload, or_error="PropertyConstraintViolation", status="Rejected")


@case("TC_058_2", states=[charging])
def another_transaction(t: Tester) -> None:
    """A profile for a transaction that does not run is refused."""
    assert t.transaction_id is not None
    one = profile(t, 1, OF_TRANSACTION, [(0, 6)], DURATION_S, transaction=t.transaction_id + 1)
    t.call(2, "SetChargingProfile", {"connectorId": t.connector, "csChargingProfiles": one}, status="Rejected")


@case("TC_082", states=[charging])
def default_profile_while_charging(t: Tester) -> None:
    """A default profile takes effect on the running transaction too."""
    one = profile(t, 1, DEFAULT, [(0, 6)], DURATION_S + DEVIATION_S)
    install(t, 2, one)
    composite(t, 4, DURATION_S, [(0, 6)], one["chargingSchedule"]["startSchedule"])


@case("TC_066", states=[charging])
def combined(t: Tester) -> None:
    """The lower of the station's maximum and the profile of the transaction, which keeps the default one out as long
    as it is installed, even when its schedule is over (3.13.1)."""
    with t.within("SetChargingProfile"):
        install(t, 2, profile(t, 1, MAXIMUM, [(0, 10)], DAY_S), connector=0)
        steps = [(0, 6), (60, 10), (120, 8), (180, 15), (260, 8)]
        install(t, 2, profile(t, 2, DEFAULT, steps, 300, bounded=True))
        steps = [(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)]
        own = profile(t, 3, OF_TRANSACTION, steps, 260, bounded=True, transaction=t.transaction_id)
        install(t, 2, own)
    begun = own["chargingSchedule"]["startSchedule"]
    composite(t, 2, 400, [(0, 8), (50, 10), (200, 6), (240, 10)], begun)


@case("TC_067")
def cleared(t: Tester) -> None:
    """Cleared by id, by purpose and stack level, and all of them."""
    with t.within("SetChargingProfile"):
        first = profile(t, 1, DEFAULT, [(0, 6), (60, 8), (200, 10)], 400, stack=1)
        install(t, 2, first)
        second = profile(t, 2, DEFAULT, [(0, 7), (100, 9)], 400, bounded=True)
        install(t, 2, second)
        third = profile(t, 3, MAXIMUM, [(0, 11), (200, 12)], DAY_S)
        install(t, 2, third, connector=0)
    t.call(2, "ClearChargingProfile", {"id": 1}, status="Accepted")
    composite(t, 4, 350, [(0, 7), (100, 9)], second["chargingSchedule"]["startSchedule"])
    t.call(6, "ClearChargingProfile", {"chargingProfilePurpose": DEFAULT, "stackLevel": 0}, status="Accepted")
    composite(t, 8, 350, [(0, 11), (200, 12)], third["chargingSchedule"]["startSchedule"])
    t.call(10, "ClearChargingProfile", {}, status="Accepted")
    composite(t, 12, 350, None, moment(t))


@case("TC_072")
def stacked(t: Tester) -> None:
    """The higher level counts as long as it lasts."""
    with t.within("SetChargingProfile"):
        install(t, 2, profile(t, 1, DEFAULT, [(0, 6), (100, 8), (200, 10)], 400, bounded=True))
        upper = profile(t, 2, DEFAULT, [(0, 7), (100, 9)], 150, stack=1, bounded=True)
        install(t, 2, upper)
    begun = upper["chargingSchedule"]["startSchedule"]
    composite(t, 2, 350, [(0, 7), (100, 9), (150, 8), (200, 10)], begun)


@case("TC_059")
def with_remote_start(t: Tester) -> None:
    """A remote start brings the profile of its transaction."""
    one = profile(t, 1, OF_TRANSACTION, [(0, 6)], DURATION_S + 60)
    with t.within("Charging"):
        asks = authorizes_remote(t, 2)
        t.plug()
        t.expect(3, "StatusNotification", connectorId=t.connector, status="Preparing")
        start = {"idTag": t.valid, "connectorId": t.connector, "chargingProfile": one}
        t.call(6, "RemoteStartTransaction", start, status="Accepted")
        if asks:
            t.expect(9, "Authorize", idTag=t.valid)
        t.any_order(
            message(11, "StartTransaction", connectorId=t.connector, idTag=t.valid),
            message(13, "StatusNotification", connectorId=t.connector, status="Charging"),
        )
    composite(t, 3, DURATION_S, [(0, 6)], one["chargingSchedule"]["startSchedule"])


@case("TC_060")
def remote_start_with_wrong_profile(t: Tester) -> None:
    """A remote start takes no other profile than one for its transaction."""
    start = {
        "idTag": t.valid,
        "connectorId": t.connector,
        "chargingProfile": profile(t, 1, DEFAULT, [(0, 6)], DURATION_S),
    }
    t.call(2, "RemoteStartTransaction", start, or_error="PropertyConstraintViolation", status="Rejected")
