"""What the reference CSMS can be told before it starts, and the same as a command line.

One table says which option is which flag; it is read in both directions, because a parent process that starts the
CSMS has options and needs flags. A secret never becomes a flag: command lines are public on most machines.
"""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from simulator.errors import AuthorError
from simulator.registry import nearest

BootWord = Literal["accepted", "pending", "rejected"]
BOOT_WORDS: tuple[str, ...] = get_args(BootWord)

TOKEN_VARIABLE = "CPFARM_CSMS_HTTP_TOKEN"
"""Environment variable through which a parent hands the HTTP token to a child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsmsOptions:
    """Options of the reference CSMS; raises :class:`AuthorError` for a value that cannot work.

    ``port`` and ``http_port`` 0 pick free ones. ``db`` None keeps everything in memory. ``boot`` is the answer to every
    BootNotification, with ``heartbeat_s`` (accepted) or ``retry_interval_s`` (else) as its interval. ``strict_tokens``
    refuses tokens whose prefix is not known. ``tolerant`` serves stations that break the protocol as far as they can be
    understood, as many a CSMS of the field does; each violation is recorded all the same. ``passwords`` is a CSV file
    with the columns ``id`` and ``password`` (others are ignored): only those stations may connect. ``require_auth``
    registers the first password seen for an id. ``http_token`` is needed when ``http_host`` is not loopback.
    ``call_timeout_s`` bounds a CALL to a station.
    ``ping_interval_s`` 0 leaves WebSocket pings to the stations. ``tls_cert`` and ``tls_key`` are PEM files of the
    server's certificate; with ``tls_client_ca`` only stations with a certificate of these roots may connect. With
    ``ca_cert`` and ``ca_key`` the CSMS signs the certificates that stations ask for. ``ssl_context`` is handed to the
    WebSocket listener instead of one made from the files.

    ``price_per_kwh``: 2.x stations are told a tariff when somebody identifies, and what a transaction costs by the
    register values it reports; None tells them nothing of prices.

    ``file_port`` is the port of the file server's http, the next four are those of https, ftp, ftps and sftp; 0 picks
    free ones, None starts it only when the API is asked for files. ``files`` is its folder, a temporary one without it;
    ``file_auth`` asks for the login for downloads, too; ``file_password`` None makes a new password.
    """

    host: str = "127.0.0.1"
    port: int = 9000
    http_host: str = "127.0.0.1"
    http_port: int = 9001
    db: Path | None = None
    boot: BootWord = "accepted"
    heartbeat_s: int = 300
    retry_interval_s: int = 60
    strict_tokens: bool = False
    tolerant: bool = False
    passwords: Path | None = None
    require_auth: bool = False
    http_token: str | None = field(default=None, repr=False)
    call_timeout_s: float = 30.0
    ping_interval_s: float = 0.0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    ca_cert: Path | None = None
    ca_key: Path | None = None
    price_per_kwh: float | None = None
    file_port: int | None = None
    files: Path | None = None
    file_auth: bool = False
    file_password: str | None = field(default=None, repr=False)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("port", 0, 65535),
            ("http_port", 0, 65535),
            ("heartbeat_s", 0, 10_000_000),  # 0 lets the station choose (1.6 4.2)
            ("retry_interval_s", 0, 10_000_000),
            ("call_timeout_s", 0.1, 600),
            ("ping_interval_s", 0, 86_400),
        ):
            if not low <= getattr(self, name) <= high:
                raise AuthorError(f"{getattr(self, name)} is outside {low} to {high}", field=name)
        if self.price_per_kwh is not None and not 0 <= self.price_per_kwh <= 1e6:
            raise AuthorError(f"{self.price_per_kwh} is outside 0 to 1000000", field="price_per_kwh")
        if self.file_port is not None and not 0 <= self.file_port <= 65531:
            raise AuthorError(f"{self.file_port} is outside 0 to 65531: there are five ports", field="file_port")
        for one, other in (("tls_cert", "tls_key"), ("ca_cert", "ca_key")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise AuthorError(f"{one} and {other} go together", field=one)
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise AuthorError("stations' certificates need tls_cert and tls_key, too", field="tls_client_ca")
        if self.boot not in BOOT_WORDS:
            near = nearest(str(self.boot), list(BOOT_WORDS))
            hint = f"; did you mean {near!r}?" if near else ""
            raise AuthorError(f"{self.boot!r} is none of {', '.join(BOOT_WORDS)}{hint}", field="boot")


# (flag, attribute, how argparse reads it, help); a switch has the type bool.
FLAGS: tuple[tuple[str, str, type, str], ...] = (
    ("--host", "host", str, "address for stations"),
    ("--port", "port", int, "port for stations; 0 picks a free one"),
    ("--http-host", "http_host", str, "address of the HTTP API"),
    ("--http-port", "http_port", int, "port of the HTTP API; 0 picks a free one"),
    ("--db", "db", Path, "SQLite file; in memory without it"),
    ("--boot", "boot", str, "answer to BootNotification: accepted, pending or rejected"),
    ("--heartbeat", "heartbeat_s", int, "heartbeat interval in seconds"),
    ("--retry-interval", "retry_interval_s", int, "interval after a pending or rejected boot in seconds"),
    ("--strict-tokens", "strict_tokens", bool, "refuse tokens without a known prefix"),
    ("--tolerant", "tolerant", bool, "serve stations that break the protocol as far as they can be understood"),
    ("--passwords", "passwords", Path, "CSV file with id,password; only these stations may connect"),
    ("--require-auth", "require_auth", bool, "basic authentication; the first password seen for an id is registered"),
    ("--call-timeout", "call_timeout_s", float, "seconds to wait for a station's answer"),
    ("--ping-interval", "ping_interval_s", float, "WebSocket ping interval in seconds; 0 sends none"),
    ("--tls-cert", "tls_cert", Path, "certificate of the server (PEM); stations connect with wss://"),
    ("--tls-key", "tls_key", Path, "its private key"),
    ("--tls-client-ca", "tls_client_ca", Path, "roots of the certificates that stations must have"),
    ("--ca-cert", "ca_cert", Path, "authority that signs what stations ask for with SignCertificate"),
    ("--ca-key", "ca_key", Path, "its private key"),
    ("--price-per-kwh", "price_per_kwh", float, "tell 2.x stations tariffs and costs; nothing of prices without it"),
    ("--file-port", "file_port", int, "port of the file server (http; then https, ftp, ftps, sftp); 0 picks free ones"),
    ("--files", "files", Path, "folder of the file server; a temporary one without it"),
    ("--file-auth", "file_auth", bool, "ask for the login for downloads, too"),
)


def parser() -> argparse.ArgumentParser:
    """The command line of ``python -m simulator.csms``."""
    made = argparse.ArgumentParser(
        prog="python -m simulator.csms",
        description="Reference CSMS: a TEST TARGET for OCPP stations. Not for production.",
    )
    for flag, attribute, kind, text in FLAGS:
        if kind is bool:
            made.add_argument(flag, dest=attribute, action="store_true", default=None, help=text)
        else:
            made.add_argument(flag, dest=attribute, type=kind, default=None, help=text)
    made.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    return made


def from_namespace(given: argparse.Namespace, http_token: str | None) -> CsmsOptions:
    """Options from a parsed command line; what was not given keeps its default."""
    values: dict[str, Any] = {attribute: getattr(given, attribute) for _, attribute, _, _ in FLAGS}
    return CsmsOptions(**{name: value for name, value in values.items() if value is not None}, http_token=http_token)


def to_argv(options: CsmsOptions) -> list[str]:
    """The flags that mean ``options``; raises :class:`AuthorError` when a TLS context is set (it has no flag)."""
    if options.ssl_context is not None:
        raise AuthorError("a TLS context cannot be handed to another process", field="ssl_context")
    default = CsmsOptions()
    argv: list[str] = []
    for flag, attribute, kind, _ in FLAGS:
        value = getattr(options, attribute)
        if value == getattr(default, attribute):
            continue
        argv += [flag] if kind is bool else [flag, str(value)]
    return argv


def parse_argv(argv: Sequence[str], http_token: str | None = None) -> CsmsOptions:
    """``argv`` as options; argparse ends the process with code 2 when it cannot be read."""
    return from_namespace(parser().parse_args(list(argv)), http_token)
