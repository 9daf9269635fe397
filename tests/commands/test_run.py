"""`cpfarm run` from its words to its exit code, against CSMSs that are up, down, picky or wrong."""

import json
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from tests.commands.conftest import Cpfarm, Told

pytestmark = pytest.mark.live

QUICK = ("--http-port", "off", "--connect-rate", 500)


def summary_of(path: str = "s.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
    return found


def repeat_of(told: Told) -> list[str]:
    last = told.out.rstrip("\n").splitlines()[-1]
    assert last.startswith("Repeat: cpfarm run ")
    return shlex.split(last.removeprefix("Repeat: cpfarm "))


@contextmanager
def failing(csms: CsmsProcess, **faults: Any) -> Iterator[None]:
    csms.request("PUT", "/api/faults", faults)
    try:
        yield
    finally:
        csms.request("PUT", "/api/faults", {})


@contextmanager
def boot_answer(csms: CsmsProcess, status: str) -> Iterator[None]:
    csms.request("PUT", "/api/boot", {"status": status, "interval": 30})
    try:
        yield
    finally:
        csms.request("PUT", "/api/boot", {"status": "accepted"})


def test_a_run_that_is_fine_and_its_last_line(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    outputs = ("--summary", "s.json", "--report", "r.html", "--junit", "j.xml", "--ledger", "l.sqlite")
    words = ("run", "--csms", csms.url, "--id", "FINE-{n}", "--count", 2, "--duration", "100ms", *QUICK)
    told = cpfarm(*words, *outputs, "--trace", "t.jsonl", "--label", "night=1")
    assert told.code == 0, told
    assert told.out.startswith("2 of 2 stations booted, ") and "PASS" in told.out and "\x1b" not in told.out + told.err
    assert "ending: the time is over" in told.err and "metrics at" not in told.err
    first = summary_of()
    assert first["run"]["labels"] == {"night": "1"} and first["exit_code"] == 0
    assert all(Path(name).stat().st_size for name in ("r.html", "j.xml", "l.sqlite", "t.jsonl"))
    Path("s.json").unlink()
    again = cpfarm(*repeat_of(told))
    second = summary_of()
    assert again.code == 0
    for key in ("stations", "booted", "run"):
        assert (second[key]["seed"] if key == "run" else second[key]) == (
            first[key]["seed"] if key == "run" else first[key]
        )
    assert repeat_of(again) == repeat_of(told)


def test_options_from_the_environment(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    told = cpfarm(
        "run", "--summary", "s.json", CPFARM_CSMS=csms.url, CPFARM_COUNT="3", CPFARM_ID="ENV-{n}",
        CPFARM_DURATION="100ms", CPFARM_HTTP_PORT="off", CPFARM_STRICT="1", CPFARM_LABEL="a=1 b=2",
        CPFARM_HEADER="X-Key: some thing\nX-Other: 2", CPFARM_CONNECT_RATE="100",
    )  # fmt: skip
    assert told.code == 0, told
    assert summary_of()["stations"] == 3 and summary_of()["run"]["labels"] == {"a": "1", "b": "2"}
    words = repeat_of(told)
    assert words[words.index("--count") + 1] == "3" and "--strict" in words and words.count("--label") == 2
    assert words.count("--header") == 2 and "some thing" not in told.out


def test_ids_from_every_source(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    Path("s.csv").write_text("id,serial\nFILE-A,S1\nFILE-B,S2\nFILE-C,S3\n")
    base = ("run", "--csms", csms.url, "--duration", "1ms", *QUICK)
    cases: list[tuple[tuple[Any, ...], set[str]]] = [
        (("--id", "SINGLE"), {"SINGLE"}),
        (("--id-prefix", "PRE-", "--count", 2), {"PRE-00001", "PRE-00002"}),
        (("--stations", "s.csv", "--only", "FILE-C", "--only", "FILE-A"), {"FILE-A", "FILE-C"}),
    ]
    for words, ids in cases:
        told = cpfarm(*base, *words, "--trace", "t.jsonl")
        assert told.code == 0, told
        assert {json.loads(line)["chargePointId"] for line in Path("t.jsonl").read_text().splitlines()} == ids
    seen = csms.request("GET", "/api/stations/FILE-C")
    assert seen["identity"]["chargePointSerialNumber"] == "S3"


def test_nothing_listens(cpfarm: Cpfarm, silent_port: int) -> None:
    url = f"ws://127.0.0.1:{silent_port}"
    told = cpfarm("run", "--csms", url, "--count", 2, "--boot-timeout", "1s", *QUICK, "--summary", "s.json")
    assert told.code == 3, told
    assert "FAIL         all_booted: 2 of 2 stations did not boot within 1 s (refused 2)." in told.out
    assert "Could not connect, refused: 2 times at 2 stations." in told.out
    assert "Nothing listens at that address and port" in told.out and "ending: no station booted" in told.err
    found = summary_of()
    assert found["exit_code"] == 3 and found["connect_failures"]["refused"]["count"] == 2  # it waits before the second
    alone = [line.split("alone: ")[1] for line in told.out.splitlines() if "alone: " in line]
    assert len(alone) == 1 and "--summary" not in alone[0] and alone[0].split()[-2] == "--only"
    assert cpfarm(*shlex.split(alone[0])[1:]).code == 3  # and it can be typed


def test_waiting_for_a_csms_that_does_not_come(cpfarm: Cpfarm, silent_port: int) -> None:
    told = cpfarm(
        "run", "--csms", f"ws://127.0.0.1:{silent_port}", "--boot-timeout", "1s", "--wait-for-csms", "1s", *QUICK
    )
    assert told.code == 3 and f"Nothing listened at 127.0.0.1:{silent_port} for 1 s." in told.out


def test_json_is_all_there_is_on_standard_output(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    told = cpfarm("run", "--csms", csms.url, "--id", "JSON", "--duration", "1ms", "--json", *QUICK)
    assert told.code == 0 and told.err == ""
    assert json.loads(told.out)["schema"] == "cpfarm-summary/1"


def test_progress_as_json_lines(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    words = ("--id", "LINES", "--duration", "1ms", "--log-format", "json", "--http-port", 0)
    told = cpfarm("run", "--csms", csms.url, *words)
    events = [json.loads(line) for line in told.err.splitlines()]
    assert events[0]["event"] == "started" and events[-1] == {"event": "ending", "why": "the time is over"}
    assert events[0]["metrics"].startswith("http://127.0.0.1:")
    assert {"t_s", "available", "calls", "queued"} <= set(events[1])


def test_the_default_port_need_not_be_free(cpfarm: Cpfarm, csms: CsmsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr("simulator.commands.options.DEFAULT_HTTP_PORT", taken.getsockname()[1])
        told = cpfarm("run", "--csms", csms.url, "--id", "PORT", "--duration", "1ms")
    assert told.code == 0 and "No metrics and no control: port" in told.out + told.err
    assert "--http-port 0 picks a free one" in told.out


def test_schema_violations_warn_unless_strict(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    words = ("run", "--csms", csms.url, "--duration", "1ms", *QUICK)
    with failing(csms, wrong=["StatusNotification"]):
        told = cpfarm(*words, "--id", "WARN")
        assert told.code == 0 and "WARNING      no_schema_violations: " in told.out and "wrongShape" in told.out
        told = cpfarm(*words, "--id", "STRICT", "--strict")
        assert told.code == 1 and "FAIL         no_schema_violations: " in told.out
        told = cpfarm(*words, "--id", "EXPLORE", "--strict", "--expect", "none")
        assert told.code == 0 and "FAIL" not in told.out and "PASS" not in told.out


def test_a_callerror_to_a_valid_message_fails(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    with failing(csms, callerror=["StatusNotification"]):
        told = cpfarm("run", "--csms", csms.url, "--id", "ERROR", "--duration", "1ms", *QUICK)
    assert told.code == 1 and "FAIL         no_callerrors: " in told.out


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_a_csms_that_does_not_take_stations(cpfarm: Cpfarm, csms: CsmsProcess, status: str) -> None:
    with boot_answer(csms, status):
        told = cpfarm("run", "--csms", csms.url, "--id", status.upper(), "--boot-timeout", "1s", *QUICK)
    assert told.code == 3 and f"Could not connect, boot_{status}: 1 times at 1 stations." in told.out


def test_secrets_are_left_out_everywhere(cpfarm: Cpfarm, tmp_path: Path) -> None:
    """A password that is refused, and one that is not; an extra header with a secret; nothing of it is written."""
    (tmp_path / "p.csv").write_text("id,password\nSEC-1,right-one-0123456789\n")
    with CsmsProcess(CsmsOptions(port=0, http_port=0, passwords=tmp_path / "p.csv")) as csms:
        common = ("run", "--csms", csms.url, "--id", "SEC-1", "--security-profile", 1, "--boot-timeout", "1s", *QUICK)
        outputs = ("--summary", "s.json", "--report", "r.html", "--junit", "j.xml", "--ledger", "l.sqlite")
        more = ("--trace", "t.jsonl", "--duration", "1ms", "--header", "X-Api-Key: header-secret-77")
        said = []
        for password, code in (("wrong-one-0123456789", 3), ("right-one-0123456789", 0)):
            told = cpfarm(*common, *outputs, *more, "--password", password)
            assert told.code == code, told
            assert ("http_401" in told.out) == (code == 3)
            said.append(told.out + told.err)
            said += [
                Path(name).read_bytes().decode("latin-1")
                for name in ("s.json", "r.html", "j.xml", "l.sqlite", "t.jsonl")
            ]
    everything = "\n".join(said)
    assert "--password <secret>" in everything and "SEC-1" in everything
    for secret in ("wrong-one-0123456789", "right-one-0123456789", "header-secret-77"):
        assert secret not in everything and secret.encode().hex() not in everything


def test_faster_time(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    """A minute of the stations passes in six seconds of ours; here two of theirs. The summary says what that means."""
    told = cpfarm(
        "run", "--csms", csms.url, "--id", "FAST", "--speed", 10, "--duration", "2s", *QUICK, "--summary", "s.json"
    )
    assert told.code == 0 and summary_of()["run"]["speed"] == 10
    assert summary_of()["wall_seconds"] < 8
    assert "station time ran 10 times as fast" in told.out.lower()
