"""Statuses, operative states and heartbeats."""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import STOP_ON_EV_SIDE
from simulator.blocks.availability import HEARTBEAT_INTERVAL, MINIMUM_STATUS_DURATION
from simulator.blocks.metering import SAMPLE_INTERVAL
from simulator.blocks.transactions import TX_START_POINT
from simulator.core import inputs as i
from simulator.core.model import EvseSpec
from simulator.core.rng import Rng
from tests.bench import CAR, Lab, bench, each_2x, each_version, frames

COARSE = {
    "Available": "Available",
    "Preparing": "Occupied",
    "Charging": "Occupied",
    "SuspendedEV": "Occupied",
    "SuspendedEVSE": "Occupied",
    "Finishing": "Occupied",
    "Unavailable": "Unavailable",
    "Faulted": "Faulted",
}


def words(version: str, *fine: str) -> list[str]:
    """The statuses as the version tells them: 2.x has five and tells no change that does not show."""
    if version == "1.6":
        return list(fine)
    coarse = [COARSE[status] for status in fine]
    return [status for n, status in enumerate(coarse) if not n or status != coarse[n - 1]]


@each_version
def test_every_status_of_a_session(version: str) -> None:
    lab = bench(version)
    lab.plug().present().run(4)
    lab.feed(i.EvReady(1, False), 5)
    lab.feed(i.EvseReady(1, False), 5)
    lab.feed(i.EvReady(1, True), 5)
    lab.feed(i.EvseReady(1, True), 5)
    assert lab.evse().flowing
    lab.present().unplug().run(1)
    fine = lab.statuses()
    if version == "1.6":
        # on the way back from the station's own suspension the car is awaited for a moment (4.9, E4)
        assert fine.pop(5) == "SuspendedEV"
    assert fine == words(
        version,
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEV",
        "SuspendedEVSE",
        "Charging",
        "Finishing",
        "Available",
    )


@each_version
def test_a_token_without_a_cable(version: str) -> None:
    """1.6 knows Preparing for it; in 2.x nothing occupies the connector (G01.FR.03)."""
    lab = bench(version).forget().present().run(90)
    assert lab.statuses() == (["Preparing", "Available"] if version == "1.6" else [])


@each_version
def test_faulted_and_back(version: str) -> None:
    lab = bench(version).forget().inject("protection.rcd_trip", 1).run(1)
    lab.clear().run(1)
    assert lab.statuses() == ["Faulted", "Available"]
    if version == "1.6":
        codes = [p["errorCode"] for p in lab.csms.sent("StatusNotification") if p["connectorId"] == 1]
        assert codes == ["GroundFailure", "NoError"]
    else:
        first, last = lab.csms.sent("NotifyEvent")
        for event, value in ((first, "true"), (last, "false")):
            (data,) = event["eventData"]
            assert (data["component"]["name"], data["variable"]["name"]) == ("RCD", "Problem")
            assert data["actualValue"] == value


def test_a_fault_that_leaves_the_connector_usable_is_told_by_its_code(lab: Lab) -> None:
    lab.forget().inject("protection.over_temperature", 1, derate_to=0.5).run(1)
    (told,) = lab.csms.sent("StatusNotification")
    assert (told["status"], told["errorCode"]) == ("Available", "HighTemperature")


def test_a_fault_of_the_station_is_told_for_connector_0(lab: Lab) -> None:
    lab.forget().feed(i.Press("emergency_stop"), 1)
    assert {(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")} == {
        (0, "Faulted"),
        (1, "Faulted"),
    }
    lab.forget().feed(i.Press("emergency_release"), 1)
    assert {(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")} == {
        (0, "Available"),
        (1, "Available"),
    }


def test_minimum_status_duration_swallows_what_does_not_last() -> None:
    lab = bench(settings={MINIMUM_STATUS_DURATION: 10}).forget()
    lab.plug().run(4)
    lab.unplug().run(30)
    assert lab.statuses() == []
    lab.plug().run(9.9)
    assert lab.statuses() == []
    lab.run(0.1)
    assert lab.statuses() == ["Preparing"]
    lab.inject("protection.rcd_trip", 1)
    assert lab.statuses() == ["Preparing", "Faulted"], "an error is told at once"


def test_minimum_status_duration_does_not_hold_up_the_first_status() -> None:
    lab = bench(settings={MINIMUM_STATUS_DURATION: 60})
    assert lab.statuses() == ["Available"]


# -- operative states --------------------------------------------------------------------------------------------------


def change(lab: Lab, evse_id: int, operative: bool) -> str:
    """ChangeAvailability in the version's shape."""
    word = "Operative" if operative else "Inoperative"
    if lab.version == "1.6":
        return str(lab.ask("ChangeAvailability", connectorId=evse_id, type=word)["status"])
    where = {"evse": {"id": evse_id}} if evse_id else {}
    return str(lab.ask("ChangeAvailability", operationalStatus=word, **where)["status"])


@each_version
def test_an_idle_connector_changes_at_once(version: str) -> None:
    lab = bench(version, evses=2).forget()
    assert change(lab, 1, False) == "Accepted"
    assert lab.statuses(1) == ["Unavailable"] and lab.statuses(2) == []
    lab.plug().present("TAG", 1).run(30)
    assert not lab.sessions()
    assert change(lab, 1, False) == "Accepted", "no change is no error (1.6 5.2, G03.FR.04)"
    lab.unplug()
    assert change(lab, 1, True) == "Accepted"
    assert lab.statuses(1) == ["Unavailable", "Available"]


@each_version
def test_who_has_come_with_a_token_only_begins_nothing_out_of_service(version: str) -> None:
    """G01 (a cable changes nothing of Unavailable), G03.FR.04; 1.6 4.9."""
    lab = bench(version).present().run(1).forget()
    assert change(lab, 1, False) == "Accepted"
    lab.plug().run(30)
    assert not lab.sessions() and lab.statuses() == ["Unavailable"]


@each_2x
def test_a_cable_begins_nothing_out_of_service(version: str) -> None:
    """G01 (a cable changes nothing of Unavailable); back in service it counts (E01.FR.02)."""
    lab = bench(version, settings={TX_START_POINT: ("EVConnected",)}).forget()
    change(lab, 1, False)
    lab.plug().run(5)
    assert not lab.sessions() and lab.statuses() == ["Unavailable"]
    change(lab, 1, True)
    assert lab.session().triggers == ["CablePluggedIn"] and lab.statuses() == ["Unavailable", "Occupied"]


@each_version
def test_a_running_transaction_goes_first(version: str) -> None:
    """1.6 5.2, G03.FR.05."""
    lab = bench(version).charge().forget()
    assert change(lab, 1, False) == "Scheduled"
    lab.run(60)
    assert lab.evse().flowing and lab.statuses() == []
    lab.present().run(1)
    assert lab.session().end is not None and lab.statuses()[-1] == "Unavailable"
    lab.unplug().run(1)
    assert lab.statuses()[-1] == "Unavailable"


@each_version
def test_a_scheduled_change_can_be_taken_back(version: str) -> None:
    lab = bench(version).charge()
    assert change(lab, 1, False) == "Scheduled"
    assert change(lab, 1, True) == "Accepted"
    lab.present().unplug().run(1)
    assert lab.statuses()[-1] == "Available"


@each_version
@pytest.mark.parametrize("how", ["reset", "power"])
def test_operative_states_survive(version: str, how: str) -> None:
    """G01.FR.02, G03.FR.07; 1.6 5.2."""
    lab = bench(version, evses=2)
    change(lab, 2, False)
    if how == "reset":
        lab.ask("Reset", type="Hard" if version == "1.6" else "Immediate")
    else:
        lab.inject("supply.mains_outage").run(5).clear()
    lab.forget().run(60)
    assert lab.statuses(1) == ["Available"] and lab.statuses(2) == ["Unavailable"]


@each_version
def test_the_whole_station(version: str) -> None:
    """1.6 5.2 connector 0, G04: every connector follows, those in use when they are done."""
    lab = bench(version, evses=2).charge(2).forget()
    assert change(lab, 0, False) == "Scheduled"
    lab.run(1)
    assert lab.statuses(1) == ["Unavailable"] and lab.evse(2).flowing
    lab.present("TAG", 2).run(1)
    assert lab.statuses(2)[-1] == "Unavailable"
    lab.unplug(2)
    assert change(lab, 0, True) == "Accepted"
    assert lab.statuses(1)[-1] == lab.statuses(2)[-1] == "Available"


@each_version
def test_a_connector_that_is_not_there(version: str) -> None:
    assert change(bench(version), 5, False) == "Rejected"


# -- heartbeats --------------------------------------------------------------------------------------------------------


@each_version
def test_other_messages_take_the_place_of_heartbeats(version: str) -> None:
    """1.6 4.6, G02.FR.05."""
    lab = bench(version, settings={SAMPLE_INTERVAL: 50}).charge().run(1200)
    assert not frames(lab.csms, "Heartbeat")


@each_version
def test_at_least_one_heartbeat_in_a_day(version: str) -> None:
    """1.6 4.6: recommended even when other messages are sent; G02.FR.07."""
    lab = bench(version, settings={SAMPLE_INTERVAL: 290}).plug(ev=i.EvSpec(battery_wh=1e8, curve="flat", soc=0.0))
    lab.present().run(86_400 + 900)
    assert 1 <= len(frames(lab.csms, "Heartbeat")) <= 2


@each_version
def test_a_new_interval_counts_at_once(version: str) -> None:
    lab = bench(version)
    lab.configure(HEARTBEAT_INTERVAL, 30)
    lab.forget().run(95)
    assert [t for t, _, _ in frames(lab.csms, "Heartbeat")] == [30, 60, 90]


@each_version
def test_after_an_offline_time_what_has_changed_is_told(version: str) -> None:
    """1.6 4.9, B04.FR.01-02: a short time offline tells changes, a long one everything in 2.x."""
    lab = bench(version, evses=2)
    lab.fleet.cut(lab.station)
    lab.run(20).plug(1).run(1)
    lab.fleet.mend(lab.station)
    lab.forget().run(30)
    changed = lab.statuses(1), lab.statuses(2)
    assert changed == (words(version, "Preparing"), [])
    lab.fleet.cut(lab.station)
    lab.forget().run(200)
    lab.fleet.mend(lab.station)
    lab.run(300)
    everything = lab.statuses(1), lab.statuses(2)
    assert everything == (([], []) if version == "1.6" else (["Occupied"], ["Available"]))


@each_2x
def test_availability_state_by_notify_event(version: str) -> None:
    """G01.FR.07: a product may tell the connector's state as an event instead."""
    lab = bench(version, availability_by_event=True).charge()
    lab.present().unplug().run(1)
    assert not lab.csms.sent("StatusNotification")
    told = [data for p in lab.csms.sent("NotifyEvent") for data in p["eventData"]]
    assert [data["actualValue"] for data in told] == ["Available", "Occupied", "Available"]
    for data in told:
        assert data["component"] == {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}
        assert data["variable"] == {"name": "AvailabilityState"} and data["trigger"] == "Delta"
    numbers = [data["eventId"] for data in told]
    assert len(set(numbers)) == len(numbers)


# -- the legal moves ---------------------------------------------------------------------------------------------------


def anything(lab: Lab, rng: Rng) -> None:
    """Some input, at some moment."""
    evse_id = rng.between("evse", 1, 2)
    kinds: list[i.Input] = [
        i.Plug(evse_id, CAR),
        i.Unplug(evse_id, ("ev", "station", "both")[rng.below("side", 3)]),
        i.Present(("TAG", "OTHER", "BAD")[rng.below("token", 3)], rng.between("reader", 0, 2)),
        i.EvReady(evse_id, rng.chance("ready", 0.5)),
        i.EvseReady(evse_id, rng.chance("evse_ready", 0.7)),
        i.Press(("stop", "emergency_stop", "emergency_release")[rng.below("button", 3)], evse_id),
        i.Inject("x", ("protection.rcd_trip", "lock.jammed", "pilot.bouncing")[rng.below("fault", 3)], evse_id),
        i.Clear("x"),
        i.Clear("x"),
        i.Park(evse_id, rng.chance("park", 0.5)),
    ]
    what = rng.below("what", len(kinds) + 4)
    if what < len(kinds):
        lab.feed(kinds[what])
    elif what == len(kinds):
        change(lab, rng.between("where", 0, 2), rng.chance("operative", 0.6))
    elif what == len(kinds) + 1:
        lab.remote_start("TAG", evse_id)
    elif what == len(kinds) + 2 and lab.csms.transactions:
        lab.remote_stop()
    elif what == len(kinds) + 3 and rng.chance("reset", 0.2):
        lab.ask("Reset", type="Soft" if lab.version == "1.6" else "Immediate")
        lab.run(60)
    lab.run(rng.between("pause", 0, 20_000) / 1000)


@each_version
@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(n, marks=pytest.mark.slow) for n in range(5, 40))])
def test_whatever_happens_the_laws_hold(version: str, seed: int) -> None:
    """The watch of the bench looks at every step: legal moves, schemas, sequence numbers, registers."""
    lab = bench(
        version,
        evses=2,
        evse={"bay_sensor": True, "tethered": seed % 3 == 0},
        settings={STOP_ON_EV_SIDE: seed % 2 == 0},
    )
    lab.csms.verdicts["BAD"] = "Blocked"
    rng = Rng(seed)
    for _ in range(120):
        anything(lab, rng)
    for fault in list(lab.station.board.active):
        lab.clear(fault)
    change(lab, 0, True)
    for evse in lab.station.evses:
        change(lab, evse.evse_id, True)
        if evse.grant is not None:
            lab.feed(i.Press("stop", evse.evse_id))
        lab.feed(i.Unplug(evse.evse_id, "ev")).ask(
            "UnlockConnector",
            **({"connectorId": evse.evse_id} if version == "1.6" else {"evseId": evse.evse_id, "connectorId": 1}),
        )
        lab.feed(i.Unplug(evse.evse_id, "station")).feed(i.Park(evse.evse_id, False))
    lab.run(300)
    assert all(session.end is not None for session in lab.sessions())
    assert [evse.status for evse in lab.station.evses] == ["Available", "Available"]


def test_evses_of_one_model_may_differ() -> None:
    lab = bench(evses=1)
    assert lab.station.evses[0].spec == EvseSpec(1)
