"""Options that several commands share, and what they make. Every option is also CPFARM_<OPTION>."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shlex
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from simulator.errors import AuthorError, TargetError
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.schema import COMMAND_LINE, load_fleet
from simulator.fleet.target import Target, load_target, make_target, target_from_flags
from simulator.registry import nearest

SECRET_FLAGS = ("--password", "--header", "--http-token")
#: what a run leaves behind; the command that shows one station alone must not write over it
TRACES = ("--summary", "--report", "--junit", "--ledger", "--trace", "--state")
HEADER_VARIABLE = "CPFARM_HEADER"
DEFAULT_HTTP_PORT = 9464
HTTP_PORT_HELP = "Port of metrics and control on loopback (default 9464); 0 any, off none."
#: keys of a fleet or target file -> the option that gives them, where it has another name
_OPTION_OF = {
    "version": "--ocpp",
    "quirks": "--quirk",
    "ramp": "--connect-rate",
    "url": "--csms",
    "auth": "--password",
    "headers": "--header",
    "tls": "--tls-ca",
}
_PLACE = re.compile(rf"^{COMMAND_LINE[0]}: (?:groups\[\d+\]\.)?(\w+)[^:]*(?=: )", re.MULTILINE)


def option(name: str, text: str, default: Any = None, *more: str, **settings: Any) -> Any:
    """A typer option with its environment variable."""
    envvar = "CPFARM_" + name.strip("-").split("/")[0].replace("-", "_").upper()
    settings.setdefault("envvar", envvar)
    return typer.Option(default, name, *more, help=text, show_default=default is not None, **settings)


#: ``--header``; its variable has a header in each line, because a header may hold spaces
HEADER = option("--header", "Extra header 'Name: value'; may be repeated.", [], envvar=None)


#: the CSMS under test, from a file or by flags for a quick try
TARGET = option("--target", "Target file: the CSMS under test.")
CSMS = option("--csms", "URL of the CSMS; the station's id is appended or replaces {id}.")
SECURITY_PROFILE = option("--security-profile", "0 none, 1 password, 2 password and TLS, 3 certificates.")
PASSWORD = option("--password", "HTTP basic password of every station.")
MAY_TEST = option("--i-may-test-this", "I am authorised to test this target.", False)
#: the files of TLS; relative to where the command is typed
TLS_CA = option("--tls-ca", "Roots that vouch for the CSMS (PEM); without it the system's.")
TLS_CERT = option("--tls-cert", "Certificate of the stations (PEM); {id} stands for the station's id.")
TLS_KEY = option("--tls-key", "Its private key; {id} as above.")


def target_of(
    file: Path | None,
    *,
    csms: str | None,
    security_profile: int | None,
    password: str | None,
    headers: list[str],
    tls_ca: Path | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    may_test: bool = False,
) -> Target | None:
    """The target of a command, from its file, its flags, or both; None when neither says anything."""
    flags = target_from_flags(
        csms=csms,
        security_profile=security_profile,
        password=password,
        tls_ca=None if tls_ca is None else str(tls_ca),
        tls_cert=tls_cert,
        tls_key=tls_key,
        headers=headers or _lines_of(HEADER_VARIABLE),
        i_may_test_this=may_test,
    )
    try:
        if file is not None:
            return load_target(file, os.environ, flags)
        if "url" in flags:
            return make_target(flags, os.environ, base_dir=Path.cwd())
    except TargetError as error:
        raise in_options(error) from None
    extra = sorted(set(flags) - {"security_profile", "authorised"})
    if extra:
        names = ", ".join(option_of(key) for key in extra)
        raise AuthorError(f"{names} given, but no CSMS: add --csms URL or --target FILE")
    return None


def _lines_of(variable: str) -> list[str]:
    return [line for line in os.environ.get(variable, "").splitlines() if line]


def option_of(key: str) -> str:
    """The option that stands for a key of a fleet or target file."""
    return _OPTION_OF.get(key, "--" + key.replace("_", "-"))


def in_options(error: AuthorError) -> AuthorError:
    """The same error, told in options where the command line is to blame and not a file."""
    lines = dict.fromkeys(_PLACE.sub(lambda found: option_of(found[1]), str(error)).splitlines())
    return AuthorError("\n".join(lines))


def plan_of(
    file: Path | None,
    overrides: dict[str, Any],
    *,
    target: Target | None = None,
    ids: list[str] | None = None,
    id_prefix: str | None = None,
    only: list[str] | None = None,
) -> FleetPlan:
    """The plan of a fleet file and the options given; ``only`` keeps single stations of it."""
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        fleet = load_fleet(file, given, environ=os.environ)
        plan = resolve(fleet, hostname=socket.gethostname(), id_prefix=id_prefix, target=target, environ=os.environ)
    except AuthorError as error:
        raise in_options(error) from None
    if only:
        return select(plan, only)
    return plan


def select(plan: FleetPlan, only: list[str]) -> FleetPlan:
    """The plan reduced to some of its stations; their seeds, models and habits stay what they are."""
    known = {station.id: station for station in plan.stations}
    missing = [station_id for station_id in only if station_id not in known]
    if missing:
        near = nearest(missing[0], list(known)[:5000])
        hint = f"; did you mean {near!r}?" if near else ""
        raise AuthorError(f"no station {missing[0]!r} in this fleet{hint}", field="--only")
    chosen = tuple(dataclasses.replace(known[name], index=place) for place, name in enumerate(only))
    return dataclasses.replace(plan, stations=chosen)


def command_line(context: typer.Context | None = None) -> str:
    """The command as it was typed, secrets left out.

    With the command's ``context``, what came from the environment (``CPFARM_COUNT=5``) is written out as options, so
    that the line means the same in another shell.
    """
    words = ["cpfarm"]
    hide = False
    given = sys.argv[1:]
    for word in (*given, *_from_environment(context)):
        name, equals, _ = word.partition("=")
        if hide:
            words.append("<secret>")
            hide = False
        elif name in SECRET_FLAGS:
            words.append(f"{name}=<secret>" if equals else word)
            hide = not equals
        else:
            words.append(shlex.quote(word))
    return " ".join(words)


def _from_environment(context: typer.Context | None) -> list[str]:
    """Options that variables stand for. A list in a variable is separated as the option's type says."""
    words = [] if "--header" in sys.argv else ["--header", ""] * len(_lines_of(HEADER_VARIABLE))
    params: list[Any] = [] if context is None else context.command.params
    for param in params:
        assert context is not None
        source = context.get_parameter_source(param.name)
        if source is None or source.name != "ENVIRONMENT":
            continue
        value, name = context.params[param.name], param.opts[0]
        if value is True:
            words.append(name)
        elif value is not False:
            for one in value if isinstance(value, list | tuple) else (value,):
                words += [name, str(one)]
    return words


def alone(command: str) -> str:
    """The command without what it writes; with ``--only ID`` it shows one station and leaves the evidence alone."""
    kept: list[str] = []
    skip = False
    for word in shlex.split(command):
        if skip:
            skip = False
        elif word in TRACES:
            skip = True
        elif word.partition("=")[0] not in TRACES:
            kept.append(word if "<secret>" in word else shlex.quote(word))
    return " ".join(kept)


def sha256_of(path: Path | None) -> str:
    """The SHA-256 of a file, or nothing."""
    return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def seconds(text: str, name: str) -> float:
    """A duration as people write it (``45s``, ``2m``), in seconds."""
    from simulator.yamltypes import parse_duration

    try:
        return parse_duration(text) / 1e6
    except ValueError as error:
        raise AuthorError(str(error), field=name) from None


def port_of(text: str | None) -> int | None:
    """``--http-port``: a number, or ``off``; the default when nothing was said."""
    if text is None:
        return DEFAULT_HTTP_PORT
    if text == "off":
        return None
    if not text.isdigit() or int(text) > 65_535:
        raise AuthorError(f"{text!r} is neither a port nor 'off'", field="--http-port")
    return int(text)


def one_of(value: str, names: Iterable[str], what: str, field: str) -> None:
    """Raise AuthorError, naming the nearest, when ``value`` is none of ``names`` (case does not count)."""
    known = sorted(names)
    if value.lower() not in {name.lower() for name in known}:
        near = nearest(value, known)
        listed = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
        raise AuthorError(f"no {what} {value!r}; {listed}", field=field)


def writable(paths: Mapping[str, Path | None]) -> None:
    """Raise AuthorError for an output that could not be written at the end, before anything has begun."""
    for name, path in paths.items():
        if path is None:
            continue
        folder = path.parent
        if path.is_dir():
            raise AuthorError(f"{path} is a folder", field=name)
        if not folder.is_dir():
            raise AuthorError(f"there is no folder {folder}", field=name)
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise AuthorError(f"{path} cannot be written", field=name)


def labels_of(pairs: list[str]) -> dict[str, str]:
    """``--label key=value``."""
    labels = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise AuthorError(f"{pair!r} is not key=value", field="--label")
        labels[key] = value
    return labels
