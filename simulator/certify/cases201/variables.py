"""B05, B06: reading and writing variables, and everything that can be wrong with a request."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, Rule, one_of
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place

THRESHOLD = "OCPPCommCtrlr.OfflineThreshold"
OFFLINE = "AuthCtrlr.LocalAuthorizeOffline"


def no_trouble() -> Rule:
    """A status info that says that nothing is wrong, or none."""
    return one_of("NoError", OMITTED)


def result(kind: str, number: int, status: Any, name: str, **more: Any) -> dict[str, Any]:
    """Fields of one result of ``get`` or ``set``."""
    wanted = place(name)
    head = f"{kind}VariableResult.{number}."
    fields = {head + "attributeStatus": status}
    fields[head + "component.name"] = wanted["component"]["name"]
    fields[head + "variable.name"] = wanted["variable"]["name"]
    if "instance" in wanted["variable"]:
        fields[head + "variable.instance"] = wanted["variable"]["instance"]
    return fields | {head + path.replace("__", "."): rule for path, rule in more.items()}


def get(t: Tester201, *wanted: dict[str, Any], fields: dict[str, Any]) -> None:
    """GetVariables, answered in step 2."""
    t.call(2, "GetVariables", {"getVariableData": list(wanted)}, fields)


def put(t: Tester201, *wanted: dict[str, Any], fields: dict[str, Any]) -> None:
    """SetVariables, answered in step 2."""
    t.call(2, "SetVariables", {"setVariableData": list(wanted)}, fields)


def clean(value: Any = None) -> dict[str, Any]:
    """An accepted attribute Actual, with this value if it is read."""
    fields: dict[str, Any] = {"attributeType": "Actual", "attributeStatusInfo__reasonCode": no_trouble()}
    return fields | ({} if value is None else {"attributeValue": value})


@case_201("TC_B_06", settings={THRESHOLD: 300})
def get_one(t: Tester201) -> None:
    """Get Variables: single value."""
    fields = result("get", 0, "Accepted", THRESHOLD, **clean("300"))
    get(t, {**place(THRESHOLD), "attributeType": "Actual"}, fields=fields)


@case_201("TC_B_07", settings={THRESHOLD: 300, OFFLINE: True})
def get_several(t: Tester201) -> None:
    """Get Variables: multiple values."""
    wanted = [{**place(name), "attributeType": "Actual"} for name in (THRESHOLD, OFFLINE)]
    first, second = result("get", 0, "Accepted", THRESHOLD, **clean("300")), clean("true")
    get(t, *wanted, fields=first | result("get", 1, "Accepted", OFFLINE, **second))


@case_201("TC_B_32")
def get_of_unknown_component(t: Tester201) -> None:
    """Get Variables: unknown component."""
    name = "UnknownComponent.OfflineThreshold"
    get(t, place(name), fields=result("get", 0, "UnknownComponent", name))


@case_201("TC_B_33")
def get_of_unknown_variable(t: Tester201) -> None:
    """Get Variables: unknown variable."""
    name = "OCPPCommCtrlr.UnknownVariable"
    get(t, place(name), fields=result("get", 0, "UnknownVariable", name))


@case_201("TC_B_34")
def get_of_unsupported_type(t: Tester201) -> None:
    """Get Variables: not supported attribute type."""
    fields = result("get", 0, "NotSupportedAttributeType", THRESHOLD, attributeType="Target")
    get(t, {**place(THRESHOLD), "attributeType": "Target"}, fields=fields)


@case_201("TC_B_09")
def set_one(t: Tester201) -> None:
    """Set Variables: single value."""
    new = {**place(THRESHOLD), "attributeValue": "300", "attributeType": "Actual"}
    put(t, new, fields=result("set", 0, "Accepted", THRESHOLD, **clean()))


@case_201("TC_B_10")
def set_several(t: Tester201) -> None:
    """Set Variables: multiple values."""
    new = [
        {**place(THRESHOLD), "attributeValue": "300", "attributeType": "Actual"},
        {**place(OFFLINE), "attributeValue": "true", "attributeType": "Actual"},
    ]
    fields = result("set", 0, "Accepted", THRESHOLD, **clean()) | result("set", 1, "Accepted", OFFLINE, **clean())
    put(t, *new, fields=fields)


@case_201("TC_B_35")
def set_of_unknown_component(t: Tester201) -> None:
    """Set Variables: unknown component."""
    name = "UnknownComponent.OfflineThreshold"
    put(t, {**place(name), "attributeValue": "300"}, fields=result("set", 0, "UnknownComponent", name))


@case_201("TC_B_36")
def set_of_unknown_variable(t: Tester201) -> None:
    """Set Variables: unknown variable."""
    name = "OCPPCommCtrlr.UnknownVariable"
    put(t, {**place(name), "attributeValue": "300"}, fields=result("set", 0, "UnknownVariable", name))


@case_201("TC_B_37")
def set_of_unsupported_type(t: Tester201) -> None:
    """Set Variables: not supported attribute type."""
    new = {**place(THRESHOLD), "attributeValue": "300", "attributeType": "Target"}
    put(t, new, fields=result("set", 0, "NotSupportedAttributeType", THRESHOLD, attributeType="Target"))


#: values of several forms, and which of them a variable takes
FORMS = ("300", "300.1", "true", "2026-03-01T00:00:00Z", "abc")
TAKEN = {
    THRESHOLD: {"300"},
    "AuthCtrlr.AuthorizeRemoteStart": {"true"},
    "SmartChargingCtrlr.LimitChangeSignificance": {"300", "300.1"},
    "ClockCtrlr.NextTimeOffsetTransitionDateTime": {"2026-03-01T00:00:00Z"},
}


@case_201("TC_B_11")
def set_of_bad_form(t: Tester201) -> None:
    """Set Variables: invalidly formatted values."""
    for step, (name, fitting) in enumerate(TAKEN.items(), 1):
        if t.read(name, step * 2) is None:
            continue
        for value in FORMS:
            new = {**place(name), "attributeValue": value}
            # a value of the right form may still be out of range (B05.FR.08)
            status = one_of("Accepted", "Rejected") if value in fitting and value != "300" else "Rejected"
            if value in fitting and name == THRESHOLD:
                status = "Accepted"
            more = {"attributeType": one_of("Actual", OMITTED)}
            t.call(step * 2, "SetVariables", {"setVariableData": [new]}, result("set", 0, status, name, **more))


@case_201("TC_B_39")
def set_of_read_only(t: Tester201) -> None:
    """Set Variables: read-only."""
    name = "OCPPCommCtrlr.MessageTimeout[Default]"
    put(t, {**place(name), "attributeValue": "30"}, fields=result("set", 0, "Rejected", name))
