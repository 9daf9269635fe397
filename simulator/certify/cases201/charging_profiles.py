"""K01, K05, K09, K10: charging profiles are set, replaced, told, cleared, and brought by a remote start."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states201 import authorized_remotely, booted, energy_started, ev_connected
from simulator.certify.states201_charging import (
    CSO,
    DEFAULT,
    MAXIMUM,
    OF_TRANSACTION,
    RECURRING,
    RELATIVE,
    UNITS,
    get,
    install,
    installed,
    profile,
    report,
    units,
)
from simulator.certify.tester201 import Tester201

#: ids of profiles and of requests for them
FIRST, SECOND, REQUEST = 1, 2, 71
#: a transaction that never was
NOBODY = "d1c2f0a4-nobody"
#: a source of limits that has set none
SILENT_SOURCE = "SO"


def _told(t: Tester201, step: int, one: dict[str, Any], *, evse: int | None = None) -> None:
    """Asked for by its id, the profile is told as it was set."""
    get(t, step, REQUEST, {"chargingProfileId": [one["id"]]})
    report(t, step + 1, REQUEST, {t.connector if evse is None else evse: [one]})


def _set_and_told(t: Tester201, one: dict[str, Any], *, evse: int | None = None) -> None:
    install(t, 2, one, evse=evse)
    _told(t, 4, one, evse=evse)


# -- set ---------------------------------------------------------------------------------------------------------------


@case_201("TC_K_01")
def default_of_one(t: Tester201) -> None:
    """Set Charging Profile: TxDefaultProfile, Specific EVSE."""
    _set_and_told(t, profile(t, FIRST, DEFAULT))


@case_201("TC_K_10")
def default_of_all(t: Tester201) -> None:
    """Set Charging Profile: TxDefaultProfile, All EVSE."""
    _set_and_told(t, profile(t, FIRST, DEFAULT), evse=0)


@case_201("TC_K_60", states=[energy_started])
def of_transaction(t: Tester201) -> None:
    """Set Charging Profile: TxProfile with ongoing transaction on the specified EVSE."""
    one = profile(t, FIRST, OF_TRANSACTION, kind=RELATIVE, duration_s=None, transactionId=t.transaction_id)
    _set_and_told(t, one)


@case_201("TC_K_02")
def without_transaction(t: Tester201) -> None:
    """Set Charging Profile: TxProfile without ongoing transaction on the specified EVSE."""
    install(t, 2, profile(t, FIRST, OF_TRANSACTION, transactionId=NOBODY), status="Rejected")


@case_201("TC_K_11")
def of_transaction_everywhere(t: Tester201) -> None:
    """Set Charging Profile: unable to set TxProfile on all EVSE at once."""
    install(t, 2, profile(t, FIRST, OF_TRANSACTION, transactionId=NOBODY), evse=0, status="Rejected")


@case_201("TC_K_03")
def maximum(t: Tester201) -> None:
    """Set Charging Profile: ChargingStationMaxProfile."""
    _set_and_told(t, profile(t, FIRST, MAXIMUM), evse=0)


@case_201("TC_K_19")
def recurring(t: Tester201) -> None:
    """Set Charging Profile: ChargingProfileKind is Recurring."""
    install(t, 2, profile(t, FIRST, DEFAULT, kind=RECURRING, recurrencyKind="Daily"))


@case_201("TC_K_12")
def unit_unknown(t: Tester201) -> None:
    """Set Charging Profile: ChargerRateUnit Rejected."""
    install(t, 2, profile(t, FIRST, DEFAULT, unit=_unknown_unit(t)), status="Rejected")


def _unknown_unit(t: Tester201) -> str:
    known = units(t)
    return next(unit for unit in UNITS if unit not in known)


@case_201("TC_K_13")
def persistent(t: Tester201) -> None:
    """Set Charging Profile: persistent over reboot."""
    one = profile(t, FIRST, DEFAULT)
    install(t, 2, one)
    booted(t)
    _told(t, 5, one)


@case_201("TC_K_14")
def unknown_evse(t: Tester201) -> None:
    """Set Charging Profile: unexisting EVSEid."""
    install(t, 2, profile(t, FIRST, DEFAULT), evse=len(t.rig.connectors) + 1, status="Rejected")


@case_201("TC_K_16", states=[energy_started])
def unknown_transaction(t: Tester201) -> None:
    """Set Charging Profile: unknown transactionId."""
    install(t, 2, profile(t, FIRST, OF_TRANSACTION, transactionId=NOBODY), status="Rejected")


@case_201("TC_K_04")
def replaced(t: Tester201) -> None:
    """Replace charging profile: with chargingProfileId."""
    installed(t, profile(t, FIRST, DEFAULT))
    _set_and_told(t, profile(t, FIRST, DEFAULT, [(0, 10)]))


# -- with a remote start -----------------------------------------------------------------------------------------------


def _started(t: Tester201) -> dict[str, Any]:
    """A remote start that brings a profile along, and energy; the profile."""
    t.take_option("remote")
    one = profile(t, FIRST, OF_TRANSACTION, kind=RELATIVE, duration_s=None)
    authorized_remotely(t, chargingProfile=one)
    energy_started(t)
    return one


@case_201("TC_K_37", states=[ev_connected])
def with_remote_start(t: Tester201) -> None:
    """Remote start transaction with charging profile: success. That the profile told names its transaction, which the
    one sent could not, is no difference."""
    one = _started(t)
    get(t, 9, REQUEST, {"chargingProfileId": [FIRST]})
    heard = report(t, 10, REQUEST, {t.connector: [one]})
    t.validate(10, heard[0], {"chargingProfile.0.transactionId": one_of(t.transaction_id, OMITTED)})


@case_201("TC_K_38", states=[ev_connected])
def with_remote_start_in_vain(t: Tester201) -> None:
    """Remote start transaction with charging profile: ignore chargingProfile."""
    _started(t)


# -- told --------------------------------------------------------------------------------------------------------------


def _two(t: Tester201, *, stack: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """One for the whole station and a default one for the EVSE under test, on a level of its own."""
    first, second = profile(t, FIRST, MAXIMUM), profile(t, SECOND, DEFAULT, stack=stack)
    installed(t, first, evse=0)
    installed(t, second)
    return first, second


@case_201("TC_K_29")
def told_of_station(t: Tester201) -> None:
    """Get Charging Profile: EVSE id 0."""
    first, _ = _two(t)
    get(t, 2, REQUEST, {}, evse=0)
    report(t, 3, REQUEST, {0: [first]})


def _told_of_evse(t: Tester201, criteria: dict[str, Any], *, stack: int = 0) -> None:
    _, second = _two(t, stack=stack)
    get(t, 2, REQUEST, criteria, evse=t.connector)
    report(t, 3, REQUEST, {t.connector: [second]})


@case_201("TC_K_30")
def told_of_evse(t: Tester201) -> None:
    """Get Charging Profile: EVSE id > 0."""
    _told_of_evse(t, {})


@case_201("TC_K_31")
def told_all(t: Tester201) -> None:
    """Get Charging Profile: no EVSE id."""
    first, second = _two(t)
    get(t, 2, REQUEST, {})
    report(t, 3, REQUEST, {0: [first], t.connector: [second]})


@case_201("TC_K_32")
def told_by_id(t: Tester201) -> None:
    """Get Charging Profile: chargingProfileId."""
    first, _ = _two(t)
    get(t, 2, REQUEST, {"chargingProfileId": [FIRST]})
    report(t, 3, REQUEST, {0: [first]})


@case_201("TC_K_33")
def told_by_level(t: Tester201) -> None:
    """Get Charging Profile: EVSE id > 0 + stackLevel. Asked for is the level of the profile of the EVSE: that of the
    other one, which belongs to the station, would find nothing there (K09.FR.04)."""
    _told_of_evse(t, {"stackLevel": 1}, stack=1)


@case_201("TC_K_34")
def told_by_source(t: Tester201) -> None:
    """Get Charging Profile: EVSE id > 0 + chargingLimitSource."""
    one = profile(t, FIRST, DEFAULT, stack=1)
    installed(t, one)
    get(t, 2, REQUEST, {"chargingLimitSource": [CSO]}, evse=t.connector)
    heard = report(t, 3, REQUEST, {t.connector: [one]})
    t.validate(3, heard[0], chargingLimitSource=CSO)
    get(t, 6, REQUEST + 1, {"chargingLimitSource": [SILENT_SOURCE]}, evse=t.connector, status="NoProfiles")


@case_201("TC_K_35", states=[energy_started])
def told_by_purpose(t: Tester201) -> None:
    """Get Charging Profile: EVSE id > 0 + chargingProfilePurpose. Energy flows (errata)."""
    _told_of_evse(t, {"chargingProfilePurpose": DEFAULT})


@case_201("TC_K_36")
def told_by_purpose_and_level(t: Tester201) -> None:
    """Get Charging Profile: EVSE id > 0 + chargingProfilePurpose + stackLevel."""
    _told_of_evse(t, {"chargingProfilePurpose": DEFAULT, "stackLevel": 0})


# -- cleared -----------------------------------------------------------------------------------------------------------


def clear(t: Tester201, step: int, status: str, *, number: int | None = None, **criteria: Any) -> None:
    """The tool clears a profile by its id, or all that fulfil the criteria."""
    payload: dict[str, Any] = {} if number is None else {"chargingProfileId": number}
    if criteria:
        payload["chargingProfileCriteria"] = criteria
    t.call(step, "ClearChargingProfile", payload, status=status)


@case_201("TC_K_05")
def cleared_by_id(t: Tester201) -> None:
    """Clear Charging Profile: with chargingProfileId."""
    installed(t, profile(t, FIRST, DEFAULT))
    clear(t, 2, "Accepted", number=FIRST)
    get(t, 4, REQUEST, {"chargingProfileId": [FIRST]}, status="NoProfiles")


def _clear_level(t: Tester201) -> None:
    criteria: dict[str, Any] = {"chargingProfilePurpose": DEFAULT, "stackLevel": 1}
    clear(t, 2, "Accepted", **criteria)
    get(t, 4, REQUEST, criteria, status="NoProfiles")


def _default_installed(t: Tester201) -> None:
    installed(t, profile(t, FIRST, DEFAULT, stack=1))


@case_201("TC_K_06", memory=[_default_installed], states=[energy_started])
def cleared_by_level(t: Tester201) -> None:
    """Clear Charging Profile: with stackLevel/purpose combination for one profile."""
    _clear_level(t)


@case_201("TC_K_07", memory=[_default_installed])
def unknown_level(t: Tester201) -> None:
    """Clear Charging Profile: with unknown stackLevel/purpose combination."""
    clear(t, 2, "Unknown", chargingProfilePurpose=MAXIMUM, stackLevel=0)


@case_201("TC_K_08")
def nothing_to_clear(t: Tester201) -> None:
    """Clear Charging Profile: without previous charging profile."""
    clear(t, 2, "Unknown", number=FIRST)


@case_201("TC_K_24")
def cleared_by_level_everywhere(t: Tester201) -> None:
    """Clear Charging Profile: with stackLevel/purpose combination for multiple profiles."""
    for number, evse in ((FIRST, 1), (SECOND, 2)):
        installed(t, profile(t, number, DEFAULT, stack=1), evse=evse)
    _clear_level(t)
