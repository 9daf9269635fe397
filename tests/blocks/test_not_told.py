"""What goes down with a dying link was not told: it is told again on the next one."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.station import Station
from simulator.fleet.virtual import VirtualFleet
from simulator.lab.csms import SILENT, CallError
from simulator.profile.compiled import compile_profile

VERSIONS = ("1.6", "2.0.1", "2.1")


def booted(version: str, profile: str = "generic/ac-single") -> tuple[VirtualFleet, Station, Any]:
    fleet = VirtualFleet()
    station = Station("CP1", compile_profile(profile, version), seed=1, epoch_us=fleet.epoch_us)
    csms = fleet.add(station)
    fleet.feed(station, i.PowerOn())
    fleet.run(2)
    return fleet, station, csms


def shown(csms: Any) -> list[str]:
    return [p.get("status") or p["connectorStatus"] for p in csms.sent("StatusNotification") if p.get("connectorId")]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_status_sent_into_a_dead_link_is_told_again(version: str) -> None:
    fleet, station, csms = booted(version)
    fleet.cut(station, silently=True)
    fleet.feed(station, i.Plug(1))
    fleet.run(1)
    assert shown(csms) == ["Available"]
    fleet.feed(station, i.LinkDown(station.link.number, "reset"))
    fleet.mend(station)
    fleet.run(60)
    assert shown(csms) == ["Available", "Preparing" if version == "1.6" else "Occupied"]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_an_event_sent_into_a_dead_link_is_told_again(version: str) -> None:
    fleet, station, csms = booted(version)
    fleet.cut(station, silently=True)
    fleet.feed(station, i.Inject("f", "meter.no_readings", 1))
    fleet.run(1)
    assert csms.sent("NotifyEvent") == []
    fleet.feed(station, i.LinkDown(station.link.number, "reset"))
    fleet.mend(station)
    fleet.run(60)
    events = [event for payload in csms.sent("NotifyEvent") for event in payload["eventData"]]
    assert [event["actualValue"] for event in events if event["variable"]["name"] == "Problem"] == ["true"]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_timed_out_before_the_link_was_found_dead_is_told_again(version: str) -> None:
    """B04.FR.02, N07.FR.04: the connection was lost long before the station noticed."""
    fleet, station, csms = booted(version)
    fleet.cut(station, silently=True)
    fleet.feed(station, i.Plug(1))
    fleet.feed(station, i.Inject("f", "reader.dead"))
    fleet.feed(station, i.Inject("g", "supply.brown_out"))
    fleet.run(200)
    fleet.feed(station, i.LinkDown(station.link.number, "reset"))
    fleet.mend(station)
    fleet.run(60)
    assert shown(csms) == ["Available", "Preparing" if version == "1.6" else "Occupied"]
    events = [event for payload in csms.sent("NotifyEvent") for event in payload["eventData"]]
    told = sorted((event["component"]["name"], event["actualValue"]) for event in events)
    assert version == "1.6" or told == [("ElectricalFeed", "true"), ("TokenReader", "true")]


@pytest.mark.parametrize("cut_power", [False, True])
def test_what_is_kept_until_it_is_told_keeps_its_order(cut_power: bool) -> None:
    """N01.FR.08-10: both states time out, and are offered again, the first one first."""
    fleet, station, csms = booted("2.0.1")
    log = {"logType": "DiagnosticsLog", "requestId": 5, "log": {"remoteLocation": "nowhere"}}
    assert fleet.ask(station, "GetLog", log)
    fleet.cut(station, silently=True)
    fleet.run(70)
    if cut_power:
        fleet.feed(station, i.PowerOff())
        fleet.feed(station, i.PowerOn())
    else:
        fleet.feed(station, i.LinkDown(station.link.number, "reset"))
    fleet.mend(station)
    fleet.run(60)
    assert [p["status"] for p in csms.sent("LogStatusNotification")] == ["Uploading", "BadMessage"]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize("cut_power", [False, True])
def test_what_the_csms_may_have_heard_is_cleared(version: str, cut_power: bool) -> None:
    """N07.FR.02: it heard of a problem and of a passed threshold and went before it answered; now both are over."""
    fleet, station, csms = booted(version)
    air = {"component": {"name": "ExternalTemperatureSensor"}, "variable": {"name": "Temperature"}}
    monitor = air | {"type": "UpperThreshold", "value": 40, "severity": 6}
    assert fleet.ask(station, "SetVariableMonitoring", {"setMonitoringData": [monitor]})
    csms.script["NotifyEvent"] = lambda c, p: SILENT
    fleet.feed(station, i.Inject("f", "reader.dead"))
    fleet.feed(station, i.Inject("g", "thermal.hot_ambient"))
    fleet.run(40)  # the first has timed out, the second is under way
    fleet.cut(station)
    fleet.feed(station, i.Clear("f"))
    fleet.feed(station, i.Clear("g"))
    del csms.script["NotifyEvent"]
    if cut_power:
        fleet.feed(station, i.PowerOff())
        fleet.feed(station, i.PowerOn())
    fleet.mend(station)
    fleet.run(200)
    events = [event for payload in csms.sent("NotifyEvent") for event in payload["eventData"]]
    for variable in ("Problem", "Temperature"):
        assert [e.get("cleared", False) for e in events if e["variable"]["name"] == variable] == [False, True]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_csms_leaves_unanswered_is_not_told_again(version: str) -> None:
    """It answers other messages, so the link is alive and it has had its chance."""
    fleet, station, csms = booted(version)
    csms.script["StatusNotification"] = csms.script["NotifyEvent"] = lambda c, p: SILENT
    fleet.feed(station, i.Inject("f", "protection.rcd_trip", 1))
    fleet.run(400)
    before = len(csms.sent("StatusNotification", "NotifyEvent"))
    del csms.script["StatusNotification"], csms.script["NotifyEvent"]
    assert before and csms.sent("Heartbeat")
    fleet.feed(station, i.LinkDown(station.link.number, "reset"))
    fleet.run(60)
    assert len(csms.sent("StatusNotification", "NotifyEvent")) == before


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_the_state_of_the_station_leaves_that_of_an_evse_alone(version: str) -> None:
    """G03.FR.07, G04.FR.07-08."""
    fleet, station, _ = booted(version, "generic/ac-dual")
    one, two = station.evses

    def change(status: str, **where: Any) -> str:
        answer = fleet.ask(station, "ChangeAvailability", {"operationalStatus": status, **where})
        return str(answer["status"])

    assert change("Inoperative", evse={"id": 1}) == "Accepted"
    assert change("Inoperative") == "Accepted"
    assert (one.status, two.status) == ("Unavailable", "Unavailable")
    assert change("Operative", evse={"id": 2}) == "Accepted"
    assert (one.status, two.status) == ("Unavailable", "Unavailable")
    assert change("Operative") == "Accepted"
    assert (one.status, two.status) == ("Unavailable", "Available")


def test_the_older_version_sets_all_connectors() -> None:
    """1.6 5.2: connector 0 stands for all."""
    fleet, station, _ = booted("1.6", "generic/ac-dual")
    one, two = station.evses
    for connector, kind, states in (
        (1, "Inoperative", ("Unavailable", "Available")),
        (0, "Inoperative", ("Unavailable", "Unavailable")),
        (0, "Operative", ("Available", "Available")),
    ):
        assert fleet.ask(station, "ChangeAvailability", {"connectorId": connector, "type": kind}) == {
            "status": "Accepted"
        }
        assert (one.status, two.status) == states


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_new_starts_while_the_run_ends(version: str) -> None:
    fleet, station, csms = booted(version)
    fleet.feed(station, i.Plug(1))
    fleet.run(1)
    fleet.feed(station, i.Leave(fleet.now + 5_000_000))
    fleet.feed(station, i.Present("TAG"))
    fleet.run(4)
    assert not csms.transactions and station.evses[0].grant is None


def test_a_stop_that_is_given_up_leaves_no_name_behind() -> None:
    fleet, station, csms = booted("1.6")
    csms.script["StopTransaction"] = lambda _, __: CallError("InternalError")
    fleet.feed(station, i.Plug(1))
    fleet.feed(station, i.Present("TAG"))
    fleet.run(10)
    assert station.board.flash.items("tx_names")
    fleet.feed(station, i.Present("TAG"))
    fleet.run(600)
    assert len(csms.sent("StopTransaction")) == 3
    assert not station.board.flash.items("tx_names")
