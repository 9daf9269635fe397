"""``cpfarm scenario``: what happens at stations and what a CSMS must make of it, as YAML."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    target_of,
    writable,
)
from simulator.commands.output import print_json, print_table, print_text
from simulator.commands.trace import FORMAT_HELP, trace_of
from simulator.errors import AuthorError

if TYPE_CHECKING:
    from simulator.fleet.target import Target
    from simulator.scenario.run import Options, Result, ScenarioRun
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
    target: Path | None = TARGET,
    csms: str | None = CSMS,
    live: bool = option("--live", "On sockets, against a reference CSMS that is started for it.", False),
    speed: float = option("--speed", "On sockets: how much faster than real time the stations live.", 1.0),
    longest: str = option("--longest", "On sockets: skip what takes longer than this in real time.", "1h"),
    id_prefix: str | None = option("--id-prefix", "On sockets: prefix of the stations' ids."),
    security_profile: int | None = SECURITY_PROFILE,
    password: str | None = PASSWORD,
    tls_ca: Path | None = TLS_CA,
    tls_cert: str | None = TLS_CERT,
    tls_key: str | None = TLS_KEY,
    header: list[str] = HEADER,
    i_may_test_this: bool = MAY_TEST,
    set_: list[str] = option("--set", "A variable, name=value, before the scenarios' own; may be repeated.", []),
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
    """Run scenarios once for each profile and version: in memory, or on sockets against a CSMS.

    Exit code 0: all passed, 1: not, 2: bad input, 3: nothing booted, 70: an error of ours.
    """
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
    if where is None and security_profile is not None:  # the CSMS of --live is one without security
        raise AuthorError("given, but no CSMS: add --csms URL or --target FILE", field="--security-profile")
    if live and where is not None:
        raise AuthorError("starts a CSMS of its own; leave it out with --target or --csms", field="--live")
    outside = {
        "--target": target,
        "--csms": csms,
        "--speed": speed if speed != 1.0 else None,
        "--longest": longest if longest != "1h" else None,
        "--id-prefix": id_prefix,
        "--security-profile": security_profile,
        "--tls-ca": tls_ca,
        "--tls-cert": tls_cert,
        "--tls-key": tls_key,
    }
    words = [word for name, value in outside.items() if value is not None for word in (name, str(value))]
    options = Options(
        seed=seed,
        strict=strict,
        variables=variables_of(set_),
        ledger=ledger,
        draw=report is not None,
        target_words=(*words, *(["--live"] if live else [])),
    )
    this = ScenarioRun(cells, options)
    began_s = time.perf_counter()
    longest_us = int(seconds(longest, "--longest") * 1e6)
    with _terminable(), _stage(this, where, live, speed, longest_us, id_prefix), _frames(options, trace):
        this.execute(_tell if options.live is not None and not as_json else None)
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


def _tell(result: Result) -> None:
    """On sockets a cell takes its time: say of each what came of it."""
    cell = result.cell
    where = f"{cell.scenario.name} on {cell.profile}, OCPP {cell.version}"
    typer.echo(f"{result.verdict:15}{where} ({result.took_s:.1f} s)", err=True)


@contextmanager
def _stage(
    run: ScenarioRun, target: Target | None, live: bool, speed: float, longest_us: int, id_prefix: str | None
) -> Iterator[None]:
    """Where a run is played: in memory, or on sockets against the target or a reference CSMS of its own."""
    if target is None and not live:
        if speed != 1.0 or id_prefix is not None:
            raise AuthorError("--speed and --id-prefix are for runs on sockets; add --live, --target or --csms")
        yield
        return
    from simulator.fleet.identity import default_prefix
    from simulator.scenario.live import Live, guarded
    from simulator.scenario.stand import Stand

    prefix = id_prefix if id_prefix is not None else default_prefix(socket.gethostname())
    if target is not None:
        guarded(target, run.cells)
        run.options.live = Live(target, speed=speed, id_prefix=prefix, longest_us=longest_us)
        yield
        return
    with Stand(run.cells, speed=speed, id_prefix=prefix, longest_us=longest_us) as stand:
        run.options.live = stand.live
        yield


@contextmanager
def _terminable() -> Iterator[None]:
    """A machine that ends a run (SIGTERM) gets the report of what is done, as a person with Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _frames(options: Options, path: Path | None) -> Iterator[None]:
    """The trace, if one is wanted; secrets of the target are replaced in it."""
    if path is None:
        yield
        return
    from simulator.fleet.trace import FrameTrace
    from simulator.report.redact import Redactor

    options.trace = FrameTrace(path, options.live.redactor if options.live is not None else Redactor())
    try:
        yield
    finally:
        options.trace.close()


def _say(data: dict[str, Any]) -> None:
    from simulator.scenario.report import failure_lines, left_out, legend, matrix

    heads, rows = matrix(data)
    if rows:
        print_table(heads, rows)
        typer.echo("\n".join(["", *legend(data)]))
    failed = [cell for cell in data["cells"] if cell["verdict"] in ("FAIL", "INCONCLUSIVE")]
    for number, cell in enumerate(failed):
        print_text("\n".join(failure_lines(cell, frames=number < WITH_FRAMES)))
        if cell["error"]:
            typer.echo(cell["error"], err=True)
    if len(failed) > WITH_FRAMES:
        typer.echo(f"Frames are shown of the first {WITH_FRAMES}; --summary and --junit have them all.")
    for line in left_out(data):
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


@app.command("steps")
def steps(
    as_json: bool = option("--json", "JSON on standard output.", False),
) -> None:
    """List the steps of the language."""
    from simulator.scenario.language import steps_table

    rows = steps_table()
    if as_json:
        print_json([{"step": name, "does": text} for name, text in rows])
        return
    print_table(("step", "what it does"), rows)


@app.command("schema")
def schema(
    kind: str = typer.Argument(
        "scenario",
        help="scenario, fleet, target, profile; or, as --summary writes it: summary (of scenarios), run, replay.",
    ),
) -> None:
    """Print the JSON Schema of a kind of file, for an editor."""
    from simulator.scenario.language import SCHEMAS

    one_of(kind, SCHEMAS, "schema", "kind")
    print_json(SCHEMAS[kind.lower()]())


@app.command("from-trace")
def from_trace(
    trace: Path = typer.Argument(..., help="A trace, or a log of any known format; - reads standard input."),
    station: str | None = option("--station", "The station, when there are several in it.", None, "--id"),
    format_: str = option("--format", FORMAT_HELP, "auto"),
    output: Path | None = option("--out", "Write the draft there instead of to standard output.", None, "--output"),
) -> None:
    """Draft a scenario from a trace or a log; a draft to be read, what is guessed is marked."""
    from simulator.scenario.from_trace import draft

    writable({"--out": output})
    drafted = draft(trace_of(trace, format_), station=station, source=trace.name if str(trace) != "-" else "a log")
    if output is None:
        typer.echo(drafted, nl=False)
    else:
        output.write_text(drafted, encoding="utf-8")


def scenarios_of(places: list[Path] | None) -> list[Scenario]:
    """The scenarios in files and folders. What is not there may be a name of the shipped ones: ``tc-003``, a folder
    (``billing``), either also with ``scenarios/`` before it. Raises ScenarioError."""
    from simulator.resources import scenarios_dir
    from simulator.scenario.schema import load_scenario, scenario_files

    found: list[Path] = []
    for place in places or [scenarios_dir()]:
        place = place if place.exists() else _shipped(place)
        inside = scenario_files([place])
        if not inside:
            raise AuthorError("there is no scenario in it", file=str(place))
        found += inside
    return [load_scenario(path) for path in dict.fromkeys(found)]


def _shipped(place: Path) -> Path:
    """The shipped file or folder of this name."""
    from simulator.resources import scenarios_dir
    from simulator.scenario.schema import scenario_files
    from simulator.yamlfile import hint

    home = scenarios_dir()
    parts = [part for part in place.parts if part != "."]
    if parts[:1] == [home.name]:
        parts = parts[1:]
    name = "/".join(parts)
    files = scenario_files([home])
    known = {path.stem: path for path in files}
    for path in files:
        inside = path.relative_to(home)
        known[str(inside)] = known[str(inside.with_suffix(""))] = path
        known.update({str(folder): home / folder for folder in inside.parents})
    if name in ("", *known):
        return known[name or "."]
    raise AuthorError(f"there is no file, folder or shipped scenario {str(place)!r}{hint(name, known)}")


def tagged(scenarios: list[Scenario], tags: list[str]) -> list[Scenario]:
    """Those that have one of the tags, or stand for one of the cases; all without tags. Raises AuthorError for a tag
    that none of them has."""
    from simulator.yamlfile import hint

    known = {word for one in scenarios for word in (*one.fields.tags, *one.fields.case)}
    for tag in tags:
        if tag not in known:
            raise AuthorError(f"no scenario has the tag {tag!r}{hint(tag, sorted(known))}", field="--tag")
    return [one for one in scenarios if not tags or set(tags) & {*one.fields.tags, *one.fields.case}]


def variables_of(pairs: list[str]) -> dict[str, str]:
    """``--set name=value``."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise AuthorError(f"{pair!r} is not name=value", field="--set")
        found[name] = value
    return found


def versions_of(texts: list[str]) -> list[str]:
    """``--ocpp``, in any common spelling."""
    from simulator.dialects import normalise_version

    return [normalise_version(text) for text in texts]


def _earlier(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AuthorError(f"cannot be read: {error.strerror}", file=str(path), field="--only-failed") from None
    except ValueError:
        raise AuthorError("is no JSON", file=str(path), field="--only-failed") from None
    if not isinstance(data, dict) or not str(data.get("schema", "")).startswith("cpfarm-scenarios/"):
        raise AuthorError("is no --summary of cpfarm scenario run", file=str(path), field="--only-failed")
    return data
