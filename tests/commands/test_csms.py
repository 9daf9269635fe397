"""`cpfarm csms` as somebody starts it: what it says, what it refuses, how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.commands.conftest import Cpfarm

pytestmark = pytest.mark.live


def test_it_says_where_it_is_and_ends_with_ctrl_c() -> None:
    words = [sys.executable, "-m", "simulator", "csms", "--port", "0", "--http-port", "0", "--boot", "pending"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        line = running.stdout.readline()
        assert line.startswith("TEST TARGET, not for production")
        found = re.search(r"http://[\w.:]+", line)
        assert found is not None
        with urllib.request.urlopen(found[0] + "/api/boot", timeout=5) as answer:
            assert json.load(answer)["status"] == "pending"
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0 and running.stderr.read() == ""


def test_the_file_server_stands_beside_the_http_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        # five ports that are hardly anybody's: below those that systems deal out by themselves
        free = 20_000 + probe.getsockname()[1] % 12_000
    words = [sys.executable, "-m", "simulator", "csms", "--port", "0", "--http-port", str(free)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)}) as running:
        assert running.stdout is not None
        running.stdout.readline()
        assert f"http://127.0.0.1:{free + 1} " in running.stdout.readline()
        running.send_signal(signal.SIGINT)


def test_a_port_that_is_taken(cpfarm: Cpfarm) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for words in (("--port", port, "--http-port", 0), ("--port", 0, "--http-port", port)):
            told = cpfarm("csms", *words)
            assert (told.code, told.err) == (
                2,
                f"cpfarm csms: cannot start: 127.0.0.1:{port}: address already in use\n",
            )


def test_words_it_does_not_know(cpfarm: Cpfarm) -> None:
    told = cpfarm("csms", "--boot", "acceptd")
    assert told.code == 2 and "did you mean 'accepted'?" in told.err and told.err.count("\n") == 1
    told = cpfarm("csms", "--passwords", "none.csv", "--port", 0, "--http-port", 0)
    assert told.code == 2 and "none.csv" in told.err and "Traceback" not in told.err
