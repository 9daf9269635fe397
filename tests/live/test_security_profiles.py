"""Whole runs over every security profile, through proxies, and a fleet that loses the network and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet.target import make_target
from simulator.pki.folder import PkiFolder
from tests.live.front import forward_proxy, reverse_proxy
from tests.live.rig import Played, Stage, groups, perform, plan_of
from tests.live.secure import TIMES, Pki, check

pytestmark = pytest.mark.live


def clean(played: Played) -> None:
    assert not played.violations, played.violations[:3]
    assert set(played.verdicts().values()) == {"PASS"}, played.summary["checks"]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("profiles"))


@pytest.mark.parametrize("profile", [0, 1, 2, 3])
def test_a_run_without_a_target_sets_up_everything_itself(tmp_path: Path, profile: int) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        assert stage.csms.url.startswith("wss:" if profile >= 2 else "ws:")
        for seat in stage.seats:
            assert seat.station.link.is_up
        answer = await stage.operate(stage.seats[0].station.id, "GetConfiguration", {"key": ["SecurityProfile"]})
        assert answer["configurationKey"][0]["value"] == str(profile)
        await stage.charging()
        await stage.done()

    played = perform(plan_of(tmp_path, groups(2)), play, security_profile=profile)
    clean(played)
    assert len(played.booked) == 6


def test_the_state_keeps_keys_and_trust_for_the_next_run(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()

    plan = plan_of(tmp_path, groups(1))
    for _ in range(2):
        clean(perform(plan, play, security_profile=3, state=tmp_path / "state"))
    secret = [path for path in (tmp_path / "state").rglob("*") if path.is_file() and path.suffix != ".pem"]
    assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "state").rglob("*") if path.is_dir()} == {"0o700"}


def station_files(pki: Pki, folder: Path, ids: list[str]) -> dict[str, Any]:
    """Certificates on disk, one for each station, as a target names them."""
    PkiFolder(folder).stations(pki.ca, [(name, name) for name in ids], TIMES, "Operator", "EC-P256")
    return {"ca": pki.trust, "cert": str(folder / "stations/{id}.pem"), "key": str(folder / "stations/{id}.key")}


def test_fifty_stations_through_a_reverse_proxy_that_wants_a_certificate_and_a_header(pki: Pki, tmp_path: Path) -> None:
    ids = [f"1.6-{number:03d}" for number in range(1, 51)]
    tls = station_files(pki, tmp_path / "pki", ids)

    async def play(stage: Stage) -> None:
        await stage.booted()

    with (
        CsmsProcess(CsmsOptions(port=0, http_port=0)) as csms,
        reverse_proxy(_port(csms.url), pki.context(client_ca=True), ("X-Tenant", "seven")) as front,
    ):
        data = {"url": f"wss://127.0.0.1:{front.port}/ocpp", "security_profile": 3, "tls": tls}
        target = make_target({**data, "headers": {"X-Tenant": "seven"}}, {}, base_dir=tmp_path)
        plan = plan_of(tmp_path, [{**groups(50)[0], "count": 50}], target=target)
        clean(perform(plan, play, csms=csms))
        assert sorted(front.subjects) == ids and front.refused == 0
        bare = make_target(data, {}, base_dir=tmp_path)
        plan = plan_of(tmp_path, [{**groups(1)[0], "count": 1}], target=bare)

        async def refused(stage: Stage) -> None:
            await stage.until(lambda: front.refused, "the proxy refuses who lacks the header")

        played = perform(plan, refused, csms=csms)
        assert played.summary["connect_failures"]["http_403"]["count"] >= 1


def test_upgrade_to_tls_while_running_and_no_way_back(pki: Pki, tmp_path: Path) -> None:
    """A station of profile 1 is told to use profile 2; the secure address is a reverse proxy before the same CSMS."""

    async def play(stage: Stage) -> None:
        await stage.booted()
        [seat] = stage.seats
        number = seat.station.link.number
        change = {"key": "SecurityProfile", "value": "2"}
        answer = await stage.operate(seat.station.id, "ChangeConfiguration", change)
        assert answer == {"status": "Accepted"}
        await stage.until(lambda: seat.station.link.is_up and seat.station.link.number > number, "it dials anew")
        await stage.until(lambda: front.heads, "through the proxy")
        await stage.quiet()
        change["value"] = "1"
        answer = await stage.operate(seat.station.id, "ChangeConfiguration", change)
        assert answer == {"status": "Rejected"}

    with (
        CsmsProcess(CsmsOptions(port=0, http_port=0, require_auth=True)) as csms,
        reverse_proxy(_port(csms.url), pki.context(), None) as front,
    ):
        data = {
            "url": csms.url,
            "secure_url": f"wss://127.0.0.1:{front.port}/",
            "security_profile": 1,
            "auth": {"password": "0123456789abcdef0123", "format": "text"},
            "tls": {"ca": pki.trust},
        }
        target = make_target(data, {}, base_dir=tmp_path)
        plan = plan_of(tmp_path, [{**groups(1)[0], "count": 1}], target=target)
        played = perform(plan, play, csms=csms)
        assert not played.violations
        assert b"Authorization: Basic " in front.heads[0]


@pytest.mark.parametrize("secure", [False, True])
def test_through_a_forward_proxy_with_credentials(pki: Pki, tmp_path: Path, secure: bool) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()

    options = {"tls_cert": Path(pki.server[0]), "tls_key": Path(pki.server[1])} if secure else {}
    with (
        CsmsProcess(CsmsOptions(port=0, http_port=0, **options)) as csms,  # type: ignore[arg-type]
        forward_proxy("user", "p@ss") as proxy,
    ):
        data: dict[str, Any] = {"url": csms.url, "proxy": f"http://user:p%40ss@127.0.0.1:{proxy.port}"}
        if secure:
            data["tls"] = {"ca": pki.trust}
        plan = plan_of(tmp_path, groups(1), target=make_target(data, {}, base_dir=tmp_path))
        clean(perform(plan, play, csms=csms))
        assert proxy.refused == 0 and len(proxy.heads) >= 3
        steps = check(csms.url, **{name: value for name, value in data.items() if name != "url"})
        assert all(step.ok for step in steps) and steps[0].text == "the proxy: 127.0.0.1"
        assert all(head.startswith(f"CONNECT 127.0.0.1:{_port(csms.url)} ".encode()) for head in proxy.heads)
        data["proxy"] = f"http://127.0.0.1:{proxy.port}"
        plan = plan_of(tmp_path, [groups(1)[0]], target=make_target(data, {}, base_dir=tmp_path))

        async def refused(stage: Stage) -> None:
            await stage.until(lambda: proxy.refused, "the proxy wants a password")

        assert perform(plan, refused, csms=csms).summary["connect_failures"]["http_407"]["count"] >= 1


def test_a_stations_file_gives_each_station_its_own_certificate(pki: Pki, tmp_path: Path) -> None:
    ids = ["A", "B"]
    station_files(pki, tmp_path / "pki", ids)
    rows = "\n".join(f"{name},pki/stations/{name}.pem,pki/stations/{name}.key" for name in ids)
    (tmp_path / "stations.csv").write_text(f"id,cert,key\n{rows}\n")

    async def play(stage: Stage) -> None:
        await stage.booted()

    with (
        CsmsProcess(CsmsOptions(port=0, http_port=0)) as csms,
        reverse_proxy(_port(csms.url), pki.context(client_ca=True), None) as front,
    ):
        data = {"url": f"wss://127.0.0.1:{front.port}/", "security_profile": 3, "tls": {"ca": pki.trust}}
        group = {name: value for name, value in groups(1)[0].items() if name not in ("id", "count")}
        target = make_target(data, {}, base_dir=tmp_path)
        plan = plan_of(tmp_path, [{**group, "stations": "stations.csv"}], target=target)
        clean(perform(plan, play, csms=csms))
        assert sorted(front.subjects) == ids


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].rstrip("/"))
