"""What holds messages up on the way: exactly, on a clock of its own, and over real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.records import CallFinished, Disconnected
from simulator.fleet.transit import Transit, send_odd
from simulator.hardware.board import Board
from tests.core.build import model
from tests.core.build import rig as virtual
from tests.fleet.loopback import Run, Server, accept, frame, read_frame
from tests.fleet.manual import Rig, plan_of
from tests.fleet.test_live import fleet_of, until

MS, S = 1_000, 1_000_000
BOOT = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}


def board() -> Board:
    return virtual("1.6").station.board


def test_messages_keep_their_order_and_a_narrow_line_takes_one_at_a_time() -> None:
    one, line = board(), Transit()
    one.inject("f", "modem.narrow", 0, {"bandwidth_kb_s": 10.0}, 0)
    out = [line.through_us(one, size, 0, 1.0, inbound=False) for size in (1_000, 10, 500)]
    assert out == [100 * MS, 101 * MS, 151 * MS]
    assert line.through_us(one, 100, 0, 1.0, inbound=True) == 10 * MS, "the other direction has its own line"
    one.inject("g", "modem.slow", 0, {"rtt_ms": 300}, 0)
    assert line.through_us(one, 0, S, 1.0, inbound=False) == S + 150 * MS
    assert not line.over(S) and line.over(S + 150 * MS)
    one.clear("f", 2 * S)
    one.clear("g", 2 * S)
    one.inject("h", "network.loss", 0, {"loss_share": 0.5, "retransmit_ms": 1_000}, 2 * S)
    arrivals = [line.through_us(one, 100, 2 * S, 1.0, inbound=False) for _ in range(50)]
    assert arrivals == sorted(arrivals) and arrivals[-1] > 2 * S


def test_delays_are_real_time_whatever_the_speed() -> None:
    one = board()
    one.inject("f", "network.latency", 0, {"latency_ms": 100, "jitter_ms": 0}, 0)
    assert Transit().through_us(one, 10, 0, 5.0, inbound=False) == 500 * MS


def test_the_live_driver_holds_both_directions_up(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Rig(monkeypatch, plan_of(count=1), {})
    one.loop.turn(2)
    seat = one.seat("S-1")
    took: list[int] = []
    listen = one.farm.record

    def record(seat: Any, what: Any, now: int) -> None:
        if isinstance(what, CallFinished):
            took.append(what.took_us)
        listen(seat, what, now)

    monkeypatch.setattr(one.farm, "record", record)
    assert seat.transit is None
    one.transport.csms["S-1"].verdicts.update({"NOBODY": "Invalid", "NOBODY2": "Invalid"})
    one.farm.inject("S-1", "x", "network.latency", 0, {"latency_ms": 250, "jitter_ms": 0})
    one.farm.live.feed(seat, i.Present("NOBODY", 1))
    one.loop.turn(2)
    assert took and all(500 * MS <= us < 560 * MS for us in took), took
    assert one.metrics.by_action()["Authorize"].p50_ms < 100, "the CSMS is not charged for the way"  # type: ignore[operator]
    one.farm.clear("S-1", "x")
    one.loop.turn(2)
    took.clear()
    one.farm.live.feed(seat, i.Present("NOBODY2", 1))
    one.loop.turn(2)
    assert took and max(took) < 60 * MS and seat.transit is None
    assert one.farm.live.failure is None


def test_what_was_under_way_when_the_connection_ends_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Rig(monkeypatch, plan_of(count=1), {})
    one.loop.turn(2)
    one.farm.inject("S-1", "x", "network.latency", 0, {"latency_ms": 900, "jitter_ms": 0})
    one.farm.live.feed(one.seat("S-1"), i.Present("NOBODY", 1))
    one.loop.turn(0.5)
    one.farm.inject("S-1", "y", "network.reset", 0, {})
    one.loop.turn(60)
    ends = one.ledger.query("SELECT cause, count FROM disconnects")
    assert ends == [("reset", 1)] and one.seat("S-1").station.link.is_up
    assert one.farm.live.failure is None


def test_another_address_where_the_target_has_several(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    one = Rig(monkeypatch, plan_of(count=2), {"source_addresses": sources})
    one.loop.turn(2)
    one.farm.inject("S-2", "x", "network.address_change", 0, {})
    one.loop.turn(60)
    assert [dial.source_address for dial in one.transport.dials] == ["127.0.0.2", "127.0.0.3", "127.0.0.4"]


async def booted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    _, data = await read_frame(reader)
    writer.write(frame(1, json.dumps([3, json.loads(data)[1], BOOT]).encode()))


@pytest.mark.live
def test_a_socket_that_is_not_read_and_then_is(run: Run) -> None:
    async def scenario() -> None:
        answered: list[bytes] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await booted(reader, writer)
            while (got := await read_frame(reader))[0] & 15 == 1:
                message = json.loads(got[1])
                if message[0] == 2:
                    writer.write(frame(1, json.dumps([3, message[1], {}]).encode()))
                else:
                    answered.append(got[1])

        async with Server(script) as server:
            fleet, notes, seat = fleet_of(server)
            await until(lambda: seat.station.gate == "accepted" and not seat.station.outbox.waiting())
            fleet.feed(seat, i.Inject("f", "network.slow_read", 0, {"pause_s": 0.6, "read_s": 0.5}))
            assert seat.transit is not None and seat.transit.paused is seat.conn
            begun = time.monotonic()
            ((_, writer),) = server.peers
            writer.write(frame(1, b'[2,"c1","ClearCache",{}]'))
            heard = len([1 for to_csms, _ in notes.frames if not to_csms])
            await asyncio.sleep(0.3)
            assert len([1 for to_csms, _ in notes.frames if not to_csms]) == heard, "it is not read"
            await until(lambda: answered)
            assert time.monotonic() - begun >= 0.59 and json.loads(answered[0])[1] == "c1"
            fleet.feed(seat, i.Clear("f"))
            assert seat.transit is None and fleet.failure is None
            fleet.stop()

    run(scenario())


@pytest.mark.live
@pytest.mark.parametrize("code", [1001, 1014, 4999])
def test_a_close_code_on_the_wire(run: Run, code: int) -> None:
    async def scenario() -> None:
        codes: list[int] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await booted(reader, writer)
            while (got := await read_frame(reader))[0] & 15 == 1:
                pass
            codes.append(int.from_bytes(got[1][:2], "big"))

        async with Server(script) as server:
            fleet, notes, seat = fleet_of(server)
            await until(lambda: seat.station.gate == "accepted")
            fleet.feed(seat, i.Inject("f", "network.closed", 0, {"code_number": code}))
            await until(lambda: codes)
            assert codes == [code]
            assert [(d.cause, d.code) for d in notes.records if isinstance(d, Disconnected)] == [("closed", code)]
            fleet.stop()

    run(scenario())


def test_pieces_and_binary() -> None:
    sent: list[tuple[bytes, int, bool]] = []

    class Wire:
        def send_raw(self, data: bytes, *, opcode: int = 1, fin: bool = True) -> bool:
            sent.append((data, opcode, fin))
            return True

    assert send_odd(Wire(), b"abcdefg", pieces=3)  # type: ignore[arg-type]
    assert send_odd(Wire(), b"xy", binary=True)  # type: ignore[arg-type]
    assert sent == [(b"abc", 1, False), (b"def", 0, False), (b"g", 0, True), (b"xy", 2, True)]
    assert model("1.6").hardware.modem.bandwidth_kb_s is None
