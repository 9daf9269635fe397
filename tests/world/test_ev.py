"""Cars: limits, curves, and energy that adds up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.inputs import EvSpec
from simulator.errors import AuthorError, UnknownName
from simulator.world.ev import CURVES, Ev

H = 3_600_000_000
FLAT = EvSpec(battery_wh=60_000, soc=0.5, max_ac_w=11_000, max_dc_w=100_000, phases=3, curve="flat")


def ev(**changes: object) -> Ev:
    return Ev(EvSpec(**{**{name: getattr(FLAT, name) for name in FLAT.__struct_fields__}, **changes}))


@pytest.mark.parametrize(
    ("phases_of_car", "offer", "power"),
    [
        (3, (22_000, 3, 230.0, 32.0), 11_000),  # the on-board charger
        (3, (22_000, 3, 230.0, 10.0), 6_900),  # the offered current, three times
        (3, (22_000, 1, 230.0, 16.0), 3_680),  # only one phase there
        (1, (22_000, 3, 230.0, 16.0), 3_680),  # only one phase used
        (2, (22_000, 3, 230.0, 16.0), 7_360),
        (3, (5_000, 3, 230.0, 32.0), 5_000),  # the offered power
        (3, (4_139, 3, 230.0, 32.0), 0),  # less than 6 A a phase
        (3, (4_140, 3, 230.0, 32.0), 4_140),
        (1, (1_400, 3, 230.0, 32.0), 1_400),
        (3, (22_000, 3, 230.0, 5.99), 0),
        (3, (22_000, 3, 230.0, 6.0), 4_140),
        (3, (0, 3, 230.0, 32.0), 0),
        (3, (22_000, 3, 0.0, 32.0), 0),
        (3, (150_000, 0, 400.0, 500.0), 100_000),  # DC: the car
        (3, (50_000, 0, 400.0, 500.0), 50_000),  # the station
        (3, (50_000, 0, 400.0, 100.0), 40_000),  # the cable
        (3, (1_000, 0, 400.0, 500.0), 1_000),  # no least current
    ],
)
def test_what_a_car_draws(phases_of_car: int, offer: tuple[float, int, float, float], power: float) -> None:
    assert ev(phases=phases_of_car).power_w(*offer) == pytest.approx(power)


def test_a_car_without_dc_draws_none() -> None:
    assert ev(max_dc_w=0).power_w(50_000, 0, 400.0, 500.0) == 0.0
    assert ev(max_dc_w=0).power_w(22_000, 3, 230.0, 32.0) == 11_000.0


def test_the_curve_bounds_the_power_step_by_step() -> None:
    car = ev(curve="li-ion", soc=0.75)
    offer = (150_000, 0, 400.0, 500.0)
    assert car.power_w(*offer) == pytest.approx(55_000)
    wait = car.until_change_us(55_000)
    assert wait == pytest.approx(0.05 * 60_000 / 55_000 * H, abs=2)
    assert wait is not None
    car.take(55_000 * wait / H)
    assert car.soc == 0.8 and car.power_w(*offer) == pytest.approx(35_000)


def test_a_car_stops_at_its_target_and_when_it_suspends() -> None:
    car = ev(soc=0.79, target_soc=0.8)
    assert car.ready
    wait = car.until_change_us(11_000)
    assert wait is not None
    car.take(11_000 * wait / H)
    assert not car.ready and car.power_w(22_000, 3, 230.0, 32.0) == 0.0 and car.until_change_us(11_000) is None
    car = ev()
    car.ready = False
    assert not car.ready and not car.wants and car.power_w(22_000, 3, 230.0, 32.0) == 0.0
    car.ready = True
    assert car.ready and ev(soc=1.0).ready is False


@pytest.mark.parametrize(
    ("phases_of_car", "phases", "currents"),
    [(3, 3, (10, 10, 10)), (1, 3, (30, 0, 0)), (2, 3, (15, 15, 0)), (3, 1, (30, 0, 0)), (3, 0, (30, 0, 0))],
)
def test_phase_currents(phases_of_car: int, phases: int, currents: tuple[float, float, float]) -> None:
    assert ev(phases=phases_of_car).phase_currents(6_900, phases, 230.0) == pytest.approx(currents)
    assert ev().phase_currents(0, phases, 230.0) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("soc", 1.2), ("soc", -0.1), ("battery_wh", 0), ("phases", 0), ("phases", 4), ("max_ac_w", -1), ("target_soc", 2)],
)
def test_what_is_no_car_is_refused(field: str, value: float) -> None:
    with pytest.raises(AuthorError) as caught:
        ev(**{field: value})
    assert caught.value.field == f"ev.{field}"


def test_an_unknown_curve_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown charging curve 'liion'; did you mean 'li-ion'"):
        ev(curve="liion")


@pytest.mark.parametrize("name", CURVES)
def test_curves_are_tables_from_empty_to_full(name: str) -> None:
    starts, shares = zip(*CURVES.get(name), strict=True)
    assert starts[0] == 0.0 and list(starts) == sorted(set(starts)) and starts[-1] < 1.0
    assert all(0.0 < share <= 1.0 for share in shares)


@given(
    battery_wh=st.floats(500, 200_000),
    soc=st.floats(0, 1),
    target=st.floats(0, 1),
    curve=st.sampled_from(sorted(CURVES)),
    offer_w=st.floats(1_400, 400_000),
    dc=st.booleans(),
)
def test_law_a_car_reaches_its_target_in_few_exact_steps(
    battery_wh: float, soc: float, target: float, curve: str, offer_w: float, dc: bool
) -> None:
    car = ev(battery_wh=battery_wh, soc=soc, target_soc=target, curve=curve, max_dc_w=150_000)
    taken, steps = 0.0, 0
    while (power := car.power_w(offer_w, 0 if dc else 3, 400.0 if dc else 230.0, 500.0 if dc else 32.0)) > 0.0:
        assert power <= min(offer_w, car.accepts_w(), 150_000.0 if dc else 11_000.0)
        wait = car.until_change_us(power)
        assert wait is not None and wait > 0
        before = car.soc
        car.take(power * wait / H)
        taken += power * wait / H
        assert car.soc > before, "every step gets on"
        steps += 1
        assert steps <= len(CURVES.get(curve)) + 1
    assert taken == pytest.approx((car.soc - soc) * battery_wh, abs=0.01)
    if steps:
        assert car.soc == pytest.approx(target, abs=1e-5) and not car.ready


@given(soc=st.floats(0, 1), parts=st.lists(st.floats(0, 5_000), max_size=20))
def test_law_energy_adds_up_and_never_overfills(soc: float, parts: list[float]) -> None:
    car = ev(soc=soc)
    for part in parts:
        before = car.soc
        car.take(part)
        assert before <= car.soc <= 1.0
    assert car.soc == pytest.approx(min(soc + sum(parts) / 60_000, 1.0), abs=1e-7)
