"""``cpfarm quirks match``: which documented behaviours a log shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from simulator.commands.options import option
from simulator.commands.output import print_json, print_text
from simulator.commands.trace import FORMAT_HELP, trace_of

if TYPE_CHECKING:
    from simulator.traces.match import Match, StationMatch

LINES_SHOWN = 6
"""Lines named for each quirk on a terminal; --json has them all."""


def match_quirks(
    file: Path = typer.Argument(..., help="The log; - is standard input."),
    format_: str = option("--format", FORMAT_HELP, "auto"),
    csms: str = option("--csms", "URL of the CSMS that the commands shall name.", ""),
    sure: bool = option("--sure", "Only what nothing else explains.", False),
    as_json: bool = option("--json", "JSON.", False),
) -> None:
    """Name the quirks a log shows, each with its lines, what a CSMS must do, and the command that shows it again."""
    from simulator.traces.match import match

    trace = trace_of(file, format_)
    found = match(trace, csms=csms)
    if sure:
        found = [msgspec.structs.replace(s, matches=[m for m in s.matches if m.confidence == "shows"]) for s in found]
    if as_json:
        print_json(
            {"format": trace.format, "unreadable": len(trace.unreadable), "stations": msgspec.to_builtins(found)}
        )
        return
    for station in found:
        print_text("\n".join(_station(station)))
    if trace.unreadable:
        print_text(f"{len(trace.unreadable)} pieces could not be read; `cpfarm trace import` lists them")


def _station(station: StationMatch) -> list[str]:
    named = " ".join(word for word in (station.vendor, station.model, station.firmware) if word)
    lines = [f"{station.station or 'the station'}: OCPP {station.version}{', ' + named if named else ''}"]
    if station.profiles:
        best = station.profiles[0]
        others = f"; also {', '.join(guess.profile for guess in station.profiles[1:])}" if station.profiles[1:] else ""
        lines.append(f"  may be {best.profile} ({best.because}){others}")
    if not station.matches:
        lines.append("  shows no quirk that is known")
    for match in station.matches:
        lines += _match(match)
    sure = [match for match in station.matches if match.confidence == "shows"]
    if len(sure) > 1:
        lines += ["", f"all {len(sure)} that are sure, at once:", f"  Repeat: {station.reproduce}"]
    return lines


def _match(match: Match) -> list[str]:
    places: list[Any] = match.places[:LINES_SHOWN]
    more = f" and {match.count - len(places)} more" if match.count > len(places) else ""
    known = ", known of this maker" if match.known_of_vendor else ""
    lines = [
        "",
        f"{match.confidence} {match.quirk}{known}: {match.summary}",
        f"  line {', '.join(str(place.line) for place in places)}{more}: {places[0].why}",
    ]
    if match.survive:
        lines.append(f"  a CSMS must: {match.survive}")
    if match.fixed_in:
        lines.append(f"  fixed in firmware {match.fixed_in}")
    lines.append(f"  Repeat: {match.reproduce}")
    return lines
