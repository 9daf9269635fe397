"""Status, heartbeat, availability (B04, G01 to G04)."""

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.reports import StatusChanged
from simulator.ocpp2x import availability
from tests.ocpp2x.bench import Bench, each_version

each_way = pytest.mark.parametrize("by_event", [False, True], ids=["status", "event"])


def statuses(bench: Bench, evse_id: int = 1) -> list[str]:
    """The statuses told of an EVSE's connector, by either message."""
    found = []
    for seen in bench.csms.seen:
        if seen.direction != "cp" or seen.kind != 2:
            continue
        if seen.action == "StatusNotification" and seen.payload["evseId"] == evse_id:
            assert seen.payload["connectorId"] == 1
            found.append(seen.payload["connectorStatus"])
        elif seen.action == "NotifyEvent":
            (event,) = seen.payload["eventData"]
            if event["variable"] == {"name": "AvailabilityState"} and event["component"]["evse"]["id"] == evse_id:
                assert event["component"] == {"name": "Connector", "evse": {"id": evse_id, "connectorId": 1}}
                assert (event["trigger"], seen.payload["seqNo"]) == ("Delta", 0)
                assert event["eventNotificationType"] == "HardWiredNotification"
                found.append(event["actualValue"])
    return found


@each_version
@each_way
def test_five_words_and_no_echo(version: str, by_event: bool) -> None:
    """B01.FR.05, G01.FR.03-04: what happens between plug-in and plug-out is one Occupied."""
    bench = Bench(version, availability_by_event=by_event).boot()
    bench.charge()
    bench.feed(i.EvReady(1, False))
    bench.run(2)
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    bench.feed(i.Unplug(1), i.Unplug(1, "station"))
    bench.run(2)
    assert statuses(bench) == ["Available", "Occupied", "Available"]
    assert statuses(bench, 2) == ["Available"]
    assert bool(bench.sent("StatusNotification")) != by_event
    ids = [event["eventId"] for payload in bench.sent("NotifyEvent") for event in payload["eventData"]]
    assert ids == list(range(1, len(ids) + 1))


@each_version
def test_a_token_without_a_cable_occupies_nothing(version: str) -> None:
    bench = Bench(version).boot()
    bench.feed(i.Present("TAG", 1))
    bench.run(5)
    assert statuses(bench) == ["Available"]


@each_version
def test_a_fault_and_its_end(version: str) -> None:
    bench = Bench(version).boot()
    bench.feed(i.Inject("f1", "protection.rcd_trip", 1))
    bench.run(1)
    bench.feed(i.Clear("f1"))
    bench.run(1)
    assert statuses(bench) == ["Available", "Faulted", "Available"]


@each_version
@pytest.mark.parametrize(("offline_s", "again"), [(30, False), (300, True)])
def test_after_an_offline_time(version: str, offline_s: int, again: bool) -> None:
    """B04.FR.01-02: a long one tells everything, a short one what has changed."""
    bench = Bench(version, {"OCPPCommCtrlr.OfflineThreshold": 200}).boot()
    bench.feed(i.Plug(1))
    bench.run(1)
    bench.fleet.cut(bench.st)
    bench.feed(i.Present("TAG", 1))  # seen inside, not in the five words
    bench.run(offline_s)
    bench.fleet.mend(bench.st)
    bench.run(400)
    expected = ["Available", "Occupied", *(["Occupied"] if again else [])]
    assert statuses(bench) == expected
    assert statuses(bench, 2) == ["Available", *(["Available"] if again else [])]


@each_version
def test_heartbeats_set_the_clock(version: str) -> None:
    """G02.FR.02, FR.06."""
    bench = Bench(version)
    bench.csms.interval_s = 50
    bench.boot()
    bench.csms.epoch_us += 7_200_000_000
    bench.run(60)
    assert len(bench.sent("Heartbeat")) == 1
    bench.feed(i.Plug(1))
    bench.run(1)
    assert bench.sent("StatusNotification")[-1]["timestamp"].startswith("2026-03-01T02:01:")


def change(bench: Bench, word: str, **evse: int) -> Any:
    payload: dict[str, Any] = {"operationalStatus": word}
    if evse:
        payload["evse"] = evse
    answer = bench.ask("ChangeAvailability", payload)
    bench.run(1)
    return answer["status"]


@each_version
@pytest.mark.parametrize("where", [{}, {"id": 1}, {"id": 1, "connectorId": 1}], ids=["station", "evse", "connector"])
def test_change_availability(version: str, where: dict[str, int]) -> None:
    """G03.FR.01-04, FR.08, G04.FR.01-05, FR.09, G01.FR.07: also after a reset (B11.FR.02)."""
    bench = Bench(version).boot()
    assert change(bench, "Operative", **where) == "Accepted"
    assert change(bench, "Inoperative", **where) == "Accepted"
    assert change(bench, "Inoperative", **where) == "Accepted"
    assert statuses(bench) == ["Available", "Unavailable"]
    assert statuses(bench, 2) == ["Available"] + ([] if where else ["Unavailable"])
    bench.ask("Reset", {"type": "Immediate"})
    bench.run(60)
    assert statuses(bench)[2:] == ["Unavailable"]
    assert change(bench, "Operative", **where) == "Accepted"
    assert statuses(bench)[3:] == ["Available"]


@each_version
@pytest.mark.parametrize("outer", [{}, {"id": 1}], ids=["station", "evse"])
def test_a_connector_has_a_state_of_its_own(version: str, outer: dict[str, int]) -> None:
    """G03.FR.07, G04.FR.08 and their note 1: what is inoperative by itself stays so when what is around it is not."""
    bench = Bench(version).boot()
    assert change(bench, "Inoperative", id=1, connectorId=1) == "Accepted"
    assert change(bench, "Inoperative", **outer) == "Accepted"
    assert change(bench, "Operative", **outer) == "Accepted"
    assert statuses(bench) == ["Available", "Unavailable"]
    assert change(bench, "Operative", id=1, connectorId=1) == "Accepted"
    assert statuses(bench) == ["Available", "Unavailable", "Available"]


@each_version
@pytest.mark.parametrize("where", [{}, {"id": 1}], ids=["station", "evse"])
def test_change_waits_for_the_transaction(version: str, where: dict[str, int]) -> None:
    """G03.FR.05, G04.FR.06, G01.FR.05."""
    bench = Bench(version).boot()
    bench.charge()
    assert change(bench, "Inoperative", **where) == "Scheduled"
    assert statuses(bench) == ["Available", "Occupied"]
    bench.feed(i.Present("TAG", 1))
    bench.run(1)
    bench.feed(i.Unplug(1), i.Unplug(1, "station"))
    bench.run(1)
    assert statuses(bench)[-1] == "Unavailable"


@each_version
def test_change_of_what_is_not_there(version: str) -> None:
    bench = Bench(version).boot()
    answers = [
        bench.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": evse})
        for evse in ({"id": 3}, {"id": 1, "connectorId": 2})
    ]
    assert [(a["status"], a["statusInfo"]["reasonCode"]) for a in answers] == [
        ("Rejected", "UnknownEvse"),
        ("Rejected", "UnknownConnectorId"),
    ]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_the_station_as_a_whole_has_no_message_of_its_own(version: str) -> None:
    """G01: only connectors have a status; what the block says of the station is not rendered."""
    kinds = {kind.__name__ for kind, _ in availability.table.renderers}
    assert kinds == {"StatusChanged", "HeartbeatDue"}
    bench = Bench(version).boot()
    report = StatusChanged(0, 0, "Available", False, "", "", bench.st.stamp())
    assert availability.status(bench.st, report, bench.st.dialect.messages) is None
