"""Every command module is on the command line, and says what it is for."""

from __future__ import annotations

from types import ModuleType

import pytest
import typer

from simulator.cli import app
from simulator.commands import (
    certify,
    check,
    csms,
    ctl,
    demo,
    fleet,
    hunt,
    init,
    lists,
    load,
    options,
    output,
    pki,
    progress,
    record,
    replay,
    run,
    scenario,
    state,
    tail,
    trace,
)

COMMANDS: dict[str, ModuleType] = {
    "check": check,
    "csms": csms,
    "ctl": ctl,
    "demo": demo,
    "hunt": hunt,
    "init": init,
    "load": load,
    "record": record,
    "replay": replay,
    "run": run,
    "tail": tail,
}
GROUPS = {
    "certify": certify.app,
    "fleet": fleet.app,
    "pki": pki.app,
    "faults": lists.faults,
    "profiles": lists.profiles,
    "quirks": lists.quirks,
}
GROUPS |= {"scenario": scenario.app, "state": state.app, "trace": trace.app}


def test_every_command_is_registered_with_its_own_function() -> None:
    found = {command.name: command.callback for command in app.registered_commands}
    assert found == {name: getattr(module, name) for name, module in COMMANDS.items()}
    assert {group.name: group.typer_instance for group in app.registered_groups} == GROUPS


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_has_a_variable_and_a_help_text(name: str) -> None:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert parameter.help, parameter.name
            if parameter.name == "header":  # several lines in one variable, see options.py
                continue
            assert parameter.envvar and parameter.envvar.startswith("CPFARM_"), parameter.name


def test_a_variable_is_named_after_its_option() -> None:
    assert options.option("--boot-timeout", "x").envvar == "CPFARM_BOOT_TIMEOUT"


def test_progress_fits_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress.make_progress(quiet=True), progress.Silent)
    assert isinstance(progress.make_progress(log_format="json"), progress.Lines)
    output.print_json({"a": 1})
    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'
