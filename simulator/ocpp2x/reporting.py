"""GetBaseReport, GetReport and NotifyReport of 2.x (B07, B08).

A report is chosen from the inventory when it is asked for, and told in pages of ItemsPerMessage rows; the pages go out
one after the other, each when the one before was answered. A filter names components and variables loosely: what it
leaves out stands for "any".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import device_model
from simulator.blocks.device_model import Variable
from simulator.blocks.product_settings import ITEMS_PER_MESSAGE
from simulator.core.dialect import REGISTERED, CallRefused, Table
from simulator.core.reports import ReportPage
from simulator.core.settings import READ_ONLY
from simulator.ocpp2x.types import component, reason, variable, when
from simulator.ocpp2x.variables import ACTUAL, value_text

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: where a component is: name, instance, EVSE, connector
Place = tuple[str, str, int, int]

#: variables that tell an abnormal state while they are true (B07.FR.09)
ABNORMAL = frozenset({"Problem", "Tripped", "Overload", "Fallback"})


@table.on("GetBaseReport", when=REGISTERED)
def get_base_report(st: Station, req: Any, m: Any) -> Any:
    """B07.FR.01-04, FR.07-09, FR.12; served while pending too (B02.FR.02)."""
    rows = list(device_model.variables(st))
    if req.report_base == "ConfigurationInventory":
        rows = [row for row in rows if row.mutability != READ_ONLY]
    elif req.report_base == "SummaryInventory":
        rows = [row for row in rows if _is_summary(row)]
    elif req.report_base != "FullInventory":
        return m.make(m.GetBaseReportResponse, status="NotSupported")
    publish(st, req.request_id, rows)
    return m.make(m.GetBaseReportResponse, status="Accepted")


def _is_summary(row: Variable) -> bool:
    if row.variable == "AvailabilityState":
        return row.component in ("ChargingStation", "EVSE", "Connector")
    return row.variable in ABNORMAL and row.value == "true"


@table.on("GetReport", when=REGISTERED)
def get_report(st: Station, req: Any, m: Any) -> Any:
    """B08."""
    wanted = [] if req.component_variable is UNSET else req.component_variable
    most = st.settings[ITEMS_PER_MESSAGE]
    if len(wanted) > most:  # B08.FR.17
        raise CallRefused("occurrence", f"{len(wanted)} items, at most {most}")
    rows = list(device_model.variables(st))
    if req.component_criteria is not UNSET:
        places = _meeting(rows, req.component_criteria)
        rows = [row for row in rows if _place(row) in places]
    if wanted:
        rows = [row for row in rows if any(_matches(row, item) for item in wanted)]
    if not rows:  # B08.FR.15
        return m.make(m.GetReportResponse, status="EmptyResultSet", status_info=reason(m, "NotFound"))
    publish(st, req.request_id, rows)
    return m.make(m.GetReportResponse, status="Accepted")


def _place(row: Variable) -> Place:
    return row.component, row.component_instance, row.evse_id, row.connector_id


def _meeting(rows: Iterable[Variable], criteria: list[str]) -> set[Place]:
    """The components that meet any of the criteria (B08.FR.07-10, FR.13). One without the variable is taken to be
    active, available and enabled, but to have no problem."""
    facts: dict[Place, dict[str, str | None]] = {}
    for row in rows:
        facts.setdefault(_place(row), {})[row.variable] = row.value
    return {
        place
        for place, values in facts.items()
        if any(values.get(name, "false" if name == "Problem" else "true") == "true" for name in criteria)
    }


def _matches(row: Variable, item: Any) -> bool:
    """Does a row belong to an item of the filter? What is left out stands for any (B08.FR.20-25)."""
    where, what = item.component, item.variable
    if where.name.lower() != row.component.lower():
        return False
    if where.instance is not UNSET and where.instance.lower() != row.component_instance.lower():
        return False
    if where.evse is not UNSET and (
        where.evse.id != row.evse_id or where.evse.connector_id not in (UNSET, row.connector_id)
    ):
        return False
    if what is UNSET:
        return True
    if what.name.lower() != row.variable.lower():
        return False
    return what.instance is UNSET or bool(what.instance.lower() == row.instance.lower())


def publish(st: Station, request_id: int, rows: list[Variable]) -> None:
    """Tell the rows in pages; while the registration is pending too, because it was asked for (B02.FR.02)."""
    size = int(st.settings[ITEMS_PER_MESSAGE])
    for start in range(0, len(rows) or 1, size):
        st.publish(
            ReportPage(
                request_id=request_id,
                seq_no=start // size,
                more=start + size < len(rows),
                rows=tuple(rows[start : start + size]),
                at=st.stamp(),
            ),
            triggered=True,
        )


@table.render(ReportPage)
def notify_report(st: Station, report: ReportPage, m: Any) -> Any:
    """B07.FR.03-04, FR.10-11; the value of a write-only variable is left out (errata 2.10)."""
    data = [_row(st, row, m) for row in report.rows if isinstance(row, Variable)]
    return "NotifyReport", m.make(
        m.NotifyReportRequest,
        request_id=report.request_id,
        generated_at=when(st, report.at),
        seq_no=report.seq_no,
        tbc=True if report.more else UNSET,
        report_data=data if data else UNSET,
    )


def _row(st: Station, row: Variable, m: Any) -> Any:
    text = value_text(st, row)
    return m.make(
        m.ReportDataType,
        component=component(m, row.component, row.evse_id, row.connector_id, row.component_instance),
        variable=variable(m, row.variable, row.instance),
        variable_attribute=[
            m.make(
                m.VariableAttributeType,
                type=ACTUAL,
                value=UNSET if text is None else text,
                mutability=row.mutability,
                persistent=True if row.setting is not None else UNSET,
            )
        ],
        variable_characteristics=m.make(
            m.VariableCharacteristicsType,
            data_type=row.data_type,
            supports_monitoring=row.monitored,
            unit=row.unit or UNSET,
            min_limit=UNSET if row.minimum is None else row.minimum,
            max_limit=UNSET if row.maximum is None else row.maximum,
            max_elements=UNSET if row.max_elements is None else row.max_elements,
            values_list=",".join(row.values) if row.values else UNSET,
        ),
    )
