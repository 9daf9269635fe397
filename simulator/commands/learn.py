"""``cpfarm profiles learn`` and ``profiles import``: a profile drafted from a trace, or from another tool's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from simulator.commands.options import option, writable
from simulator.commands.trace import FORMAT_HELP, trace_of
from simulator.errors import AuthorError

if TYPE_CHECKING:
    from simulator.replay.draft import Draft

importing = typer.Typer(no_args_is_help=True)
OUT = option("--out", "Write the profile there instead of to standard output.")


@importing.callback()
def import_() -> None:
    """Convert what other simulators call a station."""


def learn(
    trace: Path = typer.Argument(..., help="A trace, or a log of any known format; - reads standard input."),
    station: str | None = option("--station", "Which station of the trace, when there are several."),
    format: str = option("--format", FORMAT_HELP, "auto"),
    ocpp: str | None = option("--ocpp", "Protocol version, when the trace does not say."),
    out: Path | None = OUT,
) -> None:
    """Draft a profile from what one station said; each value names the line that shows it, the rest is assumed."""
    from simulator.dialects import normalise_version
    from simulator.replay.capture import capture_of
    from simulator.replay.learn import learn as learnt
    from simulator.replay.recognise import recognise

    writable({"--out": out})
    version = normalise_version(ocpp) if ocpp is not None else ""
    read = trace_of(trace, format)
    capture = capture_of(read, station=station, version=version, source=str(trace))
    draft = learnt(capture, source=trace.name)
    recognise(read, capture, draft, trace.name)
    deliver(draft, out)


def deliver(draft: Draft, out: Path | None) -> None:
    """Check that the draft is a profile that runs, and give it out; what it could not say goes to standard error."""
    from simulator.profile.compiled import compile_profile
    from simulator.profile.describe import standings
    from simulator.replay.recognise import load_draft

    text = draft.text()
    if out is not None and out.exists():
        raise AuthorError(f"{out} is there already and is not overwritten", field="--out")
    loaded = load_draft(draft)
    for version in loaded.profile.versions:
        compile_profile(loaded, version)
    counts = standings(loaded)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
    for line in draft.notes:
        typer.echo(f"note: {line}", err=True)
    where = f" in {out}" if out is not None else ""
    typer.echo(f"{counts['sourced']} values are sourced, {counts['assumed']} assumed{where}", err=True)


@importing.command("sap")
def sap(
    file: Path = typer.Argument(..., help="A station template (JSON) of SAP's charging station simulator."),
    out: Path | None = OUT,
) -> None:
    """Convert a station template of SAP's simulator, and say field by field what was not carried over."""
    from simulator.replay.sap import convert

    writable({"--out": out})
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AuthorError(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=str(file)) from None
    deliver(convert(text, source=file.name), out)
