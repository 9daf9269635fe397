"""Who may charge: every order of events, every answer of the CSMS, and what the station knows by itself."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks.authorization import (
    CONNECTION_TIMEOUT,
    OFFLINE_UNKNOWN,
    STOP_ON_EV_SIDE,
)
from simulator.blocks.metering import SAMPLE_INTERVAL
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core import inputs as i
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from simulator.lab.csms import SILENT, CallError
from tests.bench import Lab, asked, bench, build, each_2x, each_version, frames

REFUSALS = ["Blocked", "Expired", "Invalid", "ConcurrentTx"]


# -- orders ------------------------------------------------------------------------------------------------------------


@each_version
@pytest.mark.parametrize("order", ["plug present", "present plug", "remote plug", "plug remote"])
def test_every_order_leads_to_the_same_session(version: str, order: str) -> None:
    lab = bench(version)
    for step in order.split():
        {"plug": lab.plug, "present": lab.present, "remote": lab.remote_start}[step]()
        lab.run(2)
    lab.run(4)
    assert lab.evse().flowing
    session = lab.session()
    begin = session.begin
    token = begin["idTag"] if version == "1.6" else begin["idToken"]["idToken"]
    assert token == "TAG" and session.evse_id == 1
    assert asked(lab) == (0 if "remote" in order else 1)


@each_version
def test_free_vend_needs_no_token(version: str) -> None:
    lab = bench(version, free_vend=True).plug().run(4)
    assert lab.evse().flowing and asked(lab) == 0
    if version == "1.6":
        assert lab.session().begin["idTag"] == "FREEVEND"
    else:
        assert lab.session().begin["idToken"]["type"] == "NoAuthorization"  # C02
    lab.unplug().run(1)
    assert lab.session().reason == "EVDisconnected"
    lab.plug().run(4)
    assert lab.evse().flowing and len(lab.sessions()) == 2


@each_version
def test_the_connection_timeout(version: str) -> None:
    """1.6 ConnectionTimeOut, E03.FR.05."""
    lab = bench(version, settings={CONNECTION_TIMEOUT: 25}).present().run(24.9)
    assert lab.evse().grant is not None
    lab.run(0.1)
    assert lab.evse().grant is None
    lab.plug().run(10)
    assert not lab.sessions()


@each_version
def test_a_connection_timeout_of_0_waits_for_ever(version: str) -> None:
    lab = bench(version, settings={CONNECTION_TIMEOUT: 0}).present().run(5000).plug().run(4)
    assert lab.evse().flowing


@each_2x
def test_the_connection_timeout_ends_a_transaction_that_has_begun(version: str) -> None:
    """E03.FR.05."""
    lab = bench(version, settings={TX_START_POINT: ("Authorized",), CONNECTION_TIMEOUT: 20}).present().run(30)
    session = lab.session()
    assert session.triggers == ["Authorized", "EVConnectTimeout"] and session.reason == "Timeout"


@each_2x
def test_the_connection_timeout_ends_it_whatever_the_stop_points(version: str) -> None:
    """E03.FR.05: no stop point has ever held, and still nobody is there."""
    settings = {TX_START_POINT: ("Authorized",), TX_STOP_POINT: ("EVConnected",), CONNECTION_TIMEOUT: 20}
    lab = bench(version, settings=settings).present().run(30)
    assert lab.session().reason == "Timeout"


@each_2x
def test_in_a_bay_the_connection_timeout_only_deauthorises(version: str) -> None:
    """E03.FR.15."""
    settings = {
        TX_START_POINT: ("ParkingBayOccupancy",),
        TX_STOP_POINT: ("ParkingBayOccupancy",),
        CONNECTION_TIMEOUT: 20,
    }
    lab = bench(version, settings=settings, evse={"bay_sensor": True}).feed(i.Park(1, True)).present().run(30)
    assert lab.session().triggers == ["EVDetected", "Authorized", "EVConnectTimeout"] and lab.session().end is None
    lab.feed(i.Park(1, False), 1)
    assert lab.session().triggers[-1] == "EVDeparted" and lab.session().end is not None


# -- what the CSMS says ------------------------------------------------------------------------------------------------


@each_version
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_token_starts_nothing(version: str, status: str) -> None:
    lab = bench(version)
    lab.csms.verdicts["TAG"] = status
    lab.plug().present().run(60)
    assert asked(lab) == 1 and not lab.sessions() and not lab.evse().flowing
    lab.present("OTHER").run(4)
    assert lab.evse().flowing, "the next one may"


@each_2x
def test_a_token_may_be_limited_to_some_evses(version: str) -> None:
    """C01.FR.21."""
    lab = bench(version, evses=2)
    lab.csms.script["Authorize"] = lambda csms, p: {"idTokenInfo": {"status": "Accepted", "evseId": [2]}}
    lab.plug(1).present("TAG", 1).run(5)
    assert not lab.sessions()
    lab.plug(2).present("TAG", 2).run(5)
    assert lab.session().evse_id == 2


@each_version
@pytest.mark.parametrize("answer", [CallError("InternalError"), SILENT])
def test_no_usable_answer_starts_nothing(version: str, answer: Any) -> None:
    lab = bench(version)
    lab.csms.script["Authorize"] = lambda csms, p: answer
    lab.plug().present().run(60)
    assert not lab.sessions()
    del lab.csms.script["Authorize"]
    lab.present().run(5)
    assert lab.evse().flowing


@each_version
def test_a_link_lost_over_the_question_leaves_it_to_the_offline_rules(version: str) -> None:
    lab = bench(version, settings={OFFLINE_UNKNOWN: True})
    lab.csms.script["Authorize"] = lambda csms, p: SILENT
    lab.plug().present()
    lab.fleet.cut(lab.station)
    lab.run(5)
    assert lab.evse().flowing


# -- ends --------------------------------------------------------------------------------------------------------------


@each_version
def test_the_same_token_ends_without_a_question(version: str) -> None:
    """1.6 4.1, C09.FR.07 (a), E07.FR.01."""
    lab = bench(version).charge().forget().present().run(1)
    assert asked(lab) == 0 and lab.session().reason == "Local" and lab.session().stop_token == "TAG"
    lab.unplug(side="station")
    assert not lab.remarks() or "locked" not in lab.remarks()[-1], "E07.FR.07: unlocked"


@each_version
def test_a_token_of_the_group_ends(version: str) -> None:
    """C09.FR.03, FR.05; a group has no case (C 1.2)."""
    lab = bench(version)
    lab.csms.groups = {"TAG": "FAMILY", "SISTER": "Family", "STRANGER": "OTHERS"}
    lab.charge().forget().present("STRANGER").run(1)
    assert asked(lab) == 1 and lab.evse().flowing
    lab.present("SISTER").run(1)
    assert lab.session().stop_token == "SISTER" and lab.session().reason == "Local"


@each_version
def test_a_known_token_of_the_group_ends_without_a_question(version: str) -> None:
    """C09.FR.07 (b)."""
    lab = bench(version)
    lab.csms.groups = {"TAG": "FAMILY", "SISTER": "family"}
    lab.present("SISTER").run(1).present("SISTER").charge().forget().present("SISTER").run(1)
    assert asked(lab) == 0 and lab.session().stop_token == "SISTER"


@each_version
def test_a_blocked_token_of_the_group_does_not_end(version: str) -> None:
    """C09.FR.11."""
    lab = bench(version)
    lab.csms.groups = {"TAG": "FAMILY", "BROTHER": "FAMILY"}
    lab.csms.verdicts["BROTHER"] = "Blocked"
    lab.charge().present("BROTHER").run(5)
    assert lab.evse().flowing and asked(lab) == 2


@each_2x
def test_another_token_is_always_asked_about(version: str) -> None:
    """C09.FR.05 (TC_C_04_CS)."""
    lab = bench(version).charge().forget().present("OTHER").run(5)
    assert asked(lab) == 1 and lab.evse().flowing


@each_version
def test_pulling_the_plug_at_the_car_ends(version: str) -> None:
    """E09.FR.01-02; 1.6 StopTransactionOnEVSideDisconnect."""
    lab = bench(version).charge().unplug(side="ev").run(1)
    session = lab.session()
    assert session.reason == "EVDisconnected" and session.stop_token is None
    if version != "1.6":
        assert session.triggers[-1] == "EVCommunicationLost"
    lab.unplug(side="station")
    assert lab.statuses()[-1] == "Available"


@each_version
def test_a_remote_start_where_a_cable_is_kept_is_a_start(version: str) -> None:
    """1.6 5.11, F01: what was accepted is tried, it is no request for the cable."""
    lab = bench(version, settings={UNLOCK_ON_EV_SIDE: False}).charge().unplug(side="ev").run(1)
    assert lab.remote_start("OTHER") == "Accepted"
    lab.run(1).plug().run(5)
    assert lab.evse().flowing and len(lab.sessions()) == 2


@each_version
def test_a_plug_that_comes_back_goes_on(version: str) -> None:
    """E10; 1.6 StopTransactionOnEVSideDisconnect false."""
    settings = {STOP_ON_EV_SIDE: False, UNLOCK_ON_EV_SIDE: False, TX_STOP_POINT: ("Authorized",)}
    lab = bench(version, settings=settings).charge().unplug(side="ev").run(20)
    assert lab.session().end is None and not lab.evse().flowing
    lab.plug().run(5)
    assert lab.evse().flowing and len(lab.sessions()) == 1
    if version != "1.6":
        assert lab.session().triggers[-3:] == ["EVCommunicationLost", "CablePluggedIn", "ChargingStateChanged"]
    lab.present().run(1)
    assert lab.session().reason == "Local"


@each_version
def test_a_tethered_plug_that_does_not_come_back(version: str) -> None:
    """E10.FR.02; in 1.6 pulling the plug does not end it, however long it takes (4.10)."""
    settings = {STOP_ON_EV_SIDE: False, TX_STOP_POINT: ("Authorized",), CONNECTION_TIMEOUT: 40}
    lab = bench(version, settings=settings, evse={"tethered": True}).charge().unplug().run(39)
    assert lab.session().end is None
    lab.run(2)
    if version == "1.6":
        assert lab.session().end is None and lab.statuses()[-1] == "SuspendedEV"
        assert lab.remote_stop() == "Accepted"
        lab.run(1)
        assert lab.session().reason == "Remote"
    assert lab.session().end is not None and lab.statuses()[-1] == "Available"


@each_version
@pytest.mark.parametrize(
    "fault, reason",
    [
        ("protection.rcd_trip", "GroundFault"),
        ("protection.over_current", "OvercurrentFault"),
        ("protection.emergency_stop", "EmergencyStop"),
        ("supply.over_voltage", "PowerQuality"),
        ("pilot.short", "Other"),
    ],
)
def test_a_fault_ends(version: str, fault: str, reason: str) -> None:
    """E06.FR.16."""
    lab = bench(version).charge().inject(fault).run(1)
    known = {"EmergencyStop", "Other"}
    assert lab.session().reason == (reason if version != "1.6" or reason in known else "Other")
    if version != "1.6":
        assert lab.session().triggers[-1] == "AbnormalCondition"
    assert lab.statuses()[-1] == "Faulted" and not lab.evse().flowing


@each_version
def test_the_stop_button(version: str) -> None:
    lab = bench(version).charge().feed(i.Press("stop", 1), 1)
    assert lab.session().reason == "Local" and lab.session().stop_token is None
    lab.feed(i.Press("stop", 1))
    assert "no effect" in lab.remarks()[-1]


# -- readers and EVSEs -------------------------------------------------------------------------------------------------


@each_2x
def test_a_transaction_belongs_to_its_token(version: str) -> None:
    """C01.FR.23: after the end of its authorisation another token cannot take the transaction over."""
    lab = bench(version, settings={TX_STOP_POINT: ("EVConnected",)}).charge().present().run(1)
    assert lab.session().end is None and not lab.evse().flowing
    lab.present("OTHER").run(5)
    assert not lab.evse().flowing
    lab.present("TAG").run(5)
    assert lab.evse().flowing and len(lab.sessions()) == 1


@each_version
def test_a_token_read_twice_stops_what_it_started(version: str) -> None:
    lab = bench(version, settings={OFFLINE_UNKNOWN: True}).plug()
    lab.fleet.cut(lab.station)
    lab.inject("reader.double_read").present().run(1)
    assert lab.evse().grant is None


@each_version
def test_a_dead_reader_leaves_remote_starts(version: str) -> None:
    lab = bench(version).inject("reader.dead").plug().present().run(5)
    assert not lab.sessions() and asked(lab) == 0
    assert lab.remote_start() == "Accepted"
    lab.run(4)
    assert lab.evse().flowing


# -- where no token is taken ------------------------------------------------------------------------------------------


@each_version
def test_no_token_is_taken_on_a_connector_that_cannot_be_used(version: str) -> None:
    lab = bench(version).inject("protection.rcd_trip", 1).present("TAG", 1).run(5)
    assert asked(lab) == 0
    lab.clear()
    if version == "1.6":
        lab.ask("ChangeAvailability", connectorId=1, type="Inoperative")
    else:
        lab.ask("ChangeAvailability", evse={"id": 1}, operationalStatus="Inoperative")
    lab.present("TAG", 1).run(5)
    assert asked(lab) == 0


@each_version
def test_while_not_registered_no_token_is_taken(version: str) -> None:
    lab = Lab(build(version))
    lab.csms.boot_status = "Pending"
    lab.boot().plug().present().run(10)
    assert asked(lab) == 0 and "not registered" in lab.remarks()[-1]


@each_version
def test_a_long_session_asks_nothing_again(version: str) -> None:
    lab = bench(version, settings={SAMPLE_INTERVAL: 0}).charge().run(3000)
    assert len(frames(lab.csms, "Authorize")) == 1
