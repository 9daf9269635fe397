"""Charging profiles of 2.x. Tests with an id in their name are cases of part 6."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import charging_profiles
from simulator.blocks.charging_profiles import (
    MAX_PERIODS,
    MAX_PROFILES,
    MAX_STACK_LEVEL,
    RATE_UNIT,
    UNIQUE_LEVELS,
)
from simulator.blocks.external_limit import external_id
from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.blocks.transactions import TX_START_POINT
from simulator.core.inputs import EvReady, Perform, PowerOff
from simulator.ocpp2x import charging_profile, smart_charging
from tests.bench import Lab, bench, each_2x
from tests.ocpp2x.charging import (
    DEFAULT,
    EXTERNAL,
    MAX,
    TX,
    absolute,
    composite,
    install,
    install_raw,
    key,
    power_kw,
    profile,
    reported,
)
from tests.schedules import clock

# -- setting -----------------------------------------------------------------------------------------------------------


@each_2x
@pytest.mark.parametrize("evse_id", [1, 0], ids=["tc_k_01", "tc_k_10"])
def test_a_default_profile(version: str, evse_id: int) -> None:
    """K01.FR.14-15, FR.51."""
    lab = bench(version, evses=2)
    assert install(lab, evse_id, (0, 10), (60, 6.19)) == "Accepted"
    lab.charge(1)
    assert power_kw(lab) == 6.9
    assert power_kw(lab.run(60)) == round(6.1 * 0.69, 2)  # one digit after the point counts
    lab.charge(2, "OTHER")
    assert power_kw(lab, 2) == (11.0 if evse_id else 6.9)


@each_2x
def test_tc_k_02_28_60_a_profile_of_a_transaction(version: str) -> None:
    """K01.FR.03-04, FR.09, FR.16, FR.33."""
    lab = bench(version, evses=2)
    tx = {"purpose": TX}
    assert install(lab, 1, (0, 10), **tx, transactionId="none") == "TxNotFound"
    lab.charge(1)
    assert install(lab, 1, (0, 10), **tx) == "MissingParam"
    assert install(lab, 1, (0, 10), **tx, transactionId="other") == "TxNotFound"
    assert install(lab, 2, (0, 10), **tx, transactionId=key(lab)) == "TxNotFound"
    assert install(lab, 0, (0, 10), **tx, transactionId=key(lab)) == "InvalidProfile"  # TC_K_15
    assert install(lab, 1, (0, 10), **tx, transactionId=key(lab).upper()) == "Accepted"  # 2.1.4: without case
    lab.run(1)
    assert power_kw(lab) == 6.9
    assert install(lab, 1, (0, 8), **tx, number=2, transactionId=key(lab)) == "DuplicateProfile"  # K01.FR.39
    lab.present("TAG", 1).unplug(1).run(2)
    assert reported(lab) == []  # K02.FR.05


@each_2x
def test_tc_k_03_the_whole_station(version: str) -> None:
    lab = bench(version, evses=2)
    assert absolute(lab, 0, (0, 12), purpose=MAX) == "Accepted"
    lab.charge(1).charge(2, "OTHER")
    assert power_kw(lab, 1) + power_kw(lab, 2) == pytest.approx(12 * 0.69)
    assert absolute(lab, 1, (0, 12), purpose=MAX, number=2) == "InvalidProfile"
    assert install(lab, 0, (0, 12), purpose=MAX, number=2) == "InvalidProfile"  # K01.FR.38


@each_2x
def test_who_gets_less_because_another_comes_says_so(version: str) -> None:
    """SC.02-03: the station balances by itself, of which the CSMS knows nothing else; of its own schedules it knows."""
    lab = bench(version, evses=2)
    absolute(lab, 0, (0, 20), (600, 30), purpose=MAX)
    lab.charge(1).charge(2, "OTHER")
    one, two = lab.sessions()
    assert [s.triggers.count("ChargingRateChanged") for s in (one, two)] == [1, 0] and power_kw(lab) == 6.9
    lab.present("OTHER", 2).run(2)
    assert power_kw(lab) == 11.0 and lab.sessions()[0].triggers.count("ChargingRateChanged") == 2
    lab.run(700)
    assert lab.sessions()[0].triggers.count("ChargingRateChanged") == 2


@each_2x
def test_who_has_priority_goes_first(version: str) -> None:
    """K03.FR.04-06: the others have what is left, if that is enough; of two words that of the transaction counts."""
    lab = bench(version, evses=2)
    said: dict[str, Any] = {}
    lab.csms.script["TransactionEvent"] = lambda csms, payload: (
        said if payload["transactionInfo"]["transactionId"] == key(lab) else {}
    )
    absolute(lab, 0, (0, 20), purpose=MAX)
    lab.charge(1, "A").charge(2, "B")

    def again() -> list[float]:
        lab.feed(EvReady(2, False), 1).feed(EvReady(2, True), 4)
        return [power_kw(lab, 1), power_kw(lab, 2)]

    assert again() == [6.9, 6.9]
    said |= {"idTokenInfo": {"status": "Accepted", "chargingPriority": 3}}
    assert again() == [0.0, 11.0], "too little is left for A"
    absolute(lab, 0, (0, 40), purpose=MAX)
    assert again() == [5.59, 11.0], "B may take 31.9 A"
    said |= {"chargingPriority": -1}
    assert again() == [11.0, 5.59]


@each_2x
def test_tc_k_04_replaced_by_its_id_only(version: str) -> None:
    """K01.FR.05-06, FR.52-53."""
    lab = bench(version, evses=2)
    assert install(lab, 1, (0, 16)) == install(lab, 1, (0, 10)) == "Accepted"
    assert composite(lab) == [(0, 10.0)]
    assert install(lab, 1, (0, 8), number=2) == "DuplicateProfile"
    assert install(lab, 0, (0, 8), number=2) == "DuplicateProfile"
    assert install(lab, 2, (0, 8), number=2) == install(lab, 1, (0, 8), number=3, level=1) == "Accepted"
    assert install(lab, 0, (0, 8), number=4, level=2) == "Accepted"
    assert install(lab, 2, (0, 8), number=5, level=2) == "DuplicateProfile"
    later = {"validFrom": clock(lab, 1000)}
    assert install(lab, 1, (0, 6), number=6, level=3, validTo=clock(lab, 1000)) == "Accepted"
    assert install(lab, 1, (0, 7), number=7, level=3, **later) == "Accepted"
    assert install(lab, 1, (0, 7), number=8, level=3, **later) == "DuplicateProfile"
    assert install(lab, 1, (0, 8), number=9, level=4, validTo=clock(lab, 5)) == "Accepted"
    assert install(lab, 1, (0, 9), number=10, level=4) == "DuplicateProfile"
    lab.run(5)
    assert install(lab, 1, (0, 9), number=10, level=4) == "Accepted", "what is over can be mistaken for nothing"


@each_2x
def test_what_is_refused(version: str) -> None:
    """K01.FR.19-48: nothing of it is installed."""
    lab = bench(version, settings={MAX_STACK_LEVEL: 3, MAX_PERIODS: 2, MAX_PROFILES: 1, RATE_UNIT: ("Current",)})
    assert install(lab, 9, (0, 6)) == "UnknownEvse"  # TC_K_21
    assert install(lab, 1, (0, 6000), unit="W") == "UnsupportedRateUnit"  # TC_K_16
    assert install(lab, 1, (0, 6), level=4) == "InvalidStackLevel"
    assert install(lab, 1, (0, 6), (1, 7), (2, 8)) == "TooManyElements"
    assert install(lab, 1, (5, 6)) == install(lab, 1, (0, 6), (0, 7)) == "InvalidSchedule"
    assert install(lab, 1, (0, 6), kind="Absolute") == "InvalidSchedule"  # K01.FR.40
    assert install(lab, 1, (0, 6), start=clock(lab)) == "InvalidSchedule"  # K01.FR.41
    assert absolute(lab, 0, (0, 6), purpose=EXTERNAL) == "InvalidProfile"  # K01.FR.22
    wire = profile((0, 6))
    wire["chargingSchedule"][0]["chargingSchedulePeriod"][0]["phaseToUse"] = 2
    assert install_raw(lab, 1, wire) == "UnsupportedParam"  # K01.FR.48
    wire = profile((0, 6))
    wire["chargingSchedule"] *= 2
    assert install_raw(lab, 1, wire) == "InvalidSchedule"  # K01.FR.34
    assert install(lab, 1, (0, 1e300)) == "InvalidSchedule" and install(lab, 1, (0, 6), number=1 << 40) != "Accepted"
    assert install(lab, 1, (0, 6), validFrom="never") == "PropertyConstraintViolation"
    assert reported(lab) == [] and composite(lab) == [(0, 31.8)]
    assert install(lab, 1, (0, 6)) == "Accepted" and install(lab, 1, (0, 6), number=2, level=1) == "TooManyElements"
    lab.inject("flash.read_only")
    assert install(lab, 1, (0, 7)) == "OutOfStorage" and composite(lab) == [(0, 6.0)]


def test_what_only_the_newer_edition_has() -> None:
    """2.1: set points, discharging and profiles that change by themselves are refused, never half done."""
    lab = bench("2.1")
    assert install(lab, 1, (0, 6), kind="Dynamic") == "UnsupportedKind"
    assert install(lab, 1, (0, 6), purpose="LocalGeneration") == "UnsupportedPurpose"
    assert install(lab, 1, (0, 6), dynUpdateInterval=60) == "InvalidProfile"
    wire = profile((0, 6))
    wire["chargingSchedule"][0]["useLocalTime"] = True
    assert install_raw(lab, 1, wire) == "InvalidSchedule"
    wire = profile((0, 6))
    period = wire["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    for fields, code in (
        ({"setpoint": 5.0}, "InvalidSchedule"),
        ({"dischargeLimit": -5.0}, "InvalidSchedule"),
        ({"evseSleep": True}, "InvalidSchedule"),
        ({"operationMode": "ChargingOnly", "limit_L2": 5.0}, "PhaseConflict"),  # errata K01.FR.144
        ({"limit_L3": 5.0}, "PhaseConflict"),
        ({"operationMode": "CentralSetpoint", "setpoint": 5.0}, "InvalidOperationMode"),  # errata K01.FR.115
        ({"operationMode": "Idle", "evseSleep": True}, "InvalidOperationMode"),
    ):
        wire["chargingSchedule"][0]["chargingSchedulePeriod"] = [period | fields]
        assert install_raw(lab, 1, wire) == code, fields
    wire["chargingSchedule"][0]["chargingSchedulePeriod"] = [{"startPeriod": 0}]
    assert install_raw(lab, 1, wire) == "InvalidSchedule"
    assert "setpoint" in charging_profile.BEYOND_PERIOD and UNIQUE_LEVELS in lab.station.dialect.capabilities


@each_2x
def test_phases_mean_nothing_to_a_dc_evse(version: str) -> None:
    """K01.FR.44: the older version lets a station pass over them, the newer wants the profile refused."""
    lab = bench(version, evse={"phases": 0, "tethered": True})
    wire = profile((0, 6))
    wire["chargingSchedule"][0]["chargingSchedulePeriod"][0]["numberPhases"] = 3
    assert install_raw(lab, 1, wire) == ("NoPhaseForDC" if version == "2.1" else "Accepted")


@each_2x
def test_tc_k_19_persistent(version: str) -> None:
    """K01.FR.27."""
    lab = bench(version)
    install(lab, 1, (0, 10))
    lab.feed(PowerOff(), 5)
    lab.boot().run(60)
    assert composite(lab) == [(0, 10.0)] and reported(lab) == [("CSO", 1, 1)]


@each_2x
def test_a_product_without_smart_charging(version: str) -> None:
    """K01.FR.29 (TC_K_22), K05.FR.04 (TC_K_38): refused, and with a remote start left aside."""
    lab = bench(version, settings={FEATURE_PROFILES: ("Core",)})
    assert install(lab, 1, (0, 10)) == "NotSupported"
    lab.feed(Perform("charging_limit", {"limit_a": 6.0}), 1)
    assert lab.csms.sent("NotifyChargingLimit") == []
    assert lab.plug().remote_start(chargingProfile=profile((0, 10), purpose=TX)) == "Accepted"
    lab.run(5)
    assert power_kw(lab) == 11.0 and smart_charging.table.feature == "SmartCharging"


@each_2x
def test_switched_off_and_on(version: str) -> None:
    """2.9.1: Enabled can be written. Off is as good as not there (K01.FR.29, K05.FR.04), what is there lies idle."""
    lab = bench(version)
    install(lab, 1, (0, 10))
    lab.charge(1).configure(charging_profiles.ENABLED, False)
    assert power_kw(lab) == 11.0 and install(lab, 1, (0, 6)) == "NotSupported"
    assert lab.ask("GetChargingProfiles", requestId=1, chargingProfile={})[0] == "NotSupported"
    assert lab.ask("GetCompositeSchedule", evseId=1, duration=60)[0] == "NotSupported"
    assert lab.ask("ClearChargingProfile", chargingProfileId=1)[0] == "NotSupported"
    lab.configure(charging_profiles.ENABLED, True)
    assert power_kw(lab) == 6.9 and reported(lab) == [("CSO", 1, 1)]


# -- what is relative counts from when energy could flow (K01.FR.42, 3.12)


@each_2x
def test_relative_where_the_transaction_begins_sooner(version: str) -> None:
    lab = bench(version, settings={TX_START_POINT: ("EVConnected",)})
    install(lab, 1, (0, 10), (60, 6))
    lab.plug().run(100).present().run(4)
    assert lab.sessions() and power_kw(lab) == 6.9
    assert [power_kw(lab.run(s)) for s in (55, 2)] == [6.9, 4.14]
    install(lab, 1, (0, 16), (90, 8))
    assert [power_kw(lab.run(s)) for s in (28, 2)] == [11.0, 5.52], "also what comes while it charges"


@each_2x
def test_relative_where_the_transaction_begins_with_the_energy(version: str) -> None:
    """Nothing at first, so that there is no transaction yet: the time runs all the same."""
    lab = bench(version, settings={TX_START_POINT: ("EnergyTransfer",)})
    install(lab, 1, (0, 0), (60, 10), (120, 6))
    lab.plug().present().run(58)
    assert not lab.sessions() and lab.evse().charging_state == "SuspendedEVSE"
    lab.run(6)
    assert lab.sessions() and power_kw(lab) == 6.9
    assert [power_kw(lab.run(s)) for s in (55, 2)] == [6.9, 4.14]


# -- the profile of a remote start


@each_2x
def test_tc_k_37_a_remote_start_with_a_profile(version: str) -> None:
    """K05.FR.02-05, F01.FR.08-11."""
    lab = bench(version)
    assert lab.plug().remote_start(chargingProfile=profile((0, 10))) == "Rejected"
    assert lab.remote_start(chargingProfile=profile((3, 10), purpose=TX)) == "Rejected"
    assert lab.remote_start(chargingProfile=profile((0, 10), purpose=TX)) == "Accepted"
    lab.run(5)
    assert power_kw(lab) == 6.9
    (page,) = lab.ask("GetChargingProfiles", requestId=1, chargingProfile={}) and (
        lab.run(1).csms.sent("ReportChargingProfiles")
    )
    assert page["chargingProfile"][0]["transactionId"] == key(lab)


@each_2x
def test_the_profile_of_a_remote_start_is_there_before_the_energy(version: str) -> None:
    """K05: a session must begin on the phases it may use; with EnergyTransfer the transaction begins after that."""
    lab = bench(version, settings={TX_START_POINT: ("EnergyTransfer",)})
    assert lab.plug().remote_start(chargingProfile=profile((0, 10, 1), purpose=TX)) == "Accepted"
    lab.run(5)
    assert power_kw(lab) == 2.3 and [row[0] for row in reported(lab)] == ["CSO"]
    lab = bench(version, settings={TX_START_POINT: ("EVConnected",)})
    assert lab.plug().run(5).remote_start(chargingProfile=profile((0, 10), purpose=TX)) == "Accepted"
    assert reported(lab) == [("CSO", 1, 1)] and power_kw(lab.run(4)) == 6.9
    lab = bench(version, settings={MAX_PROFILES: 1})
    assert lab.remote_start(chargingProfile=profile((0, 10), purpose=TX)) == "Accepted"
    assert install(lab, 1, (0, 16), number=2) == "Accepted"
    lab.plug().run(4)
    assert lab.remarks()[-1] == "charging profile 1 of the remote start is not in force: TooMany"


# -- getting, clearing


def installed(version: str) -> Lab:
    lab = bench(version, evses=2)
    for evse_id, more in (
        (0, {"purpose": MAX, "kind": "Absolute", "start": clock(lab)}),
        (1, {"number": 2}),
        (1, {"number": 3, "level": 1}),
        (2, {"number": 4}),
    ):
        assert install(lab, evse_id, (0, 16), **more) == "Accepted"
    lab.feed(Perform("charging_limit", {"limit_a": 20.0}), 1)
    return lab


@each_2x
def test_tc_k_29_to_36_get(version: str) -> None:
    """K09.FR.01-06."""
    lab = installed(version)
    outside = ("EMS", 0, external_id(0))
    assert reported(lab, 0) == [("CSO", 0, 1), outside]
    assert reported(lab, 1) == [("CSO", 1, 2), ("CSO", 1, 3)]
    assert sorted(reported(lab)) == [("CSO", 0, 1), ("CSO", 1, 2), ("CSO", 1, 3), ("CSO", 2, 4), outside]
    assert reported(lab, chargingProfileId=[3, 4, 77]) == [("CSO", 1, 3), ("CSO", 2, 4)]
    assert reported(lab, 1, stackLevel=1) == [("CSO", 1, 3)]
    assert reported(lab, 1, chargingLimitSource=["CSO"]) == [("CSO", 1, 2), ("CSO", 1, 3)]
    assert reported(lab, 1, chargingLimitSource=["EMS"]) == []
    assert reported(lab, 1, chargingProfilePurpose=DEFAULT, stackLevel=0) == [("CSO", 1, 2)]
    assert reported(lab, chargingProfilePurpose=EXTERNAL) == [outside]  # TC_K_52


@each_2x
def test_what_is_told_of_a_profile(version: str) -> None:
    lab = bench(version)
    wire = profile(
        (0, 16, 1), (10, 8.5, 1), kind="Recurring", start=clock(lab), duration=3600, validFrom=clock(lab),
        validTo=clock(lab, 9000), recurrencyKind="Daily",
    )  # fmt: skip
    wire["chargingSchedule"][0]["minChargingRate"] = 6.0
    assert install_raw(lab, 1, wire) == "Accepted" and reported(lab)
    (page,) = lab.csms.sent("ReportChargingProfiles")
    assert page["chargingProfile"] == [wire]


@each_2x
def test_many_profiles_come_in_pages(version: str) -> None:
    lab = bench(version)
    for number in range(1, 12):
        assert install(lab, 1, (0, 16), number=number, level=number - 1) == "Accepted"
    assert len(reported(lab)) == 11 and len(lab.csms.sent("ReportChargingProfiles")) == 2


@each_2x
def test_tc_k_05_to_09_and_24_clear(version: str) -> None:
    """K10.FR.01-09."""
    lab = installed(version)

    def clear(**fields: Any) -> str:
        number = {"chargingProfileId": fields.pop("number")} if "number" in fields else {}
        criteria = {"chargingProfileCriteria": fields} if fields else {}
        return str(lab.ask("ClearChargingProfile", **number, **criteria)["status"])

    assert clear(number=77) == clear(stackLevel=7) == clear(number=external_id(0)) == "Unknown"
    assert clear(chargingProfilePurpose=EXTERNAL) == "Unknown"
    assert clear(number=3) == "Accepted" and reported(lab, 1) == [("CSO", 1, 2)]
    assert clear(chargingProfilePurpose=DEFAULT, stackLevel=0) == "Accepted"
    assert reported(lab) == [("CSO", 0, 1), ("EMS", 0, external_id(0))]
    assert clear(evseId=0) == "Accepted" and reported(lab) == [("EMS", 0, external_id(0))]


@each_2x
def test_clearing_while_charging(version: str) -> None:
    """K10.FR.05, FR.07."""
    lab = bench(version)
    install(lab, 1, (0, 10))
    lab.charge(1)
    assert power_kw(lab) == 6.9
    lab.ask("ClearChargingProfile", chargingProfileId=1)
    assert power_kw(lab.run(1)) == 11.0


# -- the composite schedule


@each_2x
def test_tc_k_39_to_46_composite(version: str) -> None:
    """K08.FR.02-07."""
    lab = bench(version, settings={RATE_UNIT: ("Current",)})
    assert composite(lab) == [(0, 31.8)]
    assert composite(lab, 9) == "UnknownEvse" and composite(lab, chargingRateUnit="W") == "UnsupportedRateUnit"
    assert composite(lab, duration=-1) == composite(lab, duration=1 << 31) == "InvalidValue"
    absolute(lab, 1, (0, 10), (100, 20))
    absolute(lab, 1, (0, 7), number=2, level=1, duration=50)
    absolute(lab, 0, (0, 15), number=3, purpose=MAX)
    assert composite(lab) == [(0, 7.0), (50, 10.0), (100, 15.0)]
    lab.feed(Perform("charging_limit", {"limit_a": 9.0, "source": "SO"}), 0)
    assert composite(lab) == [(0, 7.0), (50, 9.0)]
    assert composite(lab, 0, chargingRateUnit="A") == [(0, 7.0), (50, 9.0)]


@each_2x
def test_tc_k_41_the_default_returns_when_the_schedule_of_the_transaction_is_over(version: str) -> None:
    """K02.FR.08, and what is done is what the composite schedule says."""
    lab = bench(version)
    lab.charge(1)
    absolute(lab, 0, (0, 12), number=3, purpose=MAX)
    absolute(lab, 1, (0, 8), number=1)
    absolute(lab, 1, (0, 10), number=2, purpose=TX, duration=60, transactionId=key(lab))
    assert composite(lab, chargingRateUnit="A") == [(0, 10.0), (60, 8.0)]
    assert [power_kw(lab.run(s)) for s in (30, 40)] == [6.9, 5.52]
    start = clock(lab, 50)
    assert install(lab, 1, (0, 11), number=2, purpose=TX, transactionId=key(lab), kind="Absolute", start=start)
    assert composite(lab, chargingRateUnit="A") == [(0, 8.0), (50, 11.0)]  # K01.FR.30
