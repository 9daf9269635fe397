"""The JSON Schema says what the models say: all shipped files are valid, wrong ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simulator.resources import profiles_dir, scenarios_dir
from simulator.scenario.cells import choose
from simulator.scenario.language import SCHEMAS, schema_json, steps_table
from simulator.scenario.report import report
from simulator.scenario.run import Options, ScenarioRun
from simulator.scenario.schema import scenario_files
from simulator.scenario.step import STEPS
from simulator.yamlfile import load, load_text
from tests.scenario.play import scenario

SCHEMA = schema_json()
JUDGE: Any = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_schema_is_one(kind: str) -> None:
    schema = SCHEMAS[kind]()
    jsonschema.validators.validator_for(schema).check_schema(schema)
    titles = {"summary": "cpfarm scenarios", "run": "cpfarm-summary/1"}
    assert schema["title"] == titles.get(kind, f"cpfarm {kind}")


@pytest.mark.parametrize("path", scenario_files([scenarios_dir()]), ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid(path: Path) -> None:
    assert [error.message for error in JUDGE.iter_errors(load(path).data)] == []


@pytest.mark.parametrize(
    "steps",
    [
        "[plug]", "[{plug: {evse: 2}}]", "[{plug: }]", "[{present: valid, at: all, because: x, ocpp: 1.6}]",
        "[{wait: $time}]", "[{repeat: {times: $n, steps: [plug, {wait: 5s}]}}]", "[{parallel: [plug, unplug]}]",
        "[{set: {HeartbeatInterval: 5}}]", "[{'wait for': online}]", "[{expect: [boot, heartbeat]}]",
        "[{expect: {no: boot, within: 2 days}}]", "[{operator: {do: reset, answer: Accepted}}]", "[{network: off}]",
    ],
)  # fmt: skip
def test_what_the_models_take_the_schema_takes(steps: str) -> None:
    text = f"title: t\nvariables: {{time: 5s, n: 2}}\nsteps: {steps}\n"
    from simulator.scenario.schema import scenario_of

    assert scenario_of(text).steps
    assert [error.message for error in JUDGE.iter_errors(load_text(text, "x").data)] == []


@pytest.mark.parametrize(
    "steps", ["[]", "[plugg]", "[{plug: {evs: 1}}]", "[{plug: , wait: 5s}]", "[{at: all}]", "[{repeat: {times: 2}}]"]
)
def test_what_the_models_refuse_the_schema_refuses(steps: str) -> None:
    assert list(JUDGE.iter_errors(load_text(f"title: t\nsteps: {steps}\n", "x").data))


def test_profiles_are_valid_too() -> None:
    schema = SCHEMAS["profile"]()
    judge: Any = jsonschema.validators.validator_for(schema)(schema)
    data = load(profiles_dir() / "generic" / "ac-single.yaml").data
    assert [error.message for error in judge.iter_errors(data)] == []


def test_the_summary_of_a_run_is_valid() -> None:
    cells = choose(
        [scenario("steps: [plug]\n", "good"), scenario("steps: [{network: on}]\n", "bad")], ["generic/ac-single"]
    )
    cells += choose([scenario("needs: {evses: 2}\nsteps: [plug]\n", "two")], ["generic/ac-single"])
    run = ScenarioRun(cells, Options())
    run.execute()
    schema = SCHEMAS["summary"]()
    judge: Any = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in judge.iter_errors(report(run, command="x", wall_s=1.0))] == []


def test_a_row_for_every_step() -> None:
    rows = dict(steps_table())
    assert set(rows) == set(STEPS)
    assert rows["wait"] == "Let time pass."
