"""Quirks of what is measured, on the wire, with and without."""

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.quirks import meter_register
from tests.quirks.rig import ENERGY, Bench, build, compare
from tests.quirks.test_meter_form import samples2x

POWER, CURRENT, VOLTAGE, OFFERED = "Power.Active.Import", "Current.Import", "Voltage", "Current.Offered"
ALL = {"MeterValuesSampledData": (ENERGY, POWER, CURRENT, VOLTAGE)}
IDLE = {"ClockAlignedDataInterval": 60, "MeterValuesAlignedData": (ENERGY, POWER, VOLTAGE)}
PERIODIC, CLOCK = "Sample.Periodic", "Sample.Clock"


def registers(b: Bench) -> list[float]:
    """Start, samples and stop of the one session of a bench."""
    return [b.sent("StartTransaction")[0]["meterStart"], *b.energies(), b.sent("StopTransaction")[0]["meterStop"]]


def test_overflow() -> None:
    assert meter_register.RegisterOverflow.name == "meter-energy-uint32-wrap"

    def scenario(b: Bench) -> set[bool]:
        return {wh > 2**32 for wh in registers(b.smoke())}

    b = compare("meter-energy-uint32-wrap", scenario, without={False}, with_={True})
    start, *_, stop = registers(b)
    assert start - 2**32 < 1e7 and 350 < stop - start < 450


@pytest.mark.parametrize(("start_stop", "samples"), [("total", "partial"), ("partial", "total")])
def test_partial_or_total(start_stop: str, samples: str) -> None:
    def scenario(b: Bench) -> list[bool]:
        return [wh < 1_000 for wh in registers(b.smoke().session())]

    ends, middle = start_stop == "partial", samples == "partial"
    with_ = [ends, *[middle] * 4, ends]
    params = {"start_stop": start_stop, "samples": samples}
    compare("meter-energy-partial-or-total-switch", scenario, without=[False] * 6, with_=with_, params=params)


def test_reset_at_boot() -> None:
    def scenario(b: Bench) -> list[int]:
        b.smoke().session()
        b.disturbed = True
        b.ask("Reset", type="Hard")
        b.run(60).session()
        return [round(p["meterStart"] - b.sent("StartTransaction")[0]["meterStart"]) // 300 for p in
                b.sent("StartTransaction")]  # fmt: skip

    b = compare("meter-reset-policy-varies", scenario, without=[0, 1, 2], with_=[0, 1, 0])
    assert [p["meterStart"] for p in b.sent("StartTransaction")][::2] == [0, 0]


def test_a_session_over_a_reset() -> None:
    b = Bench(build("meter-reset-policy-varies")).boot().plug().token("TAG", 300)
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert b.sent("StopTransaction")[0]["meterStop"] == 0  # of what came before the boot nothing is left


@pytest.mark.parametrize(("at", "zeros"), [("transaction", [0, 0]), ("never", [])])
def test_other_policies(at: str, zeros: list[int]) -> None:
    b = Bench(build(("meter-reset-policy-varies", {"at": at}))).smoke().session()
    assert [p["meterStart"] for p in b.sent("StartTransaction") if p["meterStart"] == 0] == zeros


def volts(b: Bench) -> set[tuple[str, str]]:
    b.smoke().run(60)
    return {(s["context"], s["value"]) for s in b.samples() if s["measurand"] == VOLTAGE}


TRUE_VOLTS = {(PERIODIC, "230"), (CLOCK, "230")}


def test_idle_voltage() -> None:
    name, settings = "meter-idle-voltage-zero", {**ALL, **IDLE}
    compare(name, volts, without=TRUE_VOLTS, with_={*TRUE_VOLTS, (CLOCK, "0.1")}, settings=settings)


def test_constant_voltage() -> None:
    name, more = "meter-voltage-constant-or-zero", {"settings": {**ALL, **IDLE}, "evse": {"voltage_v": 236.0}}
    odd = {(PERIODIC, "236"), (CLOCK, "236")}
    compare(name, volts, without=odd, with_={*TRUE_VOLTS, (CLOCK, "0")}, **more)


def test_offered_is_hardware() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug().token("TAG", 65)
        period = {"startPeriod": 0, "limit": 8.0}
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
        profile = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile"}
        profile |= {"chargingProfileKind": "Relative", "chargingSchedule": schedule}
        assert b.ask("SetChargingProfile", connectorId=1, csChargingProfiles=profile) == {"status": "Accepted"}
        b.run(60).token("TAG", 5).unplug()
        return [s["value"] for s in b.samples() if s["measurand"] == OFFERED]

    more = {"settings": {"MeterValuesSampledData": (ENERGY, OFFERED)}}
    b = compare("meter-offered-contradicts-profile", scenario, without=["32", "8"], with_=["32", "32"], **more)
    told = b.energies()
    assert told[1] - told[0] < 120, "the limit is obeyed all the same"


def test_offered_unreliable() -> None:
    def scenario(b: Bench) -> list[int]:
        b.boot().session(600.5)
        return [len(p["meterValue"][0]["sampledValue"]) for p in b.sent("MeterValues")]

    some = lambda found: set(found) == {1, 2} and len(found) == 10  # noqa: E731
    more = {"settings": {"MeterValuesSampledData": (ENERGY, OFFERED)}}
    compare("meter-offered-unreliable", scenario, without=[2] * 10, with_=some, **more)
    reliable = Bench(build(("meter-offered-unreliable", {"chance": 1.0}), settings=ALL)).smoke()
    assert len(reliable.samples()) == 2 * 8


def test_total_current() -> None:
    def scenario(b: Bench) -> list[tuple[Any, str]]:
        b.boot().session(70)
        return [(s.get("phase"), s["value"]) for s in b.samples() if s["measurand"] == CURRENT]

    phases = [("L1", "15.94"), ("L2", "15.94"), ("L3", "15.94")]
    name = "meter-total-current-inconsistent"
    compare(name, scenario, without=phases, with_=[*phases, (None, "38.26")], settings=ALL)


def test_kelvin() -> None:
    def scenario(b: Bench) -> list[tuple[str, str]]:
        b.boot().session(70)
        return [(s["value"], s["unit"]) for s in b.samples() if s["measurand"] == "Temperature"]

    more = {"settings": {"MeterValuesSampledData": (ENERGY, "Temperature")}}
    plain = lambda found: [(float(v) < 60, unit) for v, unit in found] == [(True, "Celsius")]  # noqa: E731
    kelvin = lambda found: [(290 < float(v) < 335, unit) for v, unit in found] == [(True, "K")]  # noqa: E731
    compare("meter-temperature-in-kelvin", scenario, without=plain, with_=kelvin, **more)


def measurands(b: Bench) -> set[tuple[str, str]]:
    b.smoke().run(60)
    return {(s["context"], s["measurand"]) for s in b.samples()}


PERIODICS = {(PERIODIC, name) for name in (ENERGY, POWER, CURRENT, VOLTAGE)}


def test_no_power() -> None:
    name = "meter-no-phase-power"
    compare(name, measurands, without=PERIODICS, with_=PERIODICS - {(PERIODIC, POWER)}, settings=ALL)
    newer = Bench(build(name, version="2.0.1", settings=ALL)).smoke()
    assert POWER not in {s["measurand"] for s in samples2x(newer)}


def test_idle_only_energy() -> None:
    def scenario(b: Bench) -> set[tuple[bool, str]]:
        b.smoke().run(60)
        return {("transactionId" in p, s["measurand"]) for p in b.sent("MeterValues") for v in p["meterValue"]
                for s in v["sampledValue"] if s["context"] == CLOCK}  # fmt: skip

    everything = {(busy, name) for busy in (False, True) for name in (ENERGY, POWER, VOLTAGE)}
    with_ = everything - {(False, POWER), (False, VOLTAGE)}
    compare("meter-no-power-when-idle", scenario, without=everything, with_=with_, settings=IDLE)
