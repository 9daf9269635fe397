"""Boot: refused first, pending first."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.tester import Tester

#: a station may be this much later than its interval, s
GRACE_S = 5.0


def _accepted_and_beating(t: Tester, step_status: int, step_beat: int) -> None:
    """All connectors are told as available, then heartbeats keep their interval."""
    t.statuses(step_status, {}, others="Available")
    every_s = t.tool.heartbeat_interval_s
    t.expect(step_beat, "Heartbeat", within_s=every_s + GRACE_S)
    t.expect(step_beat, "Heartbeat", after_s=every_s - GRACE_S, within_s=every_s + GRACE_S)


@case("TC_001")
def refused_first(t: Tester) -> None:
    """A refused boot is repeated after the interval, an accepted one tells statuses and beats."""
    retry_s = t.tool.boot_retry_s
    t.answer_next("BootNotification", {"status": "Rejected", "interval": retry_s})
    t.power_cycle()
    t.expect(1, "BootNotification", within_s=300)
    t.expect(3, "BootNotification", after_s=retry_s - 1.0, within_s=retry_s + GRACE_S)
    _accepted_and_beating(t, 5, 7)


@case("TC_002")
def pending_first(t: Tester) -> None:
    """While pending the tool reads and writes the configuration."""
    retry_s = t.tool.boot_retry_s
    t.answer_next("BootNotification", {"status": "Pending", "interval": retry_s})
    t.power_cycle()
    t.expect(1, "BootNotification", within_s=300)
    began_us = t.rig.now_us
    t.call(4, "GetConfiguration", {})
    change = {"key": "MeterValueSampleInterval", "value": str(t.tool.sample_interval_s)}
    t.call(6, "ChangeConfiguration", change, status="Accepted")
    gone_s = (t.rig.now_us - began_us) / 1e6
    t.expect(7, "BootNotification", after_s=retry_s - 1.0 - gone_s, within_s=retry_s + GRACE_S)
    _accepted_and_beating(t, 9, 11)
