"""``cpfarm check``: one station against a target, step by step, and which step fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import typer

from simulator.commands.options import (
    CSMS,
    HEADER,
    PASSWORD,
    SECURITY_PROFILE,
    TARGET,
    TLS_CA,
    TLS_CERT,
    TLS_KEY,
    option,
    plan_of,
    target_of,
)
from simulator.commands.output import print_json
from simulator.errors import AuthorError
from simulator.fleet.check import Step, check_station


def check(
    target: Path | None = TARGET,
    csms: str | None = CSMS,
    security_profile: int | None = SECURITY_PROFILE,
    password: str | None = PASSWORD,
    tls_ca: Path | None = TLS_CA,
    tls_cert: str | None = TLS_CERT,
    tls_key: str | None = TLS_KEY,
    header: list[str] = HEADER,
    station_id: str = option("--id", "Id of the station.", "CPF-CHECK"),
    profile: str = option("--profile", "Profile.", "generic/ac-single"),
    ocpp: str | None = option("--ocpp", "1.6, 2.0.1 or 2.1."),
    as_json: bool = option("--json", "JSON.", False),
) -> None:
    """Try one station: name, connection with the version, registration, status, schema."""
    where = target_of(
        target,
        csms=csms,
        security_profile=security_profile,
        password=password,
        tls_ca=tls_ca,
        tls_cert=tls_cert,
        tls_key=tls_key,
        headers=header,
    )
    if where is None:
        raise AuthorError("give the CSMS with --csms URL or --target FILE")
    plan = plan_of(None, {"count": 1, "id": station_id, "profile": profile, "version": ocpp}, target=where)
    shown: list[Step] = []

    def show(step: Step) -> None:
        shown.append(step)
        if not as_json:
            mark = "ok  " if step.ok else "FAIL"
            typer.echo(f"{mark} {step.name}: {step.text}")

    steps = asyncio.run(check_station(plan, where, show))
    if as_json:
        print_json([_plain(step) for step in steps])
    raise typer.Exit(0 if all(step.ok for step in steps) else 3 if not _booted(steps) else 1)


def _booted(steps: list[Step]) -> bool:
    return any(step.name == "registration" and step.ok for step in steps)


def _plain(step: Step) -> dict[str, Any]:
    return {"step": step.name, "ok": step.ok, "text": step.text, "took_ms": step.took_ms}
