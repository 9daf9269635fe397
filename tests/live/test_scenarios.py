"""Scenarios on sockets: the same files as in memory, against the reference CSMS in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.errors import TargetError
from simulator.fleet.target import Target, make_target
from simulator.resources import scenarios_dir
from simulator.scenario.cells import choose
from simulator.scenario.live import Live, faults_of, guarded
from simulator.scenario.reference import FILES, publish, reference_target, registrar
from simulator.scenario.run import Options, Result, ScenarioRun
from simulator.scenario.schema import Scenario, load_scenario
from tests.scenario.play import scenario

pytestmark = pytest.mark.live

#: station seconds in a real one; what waits for the outside is stretched by it
SPEED = 600.0


@pytest.fixture(scope="module")
def csms() -> Iterator[CsmsProcess]:
    with CsmsProcess(CsmsOptions(port=0, http_port=0)) as process:
        yield process


def perform(
    csms: CsmsProcess, one: Scenario, *versions: str, target: Target | None = None, **options: Any
) -> list[Result]:
    live = Live(target or reference_target(csms.url, csms.http_url), speed=SPEED, id_prefix=f"{one.name}-")
    run = ScenarioRun(choose([one], ["generic/ac-single"], versions), Options(live=live, keep=True, **options))
    results = run.execute()
    assert not any(result.our_error for result in results), results[0].our_error
    return results


def test_operator_and_session_in_every_version(csms: CsmsProcess) -> None:
    one = load_scenario(scenarios_dir() / "sessions" / "remote-start-and-stop.yaml")
    results = perform(csms, one, strict=True)
    assert [(result.cell.version, result.verdict, result.reason) for result in results] == [
        ("1.6", "PASS", ""), ("2.0.1", "PASS", ""), ("2.1", "PASS", ""),
    ]  # fmt: skip
    booked = csms.request("GET", "/api/transactions?state=closed")["transactions"]
    energies = sorted(round(row["meter_stop_wh"] - row["meter_start_wh"]) for row in booked if row["meter_stop_wh"])
    assert energies == sorted(round(result.figures["energy_wh"]) for result in results)


@pytest.mark.parametrize(
    ("name", "version", "booked"),
    [
        ("billing/duplicate-start", "1.6", 1),
        ("billing/stop-resent", "2.0.1", 1),
        ("regression/cases/tc-037-3", "1.6", 1),
        ("regression/cases/tc-064", "2.1", 0),
        ("regression/onboarding/read-and-set", "2.0.1", 0),
        ("regression/remote/reservation", "1.6", 1),
    ],
)
def test_a_sample_of_the_library(csms: CsmsProcess, name: str, version: str, booked: int) -> None:
    (result,) = perform(csms, load_scenario(scenarios_dir() / f"{name}.yaml"), version, strict=True)
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.played is not None
    rows = csms.request("GET", f"/api/transactions?station={result.played.seats[0].id}")["transactions"]
    assert [row["state"] for row in rows] == ["closed"] * booked


def test_firmware_and_log_over_its_file_server(csms: CsmsProcess) -> None:
    publish(csms.http_url)
    one = load_scenario(scenarios_dir() / "operations" / "firmware-and-log.yaml")
    live = Live(reference_target(csms.url, csms.http_url), speed=SPEED, id_prefix="fw-", variables=FILES)
    (result,) = ScenarioRun(choose([one], ["generic/ac-single"], ["2.0.1"]), Options(live=live)).execute()
    assert (result.verdict, result.reason) == ("PASS", "")


def test_a_csms_that_nobody_can_reach_is_said_once() -> None:
    target = make_target({"url": "ws://127.0.0.1:1/"}, {}, base_dir=Path())
    cells = choose([scenario("steps: [{expect: heartbeat}]", name) for name in ("one", "two")], [], ["1.6", "2.1"])
    run = ScenarioRun(cells, Options(live=Live(target, boot_s=0.5)))
    first, *others = run.execute()
    assert first.reason.startswith("no station got in within 0.5 s: refused, ")
    assert "check that the CSMS is running" in first.reason and not first.our_error
    assert [(r.verdict, r.reason.partition(".")[0]) for r in others] == [
        ("SKIPPED", "the CSMS cannot be reached: refused")
    ] * 3
    assert run.exit_code == 3


def test_that_nobody_can_reach_it_is_no_failure_of_a_boot_either() -> None:
    """Stations that are switched on in the course of a scenario say the same, and nobody waits for their queues."""
    target = make_target({"url": "ws://127.0.0.1:1/"}, {}, base_dir=Path())
    off = """
        begin: off
        steps:
          - power: {on: true, how: switch}
          - expect: {message: boot, within: 1 second}
        """
    kept_out = """
        begin: off
        security: {profile: 1, password: wrong}
        checks: none
        steps:
          - power: {on: true, how: switch}
          - expect: {no: boot, within: 100 ms}
          - wait for: {state: refused, within: 1 second}
        """
    nobody = make_target({"url": "ws://127.0.0.1:1/", "security_profile": 1}, {}, base_dir=Path())
    (result,) = ScenarioRun(choose([scenario(kept_out)], [], ["1.6"]), Options(live=Live(nobody))).execute()
    assert (result.verdict, result.reason.partition(",")[0]) == ("INCONCLUSIVE", "no station got in: refused")
    cells = choose([scenario(off, "one"), scenario("steps: [{expect: heartbeat}]", "two")], [], ["1.6"])
    run = ScenarioRun(cells, Options(live=Live(target)))
    first, second = run.execute()
    assert (first.verdict, first.our_error) == ("INCONCLUSIVE", "")
    assert first.reason.startswith("no station got in: refused, ") and first.took_s < 10
    assert (second.verdict, second.reason.partition(".")[0]) == ("SKIPPED", "the CSMS cannot be reached: refused")
    assert run.exit_code == 3


def test_which_faults_a_scenario_begins() -> None:
    one = scenario(
        """
        steps:
          - network: {on: false, how: half_open}
          - network: on
          - parallel: [{inject: meter.register_frozen}, {inject: modem.slow}]
        """
    )
    assert faults_of(one) == {"modem.half_open", "meter.register_frozen", "modem.slow"}
    assert faults_of(scenario("steps: [{network: off}]")) == {"modem.outage"}


def test_a_station_that_must_wait_and_is_accepted(csms: CsmsProcess) -> None:
    one = scenario(
        """
        begin: off
        registration: Pending
        steps:
          - power: {on: true, how: switch}
          - expect: {message: boot, answer: Pending}
          - registration: Accepted
          - expect: {message: boot, answer: Accepted, within: 1 hour}
        """,
        "waiting",
    )
    (skipped,) = perform(csms, one, "1.6")
    assert (skipped.verdict, skipped.reason) == (
        "SKIPPED",
        "the target cannot be told how to answer a BootNotification",
    )
    live = Live(reference_target(csms.url, csms.http_url), speed=SPEED, register=registrar(csms.http_url))
    (result,) = ScenarioRun(choose([one], ["generic/ac-single"], ["1.6"]), Options(live=live)).execute()
    assert (result.verdict, result.reason) == ("PASS", "")
    assert csms.request("GET", "/api/boot")["status"] == "accepted"


def test_a_network_that_goes_and_comes_back(csms: CsmsProcess) -> None:
    one = scenario(
        """
        stations: 3
        steps:
          - plug
          - present: valid
          - expect: {message: transaction started, answer: any}
          - network: off
          - wait: 10 minutes
          - unplug
          - network: on
          - expect: {message: transaction ended, answer: any, within: 1 hour}
        ledger: {transactions: 3, stopped: 3, undelivered: 0, energy: equal}
        """,
        "offline",
    )
    (result,) = perform(csms, one, "1.6")
    assert (result.verdict, result.reason) == ("PASS", "")
    assert result.stations == result.booted == 3


def test_what_does_not_happen_fails_there_too(csms: CsmsProcess) -> None:
    one = scenario(
        "begin: off\nsteps:\n  - power: {on: true, how: switch}\n  - expect: {message: boot, answer: Rejected}\n", "no"
    )
    (result,) = perform(csms, one, "2.0.1")
    assert (result.verdict, result.reason) == (
        "FAIL",
        "the answer to BootNotification has status Accepted, not Rejected",
    )
    assert result.failure is not None
    assert any("BootNotification" in frame for frame in result.failure.frames)


def test_an_api_that_refuses_is_quoted_and_the_wire_decides(csms: CsmsProcess) -> None:
    operations = {"Reset": {"url": f"{csms.http_url}/api/nothing/{{station}}", "body": "{payload}"}}
    target = make_target({"url": csms.url + "/{id}", "operations": operations}, {}, base_dir=Path())
    one = scenario("steps:\n  - operator: {do: reset, within: 20 minutes}\n", "refused")
    (result,) = perform(csms, one, "1.6", target=target)
    assert result.verdict == "FAIL"
    assert result.reason.startswith("the CSMS was asked for Reset and sent none within 20m; its API said: 404")


def test_what_the_target_lacks_is_skipped(csms: CsmsProcess) -> None:
    target = make_target({"url": csms.url + "/{id}"}, {}, base_dir=Path())
    (result,) = perform(csms, scenario("steps: [plug, {present: valid}]\n", "lacking"), "1.6", target=target)
    assert (result.verdict, result.reason) == ("SKIPPED", "the target has no token for the role valid")


def test_a_stranger_s_csms_gets_no_network_faults_unasked() -> None:
    target = make_target({"url": "ws://203.0.113.7/"}, {}, base_dir=Path())
    cells = choose([scenario("steps: [{network: off}]\n", "cut")], ["generic/ac-single"], ["1.6"])
    with pytest.raises(TargetError, match=r"network faults \(modem.outage\) need permission"):
        guarded(target, cells)
    guarded(target, choose([scenario("steps: [plug]\n", "plain")], ["generic/ac-single"], ["1.6"]))
