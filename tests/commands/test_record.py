"""`cpfarm record` between stations of ours and a CSMS: its trace is the stations' own."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.commands.record import address_of
from simulator.csms.process import CsmsProcess
from simulator.errors import AuthorError
from simulator.traces.read import read_trace
from tests.commands.conftest import Cpfarm

pytestmark = pytest.mark.live

PASSWORD = "not-to-be-written-27182"


@contextmanager
def recording(folder: Path, csms: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    words = ["record", "--csms", csms, "--listen", "ws://127.0.0.1:0", "--out", "between.jsonl"]
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as running:
        try:
            assert running.stdout is not None
            found = re.search(r"ws://[\w.:]+", running.stdout.readline())
            assert found is not None
            yield found[0], running
        finally:
            running.kill()


def by_station(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if row["messageType"] == "CONNECTION":
            continue
        what = ("ocppVersion", "direction", "messageType", "messageId", "action", "payload", "error")
        found.setdefault(row["chargePointId"], []).append(tuple(row.get(name) for name in what))
    return found


def test_the_trace_is_that_of_the_stations(cpfarm: Cpfarm, csms: CsmsProcess, tmp_path: Path) -> None:
    with recording(tmp_path, csms.url) as (url, running):
        told = cpfarm(
            "run", "--csms", url, "--count", 3, "--id-prefix", "REC-", "--charging", "100%", "--duration", "1s",
            "--session", "60s", "--password", PASSWORD, "--trace", "own.jsonl", "--http-port", "off",
        )  # fmt: skip
        assert told.code == 0, told.err
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=15)
    assert running.returncode == 0, err
    own, between = by_station(tmp_path / "own.jsonl"), by_station(tmp_path / "between.jsonl")
    assert len(own) == 3 and min(map(len, own.values())) >= 8
    assert between == own
    assert out.strip().endswith(f"{sum(map(len, own.values()))} frames of 3 stations in between.jsonl")
    assert err.count("connected, ocpp1.6") == 3 and err.count("the station closed 1000") == 3, err
    assert PASSWORD not in (tmp_path / "between.jsonl").read_text() + out + err
    trace = read_trace((tmp_path / "between.jsonl").read_text())
    assert [mark.what for mark in trace.marks if mark.station == trace.stations[0]] == ["opened", "closed"]


def test_what_is_wrong_with_the_words_is_said(cpfarm: Cpfarm, tmp_path: Path) -> None:
    url = ("--csms", "ws://127.0.0.1:9/")
    (tmp_path / "recorded.jsonl").write_text("somebody's")
    told = cpfarm("record", *url)
    assert (told.code, told.err) == (2, "cpfarm: --out: recorded.jsonl is there already and is not overwritten\n")
    assert "Missing option '--csms'" in cpfarm("record").err
    told = cpfarm("record", *url, "--listen", "ws://0.0.0.0:0", "--out", "x.jsonl")
    assert told.code == 2 and "--listen-anywhere" in told.err
    told = cpfarm("record", *url, "--listen", "wss://127.0.0.1:0", "--out", "x.jsonl")
    assert told.code == 2 and "--listen-cert with --listen-key go together" in told.err
    told = cpfarm("record", *url, "--listen", "wss://127.0.0.1:0", "--listen-cert", "c", "--listen-key", "k")
    assert told.code == 2 and "c with k cannot be used: No such file" in told.err
    assert not (tmp_path / "x.jsonl").exists()


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:9", "127.0.0.1:9", "ws://", "ws://127.0.0.1:9/ocpp", "ws://a:99999"]
)
def test_an_address_to_listen_on_is_ws_host_and_port(text: str) -> None:
    with pytest.raises(AuthorError, match="--listen"):
        address_of(text)
    assert address_of("ws://[::1]:9200/") == (False, "::1", 9200)
    assert address_of("ws://localhost") == (False, "localhost", 9100)
