"""Both ends see each other through the proxy as if it were not there, and the trace has what they said."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from simulator.errors import AuthorError
from simulator.fleet.target import make_target
from simulator.fleet.trace import FrameTrace
from simulator.pki.authority import DAY_US, Authority
from simulator.replay.proxy import Head, Proxy
from simulator.report.redact import Redactor

SECRET = "a-very-secret-password"
BASIC = "Basic " + base64.b64encode(f"CP 1:{SECRET}".encode()).decode()
HEARTBEAT = '[2,"s-1","Heartbeat",{}]'


class Csms:
    """The far end: echoes a result to each CALL, and remembers how it was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.pings: list[bytes] = []
        self.connections: list[ServerConnection] = []
        self.closed: list[tuple[int | None, str | None]] = []

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if request.path.endswith("/BAD"):
            response = connection.respond(HTTPStatus.UNAUTHORIZED, "who are you\n")
            response.headers["WWW-Authenticate"] = "Basic"
            return response
        return None

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            async for text in connection:
                call = json.loads(text)
                if call[2] == "Close":
                    await connection.close(4001, "enough")
                elif call[2] == "Abort":
                    connection.transport.abort()
                else:
                    await connection.send(json.dumps([3, call[1], {"path": self.requests[-1].path}]))
        finally:
            self.closed.append((connection.close_code, connection.close_reason))


@asynccontextmanager
async def between(
    tmp_path: Path, *, path: str = "/ocpp", said: list[str] | None = None
) -> AsyncIterator[tuple[Csms, Proxy]]:
    csms = Csms()
    server = await serve(
        csms.handle,
        "127.0.0.1",
        0,
        process_request=csms.admit,
        subprotocols=[Subprotocol("ocpp1.6")],
        ping_interval=None,
    )
    port = server.sockets[0].getsockname()[1]
    target = make_target({"url": f"ws://127.0.0.1:{port}{path}"}, {}, base_dir=tmp_path)
    redactor = Redactor()
    trace = FrameTrace(tmp_path / "trace.jsonl", redactor)
    try:
        async with Proxy(
            target, trace=trace, redactor=redactor, say=(lambda line: None) if said is None else said.append
        ) as proxy:
            yield csms, proxy
    finally:
        trace.close()
        server.close()
        await server.wait_closed()


def station(proxy: Proxy, path: str = "CP%201", **more: Any) -> connect:
    more.setdefault("subprotocols", [Subprotocol("ocpp2.0.1"), Subprotocol("ocpp1.6")])
    more.setdefault("additional_headers", {"Authorization": BASIC, "X-Box": "7"})
    return connect(f"{proxy.url}/{path}", proxy=None, ping_interval=None, **more)


async def call(socket: ClientConnection, text: str = HEARTBEAT) -> Any:
    async with asyncio.timeout(5):
        await socket.send(text)
        return json.loads(await socket.recv())


def run(tmp_path: Path, play: Callable[[Csms, Proxy], Awaitable[None]], **more: Any) -> list[dict[str, Any]]:
    async def main() -> None:
        async with between(tmp_path, **more) as (csms, proxy):
            await play(csms, proxy)

    asyncio.run(main())
    return [line for line in written(tmp_path) if line["messageType"] != "CONNECTION"]


def written(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]


def events(tmp_path: Path, station_id: str = "CP 1") -> list[tuple[str, dict[str, Any]]]:
    """What happened to the connections of a station, as the trace has it: the sentence and what stands beside it."""
    lines = [line for line in written(tmp_path) if line["chargePointId"] == station_id]
    return [(line["raw"], line["meta"]) for line in lines if line["messageType"] == "CONNECTION"]


def test_the_handshake_reaches_the_csms_but_for_what_must_change(tmp_path: Path) -> None:
    async def play(csms: Csms, proxy: Proxy) -> None:
        async with station(proxy, "some/where/CP%201?key=1") as socket:
            assert socket.subprotocol == "ocpp1.6"
            assert (await call(socket))[2] == {"path": "/ocpp/CP%201?key=1"}
        request = csms.requests[0]
        assert request.headers["Authorization"] == BASIC
        assert request.headers["X-Box"] == "7"
        assert request.headers["Host"] == csms.connections[0].request.headers["Host"]  # type: ignore[union-attr]
        assert request.headers["Host"].startswith("127.0.0.1:")
        assert proxy.url.rpartition(":")[2] not in request.headers["Host"]
        assert request.headers["Sec-WebSocket-Protocol"] == "ocpp2.0.1, ocpp1.6"
        assert "Sec-WebSocket-Extensions" not in request.headers

    lines = run(tmp_path, play)
    assert [(line["direction"], line["messageType"], line["action"]) for line in lines] == [
        ("cp-to-csms", "CALL", "Heartbeat"),
        ("csms-to-cp", "CALLRESULT", "Heartbeat"),
    ]
    assert {line["chargePointId"] for line in lines} == {"CP 1"}
    assert {line["ocppVersion"] for line in lines} == {"1.6"}


def test_the_id_goes_where_the_address_of_the_csms_wants_it(tmp_path: Path) -> None:
    async def play(csms: Csms, proxy: Proxy) -> None:
        async with station(proxy) as socket:
            assert (await call(socket))[2] == {"path": "/stations/CP%201/ws?tenant=3"}

    run(tmp_path, play, path="/stations/{id}/ws?tenant=3")


def test_a_password_is_not_written_wherever_it_occurs(tmp_path: Path) -> None:
    async def play(csms: Csms, proxy: Proxy) -> None:
        async with station(proxy) as socket:
            await call(socket, json.dumps([2, "1", "DataTransfer", {"vendorId": "x", "data": f"my key is {SECRET}"}]))

    lines = run(tmp_path, play)
    assert lines[0]["payload"]["data"] == "my key is <secret:1>"
    text = (tmp_path / "trace.jsonl").read_text()
    assert SECRET not in text and BASIC.partition(" ")[2] not in text
    assert (tmp_path / "trace.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("asked", "code", "reason"), [("Close", 4001, "enough"), ("Abort", 1006, "")])
def test_the_end_of_the_csms_is_the_end_of_the_station_alone(
    tmp_path: Path, asked: str, code: int, reason: str
) -> None:
    async def play(csms: Csms, proxy: Proxy) -> None:
        async with station(proxy, "CP-2") as other, station(proxy) as socket:
            with pytest.raises(ConnectionClosed):
                await call(socket, json.dumps([2, "1", asked, {}]))
            assert (socket.close_code, socket.close_reason) == (code, reason)
            assert (await call(other))[0] == 3
            async with station(proxy) as again:
                assert (await call(again))[0] == 3
        assert proxy.stations["CP 1"].connections == 2

    lines = run(tmp_path, play)
    assert sorted(line["chargePointId"] for line in lines) == ["CP 1", "CP 1", "CP 1", "CP-2", "CP-2"]
    opened = ("connected, subprotocol ocpp1.6", {"event": "opened", "subprotocol": "ocpp1.6"})
    ended = {
        4001: ("closed by the CSMS, code 4001, enough", {"event": "closed", "by": "csms", "code": 4001}),
        1006: ("lost without a Close", {"event": "closed", "code": 1006}),
    }
    assert events(tmp_path)[:3] == [opened, ended[code], opened]


@pytest.mark.parametrize("code", [1000, 4321])
def test_the_end_of_the_station_reaches_the_csms_with_its_code(tmp_path: Path, code: int) -> None:
    said: list[str] = []

    async def play(csms: Csms, proxy: Proxy) -> None:
        async with station(proxy) as socket:
            await call(socket)
            await socket.close(code, "for tonight")
        async with asyncio.timeout(5):
            await csms.connections[0].wait_closed()
            while not any("gone" in line for line in said):
                await asyncio.sleep(0)
        assert csms.closed == [(code, "for tonight")]

    run(tmp_path, play, said=said)
    assert said == ["CP 1: connected, ocpp1.6", f"CP 1: gone, the station closed {code}"]
    told = f"closed by the station, code {code}, for tonight"
    assert events(tmp_path)[1] == (told, {"event": "closed", "by": "station", "code": code})


def test_a_station_that_vanishes_vanishes_for_the_csms(tmp_path: Path) -> None:
    async def play(csms: Csms, proxy: Proxy) -> None:
        async with station(proxy) as socket:
            await call(socket)
            socket.transport.abort()
            async with asyncio.timeout(5):
                await csms.connections[0].wait_closed()
        assert csms.closed == [(1006, "")]

    run(tmp_path, play)


def test_pings_are_answered_by_the_other_end(tmp_path: Path) -> None:
    async def play(csms: Csms, proxy: Proxy) -> None:
        async with station(proxy) as socket, asyncio.timeout(5):
            await (await socket.ping(b"from the station"))
            await (await csms.connections[0].ping(b"from the csms"))
            # a CSMS that does not read does not answer either: nobody answers in its place
            csms.connections[0].transport.pause_reading()
            waiter = asyncio.ensure_future(await socket.ping(b"anybody"))
            assert (await asyncio.wait([waiter], timeout=0.05))[1] == {waiter}
            csms.connections[0].transport.resume_reading()
            await waiter

    assert run(tmp_path, play) == []


def test_a_refusal_reaches_the_station_as_it_came(tmp_path: Path) -> None:
    said: list[str] = []

    async def play(csms: Csms, proxy: Proxy) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await station(proxy, "BAD")
        response = refused.value.response
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Basic")
        assert response.body == b"who are you\n"
        assert proxy.stations["BAD"].refused == 1

    run(tmp_path, play, said=said)
    assert said == ["BAD: the CSMS refuses the connection: 401"]
    refused = {"event": "refused", "by": "csms", "status": 401}
    assert events(tmp_path, "BAD") == [("refused by the CSMS, HTTP 401", refused)]


def test_a_csms_that_is_not_there_is_said(tmp_path: Path) -> None:
    said: list[str] = []

    async def main() -> None:
        target = make_target({"url": "ws://127.0.0.1:1/"}, {}, base_dir=tmp_path)
        async with Proxy(target, say=said.append) as proxy:
            with pytest.raises(InvalidStatus) as refused:
                await station(proxy)
            assert refused.value.response.status_code == 502
            with pytest.raises(InvalidStatus) as refused:
                await station(proxy, "")
            assert refused.value.response.status_code == 404

    asyncio.run(main())
    assert len(said) == 1 and said[0] == "CP 1: the CSMS cannot be reached: nothing listens at its address"


def test_at_the_end_both_sides_are_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with between(tmp_path) as (csms, proxy):
            async with station(proxy) as socket:
                await call(socket)
                await proxy.stop()
                async with asyncio.timeout(5):
                    await csms.connections[0].wait_closed()
                    await socket.wait_closed()
            assert socket.close_code == 1001
            assert csms.closed == [(1001, "")]
            assert (proxy.frames, list(proxy.stations)) == (2, ["CP 1"])

    asyncio.run(main())
    ended = ("closed by the recorder, code 1001", {"event": "closed", "by": "recorder", "code": 1001})
    assert events(tmp_path)[-1] == ended


def test_other_addresses_need_a_word(tmp_path: Path) -> None:
    target = make_target({"url": "ws://127.0.0.1:1/"}, {}, base_dir=tmp_path)
    with pytest.raises(AuthorError, match=r"not loopback.*--listen-anywhere"):
        Proxy(target, host="0.0.0.0")
    assert Proxy(target, host="0.0.0.0", anywhere=True).host == "0.0.0.0"


def test_a_port_that_is_taken_is_an_error_of_the_author(tmp_path: Path) -> None:
    async def main() -> None:
        target = make_target({"url": "ws://127.0.0.1:1/"}, {}, base_dir=tmp_path)
        async with Proxy(target) as first:
            with pytest.raises(AuthorError, match=r"cannot listen on 127.0.0.1:\d+: address already in use$"):
                await Proxy(target, port=int(first.url.rpartition(":")[2])).__aenter__()
        with pytest.raises(AuthorError, match=r"cannot listen on no\.such\.host\.invalid:0: (?!unknown error)"):
            await Proxy(target, host="no.such.host.invalid", anywhere=True).__aenter__()

    asyncio.run(main())


def test_a_head_is_read_line_by_line() -> None:
    head = Head(b"HTTP/1.1 101 Switching\r\nA: 1\r\na: 2\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n")
    assert (head.status, head.get("a"), head.get("b")) == ("101", "1, 2", "")


def test_a_csms_behind_tls_is_reached_with_the_certificate_of_the_station(tmp_path: Path) -> None:
    now_us = int(time.time()) * 1_000_000
    times: dict[str, int] = {"not_before_us": now_us - DAY_US, "not_after_us": now_us + DAY_US}
    authority = Authority.root("CA", **times)
    server, own = authority.server(["127.0.0.1"], **times), authority.station("CP 1", **times)
    for name, data in {
        "ca.pem": authority.pem,
        "server.pem": server.chain,
        "server.key": server.key_pem.decode(),
        "CP 1.pem": own.chain,
        "CP 1.key": own.key_pem.decode(),
    }.items():
        (tmp_path / name).write_text(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    said: list[str] = []

    async def main() -> None:
        csms = Csms()
        async with await serve(
            csms.handle, "127.0.0.1", 0, ssl=context, subprotocols=[Subprotocol("ocpp1.6")], ping_interval=None
        ) as listening:
            url = f"wss://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            files = {"ca": "ca.pem", "cert": "{id}.pem", "key": "{id}.key"}
            trusting = make_target({"url": url, "tls": files}, {}, base_dir=tmp_path)
            outside = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
            ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ours.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
            async with Proxy(trusting, tls=ours) as proxy, station(proxy, ssl=outside) as socket:
                assert proxy.url.startswith("wss://")
                csms.requests = [csms.connections[0].request]  # type: ignore[list-item]
                assert (await call(socket))[0] == 3
                await socket.close(4321, "done")
                async with asyncio.timeout(5):
                    await csms.connections[0].wait_closed()
                assert csms.closed == [(4321, "done")]
            wary = make_target({"url": url, "security_profile": 2}, {}, base_dir=tmp_path)
            async with Proxy(wary, say=said.append) as proxy:
                with pytest.raises(InvalidStatus) as refused:
                    await station(proxy)
                assert refused.value.response.status_code == 502
            async with Proxy(trusting, say=said.append) as proxy:
                with pytest.raises(InvalidStatus) as refused:
                    await station(proxy, "..%2Fca")
                assert refused.value.response.status_code == 502
            assert proxy.failure is None

    asyncio.run(main())
    assert len(said) == 2 and "certificate verify failed" in said[0]
    assert "cannot be part of the file name" in said[1]
