"""Quirks of the registers in transaction messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from simulator.core.readings import ENERGY
from simulator.core.reports import MeterReading, TransactionEnded, TransactionReport, TransactionStarted
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

_FLAG = "Flag an energy that is negative, missing or of nothing, and fall back to the last good sample."
_SANITY = (
    "Bill on meterStop minus meterStart only after sanity checks; know for each station whether its register counts"
    " sessions or its life."
)
BEGIN, END = "Transaction.Begin", "Transaction.End"


@quirk(
    "tx-meter-value-minus-one",
    vendors=("ABL",),
    sources=("manual: ABL Integration Manual 1.7 (scribd 554702931)",),
    breaks=("register_never_falls",),
    survive=_FLAG,
)
class NoReadingIsMinusOne(Quirk):
    """meterStart and meterStop are -1 when there is no reading of the meter (firmware 1.7)."""

    def report(self, st: Station, report: Report) -> Report:
        """Others say the last one they had, or 0."""
        if isinstance(report, TransactionStarted | TransactionEnded) and report.register_wh is None:
            return structs.replace(report, register_wh=-1.0)
        return report


@quirk(
    "tx-meterstop-below-start",
    vendors=("Huawei",),
    sources=("lbbrhzn/ocpp#1810",),
    breaks=("register_never_falls",),
    survive=_FLAG,
)
class OneLess(Quirk):
    """A session without energy ends with a meterStop that is 1 Wh below its meterStart."""

    def report(self, st: Station, report: Report) -> Report:
        """Less than half a watt-hour is none."""
        if not isinstance(report, TransactionEnded) or report.register_wh is None or report.begun_wh is None:
            return report
        nothing = report.register_wh - report.begun_wh < 0.5
        return _ended_at(report, report.begun_wh - 1) if nothing else report


@quirk(
    "tx-meterstop-equals-start",
    vendors=("Wattpilot",),
    sources=("steve-community/steve#1264",),
    breaks=("register_never_falls",),
    survive=_FLAG + " The next session's meterStart tells what was taken.",
)
class StopIsStart(Quirk):
    """meterStop is meterStart; what was taken shows only in the meterStart of the next session (firmware 40.7)."""

    def report(self, st: Station, report: Report) -> Report:
        """The register of the begin again."""
        if isinstance(report, TransactionEnded) and report.begun_wh is not None:
            return _ended_at(report, report.begun_wh)
        return report


@quirk(
    "tx-offline-begin-zero",
    vendors=("Iocharger",),
    sources=("citrineos/citrineos-core#1060",),
    breaks=("register_never_falls",),
    survive=_SANITY,
)
class OfflineBeginZero(Quirk):
    """The register at the begin of a session that began offline is 0, and later ones are those of the meter's life."""

    def report(self, st: Station, report: Report) -> Report:
        """In the start, and wherever a value of the begin is told."""
        if not isinstance(report, TransactionReport):
            return report
        memory = QuirkPort(st, self).memory
        if isinstance(report, TransactionStarted):
            memory[report.evse_id] = report.key if report.offline else None
            if report.offline:
                report = structs.replace(report, register_wh=0.0)
        if memory.get(report.evse_id) != report.key or not report.readings:
            return report
        return structs.replace(report, readings=tuple(_register(reading, BEGIN, 0.0) for reading in report.readings))


def _ended_at(report: TransactionEnded, register_wh: float) -> TransactionEnded:
    """The end with another register, also among the values that come with it."""
    readings = tuple(_register(reading, END, register_wh) for reading in report.readings)
    return structs.replace(report, register_wh=register_wh, readings=readings)


def _register(reading: MeterReading, context: str, register_wh: float) -> MeterReading:
    if reading.context != context:
        return reading
    values = tuple(structs.replace(v, value=register_wh) if v.measurand == ENERGY else v for v in reading.values)
    return structs.replace(reading, values=values)
