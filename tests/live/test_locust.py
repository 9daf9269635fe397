"""Locust with the shipped locustfile against the reference CSMS: one process, a master with workers, and wrong input.

Both sides count, and the counts have to be equal: what Locust's table says was answered is what the CSMS says it was
asked, to the last message, however the test ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.commands.load import command, run_locust
from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from simulator.ledger import Ledger
from simulator.resources import loadtests_dir

pytestmark = pytest.mark.live
STATIONS = 20
HOME = str(Path(__file__).resolve().parents[2])
BUSY = ("--charging=100%", "--session=10s", "--meter-interval=1s")


@pytest.fixture
def csms() -> Iterator[CsmsProcess]:
    with CsmsProcess(CsmsOptions(port=0, http_port=0)) as process:
        yield process


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": HOME}


def table(printed: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of the fullest of the JSON texts in ``printed``: workers print what they have not reported, too."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := printed.find("[\n", at)) >= 0:
        rows, at = decoder.raw_decode(printed, at)
        found.append({(row["method"], row["name"]): row for row in rows})
    return max(found, key=lambda one: sum(row["num_requests"] for row in one.values()))


def check_against(csms: CsmsProcess, rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    """No failure, every count equal on both sides, response times as they can be."""
    health = csms.request("GET", "/healthz")
    assert health["stations"] == STATIONS and health["connected"] == 0
    assert health["violations"] == 0 and health["transactions_open"] == 0
    counts = {key: row["num_requests"] for key, row in rows.items()}
    assert counts["OCPP1.6", "BootNotification"] == counts["WS", "connect"] == STATIONS
    assert sum(count for (method, _), count in counts.items() if method == "OCPP1.6") == health["calls"]
    booked = csms.request("GET", "/api/transactions?limit=1000")["transactions"]
    assert len(booked) == counts["OCPP1.6", "StartTransaction"] == counts["OCPP1.6", "StopTransaction"] > 0
    assert counts["OCPP1.6", "StatusNotification"] > 2 * STATIONS
    for row in rows.values():
        assert row["num_failures"] == 0, row
        assert sum(row["response_times"].values()) == row["num_requests"]
        mean_ms = row["total_response_time"] / row["num_requests"]
        assert 0 < row["min_response_time"] <= mean_ms * 1.04 <= row["max_response_time"] * 1.08 < 5000


def wait(what: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def test_cpfarm_load_until_ctrl_c(csms: CsmsProcess) -> None:
    words = [sys.executable, "-c", "from simulator.cli import main; main()", "load", f"--csms={csms.url}"]
    words += ["-u", str(STATIONS), "-r", str(STATIONS), "--metrics-port=off", *BUSY, "--", "--only-summary", "--json"]
    with subprocess.Popen(
        words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            wait(lambda: csms.request("GET", "/healthz")["transactions_open"] >= STATIONS // 2)
            os.killpg(child.pid, signal.SIGINT)  # as a terminal does
            printed, said = child.communicate(timeout=20)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    assert child.returncode == 0, said.decode()
    check_against(csms, table(printed.decode()))


def test_workers_share_the_stations_and_lose_no_figure(csms: CsmsProcess, tmp_path: Path) -> None:
    ledger = tmp_path / "run.sqlite"
    words = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(loadtests_dir() / "locustfile.py"),
        "--headless",
        "--host",
        csms.url,
    ]
    words += [
        "-u",
        str(STATIONS),
        "-r",
        str(STATIONS),
        "-t",
        "4s",
        "--processes",
        "2",
        "--only-summary",
        "--json",
        *BUSY,
    ]
    words += ["--id-prefix=L", "--metrics-port=0", f"--ledger={ledger}"]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    check_against(csms, rows)
    ids = {station["id"] for station in csms.request("GET", "/api/stations?limit=100")["stations"]}
    assert ids == {f"L{worker:02d}-{number:05d}" for worker in (0, 1) for number in range(1, STATIONS // 2 + 1)}
    assert [path.name for path in tmp_path.iterdir()] == ["run.sqlite"]
    with Ledger.open(ledger) as whole:
        counts = dict(whole.query("SELECT action, sum(count) FROM calls GROUP BY action"))
    assert counts == {name: row["num_requests"] for (method, name), row in rows.items() if method != "WS"}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({}, 2, "no CSMS: add --host URL or --target FILE"),
        ({"host": "ws://127.0.0.1:9", "profile": "abb/terra-xx"}, 2, "profile"),
        ({"host": "ws://127.0.0.1:9", "users": 2, "run-time": "1s", "metrics-port": "off"}, 3, "no station booted"),
    ],
)
def test_exit_codes_are_those_of_a_run(
    options: dict[str, Any], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_locust(command({**options, "headless": True}, ["--only-summary"]), "a-secret") == code
    printed = "".join(capfd.readouterr())
    assert said in printed and "a-secret" not in printed


def test_the_page_of_locust_stays_on_this_machine() -> None:
    assert "--web-host=127.0.0.1" in command({"headless": False}, [])
    assert "--web-host=127.0.0.1" not in command({"headless": False}, ["--web-host=10.0.0.1"])
    assert command({"users": 5, "fire-events": True, "shape": None}, ["--csv", "x"])[5:] == [
        "--users=5",
        "--fire-events",
        "--web-host=127.0.0.1",
        "--csv",
        "x",
    ]
