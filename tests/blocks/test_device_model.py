"""The inventory against the list of variables that a station of the Core profile must report, and its rules."""

from typing import Any

import pytest

from simulator.blocks import device_model, product_settings
from simulator.blocks.device_model import NOT_OFFERED, Variable, coarse_status, look_up, members_in, variables
from simulator.core import inputs as i
from simulator.core.connector import STATUSES
from simulator.core.model import EvseSpec, HardwareSpec, MeterSpec
from simulator.core.settings import SETTINGS, all_settings
from tests.ocpp2x.bench import Bench, each_version

R, W = "ReadOnly", "ReadWrite"
STATES = {"Available", "Occupied", "Reserved", "Unavailable", "Faulted"}
POINTS = {"ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer", "DataSigned"}
SOURCES = {"Heartbeat", "NTP", "GPS", "RealTimeClock", "MobileNetwork", "RadioTimeTransmitter"}
ITEMS = "GetReport GetVariables SetVariables"

#: What part 6 TC_B_53 requires: component, variable, instances, data type, mutabilities allowed, unit, members allowed
REQUIRED: tuple[tuple[str, str, str, str, str, str, set[str]], ...] = (
    ("AlignedDataCtrlr", "Interval", "", "integer", W, "s", set()),
    ("AlignedDataCtrlr", "Measurands", "", "MemberList", W, "", set()),
    ("AlignedDataCtrlr", "TxEndedInterval", "", "integer", W, "s", set()),
    ("AlignedDataCtrlr", "TxEndedMeasurands", "", "MemberList", W, "", set()),
    ("AuthCtrlr", "AuthorizeRemoteStart", "", "boolean", R + W, "", set()),
    ("AuthCtrlr", "LocalAuthorizeOffline", "", "boolean", W, "", set()),
    ("AuthCtrlr", "LocalPreAuthorize", "", "boolean", W, "", set()),
    ("ChargingStation", "AvailabilityState", "", "OptionList", R, "", STATES),
    ("ChargingStation", "Available", "", "boolean", R, "", set()),
    ("ChargingStation", "SupplyPhases", "", "integer", R, "", set()),
    ("ClockCtrlr", "DateTime", "", "dateTime", R, "", set()),
    ("ClockCtrlr", "TimeSource", "", "SequenceList", W, "", SOURCES),
    ("Connector", "AvailabilityState", "", "OptionList", R, "", STATES),
    ("Connector", "Available", "", "boolean", R, "", set()),
    ("Connector", "ConnectorType", "", "string", R, "", set()),
    ("Connector", "SupplyPhases", "", "integer", R, "", set()),
    ("DeviceDataCtrlr", "BytesPerMessage", ITEMS, "integer", R, "B", set()),
    ("DeviceDataCtrlr", "ItemsPerMessage", ITEMS, "integer", R, "", set()),
    ("EVSE", "AvailabilityState", "", "OptionList", R, "", STATES),
    ("EVSE", "Available", "", "boolean", R, "", set()),
    ("EVSE", "Power", "", "decimal", R, "W", set()),
    ("EVSE", "SupplyPhases", "", "integer", R, "", set()),
    ("OCPPCommCtrlr", "FileTransferProtocols", "", "MemberList", R, "", {"FTP", "FTPS", "HTTP", "HTTPS", "SFTP"}),
    ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", "integer", W, "", set()),
    ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent", "integer", W, "s", set()),
    ("OCPPCommCtrlr", "MessageTimeout", "Default", "integer", R, "s", set()),
    ("OCPPCommCtrlr", "NetworkConfigurationPriority", "", "SequenceList", W, "", {"1", "2", "3", "4", "5"}),
    ("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "", "integer", W, "", set()),
    ("OCPPCommCtrlr", "OfflineThreshold", "", "integer", W, "s", set()),
    ("OCPPCommCtrlr", "ResetRetries", "", "integer", W, "", set()),
    ("OCPPCommCtrlr", "RetryBackOffRandomRange", "", "integer", W, "s", set()),
    ("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "", "integer", W, "", set()),
    ("OCPPCommCtrlr", "RetryBackOffWaitMinimum", "", "integer", W, "s", set()),
    ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "", "boolean", R + W, "", set()),
    ("OCPPCommCtrlr", "WebSocketPingInterval", "", "integer", W, "s", set()),
    ("SampledDataCtrlr", "TxEndedInterval", "", "integer", W, "s", set()),
    ("SampledDataCtrlr", "TxEndedMeasurands", "", "MemberList", W, "", set()),
    ("SampledDataCtrlr", "TxStartedMeasurands", "", "MemberList", W, "", set()),
    ("SampledDataCtrlr", "TxUpdatedInterval", "", "integer", W, "s", set()),
    ("SampledDataCtrlr", "TxUpdatedMeasurands", "", "MemberList", W, "", set()),
    ("SecurityCtrlr", "CertificateEntries", "", "integer", R, "", set()),
    ("SecurityCtrlr", "Identity", "", "string", R, "", set()),
    ("SecurityCtrlr", "OrganizationName", "", "string", W, "", set()),
    ("SecurityCtrlr", "SecurityProfile", "", "integer", R, "", set()),
    ("TxCtrlr", "EVConnectionTimeOut", "", "integer", W, "s", set()),
    ("TxCtrlr", "StopTxOnEVSideDisconnect", "", "boolean", R + W, "", set()),
    ("TxCtrlr", "StopTxOnInvalidId", "", "boolean", W, "", set()),
    ("TxCtrlr", "TxStartPoint", "", "MemberList", R + W, "", POINTS),
    ("TxCtrlr", "TxStopPoint", "", "MemberList", R + W, "", POINTS),
)


def rows(bench: Bench, component: str, variable: str) -> list[Variable]:
    return [row for row in variables(bench.st) if (row.component, row.variable) == (component, variable)]


@each_version
@pytest.mark.parametrize("required", REQUIRED, ids=lambda row: f"{row[0]}.{row[1]}")
def test_what_must_be_there(version: str, required: Any) -> None:
    """B07.FR.08."""
    component, variable, instances, data_type, mutabilities, unit, allowed = required
    bench = Bench(version).boot()
    found = rows(bench, component, variable)
    per = {"EVSE": 2, "Connector": 2}.get(component, 1)
    assert [row.instance for row in found] == (instances.split() or [""]) * per
    for row in found:
        assert (row.data_type, row.unit) == (data_type, unit) and row.mutability in mutabilities
        if data_type in ("MemberList", "SequenceList", "OptionList"):
            assert row.values and (not allowed or set(row.values) <= allowed)
            text = row.text(bench.st)
            assert text is not None and set(text.split(",")) <= {*row.values, ""}
    assert not [row.mutability for row in found if row.mutability not in (R, W)]
    if variable in ("Power", "CertificateEntries") or "Measurands" in variable:
        assert all(row.maximum and row.maximum > 0 for row in found)


def test_rows_are_told_apart_by_their_address() -> None:
    bench = Bench("2.0.1").boot()
    addresses = [
        (row.component, row.component_instance, row.evse_id, row.connector_id, row.variable, row.instance)
        for row in variables(bench.st)
    ]
    assert len(addresses) == len(set(addresses))
    for component, component_instance, evse_id, connector_id, variable, instance in addresses:
        found = look_up(
            bench.st,
            component.upper(),
            variable.lower(),
            component_instance=component_instance,
            evse_id=evse_id,
            connector_id=connector_id,
            instance=instance,
        )
        assert isinstance(found, Variable) and (found.component, found.variable) == (component, variable)


def test_every_setting_with_a_name_is_a_variable() -> None:
    bench = Bench("2.0.1").boot()
    named = {
        (found.component, found.variable, found.instance)
        for found in all_settings()
        if found.name and device_model.exists(bench.st, found)
    }
    told = {(row.component, row.variable, row.instance) for row in variables(bench.st) if row.setting is not None}
    assert told == named


def test_a_product_may_lack_a_setting() -> None:
    threshold = SETTINGS.get("OCPPCommCtrlr.OfflineThreshold")
    bench = Bench("2.0.1", absent=frozenset({threshold})).boot()
    assert not rows(bench, "OCPPCommCtrlr", "OfflineThreshold")
    assert look_up(bench.st, "OCPPCommCtrlr", "OfflineThreshold") == "UnknownVariable"


def test_a_component_all_of_whose_settings_are_lacking_is_unknown() -> None:
    absent = frozenset(found for found in all_settings() if found.name and found.component == "AuthCacheCtrlr")
    assert absent
    bench = Bench("2.0.1", absent=absent).boot()
    assert look_up(bench.st, "AuthCacheCtrlr", "Enabled") == "UnknownComponent"


def test_lists_offer_what_the_hardware_can() -> None:
    start, measurands = SETTINGS.get("TxCtrlr.TxStartPoint"), SETTINGS.get("AlignedDataCtrlr.Measurands")
    plain = Bench("2.0.1").st
    assert set(start.values) - set(members_in(plain.model, start)) == {"DataSigned", "ParkingBayOccupancy"}
    assert "Temperature" in measurands.values and not NOT_OFFERED & set(members_in(plain.model, measurands))
    bay = Bench("2.0.1", evses=(EvseSpec(1, bay_sensor=True),)).st
    assert "ParkingBayOccupancy" in members_in(bay.model, start)
    simple = Bench("2.0.1", hardware=HardwareSpec(meter=MeterSpec(measurands=("Voltage",)))).st
    assert members_in(simple.model, measurands) == ("Voltage",)


def test_a_value_that_is_not_offered_is_not_shown() -> None:
    """Part 6 TC_B_53: a value is among the values listed; a product made for both worlds may have more."""
    bench = Bench("2.0.1", {"AlignedDataCtrlr.Measurands": ("Temperature", "Voltage")}).boot()
    (row,) = rows(bench, "AlignedDataCtrlr", "Measurands")
    assert row.text(bench.st) == "Voltage" and "Temperature" not in row.values


def test_lengths_of_texts_and_lists() -> None:
    bench = Bench("2.0.1").boot()
    (name,) = rows(bench, "SecurityCtrlr", "OrganizationName")
    (points,) = rows(bench, "TxCtrlr", "TxStopPoint")
    assert (name.maximum, name.max_elements) == (255, None)
    assert points.maximum == len(",".join(points.values)) and points.max_elements == len(points.values)


def test_direct_current_has_no_phases() -> None:
    """2.0.1 appendices, SupplyPhases: 0 means DC; the grid side still has three."""
    bench = Bench("2.0.1", evses=(EvseSpec(1, phases=0),)).boot()
    values = {row.component: row.text(bench.st) for row in variables(bench.st) if row.variable == "SupplyPhases"}
    assert values == {"ChargingStation": "3", "ElectricalFeed": "3", "EVSE": "0", "Connector": "0"}


def test_values_are_live() -> None:
    bench = Bench("2.0.1").boot()

    def value(component: str, variable: str, connector_id: int = 0) -> str | None:
        found = look_up(bench.st, component, variable, evse_id=1, connector_id=connector_id)
        assert isinstance(found, Variable)
        return found.text(bench.st)

    assert value("PowerContactor", "Active") == value("ConnectorPlugRetentionLock", "Active", 1) == "false"
    bench.charge()
    assert value("PowerContactor", "Active") == value("ConnectorPlugRetentionLock", "Active", 1) == "true"
    assert value("EVSE", "AvailabilityState") == "Occupied"
    assert float(value("EVSE", "Power") or 0) > 10_000


def test_problems_of_parts() -> None:
    """A problem shows at the part that has it, and at the EVSE and the connector that it puts out of use."""
    bench = Bench("2.0.1").boot()

    def troubled() -> list[tuple[str, int, int]]:
        return [
            (row.component, row.evse_id, row.connector_id)
            for row in variables(bench.st)
            if row.variable == "Problem" and row.text(bench.st) == "true"
        ]

    assert not troubled() and rows(bench, "TokenReader", "Problem")
    bench.feed(i.Inject("a", "protection.rcd_trip", 2), i.Inject("b", "lock.jammed", 1))
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(5)
    assert troubled() == [
        ("EVSE", 1, 0),
        ("Connector", 1, 1),
        ("ConnectorPlugRetentionLock", 1, 1),
        ("EVSE", 2, 0),
        ("Connector", 2, 1),
        ("RCD", 2, 0),
    ]


def test_writing() -> None:
    """B05.FR.07-10."""
    bench = Bench("2.0.1").boot()

    def write(name: str, text: str) -> tuple[str, str]:
        component, _, variable = name.partition(".")
        row = look_up(bench.st, component, variable)
        assert isinstance(row, Variable)
        return device_model.write_variable(bench.st, row, text)

    assert write("OCPPCommCtrlr.OfflineThreshold", "9") == ("Accepted", "")
    assert write("OCPPCommCtrlr.OfflineThreshold", "nine") == ("Rejected", "InvalidValue")
    assert write("OCPPCommCtrlr.FileTransferProtocols", "FTP") == ("Rejected", "ReadOnly")
    assert write("ChargingStation.Model", "Other") == ("Rejected", "ReadOnly")
    assert write("TxCtrlr.TxStartPoint", "DataSigned") == ("Rejected", "InvalidValue")
    bench.feed(i.Inject("f1", "flash.read_only"))
    assert write("OCPPCommCtrlr.OfflineThreshold", "10") == ("Rejected", "InternalError")
    assert bench.st.settings[SETTINGS.get("OCPPCommCtrlr.OfflineThreshold")] == 9


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("plugged", [False, True])
def test_nine_statuses_become_five(status: str, plugged: bool) -> None:
    word = coarse_status(status, plugged)
    assert word in STATES
    if status in STATES:
        assert word == status
    else:
        assert word == ("Occupied" if plugged or status == "Charging" else "Available")


def test_what_describes_the_product_is_read_and_never_written() -> None:
    """Lengths and counts are the product's: the CSMS cannot change them (TC_B_53, 1.6 9.1)."""
    fixed = [getattr(product_settings, name) for name in dir(product_settings) if name.startswith(("ITEMS_", "BYTES_"))]
    assert len(fixed) == 6
    assert all(found.mutability == "ReadOnly" and found.default >= 1 for found in fixed)
    assert product_settings.NUMBER_OF_CONNECTORS.mutability == "ReadOnly"
