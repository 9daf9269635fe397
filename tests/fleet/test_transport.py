"""The transport over loopback sockets, against servers that behave and servers that do not, on both event loops."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import hashlib
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simulator.fleet import connection, resolver, transport
from simulator.fleet.retry_after import retry_after_s
from simulator.fleet.transport import CAUSES, Connection, DialSpec, Transport
from simulator.wire.websocket import build_frame
from tests.wire import pki

pytestmark = pytest.mark.live
SINK = Path(__file__).with_name("sink.py")
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Run = Callable[[Coroutine[Any, Any, None]], None]

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test's coroutine on one of the loops, and no longer than ten seconds."""
    if request.param == "uvloop" and uvloop is None:
        pytest.skip("uvloop is not installed")

    def runner(coroutine: Coroutine[Any, Any, None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(10):
                await coroutine

        make = None if request.param == "asyncio" else uvloop.new_event_loop
        with asyncio.Runner(loop_factory=make) as loop_runner:
            loop_runner.run(bounded())

    return runner


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    if not pki.available():
        pytest.skip("the openssl command is missing")
    return pki.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def sink_port() -> Iterator[int]:
    with subprocess.Popen([sys.executable, SINK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        yield int(process.stdout.readline().split()[-1])
        process.stdin.close()
        assert process.wait(10) == 0


class Recorder:
    """A listener that keeps what it is told and fails a test whose transport calls it from inside a call."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.inside = False
        self.changed = asyncio.Event()

    def note(self, *what: Any) -> None:
        assert not self.inside, "called from inside open, send, close or abort"
        self.said.append(what)
        self.changed.set()

    def on_open(self, conn: Connection, subprotocol: str | None) -> None:
        self.note("open", subprotocol)

    def on_text(self, conn: Connection, data: bytes) -> None:
        self.note("text", data)

    def on_pong(self, conn: Connection) -> None:
        self.note("pong")

    def on_down(self, conn: Connection, cause: str, code: int, detail: str, retry_after_s: int | None) -> None:
        assert cause in CAUSES
        self.note("down", cause, code, detail, retry_after_s)

    async def until(self, kind: str) -> tuple[Any, ...]:
        """The first note of this kind; what follows the kind itself."""
        while True:
            for what in self.said:
                if what[0] == kind:
                    return what[1:]
            self.changed.clear()
            await self.changed.wait()

    async def texts(self, count: int) -> list[bytes]:
        while len(found := [what[1] for what in self.said if what[0] == "text"]) < count:
            self.changed.clear()
            await self.changed.wait()
        return found

    async def down(self) -> tuple[Any, ...]:
        """The end, and the proof that it comes once."""
        await self.until("down")
        for _ in range(5):
            await asyncio.sleep(0)
        downs = [what for what in self.said if what[0] == "down"]
        assert len(downs) == 1
        assert self.said[-1] == downs[0]
        return downs[0][1:]

    def call(self, act: Callable[[], Any]) -> Any:
        self.inside = True
        try:
            return act()
        finally:
            self.inside = False


class Server:
    """One listening socket; ``script`` is run for each connection."""

    def __init__(self, script: Callable[..., Awaitable[None]], context: ssl.SSLContext | None = None) -> None:
        self.script, self.context = script, context
        self.port = 0
        self.peers: list[tuple[asyncio.Task[None] | None, asyncio.StreamWriter]] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append((asyncio.current_task(), writer))
        await self.script(reader, writer)

    async def __aenter__(self) -> Server:
        self.server = await asyncio.start_server(self.handle, "127.0.0.1", 0, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task, writer in self.peers:
            writer.transport.abort()
            if task is not None:
                task.cancel()
        for _turn in range(4):
            await asyncio.sleep(0)

    def dial(self, **changes: Any) -> DialSpec:
        scheme = "wss" if self.context else "ws"
        options = {"url": f"{scheme}://127.0.0.1:{self.port}/CP1", "subprotocols": ("ocpp1.6",), **changes}
        return DialSpec(**options)


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, picked: str = "ocpp1.6") -> bytes:
    """The server's side of a handshake that succeeds; the request."""
    request = await reader.readuntil(b"\r\n\r\n")
    key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    head = b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + proof + b"\r\n"
    writer.write(head + (f"Sec-WebSocket-Protocol: {picked}\r\n" if picked else "").encode() + b"\r\n")
    return request


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    return build_frame(opcode, payload, fin=fin, masked=False)


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readexactly(2)
    size = head[1] & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    assert head[1] & 0x80, "a client masks"
    mask, data = await reader.readexactly(4), await reader.readexactly(size)
    return head[0], bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def make_transport(**changes: Any) -> Transport:
    return Transport(asyncio.get_running_loop(), user_agent="cpfarm/test", **changes)


def dialled(spec: DialSpec, **changes: Any) -> tuple[Recorder, Connection]:
    rec = Recorder()
    made = make_transport(**changes)
    return rec, rec.call(lambda: made.open(spec, rec))


# -- a life without trouble -------------------------------------------------------------------------------------------


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


# -- dials that fail --------------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens(run: Run) -> None:
    async def scenario() -> None:
        with socket.socket() as placeholder:
            placeholder.bind(("127.0.0.1", 0))
            port = placeholder.getsockname()[1]
            rec, conn = dialled(DialSpec(url=f"ws://localhost:{port}/CP1", subprotocols=()))
            cause, code, detail, _ = await rec.down()
        assert (cause, code) == ("refused", 0)
        assert str(port) in detail
        assert not conn._owner.connections and conn._owner._dialling == 0

    run(scenario())


@pytest.mark.parametrize(
    ("answer", "code", "retry"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n", 401, None),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 17\r\nContent-Length: 5\r\n\r\nlater", 503, 17),
        (
            b"HTTP/1.1 429 Slow\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
            b"Retry-After: Fri, 20 Nov 2026 10:01:30 GMT\r\n\r\n",
            429,
            90,
        ),
        (b"HTTP/1.1 404 Not Found\r\nRetry-After: 17\r\n\r\n", 404, None),
        (b"220 mail.example ESMTP\r\n", 0, None),
    ],
)
def test_a_handshake_that_is_refused(run: Run, answer: bytes, code: int, retry: int | None) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)  # and the connection stays open: the status is enough
            await reader.read()
            writer.close()

        async with Server(script) as server:
            rec, _ = dialled(server.dial())
            cause, status, detail, retry_after = await rec.down()
        assert (cause, status, retry_after) == ("http_status", code, retry)
        assert detail

    run(scenario())


@pytest.mark.parametrize("picked", ["ocpp2.0.1", ""])
def test_a_subprotocol_that_was_not_offered(run: Run, picked: str) -> None:
    async def scenario() -> None:
        seen: list[Any] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer, picked)
            seen.append(await read_frame(reader))
            writer.write(frame(8, seen[-1][1]))
            writer.close()

        async with Server(script) as server:
            rec, conn = dialled(server.dial())
            assert await rec.until("open") == (picked or None,)  # the station's to judge
            conn.close()
            await rec.down()
            rec, _ = dialled(server.dial(require_subprotocol=True))
            cause, code, detail, _ = await rec.down()
            assert (cause, code) == ("subprotocol", 101)
            assert "ocpp1.6" in detail and ("open", picked) not in rec.said
        assert seen[0] == (0x88, struct.pack("!H", 1000))

    run(scenario())


def test_a_server_that_says_nothing(run: Run) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with Server(script) as server:
            rec, _ = dialled(server.dial(timeout_s=0.05))
            assert await rec.down() == ("timeout", 0, "no answer to the handshake within 0.05 s", None)
            url = f"wss://127.0.0.1:{server.port}/"
            rec, _ = dialled(DialSpec(url=url, subprotocols=(), timeout_s=0.05))
            assert await rec.down() == ("timeout", 0, "no TLS within 0.05 s", None)

    run(scenario())


def test_a_server_that_hangs_up_on_the_handshake(run: Run) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.close()

        async with Server(script) as server:
            rec, _ = dialled(server.dial())
            cause, _, detail, _ = await rec.down()
            assert cause == "reset" and "before the handshake was answered" in detail

    run(scenario())


def test_what_this_machine_lacks_is_not_the_servers_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        rec, _ = dialled(DialSpec(url="ws://127.0.0.1:9/", subprotocols=(), source_address="192.0.2.1"))
        assert (await rec.down())[0] == "local_limit"
        rec, _ = dialled(DialSpec(url="ws://127.0.0.1:9/", subprotocols=(), source_address="::1"))
        cause, _, detail, _ = await rec.down()
        assert cause == "local_limit" and "family" in detail

        def full(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(transport, "_socket", SimpleNamespace(socket=full))
        rec, _ = dialled(DialSpec(url="ws://127.0.0.1:9/", subprotocols=()))
        cause, _, detail, _ = await rec.down()
        assert cause == "local_limit" and "Too many open files" in detail

    run(scenario())


def test_dials_wait_for_a_slot_and_say_so_when_none_comes_free(run: Run) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await gate.wait()
            await accept(reader, writer)
            await reader.read()
            writer.close()

        async with Server(script) as server:
            made = make_transport(connect_limit=1)
            recs = [Recorder() for _ in range(4)]
            first = made.open(server.dial(), recs[0])
            made.open(server.dial(timeout_s=0.03), recs[1])
            given_up = made.open(server.dial(), recs[2])
            made.open(server.dial(), recs[3])
            cause, _, detail, _ = await recs[1].down()
            assert cause == "local_limit" and detail.startswith("1 dials")
            recs[2].call(given_up.abort)
            assert (await recs[2].down())[0] == "reset"
            assert not first.is_open
            gate.set()
            await recs[0].until("open")
            await recs[3].until("open")
            assert made._dialling == 0 and len(made.connections) == 2
            made.abort_all()
            await recs[0].down()
            await recs[3].down()
            assert not made.connections

    run(scenario())


def test_a_dial_can_be_given_up_at_every_stage(run: Run) -> None:
    async def scenario() -> None:
        async def never(host: str) -> list[str]:
            await asyncio.Event().wait()
            return []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with Server(script) as server:
            for act in ("close", "abort", "vanish"):
                for url in ("ws://name.invalid/", f"ws://127.0.0.1:{server.port}/"):
                    for turns in (0, 1, 2, 5, 20):
                        rec, conn = dialled(DialSpec(url=url, subprotocols=()), resolve=never)
                        for _ in range(turns):
                            await asyncio.sleep(0)
                        rec.call(getattr(conn, act))
                        cause, code, _, _ = await rec.down()
                        assert (cause, code) == (("reset" if act == "abort" else "closed"), 0)
                        assert conn._owner._dialling == 0
            rec, _ = dialled(DialSpec(url="ws://name.invalid/", subprotocols=(), timeout_s=0.02), resolve=never)
            assert await rec.down() == ("timeout", 0, "no TCP connection within 0.02 s", None)

    run(scenario())


# -- names ------------------------------------------------------------------------------------------------------------


def test_a_name_is_asked_for_once_and_its_addresses_are_tried_in_turn(run: Run) -> None:
    async def scenario() -> None:
        asked: list[str] = []

        async def resolve(host: str) -> list[str]:
            asked.append(host)
            await asyncio.sleep(0)
            if host == "gone.invalid":
                raise OSError("no such host")
            return ["127.0.0.9", "127.0.0.1"]  # nobody listens on the first

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            await reader.read()
            writer.close()

        async with Server(script) as server:
            made = make_transport(resolve=resolve)
            recs = [Recorder() for _ in range(20)]
            for rec in recs:
                made.open(server.dial(url=f"ws://csms.invalid:{server.port}/"), rec)
            for rec in recs:
                await rec.until("open")
            assert asked == ["csms.invalid"]
            gone = Recorder()
            made.open(server.dial(url="ws://gone.invalid/"), gone)
            cause, _, detail, _ = await gone.down()
            assert cause == "dns" and "gone.invalid" in detail and "no such host" in detail
            for url in (f"ws://127.0.0.1:{server.port}/", f"ws://localhost:{server.port}/"):
                rec = Recorder()
                made.open(server.dial(url=url), rec)
                await rec.until("open")
            assert asked == ["csms.invalid", "gone.invalid"]
            made.abort_all()

    run(scenario())


def test_the_resolver_spreads_forgets_and_stays_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        asked: list[str] = []

        async def resolve(host: str) -> list[str]:
            asked.append(host)
            return ["::1", "127.0.0.1", "::2"] if host == "mixed" else []

        r = resolver.Resolver(asyncio.get_running_loop(), resolve)
        orders = {tuple(address.host for address in await r.lookup("mixed")) for _ in range(4)}
        assert orders == {("::1", "::2", "127.0.0.1"), ("::2", "::1", "127.0.0.1")}
        r.forget("mixed")
        await r.lookup("mixed")
        assert asked == ["mixed"], "an answer this young is kept"
        monkeypatch.setattr(resolver, "RENEW_S", 0.0)
        r.forget("mixed")
        await r.lookup("mixed")
        assert asked == ["mixed", "mixed"]
        with pytest.raises(OSError, match="no address"):
            await r.lookup("nothing")
        monkeypatch.setattr(resolver, "MAX_HOSTS", 1)
        assert len(r._known) == 1 and not r._asking
        uncached = resolver.Resolver(asyncio.get_running_loop(), resolve, cache=False)
        for _ in range(3):
            await uncached.lookup("mixed")
        assert asked.count("mixed") == 5

    run(scenario())


# -- connections that end ---------------------------------------------------------------------------------------------


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
                opcode, _ = await read_frame(reader)  # the client's half of the closing handshake
                assert opcode == 0x88
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


# -- TLS --------------------------------------------------------------------------------------------------------------


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


def tls_by_hand(context: ssl.SSLContext) -> Callable[..., Awaitable[None]]:
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
        writer.write(outgoing.read())
        writer.close()

    return script


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
            assert cause == "reset" and "client certificate" in detail

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


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_dialled_is_refused_at_once(run: Run) -> None:
    async def scenario() -> None:
        made = make_transport()
        for changes in ({"url": "http://h/"}, {"headers": (("a b", ""),)}, {"source_address": "somewhere"}):
            options: dict[str, Any] = {"url": "ws://127.0.0.1/", "subprotocols": (), **changes}
            with pytest.raises(ValueError, match=r"URL|header|somewhere"):
                made.open(DialSpec(**options), Recorder())
        assert not made.connections and made._dialling == 0

    run(scenario())


def test_secrets_are_not_in_the_repr() -> None:
    spec = DialSpec(
        url="ws://h/", subprotocols=(), basic_auth=("CP1", "hunter2"), headers=(("Authorization", "Bearer hunter2"),)
    )
    assert "hunter2" not in repr(spec)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("120", 120), ("0", 0), ("-5", None), ("1e3", None), ("soon", None), ("9" * 400, None), ("\u0661", None)],
)
def test_retry_after_in_seconds(value: str, expected: int | None) -> None:
    assert retry_after_s((("retry-AFTER", value),)) == expected
    assert retry_after_s(()) is None


def test_retry_after_as_a_date_is_never_negative() -> None:
    assert retry_after_s((("Retry-After", "Fri, 20 Nov 2020 10:00:00 GMT"),)) == 0
    far = retry_after_s((("Retry-After", "Fri, 20 Nov 2099 10:00:00 -0000"),))
    assert far is not None and far > 10**9


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
start = monkey.get_original("_thread", "start_new_thread")
import uvloop
from simulator.fleet.transport import DialSpec, Transport
said = []
class Listener:
    def on_open(self, conn, subprotocol):
        conn.send(b'[2,"1","Heartbeat",{}]')
    def on_text(self, conn, data):
        conn.close()
    def on_down(self, conn, cause, code, detail, retry_after_s):
        said.append((cause, code, detail))
        loop.stop()
loop = uvloop.new_event_loop()
def thread():
    url = "ws://localhost:" + sys.argv[1] + "/CP1"
    spec = DialSpec(url=url, subprotocols=("ocpp1.6",), source_address="127.0.0.1")
    loop.call_soon(lambda: Transport(loop, user_agent="x").open(spec, Listener()))
    loop.run_forever()
start(thread, ())
for _ in range(500):
    if said:
        break
    gevent.sleep(0.01)
print(said)
"""


def test_a_real_thread_of_a_process_that_gevent_has_patched(sink_port: int) -> None:
    pytest.importorskip("uvloop")
    words = [sys.executable, "-c", UNDER_GEVENT, str(sink_port)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, cwd=SINK.parents[2])
    assert done.stdout.strip() == "[('closed', 1000, '')]", done.stderr
