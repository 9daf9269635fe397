"""A run that fails, by our fault or its story's: exit code, what is written all the same, nothing left behind."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import GeneratorLimit
from simulator.fleet import limits
from simulator.fleet.check import check_station
from simulator.fleet.run import Run, RunOptions, target_port
from simulator.fleet.target import make_target
from tests.fleet.manual import plan_of

pytestmark = pytest.mark.live


def alive(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_error_of_ours_ends_it_with_all_that_is_known(tmp_path: Path) -> None:
    seen: list[int | None] = []

    async def story(run: Run) -> None:
        assert run.farm is not None and run.csms is not None
        seen.append(run.csms.pid)
        try:
            run.farm.live.feed(run.farm.live.seats[0], "no input at all")  # type: ignore[arg-type]
        except KeyError:
            pass  # this is how a driver hears of it; the fleet has stopped
        await asyncio.Event().wait()

    options = RunOptions("cpfarm run", http_port=None, summary=tmp_path / "s.json", ledger=tmp_path / "l.sqlite")
    run = Run(plan_of(count=2), options, None, story)
    summary = run.execute()
    assert summary["exit_code"] == 70 and isinstance(run.our_error, KeyError)
    assert "An error of cpfarm itself ended the run: KeyError." in summary["run"]["notes"]
    assert json.loads((tmp_path / "s.json").read_text())["exit_code"] == 70
    assert (tmp_path / "l.sqlite").stat().st_size > 0
    assert not alive(seen[0])


def test_a_story_that_fails_is_heard_and_the_csms_is_stopped() -> None:
    seen: list[int | None] = []

    async def story(run: Run) -> None:
        assert run.csms is not None
        seen.append(run.csms.pid)
        raise LookupError("the thread is lost")

    with pytest.raises(LookupError, match="the thread is lost"):
        Run(plan_of(count=1), RunOptions("cpfarm run", http_port=None), None, story).execute()
    assert not alive(seen[0])


def test_a_machine_that_is_too_small_is_told_before_anything_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise GeneratorLimit("too small")

    monkeypatch.setattr(limits, "check", refuse)
    run = Run(plan_of(count=1), RunOptions("cpfarm run", http_port=None))
    with pytest.raises(GeneratorLimit):
        run.execute()
    assert run.csms is None


@pytest.mark.parametrize(
    ("url", "port"), [("ws://h", 80), ("wss://h/x", 443), ("ws://h:81/x", 81), ("wss://[::1]:8443", 8443)]
)
def test_the_port_of_a_target(url: str, port: int) -> None:
    assert target_port(make_target({"url": url}, {}, base_dir=Path())) == port


def test_a_check_stops_at_the_step_that_fails() -> None:
    target = make_target({"url": "ws://127.0.0.1:9"}, {}, base_dir=Path())
    shown: list[str] = []
    steps = asyncio.run(check_station(plan_of(count=1), target, lambda step: shown.append(step.name)))
    assert [(step.name, step.ok) for step in steps] == [("name", True), ("connection", False)]
    assert shown == ["name", "connection"] and steps[1].text.startswith("refused: 127.0.0.1:9: ")
