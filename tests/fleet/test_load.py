"""Plans and farms of load tests: which stations there are, what is handed on, and stations that come and go."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from simulator.core import records as r
from simulator.errors import AuthorError, FleetError, TargetError
from simulator.fleet.live import Seat
from simulator.fleet.load import (
    CALLS_MAX,
    Batch,
    LoadFarm,
    LoadOptions,
    LoadPlan,
    Mix,
    load_plan,
    locust_bucket,
)
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report.redact import Redactor
from simulator.resources import loadtests_dir

URL = "ws://127.0.0.1:9000"


def plan(**options: Any) -> LoadPlan:
    return load_plan(LoadOptions(**{"host": URL, **options}), hostname="host", environ={})


def fleet_file(folder: Path, text: str) -> Path:
    path = folder / "fleet.yaml"
    path.write_text(text)
    return path


# --- the plan --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [(1,), (1, 1), (70, 20, 10), (1, 3), (99, 1)])
def test_kinds_take_turns_in_proportion(weights: tuple[int, ...]) -> None:
    mix = Mix(weights)
    kinds = [mix.kind(index) for index in range(sum(weights) * 3)]
    assert Counter(kinds) == {kind: weight * 3 for kind, weight in enumerate(weights)}
    half = Counter(kinds[: len(kinds) // 2])
    for kind, weight in enumerate(weights):
        assert abs(half[kind] - weight * 1.5) <= len(weights)
    assert Mix(weights).kind(len(kinds) - 1) == kinds[-1]  # whatever was asked for before


def test_a_station_has_its_id_seed_and_serial_from_worker_and_number() -> None:
    one = plan(id_prefix="LOAD-", seed=7)
    stations = [one.station(worker, number) for worker in (0, 1, 12) for number in (1, 2, 99_999)]
    assert [station.id for station in stations[:4]] == [
        "LOAD-00-00001",
        "LOAD-00-00002",
        "LOAD-00-99999",
        "LOAD-01-00001",
    ]
    for name in ("id", "seed", "index", "number"):
        assert len({getattr(station, name) for station in stations}) == len(stations), name
    assert len({station.serial for station in stations if station.serial is not None}) in (0, len(stations))
    assert plan(id_prefix="LOAD-", seed=7).station(1, 2).seed == one.station(1, 2).seed
    assert plan(id_prefix="LOAD-", seed=8).station(1, 2).seed != one.station(1, 2).seed


def test_without_a_word_about_it_three_in_ten_connectors_charge() -> None:
    habit = plan().station(0, 1).habit
    assert habit is not None and habit.steady
    assert habit == plan(charging="30%").station(0, 1).habit
    assert habit != plan(charging="60%").station(0, 1).habit
    assert plan(charging="0%").station(0, 1).habit is None


def test_a_fleet_file_gives_the_mix_and_options_win(tmp_path: Path) -> None:
    path = fleet_file(
        tmp_path,
        "seed: 5\ngroups:\n- {name: a, count: 30, version: '1.6'}\n"
        "- {name: b, count: 10, version: '2.0.1', habit: home}\n",
    )
    one = plan(fleet=path)
    assert one.fleet.seed == 5 and one.fleet.stations == ()
    groups = Counter(one.station(0, number).group for number in range(1, 41))
    assert groups == {"a": 30, "b": 10}
    assert {one.station(0, number).habit for number in range(1, 5)} >= {None}
    louder = plan(fleet=path, charging="50%", seed=6)
    assert louder.fleet.seed == 6
    assert all(louder.station(0, number).habit is not None for number in range(1, 5))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("groups: [{id: 'CP-{n}', count: 2}]", "groups[0].id"),
        ("groups: [{stations: list.csv}]", "groups[0].stations"),
        ("faults: [{fault: meter.register_frozen, for: 10s}]", "faults"),
    ],
)
def test_what_a_load_test_cannot_keep_is_refused(tmp_path: Path, text: str, field: str) -> None:
    (tmp_path / "list.csv").write_text("id\nA\n")
    with pytest.raises(FleetError) as caught:
        plan(fleet=fleet_file(tmp_path, text + "\n"))
    assert caught.value.field == field and "not supported under Locust" in str(caught.value)


def test_a_load_test_needs_a_csms_and_a_usable_prefix(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="no CSMS"):
        plan(host=None)
    with pytest.raises(AuthorError, match="--id-prefix"):
        plan(id_prefix="a:b")
    own = fleet_file(tmp_path, f"target: {{url: '{URL}'}}\n")
    assert plan(host=None, fleet=own).target.fields.url == URL
    with pytest.raises(AuthorError, match="beside the fleet's own target"):
        plan(host=None, fleet=own, security_profile=0)
    assert plan(host="wss://127.0.0.1:9000").target.is_tls


def test_a_target_file_has_its_url_from_the_option(tmp_path: Path) -> None:
    file = tmp_path / "target.yaml"
    file.write_text("url: ws://127.0.0.1:1\ntokens: {valid: [AA, BB]}\nauth: {password: secret-one, format: text}\n")
    one = plan(target=file)
    assert one.target.fields.url == URL and one.target.fields.tokens.valid == ("AA", "BB")
    assert plan(host=None, target=file).target.fields.url == "ws://127.0.0.1:1"
    assert "secret-one" not in repr(LoadOptions(password="secret-one"))


def test_somebody_elses_system_wants_permission() -> None:
    far = plan(host="ws://csms.example.com")
    far.guard(50)
    with pytest.raises(TargetError, match="51 stations"):
        far.guard(51)
    far.guard(51, lambda name: ["10.0.0.1"])
    plan(host="ws://csms.example.com", may_test_this=True).guard(51)


# --- batches ---------------------------------------------------------------------------------------------------------


def a_farm(loop: asyncio.AbstractEventLoop, one: LoadPlan, *, each_call: bool = False) -> LoadFarm:
    return LoadFarm(
        one,
        each_call=each_call,
        loop=loop,
        user_agent="test",
        metrics=RunMetrics(),
        ledger=Ledger(),
        redactor=Redactor(()),
    )


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One that never runs: what is due stays due."""
    with closing(asyncio.new_event_loop()) as it:
        yield it


def tell(farm: LoadFarm, seat: Seat, what: r.AnyRecord, *, real_us: int = 0) -> None:
    """A record, as the live driver hands it on after a response time of ``real_us``."""
    seat.sent_us, seat.arrived_us = 1000, 1000 + real_us
    farm.live._record(seat, what, 0)


def ok(action: str = "Heartbeat") -> r.CallFinished:
    return r.CallFinished(action, "ok", 7, 0)


def rows(batch: Batch) -> dict[tuple[str, str], tuple[int, int]]:
    return {(row.method, row.name): (row.count, row.untimed) for row in batch.rows}


def test_a_batch_has_what_was_added_since_the_last_one(loop: asyncio.AbstractEventLoop) -> None:
    farm = a_farm(loop, plan())
    seat = farm.add_station(farm_plan := plan().station(0, 1))
    assert farm_plan.id == seat.station.id
    assert not farm.batch()
    for real_us in (400, 400, 147_000):
        tell(farm, seat, ok(), real_us=real_us)
    tell(farm, seat, ok("Authorize"), real_us=2000)
    first = farm.batch()
    assert rows(first) == {("OCPP1.6", "Heartbeat"): (3, 0), ("OCPP1.6", "Authorize"): (1, 0)}
    heartbeat = next(row for row in first.rows if row.name == "Heartbeat")
    assert heartbeat.total_ms == 147.8 and sum(heartbeat.times_ms.values()) == 3
    assert sorted(heartbeat.times_ms) == pytest.approx([0.4, 147], rel=0.032)
    assert not first.failures and not farm.batch()
    tell(farm, seat, ok(), real_us=5000)
    assert rows(farm.batch()) == {("OCPP1.6", "Heartbeat"): (1, 0)}


def test_failures_stand_in_the_count_and_have_their_text(loop: asyncio.AbstractEventLoop) -> None:
    farm = a_farm(loop, plan())
    seat = farm.add_station(plan().station(0, 1))
    tell(farm, seat, r.CallFinished("Authorize", "callerror", 1, 0, "InternalError"), real_us=3000)
    tell(farm, seat, r.CallFinished("Authorize", "timeout", 30_000_000, 0))
    tell(farm, seat, r.CallFinished("Authorize", "lost", 1000, 0))
    tell(farm, seat, ok("Authorize"), real_us=3000)
    tell(farm, seat, r.ConnectFailed("http_status", 401))
    tell(farm, seat, r.Connected(2000, False))
    tell(farm, seat, r.Disconnected("closed", 1001))
    batch = farm.batch()
    assert rows(batch) == {("OCPP1.6", "Authorize"): (4, 0), ("WS", "connect"): (2, 1), ("WS", "disconnect"): (1, 1)}
    assert batch.failures == {
        ("OCPP1.6", "Authorize", "callerror InternalError"): 1,
        ("OCPP1.6", "Authorize", "timeout"): 1,
        ("OCPP1.6", "Authorize", "lost"): 1,
        ("WS", "connect", "http_401"): 1,
        ("WS", "disconnect", "closed 1001"): 1,
    }


def test_what_we_cut_is_counted_and_no_failure(loop: asyncio.AbstractEventLoop) -> None:
    farm = a_farm(loop, plan())
    seat = farm.add_station(plan().station(0, 1))
    farm._cut.add(seat.index)
    tell(farm, seat, r.Disconnected("reset", 0))
    tell(farm, seat, r.CallFinished("Heartbeat", "lost", 1000, 0))
    batch = farm.batch()
    assert rows(batch) == {("OCPP1.6", "Heartbeat"): (1, 0)} and not batch.failures
    tell(farm, seat, r.Connected(2000, True))
    tell(farm, seat, r.Disconnected("reset", 0))  # the next one is not ours
    assert farm.batch().failures == {("WS", "disconnect", "reset 0"): 1}


def test_each_call_is_kept_instead_of_counted(loop: asyncio.AbstractEventLoop) -> None:
    farm = a_farm(loop, plan(), each_call=True)
    seat = farm.add_station(plan().station(0, 1))
    tell(farm, seat, ok(), real_us=2500)
    tell(farm, seat, r.CallFinished("Authorize", "timeout", 30_000_000, 0))
    tell(farm, seat, r.Connected(1500, False))
    tell(farm, seat, r.ConnectFailed("refused", 0))
    assert [(c.method, c.name, c.took_ms, c.error) for c in farm.calls] == [
        ("OCPP1.6", "Heartbeat", 2.5, None),
        ("OCPP1.6", "Authorize", 30_000.0, "timeout"),
        ("WS", "connect", 1.5, None),
        ("WS", "connect", None, "refused"),
    ]
    assert not farm.batch()
    farm.calls.extend([farm.calls[0]] * (CALLS_MAX - len(farm.calls)))
    tell(farm, seat, ok())
    assert len(farm.calls) == CALLS_MAX and farm.calls_dropped == 1


@pytest.mark.parametrize(
    ("ms", "kept"),
    [(0.2, 0), (0.6, 1), (99.4, 99), (99.7, 100), (147, 150), (994, 990), (3432, 3400), (58_760, 59_000)],
)
def test_response_times_are_kept_as_locust_keeps_them(ms: float, kept: int) -> None:
    assert locust_bucket(ms) == kept


# --- coming and going, over a socket ---------------------------------------------------------------------------------

NOW = "2026-11-20T12:00:00Z"
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}
ANSWERS: dict[str, Any] = {
    "BootNotification": {"status": "Accepted", "currentTime": NOW, "interval": 300},
    "Heartbeat": {"currentTime": NOW},
    "Authorize": ACCEPTED,
    "StartTransaction": {**ACCEPTED, "transactionId": 1},
    "StopTransaction": {},
    "StatusNotification": {},
    "MeterValues": {},
}


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(8):
        while not what():
            await asyncio.sleep(0.01)


@pytest.mark.live
def test_stations_leave_come_back_and_survive_a_cut(tmp_path: Path) -> None:
    seen: Counter[tuple[str, str]] = Counter()

    async def csms(connection: ServerConnection) -> None:
        assert connection.request is not None
        station_id = connection.request.path.rpartition("/")[2]
        async for message in connection:
            _, message_id, action, _ = json.loads(message)
            seen[station_id, action] += 1
            await connection.send(json.dumps([3, message_id, ANSWERS[action]]))

    async def main() -> None:
        async with serve(csms, "127.0.0.1", 0, subprotocols=["ocpp1.6"], compression=None) as server:  # type: ignore[list-item]
            port = server.sockets[0].getsockname()[1]
            path = fleet_file(tmp_path, "speed: 20\ngroups: [{charging: 100%, session: 1h}]\n")
            one = plan(host=f"ws://127.0.0.1:{port}", fleet=path, id_prefix="L")
            farm = a_farm(asyncio.get_running_loop(), one)
            first, second = (farm.add_station(one.station(0, number)) for number in (1, 2))
            await until(lambda: farm.metrics.transactions_active == 2)
            assert seen["L00-00001", "BootNotification"] == seen["L00-00002", "BootNotification"] == 1

            farm.leave("L00-00001", 5)
            await until(lambda: first.phase == "off")
            assert seen["L00-00001", "StopTransaction"] == 1 and seen["L00-00002", "StopTransaction"] == 0
            batch = farm.batch()
            assert batch.freed == ["L00-00001"] and not batch.failures
            assert farm.metrics.stations["off"] == 1 and farm.metrics.connected == 1
            old = first.station

            assert farm.add_station(one.station(0, 1)) is first and first.station is not old
            register_wh = old.board.meters[0].physical_wh(old.now)
            assert first.station.board.meters[0].physical_wh(first.station.now) >= register_wh > 0
            assert first.station.rng.counters.keys() == old.rng.counters.keys()
            await until(lambda: farm.metrics.transactions_active == 2)
            assert seen["L00-00001", "BootNotification"] == 2

            farm.cut()
            await until(lambda: farm.metrics.reconnects == 2)
            await until(lambda: second.phase == first.phase == "charging")
            await farm.finish("finish", 5)
            assert not farm.batch().failures and farm.live.failure is None
            told = Counter({action: metrics.count for action, metrics in farm.metrics.by_action().items()})
            heard: Counter[str] = Counter()
            for (_, action), count in seen.items():
                heard[action] += count
            assert told == heard

    asyncio.run(main())


# --- shapes ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shapes() -> ModuleType:
    """The shapes beside the locustfile; they know nothing of Locust."""
    spec = importlib.util.spec_from_file_location("cpfarm_shapes", loadtests_dir() / "shapes.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules["cpfarm_shapes"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def curve(shapes: ModuleType, name: str, end_s: int, **wish: Any) -> list[Any]:
    one = shapes.Wish(**{"users": 100, "rate": 10.0, "time_s": 60.0, **wish})
    return [shapes.SHAPES[name](float(second), one) for second in range(end_s)]


def test_a_ramp_is_even_and_then_level(shapes: ModuleType) -> None:
    wants = curve(shapes, "ramp", 121)
    assert {(want.users, round(want.rate, 3)) for want in wants[:120]} == {(100, 1.667)} and wants[120] is None
    assert curve(shapes, "ramp", 301, run_time_s=300)[299:] == [wants[0], None]


def test_steps_go_up_evenly(shapes: ModuleType) -> None:
    wants = curve(shapes, "steps", 181, steps=3)
    assert [wants[second].users for second in (0, 59, 60, 119, 120, 179)] == [33, 33, 66, 66, 100, 100]
    assert wants[180] is None


def test_a_storm_cuts_once_when_all_have_been_there_for_a_while(shapes: ModuleType) -> None:
    wants = curve(shapes, "storm", 131)
    assert [want.cut for want in wants[:130]] == [0] * 70 + [1] * 60 and wants[130] is None


def test_a_day_has_its_peak_and_can_keep_up(shapes: ModuleType) -> None:
    wants = curve(shapes, "day", 241, time_s=240.0)
    users = [want.users for want in wants[:240]]
    assert max(users) == 100 and min(users) == 20 and wants[240] is None
    for second in range(10, 240, 10):
        assert wants[second].rate * 10 >= abs(users[second] - users[second - 1])
