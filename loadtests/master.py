"""What a load test has once, on the master or where there are no workers: the end, ledger, exit code and shape.

Locust gives its workers half a second for their last figures and then prints its table. Stations need longer, because
a session wants to be ended and a queue delivered. So the master asks its workers to finish before Locust begins to
stop, and waits for their word; each worker sends its last figures first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner
from locust.shape import LoadTestShape
from shapes import Want, Wish

import simulator
from simulator.ledger import Ledger
from simulator.report.checks import GENERATOR_LATE, NOBODY_BOOTED

LOG = logging.getLogger("cpfarm")
FINISH, FINISHED, CUT = "cpfarm-finish", "cpfarm-finished", "cpfarm-cut"
"""Messages between master and workers."""
END_S = 10.0
"""The end of a worker takes no longer than this."""
BAD_INPUT = 2


class Master:
    """What the master adds: it waits for the workers' last figures, and puts their ledgers together."""

    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        self.environment, self.runner = environment, runner
        self.ledger: Path | None = None
        self._told: dict[str, dict[str, Any]] = {}
        self._open, self._begun_utc_us = False, 0
        runner.register_message(FINISHED, self._finished)

    def begin(self, ledger: Path | None) -> None:
        """A test starts."""
        self.ledger, self._open, self._begun_utc_us = ledger, True, time.time_ns() // 1000
        self._told.clear()

    def _finished(self, environment: Environment, msg: Any, **_: object) -> None:
        self._told[msg.node_id] = msg.data
        if self._open and msg.data["exit_code"]:  # it gave up before anybody asked: the test cannot go on
            gevent.spawn(self.runner.quit)

    def finish(self) -> None:
        """Ask the workers to finish, and wait for them."""
        if not self._open:
            return
        self._open = False
        asked = list(self.runner.clients)
        self.runner.send_message(FINISH)
        deadline = time.monotonic() + END_S + 3.0
        while time.monotonic() < deadline:
            # One that has quit says nothing any more, but may have said it before.
            if all(node in self._told or node not in self.runner.clients for node in asked):
                break
            gevent.sleep(0.05)
        else:
            LOG.error("a worker did not finish in time; its last figures are missing")
        told = list(self._told.values())
        conclude(self.environment, told)
        parts = [Path(one["ledger"]) for one in told if one["ledger"] is not None]
        if self.ledger is not None and parts:
            self._put_together(self.ledger, parts)

    def _put_together(self, path: Path, parts: list[Path]) -> None:
        here = [part for part in parts if part.is_file()]
        for part in parts:
            if part not in here:
                LOG.warning("the ledger %s is on another machine and is left out", part)
        with Ledger(path) as whole:
            run = {"command": "load", "version": simulator.__version__, "workers": len(here)}
            whole.begin_run(run, start_us=0, start_utc_us=self._begun_utc_us, speed=1.0)
            whole.merge(here)
        for part in here:
            part.unlink()


def conclude(environment: Environment, told: list[dict[str, Any]]) -> None:
    """Say what went wrong and set the exit code, where Locust's own would not do."""
    for one in told:
        for problem in one["problems"]:
            LOG.error(problem)
    code = max([one["exit_code"] for one in told], default=0)
    if not code and any(one["problems"] for one in told):
        code = GENERATOR_LATE
    if not code and sum(one["stations"] for one in told) and not sum(one["booted"] for one in told):
        LOG.error("no station booted")
        code = NOBODY_BOOTED
    if code:
        environment.process_exit_code = max(code, environment.process_exit_code or 0)


class CurveShape(LoadTestShape):
    """One of the curves of ``shapes.py`` as Locust wants it. Not abstract, hence never imported by name elsewhere."""

    use_common_options = True

    def __init__(self, curve: Callable[[float, Wish], Want | None], wish: Wish) -> None:
        super().__init__()
        self._curve, self._wish, self._cuts = curve, wish, 0

    def reset_time(self) -> None:
        """A test starts."""
        super().reset_time()
        self._cuts = 0

    def tick(self) -> tuple[int, float] | None:
        """Users and rate; None at the end."""
        want = self._curve(self.get_run_time(), self._wish)
        if want is None:
            return None
        if want.cut > self._cuts and self.runner is not None:
            self._cuts = want.cut
            self.runner.send_message(CUT, None)
        return want.users, want.rate
