"""Bad input of `cpfarm run`: one line with place, reason and the nearest name; exit code 2; nothing started."""

import socket
from pathlib import Path

import pytest

from simulator.csms import process
from tests.commands.conftest import Cpfarm


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr(process.CsmsProcess, "start", refuse)


FILES = [
    ("groups: [{profile: generic/ac-single, cout: 3}]", "1: groups[0].cout: unknown key; did you mean 'count'?"),
    (
        "name: a\ngroups:\n  - profile: generic/ac-singel",
        "3: groups[0].profile: unknown profile 'generic/ac-singel'; did you mean 'generic/ac-single'?",
    ),
    (
        "groups:\n  - count: 1\n    quirks: [status-no-timestam]",
        "3: groups[0].quirks[0]: unknown quirk 'status-no-timestam'; did you mean 'status-no-timestamp'?",
    ),
    (
        "faults:\n  - at: 3s\n    fault: meter.register_frozn",
        "3: faults[0].fault: unknown fault 'meter.register_frozn'; did you mean 'meter.register_frozen'?",
    ),
    (
        "faults:\n  - fault: rtc.drift\n    params: {pmm: 3}",
        "3: faults[0].params.pmm: rtc.drift has no such parameter; did you mean 'ppm'?",
    ),
    ("durration: 3s", "1: durration: unknown key; did you mean 'duration'?"),
    ("groups: [\n", "2: expected the node content, but found '<stream end>'"),
]


@pytest.mark.parametrize(("text", "line"), FILES, ids=[line.split(":")[1].strip() for _, line in FILES])
def test_a_wrong_file_is_one_line(cpfarm: Cpfarm, text: str, line: str) -> None:
    Path("fleet.yaml").write_text(text)
    told = cpfarm("run", "fleet.yaml", "--summary", "s.json", "--ledger", "l.sqlite")
    assert (told.code, told.out, told.err) == (2, "", f"cpfarm: fleet.yaml:{line}\n")
    assert sorted(path.name for path in Path().iterdir()) == ["fleet.yaml"]


OPTIONS = [
    (("--profile", "generic/ac-singel"), "--profile: unknown profile 'generic/ac-singel'; did you mean 'generic/ac"),
    (("--quirk", "status-no-timestam"), "--quirk: unknown quirk 'status-no-timestam'; did you mean 'status-no-times"),
    (("--ocpp", "1.7"), "--ocpp: unknown OCPP version '1.7'; did you mean '1.6'?"),
    (("--charging", "300%"), "--charging: 300% is not between 0% and 100%"),
    (("--count", "0"), "--count: must be at least 1"),
    (("--duration", "soon"), "--duration: 'soon' is not a duration; write it like 45s"),
    (("--drain", "soon"), "--drain: 'soon' is not a duration"),
    (("--boot-timeout", "soon"), "--boot-timeout: 'soon' is not a duration"),
    (("--label", "nightly"), "--label: 'nightly' is not key=value"),
    (("--http-port", "all"), "--http-port: 'all' is neither a port nor 'off'"),
    (("--at-end", "explode"), "--at-end: 'explode' is not one of finish, disconnect, power-cut"),
    (("--expect", "much"), "--expect: 'much' is not one of default, none"),
    (("--log-format", "xml"), "--log-format: 'xml' is neither text nor json"),
    (("--password", "s3cret-one"), "--password given, but no CSMS: add --csms URL or --target FILE"),
    (("--csms", "localhost"), "--csms: must begin with ws:// or wss://"),
    (("--csms", "ws://me:s3cret-one@localhost"), "--csms: "),
    (("--security-profile", "4"), "--security-profile: 4 is not one of 0, 1, 2, 3"),
    (("--csms", "ws://localhost", "--security-profile", "2"), "--security-profile: security profile 2 needs a wss://"),
    (("--only", "X", "--id", "Y"), "--only: no station 'X' in this fleet"),
    (("--only", "CP-2", "--id", "CP-1"), "--only: no station 'CP-2' in this fleet; did you mean 'CP-1'?"),
    (("--stations", "none.csv"), "none.csv: cannot be read: No such file or directory"),
    (("--target", "none.yaml"), "none.yaml: cannot be read: No such file or directory"),
    (("none.yaml",), "none.yaml: cannot be read: No such file or directory"),
    (("--speed", "0.5"), "--speed: 0.5 is not supported; a whole number from 1 is"),
    (("--speed", "1.5"), "--speed: 1.5 is not supported; a whole number from 1 is"),
    (("--summary", "none/s.json"), "--summary: there is no folder none"),
    (("--report", "."), "--report: . is a folder"),
    (("--csms", "ws://192.0.2.1", "--count", "51"), "authorised"),
]


@pytest.mark.parametrize(("words", "line"), OPTIONS, ids=["_".join(words)[:40] for words, _ in OPTIONS])
def test_a_wrong_option_is_one_line(cpfarm: Cpfarm, words: tuple[str, ...], line: str) -> None:
    told = cpfarm("run", *words)
    assert told.code == 2 and told.out == ""
    assert told.err.count("\n") == 1 and told.err.startswith("cpfarm: ") and line in told.err, told.err
    assert "s3cret" not in told.err and "Traceback" not in told.err


def test_every_problem_of_a_file_is_told_once(cpfarm: Cpfarm) -> None:
    Path("fleet.yaml").write_text("nam: a\ngroups:\n  - cout: 1\n")
    told = cpfarm("run", "fleet.yaml")
    assert told.code == 2 and len(told.err.splitlines()) == 2
    assert "did you mean 'name'?" in told.err and "did you mean 'count'?" in told.err


def test_a_port_in_use_is_told_before_anything_begins(cpfarm: Cpfarm) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = cpfarm("run", "--http-port", port)
    assert told.code == 2
    assert told.err == f"cpfarm: --http-port: port {port} cannot be used (address already in use); " + (
        "0 picks a free one, off does without\n"
    )


def test_words_that_are_no_command_or_option(cpfarm: Cpfarm) -> None:
    assert "Did you mean 'run'?" in cpfarm("ruun").err
    told = cpfarm("run", "--cuont", 3)
    assert told.code == 2 and "No such option: --cuont" in told.err and "--count" in told.err
    assert cpfarm("run", "--count", "many").code == 2
    assert cpfarm("--help").code == 0


def test_a_state_that_is_none(cpfarm: Cpfarm, monkeypatch: pytest.MonkeyPatch, silent_port_csms: str) -> None:
    Path("state").mkdir()
    Path("state/state.sqlite").write_bytes(b"this is a text, not a database, and long enough to be told apart" * 20)
    told = cpfarm("run", "--csms", silent_port_csms, "--state", "state", "--http-port", "off")
    assert told.code == 2 and told.err.startswith("cpfarm: state/state.sqlite: is no state of cpfarm: ")
    Path("file").write_text("")
    told = cpfarm("run", "--csms", silent_port_csms, "--state", "file", "--http-port", "off")
    assert told.code == 2 and told.err == "cpfarm: file: cannot be used: File exists\n"


@pytest.fixture
def silent_port_csms() -> str:
    return "ws://127.0.0.1:9"
