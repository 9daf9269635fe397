"""Jobs: who is told, numbers that are never used twice, and what a reboot forgets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core import jobs
from simulator.core.records import Remark
from simulator.core.station import Station
from tests.core.build import rig

Told = list[tuple[int, i.JobProgress | i.JobDone]]


@pytest.fixture
def told() -> Iterator[Told]:
    heard: Told = []

    @jobs.on_job("test.owner")
    def hear(st: Station, number: int, event: Any, now: int) -> None:
        heard.append((number, event))

    yield heard
    del jobs.OWNERS["test.owner"]


def test_the_owner_hears_of_progress_and_of_one_end(told: Told) -> None:
    lab = rig().boot()
    lab.station._effects = []
    number = jobs.start(lab.station, "download", "test.owner", {"url": "http://x/y"})
    assert number == 1 and lab.station._effects == [e.Job(1, "download", {"url": "http://x/y"})]
    lab.feed(i.JobProgress(1, 5, 10), i.JobDone(1, True, {"bytes": 10}), i.JobDone(1, True, {}))
    assert told == [(1, i.JobProgress(1, 5, 10)), (1, i.JobDone(1, True, {"bytes": 10}))]


def test_a_reboot_forgets_jobs_but_not_their_numbers(told: Told) -> None:
    lab = rig().boot()
    jobs.start(lab.station, "probe", "test.owner", {})
    lab.feed(i.Perform("reboot"))
    lab.run(60)
    lab.feed(i.JobDone(1, True, {}))
    assert not told and not [r for r in lab.records(Remark) if "job" in r.text]
    assert jobs.start(lab.station, "probe", "test.owner", {}) == 2


def test_a_forgotten_job_is_not_heard_of(told: Told) -> None:
    lab = rig().boot()
    jobs.forget(lab.station, jobs.start(lab.station, "probe", "test.owner", {}))
    jobs.forget(lab.station, None)
    lab.feed(i.JobDone(1, False, {}))
    assert not told


def test_a_job_nobody_started_is_on_record() -> None:
    lab = rig().boot()
    lab.feed(i.JobDone(9, True, {}))
    assert [r.text for r in lab.records(Remark)] == ["end of unknown job 9 ignored"]


def test_there_is_an_end_to_jobs_at_a_time(told: Told) -> None:
    lab = rig().boot()
    numbers = [jobs.start(lab.station, "probe", "test.owner", {}) for _ in range(jobs.MAX_JOBS + 1)]
    assert numbers == [*range(1, jobs.MAX_JOBS + 1), None]


def test_two_owners_of_one_name_are_refused(told: Told) -> None:
    with pytest.raises(AssertionError, match=r"test\.owner"):
        jobs.on_job("test.owner")(lambda *_: None)
