"""The virtual driver: time, network, planned inputs, and a CSMS that answers late, twice, wrongly or never."""

from __future__ import annotations

import json

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.model import ModemSpec
from simulator.core.station import Station
from simulator.fleet import virtual
from simulator.fleet.virtual import VirtualFleet
from simulator.lab.csms import SILENT, CallError, LabCsms, Late, Raw, Stranger, Twice
from tests.core.build import VERSIONS, model, rig

each_version = pytest.mark.parametrize("version", VERSIONS)


def test_planned_inputs_come_in_order_of_time_and_of_planning() -> None:
    seen: list[tuple[int, i.Input]] = []
    fleet = VirtualFleet(observer=lambda st, event, effects, now: seen.append((now, event)))
    station = Station("CP1", model(), seed=1)
    fleet.add(station)
    fleet.at(2_000_000, station, i.Plug(1))
    fleet.at(1_000_000, station, i.PowerOn())
    fleet.at(2_000_000, station, i.Present("A"))
    fleet.run(3)
    kinds = [(now, type(event)) for now, event in seen if not isinstance(event, i.Tick | i.LinkUp | i.Frame)]
    assert kinds == [(1_000_000, i.PowerOn), (2_000_000, i.Plug), (2_000_000, i.Present)]
    assert fleet.now == 3_000_000


def test_time_jumps_over_what_does_not_happen() -> None:
    steps = []
    fleet = VirtualFleet(observer=lambda st, event, effects, now: steps.append(now))
    station = Station("CP1", model(), seed=1)
    fleet.add(station)
    fleet.run(86_400 * 30)
    assert not steps and fleet.now == 86_400 * 30 * 1_000_000


def test_a_run_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "MAX_STEPS", 10)
    lab = rig()
    lab.feed(i.PowerOn())
    with pytest.raises(AssertionError, match="more than 10 steps"):
        lab.run(10_000)


def test_settle_says_whether_it_got_there() -> None:
    lab = rig()
    lab.feed(i.PowerOn())
    assert lab.fleet.settle(10, lambda: lab.station.gate == "accepted")
    assert not lab.fleet.settle(10, lambda: False)
    assert lab.fleet.now <= 12_000_000


@pytest.mark.parametrize("range_ms", [(10, 10), (100, 100), (50, 150)])
def test_a_round_trip_is_within_the_modem_s_range_and_the_same_in_every_run(range_ms: tuple[int, int]) -> None:
    took = []
    for _ in range(2):
        lab = rig(modem=ModemSpec(rtt_ms=range_ms)).boot(5)
        took.append([c.took_us for c in lab.records(r.CallFinished)])
    assert took[0] == took[1]
    assert all(range_ms[0] * 1000 <= t <= range_ms[1] * 1000 + 2 for t in took[0])


def test_stations_do_not_share_a_network() -> None:
    fleet = VirtualFleet()
    stations = [Station(f"CP{n}", model(), seed=1) for n in range(3)]
    for station in stations:
        fleet.add(station)
        fleet.feed(station, i.PowerOn())
    fleet.run(5)
    fleet.cut(stations[1])
    fleet.run(5)
    assert [st.link.is_up for st in stations] == [True, False, True]
    assert fleet.index_of(stations[2]) == 2
    assert fleet.csms(stations[0]) is not fleet.csms(stations[2])


@each_version
def test_a_cut_is_noticed_and_mended(version: str) -> None:
    lab = rig(version).boot()
    lab.cut()
    assert [d.cause for d in lab.records(r.Disconnected)] == ["reset"]
    lab.run(100)
    assert {c.cause for c in lab.records(r.ConnectFailed)} == {"timeout"}
    lab.back(1)
    assert [c.again for c in lab.records(r.Connected)] == [False, True]


@each_version
def test_a_silent_cut_is_found_by_a_ping(version: str) -> None:
    lab = rig(version, settings={"WebSocketPingInterval": 10}).boot()
    lab.cut(silently=True)
    lab.run(5)
    assert lab.station.link.is_up, "nobody can know yet"
    lab.run(30)
    assert [d.cause for d in lab.records(r.Disconnected)] == ["local_reset"]


@each_version
def test_nothing_arrives_over_a_cut_path(version: str) -> None:
    lab = rig(version, modem=ModemSpec(rtt_ms=(1000, 1000)))
    lab.feed(i.PowerOn())
    lab.run(0.5)
    lab.cut(silently=True)
    lab.run(10)
    assert not lab.station.link.is_up, "a handshake was finished without a network"
    lab.run(25)
    assert [c.cause for c in lab.records(r.ConnectFailed)] == ["timeout"]


@each_version
def test_a_refused_dial_names_its_cause(version: str) -> None:
    lab = rig(version)
    path = lab.fleet.paths[0]
    path.refuse = "refused"
    lab.boot()
    assert [c.cause for c in lab.records(r.ConnectFailed)] == ["refused"]
    path.refuse = ""
    lab.run(30)
    assert lab.station.link.is_up


@each_version
def test_the_csms_calls_and_gets_its_answer(version: str) -> None:
    lab = rig(version).boot()
    assert lab.fleet.ask(lab.station, "ClearCache", {})["status"] in ("Accepted", "Rejected")
    lab.cut()
    assert lab.fleet.ask(lab.station, "ClearCache", {}, seconds=1) is None


# -- the scripted CSMS misbehaves


def beat(lab) -> list[r.CallFinished]:
    """Have the station send one heartbeat; what became of it."""
    lab.fleet.ask(lab.station, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    lab.run(60)
    return [c for c in lab.records(r.CallFinished) if c.action == "Heartbeat"][:1]


NOW = {"currentTime": "2026-03-01T00:00:10Z"}


@each_version
@pytest.mark.parametrize(
    ("reply", "outcome", "stray"),
    [
        (NOW, "ok", None),
        (SILENT, "timeout", None),
        (CallError("InternalError", "no"), "callerror", None),
        (Raw('[3,"{id}",{"currentTime":7}]'), "callerror", None),
        (Raw("][", ), "timeout", None),
        (Late(2, NOW), "ok", None),
        (Late(40, NOW), "timeout", "late"),
        (Late(2, CallError("GenericError")), "callerror", None),
        (Twice(NOW), "ok", "twice"),
        (Stranger(NOW), "timeout", "unknown_id"),
    ],
)  # fmt: skip
def test_a_misbehaving_csms_is_survived_and_counted(
    version: str, reply: object, outcome: str, stray: str | None
) -> None:
    lab = rig(version).boot()
    lab.csms.script["Heartbeat"] = lambda csms, payload: reply
    (done,) = beat(lab)
    assert done.outcome == outcome
    assert [s.kind for s in lab.records(r.StrayAnswer)] == ([stray] if stray else [])
    lab.csms.script.clear()
    assert lab.station.link.is_up
    assert lab.station.outbox.in_flight is None


def test_the_csms_survives_a_station_that_talks_garbage() -> None:
    csms = LabCsms("ocpp1.6")
    garbage = [
        b"",
        b"null",
        b"{}",
        b"[2]",
        b'[2,"a","b",7]',
        b"\xff",
        b"[" * 100_000,
        b'[7,"a",{}]',
        b'[2,1,"Heartbeat",{}]',
    ]
    for data in garbage:
        assert csms.receive(data, 0) == []
    assert [s.kind for s in csms.seen] == [0] * len(garbage)
    (answer,) = csms.receive(b'[2,"a","Heartbeat",{}]', 0)
    assert json.loads(answer)[:2] == [3, "a"]


def test_the_sound_csms_gives_a_repeated_start_the_same_id() -> None:
    csms = LabCsms("ocpp1.6")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-03-01T00:00:00Z"}
    first = csms.sound("StartTransaction", start)
    assert csms.sound("StartTransaction", dict(start))["transactionId"] == first["transactionId"]
    assert csms.sound("StartTransaction", {**start, "connectorId": 2})["transactionId"] != first["transactionId"]
    assert csms.clock_error_us("2026-03-01T00:00:01Z") == 1_772_323_201_000_000


def test_a_narrow_link_takes_its_time_for_every_byte() -> None:
    lab = rig(modem=ModemSpec(rtt_ms=(100, 100), bandwidth_kb_s=5.0))
    lab.boot()
    (now, _, data), (answered, _, answer) = lab.frames[:2]
    # there: half a round trip and 0.2 ms for each byte; back the same
    assert answered - now == 100_000 + 200 * (len(data) + len(answer))
