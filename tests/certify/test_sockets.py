"""The cases about connections over real TLS, and that they can fail there."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simulator.certify import sockets
from simulator.certify.case import CASES, CASES_201, Case
from simulator.certify.reset import Reset
from simulator.certify.reset201 import Reset201
from simulator.certify.runner import run_case, run_cases
from simulator.certify.security import NEW_PASSWORD
from simulator.certify.sockets import SocketRig
from simulator.certify.tester import Tester
from simulator.certify.verdicts import FAIL, PASS
from simulator.core.station import Station
from simulator.errors import AuthorError

pytestmark = pytest.mark.live
PROFILE = "generic/ac-single"
STRICT = str(Path(__file__).with_name("strict.yaml"))


@pytest.fixture
def rig() -> Iterator[SocketRig]:
    with closing(SocketRig(PROFILE, deliver=False)) as found:
        yield found


@pytest.fixture
def rig_201() -> Iterator[SocketRig]:
    with closing(SocketRig(PROFILE, ocpp="2.0.1")) as found:
        yield found


@pytest.mark.parametrize("profile", [PROFILE, "generic/dc-fast"])
def test_every_case_about_connections_passes_on_sockets(profile: str) -> None:
    """On each security profile it is for; the verdict names the transport."""
    run = run_cases(profile, transport="socket")
    assert not [f"{r.name}: {r.reason}" for r in run.results if r.verdict != PASS]
    wanted = {(name, level) for name, case in CASES.items() if case.sockets for level in case.security}
    assert {(r.id, r.security) for r in run.results} == wanted
    assert {r.as_dict()["transport"] for r in run.results} == {"socket"} and run.transport == "socket"
    assert run.configuration and not run.findings
    tls = {f["payload"]["tls"] for r in run.results for f in r.frames if f["action"] == "Connect"}
    assert tls == {"", "TLSv1.3"}


def test_every_case_of_201_about_connections_passes_on_sockets() -> None:
    """TLS that is refused for each of its reasons, an upgrade, another address and another root, as OpenSSL has it."""
    run = run_cases(STRICT, transport="socket", ocpp="2.0.1")
    assert not [f"{r.name}: {r.reason}" for r in run.results if r.verdict != PASS]
    wanted = {(name, level) for name, case in CASES_201.items() if case.sockets for level in case.security}
    assert {(r.id, r.security) for r in run.results} == wanted
    seen = [f["payload"] for r in run.results for f in r.frames if f["action"] == "Connect"]
    assert {one["endpoint"] for one in seen} == {"", "/second"}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("case_id", ["TC_A_05", "TC_A_06"])
def test_a_station_that_minds_nothing_fails_on_sockets(
    rig_201: SocketRig, monkeypatch: pytest.MonkeyPatch, case_id: str
) -> None:
    """It takes whatever certificate and whatever version of TLS."""
    make = sockets.Contexts._make

    def careless(self: Any, *args: Any) -> ssl.SSLContext:
        context = make(self, *args)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context

    monkeypatch.setattr(sockets.Contexts, "_make", careless)
    for context in rig_201.ports.contexts.values():
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    result = run_case(rig_201, Reset201(rig_201), CASES_201[case_id], security=2)
    assert result.failure is not None and result.failure.message == "Connect", result.reason


def test_both_ways_in_one_run() -> None:
    """The same case, simulated and on sockets."""
    run = run_cases(PROFILE, ["TC_087", "TC_003"], transport="both")
    assert [r.name for r in run.results] == ["TC_087 [profile 3]", "TC_003", "TC_087 [profile 3, socket]"]
    assert {r.verdict for r in run.results} == {PASS} and run.deliveries == 4


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_each_version_of_tls(rig: SocketRig, version: str) -> None:
    """What the tool notes is what OpenSSL saw; the suites of 1.2 are offered even if 1.3 is chosen."""

    def only(t: Tester) -> None:
        t.rig.speak(version)
        CASES["TC_087"].scenario(t)

    result = run_case(rig, Reset(rig), Case("TC_087", only, fresh=True, security=(3,)))
    assert result.verdict == PASS, result.reason
    (seen,) = [frame["payload"] for frame in result.frames if frame["action"] == "Connect"]
    assert seen["tls"] == version
    assert seen["certificate"]["key"] == "EC" and seen["certificate"]["bits"] == 256
    assert "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" in seen["suites"]


def test_a_suite_that_is_not_offered_fails_the_case(rig: SocketRig) -> None:
    """Only one suite: what the station says in its hello is what counts."""

    def poor(t: Tester) -> None:
        rig._live_fleet.contexts = sockets.Contexts(suites=["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"])
        CASES["TC_086"].scenario(t)

    result = run_case(rig, Reset(rig), Case("TC_086", poor, fresh=True, security=(2,)))
    assert result.failure is not None and (result.failure.step, result.failure.path) == ("2", "suites")


def test_a_password_the_tool_does_not_take_is_refused(rig: SocketRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """By HTTP, so nothing ever connects and the case fails at that step."""

    def locked_out(t: Tester) -> None:
        t.rig.security.take(NEW_PASSWORD)
        CASES["TC_085"].scenario(t)

    monkeypatch.setattr(rig, "patience_s", 0.0)
    result = run_case(rig, Reset(rig), Case("TC_085", locked_out, fresh=True, security=(1,)))
    assert result.failure is not None and (result.failure.step, result.failure.got) == ("1", "nothing")


def test_an_exception_inside_the_station_fails_the_case(rig: SocketRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next case has a station again."""

    def explode(*args: Any) -> Any:
        raise ZeroDivisionError("in the firmware")

    def broken(t: Tester) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Station, "feed", explode)
            t.plug()

    result = run_case(rig, Reset(rig), Case("TC_003", broken, fresh=True))
    assert result.verdict == FAIL and "in the firmware" in result.reason
    assert run_case(rig, Reset(rig), CASES["TC_085"], security=1).verdict == PASS


def test_the_network_is_not_cut_here(rig: SocketRig) -> None:
    """Said, and not silently passed over."""
    rig.deliver()
    with pytest.raises(AuthorError, match="run this case simulated"):
        rig.network(False)
    rig.network(True)
