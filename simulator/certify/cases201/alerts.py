"""N05, N07, N08: what monitors tell: thresholds, changes, periods, and what is kept while there is no connection."""

from __future__ import annotations

import math
from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.meter_values import apart
from simulator.certify.cases201.monitors import (
    ALL,
    DELTA,
    LOW_W,
    LOWER,
    PERIOD_S,
    PERIODIC,
    SEVERITY,
    TRIGGER_W,
    UPPER,
    ask,
    availability,
    base,
    clear,
    hard_wired_only,
    has,
    highest,
    level,
    monitor,
    power,
    report,
    set_monitors,
)
from simulator.certify.rules import OMITTED, PRESENT, Rule, one_of, such_that
from simulator.certify.security import DELIVERED_PASSWORD
from simulator.certify.states201 import (
    HAND_S,
    booted,
    energy_started,
    ev_connected,
    left_alone,
    running,
    stop_authorized,
)
from simulator.certify.tester import Step
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place

OFFLINE_SEVERITY = "MonitoringCtrlr.OfflineQueuingSeverity"
PASSWORD = "SecurityCtrlr.BasicAuthPassword"
#: until what must not come would have come
SILENCE_S = 30.0
FALSE = one_of(False, OMITTED)
#: of a message with events, when they are all in one
WHOLE = {"seqNo": 0, "generatedAt": PRESENT}


def about(name: str, trigger: str, **more: Any) -> dict[str, Any]:
    """Fields of an event about a variable."""
    row = place(name)
    fields: dict[str, Any] = {
        "component.name": row["component"]["name"],
        "variable.name": row["variable"]["name"],
        "trigger": trigger,
    }
    if "evse" in row["component"]:
        fields["component.evse.id"] = row["component"]["evse"]["id"]
    return fields | more


def _number(got: Any) -> float:
    """What a value says as a number; no number compares with anything."""
    try:
        return float(got)
    except (TypeError, ValueError):
        return math.nan


def over(value: float) -> Rule:
    """A number, as text, that is higher."""
    return such_that(f"above {value:g}", lambda got: _number(got) > value)


def within(value: float) -> Rule:
    """A number, as text, that is not higher."""
    return such_that(f"not above {value:g}", lambda got: _number(got) <= value)


def under(value: float) -> Rule:
    """A number, as text, that is lower."""
    return such_that(f"below {value:g}", lambda got: _number(got) < value)


def silent(t: Tester201, step: Step, monitor_id: int, for_s: float = SILENCE_S) -> None:
    """Nothing is told by this monitor from now on."""
    begun = len(t.csms.log)
    t.never(step, "NotifyEvent", for_s, {"eventData.0.variableMonitoringId": monitor_id})
    told = [row["payload"] for row in t.csms.log[begun:] if row["action"] == "NotifyEvent" and row["kind"] == "call"]
    mine = [one for payload in told for one in payload["eventData"] if one.get("variableMonitoringId") == monitor_id]
    t.check(step, f"no event of monitor {monitor_id}", not mine, mine)


# -- thresholds and changes --------------------------------------------------------------------------------------------


@case_201("TC_N_20", memory=[hard_wired_only, level])
def threshold(t: Tester201) -> None:
    """Alert Event: threshold value exceeded."""
    where = power(t)
    base(t, "Memory", ALL)
    (upper,) = set_monitors(t, "Memory", monitor(where, UPPER, TRIGGER_W))
    energy_started(t)
    transaction = t.transaction_id

    def event(step: Step, monitor_id: int, value: Rule, cleared: Any) -> None:
        fields = about(where, "Alerting", variableMonitoringId=monitor_id, cleared=cleared, actualValue=value)
        fields |= {"eventId": PRESENT, "timestamp": PRESENT, "transactionId": transaction}
        t.alert(step, fields | {"eventNotificationType": "CustomMonitor"}, WHOLE)

    event(2, upper, over(TRIGGER_W), FALSE)
    (lower,) = set_monitors(t, 5, monitor(where, LOWER, LOW_W))
    stop_authorized(t)
    event(7, upper, within(TRIGGER_W), True)
    event(7, lower, under(LOW_W), FALSE)


@case_201("TC_N_45", memory=[hard_wired_only, level])
def delta(t: Tester201) -> None:
    """Alert Event: delta value exceeded."""
    where = power(t)
    (mine,) = set_monitors(t, "Memory", monitor(where, DELTA, TRIGGER_W))
    energy_started(t)
    t.alert(2, about(where, "Delta", variableMonitoringId=mine))


@case_201("TC_N_56", memory=[hard_wired_only, level])
def another_word(t: Tester201) -> None:
    """Alert Event: delta value NOT numeric exceeded."""
    where = availability(t)
    (mine,) = set_monitors(t, "Memory", monitor(where, DELTA, 1))
    t.wait(HAND_S)
    t.plug()
    t.alert(1, about(where, "Delta", variableMonitoringId=mine))


@case_201("TC_N_51", memory=[hard_wired_only, level])
def modified(t: Tester201) -> None:
    """Set Variable Monitoring: modifying a VariableMonitor and trigger (N07.FR.11)."""
    where = power(t)
    most = highest(t)
    (mine,) = set_monitors(t, "Memory", monitor(where, UPPER, most))
    energy_started(t)
    set_monitors(t, 3, monitor(where, UPPER, TRIGGER_W, id=mine))
    t.alert(4, about(where, "Alerting", actualValue=over(TRIGGER_W), variableMonitoringId=mine))


@case_201("TC_N_52", memory=[hard_wired_only, level])
def removed(t: Tester201) -> None:
    """Set Variable Monitoring: removing a VariableMonitor (N07.FR.12)."""
    where = power(t)
    (mine,) = set_monitors(t, "Memory", monitor(where, UPPER, TRIGGER_W))
    energy_started(t)
    t.alert("Triggered", about(where, "Alerting", variableMonitoringId=mine))
    clear(t, 2, mine)
    ask(t, 4, "EmptyResultSet", componentVariable=[place(where)], monitoringCriteria=["ThresholdMonitoring"])
    t.drop()
    stop_authorized(t)
    silent(t, 6, mine)


@case_201("TC_N_53", memory=[hard_wired_only])
def persistent(t: Tester201) -> None:
    """Alert Event: persistent over reboot (N07.FR.13)."""
    where = power(t)
    (mine,) = set_monitors(t, "Memory", monitor(where, UPPER, TRIGGER_W))
    booted(t)
    rows = report(t, 2, monitoringCriteria=["ThresholdMonitoring"])
    fits = has(where, id=mine, type=UPPER)
    t.check(3, fits.text, fits.accepts(rows), rows)


@case_201("TC_N_24", memory=[hard_wired_only, level])
def periodic(t: Tester201) -> None:
    """Set Variable Monitoring: periodic event (N08.FR.05-06)."""
    where = power(t)
    (mine,) = set_monitors(t, 2, monitor(where, PERIODIC, PERIOD_S))
    stamps = []
    for _ in range(3):
        told = t.alert(3, about(where, "Periodic", variableMonitoringId=mine), within_s=PERIOD_S + 10.0)
        stamps.append(told["timestamp"])
    apart(t, "3", stamps, PERIOD_S)


@case_201("TC_N_21", memory=[hard_wired_only, level])
def hard_wired(t: Tester201) -> None:
    """Alert Event: HardWiredMonitor.

    Part 6 wants a HardWiredNotification; the list (AQ-5) has the lab name a hard-wired monitor, and what such a monitor
    tells is a HardWiredMonitor by definition (EventNotificationEnumType). Either does.
    """
    t.rig.inject("hand-stop", "protection.emergency_stop")
    kind = one_of("HardWiredNotification", "HardWiredMonitor")
    t.alert(1, {"eventNotificationType": kind, "actualValue": "true"}, WHOLE)


@case_201("TC_N_48", security=(1, 2), memory=[hard_wired_only, level])
def write_only(t: Tester201) -> None:
    """Alert Event: variable monitoring on write only (N07.FR.10)."""
    (mine,) = set_monitors(t, "Memory", monitor(PASSWORD, DELTA, 1))
    password = bytes.fromhex(DELIVERED_PASSWORD)[::-1].decode()
    t.rig.security.take(password.encode().hex().upper())
    fields = {"setVariableResult.0.attributeStatus": one_of("Accepted", "RebootRequired")}
    heard = t.call(2, "SetVariables", {"setVariableData": [{**place(PASSWORD), "attributeValue": password}]}, fields)
    if heard.payload["setVariableResult"][0]["attributeStatus"] == "RebootRequired":
        booted(t)
    t.alert(4, about(PASSWORD, "Delta", actualValue="", variableMonitoringId=mine))


# -- level, connection -------------------------------------------------------------------------------------------------


@case_201("TC_N_16", memory=[hard_wired_only])
def too_low(t: Tester201) -> None:
    """Set Monitoring Level: success."""
    (mine,) = set_monitors(t, "Memory", monitor(availability(t), DELTA, 1, 8))
    fields = {"status": "Accepted", "statusInfo.reasonCode": one_of("NoError", OMITTED)}
    t.call(2, "SetMonitoringLevel", {"severity": 7}, fields)
    t.wait(HAND_S)
    t.plug()
    silent(t, 4, mine)


@case_201("TC_N_22", settings={OFFLINE_SEVERITY: SEVERITY}, memory=[hard_wired_only])
def kept(t: Tester201) -> None:
    """Offline Notification: OfflineMonitoringEventQueuingSeverity set equal or lower (N07.FR.04)."""
    where = availability(t)
    (mine,) = set_monitors(t, "Memory", monitor(where, DELTA, 1))
    t.rig.network(False)
    t.wait(HAND_S)
    t.plug()
    t.wait(t.tool.transaction_s)
    t.rig.network(True)
    t.alert(3, about(where, "Delta", actualValue="Occupied", variableMonitoringId=mine), within_s=300.0)


@case_201("TC_N_23", settings={OFFLINE_SEVERITY: SEVERITY}, memory=[hard_wired_only])
def not_kept(t: Tester201) -> None:
    """Offline Notification: OfflineMonitoringEventQueuingSeverity set higher (N07.FR.04)."""
    connector = f"Connector.AvailabilityState@{t.connector}.1"
    wanted = (availability(t), connector)
    ids = set_monitors(t, "Memory", *(monitor(name, DELTA, 1, SEVERITY + 1) for name in wanted))
    ev_connected(t)
    for name, monitor_id in zip(reversed(wanted), reversed(ids), strict=True):
        t.alert(1, about(name, "Delta", actualValue="Occupied", variableMonitoringId=monitor_id))
    ran = running(t)
    left_alone(t)  # what the monitors told last is what they will find
    t.drop()
    begun = len(t.csms.log)
    t.rig.network(False)
    t.unplug()
    t.wait(HAND_S)
    t.plug()
    t.wait(t.tool.transaction_s)
    t.rig.network(True)
    t.background.add("StatusNotification")
    if ran:
        t.hear(t.event(5, "EVCommunicationLost", state="Idle"), within_s=300.0)
        t.hear(t.event(7, "CablePluggedIn", state="EVConnected"))
    for monitor_id in ids:
        t.never(8, "NotifyEvent", 300.0, {"eventData.0.variableMonitoringId": monitor_id})
    told = [row["payload"] for row in t.csms.log[begun:] if row["action"] == "NotifyEvent" and row["kind"] == "call"]
    mine = [one for payload in told for one in payload["eventData"] if one.get("variableMonitoringId") in ids]
    t.check(8, "no event of these monitors", not mine, mine)
