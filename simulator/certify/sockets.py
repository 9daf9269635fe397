"""The bench on sockets: the very same cases against a live station and a server with real TLS, on loopback.

For cases whose point is the connection itself, a judgement of certificates in memory is not enough. Here the station
runs in the live driver, the tool's end is a WebSocket server over OpenSSL, and what the tool notes of a connection is
what OpenSSL saw of it. There are three ports, as an operator would have them: plain, TLS, and TLS that demands a
certificate; each lets in what the tool's door (``certify/security.py``) offers at the moment.

The station's time runs :data:`SPEED` times as fast, so that a boot does not take its minute. What waits for the
outside is real. Nothing else in a case can tell the two benches apart.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import http
import ssl
import warnings
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import websockets
from cryptography import x509
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from simulator.blocks.product_identity import serial_of
from simulator.certify.rig import Rig, Tool
from simulator.certify.security import SECOND, Security, connect_payload
from simulator.certify.wire import ToolCsms
from simulator.core import inputs as i
from simulator.core.effects import Dial
from simulator.core.link_policy import CERTIFICATE_PROFILE, PASSWORD_PROFILES, TLS_PROFILES
from simulator.core.records import CallFinished, Connected, Disconnected
from simulator.core.station import Station
from simulator.errors import AuthorError
from simulator.fleet.clock import LiveClock
from simulator.fleet.connection import DialSpec
from simulator.fleet.jobs import Executor, JobSetup
from simulator.fleet.live import LiveFleet, Seat
from simulator.fleet.manner import in_manner
from simulator.fleet.target_file import Transfers
from simulator.fleet.tls import Contexts, Credential
from simulator.fleet.transport import Transport
from simulator.lab.security import VERSIONS, Door
from simulator.metrics import RunMetrics
from simulator.pki.authority import Issued
from simulator.pki.keystore import Keystore
from simulator.wire.tls import SUITES

HOST = "127.0.0.1"
#: how fast the station's time runs
SPEED = 100
#: how often the bench looks whether something has come, real seconds
LOOK_S = 0.002
#: what is waited for may take so long in real time, however fast the station's time runs
PATIENCE_S = 5.0
#: time passes at least so long: what is on its way arrives, also on a busy machine
PAUSE_S = 0.03
MAX_FRAME = 1 << 20
#: of one station; the oldest go
MAX_RECORDS = 10_000
_VERSIONS = {
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_IANA = {openssl: iana for iana, openssl in SUITES.items()}
_AGENT = "cpfarm certify"
T = TypeVar("T")


class Ports:
    """The tool's three ports on one loop. ``rig`` is asked who is let in, and hears what comes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rig: SocketRig) -> None:
        self.loop, self.rig = loop, rig
        self.servers: dict[int, Server] = {}
        self.numbers: dict[int, int] = {}
        #: of the ports with TLS, by security profile
        self.contexts: dict[int, ssl.SSLContext] = {}
        self.current: ServerConnection | None = None
        self.failure: BaseException | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def open(self, security: Security) -> None:
        """Listen; the certificates are those of this operator."""
        for level in (1, 2, CERTIFICATE_PROFILE):
            context = _context(security.root.pem if level == CERTIFICATE_PROFILE else "") if level > 1 else None
            if context is not None:
                self.contexts[level] = context
            server = await serve(
                self._handler,
                HOST,
                0,
                ssl=context,
                subprotocols=[websockets.Subprotocol(self.rig.model.dialect.subprotocol)],
                process_request=self._judge(level),
                compression=None,
                ping_interval=None,
                max_size=MAX_FRAME,
            )
            self.servers[level] = server
            self.numbers[level] = next(iter(server.sockets)).getsockname()[1]

    def url(self, profile: int, endpoint: str | None = None) -> str:
        """Where a station with this security profile connects to; the address alone with an ``endpoint``."""
        level = profile if profile in TLS_PROFILES else 1
        path = f"/{quote(self.rig.station_id)}" if endpoint is None else endpoint
        return f"{'wss' if level > 1 else 'ws'}://{HOST}:{self.numbers[level]}{path}"

    def show(self, server: Issued) -> None:
        """Connections from now on see this certificate."""
        keys = Keystore()
        keys.put("tool", server.key)
        for context in self.contexts.values():
            Credential(server.chain, "tool", keys).put_into(context)

    def speak(self, versions: Iterable[str]) -> None:
        """Connections from now on find these versions of TLS."""
        known = [_VERSIONS[name] for name in versions]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that a version is old is the point of it
            for context in self.contexts.values():
                # in this order neither limit ever passes the other
                context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
                context.maximum_version, context.minimum_version = max(known), min(known)

    async def close(self) -> None:
        """Listen no more."""
        for server in self.servers.values():
            server.close(close_connections=True)
            await server.wait_closed()

    def _judge(self, level: int) -> Callable[[ServerConnection, Request], Response | None]:
        def judge(connection: ServerConnection, request: Request) -> Response | None:
            door = self.rig.door
            if door is None:
                return None
            profile = 0 if level == 1 and 0 in door.profiles else level
            _, password = _authorization(request)
            known = {self.rig.security.secret(text) for text in door.passwords}
            right = profile not in PASSWORD_PROFILES or password in known
            if profile in door.profiles and right:
                return None
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "not so\n")

        return judge

    async def _handler(self, connection: ServerConnection) -> None:
        """One connection from its beginning to its end."""
        rig, self.current = self.rig, connection
        csms = rig.csms
        try:
            if rig.door is not None:
                csms.connected(_noted(connection, rig.security), rig.now_us)
            async for text in connection:
                data = text.encode() if isinstance(text, str) else text
                for reply in csms.receive(data, rig.now_us):
                    await connection.send(reply.decode())
                for wait_us, reply in csms.late:
                    self.loop.call_later(wait_us / SPEED / 1e6, self._send_late, connection, reply)
                csms.late.clear()
        except websockets.ConnectionClosed:
            return
        except Exception as error:  # the server would only log it
            self.failure = error
            raise

    def _send_late(self, connection: ServerConnection, data: bytes) -> None:
        if connection is self.current:
            self.later(connection.send(data.decode()))

    def later(self, what: Coroutine[Any, Any, None]) -> None:
        """Send without waiting; a connection that has ended takes nothing any more."""

        async def quietly() -> None:
            try:
                await what
            except websockets.ConnectionClosed:
                return

        task = self.loop.create_task(quietly())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def _context(client_root: str) -> ssl.SSLContext:
    """TLS with every suite the station may have (white paper A00.FR.317 and 318)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(":".join(SUITES.values()))
    if client_root:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_root)
    return context


def _authorization(request: Request) -> tuple[str | None, bytes | None]:
    """User and password of HTTP basic authentication (RFC 7617); None, None for anything else."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        user, colon, password = base64.b64decode(token, validate=True).partition(b":")
    except binascii.Error:
        return None, None
    if scheme.lower() != "basic" or not colon:
        return None, None
    return user.decode("utf-8", "replace"), password


def _noted(connection: ServerConnection, security: Security) -> dict[str, Any]:
    """What the tool notes of a connection."""
    assert connection.request is not None
    user, password = _authorization(connection.request)
    tls: ssl.SSLObject | None = connection.transport.get_extra_info("ssl_object")
    shown = tls.getpeercert(binary_form=True) if tls is not None else None
    offered = (tls.shared_ciphers() or ()) if tls is not None else ()
    endpoint, _, identity = connection.request.path.rpartition("/")
    return connect_payload(
        unquote(identity),
        endpoint=endpoint,
        tls=(tls.version() or "") if tls is not None else "",
        suites=(_IANA.get(name, name) for name, _, _ in offered),
        user=user,
        password=password,
        expected=security.secret(security.password),
        certificate=x509.load_der_x509_certificate(shown) if shown else None,
    )


class SocketFleet:
    """The live driver with one station, stepped by whoever waits; see ``rig.Fleet``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rig: SocketRig) -> None:
        self.loop, self.rig = loop, rig
        self.clock = LiveClock(SPEED)
        self.epoch_us = self.clock.epoch_us
        self.transport = Transport(loop, user_agent=_AGENT)
        self.contexts = Contexts()
        self.live = LiveFleet(loop, self.transport, self._dial, self.clock, self)
        setup = JobSetup(
            Transfers(), (HOST,), self.transport.lookup, _AGENT, rig.keystore, speed=float(SPEED), threads=False
        )
        self.live.executor = self.executor = Executor(
            loop, setup, feed=self.live.feed, now=self.clock.now, fail=self.live.fail
        )
        self.records: deque[Any] = deque(maxlen=MAX_RECORDS)

    @property
    def now(self) -> int:
        """Station time."""
        return self.clock.now()

    def add(self, station: Station, csms: ToolCsms) -> None:
        """The station and the tool's end of its link."""
        csms.epoch_us = self.epoch_us
        self.seat = self.live.add(station, RunMetrics().bind(station.dialect.name, self.rig.profile))

    def feed(self, station: Station, event: i.Input) -> None:
        """An input, now. On the loop, as everything else."""

        async def once() -> None:
            self.live.feed(self.seat, event)

        self._step(once())

    def run(self, seconds: float) -> None:
        """Let so much station time pass, and never less than :data:`PAUSE_S`."""
        self._step(asyncio.sleep(max(seconds / SPEED, PAUSE_S) if seconds else 0))

    def run_until(self, until_us: int) -> None:
        """Let time pass up to a moment of the station's."""
        self.run(max(0, until_us - self.now) / 1e6)

    def settle(self, seconds: float, quiet: Callable[[], bool]) -> bool:
        """Let time pass until something holds, at most so long; does it?"""
        until_us = self.now + int(seconds * 1_000_000)

        async def wait() -> bool:
            while not quiet():
                if self.now >= until_us or self._failure() is not None:
                    return quiet()
                await asyncio.sleep(LOOK_S)
            return True

        return self._step(wait())

    def call(self, station: Station, action: str, payload: dict[str, Any]) -> str:
        """The tool calls; the id of the message."""
        csms = self.rig.csms
        csms.now = self.now
        message_id, data = csms.call(action, payload)
        connection = self.rig.ports.current
        if connection is not None:
            self.rig.ports.later(connection.send(data.decode()))
        return message_id

    def cut(self, station: Station) -> None:
        """Not here: such cases are about something else."""
        raise AuthorError("the network is not cut on sockets; run this case simulated")

    def mend(self, station: Station) -> None:
        """It is never cut."""

    def recorded(self, kind: type) -> list[Any]:
        """All records of a kind, in order."""
        return [record for record in self.records if isinstance(record, kind)]

    def close(self) -> None:
        """The station is taken off the table."""
        self.live.stop()
        self.transport.abort_all()
        self.loop.run_until_complete(self.executor.close())

    # -- what the live driver tells

    def record(self, seat: Seat, what: Any, now: int) -> None:
        """A record of the station."""
        self.records.append(what)
        if isinstance(what, Connected | Disconnected):
            self.rig.watch.fresh_link()
        elif isinstance(what, CallFinished) and what.outcome in ("timeout", "lost"):
            self.rig.watch.given_up()

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        """A frame passes."""
        (self.rig.watch.outgoing if to_csms else self.rig.watch.incoming)(data)

    def _dial(self, seat: Seat, dial: Dial) -> DialSpec:
        profile, refs = dial.security_profile, dial.refs
        auth = None
        if profile in PASSWORD_PROFILES and dial.password is not None:
            auth = (seat.station.id, self.rig.security.secret(dial.password))
        credential = None
        if profile == CERTIFICATE_PROFILE and "certificate" in refs:
            credential = Credential(refs["certificate"], refs["key"], self.rig.keystore)
        # Without a root of its own a station trusts nobody here: the system's trust store knows no such tool.
        context = None
        if profile in TLS_PROFILES:
            context = self.contexts.context(refs.get("trust"), credential, wildcards=dial.wildcards)
        spec = DialSpec(
            url=f"{dial.url}/{quote(self.rig.station_id)}" if dial.url else self.rig.ports.url(profile),
            subprotocols=dial.subprotocols,
            basic_auth=auth,
            ssl_context=context,
            identity=credential,
            timeout_s=dial.timeout_us / SPEED / 1e6,
        )
        return in_manner(spec, self.rig.station_id, serial_of(seat.station) or "", dial.manner)

    # -- steps

    def _failure(self) -> BaseException | None:
        return self.live.failure or self.rig.ports.failure

    def _step(self, what: Awaitable[T]) -> T:
        """Run the loop until this is done; an exception inside the station or the tool comes out here."""

        async def main() -> T:
            return await what

        came = self.loop.run_until_complete(main())
        failure = self._failure()
        if failure is not None:
            self.rig.ports.failure = None
            raise failure
        return came


class SocketRig(Rig):
    """A device under test on sockets; call :meth:`close` at the end. Not from within a running loop."""

    transport = "socket"
    speed = SPEED
    patience_s = PATIENCE_S * SPEED

    def __init__(
        self, profile: str, *, seed: int = 1, tool: Tool | None = None, deliver: bool = True, ocpp: str = "1.6"
    ) -> None:
        self.loop = asyncio.new_event_loop()
        self.ports = Ports(self.loop, self)
        self._live_fleet: SocketFleet | None = None
        self._door: Door | None = None
        self._epoch_us: int | None = None
        super().__init__(profile, seed=seed, tool=tool, deliver=deliver, ocpp=ocpp)

    @property
    def door(self) -> Door | None:
        """Who is let in at the tool's end; None lets everybody in."""
        return self._door

    @door.setter
    def door(self, door: Door | None) -> None:
        self._door = door

    def _new_fleet(self) -> SocketFleet:
        if self._live_fleet is not None:
            self._live_fleet.close()
        self._live_fleet = SocketFleet(self.loop, self)
        return self._live_fleet

    def _new_security(self, epoch_us: int) -> Security:
        # One time for all deliveries: the ports show one and the same certificate, also after midnight.
        self._epoch_us = self._epoch_us or epoch_us
        made = super()._new_security(self._epoch_us)
        if not self.ports.servers:
            self.loop.run_until_complete(self.ports.open(made))
        self.ports.show(made.server)
        self.ports.speak(VERSIONS)
        return made

    def hang_up(self) -> None:
        """The tool drops the connection; the station may come back at once."""
        if self.ports.current is not None:
            self.ports.current.transport.abort()
            self.run(0)

    def second_url(self, security_profile: int, listening: bool = True) -> str:
        """The tool's second address."""
        if not listening:
            raise AuthorError("both addresses are open on sockets; run this case simulated")
        return self.ports.url(security_profile, SECOND)

    def show(self, server: Issued) -> None:
        """The tool's server shows this certificate from now on."""
        super().show(server)
        self.ports.show(server)

    def speak(self, *versions: str) -> None:
        """The tool's server knows these versions of TLS only."""
        super().speak(*versions)
        self.ports.speak(versions)

    def close(self) -> None:
        """The station is taken off the table, the ports are closed."""
        if self._live_fleet is not None:
            self._live_fleet.close()
        self.loop.run_until_complete(self.ports.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
