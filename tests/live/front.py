"""What stands in front of a CSMS: a reverse proxy that ends TLS, and a forward proxy; each in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Front:
    """Where it listens and whom it has seen; ``refused`` counts those it turned away."""

    port: int = 0
    subjects: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    refused: int = 0


@contextlib.contextmanager
def _serving(handler: Handler, context: ssl.SSLContext | None, front: Front) -> Iterator[Front]:
    ready, made = threading.Event(), []

    async def main() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context, backlog=1024)
        front.port = server.sockets[0].getsockname()[1]
        made.extend((loop, ended))
        ready.set()
        await ended.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[arg-type]
            task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert ready.wait(10)
        yield front
    finally:
        made[0].call_soon_threadsafe(made[1].set)
        thread.join(10)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, first: bytes = b""
) -> None:
    inner_reader, inner_writer = await asyncio.open_connection(host, port)
    inner_writer.write(first)
    await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))


def reverse_proxy(
    csms_port: int, context: ssl.SSLContext, header: tuple[str, str] | None
) -> contextlib.AbstractContextManager[Front]:
    """Ends TLS (``context`` says whether a client certificate is demanded), demands a header, forwards in plain."""
    front = Front()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peercert") or {}
        names = [value for part in peer.get("subject", ()) for name, value in part if name == "commonName"]
        front.subjects += names
        head = await reader.readuntil(b"\r\n\r\n")
        front.heads.append(head)
        if header is not None and f"\r\n{header[0]}: {header[1]}\r\n".encode() not in head:
            front.refused += 1
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        await _join(reader, writer, "127.0.0.1", csms_port, head)

    return _serving(handle, context, front)


def forward_proxy(user: str, password: str) -> contextlib.AbstractContextManager[Front]:
    """An HTTP proxy that opens tunnels (CONNECT) for those who know the password."""
    front = Front()
    wanted = b"Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode())

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        front.heads.append(head)
        if wanted not in head:
            front.refused += 1
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _join(reader, writer, host, int(port))

    return _serving(handle, None, front)
