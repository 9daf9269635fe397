"""File servers of the virtual network: what lies where, who may have it, and how it goes wrong.

Nothing here moves by itself; ``lab/jobs.py`` asks what becomes of a transfer and says when. A server is a host name
with rules; files and uploads are kept by address. Every cause of ``core/jobs.py`` that a real transfer can end with can
be made to happen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

#: what the virtual network speaks
SCHEMES = ("http", "https", "ftp", "ftps", "sftp")
HEAD_BYTES = 256


@dataclass
class Server:
    """One host. ``password``: ``user:password`` that an address must carry, None lets anybody in. ``fail``: the cause
    every transfer ends with (``refused``, ``timeout``, ``tls``, ``permission``, ``http_status``, ...).
    ``break_after``: so many bytes pass, then the connection breaks. ``kb_s``: thousand bytes a second, None without a
    limit. ``failures``: so many transfers fail by ``fail`` (or break) before it is well; None fails for ever."""

    password: str | None = None
    fail: str = ""
    break_after: int | None = None
    kb_s: float | None = None
    failures: int | None = None
    attempts: int = 0


@dataclass(frozen=True)
class Uploaded:
    """A file that came in."""

    url: str
    file_name: str
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """What becomes of a transfer: so many bytes pass, then this end."""

    ok: bool
    passed: int
    total: int
    kb_s: float | None
    result: dict[str, Any]


@dataclass
class LabFiles:
    """The servers of a virtual network by host name, the files on them by address without credentials, and what was
    uploaded. A host that is not listed is unknown (cause ``dns``)."""

    servers: dict[str, Server] = field(default_factory=lambda: {"files.example": Server()})
    served: dict[str, bytes] = field(default_factory=dict)
    uploads: list[Uploaded] = field(default_factory=list)

    def server(self, host: str = "files.example") -> Server:
        """The server of this host, made if there is none."""
        return self.servers.setdefault(host, Server())

    def serve(self, url: str, content: bytes) -> str:
        """Put a file there; the address to fetch it from."""
        self.server(urlsplit(url).hostname or "")
        self.served[_bare(url)] = content
        return url

    def content(self, url: str) -> bytes:
        """What lies there."""
        return self.served[_bare(url)]

    def withdraw(self, url: str) -> None:
        """Nothing lies there any more."""
        self.served.pop(_bare(url), None)

    def download(self, url: str, max_bytes: int) -> Outcome:
        """What becomes of fetching this."""
        server, cause = self._reach(url)
        content = b""
        if not cause:
            found = self.served.get(_bare(url))
            content = found or b""
            cause = "not_found" if found is None else "too_large" if len(content) > max_bytes else ""
        name = unquote(urlsplit(url).path.rpartition("/")[2]) if not cause else ""
        return self._end(
            server,
            cause,
            len(content),
            {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "head": content[:HEAD_BYTES].hex(),
                "file_name": name,
            },
        )

    def upload(self, url: str, content: bytes) -> Outcome:
        """What becomes of sending this there; :meth:`keep` it when it has arrived."""
        server, cause = self._reach(url)
        return self._end(server, cause, len(content), {"bytes": len(content)})

    def keep(self, url: str, file_name: str, content: bytes) -> None:
        """The file has arrived."""
        self.uploads.append(Uploaded(_bare(url), file_name, content))

    def _reach(self, url: str) -> tuple[Server | None, str]:
        try:
            parts = urlsplit(url)
            host, given = parts.hostname, f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        except ValueError:
            return None, "bad_url"
        if parts.scheme not in SCHEMES:
            return None, "unsupported"
        if not host:
            return None, "bad_url"
        server = self.servers.get(host)
        if server is None:
            return None, "dns"
        return server, "auth" if server.password is not None and given != server.password else ""

    def _end(self, server: Server | None, cause: str, total: int, result: dict[str, Any]) -> Outcome:
        passed = total if not cause else 0
        if server is not None and not cause:
            server.attempts += 1
            if server.failures is None or server.attempts <= server.failures:
                cause, passed = (server.fail, 0) if server.fail else ("", total)
                if not cause and server.break_after is not None and server.break_after < total:
                    cause, passed = "broken", server.break_after
        kb_s = server.kb_s if server is not None else None
        if cause:
            return Outcome(False, passed, total, kb_s, {"cause": cause, "detail": f"{passed} of {total} bytes"})
        return Outcome(True, total, total, kb_s, result)


def _bare(url: str) -> str:
    """The address without credentials."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
