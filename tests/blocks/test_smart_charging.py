"""The car follows the limit: when it holds, how it is shared, and that nobody else pays for it."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import charging_profiles, smart_charging
from simulator.blocks.charging_profiles import NAME, SWITCH_PHASES
from simulator.blocks.charging_schedule import NEVER_US
from simulator.blocks.metering import SAMPLE_INTERVAL, SAMPLE_MEASURANDS
from simulator.core import inputs as i
from simulator.core.readings import CURRENT, CURRENT_OFFERED, POWER_OFFERED
from tests.bench import Lab, bench, each_version
from tests.ocpp16.charging import MAX, TX, clear, composite, install, transaction
from tests.schedules import clock

DAY = 86_400
#: 22 kW on three phases
FAST = i.EvSpec(max_ac_w=22_080.0, curve="flat", soc=0.0, battery_wh=200_000.0)
ONE_PHASE = i.EvSpec(max_ac_w=7_360.0, phases=1, curve="flat", soc=0.0)
DC = {"phases": 0, "max_power_w": 50_000.0, "max_current_a": 125.0, "voltage_v": 400.0, "tethered": True}


def pair(**model: Any) -> Lab:
    """Two EVSEs with a fast car at each."""
    lab = bench(evses=2, **model).plug(1, FAST).present("A", 1).run(1).plug(2, FAST).present("B", 2).run(4)
    assert lab.evse(1).flowing and lab.evse(2).flowing
    return lab


def powers(lab: Lab) -> list[float]:
    return [round(evse.power_w) for evse in lab.station.evses]


# -- following ---------------------------------------------------------------------------------------------------------


def test_power_follows_the_periods_to_the_second(lab: Lab) -> None:
    """3.13.4: while charging is in progress the offer is adapted."""
    lab.charge()
    install(lab, 1, (0, 10), (60, 6), (120, 12), duration=180, start=clock(lab))
    seen = [lab.evse().power_w]
    for seconds in (59.9, 0.2, 59.8, 0.2, 59.8, 0.2):
        lab.run(seconds)
        seen.append(lab.evse().power_w)
    assert seen == [6_900, 6_900, 4_140, 4_140, 8_280, 8_280, 11_000]


def test_energy_is_that_of_the_schedule(lab: Lab) -> None:
    lab.charge()
    meter = lab.station.board.meters[0]
    install(lab, 1, (0, 10), (1_800, 6), start=clock(lab))
    before = meter.physical_wh(lab.fleet.now)
    lab.run(3_600)
    assert meter.physical_wh(lab.fleet.now) - before == pytest.approx(6_900 / 2 + 4_140 / 2, abs=0.01)


def test_a_limit_of_nothing_suspends_by_the_station_and_ends_so(lab: Lab) -> None:
    """4.9 C5, D5; the transaction goes on."""
    lab.charge()
    install(lab, 1, (0, 0), (300, 10), start=clock(lab))
    lab.run(5)
    assert lab.statuses()[-1] == "SuspendedEVSE" and not lab.evse().flowing
    assert not lab.station.board.contactors[0].closed and lab.session().end is None
    lab.run(300)
    assert lab.statuses()[-1] == "Charging" and lab.evse().power_w == 6_900
    assert len(lab.sessions()) == 1


def test_below_six_ampere_a_car_cannot_charge(lab: Lab) -> None:
    """IEC 61851-1: the station takes its offer back."""
    lab.charge()
    install(lab, 1, (0, 5.9))
    assert lab.evse().charging_state == "SuspendedEVSE"
    install(lab, 1, (0, 6))
    lab.run(4)
    assert lab.evse().power_w == 4_140
    install(lab, 1, (0, 4_139), unit="W")
    assert lab.evse().charging_state == "SuspendedEVSE"


def test_a_session_that_may_not_charge_yet_begins_suspended(lab: Lab) -> None:
    """4.9 B5."""
    install(lab, 0, (0, 0), (600, 16), start=clock(lab))
    lab.plug().present().run(5)
    assert lab.statuses() == ["Available", "Preparing", "SuspendedEVSE"]
    lab.run(600)
    assert lab.evse().power_w == 11_000


def test_power_in_all_is_for_the_phases_that_are_used() -> None:
    """Errata 3.34: the limit is used as given, it is not divided by phases the car does not have."""
    lab = bench().plug(ev=ONE_PHASE).present().run(4)
    install(lab, 1, (0, 6_000, 3), unit="W")
    assert lab.evse().power_w == 6_000
    install(lab, 1, (0, 10, 3))
    assert lab.evse().power_w == 2_300


def test_direct_current_follows_both_units() -> None:
    lab = bench(evse=DC).charge()
    install(lab, 1, (0, 20_000), unit="W")
    assert lab.evse().power_w == 20_000
    install(lab, 1, (0, 5))
    assert lab.evse().power_w == 2_000, "there is no least current"
    install(lab, 1, (0, 0))
    assert lab.evse().charging_state == "SuspendedEVSE"


def test_a_socket_without_pilot_is_on_or_off() -> None:
    """Nobody can tell the car to take less."""
    lab = bench(evse={"pilot": False, "phases": 1, "max_current_a": 10.0, "max_power_w": 2_300.0})
    lab.present().run(1).plug().run(5)
    assert lab.evse().flowing
    install(lab, 1, (0, 10))
    assert lab.evse().power_w == 2_300
    install(lab, 1, (0, 9))
    assert not lab.evse().flowing


def test_a_recurring_schedule_is_followed_every_day(lab: Lab) -> None:
    """3.13.7: 6 kW by day, as the example says."""
    lab.plug(ev=i.EvSpec(battery_wh=10_000_000.0, curve="flat", soc=0.0)).present().run(4)
    # the virtual day begins at midnight
    start = "2013-01-01T00:00:00Z"
    install(
        lab, 1, (0, 11_000), (28_800, 6_000), (72_000, 11_000), unit="W", kind="Recurring", recurrencyKind="Daily",
        start=start, duration=DAY,
    )  # fmt: skip
    seen = []
    for _ in range(48):
        seen.append(lab.evse().power_w)
        lab.run(3_600)
    day = [11_000] * 8 + [6_000] * 12 + [11_000] * 4
    midnight = lab.fleet.epoch_us // 3_600_000_000 % 24
    assert seen == (day * 3)[midnight : midnight + 48]


def test_relative_counts_from_the_start_of_the_transaction(lab: Lab) -> None:
    """7.9: also for a profile that comes later."""
    lab.charge()
    began = lab.evse().tx.started.mono_us  # type: ignore[union-attr]
    lab.run(100 - (lab.fleet.now - began) / 1e6)
    install(lab, 1, (0, 10), (160, 6), kind="Relative")
    lab.run(59)
    assert lab.evse().power_w == 6_900
    lab.run(2)
    assert lab.evse().power_w == 4_140
    lab.present().run(1).unplug().charge(token="B")
    assert lab.evse().power_w == 6_900, "for the next transaction it begins anew"


def test_validity_is_followed(lab: Lab) -> None:
    lab.charge()
    install(lab, 1, (0, 10), validFrom=clock(lab, 60), validTo=clock(lab, 120))
    seen = [lab.evse().power_w]
    for seconds in (61, 60):
        lab.run(seconds)
        seen.append(lab.evse().power_w)
    assert seen == [11_000, 6_900, 11_000]


def test_a_replaced_profile_that_is_not_valid_yet_leaves_no_limit(lab: Lab) -> None:
    """3.13.2: back to the default behaviour until validFrom."""
    lab.charge()
    install(lab, 1, (0, 6))
    install(lab, 1, (0, 10), number=2, validFrom=clock(lab, 100))
    assert lab.evse().power_w == 11_000
    lab.run(101)
    assert lab.evse().power_w == 6_900


# -- which profile -----------------------------------------------------------------------------------------------------


def test_a_default_profile_of_a_connector_replaces_the_common_one_there_only() -> None:
    """3.13.1."""
    lab = pair()
    install(lab, 0, (0, 10), number=1)
    assert powers(lab) == [6_900, 6_900]
    install(lab, 2, (0, 16), number=2)
    assert powers(lab) == [6_900, 11_040]
    assert clear(lab, id=2) == "Accepted"
    assert powers(lab) == [6_900, 6_900]


def test_the_common_profile_is_not_fallen_back_to_where_it_was_replaced() -> None:
    lab = pair()
    install(lab, 0, (0, 10), number=1)
    install(lab, 2, (0, 16), number=2, duration=60, start=clock(lab))
    lab.run(61)
    assert powers(lab) == [6_900, 22_000]


def test_the_least_of_station_and_transaction_holds(lab: Lab) -> None:
    """3.13.3."""
    lab.charge()
    install(lab, 1, (0, 12), number=1, purpose=TX)
    install(lab, 0, (0, 10), number=2, purpose=MAX)
    assert lab.evse().power_w == 6_900
    install(lab, 0, (0, 9_000), number=2, purpose=MAX, unit="W")
    assert lab.evse().power_w == 8_280


def test_the_same_id_takes_the_place_wherever_it_was() -> None:
    """5.16.3."""
    lab = bench(evses=2)
    install(lab, 1, (0, 10), number=7)
    install(lab, 2, (0, 12), number=7, level=3)
    assert [p.evse_id for p in charging_profiles.installed(lab.station)] == [2]


# -- sharing -----------------------------------------------------------------------------------------------------------


def test_the_limit_of_the_station_is_shared_equally() -> None:
    """3.13.3: all connectors together stay below it."""
    lab = pair()
    install(lab, 0, (0, 20), purpose=MAX)
    assert powers(lab) == [6_900, 6_900]
    lab.feed(i.EvReady(1, False)).run(1)
    assert powers(lab) == [0, 13_800], "a car that asks for nothing leaves it to the other"
    lab.feed(i.EvReady(1, True)).run(4)
    assert powers(lab) == [6_900, 6_900]
    lab.present("B", 2).run(1)
    assert powers(lab) == [13_800, 0]


def test_who_came_last_waits_when_a_share_is_too_small() -> None:
    lab = pair()
    install(lab, 0, (0, 11), purpose=MAX)
    assert powers(lab) == [7_590, 0]
    assert lab.statuses(2)[-1] == "SuspendedEVSE"
    lab.present("A", 1).run(5)
    assert powers(lab) == [0, 7_590] and lab.statuses(2)[-1] == "Charging"


@pytest.mark.parametrize("held, left", [(1, [0, 13_800]), (2, [13_800, 0])])
def test_who_is_held_back_by_his_own_profile_has_no_share(held: int, left: list[float]) -> None:
    """Whoever of the two came first."""
    lab = pair()
    install(lab, 0, (0, 20), purpose=MAX)
    install(lab, held, (0, 0), number=2, purpose=TX)
    assert powers(lab) == left


def test_the_station_may_have_to_stop_all() -> None:
    lab = pair()
    install(lab, 0, (0, 5), purpose=MAX)
    assert powers(lab) == [0, 0]
    install(lab, 0, (0, 13_800), purpose=MAX, unit="W")
    lab.run(4)
    assert powers(lab) == [6_900, 6_900]


@pytest.mark.parametrize("total", [7, 11, 12, 13, 25, 40, 60])
@pytest.mark.parametrize("unit", ["A", "W"])
def test_all_together_never_take_more_than_the_station_may(total: int, unit: str) -> None:
    """3.13.3, with four cars that come, pause and go."""
    lab = bench(evses=4)
    limit = total if unit == "A" else total * 690
    install(lab, 0, (0, limit), purpose=MAX, unit=unit)
    steps = [
        lambda: lab.plug(1, FAST).present("A", 1),
        lambda: lab.plug(2, ONE_PHASE).present("B", 2),
        lambda: lab.plug(3, FAST).present("C", 3),
        lambda: lab.feed(i.EvReady(1, False)),
        lambda: lab.plug(4, FAST).present("D", 4),
        lambda: lab.feed(i.EvReady(1, True)),
        lambda: lab.present("C", 3),
    ]
    for step in steps:
        step()
        for _ in range(10):
            lab.run(0.5)
            assert sum(powers(lab)) <= total * 690 + 1
            currents = [sum(m.currents_a[p] for m in lab.station.board.meters) for p in range(3)]
            assert unit == "W" or max(currents) <= total + 1e-6
        assert any(powers(lab)), "somebody can always charge"


# -- phases ------------------------------------------------------------------------------------------------------------


def test_one_phase_reduces_power_where_phases_can_be_switched() -> None:
    """9.4.4."""
    lab = bench(settings={SWITCH_PHASES: True}).charge()
    install(lab, 1, (0, 16, 1))
    assert lab.evse().power_w == 3_680
    assert lab.station.board.meters[0].currents_a == (16.0, 0.0, 0.0)
    install(lab, 1, (0, 3_680, 3), unit="W")
    assert lab.evse().charging_state == "SuspendedEVSE", "too little for three phases"
    install(lab, 1, (0, 6_900, 3), unit="W")
    lab.run(4)
    assert lab.station.board.meters[0].currents_a == (10.0, 10.0, 10.0)
    install(lab, 1, (0, 6_900, 1), unit="W")
    assert lab.evse().power_w == 6_900 and lab.station.board.meters[0].currents_a == (30.0, 0.0, 0.0)


def test_phases_stay_during_a_session_where_they_cannot_be_switched(lab: Lab) -> None:
    """9.4.4, 3.13.7."""
    lab.charge()
    install(lab, 1, (0, 10, 1))
    assert lab.evse().power_w == 6_900
    lab.present().run(1).unplug().charge(token="B")
    assert lab.evse().power_w == 2_300, "the next session begins with one"
    assert clear(lab) == "Accepted"
    assert lab.evse().power_w == 7_360, "and stays on it"
    lab.present("B").run(1).unplug().run(1)
    lab.charge(token="C")
    assert lab.evse().power_w == 11_000 and NAME not in lab.station.data


# -- readings ----------------------------------------------------------------------------------------------------------


def test_what_is_offered_follows_the_limit() -> None:
    """4.7: Current.Offered and Power.Offered are the most that may be taken."""
    lab = bench(settings={SAMPLE_INTERVAL: 10, SAMPLE_MEASURANDS: (CURRENT_OFFERED, POWER_OFFERED, CURRENT)}).charge()

    def offered() -> list[str]:
        lab.run(10)
        values = lab.csms.sent("MeterValues")[-1]["meterValue"][0]["sampledValue"]
        return [v["value"] for v in values if v["measurand"] != CURRENT]

    assert offered() == ["32", "22000"]
    install(lab, 1, (0, 10))
    assert offered() == ["10", "6900"]
    install(lab, 1, (0, 5_520), unit="W")
    assert offered() == ["8", "5520"]
    install(lab, 1, (0, 0))
    assert offered() == ["0", "0"]
    clear(lab)
    lab.run(5)
    assert offered() == ["32", "22000"]


# -- what it costs -----------------------------------------------------------------------------------------------------


@each_version
def test_a_station_without_profiles_has_nothing_of_it(version: str) -> None:
    lab = bench(version).charge().run(100)
    assert NAME not in lab.station.data and lab.evse().limit is None
    assert lab.station.timers.get("schedule") is None


def test_nothing_is_worked_out_between_two_edges(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.charge()
    install(lab, 1, (0, 10), (3_600, 6), start=clock(lab))
    lab.run(5)
    asked = []
    real = smart_charging._apply
    monkeypatch.setattr(smart_charging, "_apply", lambda *args: asked.append(1) or real(*args))
    lab.run(200)
    assert not asked
    lab.run(3_600)
    assert len(asked) <= 2 + 3_600 // 300, "the edge, and each heartbeat sets the clock"


def test_a_limit_that_never_changes_sets_no_timer(lab: Lab) -> None:
    lab.charge()
    install(lab, 1, (0, 10))
    assert lab.station.timers.get("schedule") is None
    assert lab.station.data[NAME].next_us == NEVER_US


def test_a_composite_schedule_is_bounded(lab: Lab) -> None:
    """A CSMS may ask for years of a schedule that changes daily."""
    periods = [(n * 60, 6 + n % 2) for n in range(24)]
    install(lab, 1, *periods, kind="Recurring", recurrencyKind="Daily", start=clock(lab))
    found = composite(lab, 1, 2_000_000_000)
    assert len(found) == smart_charging.MAX_COMPOSITE_PERIODS
    answer = lab.ask("GetCompositeSchedule", connectorId=1, duration=2_000_000_000)["chargingSchedule"]
    assert found[-1][0] < answer["duration"] < 2_000_000_000, "how far it goes is said"


def test_the_newest_transaction_is_the_one(lab: Lab) -> None:
    """The id of an ended transaction is no longer accepted (3.13.1)."""
    lab.charge()
    old = transaction(lab)
    lab.present().run(1).unplug().charge(token="B")
    assert install(lab, 1, (0, 6), purpose=TX, transactionId=old) == "Rejected"
    assert install(lab, 1, (0, 6), purpose=TX, transactionId=transaction(lab)) == "Accepted"
