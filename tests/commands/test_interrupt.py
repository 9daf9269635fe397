"""Ctrl-C as a terminal sends it: the first ends the run as it should end, the second ends it at once."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from simulator.csms.process import CsmsProcess

pytestmark = pytest.mark.live

PATIENCE_S = 20.0


class Running:
    """`cpfarm run` in a process of its own, whose standard error is read as it comes."""

    def __init__(self, folder: Path, *words: str) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CPFARM_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "run", *words, "--log-format", "json", "--summary", "s.json"],
            cwd=folder,
            env={**environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.folder = folder
        self.said = b""

    def until(self, word: bytes) -> None:
        """Read until a line holds ``word``."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + PATIENCE_S
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while word not in self.said:
                assert selector.select(deadline - time.monotonic()), f"{word!r} was not said: {self.said!r}"
                chunk = os.read(self.process.stderr.fileno(), 4096)
                assert chunk, f"it ended before saying {word!r}: {self.said!r}"
                self.said += chunk

    def ended(self) -> tuple[int, str, dict[str, Any]]:
        """Exit code, standard output, summary."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        self.said += err
        return self.process.returncode, out.decode(), json.loads((self.folder / "s.json").read_text())


@pytest.fixture
def quick(csms: CsmsProcess) -> tuple[str, ...]:
    return ("--csms", csms.url, "--charging", "100%", "--session", "60s", "--connect-rate", "200", "--http-port", "0")


def test_the_first_ends_the_run_in_order(tmp_path: Path, csms: CsmsProcess, quick: tuple[str, ...]) -> None:
    run = Running(tmp_path, *quick, "--id", "INT-{n}", "--count", "3")
    run.until(b'"available": ')
    while len(_open(csms, "INT-")) < 1:
        time.sleep(0.05)
    run.process.send_signal(signal.SIGINT)
    code, out, summary = run.ended()
    assert code == 0, (out, run.said)
    assert b'{"event": "ending", "why": "interrupted"}' in run.said and b"Traceback" not in run.said
    assert out.startswith("3 of 3 stations booted") and "Repeat: cpfarm run" in out
    found = summary["transactions"]
    assert found["started"] >= 1 and found["open"] == found["undelivered"] == 0
    assert _open(csms, "INT-") == []


def test_an_early_one_is_not_the_fault_of_the_csms(tmp_path: Path, csms: CsmsProcess) -> None:
    run = Running(tmp_path, "--csms", csms.url, "--id", "EARLY-{n}", "--count", "50", "--connect-rate", "5")
    run.until(b'"available": ')
    while csms.request("GET", "/api/stations?after=EARLY&limit=1")["stations"][0]["id"][:5] != "EARLY":
        time.sleep(0.05)
    run.process.send_signal(signal.SIGTERM)
    code, out, summary = run.ended()
    assert code == 0, out
    assert 0 < summary["booted"] < 50
    assert "excused: " in out and "the run was interrupted before their time was over" in out


def test_the_second_ends_it_at_once(tmp_path: Path, csms: CsmsProcess, quick: tuple[str, ...]) -> None:
    run = Running(tmp_path, *quick, "--id", "TWICE-{n}", "--count", "3", "--drain", "60s")
    run.until(b'"available": ')
    while len(_open(csms, "TWICE-")) < 1:
        time.sleep(0.05)
    csms.request("PUT", "/api/faults", {"silent": True})
    try:
        run.process.send_signal(signal.SIGINT)
        run.until(b'"why": "interrupted"')
        time.sleep(0.5)  # it waits for answers that do not come
        assert run.process.poll() is None
        begin = time.monotonic()
        run.process.send_signal(signal.SIGINT)
        code, out, summary = run.ended()
        assert time.monotonic() - begin < 5
    finally:
        csms.request("PUT", "/api/faults", {})
    assert code == 0, out
    assert "Ended at once by a second interrupt" in out and b"Traceback" not in run.said
    assert summary["transactions"]["queued"] + summary["transactions"]["undelivered"] >= 1
    assert "the end of the run was cut short" in out


def _open(csms: CsmsProcess, prefix: str) -> list[str]:
    rows = csms.request("GET", "/api/transactions?state=open")["transactions"]
    return [row["station"] for row in rows if row["station"].startswith(prefix)]


def test_one_while_it_is_still_being_loaded(tmp_path: Path) -> None:
    """The command line is interrupted at its first import: the code of an interrupt, and no traceback."""
    package = tmp_path / "typer.py"
    package.write_text("raise KeyboardInterrupt\n")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "simulator", "--version"]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_a_run_of_scenarios_that_is_terminated_reports_what_is_done(tmp_path: Path, csms: CsmsProcess) -> None:
    (tmp_path / "a.yaml").write_text("title: a\nsteps: [{wait: 1s}]\n")
    (tmp_path / "b.yaml").write_text("title: b\nsteps: [{wait: 1 hour}]\n")
    words = ["scenario", "run", "a.yaml", "b.yaml", "--ocpp", "1.6", "--csms", csms.url, "--id-prefix", "TERM-"]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", *words, "--summary", "s.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None and process.stderr.readline().startswith(b"PASS")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and b"Traceback" not in err
    assert b"1 passed, 0 failed, 1 not run: interrupted" in out
    assert [cell["verdict"] for cell in json.loads((tmp_path / "s.json").read_text())["cells"]] == ["PASS"]
