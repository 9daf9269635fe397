"""``cpfarm fleet list``."""

from __future__ import annotations

import csv
import dataclasses
import sys
from pathlib import Path

import typer

from simulator.commands.options import option, plan_of
from simulator.commands.output import print_json, print_table

app = typer.Typer(no_args_is_help=True)


@app.callback()
def fleet() -> None:
    """What a fleet file would start."""


@app.command("list")
def list_fleet(
    fleet: Path | None = typer.Argument(None, help="Fleet file."),
    count: int | None = option("--count", "Number of stations."),
    profile: str | None = option("--profile", "Profile."),
    ocpp: str | None = option("--ocpp", "1.6, 2.0.1 or 2.1."),
    id_prefix: str | None = option("--id-prefix", "Prefix of generated ids."),
    as_json: bool = option("--json", "JSON.", False),
    as_csv: bool = option("--csv", "CSV, for registration in a CSMS.", False),
) -> None:
    """The stations a run of this fleet would start; nothing is connected."""
    plan = plan_of(fleet, {"count": count, "profile": profile, "version": ocpp}, id_prefix=id_prefix)
    rows = [dataclasses.asdict(row) for row in plan.rows()]
    if as_json:
        print_json(rows)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, ["id", "profile", "version", "group", "has_password"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        print_table(list(rows[0]) if rows else ["id"], [list(row.values()) for row in rows])
