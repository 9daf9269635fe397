"""``cpfarm init DIR``: a fleet, a target and a scenario to begin with, with comments, that run as they are."""

from __future__ import annotations

from pathlib import Path

import typer

from simulator.commands.options import option
from simulator.errors import AuthorError

FLEET, TARGET, SCENARIO = "fleet.yaml", "target.yaml", "scenario.yaml"
#: where `cpfarm csms` listens unless told otherwise, as the shipped target says
CSMS, API = "ws://127.0.0.1:9000", "http://127.0.0.1:9001"


def init(
    folder: Path = typer.Argument(..., help="Folder for the files; made if it is not there.", metavar="DIR"),
    csms: str = option("--csms", "Where your CSMS takes stations; without it the reference CSMS's address.", CSMS),
    api: str = option("--api", "Where its HTTP API is.", API),
) -> None:
    """Write a fleet, a target and a scenario to begin with; nothing that is there is overwritten."""
    from simulator.resources import scenarios_dir

    for address, schemes, field in ((csms, ("ws://", "wss://"), "--csms"), (api, ("http://", "https://"), "--api")):
        if not address.startswith(schemes):
            raise AuthorError(f"{address!r} does not begin with {' or '.join(schemes)}", field=field)
    shipped = scenarios_dir()
    texts = {
        FLEET: (shipped / "templates" / FLEET).read_text("utf-8"),
        TARGET: addressed((shipped / "targets" / "reference.yaml").read_text("utf-8"), csms, api),
        SCENARIO: (shipped / "templates" / SCENARIO).read_text("utf-8"),
    }
    if folder.is_file():
        raise AuthorError("is a file; name a folder", file=str(folder))
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise AuthorError(f"{' and '.join(there)} there already; nothing was written", file=str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise AuthorError(f"cannot be written: {error.strerror or error}", file=str(folder)) from None
    typer.echo(f"{folder / FLEET}      which stations there are:       cpfarm run {folder / FLEET}")
    typer.echo(f"{folder / SCENARIO}   what must happen with them:     cpfarm scenario run {folder / SCENARIO}")
    typer.echo(f"{folder / TARGET}     your CSMS: change it, then add  --target {folder / TARGET}")


def addressed(template: str, csms: str, api: str) -> str:
    """The shipped target with other addresses in it."""
    return template.replace(CSMS, csms.rstrip("/")).replace(API, api.rstrip("/"))
