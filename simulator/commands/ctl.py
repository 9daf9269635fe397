"""``cpfarm ctl``: a person's hand on a station of a running farm.

Exit code 0 done, 1 the station did not do it (its remark says why), 2 wrong input or no farm there.
"""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

import typer

from simulator.commands.options import one_of, option
from simulator.commands.output import print_json, print_table
from simulator.commands.remote import Port, Refused, path_of, port_at
from simulator.errors import AuthorError
from simulator.fleet.acts import ACTS, Act
from simulator.report.text import printable

REFUSED = 1
SWITCH = {"on": True, "off": False, "true": True, "false": False, "yes": True, "no": False}
URL = option("--url", "Address of the farm's control port.")
PORT = option("--http-port", "Port of the farm on this machine (default 9464).")
TOKEN = option("--http-token", "Token of the control port, where one is needed.", None, "--token")
ACTIONS = "state, " + ", ".join(ACTS)


def ctl(
    station: str = typer.Argument(..., help="Station, or `list` for all of them."),
    action: str | None = typer.Argument(None, help=f"One of {ACTIONS}; after `list`: what ids or profiles contain."),
    words: list[str] = typer.Argument(None, help="What the action needs, e.g. a token, `off`, a fault, key=value."),
    evse: int | None = option("--evse", "EVSE, from 1."),
    connector: int | None = option("--connector", "Connector of the EVSE."),
    side: str | None = option("--side", "station, ev or both; for suspend and resume ev or evse."),
    limit: int = option("--limit", "`list` shows so many.", 50),
    url: str | None = URL,
    http_port: int | None = PORT,
    http_token: str | None = TOKEN,
    as_json: bool = option("--json", "JSON.", False),
) -> None:
    """Plug, present a token, suspend, boot, switch power and network, inject faults, or look at a station."""
    port = port_at(url, http_port, http_token)
    if station == "list" and action not in (*ACTS, "state"):
        _list(port, action or "", limit, as_json)
        return
    name = action or "state"
    if name == "state":
        shown = port.get(path_of(station))
        if as_json:
            print_json(shown)
        else:
            typer.echo("\n".join(map(printable, describe(shown).splitlines())))
        return
    one_of(name, ("state", *ACTS), "action", "ACTION")
    act = ACTS[name.lower()]
    given = {"evse_id": evse, "connector_id": connector, "side": side}
    body = body_of(name, act, words or [], {key: value for key, value in given.items() if value is not None})
    try:
        done = port.post(path_of(station, name.lower()), body)
    except Refused as refused:
        typer.echo(f"cpfarm: {station}: {refused}", err=True)
        raise typer.Exit(REFUSED) from None
    if as_json:
        print_json(done)
        return
    for line in (*done["changed"], *(f"remark: {remark}" for remark in done["remarks"])):
        typer.echo(printable(line))


def body_of(name: str, act: Act[Any], words: list[str], body: dict[str, Any]) -> dict[str, Any]:
    """The JSON body that words and options mean. Raises AuthorError for what the action does not take."""
    fields = act.model.model_fields
    body = dict(body)
    loose: dict[str, Any] = {}
    for key in body:
        if key not in fields:
            raise AuthorError(f"{name} takes no --{key.removesuffix('_id')}")
    for word in words:
        key, equals, text = word.partition("=")
        if equals and key in fields:
            body[key] = _value(fields[key].annotation, text, key)
        elif equals and act.loose:
            loose[key] = _json(text)
        elif act.positional and act.positional not in body:
            body[act.positional] = _value(fields[act.positional].annotation, word, act.positional)
        else:
            raise AuthorError(f"{name} does not take {word!r}; it takes {', '.join(f'{f}=...' for f in fields)}")
    if loose:
        body[act.loose] = loose
    return body


def _value(annotation: Any, text: str, field: str) -> Any:
    """A word as the value of a field: text stays text, on and off are truth values."""
    if annotation is bool:
        if text.lower() not in SWITCH:
            raise AuthorError(f"{text!r} is neither on nor off", field=field)
        return SWITCH[text.lower()]
    if annotation is str or get_origin(annotation) is Literal or str in get_args(annotation):
        return text
    return _json(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _list(port: Port, search: str, limit: int, as_json: bool) -> None:
    found = port.get("/api/stations", search=search, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("station", "profile", "ocpp", "phase", "status", "queued", "faults", "last message"),
        [
            (
                row["id"],
                row["profile"],
                row["ocpp"],
                row["phase"],
                " ".join(row["status"]),
                row["queued"] or "",
                " ".join(row["faults"]),
                _message(row["last_message"]),
            )
            for row in found["stations"]
        ],
    )
    left = found["total"] - len(found["stations"])
    if left > 0:
        typer.echo(f"... and {left} more; --limit shows more of them")


def _message(last: dict[str, Any] | None) -> str:
    if last is None:
        return ""
    arrow = "->" if last["direction"] == "cp-to-csms" else "<-"
    return f"{last['timestamp'][11:19]} {arrow} {last['action'] or last['type']}"


def describe(shown: dict[str, Any]) -> str:
    """A station's state as a few lines."""
    link, clock = shown["link"], shown["clock"]
    lines = [
        f"{shown['id']}  {shown['profile']}  OCPP {shown['ocpp']}  {shown['phase']}",
        f"  power {'on' if shown['powered'] else 'off'}, software {'runs' if shown['running'] else 'does not run'},"
        f" boot {shown['boot_no']} ({shown['boot_reason']}), registration {shown['registration']}",
        f"  link {link['state']}"
        + (f", next dial in {link['next_dial_s']:g} s" if link["next_dial_s"] is not None else "")
        + f", queued {shown['queued']}, last {_message(shown['last_message']) or 'none'}",
        f"  clock {clock['wall']} ({clock['ahead_s']:+.1f} s{'' if clock['synced'] else ', not synchronised'}),"
        f" flash {shown['flash']['used_bytes']} of {shown['flash']['capacity_bytes']} bytes",
    ]
    for fault_id, fault in shown["active_faults"].items():
        params = " ".join(f"{key}={value}" for key, value in fault["params"].items())
        where = f" at EVSE {fault['evse_id']}" if fault["evse_id"] else ""
        lines.append(f"  fault {fault_id}: {fault['fault']}{where} {params}".rstrip())
    lines += [f"  problem {one['component']}: {one['code']} {one['info']}".rstrip() for one in shown["problems"]]
    for evse in shown["evses"]:
        lines += _evse(evse)
    return "\n".join(lines)


def _evse(evse: dict[str, Any]) -> list[str]:
    cable = {"none": "no cable", "station": "cable in the socket, no car", "both": "plugged in"}[evse["cable"]]
    car = f", car at {evse['car']['soc']:.0%}" if evse["car"] else ""
    token = f", token {evse['id_token']}" if evse["id_token"] else ""
    asked = f", asking about {evse['asked_token']}" if evse["asked_token"] else ""
    flags = [word for word, on in (("locked", evse["locked"]), ("inoperative", not evse["operative"])) if on]
    flags += [word for word, on in (("reserved", evse["reserved"]), ("withheld", not evse["evse_ready"])) if on]
    lines = [
        f"  EVSE {evse['evse_id']}  {evse['status']}  {cable}{car}{token}{asked}, {evse['power_w'] / 1000:g} kW"
        + "".join(f", {flag}" for flag in flags)
    ]
    tx = evse["transaction"]
    if tx is not None:
        lines.append(
            f"    transaction {tx['csms_id'] or tx['key']} since {tx['started']}, {tx['energy_wh'] / 1000:.3f} kWh"
        )
    lines += [f"    problem {one['component']}: {one['code']} {one['info']}".rstrip() for one in evse["problems"]]
    return lines
