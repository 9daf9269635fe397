"""B01 to B04 and the way back to the tool: boots, pending and refused, changes while offline."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.reports import report
from simulator.certify.rules import one_of
from simulator.certify.states201 import booted, start_request, with_a_cable
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place
from simulator.certify.wire import CONNECT

#: the offline threshold of the cases about it, s
THRESHOLD_S = 20
#: the shortest wait before a reconnection, s
BACK_OFF_S = 10
AVAILABLE_AGAIN_S = 300.0


@case_201("TC_B_01")
def accepted(t: Tester201) -> None:
    """Cold Boot station: accepted."""
    booted(t)


@case_201("TC_B_02")
def pending(t: Tester201) -> None:
    """Cold Boot station: pending."""
    interval = {"interval": t.tool.heartbeat_interval_s}
    t.answer_next("BootNotification", {"status": "Pending", **interval})
    t.power_cycle()
    t.expect(1, "BootNotification", within_s=AVAILABLE_AGAIN_S)
    threshold = place("OCPPCommCtrlr.OfflineThreshold")
    new = {"setVariableData": [{**threshold, "attributeValue": "300"}]}
    t.call(4, "SetVariables", new, {"setVariableResult.0.attributeStatus": "Accepted"})
    told = {"getVariableResult.0.attributeStatus": "Accepted"}
    t.call(6, "GetVariables", {"getVariableData": [threshold]}, told)
    report(t, "FullInventory", steps=(8, 9))
    t.call(12, "RequestStartTransaction", start_request(t), status="Rejected")
    t.call(14, "TriggerMessage", {"requestedMessage": "BootNotification"}, status=one_of("Accepted", "NotImplemented"))
    t.expect(15, "BootNotification", reason="Triggered", within_s=t.tool.heartbeat_interval_s / 2)
    t.all_statuses(17, "Available")


@case_201("TC_B_03")
def refused(t: Tester201) -> None:
    """Cold Boot station: rejected."""
    wait_s = t.tool.boot_retry_s
    t.answer_next("BootNotification", {"status": "Rejected", "interval": wait_s})
    t.power_cycle()
    t.expect(1, "BootNotification", within_s=AVAILABLE_AGAIN_S)
    t.never(3, "StatusNotification", wait_s - 1.0)
    t.expect(3, "BootNotification", within_s=10.0)
    t.all_statuses(5, "Available")


@case_201("TC_B_30")
def refused_commands(t: Tester201) -> None:
    """Cold Boot station: pending/Rejected, SecurityError."""
    t.answer_next("BootNotification", {"status": "Rejected", "interval": t.tool.boot_retry_s})
    t.power_cycle()
    t.expect(1, "BootNotification", within_s=AVAILABLE_AGAIN_S)
    wanted = {"requestId": 1, "reportBase": "FullInventory"}
    t.call(4, "GetBaseReport", wanted, or_error="SecurityError", status="refused by an error")


def _offline_settings(wait_s: int) -> dict[str, Any]:
    return {
        "OCPPCommCtrlr.OfflineThreshold": THRESHOLD_S,
        "OCPPCommCtrlr.RetryBackOffWaitMinimum": wait_s,
        "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    }


@case_201("TC_B_51", settings=_offline_settings(THRESHOLD_S + 2))
def changed_long_offline(t: Tester201) -> None:
    """Status change during offline period: > Offline Threshold."""
    t.rig.network(False)
    t.plug()
    t.wait(THRESHOLD_S + 1.0)
    t.rig.network(True)
    others = [t.status(4, "Available", evse) for evse in t.rig.connectors if evse != t.connector]
    t.any_order(t.status(4, with_a_cable(t)), *others, within_s=120.0)


@case_201("TC_B_52", settings=_offline_settings(THRESHOLD_S - 2))
def changed_briefly_offline(t: Tester201) -> None:
    """Status change during offline period: < Offline Threshold. A socket without pilot has let go of the car by the
    time the station is back, so its status is what it was, and that is not told (B04.FR.02)."""
    t.rig.network(False)
    t.plug()
    t.wait(1.0)
    t.rig.network(True)
    if t.rig.feels_cars(t.connector):
        t.hear(t.status(4, "Occupied"), within_s=120.0)
    else:
        unchanged = t.status(4, "Available")
        t.never(4, unchanged.action, 120.0, unchanged.fields)


@case_201(
    "TC_B_57",
    settings={
        "OCPPCommCtrlr.RetryBackOffRepeatTimes": 2,
        "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
        "OCPPCommCtrlr.RetryBackOffWaitMinimum": BACK_OFF_S,
    },
)
def reconnects(t: Tester201) -> None:
    """Network Reconnection: after connection loss."""
    t.rig.tells_connections = True
    t.wait(600.0)  # the station has long forgotten earlier trouble
    t.rig.network(False)
    t.rig.network(True)
    t.expect(2, CONNECT, after_s=BACK_OFF_S, within_s=2.0 * BACK_OFF_S)
    t.wait(600.0)
    t.rig.network(False)
    t.rig.network(True)
    t.rig.refuse(True)
    t.wait(BACK_OFF_S + 1.0)  # the first attempt is in vain
    t.rig.refuse(False)
    # counted from here, a second less than a doubled wait is still to come
    t.expect(7, CONNECT, after_s=2.0 * BACK_OFF_S - 2.0, within_s=3.0 * BACK_OFF_S)


@case_201("TC_B_43")
def network_profile_refused(t: Tester201) -> None:
    """New network profile: rejected."""
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "ws://csms.test/other",
        "messageTimeout": 30,
        "securityProfile": 0,
        "ocppInterface": "Wired0",
    }
    wanted = {"configurationSlot": 999, "connectionData": data}
    t.call(2, "SetNetworkProfile", wanted, status="Rejected")
