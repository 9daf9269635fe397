"""``cpfarm trace``: from a log somebody has to a trace that can be worked with."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from simulator.commands.options import option, writable
from simulator.commands.output import print_json, print_text
from simulator.errors import AuthorError
from simulator.report.ledger_file import private

if TYPE_CHECKING:
    from simulator.traces.model import Trace

app = typer.Typer(no_args_is_help=True)

FORMAT_HELP = "auto, or how the log is written: frames, steve, mobilityhouse, alfen, csv, jsonl."
SHOWN_MAX = 20
"""Unreadable pieces shown in full on a terminal; --json has them all."""
BYTES_MAX = 256 << 20


@app.callback()
def trace() -> None:
    """Logs and captures."""


def text_of(file: Path) -> str:
    """What a log holds, also a packed one; "-" is standard input. Bytes that are no UTF-8 stay visible."""
    from simulator.traces.unpack import text_in

    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(BYTES_MAX + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(BYTES_MAX + 1)
    except OSError as error:
        raise AuthorError(f"cannot be read: {error.strerror}", file=str(file)) from None
    if len(data) > BYTES_MAX:
        raise AuthorError(f"is larger than {BYTES_MAX >> 20} MiB; cut the part that matters out of it", file=str(file))
    try:
        return text_in(data, BYTES_MAX)
    except AuthorError as error:
        raise AuthorError(str(error), file=str(file)) from None


def trace_of(file: Path, format_: str) -> Trace:
    """The trace of a log. Raises AuthorError when no message can be found in it."""
    from simulator.traces.read import read_trace

    found = read_trace(text_of(file), format=format_)
    if not found.frames and not found.unreadable:
        raise AuthorError(f"there is no OCPP message in it (read as {found.format})", file=str(file))
    return found


def write_private(path: Path, parts: Iterable[str]) -> None:
    """Write a file that only its owner may read, as it is: a trace may hold what nobody else should see."""
    writable({"--out": path})
    with os.fdopen(private(path), "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.writelines(parts)


@app.command("import")
def import_trace(
    file: Path = typer.Argument(..., help="The log; - is standard input."),
    format_: str = option("--format", FORMAT_HELP, "auto"),
    out: Path | None = option("--out", "Write the exchange format (JSON lines) to this file."),
    as_json: bool = option("--json", "JSON: what was read, and what was not.", False),
) -> None:
    """Read a log of any known format; say what was found and, with line numbers, what could not be read."""
    from simulator.traces.write import exchange_lines

    found = trace_of(file, format_)
    if out is not None:
        write_private(out, (f"{line}\n" for line in exchange_lines(found)))
    if as_json:
        print_json(_summary(found))
        return
    if out is None:
        for line in exchange_lines(found):
            typer.echo(line)
    _say(found, to_stderr=out is None)


def _summary(found: Trace) -> dict[str, object]:
    from simulator.traces.model import TO_CSMS, utc

    times = [frame.at_us for frame in found.frames if frame.at_us is not None]
    return {
        "format": found.format,
        "lines": found.lines,
        "other_lines": found.other,
        "cut": found.cut,
        "frames": len(found.frames),
        "from": utc(min(times, default=None)),
        "to": utc(max(times, default=None)),
        "stations": [
            {
                "id": station,
                "frames": len(of_it),
                "from_station": sum(frame.direction == TO_CSMS for frame in of_it),
                "direction_unknown": sum(frame.direction is None for frame in of_it),
            }
            for station in found.stations
            if (of_it := found.of(station))
        ],
        "assumed": sorted({what for frame in found.frames for what in frame.assumed}),
        "unreadable": [{"line": item.line, "reason": item.reason, "raw": item.raw[:2000]} for item in found.unreadable],
        "marks": [{"line": mark.line, "what": mark.what, "detail": mark.detail} for mark in found.marks],
    }


def _say(found: Trace, *, to_stderr: bool) -> None:
    """What was read in a few lines; to standard error while standard output carries the trace itself."""
    lines = [
        f"read as {found.format}: {len(found.frames)} messages of"
        f" {len(found.stations)} station{'' if len(found.stations) == 1 else 's'} in {found.lines} lines"
        f" ({found.other} hold no message)"
    ]
    unknown = sum(frame.direction is None for frame in found.frames)
    if unknown:
        lines.append(f"{unknown} of them say nothing about which way they went")
    if found.cut:
        lines.append(found.cut)
    if found.unreadable:
        lines.append(f"{len(found.unreadable)} could not be read:")
    lines += [
        f"  line {item.line}: {item.reason}: {' '.join(item.raw.split())[:80]}"
        for item in found.unreadable[:SHOWN_MAX]
    ]  # fmt: skip
    if len(found.unreadable) > SHOWN_MAX:
        lines.append(f"  and {len(found.unreadable) - SHOWN_MAX} more (--json lists them all)")
    if to_stderr:
        for line in lines:
            typer.echo(line, err=True)
    else:
        print_text("\n".join(lines))


@app.command("scrub")
def scrub_trace(
    file: Path = typer.Argument(..., help="The log; - is standard input."),
    out: Path | None = option("--out", "Write to this file instead of standard output."),
    keep: list[str] = option("--keep", "A kind (tags, serials, ...) or a value that stays; may be repeated.", []),
    seed: str | None = option("--seed", "The same words give the same stand-ins in several logs; do not tell them."),
    format_: str = option("--format", FORMAT_HELP, "auto"),
    as_json: bool = option("--json", "JSON: what was replaced; needs --out.", False),
) -> None:
    """Replace tags, serials, ids, SIM numbers, passwords, addresses; the log keeps its format and its quirks."""
    from simulator.traces.read import read_trace
    from simulator.traces.scrub import scrub

    if as_json and out is None:
        raise AuthorError("standard output is where the log goes; name a file with --out", field="--json")
    text = text_of(file)
    found = read_trace(text, format=format_)
    if found.cut:
        raise AuthorError(f"{found.cut}; cut the part that matters out of it", file=str(file))
    done = scrub(text, found, key=seed or secrets.token_hex(16), keep=keep)
    if out is None:
        typer.echo(done.text, nl=False)
    else:
        write_private(out, [done.text])
    if as_json:
        print_json({"replaced": done.replaced, "kept": list(keep)})
        return
    said = ", ".join(f"{count} {kind}" for kind, count in done.replaced.items()) or "nothing"
    typer.echo(f"replaced: {said}; look through it before you pass it on", err=out is None)
