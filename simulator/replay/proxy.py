"""A transparent proxy between real stations and their CSMS that writes down what passes.

Bytes go through as they are: masks, fragments, pings and pongs, close codes and mistakes are those of the two ends, and
nothing is answered by the proxy itself. Of the handshake only what must change is changed: the path (the station's id
is put where the CSMS's address wants it), ``Host``, and ``Sec-WebSocket-Extensions``, which is left out, because what
is compressed cannot be read. Everything else passes, ``Authorization`` included; it is never written down, and the
password in it is replaced wherever else it occurs. A refusal of the CSMS reaches the station as it came.

When one end goes, what is on its way still arrives, then the other end is let go; the other stations do not notice.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from websockets.uri import WebSocketURI

from simulator.dialects import normalise_version
from simulator.errors import AuthorError, TargetError, UnknownName
from simulator.fleet.limits import why
from simulator.fleet.target import Target
from simulator.fleet.trace import ConnectionEvent, FrameTrace
from simulator.httpd import is_loopback
from simulator.replay.tap import BINARY, CLOSE, TEXT, Tap, close_code, close_frame
from simulator.report.redact import Redactor
from simulator.wire.websocket import parse_url

HEAD_MAX = 64 * 1024
HEAD_S, DIAL_S, LINGER_S, STOP_S = 20.0, 20.0, 5.0, 2.0
"""Seconds for a head to arrive, for the CSMS to take a call, for the other end to follow one that is gone, and for both
to answer a Close of ours."""
CHUNK = 64 * 1024
STATION_ID_MAX = 255
STATIONS_MAX = CONNECTIONS_MAX = 10_000
#: codes of RFC 6455, 7.4.1; the second one is of a connection that ended without a Close
GOING_AWAY, ABNORMAL = 1001, 1006
_WHO = {"station": "the station", "csms": "the CSMS", "recorder": "the recorder"}
_DROPPED = frozenset({"host", "sec-websocket-extensions"})

Say = Callable[[str], None]


@dataclass
class Passed:
    """What was seen of one station."""

    frames: int = 0
    connections: int = 0
    refused: int = 0


@dataclass(eq=False)
class _Link:
    station: asyncio.StreamWriter
    csms: asyncio.StreamWriter
    to_csms: Tap
    to_station: Tap


class Proxy:
    """Listens on ``host``; every station that comes is connected to ``target``. Use as an async context manager.

    ``tls``: stations connect with wss://. A certificate that a station shows ends here: only its password is passed on.
    """

    def __init__(
        self,
        target: Target,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        anywhere: bool = False,
        tls: ssl.SSLContext | None = None,
        trace: FrameTrace | None = None,
        redactor: Redactor | None = None,
        say: Say = lambda line: None,
    ) -> None:
        if not anywhere and not is_loopback(host):
            raise AuthorError(
                f"{host} is not loopback: anybody could connect there; --listen-anywhere if that is meant"
            )
        self.target, self.host, self._port, self._tls = target, host, port, tls
        self.trace, self._redactor, self._say = trace, redactor or Redactor(), say
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.stations: dict[str, Passed] = {}
        self.failure: BaseException | None = None
        """An error of ours that ended a connection."""

    @property
    def url(self) -> str:
        """Where stations connect to; the id follows after a slash."""
        scheme = "ws" if self._tls is None else "wss"
        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self._port}"

    @property
    def frames(self) -> int:
        """Messages that have passed."""
        return sum(passed.frames for passed in self.stations.values())

    async def __aenter__(self) -> Proxy:
        try:
            self._server = await asyncio.start_server(
                self._accept, self.host, self._port, ssl=self._tls, limit=HEAD_MAX
            )
        except OSError as error:
            raise AuthorError(f"cannot listen on {self.host}:{self._port}: {why(error)}") from None
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Take nobody new, say goodbye (1001) to both ends of every connection, and let go."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in tuple(self._links):
            for writer, tap, masked in ((link.station, link.to_station, False), (link.csms, link.to_csms, True)):
                if tap.between and not writer.is_closing():
                    writer.write(close_frame(GOING_AWAY, masked=masked))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- one station

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= CONNECTIONS_MAX:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._station(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # an end that goes in the middle of its handshake has nobody to be told to
        except Exception as error:
            self.failure = error
            raise
        finally:
            await _let_go(writer)

    async def _station(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
        request = Head(head)
        station_id, query = request.station_id()
        if not 0 < len(station_id) <= STATION_ID_MAX or not station_id.isprintable():
            await _answer(writer, "404 Not Found", "the path must end with the station's id")
            return
        if station_id not in self.stations and len(self.stations) >= STATIONS_MAX:
            await _answer(writer, "503 Service Unavailable", "too many stations")
            return
        passed = self.stations.setdefault(station_id, Passed())
        self._redactor.learn(_password(request.get("authorization")), station_id)
        address = parse_url(self.target.station_url(station_id))
        try:
            async with asyncio.timeout(DIAL_S):
                ours, theirs = await asyncio.open_connection(
                    address.host,
                    address.port,
                    ssl=self._context(station_id, address),
                    server_hostname=(self.target.fields.tls.server_name or address.host) if address.secure else None,
                    limit=HEAD_MAX,
                )
        except (OSError, TimeoutError, TargetError) as error:
            passed.refused += 1
            self._say(f"{station_id}: the CSMS cannot be reached: {_why(error)}")
            self._happened(station_id, "refused", f"the CSMS cannot be reached: {_why(error)}", by="recorder")
            await _answer(writer, "502 Bad Gateway", "the CSMS cannot be reached")
            return
        try:
            theirs.write(request.passed_on(address, query))
            async with asyncio.timeout(HEAD_S):
                answer = await ours.readuntil(b"\r\n\r\n")
            writer.write(answer)
            response = Head(answer)
            if response.status != "101":
                passed.refused += 1
                self._say(f"{station_id}: the CSMS refuses the connection: {response.status}")
                status = int(response.status) if response.status.isdigit() else 0
                why = f"refused by the CSMS, HTTP {response.status}"
                self._happened(station_id, "refused", why, by="csms", status=status)
                await _pump(ours, writer, None)
                return
            await self._open(station_id, passed, response.get("sec-websocket-protocol"), reader, writer, ours, theirs)
        finally:
            await _let_go(theirs)

    async def _open(
        self,
        station_id: str,
        passed: Passed,
        subprotocol: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ours: asyncio.StreamReader,
        theirs: asyncio.StreamWriter,
    ) -> None:
        version = _version(subprotocol)
        passed.connections += 1
        self._say(f"{station_id}: connected, {subprotocol or 'no subprotocol'}")
        agreed = f"connected, subprotocol {subprotocol}" if subprotocol else "connected, no subprotocol"
        self._happened(station_id, "opened", agreed, version, subprotocol=subprotocol)

        closes: list[tuple[str, int, str]] = []

        def tap(to_csms: bool) -> Tap:
            def told(kind: int, data: bytes) -> None:
                if kind == CLOSE:
                    by = "recorder" if self._server is None else "station" if to_csms else "csms"
                    closes.append((by, close_code(data), data[2:].decode("utf-8", "replace")))
                elif kind in (TEXT, BINARY):
                    passed.frames += 1
                    self._write(station_id, version, to_csms, kind, data)

            return Tap(told)

        link = _Link(writer, theirs, tap(True), tap(False))
        self._links.add(link)
        pumps = [
            asyncio.create_task(_pump(reader, theirs, link.to_csms)),
            asyncio.create_task(_pump(ours, writer, link.to_station)),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if all(not task.cancelled() and task.exception() is None for task in done):
                await asyncio.wait(pumps, timeout=LINGER_S)
            else:  # reset, not closed: so it is for the other end
                writer.transport.abort()
                theirs.transport.abort()
        finally:
            for task in pumps:
                task.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
        for one, name in ((link.to_csms, "the station"), (link.to_station, "the CSMS")):
            if one.lost:
                self._say(f"{station_id}: not all that {name} sent could be read: {one.lost}")
        by, code, reason = closes[0] if closes else ("", ABNORMAL, "")
        self._say(f"{station_id}: gone, {f'{_WHO[by]} closed {code}' if by else 'without a Close'}")
        how = f"closed by {_WHO[by]}, code {code}" + (f", {reason}" if reason else "") if by else "lost without a Close"
        self._happened(station_id, "closed", how, version, by=by, code=code)

    def _happened(
        self, station_id: str, event: ConnectionEvent, detail: str, version: str = "", **meta: str | int
    ) -> None:
        """Into the trace: what a replay or a reader has to know of connections. ``by``: who did it, if anybody did."""
        if self.trace is not None:
            self.trace.connection(station_id, event, detail, ocpp=version, utc_us=time.time_ns() // 1_000, **meta)

    def _write(self, station_id: str, version: str, to_csms: bool, kind: int, data: bytes) -> None:
        if self.trace is not None:
            self.trace.frame(
                station_id,
                data,
                ocpp=version,
                utc_us=time.time_ns() // 1_000,
                to_csms=to_csms,
                meta={"binary": True} if kind == BINARY else None,
            )

    def _context(self, station_id: str, address: WebSocketURI) -> ssl.SSLContext | None:
        if not address.secure:
            return None
        tls = self.target.fields.tls
        context = ssl.create_default_context(cafile=str(self.target.file(tls.ca, station_id)) if tls.ca else None)
        if tls.cert:
            key = str(self.target.file(tls.key, station_id)) if tls.key else None
            context.load_cert_chain(str(self.target.file(tls.cert, station_id)), key)
        return context


class Head:
    """The head of a request or of a response, line by line."""

    def __init__(self, data: bytes) -> None:
        first, *rest = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        self.first = first
        self.lines = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]

    @property
    def status(self) -> str:
        """Of a response."""
        return [*self.first.split(" ", 2), "", ""][1]

    def get(self, name: str) -> str:
        """A header's value, "" without it; several are joined."""
        return ", ".join(value for key, value in self.lines if key.lower() == name)

    def station_id(self) -> tuple[str, str]:
        """The id that the path of a request ends with, and the query behind it."""
        path, _, query = [*self.first.split(" "), ""][1].partition("?")
        return unquote(path.rstrip("/").rpartition("/")[2], errors="replace"), query

    def passed_on(self, address: WebSocketURI, query: str) -> bytes:
        """This request as the CSMS is to get it."""
        method, _, version = [*self.first.split(" ", 2), "", ""][:3]
        path = address.resource_name
        if query:
            path += ("&" if "?" in path else "?") + query
        default = 443 if address.secure else 80
        name = f"[{address.host}]" if ":" in address.host else address.host
        host = name if address.port == default else f"{name}:{address.port}"
        lines = [(key, value) for key, value in self.lines if key.lower() not in _DROPPED]
        text = "".join(f"{key}: {value}\r\n" for key, value in [("Host", host), *lines])
        return f"{method} {path} {version}\r\n{text}\r\n".encode("latin-1")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tap: Tap | None) -> None:
    """Pass on until the end, and pass the end on. Raises OSError when one of the two breaks off."""
    while data := await reader.read(CHUNK):
        if tap is not None:
            tap.feed(data)
        writer.write(data)
        await writer.drain()
    if tap is not None:
        tap.over = True
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()
    else:
        writer.close()


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _let_go(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(STOP_S):
            await writer.wait_closed()


def _password(authorization: str) -> str:
    """The password of HTTP Basic as text; "" when there is none."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(token, validate=True).partition(b":")[2].decode("utf-8", "surrogateescape")
    except binascii.Error:
        return ""


def _version(subprotocol: str) -> str:
    """What was agreed on, as traces name it; the word itself for one that is not known."""
    try:
        return normalise_version(subprotocol)
    except UnknownName:
        return subprotocol


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at its address"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
