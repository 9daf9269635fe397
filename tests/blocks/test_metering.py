"""Meter values: when, which, and that the register never falls."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from simulator.blocks.metering import (
    ALIGNED_ENABLED,
    ALIGNED_INTERVAL,
    ALIGNED_MEASURANDS,
    END_ALIGNED_INTERVAL,
    END_ALIGNED_MEASURANDS,
    END_INTERVAL,
    END_MEASURANDS,
    MAX_COLLECTED,
    MAX_STOP_VALUES,
    ONLY_IDLE,
    SAMPLE_INTERVAL,
    SAMPLE_MEASURANDS,
    SAMPLED_ENABLED,
    START_MEASURANDS,
    STOP_TXN_SAMPLED,
)
from simulator.blocks.transactions import TX_START_POINT
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec, MeterSpec, RtcSpec
from simulator.core.readings import CURRENT, ENERGY, FREQUENCY, POWER, SOC, VOLTAGE
from tests.bench import AT_ONCE, Lab, bench, each_2x, each_version, frames

EXACT = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0), meter=MeterSpec(resolution_wh=0.1))


def told(lab: Lab, context: str = "Sample.Periodic") -> list[tuple[float, dict[str, Any]]]:
    """(second it was sent, meter value) of the readings in one context, outside end messages."""
    rows = []
    for at, action, payload in frames(lab.csms, "MeterValues", "TransactionEvent"):
        if action == "MeterValues" or payload["eventType"] != "Ended":
            rows += [
                (at, reading)
                for reading in payload.get("meterValue", ())
                if reading["sampledValue"][0]["context"] == context
            ]
    return rows


def shape(reading: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """(measurand, phase, unit) of each value."""
    return [
        (s["measurand"], s.get("phase"), s.get("unit") or s.get("unitOfMeasure", {}).get("unit"))
        for s in reading["sampledValue"]
    ]


@each_version
def test_samples_count_from_the_start_of_the_transaction(version: str) -> None:
    """1.6 MeterValueSampleInterval, J02.FR.11."""
    lab = bench(version, settings={SAMPLE_INTERVAL: 30}).run(17).charge().run(100)
    assert [at for at, _ in told(lab)] == [47, 77, 107]
    lab.present().run(100)
    assert len(told(lab)) == 3


@each_version
def test_an_interval_of_0_means_none(version: str) -> None:
    lab = bench(version, settings={SAMPLE_INTERVAL: 0}).charge().run(500)
    assert told(lab) == []


@each_2x
def test_values_can_be_switched_off_and_on(version: str) -> None:
    """SampledDataCtrlr.Enabled, AlignedDataCtrlr.Enabled (part 2, 2.7.1, 2.7.9)."""
    settings = {ALIGNED_INTERVAL: 300, END_ALIGNED_INTERVAL: 300, END_ALIGNED_MEASURANDS: (ENERGY,)}
    lab = bench(version, settings=settings)
    lab.configure(SAMPLED_ENABLED, False)
    lab.configure(ALIGNED_ENABLED, False)
    lab.charge().run(1000)
    assert told(lab) == told(lab, "Sample.Clock") == told(lab, "Transaction.Begin") == []
    lab.configure(SAMPLED_ENABLED, True)
    lab.configure(ALIGNED_ENABLED, True)
    lab.run(600)
    assert len(told(lab)) == 10 and len(told(lab, "Sample.Clock")) == 2
    lab.configure(SAMPLED_ENABLED, False)
    lab.configure(ALIGNED_ENABLED, False)
    lab.run(600).present().run(5)
    assert len(told(lab)) == 10 and len(told(lab, "Sample.Clock")) == 2
    (ended,) = [event for event in lab.session().events if event["eventType"] == "Ended"]
    contexts = [value["context"] for reading in ended.get("meterValue", ()) for value in reading["sampledValue"]]
    assert contexts == ["Sample.Clock"] * 2, "collected while it was on"


@each_version
def test_a_new_interval_counts_within_the_transaction(version: str) -> None:
    lab = bench(version, settings={SAMPLE_INTERVAL: 0}).charge().run(36)  # at 40 s
    lab.configure(SAMPLE_INTERVAL, 15)
    lab.run(30)
    assert [at for at, _ in told(lab)] == [45, 60]


@each_2x
def test_what_the_end_is_to_hold_may_be_said_within_the_transaction(version: str) -> None:
    """Part 2, 2.7.4-5: from then on it is collected."""
    lab = bench(version, settings={END_MEASURANDS: (), END_INTERVAL: 20}).charge().run(36)  # at 40 s
    lab.configure(END_MEASURANDS, (ENERGY,))
    lab.run(45).present().run(1)
    contexts = [value["sampledValue"][0]["context"] for value in lab.session().events[-1]["meterValue"]]
    assert contexts == ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"]


@each_version
def test_every_measurand_with_its_phases_and_units(version: str) -> None:
    lab = bench(version, settings={SAMPLE_MEASURANDS: (ENERGY, POWER, CURRENT, VOLTAGE, FREQUENCY)}).charge().run(60)
    hertz = None if version == "1.6" else "Hz"  # 1.6 has no such unit
    assert shape(told(lab)[0][1]) == [
        (ENERGY, None, "Wh"),
        (POWER, None, "W"),
        (CURRENT, "L1", "A"),
        (CURRENT, "L2", "A"),
        (CURRENT, "L3", "A"),
        (VOLTAGE, "L1-N", "V"),
        (VOLTAGE, "L2-N", "V"),
        (VOLTAGE, "L3-N", "V"),
        (FREQUENCY, None, hertz),
    ]
    values = {s["measurand"]: float(s["value"]) for s in told(lab)[0][1]["sampledValue"]}
    assert values[POWER] == 11_000 and values[VOLTAGE] == 230 and values[CURRENT] == pytest.approx(15.94, abs=0.01)


@each_version
def test_dc_tells_the_state_of_charge(version: str) -> None:
    evse = {"phases": 0, "max_power_w": 50_000.0, "max_current_a": 125.0, "voltage_v": 400.0, "tethered": True}
    lab = bench(version, settings={SAMPLE_MEASURANDS: (SOC, CURRENT)}, evse=evse)
    lab.plug(ev=i.EvSpec(soc=0.4, battery_wh=50_000, curve="flat")).present().run(3600)
    soc = [float(s["value"]) for _, v in told(lab) for s in v["sampledValue"] if s["measurand"] == SOC]
    assert soc == sorted(soc) and soc[0] > 40 and soc[-1] == 100
    assert shape(told(lab)[0][1]) == [(SOC, None, "Percent"), (CURRENT, None, "A")]


@each_version
def test_energy_adds_up(version: str) -> None:
    """11 kW for 60 s are 183.3 Wh, to the resolution of the meter."""
    lab = bench(version, hardware=EXACT).charge().run(600)
    registers = [float(v["sampledValue"][0]["value"]) for _, v in told(lab)]
    gains = [b - a for a, b in pairwise(registers)]
    assert len(gains) == 9 and all(gain == pytest.approx(11_000 / 60, abs=0.11) for gain in gains)


@each_version
def test_clock_aligned_values_come_in_and_outside_of_transactions(version: str) -> None:
    """1.6 ClockAlignedDataInterval, J01.FR.14, FR.22."""
    lab = bench(version, evses=2, settings={ALIGNED_INTERVAL: 300, SAMPLE_INTERVAL: 0})
    lab.run(100).charge(1).run(600)
    assert [at for at, _ in told(lab, "Sample.Clock")] == [300, 300, 600, 600]
    for _, reading in told(lab, "Sample.Clock"):
        assert reading["timestamp"][14:] in ("05:00.000Z", "10:00.000Z")
    outside = [p for p in lab.csms.sent("MeterValues") if "transactionId" not in p]
    assert {p["connectorId" if version == "1.6" else "evseId"] for p in outside} == {2}
    if version != "1.6":
        assert lab.session().triggers.count("MeterValueClock") == 2


@each_2x
def test_clock_aligned_values_only_while_nobody_charges(version: str) -> None:
    """J01.FR.20: a transaction anywhere silences them all, and those for its end; after it they are back."""
    ends = {END_ALIGNED_MEASURANDS: (ENERGY,), END_ALIGNED_INTERVAL: 60}
    lab = bench(version, evses=2, settings={ALIGNED_INTERVAL: 300, SAMPLE_INTERVAL: 0, ONLY_IDLE: True, **ends})
    lab.run(310).charge(1).run(600)
    lab.present().unplug().run(300)
    assert [round(at) for at, _ in told(lab, "Sample.Clock")] == [300, 300, 1200, 1200]
    contexts = [value["sampledValue"][0]["context"] for value in lab.session().events[-1]["meterValue"]]
    assert contexts and "Sample.Clock" not in contexts


@each_version
@pytest.mark.parametrize("ppm", [-1_000, -20, 20])
def test_an_aligned_moment_comes_once_by_a_clock_that_drifts(version: str, ppm: int) -> None:
    """A slow clock has not reached the moment when the timer is due: nothing is told before it, nor twice."""
    lab = bench(version, settings={ALIGNED_INTERVAL: 900, SAMPLE_INTERVAL: 0})
    lab.inject("rtc.drift", ppm=ppm).run(100)
    lab.ask("TriggerMessage", requestedMessage="Heartbeat")  # so that heartbeats and moments do not coincide
    lab.run(7_900)
    stamps = [reading["timestamp"][:19] for _, reading in told(lab, "Sample.Clock")]
    assert stamps == sorted(set(stamps)) and len(stamps) == 8
    assert all(stamp[14:] in ("00:00", "15:00", "30:00", "45:00") for stamp in stamps)


@each_version
def test_a_heartbeat_at_an_aligned_moment_does_not_skip_it(version: str) -> None:
    """By a slow clock it is not yet time, and then the answer puts the clock just past it."""
    lab = bench(version, settings={ALIGNED_INTERVAL: 900, SAMPLE_INTERVAL: 0})
    lab.inject("rtc.drift", ppm=-20).run(8_000)
    assert len(told(lab, "Sample.Clock")) == 8


@each_version
def test_aligned_values_follow_a_clock_that_is_set(version: str) -> None:
    """The moments are of the station's own clock."""
    lab = bench(version, settings={ALIGNED_INTERVAL: 60})
    lab.inject("rtc.step", step_s=20).run(59)
    assert told(lab, "Sample.Clock") == [] or told(lab, "Sample.Clock")[0][0] < 60
    lab.ask("TriggerMessage", requestedMessage="Heartbeat")  # the answer sets the clock right
    lab.forget().run(120)
    assert all(reading["timestamp"][17:] == "00.000Z" for _, reading in told(lab, "Sample.Clock"))
    assert len(told(lab, "Sample.Clock")) == 2


# -- end messages ------------------------------------------------------------------------------------------------------


def in_end(lab: Lab) -> list[tuple[str, list[str]]]:
    """(context, measurands) of each reading of the end message."""
    end = lab.session().end
    assert end is not None
    readings = end.get("transactionData" if lab.version == "1.6" else "meterValue", [])
    return [(r["sampledValue"][0]["context"], [s["measurand"] for s in r["sampledValue"]]) for r in readings]


def test_stop_transaction_data_of_1_6() -> None:
    """StopTxnSampledData: begin, every interval, end."""
    lab = bench(settings={STOP_TXN_SAMPLED: (ENERGY, POWER), SAMPLE_INTERVAL: 60}).charge().run(150).present().run(1)
    assert in_end(lab) == [
        ("Transaction.Begin", [ENERGY, POWER]),
        ("Sample.Periodic", [ENERGY, POWER]),
        ("Sample.Periodic", [ENERGY, POWER]),
        ("Transaction.End", [ENERGY, POWER]),
    ]


def test_no_data_in_the_stop_message_without_keys() -> None:
    """1.6 3.16.5."""
    lab = bench(settings={SAMPLE_INTERVAL: 10}).charge().run(100).present().run(1)
    end = lab.session().end
    assert end is not None and "transactionData" not in end


def test_aligned_data_in_the_stop_message() -> None:
    settings = {END_ALIGNED_MEASURANDS: (ENERGY,), ALIGNED_INTERVAL: 60, ALIGNED_MEASURANDS: (POWER,)}
    lab = bench(settings=settings).run(10).charge().run(120).present().run(1)
    assert [row for row in in_end(lab) if row[0] == "Sample.Clock"] == [("Sample.Clock", [ENERGY])] * 2


def test_the_stop_message_is_bounded() -> None:
    """Errata 3.89: begin and end stay, the middle is thinned."""
    lab = bench(settings={STOP_TXN_SAMPLED: (ENERGY,), SAMPLE_INTERVAL: 10, MAX_STOP_VALUES: 10})
    lab.charge().run(1000).present().run(1)
    rows = in_end(lab)
    assert len(rows) <= 10 and rows[0][0] == "Transaction.Begin" and rows[-1][0] == "Transaction.End"


@each_2x
def test_end_values_of_2_x(version: str) -> None:
    """E06.FR.11: TxEndedInterval 0 gives begin and end, else what was collected between."""
    lab = bench(version, settings={END_MEASURANDS: (ENERGY, POWER)}).charge().run(200).present().run(1)
    assert in_end(lab) == [("Transaction.Begin", [ENERGY, POWER]), ("Transaction.End", [ENERGY, POWER])]
    lab = bench(version, settings={END_MEASURANDS: (ENERGY,), END_INTERVAL: 60}).charge().run(150).present().run(1)
    assert [context for context, _ in in_end(lab)] == [
        "Transaction.Begin",
        "Sample.Periodic",
        "Sample.Periodic",
        "Transaction.End",
    ]
    aligned = {END_ALIGNED_MEASURANDS: (ENERGY,), END_ALIGNED_INTERVAL: 60, END_MEASURANDS: ()}
    lab = bench(version, settings=aligned).run(10).charge().run(120).present().run(1)
    assert [context for context, _ in in_end(lab)] == ["Sample.Clock", "Sample.Clock"]


@each_2x
def test_start_values_of_2_x(version: str) -> None:
    """E01.FR.09; without an EVSE they come when charging starts (E03.FR.11)."""
    lab = bench(version, settings={START_MEASURANDS: (ENERGY, VOLTAGE)}).charge()
    (reading,) = lab.session().begin["meterValue"]
    assert {s["context"] for s in reading["sampledValue"]} == {"Transaction.Begin"}
    assert {s["measurand"] for s in reading["sampledValue"]} == {ENERGY, VOLTAGE}
    lab = bench(version, settings={START_MEASURANDS: (), TX_START_POINT: ("Authorized",)}).charge()
    assert "meterValue" not in lab.session().begin


@each_version
def test_a_very_long_session_stays_within_its_memory(version: str) -> None:
    settings = {STOP_TXN_SAMPLED: (ENERGY,), SAMPLE_INTERVAL: 60, END_INTERVAL: 60}
    lab = bench(version, settings=settings)
    lab.plug(ev=i.EvSpec(battery_wh=1e8, curve="flat", soc=0.0)).present().run(60 * (MAX_COLLECTED + 80))
    lab.present().run(1)
    rows = in_end(lab)
    assert 100 <= len(rows) <= MAX_COLLECTED + 2
    if version == "1.6":  # errata 3.91: nothing is dropped below what the station says it can hold
        (row,) = lab.ask("GetConfiguration", key=["StopTransactionMaxMeterValues"])["configurationKey"]
        assert int(row["value"]) <= MAX_COLLECTED
    end = lab.session().end
    assert end is not None
    stamps = [r["timestamp"] for r in end["transactionData" if version == "1.6" else "meterValue"]]
    assert stamps == sorted(stamps)


# -- broken meters -----------------------------------------------------------------------------------------------------


@each_version
def test_a_dead_meter_ends_the_session_where_the_product_does_so(version: str) -> None:
    lab = bench(version).charge().inject("meter.no_readings", 1).run(5)
    assert lab.session().end is not None and not lab.evse().flowing
    lab.unplug().run(1).plug().present("TAG", 1).run(10)
    assert len(lab.sessions()) == 1


@each_version
def test_a_dead_meter_that_is_no_reason_to_stop(version: str) -> None:
    hardware = HardwareSpec(modem=AT_ONCE, meter=MeterSpec(stop_when_dead=False))
    lab = bench(version, hardware=hardware).charge().run(130)
    before = len(told(lab))
    lab.inject("meter.no_readings", 1).run(200)
    assert lab.evse().flowing and len(told(lab)) == before == 2
    lab.present().run(1)
    end = lab.session().end
    assert end is not None
    if version == "1.6":
        assert end["meterStop"] >= lab.session().begin["meterStart"]


@each_version
def test_the_register_goes_on_over_a_power_cut(version: str) -> None:
    lab = bench(version).charge().run(300)
    before = lab.station.board.meters[0].physical_wh(lab.fleet.now)
    lab.inject("supply.mains_outage").run(100).clear().run(60)
    assert lab.station.board.meters[0].physical_wh(lab.fleet.now) >= before
    lab.unplug().run(1).charge()
    register = lab.station.board.meters[0].sample(lab.fleet.now)
    assert register is not None and register.energy_wh is not None and register.energy_wh >= before - 1
