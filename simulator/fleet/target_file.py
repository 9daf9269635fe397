"""What a target file may say, field by field; `target.py` makes a usable target of it.

A secret (password, header, proxy with its credentials, body of an operation) is a `SecretStr` from the moment of
reading: its `repr` shows nothing, and taking it out is a visible call.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, WithJsonSchema, field_validator

from simulator.wire.proxy import parse_proxy
from simulator.wire.tls import SUITES, VERSIONS
from simulator.yamlfile import Closed, Loc, hint
from simulator.yamltypes import DurationUs, SizeBytes, Texts, parse_duration

#: the name of the operation for every action that has none of its own
ANY_ACTION = "*"
#: what is filled into the URL of an operation; in that of its poll also ``{result}``
PLACEHOLDERS = frozenset({"{station}", "{action}", "{connector}", "{payload}"})
#: a token of HTTP (RFC 9110, 5.6.2), which names of headers and subprotocols are
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Tls(Closed):
    """Files of certificates. Without ``ca`` the system's trust store judges; ``{id}`` is the station's id.

    ``versions`` (1.2, 1.3) and ``suites`` (their IANA names, for TLS 1.2) restrict what stations offer.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    server_name: str | None = None
    versions: Texts = ()
    suites: Texts = ()

    @field_validator("versions")
    @classmethod
    def _versions(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return _known(values, VERSIONS, "TLS version")

    @field_validator("suites")
    @classmethod
    def _suites(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return _known(values, SUITES, "cipher suite")


class Auth(Closed):
    """The stations' password, if they share one. ``format`` must be said: ``text`` as it is, ``hex`` pairs of digits.

    (In 1.6 an AuthorizationKey is hexadecimal; the password of HTTP Basic are the bytes it stands for.)
    """

    password: SecretStr | None = None
    password_file: str | None = None
    format: Literal["text", "hex"]


class Tokens(Closed):
    """RFID tokens by the role they have in this CSMS; one or several each."""

    valid: Texts = ()
    valid2: Texts = ()
    group_member: Texts = ()
    blocked: Texts = ()
    expired: Texts = ()
    invalid: Texts = ()
    concurrent: Texts = ()

    @field_validator("*")
    @classmethod
    def _lengths(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        for token in tokens:
            if not 1 <= len(token) <= 36:
                raise ValueError(f"the token {token!r} must have 1 to 36 characters")
        return tokens


class Poll(Closed):
    """What to ask until an operation has ended: a URL, where the state stands, and which states are ends."""

    url: str
    state: str
    done: Texts
    failed: Texts = ()
    interval_us: DurationUs = Field(default=1_000_000, alias="interval")
    timeout_us: DurationUs = Field(default=30_000_000, alias="timeout")


class Operation(Closed):
    """How this CSMS is made to send an OCPP action: a call of its own API.

    ``{station}``, ``{action}``, ``{connector}`` and ``{payload}`` are filled in. Whether it happened is judged by the
    wire.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    body: SecretStr | None = None
    result: str | None = None
    poll: Poll | None = None


class Transfers(Closed):
    """Downloads of firmware and uploads of logs. ``allowed_hosts`` are added to the target's own and loopback."""

    mode: Literal["real", "headers-only", "simulated"] = "real"
    max_size_bytes: SizeBytes = Field(default=5_000_000, alias="max_size")
    at_once: int = Field(default=20, ge=1, le=1_000)
    allowed_hosts: Texts = ()


def _known(values: tuple[str, ...], names: Collection[str], what: str) -> tuple[str, ...]:
    for value in values:
        if value not in names:
            raise ValueError(f"there is no {what} {value!r}{hint(value, names) or '; there are ' + ', '.join(names)}")
    return values


def _profile_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value in ("0", "1", "2", "3") else value


class TargetFile(Closed):
    """The keys of a target file.

    ``secure_url`` is where a station connects that was told to use TLS (security profile 2 or 3) while ``url`` is
    without; if it is not given, ``url`` with ``wss``.
    """

    url: str
    secure_url: str | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict, max_length=50)
    subprotocols: Texts = ()
    security_profile: Annotated[
        Literal[0, 1, 2, 3] | None, BeforeValidator(_profile_number), WithJsonSchema({"enum": [0, 1, 2, 3]})
    ] = None
    tls: Tls = Tls()
    auth: Auth | None = None
    proxy: SecretStr | None = None
    connect_timeout_us: DurationUs = Field(default=parse_duration("10s"), alias="connect_timeout", gt=0)
    source_addresses: Texts = ()
    tokens: Tokens = Tokens()
    operations: dict[str, Operation] = Field(default_factory=dict, max_length=200)
    transfers: Transfers = Transfers()
    authorised: bool = False

    @field_validator("headers", "subprotocols")
    @classmethod
    def _words(cls, values: Any) -> Any:
        for name in values:
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a header or subprotocol")
        return values

    @field_validator("source_addresses")
    @classmethod
    def _addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            try:
                ipaddress.ip_address(value)
            except ValueError:
                raise ValueError(f"{value!r} is not an IP address") from None
        return values


def check_target(fields: TargetFile) -> Iterator[tuple[Loc, str]]:
    """Rules across fields; location and reason of each problem."""
    yield from ((("url",), reason) for reason in _url_problems(fields.url))
    wss = fields.url.lower().startswith("wss:")
    if fields.security_profile in (2, 3) and not wss:
        yield ("security_profile",), f"security profile {fields.security_profile} needs a wss:// address"
    if fields.security_profile == 1 and wss:
        yield ("security_profile",), "security profile 1 is without TLS; use 2 for a wss:// address"
    if (fields.tls.cert is None) != (fields.tls.key is None):
        yield ("tls",), "cert and key go together"
    for name, text in (("cert", fields.tls.cert), ("key", fields.tls.key)):
        if text is not None and _placeholders(text) - {"{id}"}:
            yield ("tls", name), "may hold {id} and no other placeholder"
    if fields.secure_url is not None:
        yield from ((("secure_url",), reason) for reason in _url_problems(fields.secure_url))
        if not fields.secure_url.lower().startswith("wss:"):
            yield ("secure_url",), "must begin with wss://"
        elif wss:
            yield ("secure_url",), "is for a url without TLS; url itself begins with wss://"
    if fields.proxy is not None:
        try:
            parse_proxy(fields.proxy.get_secret_value())
        except ValueError as error:
            yield ("proxy",), str(error)
    # Neither is right, too: each station's password may stand in the stations file, and here only its format.
    if fields.auth is not None and fields.auth.password is not None and fields.auth.password_file is not None:
        yield ("auth",), "password and password_file exclude each other"
    for name, value in fields.headers.items():
        if not name or any(c in name for c in " :\r\n") or any(c in value.get_secret_value() for c in "\r\n"):
            yield ("headers", name), "is not a valid header"
    if fields.operations:
        from simulator.profile.checks import csms_actions

        actions = csms_actions()
        for action, operation in fields.operations.items():
            if action != ANY_ACTION and action not in actions:
                yield ("operations", action), f"unknown action {action!r}{hint(action, actions)}"
            for reason in _http_problems(operation.url, PLACEHOLDERS):
                yield ("operations", action, "url"), reason
            for reason in _http_problems(operation.poll.url, PLACEHOLDERS | {"{result}"}) if operation.poll else ():
                yield ("operations", action, "poll", "url"), reason


def _http_problems(url: str, known: Collection[str]) -> Iterator[str]:
    if not url.lower().startswith(("http://", "https://")):
        yield "must begin with http:// or https://"
    for unknown in sorted(_placeholders(url) - set(known)):
        yield f"has no {unknown} to fill in; there are {', '.join(sorted(known))}"


def _url_problems(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        yield "is not a valid address"
        return
    if parts.scheme.lower() not in ("ws", "wss"):
        yield "must begin with ws:// or wss://"
    elif not parts.hostname or port == 0:
        yield "names no host to connect to"
    if parts.username is not None or parts.password is not None:
        yield "must not hold a password; put it under auth"
    if parts.fragment:
        yield "must not have a fragment (#)"
    if _placeholders(url) - {"{id}"} or "{" in (parts.netloc or ""):
        yield "may hold {id} in its path or query, and no other placeholder"


def _placeholders(text: str) -> set[str]:
    found = set()
    for piece in text.split("{")[1:]:
        name, brace, _ = piece.partition("}")
        found.add("{" + name + brace)
    return found
