"""``cpfarm profiles``, ``faults`` and ``quirks``: what there is."""

from __future__ import annotations

import dataclasses
from typing import Any

import typer

from simulator.certify.edition import EDITIONS, edition_of
from simulator.commands.options import one_of, option
from simulator.commands.output import print_json, print_table
from simulator.errors import ProfileError
from simulator.hardware.fault import FAULTS
from simulator.profile.compiled import compile_profile
from simulator.profile.coverage import ENOUGH, Verdict, catalogue, coverage, summary
from simulator.profile.describe import describe_profile, standings
from simulator.profile.device_model import describe_device_model
from simulator.profile.load import load_profile, profile_paths
from simulator.quirks import QUIRKS
from simulator.quirks import describe as describe_quirk
from simulator.resources import scenarios_dir
from simulator.traces.signs import SIGNS, UNSEEN

profiles = typer.Typer(no_args_is_help=True)
faults = typer.Typer(no_args_is_help=True)
quirks = typer.Typer(no_args_is_help=True)

JSON = option("--json", "JSON.", False)


@profiles.command("list")
def list_profiles(as_json: bool = JSON) -> None:
    """Every profile that ships, how much of it was seen somewhere, and what it rests on."""
    rows: list[dict[str, Any]] = []
    for name in sorted(profile_paths()):
        loaded = load_profile(name)
        profile = loaded.profile
        rows.append(
            {
                "name": name,
                "vendor": profile.identity.vendor,
                "model": profile.identity.model,
                "versions": list(profile.versions),
                "firmware": profile.identity.firmware,
                "quirks": len(profile.quirks),
                **standings(loaded),
                "evidence": profile.evidence,
            }
        )
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("name", "vendor", "model", "versions", "quirks", "sourced", "assumed", "evidence"),
            [
                (
                    *(r["name"], r["vendor"], r["model"], " ".join(r["versions"]), r["quirks"] or ""),
                    *(r["sourced"], r["assumed"], r["evidence"]),
                )
                for r in rows
            ],
        )


@profiles.command("show")
def show_profile(
    name: str = typer.Argument(..., help="Profile, or a YAML file."),
    device_model: bool = option("--device-model", "Its components, variables and monitors instead (2.x).", False),
    as_json: bool = JSON,
) -> None:
    """Every value of a profile with its standing: sourced (with the link) or assumed."""
    loaded = load_profile(name)
    if device_model:
        _show_device_model(name, describe_device_model(loaded), as_json)
        return
    rows = describe_profile(loaded)
    if as_json:
        print_json({"name": name, "evidence": loaded.profile.evidence, "values": [dataclasses.asdict(r) for r in rows]})
        return
    if loaded.profile.evidence:
        typer.echo(loaded.profile.evidence)
    print_table(
        ("value", "is", "standing", "source"),
        [(row.path, row.value, row.standing, row.source or "") for row in rows],
    )


def _show_device_model(name: str, found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({"name": name, **found})
        return
    kind = found["archetype"]
    typer.echo(f"{name} in {found['version']}: {kind['name']}, {kind['title']}")
    print_table(
        ("component", "tier", "variable", "attributes", "type", "unit", "limits", "monitored"),
        [
            (
                row["component"],
                row["tier"] + (f" {row['evse_id']}" if row.get("evse_id") else ""),
                row["variable"] + (f"[{row['instance']}]" if "instance" in row else ""),
                " ".join(f"{type_}:{_short(mutability)}" for type_, mutability in row["attributes"].items()),
                row["data_type"],
                row.get("unit", ""),
                _limits(row),
                "yes" if row["monitored"] else "",
            )
            for row in found["variables"]
        ],
    )
    print_table(
        ("monitor of", "kind", "value", "severity", "standing"),
        [
            (f"{row['component']}.{row['variable']}", row["kind"], row["value"], row["severity"], row["standing"])
            for row in found["monitors"]
        ],
    )
    print_table(
        ("event", "shows as", "severity"),
        [(row["event"], f"{row['component']}.{row['variable']}", row["severity"]) for row in found["severities"]],
    )


def _short(mutability: str) -> str:
    return {"ReadOnly": "r", "ReadWrite": "rw", "WriteOnly": "w"}[mutability]


def _limits(row: dict[str, Any]) -> str:
    if "values" in row:
        return " ".join(row["values"])
    low, high = row.get("min_limit"), row.get("max_limit")
    if low is None and high is None:
        return ""
    return f"{'' if low is None else format(low, 'g')}..{'' if high is None else format(high, 'g')}"


@profiles.command("validate")
def validate_profiles(
    names: list[str] = typer.Argument(None, help="Profiles or YAML files; without any, all that ship."),
) -> None:
    """Check profiles; one line for each problem, exit code 2."""
    wrong = 0
    wanted = names or sorted(profile_paths())
    for name in wanted:
        try:
            loaded = load_profile(name)
            for version in loaded.profile.versions:
                compile_profile(name, version)
        except ProfileError as error:
            wrong += 1
            typer.echo(str(error), err=True)
    typer.echo(f"{len(wanted) - wrong} of {len(wanted)} profiles are valid")
    if wrong:
        raise typer.Exit(2)


@profiles.command("pics")
def profile_pics(
    name: str = typer.Argument(..., help="Profile, or a YAML file."),
    ocpp: str = option("--ocpp", "Protocol version: 1.6 or 2.0.1.", "1.6"),
    as_json: bool = JSON,
) -> None:
    """The Protocol Implementation Conformance Statement that follows from a profile; in 2.0.1 its features."""
    version = ocpp.lower().removeprefix("ocpp").removesuffix("j")
    one_of(version, EDITIONS, "protocol version", "--ocpp")
    pics = edition_of(version).pics_of(name)
    if as_json:
        print_json(pics.as_dict())
        return
    rows: list[tuple[str, str, Any]] = []
    for part, values in pics.as_dict().items():
        if isinstance(values, dict):
            rows += [(part, key, _plain(value)) for key, value in values.items()]
        else:
            rows.append((part, "", _plain(values)))
    print_table(("part", "item", "answer"), rows)


def _plain(value: Any) -> str:
    """An answer as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return str(value)


@faults.command("list")
def list_faults(part: str | None = option("--part", "Only this part, e.g. meter."), as_json: bool = JSON) -> None:
    """Every hardware fault, its parameters, and what a CSMS sees."""
    if part is not None:
        one_of(part, {FAULTS.get(name).part for name in FAULTS}, "part", "--part")
    rows = [FAULTS.get(name).describe() for name in FAULTS if part in (None, FAULTS.get(name).part)]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("fault", "what it is", "parameters"),
        [(row["name"], row["summary"], " ".join(f"{p['name']}={p['default']}" for p in row["params"])) for row in rows],
    )


@quirks.command("list")
def list_quirks(vendor: str | None = option("--vendor", "Only of this vendor."), as_json: bool = JSON) -> None:
    """Every documented behaviour, where it hooks in, and what a CSMS must do to survive it."""
    known = catalogue()
    played = scenarios_dir() / "quirks"
    rows = [
        describe_quirk(QUIRKS.get(name))
        | {
            "scenario": name if (played / f"{name}.yaml").is_file() else "",
            "confidence": known[name].confidence if name in known else "",
            "recognised": name in SIGNS,
            "not_recognised_because": "" if name in SIGNS else UNSEEN.get(name, "nobody has written a sign for it yet"),
        }
        for name in QUIRKS
    ]
    if vendor is not None:
        one_of(vendor, {v for row in rows for v in row["vendors"]}, "vendor", "--vendor")
        rows = [row for row in rows if vendor.lower() in {v.lower() for v in row["vendors"]}]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("quirk", "what it does", "vendors", "scenario"),
        [
            (row["name"], row["summary"], " ".join(row["vendors"]), row["scenario"] and f"quirks/{row['scenario']}")
            for row in rows
        ],
    )


@quirks.command("coverage")
def quirks_coverage(as_json: bool = JSON) -> None:
    """How much of the catalogue of documented vendor behaviour a quirk or a profile plays; 1 when it is not enough."""
    verdicts = coverage()
    counts = summary(verdicts)
    if as_json:
        print_json({**counts, "entries": [verdict.row() for verdict in verdicts]})
    else:
        rest = [verdict for verdict in verdicts if verdict.state in ("impossible", "open")]
        print_table(
            ("entry", "state", "why"),
            [(v.entry.id, v.state, v.entry.note if v.state == "impossible" else _what_is_missing(v)) for v in rest],
        )
        typer.echo(
            f"{counts['covered']} of {counts['all']} are covered: {counts['behaviour']} by a quirk, {counts['data']} by"
            f" a profile; {counts['impossible']} cannot be simulated, {counts['open']} are open"
        )
    if counts["covered"] < ENOUGH:
        raise typer.Exit(1)


def _what_is_missing(verdict: Verdict) -> str:
    entry = verdict.entry
    if entry.kind == "data" and entry.note:
        return f"no shipped profile states, with sources, {entry.note}"
    return "no quirk of this name" if entry.kind == "behaviour" else "nothing is decided"
