"""One connection of a station to its CSMS, from the dial to its end; made by ``fleet/transport.py``.

Everything protocol is in ``wire/`` (bytes in, bytes out); here it meets the loop as one ``asyncio.Protocol``, with no
task and no timer once it is open. The life of a connection is a line: waiting for a dial slot, dialling (name and TCP),
shaking hands (TLS and HTTP), open, closing, down. ``vanished`` is a branch of open that only ``abort`` leaves.

After a Close the server is given time to end the TCP connection first, as RFC 6455 section 7.1.1 wants, which leaves
the waiting ports on its side and not on ours.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import socket
import ssl
import struct
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, cast, get_args

from simulator.core.effects import PLAIN, Manner
from simulator.fleet.retry_after import retry_after_s
from simulator.wire.proxy import ProxyAddress, ProxyRefused, Tunnel
from simulator.wire.tls import TlsFailure, TlsPipe
from simulator.wire.websocket import (
    ABNORMAL,
    Binary,
    Closed,
    Event,
    Opened,
    Pinged,
    Pong,
    Refused,
    Text,
    WebSocketClient,
)

if TYPE_CHECKING:
    from simulator.fleet.transport import Transport

DownCause = Literal[
    "dns",
    "refused",
    "timeout",
    "http_status",
    "tls_server_cert",
    "tls_version",
    "tls_cipher",
    "tls_client_cert",
    "subprotocol",
    "closed",
    "reset",
    "local_limit",
]
"""Why a connection is gone or never came about. ``closed``: a Close frame or an orderly end, ``code`` is the close code
(1006 without a frame, 0 when given up before it was open). ``http_status``: ``code`` is the status, 101 for an agreeing
answer that breaks the handshake, 0 for no HTTP at all. ``refused`` includes unreachable hosts and networks."""
CAUSES: tuple[str, ...] = get_args(DownCause)

CLOSE_S = 5.0
"""How long a closing handshake, and the end of TCP after it, may take before the connection is aborted."""
WRITE_LIMIT = 1 << 20
"""Bytes waiting to be written to a server that does not read, before the connection is given up."""

WAITING, DIALLING, SHAKING, OPEN, CLOSING, VANISHED, DOWN = range(7)


class Identity(Protocol):
    """A certificate with its key that can be put into a TLS context."""

    def put_into(self, context: ssl.SSLContext) -> None:
        """From now on, connections made of ``context`` show this certificate; raises OSError or ssl.SSLError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialSpec:
    """One connection to be made. Secrets are left out of its ``repr``.

    ``basic_auth``: user and password; OCPP allows passwords that are no text, hence bytes. ``server_name``: the name to
    send and to check instead of the URL's host. ``identity``: the station's own certificate, put into the context just
    before its connection is made of it. ``proxy``: whom to ask for a tunnel. ``source_address``: numeric, the local
    end. ``timeout_s``: for name, TCP, TLS and handshake together. ``require_subprotocol``: a server that picks none of
    ours is hung up on with cause ``subprotocol``; otherwise that is for the station to judge, from what ``on_open``
    tells it. ``forbidden``: why this must not be dialled at all; the dial ends with cause ``refused``.
    ``manner``: the way of a product that has one of its own.
    """

    url: str
    subprotocols: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    basic_auth: tuple[str, str | bytes] | None = field(default=None, repr=False)
    ssl_context: ssl.SSLContext | None = None
    identity: Identity | None = field(default=None, repr=False)
    server_name: str | None = None
    proxy: ProxyAddress | None = None
    source_address: str | None = None
    timeout_s: float = 30.0
    require_subprotocol: bool = False
    forbidden: str = ""
    manner: Manner = PLAIN


class Listener(Protocol):
    """What a connection tells its owner. ``on_text`` bytes are not checked to be UTF-8."""

    def on_open(self, conn: Connection, subprotocol: str | None) -> None:
        """Messages may be sent; ``subprotocol`` is what the server named, offered or not."""

    def on_text(self, conn: Connection, data: bytes) -> None:
        """One whole text message."""

    def on_pong(self, conn: Connection) -> None:
        """The server answered a ping."""

    def on_down(self, conn: Connection, cause: DownCause, code: int, detail: str, retry_after_s: int | None) -> None:
        """The end, exactly once. ``retry_after_s`` is what a 429 or 503 asked for."""


class Connection(asyncio.Protocol):
    """One dial and what became of it; made by ``Transport.open``."""

    __slots__ = (
        "_dial", "_listener", "_manner", "_outcome", "_owner", "_state", "_task", "_timer", "_tls", "_transport",
        "_tunnel", "_websocket",
    )  # fmt: skip

    def __init__(self, owner: Transport, dial: DialSpec, listener: Listener) -> None:
        headers = dial.headers
        if dial.basic_auth is not None:
            user, password = dial.basic_auth
            secret = password.encode() if isinstance(password, str) else password
            token = base64.b64encode(user.encode() + b":" + secret).decode()
            headers = (*headers, ("Authorization", f"Basic {token}"))
        manner = dial.manner
        self._websocket = WebSocketClient(
            dial.url,
            subprotocols=dial.subprotocols,
            headers=(*headers, *manner.headers),
            user_agent=owner.user_agent,
            upgrade=manner.upgrade,
            deflate=manner.deflate,
        )
        self._manner = manner
        self._owner = owner
        self._dial: DialSpec | None = dial
        self._listener = listener
        self._state = WAITING
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tls: TlsPipe | None = None
        self._tunnel: Tunnel | None = None  # while the proxy has not answered
        self._transport: asyncio.Transport | None = None
        self._outcome: tuple[int, str] | None = None  # what a Close frame said, until TCP has ended too

    @property
    def is_open(self) -> bool:
        """Whether ``send`` reaches the socket.

        It does not while the events of bytes are told that end with a Close: the WebSocket has read them all.
        """
        return self._state == OPEN and self._websocket.is_open

    def send(self, frame: bytes) -> bool:
        """Send one text message. False when the connection is not open: its ``on_down`` has come or is on its way.

        A vanished connection takes everything and sends nothing, as a dead radio link would.
        """
        if not self.is_open:
            return self._state == VANISHED
        data = self._websocket.send_text(frame)
        if self._tls is not None:
            return self._put(data)
        self._transport.write(data)  # type: ignore[union-attr]
        return True

    def send_raw(self, data: bytes, *, opcode: int = 1, fin: bool = True, rsv: int = 0, masked: bool = True) -> bool:
        """Send a frame that may break every rule, for faults; else as ``send``."""
        if not self.is_open:
            return self._state == VANISHED
        return self._put(self._websocket.send_raw(data, opcode=opcode, fin=fin, rsv=rsv, masked=masked))

    def send_bytes(self, data: bytes) -> bool:
        """Write ``data`` to the stream as it is, in no frame, for faults; else as ``send``."""
        if not self.is_open:
            return self._state == VANISHED
        return self._put(data)

    def ping(self) -> bool:
        """Send a WebSocket ping; else as ``send``."""
        if not self.is_open:
            return self._state == VANISHED
        return self._put(self._websocket.ping())

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; ``on_down`` follows within CLOSE_S. A dial under way is given up.

        Raises LocalProtocolError for a code that must not be sent. No effect when it is closing, vanished or down.
        """
        if self.is_open:
            frame = self._websocket.close(code, reason)
            self._to_closing()
            self._put(frame)
        elif self._state < OPEN:
            self._finish("closed", 0, "given up before it was open")

    def abort(self) -> None:
        """Drop the connection with a TCP reset."""
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._finish("reset", 0, "aborted by this side")

    def read(self, on: bool) -> None:
        """Stop reading the socket, so that the server's bytes pile up, or go on. Only while it is open."""
        if self._state == OPEN and self._transport is not None:
            if on:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def vanish(self) -> None:
        """Neither read nor write any more, and say nothing to the server: half-open until ``abort``."""
        if self._state in (OPEN, CLOSING):
            assert self._transport is not None
            self._transport.pause_reading()
            self._stop_timer()
            self._state = VANISHED
        elif self._state < OPEN:
            self._finish("closed", 0, "given up before it was open")

    # -- what the loop calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is up, to the server or to its proxy."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class, only by what it does
        if self._state == DOWN:
            self._transport.abort()
            return
        self._state, self._task = SHAKING, None
        self._transport.set_write_buffer_limits(high=WRITE_LIMIT)
        if self._tunnel is not None:
            self._transport.write(self._tunnel.request())
        else:
            self._shake()

    def _shake(self) -> None:
        """The stream to the server stands: begin TLS, if any, and the handshake."""
        assert self._transport is not None
        if self._tls is not None:
            try:
                self._transport.write(self._tls.start())
            except TlsFailure as failure:
                self._finish(failure.cause, 0, failure.detail)
                return
        self._put(self._websocket.start())

    def data_received(self, data: bytes) -> None:
        """Bytes from the server, in order."""
        if self._tunnel is not None:
            data = self._through(self._tunnel, data)
            if not data:
                return
        if self._tls is not None:
            data = self._decrypt(self._tls, data)
        if self._state >= VANISHED or not data:
            return
        for event in self._websocket.receive(data):
            if type(event) is Text:
                self._listener.on_text(self, event.data)
            else:
                self._on_event(event)
            if self._state >= VANISHED:
                return
        if out := self._websocket.pending():
            self._put(out)

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP has ended, or was aborted here."""
        if self._state == SHAKING:
            cause, text = self._stage()
            self._finish(cause, 0, f"{text}{f': {exc}' if exc else ''}")
        elif self._state == CLOSING:
            code, reason = self._outcome or (ABNORMAL, "the server ended the connection without answering the Close")
            self._finish("closed", code, reason)
        elif exc is not None:
            late = isinstance(exc, TimeoutError) or getattr(exc, "errno", None) == errno.ETIMEDOUT
            self._finish("timeout" if late else "reset", 0, str(exc) or type(exc).__name__)
        else:
            self._finish("closed", ABNORMAL, "the server ended the connection without a Close frame")

    def pause_writing(self) -> None:
        """More than WRITE_LIMIT bytes wait: the server does not read. Called inside a write, hence later."""
        self._owner.loop.call_soon(self._finish, "timeout", 0, "write buffer full: the server does not read")

    # -- inside -------------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        if type(event) is Pong:
            self._listener.on_pong(self)
        elif type(event) is Pinged:
            if self._manner.ping_kills:
                self.abort()
        elif type(event) is Opened:
            self._on_opened(event.subprotocol)
        elif type(event) is Refused:
            retry = retry_after_s(event.headers) if event.status in (429, 503) else None
            self._finish("http_status", event.status, event.reason, retry, flush=True)
        elif type(event) is Binary:
            self._outcome = (1003, "this side closed: a binary message, and OCPP-J has only text")
            if self.is_open:
                frame = self._websocket.close(1003)
                self._to_closing()
                self._put(frame)
        elif type(event) is Closed:
            if self._outcome is None:
                self._outcome = (event.code, f"this side closed: {event.reason}" if event.by_us else event.reason)
            if self._state == OPEN:
                self._to_closing()

    def _on_opened(self, subprotocol: str | None) -> None:
        dial = self._dial
        assert dial is not None
        if dial.require_subprotocol and subprotocol not in dial.subprotocols:
            self._put(self._websocket.close(1002))
            offered = ", ".join(dial.subprotocols)
            self._finish("subprotocol", 101, f"the server picked {subprotocol!r} of {offered}", flush=True)
            return
        self._stop_timer()
        self._state, self._dial = OPEN, None
        self._owner._release()
        self._listener.on_open(self, subprotocol)

    def _through(self, tunnel: Tunnel, data: bytes) -> bytes:
        """Bytes from the proxy; what of them is the server's. The handshake begins when the tunnel opens."""
        try:
            rest = tunnel.receive(data)
        except ProxyRefused as no:
            self._finish("http_status", no.status, no.detail)
            return b""
        if rest is None:
            return b""
        self._tunnel = None
        self._shake()
        return rest if self._state == SHAKING else b""

    def _stage(self) -> tuple[DownCause, str]:
        """Where a handshake was cut off, and by what most likely."""
        if self._tunnel is not None:
            return "reset", "the proxy ended the connection without an answer"
        if self._tls is not None and self._tls.judged:
            # Some servers, asyncio's among them, close without the alert that would say so.
            return "tls_client_cert", (
                "the server ended the connection as soon as it could have seen the client certificate, without a word"
            )
        if self._tls is not None and not self._tls.established:
            return "reset", "the connection ended during the TLS handshake"
        return "reset", "the connection ended before the handshake was answered"

    def _put(self, data: bytes) -> bool:
        """Write to the stream, through TLS if there is any; False if that ended the connection."""
        assert self._transport is not None
        if self._tls is not None:
            try:
                data = self._tls.send(data)
            except TlsFailure as failure:
                self._finish(failure.cause, 0, failure.detail)
                return False
        if data:
            self._transport.write(data)
        return True

    def _decrypt(self, tls: TlsPipe, data: bytes) -> bytes:
        try:
            plain = tls.receive(data)
        except TlsFailure as failure:
            if self._transport is not None and (alert := tls.pending()) and not self._manner.silent_tls:
                self._transport.write(alert)
            # Later, so that what could still be read is delivered first.
            self._owner.loop.call_soon(partial(self._finish, failure.cause, 0, failure.detail, flush=True))
            return failure.plain
        if self._transport is not None:
            if out := tls.pending():
                self._transport.write(out)
            if tls.ended:
                self._transport.close()
        return plain

    def _to_closing(self) -> None:
        self._state = CLOSING
        self._start_timer(CLOSE_S)

    def _start_timer(self, delay_s: float) -> None:
        self._stop_timer()
        self._timer = self._owner.loop.call_later(delay_s, self._on_timer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if self._state == CLOSING:
            code, reason = self._outcome or (ABNORMAL, f"the server did not answer the Close within {CLOSE_S:g} s")
            self._finish("closed", code, reason)
            return
        dial = self._dial
        assert dial is not None
        if self._state == WAITING:
            limit = self._owner.connect_limit
            self._finish("local_limit", 0, f"{limit} dials were under way for {dial.timeout_s:g} s; none became free")
            return
        what = "no TCP connection"
        if self._state == SHAKING:
            what = "no TLS" if self._tls and not self._tls.established else "no answer to the handshake"
            if self._tunnel is not None:
                what = "no answer of the proxy"
        self._finish("timeout", 0, f"{what} within {dial.timeout_s:g} s")

    def _begin(self) -> None:
        """A dial slot is free."""
        dial, self._state = self._dial, DIALLING
        assert dial is not None
        self._start_timer(dial.timeout_s)
        self._task = self._owner.loop.create_task(self._owner._connect(self, dial))

    def _finish(
        self, cause: DownCause, code: int, detail: str, retry: int | None = None, *, flush: bool = False
    ) -> None:
        """Down, once. ``flush``: let what is written leave first; only while connecting, where that is a few bytes."""
        state, self._state = self._state, DOWN
        if state == DOWN:
            return
        self._stop_timer()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._transport is not None:
            if flush:
                self._transport.close()
            else:
                self._transport.abort()
        self._transport = self._tls = self._tunnel = self._dial = None
        self._owner._forget(self, state)
        self._owner.loop.call_soon(self._listener.on_down, self, cause, code, detail, retry)
