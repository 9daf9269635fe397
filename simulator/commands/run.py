"""``cpfarm run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from simulator.commands.options import (
    CSMS,
    HEADER,
    HTTP_PORT_HELP,
    MAY_TEST,
    PASSWORD,
    SECURITY_PROFILE,
    TARGET,
    TLS_CA,
    TLS_CERT,
    TLS_KEY,
    alone,
    command_line,
    labels_of,
    option,
    plan_of,
    port_of,
    seconds,
    sha256_of,
    target_of,
    writable,
)
from simulator.commands.output import print_error_of_ours, print_json, print_text
from simulator.commands.progress import make_progress
from simulator.csms.options import CsmsOptions
from simulator.errors import AuthorError
from simulator.fleet.run import Run, RunOptions
from simulator.report.text import end_of_run


def run(
    context: typer.Context,
    fleet: Path | None = typer.Argument(None, help="Fleet file; without it the options alone describe the fleet."),
    target: Path | None = TARGET,
    csms: str | None = CSMS,
    security_profile: int | None = SECURITY_PROFILE,
    password: str | None = PASSWORD,
    tls_ca: Path | None = TLS_CA,
    tls_cert: str | None = TLS_CERT,
    tls_key: str | None = TLS_KEY,
    header: list[str] = HEADER,
    count: int | None = option("--count", "Number of stations."),
    profile: str | None = option("--profile", "Profile, e.g. abb/terra-ac, or a YAML file."),
    ocpp: str | None = option("--ocpp", "1.6, 2.0.1 or 2.1."),
    quirk: list[str] = option("--quirk", "Add a quirk to every station; may be repeated.", []),
    station_id: str | None = option("--id", "Id of the one station, or a pattern such as CP-{n:04d}."),
    id_prefix: str | None = option("--id-prefix", "Prefix of generated ids."),
    stations: Path | None = option("--stations", "CSV file with id,password,cert,key,profile,serial."),
    only: list[str] = option("--only", "Only this station of the fleet; may be repeated.", []),
    charging: str | None = option("--charging", "Share of connectors in a transaction, e.g. 30%."),
    session: str | None = option("--session", "Mean length of a session, e.g. 20m."),
    meter_interval: str | None = option("--meter-interval", "Seconds between meter values, e.g. 30s."),
    seed: int | None = option("--seed", "Seed of everything random."),
    speed: float | None = option("--speed", "How much faster than real time the stations live."),
    connect_rate: float | None = option("--connect-rate", "Connections a second (default: the fleet in 30 s)."),
    duration: str | None = option("--duration", "How long, counted from when the last station has booted."),
    wait_for_csms: str = option("--wait-for-csms", "Wait so long for the CSMS to listen.", "0s"),
    boot_timeout: str = option("--boot-timeout", "A station must have booted within this time.", "60s"),
    at_end: str | None = option("--at-end", "finish, disconnect or power-cut."),
    drain: str = option("--drain", "How long queued messages may take at the end.", "60s"),
    state: Path | None = option("--state", "Folder that keeps the stations' flash between runs."),
    summary: Path | None = option("--summary", "Write the summary (JSON)."),
    report: Path | None = option("--report", "Write the report (HTML)."),
    junit: Path | None = option("--junit", "Write the checks (JUnit XML)."),
    ledger: Path | None = option("--ledger", "Write the ledger (SQLite)."),
    trace: Path | None = option("--trace", "Write every frame (JSON lines)."),
    expect: str | None = option("--expect", "default checks, or none."),
    strict: bool = option("--strict", "Schema violations of the CSMS fail the run.", False),
    label: list[str] = option("--label", "key=value for the summary; may be repeated.", []),
    http_port: str | None = option("--http-port", HTTP_PORT_HELP),
    http_host: str = option(
        "--http-host", "Address of that port; elsewhere than on loopback it needs a token.", "127.0.0.1"
    ),
    http_token: str | None = option("--http-token", "Token that port asks for."),
    i_may_test_this: bool = MAY_TEST,
    as_json: bool = option("--json", "The summary on standard output instead of text.", False),
    log_format: str = option("--log-format", "text or json progress lines.", "text"),
) -> None:
    """Run a fleet; exit code 0 fine, 1 a check failed, 2 bad input, 3 nothing booted, 4 too slow here, 70 ours."""
    where = target_of(
        target,
        csms=csms,
        security_profile=security_profile,
        password=password,
        tls_ca=tls_ca,
        tls_cert=tls_cert,
        tls_key=tls_key,
        headers=header,
        may_test=i_may_test_this,
    )
    overrides: dict[str, Any] = {
        "count": 1 if station_id is not None and "{" not in station_id and count is None else count,
        "profile": profile,
        "version": ocpp,
        "quirks": list(quirk) or None,
        "id": station_id,
        "stations": None if stations is None else str(stations.absolute()),
        "charging": charging,
        "session": session,
        "meter_interval": meter_interval,
        "seed": seed,
        "speed": speed,
        "ramp": None if connect_rate is None else {"rate": connect_rate},
        "duration": duration,
        "at_end": at_end,
        "expect": expect,
    }
    plan = plan_of(fleet, overrides, target=where, id_prefix=id_prefix, only=only)
    if log_format not in ("text", "json"):
        raise AuthorError(f"{log_format!r} is neither text nor json", field="--log-format")
    if plan.target is None and not 0 <= (security_profile or 0) <= 3:
        raise AuthorError(f"{security_profile} is not one of 0, 1, 2, 3", field="--security-profile")
    writable({"--summary": summary, "--report": report, "--junit": junit, "--ledger": ledger, "--trace": trace})
    command = command_line(context)
    options = RunOptions(
        command=command,
        command_alone=alone(command),
        http_port=port_of(http_port),
        http_port_asked_for=http_port is not None,
        http_host=http_host,
        http_token=http_token,
        drain_s=seconds(drain, "--drain"),
        boot_timeout_s=seconds(boot_timeout, "--boot-timeout"),
        wait_for_csms_s=seconds(wait_for_csms, "--wait-for-csms"),
        strict=strict,
        state=state,
        summary=summary,
        report=report,
        junit=junit,
        ledger=ledger,
        trace=trace,
        labels=labels_of(label),
        may_test_this=i_may_test_this,
        csms=CsmsOptions(port=0, http_port=0),
        security_profile=security_profile or 0,
        fleet_sha256=sha256_of(fleet),
    )
    this = Run(plan, options, make_progress(quiet=as_json, log_format=log_format))
    result = this.execute()
    print_error_of_ours(this.our_error)
    if as_json:
        print_json(result)
    else:
        print_text(end_of_run(result))
    raise typer.Exit(int(result["exit_code"]))
