"""The reference CSMS as one object in an asyncio loop, and as a program.

:class:`ReferenceCsms` owns the parts: the WebSocket listener, the sessions, the books, the HTTP server. The listener
can go away and come back while everything else stays, which is how a CSMS looks that is being restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import resource
import signal
import sqlite3
import ssl
import sys
from http import HTTPStatus
from types import TracebackType
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from simulator.csms import tls
from simulator.csms.api import Api
from simulator.csms.clock import now_text
from simulator.csms.faults import FaultPlan
from simulator.csms.files import FIRMWARE, SCHEMES, UPLOADS, FileServer
from simulator.csms.handlers2x import Session21, Session201
from simulator.csms.handlers16 import Session16
from simulator.csms.options import BootWord, CsmsOptions
from simulator.csms.passwords import PasswordBook, read_csv
from simulator.csms.session import CLOSE_TIMEOUT_S, Session
from simulator.csms.stations import StationBook
from simulator.csms.store import Store
from simulator.csms.transactions import TransactionBook
from simulator.csms.violations import ViolationLog
from simulator.httpd import HttpServer
from simulator.pki.authority import Authority

__all__ = ["CsmsOptions", "ReferenceCsms", "run_csms"]

LOG = logging.getLogger("simulator.csms")

SESSIONS: dict[str, type[Session]] = {"ocpp1.6": Session16, "ocpp2.0.1": Session201, "ocpp2.1": Session21}
#: what a station speaks that does not say so, for a tolerant CSMS
TAKEN_FOR = "ocpp1.6"
STATUS = {"accepted": "Accepted", "pending": "Pending", "rejected": "Rejected"}
STATION_ID_MAX = 255
FRAME_BYTES_MAX = 1 << 20
BACKLOG = 4096
OPEN_TIMEOUT_S = 30
NORMAL_STOP, PROTOCOL_ERROR, POLICY, INTERNAL_ERROR = 1001, 1002, 1008, 1011
COME_UP_TRIES = 40
COME_UP_PAUSE_S = 0.25


class ReferenceCsms:
    """A CSMS to test stations against, in the running loop (any asyncio loop, uvloop too).

    Use it as an async context manager, or call :meth:`start` and :meth:`stop`. Everything is for one loop.
    """

    def __init__(self, options: CsmsOptions | None = None) -> None:
        self.options = options or CsmsOptions()
        self.calls = 0
        self.sessions: dict[str, Session] = {}
        self.faults = FaultPlan()
        self.boot_word: BootWord = self.options.boot
        self._boot_interval_s: int | None = None
        self.violations = ViolationLog(now_text)
        self._port = self.options.port
        self._server: Server | None = None
        self._away: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._http = HttpServer(
            Api(self).routes, self.options.http_host, self.options.http_port, token=self.options.http_token
        )
        self._store: Store | None = None
        self._context: ssl.SSLContext | None = None
        #: signs what stations ask for; None: nobody does
        self.authority: Authority | None = None
        self._files: FileServer | None = None
        self._files_lock = asyncio.Lock()
        self.stations: StationBook
        self.transactions: TransactionBook
        self.passwords: PasswordBook

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port for stations."""
        return self._port

    @property
    def http_port(self) -> int:
        """The port of the HTTP API."""
        return self._http.port

    @property
    def url(self) -> str:
        """``ws://host:port``; a station appends ``/`` and its id."""
        host = self.options.host
        scheme = "ws" if self.options.ssl_context is None and self.options.tls_cert is None else "wss"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def http_url(self) -> str:
        """``http://host:port`` of the API."""
        return self._http.url

    @property
    def listening(self) -> bool:
        """Whether stations can connect; False while it is away."""
        return self._server is not None

    @property
    def write_errors(self) -> int:
        """How often the database refused to be written."""
        return 0 if self._store is None else self._store.write_errors

    @property
    def boot_status(self) -> str:
        """The answer to BootNotification, as on the wire."""
        return STATUS[self.boot_word]

    @property
    def boot_interval_s(self) -> int:
        """The interval in that answer: of heartbeats if accepted, else until the next try."""
        if self._boot_interval_s is not None:
            return self._boot_interval_s
        return self.options.heartbeat_s if self.boot_word == "accepted" else self.options.retry_interval_s

    def set_boot(self, word: BootWord, interval_s: int | None = None) -> None:
        """Answer BootNotification so from now on; without ``interval_s`` with the options' interval."""
        self.boot_word, self._boot_interval_s = word, interval_s

    def set_faults(self, plan: FaultPlan) -> None:
        """Fail like this from now on. A plan without ``down_for_s`` ends an absence that an earlier one began."""
        self.faults = plan
        away = self._away is not None and not self._away.done()
        if plan.down_for_s is None and not away:
            return
        if self._away is not None:
            self._away.cancel()
        next_step = self._return() if plan.down_for_s is None else self._stay_away(plan.down_for_s)
        self._away = asyncio.get_running_loop().create_task(next_step)

    # --- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the database and both ports. Raises OSError, sqlite3.Error, or AuthorError for a bad file."""
        self._context, self.authority = tls.server_context(self.options), tls.authority(self.options)
        listed = None if self.options.passwords is None else read_csv(self.options.passwords)
        try:
            self._store = Store(self.options.db)
            self.stations = StationBook(self._store)
            self.transactions = TransactionBook(self._store)
            self.passwords = PasswordBook(self._store, listed=listed, learn=self.options.require_auth)
            await self.come_up()
            await self._http.start()
            if self.options.file_port is not None:
                await self.files()
        except BaseException:
            await self.stop()
            raise

    async def files(self) -> FileServer:
        """The file server; started now unless it runs. Raises OSError when a port or the folder cannot be had."""
        async with self._files_lock:
            if self._files is None:
                options = self.options
                server = FileServer(
                    host=options.host,
                    port=options.file_port or 0,
                    folder=options.files,
                    password=options.file_password,
                    private=options.file_auth,
                    authority=self.authority,
                )
                await server.start()
                self._files = server
            return self._files

    async def stop(self) -> None:
        """Close every connection (1001), all ports and the database."""
        if self._files is not None:
            await self._files.stop()
            self._files = None
        if self._away is not None:
            self._away.cancel()
            await asyncio.gather(self._away, return_exceptions=True)
            self._away = None
        await self._http.stop()
        if self._server is not None:
            server, self._server = self._server, None
            server.close(code=NORMAL_STOP, reason="the CSMS stops")
            await server.wait_closed()
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self._store is not None:
            self._store.close()
            self._store = None

    async def go_down(self) -> None:
        """Go away without a word: the listener and every connection are gone, what is known stays."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close(close_connections=False)
        for connection in tuple(server.all_connections):
            connection.transport.abort()
        await server.wait_closed()

    async def come_up(self) -> None:
        """Listen (again) on the same port; nothing happens when it does already. Raises OSError."""
        if self._server is not None:
            return
        self._server = await serve(
            self._handle,
            self.options.host,
            self._port,
            ssl=self._context,
            process_request=self._admit,
            select_subprotocol=_select_subprotocol,
            server_header="cpfarm reference CSMS (test target)",
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=self.options.ping_interval_s or None,
            max_size=FRAME_BYTES_MAX,
            backlog=BACKLOG,
            logger=_quiet_logger(),
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stay_away(self, seconds: float) -> None:
        await self.go_down()
        await asyncio.sleep(seconds)
        await self._return()

    async def _return(self) -> None:
        for _ in range(COME_UP_TRIES):
            try:
                await self.come_up()
                return
            except OSError as e:
                LOG.warning("port %d is not free yet: %s", self._port, e)
                await asyncio.sleep(COME_UP_PAUSE_S)
        LOG.error("the CSMS stays away: port %d was not free for %d tries", self._port, COME_UP_TRIES)

    async def __aenter__(self) -> ReferenceCsms:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # --- connections -------------------------------------------------------------------------------------------------

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Decide about a connection before its handshake (1.6-J 3, 6.2; part 4, 3.3)."""
        if self.faults.refuse_connect:
            response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "a fault that was asked for\n")
            response.headers["Retry-After"] = str(self.faults.retry_after_s)
            return response
        station_id = _station_id(request)
        if not 0 < len(station_id) <= STATION_ID_MAX:
            return connection.respond(HTTPStatus.NOT_FOUND, "the path must end with the station's id\n")
        if not self.passwords.check(station_id, request.headers.get("Authorization")):
            response = connection.respond(HTTPStatus.UNAUTHORIZED, "wrong or missing password\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP", charset="UTF-8"'
            return response
        if not self.stations.has_room(station_id):
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many stations\n")
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        station_id = _station_id(connection.request)
        protocol: str | None = connection.subprotocol
        if protocol is None and self.options.tolerant:
            self.violations.add(station_id, "", "subprotocol", "none offered; it is taken for OCPP 1.6")
            protocol = TAKEN_FOR
        if protocol is None:
            # Part 4, 3.3: complete the handshake without a subprotocol, then close at once.
            self.violations.add(station_id, "", "subprotocol", f"none of {', '.join(SESSIONS)} offered")
            await connection.close(PROTOCOL_ERROR, "no OCPP version in common")
            return
        made = SESSIONS[protocol]
        station = self.stations.meet(station_id, made.version)
        station_id = station.id
        before = self.sessions.get(station_id)
        if before is not None:
            self._close_later(before.connection)
        session = self.sessions[station_id] = made(self, station, connection)
        try:
            await session.serve()
        except Exception:
            LOG.exception("the connection of %s failed", station_id)
            await connection.close(INTERNAL_ERROR, "the reference CSMS failed")
        finally:
            if self.sessions.get(station_id) is session:
                del self.sessions[station_id]
                station.connected, station.last_seen_at = False, now_text()
                if self._store is not None:
                    self.stations.changed(station)

    def _close_later(self, connection: ServerConnection) -> None:
        """A station has one connection; the older one is most likely dead already."""
        task = asyncio.get_running_loop().create_task(connection.close(POLICY, "replaced by a newer connection"))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _station_id(request: Request) -> str:
    return unquote(request.path.partition("?")[0].rpartition("/")[2], errors="replace")


def _select_subprotocol(connection: ServerConnection, offered: object) -> Subprotocol | None:
    """The first one offered that is known: the station lists them in order of preference (part 4, 3.1.2)."""
    assert isinstance(offered, list | tuple)
    return next((name for name in offered if name in SESSIONS), None)


def _quiet_logger() -> logging.Logger:
    """What ``websockets`` logs is about peers that break connections: tests do that all day. Ours is logged here."""
    logger = logging.getLogger("simulator.csms.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger


# --- as a program ------------------------------------------------------------------------------------------------


def start_line(csms: ReferenceCsms) -> str:
    """What is printed once it listens; :mod:`simulator.csms.process` reads the addresses from it."""
    return f"TEST TARGET, not for production: reference CSMS on {csms.url} with HTTP on {csms.http_url}"


def files_line(files: FileServer) -> str:
    """Where files are, for people; the API has the password."""
    addresses = " ".join(files.base(scheme) for scheme in SCHEMES)
    return f"Files on {addresses}: /{FIRMWARE} to fetch, /{UPLOADS} for logs; GET /api/files has the login and the root"


def run_csms(options: CsmsOptions, *, with_parent: bool = False) -> int:
    """Run until SIGINT or SIGTERM (``with_parent``: or the end of standard input). Returns the exit code.

    2 when a port, the database or the password file cannot be had.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    _raise_file_limit()
    factory = None
    with contextlib.suppress(ImportError):  # there is no uvloop on Windows
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_run(options, with_parent))


async def _run(options: CsmsOptions, with_parent: bool) -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 1024) else ended.set())
    csms = ReferenceCsms(options)
    try:
        await csms.start()
    except (OSError, sqlite3.Error) as e:
        print(f"cpfarm csms: cannot start: {_why(e)}", file=sys.stderr)
        return 2
    print(start_line(csms), flush=True)
    if options.file_port is not None:
        print(files_line(await csms.files()), flush=True)
    try:
        await ended.wait()
    finally:
        if with_parent:
            loop.remove_reader(sys.stdin.fileno())
        await csms.stop()
    return 0


def _why(error: Exception) -> str:
    """Address and reason, without the words that asyncio puts around them."""
    bound = re.search(r"address \('([^']*)', (\d+)", str(error))
    if bound is None or not isinstance(error, OSError) or not error.errno:
        return str(error)
    return f"{bound[1]}:{bound[2]}: {os.strerror(error.errno).lower()}"


def _raise_file_limit() -> None:
    """One file per station; the soft limit is often far below what is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
