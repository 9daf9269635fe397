"""Every shipped scenario passes in memory, on the profiles it names, in every version it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.resources import scenarios_dir
from simulator.scenario.cells import choose
from simulator.scenario.report import failure_lines, report
from simulator.scenario.run import Options, ScenarioRun
from simulator.scenario.schema import load_scenario, scenario_files

ROOT = scenarios_dir()
FILES = scenario_files([ROOT])
#: other profiles a scenario is run on as well, by the folder it is in: those whose hardware makes a difference
OTHERS = {"smoke": ["generic/dc-fast", "wallbox/pulsar-max"], "sessions": ["generic/dc-fast"]}


@pytest.mark.parametrize("path", FILES, ids=[path.relative_to(ROOT).with_suffix("").as_posix() for path in FILES])
def test_it_passes(path: Path) -> None:
    scenario = load_scenario(path)
    profiles = dict.fromkeys([*scenario.fields.profile, *OTHERS.get(path.parent.name, [])])
    run = ScenarioRun(choose([scenario], list(profiles)), Options(strict=True))
    run.execute()
    data = report(run, command="", wall_s=0.0)
    wrong = [
        line
        for cell in data["cells"]
        if cell["verdict"] not in ("PASS", "NOT_APPLICABLE")
        for line in failure_lines(cell)
    ]
    assert not wrong, "\n" + "\n".join(wrong)
    assert any(cell["verdict"] == "PASS" for cell in data["cells"]), "it was applicable nowhere"


def test_they_name_roles_and_say_why() -> None:
    for path in FILES:
        scenario = load_scenario(path)
        assert scenario.fields.because or scenario.fields.case, (
            f"{path}: says neither why it matters nor which case it is"
        )
        assert scenario.fields.tags, f"{path}: has no tag to be chosen by"
