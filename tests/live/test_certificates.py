"""Certificates that come and go while stations are connected: renewed, installed, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.blocks import certificates
from simulator.core.certificate_store import STATION
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.fleet.target import make_target
from simulator.pki.work import inspect_certificate
from tests.live.rig import Stage, groups, perform, plan_of
from tests.live.secure import Pki

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("certificates"))


def test_a_station_renews_its_certificate_and_connects_with_it(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    async def play(stage: Stage) -> None:
        await stage.booted()
        [seat] = stage.seats
        station = seat.station
        first = stage.farm.credentials.own[station.id]["serial_number"]
        answer = await stage.operate(station.id, "ChangeConfiguration", {"key": "CpoName", "value": "cpfarm test"})
        assert answer == {"status": "Accepted"}
        number = station.link.number
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        assert await stage.operate(station.id, "ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
        await stage.until(lambda: station.link.is_up and station.link.number > number, "it connects with the new one")
        await stage.quiet()
        [pem] = certificates.installed(station, STATION)
        seen["facts"], seen["first"] = inspect_certificate(pem), first
        shown = await stage.api("GET", f"/api/stations/{station.id}")
        seen["notices"] = shown["notices"]

    plan = plan_of(tmp_path, [{**groups(1)[0], "count": 1}])
    played = perform(plan, play, security_profile=3)
    assert not played.violations
    assert seen["facts"]["serial_number"] != seen["first"]
    assert seen["notices"]["CertificateSigned"]["payload"]["payload"] == {"status": "Accepted"}


def test_a_root_is_installed_listed_and_deleted(pki: Pki, tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        name = stage.seats[0].station.id
        root = {"certificateType": "CentralSystemRootCertificate", "certificate": pki.stranger.pem}
        assert await stage.operate(name, "InstallCertificate", root) == {"status": "Accepted"}
        kind = {"certificateType": "CentralSystemRootCertificate"}
        answer = await stage.operate(name, "GetInstalledCertificateIds", kind)
        assert answer["status"] == "Accepted" and len(answer["certificateHashData"]) == 2, "the target's and this one"
        facts = inspect_certificate(pki.stranger.pem)
        [row] = [row for row in answer["certificateHashData"] if row["serialNumber"] == facts["serial_number"]]
        assert row["issuerKeyHash"] == facts["issuer_key_hash"]
        deleted = await stage.operate(name, "DeleteCertificate", {"certificateHashData": row})
        assert deleted == {"status": "Accepted"}
        broken = {**root, "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}
        assert await stage.operate(name, "InstallCertificate", broken) == {"status": "Rejected"}

    played = perform(plan_of(tmp_path, [{**groups(1)[0], "count": 1}]), play, security_profile=2)
    assert not played.violations


def test_a_certificate_that_nobody_asked_for_is_rejected(pki: Pki, tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        chain = {"certificateChain": pki.ca.station("S", not_before_us=0, not_after_us=10**15).chain}
        name = stage.seats[0].station.id
        assert await stage.operate(name, "CertificateSigned", chain) == {"status": "Rejected"}

    options = CsmsOptions(
        port=0, http_port=0, tls_cert=Path(pki.server[0]), tls_key=Path(pki.server[1]), tls_client_ca=Path(pki.trust)
    )
    with CsmsProcess(options) as csms:
        tls = {"ca": pki.trust, "cert": pki.station[0], "key": pki.station[1]}
        target = make_target({"url": csms.url, "security_profile": 3, "tls": tls}, {}, base_dir=tmp_path)
        played = perform(plan_of(tmp_path, [{**groups(1)[0], "count": 1}], target=target), play, csms=csms)
        assert not played.violations
