"""The entry point: which commands there are, and which exit code each kind of error has."""

import errno

import pytest
import typer

from simulator import __main__ as way_in
from simulator import cli
from simulator.csms.process import CsmsProcessError
from simulator.errors import AuthorError, FleetError, GeneratorLimit, UnknownName

COMMANDS = {"demo", "run", "csms", "check", "load", "hunt", "fleet", "profiles", "faults", "quirks", "state"}


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["cpfarm", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_commands_are_listed_with_what_they_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("  ") and len(line.split()) > 1}
    assert set(listed) >= COMMANDS
    assert all(listed[name] for name in COMMANDS)


ERRORS = [
    (AuthorError("wrong", file="f.yaml", line=3, field="a.b"), 2, "cpfarm: f.yaml:3: a.b: wrong\n"),
    (FleetError("wrong"), 2, "cpfarm: wrong\n"),
    (UnknownName("fault", "x", "y"), 2, "cpfarm: unknown fault 'x'; did you mean 'y'?\n"),
    (GeneratorLimit("too small; run: this"), 2, "cpfarm: too small; run: this\n"),
    (CsmsProcessError("the reference CSMS did not start"), 2, "cpfarm: the reference CSMS did not start\n"),
    (OSError(errno.ENOSPC, "No space left"), 2, "cpfarm: what was asked for cannot be written: No space left\n"),
    (KeyboardInterrupt(), 130, ""),
]


@pytest.mark.parametrize(("error", "code", "said"), ERRORS, ids=lambda value: type(value).__name__)
def test_errors_of_others_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert typed(monkeypatch, "run") == code
    assert capsys.readouterr() == ("", said)


def test_a_file_that_the_user_has_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise OSError(errno.EROFS, "Read-only file system", "there/run.json")

    monkeypatch.setattr(cli, "app", fail)
    assert typed(monkeypatch, "run", "--summary=there/run.json") == 2
    assert capsys.readouterr() == ("", "cpfarm: there/run.json: Read-only file system\n")


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by us"), OSError(errno.EBADF, "by us"), OSError(errno.ENOENT, "by us", "/of/ours")]
)
def test_errors_of_ours_keep_their_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert typed(monkeypatch, "run") == 70
    said = capsys.readouterr().err
    assert (
        "by us" in said
        and "Traceback" in said
        and said.splitlines()[-1].startswith("cpfarm: this is an error of cpfarm")
    )


def test_every_option_has_its_variable() -> None:
    """CPFARM_<OPTION>, as the contract says; except the header, whose variable is read line by line."""
    found = 0
    for command in typer.main.get_group(cli.app).commands.values():
        for one in getattr(command, "commands", {"": command}).values():
            for param in one.params:
                name = param.opts[0]
                if name in ("--help", "--header") or not name.startswith("--"):
                    continue
                found += 1
                assert param.envvar == "CPFARM_" + name[2:].replace("-", "_").upper(), (one.name, name)
    assert found > 60


HOMES = {
    "demo": "simulator.commands.demo",
    "run": "simulator.commands.run",
    "csms": "simulator.commands.csms",
    "check": "simulator.commands.check",
    "load": "simulator.commands.load",
    "hunt": "simulator.commands.hunt",
    "fleet list": "simulator.commands.fleet",
    "profiles list": "simulator.commands.lists",
    "state show": "simulator.commands.state",
}


@pytest.mark.parametrize("words", HOMES)
def test_every_command_lives_in_its_module(words: str) -> None:
    command = typer.main.get_group(cli.app)
    for word in words.split():
        command = command.commands[word]  # type: ignore[assignment]
    assert command.callback is not None and command.callback.__module__ == HOMES[words]


def test_the_way_in_is_the_same_program(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []
    monkeypatch.setattr(cli, "main", lambda: called.append(1))
    way_in.main()
    assert called == [1]


def test_an_interrupt_on_the_way_in_is_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        way_in.main()
    assert ended.value.code == 130
