"""The inventory against the standard's list of components and variables, its sharing, and what its readers read."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest

from simulator.bench.weight import owned_bytes
from simulator.blocks.device_model import Variable, find, monitored_variables, read, variables
from simulator.blocks.inventory import controllers, evse_rows, quantities, rows, station_rows
from simulator.blocks.inventory.tree import inventory
from simulator.core import inputs as i
from simulator.core.model import EvseSpec, HardwareSpec, Model, ModemSpec
from simulator.core.settings import READ_ONLY
from simulator.core.station import Station
from simulator.hardware import cooling
from simulator.profile.compiled import compile_profile
from tests.bench import bench
from tests.ocpp2x.bench import Bench

LIST = Path(__file__).resolve().parents[1] / "golden" / "standard_variables.txt"
GENERIC = ("generic/ac-single", "generic/ac-dual", "generic/dc-fast", "generic/ac-mode2")
#: rows of the list that each of them has at least: a floor, so that none goes missing unnoticed
FLOOR = {"generic/ac-single": 180, "generic/ac-dual": 180, "generic/dc-fast": 200, "generic/ac-mode2": 148}
TYPES = {"string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"}
UNITS = {"", "A", "B", "Celsius", "Hz", "Percent", "RPM", "V", "W", "Wh", "dBm", "s"}

each_profile = pytest.mark.parametrize("name", GENERIC)


@cache
def standard() -> tuple[dict[str, list[tuple[str, str, str]]], set[str], dict[str, set[str]]]:
    """(component -> (variable, instance, attribute or limit)), what any may have, what the newer version adds."""
    old: dict[str, list[tuple[str, str, str]]] = {}
    common: set[str] = set()
    added: dict[str, set[str]] = {}
    for line in LIST.read_text(encoding="utf-8").splitlines():
        component, _, rest = line.partition(": ")
        if line.startswith("#"):
            continue
        items = rest.split(", ")
        if component == "any":
            common = set(items)
        elif component.startswith("+"):
            added[component[1:]] = {item.partition("[")[0] for item in items}
        else:
            parsed = [re.fullmatch(r"([^\[=]+)(?:\[([^\]]+)\])?(?:=(\w+))?", item) for item in items]
            old[component] = [(p[1], p[2] or "", p[3] or "") for p in parsed if p]
            assert len(old[component]) == len(items), line
    return old, common, added


def unknown(found: Variable, newer: bool) -> str:
    """What the standard does not know of a variable, "" when it knows it."""
    old, common, added = standard()
    if found.component not in old and not (newer and found.component in added):
        return f"component {found.component}"
    names = {name for name, _, _ in old.get(found.component, [])} | common
    if newer:
        names |= added.get(found.component, set())
    return "" if found.variable in names else f"{found.component}.{found.variable}"


@each_profile
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_nothing_but_what_the_standard_knows(name: str, version: str) -> None:
    model = compile_profile(name, version)
    assert not [what for found in inventory(model).variables if (what := unknown(found, version == "2.1"))]


def test_a_variable_of_our_own_would_be_found() -> None:
    (some, *_) = inventory(compile_profile(GENERIC[0], "2.0.1")).variables

    assert unknown(dataclasses.replace(some, variable="Nonsense"), True)
    assert unknown(dataclasses.replace(some, component="Nonsense"), True)


def covered(model: Model) -> int:
    """Rows of the standard's list that a product has."""
    found: dict[tuple[str, str, str], Variable] = {}
    for one in inventory(model).variables:
        found.setdefault((one.component, one.variable, one.instance), one)
    count = 0
    for component, wanted in standard()[0].items():
        for name, instance, attribute in wanted:
            one_of = found.get((component, name, instance))
            if one_of is None:
                continue
            if attribute == "rw":
                count += one_of.mutability != READ_ONLY
            elif attribute == "maxLimit":
                count += one_of.maximum is not None
            else:
                count += one_of.attribute(attribute[:1].upper() + attribute[1:] if attribute else "Actual") is not None
    return count


@each_profile
def test_how_much_of_the_list_there_is(name: str) -> None:
    assert covered(compile_profile(name, "2.0.1")) >= FLOOR[name]


@each_profile
def test_types_units_and_limits_are_in_order(name: str) -> None:
    for found in inventory(compile_profile(name, "2.0.1")).variables:
        assert found.data_type in TYPES and found.unit in UNITS, found
        assert found.attributes and len({one.type for one in found.attributes}) == len(found.attributes) <= 4
        if found.data_type.endswith("List"):
            assert found.values or found.setting, found
        if found.minimum is not None and found.maximum is not None:
            assert found.minimum <= found.maximum
        assert all(limit is None or round(limit, 3) == limit for limit in (found.minimum, found.maximum)), found
        if found.variable == "PhaseRotation":  # part 2, 2.13.5: three letters, or nothing
            assert all(len(order) == 3 and set(order) <= set("RSTx") for order in found.values)


@each_profile
def test_every_value_fits_its_own_description(name: str) -> None:
    """Read of a station that charges: numbers are numbers within their limits, words are among the words."""
    model = compile_profile(name, "2.0.1")
    station = Station("CP1", model, seed=1)
    station.feed(i.PowerOn(), 0)
    station.feed(i.Tick(), 1_000_000)
    station.feed(i.Plug(1), 2_000_000)
    for found in variables(station):
        for attribute in found.attributes:
            text = found.text(station, attribute.type)
            if text is None:
                assert attribute.mutability == "WriteOnly"
                continue
            if text in ("", rows.CLOCK):
                continue
            if found.data_type == "boolean":
                assert text in ("true", "false")
            elif found.data_type in ("integer", "decimal"):
                value = int(text) if found.data_type == "integer" else float(text)
                assert found.minimum is None or value >= found.minimum, (found, text)
                assert found.maximum is None or value <= found.maximum, (found, text)
            elif found.values:
                assert set(text.split(",")) <= set(found.values), (found, text)


def test_stations_of_a_model_share_it_and_hold_nothing() -> None:
    model = compile_profile("generic/dc-fast", "2.0.1")
    one, two = Station("A", model, seed=1), Station("B", model, seed=1)
    before = owned_bytes(one, (model, two))
    assert variables(one) is variables(two) is inventory(model).variables
    for found in variables(one):
        found.text(one)
    assert owned_bytes(one, (model, two, inventory(model))) <= before


def test_finding_and_reading() -> None:
    lab = bench("2.0.1", evses=2)
    model = lab.station.model
    assert find(model, "Nonsense", "Power") == find(model, "EVSE", "Power") == "UnknownComponent"
    assert find(model, "EVSE", "Nonsense", evse_id=1) == "UnknownVariable"
    lab.charge(2)
    assert (
        float(read(lab.station, "evse", 2, 0, "POWER") or 0) > 10_000
        and read(lab.station, "EVSE", 1, 0, "Power") == "0"
    )
    assert read(lab.station, "EVSE", 3, 0, "Power") is None
    assert read(lab.station, "SecurityCtrlr", 0, 0, "BasicAuthPassword") is None, "write-only"
    assert read(lab.station, "Controller", 0, 0, "Interval", "Heartbeat") == "300"
    watched = monitored_variables(model)
    assert watched and all(found.monitored for found in watched)


def test_rows_of_a_table_stand_on_its_tier() -> None:
    assert {row.tier for row in (*controllers.ROWS, *station_rows.ROWS)} == {rows.STATION}
    assert {row.tier for row in evse_rows.ROWS} == {rows.EVSE, rows.CONNECTOR}


# -- what they read ----------------------------------------------------------------------------------------------------


def test_a_charging_station_of_direct_current_tells_of_itself_and_of_the_car() -> None:
    spec = {"phases": 0, "connector_type": "cCCS2", "max_power_w": 50_000.0, "max_current_a": 125.0, "voltage_v": 400.0}
    lab = bench(
        "2.0.1", evse={**spec, "tethered": True}, hardware=HardwareSpec(modem=ModemSpec("lte", (0, 0), None, -80))
    )

    def value(component: str, variable: str, evse_id: int = 1, connector_id: int = 0, kind: str = "Actual") -> str:
        found = find(lab.station.model, component, variable, evse_id=evse_id, connector_id=connector_id)
        assert isinstance(found, Variable), (component, variable, found)
        lab.feed(i.Tick())  # a station knows the time of its last input
        return found.text(lab.station, kind) or ""

    assert value("ConnectedEV", "Available") == "false" and value("ConnectedEV", "StateOfCharge") == ""
    assert value("AirCoolingSystem", "FanSpeed", 0) == "0" and value("AirCoolingSystem", "Active", 0) == "false"
    car = i.EvSpec(curve="flat", soc=0.2, target_soc=0.8, battery_wh=60_000, max_dc_w=40_000)
    lab.plug(1, car).present("TAG", 1).run(10)
    assert lab.evse().flowing
    assert value("ConnectedEV", "Available") == "true" and 20 <= float(value("ConnectedEV", "StateOfCharge")) < 21
    assert value("ConnectedEV", "StateOfCharge", kind="MaxSet") == "80"
    assert value("ConnectedEV", "EnergyCapacity") == "60000" and value("ConnectedEV", "Power", kind="MaxSet") == "40000"
    assert value("ConnectedEV", "DCCurrent", kind="Target") == value("ConnectedEV", "DCCurrent", kind="MaxSet") == "100"
    assert 3_200 < int(value("ConnectedEV", "RemainingTimeFull")) <= 3_240  # 36 kWh at 40 kW
    assert value("ConnectedEV", "ChargingCompleteFull") == "false"
    assert float(value("EVSE", "DCCurrent")) == pytest.approx(100, rel=0.02) and value("EVSE", "DCVoltage") == "400"
    assert value("AcDcConverter", "Temperature") == "73"  # 25 and 80 % of 60
    assert value("AirCoolingSystem", "Active", 0) == "true" and float(value("AirCoolingSystem", "FanSpeed", 0)) > 3_000
    assert value("CPPWMController", "State") == "C" and value("CPPWMController", "Percentage") == "5"
    assert value("DataLink", "SignalStrength", 0) == "-80" and value("DataLink", "Active", 0) == "true"
    assert value("FiscalMetering", "EnergyImport") != "0" and value("ElectricalFeed", "Power", 0) == "40000"
    lab.run(3_600)
    assert value("ConnectedEV", "ChargingCompleteFull") == "true" and value("ConnectedEV", "StateOfCharge") == "80"


def test_alternating_current_tells_of_phases_and_of_the_pilot() -> None:
    lab = bench("2.0.1")
    assert find(lab.station.model, "ConnectedEV", "StateOfCharge", evse_id=1) == "UnknownComponent"

    def value(component: str, variable: str, evse_id: int = 1, connector_id: int = 0) -> str:
        return read(lab.station, component, evse_id, connector_id, variable) or ""

    assert value("CPPWMController", "State") == "A" and value("CPPWMController", "DCVoltage") == "12"
    lab.inject("pilot.short", 1)
    assert value("CPPWMController", "State") == "E" and value("CPPWMController", "DCVoltage") == "0"
    lab.clear()
    assert value("EVSE", "PhaseRotation") == "", "not known"
    lab.plug()
    assert value("CPPWMController", "State") == "B" and value("CPPWMController", "Percentage") == "100"
    assert value("ChargingStatusIndicator", "Color") == "0000FF"
    lab.present("TAG", 1).run(5)
    assert value("CPPWMController", "State") == "C" and value("CPPWMController", "Percentage") == "53.3"  # 32 A
    assert float(value("EVSE", "ACCurrent")) == pytest.approx(11_000 / 690, abs=0.1)
    assert value("EVSE", "ACVoltage") == value("ElectricalFeed", "ACVoltage", 0) == "230"
    assert value("EVSE", "CurrentImbalance") == "0"
    lab.inject("supply.brown_out", voltage_to=0.9)
    assert value("ElectricalFeed", "ACVoltage", 0) == "207" and value("ElectricalFeed", "Problem", 0) == "true"
    lab.clear()
    lab.inject("supply.over_voltage", voltage_to=2.0)
    feed = find(lab.station.model, "ElectricalFeed", "ACVoltage")
    assert isinstance(feed, Variable) and feed.maximum is not None
    assert 253 < float(value("ElectricalFeed", "ACVoltage", 0)) <= feed.maximum, "no more than the most possible value"


@pytest.mark.parametrize(
    ("fault", "evse_id", "shows"),
    [
        ("protection.rcd_trip", 1, ("RCD", 1, 0, "Tripped")),
        ("protection.rcd_trip", 0, ("RCD", 0, 0, "Tripped")),
        ("protection.emergency_stop", 0, ("EmergencyStopSensor", 0, 0, "Active")),
        ("protection.over_current", 1, ("OverCurrentProtection", 1, 0, "Active")),
        ("protection.over_temperature", 1, ("TemperatureSensor", 1, 0, "Problem")),
        ("reader.dead", 0, ("TokenReader", 0, 0, "Problem")),
        ("meter.no_readings", 1, ("FiscalMetering", 1, 0, "Problem")),
        ("supply.over_voltage", 0, ("ElectricalFeed", 0, 0, "Problem")),
    ],
)
def test_a_fault_shows_at_its_component_and_goes_with_it(
    fault: str, evse_id: int, shows: tuple[str, int, int, str]
) -> None:
    lab = bench("2.0.1")
    component, at, connector, variable = shows
    assert read(lab.station, component, at, connector, variable) == "false"
    lab.inject(fault, evse_id)
    assert read(lab.station, component, at, connector, variable) == "true"
    lab.clear()
    assert read(lab.station, component, at, connector, variable) == "false"


def test_the_air_outside_shows_at_its_sensor() -> None:
    lab = bench("2.0.1")
    mild = read(lab.station, "ExternalTemperatureSensor", 0, 0, "Temperature")
    lab.inject("thermal.hot_ambient", air_c=48.5)
    assert read(lab.station, "ExternalTemperatureSensor", 0, 0, "Temperature") == "48.5"
    lab.clear()
    assert read(lab.station, "ExternalTemperatureSensor", 0, 0, "Temperature") == mild


def test_what_the_hardware_lacks_is_not_there() -> None:
    def components(**spec: object) -> set[str]:
        model = Bench("2.0.1", evses=(EvseSpec(1, **spec),)).st.model  # type: ignore[arg-type]
        return {found.component for found in inventory(model).variables}

    socket, cable, household, bay = (
        components(),
        components(tethered=True),
        components(pilot=False),
        components(bay_sensor=True),
    )
    assert "ConnectorPlugRetentionLock" in socket and "ConnectorPlugRetentionLock" not in cable
    assert "CPPWMController" in socket and "CPPWMController" not in household
    assert "BayOccupancySensor" in bay and "BayOccupancySensor" not in socket
    assert not {"AcDcConverter", "ConnectedEV", "LiquidCoolingSystem", "ISO15118Ctrlr"} & socket
    cooled = components(phases=0, max_current_a=500.0, max_power_w=350_000.0)
    assert {"AcDcConverter", "ConnectedEV", "LiquidCoolingSystem", "AirCoolingSystem"} <= cooled


def test_quantities() -> None:
    shared = tuple(EvseSpec(n, phases=0, max_power_w=100_000.0, power_group="a") for n in (1, 2))
    assert quantities.rated_power_w(Bench("2.0.1", evses=shared).st.model) == 100_000.0
    assert quantities.charge_protocol(EvseSpec(1)) == "CPPWM"
    assert quantities.charge_protocol(EvseSpec(1, pilot=False)) == "Uncontrolled"
    assert quantities.charge_protocol(EvseSpec(1, phases=0)) == "ISO15118"
    assert quantities.charge_protocol(EvseSpec(1, phases=0, connector_type="cG105")) == "CHAdeMO"
    assert [cooling.fan_rpm(share) for share in (0.0, 1.0, 2.0)] == [0.0, 4_800.0, 4_800.0]
    assert cooling.module_c(20.0, 1.0) == 80.0 and cooling.coolant_c(20.0, 0.5) == 30.0
