"""The live driver: effects in order, ends of connections, latencies; and messages that come together with a Close."""

import asyncio
import json
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.records import CallFinished, ViolationSeen
from simulator.core.station import Station
from simulator.fleet.clock import LiveClock
from simulator.fleet.live import LiveFleet, Seat
from simulator.metrics import RunMetrics
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile
from tests.fleet.loopback import Run, Server, accept, frame, make_transport, read_frame
from tests.fleet.manual import Rig, plan_of

pytestmark = pytest.mark.live

MODEL = compile_profile(load_profile("generic/ac-single"), "1.6")


class Notes:
    """An observer that keeps everything."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.frames: list[tuple[bool, bytes]] = []
        self.broken = False

    def record(self, seat: Seat, what: Any, now: int) -> None:
        self.records.append(what)

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        if self.broken:
            raise OSError("no space left")
        self.frames.append((to_csms, data))


def fleet_of(server: Server) -> tuple[LiveFleet, Notes, Seat]:
    notes = Notes()
    loop = asyncio.get_running_loop()
    fleet = LiveFleet(loop, make_transport(), lambda seat, dial: server.dial(), LiveClock(), notes)
    seat = fleet.add(Station("CP1", MODEL, seed=1), RunMetrics().bind("1.6", "p"))
    fleet.feed(seat, i.PowerOn())
    return fleet, notes, seat


async def until(what: Any) -> None:
    while not what():
        await asyncio.sleep(0.005)


def call(action: str, payload: Any) -> bytes:
    return frame(1, json.dumps([2, "c1", action, payload]).encode())


@pytest.mark.parametrize("with_handshake", [False, True])
def test_a_call_and_a_close_in_one_segment(run: Run, with_handshake: bool) -> None:
    """The station answers a CALL as soon as it is told of it, when the Close behind it has been read already."""

    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            if not with_handshake:
                await writer.drain()
                await read_frame(reader)  # BootNotification
            writer.write(call("ClearCache", {}) + call("Nonsense", {}) + frame(8, b"\x03\xf3gone"))
            await writer.drain()
            writer.close()

        async with Server(script) as server:
            fleet, notes, seat = fleet_of(server)
            await until(lambda: any(type(what).__name__ == "Disconnected" for what in notes.records))
            assert fleet.failure is None
            ended = next(what for what in notes.records if type(what).__name__ == "Disconnected")
            assert (ended.cause, ended.code) == ("closed", 1011)
            assert not seat.station.link.is_up and seat.station.link.state == "down"
            assert [json.loads(data)[2] for to_csms, data in notes.frames if not to_csms] == ["ClearCache", "Nonsense"]
            fleet.stop()

    run(scenario())


def test_latency_is_taken_in_real_time_and_garbage_is_survived(run: Run) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            _, data = await read_frame(reader)
            boot = json.loads(data)
            writer.write(frame(1, b"no json") + frame(1, b"[2]") + frame(1, b'[3,"nobody",{}]'))
            await asyncio.sleep(0.05)
            answer = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}
            writer.write(frame(1, json.dumps([3, boot[1], answer]).encode()))
            await read_frame(reader)

        async with Server(script) as server:
            fleet, notes, seat = fleet_of(server)
            await until(lambda: any(isinstance(what, CallFinished) for what in notes.records))
            done = next(what for what in notes.records if isinstance(what, CallFinished))
            assert (done.action, done.outcome) == ("BootNotification", "ok")
            assert seat.arrived_us - seat.sent_us >= 50_000 or seat.sent_us > seat.arrived_us  # the next one is sent
            assert seat.handle._metrics.by_action()["BootNotification"].p50_ms >= 45  # type: ignore[operator]
            assert sum(isinstance(what, ViolationSeen) for what in notes.records) >= 2
            assert fleet.failure is None
            fleet.stop()

    run(scenario())


def test_a_trace_that_cannot_be_written_ends_the_fleet(run: Run) -> None:
    """Going on without the evidence would be worse."""

    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            await read_frame(reader)
            notes.broken = True
            writer.write(call("ClearCache", {}))

        async with Server(script) as server:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            fleet, notes, _ = fleet_of(server)
            await until(lambda: fleet.failure is not None)
            assert str(fleet.failure) == "no space left"
            fleet.stop()

    run(scenario())


def test_a_connection_that_vanishes_is_let_go_with_the_next_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Rig(monkeypatch, plan_of(count=1), {})
    one.loop.turn(2)
    one.farm.inject("S-1", "x", "modem.half_open", 0, {})
    one.loop.turn(400)
    one.farm.clear("S-1", "x")
    one.loop.turn(120)
    assert len(one.transport.connections) >= 2 and one.seat("S-1").station.link.is_up
    assert one.farm.live.failure is None


def test_cut_resets_every_connection_and_stations_dial_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Rig(monkeypatch, plan_of(count=5, ramp={"rate": 100}), {})
    one.loop.turn(2)
    one.farm.live.cut()
    one.loop.turn(0.1)
    assert one.metrics.stations["offline"] == 5
    one.loop.turn(60)
    assert one.metrics.stations["available"] == 5 and one.metrics.reconnects == 5


def test_planned_inputs_come_in_order_and_not_early(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Rig(monkeypatch, plan_of(count=1), {})
    said: list[tuple[str, int]] = []
    live = one.farm.live
    for name, at_us in (("c", 3_000_000), ("a", 1_000_000), ("b", 1_000_000)):
        live.call_at(at_us, lambda name=name: said.append((name, one.farm.clock.now())))  # type: ignore[misc]
    one.loop.turn(5)
    assert [name for name, _ in said] == ["a", "b", "c"]
    assert all(at <= now < at + 10_000 for (_, now), at in zip(said, (1_000_000, 1_000_000, 3_000_000), strict=True))


def test_after_the_stop_nothing_is_fed(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Rig(monkeypatch, plan_of(count=1), {})
    one.loop.turn(2)
    one.farm.live.stop()
    one.farm.live.feed(one.seat("S-1"), i.PowerOff())
    one.loop.turn(1000)
    assert one.seat("S-1").phase == "available" and one.transport.connections[0].open is False
