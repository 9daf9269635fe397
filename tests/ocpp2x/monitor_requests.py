"""Requests about monitors, for several test modules."""

from __future__ import annotations

from typing import Any

from simulator.core.settings import SETTINGS
from tests.bench import Lab

Target = tuple[dict[str, Any], dict[str, Any]]


def place(component: str, evse_id: int = 0, connector_id: int = 0) -> dict[str, Any]:
    """A component of a message."""
    if not evse_id:
        return {"name": component}
    evse = {"id": evse_id} | ({"connectorId": connector_id} if connector_id else {})
    return {"name": component, "evse": evse}


EVSE_POWER: Target = (place("EVSE", 1), {"name": "Power"})
EVSE_STATE: Target = (place("EVSE", 1), {"name": "AvailabilityState"})
STATION_STATE: Target = (place("ChargingStation"), {"name": "AvailabilityState"})


def setting(key: str) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """A setting as component, variable and itself."""
    found = SETTINGS.get(key)
    variable = {"name": found.variable} | ({"instance": found.instance} if found.instance else {})
    return {"name": found.component}, variable, found


def row(target: Any, kind: str, value: float, severity: int = 5, **more: Any) -> dict[str, Any]:
    """One setMonitoringData."""
    return {"component": target[0], "variable": target[1], "type": kind, "value": value, "severity": severity} | more


def set_all(lab: Lab, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """What is answered to each."""
    answer = lab.ask("SetVariableMonitoring", setMonitoringData=list(rows))
    return list(answer["setMonitoringResult"])


def set_one(lab: Lab, target: Any, kind: str, value: float, severity: int = 5, **more: Any) -> int:
    """The id of a monitor that is accepted."""
    (result,) = set_all(lab, row(target, kind, value, severity, **more))
    assert result["status"] == "Accepted", result
    return int(result["id"])


def report(lab: Lab, request_id: int = 1, **filters: Any) -> tuple[str, list[dict[str, Any]]]:
    """The status, and all rows that were told."""
    before = len(lab.csms.sent("NotifyMonitoringReport"))
    answer = lab.ask("GetMonitoringReport", requestId=request_id, **filters)
    lab.run(5)
    pages = lab.csms.sent("NotifyMonitoringReport")[before:]
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page.get("tbc", False) for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
    assert {page["requestId"] for page in pages} <= {request_id}
    return str(answer["status"]), [monitor for page in pages for monitor in page["monitor"]]
