"""Lives of connections and how they end, against servers that behave and servers that do not."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from typing import Any

import pytest

from simulator.fleet import connection
from simulator.fleet.transport import DialSpec
from simulator.wire.websocket import build_frame
from tests.fleet.loopback import Run, Server, accept, dialled, frame, read_frame

pytestmark = pytest.mark.live


def test_a_whole_life(run: Run) -> None:
    async def scenario() -> None:
        heard: list[Any] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await accept(reader, writer))
            sock = writer.get_extra_info("socket")
            heard.append(sock.getpeername()[0])
            while True:
                opcode, data = await read_frame(reader)
                heard.append((opcode, data))
                if opcode == 0x89:
                    writer.write(frame(10, data))
                elif opcode == 0x88:
                    writer.write(frame(8, data))
                    writer.close()
                    return
                elif opcode != 0x8A:
                    writer.write(frame(9, b"are you there") + frame(1, b"answer to " + data))

        async with Server(script) as server:
            spec = server.dial(basic_auth=("CP1", b"\x00\xff:"), headers=(("X-A", "b"),), source_address="127.0.0.2")
            rec, conn = dialled(spec)
            assert conn.send(b"too early") is False
            assert await rec.until("open") == ("ocpp1.6",)
            assert conn.is_open
            sock = conn._transport.get_extra_info("socket")  # type: ignore[union-attr]
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            assert rec.call(lambda: conn.send(b"one")) is True
            assert await rec.texts(1) == [b"answer to one"]
            assert rec.call(conn.ping) is True
            await rec.until("pong")
            assert rec.call(lambda: conn.send_raw(b"\xff", opcode=2)) is True
            assert rec.call(lambda: conn.send_bytes(build_frame(1, b"three"))) is True
            assert (await rec.texts(3))[1:] == [b"answer to \xff", b"answer to three"]
            rec.call(conn.close)
            assert conn.send(b"too late") is False
            assert await rec.down() == ("closed", 1000, "", None)
            assert conn.send(b"much too late") is False
            for act in (conn.close, conn.abort, conn.vanish):
                rec.call(act)
            assert len([what for what in rec.said if what[0] == "down"]) == 1
        request, peer, *frames = heard
        secret = base64.b64encode(b"CP1:\x00\xff:")
        assert b"\r\nAuthorization: Basic " + secret + b"\r\n" in request
        assert b"\r\nUser-Agent: cpfarm/test\r\n" in request and b"\r\nX-A: b\r\n" in request
        assert peer == "127.0.0.2"
        pongs = [data for opcode, data in frames if opcode == 0x8A]
        assert pongs == [b"are you there"] * 3
        assert frames[0] == (0x81, b"one") and frames[-1] == (0x88, struct.pack("!H", 1000))

    run(scenario())


@pytest.mark.parametrize(
    ("subprotocol", "action", "expected"),
    [
        ("ocpp1.6", "Authorize", b'{"idTagInfo":{"status":"Accepted"}}'),
        ("ocpp1.6", "StartTransaction", b'"transactionId":'),
        ("ocpp2.0.1", "Authorize", b'{"idTokenInfo":{"status":"Accepted"}}'),
        ("ocpp2.1", "BootNotification", b'"interval":300'),
        ("ocpp2.1", "NoSuchAction", b"NotImplemented"),
    ],
)
def test_the_sink_answers(run: Run, sink_port: int, subprotocol: str, action: str, expected: bytes) -> None:
    async def scenario() -> None:
        rec, conn = dialled(DialSpec(url=f"ws://127.0.0.1:{sink_port}/CP", subprotocols=(subprotocol, "other")))
        assert await rec.until("open") == (subprotocol,)
        conn.send(f'[2,"id-1","{action}",{{"x":"{"y" * 300}"}}]'.encode())
        (answer,) = await rec.texts(1)
        assert answer.startswith((b'[3,"id-1",', b'[4,"id-1",')) and expected in answer
        conn.ping()
        await rec.until("pong")
        conn.close(4000)
        assert await rec.down() == ("closed", 4000, "", None)

    run(scenario())


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(frame(1, b"hello"))


@pytest.mark.parametrize(
    ("last", "how", "cause", "code", "detail"),
    [
        (frame(8, b"\x03\xe9going away"), "close", "closed", 1001, "going away"),
        (frame(8, b"\x0f\xa0kicked"), "reset", "closed", 4000, "kicked"),
        (frame(8), "close", "closed", 1005, ""),
        (b"", "close", "closed", 1006, "without a Close frame"),
        (frame(1, b"x" * 50)[:20], "close", "closed", 1006, "without a Close frame"),
        (frame(1, b"x" * 50)[:20], "reset", "reset", 0, ""),
        (frame(0, b"no start"), "close", "closed", 1002, "this side closed"),
        (frame(2, b"binary"), "close", "closed", 1003, "binary"),
        (frame(1, bytes(1 << 20)) + frame(1, bytes((1 << 20) + 1)), "close", "closed", 1009, "this side closed"),
        (frame(8, b"\x03\xe8\xff"), "close", "closed", 1007, "this side closed"),
    ],
)
def test_how_a_server_can_end_it(run: Run, last: bytes, how: str, cause: str, code: int, detail: str) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            writer.write(last)
            await writer.drain()
            if last[:1] in (b"\x88", b"\x80", b"\x82") or len(last) > 1000:
                opcode, data = await read_frame(reader)  # the client's half of the closing handshake
                assert opcode == 0x88
                if last[0] != 0x88:
                    writer.write(frame(8, data))
            if how == "reset":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                await asyncio.sleep(0.05)  # or the reset overtakes what was sent
            writer.close()

        async with Server(script) as server:
            rec, conn = dialled(server.dial())
            down = await rec.down()
            assert down[:2] == (cause, code)
            assert detail in down[2]
            assert rec.said[:2] == [("open", "ocpp1.6"), ("text", b"hello")]
            assert conn.send(b"late") is False

    run(scenario())


def test_fragments_pieces_and_bytes_that_are_no_utf8_arrive_whole(run: Run) -> None:
    async def scenario() -> None:
        big = bytes(range(256)) * 4096

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            for piece in (frame(1, b"a", fin=False), frame(9), frame(0, b"", fin=False), frame(0, b"\xff\xfe")):
                for i in range(len(piece)):
                    writer.write(piece[i : i + 1])
                    await writer.drain()
            writer.write(frame(1, big))
            await reader.read()
            writer.close()

        async with Server(script) as server:
            rec, conn = dialled(server.dial())
            assert await rec.texts(2) == [b"a\xff\xfe", big]
            rec.call(conn.abort)
            assert await rec.down() == ("reset", 0, "aborted by this side", None)

    run(scenario())


def test_our_close_has_a_bound(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSE_S", 0.05)

    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            await read_frame(reader)
            if answer:
                writer.write(frame(8, b"\x03\xe8"))
            else:
                writer.write(frame(1, b"still here"))
            await asyncio.sleep(0.3)  # keeps TCP open
            writer.close()

        for answer in (False, True):
            async with Server(script) as server:
                rec, conn = dialled(server.dial())
                await rec.until("open")
                rec.call(conn.close)
                cause, code, detail, _ = await rec.down()
                assert (cause, code) == ("closed", 1000 if answer else 1006)
                if not answer:
                    assert "did not answer" in detail and ("text", b"still here") in rec.said

    run(scenario())


def test_abort_is_a_reset_on_the_wire(run: Run) -> None:
    async def scenario() -> None:
        seen: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            try:
                seen.set_result(await reader.read())
            except OSError as error:
                seen.set_result(error)
            writer.close()

        async with Server(script) as server:
            rec, conn = dialled(server.dial())
            await rec.until("open")
            rec.call(conn.abort)
            assert isinstance(await seen, ConnectionResetError)
            assert (await rec.down())[0] == "reset"

    run(scenario())


def test_a_vanished_station_is_half_open_until_it_is_aborted(run: Run) -> None:
    async def scenario() -> None:
        ends: list[object] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            assert (await read_frame(reader))[1] == b"before"
            writer.write(frame(1, b"anybody there?") + frame(9))
            try:
                async with asyncio.timeout(0.1):
                    ends.append(await reader.read(1))
            except TimeoutError:
                ends.append("silence")
            writer.write_eof()  # not even the end of the stream is noticed
            try:
                ends.append(await reader.read(1))
            except OSError as error:
                ends.append(type(error))
            writer.close()

        async with Server(script) as server:
            rec, conn = dialled(server.dial())
            await rec.until("open")
            conn.send(b"before")
            rec.call(conn.vanish)
            assert rec.call(lambda: conn.send(b"into the void")) is True
            assert rec.call(conn.ping) is True
            rec.call(conn.close)
            while not ends:
                await asyncio.sleep(0.01)
            for _ in range(20):
                await asyncio.sleep(0)
            assert rec.said == [("open", "ocpp1.6")]
            rec.call(conn.abort)
            assert await rec.down() == ("reset", 0, "aborted by this side", None)
            while len(ends) < 2:
                await asyncio.sleep(0.01)
            assert ends == ["silence", ConnectionResetError]

    run(scenario())


def test_a_server_that_does_not_read_is_given_up(run: Run) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            writer.transport.pause_reading()
            await gate.wait()
            writer.transport.abort()

        async with Server(script) as server:
            rec, conn = dialled(server.dial())
            await rec.until("open")
            sent = 0
            while rec.call(lambda: conn.send(bytes(65536))):
                sent += 65536
                assert sent < 64 << 20
                await asyncio.sleep(0)
            assert await rec.down() == ("timeout", 0, "write buffer full: the server does not read", None)
            assert sent > 1 << 20
            gate.set()

    run(scenario())
