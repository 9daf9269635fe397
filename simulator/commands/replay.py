"""``cpfarm replay``: a captured station speaks again."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import typer

from simulator.commands.options import (
    CSMS,
    HEADER,
    MAY_TEST,
    PASSWORD,
    SECURITY_PROFILE,
    TARGET,
    TLS_CA,
    TLS_CERT,
    TLS_KEY,
    command_line,
    one_of,
    option,
    seconds,
    sha256_of,
    target_of,
    writable,
)
from simulator.commands.output import print_json, print_text
from simulator.commands.trace import FORMAT_HELP, trace_of
from simulator.errors import AuthorError

MAX_SPEED = 1_000_000.0
PROFILE = "generic/ac-single"


def replay(
    context: typer.Context,
    trace: Path = typer.Argument(..., help="A trace, or a log of any known format; - reads standard input."),
    target: Path | None = TARGET,
    csms: str | None = CSMS,
    station: str | None = option("--station", "Which station of the trace, when there are several."),
    station_id: str | None = option("--id", "Id to connect with; else that of the trace."),
    profile: str = option("--profile", "Profile or YAML file that fills the gaps of the trace.", PROFILE),
    ocpp: str | None = option("--ocpp", "Protocol version, when the trace does not say."),
    format: str = option("--format", FORMAT_HELP, "auto"),
    raw: bool = option("--raw", "Send what is no message, too, as it stands in the trace.", False),
    speed: float = option("--speed", "How much faster than in the trace.", 1.0),
    token: list[str] = option("--token", "TAG=ROLE: show the target's token of that role; may be repeated.", []),
    map_tokens: bool = option("--map-tokens", "The same for every token, by the verdict in the trace.", False),
    operate: bool = option(
        "--operate", "Make the CSMS send what the first one sent, by the target's operations.", False
    ),
    security_profile: int | None = SECURITY_PROFILE,
    password: str | None = PASSWORD,
    tls_ca: Path | None = TLS_CA,
    tls_cert: str | None = TLS_CERT,
    tls_key: str | None = TLS_KEY,
    header: list[str] = HEADER,
    i_may_test_this: bool = MAY_TEST,
    call_timeout: str = option("--call-timeout", "How long an answer may take.", "30s"),
    boot_timeout: str = option("--boot-timeout", "The station must have booted within this time.", "60s"),
    expect: str = option("--expect", "default checks, or none.", "default"),
    strict: bool = option("--strict", "Schema violations of the CSMS fail the replay.", False),
    as_json: bool = option("--json", "JSON on standard output.", False),
    summary: Path | None = option("--summary", "Write everything as JSON."),
    junit: Path | None = option("--junit", "Write the checks (JUnit XML)."),
    trace_out: Path | None = option("--trace", "Write every frame (JSON lines)."),
) -> None:
    """Play a captured station against a CSMS, and list where its answers differ from those in the capture.

    Without a target against the reference CSMS. Exit code 0: all as in the capture, 1: not, 2: bad input, 3: the CSMS
    did not take the station, 70: an error of ours.
    """
    from simulator.dialects import normalise_version
    from simulator.fleet.operations import Operations
    from simulator.fleet.resolver import addresses
    from simulator.fleet.target import guard
    from simulator.fleet.trace import FrameTrace
    from simulator.profile.compiled import compile_profile
    from simulator.replay import report as reports
    from simulator.replay.capture import capture_of
    from simulator.replay.live import LiveReplay, dial_of
    from simulator.replay.stage import ANY_TOKEN, exchanged, prepare
    from simulator.report.junit import write_junit
    from simulator.report.redact import Redactor

    writable({"--summary": summary, "--junit": junit, "--trace": trace_out})
    one_of(expect, ("default", "none"), "set of checks", "--expect")
    if not 0 < speed <= MAX_SPEED:
        raise AuthorError(f"{speed:g} is not above 0 and at most {MAX_SPEED:g}", field="--speed")
    capture = capture_of(
        trace_of(trace, format),
        station=station,
        version=normalise_version(ocpp) if ocpp is not None else "",
        source=str(trace),
        raw=raw,
    )
    where = target_of(
        target,
        csms=csms,
        security_profile=security_profile,
        password=password,
        headers=header,
        tls_ca=tls_ca,
        tls_cert=tls_cert,
        tls_key=tls_key,
        may_test=i_may_test_this,
    )
    name = station_id or capture.station or f"CPF-REPLAY-{socket.gethostname()}"[:48]
    model = compile_profile(profile, capture.version)
    limits = [int(seconds(text, field) * 1e6) for text, field in
              ((call_timeout, "--call-timeout"), (boot_timeout, "--boot-timeout"))]  # fmt: skip
    with ExitStack() as stack:
        if where is None:
            where = _reference(stack)
        broken = any(act.raw is not None for act in capture.acts)
        guard(where, 1, faults=("frame.malformed",) if broken else (), resolve=addresses)
        redactor = Redactor(where.secrets())
        operations = Operations(where.fields.operations)
        tokens, left = exchanged(capture, where, token, by_verdict=map_tokens)
        begin_us = time.time_ns() // 1_000
        player = prepare(
            capture,
            model,
            station_id=name,
            begin_us=begin_us,
            nonce=f"r{begin_us // 1000:x}",
            speed=speed,
            tokens=tokens,
            any_token=next(iter(where.fields.tokens.valid), ANY_TOKEN),
            call_timeout_us=limits[0],
            boot_timeout_us=limits[1],
            operable=operations.__contains__ if operate else lambda action: False,
        )
        frames = FrameTrace(trace_out, redactor) if trace_out is not None else None
        try:
            from simulator.fleet.loops import run_loop

            live = LiveReplay(
                player,
                dial_of(where, name, capture.version, profile, model),
                station_id=name,
                trace=frames,
                say=lambda line: typer.echo(line, err=True),
                operations=operations,
            )

            async def play() -> dict[str, Any]:
                loop = asyncio.get_running_loop()

                def interrupted() -> None:
                    loop.remove_signal_handler(signal.SIGINT)  # the second one ends at once
                    live.stop()

                loop.add_signal_handler(signal.SIGINT, interrupted)
                await live.play()
                return {}

            run_loop(play())
        finally:
            if frames is not None:
                frames.close()
    command = command_line(context)
    file_hash = {} if str(trace) == "-" else {"sha256": sha256_of(trace)}
    data = reports.report(
        player,
        live.ended,
        command=command,
        begin_us=begin_us,
        station_id=name,
        profile=profile,
        source={"file": str(trace), **file_hash},
        target=where.display_url,
        expect=expect == "default",
        strict=strict,
        notes=[
            *left,
            *map(redactor.clean_text, live.refused),
            *([f"times ran {speed:g} times as fast: they begin in the past"] if speed > 1 else []),
        ],
        clean=redactor.clean_text,
    )
    if summary is not None:
        summary.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if junit is not None:
        write_junit(data, junit, "replay")
    if as_json:
        print_json(data)
    else:
        print_text("\n".join([*reports.lines(data), f"Repeat: {command}"]))
    raise typer.Exit(data["exit_code"])


def _reference(stack: ExitStack) -> Any:
    """A reference CSMS for the occasion."""
    from simulator.csms.options import CsmsOptions
    from simulator.csms.process import CsmsProcess
    from simulator.scenario.reference import reference_target

    process = stack.enter_context(CsmsProcess(CsmsOptions(port=0, http_port=0)))
    return reference_target(process.url, process.http_url)
