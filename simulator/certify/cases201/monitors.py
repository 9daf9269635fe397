"""N02 to N06: monitors are set, replaced, reported and cleared. What they tell is in ``alerts``.

The lab configures which variables are used: here the power of the EVSE under test where a number is needed, and its
availability where it is not one. Part 6 assumes that nothing of the kind is monitored before, so a case begins with
nothing but what is hard-wired.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.reports import MAX_PAGES, REQUEST_ID, custom
from simulator.certify.rules import OMITTED, PRESENT, Rule, look, one_of, such_that
from simulator.certify.tester import Step
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place, spelled

Row = dict[str, Any]
HARD_WIRED_ONLY, FACTORY_DEFAULT, ALL = "HardWiredOnly", "FactoryDefault", "All"
UPPER, LOWER, DELTA = "UpperThreshold", "LowerThreshold", "Delta"
PERIODIC, ALIGNED = "Periodic", "PeriodicClockAligned"
#: the severity the lab configures, and the level that lets it pass
SEVERITY, LEVEL = 5, 8
#: W: passed as soon as a car charges; fallen below as soon as it does not
TRIGGER_W, LOW_W = 100.0, 10.0
PERIOD_S = 60
STATION = "ChargingStation.AvailabilityState"
WELL = one_of("NoError", OMITTED)


def power(t: Tester201) -> str:
    """The variable with a number."""
    return f"EVSE.Power@{t.connector}"


def availability(t: Tester201) -> str:
    """The variable without one."""
    return f"EVSE.AvailabilityState@{t.connector}"


def base(t: Tester201, step: Step, which: str) -> None:
    """The tool sets a monitoring base; without it a case begins with ``hard_wired_only``."""
    fields = {"status": "Accepted", "statusInfo.reasonCode": WELL}
    t.call(step, "SetMonitoringBase", {"monitoringBase": which}, fields)


def hard_wired_only(t: Tester201) -> None:
    """A memory state: nothing is monitored but what is hard-wired."""
    base(t, "HardWiredOnly", HARD_WIRED_ONLY)


def level(t: Tester201) -> None:
    """A memory state: events up to a severity of 8 are told."""
    t.call("MonitoringLevel", "SetMonitoringLevel", {"severity": LEVEL}, status="Accepted")


# -- set ---------------------------------------------------------------------------------------------------------------


def monitor(name: str, kind: str, value: float, severity: int = SEVERITY, **more: Any) -> Row:
    """A monitor the tool asks for."""
    return {**place(name), "type": kind, "value": value, "severity": severity, **more}


def set_monitors(
    t: Tester201, step: Step, *items: Row, status: Any = "Accepted", reason: Any = WELL, without_id: bool = False
) -> list[int]:
    """Set monitors and look at each result, in whatever order they are told; the ids of those that were accepted.

    ``status`` and ``reason`` (None: it does not matter): one for all, or one for each in a tuple. ``without_id``:
    what is not accepted has none."""
    heard = t.call(step, "SetVariableMonitoring", {"setMonitoringData": list(items)})
    results: list[Row] = heard.payload["setMonitoringResult"]
    every = status if isinstance(status, tuple) else (status,) * len(items)
    reasons = reason if isinstance(reason, tuple) else (reason,) * len(items)
    ids: list[int] = []
    for number, item, wanted, why in zip(_places(items, results), items, every, reasons, strict=True):
        fields: dict[str, Any] = {
            "status": wanted,
            "type": item["type"],
            "severity": item["severity"],
            "component.name": item["component"]["name"],
            "variable.name": item["variable"]["name"],
        }
        if why is not None:
            fields["statusInfo.reasonCode"] = why
        if "evse" in item["component"]:
            fields["component.evse.id"] = item["component"]["evse"]["id"]
        accepted = wanted == "Accepted"
        if accepted or without_id:
            fields["id"] = PRESENT if accepted else OMITTED
        t.validate(step, heard, {f"setMonitoringResult.{number}.{path}": rule for path, rule in fields.items()})
        if accepted:
            ids.append(int(results[number]["id"]))
    return ids


def _places(items: tuple[Row, ...], results: list[Row]) -> list[int]:
    """Which result is about which item: the one in its place, unless that is about another and one elsewhere, where it
    is out of place itself, is about this."""
    keys = ("type", "severity", "component", "variable")

    def about(place_: int, item: Row) -> bool:
        return place_ < len(results) and all(results[place_].get(key) == item[key] for key in keys)

    astray = [n for n in range(len(results)) if n >= len(items) or not about(n, items[n])]
    return [
        number if about(number, item) else next((n for n in astray if about(n, item)), number)
        for number, item in enumerate(items)
    ]


# -- report ------------------------------------------------------------------------------------------------------------


def ask(t: Tester201, step: Step, status: str = "Accepted", **what: Any) -> None:
    """The tool asks for a report of monitors."""
    reason = "NotFound" if status == "EmptyResultSet" else "NoError"
    fields = {"status": status, "statusInfo.reasonCode": one_of(reason, OMITTED)}
    t.call(step, "GetMonitoringReport", {"requestId": REQUEST_ID, **what}, fields)


def pages(t: Tester201, step: Step, good: Callable[[Row], bool] = bool, what: str = "monitors") -> list[Row]:
    """The pages of a report: its rows. ``good``: what must hold of each, ``what`` in words."""
    rows: list[Row] = []
    every = such_that(what, lambda told: bool(told) and all(good(row) for row in told))
    for number in range(MAX_PAGES):
        fields = {"requestId": REQUEST_ID, "seqNo": number, "generatedAt": PRESENT, "monitor": every}
        page = t.expect(step, "NotifyMonitoringReport", fields).payload
        rows += page["monitor"]
        if not page.get("tbc", False):
            return rows
    raise t.inconclusive(f"the report has more than {MAX_PAGES} pages")


def report(
    t: Tester201, step: int, good: Callable[[Row], bool] = bool, text: str = "monitors", **what: Any
) -> list[Row]:
    """A report that is not empty; ``step`` is the one of the answer, its pages follow."""
    ask(t, step, **what)
    return pages(t, step + 1, good, text)


def only(*kinds: str) -> Callable[[Row], bool]:
    """Rows with monitors of these types and no others."""
    return lambda row: (
        bool(row["variableMonitoring"]) and all(one["type"] in kinds for one in row["variableMonitoring"])
    )


def kinds_of(rows: list[Row]) -> set[str]:
    """The types of monitors that were reported."""
    return {one["type"] for row in rows for one in row["variableMonitoring"]}


def has(name: str, **fields: Any) -> Rule:
    """Rows among which there is one of this variable with such a monitor."""

    def fits(told: list[Row]) -> bool:
        return any(
            spelled(row) == name and all(look(one, path) == value for path, value in fields.items())
            for row in told
            for one in row["variableMonitoring"]
        )

    text = ", ".join(f"{path} {value}" for path, value in fields.items())
    return such_that(f"a monitor of {name} with {text}", fits)


def told(t: Tester201, step: Step, name: str, *, monitor_id: int, **fields: Any) -> None:
    """One page, with this monitor and no other."""
    row = place(name)
    wanted: dict[str, Any] = {
        "requestId": REQUEST_ID,
        "seqNo": 0,
        "tbc": one_of(False, OMITTED),
        "monitor.0.component.name": row["component"]["name"],
        "monitor.0.variable.name": row["variable"]["name"],
        "monitor.0.variableMonitoring.0.id": monitor_id,
        **{f"monitor.0.variableMonitoring.0.{path}": value for path, value in fields.items()},
    }
    if "evse" in row["component"]:
        wanted["monitor.0.component.evse.id"] = row["component"]["evse"]["id"]
    t.expect(step, "NotifyMonitoringReport", wanted)


def by_id(rows: list[Row]) -> dict[int, tuple[Row, Row]]:
    """The monitors of a report by id, each with the row it is in."""
    return {one["id"]: (row, one) for row in rows for one in row["variableMonitoring"]}


# -- set ---------------------------------------------------------------------------------------------------------------


@case_201("TC_N_08", memory=[hard_wired_only])
def one(t: Tester201) -> None:
    """Set Variable Monitoring: one SetMonitoringData element."""
    where = availability(t)
    (mine,) = set_monitors(t, 2, monitor(where, DELTA, 1, 8))
    ask(t, 4, componentVariable=[place(where)])
    told(t, 5, where, monitor_id=mine, type=DELTA)


@case_201("TC_N_09", memory=[hard_wired_only])
def two_variables(t: Tester201) -> None:
    """Set Variable Monitoring: multiple elements on different component and variable."""
    wanted = [availability(t), STATION]
    set_monitors(t, 2, *(monitor(name, DELTA, 1, 8) for name in wanted))
    rows = report(t, 4, only(DELTA), "monitors of type Delta", componentVariable=[place(name) for name in wanted])
    found = sorted(spelled(row) for row in rows)
    t.check("post", "both monitors", found == sorted(wanted), found)


@case_201("TC_N_10", memory=[hard_wired_only])
def two_monitors(t: Tester201) -> None:
    """Set Variable Monitoring: multiple monitors on the same component and variable."""
    ids = set_monitors(t, 2, *(monitor(availability(t), DELTA, 1, severity) for severity in (8, 7)))
    t.check(2, "two ids", len(set(ids)) == 2, ids)


@case_201("TC_N_11")
def unknown_component(t: Tester201) -> None:
    """Set Variable Monitoring: unknown component."""
    set_monitors(
        t,
        2,
        monitor("EVSE.AvailabilityState@99", DELTA, 1),
        monitor("NonExistent.Power", UPPER, 1234.0),
        status=(one_of("UnknownComponent", "Rejected"), one_of("UnknownComponent", "UnknownVariable")),
        reason=(one_of("UnknownEVSE", "NotFound", OMITTED), one_of("NotFound", OMITTED)),
        without_id=True,
    )


@case_201("TC_N_12")
def delta_out_of_range(t: Tester201) -> None:
    """Set Variable Monitoring: value out of range, Delta monitor (N04.FR.14; on a number, as the errata have it)."""
    reason = one_of("ValueOutOfRange", "ValuePositiveOnly", OMITTED)
    set_monitors(t, 2, monitor(power(t), DELTA, -1), status="Rejected", reason=reason, without_id=True)


@case_201("TC_N_13")
def threshold_out_of_range(t: Tester201) -> None:
    """Set Variable Monitoring: value out of range, Threshold monitor (N04.FR.06)."""
    above = highest(t) + 1
    reason = one_of("ValueOutOfRange", OMITTED)
    set_monitors(t, 2, monitor(power(t), UPPER, above), status="Rejected", reason=reason, without_id=True)


def highest(t: Tester201) -> float:
    """The maxLimit of the variable with a number, as the station reports it."""
    custom(t, 0, "Accepted", componentVariable=[place(power(t))])
    heard = t.expect(0, "NotifyReport", {"reportData.0.variableCharacteristics.maxLimit": PRESENT})
    return float(heard.payload["reportData"][0]["variableCharacteristics"]["maxLimit"])


@case_201("TC_N_15", memory=[hard_wired_only])
def duplicate(t: Tester201) -> None:
    """Set Variable Monitoring: duplicate Variable type/severity combination."""
    twice = (monitor(availability(t), DELTA, 1),) * 2
    set_monitors(t, 2, *twice, status=("Accepted", "Duplicate"), reason=(WELL, one_of("InvalidValue", OMITTED)))


@case_201("TC_N_37")
def unknown_variable(t: Tester201) -> None:
    """Set Variable Monitoring: unknown Variable."""
    wanted = monitor(f"EVSE.unknownVariable@{t.connector}", DELTA, 1)
    set_monitors(t, 2, wanted, status="UnknownVariable", reason=None)


@case_201("TC_N_39", memory=[hard_wired_only])
def other_variable(t: Tester201) -> None:
    """Set Variable Monitoring: component/Variable combination does NOT correspond (N04.FR.16, after the errata)."""
    where = availability(t)
    (mine,) = set_monitors(t, 2, monitor(where, DELTA, 1))
    set_monitors(t, 4, monitor(power(t), DELTA, 1, id=mine), status="Rejected", reason=None)
    rows = report(t, 6)
    fits = has(where, id=mine, value=1, type=DELTA)
    t.check(7, fits.text, fits.accepts(rows), [spelled(row) for row in rows])


@case_201("TC_N_40", memory=[hard_wired_only])
def replaced(t: Tester201) -> None:
    """Set Variable Monitoring: replace Variable Monitor."""
    where = availability(t)
    (mine,) = set_monitors(t, "Memory", monitor(where, DELTA, 1, 5))
    (again,) = set_monitors(t, 2, monitor(where, DELTA, 1, 4, id=mine))
    t.check(2, "the id it had", again == mine, again)
    ask(t, 4, componentVariable=[place(where)], monitoringCriteria=["DeltaMonitoring"])
    told(t, 5, where, monitor_id=mine, severity=4)


@case_201("TC_N_43", memory=[hard_wired_only])
def one_of_three(t: Tester201) -> None:
    """Set Variable Monitoring: first and third element are valid, but the second contains an out of range value."""
    where = power(t)
    wanted = ((UPPER, TRIGGER_W), (DELTA, -1.0), (LOWER, LOW_W))
    set_monitors(
        t,
        2,
        *(monitor(where, kind, value) for kind, value in wanted),
        status=("Accepted", "Rejected", "Accepted"),
        reason=(WELL, None, WELL),
    )


# -- clear, level ------------------------------------------------------------------------------------------------------


def clear(t: Tester201, step: Step, *ids: int, status: str = "Accepted", reason: str = "NoError") -> None:
    """The tool clears monitors; each has a result, in whatever order."""
    heard = t.call(step, "ClearVariableMonitoring", {"id": list(ids)})
    results = [one["id"] for one in heard.payload["clearMonitoringResult"]]
    for number, monitor_id in enumerate(ids):
        at = results.index(monitor_id) if monitor_id in results else number
        fields = {"status": status, "id": monitor_id, "statusInfo.reasonCode": one_of(reason, OMITTED)}
        t.validate(step, heard, {f"clearMonitoringResult.{at}.{path}": rule for path, rule in fields.items()})


@case_201("TC_N_17")
def level_out_of_range(t: Tester201) -> None:
    """Set Monitoring Level: out of range."""
    for step, severity, why in ((2, 10, "ValueTooHigh"), (4, -1, "ValueTooLow")):
        fields = {"status": "Rejected", "statusInfo.reasonCode": one_of("ValueOutOfRange", why, OMITTED)}
        t.call(step, "SetMonitoringLevel", {"severity": severity}, fields)


@case_201("TC_N_18", memory=[hard_wired_only])
def cleared(t: Tester201) -> None:
    """Clear Monitoring: success."""
    wanted = [STATION, availability(t)]
    ids = set_monitors(t, "Memory", *(monitor(name, DELTA, 1) for name in wanted))
    clear(t, 2, *ids)
    ask(t, 4, "EmptyResultSet", componentVariable=[place(name) for name in wanted])


@case_201("TC_N_19")
def not_found(t: Tester201) -> None:
    """Clear Monitoring: not found."""
    clear(t, 2, max(by_id(report(t, 0))) + 1, status="NotFound", reason="NotFound")


@case_201("TC_N_44", memory=[hard_wired_only])
def hard_wired(t: Tester201) -> None:
    """Clear Monitoring: rejected."""
    first = min(by_id(report(t, 0)))
    heard = t.call(2, "ClearVariableMonitoring", {"id": [first]})
    t.validate(2, heard, {"clearMonitoringResult.0.status": "Rejected"})
