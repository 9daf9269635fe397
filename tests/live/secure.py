"""Certificates, a CSMS over TLS in the test's own loop, and one station's check against it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from simulator.csms.app import CsmsOptions, ReferenceCsms
from simulator.fleet.check import Step, check_station
from simulator.fleet.plan import resolve
from simulator.fleet.schema import load_fleet
from simulator.fleet.target import make_target
from simulator.pki.authority import DAY_US, Authority, Issued, Times
from simulator.pki.keystore import write_private

NOW_US = int(time.time()) * 1_000_000
TIMES: Times = {"not_before_us": NOW_US - DAY_US, "not_after_us": NOW_US + DAY_US}
PAST: Times = {"not_before_us": NOW_US - 2 * DAY_US, "not_after_us": NOW_US - DAY_US}
HERE = ("localhost", "127.0.0.1")


@dataclass
class Pki:
    """An authority and a stranger; pairs are made as they are asked for and lie in ``folder``."""

    folder: Path
    ca: Authority = field(default_factory=lambda: Authority.root("test CA", **TIMES, seed="live"))
    stranger: Authority = field(default_factory=lambda: Authority.root("other CA", **TIMES, seed="stranger"))

    def write(self, name: str, issued: Issued) -> tuple[str, str]:
        """The paths of a certificate and its key."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_text(issued.chain)
        write_private(key, issued.key_pem)
        return str(cert), str(key)

    @cached_property
    def trust(self) -> str:
        path = self.folder / "ca.pem"
        path.write_text(self.ca.pem)
        return str(path)

    @cached_property
    def server(self) -> tuple[str, str]:
        return self.write("server", self.ca.server(HERE, **TIMES))

    @cached_property
    def server_rsa(self) -> tuple[str, str]:
        return self.write("server-rsa", self.ca.server(HERE, **TIMES, algorithm="RSA-2048"))

    @cached_property
    def station(self) -> tuple[str, str]:
        return self.write("station", self.ca.station("S-1", **TIMES))

    def context(self, *pairs: tuple[str, str], client_ca: bool = False, **limits: Any) -> ssl.SSLContext:
        """A server's context; ``version`` and ``ciphers`` restrict it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for cert, key in pairs or (self.server,):
            context.load_cert_chain(cert, key)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.ca.pem)
        if "version" in limits:
            context.minimum_version = context.maximum_version = limits["version"]
        if "ciphers" in limits:
            context.set_ciphers(limits["ciphers"])
        return context


@contextlib.contextmanager
def csms(**options: Any) -> Iterator[ReferenceCsms]:
    """The reference CSMS in a thread, so that a context made by hand can be given to it."""
    ready = threading.Event()
    made: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # it complains of clients that end a handshake
        ended = asyncio.Event()
        async with ReferenceCsms(CsmsOptions(port=0, http_port=0, **options)) as running:
            made.extend((running, loop, ended))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert ready.wait(10)
        yield made[0]
    finally:
        made[1].call_soon_threadsafe(made[2].set)
        thread.join(10)


@contextlib.contextmanager
def outspoken(context: ssl.SSLContext) -> Iterator[str]:
    """The URL of a server that shakes hands as OpenSSL does, alerts included, which event loops keep to themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):  # until the socket is shut
                while True:
                    taken, _ = listening.accept()
                    with taken, contextlib.suppress(OSError):
                        taken.settimeout(5)
                        context.wrap_socket(taken, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"wss://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def check(url: str, **target: Any) -> list[Step]:
    """What `cpfarm check` finds with one station called S-1."""
    found = make_target({"url": url, "connect_timeout": "3s", **target}, {}, base_dir=Path.cwd())
    fleet = load_fleet(None, {"count": 1, "id": "S-1", "profile": "generic/ac-single"}, environ={})
    plan = resolve(fleet, hostname="test", target=found)
    return asyncio.run(check_station(plan, found, lambda step: None))
