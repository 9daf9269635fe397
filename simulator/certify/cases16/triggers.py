"""Messages on request, and vendor messages."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.rules import PRESENT, one_of
from simulator.certify.tester import Tester


def trigger(t: Tester, step: int, wanted: str, *, connector: bool = False, status: object = "Accepted") -> str:
    """The tool asks for a message; what the station says to that."""
    payload = {"requestedMessage": wanted, **({"connectorId": t.connector} if connector else {})}
    return str(t.call(step, "TriggerMessage", payload, status=status).payload.get("status"))


@case("TC_054")
def each_message(t: Tester) -> None:
    """Every message that can be asked for comes."""
    trigger(t, 2, "MeterValues", connector=True)
    t.expect(3, "MeterValues", {"meterValue.0": PRESENT}, connectorId=t.connector)
    trigger(t, 6, "Heartbeat")
    t.expect(7, "Heartbeat")
    trigger(t, 10, "StatusNotification", connector=True)
    t.expect(11, "StatusNotification", connectorId=t.connector, status="Available")
    trigger(t, 14, "DiagnosticsStatusNotification")
    t.expect(15, "DiagnosticsStatusNotification", status="Idle")
    if trigger(t, 18, "FirmwareStatusNotification", status=one_of("Accepted", "NotImplemented")) == "Accepted":
        t.expect(19, "FirmwareStatusNotification", status="Idle")


@case("TC_055")
def unknown_connector(t: Tester) -> None:
    """Of a connector that is not there nothing is told."""
    payload = {"requestedMessage": "MeterValues", "connectorId": len(t.rig.connectors) + 1}
    t.call(2, "TriggerMessage", payload, or_error=PRESENT, status="Rejected")
    t.never("2b", "MeterValues", 5)


@case("TC_062")
def vendor_message(t: Tester) -> None:
    """A message of a vendor the station does not know is turned down."""
    answers = one_of("Rejected", "UnknownMessageId", "UnknownVendorId")
    t.call(2, "DataTransfer", {"vendorId": "com.example.unknown", "messageId": "Hello", "data": "x"}, status=answers)
