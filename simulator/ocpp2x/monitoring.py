"""Monitors of 2.x: set, clear, base, level, report (N02 to N06).

Every item is answered on its own and in order. A report is chosen when it is asked for and told in pages of
ItemsPerMessage[GetReport] variables, each page when the one before was answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from simulator.blocks import monitoring, monitors
from simulator.blocks.device_model import Variable
from simulator.blocks.monitors import Monitor, Wish
from simulator.blocks.product_settings import ITEMS_PER_MESSAGE
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.core.reports import MonitoringPage
from simulator.ocpp2x.types import component, elsewhere, reason, variable, when
from simulator.ocpp2x.variables import meant

if TYPE_CHECKING:
    from simulator.core.settings import Setting
    from simulator.core.station import Station

table = Table()

#: criterion -> types of monitors (N02.FR.12-14)
CRITERIA = {
    "ThresholdMonitoring": (monitors.UPPER, monitors.LOWER),
    "DeltaMonitoring": (monitors.DELTA,),
    "PeriodicMonitoring": (monitors.PERIODIC, monitors.CLOCK_ALIGNED),
}
BASES = (monitors.ALL, monitors.FACTORY_DEFAULT, monitors.HARD_WIRED_ONLY)
KINDS = tuple(kind for kinds in CRITERIA.values() for kind in kinds)


def _bounded(st: Station, req: Any, items: list[Any], most: Setting, most_bytes: Setting | None = None) -> None:
    if len(items) > st.settings[most]:
        raise CallRefused("occurrence", f"{len(items)} items, at most {st.settings[most]}")
    if most_bytes is not None and (size := len(msgspec.json.encode(req))) > st.settings[most_bytes]:
        raise CallRefused("formation", f"{size} bytes, at most {st.settings[most_bytes]}")


@table.on("SetVariableMonitoring", when=REGISTERED)
def set_variable_monitoring(st: Station, req: Any, m: Any) -> Any:
    """N04.FR.01-02, FR.09, FR.11."""
    items = req.set_monitoring_data
    _bounded(st, req, items, monitors.ITEMS_PER_SET, monitors.BYTES_PER_SET)
    results = monitoring.set_monitors(st, [_wish(st, item) for item in items])
    return m.make(
        m.SetVariableMonitoringResponse,
        set_monitoring_result=[
            m.make(
                m.SetMonitoringResultType,
                id=UNSET if monitor_id is None else monitor_id,
                status=status,
                status_info=reason(m, code) if code else UNSET,
                type=item.type,
                severity=item.severity,
                component=item.component,
                variable=item.variable,
            )
            for item, (status, monitor_id, code) in zip(items, results, strict=True)
        ],
    )


def _wish(st: Station, item: Any) -> Wish:
    found = meant(st, item)
    kind = item.type if item.type in KINDS else ""
    if isinstance(found, Variable):
        if not kind:  # 2.1 has more types
            found = "UnsupportedMonitorType"
        elif item.periodic_event_stream is not UNSET:  # no variable is streamed
            found = "Rejected"
    return Wish(
        found,
        kind,
        item.value,
        item.severity,
        transaction=item.transaction is True,
        monitor_id=None if item.id is UNSET else item.id,
    )


@table.on("ClearVariableMonitoring", when=REGISTERED)
def clear_variable_monitoring(st: Station, req: Any, m: Any) -> Any:
    """N06.FR.01-03, FR.05-07."""
    _bounded(st, req, req.id, monitors.ITEMS_PER_CLEAR, monitors.BYTES_PER_CLEAR)
    results = monitoring.clear_monitors(st, req.id)
    return m.make(
        m.ClearVariableMonitoringResponse,
        clear_monitoring_result=[
            m.make(
                m.ClearMonitoringResultType,
                id=monitor_id,
                status=status,
                status_info=reason(m, "NotFound") if status == "NotFound" else UNSET,
            )
            for monitor_id, status in zip(req.id, results, strict=True)
        ],
    )


@table.on("SetMonitoringBase", when=REGISTERED)
def set_monitoring_base(st: Station, req: Any, m: Any) -> Any:
    """N03.FR.01-02."""
    if req.monitoring_base not in BASES:
        return m.make(m.SetMonitoringBaseResponse, status="NotSupported", status_info=reason(m, "UnsupportedParam"))
    if not monitoring.set_base(st, req.monitoring_base):
        return m.make(m.SetMonitoringBaseResponse, status="Rejected", status_info=reason(m, "OutOfStorage"))
    return m.make(m.SetMonitoringBaseResponse, status="Accepted")


@table.on("SetMonitoringLevel", when=REGISTERED)
def set_monitoring_level(st: Station, req: Any, m: Any) -> Any:
    """N05.FR.01-02."""
    if monitors.set_level(st, req.severity):
        return m.make(m.SetMonitoringLevelResponse, status="Accepted")
    known = monitors.WORST <= req.severity <= monitors.LEAST
    code = "OutOfStorage" if known else "ValueOutOfRange"
    return m.make(m.SetMonitoringLevelResponse, status="Rejected", status_info=reason(m, code))


@table.on("GetMonitoringReport", when=REGISTERED)
def get_monitoring_report(st: Station, req: Any, m: Any) -> Any:
    """N02.FR.01-03, FR.05-08, FR.10-14, FR.16-21."""
    wanted = [] if req.component_variable is UNSET else req.component_variable
    criteria = [] if req.monitoring_criteria is UNSET else req.monitoring_criteria
    _bounded(st, req, wanted, ITEMS_PER_MESSAGE)
    if any(name not in CRITERIA for name in criteria):
        return m.make(m.GetMonitoringReportResponse, status="NotSupported", status_info=reason(m, "UnsupportedParam"))
    kinds = {kind for name in criteria for kind in CRITERIA[name]} or set(KINDS)
    rows = [
        (found, tuple(monitor for monitor in its if monitor.kind in kinds))
        for found, its in monitors.matches(st)
        if not wanted or any(_matches(found, item) for item in wanted)
    ]
    rows = [row for row in rows if row[1]]
    if not rows:
        return m.make(m.GetMonitoringReportResponse, status="EmptyResultSet", status_info=reason(m, "NotFound"))
    _publish(st, req.request_id, rows)
    return m.make(m.GetMonitoringReportResponse, status="Accepted")


def _matches(found: Variable, item: Any) -> bool:
    """Does a variable belong to an item of the filter? What is left out stands for any."""
    where, what = item.component, item.variable
    if where.name.lower() != found.component.lower():
        return False
    if where.instance is not UNSET and where.instance.lower() != found.component_instance.lower():
        return False
    if where.evse is not UNSET and elsewhere(where.evse, found.evse_id, found.connector_id):
        return False
    if what is UNSET:
        return True
    if what.name.lower() != found.variable.lower():
        return False
    return what.instance is UNSET or bool(what.instance.lower() == found.instance.lower())


def _publish(st: Station, request_id: int, rows: list[tuple[Variable, tuple[Monitor, ...]]]) -> None:
    """Not told while the registration is pending: this request is none that lets a station speak (B02.FR.02)."""
    size = int(st.settings[ITEMS_PER_MESSAGE])
    for first in range(0, len(rows), size):
        page = tuple(rows[first : first + size])
        st.publish(
            MonitoringPage(request_id, first // size, first + size < len(rows), page, st.stamp()),
            triggered=st.gate == "accepted",
        )


@table.render(MonitoringPage)
def notify_monitoring_report(st: Station, report: MonitoringPage, m: Any) -> Any:
    """N02.FR.04, FR.09."""
    rows: Any = report.rows
    return "NotifyMonitoringReport", m.make(
        m.NotifyMonitoringReportRequest,
        request_id=report.request_id,
        seq_no=report.seq_no,
        generated_at=when(st, report.at),
        tbc=True if report.more else UNSET,
        monitor=[_row(found, its, m) for found, its in rows],
    )


def _row(found: Variable, its: tuple[Monitor, ...], m: Any) -> Any:
    return m.make(
        m.MonitoringDataType,
        component=component(m, found.component, found.evse_id, found.connector_id, found.component_instance),
        variable=variable(m, found.variable, found.instance),
        variable_monitoring=[
            m.make(
                m.VariableMonitoringType,
                id=monitor.monitor_id,
                transaction=monitor.transaction,
                value=monitor.value,
                type=monitor.kind,
                severity=monitor.severity,
                event_notification_type=monitor.standing,
            )
            for monitor in its
        ],
    )
