"""GetBaseReport, GetReport and NotifyReport of 2.x (B07, B08).

A report is chosen from the inventory when it is asked for, its values are those of that moment, and it is told in pages
of at most ItemsPerMessage rows and BytesPerMessage bytes; the pages go out one after the other, each when the one
before was answered. A filter names components and variables loosely: what it leaves out stands for "any".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from simulator.blocks import device_model
from simulator.blocks.device_model import CLOCK, MAX_VALUE_CHARS, Attribute, Variable
from simulator.blocks.product_settings import BYTES_PER_MESSAGE, ITEMS_PER_MESSAGE
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import ReportPage
from simulator.core.settings import READ_ONLY
from simulator.ocpp2x.types import component, elsewhere, now, reason, variable, when
from simulator.ocpp2x.variables import bounded

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: where a component is: name, instance, EVSE, connector
Place = tuple[str, str, int, int]
#: a row of a report: the variable and the texts of its attributes in their order, None for one that cannot be read
Told = tuple[Variable, tuple[str | None, ...]]

#: variables that tell an abnormal state while they are true (B07.FR.09)
ABNORMAL = frozenset({"Problem", "Tripped", "Overload", "Fallback"})
#: a station that owes so many pages takes on no further report (B07.FR.13, B08.FR.16)
MAX_PAGES_OWED = 200
#: bytes of a message beside its rows, of a row and of an attribute beside their texts; all a little too much
_MESSAGE_BYTES, _ROW_BYTES, _ATTRIBUTE_BYTES = 250, 360, 110


def _too_busy(st: Station) -> bool:
    return sum(isinstance(entry.report, ReportPage) for entry in st.outbox.urgent) >= MAX_PAGES_OWED


@table.on("GetBaseReport", when=REGISTERED)
def get_base_report(st: Station, req: Any, m: Any) -> Any:
    """B07.FR.01-04, FR.07-09, FR.12-13; served while pending too (B02.FR.02)."""
    chosen: Iterable[Variable] = device_model.variables(st)
    if req.report_base == "ConfigurationInventory":
        chosen = [row for row in chosen if any(one.mutability != READ_ONLY for one in row.attributes)]
    elif req.report_base == "SummaryInventory":
        chosen = [row for row in chosen if _is_summary(st, row)]
    elif req.report_base != "FullInventory":
        return m.make(m.GetBaseReportResponse, status="NotSupported")
    if _too_busy(st):
        return m.make(m.GetBaseReportResponse, status="Rejected", status_info=reason(m, "OutOfMemory"))
    publish(st, req.request_id, chosen)
    return m.make(m.GetBaseReportResponse, status="Accepted")


def _is_summary(st: Station, row: Variable) -> bool:
    if row.variable == "AvailabilityState":
        return row.component in ("ChargingStation", "EVSE", "Connector")
    return row.variable in ABNORMAL and row.text(st) == "true"


@table.on("GetReport", when=REGISTERED)
def get_report(st: Station, req: Any, m: Any) -> Any:
    """B08. Every criterion there is, is supported, so there is no NotSupported (FR.02)."""
    wanted = [] if req.component_variable is UNSET else req.component_variable
    bounded(st, req, wanted, ITEMS_PER_MESSAGE, BYTES_PER_MESSAGE)  # FR.17-18
    rows: Iterable[Variable] = device_model.variables(st)
    if req.component_criteria is not UNSET:
        places = _meeting(st, rows, req.component_criteria)
        rows = [row for row in rows if row.place in places]
    if wanted:
        rows = [row for row in rows if any(_matches(row, item) for item in wanted)]
    if not rows:  # FR.15
        return m.make(m.GetReportResponse, status="EmptyResultSet", status_info=reason(m, "NotFound"))
    if _too_busy(st):
        return m.make(m.GetReportResponse, status="Rejected", status_info=reason(m, "OutOfMemory"))
    publish(st, req.request_id, rows)
    return m.make(m.GetReportResponse, status="Accepted")


def _meeting(st: Station, rows: Iterable[Variable], criteria: list[str]) -> set[Place]:
    """The components that meet any of the criteria (B08.FR.07-10, FR.13). One without the variable is taken to be
    active, available and enabled, but to have no problem."""
    facts: dict[Place, dict[str, str | None]] = {}
    for row in rows:
        values = facts.setdefault(row.place, {})
        if row.variable in criteria and not row.instance:
            values[row.variable] = row.text(st)
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
    if where.evse is not UNSET and elsewhere(where.evse, row.evse_id, row.connector_id):
        return False
    if what is UNSET:
        return True
    if what.name.lower() != row.variable.lower():
        return False
    return what.instance is UNSET or bool(what.instance.lower() == row.instance.lower())


def publish(st: Station, request_id: int, chosen: Iterable[Variable]) -> None:
    """Tell the rows in pages; while the registration is pending too, because it was asked for (B02.FR.02)."""
    pages = list(_pages(st, chosen)) or [()]
    for seq_no, rows in enumerate(pages):
        more = seq_no < len(pages) - 1
        st.publish(ReportPage(request_id, seq_no, more, rows, st.stamp()), triggered=True)


def _pages(st: Station, chosen: Iterable[Variable]) -> Iterator[tuple[Told, ...]]:
    """The rows with their present values, cut into pages; a row that is too long for one stands alone."""
    most, most_bytes = int(st.settings[ITEMS_PER_MESSAGE]), int(st.settings[BYTES_PER_MESSAGE]) - _MESSAGE_BYTES
    page: list[Told] = []
    size = 0
    for row in chosen:
        texts = tuple(_freeze(st, row, one) for one in row.attributes)
        added = _size(row, texts)
        if page and (len(page) >= most or size + added > most_bytes):
            yield tuple(page)
            page, size = [], 0
        page.append((row, texts))
        size += added
    if page:
        yield tuple(page)


def _freeze(st: Station, row: Variable, attribute: Attribute) -> str | None:
    """The value now; a clock is told as of when the page goes out."""
    text = row.text(st, attribute.type)
    return None if text is None else text[:MAX_VALUE_CHARS]


def _size(row: Variable, texts: tuple[str | None, ...]) -> int:
    """At most so many bytes the row takes in the message."""
    size = _ROW_BYTES + len(row.component) + len(row.component_instance) + len(row.variable) + len(row.instance)
    size += sum(len(name) + 1 for name in row.values)
    for text in texts:
        size += _ATTRIBUTE_BYTES + (len(msgspec.json.encode(text)) if text else 0)
    return size


@table.render(ReportPage)
def notify_report(st: Station, report: ReportPage, m: Any) -> Any:
    """B07.FR.03-04, FR.10-11; the value of a write-only variable is left out (errata 2.10)."""
    data = [_row(st, told, m) for told in report.rows]
    return "NotifyReport", m.make(
        m.NotifyReportRequest,
        request_id=report.request_id,
        generated_at=when(st, report.at),
        seq_no=report.seq_no,
        tbc=True if report.more else UNSET,
        report_data=data if data else UNSET,
    )


def _row(st: Station, told: Any, m: Any) -> Any:
    row, texts = told
    return m.make(
        m.ReportDataType,
        component=component(m, row.component, row.evse_id, row.connector_id, row.component_instance),
        variable=variable(m, row.variable, row.instance),
        variable_attribute=[_attribute(st, one, text, m) for one, text in zip(row.attributes, texts, strict=True)],
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


def _attribute(st: Station, attribute: Attribute, text: str | None, m: Any) -> Any:
    """One attribute: empty when it has no value now (B07.FR.11), left out only when it may not be told (part 2,
    VariableAttributeType)."""
    if text == CLOCK:
        text = now(st)
    return m.make(
        m.VariableAttributeType,
        type=attribute.type,
        value=UNSET if text is None else text,
        mutability=attribute.mutability,
        persistent=True if attribute.persistent else UNSET,
        constant=True if attribute.constant else UNSET,
    )
