"""``cpfarm scenario``: what happens at stations and what a CSMS must make of it, as YAML."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from simulator.commands.options import command_line, option, writable
from simulator.commands.output import print_json, print_table, print_text
from simulator.errors import AuthorError

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

app = typer.Typer(no_args_is_help=True)

MAX_SEED = 2**63 - 1
#: failures shown with the frames around them
WITH_FRAMES = 3


@app.callback()
def scenario() -> None:
    """Scenarios."""


@app.command("run")
def run(
    context: typer.Context,
    files: list[Path] = typer.Argument(None, help="Scenario files, or folders of them; without any the shipped ones."),
    profile: list[str] = option("--profile", "Profile, YAML file or glob ('alfen/*'); may be repeated.", []),
    ocpp: list[str] = option("--ocpp", "Only this version; may be repeated.", []),
    tag: list[str] = option("--tag", "Only scenarios with this tag or case; may be repeated.", []),
    only_failed: Path | None = option("--only-failed", "Only the cells that failed in this earlier --summary."),
    seed: int | None = option("--seed", "Seed of everything random; else each scenario's own.", min=0, max=MAX_SEED),
    strict: bool = option("--strict", "Schema violations of the CSMS fail a scenario.", False),
    as_json: bool = option("--json", "JSON on standard output.", False),
    summary: Path | None = option("--summary", "Write everything as JSON."),
    report: Path | None = option(
        "--report", "Write the report (HTML): the matrix, time lines, frames around failures."
    ),
    junit: Path | None = option("--junit", "Write JUnit XML, one case for each cell."),
    ledger: Path | None = option("--ledger", "Write the ledger (SQLite); of several cells one each beside it."),
    trace: Path | None = option("--trace", "Write every frame (JSON lines)."),
) -> None:
    """Run scenarios in memory, once for each profile and version.

    Exit code 0: all passed, 1: not, 2: bad input, 3: nothing booted, 70: an error of ours.
    """
    from simulator.fleet.trace import FrameTrace
    from simulator.report.redact import Redactor
    from simulator.report.scenario_page import scenario_page
    from simulator.scenario import report as reports
    from simulator.scenario.cells import choose
    from simulator.scenario.run import Options, ScenarioRun, failed_before

    outputs = {"--summary": summary, "--report": report, "--junit": junit, "--ledger": ledger, "--trace": trace}
    writable(outputs)
    chosen = tagged(scenarios_of(files), tag)
    cells = choose(chosen, profile, versions_of(ocpp))
    if only_failed is not None:
        before = failed_before(_earlier(only_failed))
        cells = [cell for cell in cells if cell.key in before]
    if not cells:
        raise AuthorError("nothing is left to run: no scenario has these tags, profiles and versions")
    frames = FrameTrace(trace, Redactor()) if trace is not None else None
    began_s = time.perf_counter()
    this = ScenarioRun(cells, Options(seed=seed, strict=strict, ledger=ledger, trace=frames, draw=report is not None))
    try:
        this.execute()
    finally:
        if frames is not None:
            frames.close()
    command = command_line(context)
    data = reports.report(this, command=command, wall_s=time.perf_counter() - began_s)
    if summary is not None:
        summary.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if report is not None:
        drawn = {result.cell.key: result.timeline for result in this.results if result.timeline is not None}
        report.write_text(scenario_page(data, drawn), encoding="utf-8")
    if junit is not None:
        junit.write_text(reports.junit(data), encoding="utf-8")
    if as_json:
        print_json(data)
    else:
        _say(data)
        typer.echo(f"Repeat: {command}")
    raise typer.Exit(this.exit_code)


def _say(data: dict[str, Any]) -> None:
    from simulator.scenario.report import failure_lines, legend, matrix

    heads, rows = matrix(data)
    print_table(heads, rows)
    typer.echo("\n".join(["", *legend(data)]))
    failed = [cell for cell in data["cells"] if cell["verdict"] in ("FAIL", "INCONCLUSIVE")]
    for number, cell in enumerate(failed):
        print_text("\n".join(failure_lines(cell, frames=number < WITH_FRAMES)))
        if cell["error"]:
            typer.echo(cell["error"], err=True)
    if len(failed) > WITH_FRAMES:
        typer.echo(f"Frames are shown of the first {WITH_FRAMES}; --summary and --junit have them all.")
    reasons = dict.fromkeys(
        f"{cell['verdict']:15}{cell['scenario']} on {cell['profile']}, OCPP {cell['ocpp']}: {cell['reason']}"
        for cell in data["cells"]
        if cell["verdict"] in ("SKIPPED", "NOT_APPLICABLE")
    )
    for line in reasons:
        print_text(line)
    typer.echo(f"{data['sentence']} in {data['run']['wall_seconds']:.1f} s")


@app.command("list")
def list_(
    files: list[Path] = typer.Argument(None, help="Scenario files, or folders of them; without any the shipped ones."),
    tag: list[str] = option("--tag", "Only scenarios with this tag or case; may be repeated.", []),
    as_json: bool = option("--json", "JSON on standard output.", False),
) -> None:
    """List scenarios."""
    rows = [
        {
            "name": one.name,
            "title": one.fields.title,
            "tags": list(one.fields.tags),
            "case": list(one.fields.case),
            "ocpp": list(one.fields.ocpp),
            "file": str(one.path),
        }
        for one in tagged(scenarios_of(files), tag)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("scenario", "title", "tags", "case"),
        [(row["name"], row["title"], " ".join(row["tags"]), " ".join(row["case"])) for row in rows],
    )
    typer.echo(f"{len(rows)} scenarios")


def scenarios_of(places: list[Path] | None) -> list[Scenario]:
    """The scenarios in files and folders; a bare name is one of the shipped ones. Raises ScenarioError."""
    from simulator.resources import scenarios_dir
    from simulator.scenario.schema import load_scenario, scenario_files

    found: list[Path] = []
    shipped: dict[str, Path] = {}
    for place in places or [scenarios_dir()]:
        if not place.exists() and len(place.parts) == 1 and not place.suffix:
            shipped = shipped or {path.stem: path for path in scenario_files([scenarios_dir()])}
            from simulator.yamlfile import hint

            if place.name not in shipped:
                raise AuthorError(
                    f"there is no file, folder or shipped scenario {str(place)!r}{hint(str(place), shipped)}"
                )
            found.append(shipped[place.name])
        else:
            found += scenario_files([place])
    return [load_scenario(path) for path in dict.fromkeys(found)]


def tagged(scenarios: list[Scenario], tags: list[str]) -> list[Scenario]:
    """Those that have one of the tags, or stand for one of the cases; all without tags."""
    return [one for one in scenarios if not tags or set(tags) & {*one.fields.tags, *one.fields.case}]


def versions_of(texts: list[str]) -> list[str]:
    """``--ocpp``, in any common spelling."""
    from simulator.dialects import normalise_version

    return [normalise_version(text) for text in texts]


def _earlier(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AuthorError(f"cannot be read: {error}", file=str(path), field="--only-failed") from None
    if not isinstance(data, dict) or not str(data.get("schema", "")).startswith("cpfarm-scenarios/"):
        raise AuthorError("is no --summary of cpfarm scenario run", file=str(path), field="--only-failed")
    return data
