"""Component events, status messages, vendor messages, security events (N07, N01, L01, P, A04)."""

import msgspec
import pytest

from simulator.blocks import data_transfer as block
from simulator.blocks.diagnostics import next_event_id
from simulator.core import inputs as i
from simulator.core.model import Identity
from simulator.core.reports import ComponentEvent, FirmwareProgress, LogProgress, SecurityEvent
from simulator.ocpp2x import data_transfer, security
from tests.ocpp2x.bench import DIALECTS, Bench, each_version


@each_version
def test_a_problem_is_told_and_cleared(version: str) -> None:
    """N07.FR.02, FR.07, 2.1 N07.FR.21."""
    bench = Bench(version).boot()
    bench.feed(i.Inject("f1", "protection.rcd_trip", 1))
    bench.run(1)
    bench.feed(i.Clear("f1"))
    bench.run(1)
    begin, end = bench.sent("NotifyEvent")
    (event,) = begin["eventData"]
    assert (begin["seqNo"], "tbc" in begin, event["eventId"]) == (0, False, 1)
    assert event["component"] == {"name": "RCD", "evse": {"id": 1}} and event["variable"] == {"name": "Problem"}
    assert (event["actualValue"], event["trigger"]) == ("true", "Delta") and "cleared" not in event
    assert event["techCode"] == "ground_failure"
    assert ("severity" in event) == (version == "2.1")
    (event,) = end["eventData"]
    assert event["cleared"] is True and event["actualValue"] == "false" and event["eventId"] == 2


@each_version
def test_a_jammed_lock(version: str) -> None:
    """G05.FR.01-02; within a transaction the event names it."""
    bench = Bench(version, {"TxCtrlr.TxStartPoint": ("EVConnected",)}).boot()
    bench.feed(i.Inject("f1", "lock.jammed", 1), i.Plug(1), i.Present("TAG", 1))
    bench.run(10)
    events = [event for payload in bench.sent("NotifyEvent") for event in payload["eventData"]]
    assert [event["component"] for event in events] == [
        {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}}
    ]
    assert events[0]["transactionId"] == bench.events()[0]["transactionInfo"]["transactionId"]
    assert all(event["transactionInfo"].get("chargingState") != "Charging" for event in bench.events())


@each_version
def test_an_event_is_cut_to_its_message(version: str) -> None:
    bench = Bench(version).boot()
    report = ComponentEvent(
        event_id=next_event_id(bench.st),
        component="ChargingStation",
        evse_id=0,
        connector_id=0,
        variable="Problem",
        value="v" * 3000,
        trigger="Delta",
        at=bench.st.stamp(),
        tech_code="c" * 80,
        tech_info="i" * 800,
    )
    bench.st.publish(report)
    bench.feed(i.Tick())
    bench.run(1)
    ((event,),) = [payload["eventData"] for payload in bench.sent("NotifyEvent")]
    assert (len(event["actualValue"]), len(event["techCode"]), len(event["techInfo"])) == (2500, 50, 500)
    assert event["component"] == {"name": "ChargingStation"}


@each_version
def test_progress_names_its_request(version: str) -> None:
    """N01.FR.07, L01.FR.20."""
    bench = Bench(version).boot()
    bench.st.publish(LogProgress("Uploading", 3))
    bench.st.publish(FirmwareProgress("Downloading", 4))
    bench.feed(i.Tick())
    bench.run(1)
    assert bench.sent("LogStatusNotification") == [{"status": "Uploading", "requestId": 3}]
    assert bench.sent("FirmwareStatusNotification") == [{"status": "Downloading", "requestId": 4}]


@each_version
def test_vendor_messages_come_in(version: str) -> None:
    """P01.FR.05-06."""
    bench = Bench(version, identity=Identity("org.acme", "X")).boot()
    assert bench.ask("DataTransfer", {"vendorId": "org.other", "data": {"a": 1}}) == {"status": "UnknownVendorId"}
    assert bench.ask("DataTransfer", {"vendorId": "org.acme", "messageId": "m"}) == {"status": "UnknownMessageId"}
    assert [action for action, _, _ in data_transfer.table.handlers] == ["DataTransfer"]


@each_version
@pytest.mark.parametrize("data", [None, "text", 5, {"a": [1, None]}, [True]])
def test_vendor_messages_go_out(version: str, data: object) -> None:
    """P02: any JSON value."""
    bench = Bench(version).boot()
    block.send(bench.st, "org.acme", None if data is None else "m", data)
    bench.feed(i.Tick())
    bench.run(1)
    expected = {"vendorId": "org.acme"} if data is None else {"vendorId": "org.acme", "messageId": "m", "data": data}
    assert bench.sent("DataTransfer") == [expected]


@each_version
def test_security_events_wait_for_the_link(version: str) -> None:
    """A04.FR.01-02."""
    bench = Bench(version).boot()
    bench.fleet.cut(bench.st)
    bench.st.publish(SecurityEvent("StartupOfTheDevice", bench.st.stamp(), "i" * 300))
    bench.run(100)
    bench.fleet.mend(bench.st)
    bench.run(200)
    _, event = bench.sent("SecurityEventNotification")  # the first is the boot
    assert event["type"] == "StartupOfTheDevice" and len(event["techInfo"]) == 255
    assert event["timestamp"].startswith("2026-03-01T00:00:0")


@each_version
def test_payloads_are_encodable_without_a_station(version: str) -> None:
    bench = Bench(version)
    messages = DIALECTS[version].messages
    _, payload = security.security_event(bench.st, SecurityEvent("X", bench.st.stamp()), messages)
    assert msgspec.json.decode(msgspec.json.encode(payload)).keys() == {"type", "timestamp"}
