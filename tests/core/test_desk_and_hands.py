"""What blocks use of a station, and what people and faults do to it, at the edges the block tests do not touch."""

from __future__ import annotations

import pytest

from simulator.core import desk, hands
from simulator.core import inputs as i
from simulator.core.records import FaultBegan, FaultEnded, Remark
from simulator.core.reports import SecurityEvent, Stamp
from simulator.core.station import Station
from simulator.fleet.virtual import VirtualFleet
from simulator.profile.compiled import compile_profile


def booted() -> tuple[VirtualFleet, Station]:
    fleet = VirtualFleet()
    station = Station("CP1", compile_profile("generic/ac-dual", "1.6"), seed=1, epoch_us=fleet.epoch_us)
    fleet.add(station)
    fleet.feed(station, i.PowerOn())
    fleet.run(2)
    return fleet, station


@pytest.mark.parametrize(("evse_id", "found"), [(-1, False), (0, False), (1, True), (2, True), (3, False)])
def test_an_evse_is_found_by_its_id_only(evse_id: int, found: bool) -> None:
    _, station = booted()
    evse = station.evse(evse_id)
    assert (evse is not None) is found
    assert evse is None or evse.evse_id == evse_id


def test_a_stamp_from_before_the_first_synchronisation_is_repaired_in_its_own_boot_only() -> None:
    fleet, station = booted()
    moment = station.now - 60_000_000
    unsynced = Stamp(moment, 5, False, station.boot_no)
    assert abs(station.wall_of(unsynced) - (fleet.epoch_us + moment)) < 1_000_000
    assert station.wall_of(Stamp(moment, 5, False, station.boot_no - 1)) == 5
    assert station.wall_of(Stamp(moment, 5, True, station.boot_no)) == 5


def test_what_is_held_back_is_bounded() -> None:
    """A quirk that holds everything cannot fill the memory: what is too much goes out at once."""
    _, station = booted()

    class Holder:
        def report(self, st: Station, report: object) -> tuple[int, object]:
            return st.now + 10_000_000, report

    import dataclasses

    seams = dataclasses.replace(station.model.seams, report=(Holder(),))
    station.model = dataclasses.replace(station.model, seams=seams)
    for _ in range(desk.MAX_HELD + 5):
        station.publish(SecurityEvent(kind="x", at=station.stamp()))
    assert len(station.held) == desk.MAX_HELD
    assert len(station.outbox.durable) == 5


def test_the_emergency_button_is_a_fault_with_a_begin_and_an_end() -> None:
    fleet, station = booted()
    fleet.feed(station, i.Press("emergency_stop"))
    assert [evse.status for evse in station.evses] == ["Faulted", "Faulted"]
    fleet.feed(station, i.Press("emergency_release"))
    assert [evse.status for evse in station.evses] == ["Available", "Available"]
    assert [type(r) for r in (*fleet.recorded(FaultBegan), *fleet.recorded(FaultEnded))] == [FaultBegan, FaultEnded]


def test_what_cannot_be_done_is_on_record_and_changes_nothing() -> None:
    fleet, station = booted()
    before = len(fleet.recorded(Remark))
    fleet.feed(station, i.Inject("f", "meter.no_such_fault"))
    fleet.feed(station, i.Inject("g", "rtc.drift", params={"ppm": "fast"}))
    fleet.feed(station, i.Clear("f"))
    fleet.feed(station, i.Press("stop", 1))
    remarks = [remark.text for remark in fleet.recorded(Remark)[before:]]
    assert len(remarks) == 4 and "no_such_fault" in remarks[0] and "ppm" in remarks[1]
    assert not station.board.active
    assert hands.present.__doc__


@pytest.mark.parametrize("speed", [1, 60])
def test_the_clock_of_a_real_csms_does_not_throw_a_fast_station_back(speed: int) -> None:
    epoch_us, off_us, second_us = 1_700_000_000_000_000, 5_000_000, 1_000_000
    station = Station("CP1", compile_profile("generic/ac-dual", "1.6"), seed=1, epoch_us=epoch_us, speed=speed)
    station.feed(i.PowerOn(), 0)
    for real_s in (1, 30, 31):  # its operator's clock is five seconds fast
        now = real_s * speed * second_us
        station.feed(i.Tick(), now)
        station.set_clock(epoch_us + real_s * second_us + off_us)
        assert station.board.rtc.wall(now) == epoch_us + now + off_us
