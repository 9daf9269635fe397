"""Meter values wherever a station sends them, in one shape for every version."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.core.wall import parse_wall
from simulator.replay.capture import Act, transaction_of
from simulator.traces.parts import fields, rows, whole

REGISTER = "Energy.Active.Import.Register"
PERIODIC = "Sample.Periodic"
_THOUSANDS = {"kWh": 1000.0, "kW": 1000.0, "kVA": 1000.0, "kvar": 1000.0}
#: a resolution is a power of ten up to this (Wh)
_COARSEST = 3
_ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One value. ``value`` is in the unit without its k; None when it is no number. ``text`` is as it was sent."""

    line: int
    evse: int
    measurand: str
    context: str
    phase: str
    unit: str
    text: str
    value: float | None
    at_us: int | None
    transaction: int | str | None


def samples(acts: Iterable[Act]) -> Iterator[Sample]:
    """Every sampled value of these messages, in their order."""
    for act in acts:
        payload = fields(act.payload)
        where = fields(payload.get("evse")).get("id", payload.get("evseId", payload.get("connectorId")))
        number = whole(where)
        for name in ("meterValue", "transactionData"):
            for value in rows(payload.get(name)):
                stamp = value.get("timestamp")
                at_us = parse_wall(stamp) if isinstance(stamp, str) else None
                for one in rows(value.get("sampledValue")):
                    yield _sample(act, number, one, at_us, transaction_of(payload))


def _sample(act: Act, evse: int, one: dict[str, Any], at_us: int | None, transaction: int | str | None) -> Sample:
    measure = one.get("unitOfMeasure")
    unit = str(measure.get("unit", "Wh")) if isinstance(measure, dict) else str(one.get("unit", ""))
    power = measure.get("multiplier", 0) if isinstance(measure, dict) else 0
    measurand = str(one.get("measurand", REGISTER))
    text = str(one.get("value", ""))
    try:
        value: float | None = float(text) * _THOUSANDS.get(unit, 1.0) * 10.0 ** int(power)
    except (ValueError, TypeError, OverflowError):
        value = None
    return Sample(
        act.line,
        evse,
        measurand,
        str(one.get("context", PERIODIC)),
        str(one.get("phase", "")),
        unit or ("Wh" if measurand == REGISTER else ""),
        text,
        value if value is not None and math.isfinite(value) else None,
        at_us,
        transaction,
    )


def resolution_wh(found: Iterable[Sample]) -> tuple[float, int] | None:
    """The coarsest power of ten that every register is a multiple of, and a line that shows it; None for too few."""
    registers = [one for one in found if one.measurand == REGISTER and one.value and not one.phase]
    if len({one.value for one in registers}) < _ENOUGH:
        return None
    exponent = _COARSEST
    shows = registers[0].line
    for one in registers:
        assert one.value is not None
        while exponent > -_COARSEST and not _is_multiple(one.value, 10.0**exponent):
            exponent -= 1
            shows = one.line
    return 10.0**exponent, shows


def _is_multiple(value: float, unit: float) -> bool:
    return abs(value / unit - round(value / unit)) < 1e-6


def interval_s(found: Iterable[Sample]) -> tuple[int, int] | None:
    """The usual seconds between two periodic samples of a session, and a line that shows it; None for too few."""
    last: dict[Any, int] = {}
    gaps: list[tuple[int, int]] = []
    for one in found:
        if one.context != PERIODIC or one.at_us is None or one.transaction is None:
            continue
        before = last.get(one.transaction)
        if before is not None and one.at_us > before:
            gaps.append((round((one.at_us - before) / 1e6), one.line))
        last[one.transaction] = one.at_us
    if len(gaps) < _ENOUGH - 1:
        return None
    gaps.sort()
    return gaps[len(gaps) // 2]
