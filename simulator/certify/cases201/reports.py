"""B07, B08: base reports and reports of one's own choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.certify.case import case_201
from simulator.certify.edition import edition_of
from simulator.certify.required201 import LISTS, missing
from simulator.certify.rules import OMITTED, PRESENT, one_of, such_that
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place, spelled
from simulator.core.settings import READ_ONLY, WRITE_ONLY

Row = dict[str, Any]
STATES = "Available, Occupied, Reserved, Unavailable, Faulted"
AVAILABILITY = "EVSE.AvailabilityState"
ITEMS = "DeviceDataCtrlr.ItemsPerMessage"
#: a report has at most so many pages
MAX_PAGES = 500
REQUEST_ID = 815


def sound(row: Row) -> bool:
    """A row has characteristics, and a list says what may be in it."""
    found = row.get("variableCharacteristics")
    return found is not None and (found["dataType"] not in LISTS or bool(found.get("valuesList")))


def pages(t: Tester201, step: int, good: Callable[[Row], bool] = sound, what: str = "") -> list[Row]:
    """The pages of a report that was accepted: its rows."""
    rows: list[Row] = []
    text = what or "rows with characteristics, lists with their members"
    every = such_that(text, lambda told: bool(told) and all(good(row) for row in told))
    for number in range(MAX_PAGES):
        fields = {"requestId": REQUEST_ID, "seqNo": number, "generatedAt": PRESENT, "reportData": every}
        page = t.expect(step, "NotifyReport", fields).payload
        rows += page["reportData"]
        if not page.get("tbc", False):
            return rows
    raise t.inconclusive(f"the report has more than {MAX_PAGES} pages")


def report(
    t: Tester201, base: str, *, steps: tuple[int, int] = (2, 3), good: Callable[[Row], bool] = sound, what: str = ""
) -> list[Row]:
    """A base report: its rows."""
    fields = {"status": "Accepted", "statusInfo.reasonCode": one_of("NoError", OMITTED)}
    t.call(steps[0], "GetBaseReport", {"requestId": REQUEST_ID, "reportBase": base}, fields)
    return pages(t, steps[1], good, what)


def lacking(t: Tester201, rows: list[Row], *, writable: bool = False) -> list[str]:
    """Required variables that the rows do not have."""
    names = {spelled(row): (None, False) for row in rows}
    pics = edition_of("2.0.1").pics_of(t.rig.profile)
    return [name for name, _ in missing(names, pics, writable=writable)]


@case_201("TC_B_12")
def configuration(t: Tester201) -> None:
    """Get Base Report: ConfigurationInventory."""

    def good(row: Row) -> bool:
        modes = [attribute.get("mutability", "ReadWrite") for attribute in row["variableAttribute"]]
        return sound(row) and any(mode != READ_ONLY for mode in modes)

    rows = report(t, "ConfigurationInventory", good=good, what="variables that can be written, with characteristics")
    found = lacking(t, rows, writable=True)
    t.check("post", "every required variable that can be written", not found, found)


@case_201("TC_B_13")
def full(t: Tester201) -> None:
    """Get Base Report: FullInventory."""
    found = lacking(t, report(t, "FullInventory"))
    t.check("post", "every required variable", not found, found)


@case_201("TC_B_14")
def summary(t: Tester201) -> None:
    """Get Base Report: SummaryInventory."""
    names = {spelled(row) for row in report(t, "SummaryInventory")}
    wanted = {"ChargingStation.AvailabilityState"} | {f"{AVAILABILITY}@{evse}" for evse in t.rig.connectors}
    t.check("post", "the availability of the station and of every EVSE", wanted <= names, sorted(wanted - names))


@case_201("TC_B_15")
def no_summary(t: Tester201) -> None:
    """Get Base Report: not Supported base report."""
    fields = {"status": "NotSupported", "statusInfo.reasonCode": one_of("UnsupportedParam", OMITTED)}
    t.call(2, "GetBaseReport", {"requestId": REQUEST_ID, "reportBase": "SummaryInventory"}, fields)
    t.never(3, "NotifyReport", 10.0)


@case_201("TC_B_53")
def mandatory(t: Tester201) -> None:
    """Get Base Report: test mandatory DM variables via FullInventory."""

    def good(row: Row) -> bool:
        kind, members = row["variableCharacteristics"]["dataType"], row["variableCharacteristics"].get("valuesList", "")
        allowed = {name.strip() for name in members.split(",")}
        for attribute in row["variableAttribute"]:
            value = attribute.get("value")
            if attribute.get("mutability") == WRITE_ONLY and value is not None:
                return False
            if kind in LISTS and value and not {item.strip() for item in value.split(",")} <= allowed:
                return False
        return sound(row)

    rows = report(t, "FullInventory", good=good, what="lists within their members, nothing of what is write-only")
    found = lacking(t, rows)
    t.check("post", "every required variable", not found, found)


def custom(t: Tester201, step: int, status: str, **what: Any) -> None:
    """GetReport for criteria and variables."""
    reason = "NotFound" if status == "EmptyResultSet" else "NoError"
    fields = {"status": status, "statusInfo.reasonCode": one_of(reason, OMITTED)}
    t.call(step, "GetReport", {"requestId": REQUEST_ID, **what}, fields)


@case_201("TC_B_16")
def by_criterion(t: Tester201) -> None:
    """Get Custom Report: with component criteria."""
    # Part 6 wants nothing but variables named Enabled; B08.FR.09 asks for components, whose other variables belong to
    # the report as well. The criterion is therefore narrowed to that variable.
    everywhere = {row["component"]["name"] for row in report(t, "FullInventory", steps=(0, 0))}
    where = [{"component": {"name": name}, "variable": {"name": "Enabled"}} for name in sorted(everywhere)]
    most = int(t.read("DeviceDataCtrlr.ItemsPerMessage[GetReport]", "items") or "1")

    def good(row: Row) -> bool:
        return row["variable"]["name"] == "Enabled" and row["variableAttribute"][0].get("value") == "true"

    rows: list[Row] = []
    for start in range(0, len(where), most):
        custom(t, 2, "Accepted", componentCriteria=["Enabled"], componentVariable=where[start : start + most])
        rows += pages(t, 3, good, "variables named Enabled that are true")
    wanted = [{"component": row["component"], "variable": row["variable"]} for row in rows]
    true = such_that(
        "accepted and true, all of them",
        lambda told: all(one["attributeStatus"] == "Accepted" and one["attributeValue"] == "true" for one in told),
    )
    for start in range(0, len(wanted), most):
        part = wanted[start : start + most]
        t.call(6, "GetVariables", {"getVariableData": part}, getVariableResult=true)


def _available(row: Row) -> bool:
    """The AvailabilityState of EVSE 1."""
    told, attribute = row.get("variableCharacteristics") or {}, row["variableAttribute"][0]
    members = {name.strip() for name in str(told.get("valuesList", "")).split(",")}
    return (
        spelled(row) == f"{AVAILABILITY}@1"
        and told.get("dataType") == "OptionList"
        and members == set(STATES.split(", "))
        and attribute.get("mutability", "ReadWrite") == READ_ONLY
        and attribute.get("type", "Actual") == "Actual"
    )


@case_201("TC_B_17")
def by_variable(t: Tester201) -> None:
    """Get Custom Report: with component/variable."""
    custom(t, 2, "Accepted", componentVariable=[place(f"{AVAILABILITY}@1")])
    pages(t, 3, _available, "the AvailabilityState of EVSE 1, an OptionList, read-only")


@case_201("TC_B_18")
def by_criterion_and_variable(t: Tester201) -> None:
    """Get Custom Report: with componentCriteria and component/variables."""
    wanted = [place(f"{AVAILABILITY}@1")]
    custom(t, 2, "Accepted", componentCriteria=["Available"], componentVariable=wanted)
    pages(t, 3, _available, "the AvailabilityState of EVSE 1, an OptionList, read-only")
    custom(t, 6, "EmptyResultSet", componentCriteria=["Problem"], componentVariable=wanted)


def _named(t: Tester201, name: str, wanted: set[str]) -> None:
    """The report for a name has exactly these."""
    custom(t, 2, "Accepted", componentVariable=[place(name)])
    exactly = such_that(", ".join(sorted(wanted)), lambda told: {spelled(row) for row in told} == wanted)
    t.expect(3, "NotifyReport", requestId=REQUEST_ID, seqNo=0, reportData=exactly)


@case_201("TC_B_54")
def every_instance(t: Tester201) -> None:
    """Get Custom Report: with component/variable, but no instance."""
    every = {spelled(row) for row in report(t, "FullInventory", steps=(0, 0))}
    _named(t, ITEMS, {name for name in every if name.partition("[")[0] == ITEMS})


@case_201("TC_B_55")
def one_instance(t: Tester201) -> None:
    """Get Custom Report: with component/variable/instance."""
    _named(t, f"{ITEMS}[GetReport]", {f"{ITEMS}[GetReport]"})


@case_201("TC_B_56")
def every_evse(t: Tester201) -> None:
    """Get Custom Report: with component/variable, but no evseld."""
    _named(t, AVAILABILITY, {f"{AVAILABILITY}@{evse}" for evse in t.rig.connectors})
