"""Problems of components as events, one begin and one end each (G05.FR.02, N07)."""

from __future__ import annotations

from typing import Any

from simulator.blocks import diagnostics
from simulator.core import inputs as i
from simulator.core.model import EvseSpec
from tests.bench import Lab, bench, each_2x


def told(lab: Lab) -> list[dict[str, Any]]:
    """Every event, in order."""
    return [data for payload in lab.csms.sent("NotifyEvent") for data in payload["eventData"]]


@each_2x
def test_two_faults_are_two_events(version: str) -> None:
    lab = bench(version)
    lab.inject("protection.rcd_trip", 1, "a").inject("reader.dead", 0, "b").run(1)
    lab.clear("a").run(1).clear("b").run(1)
    assert [(d["component"]["name"], d["actualValue"]) for d in told(lab)] == [
        ("RCD", "true"),
        ("TokenReader", "true"),
        ("RCD", "false"),
        ("TokenReader", "false"),
    ]
    assert {d["variable"]["name"] for d in told(lab)} == {"Problem"}
    assert {d["eventNotificationType"] for d in told(lab)} == {"HardWiredNotification"}
    assert len({d["eventId"] for d in told(lab)}) == 4


@each_2x
def test_a_lock_that_fails(version: str) -> None:
    """G05.FR.01-02 (TC_G_20_CS)."""
    lab = bench(version).inject("lock.jammed", 1, stuck="open").plug().present().run(5)
    (event,) = told(lab)
    assert event["component"] == {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}}
    assert (event["trigger"], event["variable"]["name"], event["actualValue"]) == ("Delta", "Problem", "true")
    assert not lab.evse().flowing and not lab.sessions()
    lab.clear().run(5)
    assert told(lab)[-1]["actualValue"] == "false" and lab.evse().flowing


@each_2x
def test_an_event_names_the_transaction_it_is_in(version: str) -> None:
    lab = bench(version).charge().inject("protection.over_temperature", 1, derate_to=0.7).run(1)
    key = lab.session().begin["transactionInfo"]["transactionId"]
    assert [d["transactionId"] for d in told(lab)] == [key]


@each_2x
def test_what_happened_before_registration_is_told_after_it(version: str) -> None:
    lab = bench(version)
    lab.fleet.cut(lab.station)
    lab.run(1).inject("protection.rcd_trip", 1).run(10)
    assert told(lab) == []
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert [d["actualValue"] for d in told(lab)] == ["true"]


@each_2x
def test_a_fault_that_came_and_went_unseen_is_not_told(version: str) -> None:
    lab = bench(version)
    lab.fleet.cut(lab.station)
    lab.run(1).inject("protection.rcd_trip", 1).run(5).clear().run(5)
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert told(lab) == []


def test_1_6_says_it_by_the_error_code(lab: Lab) -> None:
    lab.inject("reader.dead").run(1)
    assert [p["errorCode"] for p in lab.csms.sent("StatusNotification") if p["connectorId"] == 0][-1] == "ReaderFailure"
    assert not lab.csms.sent("NotifyEvent")


@each_2x
def test_every_component_of_a_two_headed_station(version: str) -> None:
    lab = bench(version, evses=2).feed(i.Press("emergency_stop"), 1)
    names = [(d["component"]["name"], d["component"].get("evse")) for d in told(lab)]
    assert names == [("EmergencyStopSensor", None)]
    assert lab.station.evses[1].spec == EvseSpec(2)


def test_severity_is_told_where_the_version_has_it() -> None:
    """N07.FR.21: 2.1 only; what stops use is worse than what does not."""
    lab = bench("2.1").inject("protection.rcd_trip", 1, "a").inject("reader.dead", 0, "b").run(1)
    assert [d["severity"] for d in told(lab)] == [diagnostics.SEVERITY_BLOCKING, diagnostics.SEVERITY_OTHER]
    old = bench("2.0.1").inject("protection.rcd_trip", 1).run(1)
    assert "severity" not in told(old)[0]
