"""The seam between stations and the network: ``Transport.open`` dials and returns at once; call-backs bring the rest.

Each ``open`` is answered by exactly one ``on_down``, with at most one ``on_open`` before it, and no call-back ever runs
inside ``open``, ``send``, ``close``, ``abort`` or ``vanish``. What a connection is, and how it ends, is in
``fleet/connection.py``; this module brings TCP up.

What this machine lacks (files, ports, a free dial slot) is ``local_limit`` and never looks like a fault of the CSMS.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import sys
from collections import OrderedDict
from contextlib import closing

from simulator.fleet.connection import (
    CAUSES,
    CLOSE_S,
    DIALLING,
    SHAKING,
    WAITING,
    WRITE_LIMIT,
    Connection,
    DialSpec,
    DownCause,
    Listener,
)
from simulator.fleet.resolver import Address, Resolve, Resolver
from simulator.fleet.sockets import new_socket
from simulator.pki.reading import Rejected
from simulator.wire.proxy import Tunnel
from simulator.wire.tls import TlsPipe
from simulator.wire.websocket import parse_url

__all__ = [
    "CAUSES",
    "CLOSE_S",
    "CONNECT_LIMIT",
    "WRITE_LIMIT",
    "Connection",
    "DialSpec",
    "DownCause",
    "Listener",
    "Transport",
]

CONNECT_LIMIT = 1000
"""Dials under way at a time; the others wait their turn."""

_LOCAL = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.ENOBUFS, errno.ENOMEM}
_NO_PORT_YET = 24 if sys.platform == "linux" else None  # IP_BIND_ADDRESS_NO_PORT, which Python 3.11 does not name


class Transport:
    """Makes connections on ``loop`` and shares between them what can be shared.

    ``user_agent`` goes into every handshake. ``resolve`` replaces the loop's look-up of names, which needs a thread;
    ``resolver_cache=False`` looks a name up for every dial. ``connect_limit`` dials are under way at a time; one that
    finds no slot within its own ``timeout_s`` ends as ``local_limit``. Call everything on the loop's thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        user_agent: str,
        resolver_cache: bool = True,
        resolve: Resolve | None = None,
        connect_limit: int = CONNECT_LIMIT,
    ) -> None:
        assert connect_limit > 0
        self.loop = loop
        self.user_agent = user_agent
        self.connect_limit = connect_limit
        self.connections: set[Connection] = set()
        """Everything opened and not yet down."""
        self._resolver = Resolver(loop, resolve, cache=resolver_cache)
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._dialling = 0
        self._default_context: ssl.SSLContext | None = None

    def open(self, dial: DialSpec, listener: Listener) -> Connection:
        """Begin a connection. Raises ValueError for an unusable URL, header or source; the rest is on_down."""
        connection = Connection(self, dial, listener)
        if dial.forbidden:
            return self._unusable(connection, dial.forbidden, "refused")
        parts = parse_url(dial.url)
        if dial.source_address is not None:
            Address(dial.source_address)
        if parts.secure:
            context = dial.ssl_context or self._system_trust()
            if dial.identity is not None:
                try:
                    dial.identity.put_into(context)
                except (ssl.SSLError, OSError, Rejected) as error:
                    return self._unusable(connection, f"the station's certificate cannot be used: {error}")
            connection._tls = TlsPipe(context, dial.server_name or parts.host)
        if dial.proxy is not None:
            connection._tunnel = Tunnel(parts.host, parts.port, dial.proxy.credentials, self.user_agent)
        self.connections.add(connection)
        if self._dialling < self.connect_limit:
            self._dialling += 1
            connection._begin()
        else:
            self._waiting[connection] = None
            connection._start_timer(dial.timeout_s)
        return connection

    def _unusable(self, connection: Connection, why: str, cause: DownCause = "tls_client_cert") -> Connection:
        """A dial that ends before it has begun, as one that waits for its turn in vain."""
        self.connections.add(connection)
        self._waiting[connection] = None
        self.loop.call_soon(connection._finish, cause, 0, why)
        return connection

    async def lookup(self, host: str) -> list[str]:
        """The numeric addresses of a host, as dials know them. Raises OSError when there are none."""
        return [address.host for address in await self._resolver.lookup(host)]

    def abort_all(self) -> None:
        """Abort every connection and dial; each still gets its ``on_down``."""
        for connection in tuple(self.connections):
            connection.abort()

    def _system_trust(self) -> ssl.SSLContext:
        if self._default_context is None:
            self._default_context = ssl.create_default_context()
        return self._default_context

    def _release(self) -> None:
        """A dial has come to its end: the next one that waits takes its slot."""
        if self._waiting:
            self._waiting.popitem(last=False)[0]._begin()
        else:
            self._dialling -= 1

    def _forget(self, connection: Connection, state: int) -> None:
        self.connections.discard(connection)
        if state == WAITING:
            del self._waiting[connection]
        elif state in (DIALLING, SHAKING):
            self._release()

    async def _connect(self, connection: Connection, dial: DialSpec) -> None:
        """Bring TCP up. Ends in ``connection_made``, or in ``_finish`` with the cause of the last address tried."""
        parts = dial.proxy or parse_url(dial.url)
        try:
            addresses = await self._resolver.lookup(parts.host)
        except (OSError, ValueError) as error:  # ValueError: a name that is none, such as one with an empty label
            connection._finish("dns", 0, f"{parts.host}: {error}")
            return
        failed = OSError(errno.EADDRNOTAVAIL, f"no address of {parts.host} is of the family of {dial.source_address}")
        for address in addresses:
            if dial.source_address is not None and Address(dial.source_address).family != address.family:
                continue
            try:
                if dial.manner.probe and dial.proxy is None and not await self._probe(address, dial):
                    connection._finish("http_status", 0, "no HTTP answer to the request that goes before")
                    return
                await self._connect_to(connection, address, parts.port, dial.source_address)
            except OSError as error:
                failed = error
                if error.errno in _LOCAL:
                    break
            else:
                return
        else:
            self._resolver.forget(parts.host)
        connection._finish(_cause_of(failed), 0, f"{parts.host}:{parts.port}: {failed.strerror or failed}")

    async def _probe(self, address: Address, dial: DialSpec) -> bool:
        """A plain HTTP/1.0 request on a connection of its own: is there an HTTP server? Over TLS it is not asked."""
        parts = parse_url(dial.url)
        if parts.secure:
            return True
        with closing(new_socket(address.family, socket.SOCK_STREAM)) as sock:
            sock.setblocking(False)
            await self.loop.sock_connect(sock, (address.host, parts.port))
            request = f"GET {parts.resource_name} HTTP/1.0\r\nHost: {parts.host}\r\nConnection: close\r\n\r\n"
            await self.loop.sock_sendall(sock, request.encode())
            return (await self.loop.sock_recv(sock, 4096)).startswith(b"HTTP/")

    async def _connect_to(self, connection: Connection, address: Address, port: int, source: str | None) -> None:
        sock = new_socket(address.family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source is not None:
                if _NO_PORT_YET is not None:
                    # The port is chosen at connect, per destination; else one source carries 28,000 connections in all.
                    sock.setsockopt(socket.IPPROTO_IP, _NO_PORT_YET, 1)
                sock.bind((source, 0))
            await self.loop.sock_connect(sock, (address.host, port))
            await self.loop.create_connection(lambda: connection, sock=sock)
        except BaseException:
            sock.close()
            raise


def _cause_of(error: OSError) -> DownCause:
    if error.errno in _LOCAL:
        return "local_limit"
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return "timeout"
    return "reset" if isinstance(error, ConnectionResetError) else "refused"
