"""``cpfarm demo``: a minute with 200 stations, told from the screen."""

from __future__ import annotations

from pathlib import Path

import typer

from simulator.commands.options import HTTP_PORT_HELP, command_line, option, plan_of, port_of, writable
from simulator.commands.output import print_error_of_ours, print_text
from simulator.commands.progress import Lines, Panel, make_progress
from simulator.csms.options import CsmsOptions
from simulator.fleet.run import Run, RunOptions
from simulator.fleet.story import Story, compare_with_csms
from simulator.report.text import end_of_run
from simulator.resources import scenarios_dir


def demo(
    context: typer.Context,
    count: int | None = option("--count", "Number of stations (default 200)."),
    http_port: str | None = option("--http-port", HTTP_PORT_HELP),
    summary: Path | None = option("--summary", "Write the summary (JSON)."),
    report: Path | None = option("--report", "Write the report (HTML)."),
) -> None:
    """The reference CSMS and 200 stations for about a minute: sessions, a dead meter, a drifting clock, a full flash,
    and a CSMS that is stopped for five seconds."""
    plan = plan_of(scenarios_dir() / "demo.yaml", {"count": count})
    writable({"--summary": summary, "--report": report})
    options = RunOptions(
        command=command_line(context),
        http_port=port_of(http_port),
        http_port_asked_for=http_port is not None,
        drain_s=20.0,
        summary=summary,
        report=report,
        csms=CsmsOptions(port=0, http_port=0, heartbeat_s=60),
    )
    progress = make_progress()
    run: Run

    def say(line: str) -> None:
        at = f"{run.farm.clock.real_us() / 1e6:5.1f} s" if run.farm is not None else ""
        if isinstance(progress, Panel):
            progress.story.append((at, line))
        else:
            typer.echo(f"{at}  {line}", err=True)

    story = Story(say)
    run = Run(plan, options, _quiet(progress), story)
    run.afterwards = lambda ended: ended.notes.extend(compare_with_csms(ended))
    result = run.execute()
    print_error_of_ours(run.our_error)
    if isinstance(progress, Panel):
        for at, line in progress.story:
            typer.echo(f"{at}  {line}")
        typer.echo("")
    print_text(end_of_run(result))
    raise typer.Exit(int(result["exit_code"]))


def _quiet(progress: object) -> Panel | Lines:
    """The story speaks for itself; figures every ten seconds are enough between its lines."""
    assert isinstance(progress, Panel | Lines)
    if isinstance(progress, Lines):
        progress.every_s = 10.0
    return progress
