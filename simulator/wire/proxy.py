"""The way through an HTTP proxy: CONNECT asks for a tunnel, and behind its answer the stream is the target's own.

RFC 9110 section 9.3.6: any 2xx opens the tunnel, whatever else refuses it. Bytes in, bytes out, no socket. The answer's
head is bounded, because nothing yet vouches for whoever sends it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from simulator.errors import CpfarmError

MAX_HEAD = 16 << 10
DEFAULT_PORT = 8080


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """Where a proxy listens, and the user and password it wants, if any (kept out of the ``repr``)."""

    host: str
    port: int
    credentials: tuple[str, str] | None = field(default=None, repr=False)


def parse_proxy(url: str) -> ProxyAddress:
    """``http://[user:password@]host[:port]``; ValueError, which never quotes the address, for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a valid address") from None
    if parts.scheme.lower() != "http":
        raise ValueError("must be an HTTP proxy, http://host:port")
    if not parts.hostname or port == 0:
        raise ValueError("names no host to connect to")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must end after the port")
    credentials = None
    if parts.username is not None:
        credentials = (unquote(parts.username), unquote(parts.password or ""))
    return ProxyAddress(parts.hostname, port or DEFAULT_PORT, credentials)


class ProxyRefused(CpfarmError):
    """The proxy opens no tunnel. ``status`` is the HTTP status, 0 when it did not speak HTTP."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Tunnel:
    """One CONNECT. Write :meth:`request`, then :meth:`receive` what arrives until it gives something back."""

    __slots__ = ("_head", "_request")

    def __init__(self, host: str, port: int, credentials: tuple[str, str] | None, user_agent: str) -> None:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}", f"User-Agent: {user_agent}"]
        if credentials is not None:
            token = base64.b64encode(":".join(credentials).encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {token}")
        self._request = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        self._head = b""

    def request(self) -> bytes:
        """What asks for the tunnel."""
        return self._request

    def receive(self, data: bytes) -> bytes | None:
        """None while the answer is incomplete; then what already came through the tunnel. Raises ProxyRefused."""
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            if len(head) > MAX_HEAD or not b"HTTP/".startswith(head[:5]):
                raise ProxyRefused(0, "what listens there is no HTTP proxy")
            return None
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not (len(words[1]) == 3 and words[1].isdigit()):
            raise ProxyRefused(0, "what listens there is no HTTP proxy")
        status = int(words[1])
        if not 200 <= status < 300:
            reason = words[2] if len(words) > 2 else ""
            raise ProxyRefused(status, f"the proxy opens no tunnel: {reason[:100]}".rstrip(": "))
        return rest
