"""The CSMS under test: where it is, how to get in, and what may be done to it.

One target file serves every command. It may hold secrets, so `${VAR}` takes them from the environment, they are
wrapped from the moment of reading (their `repr` shows nothing), and no error ever quotes them. Scenarios and fleets
name roles of tokens and actions only; the target says which token has which role here.

Two guards stand before any connection. *What is not built yet* is accepted in the file, so that a target can be
written once, but refused when it would be used, never silently left out. And *somebody else's system* needs an explicit
yes: beyond loopback and private networks, more than 50 stations, network faults and hostile quirks are refused unless
the target says `authorised: true`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import SecretStr

from simulator.errors import TargetError
from simulator.fleet.environment import expand
from simulator.fleet.target_file import TargetFile, check_target
from simulator.wire.proxy import ProxyAddress, parse_proxy
from simulator.yamlfile import Document, Loc, load, validate

#: stations that need no permission against a system that is neither on this machine nor in a private network
FREE_STATIONS = 50
#: parts of hardware whose faults disturb the network or the frames on it
NETWORK_PARTS = frozenset({"modem", "network", "link", "frame"})
_PASSWORD_BYTES = 4_096


class Target:
    """A validated target with its password read and its paths resolved."""

    def __init__(self, fields: TargetFile, base_dir: Path, password: SecretStr | None, document: Document) -> None:
        self.fields, self.base_dir, self.password, self.document = fields, base_dir, password, document

    def __repr__(self) -> str:
        return f"<target {urlsplit(self.fields.url).hostname}>"

    @property
    def security_profile(self) -> int:
        """0 to 3; what the file does not say follows from url, password and certificate."""
        if self.fields.security_profile is not None:
            return self.fields.security_profile
        if not self.is_tls:
            return 0 if self.password is None else 1
        if self.fields.tls.cert:
            return 3
        return 0 if self.password is None else 2

    @property
    def is_tls(self) -> bool:
        """Is it a ``wss://`` address?"""
        return urlsplit(self.fields.url).scheme.lower() == "wss"

    @property
    def host(self) -> str:
        """The host's name or address, lower case, without port or brackets."""
        return (urlsplit(self.fields.url).hostname or "").rstrip(".")

    @property
    def display_url(self) -> str:
        """The address for people and reports: what a query string holds may be a key, so it is left out."""
        url, question, _ = self.fields.url.partition("?")
        return f"{url}?..." if question else url

    def station_url(self, station_id: str) -> str:
        """The address of one station (OCPP-J part 4, 3.1.1): its id percent-encoded, in ``{id}`` or after the path."""
        return station_url(self.fields.url, station_id)

    def secure_url(self, station_id: str) -> str:
        """The address of one station that is to use TLS: ``url`` if that is wss://, else ``secure_url``, else the same
        with wss."""
        url = self.fields.url
        if not self.is_tls:
            url = self.fields.secure_url or "wss" + url[url.index(":") :]
        return station_url(url, station_id)

    @property
    def proxy(self) -> ProxyAddress | None:
        """The proxy to go through, if any."""
        return None if self.fields.proxy is None else parse_proxy(self.fields.proxy.get_secret_value())

    def basic_password(self, own: SecretStr | None = None) -> bytes | None:
        """The bytes of the HTTP Basic password: ``own`` of the station if it has one, else the shared one."""
        secret = own or self.password
        if secret is None:
            return None
        return password_bytes(secret, self.fields.auth.format if self.fields.auth else "text")

    def file(self, pattern: str, station_id: str) -> Path:
        """A file named in the target (``{id}`` filled in), relative to the target file.

        Raises TargetError when the id would lead to another folder.
        """
        if "{id}" in pattern and ("/" in station_id or "\\" in station_id):
            raise TargetError(f"the id {station_id!r} cannot be part of the file name {pattern!r}")
        return self.base_dir / pattern.replace("{id}", station_id)

    def secrets(self) -> tuple[str, ...]:
        """Every secret text of the target, for the redactor of traces."""
        fields = self.fields
        found = [self.password, fields.proxy, *fields.headers.values()]
        if self.proxy is not None and self.proxy.credentials is not None:
            found.append(SecretStr(self.proxy.credentials[1]))
        for operation in fields.operations.values():
            found += [*operation.headers.values(), operation.body]
        return tuple(dict.fromkeys(s.get_secret_value() for s in found if s is not None and s.get_secret_value()))

    def is_near(self, resolve: Callable[[str], Iterable[str]] | None = None) -> bool:
        """Loopback or private? A name counts as near only if ``resolve`` gives near addresses and no other."""
        secure = urlsplit(self.fields.secure_url or "").hostname
        return all(is_near(host, resolve) for host in (self.host, secure) if host is not None)


# --- reading ---------------------------------------------------------------------------------------------------------


def load_target(path: Path | str, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> Target:
    """The target in a file, with ``overrides`` (see :func:`target_from_flags`) over it; raises TargetError."""
    document = load(path, TargetError)
    if overrides:
        document = _overlay(document, overrides)
    return make_target(document, environ, base_dir=Path(path).resolve().parent)


def make_target(document: Document | Mapping[str, Any], environ: Mapping[str, str], *, base_dir: Path) -> Target:
    """The target that a mapping describes; raises TargetError. Relative paths start at ``base_dir``."""
    if not isinstance(document, Document):
        document = Document(dict(document), "command line", {})
    document = expand(document, environ, TargetError)
    fields = validate(document, TargetFile, TargetError, check_target)
    password = _password(document, fields, base_dir)
    return Target(fields, base_dir, password, document)


def target_from_flags(
    *,
    csms: str | None = None,
    security_profile: int | None = None,
    password: str | None = None,
    tls_ca: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    headers: Iterable[str] = (),
    i_may_test_this: bool = False,
) -> dict[str, Any]:
    """The keys of a target that the flags of a quick try stand for; a header is ``Name: value``."""
    data: dict[str, Any] = {}
    if csms is not None:
        data["url"] = csms
    if security_profile is not None:
        data["security_profile"] = security_profile
    if password is not None:
        data["auth"] = {"password": password, "format": "text"}
    tls = {"ca": tls_ca, "cert": tls_cert, "key": tls_key}
    if any(tls.values()):
        # A file named on the command line is meant from where the command is typed.
        data["tls"] = {key: str(Path(value).absolute()) for key, value in tls.items() if value}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise TargetError("must be written as 'Name: value'", field="--header")
        data.setdefault("headers", {})[name.strip()] = value.strip()
    if i_may_test_this:
        data["authorised"] = True
    return data


def _overlay(document: Document, overrides: Mapping[str, Any]) -> Document:
    data, places = dict(document.data), dict(document.places)
    for key, value in overrides.items():
        old = data.get(key)
        data[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) and key != "auth" else value
        names: list[Loc] = [(key, inner) for inner in value] if isinstance(value, dict) else []
        places.update(dict.fromkeys([(key,), *names], ("command line", 0)))
    return Document(data, document.path, places)


def _password(document: Document, fields: TargetFile, base_dir: Path) -> SecretStr | None:
    auth = fields.auth
    if auth is None:
        return None
    secret = auth.password
    where: Loc = ("auth", "password")
    if auth.password_file is not None:
        where = ("auth", "password_file")
        try:
            with (base_dir / auth.password_file).open("rb") as file:
                raw = file.read(_PASSWORD_BYTES + 1)
            text = raw.decode().rstrip("\r\n")
        except OSError as exc:
            raise document.problem(where, f"cannot be read: {exc.strerror or exc}", TargetError) from None
        except UnicodeDecodeError:
            raise document.problem(
                where, "is not UTF-8 text; a binary password is written with format: hex", TargetError
            ) from None
        if len(raw) > _PASSWORD_BYTES or "\n" in text:
            raise document.problem(where, "must hold one line, the password", TargetError)
        secret = SecretStr(text)
    if secret is not None:
        if not secret.get_secret_value():
            raise document.problem(where, "is empty", TargetError)
        try:
            password_bytes(secret, auth.format)
        except ValueError as exc:
            raise document.problem(where, str(exc), TargetError) from None
    return secret


def password_bytes(secret: SecretStr, form: str) -> bytes:
    """What is sent as the password of HTTP Basic; ValueError (never quoting it) when ``hex`` is not hexadecimal."""
    text = secret.get_secret_value()
    if form != "hex":
        return text.encode()
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("is not hexadecimal, as format: hex says") from None


def station_url(url: str, station_id: str) -> str:
    """``url`` for one station; see :meth:`Target.station_url`."""
    encoded = quote(station_id, safe="")
    if "{id}" in url:
        return url.replace("{id}", encoded)
    parts = urlsplit(url)
    slash = "" if parts.path.endswith("/") else "/"
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path}{slash}{encoded}", parts.query, ""))


def elsewhere(target: Target, url: str, station_id: str) -> tuple[str, str]:
    """Where a network profile of the CSMS sends a station: (its own address there, "" or why it must not go there).

    A CSMS under test must not be able to aim a fleet at strangers: as with transfers, only the target's own host,
    loopback and the hosts that the target file allows are dialled.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
        own = station_url(url, station_id)
    except ValueError:
        return url, f"{url!r} is no address"
    allowed = {target.host, *(name.lower().rstrip(".") for name in target.fields.transfers.allowed_hosts)}
    if host and (host in allowed or _is_loopback(host)):
        return own, ""
    return own, f"{host} is neither the target's host nor loopback; see the target's transfers.allowed_hosts"


def _is_loopback(host: str) -> bool:
    """An address of this machine in numbers, or its usual name; any other name could lead anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- guards ----------------------------------------------------------------------------------------------------------

_NEAR = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


def is_near(host: str, resolve: Callable[[str], Iterable[str]] | None = None) -> bool:
    """Is ``host`` on this machine or in a private network?"""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        name = host.lower().rstrip(".")
        if name == "localhost" or name.endswith(".localhost"):
            return True
        addresses = list(resolve(name)) if resolve is not None else []
        return bool(addresses) and all(is_near(found) for found in addresses)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == network.version and address in network for network in _NEAR)


def guard(
    target: Target,
    count: int,
    hostile: Collection[str] = (),
    faults: Iterable[str] = (),
    *,
    resolve: Callable[[str], Iterable[str]] | None = None,
) -> None:
    """Raise TargetError unless this may be done to this target.

    ``hostile`` names the quirks in use that are marked hostile, ``faults`` all faults in use (those of the network
    count), ``resolve`` gives the addresses of a name.
    """
    if target.fields.authorised or target.is_near(resolve):
        return
    reasons = []
    if count > FREE_STATIONS:
        reasons.append(f"{count} stations (more than {FREE_STATIONS})")
    network = sorted({name for name in faults if name.partition(".")[0] in NETWORK_PARTS})
    if network:
        reasons.append(f"network faults ({', '.join(network)})")
    if hostile:
        reasons.append(f"hostile quirks ({', '.join(sorted(hostile))})")
    if reasons:
        raise TargetError(
            f"{target.host} is neither on this machine nor in a private network, so {' and '.join(reasons)} need "
            "permission: if you may test it, say `authorised: true` in the target or --i-may-test-this"
        )


def refuse_unsupported(target: Target, uses: Collection[str] = ()) -> None:
    """Raise TargetError when the target asks for something that is not built yet.

    ``operations`` count only when ``uses`` names them, because a target file describes them for every command.
    """
    missing = [name for name in ("operations",) if name in uses]
    if missing:
        raise TargetError(f"not supported yet: {', '.join(missing)}", file=target.document.path)


def schema_json() -> dict[str, Any]:
    """The JSON schema of a target file, for editors."""
    return {**TargetFile.model_json_schema(by_alias=True), "title": "cpfarm target"}
