"""What a target's files give to stations, and what is said of files that cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.blocks import certificates
from simulator.core.certificate_store import CSMS_ROOT, STATION
from simulator.core.link_policy import SECURITY_PROFILE
from simulator.core.station import Station
from simulator.csms.options import CsmsOptions
from simulator.errors import AuthorError, FleetError, TargetError
from simulator.fleet.credentials import read_credentials
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.schema import load_fleet
from simulator.fleet.target import Target, make_target
from simulator.fleet.throwaway import Throwaway
from simulator.pki.authority import DAY_US, Authority, Times
from simulator.pki.folder import PkiFolder
from simulator.pki.keystore import Keystore
from simulator.pki.work import check_chain, inspect_certificate

NOW_US = 1_900_000_000 * 1_000_000
TIMES: Times = {"not_before_us": 0, "not_after_us": NOW_US + 1000 * DAY_US}
CA = Authority.root("CA", **TIMES, seed="credentials")


def plan_of(count: int = 2, **more: Any) -> FleetPlan:
    data = {"id": "S-{n:01d}", "count": count, "profile": "generic/ac-single", **more}
    return resolve(load_fleet(None, data, environ={}), hostname="test")


def target_of(folder: Path, **tls: str) -> Target:
    data = {"url": "wss://h", "security_profile": 3, "tls": tls}
    return make_target(data, {}, base_dir=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_text(CA.pem)
    PkiFolder(tmp_path).stations(CA, [("S-1", "S-1"), ("S-2", "S-2")], TIMES, "Operator", "EC-P256")
    return tmp_path


def test_files_of_each_station_become_its_store(folder: Path) -> None:
    plan, keys = plan_of(), Keystore()
    target = target_of(folder, ca="ca.pem", cert="stations/{id}.pem", key="stations/{id}.key")
    found = read_credentials(target, plan.stations, keys)
    for one in plan.stations:
        station = Station(one.id, one.model, seed=1, number=one.number, epoch_us=NOW_US)
        found.deliver(station, 3)
        assert certificates.installed(station, CSMS_ROOT) == [CA.pem]
        [pem] = certificates.installed(station, STATION)
        assert inspect_certificate(pem)["common_name"] == one.id
        assert station.settings[SECURITY_PROFILE] == 3
        own = found.credential(one.id)
        assert own is not None and keys.matches(own.key, pem)
    assert len(keys) == 2


def test_one_file_for_all_is_read_once_and_kept_once(folder: Path) -> None:
    keys = Keystore()
    target = target_of(folder, ca="ca.pem", cert="stations/S-1.pem", key="stations/S-1.key")
    found = read_credentials(target, plan_of(20).stations, keys)
    assert len(keys) == 1 and len({id(facts) for facts in found.own.values()}) == 1 and len(found.own) == 20
    again = read_credentials(target, plan_of(1).stations, Keystore())
    assert again.own["S-1"]["key"] == found.own["S-1"]["key"], "a handle outlives the run"


def test_profile_0_without_files_costs_a_station_nothing(tmp_path: Path) -> None:
    target = make_target({"url": "ws://h"}, {}, base_dir=tmp_path)
    [one] = plan_of(1).stations
    found = read_credentials(target, [one], Keystore())
    station = Station(one.id, one.model, seed=1, number=1, epoch_us=NOW_US)
    before = {area: dict(rows) for area, rows in station.board.flash.areas.items()}
    found.deliver(station, 0)
    assert station.board.flash.areas == before and found.trust is None and found.credential(one.id) is None


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ({"ca": "none.pem"}, "tls.ca: {folder}/none.pem: cannot be read: No such file or directory"),
        ({"ca": "bad"}, "tls.ca: {folder}/bad: not a certificate in PEM"),
        ({"cert": "stations/S-9.pem", "key": "stations/S-1.key"}, "tls.cert: {folder}/stations/S-9.pem: cannot"),
        ({"cert": "stations/S-1.pem", "key": "bad"}, "tls.key: {folder}/bad: not a private key in PEM"),
        ({"cert": "stations/S-1.pem", "key": "stations/S-2.key"}, "is not the key of the certificate in"),
        ({"cert": "big", "key": "bad"}, "tls.cert: {folder}/big: larger than"),
    ],
)  # fmt: skip
def test_files_that_cannot_work_are_named(folder: Path, tls: dict[str, str], said: str) -> None:
    (folder / "bad").write_text("secret words")
    (folder / "big").write_text("x" * 300_000)
    tls = {"cert": "stations/S-1.pem", "key": "stations/S-1.key"} | tls
    with pytest.raises(TargetError) as caught:
        read_credentials(target_of(folder, **tls), plan_of().stations, Keystore())
    assert said.format(folder=folder) in str(caught.value) and "secret words" not in str(caught.value)


def test_a_station_of_a_stations_file_is_named(folder: Path) -> None:
    (folder / "stations.csv").write_text("id,cert,key\nS-1,stations/S-1.pem,stations/S-1.key\nS-2,no.pem,no.key\n")
    fleet = folder / "fleet.yaml"
    fleet.write_text("groups: [{profile: generic/ac-single, stations: stations.csv}]\n")
    target = target_of(folder, ca="ca.pem")
    plan = resolve(load_fleet(fleet, {}, environ={}), hostname="test", target=target)
    with pytest.raises(FleetError, match=r"station S-2: .*no.pem: cannot be read"):
        read_credentials(target, plan.stations, Keystore())
    with pytest.raises(FleetError, match="S-1 has no certificate, but the target says security profile 3"):
        resolve(
            load_fleet(None, {"id": "S-1", "count": 1, "profile": "generic/ac-single"}, environ={}),
            hostname="test",
            target=target,
        )


# --- a run without a target ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [0, 1])
def test_without_tls_there_is_no_authority(profile: int) -> None:
    made = Throwaway(profile)
    options = made.csms_options(CsmsOptions())
    assert options.require_auth is (profile == 1) and options.tls_cert is None
    assert made.target("ws://h") == {"url": "ws://h/{id}", "security_profile": profile}
    assert not made.credentials(plan_of().stations, Keystore()).own
    made.close()


@pytest.mark.parametrize("profile", [2, 3])
def test_a_passing_authority_leaves_nothing(profile: int) -> None:
    made = Throwaway(profile)
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.folder.glob("*.key")} == {0o600}
    options = made.csms_options(CsmsOptions())
    assert options.require_auth is (profile == 2) and (options.tls_client_ca is not None) is (profile == 3)
    keys = Keystore()
    found = made.credentials(plan_of().stations, keys)
    assert len(found.own) == (2 if profile == 3 else 0)
    for facts in found.own.values():
        at_us = (facts["not_before_us"] + facts["not_after_us"]) // 2
        args = {"public_key": keys.public_key(facts["key"]), "purpose": "client"}
        assert check_chain(facts["pem"], [found.trust or ""], at_us, **args)
    made.close()
    made.close()
    assert not made.folder.exists()


def test_a_kept_authority_is_the_same_next_time(tmp_path: Path) -> None:
    first = Throwaway(3, tmp_path / "pki")
    first.close()
    second = Throwaway(3, tmp_path / "pki")
    assert first.authority is not None and second.authority is not None
    assert first.authority.pem == second.authority.pem
    (tmp_path / "pki" / "ca.key").write_text("broken")
    with pytest.raises(AuthorError, match="cannot be used"):
        Throwaway(3, tmp_path / "pki")
