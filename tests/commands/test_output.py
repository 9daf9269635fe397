"""How commands write: tables, JSON, lines that fit, and progress for terminals, logs and programs."""

import io
import json
import sys
from typing import Any

import pytest

from simulator.commands import demo, progress
from simulator.commands.options import alone, in_options, labels_of, option_of, port_of
from simulator.commands.output import console, print_json, print_table, wrapped
from simulator.errors import AuthorError, FleetError
from simulator.fleet.progress import Silent
from simulator.fleet.run import Run, RunOptions
from tests.fleet.manual import Rig, plan_of

LONG = "  The CSMS's own books: 520 of 520 finished transactions are there, 0 with another energy than they said."


def test_lines_are_broken_between_words_and_commands_are_not() -> None:
    lines = wrapped(LONG, 60)
    assert len(lines) == 2 and all(len(line) <= 60 for line in lines)
    assert lines[1].startswith("    ") and " ".join(line.strip() for line in lines) == LONG.strip()
    assert wrapped(LONG, 0) == wrapped(LONG, 20) == wrapped(LONG, 200) == [LONG]
    for command in ("Repeat: cpfarm run " + "x " * 100, "        alone: cpfarm run " + "x " * 100):
        assert wrapped(command, 60) == [command]


def test_brackets_in_tables_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("case",), [("TC_012 [remote]",), ("TC_086 [profile 2, socket]",), ("[/]",)])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        "case",
        "TC_012 [remote]",
        "TC_086 [profile 2, socket]",
        "[/]",
    ]


def test_tables_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "n"), [("a" * 150, 1), ("b", None)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[0].split() == ["name", "n"] and "a" * 150 in lines[1]
    print_json({"ä": 1})
    assert json.loads(capsys.readouterr().out) == {"ä": 1}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for no_color, coloured in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_color)
        screen = Terminal()
        monkeypatch.setattr(sys, "stderr", screen)
        console(error=True).print("[red]word[/red]")
        assert ("\x1b[31m" in screen.getvalue()) is coloured and "word" in screen.getvalue()


def test_what_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(progress.make_progress(), progress.Panel)
    assert isinstance(progress.make_progress(log_format="json"), progress.Lines)
    assert isinstance(progress.make_progress(quiet=True), Silent)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(progress.make_progress(), progress.Lines)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    plan = plan_of(count=3, ramp={"rate": 100}, charging="100%", session="10m")
    rig = Rig(monkeypatch, plan, {})
    rig.loop.turn(60)
    made = Run(plan, RunOptions("cpfarm run"))
    made.farm, made.metrics, made.http_url = rig.farm, rig.metrics, "http://127.0.0.1:1"
    return made


def test_the_panel_shows_where_things_stand(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    panel = progress.Panel()
    panel.story.append(("1.0 s", "A line of the story."))
    panel.started(run)
    panel.tick(run)
    panel.ending(run, "the time is over")
    text = screen.getvalue()
    for word in (
        "cpfarm  60.0 s",
        "http://127.0.0.1:1/metrics",
        "charging",
        "StartTransaction",
        "A line of the story.",
    ):
        assert word in text, word
    assert text.rstrip().endswith(
        "ending: the time is over; drivers leave and queues run empty, 60 s at most (Ctrl-C ends it at once)"
    )


def test_the_lines_of_a_log(capsys: pytest.CaptureFixture[str], run: Run) -> None:
    lines = progress.Lines(as_json=False)
    lines.started(run)
    lines.tick(run)
    lines.tick(run)  # not yet
    lines.ending(run, "interrupted")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "page at http://127.0.0.1:1/ (metrics at http://127.0.0.1:1/metrics)" and len(said) == 3
    assert said[1].startswith("   60.0 s  charging 3 | transactions 3 calls ") and "failed 0" in said[1]


def test_figures_add_up(run: Run) -> None:
    row: dict[str, Any] = progress.figures(run)
    assert row["charging"] == row["transactions"] == 3 and row["calls"] >= 12 and row["failed"] == 0


def test_errors_of_the_command_line_name_its_options() -> None:
    told = in_options(FleetError("unknown profile", file="command line", field="groups[0].profile"))
    assert str(told) == "--profile: unknown profile"
    twice = AuthorError("command line: groups[0].version: no\ncommand line: groups[1].version: no\nf.yaml:3: a: b")
    assert str(in_options(twice)) == "--ocpp: no\nf.yaml:3: a: b"
    assert option_of("at_end") == "--at-end" and option_of("quirks") == "--quirk"


def test_the_command_that_shows_one_station_writes_nothing() -> None:
    command = "cpfarm run 'my fleet.yaml' --summary s.json --report=r.html --password <secret> --state d --count 3"
    assert alone(command) == "cpfarm run 'my fleet.yaml' --password <secret> --count 3"


def test_small_readers() -> None:
    assert (port_of(None), port_of("off"), port_of("0"), port_of("80")) == (9464, None, 0, 80)
    with pytest.raises(AuthorError, match="neither a port nor 'off'"):
        port_of("70000")
    assert labels_of(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}


def test_the_demo_speaks_rarely_between_its_lines() -> None:
    lines = progress.Lines(as_json=False)
    assert demo._quiet(lines) is lines and lines.every_s == 10.0
