"""TLS on sockets: every version and suite that is to work, and what `check` says where it must not."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.csms.app import ReferenceCsms
from simulator.wire.tls import SUITES
from tests.live.secure import PAST, TIMES, Pki, check, csms, outspoken

pytestmark = pytest.mark.live
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
PASSWORD = {"auth": {"password": "0123456789abcdef", "format": "text"}}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def plain() -> Iterator[ReferenceCsms]:
    with csms() as running:
        yield running


def own(pki: Pki, pair: tuple[str, str] | None = None) -> dict[str, Any]:
    cert, key = pair or pki.station
    return {"security_profile": 3, "tls": {"ca": pki.trust, "cert": cert, "key": key}}


def with_password(pki: Pki, **tls: Any) -> dict[str, Any]:
    return {"security_profile": 2, "tls": {"ca": pki.trust, **tls}, **PASSWORD}


def works(steps: list[Any]) -> bool:
    return [step.name for step in steps if step.ok] == ["name", "connection", "registration", "status", "schema"]


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("profile", [2, 3])
def test_both_versions_with_password_and_with_certificate(pki: Pki, version: ssl.TLSVersion, profile: int) -> None:
    with csms(ssl_context=pki.context(client_ca=profile == 3, version=version), require_auth=profile == 2) as running:
        assert works(check(running.url, **(own(pki) if profile == 3 else with_password(pki))))


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_each_suite_of_tls_12(pki: Pki, suite: str) -> None:
    context = pki.context(pki.server, pki.server_rsa, version=V12, ciphers=SUITES[suite])
    with csms(ssl_context=context, require_auth=True) as running:
        assert works(check(running.url, **with_password(pki)))
        assert works(check(running.url, **with_password(pki, suites=[suite], versions=["1.2"])))


def test_a_station_may_have_an_rsa_certificate(pki: Pki) -> None:
    pair = pki.write("station-rsa", pki.ca.station("S-1", **TIMES, algorithm="RSA-2048"))
    with csms(ssl_context=pki.context(client_ca=True)) as running:
        assert works(check(running.url, **own(pki, pair)))


def test_a_chain_through_a_sub_authority_on_both_sides(pki: Pki) -> None:
    sub = pki.ca.intermediate("sub", **TIMES)
    server = pki.write("sub-server", sub.server(["127.0.0.1"], **TIMES))
    station = pki.write("sub-station", sub.station("S-1", **TIMES))
    with csms(ssl_context=pki.context(server, client_ca=True)) as running:
        assert works(check(running.url, **own(pki, station)))


def test_the_name_of_the_server_may_be_said(pki: Pki) -> None:
    server = pki.write("named", pki.ca.server(["csms.example"], **TIMES))
    with csms(ssl_context=pki.context(server), require_auth=True) as running:
        assert works(check(running.url, **with_password(pki, server_name="csms.example")))
        assert refused(check(running.url, **with_password(pki))) == "tls_untrusted"


def refused(steps: list[Any]) -> str:
    """The reason the connection step gives, and the proof that it is the step that fails."""
    assert [step.name for step in steps if not step.ok] == ["connection"] and steps[-1].name == "connection"
    reason, _, detail = steps[-1].text.partition(": ")
    assert detail
    return str(reason)


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("case", ["wrong CA", "expired", "wrong name", "no certificate", "a stranger's", "out of date"])
def test_each_certificate_that_does_not_fit_is_named(pki: Pki, case: str, version: ssl.TLSVersion) -> None:
    server: tuple[str, str] = pki.server
    target = own(pki)
    if case == "wrong CA":
        server = pki.write("strange", pki.stranger.server(["127.0.0.1"], **TIMES))
    elif case == "expired":
        server = pki.write("old", pki.ca.server(["127.0.0.1"], **PAST))
    elif case == "wrong name":
        server = pki.write("else", pki.ca.server(["csms.example"], **TIMES))
    elif case == "no certificate":
        target = with_password(pki)
    elif case == "a stranger's":
        target = own(pki, pki.write("strange-station", pki.stranger.station("S-1", **TIMES)))
    else:
        target = own(pki, pki.write("old-station", pki.ca.station("S-1", **PAST)))
    with csms(ssl_context=pki.context(server, client_ca=True, version=version)) as running:
        reason = refused(check(running.url, **target))
        assert reason == ("tls_untrusted" if case in ("wrong CA", "expired", "wrong name") else "tls_client_rejected")
        assert not running.stations.get("S-1"), "the CSMS never saw HTTP"


def test_no_version_and_no_suite_in_common(pki: Pki) -> None:
    with outspoken(pki.context(version=V12, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")) as url:
        assert refused(check(url, **with_password(pki, versions=["1.3"]))) == "tls_version"
        other = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
        assert refused(check(url, **with_password(pki, suites=other))) == "tls_cipher"


def test_tls_to_a_plain_port_and_plain_to_a_tls_port(pki: Pki, plain: ReferenceCsms) -> None:
    steps = check(plain.url.replace("ws://", "wss://"), **with_password(pki))
    assert refused(steps) in ("reset", "closed")
    with csms(ssl_context=pki.context()) as running:
        assert refused(check(running.url.replace("wss://", "ws://"))) in ("reset", "http_0")


def test_a_wrong_password_behind_good_tls(pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,password\nS-1,another-password-16\n")
    with csms(ssl_context=pki.context(), passwords=tmp_path / "p.csv") as running:
        assert refused(check(running.url, **with_password(pki))) == "http_401"
