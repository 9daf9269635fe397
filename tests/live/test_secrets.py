"""No secret of a run is found in anything it leaves behind: every artefact is searched, byte by byte.

Searched for are the passwords, the AuthorizationKey that the CSMS sets, the secrets of the target file, and the private
keys in each of their forms. What a station must keep to connect next time stands in the state alone, which only its
owner may read.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from simulator.core.link_policy import PASSWORD_PROFILES, SECURITY_PROFILE
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet.farm import initial_password
from simulator.fleet.target import make_target
from simulator.pki.keystore import key_from_pem
from tests.live.rig import Stage, groups, perform, plan_of
from tests.live.secure import Pki

pytestmark = pytest.mark.live

KEY = "00ff10aa" * 5
HEADER = "tenant-secret-31415"
PASSWORD = "the-shared-password-27182"
KINDS = {"summary": "json", "report": "html", "junit": "xml", "ledger": "sqlite", "trace": "jsonl"}


def forms(secret: bytes) -> set[bytes]:
    """A secret as it may be written: as it is, in hex, in base64."""
    return {secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret)}


def key_forms(pem: bytes) -> set[bytes]:
    """A private key as it may be written: its number, its DER, and the lines of its PEM that hold the number."""
    key = key_from_pem(pem)
    numbers: Any = key.private_numbers()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    lines = pem.splitlines()[1:3]  # the third is the public key, which the certificate shows too
    assert b"".join(lines) in base64.b64encode(der)
    return forms(numbers.private_value.to_bytes(32, "big")) | forms(der) | set(lines)


def artefacts(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, kind in KINDS.items():
        path = folder / f"{name}.{kind}"
        data = path.read_bytes()
        assert data, name
        yield path.name, data


def searched(folder: Path, secrets: set[bytes]) -> None:
    assert secrets and min(map(len, secrets)) >= 8
    for name, data in artefacts(folder):
        for secret in secrets:
            assert secret not in data, f"{name} holds a secret: {secret[:6]!r}..."
        assert b"PRIVATE KEY" not in data, name


def outputs(folder: Path) -> dict[str, Path]:
    return {name: folder / f"{name}.{kind}" for name, kind in KINDS.items()}


def owners_alone(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.suffix != ".pem":  # certificates are public
            assert path.stat().st_mode & 0o077 == 0, path


async def new_key(stage: Stage) -> None:
    """The CSMS sets another AuthorizationKey, and asks the station what it has."""
    await stage.booted()
    [seat] = [seat for seat in stage.seats if seat.station.id.startswith("1.6")]
    station, number = seat.station, seat.station.link.number
    change = {"key": "AuthorizationKey", "value": KEY}
    assert (await stage.operate(station.id, "ChangeConfiguration", change))["status"] == "Accepted"
    if station.settings[SECURITY_PROFILE] in PASSWORD_PROFILES:  # it connects anew with what is new
        await stage.until(lambda: station.link.is_up and station.link.number > number, "with the new key")
    await stage.operate(station.id, "GetConfiguration", {})
    await stage.quiet()
    await stage.charging()
    await stage.done()


def test_profile_1(tmp_path: Path) -> None:
    with CsmsProcess(CsmsOptions(port=0, http_port=0, require_auth=True)) as csms:
        data = {
            "url": csms.url,
            "security_profile": 1,
            "auth": {"password": PASSWORD, "format": "text"},
            "headers": {"X-Tenant": HEADER},
        }
        plan = plan_of(tmp_path, groups(1), target=make_target(data, {}, base_dir=tmp_path))
        perform(plan, new_key, csms=csms, state=tmp_path / "state", **outputs(tmp_path))
    searched(tmp_path, forms(PASSWORD.encode()) | forms(bytes.fromhex(KEY)) | forms(HEADER.encode()))
    owners_alone(tmp_path / "state")


def test_passwords_from_the_seed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, groups(1))
    perform(plan, new_key, security_profile=2, **outputs(tmp_path))
    secrets = set()
    for station in plan.stations:
        secrets |= forms(initial_password(plan.seed, station.id))
    searched(tmp_path, secrets | forms(bytes.fromhex(KEY)))


def test_profile_3(tmp_path: Path) -> None:
    async def renewed(stage: Stage) -> None:
        await new_key(stage)
        name = stage.seats[0].station.id
        assert name.startswith("1.6")
        await stage.operate(name, "ChangeConfiguration", {"key": "CpoName", "value": "cpfarm test"})
        number = stage.seats[0].station.link.number
        await stage.operate(name, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
        await stage.until(lambda: stage.seats[0].station.link.number > number, "the certificate is another one")
        await stage.quiet()

    plan = plan_of(tmp_path, groups(1))
    perform(plan, renewed, security_profile=3, state=tmp_path / "state", **outputs(tmp_path))
    keys = [*(tmp_path / "state" / "keys").glob("*.key"), *(tmp_path / "state" / "pki").glob("*.key")]
    assert len(keys) == 3 + 1 + 2, "three delivered, one renewed; the authority's and the server's"
    secrets = set()
    for path in keys:
        secrets |= key_forms(path.read_bytes())
    searched(tmp_path, secrets | forms(bytes.fromhex(KEY)))
    owners_alone(tmp_path / "state")
    flash = (tmp_path / "state" / "state.sqlite").read_bytes()
    assert b"PRIVATE KEY" not in flash and not any(secret in flash for secret in secrets if len(secret) >= 16)


def test_profile_3_with_files_of_the_user(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    options = CsmsOptions(
        port=0, http_port=0, tls_cert=Path(pki.server[0]), tls_key=Path(pki.server[1]), tls_client_ca=Path(pki.trust)
    )

    async def play(stage: Stage) -> None:
        await stage.booted()

    with CsmsProcess(options) as csms:
        tls = {"ca": pki.trust, "cert": pki.station[0], "key": pki.station[1]}
        target = make_target({"url": csms.url, "security_profile": 3, "tls": tls}, {}, base_dir=tmp_path)
        perform(plan_of(tmp_path, groups(1), target=target), play, csms=csms, **outputs(tmp_path))
    searched(tmp_path, key_forms(Path(pki.station[1]).read_bytes()))
