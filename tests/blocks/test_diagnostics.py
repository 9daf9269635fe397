"""Problems of components as events, one begin and one end each (G05.FR.02, N07)."""

from __future__ import annotations

from typing import Any

from simulator.blocks import diagnostics, monitors
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
    assert {d["eventNotificationType"] for d in told(lab)} == {"HardWiredMonitor"}
    own = monitors.own(lab.station.model).problems
    begun = [own["RCD", 1].monitor_id, own["TokenReader", 0].monitor_id]
    assert [d["variableMonitoringId"] for d in told(lab)] == begun * 2
    assert [d.get("cleared") for d in told(lab)] == [None, None, True, True]
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
def test_a_fault_that_came_and_went_unseen_is_told_if_it_was_severe(version: str) -> None:
    """N07.FR.04: up to OfflineQueuingSeverity events are kept."""
    lab = bench(version)
    lab.fleet.cut(lab.station)
    lab.run(1).inject("reader.dead", 0).run(5).clear().run(5)
    lab.inject("protection.rcd_trip", 1).run(5).clear().run(5)
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert [(d["component"]["name"], d["actualValue"]) for d in told(lab)] == [("RCD", "true"), ("RCD", "false")]
    assert len({d["timestamp"] for d in told(lab)}) == 2, "as it happened"


@each_2x
def test_what_was_believed_before_a_reboot_is_corrected_after_it(version: str) -> None:
    lab = bench(version).inject("protection.rcd_trip", 1, "a").inject("reader.dead", 0, "b").run(1)
    lab.feed(i.PowerOff(), 1).clear("a").feed(i.PowerOn(), 60)
    assert lab.station.gate == "accepted"
    assert [(d["component"]["name"], d["actualValue"]) for d in told(lab)] == [
        ("RCD", "true"),
        ("TokenReader", "true"),
        ("RCD", "false"),
    ]
    assert len({d["eventId"] for d in told(lab)}) == 3


@each_2x
def test_two_faults_of_one_part_are_two_events(version: str) -> None:
    lab = bench(version).inject("supply.brown_out", 0, "a").inject("supply.over_voltage", 0, "b").run(1)
    lab.clear("a").run(1).clear("b").run(1)
    assert [(d["techCode"], d["actualValue"], d.get("cleared")) for d in told(lab)] == [
        ("under_voltage", "true", None),
        ("over_voltage", "true", None),
        ("under_voltage", "true", True),
        ("over_voltage", "false", True),
    ]
    assert {d["component"]["name"] for d in told(lab)} == {"ElectricalFeed"}


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
    """N07.FR.21: 2.1 only; it is the archetype's, and where that has none, what stops use is worse."""
    lab = bench("2.1").inject("protection.rcd_trip", 1, "a").inject("reader.dead", 0, "b").run(1)
    assert [d["severity"] for d in told(lab)] == [1, 4]
    lab = bench("2.1").inject("lock.jammed", 1, stuck="open").plug().present().run(5)
    (event,) = told(lab)
    assert event["severity"] == diagnostics.SEVERITY_OTHER
    assert event["eventNotificationType"] == "HardWiredNotification", "TC_N_21_CS"
    old = bench("2.0.1").inject("protection.rcd_trip", 1).run(1)
    assert "severity" not in told(old)[0]
