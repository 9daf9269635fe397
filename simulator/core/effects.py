"""What a station may ask of its driver. Seven kinds, a closed set; effects are carried out strictly in order."""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Effect(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Base of all effects."""


class Dial(Effect):
    """Open connection number ``link``. ``slot`` 0 is the target the driver was given, else a network profile slot.

    ``url`` is empty for slot 0. ``password`` is what the station has in its own store, None when the driver's own
    target says. ``timeout_us`` counts in station time. ``refs`` is what the station has for TLS, all of it optional:
    ``trust`` (its central-system roots as one PEM text; without it the target's own trust counts), ``certificate`` (its
    chain as PEM, leaf first) and ``key`` (handle of the private key in the driver's keystore). Without ``wildcards`` a
    server's certificate must name the host in full (AllowCSMSTLSWildcards).
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


class Hangup(Effect):
    """Close connection ``link``; ``how``: ``close`` (handshake, 1000), ``reset`` (abort), ``vanish`` (half-open)."""

    link: int
    how: str = "close"


class Send(Effect):
    """One text message. ``is_call`` marks the CALL whose answer the driver is to time."""

    link: int
    data: bytes
    is_call: bool = False


class RawSend(Effect):
    """Deliberately malformed traffic of a fault or quirk. ``binary`` picks the opcode."""

    link: int
    data: bytes
    binary: bool = False


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
