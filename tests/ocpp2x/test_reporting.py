"""Base reports and custom reports (B07, B08)."""

from typing import Any

import pytest

from simulator.blocks.device_model import variables
from simulator.core import inputs as i
from simulator.core.effects import Send
from simulator.core.model import EvseSpec
from simulator.lab.csms import SILENT
from simulator.ocpp2x.reporting import ABNORMAL, MAX_PAGES_OWED
from tests.ocpp2x.bench import Bench, each_version


def rows_of(bench: Bench, action: str, payload: dict[str, Any], status: str = "Accepted") -> list[Any]:
    """Ask for a report and put its pages together (B07.FR.03-04, FR.10)."""
    mark = bench.mark()
    assert bench.ask(action, {"requestId": 42, **payload})["status"] == status
    bench.run(10)
    pages = [page for what, page in bench.since(mark) if what == "NotifyReport"]
    assert [page["requestId"] for page in pages] == [42] * len(pages)
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page.get("tbc", False) for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
    return [row for page in pages for row in page.get("reportData", [])]


def base(bench: Bench, kind: str) -> list[Any]:
    return rows_of(bench, "GetBaseReport", {"reportBase": kind})


def names(rows: list[Any]) -> set[tuple[str, str]]:
    return {(row["component"]["name"], row["variable"]["name"]) for row in rows}


@each_version
def test_full_inventory_holds_to_its_own_lists(version: str) -> None:
    """B07.FR.08, FR.11, errata 2.10; part 6 TC_B_53: lists are listed, values are among them."""
    bench = Bench(version).boot()
    rows = base(bench, "FullInventory")
    assert len(rows) > 80 and ("OCPPCommCtrlr", "OfflineThreshold") in names(rows)
    for row in rows:
        attribute = row["variableAttribute"][0]
        facts = row["variableCharacteristics"]
        if attribute["mutability"] == "WriteOnly":
            assert "value" not in attribute
        if facts["dataType"] in ("OptionList", "SequenceList", "MemberList"):
            members = facts["valuesList"].split(",")
            assert set(attribute["value"].split(",")) <= {*members, ""}, row
    keys = [(repr(row["component"]), repr(row["variable"])) for row in rows]
    assert len(keys) == len(set(keys))


@each_version
def test_configuration_inventory_is_what_can_be_set(version: str) -> None:
    """B07.FR.07."""
    rows = base(Bench(version).boot(), "ConfigurationInventory")
    assert {row["variableAttribute"][0]["mutability"] for row in rows} == {"ReadWrite", "WriteOnly"}
    assert ("SecurityCtrlr", "BasicAuthPassword") in names(rows)


@each_version
def test_summary_inventory_shows_state_and_trouble(version: str) -> None:
    """B07.FR.09."""
    bench = Bench(version).boot()
    states = {(component, "AvailabilityState") for component in ("ChargingStation", "EVSE", "Connector")}
    assert names(base(bench, "SummaryInventory")) == states
    bench.feed(i.Inject("f1", "protection.rcd_trip", 1))
    bench.run(1)
    rows = base(bench, "SummaryInventory")
    assert names(rows) == states | {
        *((part, "Problem") for part in ("RCD", "EVSE", "Connector")),
        *((part, "Tripped") for part in ("RCD", "EVSE", "Connector", "PowerContactor")),
    }
    assert {row["variable"]["name"] for row in rows} <= ABNORMAL | {"AvailabilityState"}
    told = {
        row["component"]["evse"]["id"]: row["variableAttribute"][0]["value"]
        for row in rows
        if (row["component"]["name"], row["variable"]["name"]) == ("EVSE", "AvailabilityState")
    }
    assert told == {1: "Faulted", 2: "Available"}


@each_version
def test_reports_go_out_while_pending(version: str) -> None:
    """B02.FR.01-02."""
    bench = Bench(version)
    bench.csms.boot_status, bench.csms.interval_s = "Pending", 1000
    bench.boot()
    assert base(bench, "ConfigurationInventory")


# -- custom reports ----------------------------------------------------------------------------------------------------


def custom(bench: Bench, *wanted: Any, criteria: list[str] | None = None, status: str = "Accepted") -> list[Any]:
    payload: dict[str, Any] = {}
    if wanted:
        payload["componentVariable"] = list(wanted)
    if criteria:
        payload["componentCriteria"] = criteria
    return rows_of(bench, "GetReport", payload, status)


def want(component: str, variable: str = "", instance: str = "", **evse: int) -> Any:
    found: dict[str, Any] = {"component": {"name": component}}
    if evse:
        found["component"]["evse"] = evse
    if variable:
        found["variable"] = {"name": variable, **({"instance": instance} if instance else {})}
    return found


@each_version
def test_a_filter_is_as_loose_as_what_it_leaves_out(version: str) -> None:
    """B08.FR.11-12, FR.20-25 (part 6 TC_B_54 to TC_B_58)."""
    bench = Bench(version).boot()
    items = custom(bench, want("DeviceDataCtrlr", "ItemsPerMessage"))
    assert [row["variable"]["instance"] for row in items] == ["GetReport", "GetVariables", "SetVariables"]
    assert all("variableCharacteristics" in row for row in items)
    (one,) = custom(bench, want("DeviceDataCtrlr", "ItemsPerMessage", "GetReport"))
    assert one["variable"] == {"name": "ItemsPerMessage", "instance": "GetReport"}
    states = custom(bench, want("EVSE", "AvailabilityState"))
    assert [row["component"]["evse"]["id"] for row in states] == [1, 2]
    assert len(custom(bench, want("EVSE", "AvailabilityState", id=2))) == 1
    connector = custom(bench, want("Connector", id=1))
    assert {row["variable"]["name"] for row in connector} >= {"AvailabilityState", "ConnectorType", "SupplyPhases"}
    assert {row["component"]["evse"]["connectorId"] for row in connector} == {1}
    both = custom(bench, want("evse", "power", id=1), want("TxCtrlr", "TxStartPoint"))
    assert names(both) == {("EVSE", "Power"), ("TxCtrlr", "TxStartPoint")}


@each_version
def test_criteria_choose_components(version: str) -> None:
    """B08.FR.07-10, FR.13, FR.15."""
    bench = Bench(version).boot()
    custom(bench, criteria=["Problem"], status="EmptyResultSet")
    everything = base(bench, "FullInventory")
    there = names(custom(bench, criteria=["Available"]))
    assert there == names(everything)
    active = custom(bench, criteria=["Active"])
    assert ("PowerContactor", "Active") not in names(active)  # open
    assert ("EVSE", "Power") in names(active)  # has no such variable
    bench.feed(i.Inject("f1", "protection.rcd_trip", 2))
    bench.run(1)
    problems = custom(bench, criteria=["Problem"])
    assert {row["component"]["name"] for row in problems} == {"RCD", "EVSE", "Connector"}
    assert {row["component"]["evse"]["id"] for row in problems} == {2}
    two = custom(bench, want("RCD", id=2), want("PowerContactor", "Active"), criteria=["Problem"])
    assert names(two) == {("RCD", "Problem"), ("RCD", "Tripped")}


@each_version
def test_nothing_found_and_too_much_asked(version: str) -> None:
    """B08.FR.15, FR.17."""
    bench = Bench(version, {"DeviceDataCtrlr.ItemsPerMessage[GetReport]": 2}).boot()
    custom(bench, want("Nonsense"), status="EmptyResultSet")
    custom(bench, want("EVSE", "Power", id=9), status="EmptyResultSet")
    custom(bench, want("ChargingStation", "Power", id=0), status="EmptyResultSet")  # EVSEs count from 1
    custom(bench, want("EVSE", "Power", id=1, connectorId=0), status="EmptyResultSet")
    wanted = [want("EVSE")] * 3
    answer = bench.ask("GetReport", {"requestId": 1, "componentVariable": wanted})
    assert answer[0] == "OccurrenceConstraintViolation"
    rows = custom(bench, want("EVSE"))
    assert len(rows) == len([row for row in variables(bench.st) if row.component == "EVSE"]) > 20  # two on a page


@each_version
@pytest.mark.parametrize("most", [1_500, 4_000, 32_768])
def test_no_page_is_longer_than_it_may_be(version: str, most: int) -> None:
    """BytesPerMessage[GetReport] and ItemsPerMessage[GetReport] hold for every page; nothing gets lost between them."""
    bench = Bench(
        version,
        {"DeviceDataCtrlr.BytesPerMessage[GetReport]": most, "SecurityCtrlr.OrganizationName": '\u00fc"' * 100},
    ).boot()
    lengths = []
    bench.fleet._observer = lambda station, event, effects, now: lengths.extend(
        len(effect.data) for effect in effects if isinstance(effect, Send) and b"NotifyReport" in effect.data
    )
    rows = base(bench, "FullInventory")
    assert len(rows) == len(variables(bench.st)) and max(lengths) <= most
    assert len(lengths) > (1 if most > 30_000 else 10)


@each_version
def test_attributes_beside_the_value_are_told(version: str) -> None:
    """B07.FR.11: every attribute that is supported, also one that has no value now."""
    bench = Bench(version, evses=(EvseSpec(1, phases=0, tethered=True),)).boot()
    (current,) = custom(bench, want("ConnectedEV", "DCCurrent"))
    assert [one["type"] for one in current["variableAttribute"]] == ["Target", "MaxSet"]
    assert [one["value"] for one in current["variableAttribute"]] == ["", ""], "only what is write-only has none"
    (heat,) = custom(bench, want("TemperatureSensor", "Temperature", id=1, connectorId=1))
    assert {one["type"] for one in heat["variableAttribute"]} == {"Actual", "MaxSet"}
    assert (
        heat["variableCharacteristics"]["supportsMonitoring"] and heat["variableCharacteristics"]["unit"] == "Celsius"
    )
    (model,) = custom(bench, want("ChargingStation", "Model"))
    assert model["variableAttribute"][0]["constant"] and "persistent" not in model["variableAttribute"][0]
    (name,) = custom(bench, want("SecurityCtrlr", "OrganizationName"))
    assert name["variableAttribute"][0]["persistent"]


@each_version
def test_a_station_that_owes_many_pages_takes_no_more(version: str) -> None:
    """B07.FR.13, B08.FR.16."""
    bench = Bench(version, {"DeviceDataCtrlr.ItemsPerMessage[GetReport]": 2}).boot()
    bench.csms.script["NotifyReport"] = lambda csms, payload: SILENT
    for number in range(4):
        answer = bench.ask("GetBaseReport", {"requestId": number, "reportBase": "FullInventory"})
        if answer["status"] == "Rejected":
            break
    assert answer["status"] == "Rejected" and number > 0
    assert len(bench.st.outbox.urgent) < 2 * MAX_PAGES_OWED
    answer = bench.ask("GetReport", {"requestId": 9, "componentVariable": [want("EVSE")]})
    assert answer["status"] == "Rejected"


@each_version
def test_a_request_that_is_too_long(version: str) -> None:
    """B08.FR.18."""
    bench = Bench(version, {"DeviceDataCtrlr.BytesPerMessage[GetReport]": 200}).boot()
    answer = bench.ask("GetReport", {"requestId": 1, "componentVariable": [want("EVSE", "Power")] * 5})
    assert answer[0] == "FormatViolation"


@pytest.mark.parametrize("evse_id", [1, 2])
def test_live_values(evse_id: int) -> None:
    bench = Bench("2.0.1").boot()
    bench.charge(evse_id=evse_id)
    (power,) = custom(bench, want("EVSE", "Power", id=evse_id))
    assert float(power["variableAttribute"][0]["value"]) > 10_000
    assert power["variableCharacteristics"]["unit"] == "W" and power["variableCharacteristics"]["maxLimit"] == 22_000
