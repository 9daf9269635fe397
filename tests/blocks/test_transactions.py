"""Transactions as the CSMS hears of them: triggers, numbers, states, tokens, reasons, and what survives."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulator.blocks.authorization import OFFLINE_UNKNOWN, STOP_ON_EV_SIDE
from simulator.blocks.metering import SAMPLE_INTERVAL
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec
from simulator.core.records import TransactionClosed, TransactionNamed, TransactionOpened
from tests.bench import AT_ONCE, CAR, Lab, bench, each_2x, each_version

TODAY = {TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)}


def events(lab: Lab) -> list[tuple[str, str, str | None]]:
    """(type, trigger, chargingState) of the only transaction (2.x)."""
    return [
        (e["eventType"], e["triggerReason"], e["transactionInfo"].get("chargingState")) for e in lab.session().events
    ]


@each_2x
def test_cable_first_with_the_whole_stay_as_transaction(version: str) -> None:
    """E02, E07, E06.FR.02: every step is told, in order, with its own trigger."""
    lab = bench(version, settings=TODAY | {SAMPLE_INTERVAL: 0}).plug().run(1)
    lab.present().run(4)
    lab.feed(i.EvReady(1, False), 1)
    lab.feed(i.EvReady(1, True), 1)
    lab.present().run(1)
    lab.unplug().run(1)
    assert events(lab) == [
        ("Started", "CablePluggedIn", "EVConnected"),
        ("Updated", "Authorized", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
        ("Updated", "ChargingStateChanged", "SuspendedEV"),
        ("Updated", "ChargingStateChanged", "Charging"),
        ("Updated", "StopAuthorized", "EVConnected"),
        ("Ended", "EVCommunicationLost", "Idle"),
    ]
    assert [e["seqNo"] for e in lab.session().events] == list(range(7))


@each_2x
def test_token_first(version: str) -> None:
    """E03."""
    settings = {TX_START_POINT: ("Authorized",), TX_STOP_POINT: ("Authorized",), SAMPLE_INTERVAL: 0}
    lab = bench(version, settings=settings).present().run(3)
    lab.plug().run(4).present().run(1)
    assert events(lab) == [
        ("Started", "Authorized", "Idle"),
        ("Updated", "CablePluggedIn", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
        ("Ended", "StopAuthorized", "EVConnected"),
    ]


@each_2x
def test_the_token_is_told_once_and_the_evse_with_the_start(version: str) -> None:
    """E01.FR.10, FR.16; E07.FR.02."""
    lab = bench(version, settings=TODAY).plug().run(1).present().run(70)
    lab.present().unplug().run(1)
    tokens = [(e["triggerReason"], e["idToken"]["idToken"]) for e in lab.session().events if "idToken" in e]
    assert tokens == [("Authorized", "TAG"), ("StopAuthorized", "TAG")]
    assert lab.session().events[0]["evse"] == {"id": 1, "connectorId": 1}
    assert "MeterValuePeriodic" in lab.session().triggers


@each_2x
def test_a_parking_bay(version: str) -> None:
    """E01.FR.01, E06.FR.01."""
    settings = {TX_START_POINT: ("ParkingBayOccupancy",), TX_STOP_POINT: ("ParkingBayOccupancy",)}
    lab = bench(version, settings=settings, evse={"bay_sensor": True})
    lab.feed(i.Park(1), 1).plug().run(1).present().run(4)
    lab.present().run(1).unplug().run(1).feed(i.Park(1, False), 1)
    assert lab.session().triggers == [
        "EVDetected",
        "CablePluggedIn",
        "Authorized",
        "ChargingStateChanged",
        "StopAuthorized",
        "EVCommunicationLost",
        "EVDeparted",
    ]


@each_2x
@pytest.mark.parametrize("cable", ["bay", "fixed cable"])
def test_a_connector_without_a_car_is_free_though_the_transaction_goes_on(version: str, cable: str) -> None:
    """E06 and E10: it is the cable that occupies a connector, not who stands in the bay or will come back."""
    bay = cable == "bay"
    settings = {TX_STOP_POINT: ("ParkingBayOccupancy",) if bay else ("Authorized",), STOP_ON_EV_SIDE: False}
    lab = bench(version, settings=settings, evse={"bay_sensor": bay, "tethered": not bay})
    lab.feed(i.Park(1, bay), 1).plug().present().run(4)
    if bay:
        lab.present().run(1)
    lab.unplug(1, "both" if bay else "ev").run(1)
    told = [one["connectorStatus"] for one in lab.csms.sent("StatusNotification")]
    assert told[-2:] == ["Occupied", "Available"] and lab.session().triggers[-1] == "EVCommunicationLost"
    assert lab.session().end is None


@each_2x
def test_a_remote_start_names_itself(version: str) -> None:
    """F01.FR.19, F02.FR.05: trigger and remoteStartId in the next event, and there only."""
    lab = bench(version).plug()
    assert lab.remote_start() == "Accepted"
    lab.run(5)
    first, *rest = lab.session().events
    assert first["triggerReason"] == "RemoteStart" and first["transactionInfo"]["remoteStartId"] == 7
    assert all("remoteStartId" not in e["transactionInfo"] for e in rest)


@each_2x
def test_a_remote_start_of_a_transaction_that_waits(version: str) -> None:
    """F01.FR.13: the answer says which transaction it is."""
    lab = bench(version, settings=TODAY).plug().run(1)
    answer = lab.ask(
        "RequestStartTransaction", idToken={"idToken": "TAG", "type": "ISO14443"}, remoteStartId=9, evseId=1
    )
    key = lab.session().begin["transactionInfo"]["transactionId"]
    assert answer == {"status": "Accepted", "transactionId": key}
    lab.run(5)
    second = lab.session().events[1]
    assert second["triggerReason"] == "RemoteStart" and second["transactionInfo"]["remoteStartId"] == 9


@each_2x
def test_number_of_phases(version: str) -> None:
    """E02.FR.16-17, E03.FR.13."""
    lab = bench(version).plug(ev=i.EvSpec(phases=1, curve="flat", max_ac_w=3_600)).present().run(5)
    told = [e["numberOfPhasesUsed"] for e in lab.session().events if "numberOfPhasesUsed" in e]
    assert told == [1]


@each_2x
def test_what_happened_offline_is_marked(version: str) -> None:
    """E04.FR.03: the flag, the numbers, the true time."""
    lab = bench(version, settings={OFFLINE_UNKNOWN: True, SAMPLE_INTERVAL: 10})
    lab.charge()
    lab.fleet.cut(lab.station)
    lab.run(35).present().run(1)
    lab.fleet.mend(lab.station)
    lab.run(120)
    flags = [e.get("offline", False) for e in lab.session().events]
    assert flags == [False, False, True, True, True, True]
    assert [e["seqNo"] for e in lab.session().events] == list(range(6))
    stamps = [e["timestamp"] for e in lab.session().events]
    assert stamps == sorted(stamps)


@each_version
def test_a_session_on_each_evse_at_once(version: str) -> None:
    lab = bench(version, evses=3)
    for evse_id in (1, 2, 3):
        lab.charge(evse_id, f"T{evse_id}")
    lab.present("T2", 2).run(1)
    assert [(s.evse_id, s.end is not None) for s in lab.sessions()] == [(1, False), (2, True), (3, False)]


@each_version
def test_two_sessions_of_one_stay(version: str) -> None:
    """1.6 4.9 F2: the user starts anew without pulling the plug."""
    lab = bench(version).charge().present().run(5).present().run(5)
    assert lab.evse().flowing and len(lab.sessions()) == 2


@each_2x
@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("point", ["ParkingBayOccupancy", "EVConnected"])
def test_a_second_session_whatever_starts_it(version: str, point: str, remote: bool) -> None:
    """E01.FR.01-02, F01.FR.03, FR.19: no energy without a transaction, where its start point has held all the time."""
    settings = {TX_START_POINT: (point,), TX_STOP_POINT: ("Authorized",)}
    lab = bench(version, settings=settings, evse={"bay_sensor": True}).feed(i.Park(1, True)).charge().present().run(5)
    if remote:
        assert lab.remote_start() == "Accepted"
    else:
        lab.present()
    lab.run(5)
    first, second = lab.sessions()
    assert first.end is not None and second.end is None and lab.evse().flowing
    assert second.begin["triggerReason"] == ("RemoteStart" if remote else "Authorized")
    assert second.begin["idToken"]["idToken"] == "TAG" and second.states == ["EVConnected", "Charging"]


REASONS = [
    ("token", "Local"),
    ("remote", "Remote"),
    ("unplug", "EVDisconnected"),
    ("soft reset", "SoftReset"),
    ("hard reset", "HardReset"),
    ("power", "PowerLoss"),
    ("watchdog", "Reboot"),
    ("unlock", "UnlockCommand"),
    ("fault", "Other"),
]


def interrupt(lab: Lab, how: str) -> None:
    """End a session in one of the ways there are."""
    if how == "token":
        lab.present()
    elif how == "remote":
        assert lab.remote_stop() == "Accepted"
    elif how == "unplug":
        lab.unplug(side="ev")
    elif how == "power":
        lab.inject("supply.mains_outage").run(5).clear()
    elif how == "watchdog":
        lab.feed(i.Perform("reboot", {"reason": "Watchdog"}))
    elif how == "fault":
        lab.inject("protection.rcd_trip", 1)
    elif how == "unlock":
        lab.ask("UnlockConnector", connectorId=1)
    elif lab.version == "1.6":
        lab.ask("Reset", type=how.split()[0].capitalize())
    else:
        lab.ask("Reset", type="Immediate")
    lab.run(60)


@pytest.mark.parametrize("how, reason", REASONS)
def test_reasons_of_1_6(lab: Lab, how: str, reason: str) -> None:
    interrupt(lab.charge(), how)
    assert lab.session().reason == reason
    assert lab.session().stop_token == ("TAG" if how == "token" else None)
    assert not lab.evse().flowing


@each_2x
@pytest.mark.parametrize(
    "how, trigger, reason",
    [
        ("token", "StopAuthorized", "Local"),
        ("remote", "RemoteStop", "Remote"),
        ("unplug", "EVCommunicationLost", "EVDisconnected"),
        ("reset", "ResetCommand", "ImmediateReset"),
        ("power", "AbnormalCondition", "PowerLoss"),
        ("watchdog", "AbnormalCondition", "Reboot"),
        ("fault", "AbnormalCondition", "GroundFault"),
    ],
)
def test_reasons_of_2_x(version: str, how: str, trigger: str, reason: str) -> None:
    lab = bench(version).charge()
    interrupt(lab, how)
    assert lab.session().triggers[-1] == trigger and lab.session().reason == reason


@each_version
@pytest.mark.parametrize("how", ["token", "remote", "unplug", "soft reset", "power", "watchdog", "fault"])
def test_one_start_and_one_end_and_the_energy_between_them(version: str, how: str) -> None:
    lab = bench(version).charge().run(600)
    interrupt(lab, how)
    opened, closed = lab.fleet.recorded(TransactionOpened), lab.fleet.recorded(TransactionClosed)
    assert len(opened) == len(closed) == 1 and opened[0].key == closed[0].key
    session = lab.session()
    assert session.end is not None
    told_wh = _register(session.end, "Transaction.End") - _register(session.begin, "Transaction.Begin")
    assert told_wh == pytest.approx(closed[0].physical_energy_wh, abs=1.01)
    assert closed[0].physical_energy_wh > 1800


def _register(payload: dict[str, Any], context: str) -> float:
    for word in ("meterStart", "meterStop"):
        if word in payload:
            return float(payload[word])
    (value,) = (
        s["value"]
        for reading in payload["meterValue"]
        for s in reading["sampledValue"]
        if s["measurand"] == "Energy.Active.Import.Register" and s["context"] == context
    )
    return float(value)


@each_version
def test_a_power_cut_resumes_where_the_product_does(version: str) -> None:
    hardware = HardwareSpec(modem=AT_ONCE, power_loss="resume")
    lab = bench(version, hardware=hardware).charge().run(60)
    before = len(lab.session().events)
    lab.inject("supply.mains_outage").run(10).clear().run(60)
    assert lab.evse().flowing and len(lab.sessions()) == 1
    assert len(lab.session().events) > before
    lab.present().run(1)
    assert lab.session().reason == "Local"


@each_2x
def test_a_power_cut_brings_no_authorisation_back_that_had_ended(version: str) -> None:
    hardware = HardwareSpec(modem=AT_ONCE, power_loss="resume")
    lab = bench(version, hardware=hardware, settings=TODAY).charge().present().run(5)
    assert lab.session().end is None
    lab.inject("supply.mains_outage").run(10).clear().run(60)
    assert not lab.evse().flowing and lab.evse().tx is not None
    lab.unplug().run(1)
    assert lab.session().end is not None


@each_version
def test_a_car_that_left_during_the_power_cut(version: str) -> None:
    hardware = HardwareSpec(modem=AT_ONCE, power_loss="resume")
    lab = bench(version, hardware=hardware).charge().run(60)
    lab.inject("supply.mains_outage").run(10).unplug().clear().run(60)
    assert lab.session().reason == "PowerLoss" and lab.statuses()[-1] == "Available"


@each_version
def test_hold_up_lets_the_station_say_so_first(version: str) -> None:
    hardware = HardwareSpec(modem=AT_ONCE, power_loss="stop_before", holdup_s=5.0)
    lab = bench(version, hardware=hardware, settings=TODAY).charge()
    lab.inject("supply.mains_outage").run(2)
    assert lab.station.running and lab.session().reason == "PowerLoss"
    lab.run(10)
    assert not lab.station.running
    lab.clear().run(60)
    assert len(lab.sessions()) == 1 + (version != "1.6"), "the car is still there"


@each_version
def test_hold_up_outlasts_a_short_dip(version: str) -> None:
    hardware = HardwareSpec(modem=AT_ONCE, power_loss="stop_after", holdup_s=5.0)
    lab = bench(version, hardware=hardware).charge()
    lab.inject("supply.mains_outage").run(2).clear().run(10)
    assert lab.station.boot_no == 1 and lab.session().end is None and lab.evse().flowing


@each_version
def test_ids_are_never_used_twice(version: str) -> None:
    """E01.FR.08."""
    lab = bench(version)
    for _ in range(3):
        lab.charge().present().unplug().run(1)
        lab.inject("supply.mains_outage").run(1).clear().run(60)
    keys = [r.key for r in lab.fleet.recorded(TransactionOpened)]
    assert len(set(keys)) == len(keys) == 3
    form = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
    assert all(form.fullmatch(key) for key in keys)


def test_the_csms_names_the_transaction(lab: Lab) -> None:
    """1.6 4.8: what waits for the name carries it."""
    lab.csms.next_transaction = 5000
    lab.charge().run(70).present().run(1)
    assert [r.csms_id for r in lab.fleet.recorded(TransactionNamed)] == ["5000"]
    assert {p["transactionId"] for p in lab.csms.sent("MeterValues", "StopTransaction")} == {5000}


@each_2x
def test_a_transaction_status_can_be_asked_for(version: str) -> None:
    """E14.FR.01-08."""
    lab = bench(version).charge()
    key = lab.session().begin["transactionInfo"]["transactionId"]
    assert lab.ask("GetTransactionStatus", transactionId=key) == {"ongoingIndicator": True, "messagesInQueue": False}
    lab.present().run(1)
    assert lab.ask("GetTransactionStatus", transactionId=key) == {"ongoingIndicator": False, "messagesInQueue": False}
    assert lab.ask("GetTransactionStatus", transactionId="unknown")["ongoingIndicator"] is False


@each_version
def test_suspension_by_station_and_by_car(version: str) -> None:
    """SuspendedEVSE goes before SuspendedEV (1.6 4.9)."""
    lab = bench(version).charge().forget()
    lab.feed(i.EvReady(1, False), 1).feed(i.EvseReady(1, False), 1).feed(i.EvReady(1, True), 1)
    if version == "1.6":
        assert lab.statuses() == ["SuspendedEV", "SuspendedEVSE"]
    else:
        assert lab.session().states[-2:] == ["SuspendedEV", "SuspendedEVSE"]
    lab.feed(i.EvseReady(1, True), 5)
    assert lab.evse().flowing


@each_version
def test_a_full_car_suspends_by_itself(version: str) -> None:
    lab = bench(version).plug(ev=i.EvSpec(battery_wh=10_000, soc=0.9, curve="flat")).present().run(600)
    assert not lab.evse().flowing and lab.session().end is None
    assert lab.evse().charging_state == "SuspendedEV"
    taken = lab.station.board.meters[0].physical_wh(lab.fleet.now)
    lab.run(600)
    assert lab.station.board.meters[0].physical_wh(lab.fleet.now) == taken


@each_version
def test_nothing_starts_while_not_registered(version: str) -> None:
    lab = bench(version)
    lab.csms.boot_status, lab.csms.interval_s = "Pending", 600
    lab.feed(i.Perform("reboot", {"reason": "Watchdog"}), 30)
    lab.plug().present().run(30)
    assert lab.evse().tx is None and not lab.sessions()


@each_version
def test_a_dead_link_and_a_full_session(version: str) -> None:
    """What was told and what happened are the same in the end."""
    lab = bench(version, settings={OFFLINE_UNKNOWN: True, STOP_ON_EV_SIDE: True})
    lab.fleet.cut(lab.station)
    for _ in range(3):
        lab.plug(ev=CAR).present().run(100)
        lab.unplug().run(5)
    lab.fleet.mend(lab.station)
    lab.run(300)
    assert [s.reason for s in lab.sessions()] == ["EVDisconnected"] * 3
