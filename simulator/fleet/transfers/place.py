"""Where a file comes from or goes to: an address taken apart, and how it is shown without its password.

The CSMS writes these addresses, so nothing in them is trusted. A user and a password in front of the host are for the
server alone: they are taken out here, and neither the ``repr`` nor an error of a place has them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from simulator.fleet.transfers.limits import TransferFailed

PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 21, "sftp": 22}
#: TLS from the first byte instead of after AUTH TLS
IMPLICIT_FTPS = 990
MAX_URL = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """One address. ``path`` is as written (percent-encoded); ``user`` and ``password`` are decoded, None if absent.

    ``fixed``: no redirect leads away from it.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    fixed: bool = False

    @property
    def tls(self) -> bool:
        """Is it protected by TLS?"""
        return self.scheme in ("https", "ftps")

    @property
    def url(self) -> str:
        """The address without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        netloc = host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"
        return urlunsplit((self.scheme, netloc, self.path or "/", self.query, ""))

    @property
    def shown(self) -> str:
        """For people: also without the query, which may hold a key."""
        return self.url.partition("?")[0] + ("?..." if self.query else "")

    @property
    def name(self) -> str:
        """The file name it ends in; empty for a folder."""
        return unquote(self.path.rpartition("/")[2])

    def within(self, file_name: str) -> Place:
        """The file of this name in the folder; the place itself if it names a file."""
        if self.path and not self.path.endswith("/"):
            return self
        return replace(self, path=f"{self.path or '/'}{quote(file_name, safe='')}")

    def redirected(self, location: str) -> Place:
        """Where a redirect leads. User and password go along only within the same server.

        Raises TransferFailed: ``bad_url``, ``unsupported``, ``tls`` when the redirect leads out of TLS, or
        ``http_status`` when none is followed.
        """
        if self.fixed:
            raise TransferFailed("http_status", f"{self.shown} redirects, which is not followed")
        try:
            there = place_of(urljoin(self.url, location))
        except ValueError:
            raise TransferFailed("bad_url", f"{self.shown} redirects to no address") from None
        if self.tls and not there.tls:
            raise TransferFailed("tls", f"{self.shown} redirects to an address without TLS")
        if there.user is None and (there.scheme, there.host, there.port) == (self.scheme, self.host, self.port):
            return replace(there, user=self.user, password=self.password)
        return there


def place_of(url: str) -> Place:
    """Take an address apart. Raises TransferFailed ``bad_url`` or ``unsupported``; neither quotes the address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TransferFailed("bad_url", "not an address") from None
    scheme = parts.scheme.lower()
    if not scheme or len(url) > MAX_URL or not url.isprintable() or " " in url or port == 0:
        raise TransferFailed("bad_url", "not an address of a file")
    if scheme not in PORTS:
        raise TransferFailed("unsupported", f"the scheme {scheme!r} is none of {', '.join(PORTS)}")
    host = (parts.hostname or "").rstrip(".")
    if not host or not _plausible(host):
        raise TransferFailed("bad_url", "the address names no host")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    if any(ord(c) < 32 for text in (user, password, unquote(parts.path)) if text for c in text):
        raise TransferFailed("bad_url", "the address holds control characters")
    path, query = quote(parts.path, safe=_KEPT), quote(parts.query, safe=_KEPT)
    return Place(scheme, host, port or PORTS[scheme], path, query, user, password)


def _plausible(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        return len(host) <= 253 and all(0 < len(one) <= 63 and set(one) <= _NAME for one in labels)
    return "%" not in host


#: what stays as it was written; the rest is percent-encoded
_KEPT = "%/:=&?~+!$,;'@()*[]"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
