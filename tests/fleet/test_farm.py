"""A plan brought to life: ramp, drivers, timetable of faults, end; without a socket and without waiting."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.fleet.farm import DEFAULT_TOKENS, initial_password
from simulator.fleet.plan import FleetPlan
from simulator.fleet.state import StateDir
from tests.fleet import manual
from tests.fleet.manual import Rig, plan_of, plan_of_file

MakeRig = Callable[..., Rig]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> MakeRig:
    def make(plan: FleetPlan, target: dict[str, Any] | None = None, **more: Any) -> Rig:
        return Rig(monkeypatch, plan, target or {}, **more)

    return make


def test_stations_come_at_the_pace_of_the_ramp(rig: MakeRig) -> None:
    one = rig(plan_of(count=10, ramp={"rate": 2}))
    for second in range(5):
        one.loop.turn(0.9)
        assert len(one.transport.dials) == 2 * (second + 1)
        assert second == 4 or one.farm.settled_us is None
        one.loop.turn(0.1)
    one.loop.turn(1)
    assert len(one.farm.booted) == 10 and one.farm.settled_us is not None
    assert [dial.url for dial in one.transport.dials[:2]] == ["ws://csms.invalid/S-1", "ws://csms.invalid/S-2"]
    assert sum(one.metrics.stations.values()) == 10 and one.metrics.stations["available"] == 10


def test_a_station_that_never_boots_is_given_up_after_its_time(rig: MakeRig) -> None:
    one = rig(plan_of(count=2, ramp={"rate": 1}), boot_timeout_s=30.0)
    one.transport.away = True
    one.loop.turn(30)
    assert one.farm.settled_us is None and one.farm.still_has_time(1) and not one.farm.still_has_time(0)
    one.loop.turn(1.5)
    assert one.farm.settled_us == pytest.approx(31_000_000, abs=300_000)
    assert one.farm.booted == set() and not one.farm.still_has_time(1)


def test_drivers_keep_the_share_they_are_told(rig: MakeRig) -> None:
    one = rig(plan_of(count=60, ramp={"rate": 100}, charging="50%", session="10m", seed=3))
    one.loop.turn(120)
    shares = []
    for _ in range(40):
        one.loop.turn(60)
        shares.append(one.metrics.transactions_active / 60)
    assert 0.4 < sum(shares) / len(shares) < 0.6
    tokens = {row[0] for row in one.ledger.query("SELECT DISTINCT id_token FROM transactions")}
    assert len(tokens) > 20 and tokens <= set(DEFAULT_TOKENS)
    assert one.farm.live.failure is None


def test_tokens_come_from_the_target(rig: MakeRig) -> None:
    one = rig(plan_of(count=5, ramp={"rate": 100}, charging="100%", session="60s"), {"tokens": {"valid": ["A", "B"]}})
    one.loop.turn(300)
    assert {row[0] for row in one.ledger.query("SELECT DISTINCT id_token FROM transactions")} == {"A", "B"}


def test_the_timetable_counts_from_when_all_have_booted(rig: MakeRig, tmp_path: Path) -> None:
    faults = [
        {"fault": "meter.register_frozen", "at": "10s", "for": "5s", "target": {"count": 2}},
        {"fault": "rtc.drift", "at": "20s", "for": "2s", "every": "10s", "params": {"ppm": 9.0}},
    ]
    plan = plan_of_file(tmp_path, {"ramp": {"rate": 1}, "groups": [{"count": 4, "id": "S-{n}"}], "faults": faults})
    one = rig(plan)
    one.loop.turn(60)
    begin = one.farm.settled_us
    assert begin is not None and begin > 3_000_000
    rows = one.ledger.query(
        "SELECT fault, station_id, begin_us - ?, end_us - ? FROM faults ORDER BY begin_us", (begin,) * 2
    )
    frozen = [row for row in rows if row[0] == "meter.register_frozen"]
    assert len(frozen) == 2 and all(10e6 <= row[2] < 10.1e6 and 15e6 <= row[3] < 15.1e6 for row in frozen)
    drift = sorted({row[2] // 1_000_000 for row in rows if row[0] == "rtc.drift"})
    assert drift[:3] == [20, 30, 40]
    assert len([row for row in rows if row[0] == "rtc.drift"]) == 4 * len(drift)


def test_a_run_that_finishes_ends_every_session_and_says_goodbye(rig: MakeRig) -> None:
    one = rig(plan_of(count=20, ramp={"rate": 100}, charging="100%", session="10m", version="2.0.1"))
    one.loop.turn(60)
    assert one.metrics.transactions_active == 20
    one.finish()
    assert one.metrics.transactions_active == 0
    assert one.transactions() and all(row[1:] == (1, "answered", 0) for row in one.transactions())
    assert [connection.ended for connection in one.transport.connections] == ["close 1000"] * 20


def test_nobody_comes_and_nothing_breaks_once_the_end_has_begun(rig: MakeRig, tmp_path: Path) -> None:
    group = {"count": 10, "id": "S-{n}", "charging": "90%", "session": "20s"}
    faults = [{"fault": "rtc.drift", "at": "1s", "for": "1s", "every": "3s"}]
    one = rig(plan_of_file(tmp_path, {"ramp": {"rate": 100}, "groups": [group], "faults": faults}))
    one.loop.turn(40)
    one.transport.deaf = True  # so that the end takes its time
    begun = one.ledger.query("SELECT count(*) FROM transactions")
    broken = one.ledger.query("SELECT count(*) FROM faults")
    one.finish(drain_s=30.0)
    assert one.ledger.query("SELECT count(*) FROM transactions") == begun
    assert one.ledger.query("SELECT count(*) FROM faults") == broken


def test_what_is_not_delivered_in_time_is_counted(rig: MakeRig) -> None:
    one = rig(plan_of(count=3, ramp={"rate": 100}, charging="100%", session="10m"))
    one.loop.turn(60)
    one.transport.deaf = True
    begin = one.loop.time()
    one.finish(drain_s=5.0)
    assert 5.0 <= one.loop.time() - begin < 7.0
    rows = one.transactions()
    assert len(rows) == 3 and all(row[1] == 1 and row[2] in ("queued", "sent_unanswered") for row in rows), rows


@pytest.mark.parametrize("mode", ["disconnect", "power-cut"])
def test_other_ends_leave_sessions_open(rig: MakeRig, mode: str) -> None:
    one = rig(plan_of(count=4, ramp={"rate": 100}, charging="100%", session="10m"))
    one.loop.turn(60)
    one.finish(mode)
    assert [row[1] for row in one.transactions()] == [0] * 4
    said = {connection.ended for connection in one.transport.connections}
    assert said == ({"close 1000"} if mode == "disconnect" else {"vanish"})


def test_one_station_leaves_and_comes_back_with_what_it_had(rig: MakeRig) -> None:
    one = rig(plan_of(count=2, ramp={"rate": 100}, charging="100%", session="10m"))
    one.loop.turn(30)
    seat = one.seat("S-1")
    assert seat.phase == "charging"
    one.farm.leave("S-1", 5.0)
    one.farm.leave("S-1", 5.0)  # it is leaving already
    one.loop.turn(8)
    assert seat.phase == "off" and one.seat("S-2").phase == "charging"
    now = one.farm.clock.now()
    before = seat.station.board.meters[0].physical_wh(now)
    seat.station.board.flash.write("facts", "mark", "here", 8)
    assert one.farm.add_station(seat.plan) is seat
    one.loop.turn(5)
    assert 0 in one.farm.booted and seat.station.board.flash.get("facts", "mark") == "here"
    assert seat.station.board.meters[0].physical_wh(one.farm.clock.now()) >= before > 0
    with pytest.raises(AssertionError):
        one.farm.add_station(seat.plan)


def test_inject_and_clear_by_name(rig: MakeRig) -> None:
    one = rig(plan_of(count=1))
    one.loop.turn(2)
    one.farm.inject("S-1", "x", "meter.no_readings", 0, {})
    one.loop.turn(1)
    assert one.seat("S-1").phase == "faulted" and one.metrics.faults_active == {"meter.no_readings": 1}
    one.farm.clear("S-1", "x")
    one.farm.clear("S-1", "x")
    one.loop.turn(1)
    assert one.seat("S-1").phase == "available" and one.metrics.faults_active == {"meter.no_readings": 0}


def test_state_is_kept_and_taken_up(rig: MakeRig, tmp_path: Path) -> None:
    plan = plan_of(count=3, ramp={"rate": 100}, charging="100%", session="10m")
    one = rig(plan, state=StateDir(tmp_path))
    one.loop.turn(120)
    one.finish("power-cut")
    wh = [one.seat(f"S-{n}").station.board.meters[0].physical_wh(one.farm.clock.now()) for n in (1, 2, 3)]
    two = rig(plan, state=StateDir(tmp_path))
    found = [two.seat(f"S-{n}").station.board.meters[0].physical_wh(0) for n in (1, 2, 3)]
    assert found == pytest.approx(wh) and min(wh) > 0
    two.loop.turn(30)
    told = [csms.sent("StopTransaction") for csms in two.transport.csms.values()]
    assert [len(stops) for stops in told] == [1, 1, 1]  # the sessions that the power cut ended
    assert {stop["reason"] for stops in told for stop in stops} == {"PowerLoss"}


def test_where_a_password_comes_from(rig: MakeRig, tmp_path: Path) -> None:
    """Its own store goes before the stations file, that before the target's; without any it comes from the seed."""

    def sent(one: Rig) -> list[bytes]:
        one.loop.turn(1)
        return [dial.basic_auth[1] for dial in one.transport.dials if dial.basic_auth]  # type: ignore[misc]

    assert sent(rig(plan_of(count=1), {"security_profile": 1})) == [initial_password(1, "S-1")]
    assert len(initial_password(1, "S-1")) == 32 and initial_password(1, "S-1") != initial_password(1, "S-2")
    target = {"security_profile": 1, "auth": {"password": "of-the-target-1234", "format": "text"}}
    assert sent(rig(plan_of(count=1), target)) == [b"of-the-target-1234"]
    (tmp_path / "s.csv").write_text("id,password\nS-1,of-the-file-123456\n")
    plan = plan_of(id=None, stations=str(tmp_path / "s.csv"))
    assert sent(rig(plan, target)) == [b"of-the-file-123456"]
    one = rig(plan, target)
    one.loop.turn(1)
    csms = one.transport.csms["S-1"]
    _, frame = csms.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": b"of-the-csms-9876".hex()})
    one.transport.connections[-1]._answer(frame)
    one.farm.live.cut()
    one.loop.turn(60)
    assert one.transport.dials[-1].basic_auth == ("S-1", b"of-the-csms-9876")
    assert base64.b64encode(b"of-the-csms-9876").decode() not in repr(one.ledger.query("SELECT * FROM remarks"))


def test_time_runs_faster_for_all_of_it(rig: MakeRig) -> None:
    one = rig(plan_of(count=5, ramp={"rate": 100}, charging="100%", session="10m", speed=60, at_end="finish"))
    one.loop.turn(60)  # an hour
    ((ended,),) = one.ledger.query("SELECT count(*) FROM transactions WHERE end_us IS NOT NULL")
    assert 15 <= ended <= 40
    begin = one.loop.time()
    one.finish(drain_s=5.0)
    assert one.loop.time() - begin < 5


def test_an_error_of_ours_stops_the_farm_and_is_kept(rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    one = rig(plan_of(count=2))
    one.loop.turn(2)
    seat = one.seat("S-1")
    with pytest.raises(KeyError):
        one.farm.live.feed(seat, "no input")  # type: ignore[arg-type]
    assert isinstance(one.farm.live.failure, KeyError)
    one.farm.live.feed(one.seat("S-2"), i.PowerOff())  # nothing is fed any more
    assert one.seat("S-2").phase == "available"


def test_no_later_run_uses_an_id_of_a_call_again(rig: MakeRig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OCPP-J part 4, 4.1.4: an id differs from all that the same station ever used, whatever the seed, and also when
    the run before it ended without saving its state."""
    state = StateDir(tmp_path)
    used: list[set[str]] = []
    for began_us in (manual.EPOCH_US, manual.EPOCH_US + 1_000_000):
        monkeypatch.setattr(manual, "EPOCH_US", began_us)
        one = rig(plan_of(count=1, ramp={"rate": 10}), state=state)
        state.save([one.seat("S-1").station], 0)
        one.loop.turn(5)
        used.append({seen.message_id for seen in one.transport.csms["S-1"].seen if seen.direction == "cp"})
    assert used[0] and used[1] and not used[0] & used[1]
