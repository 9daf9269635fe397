"""The watchdog: a station that reboots with that reason, once, or again and again."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.watchdog import watchdog
from tests.core.build import VERSIONS, rig


@pytest.mark.parametrize("version", VERSIONS)
def test_a_leak_ends_in_a_restart_with_that_reason(version: str) -> None:
    lab = rig(version).boot()
    lab.charge()
    assert not watchdog(lab.station, lab.fleet.now)
    lab.feed(i.Inject("f", "controller.memory_leak", 0, {"lasts_s": 300.0}))
    lab.run(290)
    assert len(lab.records(r.Booted)) == 1 and lab.station.evses[0].tx is not None
    late = lab.fleet.call(lab.station, "ClearCache", {})
    lab.run(2)
    assert late not in lab.csms.answers, "it has become slow"
    lab.run(60)
    booted = lab.records(r.Booted)
    assert len(booted) == 2 and booted[-1].reason == "Watchdog"
    lab.feed(i.Clear("f"))
    lab.run(600)
    assert len(lab.records(r.Booted)) == 2


def test_a_crash_loop_goes_on_until_it_is_cleared() -> None:
    lab = rig("2.0.1").boot()
    lab.feed(i.Inject("f", "controller.crash_loop", 0, {"after_s": 3.0}))
    lab.run(200)
    boots = len(lab.records(r.Booted))
    assert boots >= 5
    lab.feed(i.Clear("f"))
    lab.run(100)
    assert lab.station.gate == "accepted" and len(lab.records(r.Booted)) <= boots + 1


def test_a_slow_processor_answers_late_and_in_order() -> None:
    lab = rig("1.6").boot()
    lab.feed(i.Inject("f", "controller.slow_cpu", 0, {"delay_ms": 2_000}))
    asked = [lab.fleet.call(lab.station, "ClearCache", {}) for _ in range(3)]
    lab.run(1.9)
    assert not set(asked) & set(lab.csms.answers)
    lab.run(1)
    answers = [seen.message_id for seen in lab.csms.seen if seen.direction == "cp" and seen.kind == 3]
    assert answers == asked
