"""Quirks of meter values, on the wire, with and without."""

from typing import Any

from simulator.quirks import meter
from tests.quirks.rig import ENERGY, ONE_PHASE, Bench, build, compare

ALL = {"MeterValuesSampledData": (ENERGY, "Current.Import", "Voltage")}
ALIGNED = {"ClockAlignedDataInterval": 60}


def start_stop(b: Bench) -> tuple[float, float]:
    return b.sent("StartTransaction")[-1]["meterStart"], b.sent("StopTransaction")[-1]["meterStop"]


def test_session_reset() -> None:
    assert meter.EnergyPerSession.name == "meter-energy-session-reset"

    def scenario(b: Bench) -> tuple[bool, bool, bool]:
        b.smoke().session()
        begin, end = start_stop(b)
        return begin == 0, end < 1_000, all(wh < 1_000 for wh in b.energies())

    b = compare("meter-energy-session-reset", scenario, without=(False,) * 3, with_=(True,) * 3)
    assert 350 < start_stop(b)[1] < 450  # 11 kW for two minutes and a little


def test_dropouts() -> None:
    def scenario(b: Bench) -> list[bool]:
        b.boot().session(600.5)
        return [
            any(s.get("measurand") == ENERGY for v in p["meterValue"] for s in v["sampledValue"])
            for p in b.sent("MeterValues")
        ]

    some = lambda found: len(found) == 10 and 0 < sum(found) < 10  # noqa: E731
    compare("meter-energy-dropouts", scenario, without=[True] * 10, with_=some, params={"chance": 0.4}, settings=ALL)


def test_a_sample_of_nothing_is_not_sent() -> None:
    b = Bench(build(("meter-energy-dropouts", {"chance": 1.0}))).smoke()
    assert b.sent("MeterValues") == []


def test_first_sample_is_begin() -> None:
    def scenario(b: Bench) -> list[str]:
        b.smoke().session()
        return [s["context"] for s in b.samples()]

    periodic, begin = "Sample.Periodic", "Transaction.Begin"
    with_ = [begin, periodic, begin, periodic]
    compare("meter-first-sample-transaction-begin", scenario, without=[periodic] * 4, with_=with_)


def test_voltage_phases() -> None:
    def scenario(b: Bench) -> set[tuple[Any, Any]]:
        b.smoke()
        return {(s["measurand"][:7], s.get("phase")) for s in b.samples() if s["measurand"] != ENERGY}

    one = {"evse": {"phases": 1}, "settings": ALL, "car": ONE_PHASE}
    compare(
        "meter-voltage-phase-ln", scenario, without={("Current", None), ("Voltage", None)},
        with_={("Current", "L1"), ("Voltage", "L1-N")}, **one,
    )  # fmt: skip


def test_voltage_phases_with_location_and_format() -> None:
    params = {"location": "Outlet", "raw": True, "decimals": 1}
    b = Bench(build(("meter-voltage-phase-ln", params), settings=ALL)).smoke()
    assert {(s["location"], s["format"], s["value"][-2]) for s in b.samples()} == {("Outlet", "Raw", ".")}
    assert {s["phase"] for s in b.samples() if s["measurand"] == "Voltage"} == {"L1-N", "L2-N", "L3-N"}


def test_phase_rotation() -> None:
    def scenario(b: Bench) -> set[str]:
        b.smoke()
        return {s["phase"] for s in b.samples() if s["measurand"] == "Current.Import" and float(s["value"]) > 0}

    more = {"settings": ALL, "car": ONE_PHASE}
    compare("meter-phase-rotation-applied", scenario, without={"L1"}, with_={"L3"}, **more)
    b = Bench(build(("meter-phase-rotation-applied", {"rotation": "RST"}), settings=ALL))
    b.car = ONE_PHASE
    assert scenario(b) == {"L1"}


def test_aligned_for_connector_zero() -> None:
    def scenario(b: Bench) -> dict[tuple[int, bool], int]:
        b.smoke().run(60)
        aligned = [
            (p["connectorId"], "transactionId" in p)
            for p in b.sent("MeterValues")
            if p["meterValue"][0]["sampledValue"][0]["context"] == "Sample.Clock"
        ]
        return {told: aligned.count(told) for told in sorted(set(aligned))}

    own = {(1, False): 1, (1, True): 2}
    more = {"settings": {**ALIGNED, "MeterValueSampleInterval": 3_600}}
    compare("meter-clock-aligned-connector-zero", scenario, without=own, with_={(0, False): 3, **own}, **more)


def test_foreign_transaction_id() -> None:
    def scenario(b: Bench) -> list[bool]:
        b.smoke().run(900 * 3)
        return [p["transactionId"] > 10**9 for p in b.sent("MeterValues")]

    b = compare("meter-foreign-transaction-id", scenario, without=[False] * 2, with_=[False] * 2 + [True] * 3)
    assert b.sent("MeterValues")[-1]["meterValue"][0]["timestamp"].startswith("2026-02-28T")


def test_nonstandard_context() -> None:
    def scenario(b: Bench) -> set[str]:
        return {s["context"] for s in b.smoke().samples()}

    b = compare(
        "meter-nonstandard-context", scenario, without={"Sample.Periodic"}, with_={"Sample.Periodic", "CurrentMax"}
    )
    assert {"value": "32.000", "context": "CurrentMax", "unit": "A"} in b.samples()


def test_missing_measurand() -> None:
    def scenario(b: Bench) -> list[Any]:
        return [s["value"] for s in b.smoke().samples() if "measurand" not in s]

    compare("meter-missing-measurand", scenario, without=[], with_=["15.940", "15.940"])


def test_stale_backlog() -> None:
    def scenario(b: Bench) -> list[str]:
        b.smoke()
        return [v["timestamp"][:4] for p in b.sent("MeterValues") for v in p["meterValue"]]

    now = ["2026", "2026"]
    compare("meter-stale-backlog", scenario, without=now, with_=["2024"] * 3 + now)


def test_three_decimals() -> None:
    def scenario(b: Bench) -> set[str]:
        return {s["value"].partition(".")[2] for s in b.smoke().samples()}

    compare("meter-three-decimal-strings", scenario, without={""}, with_={"000"})
