"""N02, N03: reports of monitors, and the monitoring base that says which are at work."""

from __future__ import annotations

from simulator.certify.case import case_201
from simulator.certify.cases201.monitors import (
    ALIGNED,
    ALL,
    DELTA,
    FACTORY_DEFAULT,
    HARD_WIRED_ONLY,
    LOW_W,
    LOWER,
    PERIOD_S,
    PERIODIC,
    STATION,
    TRIGGER_W,
    UPPER,
    Row,
    ask,
    availability,
    base,
    by_id,
    hard_wired_only,
    kinds_of,
    monitor,
    only,
    power,
    report,
    set_monitors,
    told,
)
from simulator.certify.cases201.reports import REQUEST_ID
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place, spelled


def _both(t: Tester201) -> None:
    """A memory state: the availability of the station and of the EVSE under test is monitored."""
    both = (monitor(STATION, DELTA, 1), monitor(availability(t), DELTA, 1))
    set_monitors(t, "Memory", *both)


def _delta_where_availability(row: Row) -> bool:
    return row["variable"]["name"] != "AvailabilityState" or only(DELTA)(row)


@case_201("TC_N_01", memory=[hard_wired_only])
def by_criterion(t: Tester201) -> None:
    """Get Monitoring Report: with monitoringCriteria."""
    where = power(t)
    wanted = ((LOWER, LOW_W), (UPPER, TRIGGER_W), (PERIODIC, PERIOD_S), (DELTA, TRIGGER_W), (ALIGNED, PERIOD_S))
    set_monitors(t, "Memory", *(monitor(where, kind, value) for kind, value in wanted))
    for step, criteria, kinds in (
        (2, ["ThresholdMonitoring"], (UPPER, LOWER)),
        (6, ["ThresholdMonitoring", "DeltaMonitoring"], (UPPER, LOWER, DELTA)),
        (10, ["DeltaMonitoring", "PeriodicMonitoring"], (DELTA, PERIODIC, ALIGNED)),
    ):
        rows = report(t, step, only(*kinds), f"monitors of type {', '.join(kinds)}", monitoringCriteria=criteria)
        t.check(step + 1, f"all of {', '.join(kinds)} on {where}", kinds_of(rows) == set(kinds), sorted(kinds_of(rows)))


@case_201("TC_N_02", memory=[hard_wired_only, _both])
def by_variable(t: Tester201) -> None:
    """Get Monitoring Report: with component/variable."""
    evse = {"component": {"name": "EVSE", "evse": {"id": t.connector}}}
    text = "monitors of AvailabilityState of type Delta"
    rows = report(t, 2, _delta_where_availability, text, componentVariable=[place(STATION), evse])
    found = {spelled(row) for row in rows}
    t.check("post", "the station's and the EVSE's availability", {STATION, availability(t)} <= found, sorted(found))
    alien = [name for name in found if name != STATION and not name.startswith("EVSE.")]
    t.check("post", "nothing else than what was asked for", not alien, alien)


@case_201("TC_N_03", memory=[hard_wired_only, _both])
def by_criterion_and_variable(t: Tester201) -> None:
    """Get Monitoring Report: with component criteria and component/variable.

    What part 6 prepares (the power of the station) is not what it asks for; the post scenario says what must be there.
    """
    set_monitors(t, "Memory", monitor("ChargingStation.Power", PERIODIC, PERIOD_S))
    wanted = [place(STATION), place(availability(t))]
    ask(t, 2, "EmptyResultSet", monitoringCriteria=["ThresholdMonitoring"], componentVariable=wanted)
    text = "monitors of type Delta"
    rows = report(t, 4, only(DELTA), text, monitoringCriteria=["DeltaMonitoring"], componentVariable=wanted)
    found = {spelled(row) for row in rows}
    t.check("post", "the station's and the EVSE's availability", found == {STATION, availability(t)}, sorted(found))


@case_201("TC_N_47", memory=[hard_wired_only, _both])
def everything(t: Tester201) -> None:
    """Get Monitoring report: report all."""
    rows = report(t, 2, _delta_where_availability, "monitors, those of AvailabilityState of type Delta")
    found = {spelled(row) for row in rows}
    t.check("post", "the station's and the EVSE's availability", {STATION, availability(t)} <= found, sorted(found))


# -- base --------------------------------------------------------------------------------------------------------------


@case_201("TC_N_05")
def bases(t: Tester201) -> None:
    """Set Monitoring Base: success."""
    for step, which in ((2, ALL), (4, FACTORY_DEFAULT), (6, HARD_WIRED_ONLY)):
        base(t, step, which)


@case_201("TC_N_06", memory=[hard_wired_only])
def base_removes(t: Tester201) -> None:
    """Set Monitoring Base: test removal custom monitors (N03.FR.05)."""
    (mine,) = set_monitors(t, "Memory", monitor(STATION, DELTA, 1))
    ask(t, 2, componentVariable=[place(STATION)])
    told(t, 3, STATION, monitor_id=mine, type=DELTA)
    base(t, 6, HARD_WIRED_ONLY)
    ask(t, 8, "EmptyResultSet", componentVariable=[place(STATION)])


@case_201("TC_N_41")
def factory_default(t: Tester201) -> None:
    """Set Variable Monitoring: return to FactoryDefault.

    The lab is told which monitor is preconfigured; here it is found: it is at work with one base and not with another.
    """
    base(t, "Preconfigured", HARD_WIRED_ONLY)
    wired = set(by_id(report(t, 0)))
    base(t, "Preconfigured", FACTORY_DEFAULT)
    every = by_id(report(t, 2))
    monitor_id = min((number for number in every if number not in wired), default=None)
    if monitor_id is None:
        raise t.inconclusive("no monitor is preconfigured")
    row, before = every[monitor_id]
    severity = before["severity"] + 1 if before["severity"] < 9 else 5
    where = {"component": row["component"], "variable": row["variable"]}
    set_monitors(t, 6, {**before, **where, "severity": severity})
    for step, wanted in ((8, severity), (14, before["severity"])):
        if step == 14:
            base(t, 12, FACTORY_DEFAULT)
        ask(t, step, componentVariable=[where])
        fields = {
            "requestId": REQUEST_ID,
            "monitor.0.component.name": row["component"]["name"],
            "monitor.0.variable.name": row["variable"]["name"],
        }
        heard = t.expect(step + 1, "NotifyMonitoringReport", fields)
        ids = [one["id"] for one in heard.payload["monitor"][0]["variableMonitoring"]]
        way = f"monitor.0.variableMonitoring.{ids.index(monitor_id) if monitor_id in ids else 0}"
        t.validate(step + 1, heard, {f"{way}.id": monitor_id, f"{way}.severity": wanted})
