"""Meter values wherever they stand, and what they say of the meter."""

from typing import Any

import pytest

from simulator.replay.capture import Act
from simulator.replay.samples import PERIODIC, REGISTER, Sample, interval_s, resolution_wh, samples
from simulator.traces.parts import fields, items, rows, text, whole

SECOND = 1_000_000


def act(payload: Any, line: int = 1) -> Act:
    return Act("MeterValues", payload, 0, line)


def sample(value: float, second: int = 0, **more: Any) -> Sample:
    known: dict[str, Any] = {
        "line": second + 1,
        "evse": 1,
        "measurand": REGISTER,
        "context": PERIODIC,
        "phase": "",
        "unit": "Wh",
        "text": str(value),
        "value": value,
        "at_us": second * SECOND,
        "transaction": 1,
    }
    return Sample(**known | more)


def test_the_older_and_the_newer_shape_are_one() -> None:
    old: dict[str, Any] = {
        "connectorId": 2,
        "transactionId": 7,
        "meterValue": [
            {
                "timestamp": "1970-01-01T00:00:09Z",
                "sampledValue": [
                    {"value": "1.5", "unit": "kWh"},
                    {"value": "230", "measurand": "Voltage", "phase": "L1-N", "context": "Sample.Clock"},
                ],
            }
        ],
    }
    new = {
        "evse": {"id": 2},
        "transactionInfo": {"transactionId": "T"},
        "meterValue": [
            {
                "timestamp": "1970-01-01T00:00:09Z",
                "sampledValue": [{"value": 15, "unitOfMeasure": {"unit": "Wh", "multiplier": 2}}],
            }
        ],
    }
    register, volts = samples([act(old, 4)])
    assert (register.value, register.evse, register.line, register.transaction) == (1500.0, 2, 4, 7)
    assert (register.measurand, register.unit, register.at_us) == (REGISTER, "kWh", 9 * SECOND)
    assert (volts.measurand, volts.phase, volts.context, volts.value) == ("Voltage", "L1-N", "Sample.Clock", 230.0)
    (one,) = samples([act(new)])
    assert (one.value, one.evse, one.transaction, one.context) == (1500.0, 2, "T", PERIODIC)
    at_the_end = list(samples([act({"transactionData": old["meterValue"]})]))
    assert [found.value for found in at_the_end] == [1500.0, 230.0]


@pytest.mark.parametrize(
    ("values", "resolution"),
    [
        ([1000.0, 2000.0, 5000.0], 1000.0),
        ([1000.0, 2010.0, 2500.0], 10.0),
        ([1.0, 2.0, 3.0], 1.0),
        ([1.25, 2.0, 3.0], 0.01),
        ([1000.0, 2000.0, 2000.0], None),
    ],
)
def test_a_register_is_as_fine_as_its_values(values: list[float], resolution: float | None) -> None:
    found = resolution_wh([sample(value, place) for place, value in enumerate(values)])
    assert (None if found is None else found[0]) == resolution


def test_the_interval_is_the_usual_gap_within_a_session() -> None:
    usual = [sample(1, second) for second in (0, 60, 120, 181)]
    other = [sample(1, 190, transaction=2), sample(1, 200, context="Transaction.Begin"), sample(1, 300, at_us=None)]
    assert interval_s([*usual, *other]) == (60, 121)
    assert interval_s(usual[:2]) is None


def test_what_has_another_type_is_as_good_as_absent() -> None:
    assert (fields([1]), items({}), rows([1, {"a": 1}]), text(5)) == ({}, [], [{"a": 1}], "")
    assert (whole(True, 7), whole("5"), whole(1 << 60, 3), whole(-4)) == (7, 0, 3, -4)
