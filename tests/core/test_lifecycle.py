"""A station's own timers: boot, hold-up, the end of a run."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core import lifecycle
from simulator.core.effects import Dial, Hangup
from simulator.core.model import HardwareSpec
from simulator.core.records import PhaseChanged
from simulator.core.reports import SecurityEvent
from simulator.core.station import Station
from simulator.core.wiring import TIMERS
from tests.bench import AT_ONCE, Lab, bench, build, each_version


@each_version
def test_the_first_power_on_finds_it_booted(version: str) -> None:
    station = Station("X", build(version), seed=1)
    assert not station.running and station.next_deadline() is None
    station.feed(i.PowerOn(), 0)
    assert station.next_deadline() == 0
    effects = station.feed(i.Tick(), 0)
    (dial,) = [e for e in station.feed(i.Tick(), station.next_deadline() or 0) + effects if isinstance(e, Dial)]
    assert dial.subprotocols == (station.dialect.subprotocol,)


def test_a_fuse_is_no_farewell(lab: Lab) -> None:
    effects = lab.fleet.feed(lab.station, i.PowerOff())
    assert [e.how for e in effects if isinstance(e, Hangup)] == ["vanish"]
    assert not lab.station.powered and not lab.station.running
    lab.forget().run(100)
    assert lab.csms.actions() == []
    lab.feed(i.PowerOn(), 30)
    assert lab.csms.actions()[0] == "BootNotification"


def test_power_off_twice_and_on_twice(lab: Lab) -> None:
    lab.feed(i.PowerOff()).feed(i.PowerOff()).feed(i.PowerOn()).feed(i.PowerOn(), 60)
    assert lab.station.boot_no == 2


@pytest.mark.parametrize("holdup_s, running", [(0.0, False), (5.0, True)])
def test_hold_up(holdup_s: float, running: bool) -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, holdup_s=holdup_s)).inject("supply.mains_outage").run(4)
    assert lab.station.running is running
    lab.run(2)
    assert not lab.station.running


def test_without_mains_there_is_no_boot(lab: Lab) -> None:
    lab.feed(i.PowerOff()).inject("supply.mains_outage").feed(i.PowerOn(), 100)
    assert not lab.station.powered
    lab.clear().run(30)
    assert lab.station.running


def test_a_cut_while_booting(lab: Lab) -> None:
    lab.ask("Reset", type="Hard")
    lab.run(5).inject("supply.mains_outage").run(60)
    assert not lab.station.running
    lab.clear().run(30)
    assert lab.station.running and lab.station.boot_reason == "PowerUp"


@each_version
def test_leaving_hangs_up_when_everything_is_said(version: str) -> None:
    lab = bench(version)
    lab.feed(i.Leave(lab.fleet.now + 60_000_000))
    assert lab.station.link.state == "down"
    assert lab.fleet.recorded(PhaseChanged)[-1].phase == "off"
    lab.forget().run(1000)
    assert lab.csms.actions() == []


@each_version
def test_leaving_waits_for_a_session_but_not_for_ever(version: str) -> None:
    lab = bench(version).charge().feed(i.Leave(lab_deadline(60)))
    lab.run(10)
    assert lab.station.link.is_up
    lab.present().run(1)
    assert lab.station.link.state == "down" and lab.session().end is not None
    other = bench(version).charge().feed(i.Leave(lab_deadline(60)), 70)
    assert other.station.link.state == "down" and other.session().end is None


def lab_deadline(seconds: int) -> int:
    """A moment in microseconds."""
    return seconds * 1_000_000


def test_phases_for_the_gauge(lab: Lab) -> None:
    lab.charge().present().unplug().run(1).inject("protection.rcd_trip", 1).clear()
    lab.fleet.cut(lab.station)
    lab.run(1)
    phases = [r.phase for r in lab.fleet.recorded(PhaseChanged)]
    assert phases == ["connecting", "pending", "available", "charging", "available", "faulted", "available", "offline"]


def test_something_unknown_to_perform(lab: Lab) -> None:
    lab.feed(i.Perform("dance"))
    assert lab.remarks() == ["nothing known to perform as 'dance'"]


def test_a_station_that_never_booted_ignores_readers(lab: Lab) -> None:
    idle = Lab(build())
    idle.present().feed(i.Press("stop", 1)).run(10)
    assert idle.remarks() == [] and idle.csms.actions() == []


@pytest.mark.parametrize("name", ["boot", "holdup", "dial", "dial_bound", "ping", "pong", "call", "retry", "leave"])
def test_the_timers_of_the_station_itself(name: str) -> None:
    assert TIMERS[name].__module__ == lifecycle.__name__


def test_a_station_that_never_got_through_leaves_at_once() -> None:
    """What it would tell (here that it was refused) cannot be delivered: nobody has to wait for it."""
    lab = Lab(build("2.0.1"))
    lab.fleet.paths[0].refuse = "http_status"
    lab.feed(i.PowerOn())
    lab.run(5)
    lab.station.publish(SecurityEvent("FailedToAuthenticateAtCsms", lab.station.stamp()))
    lab.feed(i.Leave(lab.fleet.now + 60_000_000))
    assert lab.station.link.held
