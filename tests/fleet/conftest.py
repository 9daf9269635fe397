"""Fixtures for what opens sockets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from tests.fleet.loopback import SINK, Run
from tests.wire import pki

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test's coroutine on one of the loops, and no longer than ten seconds."""
    if request.param == "uvloop" and uvloop is None:
        pytest.skip("uvloop is not installed")

    def runner(coroutine: Coroutine[Any, Any, None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(10):
                await coroutine

        make = None if request.param == "asyncio" else uvloop.new_event_loop
        with asyncio.Runner(loop_factory=make) as loop_runner:
            loop_runner.run(bounded())

    return runner


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    if not pki.available():
        pytest.skip("the openssl command is missing")
    return pki.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def sink_port() -> Iterator[int]:
    with subprocess.Popen([sys.executable, *SINK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        yield int(process.stdout.readline().split()[-1])
        process.stdin.close()
        assert process.wait(10) == 0
