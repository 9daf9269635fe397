"""A product's own way to open a connection, on real sockets and in the virtual driver."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from simulator.core.effects import PLAIN, Manner
from simulator.fleet.connection import DialSpec
from simulator.fleet.manner import in_manner, renamed
from simulator.fleet.tls import Contexts
from tests.fleet.loopback import Run, Server, accept, dialled, frame
from tests.wire.pki import Pki

URL = "ws://csms.example/CP%201/ocpp/CP%201?key=CP"


@pytest.mark.parametrize(
    ("manner", "url"),
    [
        (PLAIN, URL),
        (Manner(identity="cp 1"), "ws://csms.example/CP%201/ocpp/cp%201?key=CP"),
        (Manner(path="{id}/{id}"), "ws://csms.example/CP%201/ocpp/CP%201/CP%201?key=CP"),
        (Manner(path="{id}/{serial}"), "ws://csms.example/CP%201/ocpp/CP%201/S%2B1?key=CP"),
    ],
)
def test_where_its_name_stands_in_the_address(manner: Manner, url: str) -> None:
    assert renamed(URL, "CP 1", manner, "S+1") == url
    assert renamed("ws://csms.example/fixed", "CP 1", manner, "S+1") == "ws://csms.example/fixed"


def test_user_and_password() -> None:
    spec = DialSpec(url=URL, subprotocols=("ocpp1.6",), basic_auth=("CP 1", "secret"))
    assert in_manner(spec, "CP 1", "", PLAIN) is spec
    assert in_manner(spec, "CP 1", "", Manner(identity="cp 1")).basic_auth == ("cp 1", "secret")
    assert in_manner(spec, "CP 1", "", Manner(blank_password=True)).basic_auth == ("CP 1", "")
    bare = DialSpec(url=URL, subprotocols=())
    assert in_manner(bare, "CP 1", "", Manner(identity="x")).basic_auth is None
    assert in_manner(bare, "CP 1", "", Manner(identity="x", blank_password=True)).basic_auth == ("x", "")


@pytest.mark.live
def test_headers_left_out_and_added(run: Run) -> None:
    async def scenario() -> None:
        heard: list[bytes] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await accept(reader, writer, picked=""))

        async with Server(script) as server:
            manner = Manner(upgrade="", headers=(("Origin", "file://"),))
            rec, conn = dialled(server.dial(subprotocols=(), manner=manner))
            assert await rec.until("open") == (None,)
            lines = heard[0].decode().split("\r\n")
            assert "Origin: file://" in lines
            assert not any(line.startswith(("Upgrade:", "Sec-WebSocket-Protocol:")) for line in lines)
            conn.abort()

    run(scenario())


@pytest.mark.live
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 ftp\r\n"], ids=["http", "other"])
def test_an_http_request_goes_before(run: Run, answer: bytes) -> None:
    async def scenario() -> None:
        heard: list[bytes] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not heard:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                writer.close()
            else:
                heard.append(await accept(reader, writer))

        async with Server(script) as server:
            rec, conn = dialled(server.dial(manner=Manner(probe=True)))
            if answer.startswith(b"HTTP"):
                assert await rec.until("open") == ("ocpp1.6",)
                assert heard[0].startswith(b"GET /CP1 HTTP/1.0\r\n") and heard[1].startswith(b"GET /CP1 HTTP/1.1\r\n")
                conn.abort()
            else:
                assert (await rec.down())[:2] == ("http_status", 0) and len(heard) == 1

    run(scenario())


@pytest.mark.live
@pytest.mark.parametrize("kills", [True, False])
def test_a_ping_of_the_server_ends_the_connection(run: Run, kills: bool) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            writer.write(frame(9, b"?") + frame(1, b"hello"))
            await reader.read(1)

        async with Server(script) as server:
            rec, conn = dialled(server.dial(manner=Manner(ping_kills=kills)))
            if kills:
                assert (await rec.down())[0] == "reset"
            else:
                assert await rec.texts(1) == [b"hello"]
                conn.abort()

    run(scenario())


@pytest.mark.live
def test_messages_are_compressed_when_the_server_agrees(run: Run) -> None:
    """Against the library's own server, which compresses if asked."""

    async def scenario() -> None:
        seen: list[Any] = []

        async def talk(ws: ServerConnection) -> None:
            seen.append([extension.name for extension in ws.protocol.extensions])
            async for message in ws:
                seen.append(message)
                await ws.send("answer to " + str(message))

        text = b'[2,"1","Heartbeat",{}]' * 50
        async with serve(talk, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]
            port = next(iter(server.sockets)).getsockname()[1]
            for deflate in (True, False):
                spec = DialSpec(
                    url=f"ws://127.0.0.1:{port}/CP1", subprotocols=("ocpp1.6",), manner=Manner(deflate=deflate)
                )
                rec, conn = dialled(spec)
                await rec.until("open")
                frames: list[bytes] = []
                send = conn._websocket.send_text
                for _ in range(2):
                    frames.append(send(text))
                    conn._transport.write(frames[-1])  # type: ignore[union-attr]
                assert await rec.texts(2) == [b"answer to " + text] * 2
                assert all(bool(data[0] & 0x40) == deflate and (len(data) < 100) == deflate for data in frames)
                conn.ping()
                await rec.until("pong")
                conn.close()
                assert (await rec.down())[:2] == ("closed", 1000)
        assert seen == [["permessage-deflate"], *[text.decode()] * 2, [], *[text.decode()] * 2]

    run(scenario())


@pytest.mark.live
@pytest.mark.parametrize("silent", [True, False])
def test_a_certificate_that_is_not_trusted_may_be_refused_without_a_word(run: Run, certs: Pki, silent: bool) -> None:
    async def scenario() -> None:
        context, trust, said = certs.server(), Contexts().context(""), asyncio.Queue[str]()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(into, out, server_side=True)
            while True:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    writer.write(out.read())
                    data = await reader.read(65_536)
                    if not data:
                        return await said.put("nothing")
                    into.write(data)
                except ssl.SSLError as error:
                    return await said.put(error.reason)

        async with Server(script) as server:
            url = f"wss://127.0.0.1:{server.port}/CP1"
            rec, _ = dialled(server.dial(url=url, ssl_context=trust, manner=Manner(silent_tls=silent)))
            assert (await rec.down())[0] == "tls_server_cert"
            assert (await said.get() == "nothing") is silent

    run(scenario())
