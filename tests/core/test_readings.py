"""From a meter to the values OCPP knows."""

from __future__ import annotations

import pytest

from simulator.core.model import HardwareSpec, MeterSpec, Seams
from simulator.core.readings import (
    CURRENT,
    CURRENT_OFFERED,
    ENERGY,
    FREQUENCY,
    MEASURANDS,
    POWER,
    POWER_OFFERED,
    SOC,
    TEMPERATURE,
    VOLTAGE,
    only,
    register_wh,
    take,
)
from simulator.core.reports import MeterReading
from tests.bench import AT_ONCE, Lab, bench


def taken(lab: Lab, *measurands: str) -> MeterReading | None:
    """A reading of EVSE 1 now."""
    return take(lab.station, lab.evse(), "Sample.Periodic", measurands)


def names(reading: MeterReading | None) -> list[str]:
    """Measurands of a reading."""
    return [] if reading is None else [value.measurand for value in reading.values]


def test_every_measurand_on_ac(lab: Lab) -> None:
    lab.charge()
    reading = taken(lab, *MEASURANDS)
    assert set(names(reading)) == set(MEASURANDS) - {SOC}, "a car on AC does not tell its state of charge"
    assert reading is not None
    found = {value.measurand: value for value in reading.values}
    assert (found[CURRENT_OFFERED].value, found[POWER_OFFERED].value) == (32.0, 22_000.0)
    assert found[FREQUENCY].value == 50 and found[TEMPERATURE].location == "Body"
    assert sum(v.measurand == CURRENT for v in reading.values) == 3


def test_the_order_is_that_of_the_setting(lab: Lab) -> None:
    lab.charge()
    assert names(taken(lab, POWER, ENERGY)) == [POWER, ENERGY]


def test_nothing_is_offered_without_a_session(lab: Lab) -> None:
    reading = taken(lab, CURRENT_OFFERED, POWER_OFFERED)
    assert reading is not None and [v.value for v in reading.values] == [0.0, 0.0]


def test_a_dead_meter_leaves_what_the_station_knows_itself() -> None:
    hardware = HardwareSpec(modem=AT_ONCE, meter=MeterSpec(stop_when_dead=False))
    lab = bench(hardware=hardware).charge().inject("meter.no_readings", 1)
    assert names(taken(lab, ENERGY, POWER, CURRENT, VOLTAGE, FREQUENCY, CURRENT_OFFERED)) == [CURRENT_OFFERED]
    assert taken(lab, ENERGY) is None
    assert register_wh(lab.station, lab.evse()) is None


def test_one_phase_has_no_phase_names() -> None:
    lab = bench(evse={"phases": 1}).charge()
    reading = taken(lab, CURRENT, VOLTAGE)
    assert reading is not None and [v.phase for v in reading.values] == [None, None]


def test_the_state_of_charge_is_of_this_moment() -> None:
    evse = {"phases": 0, "max_power_w": 36_000.0, "max_current_a": 500.0, "voltage_v": 400.0, "tethered": True}
    lab = bench(evse=evse).charge()

    def soc() -> float:
        reading = taken(lab, SOC)
        assert reading is not None
        return reading.values[0].value

    before = soc()
    lab.run(600)
    lab.station.now = lab.fleet.now
    assert soc() - before == pytest.approx(10, abs=0.2)  # 6 of 60 kWh
    assert soc() == soc()


def test_a_quirk_has_the_last_word() -> None:
    class Silent:
        """A meter nobody wired."""

        def sample(self, st: object, evse: object, reading: MeterReading | None, context: str) -> MeterReading | None:
            return None

    lab = bench(seams=Seams(sample=(Silent(),)))
    assert taken(lab, ENERGY) is None


def test_a_part_of_a_reading(lab: Lab) -> None:
    lab.charge()
    reading = taken(lab, ENERGY, POWER)
    (part,) = only(reading, (POWER,))
    assert names(part) == [POWER] and reading is not None and part.at == reading.at
    assert only(reading, (VOLTAGE,)) == () and only(None, (ENERGY,)) == ()
