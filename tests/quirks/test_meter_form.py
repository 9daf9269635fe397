"""Quirks of the form of meter values, on the wire, with and without."""

from typing import Any

import pytest

from simulator.core.model import HardwareSpec, MeterSpec
from simulator.quirks import meter_form
from tests.quirks.rig import ENERGY, ONE_PHASE, Bench, build, compare

ALL = {"MeterValuesSampledData": (ENERGY, "Power.Active.Import", "Current.Import", "Voltage")}
EVENT = "TransactionEvent"


def samples2x(b: Bench, event: str = "Updated") -> list[dict[str, Any]]:
    """Sampled values of the events of 2.x, in order."""
    told = [p for p in b.sent(EVENT) if p["eventType"] == event]
    return [s for p in told for v in p.get("meterValue", ()) for s in v["sampledValue"]]


def test_object_for_array() -> None:
    assert meter_form.ObjectForArray.name == "meter-metervalue-object-not-array"

    def scenario(b: Bench) -> list[type]:
        return [type(p["meterValue"]) for p in b.smoke().sent("MeterValues")]

    b = compare("meter-metervalue-object-not-array", scenario, without=[list] * 2, with_=[dict] * 2)
    assert b.sent("MeterValues")[0]["meterValue"]["sampledValue"][0]["measurand"] == ENERGY


def test_several_stay_a_list() -> None:
    b = Bench(build("meter-metervalue-object-not-array", "meter-one-sample-per-metervalue", settings=ALL)).smoke()
    assert all(isinstance(p["meterValue"], list) and len(p["meterValue"]) == 8 for p in b.sent("MeterValues"))


def test_empty_sampled_value() -> None:
    def scenario(b: Bench) -> list[int]:
        b.boot().session(400.5)
        return [len(p["meterValue"][0]["sampledValue"]) for p in b.sent("MeterValues")]

    compare("meter-empty-sampledvalue", scenario, without=[1] * 6, with_=[1, 1, 0, 1, 1, 0])


def test_one_sample_each() -> None:
    def scenario(b: Bench) -> list[list[int]]:
        b.boot().session(70)
        return [
            [len(v["sampledValue"]) for v in p[key]]
            for action, key in (("MeterValues", "meterValue"), ("StopTransaction", "transactionData"))
            for p in b.sent(action)
        ]

    more = {"settings": {**ALL, "StopTxnSampledData": (ENERGY, "Voltage")}}
    b = compare("meter-one-sample-per-metervalue", scenario, without=[[8], [4] * 3], with_=[[1] * 8, [1] * 12], **more)
    assert len({v["timestamp"] for v in b.sent("MeterValues")[0]["meterValue"]}) == 1


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_one_bare_sample_each(version: str) -> None:
    b = Bench(build(("meter-one-sample-per-metervalue", {"bare": True}), version=version, settings=ALL))
    b.boot().session(70)
    told = b.samples() or samples2x(b)
    assert told and all("context" not in s and "format" not in s for s in told)


def test_location_mix() -> None:
    def scenario(b: Bench) -> list[tuple[str, Any, Any]]:
        b.boot().session(70)
        return [(s["measurand"], s.get("location"), s.get("format")) for s in b.samples()]

    names = (ENERGY, "SoC", "Current.Offered", "Power.Active.Import")
    b = compare(
        "meter-dc-location-mix", scenario, settings={"MeterValuesSampledData": names}, evse={"phases": 0},
        without=[(ENERGY, None, None), ("SoC", "EV", None), ("Current.Offered", None, None), (names[3], None, None)],
        with_=[(ENERGY, "Outlet", "Raw"), ("SoC", "EV", None), ("Current.Offered", "Inlet", None),
               (names[3], None, None)],
    )  # fmt: skip
    assert list(b.sent("MeterValues")[0]["meterValue"][0]) == ["sampledValue", "timestamp"]
    assert all("." in s["value"] for s in b.samples() if s["measurand"] == "SoC")


def test_current_without_context() -> None:
    def scenario(b: Bench) -> dict[str, bool]:
        b.boot().session(70)
        return {s["measurand"]: "context" in s for s in b.samples()}

    everywhere = dict.fromkeys(ALL["MeterValuesSampledData"], True)
    with_ = {**everywhere, "Current.Import": False}
    compare("meter-mixed-missing-context", scenario, without=everywhere, with_=with_, settings=ALL)


def test_power_in_kilowatts() -> None:
    def scenario(b: Bench) -> list[dict[str, Any]]:
        b.boot().session(70)
        return [s for s in b.samples() if s["measurand"] == "Power.Active.Import"]

    watts = {"value": "7360", "context": "Sample.Periodic", "measurand": "Power.Active.Import", "unit": "W"}
    kilowatts = {"value": "7.360", "measurand": "Power.Active.Import", "unit": "kW"}
    one = {"evse": {"phases": 1}, "car": ONE_PHASE, "settings": ALL}
    b = compare("meter-power-in-kw", scenario, without=[watts], with_=[kilowatts], **one)
    assert not any("phase" in s or "context" in s for s in b.samples())
    newer = Bench(build(("meter-power-in-kw", {"bare": False}), version="2.0.1", settings=ALL)).smoke()
    told = next(s for s in samples2x(newer) if s["measurand"] == "Power.Active.Import")
    assert told["value"] == 11.0 and told["unitOfMeasure"] == {"unit": "kW"} and "context" in told


def test_energy_in_kilowatt_hours() -> None:
    def scenario(b: Bench) -> list[tuple[bool, str]]:
        b.smoke()
        start = b.sent("StartTransaction")[0]["meterStart"]
        return [(float(s["value"]) > start, s["unit"]) for s in b.samples()]

    name = "meter-energy-kwh-two-decimals"
    b = compare(name, scenario, without=[(True, "Wh")] * 2, with_=[(False, "kWh")] * 2)
    start = b.sent("StartTransaction")[0]["meterStart"]
    assert b.samples()[0]["value"] == f"{(start + 180) / 1000:.2f}"  # about a minute at 11 kW
    assert {s["unitOfMeasure"]["unit"] for s in samples2x(Bench(build(name, version="2.1")).smoke())} == {"kWh"}


def test_space_padded() -> None:
    def scenario(b: Bench) -> set[int]:
        return {len(s["value"]) for s in b.smoke().samples()}

    b = compare("meter-value-space-padded", scenario, without=lambda n: max(n) < 10, with_={10})
    assert all(s["value"].startswith(" ") for s in b.samples())


def test_begin_repeated() -> None:
    def scenario(b: Bench) -> list[tuple[str, bool]]:
        b.boot().session(70).session(70)
        starts = [p["meterStart"] for p in b.sent("StartTransaction")]
        return [(s["context"], round(float(s["value"])) in starts) for s in b.samples()]

    once = ("Sample.Periodic", False)
    twice = [once, ("Transaction.Begin", True)] * 2
    compare("meter-begin-value-repeated", scenario, without=[once] * 2, with_=twice)
    newer = Bench(build("meter-begin-value-repeated", version="2.0.1")).smoke()
    told = [s["context"] for s in samples2x(newer) if s["measurand"] == ENERGY]
    assert told.count("Transaction.Begin") >= 2 and told[-2:] == ["Sample.Periodic", "Transaction.Begin"]


def test_hertz_by_another_name() -> None:
    def scenario(b: Bench) -> set[str | None]:
        b.boot().session(70)
        return {s.get("unit") for s in b.samples() if s["measurand"] == "Frequency"}

    more = {"settings": {"MeterValuesSampledData": (ENERGY, "Frequency")}}
    more |= {"hardware": HardwareSpec(meter=MeterSpec(measurands=(ENERGY, "Frequency")))}
    compare("meter-unit-hz", scenario, without=lambda found: "Hz" not in found, with_={"Hz"}, **more)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_current_of_the_neutral(version: str) -> None:
    def scenario(b: Bench) -> set[str | None]:
        b.boot().session(70)
        return {s.get("phase") for s in b.samples() or samples2x(b) if s["measurand"] == "Current.Import"}

    more = {"settings": {"MeterValuesSampledData": (ENERGY, "Current.Import")}, "evse": {"phases": 1}}
    if version == "1.6":
        compare("meter-current-on-neutral", scenario, without={None}, with_={"N"}, car=ONE_PHASE, **more)
    assert scenario(Bench(build("meter-current-on-neutral", version=version, **more))) == {"N"}
