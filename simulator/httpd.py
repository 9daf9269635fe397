"""A small HTTP/1.1 server for control surfaces, health checks and metrics.

Theory: h11 speaks the protocol (a sans-IO core), this module gives it sockets, limits and a route table. It runs
inside whatever asyncio loop the caller has, next to the stations, so nothing here blocks: handlers are called in the
loop and must be quick or awaitable. Everything has a bound: connections, head, body, time to send a request, time to
take the answer.

A control surface can do harm, so it is careful about who asks: on loopback the ``Host`` and ``Origin`` headers have to
be loopback names (a web page opened in a browser on the same machine is not a user of this API), and on any other
address a bearer token is required. What changes something is never done for a page of another origin, not even of
another port of this machine. A route may be public: it is served without the token and must show nothing of a run.

A handler may return an ``EventStream`` (``simulator/events.py``): it is written as long as its reader stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import inspect
import ipaddress
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from simulator.errors import AuthorError
from simulator.events import EventStream

LOG = logging.getLogger("simulator.httpd")

MAX_HEAD_BYTES = 16 * 1024
READ_CHUNK_BYTES = 64 * 1024
#: what a stopping server gives its streams to say that it is over
FAREWELL_S = 1.0


class HttpError(Exception):
    """Raised by a handler to answer with ``status`` and ``{"error": message}``; ``headers`` are added."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``params`` are the route's ``{names}``, percent-decoded; header names are lower case."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON (an empty body is ``{}``); raises :class:`HttpError` 400 when it is none."""
        if not self.body:
            return {}
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as e:
            raise HttpError(400, f"the body is not JSON: {e}") from None

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Query parameter ``name`` as a number from ``low`` to ``high``; raises :class:`HttpError` 400 otherwise."""
        text = self.query.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            raise HttpError(400, f"{name}={text!r} is not a number") from None
        if not low <= value <= high:
            raise HttpError(400, f"{name}={text} is outside {low:g} to {high:g}")
        return value

    def flag(self, name: str) -> bool:
        """Whether query parameter ``name`` is switched on (``1``, ``true``, ``yes``)."""
        return self.query.get(name, "").lower() in ("1", "true", "yes")


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


@dataclass(frozen=True, slots=True)
class Response:
    """What a handler returns."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(value: Any, status: int = 200) -> Response:
    """``value`` as JSON, one line, newline at the end."""
    return Response(json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n", status)


def text_response(text: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> Response:
    """``text`` as UTF-8."""
    return Response(text.encode(), status, content_type)


Handler = Callable[[Request], Response | EventStream | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """``method`` and a path such as ``/api/stations/{id}``; a ``{name}`` matches exactly one path segment.

    ``public``: served without the token.
    """

    method: str
    path: str
    handler: Handler
    public: bool = False

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The values of the ``{names}`` when ``segments`` is this route's path, else None."""
        mine = self.path.strip("/").split("/")
        if len(mine) != len(segments):
            return None
        params: dict[str, str] = {}
        for want, got in zip(mine, segments, strict=True):
            if want.startswith("{") and got:
                params[want[1:-1]] = got
            elif want != got:
                return None
        return params


def is_loopback(host: str) -> bool:
    """Whether ``host`` (a name or an address, without port) can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class HttpServer:
    """Serves ``routes`` on ``host:port`` (0 picks a free port) in the running loop.

    ``token`` is asked for as ``Authorization: Bearer TOKEN``; without one only a loopback ``host`` is allowed
    (:class:`AuthorError` otherwise). ``timeout_s`` bounds reading one request and writing one answer, not the handler.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str | None = None,
        body_limit: int = 1 << 20,
        timeout_s: float = 30.0,
        max_connections: int = 200,
    ) -> None:
        if token is None and not is_loopback(host):
            raise AuthorError(f"serving HTTP on {host}, which is not loopback, needs a token", field="token")
        self.host, self.routes = host, tuple(routes)
        self._port, self._token = port, token
        self._body_limit, self._timeout_s, self._max_connections = body_limit, timeout_s, max_connections
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams: dict[asyncio.Task[None], EventStream] = {}

    @property
    def port(self) -> int:
        """The port that is listened on; the wish (perhaps 0) before :meth:`start`."""
        return self._port

    @property
    def url(self) -> str:
        """``http://host:port``, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError when the address cannot be had."""
        self._server = await asyncio.start_server(self._accept, self.host, self._port, limit=READ_CHUNK_BYTES)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self, why: str = "the server stops") -> None:
        """Stop listening and drop every connection; open streams are told ``why``. Harmless when not started."""
        if self._server is None:
            return
        self._server.close()
        for stream in self._streams.values():
            stream.end(why)
        if self._streams:
            await asyncio.wait(tuple(self._streams), timeout=FAREWELL_S)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._converse(_Wire(reader, writer, self._timeout_s, self._body_limit))
        except (TimeoutError, ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            # Gone, too slow, or talking nonsense after an answer had begun: there is nobody left to tell. A cancelled
            # task is the server stopping; letting that out would make asyncio's streams log it as an error.
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, wire: _Wire) -> None:
        """Answer requests of one connection until either side is done with it."""
        while True:
            try:
                incoming = await wire.read_request()
            except h11.RemoteProtocolError as e:
                await wire.write(_problem(e.error_status_hint, str(e)), close=True)
                return
            except HttpError as e:
                await wire.write(_problem(e.status, e.message, e.headers), close=True)
                return
            if incoming is None:
                return
            crowded = len(self._tasks) > self._max_connections
            answer = _problem(503, "too many connections") if crowded else await self._answer(*incoming)
            if isinstance(answer, EventStream):
                await self._stream(wire, answer)
                return
            if not await wire.write(answer, close=crowded):
                return

    async def _stream(self, wire: _Wire, stream: EventStream) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._streams[task] = stream
        try:
            await wire.write_stream(stream)
        finally:
            del self._streams[task]
            stream.close()

    async def _answer(self, head: h11.Request, body: bytes) -> Response | EventStream:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        method, target = head.method.decode("ascii"), urlsplit(head.target.decode("latin-1"))
        try:
            segments = [unquote(part) for part in target.path.strip("/").split("/")]
            self._check_sender(method, segments, headers)
            handler, params = self._find("GET" if method == "HEAD" else method, target.path, segments)
            query = dict(parse_qsl(target.query, keep_blank_values=True))
            result = handler(Request(method, target.path, params, query, headers, body))
            return await result if inspect.isawaitable(result) else result
        except HttpError as e:
            return _problem(e.status, e.message, e.headers)
        except Exception:
            LOG.exception("%s %s failed", method, target.path)
            return _problem(500, "internal error; the log has the details")

    def _check_sender(self, method: str, segments: Sequence[str], headers: Mapping[str, str]) -> None:
        origin = headers.get("origin")
        if method not in ("GET", "HEAD") and origin is not None and origin.partition("://")[2] != headers.get("host"):
            raise HttpError(403, "a page of another origin may not do this")
        if self._token is not None:
            if method in ("GET", "HEAD") and any(r.public and r.match(segments) is not None for r in self.routes):
                return
            given = headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                raise HttpError(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
            return
        host = urlsplit("//" + headers.get("host", "")).hostname or ""
        if not is_loopback(host) or (origin is not None and not is_loopback(urlsplit(origin).hostname or "")):
            raise HttpError(403, "this address serves programs on this machine only")

    def _find(self, method: str, path: str, segments: Sequence[str]) -> tuple[Handler, dict[str, str]]:
        allowed = []
        for route in self.routes:
            params = route.match(segments)
            if params is not None:
                if route.method == method:
                    return route.handler, params
                allowed.append(route.method)
        if allowed:
            raise HttpError(405, f"{path} does not do {method}", {"Allow": ", ".join(sorted(allowed))})
        raise HttpError(404, f"there is no {path}")


class _Wire:
    """One connection: h11 joined to asyncio's streams, with bounds."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout_s: float, body_limit: int
    ) -> None:
        self._reader, self._writer, self._timeout_s, self._body_limit = reader, writer, timeout_s, body_limit
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._body_wanted = True

    async def read_request(self) -> tuple[h11.Request, bytes] | None:
        """The next request with its body; None at the end of the connection."""
        head: h11.Request | None = None
        body = bytearray()
        async with asyncio.timeout(self._timeout_s):
            while True:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    if self._h11.they_are_waiting_for_100_continue:
                        go_on = h11.InformationalResponse(status_code=100, headers=[])
                        self._writer.write(self._h11.send(go_on) or b"")
                    self._h11.receive_data(await self._reader.read(READ_CHUNK_BYTES))
                elif isinstance(event, h11.Request):
                    head, self._body_wanted = event, event.method != b"HEAD"
                elif isinstance(event, h11.Data):
                    body += event.data
                    if len(body) > self._body_limit:
                        raise HttpError(413, f"the body is larger than {self._body_limit} bytes")
                elif isinstance(event, h11.EndOfMessage):
                    assert head is not None
                    return head, bytes(body)
                else:
                    return None

    async def write(self, response: Response, *, close: bool = False) -> bool:
        """Send ``response``; whether another request may follow on this connection."""
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", "no-store"),
            *response.headers.items(),
        ]
        if close:
            headers.append(("Connection", "close"))
        reason = HTTPStatus(response.status).phrase.encode()
        parts = [self._h11.send(h11.Response(status_code=response.status, headers=headers, reason=reason))]
        if self._body_wanted:
            parts.append(self._h11.send(h11.Data(data=response.body)))
        parts.append(self._h11.send(h11.EndOfMessage()))
        async with asyncio.timeout(self._timeout_s):
            self._writer.write(b"".join(part for part in parts if part))
            await self._writer.drain()
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            return True
        if close:
            await self._drain_input()
        return False

    async def write_stream(self, stream: EventStream) -> None:
        """Send ``stream`` until it ends, its reader goes, or the reader takes nothing for the server's time-out."""
        headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("Connection", "close")]
        head = self._h11.send(h11.Response(status_code=200, headers=headers, reason=b"OK"))
        self._writer.write(head or b"")
        gone: asyncio.Future[bytes] = asyncio.ensure_future(
            self._reader.read(1)
        )  # a reader of a stream has nothing more to say
        coming: asyncio.Future[bytes | None] | None = None
        try:
            while self._body_wanted:
                coming = asyncio.ensure_future(stream.next())
                either: list[asyncio.Future[Any]] = [coming, gone]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    return
                data = coming.result()
                if data is None:
                    break
                async with asyncio.timeout(self._timeout_s):
                    self._writer.write(self._h11.send(h11.Data(data=data)) or b"")
                    await self._writer.drain()
        finally:
            gone.cancel()
            if coming is not None:
                coming.cancel()
        async with asyncio.timeout(self._timeout_s):
            self._writer.write(self._h11.send(h11.EndOfMessage()) or b"")
            await self._writer.drain()

    async def _drain_input(self) -> None:
        """Read a little of what is still coming, so that closing does not reset the connection under the answer."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            self._writer.write_eof()
            async with asyncio.timeout(1.0):
                for _ in range(64):
                    if not await self._reader.read(READ_CHUNK_BYTES):
                        return


def _problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    plain = json_response({"error": message}, status)
    return Response(plain.body, status, plain.content_type, headers or {})
