"""Every shipped scenario passes in memory, on the profiles it names, in every version it is for; and it can fail.

What cannot fail proves nothing. So each expectation is shown once the smallest lie of a CSMS that it must notice
(:mod:`tests.scenario.lies`), and each scenario that is there for a certain mistake a CSMS that makes it
(:mod:`tests.scenario.wrong`, :mod:`tests.scenario.wrong_about_quirks`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simulator.lab.security import Door, Refusal
from simulator.resources import scenarios_dir
from simulator.scenario.cells import Cell, choose
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.report import failure_lines, report
from simulator.scenario.run import Options, Result, ScenarioRun
from simulator.scenario.schema import Scenario, load_scenario, scenario_files
from tests.scenario.lies import lies, with_lie
from tests.scenario.wrong import MISTAKES
from tests.scenario.wrong_about_quirks import MISTAKES as ABOUT_QUIRKS

ROOT = scenarios_dir()
FILES = scenario_files([ROOT])
#: other profiles a scenario is run on as well, by the folder it is in: those whose hardware makes a difference
OTHERS = {"smoke": ["generic/dc-fast", "wallbox/pulsar-max"], "sessions": ["generic/dc-fast"]}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix()


@cache
def scenario_of(path: Path) -> Scenario:
    return load_scenario(path)


@pytest.mark.parametrize("path", FILES, ids=map(name_of, FILES))
def test_it_passes_and_each_of_its_expectations_can_fail(path: Path) -> None:
    scenario = scenario_of(path)
    profiles = dict.fromkeys([*scenario.fields.profile, *OTHERS.get(path.parent.name, [])])
    run = ScenarioRun(choose([scenario], list(profiles)), Options(strict=True, keep=True))
    results = run.execute()
    data = report(run, command="", wall_s=0.0)
    wrong = [
        line
        for cell, result in zip(data["cells"], results, strict=True)
        if result.verdict != "PASS" and not result.cell.not_applicable
        for line in failure_lines(cell)
    ]
    assert not wrong, "\n" + "\n".join(wrong)
    passed = [result for result in results if result.verdict == "PASS"]
    assert passed, "it was applicable nowhere"
    lines: set[int] = set()
    for result in one_of_each_family(passed):
        lines |= lies_noticed(result, lines)
    assert lines or name_of(path) in NOTICED_OTHERWISE, "nothing that a CSMS does turns it red"


def one_of_each_family(results: list[Result]) -> list[Result]:
    """The first of 1.6 and the first of 2.x."""
    found: dict[bool, Result] = {}
    for result in results:
        found.setdefault(result.cell.version == "1.6", result)
    return list(found.values())


def lies_noticed(sound: Result, known: set[int]) -> set[int]:
    """The lines of expectations that can fail, but for those that are known to."""
    assert sound.played is not None
    lines: set[int] = set()
    for judged in sound.played.judged:
        if judged.line in known | lines:
            continue
        for lie in lies(judged):
            lines.add(judged.line)
            result = played(sound.cell, csms=with_lie(lie))
            where = f"line {judged.line}, OCPP {sound.cell.version}: {judged.heard.action}, {lie.name}"
            assert result.failure is not None, f"{where}: not noticed"
            assert (result.verdict, result.failure.line) == ("FAIL", judged.line), f"{where}: {result.reason}"
    return lines


def test_they_name_roles_and_say_why() -> None:
    for path in FILES:
        scenario = scenario_of(path)
        assert scenario.fields.because or scenario.fields.case, (
            f"{path}: says neither why it matters nor which case it is"
        )
        assert scenario.fields.tags, f"{path}: has no tag to be chosen by"


#: cases for a CSMS of the 1.6 certification tool that a CSMS passes without an operator
CASES = (
    "001", "003", "004_1", "004_2", "005_1", "007", "023_1", "023_2", "023_3", "024", "032_1", "037_1", "037_3", "039",
    "064", "085", "086", "087", "088",
)  # fmt: skip


def test_cases_of_a_csms_that_need_no_operator_are_there() -> None:
    found = {case for path in FILES for case in scenario_of(path).fields.case}
    assert {f"TC_{number}_CSMS" for number in CASES} <= found


def test_one_about_a_quirk_bears_its_name_and_says_who_has_seen_it() -> None:
    for path in scenario_files([ROOT / "quirks"]):
        fields = load_scenario(path).fields
        assert path.stem in {use.name for use in fields.quirks}, f"{path}: is about another quirk"
        assert fields.source, f"{path}: has no source"
        assert "quirk" in fields.tags, f"{path}: cannot be chosen by its tag"
        assert not fields.groups, f"{path}: is to run on any profile"


def cells_of(path: Path) -> list[Cell]:
    """One cell of 1.6 and one of 2.x, as far as there are any."""
    found: dict[bool, Cell] = {}
    for cell in choose([scenario_of(path)]):
        if not cell.not_applicable:
            found.setdefault(cell.version == "1.6", cell)
    return list(found.values())


def played(cell: Cell, **options: Any) -> Result:
    (result,) = ScenarioRun([cell], Options(**options)).execute()
    assert not result.our_error, result.our_error
    return result


#: scenarios without an expectation of an answer, and the test of this file that turns them red all the same
NOTICED_OTHERWISE = {
    "security/wrong-password": "test_security_scenarios_judge_the_door",
    "storms/a-site-comes-back": "test_the_mistake_it_is_there_for_is_found",
}


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        pytest.param(one, name, id=f"{one.__name__}-{name}")
        for mistakes in (MISTAKES, ABOUT_QUIRKS)
        for one, names in mistakes.items()
        for name in names
    ],
)
def test_the_mistake_it_is_there_for_is_found(mistake: type[Counterpart], name: str) -> None:
    verdicts = {cell.version: played(cell, csms=mistake).verdict for cell in cells_of(ROOT / f"{name}.yaml")}
    assert "FAIL" in verdicts.values(), verdicts


@pytest.mark.parametrize("name", ["right-password", "tls", "client-certificate", "wrong-password"])
def test_security_scenarios_judge_the_door(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lets nobody in, or everybody."""
    refusal = None if name == "wrong-password" else Refusal("http_status", 401)
    monkeypatch.setattr(Door, "judge", lambda *args: refusal)
    for cell in cells_of(ROOT / "security" / f"{name}.yaml"):
        assert played(cell).verdict == "FAIL"
