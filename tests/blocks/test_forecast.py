"""When what is shown will be beyond a level: the first value that can be shown, and not before."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import forecast, watch_list
from simulator.blocks.device_model import look_up
from simulator.blocks.forecast import Shown, due, forecast_of
from simulator.blocks.monitoring import EVENTS_PER_MESSAGE
from simulator.core.course import Course
from tests.bench import CAR, Lab, bench

S = 1_000_000


@pytest.mark.parametrize(
    ("level", "above", "floors", "first"),
    [
        (5.0, True, False, 5.1),
        (5.03, True, False, 5.1),
        (5.0, True, True, 5.1),
        (5.0, False, False, 4.9),
        (5.03, False, False, 5.0),
        (5.0, False, True, 4.9),
    ],
)
def test_the_first_value_beyond_the_level(level: float, above: bool, floors: bool, first: float) -> None:
    course = Course(0, 0.0 if above else 10.0, slope_s=0.01 if above else -0.01)
    found = due(Shown(course, 0.1, floors), level, 0, above=above)
    assert found is not None

    def shown(at: int) -> float:
        value = course.at(at)
        return (int(value / 0.1 + 1e-9) if floors else round(value / 0.1)) / 10

    assert shown(found) == pytest.approx(first)
    before = shown(found - 1_000)
    assert before <= level if above else before >= level


def test_what_does_not_move_that_way() -> None:
    assert due(Shown(Course(0, 5.0), 0.1), 6.0, 0, above=True) is None
    assert due(Shown(Course(0, 5.0, 1.0), 0.1), 4.0, 0, above=False) is None
    assert due(Shown(Course(0, 5.0), 0.1), 4.0, 0, above=True) == 1, "it is there, and looked at once"


def _value(lab: Lab, component: str, variable: str, connector_id: int = 0) -> tuple[Any, Any]:
    evse_id = 0 if component == "ElectricalFeed" else 1
    found = look_up(lab.station, component, variable, evse_id=evse_id, connector_id=connector_id)
    assert not isinstance(found, str), (component, variable)
    return found, forecast_of(found)


DIRECT = {"phases": 0, "max_power_w": 50_000.0, "max_current_a": 125.0, "voltage_v": 400.0, "tethered": True}


@pytest.mark.parametrize(
    ("component", "variable", "connector_id"),
    [
        ("TemperatureSensor", "Temperature", 0),
        ("TemperatureSensor", "Temperature", 1),
        ("FiscalMetering", "EnergyImportRegister", 0),
        ("FiscalMetering", "EnergyImport", 0),
        ("ElectricalFeed", "Energy", 0),
        ("ConnectedEV", "StateOfCharge", 0),
        ("ConnectedEV", "RemainingTimeFull", 0),
    ],
)
def test_the_formula_is_what_is_read(component: str, variable: str, connector_id: int) -> None:
    """Foretold for ten minutes, and read again after them."""
    lab = bench("2.0.1", evse=DIRECT).charge()
    found, moves = _value(lab, component, variable, connector_id)
    assert moves is not None and CAR.soc < 1
    shown = moves(lab.station, 1, lab.station.now)
    assert shown is not None
    until = lab.station.now + 600 * S
    foretold = shown.course.at(until)
    lab.run((until - lab.fleet.now) / S)
    lab.station.now = until
    assert float(found.text(lab.station)) == pytest.approx(foretold, abs=shown.step * 1.01)


def test_nothing_is_foretold_of_what_stands_still() -> None:
    lab = bench("2.0.1", evse=DIRECT)
    for component, variable in (
        ("FiscalMetering", "EnergyImportRegister"),
        ("FiscalMetering", "EnergyImport"),
        ("ElectricalFeed", "Energy"),
        ("ConnectedEV", "StateOfCharge"),
        ("ConnectedEV", "RemainingTimeFull"),
    ):
        _, moves = _value(lab, component, variable)
        assert moves is not None and moves(lab.station, 1, lab.station.now) is None
    _, moves = _value(lab, "EVSE", "Power")
    assert moves is None, "compared when it changes"
    lab.inject("meter.no_readings", 1)
    assert forecast._register(lab.station, 1, lab.station.now) is None
    assert EVENTS_PER_MESSAGE > 1 and watch_list.RETRY_US > 0
