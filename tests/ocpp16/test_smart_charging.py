"""Smart charging of 1.6 on the wire: setting, clearing and reading profiles, and remote starts that bring one.

The tests named after certification cases hold the behaviour these want; sections are those of 1.6 edition 2.
"""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks.charging_profiles import FEATURE, MAX_PERIODS, MAX_PROFILES, MAX_STACK_LEVEL, RATE_UNIT
from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.core.records import ViolationSeen
from simulator.ocpp16 import smart_charging
from tests.bench import Lab, bench
from tests.ocpp16.charging import DEFAULT, MAX, TX, clear, composite, install, install_raw, profile, transaction
from tests.schedules import clock

# -- certification cases -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [True, False])
@pytest.mark.parametrize("unit, factor", [("A", 1), ("W", 1000)])
def test_tc_056_cs_default_profile(lab: Lab, unit: str, factor: int, start: bool) -> None:
    fields: dict[str, Any] = {"start": clock(lab)} if start else {}
    assert install(lab, 1, (0, 6 * factor, 3), unit=unit, duration=300, **fields) == "Accepted"
    answer = lab.ask("GetCompositeSchedule", connectorId=1, duration=300, chargingRateUnit=unit)
    assert answer == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": clock(lab),
        "chargingSchedule": {
            "duration": 300,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6 * factor, "numberPhases": 3}],
        },
    }


@pytest.mark.parametrize("unit, factor", [("A", 1), ("W", 1000)])
def test_tc_057_cs_profile_of_a_transaction(lab: Lab, unit: str, factor: int) -> None:
    lab.charge()
    fields = {"purpose": TX, "transactionId": transaction(lab), "unit": unit, "duration": 300, "start": clock(lab)}
    assert install(lab, 1, (0, 6 * factor, 3), **fields) == "Accepted"
    assert composite(lab, 1, 300, chargingRateUnit=unit) == [(0, 6 * factor)]
    assert lab.evse().power_w == (4_140 if unit == "A" else 6_000)


def test_tc_058_1_cs_profile_of_a_transaction_without_one(lab: Lab) -> None:
    assert install(lab, 1, (0, 6), purpose=TX, transactionId=1) == "Rejected"
    assert clear(lab) == "Unknown", "it is not kept either"


def test_tc_058_2_cs_profile_of_another_transaction(lab: Lab) -> None:
    lab.charge()
    assert install(lab, 1, (0, 6), purpose=TX, transactionId=transaction(lab) + 1) == "Rejected"
    assert lab.evse().power_w == 11_000


def test_tc_082_cs_default_profile_during_a_transaction(lab: Lab) -> None:
    """Errata 3.8: a running transaction without a profile of its own switches to it."""
    lab.charge()
    assert install(lab, 1, (0, 6, 3), duration=300, start=clock(lab)) == "Accepted"
    assert composite(lab, 1, 300) == [(0, 6)]
    assert lab.evse().power_w == 4_140
    assert clear(lab) == "Accepted"
    assert lab.evse().power_w == 11_000


@pytest.mark.parametrize("unit, factor", [("A", 1), ("W", 1000)])
def test_tc_066_cs_composite_of_three_purposes(lab: Lab, unit: str, factor: int) -> None:
    lab.charge()
    begin, valid = clock(lab), {"validFrom": clock(lab), "validTo": clock(lab, 401)}

    def scaled(*rows: tuple[int, int]) -> list[tuple[int, int, int]]:
        return [(start, limit * factor, 3) for start, limit in rows]

    common: dict[str, Any] = {"unit": unit, "start": begin}
    assert install(lab, 0, *scaled((0, 10)), purpose=MAX, duration=86_400, **common) == "Accepted"
    default = scaled((0, 6), (60, 10), (120, 8), (180, 15), (260, 8))
    assert install(lab, 1, *default, number=2, duration=300, **valid, **common) == "Accepted"
    own = scaled((0, 8), (50, 11), (140, 16), (200, 6), (240, 12))
    assert install(lab, 1, *own, number=3, purpose=TX, duration=260, **valid, **common) == "Accepted"
    lab.run(3)
    expected = [(0, 8), (47, 10), (197, 6), (237, 10)]
    found = composite(lab, 1, 400, chargingRateUnit=unit)
    assert found == [(start, limit * factor) for start, limit in expected]


def test_tc_067_cs_clear_profiles(lab: Lab) -> None:
    begin, valid = clock(lab), {"validFrom": clock(lab), "validTo": clock(lab, 401)}
    install(lab, 1, (0, 6), (60, 8), (200, 10), level=1, duration=400, start=begin)
    install(lab, 1, (0, 7), (100, 9), number=2, duration=400, start=begin, **valid)
    install(lab, 0, (0, 11), (200, 12), number=3, purpose=MAX, duration=86_400, start=begin, **valid)
    assert composite(lab, 1, 350) == [(0, 6), (60, 8), (200, 10)]
    assert clear(lab, id=1) == "Accepted"
    assert composite(lab, 1, 350) == [(0, 7), (100, 9)]
    assert clear(lab, chargingProfilePurpose=DEFAULT, stackLevel=0) == "Accepted"
    assert composite(lab, 1, 350) == [(0, 11), (200, 12)]
    assert clear(lab) == "Accepted"
    assert composite(lab, 1, 350) == [(0, 31.8)], "what the hardware is made for: 22 kW on three phases of 230 V"
    assert clear(lab) == "Unknown"


def test_tc_072_cs_stacked_profiles(lab: Lab) -> None:
    begin, valid = clock(lab), {"validFrom": clock(lab), "validTo": clock(lab, 401)}
    install(lab, 1, (0, 6), (100, 8), (200, 10), duration=400, start=begin, **valid)
    install(lab, 1, (0, 7), (100, 9), number=2, level=1, duration=150, start=begin, **valid)
    assert composite(lab, 1, 350) == [(0, 7), (100, 9), (150, 8), (200, 10)]


@pytest.mark.parametrize("plug_first", [True, False])
def test_tc_059_cs_remote_start_with_a_profile(lab: Lab, plug_first: bool) -> None:
    wire = profile((0, 6, 3), purpose=TX, kind="Relative", duration=300)
    if plug_first:
        lab.plug()
    assert lab.remote_start(chargingProfile=wire) == "Accepted"
    if not plug_first:
        lab.plug()
    lab.run(4)
    assert lab.evse().power_w == 4_140
    assert composite(lab, 1, 200) == [(0, 6)]


@pytest.mark.parametrize("purpose", [MAX, DEFAULT])
def test_tc_060_cs_remote_start_with_a_wrong_profile(lab: Lab, purpose: str) -> None:
    lab.plug()
    assert lab.remote_start(chargingProfile=profile((0, 6), purpose=purpose)) == "Rejected"
    lab.run(5)
    assert not lab.evse().flowing and not lab.sessions()


# -- SetChargingProfile ------------------------------------------------------------------------------------------------


def test_a_connector_that_is_not_there_is_a_property_violation(lab: Lab) -> None:
    """Errata 3.39."""
    assert install(lab, 2, (0, 6)) == "PropertyConstraintViolation"
    assert install(lab, -1, (0, 6)) == "PropertyConstraintViolation"


@pytest.mark.parametrize("field, value", [("chargingProfileKind", "Often"), ("recurrencyKind", "Hourly")])
def test_an_unknown_word_is_a_property_violation(lab: Lab, field: str, value: str) -> None:
    """Errata 3.38."""
    assert install_raw(lab, 1, profile((0, 6)) | {field: value}) == "PropertyConstraintViolation"


def test_an_unknown_unit_is_a_property_violation(lab: Lab) -> None:
    """Errata 3.24, 3.38."""
    assert install(lab, 1, (0, 6), unit="kW") == "PropertyConstraintViolation"
    answer = lab.ask("GetCompositeSchedule", connectorId=1, duration=60, chargingRateUnit="kW")
    assert answer[0] == "PropertyConstraintViolation"


@pytest.mark.parametrize(
    "connector, purpose, status",
    [
        (0, MAX, "Accepted"),
        (1, MAX, "Rejected"),
        (0, DEFAULT, "Accepted"),
        (1, DEFAULT, "Accepted"),
        (0, TX, "Rejected"),
    ],
)
def test_each_purpose_has_its_place(lab: Lab, connector: int, purpose: str, status: str) -> None:
    """3.13.1."""
    lab.charge()
    assert install(lab, connector, (0, 6), purpose=purpose) == status


def test_a_profile_of_a_transaction_needs_no_id(lab: Lab) -> None:
    """7.8: the transactionId may be left out."""
    lab.charge()
    assert install(lab, 1, (0, 10), purpose=TX) == "Accepted"
    assert lab.evse().power_w == 6_900


@pytest.mark.parametrize(
    "periods, fields",
    [
        ([(5, 6)], {}),  # 5.16.4: the first begins at 0
        ([(0, 6), (60, 8), (60, 9)], {}),
        ([(0, 6), (60, 8), (30, 9)], {}),
        ([(0, -1)], {}),
        ([(0, 6, 0)], {}),
        ([(0, 6, 4)], {}),
        ([(0, 6)], {"duration": -1}),
        ([(0, 6)], {"level": -1}),  # 7.8
        ([(0, 6)], {"kind": "Recurring"}),  # without the word how often
    ],
)
def test_a_malformed_schedule_is_rejected(lab: Lab, periods: list[tuple[float, ...]], fields: dict[str, Any]) -> None:
    assert install(lab, 1, *periods, **fields) == "Rejected"
    assert clear(lab) == "Unknown"


def test_a_schedule_without_periods_is_an_occurrence_violation(lab: Lab) -> None:
    """7.13: 1..*."""
    assert install(lab, 1) == "OccurenceConstraintViolation"


def test_a_limit_has_one_digit_after_the_point(lab: Lab) -> None:
    """7.14; a lenient product cuts off what is more."""
    assert install(lab, 1, (0, 8.1)) == "Accepted"
    assert composite(lab, 1, 60) == [(0, pytest.approx(8.1))]
    assert install(lab, 1, (0, 8.15)) == "PropertyConstraintViolation"
    assert any(v.rule == "multipleOf" for v in lab.fleet.recorded(ViolationSeen))
    lenient = bench(lenient=True)
    assert install(lenient, 1, (0, 8.19)) == "Accepted"
    assert composite(lenient, 1, 60) == [(0, pytest.approx(8.1))]


@pytest.mark.parametrize(
    "wire",
    [
        profile((0, 6), number=1 << 70),
        profile((0, 6), (1 << 70, 7)),
        profile((0, 6), duration=1 << 70),
        profile((0, 1e30)),
        profile((0, 6), validFrom="2026-02-30T00:00:00Z"),
    ],
)
def test_a_value_beyond_all_measure_is_a_property_violation(lab: Lab, wire: dict[str, Any]) -> None:
    assert install_raw(lab, 1, wire) == "PropertyConstraintViolation"
    assert clear(lab) == "Unknown"


def test_what_is_out_of_place_is_left_aside_on_record(lab: Lab) -> None:
    """7.8, errata 3.56."""
    assert install(lab, 1, (0, 6), recurrencyKind="Daily", transactionId=5) == "Accepted"
    paths = [v.path for v in lab.fleet.recorded(ViolationSeen)]
    assert paths == ["csChargingProfiles.recurrencyKind", "csChargingProfiles.transactionId"]


def test_limits_of_the_product() -> None:
    """9.4.1 to 9.4.5."""
    lab = bench(settings={MAX_STACK_LEVEL: 2, MAX_PERIODS: 3, MAX_PROFILES: 2, RATE_UNIT: ("Current",)})
    keys = ["ChargeProfileMaxStackLevel", "ChargingScheduleMaxPeriods", "MaxChargingProfilesInstalled"]
    keys += ["ChargingScheduleAllowedChargingRateUnit", "ConnectorSwitch3to1PhaseSupported"]
    rows = lab.ask("GetConfiguration", key=keys)["configurationKey"]
    assert [(r["value"], r["readonly"]) for r in rows] == [
        ("2", True),
        ("3", True),
        ("2", True),
        ("Current", True),
        ("false", True),
    ]
    assert install(lab, 1, (0, 6), level=3) == "Rejected"
    assert install(lab, 1, (0, 6), (1, 7), (2, 8), (3, 9)) == "Rejected"
    assert install(lab, 1, (0, 6_000), unit="W") == "Rejected"
    assert composite(lab, 1, 60, chargingRateUnit="W") == "Rejected"
    assert install(lab, 1, (0, 6), level=2, number=1) == "Accepted"
    assert install(lab, 1, (0, 6), (1, 7), (2, 8), number=2) == "Accepted"
    assert install(lab, 0, (0, 6), number=3) == "Rejected", "two are the most"
    assert install(lab, 1, (0, 6), number=3) == "Accepted", "it takes the place of another"
    assert clear(lab, id=2) == "Unknown" and clear(lab, id=3) == "Accepted"


def test_a_full_station_still_takes_a_profile_whose_id_it_has() -> None:
    """5.16.3: it replaces that one, wherever it was."""
    lab = bench(evses=2, settings={MAX_PROFILES: 1})
    assert install(lab, 1, (0, 6), number=5) == "Accepted"
    assert install(lab, 2, (0, 6), number=6) == "Rejected"
    assert install(lab, 2, (0, 6), number=5, level=4) == "Accepted"


def test_the_transaction_of_another_connector_is_not_this_one() -> None:
    """7.8, 3.13.1."""
    lab = bench(evses=2).charge(1, "A").charge(2, "B")
    first, second = (int(number) for number in lab.csms.transactions)
    assert install(lab, 2, (0, 6), purpose=TX, transactionId=first) == "Rejected"
    assert install(lab, 2, (0, 6), purpose=TX, transactionId=second) == "Accepted"


def test_the_keys_cannot_be_written(lab: Lab) -> None:
    answer = lab.ask("ChangeConfiguration", key="ChargeProfileMaxStackLevel", value="5")
    assert answer == {"status": "Rejected"}


# -- ClearChargingProfile ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields, left",
    [
        ({}, set()),
        ({"id": 2}, {1, 3, 4}),
        ({"id": 2, "connectorId": 9, "stackLevel": 7}, {1, 3, 4}),  # errata 3.26: with an id nothing else counts
        ({"connectorId": 0}, {3, 4}),
        ({"connectorId": 1}, {1, 2, 4}),
        ({"stackLevel": 1}, {1, 3, 4}),
        ({"chargingProfilePurpose": MAX}, {2, 3, 4}),
        ({"chargingProfilePurpose": DEFAULT, "stackLevel": 0}, {1, 2}),
        ({"chargingProfilePurpose": DEFAULT, "stackLevel": 0, "connectorId": 2}, {1, 2, 3}),
    ],
)
def test_filters_of_clearing_are_and(fields: dict[str, Any], left: set[int]) -> None:
    """5.5, errata 3.25."""
    lab = bench(evses=2)
    install(lab, 0, (0, 30), purpose=MAX, number=1)
    install(lab, 0, (0, 20), level=1, number=2)
    install(lab, 1, (0, 16), number=3)
    install(lab, 2, (0, 16), number=4)
    assert clear(lab, **fields) == "Accepted"
    assert {number for number in (1, 2, 3, 4) if clear(lab, id=number) == "Accepted"} == left


def test_clearing_what_is_not_there(lab: Lab) -> None:
    """7.21."""
    install(lab, 1, (0, 16))
    for fields in ({"id": 9}, {"connectorId": 7}, {"stackLevel": 3}, {"chargingProfilePurpose": TX}):
        assert clear(lab, **fields) == "Unknown"


# -- GetCompositeSchedule ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connector, duration", [(2, 60), (-1, 60), (1, -1)])
def test_a_schedule_that_cannot_be_told_is_rejected(lab: Lab, connector: int, duration: int) -> None:
    """5.7."""
    answer = lab.ask("GetCompositeSchedule", connectorId=connector, duration=duration)
    assert answer == {"status": "Rejected"}


def test_a_duration_beyond_all_measure_is_a_property_violation(lab: Lab) -> None:
    assert lab.ask("GetCompositeSchedule", connectorId=1, duration=1 << 70)[0] == "PropertyConstraintViolation"


def test_the_unit_is_that_of_the_product_unless_asked_for(lab: Lab) -> None:
    """6.21, errata 3.69."""
    install(lab, 1, (0, 10))
    assert composite(lab, 1, 60) == [(0, 10)]
    assert composite(lab, 1, 60, chargingRateUnit="W") == [(0, 6_900)]
    dc = bench(evse={"phases": 0, "max_power_w": 50_000.0, "max_current_a": 125.0, "voltage_v": 400.0})
    answer = dc.ask("GetCompositeSchedule", connectorId=1, duration=60)["chargingSchedule"]
    assert answer["chargingRateUnit"] == "W"
    assert answer["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 50_000}], "phases mean nothing there"


def test_the_grid_connection_carries_all_evses_up_to_the_limit_of_the_station() -> None:
    """5.7: connector 0."""
    lab = bench(evses=2)
    install(lab, 1, (0, 10), (60, 16), number=1, start=clock(lab))
    install(lab, 2, (0, 12), number=2, start=clock(lab))
    assert composite(lab, 0, 120) == [(0, 22), (60, 28)]
    install(lab, 0, (0, 25), (90, 20), number=3, purpose=MAX, start=clock(lab))
    assert composite(lab, 0, 120) == [(0, 22), (60, 25), (90, 20)]
    assert composite(lab, 1, 120) == [(0, 10), (60, 16)]


def test_one_power_module_is_counted_once() -> None:
    lab = bench(evses=2, evse={"power_group": "M", "phases": 0, "max_power_w": 50_000.0, "max_current_a": 125.0})
    assert composite(lab, 0, 60, chargingRateUnit="W") == [(0, 28_750)]  # 125 A at 230 V


# -- products without --------------------------------------------------------------------------------------------------


@pytest.fixture
def plain() -> Lab:
    """A product that says it has no smart charging."""
    return bench(settings={FEATURE_PROFILES: ("Core", "RemoteTrigger")})


def test_a_product_without_smart_charging_supports_none_of_it(plain: Lab) -> None:
    """Errata 3.39."""
    assert install(plain, 1, (0, 6)) == "NotSupported"
    assert plain.ask("ClearChargingProfile")[0] == "NotSupported"
    assert plain.ask("GetCompositeSchedule", connectorId=1, duration=60)[0] == "NotSupported"
    answer = plain.ask("GetConfiguration", key=["ChargeProfileMaxStackLevel"])
    assert answer["unknownKey"] == ["ChargeProfileMaxStackLevel"]


def test_a_product_without_smart_charging_leaves_the_profile_of_a_remote_start_aside(plain: Lab) -> None:
    """5.11."""
    assert plain.remote_start(chargingProfile=profile((0, 6), purpose=DEFAULT)) == "Accepted"
    plain.plug().run(4)
    assert plain.evse().power_w == 11_000


def test_the_table_belongs_to_the_feature() -> None:
    assert {route.feature for _, route, _ in smart_charging.table.handlers} == {FEATURE}


# -- RemoteStartTransaction --------------------------------------------------------------------------------------------


def test_a_profile_with_the_level_of_that_of_the_remote_start_replaces_it(lab: Lab) -> None:
    """5.16.2."""
    lab.plug()
    lab.remote_start(chargingProfile=profile((0, 6), purpose=TX))
    lab.run(4)
    assert install(lab, 1, (0, 10), number=2, purpose=TX, transactionId=transaction(lab)) == "Accepted"
    assert lab.evse().power_w == 6_900
    assert clear(lab, id=1) == "Unknown"
    assert install(lab, 1, (0, 8), number=3, level=1, purpose=TX, transactionId=transaction(lab)) == "Accepted"
    assert lab.evse().power_w == 5_520
    assert clear(lab, id=2) == "Accepted", "another level is stacked beside it"


def test_the_profile_of_a_remote_start_belongs_to_its_transaction_only(lab: Lab) -> None:
    """7.10: it ceases with the transaction."""
    lab.plug()
    lab.remote_start(chargingProfile=profile((0, 6), purpose=TX))
    lab.run(4)
    lab.remote_stop()
    lab.run(1)
    lab.unplug().charge(token="B")
    assert lab.evse().power_w == 11_000


def test_a_remote_start_that_leads_to_nothing_leaves_nothing(lab: Lab) -> None:
    """The connection time-out ends it; the next session has no limit."""
    assert lab.remote_start(chargingProfile=profile((0, 6), purpose=TX)) == "Accepted"
    lab.run(61)
    assert lab.evse().grant is None
    lab.charge(token="TAG")
    assert lab.evse().power_w == 11_000
    assert clear(lab) == "Unknown"


def test_the_station_chooses_the_connector_and_the_profile_goes_along() -> None:
    lab = bench(evses=2).plug(2)
    assert lab.remote_start(evse_id=None, chargingProfile=profile((0, 6), purpose=TX)) == "Accepted"
    lab.run(4)
    assert lab.evse(2).power_w == 4_140


def test_a_remote_start_with_a_profile_that_cannot_be_used_is_rejected(lab: Lab) -> None:
    for wrong in ({"level": 99}, {"kind": "Recurring"}):
        assert lab.remote_start(chargingProfile=profile((0, 6), purpose=TX, **wrong)) == "Rejected"


def test_the_transaction_id_of_a_remote_start_is_left_aside_on_record(lab: Lab) -> None:
    """Errata 3.41."""
    lab.plug()
    assert lab.remote_start(chargingProfile=profile((0, 6), purpose=TX, transactionId=77)) == "Accepted"
    lab.run(4)
    assert lab.evse().power_w == 4_140
    assert "chargingProfile.transactionId" in {v.path for v in lab.fleet.recorded(ViolationSeen)}
