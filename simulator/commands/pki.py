"""``cpfarm pki``: an authority, certificates and keys for a test, made, signed by the user's own, or shown."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import typer

from simulator.commands.options import one_of, option, plan_of
from simulator.commands.output import print_json, print_table
from simulator.errors import AuthorError
from simulator.pki.authority import DAY_US, Authority, Times
from simulator.pki.folder import STATIONS, Made, PkiFolder, load_authority
from simulator.pki.keystore import ALGORITHMS
from simulator.pki.reading import Rejected, at, certificates_of, facts_of, hosts_of

app = typer.Typer(no_args_is_help=True)

FOLDER = typer.Argument(..., help="The folder for certificates and keys; made if it is not there.")
CA = option("--ca", "Your own authority's certificate (PEM) signs instead of one made here.")
CA_KEY = option("--ca-key", "Its private key.")
KEY = option("--key", "EC-P256, EC-P384, RSA-2048 or RSA-3072.", "EC-P256")
DAYS = option("--days", "How many days certificates are valid, from an hour ago.", 825, min=1, max=36_500)
ORGANIZATION = option("--organization", "The operator's name in stations' certificates.", "cpfarm test")
FORCE = option("--force", "Write over what is there.", False)


@app.callback()
def pki() -> None:
    """Certificates and keys for security profiles 2 and 3."""


@app.command("init")
def init(
    folder: Path = FOLDER,
    host: list[str] = option("--host", "Name or address of the CSMS; may be repeated.", ["localhost", "127.0.0.1"]),
    ca: Path | None = CA,
    ca_key: Path | None = CA_KEY,
    key: str = KEY,
    days: int = DAYS,
    organization: str = ORGANIZATION,
    force: bool = FORCE,
    as_json: bool = option("--json", "JSON.", False),
) -> None:
    """An authority, the CSMS's certificate and one that signs firmware."""
    one_of(key, ALGORITHMS, "kind of key", "--key")
    key, times, into = key.upper(), _times(days), PkiFolder(folder, force=force)

    def make() -> Authority:
        return Authority.root("cpfarm test authority", **times, organization=organization, algorithm=key)

    authority, first = _authority(into, ca, ca_key, make)
    try:
        made = [
            first,
            into.pair("server", lambda: authority.server(host, **times, algorithm=key)),
            into.pair("code", lambda: authority.code_signing("cpfarm test publisher", **times, algorithm=key)),
        ]
    except ValueError as error:  # a name that X.509 cannot hold
        raise AuthorError(str(error), field="--host") from None
    _check_hosts(made[1], host)
    _tell(made, _init_hint(folder), as_json)


def _check_hosts(server: Made, wanted: list[str]) -> None:
    """A certificate that was there may be for other hosts than those asked for; raises AuthorError."""
    there = hosts_of(certificates_of(server.certificate.read_text("ascii"))[0])
    missing = [one for one in wanted if one.lower() not in there]
    if not server.new and missing:
        raise AuthorError(
            f"was there and is for {', '.join(sorted(there)) or 'no host'}, not for {', '.join(missing)}; "
            "--force makes another",
            file=str(server.certificate),
        )


@app.command("station")
def station(
    folder: Path = FOLDER,
    ids: list[str] = option("--id", "Id of a station; may be repeated.", []),
    fleet: Path | None = option("--fleet", "Fleet file: a certificate for each of its stations."),
    count: int | None = option("--count", "With --fleet: number of stations."),
    id_prefix: str | None = option("--id-prefix", "With --fleet: prefix of generated ids."),
    common_name: str = option(
        "--common-name", "serial (its number, as the profile asks for; else the id) or id.", "serial"
    ),
    ca: Path | None = CA,
    ca_key: Path | None = CA_KEY,
    key: str = KEY,
    days: int = DAYS,
    organization: str = ORGANIZATION,
    force: bool = FORCE,
    as_json: bool = option("--json", "JSON.", False),
) -> None:
    """A certificate and key for each station, as stations/ID.pem and stations/ID.key."""
    one_of(key, ALGORITHMS, "kind of key", "--key")
    one_of(common_name, ("serial", "id"), "common name", "--common-name")
    if not ids and fleet is None:
        raise AuthorError("say which stations: --id ID, or --fleet FILE")
    wanted = [(name, name) for name in ids]
    if fleet is not None:
        plan = plan_of(fleet, {"count": count}, id_prefix=id_prefix)
        serial = common_name == "serial"
        wanted += [(one.id, (one.serial if serial else None) or one.id) for one in plan.stations]
    into = PkiFolder(folder, force=force)
    authority, first = _authority(into, ca, ca_key, None)
    try:
        made = into.stations(authority, wanted, _times(days), organization, key.upper())
    except ValueError as error:
        raise AuthorError(str(error)) from None
    _tell([first, *made], _target_hint(folder), as_json)


@app.command("show")
def show(
    file: Path = typer.Argument(..., help="Certificates in PEM."),
    as_json: bool = option("--json", "JSON.", False),
) -> None:
    """What is in a file of certificates, with the hash data that OCPP knows them by."""
    try:
        chain = certificates_of(file.read_text("ascii", "replace"))
        facts = [facts_of([one], chain) for one in chain]
    except OSError as error:
        raise AuthorError(f"cannot be read: {error.strerror or error}", file=str(file)) from None
    except Rejected as error:
        raise AuthorError(error.detail, file=str(file)) from None
    for one in facts:
        one["not_before"], one["not_after"] = _date(one.pop("not_before_us")), _date(one.pop("not_after_us"))
        del one["pem"], one["children"]
    if as_json:
        print_json(facts)
        return
    for number, one in enumerate(facts):
        if number:
            typer.echo("")
        print_table(["", ""], [[name.replace("_", " "), value] for name, value in one.items()])


def _authority(into: PkiFolder, ca: Path | None, ca_key: Path | None, make: Any) -> tuple[Authority, Made]:
    if (ca is None) != (ca_key is None):
        raise AuthorError("--ca and --ca-key go together")
    if ca is None or ca_key is None:
        return into.authority(make)
    authority = load_authority(ca, ca_key)
    return authority, into.trust(authority.pem)


def _times(days: int) -> Times:
    now_us = int(time.time()) * 1_000_000
    return {"not_before_us": now_us - DAY_US // 24, "not_after_us": now_us + days * DAY_US}


def _tell(made: list[Made], hint: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "files": [
                    {
                        "name": one.name,
                        "certificate": str(one.certificate),
                        "key": None if one.key is None else str(one.key),
                        "new": one.new,
                    }
                    for one in made
                ],
                "hint": hint,
            }
        )
        return
    for one in made[:20]:
        typer.echo(f"{'made' if one.new else 'kept'}  {one.name}: {one.certificate}")
    if len(made) > 20:
        new = sum(one.new for one in made[20:])
        typer.echo(f"      and {len(made) - 20} more, {new} of them made")
    typer.echo(f"\n{hint}")


def _init_hint(folder: Path) -> str:
    where = folder.absolute()
    return (
        "The reference CSMS with it:\n"
        f"  cpfarm csms --tls-cert {where}/server.pem --tls-key {where}/server.key --tls-client-ca {where}/ca.pem\n"
        f"Certificates for stations:\n  cpfarm pki station {folder} --id ID\n" + _target_hint(folder)
    )


def _target_hint(folder: Path) -> str:
    where = folder.absolute()
    return (
        "In the target file:\n"
        "  url: wss://localhost:9000/\n"
        "  security_profile: 3\n"
        "  tls:\n"
        f"    ca: {where}/ca.pem\n"
        f'    cert: "{where}/{STATIONS}/{{id}}.pem"\n'
        f'    key: "{where}/{STATIONS}/{{id}}.key"'
    )


def _date(time_us: int) -> str:
    return f"{at(time_us):%Y-%m-%dT%H:%M:%SZ}"
