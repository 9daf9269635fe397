"""Meter values: at an interval, by the clock, and those of a time without connection."""

from __future__ import annotations

from math import isnan
from typing import Any

from simulator.certify.case import case
from simulator.certify.rules import OMITTED, Rule, one_of, such_that
from simulator.certify.states import charging
from simulator.certify.tester import Tester
from simulator.certify.wire import Heard
from simulator.core.wall import parse_wall

DEFAULT_MEASURAND = "Energy.Active.Import.Register"
#: time stamps may be rounded, s
ROUNDING_S = 1.0
ROUNDS = 3


def seconds_of(stamp: Any) -> float:
    """A time stamp as seconds since 1970; nan for one that is none."""
    wall_us = parse_wall(stamp) if isinstance(stamp, str) else None
    return wall_us / 1e6 if wall_us is not None else float("nan")


def after(before: str | None, interval_s: int) -> Rule:
    """A time stamp one interval after the one before; the first may be any."""
    if before is None:
        return such_that("a time stamp", lambda stamp: not isnan(seconds_of(stamp)))
    return such_that(
        f"{interval_s} s after {before}",
        lambda stamp: abs(seconds_of(stamp) - seconds_of(before) - interval_s) <= ROUNDING_S,
    )


def on_the_clock(interval_s: int) -> Rule:
    """A time stamp at a whole number of intervals since midnight."""
    return such_that(f"at a multiple of {interval_s} s", lambda stamp: seconds_of(stamp) % interval_s <= ROUNDING_S)


def measurands_told(t: Tester, key: str) -> list[str]:
    """What the key says is sent; nothing means the energy register."""
    return [one for one in (t.read(key, "GetConfiguration") or "").split(",") if one] or [DEFAULT_MEASURAND]


def holds(measurand: str) -> Rule:
    """A list of values with this measurand among them; left out, it means the energy register."""
    return such_that(
        f"with {measurand}",
        lambda values: (
            isinstance(values, list)
            and measurand in [one.get("measurand", DEFAULT_MEASURAND) for one in values if isinstance(one, dict)]
        ),
    )


def of_the_connector(t: Tester, within_s: float) -> Heard:
    """The next MeterValues of the connector under test; those of idle connectors may come with it (3.16.2)."""
    for _ in t.rig.connectors:
        heard = t.expect(3, "MeterValues", connectorId=one_of(0, *t.rig.connectors), within_s=within_s)
        if heard.payload["connectorId"] == t.connector:
            return heard
    return t.expect(3, "MeterValues", connectorId=t.connector, within_s=within_s)


def three_rounds(t: Tester, wanted: list[str], context: str, interval_s: int, stamp: Rule | None = None) -> None:
    """Three messages an interval apart, each with all measurands and this context."""
    before: str | None = None
    for _ in range(ROUNDS):
        heard = of_the_connector(t, interval_s + 10)
        t.validate(3, heard, {"meterValue.0.timestamp": after(before, interval_s)})
        if stamp is not None:
            t.validate(3, heard, {"meterValue.0.timestamp": stamp})
        t.validate(3, heard, {"meterValue.0.sampledValue.0.context": context})
        for measurand in wanted:
            t.validate(3, heard, {"meterValue.0.sampledValue": holds(measurand)})
        before = heard.payload["meterValue"][0]["timestamp"]


@case(
    "TC_070",
    settings={"MeterValueSampleInterval": lambda t: t.tool.sample_interval_s, "ClockAlignedDataInterval": 0},
    states=[charging],
)
def sampled(t: Tester) -> None:
    """Samples keep their interval and hold what is configured."""
    three_rounds(t, measurands_told(t, "MeterValuesSampledData"), "Sample.Periodic", t.tool.sample_interval_s)


@case(
    "TC_071",
    settings={"MeterValueSampleInterval": 0, "ClockAlignedDataInterval": lambda t: t.tool.aligned_interval_s},
    states=[charging],
)
def aligned(t: Tester) -> None:
    """Readings by the clock come at multiples of the interval and hold what is configured."""
    interval_s = t.tool.aligned_interval_s
    wanted = measurands_told(t, "MeterValuesAlignedData")
    three_rounds(t, wanted, "Sample.Clock", interval_s, on_the_clock(interval_s))


@case(
    "TC_036",
    settings={"MeterValueSampleInterval": lambda t: t.tool.sample_interval_s},
    states=[charging],
)
def kept_while_offline(t: Tester) -> None:
    """Samples of a time without connection come later, complete and in order."""
    interval_s = t.tool.sample_interval_s
    t.expect("before", "MeterValues", within_s=interval_s + 10)
    t.rig.network(False)
    t.wait(ROUNDS * interval_s + interval_s / 2)
    t.rig.network(True)
    before: str | None = None
    for _ in range(ROUNDS):
        heard = t.expect(1, "MeterValues", connectorId=t.connector, transactionId=t.transaction_id, within_s=600)
        t.validate(1, heard, {"meterValue.0.timestamp": after(before, interval_s), "meterValue.1": OMITTED})
        before = heard.payload["meterValue"][0]["timestamp"]
