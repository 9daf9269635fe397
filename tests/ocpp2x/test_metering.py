"""Meter values outside and inside transactions, and what the policy makes of the variables (J01, J02)."""

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.model import EvseSpec
from simulator.core.readings import MEASURANDS
from simulator.core.reports import MeterReading, MeterSampled, Sampled
from simulator.ocpp2x.metering import UNITS, meter_value, sampled
from simulator.ocpp2x.policy import MAX_END_READINGS, Policy2x
from tests.ocpp2x.bench import DIALECTS, Bench, each_version

ALL = tuple(MEASURANDS)


@each_version
def test_every_measurand_of_a_fast_charger(version: str) -> None:
    """J01.FR.05-10, FR.14, FR.17."""
    bench = Bench(
        version,
        {"AlignedDataCtrlr.Interval": 900, "AlignedDataCtrlr.Measurands": ALL},
        evses=(EvseSpec(1, phases=0, max_power_w=50_000, tethered=True), EvseSpec(2)),
    ).boot()
    bench.charge()
    bench.run(900)
    inside = [event for event in bench.events() if event["triggerReason"] == "MeterValueClock"]  # J01.FR.22
    outside = bench.sent("MeterValues")
    assert len(inside) == 1 and [payload["evseId"] for payload in outside] == [2]
    assert inside[0]["meterValue"][0]["timestamp"][:19] == "2026-03-01T00:15:00"
    values = inside[0]["meterValue"][0]["sampledValue"]
    assert {value["context"] for value in values} == {"Sample.Clock"}
    units = {value["measurand"]: value["unitOfMeasure"]["unit"] for value in values}
    assert units["SoC"] == "Percent" and units["Frequency"] == UNITS["Hertz"] == "Hz"
    assert units["Power.Active.Import"] == "W" and "Temperature" not in units
    assert [value["location"] for value in values if "location" in value] == ["EV"]
    phases = {value["phase"] for value in outside[0]["meterValue"][0]["sampledValue"] if "phase" in value}
    assert phases == {"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"}


@each_version
def test_a_reading_without_a_word_is_no_message(version: str) -> None:
    bench = Bench(version).boot()
    messages = DIALECTS[version].messages
    reading = MeterReading(bench.st.stamp(), "Trigger", (Sampled(30.0, "Temperature", "Celsius"),))
    assert meter_value(bench.st, reading, messages) is None
    assert sampled(bench.st, MeterSampled(1, reading), messages) is None
    bench.st.publish(MeterSampled(1, reading))
    bench.feed(i.Tick())
    bench.run(1)
    assert not bench.sent("MeterValues") and bench.st.outbox.waiting() == 0


@each_version
def test_an_event_without_values_keeps_its_place(version: str) -> None:
    """seqNo has no gaps even if a sample has nothing that 2.x can say."""
    bench = Bench(version, {"SampledDataCtrlr.TxUpdatedMeasurands": ("Temperature",)}).boot()
    bench.charge(seconds=200)
    samples = [event for event in bench.events() if event["triggerReason"] == "MeterValuePeriodic"]
    assert len(samples) == 3 and not any("meterValue" in sample for sample in samples)
    assert [event["seqNo"] for event in bench.events()] == list(range(len(bench.events())))


def contexts(event: dict[str, Any]) -> list[str]:
    return [value["sampledValue"][0]["context"] for value in event.get("meterValue", [])]


@each_version
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["Transaction.Begin", "Transaction.End"]),
        (
            {"SampledDataCtrlr.TxEndedInterval": 30},
            ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Sample.Periodic", "Transaction.End"],
        ),
        ({"SampledDataCtrlr.TxEndedMeasurands": (), "SampledDataCtrlr.TxEndedInterval": 30}, []),
        (
            {
                "SampledDataCtrlr.TxEndedMeasurands": (),
                "AlignedDataCtrlr.TxEndedMeasurands": ("Voltage",),
                "AlignedDataCtrlr.TxEndedInterval": 60,
            },
            ["Sample.Clock"],
        ),
    ],
)
def test_what_the_end_message_holds(version: str, settings: dict[str, Any], expected: list[str]) -> None:
    """E06.FR.11, J02.FR.10."""
    bench = Bench(version, settings).boot()
    bench.charge(seconds=100)
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    (last,) = bench.events("Ended")
    assert contexts(last) == expected
    stamps = [value["timestamp"] for value in last.get("meterValue", [])]
    assert stamps == sorted(stamps)


@each_version
def test_begin_is_measured_once_for_both_ends(version: str) -> None:
    """E01.FR.09: each message holds only what it is configured to hold."""
    bench = Bench(
        version,
        {
            "SampledDataCtrlr.TxStartedMeasurands": ("Voltage",),
            "SampledDataCtrlr.TxEndedMeasurands": ("Energy.Active.Import.Register",),
        },
    ).boot()
    bench.charge()
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    started, ended = bench.events("Started")[0], bench.events("Ended")[0]
    assert {value["measurand"] for value in started["meterValue"][0]["sampledValue"]} == {"Voltage"}
    assert {v["measurand"] for row in ended["meterValue"] for v in row["sampledValue"]} == {
        "Energy.Active.Import.Register"
    }
    begun = ended["meterValue"][0]
    assert begun["timestamp"] == started["meterValue"][0]["timestamp"]
    assert begun["sampledValue"][0]["context"] == "Transaction.Begin"


@each_version
def test_a_long_session_is_thinned(version: str) -> None:
    """J02.FR.20: from the middle, begin and end stay."""
    bench = Bench(version, {"SampledDataCtrlr.TxEndedInterval": 1, "SampledDataCtrlr.TxUpdatedInterval": 0}).boot()
    bench.charge(seconds=250)
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    found = contexts(bench.events("Ended")[0])
    assert len(found) == 2 + MAX_END_READINGS // 2  # 249 or 250 were collected, every second one stays
    assert found[0] == "Transaction.Begin" and found[-1] == "Transaction.End"


@each_version
def test_the_policy_reads_the_variables(version: str) -> None:
    bench = Bench(version, {"OCPPCommCtrlr.OfflineThreshold": 5, "AlignedDataCtrlr.Measurands": ("SoC",)})
    policy = Policy2x()
    assert policy.offline_threshold(bench.st) == 5_000_000
    assert policy.trigger_measurands(bench.st) == ("SoC",)
    assert policy.begin_measurands(bench.st) == ("Energy.Active.Import.Register",)
    assert policy.collect_interval_s(bench.st) == policy.aligned_end_interval_s(bench.st) == 0


@each_version
def test_aligned_values_for_the_end_are_taken_once_they_are_wanted(version: str) -> None:
    """J01.FR.17: the interval stands, measurands are named later, in a running transaction."""
    bench = Bench(version, {"AlignedDataCtrlr.TxEndedInterval": 60}).boot()
    bench.charge()
    new = {
        "component": {"name": "AlignedDataCtrlr"},
        "variable": {"name": "TxEndedMeasurands"},
        "attributeValue": "Energy.Active.Import.Register",
    }
    answer = bench.ask("SetVariables", {"setVariableData": [new]})
    assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
    bench.run(200)
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    (ended,) = bench.events("Ended")
    contexts = [value["sampledValue"][0]["context"] for value in ended["meterValue"]]
    assert contexts.count("Sample.Clock") == 3
