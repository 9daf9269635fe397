"""The client side of WebSocket and TLS as bytes in, bytes out: no socket, no loop, no clock.

``WebSocketClient`` lets the ``websockets`` library do the protocol: the opening handshake (RFC 6455 section 4), control
frames, fragments, the closing handshake, and every rule a hostile server can break. One thing it does itself, because
it is nearly all a charging station ever sees: a whole, unfragmented text frame in an open connection is cut out of the
received bytes here, and a text frame to be sent is masked here. That brings a message in and one out from 8.3 to about
1.3 us, and it means that an open, quiet connection needs no protocol object at all: the library's is made when a frame
asks for it and dropped once nothing is left in it. The library is only ever fed whole frames, so it can be dropped.

Text is handed on as bytes and is *not* checked to be UTF-8: hostile input is decoded in one place, ``wire/rpc.py``.
No proxy, no keepalive: a WebSocket ping is a decision of the station (OCPP WebSocketPingInterval). Compression (RFC
7692) only when asked for and agreed to; then every frame takes the library's way, and its object stays.

``wire/tls.py`` has the same shape for TLS; compose them: ``websocket.receive(tls.receive(data))``, ``tls.send(frame)``.
"""

from __future__ import annotations

import logging
import os
import re
import struct

import msgspec
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ProtocolError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.protocol import Protocol, Side, State
from websockets.streams import StreamReader
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from simulator.errors import LocalProtocolError

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled wheel: same result, slower
    from websockets.utils import apply_mask

MAX_MESSAGE = 1 << 20
"""Largest message taken from a server unless told otherwise, in bytes, fragments joined."""
MAX_HEAD = 1 << 16
"""Largest HTTP head of a handshake answer, in bytes."""
ABNORMAL = 1006
"""Close code of a connection that ended without a Close frame (RFC 6455 section 7.1.5)."""

_LOG = logging.getLogger(__name__)
_LOG.setLevel(logging.WARNING)  # at DEBUG the library would write frames and the Authorization header

_CONNECTING, _OPEN, _CLOSING, _CLOSED = range(4)
_FIN_TEXT = 0x81
_TEXT_HEADS = tuple(bytes((_FIN_TEXT, 0x80 | size)) for size in range(126))
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Opened(msgspec.Struct, frozen=True, gc=False):
    """The handshake is done. ``subprotocol`` is what the server named, offered or not; None when it named none."""

    subprotocol: str | None


class Text(msgspec.Struct, frozen=True, gc=False):
    """One whole text message, fragments joined, not checked to be UTF-8."""

    data: bytes


class Binary(msgspec.Struct, frozen=True, gc=False):
    """One whole binary message, fragments joined."""

    data: bytes


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The server answered a ping (or sent a pong unasked; RFC 6455 section 5.5.3 allows it)."""


class Pinged(msgspec.Struct, frozen=True, gc=False):
    """The server pinged; the pong is pending already."""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The handshake failed. ``status`` is the HTTP status, 0 when the answer was no HTTP at all, and 101 when the
    server agreed but broke the rules of the handshake; ``reason`` says how."""

    status: int
    headers: tuple[tuple[str, str], ...]
    reason: str


class Closed(msgspec.Struct, frozen=True, gc=False):
    """Nothing more will be received. ``by_us``: this side failed the connection because of what the server sent;
    then ``code`` is the one we sent (1002 protocol, 1007 bad close reason, 1009 too big). 1006: no Close frame."""

    code: int
    reason: str
    by_us: bool = False


Event = Opened | Text | Binary | Pong | Pinged | Refused | Closed


# Masks must be unpredictable (RFC 6455 section 5.3). One system call serves a thousand of them; next() on the iterator
# is a single step for the interpreter, so threads may share it, and a forked worker starts with a pool of its own.
_masks = struct.iter_unpack("4s", b"")


def _refill() -> None:
    global _masks
    _masks = struct.iter_unpack("4s", os.urandom(4096))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_refill)


def _mask() -> bytes:
    for (mask,) in _masks:
        return mask  # type: ignore[no-any-return]
    _refill()
    return os.urandom(4)


def build_frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """One WebSocket frame, sensible or not: ``opcode`` 0 to 15, ``rsv`` 0 to 7 (RFC 6455 section 5.2)."""
    size = len(payload)
    head = (0x80 if fin else 0) | (rsv & 7) << 4 | (opcode & 15)
    bit = 0x80 if masked else 0
    if size < 126:
        start = bytes((head, bit | size))
    elif size < 1 << 16:
        start = struct.pack("!BBH", head, bit | 126, size)
    else:
        start = struct.pack("!BBQ", head, bit | 127, size)
    if not masked:
        return start + payload
    mask = _mask()
    return start + mask + apply_mask(payload, mask)


def parse_url(url: str) -> WebSocketURI:
    """The parts of a ``ws://`` or ``wss://`` URL. Raises ValueError; credentials in a URL are refused, because URLs are
    shown to people and passwords are not."""
    try:
        parsed = parse_uri(url)
    except Exception as error:  # the library's InvalidURI, and ValueErrors of the standard parser
        raise ValueError(f"not a usable WebSocket URL: {error}") from error
    if parsed.username is not None:
        raise ValueError(f"the URL for {parsed.host} holds a user name: give credentials apart from the URL")
    return parsed


class _Handshake(ClientProtocol):
    """The library's opening handshake, except that a subprotocol nobody offered is reported instead of refused."""

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """What the server said, word for word."""
        said = ", ".join(headers.get_all("Sec-WebSocket-Protocol")).strip()
        return Subprotocol(said) if said else None


class WebSocketClient:
    """One connection. ``start`` once, then ``receive`` every byte that arrives and write what ``pending`` returns.

    ``url``: where the handshake asks. ``headers``: more request headers, such as Authorization. ``max_size``: bytes of
    one message. ``upgrade``: what the Upgrade header says, "" leaves it out. ``deflate`` offers compression. Raises
    ValueError for a URL, a subprotocol or a header that cannot be sent.
    """

    __slots__ = ("_buffer", "_deflates", "_idle", "_is_text", "_max_size", "_message", "_out", "_phase", "_protocol")

    def __init__(
        self,
        url: str | WebSocketURI,
        *,
        subprotocols: tuple[str, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
        user_agent: str,
        max_size: int = MAX_MESSAGE,
        upgrade: str = "websocket",
        deflate: bool = False,
    ) -> None:
        assert max_size > 0
        for word in (*subprotocols, *(name for name, _ in headers)):
            if not _TOKEN.fullmatch(word):
                raise ValueError(f"{word!r} cannot be a subprotocol or the name of a header")
        protocol = _Handshake(
            parse_url(url) if isinstance(url, str) else url,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            extensions=[ClientPerMessageDeflateFactory(client_max_window_bits=True)] if deflate else None,
            max_size=max_size,
            logger=_LOG,
        )
        request = protocol.connect()
        if upgrade != "websocket":
            del request.headers["Upgrade"]
            if upgrade:
                request.headers["Upgrade"] = upgrade
        for name, value in (*headers, ("User-Agent", user_agent)):
            if _UNSAFE.search(value) or not value.isascii():
                raise ValueError(f"the value of header {name} holds characters that HTTP does not allow")
            request.headers[name] = value
        protocol.send_request(request)
        self._protocol: Protocol | None = protocol
        self._out = b"".join(protocol.data_to_send())
        self._buffer = bytearray()  # the handshake's answer, later the beginning of an incomplete frame
        self._message: bytearray | None = None  # a fragmented message so far; the library bounds its size
        self._is_text = True
        self._deflates = False
        self._phase = _CONNECTING
        self._idle = False  # open, no frame begun, nothing in the library: the short way is safe
        self._max_size = max_size

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent: the handshake is done and no Close has been sent or received."""
        return self._phase == _OPEN

    def start(self) -> bytes:
        """The request of the opening handshake."""
        return self.pending()

    def pending(self) -> bytes:
        """What the protocol itself has to say: the request, pongs, the answer to a Close. Empty nearly always."""
        out = self._out
        if out:
            self._out = b""
        return out

    def receive(self, data: bytes) -> list[Event]:
        """What ``data`` completes, in order. Call ``pending`` afterwards. Never raises because of what arrived."""
        if self._idle and 2 <= (size := len(data)) <= self._max_size and data[0] == _FIN_TEXT:
            length = data[1]
            if length == size - 2 and length < 126:
                return [Text(data[2:])]
            if length == 126 and size >= 4 and (data[2] << 8 | data[3]) == size - 4:
                return [Text(data[4:])]
        if self._phase == _CONNECTING:
            return self._receive_head(data)
        return self._receive_frames(data)

    def receive_eof(self) -> list[Event]:
        """The stream has ended. ``Closed(1006)`` unless the end was already reported."""
        if self._phase == _CLOSED:
            return []
        self._end()
        return [Closed(ABNORMAL, "")]

    def send_text(self, payload: bytes) -> bytes:
        """The frame of one text message. Raises LocalProtocolError when the connection is not open."""
        if self._phase != _OPEN:
            raise LocalProtocolError("a message was sent on a WebSocket connection that is not open")
        if self._deflates:
            protocol = self._library()
            protocol.send_text(payload)
            return b"".join(protocol.data_to_send())
        size = len(payload)
        mask = _mask()
        if size < 126:
            return _TEXT_HEADS[size] + mask + apply_mask(payload, mask)
        return build_frame(1, payload)

    def send_raw(
        self, payload: bytes, *, opcode: int = 1, fin: bool = True, rsv: int = 0, masked: bool = True
    ) -> bytes:
        """A frame that may break every rule, for faults. Raises LocalProtocolError when the connection is not open."""
        if self._phase != _OPEN:
            raise LocalProtocolError("a raw frame was sent on a WebSocket connection that is not open")
        return build_frame(opcode, payload, fin=fin, rsv=rsv, masked=masked)

    def ping(self, payload: bytes = b"") -> bytes:
        """The frame of a ping, at most 125 bytes. Raises LocalProtocolError when the connection is not open."""
        if self._phase != _OPEN:
            raise LocalProtocolError("a ping was sent on a WebSocket connection that is not open")
        assert len(payload) <= 125
        return build_frame(9, payload)

    def close(self, code: int = 1000, reason: str = "") -> bytes:
        """The frame that begins the closing handshake. Raises LocalProtocolError when the connection is not open or
        the code must not be sent (RFC 6455 section 7.4)."""
        if self._phase != _OPEN:
            raise LocalProtocolError("a WebSocket connection that is not open cannot be closed")
        protocol = self._library()
        try:
            protocol.send_close(code, reason)
        except ProtocolError as error:
            raise LocalProtocolError(f"close code {code}: {error}") from error
        self._phase, self._idle = _CLOSING, False
        return b"".join(protocol.data_to_send())

    # -- the opening handshake ----------------------------------------------------------------------------------------

    def _receive_head(self, data: bytes) -> list[Event]:
        head = self._buffer
        head += data
        if not head.startswith(b"HTTP/"[: len(head)]):
            return self._refuse(0, (), "the answer is not HTTP")
        end = head.find(b"\r\n\r\n") + 4
        if end < 4:
            too_long = len(head) > MAX_HEAD
            return self._refuse(0, (), f"no end of the HTTP head within {MAX_HEAD} bytes") if too_long else []
        rest = bytes(head[end:])
        del head[end:]
        if head.split(b" ", 2)[1:2] != [b"101"]:
            return self._refuse(*_read_refusal(head))
        protocol = self._protocol
        assert isinstance(protocol, _Handshake)
        protocol.receive_data(head)
        if (error := protocol.handshake_exc) is not None:
            answer = [event for event in protocol.events_received() if isinstance(event, Response)]
            headers = tuple(answer[0].headers.raw_items()) if answer else ()
            return self._refuse(101, headers, str(error.__cause__ or error))
        self._buffer, self._phase = bytearray(), _OPEN
        if protocol.extensions:
            protocol.events_received()
            self._deflates = True
        else:  # only now: what the library holds of the handshake (some 6 KiB) goes, an open connection starts bare
            self._protocol, self._idle = None, True
        opened: list[Event] = [Opened(protocol.subprotocol)]
        return opened + self._receive_frames(rest) if rest else opened

    def _refuse(self, status: int, headers: tuple[tuple[str, str], ...], reason: str) -> list[Event]:
        self._end()
        return [Refused(status, headers, reason)]

    # -- frames -------------------------------------------------------------------------------------------------------

    def _receive_frames(self, data: bytes) -> list[Event]:
        chunk: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            chunk = self._buffer
        events: list[Event] = []
        pos, end = 0, len(chunk)
        while self._phase in (_OPEN, _CLOSING):
            head, size = _measure(chunk, pos, end)
            if not head:
                break
            if size > self._max_size or chunk[pos + 1] & 0x80:
                self._feed(bytes(chunk[pos : pos + head]), events)  # the header alone makes the library refuse it
                break
            after = pos + head + size
            if after > end:
                break
            if chunk[pos] == _FIN_TEXT and self._protocol is None:
                events.append(Text(bytes(chunk[pos + head : after])))
            else:
                self._feed(bytes(chunk[pos:after]), events)
            pos = after
        if self._phase != _CLOSED:
            if chunk is self._buffer:
                del self._buffer[:pos]
            elif pos < end:
                self._buffer += chunk[pos:]
            self._idle = self._phase == _OPEN and self._protocol is None and not self._buffer
        return events

    def _library(self) -> Protocol:
        if self._protocol is None:
            self._protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=self._max_size, logger=_LOG)
        return self._protocol

    def _feed(self, frame: bytes, events: list[Event]) -> None:
        """Have the library take one whole frame, and drop the library once it holds nothing."""
        protocol = self._library()
        protocol.receive_data(frame)
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            self._translate(event, protocol, events)
        self._out += b"".join(protocol.data_to_send())
        if protocol.parser_exc is not None and self._phase != _CLOSED:
            sent = protocol.close_sent
            events.append(Closed(sent.code if sent else ABNORMAL, str(protocol.parser_exc), by_us=True))
            self._end()
        elif self._phase == _OPEN and protocol.current_size is None and not self._deflates:
            self._protocol = None

    def _translate(self, frame: Frame, protocol: Protocol, events: list[Event]) -> None:
        opcode = int(frame.opcode)
        if opcode <= 2:
            if self._message is None:
                self._message, self._is_text = bytearray(), opcode == 1
            self._message += frame.data
            if frame.fin:
                whole = bytes(self._message)
                events.append(Text(whole) if self._is_text else Binary(whole))
                self._message = None
        elif opcode == 9:
            events.append(Pinged())
        elif opcode == 10:
            events.append(Pong())
        elif opcode == 8:
            said = protocol.close_rcvd
            assert said is not None
            events.append(Closed(said.code, said.reason))
            self._end()

    def _end(self) -> None:
        self._phase, self._idle, self._protocol, self._message = _CLOSED, False, None, None
        self._buffer = bytearray()


def _measure(chunk: bytes | bytearray, pos: int, end: int) -> tuple[int, int]:
    """(bytes of the header, bytes of the payload) of the unmasked frame at ``pos``; (0, 0) until that is known."""
    if end - pos < 2:
        return 0, 0
    size = chunk[pos + 1] & 0x7F
    head = 2 if size < 126 else 4 if size == 126 else 10
    if end - pos < head:
        return 0, 0
    return head, size if head == 2 else int.from_bytes(chunk[pos + 2 : pos + head], "big")


def _read_refusal(head: bytearray) -> tuple[int, tuple[tuple[str, str], ...], str]:
    """(status, headers, reason) of an HTTP answer that is no 101. Its body is not waited for: many servers send none,
    or never end it, and the status says enough."""
    reader = StreamReader()
    reader.feed_data(head)
    reader.feed_eof()
    # proxy=True is the library's way to read a head without its body, and takes HTTP/1.0, which many servers refuse in.
    parser = Response.parse(reader.read_line, reader.read_exact, reader.read_to_eof, proxy=True)
    try:
        next(parser)
    except StopIteration as done:
        response = done.value
        return response.status_code, tuple(response.headers.raw_items()), response.reason_phrase
    except Exception as error:  # noqa: BLE001  the library's parser raises many kinds, and all mean the same here
        return 0, (), f"the answer is not valid HTTP: {error}"
    raise AssertionError("the library waits for more than a whole HTTP head")
