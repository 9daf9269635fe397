"""Connections over TLS, and whose fault it is when there is none."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from simulator.fleet.transport import DialSpec
from tests.fleet.loopback import Recorder, Run, Server, accept, dialled, frame, make_transport, read_frame
from tests.wire import pki

pytestmark = pytest.mark.live


async def echo_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(frame(9) + frame(1, b"hello"))
    while True:
        opcode, data = await read_frame(reader)
        if opcode == 0x81:
            writer.write(frame(1, data))
        elif opcode == 0x88:
            writer.write(frame(8, data))
            writer.close()
            return


def test_a_whole_life_over_tls(run: Run, certs: pki.Pki) -> None:
    async def scenario() -> None:
        async with Server(echo_once, certs.server(client_ca="ca")) as server:
            rec, conn = dialled(server.dial(ssl_context=certs.client("client"), server_name="localhost"))
            assert await rec.until("open") == ("ocpp1.6",)
            payload = bytes(range(256)) * 800
            assert rec.call(lambda: conn.send(payload)) is True
            assert await rec.texts(2) == [b"hello", payload]
            rec.call(conn.close)
            assert await rec.down() == ("closed", 1000, "", None)

    run(scenario())


def tls_by_hand(context: ssl.SSLContext, *, end_tls_only: bool = False) -> Callable[..., Awaitable[None]]:
    """A server that shakes hands in memory and sends the alert of a failure, which asyncio's own TLS forgets to do."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        try:
            while True:
                incoming.write(await reader.read(65536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                    break
                writer.write(outgoing.read())
        except ssl.SSLError:
            pass
        if end_tls_only:
            with contextlib.suppress(ssl.SSLError):  # the client's notice is not there, or its request is
                tls.unwrap()
        writer.write(outgoing.read())
        if end_tls_only:
            while await reader.read(65536):
                pass
        writer.close()

    return script


def test_the_end_of_tls_is_the_end_even_when_tcp_stays(run: Run, certs: pki.Pki) -> None:
    async def scenario() -> None:
        async with Server(tls_by_hand(certs.server(), end_tls_only=True)) as server:
            url = f"wss://127.0.0.1:{server.port}/"
            rec, _ = dialled(DialSpec(url=url, subprotocols=(), ssl_context=certs.client()))
            cause, _, detail, _ = await rec.down()
            assert cause == "reset" and "before the handshake was answered" in detail

    run(scenario())


@pytest.mark.parametrize(
    ("cause", "ours", "theirs"),
    [
        ("tls_server_cert", lambda p: p.client(ca="stranger"), lambda p: p.server()),
        ("tls_client_cert", lambda p: p.client(), lambda p: p.server(client_ca="ca")),
        ("tls_client_cert", lambda p: p.client("stranger"), lambda p: p.server(client_ca="ca")),
    ],
    ids=["server not trusted", "no client certificate", "client certificate of a stranger"],
)
def test_tls_that_fails_names_whose_fault_it_is(run: Run, certs: pki.Pki, cause: str, ours: Any, theirs: Any) -> None:
    async def scenario() -> None:
        async with Server(tls_by_hand(theirs(certs))) as server:
            url = f"wss://127.0.0.1:{server.port}/"
            rec, _ = dialled(DialSpec(url=url, subprotocols=(), ssl_context=ours(certs)))
            down = await rec.down()
            assert down[0] == cause and down[2]
            assert not [what for what in rec.said if what[0] == "open"]

    run(scenario())


def test_a_server_that_rejects_our_certificate_without_saying_so(run: Run, certs: pki.Pki) -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's loop complains of the client
        async with Server(echo_once, certs.server(client_ca="ca")) as server:
            rec, _ = dialled(server.dial(ssl_context=certs.client()))
            cause, _, detail, _ = await rec.down()
            assert cause == "tls_client_cert" and "without a word" in detail

    run(scenario())


def test_without_a_context_the_systems_trust_is_used_once_for_all(run: Run, certs: pki.Pki) -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with Server(echo_once, certs.server()) as server:
            made = make_transport()
            for _ in range(2):
                rec = Recorder()
                made.open(server.dial(), rec)
                assert (await rec.down())[0] == "tls_server_cert"
                context = made._default_context
                assert context is not None and context is made._system_trust()

    run(scenario())
