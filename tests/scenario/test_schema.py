"""What a scenario file may say, and what it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ScenarioError
from simulator.scenario.schema import load_scenario, scenario_files, scenario_of
from simulator.scenario.step import STEPS, item_model, references, shared, step_names, walk
from tests.scenario.play import scenario


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- plugg\n", "3: steps[0].plugg: unknown key; did you mean 'plug'?"),
        ("steps: []\n", "2: steps: must not be empty"),
        ("- wait: 5\n", "3: steps[0].wait.time: 5 has no unit; write 5s for seconds"),
        ("- plug: {evs: 1}\n", "3: steps[0].plug.evs: unknown key; did you mean 'evse'?"),
        ("- plug: {evse: 0}\n", "3: steps[0].plug.evse: must be at least 1"),
        ("- plug:\n    wait: 5s\n", "3: steps[0]: must be exactly one step, not plug and wait"),
        ("- because: x\n", "3: steps[0]: must be exactly one step, not none"),
        (
            "- present: vald\n",
            "3: steps[0].present.token: unknown role of a token 'vald'; did you mean 'valid'?; "
            "scenarios name roles, targets name tokens",
        ),
        (
            "- expect: transction started\n",
            "3: steps[0].expect.message: unknown message 'transction started'; did you mean 'transaction started'?",
        ),
        (
            "- expect: {message: boot, where: {model: '~ ['}}\n",
            "3: steps[0].expect.where.model: '~ [' is not a regular expression: "
            "unterminated character set at position 0",
        ),
        (
            "- expect: {message: boot, where: {modl: x}}\n",
            "3: steps[0].expect.where.modl: unknown field of this message 'modl'; did you mean 'model'?",
        ),
        (
            "- expect: {message: boot, answer: {statos: Accepted}}\n",
            "3: steps[0].expect.answer.statos: unknown field of the answer 'statos'; did you mean 'status'?",
        ),
        (
            "- expect: {message: boot, save: {id: answer.intervall}}\n",
            "3: steps[0].expect.save.id: unknown field of the answer 'intervall'; did you mean 'interval'?",
        ),
        ("- expect: {within: 5s}\n", "3: steps[0].expect: needs a message, or with `no` one that must not come"),
        ("- expect: {no: boot, times: 2}\n", "3: steps[0].expect.no: excludes answer, save and times"),
        ("- wait for: {within: 5s}\n", "3: steps[0].wait for: needs a state, a status or a message"),
        (
            "- wait for: onlin\n",
            "3: steps[0].wait for.state: 'onlin' is not one of online, offline, refused, off, in a transaction, "
            "in no transaction, delivered; did you mean 'online'?",
        ),
        ("- inject: meter.ded\n", "3: steps[0].inject.fault: unknown fault 'meter.ded'"),
        (
            "- inject: {fault: modem.outage, params: {a: 1}}\n",
            "3: steps[0].inject.params.a: modem.outage has no such parameter",
        ),
        ("- wait: $time\n", "3: steps[0].wait: nothing sets $time"),
        (
            "- operator: {do: remote start, with: {tokn: valid}}\n",
            "3: steps[0].operator.with: remote start takes no 'tokn'; did you mean 'token'?",
        ),
        ("- operator: remote start\n", "3: steps[0].operator.with: remote start needs token"),
        ("- operator: resett\n", "3: steps[0].operator.do: unknown operation 'resett'; did you mean 'reset'?"),
        (
            "- operator: {do: configure, with: {name: HeartbeatIntervall, value: 5}}\n",
            "3: steps[0].operator.with.name: unknown setting 'HeartbeatIntervall'; did you mean 'HeartbeatInterval'?",
        ),
        ("- set: {HeartbeatIntrval: 5}\n", "3: steps[0].set.HeartbeatIntrval: unknown setting"),
        (
            "groups: [{name: homes}]\nsteps:\n  - plug:\n    at: homs\n",
            "5: steps[0].at: unknown group 'homs'; did you mean 'homes'?",
        ),
        ("- plug:\n    at: 200% of all\n", "4: steps[0].at: "),
        ("- plug:\n    ocpp: 1.7\n", "4: steps[0].ocpp: unknown OCPP version '1.7'"),
        (
            "needs: {actions: Rest}\nsteps: [plug]\n",
            "2: needs.actions[0]: unknown action 'Rest'; did you mean 'Reset'?",
        ),
        (
            "needs: {keeps: token_askd}\nsteps: [plug]\n",
            "2: needs.keeps[0]: unknown rule 'token_askd'; did you mean 'token_asked'?",
        ),
        (
            "needs: {without: ws-flaping}\nsteps: [plug]\n",
            "2: needs.without[0]: unknown quirk 'ws-flaping'; did you mean",
        ),
        (
            "ledger: {transactons: 1}\nsteps: [plug]\n",
            "2: ledger.transactons: unknown key; did you mean 'transactions'?",
        ),
        ("checks: [all_boted]\nsteps: [plug]\n", "2: checks[0]: 'all_boted' is not one of"),
        ("stations: 2\ngroups: [{name: a}]\nsteps: [plug]\n", "2: stations: groups and stations exclude each other"),
        ("groups: [{name: all}]\nsteps: [plug]\n", "2: groups[0].name: all cannot be the name of this group"),
        (
            "groups: [{name: a, count: 150}, {name: b, count: 100}]\nsteps: [plug]\n",
            "2: groups: 250 stations are more than 200",
        ),
    ],
)
def test_what_is_wrong_is_said_with_line_field_and_nearest_name(text: str, problem: str) -> None:
    with pytest.raises(ScenarioError) as error:
        scenario(f"steps:\n  {text}" if text.startswith("- ") else text)
    assert str(error.value).startswith(f"one.yaml:{problem}"), str(error.value)


def test_nested_steps_know_their_lines() -> None:
    with pytest.raises(ScenarioError) as error:
        scenario("steps:\n  - repeat:\n      times: 2\n      steps:\n        - plug\n        - unplug: {evs: 1}\n")
    assert str(error.value) == "one.yaml:7: steps[0].repeat.steps[1].unplug.evs: unknown key; did you mean 'evse'?"


def test_what_a_scenario_needs_of_a_target_follows_from_its_steps() -> None:
    found = scenario(
        """
        steps:
          - present: valid
          - repeat: {times: 2, steps: [{present: blocked}, {operator: {do: remote start, with: {token: valid2}}}]}
          - expect: {message: authorize, where: {token: $token.expired}}
          - operator: {do: GetVariables, payload: {getVariableData: []}}
            ocpp: 2.x
        """
    )
    assert found.name == "one"
    assert found.roles == ("valid", "blocked", "valid2", "expired")
    assert found.operations("1.6") == ("RemoteStartTransaction",)
    assert found.operations("2.1") == ("RequestStartTransaction", "GetVariables")


def test_versions_are_written_as_people_do() -> None:
    assert scenario("ocpp: 1.6\nsteps: [plug]\n").fields.ocpp == ("1.6",)
    assert scenario("ocpp: [1.6J, 2.x]\nsteps: [plug]\n").fields.ocpp == ("1.6", "2.0.1", "2.1")


def test_files_are_found_in_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text("title: a\nsteps: [plug]\n")
    (tmp_path / "fleet.yaml").write_text("name: no scenario\n")
    (tmp_path / "b.yaml").write_text("title: b\nname: other-name\nsteps: [plug]\n")
    found = scenario_files([tmp_path])
    assert [path.name for path in found] == ["b.yaml", "a.yaml"]
    assert load_scenario(found[0]).name == "other-name"
    with pytest.raises(ScenarioError, match="there is no such file or folder"):
        scenario_files([tmp_path / "c.yaml"])


def test_every_step_says_what_it_does_and_what_a_bare_value_is() -> None:
    item_model()
    for name in STEPS:
        found = STEPS.get(name)
        assert found.doc.endswith((".", "``.")), name
        assert found.bare or not found.parameters, name
    assert STEPS.get("set").whole
    assert not STEPS.get("wait").whole


def test_steps_are_walked_with_their_places() -> None:
    found = scenario_of("title: t\nsteps:\n  - together: [plug, {wait: 5s}]\n  - unplug\n")
    assert [(item.name, loc) for item, loc in walk(found.steps, ("steps",))] == [
        ("together", ("steps", 0)),
        ("plug", ("steps", 0, "together", "steps", 0)),
        ("wait", ("steps", 0, "together", "steps", 1)),
        ("unplug", ("steps", 1)),
    ]
    assert step_names(found.steps[1]) == ["unplug"]


def test_variables_and_shares_in_texts() -> None:
    assert list(references({"a": ["$x and ${now + 1h}", 3], "b": "$y.z"})) == ["x", "now + 1h", "y.z"]
    assert shared("30% of homes") == (0.3, "homes")
    assert shared("50%") == (0.5, "all")
    assert shared("homes") == (None, "homes")
    with pytest.raises(ValueError, match="not between"):
        shared("200% of homes")
