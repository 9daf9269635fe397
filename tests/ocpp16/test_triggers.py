"""TriggerMessage and ExtendedTriggerMessage. Ids in names are cases of the certification tool."""

from __future__ import annotations

import pytest

from simulator.blocks.metering import SAMPLE_MEASURANDS
from simulator.core.readings import SOC
from simulator.core.records import ViolationSeen
from simulator.ocpp16.triggers import EXTENDED, TRIGGERS
from tests.bench import Lab, bench, told
from tests.secure import delivered, secured


def test_tc_054_cs_trigger_message(lab: Lab) -> None:
    for wanted, message in (
        ({"requestedMessage": "MeterValues", "connectorId": 1}, "MeterValues"),
        ({"requestedMessage": "Heartbeat"}, "Heartbeat"),
        ({"requestedMessage": "StatusNotification", "connectorId": 1}, "StatusNotification Available"),
        ({"requestedMessage": "DiagnosticsStatusNotification"}, "DiagnosticsStatusNotification Idle"),
        ({"requestedMessage": "FirmwareStatusNotification"}, "FirmwareStatusNotification Idle"),
        ({"requestedMessage": "BootNotification"}, "BootNotification"),
    ):
        lab.forget()
        assert lab.ask("TriggerMessage", **wanted) == {"status": "Accepted"}
        assert told(lab)[:1] == [message]
        kinds = [(s.direction, s.kind) for s in lab.csms.seen if s.direction == "cp"]
        assert kinds[0] == ("cp", 3), "the answer comes before what was asked for"


def test_tc_055_cs_trigger_message_rejected(lab: Lab) -> None:
    lab.forget()
    assert lab.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=2) == {"status": "Rejected"}
    lab.run(2)
    assert told(lab) == []


def test_values_that_nothing_can_give_are_not_promised() -> None:
    """5.17, 4.7: there is no main meter; and without a car nobody knows its state of charge."""
    lab = bench(evse={"phases": 0}, settings={SAMPLE_MEASURANDS: (SOC,)}).forget()
    for connector in (0, 1):
        answer = lab.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=connector)
        assert answer == {"status": "Rejected"}
    assert told(lab) == []
    lab.plug()
    assert lab.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=1) == {"status": "Accepted"}
    assert "MeterValues" in told(lab)


@pytest.mark.parametrize("connector", [-1, 3])
def test_a_trigger_for_a_connector_that_is_not_there(lab: Lab, connector: int) -> None:
    answer = lab.ask("TriggerMessage", requestedMessage="StatusNotification", connectorId=connector)
    assert answer == {"status": "Rejected"}


def test_a_connector_without_meaning_for_the_message_is_passed_over(lab: Lab) -> None:
    """5.17: the requested message is leading; it is sent all the same."""
    for action, wanted, message in (
        ("TriggerMessage", "Heartbeat", "Heartbeat"),
        ("TriggerMessage", "FirmwareStatusNotification", "FirmwareStatusNotification Idle"),
        ("ExtendedTriggerMessage", "LogStatusNotification", "LogStatusNotification Idle"),
    ):
        lab.forget()
        assert lab.ask(action, requestedMessage=wanted, connectorId=99) == {"status": "Accepted"}
        assert told(lab) == [message]


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
def test_a_message_that_cannot_be_triggered_is_not_implemented(lab: Lab, action: str) -> None:
    """5.17; the CSMS has violated the schema all the same, and nothing else about the request is forgiven."""
    assert lab.ask(action, requestedMessage="StopTransaction") == {"status": "NotImplemented"}
    assert [(v.action, v.path, v.rule) for v in lab.fleet.recorded(ViolationSeen)] == [
        (action, "requestedMessage", "enum")
    ]
    assert lab.ask(action, requestedMessage="StopTransaction", more=1)[0] == "PropertyConstraintViolation"
    assert lab.ask(action, requestedMessage=1)[0] == "TypeConstraintViolation"


def test_a_triggered_status_of_all_connectors() -> None:
    """5.17: without connectorId every connector, the station as connector 0 included."""
    lab = bench(evses=2).forget()
    assert lab.ask("TriggerMessage", requestedMessage="StatusNotification") == {"status": "Accepted"}
    assert [p["connectorId"] for p in lab.csms.sent("StatusNotification")] == [0, 1, 2]


EXTENDED_SAYS = {
    "BootNotification": "BootNotification",
    "FirmwareStatusNotification": "SignedFirmwareStatusNotification Idle",
    "Heartbeat": "Heartbeat",
    "LogStatusNotification": "LogStatusNotification Idle",
    "MeterValues": "MeterValues",
    "SignChargePointCertificate": "SignCertificate",
    "StatusNotification": "StatusNotification Available",
}


@pytest.mark.parametrize("profile", [0, 3])
@pytest.mark.parametrize("wanted", sorted(EXTENDED))
def test_an_extended_trigger_for_every_message(wanted: str, profile: int) -> None:
    """White paper 6.16."""
    lab = secured(profile=profile)
    assert lab.ask("ExtendedTriggerMessage", requestedMessage=wanted) == {"status": "Accepted"}
    lab.run(1)
    assert told(lab)[0] == EXTENDED_SAYS[wanted]
    kinds = [(s.direction, s.kind) for s in lab.csms.seen if s.direction == "cp"]
    assert kinds[0] == ("cp", 3), "the answer comes before what was asked for"


def test_every_word_of_the_schemas_is_served() -> None:
    lab = secured()
    enum = lab.station.dialect.messages
    assert set(EXTENDED) == set(enum.MessageTriggerEnumType.__args__)
    assert set(TRIGGERS) == set(enum.MessageTrigger.__args__)


@pytest.mark.parametrize("connector", [-1, 0, 2])
def test_an_extended_trigger_is_for_a_connector_that_is_there(connector: int) -> None:
    lab = secured()
    answer = lab.ask("ExtendedTriggerMessage", requestedMessage="StatusNotification", connectorId=connector)
    assert answer == {"status": "Rejected"}
    lab.run(1)
    assert told(lab) == []


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
def test_a_dead_meter_promises_no_values(action: str) -> None:
    lab = secured(evses=2)
    lab.inject("meter.no_readings", 1)
    assert lab.station.meter_dead(lab.evse(1))
    lab.forget()
    assert lab.ask(action, requestedMessage="MeterValues", connectorId=1) == {"status": "Rejected"}
    assert lab.ask(action, requestedMessage="MeterValues") == {"status": "Accepted"}
    assert [p["connectorId"] for p in lab.csms.sent("MeterValues")] == [2]


def test_a_station_that_waits_for_its_registration_may_be_asked() -> None:
    """1.6 4.2, white paper A00.FR.806: credentials are renewed while the registration is pending."""
    lab = delivered(profile=3)
    lab.csms.boot_status = "Pending"
    lab.boot().run(5)
    lab.forget()
    csr = lab.ask_for_csr()
    assert lab.certificate_signed(lab.sign(csr)) == "Accepted"
    lab.run(30)
    assert lab.station.link.is_up and lab.links() == 2
    lab.csms.boot_status = "Accepted"
    assert lab.ask("TriggerMessage", requestedMessage="BootNotification") == {"status": "Accepted"}
    lab.run(5)
    assert lab.station.gate == "accepted" and lab.stored()["ChargingStationCertificate"] == 1
