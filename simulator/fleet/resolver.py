"""From a host's name to addresses, once per host and not once per station.

A numeric host and ``localhost`` never leave this module: no thread, no query. For any other name the loop's own
resolver is asked, which uses a thread; where threads are not to be had (under Locust an executor hangs) the caller
gives ``resolve``. Thousands of stations that dial together share one question and its answer, spread over the
addresses of the answer as a name server's own rotation would spread them. An answer whose addresses all failed is asked
for again, at most every few seconds, so that a CSMS that moved is found.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Turns a host name into numeric addresses, best first; raises OSError when there are none."""

MAX_HOSTS = 1024
"""Names kept; a fleet has one or two."""
RENEW_S = 5.0
"""An answer younger than this is not asked for again, even when its addresses failed."""


class Address:
    """One place to connect to: ``family`` (AF_INET or AF_INET6) and the numeric ``host``."""

    __slots__ = ("family", "host")

    def __init__(self, host: str) -> None:
        self.host = host
        self.family = numeric_family(host)

    def __repr__(self) -> str:
        return f"Address({self.host!r})"


def addresses(host: str) -> list[str]:
    """Every address of a name, asked for here and now; none when nobody knows it. Not for a loop."""
    try:
        return [str(row[4][0]) for row in socket.getaddrinfo(host, None)]
    except OSError:
        return []


def numeric_family(host: str) -> socket.AddressFamily:
    """AF_INET or AF_INET6 of a numeric host. Raises ValueError for a name."""
    return socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET


class Resolver:
    """Looks hosts up on ``loop``. ``cache=False`` asks anew for every dial."""

    def __init__(self, loop: asyncio.AbstractEventLoop, resolve: Resolve | None = None, *, cache: bool = True) -> None:
        self._loop = loop
        self._resolve: Resolve = self._ask_loop if resolve is None else resolve
        self._cache = cache
        self._known: dict[str, tuple[float, list[Address]]] = {}
        self._asking: dict[str, asyncio.Task[list[Address]]] = {}
        self._turn = 0

    async def lookup(self, host: str) -> list[Address]:
        """The addresses of ``host``, in the order to try them. Raises OSError when there are none."""
        try:
            return [Address(host)]
        except ValueError:
            pass  # not numeric: a name
        if host == "localhost":
            return [Address("127.0.0.1"), Address("::1")]
        if host in self._known:
            return self._rotated(self._known[host][1])
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = self._loop.create_task(self._ask(host))
        # One dial that is given up must not take the question away from the others.
        return self._rotated(await asyncio.shield(task))

    def forget(self, host: str) -> None:
        """No address of ``host`` could be reached: ask again, unless the answer is younger than RENEW_S."""
        asked_s, _ = self._known.get(host, (0.0, None))
        if self._loop.time() - asked_s >= RENEW_S:
            self._known.pop(host, None)

    async def _ask(self, host: str) -> list[Address]:
        try:
            found = [Address(text) for text in await self._resolve(host)]
            if not found:
                raise OSError(f"no address for {host}")
        finally:
            del self._asking[host]
        if self._cache:
            if len(self._known) >= MAX_HOSTS:
                del self._known[next(iter(self._known))]
            self._known[host] = (self._loop.time(), found)
        return found

    async def _ask_loop(self, host: str) -> Sequence[str]:
        answer = await self._loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(row[4][0]) for row in answer))

    def _rotated(self, found: list[Address]) -> list[Address]:
        """The next of the preferred family first, then its siblings, then the other family."""
        preferred = [address for address in found if address.family == found[0].family]
        others = [address for address in found if address.family != found[0].family]
        self._turn = (self._turn + 1) % (1 << 30)
        start = self._turn % len(preferred)
        return preferred[start:] + preferred[:start] + others
