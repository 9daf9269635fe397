"""Options that several commands share, and what they make. Every option is also CPFARM_<OPTION>."""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

import typer

from simulator.errors import AuthorError
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.schema import load_fleet
from simulator.fleet.target import Target, load_target, make_target, target_from_flags

SECRET_FLAGS = ("--password", "--header")


def option(name: str, text: str, default: Any = None, *more: str, **settings: Any) -> Any:
    """A typer option with its environment variable."""
    envvar = "CPFARM_" + name.strip("-").split("/")[0].replace("-", "_").upper()
    return typer.Option(default, name, *more, help=text, envvar=envvar, show_default=default is not None, **settings)


def target_of(
    file: Path | None,
    *,
    csms: str | None,
    security_profile: int | None,
    password: str | None,
    headers: list[str],
    tls_ca: str | None = None,
    may_test: bool = False,
) -> Target | None:
    """The target of a command, from its file, its flags, or both; None when neither says anything."""
    flags = target_from_flags(
        csms=csms,
        security_profile=security_profile,
        password=password,
        tls_ca=tls_ca,
        headers=headers,
        i_may_test_this=may_test,
    )
    if file is not None:
        return load_target(file, os.environ, flags)
    if "url" in flags:
        return make_target(flags, os.environ, base_dir=Path.cwd())
    extra = sorted(set(flags) - {"security_profile", "authorised"})
    if extra:
        raise AuthorError(f"{', '.join(extra)} given, but no CSMS: add --csms URL or --target FILE")
    return None


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
    fleet = load_fleet(file, given, environ=os.environ)
    plan = resolve(fleet, hostname=socket.gethostname(), id_prefix=id_prefix, target=target, environ=os.environ)
    if only:
        return select(plan, only)
    return plan


def select(plan: FleetPlan, only: list[str]) -> FleetPlan:
    """The plan reduced to some of its stations; their seeds, models and habits stay what they are."""
    import dataclasses

    known = {station.id: station for station in plan.stations}
    missing = [station_id for station_id in only if station_id not in known]
    if missing:
        raise AuthorError(f"no station {missing[0]!r} in this fleet", field="--only")
    chosen = tuple(dataclasses.replace(known[name], index=place) for place, name in enumerate(only))
    return dataclasses.replace(plan, stations=chosen)


def command_line() -> str:
    """The command as it was typed, secrets left out."""
    words = ["cpfarm"]
    hide = False
    for word in sys.argv[1:]:
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


def port_of(text: str) -> int | None:
    """``--http-port``: a number, or ``off``."""
    if text == "off":
        return None
    if not text.isdigit() or int(text) > 65_535:
        raise AuthorError(f"{text!r} is neither a port nor 'off'", field="--http-port")
    return int(text)


def labels_of(pairs: list[str]) -> dict[str, str]:
    """``--label key=value``."""
    labels = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise AuthorError(f"{pair!r} is not key=value", field="--label")
        labels[key] = value
    return labels
