"""Lock, contactor, energy: a car charges when everything permits it, and only then."""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import STOP_ON_EV_SIDE
from simulator.blocks.metering import SAMPLE_INTERVAL
from simulator.core import inputs as i
from simulator.core.model import EvseSpec, HardwareSpec
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from simulator.core.station import Station
from tests.bench import AT_ONCE, CAR, Lab, bench, build


def test_energy_needs_cable_and_token_and_a_moment(lab: Lab) -> None:
    lab.plug().run(60)
    assert not lab.evse().flowing
    lab.present()
    assert not lab.evse().flowing, "pilot signalling takes half a second to three"
    lab.run(0.49)
    assert not lab.evse().flowing
    lab.run(2.6)
    assert lab.evse().flowing and lab.evse().power_w == 11_000
    assert lab.station.board.contactors[0].closed and lab.station.board.locks[0].closed


def test_power_is_what_all_sides_allow() -> None:
    for evse, ev, power_w in (
        ({}, CAR, 11_000),
        ({}, i.EvSpec(max_ac_w=22_000, curve="flat", soc=0.0), 22_000),
        ({"phases": 1, "max_current_a": 16.0, "max_power_w": 3_680.0}, CAR, 3_680),
        ({}, i.EvSpec(phases=1, curve="flat", soc=0.0), 7_360),  # one phase of 32 A
        ({"max_current_a": 5.0}, CAR, 0),  # below what a pilot can offer
        (
            {"phases": 0, "max_power_w": 50_000.0, "max_current_a": 500.0, "voltage_v": 400.0, "tethered": True},
            CAR,
            50_000,
        ),
    ):
        lab = bench(evse=evse).plug(ev=ev).present().run(5)
        assert lab.evse().power_w == power_w, (evse, ev)


def test_a_charging_curve_takes_its_steps(lab: Lab) -> None:
    lab.plug(ev=i.EvSpec(battery_wh=20_000, max_ac_w=11_000, max_dc_w=20_000, soc=0.6)).present()
    seen = []
    for _ in range(120):
        lab.run(60)
        seen.append(round(lab.evse().power_w))
    steps = [p for n, p in enumerate(seen) if not n or p != seen[n - 1]]
    assert steps == sorted(steps, reverse=True) and len(steps) >= 4 and steps[-1] == 0
    assert lab.evse().ev is not None and lab.evse().ev.soc == pytest.approx(1.0)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "fault, params",
    [
        ("protection.rcd_trip", {}),
        ("pilot.no_communication", {}),
        ("contactor.stuck_open", {}),
        ("supply.over_voltage", {}),
    ],
)
def test_a_fault_stops_energy(lab: Lab, fault: str, params: dict[str, float]) -> None:
    lab.charge().inject(fault, **params).run(5)
    assert not lab.evse().flowing and lab.evse().power_w == 0
    before = lab.station.board.meters[0].physical_wh(lab.fleet.now)
    lab.run(600)
    assert lab.station.board.meters[0].physical_wh(lab.fleet.now) == before


def test_heat_takes_half_of_the_power(lab: Lab) -> None:
    lab.charge().inject("protection.over_temperature", 1, derate_to=0.25).run(1)
    assert lab.evse().power_w == 5_500
    lab.clear().run(1)
    assert lab.evse().power_w == 11_000


def test_a_power_module_serves_one_evse_at_a_time() -> None:
    lab = bench(evses=2, evse={"power_group": "A"})
    lab.charge(1, "A")
    lab.plug(2).present("B", 2).run(10)
    assert lab.evse(1).flowing and not lab.evse(2).flowing
    assert lab.statuses(2)[-1] == "SuspendedEVSE"
    lab.present("A", 1).run(5)
    assert lab.evse(2).flowing


@pytest.mark.parametrize(
    "stops, unlocks, locked",
    [(True, True, False), (True, False, True), (False, False, True), (False, True, True)],
)
def test_the_cable_after_the_car_end_was_pulled(stops: bool, unlocks: bool, locked: bool) -> None:
    """E09.FR.02-03, E10.FR.01; 1.6 4.10: who may go on keeps the cable locked, whatever else is set."""
    settings = {STOP_ON_EV_SIDE: stops, UNLOCK_ON_EV_SIDE: unlocks}
    lab = bench(settings=settings).charge().unplug(side="ev").run(1)
    assert lab.station.board.locks[0].closed is locked


def test_a_lock_that_cannot_close_keeps_energy_off(lab: Lab) -> None:
    """G05.FR.01."""
    lab.inject("lock.jammed", 1, stuck="open").plug().present().run(10)
    assert lab.evse().lock_failed and not lab.evse().flowing and lab.evse().status == "Faulted"
    lab.clear().run(5)
    assert not lab.evse().lock_failed and lab.evse().flowing


def test_a_welded_contactor_goes_on_feeding_the_car(lab: Lab) -> None:
    lab.charge().inject("contactor.welded", 1).present().run(1)
    assert lab.evse().status == "Faulted" and lab.evse().flowing
    before = lab.station.board.meters[0].physical_wh(lab.fleet.now)
    lab.run(600)
    assert lab.station.board.meters[0].physical_wh(lab.fleet.now) > before + 1_800
    lab.unplug().run(1)
    assert not lab.evse().flowing


def test_energy_stops_with_the_software(lab: Lab) -> None:
    lab.charge()
    lab.ask("Reset", type="Hard")
    assert not lab.station.board.contactors[0].closed
    before = lab.station.board.meters[0].physical_wh(lab.fleet.now)
    lab.run(10)
    assert lab.station.board.meters[0].physical_wh(lab.fleet.now) == before


def test_a_bouncing_pilot_does_not_upset_the_station(lab: Lab) -> None:
    lab.charge().inject("pilot.bouncing", 1, closed_s=20.0, open_s=0.5).run(300).clear().run(30)
    assert all(s.end is not None for s in lab.sessions())


def test_sessions_differ_in_their_first_moments_but_not_between_runs() -> None:
    def first_energy(seed: int) -> int:
        lab = Lab(build(settings={SAMPLE_INTERVAL: 0}), seed=seed).boot().plug().present()
        while not lab.evse().flowing:
            lab.run(0.01)
        return lab.fleet.now

    assert first_energy(1) == first_energy(1)
    assert len({first_energy(seed) for seed in range(5)}) > 1


def test_an_evse_without_power_group_has_its_own() -> None:
    station = Station("X", build(hardware=HardwareSpec(modem=AT_ONCE), evses=2), seed=1)
    assert [e.spec for e in station.evses] == [EvseSpec(1), EvseSpec(2)]
