"""The one door: order of effects, garbage, late answers, clocks, and that a run can be repeated."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from simulator.blocks.token_cache import CACHE_ENABLED
from simulator.core import inputs as i
from simulator.core.effects import RawSend, Record, Send
from simulator.core.model import HardwareSpec, ModemSpec, RtcSpec
from simulator.core.records import CsmsCallHandled, QueueDepth, StrayAnswer, ViolationSeen
from simulator.core.station import Station
from simulator.core.wall import parse_wall
from tests.bench import AT_ONCE, CAR, Lab, bench, build, each_version


def raw(lab: Lab, data: bytes) -> list[Any]:
    """A frame of the CSMS, whatever it is; what the station sends."""
    effects = lab.fleet.feed(lab.station, i.Frame(lab.station.link.number, data))
    return [json.loads(e.data) for e in effects if isinstance(e, Send | RawSend)]


@each_version
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"not json",
        b"{}",
        b"[]",
        b"[2]",
        b'[2,"a"]',
        b'[9,"a","b",{}]',
        b'[2,"a","Reset",null]',
        b'[2,"a","Reset",{"type":"Hard","type":"Soft"}] trailing',
        b"[" * 5_000 + b"]" * 5_000,
        b'[3,"nobody asked",{}]',
        b'[4,"nobody asked","X","",{}]',
    ],
    ids=lambda data: repr(data[:24]),
)
def test_garbage_does_no_harm(version: str, data: bytes) -> None:
    lab = bench(version)
    answers = raw(lab, data)
    assert all(answer[0] == 4 for answer in answers)
    assert lab.fleet.recorded(ViolationSeen) or lab.fleet.recorded(StrayAnswer)
    assert lab.charge().evse().flowing


@each_version
def test_an_answer_that_comes_twice_or_late(version: str) -> None:
    lab = bench(version)
    message_id = lab.csms.seen[0].message_id
    raw(lab, json.dumps([3, message_id, {}]).encode())
    assert [r.kind for r in lab.fleet.recorded(StrayAnswer)] == ["twice"]


@each_version
def test_frames_of_another_link_are_ignored(version: str) -> None:
    lab = bench(version)
    kind = "Soft" if version == "1.6" else "OnIdle"
    frame = json.dumps([2, "x", "Reset", {"type": kind}]).encode()
    assert lab.fleet.feed(lab.station, i.Frame(lab.station.link.number - 1, frame)) == []
    assert lab.fleet.feed(lab.station, i.LinkUp(77, "ocpp1.6")) == []
    assert lab.fleet.feed(lab.station, i.LinkDown(77, "closed")) == []
    assert lab.station.running and lab.station.link.is_up


def test_time_does_not_fall() -> None:
    station = Station("X", build(), seed=1, now=10)
    with pytest.raises(AssertionError, match="time does not fall"):
        station.feed(i.Tick(), 9)


@each_version
def test_a_run_can_be_repeated(version: str) -> None:
    def run(seed: int) -> list[tuple[int, bytes]]:
        lab = Lab(build(version, hardware=HardwareSpec(modem=ModemSpec(rtt_ms=(5, 200)))), seed=seed)
        sent: list[tuple[int, bytes]] = []
        watch = lab.fleet._observer

        def observe(st: Station, event: i.Input, effects: list[Any], now: int) -> None:
            sent.extend((now, e.data) for e in effects if isinstance(e, Send))
            assert watch is not None
            watch(st, event, effects, now)

        lab.fleet._observer = observe
        lab.boot().run(5)
        lab.plug().present().run(200)
        lab.present().unplug().run(100)
        return sent

    assert run(1) == run(1)
    assert run(1) != run(2)


@each_version
def test_time_stamps_of_before_the_first_synchronisation_are_repaired(version: str) -> None:
    hardware = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(battery=False, drift_ppm=0.0))
    lab = Lab(build(version, hardware=hardware, free_vend=True))
    lab.fleet.cut(lab.station)
    lab.boot().plug(ev=CAR).run(60)
    assert lab.evse().flowing
    lab.fleet.mend(lab.station)
    lab.run(120)
    begun = parse_wall(lab.session().begin["timestamp"])
    # the CSMS tells the time in milliseconds
    assert begun is not None and abs(begun - lab.fleet.epoch_us) <= 1_000


@each_version
def test_requests_are_on_record(version: str) -> None:
    lab = bench(version)
    lab.ask("ClearCache")
    lab.ask("Dance")
    handled = [(r.action, r.outcome) for r in lab.fleet.recorded(CsmsCallHandled)]
    assert handled == [("ClearCache", "ok"), ("", "callerror")], "a name that nobody knows is no label"


@each_version
def test_a_lenient_product_takes_what_it_can(version: str) -> None:
    kind = {"type": "Soft" if version == "1.6" else "OnIdle", "surprise": 1}
    strict = bench(version).ask("Reset", **kind)
    assert isinstance(strict, list)
    lab = bench(version, lenient=True)
    assert lab.ask("Reset", **kind) == {"status": "Accepted"}
    assert lab.fleet.recorded(ViolationSeen)


@each_version
def test_a_broken_answer_of_the_csms_is_on_record_and_used_as_far_as_possible(version: str) -> None:
    lab = Lab(build(version))
    lab.csms.script["BootNotification"] = lambda csms, payload: csms.on_BootNotification(payload) | {"extra": True}
    lab.boot()
    assert lab.station.gate == "accepted"
    assert [r.action for r in lab.fleet.recorded(ViolationSeen)] == ["BootNotification"]


@each_version
def test_the_queue_depth_is_told_when_it_changes(version: str) -> None:
    lab = bench(version).charge()
    lab.fleet.cut(lab.station)
    lab.run(200).present().run(1)
    depths = [r.waiting for r in lab.fleet.recorded(QueueDepth)]
    assert depths and all(a != b for a, b in pairwise(depths))


@each_version
def test_a_write_that_flash_refuses(version: str) -> None:
    lab = bench(version).inject("flash.read_only")
    if version == "1.6":
        assert lab.ask("ChangeConfiguration", key="HeartbeatInterval", value="77") == {"status": "Rejected"}
    assert not lab.station.write_setting(CACHE_ENABLED, False)
    assert lab.station.settings[CACHE_ENABLED] is True


def test_an_unknown_fault_is_a_remark(lab: Lab) -> None:
    lab.feed(i.Inject("f", "meter.gremlin")).feed(i.Clear("nothing"))
    assert "meter.gremlin" in lab.remarks()[0] and "nothing" in lab.remarks()[1]


def test_a_register_that_is_never_0_and_the_same_for_the_same_id() -> None:
    registers = {Station(f"S{n}", build(), seed=n).board.meters[0].physical_wh(0) for n in range(20)}
    assert len(registers) == 20 and min(registers) >= 1_000
    again = {Station(f"S{n}", build(), seed=99).board.meters[0].physical_wh(0) for n in range(20)}
    assert registers == again
    assert Station("X", build(initial_register_wh=0.0), seed=1).board.meters[0].physical_wh(0) == 0


def test_each_meter_of_a_station_has_its_own_past() -> None:
    registers = [meter.physical_wh(0) for meter in Station("S1", build(evses=3), seed=1).board.meters]
    assert len(set(registers)) == 3 and min(registers) >= 1_000
    assert registers[0] == Station("S1", build(), seed=1).board.meters[0].physical_wh(0)


def test_records_are_effects(lab: Lab) -> None:
    effects = lab.fleet.feed(lab.station, i.Inject("f", "reader.dead"))
    assert any(isinstance(e, Record) for e in effects)
