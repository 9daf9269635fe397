"""``cpfarm certify``: the cases of the conformance tests against a simulated station."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import simulator
from simulator.commands.options import command_line, one_of, option, writable
from simulator.commands.output import print_json, print_table

if TYPE_CHECKING:
    from simulator.certify.edition import Edition

app = typer.Typer(no_args_is_help=True)

OCPP = ("1.6", "2.0.1")
MAX_SEED = 2**63 - 1


@app.callback()
def certify() -> None:
    """Certification cases."""


@app.command("station")
def station(
    context: typer.Context,
    ocpp: str = option("--ocpp", "Protocol version.", "1.6"),
    profile: str = option("--profile", "Profile of the station, or a YAML file.", "generic/ac-single"),
    case: list[str] = option("--case", "Only this case; may be repeated.", []),
    shuffle: bool = option("--shuffle", "Random order, from the seed.", False),
    seed: int = option("--seed", "Seed of order and station.", 1, min=0, max=MAX_SEED),
    declaration: bool = option(
        "--declaration", "As for a vendor's declaration of conformance: repeat by way of authorisation.", False
    ),
    transport: str | None = option(
        "--transport",
        "simulated, socket (real TLS, for the cases about connections), both; without it both for all cases, "
        "simulated for single ones.",
    ),
    list_only: bool = option("--list", "Only list the cases and whether they apply.", False),
    as_json: bool = option("--json", "JSON on standard output.", False),
    summary: Path | None = option("--summary", "Write everything as JSON."),
    report: Path | None = option("--report", "Write an HTML report."),
    junit: Path | None = option("--junit", "Write JUnit XML."),
    trace: Path | None = option("--trace", "Write every frame as a JSON line, with the case it belongs to."),
) -> None:
    """Run the station cases of a version on the virtual clock; those about connections also on sockets.

    Exit code 0: all passed, 1: not, 2: bad input.
    """
    from simulator.certify import report as reports
    from simulator.certify.edition import edition_of
    from simulator.certify.runner import BOTH, SIMULATED, TRANSPORTS, on_sockets, run_cases
    from simulator.certify.trace import lines as trace_lines
    from simulator.fleet.virtual import VirtualFleet

    version = ocpp.lower().removeprefix("ocpp").removesuffix("j")
    one_of(version, set(OCPP), "protocol version", "--ocpp")
    edition = edition_of(version)
    writable({"--summary": summary, "--report": report, "--junit": junit, "--trace": trace})
    if list_only:
        _list(profile, edition, edition.wanted(case) if case else edition.runnable(), as_json)
        return
    began_s = time.perf_counter()
    way = transport.lower() if transport else SIMULATED if case else BOTH
    one_of(way, TRANSPORTS, "transport", "--transport")
    if way == BOTH and not on_sockets(edition.runnable(), version):
        way = SIMULATED
    run = run_cases(profile, case, seed=seed, shuffle=shuffle, declaration=declaration, transport=way, ocpp=version)
    command = command_line(context)
    data = reports.report(run, version=simulator.__version__, command=command, wall_s=time.perf_counter() - began_s)
    if summary is not None:
        summary.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if report is not None:
        report.write_text(reports.html(data), encoding="utf-8")
    if junit is not None:
        junit.write_text(reports.junit(data), encoding="utf-8")
    if trace is not None:
        trace.write_text("".join(f"{line}\n" for line in trace_lines(data, VirtualFleet().epoch_us)), encoding="utf-8")
    if as_json:
        print_json(data)
    else:
        _say(data)
        typer.echo(f"Repeat: {command}")
    raise typer.Exit(run.exit_code)


def _list(profile: str, edition: Edition, rows: list[Any], as_json: bool) -> None:
    """Which cases there are, and for whom."""
    pics = edition.pics_of(profile)
    found = [
        {
            "id": row.id,
            "group": row.group,
            "title": row.title,
            "mark": row.mark,
            "condition": row.condition,
            "applies": not row.not_applicable(pics),
            "implemented": row.id in edition.cases,
        }
        for row in rows
    ]
    if as_json:
        print_json(found)
        return
    print_table(
        ("case", "mark", "group", "title", "applies", "condition"),
        [
            (
                r["id"],
                r["mark"] or "-",
                r["group"],
                r["title"],
                ("yes" if r["applies"] else "no") + ("" if r["implemented"] else ", not implemented"),
                r["condition"],
            )
            for r in found
        ],
    )
    applicable = sum(bool(r["applies"]) for r in found)
    typer.echo(f"{len(found)} cases, {applicable} apply to {profile}")


def _say(data: dict[str, Any]) -> None:
    """A table for each group, what was found in the configuration, and the last word."""
    for group in data["groups"]:
        rows = [row for row in data["cases"] if row["group"] == group["group"]]
        typer.echo(f"\n{group['group']}")
        print_table(
            ("case", "verdict", "title", "reason"),
            [
                (
                    row["name"],
                    row["verdict"],
                    row["title"],
                    row["reason"],
                )
                for row in rows
            ],
        )
    typer.echo("")
    for finding in data["configuration_findings"]:
        typer.echo(f"configuration: {finding['key']} {finding['text']}")
    for note in data["run"]["notes"]:
        typer.echo(f"note: {note}")
    typer.echo(data["sentence"])
