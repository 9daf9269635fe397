"""``cpfarm tail``: the frames of a station of a running farm, as they pass."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any

import typer

from simulator.commands.ctl import PORT, TOKEN, URL
from simulator.commands.options import option
from simulator.commands.output import MIN_WIDTH
from simulator.commands.remote import path_of, port_at
from simulator.report.text import printable

#: how long a line is where there is no terminal
WIDTH = 300
KINDS = {"CALL": "", "SEND": " (send)", "CALLRESULT": " ok", "CALLERROR": " error", "CALLRESULTERROR": " result error"}


def tail(
    station: str = typer.Argument(..., help="Station."),
    last: int = option("--last", "Begin with so many frames that have passed already.", 10, min=0, max=1000),
    action: list[str] = option("--action", "Only this action; may be repeated.", []),
    url: str | None = URL,
    http_port: int | None = PORT,
    http_token: str | None = TOKEN,
    as_json: bool = option("--json", "One line of JSON for each frame, as in a trace.", False),
) -> None:
    """Frames as they pass, `->` from the station and `<-` from the CSMS, until Ctrl-C or the end of the farm."""
    port = port_at(url, http_port, http_token)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    why = f"the farm at {port.url} went away"
    try:
        for event, data in port.events(path_of(station, "stream"), last=last, action=",".join(action)):
            if event == "frame":
                typer.echo(json.dumps(data, ensure_ascii=False) if as_json else line_of(data, width))
            elif event == "lost":
                typer.echo(f"... {data['lost']} frames were lost: they came faster than they were read", err=True)
            elif event == "end":
                why = str(data["why"])
    except KeyboardInterrupt:
        return
    typer.echo(f"cpfarm: {why}", err=True)


def line_of(frame: dict[str, Any], width: int) -> str:
    """A frame in a line: time (UTC), direction, action, payload; cut to ``width``."""
    arrow = "->" if frame["direction"] == "cp-to-csms" else "<-"
    kind = frame["messageType"]
    what = frame.get("action") or frame.get("messageId", "")
    if kind not in KINDS:
        rest = f"{frame.get('meta', {}).get('problem', '')}: {frame.get('raw', '')}"
    elif "error" in frame:
        error = frame["error"]
        rest = f"{error.get('code', '')} {error.get('description', '')}"
    else:
        rest = _short(frame.get("payload"))
    line = printable(f"{frame['timestamp'][11:23]} {arrow} {what}{KINDS.get(kind, kind)}  {rest}".rstrip())
    width = max(width, MIN_WIDTH)
    return line if len(line) <= width else line[: width - 3] + "..."


def _short(payload: Any) -> str:
    """The payload as ``key=value``; what is nested stays JSON."""
    if not isinstance(payload, dict):
        return json.dumps(payload, ensure_ascii=False)
    return " ".join(f"{name}={_value(value)}" for name, value in payload.items())


def _value(value: Any) -> str:
    if isinstance(value, str) and value and not any(c in ' "=' for c in value):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
