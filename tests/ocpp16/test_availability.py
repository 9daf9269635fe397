"""Statuses and operative states of 1.6.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

from typing import get_args

import pytest

from simulator.blocks.availability import MINIMUM_STATUS_DURATION
from simulator.core import inputs as i
from simulator.hardware.fault import FAULTS
from simulator.ocpp16 import availability
from simulator.ocpp16 import messages as m
from tests.bench import Lab, bench, build, told


def told_of(lab: Lab) -> list[tuple[int, str]]:
    """(connector, status) of every StatusNotification since it was forgotten."""
    return [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")]


def test_tc_024_cs_lock_failure(lab: Lab) -> None:
    lab.inject("lock.jammed", 1, stuck="open").forget()
    assert lab.remote_start() == "Accepted"
    assert told(lab) == ["StatusNotification Preparing"]
    lab.plug().run(10)
    last = lab.csms.sent("StatusNotification")[-1]
    assert (last["status"], last["errorCode"]) == ("Faulted", "ConnectorLockFailure")
    assert not lab.sessions() and not lab.evse().flowing
    lab.unplug().clear()
    assert lab.statuses()[-1] == "Available"


def test_tc_034_cs_power_failure_keeps_unavailable() -> None:
    lab = bench(evses=2)
    assert lab.ask("ChangeAvailability", connectorId=0, type="Inoperative") == {"status": "Accepted"}
    every = [(0, "Unavailable"), (1, "Unavailable"), (2, "Unavailable")]
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")][-3:] == every
    lab.inject("supply.mains_outage").run(60)
    lab.forget().clear().run(60)
    assert told(lab)[0] == "BootNotification"
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")] == every


def test_tc_041_cs_no_start_in_fault_state(lab: Lab) -> None:
    lab.inject("protection.rcd_trip", 1)
    assert lab.statuses()[-1] == "Faulted"
    lab.plug().present().run(60)
    assert lab.remote_start() == "Rejected"
    assert not lab.sessions() and not lab.evse().flowing


def test_every_problem_of_the_hardware_has_an_error_code() -> None:
    """7.6: no fault may end in a KeyError on the wire."""
    codes = {FAULTS.get(name).code for name in FAULTS} - {None}
    assert codes <= set(availability.ERROR_CODES)
    known = set(get_args(m.ChargePointErrorCode))
    assert set(availability.ERROR_CODES.values()) <= known


@pytest.mark.parametrize(
    "fault, code",
    [
        ("protection.rcd_trip", "GroundFailure"),
        ("protection.over_current", "OverCurrentFailure"),
        ("supply.over_voltage", "OverVoltage"),
        ("supply.brown_out", "UnderVoltage"),
        ("pilot.short", "OtherError"),
        ("meter.no_readings", "PowerMeterFailure"),
        ("contactor.welded", "PowerSwitchFailure"),
        ("reader.dead", "ReaderFailure"),
    ],
)
def test_a_fault_on_the_wire(lab: Lab, fault: str, code: str) -> None:
    lab.forget().inject(fault).run(1)
    assert code in {p["errorCode"] for p in lab.csms.sent("StatusNotification")}
    lab.clear().run(1)
    assert lab.csms.sent("StatusNotification")[-1]["errorCode"] == "NoError"


def test_connector_0_knows_three_statuses_only(lab: Lab) -> None:
    """7.7: Available, Unavailable, Faulted."""
    lab.charge()
    lab.ask("ChangeAvailability", connectorId=0, type="Inoperative")
    lab.present().run(1)
    lab.feed(i.Press("emergency_stop"), 1).feed(i.Press("emergency_release"), 1)
    told_of_0 = [p["status"] for p in lab.csms.sent("StatusNotification") if p["connectorId"] == 0]
    assert set(told_of_0) <= {"Available", "Unavailable", "Faulted"} and "Faulted" in told_of_0


def test_the_station_is_unavailable_when_nobody_charges_any_more() -> None:
    """5.2, 7.7: scheduled, it is told when it has come about; connector 0 is no exception."""
    lab = bench(evses=2).charge(1).forget()
    assert lab.ask("ChangeAvailability", connectorId=0, type="Inoperative") == {"status": "Scheduled"}
    lab.run(1)
    assert told_of(lab) == [(2, "Unavailable")]
    lab.forget().present(evse_id=1).run(1)
    assert sorted(told_of(lab)) == [(0, "Unavailable"), (1, "Unavailable")]


def test_a_trigger_before_the_registration_tells_the_truth() -> None:
    """4.9: Unavailable survives the restart, and who asks for it while the station waits is told so."""
    lab = bench()
    lab.ask("ChangeAvailability", connectorId=0, type="Inoperative")
    lab.csms.boot_status = "Pending"
    lab.ask("Reset", type="Soft")
    lab.run(20).forget()
    assert lab.ask("TriggerMessage", requestedMessage="StatusNotification") == {"status": "Accepted"}
    assert told_of(lab) == [(0, "Unavailable"), (1, "Unavailable")]


def test_what_changed_offline_is_told_in_the_order_in_which_it_happened() -> None:
    """4.9, rule 4."""
    lab = bench(evses=3)
    lab.fleet.cut(lab.station)
    for evse_id in (2, 3, 1):
        lab.run(5).plug(evse_id)
    lab.forget()
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert told_of(lab) == [(2, "Preparing"), (3, "Preparing"), (1, "Preparing")]


def test_connector_0_has_to_be_stable_too() -> None:
    """9.1.20: of the station as of a connector."""
    lab = Lab(build(settings={MINIMUM_STATUS_DURATION: 10})).boot().run(2).forget()
    for kind in ("Inoperative", "Operative", "Inoperative"):
        assert lab.ask("ChangeAvailability", connectorId=0, type=kind) == {"status": "Accepted"}
        lab.run(4)
    assert told_of(lab) == []
    lab.run(7)
    assert sorted(told_of(lab)) == [(0, "Unavailable"), (1, "Unavailable")]


def test_an_error_of_the_communication_with_the_car_goes_with_four_statuses_only(lab: Lab) -> None:
    """4.9: Preparing, SuspendedEV, SuspendedEVSE, Finishing. 7.6: it suspends, and the station is the one that does."""
    lab.forget().inject("pilot.no_communication", 1).plug().present().run(5)
    assert [(p["status"], p["errorCode"]) for p in lab.csms.sent("StatusNotification")] == [
        ("Preparing", "EVCommunicationError"),
        ("SuspendedEVSE", "EVCommunicationError"),
    ]
    lab.forget().clear().run(5)
    assert [(p["status"], p["errorCode"]) for p in lab.csms.sent("StatusNotification")][-1] == ("Charging", "NoError")


def test_another_error_says_which(lab: Lab) -> None:
    """7.6, OtherError: more in vendorErrorCode."""
    lab.forget().inject("pilot.short", 1).run(1)
    last = lab.csms.sent("StatusNotification")[-1]
    assert (last["status"], last["vendorErrorCode"]) == ("Faulted", "control pilot shorted")
    lab.forget().feed(i.Press("emergency_stop"), 1)
    for p in lab.csms.sent("StatusNotification"):
        assert (p["errorCode"], p["vendorErrorCode"]) == ("OtherError", "emergency stop pressed")
