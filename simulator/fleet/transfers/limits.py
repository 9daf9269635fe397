"""What a transfer may do: which hosts, how much, how fast, how long; and the one way in which it fails.

*Hosts.* A CSMS that can name any address makes a farm of stations into a tool against others. So only the target's own
host, what the target file adds, and loopback are talked to, redirects included. A name that is not on the list is
looked up, and allowed if all its addresses are those of allowed hosts; a transfer then connects to the addresses that
were looked at and never asks again.

*Speed.* Bytes leave the flow at the pace of the station's modem, in real time, because a server outside waits for them.
A dead modem breaks a transfer, one that has gone silent stalls it until the time-out.

*Time.* The deadline moves on with every piece that passes, up to a last one.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

CHUNK_BYTES = 16_384
#: what a result shows of the beginning of a file
HEAD_BYTES = 256
MAX_REDIRECTS = 3
#: how often a silent modem is looked at
SILENCE_S = 0.25
PROGRESS_S = 1.0
#: what this machine lacks, which is never the server's fault
LOCAL = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Numeric addresses of a host, best first; raises OSError when there are none."""


class TransferFailed(Exception):
    """An attempt that came to nothing. ``cause`` is one of those in ``core/jobs.py``; ``detail`` holds no secret."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause, self.detail = cause, detail[:300]


class Unwanted(Exception):
    """The station has forgotten the job, or has left: nobody waits for an end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``max_bytes`` of one file, ``connect_s`` until connected, ``idle_s`` without a byte, ``total_s`` in all."""

    max_bytes: int = 5_000_000
    connect_s: float = 10.0
    idle_s: float = 30.0
    total_s: float = 3_600.0


class Line(Protocol):
    """The station's way to the outside, as a transfer sees it."""

    def wanted(self) -> bool:
        """Does the station still wait for this job?"""

    def state(self) -> str:
        """``open``, ``silent`` (nothing passes) or ``dead`` (no link)."""

    def kb_s(self) -> float | None:
        """Thousand bytes a second, None without a limit."""

    def progress(self, done: int, total: int) -> None:
        """So far ``done`` of ``total`` bytes (0: not known)."""


class Hosts:
    """Which hosts may be talked to: ``names`` (lower case, names or addresses) and loopback."""

    def __init__(self, names: Iterable[str], lookup: Lookup) -> None:
        self._names = tuple(dict.fromkeys(name.lower().rstrip(".") for name in names))
        self._lookup = lookup

    async def addresses(self, host: str) -> list[str]:
        """Where to connect for ``host``. Raises TransferFailed ``host_not_allowed`` or ``dns``."""
        host = host.lower().rstrip(".")
        found = await self._ask(host)
        if host in self._names:
            return found
        strange = [one for one in found if not ipaddress.ip_address(one).is_loopback]
        if strange:
            known = {address for name in self._names for address in await self._ask(name, or_none=True)}
            if not known.issuperset(strange):
                raise TransferFailed(
                    "host_not_allowed",
                    f"{host} is neither the target's host nor loopback; see the target's transfers.allowed_hosts",
                )
        return found

    async def _ask(self, host: str, *, or_none: bool = False) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass  # a name
        try:
            return list(await self._lookup(host))
        except OSError as error:
            if or_none:
                return []
            raise TransferFailed("dns", f"{host}: {error.strerror or error}") from None


class Flow:
    """What passes in one transfer: counted, hashed, bounded, paced. Made within a running loop.

    ``limit_bytes`` is the largest size; ``total`` is the size if it is known beforehand, else 0.
    """

    def __init__(self, line: Line, limit_bytes: int, limits: Limits, deadline: asyncio.Timeout, total: int = 0) -> None:
        self._line, self._limit, self._limits, self._deadline = line, limit_bytes, limits, deadline
        self._loop = asyncio.get_running_loop()
        self._last_s = self._loop.time() + limits.total_s
        self._told_s = self._loop.time()
        self._hash = hashlib.sha256()
        self.total, self.bytes, self.head = total, 0, b""
        #: the whole body, if it is to be kept
        self.kept: bytearray | None = None
        #: what went wrong on our side while a library was sending
        self.trouble: Exception | None = None
        self._more_time(limits.connect_s + limits.idle_s)

    @property
    def sha256(self) -> str:
        """Of what has passed, in hexadecimal."""
        return self._hash.hexdigest()

    def expect(self, total: int) -> None:
        """The size as the other side says it. Raises TransferFailed ``too_large``."""
        if total > self._limit:
            raise TransferFailed("too_large", f"{total} bytes, and {self._limit} are allowed")
        self.total = total

    def restart(self) -> None:
        """The same body is sent once more (another method, a redirect)."""
        self._hash, self.bytes, self.head = hashlib.sha256(), 0, b""
        if self.kept is not None:
            self.kept.clear()

    async def ready(self) -> None:
        """Wait until the line is open. Raises TransferFailed ``broken`` when it is dead, Unwanted."""
        while True:
            if not self._line.wanted():
                raise Unwanted
            state = self._line.state()
            if state == "open":
                return
            if state == "dead":
                raise TransferFailed("broken", "the station's modem has no link")
            await asyncio.sleep(SILENCE_S)  # until the deadline at the latest

    async def pass_on(self, piece: bytes) -> None:
        """One more piece has come or is about to go; returns when the modem has had the time for it."""
        self.bytes += len(piece)
        if self.bytes > self._limit:
            raise TransferFailed("too_large", f"more than the {self._limit} bytes that are allowed")
        self._hash.update(piece)
        if self.kept is not None:
            self.kept += piece
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
        kb_s = self._line.kb_s()
        pause_s = 0.0 if kb_s is None else len(piece) / (kb_s * 1_000)
        self._more_time(pause_s + self._limits.idle_s)
        if pause_s:
            await asyncio.sleep(pause_s)
        await self.ready()
        now_s = self._loop.time()
        if now_s - self._told_s >= PROGRESS_S:
            self._told_s = now_s
            self._line.progress(self.bytes, self.total)

    def piece_bytes(self) -> int:
        """A good size of pieces: on a narrow line about half a second's worth."""
        kb_s = self._line.kb_s()
        return CHUNK_BYTES if kb_s is None else max(64, min(CHUNK_BYTES, int(kb_s * 500)))

    def _more_time(self, seconds: float) -> None:
        self._deadline.reschedule(min(self._loop.time() + seconds, self._last_s))


@dataclass(frozen=True, slots=True)
class Outfit:
    """What every transfer of a farm shares. ``user_agent`` is how it introduces itself over http."""

    hosts: Hosts
    limits: Limits
    user_agent: str
