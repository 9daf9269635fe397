"""MeterValues of 1.6 (4.7) and the transactionData of StopTransaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import transaction_record
from simulator.core.dialect import Table
from simulator.core.reports import ClockSampled, MeterReading, MeterSampled, SampleTaken
from simulator.core.wall import format_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: units that are not in 1.6 at all
_NO_UNIT = {"Hertz"}


#: errata 3.18: what belongs to a transaction whose start was never answered
NO_ID = -1


def wire_id(st: Station, key: str) -> int:
    """The id the CSMS gave, or -1 (errata 3.18)."""
    known = transaction_record.csms_id(st, key)
    return NO_ID if known is None else int(known)


def number(value: float) -> str:
    """A value as text: whole numbers without a fraction."""
    whole = int(value)
    return str(whole) if whole == value else str(value)


def _values(st: Station, reading: MeterReading, kind: Any) -> list[Any]:
    return [
        kind(
            value=number(sample.value),
            context=reading.context,
            measurand=sample.measurand,
            phase=sample.phase or UNSET,
            location=sample.location or UNSET,
            unit=UNSET if sample.unit in _NO_UNIT else sample.unit,
        )
        for sample in reading.values
    ]


def meter_value(st: Station, reading: MeterReading, m: Any) -> Any:
    """One reading as a MeterValue."""
    return m.MeterValue(
        timestamp=format_wall(st.wall_of(reading.at)), sampled_value=_values(st, reading, m.SampledValue)
    )


def transaction_data(st: Station, readings: tuple[MeterReading, ...], m: Any) -> list[Any]:
    """The readings of the stop message."""
    return [
        m.TransactionData(
            timestamp=format_wall(st.wall_of(reading.at)),
            sampled_value=_values(st, reading, m.TransactionSampledValue),
        )
        for reading in readings
    ]


@table.render(SampleTaken)
def sample(st: Station, report: SampleTaken, m: Any) -> Any:
    """4.7: within a transaction."""
    return "MeterValues", m.MeterValuesRequest(
        connector_id=report.evse_id,
        transaction_id=wire_id(st, report.key),
        meter_value=[meter_value(st, reading, m) for reading in report.readings],
    )


@table.render(ClockSampled)
@table.render(MeterSampled)
def outside(st: Station, report: MeterSampled, m: Any) -> Any:
    """4.7: clock-aligned outside a transaction, or triggered. What was asked for does not wait for a start that is
    still to be delivered, and names no transaction then: -1 is for one that never was (errata 3.18)."""
    nameless = report.key is None or st.outbox.start_waits(report.key)
    return "MeterValues", m.make(
        m.MeterValuesRequest,
        connector_id=report.evse_id,
        transaction_id=UNSET if nameless else wire_id(st, str(report.key)),
        meter_value=[meter_value(st, report.reading, m)],
    )
