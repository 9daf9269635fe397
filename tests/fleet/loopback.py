"""Servers and listeners for tests of the transport: everything on the loopback interface, nothing that sleeps."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from simulator.fleet.transport import CAUSES, Connection, DialSpec, Transport
from simulator.wire.websocket import build_frame

SINK = ("-m", "simulator.bench.sink")
Run = Callable[[Coroutine[Any, Any, None]], None]
"""Runs a test's coroutine on one of the event loops; the fixture `run`."""


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
