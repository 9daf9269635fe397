"""The board: routing of faults, its version counter, power cuts, and what it costs."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.model import EvseSpec, HardwareSpec, Identity, Model
from simulator.core.rng import Rng
from simulator.errors import AuthorError, UnknownName
from simulator.hardware.board import MAX_ACTIVE, PER_EVSE, STATION_WIDE, Board
from simulator.hardware.fault import FAULTS

MODEL = Model("t", None, Identity("a", "b"), (EvseSpec(1), EvseSpec(2)), HardwareSpec(), ())


def fresh(seed: int = 1) -> Board:
    return Board(MODEL, Rng(seed), 1_700_000_000_000_000, 0, 1000.0)


def state(board: Board, now: int) -> tuple[object, ...]:
    """Everything a station can see or feel."""
    return (
        [meter.sample(now) for meter in board.meters],
        [lock.closed for lock in board.locks],
        [contactor.closed for contactor in board.contactors],
        [(pilot.plugged, pilot.ev_ready) for pilot in board.pilots],
        board.reader.read("0102", now),
        (board.flash.capacity_bytes, board.flash.dump()),
        (board.modem.up(now), board.modem.passes(now), board.modem.rtt_ms(now)),
        (board.supply.mains, board.supply.voltage_share),
        [board.protection.limit_share(n) for n in (1, 2)],
        [board.live(n) for n in (1, 2)],
        [board.problems(n) for n in (0, 1, 2)],
    )


def test_every_part_of_a_fault_name_is_on_the_board() -> None:
    parts = {FAULTS.get(name).part for name in FAULTS}
    assert parts == {*PER_EVSE, *STATION_WIDE, "protection", "thermal"}
    board = fresh()
    assert all(hasattr(board, name) for name in (*PER_EVSE.values(), *STATION_WIDE, "protection"))


def test_inject_and_clear(board: Board) -> None:
    assert board.active == {}
    fault = board.inject("f", "meter.no_readings", 2, {}, 5)
    assert (fault.name, fault.since, fault.evse_id) == ("meter.no_readings", 5, 2)
    active = board.active["f"]
    assert (active.fault_id, active.name, active.evse_id, active.fault, active.since) == (
        "f", "meter.no_readings", 2, fault, 5,
    )  # fmt: skip
    assert board.meters[0].sample(6) is not None and board.meters[1].sample(6) is None
    assert board.clear("f", 7) == "meter.no_readings" and board.clear("f", 8) is None and board.active == {}


def test_evse_0_means_every_evse_with_its_own_fault(board: Board) -> None:
    board.meters[0].set_flow(1000.0, (4.0, 0.0, 0.0), 230.0, 0)
    board.inject("f", "meter.register_frozen", 0, {}, 0)
    first, second = (instance[1] for instance in board.active["f"].instances)
    assert first is not second and first.seed != second.seed
    board.inject("g", "meter.no_readings", 0, {}, 1)
    assert [(p.evse_id) for p in board.problems(1)] == [1] and [(p.evse_id) for p in board.problems(2)] == [2]
    assert board.problems(0) == (), "the station as a whole has none"
    board.clear("g", 2)
    board.clear("f", 2)
    assert all(meter.faults == () for meter in board.meters)


@pytest.mark.parametrize(
    ("name", "evse_id", "params", "message"),
    [
        ("meter.no_readings", 3, {}, "evse_id: no EVSE 3; this station has 1 to 2, and 0 means all"),
        ("meter.no_readings", -1, {}, "evse_id: no EVSE -1; this station has 1 to 2, and 0 means all"),
        ("protection.rcd_trip", 3, {}, "evse_id: no EVSE 3; this station has 1 to 2, and 0 means all"),
        ("modem.outage", 1, {}, "evse_id: modem.outage concerns the whole station; leave evse_id at 0"),
        ("meter.noise", 0, {"permile": 5}, "permile: meter.noise has no such parameter; did you mean 'permille'?"),
    ],
)
def test_what_cannot_be_injected_changes_nothing(
    board: Board, name: str, evse_id: int, params: dict[str, int], message: str
) -> None:
    before = board.version
    with pytest.raises(AuthorError) as caught:
        board.inject("f", name, evse_id, params, 0)
    assert str(caught.value) == message and board.active == {} and board.version == before


def test_unknown_names_used_ids_and_too_many(board: Board) -> None:
    with pytest.raises(UnknownName, match=r"unknown fault 'modem\.outge'; did you mean 'modem\.outage'"):
        board.inject("f", "modem.outge", 0, {}, 0)
    board.inject("f", "modem.outage", 0, {}, 0)
    with pytest.raises(AuthorError, match=r"fault 'f' \(modem\.outage\) is active already"):
        board.inject("f", "modem.slow", 0, {}, 0)
    for number in range(MAX_ACTIVE - 1):
        board.inject(f"s{number}", "modem.slow", 0, {}, 0)
    with pytest.raises(AuthorError, match=f"at most {MAX_ACTIVE} faults"):
        board.inject("more", "modem.slow", 0, {}, 0)


def test_problems_are_cached_until_something_changes(board: Board) -> None:
    board.inject("a", "reader.dead", 0, {}, 0)
    seen = board.problems(1)
    assert board.problems(1) is seen
    board.inject("b", "modem.weak_signal", 0, {}, 0)
    assert [p.code for p in board.problems(1)] == ["reader_failure", "weak_signal"], "oldest first"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_changes_the_version_and_leaves_no_trace_in_the_chains(name: str) -> None:
    board = fresh()
    before = board.version
    board.inject("f", name, 0, {}, 10)
    assert board.version > before and board.active["f"].name == name
    before = board.version
    assert board.clear("f", 20) == name and board.version > before
    assert board.next_change(20) is None
    once_only = {"meter.register_reset"}
    if name not in once_only:
        assert state(board, 30) == state(fresh(), 30)


def test_a_power_cut_stops_the_flow_and_opens_what_can_open(board: Board) -> None:
    for number in range(2):
        board.contactors[number].drive(True, 0)
        board.locks[number].drive(True, 0)
        board.meters[number].set_flow(3600.0, (16.0, 0.0, 0.0), 230.0, 0)
    board.inject("w", "contactor.welded", 2, {}, 0)
    assert board.power_cut(1_000_000) == () and not board.powered
    assert [c.closed for c in board.contactors] == [False, True] and not any(lock.closed for lock in board.locks)
    assert [m.physical_wh(9_000_000) - 12_345.6 for m in board.meters] == pytest.approx([1.0, 1.0])
    assert board.contactors[0].drive(True, 2_000_000) is False
    board.power_up(3_000_000)
    version = board.version
    board.power_up(3_000_001)
    assert board.powered and board.version == version, "powering up twice is nothing"
    assert board.live(2) and not board.live(1)


def test_each_meter_can_have_its_own_register(make_board: Callable[..., Board]) -> None:
    assert [m.physical_wh(0) for m in make_board(register_wh=(1.0, 2.0)).meters] == [1.0, 2.0]
    with pytest.raises(AssertionError):
        make_board(register_wh=(1.0,))


def test_the_board_draws_no_lot_from_the_stations_counters() -> None:
    rng = Rng(5)
    board = Board(MODEL, rng, 0, 0, 0.0)
    for number, name in enumerate(FAULTS):
        board.inject(str(number), name, 0, {}, 0)
    state(board, 1_000_000)
    board.power_cut(2_000_000)
    assert rng.counters == {}


def test_a_change_is_not_slept_through(board: Board) -> None:
    board.inject("f", "modem.flapping", 0, {"up_s": 9, "down_s": 1, "jitter": 0}, 0)
    assert board.next_change(0) == 1_000_000
    assert board.next_change(4_000_000) == 1_000_000, "nobody has advanced to it"
    board.advance(4_000_000)
    assert board.next_change(4_000_000) == 10_000_000
    board.inject("g", "modem.flapping", 0, {"up_s": 9, "down_s": 1, "jitter": 0}, 5_000_000)
    assert board.next_change(5_000_000) == 6_000_000


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("inject"), st.sampled_from(sorted(FAULTS)), st.sampled_from([0, 1, 2])),
        st.tuples(st.just("clear"), st.integers(0, 9)),
        st.tuples(st.just("drive"), st.booleans(), st.booleans()),
        st.tuples(st.just("plug"), st.booleans()),
        st.tuples(st.just("power"), st.booleans()),
        st.tuples(st.just("write"), st.integers(0, 4)),
        st.tuples(st.just("wait"), st.integers(0, 100_000_000)),
    ),
    max_size=30,
)


def play(board: Board, actions: list[tuple[object, ...]]) -> list[object]:
    """The states after each action; waiting goes from change to change."""
    now, seen = 0, []
    for number, (action, *args) in enumerate(actions):
        before, old = state(board, now), board.version
        if action == "inject":
            try:
                board.inject(str(number), args[0], args[1], {}, now)
            except AuthorError:
                assert state(board, now) == before and board.version == old
        elif action == "clear":
            board.clear(list(board.active)[args[0] % len(board.active)] if board.active else "none", now)
        elif action == "drive":
            board.contactors[0].drive(args[0], now)
            board.locks[0].drive(args[1], now)
        elif action == "plug":
            board.pilots[0].set_plugged(args[0], now)
            board.pilots[0].set_ev_ready(True, now)
        elif action == "power":
            seen.append(board.power_cut(now) if not args[0] else board.power_up(now))
        elif action == "write":
            board.flash.write("a", args[0], number, 10)
        else:
            until = now + args[0]
            while (due := board.next_change(now)) is not None and due <= until:
                assert due > now, "the next change lies ahead"
                now = due
                board.advance(now)
            now = until
            board.advance(now)
        ports, then = state(board, now)[1:5] + state(board, now)[6:], before[1:5] + before[6:]
        assert ports == then or board.version > old, "no change without a new version"
        seen.append(state(board, now))
    for fault_id in list(board.active):
        board.clear(fault_id, now)
    board.power_up(now)
    assert all(part.faults == () for part in (*board.meters, *board.contactors, board.flash, board.modem, board.rtc))
    assert [board.problems(n) for n in (0, 1, 2)] == [(), (), ()] and board.next_change(now) is None
    return seen


@given(ACTIONS, st.integers(0, 99))
def test_law_the_same_seed_gives_the_same_board(actions: list[tuple[object, ...]], seed: int) -> None:
    assert play(fresh(seed), actions) == play(fresh(seed), actions)


def test_budget_of_an_idle_board() -> None:
    one_evse = Model("t", None, Identity("a", "b"), (EvseSpec(1),), HardwareSpec(), ())
    rngs = [Rng(seed) for seed in range(500)]
    Board(one_evse, rngs[0], 1_700_000_000_000_000, 0, 1234.5)
    gc.collect()
    tracked = len(gc.get_objects())
    tracemalloc.start()
    try:
        start = tracemalloc.get_traced_memory()[0]
        boards = [Board(one_evse, rng, 1_700_000_000_000_000 + n, n, 1234.5 + n) for n, rng in enumerate(rngs)]
        used = (tracemalloc.get_traced_memory()[0] - start) / len(boards)
    finally:
        tracemalloc.stop()
    gc.collect()
    assert used < 1536, f"{used:.0f} bytes"
    assert (len(gc.get_objects()) - tracked) / len(boards) < 3
