"""GetVariables and SetVariables (B05, B06)."""

from typing import Any

import pytest

from simulator.blocks.device_model import MAX_VALUE_CHARS, Variable, look_up
from simulator.core import inputs as i
from simulator.core.model import EvseSpec
from simulator.core.settings import SETTINGS
from simulator.ocpp2x.variables import value_text
from tests.ocpp2x.bench import Bench, each_version


def item(component: str, variable: str, instance: str = "", evse: dict[str, int] | None = None, **more: Any) -> Any:
    found: dict[str, Any] = {"component": {"name": component}, "variable": {"name": variable}, **more}
    if instance:
        found["variable"]["instance"] = instance
    if evse:
        found["component"]["evse"] = evse
    return found


def get(bench: Bench, *items: Any) -> list[Any]:
    answer = bench.ask("GetVariables", {"getVariableData": list(items)})
    results: list[Any] = answer["getVariableResult"]
    for asked, told in zip(items, results, strict=True):  # B06.FR.01-03, FR.11
        assert told["component"] == asked["component"] and told["variable"] == asked["variable"]
        assert told["attributeType"] == asked.get("attributeType", "Actual")
        assert ("attributeValue" in told) == (told["attributeStatus"] == "Accepted")
    return results


def put(bench: Bench, *items: Any) -> list[str]:
    results = bench.ask("SetVariables", {"setVariableData": list(items)})["setVariableResult"]
    for asked, told in zip(items, results, strict=True):  # B05.FR.01-03, FR.12
        assert told["component"] == asked["component"] and told["variable"] == asked["variable"]
        assert told["attributeType"] == asked.get("attributeType", "Actual")
    return [told["attributeStatus"] for told in results]


@each_version
def test_every_answer_of_get_variables(version: str) -> None:
    """B06.FR.04, FR.06-10, FR.14-15."""
    bench = Bench(version).boot()
    for asked, status, value in (
        (item("OCPPCommCtrlr", "OfflineThreshold"), "Accepted", "60"),
        (item("ocppcommctrlr", "OFFLINETHRESHOLD"), "Accepted", "60"),
        (item("OCPPCommCtrlr", "MessageTimeout", "Default"), "Accepted", "30"),
        (item("OCPPCommCtrlr", "MessageTimeout"), "UnknownVariable", None),
        (item("DeviceDataCtrlr", "ItemsPerMessage", "Nothing"), "UnknownVariable", None),
        (item("OCPPCommCtrlr", "Nonsense"), "UnknownVariable", None),
        (item("Nonsense", "OfflineThreshold"), "UnknownComponent", None),
        (item("OCPPCommCtrlr", "OfflineThreshold", evse={"id": 1}), "UnknownComponent", None),
        (item("OCPPCommCtrlr", "OfflineThreshold", attributeType="Target"), "NotSupportedAttributeType", None),
        (item("SecurityCtrlr", "BasicAuthPassword"), "Rejected", None),
        (item("EVSE", "AvailabilityState", evse={"id": 2}), "Accepted", "Available"),
        (item("EVSE", "AvailabilityState", evse={"id": 3}), "UnknownComponent", None),
        (item("EVSE", "AvailabilityState", evse={"id": 1, "connectorId": 0}), "UnknownComponent", None),
        (item("EVSE", "AvailabilityState"), "UnknownComponent", None),
        (item("Connector", "ConnectorType", evse={"id": 1, "connectorId": 1}), "Accepted", "sType2"),
        (item("Connector", "ConnectorType", evse={"id": 1, "connectorId": 2}), "UnknownComponent", None),
        (item("ClockCtrlr", "DateTime"), "Accepted", None),
    ):
        (told,) = get(bench, asked)
        assert told["attributeStatus"] == status, asked
        if value is not None:
            assert told["attributeValue"] == value
    assert told["attributeValue"].startswith("2026-03-01T00:00:0")


@each_version
def test_many_at_once_in_order_and_bounded(version: str) -> None:
    """B06.FR.01, FR.16; the same one twice is answered twice."""
    bench = Bench(version, {"DeviceDataCtrlr.ItemsPerMessage[GetVariables]": 3}).boot()
    first, second = item("TxCtrlr", "StopTxOnInvalidId"), item("TxCtrlr", "EVConnectionTimeOut")
    assert [told["attributeValue"] for told in get(bench, first, second, first)] == ["true", "60", "true"]
    answer = bench.ask("GetVariables", {"getVariableData": [first] * 4})
    assert answer[0] == "OccurrenceConstraintViolation"


@each_version
def test_every_answer_of_set_variables(version: str) -> None:
    """B05.FR.04-10."""
    bench = Bench(version).boot()
    for asked, status in (
        (item("OCPPCommCtrlr", "OfflineThreshold", attributeValue="600"), "Accepted"),
        (item("OCPPCommCtrlr", "OfflineThreshold", attributeValue="many"), "Rejected"),
        (item("OCPPCommCtrlr", "OfflineThreshold", attributeValue="-1"), "Rejected"),
        (
            item("OCPPCommCtrlr", "OfflineThreshold", attributeValue="1", attributeType="Target"),
            "NotSupportedAttributeType",
        ),
        (item("OCPPCommCtrlr", "Nonsense", attributeValue="1"), "UnknownVariable"),
        (item("Nonsense", "OfflineThreshold", attributeValue="1"), "UnknownComponent"),
        (item("OCPPCommCtrlr", "MessageTimeout", "Default", attributeValue="1"), "Rejected"),
        (item("EVSE", "Power", evse={"id": 1}, attributeValue="1"), "Rejected"),
        (item("TxCtrlr", "TxStartPoint", attributeValue="Authorized,EVConnected"), "Accepted"),
        (item("TxCtrlr", "TxStartPoint", attributeValue="Authorized,Sunrise"), "Rejected"),
        # no signing meter, no bay sensor: what cannot happen is not accepted
        (item("TxCtrlr", "TxStartPoint", attributeValue="DataSigned"), "Rejected"),
        (item("TxCtrlr", "TxStopPoint", attributeValue="ParkingBayOccupancy"), "Rejected"),
        (item("SampledDataCtrlr", "TxUpdatedMeasurands", attributeValue="Voltage,Frequency"), "Accepted"),
        (item("SampledDataCtrlr", "TxUpdatedMeasurands", attributeValue="Voltage,SoC"), "Rejected"),  # not with AC
        (item("SampledDataCtrlr", "TxUpdatedMeasurands", attributeValue="Temperature"), "Rejected"),
    ):
        assert put(bench, asked) == [status], asked
    (told,) = get(bench, item("OCPPCommCtrlr", "OfflineThreshold"))
    assert told["attributeValue"] == "600"


@each_version
def test_set_says_why_not(version: str) -> None:
    bench = Bench(version).boot()
    items = [
        item("EVSE", "Power", evse={"id": 1}, attributeValue="1"),
        item("OCPPCommCtrlr", "OfflineThreshold", attributeValue="x"),
    ]
    results = bench.ask("SetVariables", {"setVariableData": items})["setVariableResult"]
    assert [told["attributeStatusInfo"]["reasonCode"] for told in results] == ["ReadOnly", "InvalidValue"]


@each_version
def test_of_the_same_variable_twice_the_last_one_holds(version: str) -> None:
    bench = Bench(version, {"DeviceDataCtrlr.ItemsPerMessage[SetVariables]": 2}).boot()
    items = [item("OCPPCommCtrlr", "OfflineThreshold", attributeValue=text) for text in ("5", "7")]
    assert put(bench, *items) == ["Accepted", "Accepted"]
    assert get(bench, item("OCPPCommCtrlr", "OfflineThreshold"))[0]["attributeValue"] == "7"
    answer = bench.ask("SetVariables", {"setVariableData": items + items})
    assert answer[0] == "OccurrenceConstraintViolation"


@each_version
def test_a_password_goes_in_and_never_comes_out(version: str) -> None:
    """B06.FR.09; nothing of it is in an answer."""
    bench = Bench(version).boot()
    secret = "correct-horse-battery"
    answer = bench.ask(
        "SetVariables", {"setVariableData": [item("SecurityCtrlr", "BasicAuthPassword", attributeValue=secret)]}
    )
    assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
    assert get(bench, item("SecurityCtrlr", "BasicAuthPassword"))[0]["attributeStatusInfo"]["reasonCode"] == "WriteOnly"
    told = [seen.payload for seen in bench.csms.seen if seen.direction == "cp"]
    assert secret not in repr(told)


@each_version
def test_a_long_value_is_cut_for_the_answer(version: str) -> None:
    bench = Bench(version).boot()
    bench.st.settings.overlay["SecurityCtrlr.OrganizationName"] = "o" * (MAX_VALUE_CHARS + 1)
    found = look_up(bench.st, "SecurityCtrlr", "OrganizationName")
    assert isinstance(found, Variable) and value_text(bench.st, found) == "o" * MAX_VALUE_CHARS
    (told,) = get(bench, item("SecurityCtrlr", "OrganizationName"))
    assert len(told["attributeValue"]) == MAX_VALUE_CHARS


@pytest.mark.parametrize("name", ["absent", "read_only"])
def test_what_a_product_lacks_or_protects(name: str) -> None:
    threshold = SETTINGS.get("OCPPCommCtrlr.OfflineThreshold")
    bench = Bench("2.0.1", **{name: frozenset({threshold})}).boot()
    expected = "UnknownVariable" if name == "absent" else "Rejected"
    assert put(bench, item("OCPPCommCtrlr", "OfflineThreshold", attributeValue="1")) == [expected]


@each_version
def test_attributes_beside_the_value(version: str) -> None:
    """B05.FR.06, B06.FR.08, FR.13: a supported attribute without a value gives the empty text."""
    bench = Bench(version, evses=(EvseSpec(1, phases=0, tethered=True),)).boot()
    one = {"id": 1}
    for name, kind, status, text in (
        ("DCCurrent", "Target", "Accepted", ""),
        ("DCCurrent", "MaxSet", "Accepted", ""),
        ("DCCurrent", "MinSet", "NotSupportedAttributeType", None),
        ("DCCurrent", "Actual", "NotSupportedAttributeType", None),
    ):
        (told,) = get(bench, item("ConnectedEV", name, evse=one, attributeType=kind))
        assert (told["attributeStatus"], told.get("attributeValue")) == (status, text)
    bench.feed(i.Plug(1))
    bench.run(1)
    (told,) = get(bench, item("ConnectedEV", "DCCurrent", evse=one, attributeType="MaxSet"))
    assert float(told["attributeValue"]) > 0
    wanted = item("ConnectedEV", "DCCurrent", evse=one, attributeType="MaxSet", attributeValue="1")
    assert put(bench, wanted) == ["Rejected"]


@each_version
def test_requests_that_are_too_long(version: str) -> None:
    """B06.FR.17: BytesPerMessage."""
    limits = {f"DeviceDataCtrlr.BytesPerMessage[{name}]": 300 for name in ("GetVariables", "SetVariables")}
    bench = Bench(version, limits).boot()
    wanted = [item("OCPPCommCtrlr", "OfflineThreshold")] * 5
    assert bench.ask("GetVariables", {"getVariableData": wanted})[0] == "FormatViolation"
    values = [one | {"attributeValue": "5"} for one in wanted]
    assert bench.ask("SetVariables", {"setVariableData": values})[0] == "FormatViolation"
    assert get(bench, wanted[0])[0]["attributeValue"] == "60"


@pytest.mark.parametrize("text", ["+60", "060", "6_0", " 60", "60.0", "６０", "true"])
def test_a_number_is_written_as_the_specification_writes_it(text: str) -> None:
    """B05.FR.07, part 2 table 1: no plus sign, no leading zeros."""
    bench = Bench("2.0.1").boot()
    assert put(bench, item("OCPPCommCtrlr", "OfflineThreshold", attributeValue=text)) == ["Rejected"]


@pytest.mark.parametrize(("text", "status"), [("true", "Accepted"), ("TRUE", "Rejected"), ("1", "Rejected")])
def test_only_true_and_false_are_booleans(text: str, status: str) -> None:
    """B05.FR.07, part 2 table 1."""
    bench = Bench("2.0.1").boot()
    assert put(bench, item("AuthCtrlr", "LocalPreAuthorize", attributeValue=text)) == [status]


@pytest.mark.parametrize(
    ("text", "code"), [("-1", "ValueTooLow"), ("86401", "ValueTooHigh"), ("x", "InvalidValue"), ("1.5", "InvalidValue")]
)
def test_why_a_number_is_rejected(text: str, code: str) -> None:
    """B05.FR.07-08."""
    bench = Bench("2.0.1").boot()
    wanted = item("OCPPCommCtrlr", "OfflineThreshold", attributeValue=text)
    (told,) = bench.ask("SetVariables", {"setVariableData": [wanted]})["setVariableResult"]
    assert (told["attributeStatus"], told["attributeStatusInfo"]["reasonCode"]) == ("Rejected", code)
