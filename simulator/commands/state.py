"""``cpfarm state show`` and ``cpfarm state reset``."""

from __future__ import annotations

from pathlib import Path

import typer

from simulator.commands.options import option
from simulator.commands.output import print_json, print_table
from simulator.errors import AuthorError
from simulator.fleet.state import FILE, StateDir
from simulator.registry import nearest

app = typer.Typer(no_args_is_help=True)


def _open(folder: Path) -> StateDir:
    if not (folder / FILE).exists():
        raise AuthorError("there is no state here", file=str(folder))
    return StateDir(folder)


@app.command("show")
def show(
    folder: Path = typer.Argument(..., help="The folder given with --state."),
    as_json: bool = option("--json", "JSON.", False),
) -> None:
    """What is kept of each station; secrets are not shown."""
    kept = _open(folder)
    rows = []
    for station_id in kept.ids():
        state = kept.load(station_id)
        assert state is not None
        flash = state["flash"]
        rows.append(
            {
                "id": station_id,
                "registers_wh": [round(value) for value in state["registers_wh"]],
                "queued": len(flash.get("queue", {})),
                "open_transactions": len(flash.get("tx", {})),
                "settings_changed": sorted(flash.get("settings", {})),
                "tokens_cached": len(flash.get("cache", {})),
            }
        )
    if as_json:
        print_json(rows)
    else:
        heads = ("id", "registers Wh", "queued", "open", "settings changed", "cached")
        print_table(heads, [list(row.values()) for row in rows])


@app.command("reset")
def reset(
    folder: Path = typer.Argument(..., help="The folder given with --state."),
    station_id: str | None = option("--id", "Only this station."),
) -> None:
    """Forget what is kept."""
    kept = _open(folder)
    if station_id is not None and station_id not in kept.ids():
        near = nearest(station_id, kept.ids())
        raise AuthorError(f"no station {station_id!r} in this state" + (f"; did you mean {near!r}?" if near else ""))
    typer.echo(f"{kept.reset(station_id)} stations forgotten")
