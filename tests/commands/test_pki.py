"""`cpfarm pki`: files that work together, modes, and nothing written over."""

from __future__ import annotations

import json
import ssl
import stat
from pathlib import Path

import pytest

from simulator.fleet.target import load_target
from simulator.pki.authority import Authority
from simulator.pki.reading import inspect_certificate
from tests.commands.conftest import Cpfarm

HOUR_US = 3_600_000_000


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_from_nothing_and_its_files_fit_together(cpfarm: Cpfarm) -> None:
    told = cpfarm("pki", "init", "p", "--host", "csms.example", "--host", "127.0.0.1")
    assert told.code == 0 and "made  server: p/server.pem" in told.out and "tls_" not in told.err
    assert cpfarm("pki", "station", "p", "--id", "CP 1", "--id", "CP-2").code == 0
    folder = Path("p")
    keys = {"ca.key", "server.key", "code.key", "stations/CP 1.key", "stations/CP-2.key"}
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.key")} == keys
    assert {mode(folder / name) for name in keys} == {0o600}
    assert (mode(folder), mode(folder / "stations")) == (0o700, 0o700)
    for name in ("server", "code", "stations/CP 1"):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    facts = inspect_certificate((folder / "stations/CP 1.pem").read_text(), [(folder / "ca.pem").read_text()])
    assert (facts["common_name"], facts["organization"]) == ("CP 1", "cpfarm test")
    assert facts["issuer_key_hash"] == inspect_certificate((folder / "ca.pem").read_text())["issuer_key_hash"]


def test_the_snippet_is_a_target_file(cpfarm: Cpfarm) -> None:
    cpfarm("pki", "init", "p")
    told = cpfarm("pki", "station", "p", "--id", "CP-1")
    snippet = told.out.partition("In the target file:\n")[2]
    Path("target.yaml").write_text("".join(line[2:] for line in snippet.splitlines(keepends=True)))
    target = load_target("target.yaml", {})
    assert target.security_profile == 3
    assert target.file(target.fields.tls.cert or "", "CP-1").exists()
    assert target.file(target.fields.tls.key or "", "CP-1").exists()


def test_what_is_there_is_kept_unless_told_otherwise(cpfarm: Cpfarm) -> None:
    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in Path("p").rglob("*") if path.is_file()}

    cpfarm("pki", "init", "p")
    cpfarm("pki", "station", "p", "--id", "A")
    before = everything()
    told = cpfarm("pki", "init", "p")
    assert told.code == 0 and "kept  authority" in told.out and "made" not in told.out
    assert "kept  A" in cpfarm("pki", "station", "p", "--id", "A").out
    assert everything() == before
    assert "made  A" in cpfarm("pki", "station", "p", "--id", "A", "--force").out
    assert everything()["p/ca.key"] == before["p/ca.key"], "an authority is remade by init alone"
    assert "made  authority" in cpfarm("pki", "init", "p", "--force").out
    assert everything()["p/ca.key"] != before["p/ca.key"]
    Path("p/server.key").unlink()
    told = cpfarm("pki", "init", "p")
    assert told.code == 2 and "server.key is not; put it back, or --force" in told.err


def test_a_certificate_that_is_there_for_other_hosts_is_not_passed_off(cpfarm: Cpfarm) -> None:
    cpfarm("pki", "init", "p", "--host", "csms.example", "--host", "127.0.0.2")
    assert cpfarm("pki", "init", "p", "--host", "127.0.0.2").code == 0
    told = cpfarm("pki", "init", "p", "--host", "other.example")
    assert told.code == 2 and "is for 127.0.0.2, csms.example, not for other.example" in told.err
    assert cpfarm("pki", "init", "p", "--host", "other.example", "--force").code == 0


def test_the_users_own_authority_signs_and_its_key_is_not_copied(cpfarm: Cpfarm) -> None:
    cpfarm("pki", "init", "own")
    own = ("--ca", "own/ca.pem", "--ca-key", "own/ca.key")
    assert cpfarm("pki", "init", "p", *own).code == 0
    assert cpfarm("pki", "station", "p", "--id", "A", *own).code == 0
    assert Path("p/ca.pem").read_text() == Path("own/ca.pem").read_text() and not Path("p/ca.key").exists()
    facts = inspect_certificate(Path("p/stations/A.pem").read_text(), [Path("own/ca.pem").read_text()])
    assert facts["issuer_key_hash"] == inspect_certificate(Path("own/ca.pem").read_text())["issuer_key_hash"]
    cpfarm("pki", "init", "other")
    told = cpfarm("pki", "station", "p", "--id", "B", "--ca", "other/ca.pem", "--ca-key", "other/ca.key")
    assert told.code == 2 and "p/ca.pem: is another authority's" in told.err
    assert "holds no authority" in cpfarm("pki", "station", "p", "--id", "B").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("station", "p", "--id", "A"), "p: holds no authority (ca.pem and ca.key): run `cpfarm pki init` first"),
        (("station", "p"), "say which stations"),
        (("init", "p", "--ca", "x"), "--ca and --ca-key go together"),
        (("init", "p", "--ca", "x", "--ca-key", "y"), "x: cannot be read: No such file"),
        (("init", "p", "--key", "RSA-204"), "--key: no kind of key 'RSA-204'; did you mean 'RSA-2048'?"),
        (("show", "x"), "x: cannot be read"),
    ],
)
def test_bad_input_is_one_line(cpfarm: Cpfarm, words: tuple[str, ...], said: str) -> None:
    told = cpfarm("pki", *words)
    assert told.code == 2 and said in told.err and "Traceback" not in told.err


def test_ids_that_lead_elsewhere_and_files_that_do_not_fit(cpfarm: Cpfarm) -> None:
    cpfarm("pki", "init", "p")
    told = cpfarm("pki", "station", "p", "--id", "../x")
    assert told.code == 2 and "cannot be a file's name" in told.err and not Path("x.key").exists()
    cpfarm("pki", "init", "q")
    told = cpfarm("pki", "init", "r", "--ca", "p/ca.pem", "--ca-key", "q/ca.key")
    assert told.code == 2 and "is for another key" in told.err
    told = cpfarm("pki", "init", "r", "--ca", "p/server.pem", "--ca-key", "p/server.key")
    assert told.code == 2 and "is no authority's" in told.err


def test_a_fleet_gets_a_certificate_for_each_station_with_its_serial_number(cpfarm: Cpfarm) -> None:
    Path("fleet.yaml").write_text("groups: [{profile: generic/ac-single, count: 3, id: 'S-{n:02d}'}]\n")
    cpfarm("pki", "init", "p")
    told = cpfarm("pki", "station", "p", "--fleet", "fleet.yaml", "--json")
    made = json.loads(told.out)["files"]
    assert [one["name"] for one in made] == ["authority", "S-01", "S-02", "S-03"]
    assert [one["new"] for one in made] == [False, True, True, True]
    names = [inspect_certificate(Path(one["certificate"]).read_text())["common_name"] for one in made[1:]]
    assert len(set(names)) == 3 and not any(name.startswith("S-") for name in names), "serial numbers (A00.FR.511)"
    cpfarm("pki", "station", "p", "--fleet", "fleet.yaml", "--common-name", "id", "--force")
    assert inspect_certificate(Path(made[1]["certificate"]).read_text())["common_name"] == "S-01"


@pytest.mark.parametrize("key", ["RSA-2048", "EC-P384"])
def test_other_kinds_of_keys_and_what_show_says(cpfarm: Cpfarm, key: str) -> None:
    cpfarm("pki", "init", "p", "--key", key, "--days", "10")
    [facts] = json.loads(cpfarm("pki", "show", "p/server.pem", "--json").out)
    assert facts["key_bits"] == int(key[-4:].strip("P-")) and facts["common_name"] == "localhost"
    own = inspect_certificate(Path("p/server.pem").read_text())
    assert 10 * 24 * HOUR_US < own["not_after_us"] - own["not_before_us"] <= (10 * 24 + 2) * HOUR_US
    shown = cpfarm("pki", "show", "p/ca.pem").out
    assert "issuer key hash" in shown and own["issuer_name_hash"] in shown
    assert isinstance(Authority.load(Path("p/ca.pem").read_text(), Path("p/ca.key").read_bytes()), Authority)
