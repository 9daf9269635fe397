"""What a station may ask of its driver. Seven kinds, a closed set; effects are carried out strictly in order."""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Effect(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Base of all effects."""


class Manner(msgspec.Struct, frozen=True, gc=False):
    """How a product opens its connections, where it has a way of its own; the defaults obey RFC 6455 and OCPP-J.

    ``identity``: what it calls itself in the address and as a user, "" is its id. ``path``: how that stands in the
    address, with ``{id}`` and ``{serial}``. ``upgrade``: value of that header, "" leaves it out. ``headers``: more of
    them. ``deflate``: offers to compress messages (RFC 7692), and does if the server agrees. ``probe``: a plain
    HTTP/1.0 request on a connection of its own comes first; any HTTP answer will do. ``blank_password``: HTTP basic
    authentication with an empty password, whatever the security profile. ``own_trust``: only roots in the station's own
    store count (``Dial.refs``). ``silent_tls``: no alert says that the server's certificate was refused.
    ``ping_kills``: a WebSocket ping of the server ends the connection.
    """

    identity: str = ""
    path: str = "{id}"
    upgrade: str = "websocket"
    headers: tuple[tuple[str, str], ...] = ()
    deflate: bool = False
    probe: bool = False
    blank_password: bool = False
    own_trust: bool = False
    silent_tls: bool = False
    ping_kills: bool = False

    def identity_in_path(self, station_id: str, serial: str) -> str:
        """What stands for the station in its address, not encoded; parts are divided by slashes."""
        return self.path.replace("{serial}", serial).replace("{id}", self.identity or station_id)


PLAIN = Manner()


class Dial(Effect):
    """Open connection number ``link``. ``slot`` 0 is the target the driver was given, else a network profile slot.

    ``url`` is empty for slot 0. ``password`` is what the station has in its own store, None when the driver's own
    target says. ``timeout_us`` counts in station time. ``refs`` is what the station has for TLS, all of it optional:
    ``trust`` (its central-system roots as one PEM text; without it the target's own trust counts), ``certificate`` (its
    chain as PEM, leaf first) and ``key`` (handle of the private key in the driver's keystore). Without ``wildcards`` a
    server's certificate must name the host in full (AllowCSMSTLSWildcards). ``manner`` is the product's own.
    """

    link: int
    slot: int
    url: str
    subprotocols: tuple[str, ...]
    security_profile: int
    password: str | None
    refs: dict[str, str]
    timeout_us: int
    wildcards: bool = True
    manner: Manner = PLAIN


class Hangup(Effect):
    """End connection ``link``; ``how``: ``close`` (handshake, ``code``), ``reset`` (abort), ``vanish`` (half-open)."""

    link: int
    how: str = "close"
    code: int = 1000


class Send(Effect):
    """One text message. ``is_call`` marks the CALL whose answer the driver is to time."""

    link: int
    data: bytes
    is_call: bool = False


class RawSend(Effect):
    """Deliberately odd traffic of a fault or quirk. ``binary`` picks the opcode, ``pieces`` is the number of frames.

    ``meant`` is what the station wanted to say, empty when nothing; ``is_call`` as in :class:`Send`.
    """

    link: int
    data: bytes
    binary: bool = False
    pieces: int = 1
    meant: bytes = b""
    is_call: bool = False


class Ping(Effect):
    """A WebSocket ping."""

    link: int


class Job(Effect):
    """Slow or impure work, one attempt; answered by JobProgress and JobDone with the same number.

    Kinds, arguments and results stand in ``core/jobs.py``.
    """

    job: int
    kind: str
    args: dict[str, Any]


class Record(Effect):
    """Something for metrics, ledger and summary; see ``core/records.py``."""

    what: Any


AnyEffect = Dial | Hangup | Send | RawSend | Ping | Job | Record
