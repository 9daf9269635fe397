"""Reading the energy register out of sampled values, in Wh, whatever unit and form the station chose.

Both families mean the same by the same words: without a measurand the value is Energy.Active.Import.Register, without
a unit it is Wh, without a context it is Sample.Periodic (1.6 7.43; 2.0.1 SampledValueType).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

REGISTER = "Energy.Active.Import.Register"
SCALE = {"Wh": 1.0, "kWh": 1000.0}


def registers_wh(meter_values: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Context -> register in Wh, the last one for each context.

    A value for the whole connection (no phase) is preferred; if there are only values by phase, they are added up.
    Values that are no numbers, in another unit, or signed blobs are left out.
    """
    whole: dict[str, float] = {}
    by_phase: dict[str, dict[str, float]] = {}
    for meter_value in meter_values:
        for sample in meter_value.get("sampledValue", ()):
            if sample.get("measurand", REGISTER) != REGISTER or sample.get("location", "Outlet") != "Outlet":
                continue
            wh = _wh(sample)
            if wh is None:
                continue
            context = sample.get("context", "Sample.Periodic")
            if "phase" in sample:
                by_phase.setdefault(context, {})[sample["phase"]] = wh
            else:
                whole[context] = wh
    for context, phases in by_phase.items():
        whole.setdefault(context, sum(phases.values()))
    return whole


def _wh(sample: Mapping[str, Any]) -> float | None:
    unit, multiplier = sample.get("unit", "Wh"), 0
    if "unitOfMeasure" in sample:
        unit = sample["unitOfMeasure"].get("unit", "Wh")
        multiplier = sample["unitOfMeasure"].get("multiplier", 0)
    if unit not in SCALE or not -24 <= multiplier <= 24:
        return None
    try:
        return float(sample["value"]) * SCALE[unit] * 10.0**multiplier
    except ValueError:
        return None
