"""N Diagnostics: component problems become events, one begin and one end each.

What a fault breaks is told through the component it breaks (``Problem`` of that component), independent of the
connector's status: two faults at once are two events. Versions without component events say it by the error code of the
status instead. Monitoring by the CSMS, logs and customer information are a later piece; requests for them are answered
with the version's "not supported".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.reports import ComponentEvent
from simulator.core.wiring import at, drain

if TYPE_CHECKING:
    from simulator.core.station import Station

#: severities of the device model: 2 hardware failure that stops use, 4 error, as of MonitoringSeverity 0-9
SEVERITY_BLOCKING, SEVERITY_OTHER = 2, 4


@at("start")
def start(st: Station, now: int) -> None:
    """Nothing has been told in this boot."""
    st.data["problems_told"] = {}
    st.data["problems_seen"] = -1


@at("link_down")
def not_told(st: Station, now: int) -> None:
    """An event that went down with the link was not told; the drain finds it again."""
    for report in st.lost:
        if isinstance(report, ComponentEvent) and report.variable == "Problem":
            key = (report.component, report.evse_id)
            if report.cleared:
                st.data["problems_told"][key] = report.event_id
            else:
                st.data["problems_told"].pop(key, None)
            st.data["problems_seen"] = -1


@drain(50)
def tell(st: Station, now: int) -> None:
    """Compare the problems of the board with what was told."""
    if ComponentEvent not in st.dialect.renderers or st.gate != "accepted" or not st.link.is_up:
        return
    lock_failed = tuple(evse.evse_id for evse in st.evses if evse.lock_failed)
    seen = (st.board.version, lock_failed)
    if st.data["problems_seen"] == seen:
        return
    st.data["problems_seen"] = seen
    current: dict[tuple[str, int], tuple[str, str, bool]] = {}
    for evse_id in range(len(st.evses) + 1):
        for problem in st.board.problems(evse_id):
            current[(problem.component, problem.evse_id)] = (problem.code or "", problem.info, problem.blocks)
    for evse_id in lock_failed:  # G05.FR.02
        current.setdefault(("ConnectorPlugRetentionLock", evse_id), ("lock_failure", "", False))
    told: dict[tuple[str, int], int] = st.data["problems_told"]
    for key, (code, info, blocks) in current.items():
        if key not in told:
            told[key] = _event(st, key, "true", code, info, blocks, cleared=None)
    for key in [key for key in told if key not in current]:
        del told[key]
        _event(st, key, "false", "", "", False, cleared=True)


def _event(
    st: Station, key: tuple[str, int], value: str, code: str, info: str, blocks: bool, *, cleared: bool | None
) -> int:
    event_id = int(st.data.get("event_id", 0)) + 1
    st.data["event_id"] = event_id
    component, evse_id = key
    evse = st.evse(evse_id)
    st.publish(
        ComponentEvent(
            event_id=event_id,
            component=component,
            evse_id=evse_id,
            connector_id=1 if component.startswith("Connector") else 0,
            variable="Problem",
            value=value,
            trigger="Delta",  # a hard-wired notification of a change, no monitor with a threshold (G05.FR.02)
            at=st.stamp(),
            severity=SEVERITY_BLOCKING if blocks else SEVERITY_OTHER,
            cleared=cleared,
            tech_code=code,
            tech_info=info,
            key=evse.tx.key if evse is not None and evse.tx is not None else None,
        )
    )
    return event_id
