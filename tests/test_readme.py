"""The README tells the truth: what it says can be typed, read and copied as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from typer.testing import CliRunner

from simulator import readme
from simulator.cli import app
from simulator.csms.api import Api
from simulator.csms.faults import FaultPlan
from simulator.csms.tokens import judge
from simulator.fleet import control
from simulator.fleet.plan import resolve
from simulator.fleet.schema import load_fleet
from simulator.fleet.target import load_target
from simulator.metrics import PHASES, RunMetrics
from simulator.profile.load import load_profile
from simulator.report.exposition import families
from simulator.resources import loadtests_dir, profiles_dir

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
OWN_WORDS = readme._SECTION.sub("", TEXT)  # without the sections that are made
#: what the how-tos tell the reader to make
INVENTED = {"profiles/acme/wall-22.yaml", "tests/golden/acme-wall-22-1.6.jsonl"}
COMMANDS = cast(Any, typer.main.get_command(app))


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the file its first line names, if any."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        found = re.match(r"# (\S+\.(?:py|yaml))\n", self.text)
        return found[1] if found else None

    @property
    def body(self) -> str:
        return self.text.partition("\n")[2] if self.file else self.text


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", OWN_WORDS, flags=re.DOTALL | re.MULTILINE))


def lines_to_type() -> Iterator[str]:
    for block in BLOCKS:
        if block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from (part.strip() for part in re.split(r"(?<!&)&(?!&)\s", f"{line} ") if part.strip())


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


TYPED = list(dict.fromkeys(lines_to_type()))
OURS = [line for line in TYPED if line.startswith("cpfarm ")]
CURLS = [line for line in TYPED if line.startswith("curl ")]


def parse(arguments: list[str]) -> tuple[Any, list[str]]:
    """The command that is meant, and what is left for it; fails as the command line would for an unknown command."""
    command, rest, context = COMMANDS, arguments, None
    while hasattr(command, "commands"):
        context = command.make_context(command.name, list(rest), parent=context, resilient_parsing=not rest)
        _, command, rest = command.resolve_command(context, rest)
    return command, rest


# --- what is made ----------------------------------------------------------------------------------------------------


def test_the_made_sections_are_fresh() -> None:
    """As a process, too: what a registry holds must not depend on what else a test run has imported."""
    assert list(readme.stale(TEXT)) == [], "python -m simulator.readme renews them"
    done = subprocess.run(
        [sys.executable, "-m", "simulator.readme", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "every section is fresh\n"), done.stdout + done.stderr


def test_the_tool_says_what_is_stale_and_renews_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(TEXT.replace("`meter.register_frozen` |", "`meter.register_thawed` |"), encoding="utf-8")
    assert readme.main(["--check"], path) == 1
    assert capsys.readouterr().out == "stale: faults\n"
    assert readme.main([], path) == 0
    assert path.read_text(encoding="utf-8") == TEXT
    assert capsys.readouterr().out == "renewed: faults\n"
    assert readme.main(["--check"], path) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT.replace("<!-- end: faults -->", ""), "markers without a partner"),
        (TEXT.replace("made: faults -->", "made: folts -->").replace("end: faults", "end: folts"), "makes the section"),
        (TEXT + "<!-- made: faults -->\n<!-- end: faults -->", "stands 2 times"),
        ("nothing here", "stands 0 times"),
    ],
)
def test_wrong_markers_are_refused(text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    assert readme.main([], path) == 2
    assert reason in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == text


def test_without_a_checkout_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert readme.main([], tmp_path / "README.md") == 2
    assert "this needs a checkout" in capsys.readouterr().err


def test_every_metric_named_is_exported_and_the_other_way_round() -> None:
    exported = {family.name for family in families(RunMetrics(), {}, {})}
    assert set(re.findall(r"`(cpfarm_\w+)`", TEXT)) == exported


def test_the_states_named_are_those_counted() -> None:
    [sentence] = re.findall(r"`state` of `cpfarm_stations` is one of ([^;]*);", TEXT)
    assert re.findall(r"`(\w+)`", sentence) == list(PHASES)


# --- what can be typed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", OURS)
def test_a_command_can_be_typed(line: str) -> None:
    command, rest = parse(words(line)[1:])
    command.make_context(command.name, rest)


@pytest.mark.parametrize("text", [text for text in INLINE if text.startswith("cpfarm ")])
def test_a_command_in_a_sentence_exists(text: str) -> None:
    command, rest = parse(words(text)[1:])
    known = {name for param in command.params for name in param.opts}
    assert {word for word in rest if word.startswith("-")} <= known


def test_an_option_in_a_sentence_exists() -> None:
    known = {"--processes", "--check", "--host", "--shape", "--shape-time"}  # Locust's and the readme tool's
    known |= {name for command in commands(COMMANDS) for param in command.params for name in param.opts}
    named = {word for text in INLINE for word in re.findall(r"(?<!\S)--[a-z][a-z-]*", text)}
    assert named - known - {"--rm", "--network"} == set()  # Docker's


def commands(command: Any) -> Iterator[Any]:
    if not hasattr(command, "commands"):
        yield command
    for child in getattr(command, "commands", {}).values():
        yield from commands(child)


def test_every_command_is_in_the_table() -> None:
    table = TEXT.partition("### Commands")[2].partition("###")[0]
    named = {tuple(words(text)[1:]) for text in re.findall(r"`(cpfarm [^`]+)`", table)}
    assert named == set(paths(COMMANDS))


def paths(command: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, child in command.commands.items():
        yield from paths(child, (*before, name)) if hasattr(child, "commands") else [(*before, name)]


@pytest.mark.parametrize("arguments", [["rum"], ["run", "--cout", "3"], ["csms", "--port", "many"]])
def test_what_cannot_be_typed_is_seen(arguments: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|valid integer"):
        command, rest = parse(arguments)
        command.make_context(command.name, rest)


def test_options_of_locust_exist() -> None:
    """Locust's own help does not load the locustfile, so its additions are read where they are made."""
    own = subprocess.run(
        [sys.executable, "-m", "locust", "--help"], check=True, capture_output=True, text=True, timeout=120
    ).stdout
    added = re.findall(r'add\("(--[a-z-]+)"', (loadtests_dir() / "locustfile.py").read_text(encoding="utf-8"))
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", own)) | set(added)
    lines = [line for line in TYPED if line.startswith("locust ")]
    assert lines and added
    assert {word for line in lines for word in words(line) if word.startswith("-")} - known == set()


def test_every_line_to_type_is_known() -> None:
    starts = ("cpfarm ", "curl ", "locust ", "make ", ".venv/bin/pytest ", "UPDATE_GOLDEN=1 .venv/bin/pytest ")
    assert [line for line in TYPED if not line.startswith(starts)] == []


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {words(text)[1] for text in [*INLINE, *TYPED] if text.startswith("make ")}
    assert {"demo", "test"} <= named <= targets


def test_requests_of_curl_are_served() -> None:
    csms = [(route.method, route.path) for route in Api(cast(Any, None)).routes]
    farm = [(route.method, route.path) for route in control.routes(cast(Any, None), cast(Any, None))]
    assert CURLS
    for line in CURLS:
        said = words(line)
        method = said[said.index("-X") + 1] if "-X" in said else "GET"
        [url] = [word for word in said if word.startswith("http://")]
        port, path = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/[^?]*).*", url).groups()  # type: ignore[union-attr]
        served = {"9001": csms, "9464": farm}[port]
        assert any(m == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), path) for m, p in served), line
        body = json.loads(said[said.index("-d") + 1]) if "-d" in said else {}
        if port == "9464" and method == "POST":
            control.ACTS[path.rpartition("/")[2]].read(body, 1)
        if path == "/api/faults" and method == "PUT":
            FaultPlan.model_validate(body)


def test_actions_and_fault_plans_in_sentences_exist() -> None:
    sentence = TEXT.partition("More actions:")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) <= set(control.ACTS)
    sentence = TEXT.partition("A fault plan may say")[2].partition("Tokens are judged")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) - {"true"} == set(FaultPlan.model_fields)
    sentence = TEXT.partition("Tokens are judged by their")[2].partition("\n\n")[0]
    for prefix in re.findall(r"`([A-Z][\w-]+)`", sentence):
        verdict = judge(prefix, strict=True, starting=True)
        assert verdict.status != "Unknown", prefix


# --- what can be read ------------------------------------------------------------------------------------------------


def test_every_path_exists() -> None:
    tops = "simulator|profiles|scenarios|loadtests|tests"
    named = set(re.findall(rf"(?<![\w/.])(?:{tops})/[\w./-]*\w", OWN_WORDS)) | {
        path.rstrip("/") for path in re.findall(r"`((?:core|blocks|wire|fleet)/[\w./-]+)`", OWN_WORDS)
    }
    missing = {path for path in named if not (ROOT / path).exists()}
    assert missing == INVENTED
    picture = next(block.text for block in BLOCKS if "one CALL in flight" in block.text)
    for path in re.findall(r"(?<![\w/])\w+/\w+\.py", picture):
        assert (ROOT / "simulator" / path).exists(), path


def test_every_name_of_a_fault_quirk_and_profile_in_the_text_exists() -> None:
    from simulator.hardware.fault import FAULTS

    parts = {FAULTS.get(name).part for name in FAULTS}
    named = set(re.findall(rf"\b((?:{'|'.join(parts)})\.[a-z_]+)\b", OWN_WORDS)) - {"meter.py", "rtc.py"}
    assert named - set(FAULTS) == {"meter.phase_lost", "meter.sample"}  # the second is python
    assert set(re.findall(r"--profile ([a-z]+/[\w-]+)(?!\.)", OWN_WORDS)) - {"acme/wall-22", "path/to"} <= set(
        re.findall(r"`(\w+/[\w-]+)`", readme.profiles())
    )


# --- what can be copied ----------------------------------------------------------------------------------------------


def block(file: str) -> Block:
    [found] = [block for block in BLOCKS if block.file == file]
    return found


def test_the_target_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "my-csms.yaml"
    path.write_text(block("my-csms.yaml").text, encoding="utf-8")
    target = load_target(path, {"TENANT": "seven", "CSMS_PASSWORD": "longer-than-sixteen"})
    assert target.security_profile == 1 and target.fields.tokens.blocked == ("BLOCKED-1",)


def test_the_fleet_can_be_planned(tmp_path: Path) -> None:
    path = tmp_path / "my-fleet.yaml"
    path.write_text(block("my-fleet.yaml").text, encoding="utf-8")
    plan = resolve(load_fleet(path, environ={}), hostname="somewhere", environ={})
    assert len(plan.stations) == 50 and set(plan.fault_names()) == {"meter.register_frozen", "modem.outage"}


def test_the_scenario_passes(tmp_path: Path) -> None:
    path = tmp_path / "my-scenario.yaml"
    path.write_text(block("my-scenario.yaml").text, encoding="utf-8")
    done = CliRunner().invoke(app, ["scenario", "run", str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert [cell["verdict"] for cell in json.loads(done.stdout)["cells"]] == ["PASS"] * 3


def test_the_profile_can_be_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "wall-22.yaml").write_text(block("profiles/acme/wall-22.yaml").text, encoding="utf-8")
    shutil.copytree(profiles_dir() / "generic", tmp_path / "generic")
    assert load_profile("acme/wall-22", tmp_path).profile.identity.model == "Wall-22"


def test_the_examples_of_adding_something_work(tmp_path: Path) -> None:
    """What the how-tos say, done in a copy of the tree: the files are written, the commands and tests are run."""
    no_caches = shutil.ignore_patterns("__pycache__")
    for name in ("simulator", "profiles", "scenarios", "loadtests", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=no_caches)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for added in (block for block in BLOCKS if block.file and "/" in block.file):
        path = tmp_path / str(added.file)
        path.parent.mkdir(exist_ok=True)
        text = path.read_text(encoding="utf-8") + "\n\n" if path.exists() else ""
        path.write_text(text + added.body, encoding="utf-8")

    def run(*arguments: str, golden: str = "0") -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "UPDATE_GOLDEN": golden, "COLUMNS": "200"},
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        return done.stdout

    assert run("simulator", "profiles", "validate", "acme/wall-22") == "1 of 1 profiles are valid\n"
    assert "meter.phase_lost" in run("simulator", "faults", "list", "--part", "meter")
    assert "status-info-shouted" in run("simulator", "quirks", "list", "--vendor", "Acme")
    # One run of them all, because most of the time goes into starting.
    said = [words(line.partition(".venv/bin/pytest -q ")[2]) for line in TYPED if ".venv/bin/pytest" in line]
    assert len(said) == 5 and all(len(parts) == 3 and parts[1] == "-k" for parts in said)
    chosen = " or ".join(f"({parts[2]})" for parts in said)
    told = run("pytest", "-q", "-p", "no:cacheprovider", *(parts[0] for parts in said), "-k", chosen, "-rA", golden="1")
    for test in re.findall(r"^def (test_\w+)", "".join(added.body for added in BLOCKS if added.file), re.MULTILINE):
        assert re.search(rf"^PASSED .*::{test}$", told, re.MULTILINE), told
    assert "PASSED tests/test_every_profile.py::test_it_says_what_it_always_said[acme/wall-22-1.6]" in told
    assert (tmp_path / "tests/golden/acme-wall-22-1.6.jsonl").is_file()
    files = {str(added.file) for added in BLOCKS if (added.file or "").endswith(".py")}
    assert "All checks passed" in run("ruff", "check", "--no-cache", *files)
