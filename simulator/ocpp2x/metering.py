"""MeterValues of 2.x, and the meter values within transaction events (J01, J02)."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks.device_model import NOT_OFFERED
from simulator.blocks.signed_values import public_key
from simulator.core.dialect import Table
from simulator.core.reports import MeterReading, MeterSampled, Sampled
from simulator.hardware.ocmf import ENCODING
from simulator.ocpp2x.types import when

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: unit of a reading -> unit of measure (part 2 appendices, 2)
UNITS = {"Hertz": "Hz"}


def meter_value(st: Station, reading: MeterReading, m: Any, key: str | None = None) -> Any | None:
    """One reading as a MeterValueType; None when 2.x has a name for nothing in it (a temperature is no measurand).

    ``key``: the public key that signed values of it carry (:func:`meter_values`)."""
    values = [
        m.SampledValueType(  # not make(): all of these fields are in both versions, and this is the busiest message
            value=sample.value,
            context=reading.context,
            measurand=sample.measurand,
            phase=sample.phase or UNSET,
            location=sample.location or UNSET,
            signed_meter_value=_signed(st, sample, m, key or "") if sample.signed else UNSET,
            unit_of_measure=m.UnitOfMeasureType(unit=UNITS.get(sample.unit, sample.unit)),
        )
        for sample in reading.values
        if sample.measurand not in NOT_OFFERED
    ]
    if not values:
        return None
    return m.MeterValueType(timestamp=when(st, reading.at), sampled_value=values)


def _signed(st: Station, sample: Sampled, m: Any, key: str) -> Any:
    """J01.FR.21, J02.FR.21. The key is required in one of the versions, and empty when it is not told."""
    signer = st.model.hardware.meter.signer
    return m.make(
        m.SignedMeterValueType,
        signed_meter_data=b64encode(sample.signed.encode()).decode(),
        signing_method=signer.method if signer is not None else "",
        encoding_method=ENCODING,
        public_key=b64encode(key.encode()).decode(),
    )


def meter_values(
    st: Station, readings: tuple[MeterReading, ...], m: Any, evse_id: int = 0, key_with: str = ""
) -> list[Any]:
    """Readings as a list of MeterValueType. ``key_with``: which signed values carry the key of the meter of
    ``evse_id``: none (empty), the first, every."""
    if not key_with:
        return [value for value in (meter_value(st, reading, m) for reading in readings) if value is not None]
    key = public_key(st, evse_id)
    found = []
    for reading in readings:
        found.append(meter_value(st, reading, m, key))
        if key_with == "first" and any(value.signed for value in reading.values):
            key = ""
    return [value for value in found if value is not None]


@table.render(MeterSampled)
def sampled(st: Station, report: MeterSampled, m: Any) -> Any:
    """J01.FR.02, FR.05-06: clock-aligned outside a transaction (J01.FR.14), or triggered (F06.FR.06)."""
    values = meter_values(st, (report.reading,), m, report.evse_id, report.key_with)
    if not values:
        return None
    return "MeterValues", m.make(m.MeterValuesRequest, evse_id=report.evse_id, meter_value=values)
