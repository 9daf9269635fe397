"""The meter: exact energy, an honest register, and every way to spoil a reading."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.model import EvseSpec, HardwareSpec, Identity, MeterSpec, Model
from simulator.core.rng import Rng
from simulator.hardware.board import Board
from simulator.hardware.fault import FAULTS, Pulse
from simulator.hardware.meter import Meter, MeterFault, Reading

H = 3_600_000_000
AMPS = (16.0, 16.0, 16.0)


def flowing(make_board: Callable[..., Board], **hardware: object) -> tuple[Board, Meter]:
    board = make_board(evses=1, register_wh=1000.0, **hardware)
    board.meters[0].set_flow(11_000.0, AMPS, 230.0, 0)
    return board, board.meters[0]


def register(meter: Meter, now: int) -> float:
    reading = meter.sample(now)
    assert reading is not None and reading.energy_wh is not None
    return reading.energy_wh


def test_energy_is_the_integral_of_the_flow(make_board: Callable[..., Board]) -> None:
    _, meter = flowing(make_board)
    meter.set_flow(3_600.0, (5.0, 5.0, 5.0), 230.0, H)
    meter.set_flow(0.0, (0.0, 0.0, 0.0), 0.0, H + 1_000_000)
    assert meter.physical_wh(H + 1_000_000) == pytest.approx(1000.0 + 11_000.0 + 1.0)
    assert meter.physical_wh(9 * H) == meter.physical_wh(2 * H)
    assert meter.sample(2 * H) == Reading(12_001.0, 0.0, (0.0, 0.0, 0.0), 0.0)


@pytest.mark.parametrize(
    ("step", "energy", "shown"),
    [(1.0, 9.999, 9.0), (10.0, 119.9, 110.0), (0.1, 0.3, 0.3), (0.1, 1234.68, 1234.6), (0.0, 1.23, 1.23)],
)
def test_the_register_is_rounded_down_to_its_resolution(step: float, energy: float, shown: float) -> None:
    assert Meter(Pulse(), spec=MeterSpec(resolution_wh=step)).rounded(energy) == shown


def test_each_meter_has_a_fixed_error_of_its_own(make_board: Callable[..., Board]) -> None:
    boards = [make_board(seed=s, register_wh=5000.0, meter=MeterSpec(1.0, accuracy_permille=10)) for s in range(50)]
    gains = [meter.gain for board in boards for meter in board.meters]
    assert len(set(gains)) == 100 and 0.99 <= min(gains) < 0.995 and 1.005 < max(gains) <= 1.01
    meter = boards[0].meters[1]
    assert register(meter, 0) == 5000.0, "the error is in the counting, not in where the register stands"
    meter.set_flow(10_000.0, AMPS, 230.0, 0)
    assert meter.physical_wh(10 * H) == pytest.approx(105_000.0)
    assert register(meter, 10 * H) == int(5000.0 + 100_000.0 * meter.gain)
    reading = meter.sample(H)
    assert reading is not None and reading.power_w == pytest.approx(10_000.0 * meter.gain)


def test_no_readings(make_board: Callable[..., Board]) -> None:
    for stops in (True, False):
        board, meter = flowing(make_board, meter=MeterSpec(1.0, stop_when_dead=stops))
        board.inject("f", "meter.no_readings", 1, {}, H)
        assert meter.sample(H) is None
        assert [(p.code, p.blocks, p.evse_id) for p in board.problems(1)] == [("meter_failure", stops, 1)]
        board.clear("f", 2 * H)
        assert register(meter, 2 * H) == 23_000.0 and board.problems(1) == ()


@pytest.mark.parametrize(("catches_up", "after"), [(True, 34_000.0), (False, 23_000.0)])
def test_register_frozen(make_board: Callable[..., Board], catches_up: bool, after: float) -> None:
    board, meter = flowing(make_board)
    board.inject("f", "meter.register_frozen", 1, {"catches_up": catches_up}, H)
    reading = meter.sample(2 * H)
    assert reading == Reading(12_000.0, 11_000.0, AMPS, 230.0) and meter.physical_wh(2 * H) == 23_000.0
    board.clear("f", 2 * H)
    assert register(meter, 3 * H) == after and meter.physical_wh(3 * H) == 34_000.0
    assert board.problems(1) == (), "the station does not notice"


def test_register_reset(make_board: Callable[..., Board]) -> None:
    board, meter = flowing(make_board)
    board.inject("f", "meter.register_reset", 1, {"value_wh": 50.0}, H)
    assert register(meter, H) == 50.0 and register(meter, 2 * H) == 11_050.0
    board.clear("f", 2 * H)
    assert register(meter, 3 * H) == 22_050.0, "a reset cannot be taken back"
    assert meter.physical_wh(3 * H) == 34_000.0


def test_drop_outs_by_lot_and_by_period(make_board: Callable[..., Board]) -> None:
    board, meter = flowing(make_board)
    board.inject("f", "meter.drop_outs", 1, {"share": 0.3}, H)
    lost = [meter.sample(H + n * 1_000_000) is None for n in range(2000)]
    assert 0.26 < sum(lost) / 2000 < 0.34
    assert lost == [meter.sample(H + n * 1_000_000) is None for n in range(2000)], "asking again changes nothing"
    board.clear("f", 2 * H)
    board.inject("g", "meter.drop_outs", 1, {"share": 0.4, "period_s": 10}, 2 * H)
    lost = [meter.sample(2 * H + n * 1_000_000) is None for n in range(20)]
    assert lost == ([True] * 4 + [False] * 6) * 2
    board.clear("g", 2 * H)
    assert all(meter.sample(2 * H + n * 1_000_000) for n in range(20))


def test_noise_scatters_and_what_was_counted_wrong_stays(make_board: Callable[..., Board]) -> None:
    board, meter = flowing(make_board)
    board.inject("f", "meter.noise", 1, {"permille": 100}, 0)
    powers, last = set(), 0.0
    for n in range(1, 61):
        reading = meter.sample(n * H // 60)
        assert reading is not None and reading.power_w is not None and reading.energy_wh is not None
        assert reading.currents_a is not None and len(set(reading.currents_a)) == 3
        assert 9_900.0 <= reading.power_w <= 12_100.0
        assert reading == meter.sample(n * H // 60), "asking again changes nothing"
        powers.add(reading.power_w)
        last = reading.energy_wh
    assert len(powers) == 60 and last != 12_000.0 and last == pytest.approx(12_000.0, abs=1_100.0)
    board.clear("f", H)
    assert register(meter, H) == pytest.approx(last, abs=1.0) and register(meter, H) >= last
    assert register(meter, 2 * H) == pytest.approx(last + 11_000.0, abs=1.0)


def test_noise_with_jitter_lets_single_readings_fall(make_board: Callable[..., Board]) -> None:
    board, meter = flowing(make_board)
    board.inject("f", "meter.noise", 1, {"permille": 0, "jitter_wh": 500}, 0)
    seen = [register(meter, n * 1_000_000) for n in range(50)]
    assert any(b < a for a, b in pairwise(seen))
    board.clear("f", 60_000_000)
    assert register(meter, H) == 12_000.0


def test_noise_around_lost_counts_does_not_make_the_register_fall(make_board: Callable[..., Board]) -> None:
    for seed in range(20):
        board, meter = flowing(make_board, seed=seed)
        board.inject("noise", "meter.noise", 1, {"permille": 1000}, 0)
        register(meter, H)
        board.inject("frozen", "meter.register_frozen", 1, {"catches_up": False}, H)
        held = register(meter, H)
        assert register(meter, 3 * H) == held
        board.clear("frozen", 3 * H)
        assert register(meter, 3 * H + seed) >= held


def test_wrong_unit(make_board: Callable[..., Board]) -> None:
    board, meter = flowing(make_board)
    board.inject("f", "meter.wrong_unit", 1, {"factor": 0.001}, 0)
    assert meter.sample(H) == Reading(12.0, 11.0, AMPS, 230.0)
    board.clear("f", H)
    assert register(meter, H) == 12_000.0


def test_power_missing(make_board: Callable[..., Board]) -> None:
    board, meter = flowing(make_board)
    board.inject("f", "meter.power_missing", 1, {}, 0)
    assert meter.sample(H) == Reading(12_000.0, None, None, None)
    board.inject("g", "meter.wrong_unit", 1, {}, 0)
    assert meter.sample(H) == Reading(12_000_000.0, None, None, None)
    board.clear("g", H)
    board.clear("f", H)
    assert meter.sample(H) == Reading(12_000.0, 11_000.0, AMPS, 230.0)


def test_faults_are_stacked_from_the_inside_out(make_board: Callable[..., Board]) -> None:
    board, meter = flowing(make_board)
    board.inject("unit", "meter.wrong_unit", 1, {}, 0)
    board.inject("frozen", "meter.register_frozen", 1, {}, H)
    assert register(meter, 2 * H) == 12_000_000.0, "the register freezes first, the unit comes after it"


def test_an_import_meter_does_not_count_backwards(make_board: Callable[..., Board]) -> None:
    _, meter = flowing(make_board)
    with pytest.raises(AssertionError):
        meter.set_flow(-1.0, AMPS, 230.0, H)
    meter.set_flow(1.0, AMPS, 230.0, H)
    with pytest.raises(AssertionError):
        meter.physical_wh(H - 1)


HONEST = sorted(name for name in FAULTS if issubclass(cls := FAULTS.get(name), MeterFault) and not cls().falls())
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("flow"), st.floats(0, 350_000)),
        st.tuples(st.just("wait"), st.integers(0, 40 * H)),
        st.tuples(st.just("inject"), st.sampled_from(HONEST), st.booleans()),
        st.tuples(st.just("clear"), st.integers(0, 5)),
    ),
    max_size=25,
)


@given(
    steps=STEPS, seed=st.integers(0, 999), step_wh=st.sampled_from([0.0, 0.1, 1.0, 10.0]), start=st.floats(0, 1e7)
)  # fmt: skip
def test_law_the_register_never_falls_unless_a_fault_says_so(
    steps: list[tuple[Any, ...]], seed: int, step_wh: float, start: float
) -> None:
    spec = HardwareSpec(meter=MeterSpec(step_wh, accuracy_permille=20))
    model = Model("t", cast(Any, None), Identity("a", "b"), (EvseSpec(1),), spec, ())
    board, undisturbed = (Board(model, Rng(seed), 0, 0, start) for _ in range(2))
    meter, healthy = board.meters[0], undisturbed.meters[0]
    now, shown = 0, 0.0
    for number, (action, *args) in enumerate(steps):
        if action == "flow":
            for one in (meter, healthy):
                one.set_flow(args[0], AMPS, 230.0, now)
        elif action == "wait":
            before = meter.physical_wh(now)
            now += args[0]
            assert meter.physical_wh(now) >= before
        elif action == "inject":
            name, flag = args
            board.inject(f"f{number}", name, 0, {"catches_up": flag} if name == "meter.register_frozen" else {}, now)
        elif board.active:
            board.clear(list(board.active)[args[0] % len(board.active)], now)
        assert meter.physical_wh(now) == healthy.physical_wh(now), "no fault touches what the car took"
        reading = meter.sample(now)
        assert meter.sample(now) == reading, "asking twice changes nothing"
        if reading is not None and reading.energy_wh is not None:
            assert reading.energy_wh >= shown
            shown = reading.energy_wh
