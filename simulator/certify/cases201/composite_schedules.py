"""K01, K08, K10: what is charged with at which time, as the composite schedule tells it."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.charging_profiles import FIRST, SECOND, clear
from simulator.certify.rules import OMITTED, not_equal
from simulator.certify.states201 import energy_started
from simulator.certify.states201_charging import (
    DAY_S,
    DEFAULT,
    DEVIATION_S,
    DURATION_S,
    MAXIMUM,
    OF_TRANSACTION,
    RELATIVE,
    UNITS,
    composite,
    install,
    installed,
    moment,
    profile,
    step_of,
    units,
    valid_for,
)
from simulator.certify.tester201 import Tester201

THIRD = 3
SIGNIFICANCE = "SmartChargingCtrlr.LimitChangeSignificance"
ANY_CHANGE = {SIGNIFICANCE: "1.0"}
#: validity and begin of profiles that wait for them, s from now
ENDS_S, BEGINS_S = 300, 60


@case_201("TC_K_21")
def valid_from(t: Tester201) -> None:
    """Set Charging Profile: ValidFrom."""
    now = moment(t)
    one = profile(t, FIRST, DEFAULT, kind=RELATIVE, duration_s=None, validFrom=moment(t, ENDS_S))
    install(t, 2, one)
    composite(t, 4, 400, [(0, None), (ENDS_S, 6)], now)


@case_201("TC_K_22")
def valid_to(t: Tester201) -> None:
    """Set Charging Profile: ValidTo. The limit of the station is that of all EVSEs together."""
    now = moment(t)
    install(t, 2, profile(t, FIRST, DEFAULT, duration_s=None, start=now, **valid_for(t, ENDS_S)), evse=0)
    for evse in (0, *t.rig.connectors):
        limit = 6 * (len(t.rig.connectors) if evse == 0 else 1)
        composite(t, 4, 400, [(0, limit), (ENDS_S, None)], now, evse=evse)


@case_201("TC_K_23")
def start_schedule(t: Tester201) -> None:
    """Set Charging Profile: StartSchedule. The profile is valid at all times (errata)."""
    now = moment(t)
    install(t, 2, profile(t, FIRST, DEFAULT, duration_s=None, start=moment(t, BEGINS_S)))
    composite(t, 4, DURATION_S, [(0, None), (BEGINS_S, 6)], now)


@case_201("TC_K_28", settings=ANY_CHANGE, if_implemented=[SIGNIFICANCE], states=[energy_started])
def default_while_charging(t: Tester201) -> None:
    """Set Charging Profile: TxDefaultProfile with transaction ongoing. The profile is valid at all times (errata)."""
    install(t, 2, profile(t, FIRST, DEFAULT, duration_s=400 + DEVIATION_S))
    composite(t, 4, DURATION_S, [(0, 6)])


def _default_installed(t: Tester201) -> None:
    """It is valid at all times (errata)."""
    installed(t, profile(t, FIRST, DEFAULT, duration_s=400 + DEVIATION_S, start=moment(t)))


@case_201(
    "TC_K_09",
    settings=ANY_CHANGE,
    if_implemented=[SIGNIFICANCE],
    memory=[_default_installed],
    states=[energy_started],
)
def default_cleared_while_charging(t: Tester201) -> None:
    """Clear Charging Profile: clearing a TxDefaultProfile, with ongoing transaction."""
    composite(t, 2, DURATION_S, [(0, 6)])
    clear(t, 4, "Accepted", chargingProfilePurpose=DEFAULT)
    heard = composite(t, 5, DURATION_S, [(0, None)])
    t.validate(5, heard, {"schedule.chargingSchedulePeriod.0.limit": not_equal(6 * step_of(t, units(t)[0]))})


@case_201("TC_K_39")
def no_profile(t: Tester201) -> None:
    """Get Composite Schedule: no ChargingProfile installed on station."""
    composite(t, 2, DURATION_S, [(0, None)], evse=0, exact=False)


@case_201("TC_K_40")
def stacked(t: Tester201) -> None:
    """Get Composite Schedule: stacking ChargingProfiles. Both begin at the same time (errata)."""
    start = moment(t, -DEVIATION_S)
    lower, upper = [(0, 6), (100, 8), (200, 10)], [(0, 7), (100, 9)]
    valid = valid_for(t)
    installed(t, profile(t, FIRST, DEFAULT, lower, duration_s=400 + DEVIATION_S, start=start, **valid))
    more: dict[str, Any] = {"duration_s": 150 + DEVIATION_S, "start": start, "stack": 1}
    installed(t, profile(t, SECOND, DEFAULT, upper, **more, **valid))
    composite(t, 2, 350, [(0, 7), (100, 9), (150 + DEVIATION_S, 8), (200, 10)], start)


@case_201("TC_K_41", states=[energy_started])
def combined(t: Tester201) -> None:
    """Get Composite Schedule: combining chargingProfilePurposes. A transaction runs; where the schedule of its own
    profile is over the default one is in force, as the latest errata have it (K02.FR.08)."""
    start, valid = moment(t, -DEVIATION_S), valid_for(t)
    installed(t, profile(t, FIRST, MAXIMUM, [(0, 10)], duration_s=DAY_S, start=start), evse=0)
    default = [(0, 6), (60, 10), (120, 8), (180, 15), (260, 8)]
    installed(t, profile(t, SECOND, DEFAULT, default, duration_s=300, start=start, **valid))
    own = [(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)]
    more: dict[str, Any] = {"duration_s": 260, "start": start, "transactionId": t.transaction_id}
    installed(t, profile(t, THIRD, OF_TRANSACTION, own, **more, **valid))
    composite(t, 2, 400, [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)], start)


def _refused(t: Tester201, evse: int, unit: str) -> None:
    payload = {"evseId": evse, "duration": DURATION_S, "chargingRateUnit": unit}
    t.call(2, "GetCompositeSchedule", payload, status="Rejected", schedule=OMITTED)


@case_201("TC_K_42")
def unit_unknown(t: Tester201) -> None:
    """Get Composite Schedule: chargingRateUnit not supported."""
    known = units(t)
    _refused(t, 0, next(unit for unit in UNITS if unit not in known))


@case_201("TC_K_47")
def evse_unknown(t: Tester201) -> None:
    """Get Composite Schedule: unknown EVSE id."""
    _refused(t, len(t.rig.connectors) + 1, units(t)[0])
