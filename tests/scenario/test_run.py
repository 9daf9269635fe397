"""Cells, verdicts, outputs of a run of scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from simulator.errors import ProfileError, ScenarioError
from simulator.fleet.target import make_target
from simulator.lab.csms import SILENT, CallError
from simulator.scenario.cells import Cell, choose, expand, lacking, places_of, unfit
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.judge import VERDICTS, verdict_of
from simulator.scenario.player import FAIL, INCONCLUSIVE, Failure
from simulator.scenario.report import failure_lines, junit, left_out, legend, matrix, report
from simulator.scenario.run import Options, ScenarioRun, failed_before
from tests.scenario.play import play, scenario

GOOD = "steps:\n  - plug\n  - expect: {message: status, where: {status: Preparing}}\n"
BAD = "steps:\n  - expect: {message: transaction started, within: 5s}\n    because: of nothing\n"


def run_of(*cells: Cell, **options: Any) -> ScenarioRun:
    run = ScenarioRun(cells, Options(**options))
    run.execute()
    return run


def test_once_per_profile_and_version() -> None:
    one = scenario(GOOD)
    cells = choose([one], ["generic/ac-*", "alfen/ng910"])
    assert [(cell.profile, cell.version) for cell in cells if not cell.not_applicable] == [
        ("generic/ac-dual", "1.6"), ("generic/ac-dual", "2.0.1"), ("generic/ac-dual", "2.1"),
        ("generic/ac-mode2", "1.6"), ("generic/ac-mode2", "2.0.1"), ("generic/ac-mode2", "2.1"),
        ("generic/ac-single", "1.6"), ("generic/ac-single", "2.0.1"), ("generic/ac-single", "2.1"),
        ("alfen/ng910", "1.6"),
    ]  # fmt: skip
    (gone,) = choose([scenario("ocpp: 2.1\n" + GOOD)], ["alfen/ng910"])
    assert gone.not_applicable == "it is for OCPP 2.1; alfen/ng910 speaks 1.6"
    (silent,) = choose([one], ["alfen/ng910"], ["2.1"])
    assert silent.not_applicable == "it is for OCPP 2.1; alfen/ng910 speaks 1.6"
    assert choose([scenario("ocpp: 2.1\n" + GOOD)], ["generic/ac-single"], ["1.6"]) == [], "nobody asked for it"
    with pytest.raises(ProfileError, match="no profile matches 'alfn/"):
        expand(["alfn/*"])
    with pytest.raises(ScenarioError, match=r"one is the name of one\.yaml too"):
        choose([one, scenario(GOOD)])


@pytest.mark.parametrize(
    ("header", "profile", "why"),
    [
        ("needs: {evses: 2}", "generic/ac-single", "it needs 2 EVSEs; generic/ac-single has 1"),
        ("needs: {evses: 2}", "generic/ac-dual", ""),
        ("needs: {cable: tethered}", "generic/ac-single", "it needs a cable that is tethered"),
        ("needs: {current: dc}", "generic/ac-single", "it needs DC; generic/ac-single has none"),
        ("needs: {current: dc}", "generic/dc-fast", ""),
        ("needs: {bay_sensor: true}", "generic/ac-single", "it needs a sensor in the bay"),
        ("needs: {power_loss: resume}", "generic/ac-single", "it needs power_loss resume"),
        ("needs: {actions: RequestStartTransaction}", "generic/ac-single", "OCPP 1.6 has no RequestStartTransaction"),
        ("needs: {settings: HeartbeatInterval}", "generic/ac-single", ""),
        (
            "needs: {keeps: token_asked}",
            "wallbox/pulsar-plus",
            "wallbox/pulsar-plus has the quirk remotestart-required",
        ),
        ("quirks: [remotestart-required]\nneeds: {keeps: token_asked}", "wallbox/pulsar-plus", ""),
        ("needs: {without: remotestart-required}", "wallbox/pulsar-plus", "wallbox/pulsar-plus has the quirk remote"),
        ("needs: {without: remotestart-required}", "generic/ac-single", ""),
        ("needs: {actions: SetChargingProfile}", "generic/ac-mode2", "generic/ac-mode2 has no SmartCharging"),
        ("needs: {keeps: token_asked}", "generic/ac-single", ""),
        ("needs: {vendor: EVBox}", "evbox/elvi", ""),
        ("needs: {vendor: [EVBox, a.b.b.]}", "abb/terra-ac", ""),
        (
            "needs: {vendor: [EVBox, Alfen]}",
            "abb/terra-ac",
            "it is about products of EVBox or Alfen; abb/terra-ac is one",
        ),
    ],
)
def test_what_a_profile_lacks(header: str, profile: str, why: str) -> None:
    assert unfit(scenario(f"{header}\n{GOOD}"), profile, "1.6").startswith(why)
    assert bool(unfit(scenario(f"{header}\n{GOOD}"), profile, "1.6")) is bool(why)


def test_evses_and_operations_follow_from_the_steps() -> None:
    assert unfit(scenario("steps:\n  - plug: {evse: 2}\n"), "generic/ac-single", "1.6").startswith("it needs 2 EVSEs")
    monitor = scenario("steps:\n  - operator: {do: SetVariableMonitoring, payload: {}}\n")
    assert unfit(monitor, "generic/ac-single", "1.6") == "OCPP 1.6 has no SetVariableMonitoring for a station"
    assert unfit(monitor, "generic/ac-single", "2.0.1") == ""


def test_what_a_target_lacks() -> None:
    target = make_target({"url": "ws://127.0.0.1:1/", "tokens": {"valid": "A"}}, {}, base_dir=Path())
    assert lacking(scenario("steps:\n  - present: valid\n"), "1.6", target) == ""
    assert (
        lacking(scenario("steps:\n  - present: valid2\n"), "1.6", target)
        == "the target has no token for the role valid2"
    )
    assert lacking(scenario("steps:\n  - operator: reset\n"), "1.6", target) == "the target has no operation Reset"
    assert lacking(scenario("steps:\n  - operator: reset\n"), "1.6", None) == ""
    secure = scenario("security: {profile: 2}\nsteps: [plug]\n")
    assert lacking(secure, "1.6", target) == "the target has security profile 0, not 2"


def test_addresses_that_only_the_target_knows() -> None:
    one = scenario("steps:\n  - operator: {do: GetDiagnostics, payload: {location: $uploads}}\n")
    document = {"url": "ws://127.0.0.1:1/", "operations": {"GetDiagnostics": {"url": "http://127.0.0.1:1/"}}}
    target = make_target(document, {}, base_dir=Path())
    assert lacking(one, "1.6", target) == "nobody has said where uploads is; add --set uploads=URL"
    assert lacking(one, "1.6", target, {"uploads"}) == lacking(one, "1.6", None) == ""


def test_stations_of_a_cell() -> None:
    one = scenario(f"groups: [{{name: a, count: 2}}, {{name: b, profile: generic/dc-fast}}]\n{GOOD}")
    places = places_of(Cell(one, "generic/ac-single", "1.6"))
    assert [(place.id, place.group, place.profile) for place in places] == [
        ("one.ac-single.1", "a", "generic/ac-single"),
        ("one.ac-single.2", "a", "generic/ac-single"),
        ("one.ac-single.3", "b", "generic/dc-fast"),
    ]
    assert [place.id for place in places_of(Cell(one, "generic/ac-single", "1.6"), "CP-")] == ["CP-1", "CP-2", "CP-3"]


def test_a_run_and_its_outputs() -> None:
    cells = [
        *choose([scenario(GOOD, "good"), scenario(BAD, "bad")], ["generic/ac-single"], ["1.6", "2.1"]),
        *choose([scenario("needs: {evses: 2}\n" + GOOD, "two")], ["generic/ac-single"], ["1.6"]),
    ]
    run = run_of(*cells)
    assert run.sentence == "2 passed, 2 failed, 1 not applicable"
    assert run.exit_code == 1
    data = report(run, command="cpfarm scenario run x", wall_s=1.0)
    assert data["verdicts"] == {**dict.fromkeys(VERDICTS, 0), "PASS": 2, "FAIL": 2, "NOT_APPLICABLE": 1}
    heads, rows = matrix(data)
    assert heads == ["scenario", "generic/ac-single 1.6", "generic/ac-single 2.1"]
    assert rows == [["good", "ok", "ok"], ["bad", "FAIL", "FAIL"], ["two", "-", ""]]
    assert legend(data) == []
    bad = data["cells"][2]
    lines = failure_lines(bad)
    assert lines[0].startswith("FAIL         bad on generic/ac-single, OCPP 1.6: no transaction started")
    assert lines[1:3] == ["  step: line 3, steps[0].expect at bad.ac-single.1", "  because: of nothing"]
    assert lines[-1] == "  alone: cpfarm scenario run bad.yaml --profile generic/ac-single --ocpp 1.6"
    assert failed_before(data) == {("bad", "generic/ac-single", "1.6"), ("bad", "generic/ac-single", "2.1")}
    root = ET.fromstring(junit(data))
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5", "failures": "2", "errors": "0", "skipped": "1",
    }  # fmt: skip
    assert next(case.get("name") for case in root.iter("testcase")) == "a test [generic/ac-single, OCPP 1.6]"


def test_a_reason_that_many_share_is_told_once() -> None:
    def cell(profile: str, reason: str) -> dict[str, str]:
        return {"scenario": "s", "profile": profile, "ocpp": "1.6", "verdict": "NOT_APPLICABLE", "reason": reason}

    cells = [cell(f"a/{n}", f"it needs 2 EVSEs; a/{n} has 1") for n in range(5)]
    cells += [cell("b/1", "it needs AC; b/1 has none"), {**cell("b/2", ""), "verdict": "PASS"}]
    assert left_out({"cells": cells}) == [
        "NOT_APPLICABLE s on a/0 1.6, a/1 1.6, a/2 1.6 and 2 more: it needs 2 EVSEs; the profile has 1",
        "NOT_APPLICABLE s on b/1 1.6: it needs AC; b/1 has none",
    ]


def test_columns_of_a_wide_matrix_have_numbers() -> None:
    data = report(run_of(*choose([scenario(GOOD)], ["generic/*"])), command="", wall_s=0.0)
    assert matrix(data)[0] == ["scenario", *(str(number) for number in range(1, 13))]
    assert legend(data)[0] == "  1  generic/ac-dual 1.6"


def test_seed_and_ledger(tmp_path: Path) -> None:
    (cell,) = choose([scenario(GOOD)], ["generic/ac-single"], ["1.6"])
    run = run_of(cell, seed=9, strict=True, ledger=tmp_path / "l.sqlite")
    assert (tmp_path / "l.sqlite").exists()
    assert run.command(cell).endswith("--ocpp 1.6 --seed 9 --strict")
    said = ScenarioRun([cell], Options(variables={"uploads": "x y"}))
    assert said.command(cell).endswith("--ocpp 1.6 --set 'uploads=x y'")
    several = ScenarioRun([cell, cell], Options(ledger=tmp_path / "l.sqlite"))
    assert several.ledger_path(cell) == tmp_path / "l-one-generic.ac-single-1.6.sqlite"


def test_a_check_of_every_run_fails_a_scenario_that_looks_elsewhere() -> None:
    class Refusing(Counterpart):
        def on_StatusNotification(self, payload: dict[str, Any]) -> Any:
            return CallError("InternalError")

    result = play(GOOD, csms=Refusing)
    assert result.verdict == FAIL
    assert result.reason.startswith("no_callerrors: 3 CALLs were answered with a CALLERROR (StatusNotification 3)")
    (marked,) = [frame for frame in result.frames if frame.startswith("> ")]
    assert "ERROR to StatusNotification" in marked
    assert play("checks: [all_booted]\n" + GOOD, csms=Refusing).verdict == "PASS"


def test_the_ledger_is_judged() -> None:
    session = "steps:\n  - plug\n  - present: valid\n  - wait: 1h\n  - present: valid\n  - unplug\n"
    assert play(session + "ledger: {transactions: 2}\n").reason == "the ledger has transactions 1, not 2"
    assert play(session + "ledger: {energy: different}\n").reason.startswith(
        "every transaction was told with the energy"
    )
    frozen = session.replace("wait: 1h", "inject: meter.register_frozen\n  - wait: 1h")
    result = play(frozen + "ledger: {energy: equal}\n")
    assert result.reason.startswith("transaction ")
    assert "was told with" in result.reason
    assert play(frozen + "ledger: {energy: different, faults: 1}\n").verdict == "PASS"


def test_a_call_that_was_never_answered_is_shown() -> None:
    class Deaf(Counterpart):
        def on_Heartbeat(self, payload: dict[str, Any]) -> Any:
            return SILENT

    result = play("settings: {HeartbeatInterval: 60}\nsteps:\n  - wait: 10 minutes\n", csms=Deaf)
    assert result.verdict == FAIL
    assert result.reason.startswith("all_calls_answered: ")
    (marked,) = [frame for frame in result.frames if frame.startswith("> ")]
    assert "-> Heartbeat" in marked


def test_nobody_boots() -> None:
    class Closed(Counterpart):
        def on_BootNotification(self, payload: dict[str, Any]) -> dict[str, Any]:
            return super().on_BootNotification(payload) | {"status": "Rejected"}

    run = run_of(*choose([scenario(GOOD)], ["generic/ac-single"], ["1.6"]), csms=Closed)
    assert run.exit_code == 3
    assert run.results[0].verdict == FAIL


def test_an_error_of_ours_is_told_and_does_not_end_the_run() -> None:
    def broken(subprotocol: str) -> Any:
        raise RuntimeError("on purpose")

    run = run_of(*choose([scenario(GOOD)], ["generic/ac-single"], ["1.6", "2.1"]), csms=broken)
    assert run.exit_code == 70
    assert [result.verdict for result in run.results] == [INCONCLUSIVE, INCONCLUSIVE]
    assert run.results[0].reason == "an error of cpfarm itself: RuntimeError: on purpose"
    assert 'errors="2"' in junit(report(run, command="", wall_s=0.0))


def test_what_comes_first_in_a_verdict() -> None:
    inconclusive, failed = Failure(INCONCLUSIVE, "a", "", 0), Failure(FAIL, "b", "", 0)
    assert verdict_of(None, [], []) == ("PASS", "")
    assert verdict_of(None, [], ["l"]) == (FAIL, "l")
    assert verdict_of(inconclusive, [], ["l"]) == (INCONCLUSIVE, "a")
    assert verdict_of(failed, [], []) == (FAIL, "b")


def test_an_interrupt_ends_the_run_and_what_is_done_is_told() -> None:
    cells = choose([scenario(GOOD)], ["generic/ac-single"])
    run = ScenarioRun(cells, Options())

    def interrupt(subprotocol: str) -> Any:
        if subprotocol != "ocpp1.6":
            raise KeyboardInterrupt
        return Counterpart(subprotocol)

    run.options.csms = interrupt
    run.execute()
    assert (run.sentence, run.exit_code) == ("1 passed, 0 failed, 2 not run: interrupted", 130)
    assert len(report(run, command="", wall_s=0.0)["cells"]) == 1


@pytest.mark.parametrize(
    ("then", "verdict", "why"),
    [
        ("power: {on: false, how: switch}", "PASS", ""),
        ("wait: 1 minute", "FAIL", "all_calls_answered: 1 CALLs were never answered (StatusNotification 1)"),
    ],
)
def test_what_is_in_flight_when_the_power_goes_is_nobody_s_fault(then: str, verdict: str, why: str) -> None:
    class Mute(Counterpart):
        """It does not answer that a car has come."""

        def __init__(self, subprotocol: str) -> None:
            super().__init__(subprotocol)
            self.script["StatusNotification"] = lambda _, said: SILENT if said["status"] == "Preparing" else {}

    result = play(f"steps: [plug, {{expect: status}}, {{{then}}}, {{wait: 1 minute}}]", csms=Mute)
    assert (result.verdict, result.reason) == (verdict, why)
