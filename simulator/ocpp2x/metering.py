"""MeterValues of 2.x, and the meter values within transaction events (J01, J02)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks.device_model import NOT_OFFERED
from simulator.core.dialect import Table
from simulator.core.reports import MeterReading, MeterSampled
from simulator.ocpp2x.types import when

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: unit of a reading -> unit of measure (part 2 appendices, 2)
UNITS = {"Hertz": "Hz"}


def meter_value(st: Station, reading: MeterReading, m: Any) -> Any | None:
    """One reading as a MeterValueType; None when 2.x has a name for nothing in it (a temperature is no measurand)."""
    values = [
        m.SampledValueType(  # not make(): all of these fields are in both versions, and this is the busiest message
            value=sample.value,
            context=reading.context,
            measurand=sample.measurand,
            phase=sample.phase or UNSET,
            location=sample.location or UNSET,
            unit_of_measure=m.UnitOfMeasureType(unit=UNITS.get(sample.unit, sample.unit)),
        )
        for sample in reading.values
        if sample.measurand not in NOT_OFFERED
    ]
    if not values:
        return None
    return m.MeterValueType(timestamp=when(st, reading.at), sampled_value=values)


def meter_values(st: Station, readings: tuple[MeterReading, ...], m: Any) -> list[Any]:
    """Readings as a list of MeterValueType."""
    return [value for value in (meter_value(st, reading, m) for reading in readings) if value is not None]


@table.render(MeterSampled)
def sampled(st: Station, report: MeterSampled, m: Any) -> Any:
    """J01.FR.02, FR.05-06: clock-aligned outside a transaction (J01.FR.14), or triggered (F06.FR.06)."""
    values = meter_values(st, (report.reading,), m)
    if not values:
        return None
    return "MeterValues", m.make(m.MeterValuesRequest, evse_id=report.evse_id, meter_value=values)
