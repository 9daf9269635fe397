"""Meter values of 1.6.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from simulator.blocks.authorization import STOP_ON_EV_SIDE
from simulator.blocks.metering import (
    ALIGNED_INTERVAL,
    ALIGNED_MEASURANDS,
    END_ALIGNED_MEASURANDS,
    SAMPLE_INTERVAL,
    SAMPLE_MEASURANDS,
    STOP_TXN_SAMPLED,
)
from simulator.core import inputs as i
from simulator.core.connector import AUTHORIZED, EV_CONNECTED, POWER_PATH_CLOSED
from simulator.core.outbox import MESSAGE_INTERVAL
from simulator.core.readings import CURRENT, ENERGY, POWER
from simulator.core.wall import parse_wall
from simulator.lab.csms import CallError
from simulator.ocpp16 import metering
from simulator.ocpp16.policy import Policy16
from tests.bench import Lab, bench


def samples(lab: Lab) -> list[dict[str, Any]]:
    """The meter values told in transactions."""
    return [value for p in lab.csms.sent("MeterValues") for value in p["meterValue"]]


def steps(values: list[dict[str, Any]]) -> set[int]:
    """Seconds between consecutive stamps."""
    stamps = [parse_wall(v["timestamp"]) or 0 for v in values]
    return {(b - a) // 1_000_000 for a, b in pairwise(stamps)}


@pytest.mark.parametrize("wanted", [(ENERGY, POWER), ()])
def test_tc_070_cs_sampled_meter_values(wanted: tuple[str, ...]) -> None:
    lab = bench(settings={SAMPLE_INTERVAL: 10, SAMPLE_MEASURANDS: wanted}).charge().run(30)
    values = samples(lab)
    assert len(values) == 3 and steps(values) == {10}
    for value in values:
        # an empty list means the default of the field
        assert [s["measurand"] for s in value["sampledValue"]] == list(wanted or (ENERGY,))
        assert {s["context"] for s in value["sampledValue"]} == {"Sample.Periodic"}


@pytest.mark.parametrize("wanted", [(ENERGY, CURRENT), ()])
def test_tc_071_cs_clock_aligned_meter_values(wanted: tuple[str, ...]) -> None:
    lab = bench(settings={SAMPLE_INTERVAL: 0, ALIGNED_INTERVAL: 20, ALIGNED_MEASURANDS: wanted})
    lab.run(7).charge().run(56)
    values = samples(lab)
    assert len(values) == 3 and steps(values) == {20}
    for value in values:
        assert value["timestamp"][17:] in ("00.000Z", "20.000Z", "40.000Z")
        assert {s["measurand"] for s in value["sampledValue"]} == set(wanted or (ENERGY,))
        assert {s["context"] for s in value["sampledValue"]} == {"Sample.Clock"}


def test_tc_036_cs_connection_loss_during_transaction() -> None:
    lab = bench(settings={SAMPLE_INTERVAL: 10}).charge()
    lab.fleet.cut(lab.station)
    lab.run(45)
    assert samples(lab) == []
    lab.fleet.mend(lab.station)
    lab.run(120)
    values = samples(lab)
    assert len(values) >= 10 and steps(values) == {10}


def test_clock_aligned_values_of_an_idle_connector_are_kept_offline() -> None:
    """3.7: a clock-aligned MeterValues.req is transaction-related, transaction or not; in their order, none lost."""
    lab = bench(settings={ALIGNED_INTERVAL: 60}).run(70)
    lab.fleet.cut(lab.station)
    lab.run(200)
    lab.feed(i.PowerOff()).boot().run(100)  # they survive a power cut as well
    lab.fleet.mend(lab.station)
    lab.run(200)
    stamps = [parse_wall(p["meterValue"][0]["timestamp"]) or 0 for p in lab.csms.sent("MeterValues")]
    assert [(stamp - lab.csms.epoch_us) // 60_000_000 for stamp in stamps][:4] == [1, 2, 3, 4]
    assert stamps == sorted(stamps) and all("transactionId" not in p for p in lab.csms.sent("MeterValues"))


def test_clock_aligned_values_are_offered_again() -> None:
    """3.7.1: only repeated failure permits to skip one."""
    lab = bench(settings={ALIGNED_INTERVAL: 600, MESSAGE_INTERVAL: 5})
    lab.csms.script["MeterValues"] = lambda csms, payload: CallError("InternalError")
    lab.run(599)
    lab.run(20)
    assert len(lab.csms.sent("MeterValues")) == 3


def test_triggered_values_before_the_start_is_delivered() -> None:
    """Errata 3.18: -1 only when the start could not be delivered despite all attempts."""
    lab = bench(settings={SAMPLE_INTERVAL: 0, MESSAGE_INTERVAL: 20})
    lab.csms.script["StartTransaction"] = lambda csms, payload: CallError("InternalError")
    lab.charge()
    for seconds in (0, 100):
        lab.run(seconds)
        assert lab.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=1) == {"status": "Accepted"}
    assert [p.get("transactionId") for p in lab.csms.sent("MeterValues")] == [None, -1]


def stop_contexts(lab: Lab) -> list[tuple[str, str]]:
    """(context, measurand) of all values in the stop message."""
    (stop,) = lab.csms.sent("StopTransaction")
    values = [value for reading in stop.get("transactionData", []) for value in reading["sampledValue"]]
    return list(dict.fromkeys((value["context"], value["measurand"]) for value in values))


def test_begin_and_end_of_every_measurand_of_the_stop_message() -> None:
    """Errata 3.14: of the clock-aligned ones as of the sampled ones."""
    settings = {STOP_TXN_SAMPLED: (POWER,), END_ALIGNED_MEASURANDS: (ENERGY,), ALIGNED_INTERVAL: 60}
    lab = bench(settings=settings | {SAMPLE_INTERVAL: 0}).charge().run(70).present().run(1)
    assert stop_contexts(lab) == [
        ("Transaction.Begin", POWER),
        ("Transaction.Begin", ENERGY),
        ("Sample.Clock", ENERGY),
        ("Transaction.End", POWER),
        ("Transaction.End", ENERGY),
    ]


def test_no_values_in_the_stop_message_when_both_keys_are_empty() -> None:
    """3.16.5, also when they were emptied while the transaction ran."""
    lab = bench(settings={STOP_TXN_SAMPLED: (POWER,)}).charge().run(70)
    lab.configure(STOP_TXN_SAMPLED, ())
    lab.present().run(1)
    assert stop_contexts(lab) == []


def test_whole_numbers_have_no_fraction() -> None:
    assert [metering.number(v) for v in (5.0, 0.1, -0.0, 1e6, 230.25)] == ["5", "0.1", "0", "1000000", "230.25"]


def test_what_an_empty_list_means(lab: Lab) -> None:
    policy = Policy16()
    lab.configure(SAMPLE_MEASURANDS, ())
    assert policy.trigger_measurands(lab.station) == (ENERGY,)
    assert policy.begin_measurands(lab.station) == ()
    assert policy.collect_interval_s(lab.station) == 0 and policy.aligned_end_interval_s(lab.station) == 0


def test_stop_points_follow_the_key() -> None:
    """9.1.23."""
    policy = Policy16()
    lab = bench()
    assert policy.start_points(lab.station) == POWER_PATH_CLOSED
    assert policy.stop_points(lab.station) == AUTHORIZED | EV_CONNECTED
    lab.configure(STOP_ON_EV_SIDE, False)
    assert policy.stop_points(lab.station) == AUTHORIZED
