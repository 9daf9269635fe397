"""Tariffs and costs: what the driver is shown, and when (I01 to I06)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import tariff
from simulator.blocks.tariff import DISPLAY
from simulator.blocks.token_cache import CACHE_AREA
from simulator.core import inputs as i
from simulator.core.model import EvseSpec
from simulator.core.records import DriverShown
from simulator.lab.csms import SILENT, LabCsms
from tests.ocpp2x.bench import Bench, each_version

ALL = frozenset({"tariff", "cost"})
FALLBACK = {
    "TariffCostCtrlr.TariffFallbackMessage": "ask the owner",
    "TariffCostCtrlr.TotalCostFallbackMessage": "see your bill",
    "TariffCostCtrlr.Currency": "SEK",
}


def message(text: str) -> dict[str, Any]:
    return {"format": "UTF8", "content": text}


def greets(text: str, status: str = "Accepted") -> Any:
    return lambda csms, payload: {"idTokenInfo": {"status": status, "personalMessage": message(text)}}


def costs(**by_type: Any) -> Any:
    """A CSMS that says something in its answer to events of these types."""

    def answer(csms: LabCsms, payload: dict[str, Any]) -> dict[str, Any]:
        return csms.sound("TransactionEvent", payload) | by_type.get(payload["eventType"], {})

    return answer


def shown(bench: Bench) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in bench.fleet.recorded(DriverShown)]


def stop(bench: Bench) -> None:
    bench.feed(i.Present("TAG", 1))
    bench.run(2)


@each_version
def test_a_session_from_tariff_to_total(version: str) -> None:
    """I01.FR.03, I02.FR.03-04, I03.FR.03, I06.FR.03; the state of the display stands with the station's."""
    bench = Bench(version, FALLBACK, shows=ALL).boot()
    bench.csms.script["Authorize"] = greets("0.30 a kWh")
    updated = {"totalCost": 1.5, "updatedPersonalMessage": message("0.32 a kWh")}
    bench.csms.script["TransactionEvent"] = costs(Updated=updated, Ended={"totalCost": 3})
    key = bench.charge(seconds=1)
    assert bench.ask("CostUpdated", {"totalCost": 0.254, "transactionId": key}) == {}
    bench.run(70)
    stop(bench)
    assert shown(bench) == [
        ("tariff", "0.30 a kWh"),
        ("running_cost", "0.25 SEK"),
        ("tariff", "0.32 a kWh"),
        ("running_cost", "1.50 SEK"),
        ("total_cost", "3.00 SEK"),
    ]
    assert {one.key for one in bench.fleet.recorded(DriverShown)[1:]} == {key}
    assert tariff.shown(bench.st, 1) == {
        "tariff": "0.32 a kWh",
        "running_cost": "1.50 SEK",
        "total_cost": "3.00 SEK",
    }
    assert tariff.shown(bench.st, 2) == {}


@each_version
def test_free_is_not_the_same_as_unknown(version: str) -> None:
    """I03.FR.04."""
    for answer, expected in (({"totalCost": 0}, [("total_cost", "0.00 EUR")]), ({}, [])):
        bench = Bench(version, shows=ALL).boot()
        bench.csms.script["TransactionEvent"] = costs(Ended=answer)
        bench.charge()
        stop(bench)
        assert shown(bench) == expected


@each_version
def test_without_a_tariff_of_his_own_the_driver_is_shown_the_general_one(version: str) -> None:
    """I04.FR.01: the CSMS has none; the token is known locally; and what came of it is not cached (C10.FR.09)."""
    bench = Bench(version, FALLBACK | {"AuthCtrlr.LocalPreAuthorize": True}, shows=ALL).boot()
    bench.charge()
    assert shown(bench) == [("tariff_fallback", "ask the owner")]
    stop(bench)
    bench.feed(i.Unplug(1, "both"))
    bench.run(1)
    bench.csms.script["Authorize"] = greets("never asked")
    bench.csms.script["TransactionEvent"] = costs(Started={}, Updated={"updatedPersonalMessage": message("yours")})
    bench.charge()
    assert len(bench.sent("Authorize")) == 1
    assert shown(bench)[1:] == [("tariff_fallback", "ask the owner"), ("tariff", "yours")]
    assert "yours" not in repr(bench.st.board.flash.areas[CACHE_AREA])


@each_version
def test_offline_the_station_says_what_it_was_told_to_say(version: str) -> None:
    """I04.FR.01, I05.FR.02; the total that comes with the connection is for nobody (I03, remarks)."""
    bench = Bench(version, FALLBACK | {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True}, shows=ALL).boot()
    bench.csms.script["TransactionEvent"] = costs(Ended={"totalCost": 9})
    bench.fleet.cut(bench.st)
    bench.run(1)
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(10)
    stop(bench)
    expected = [("tariff_fallback", "ask the owner"), ("total_cost_fallback", "see your bill")]
    assert shown(bench) == expected
    bench.fleet.mend(bench.st)
    assert bench.fleet.settle(400, lambda: bench.st.link.is_up and not bench.st.outbox.waiting())
    assert bench.events("Ended") and shown(bench) == expected


@each_version
def test_a_total_that_gets_lost_on_its_way(version: str) -> None:
    """I05.FR.02: the end was told, the answer never came."""
    bench = Bench(version, FALLBACK, shows=frozenset({"cost"})).boot()
    bench.charge()
    bench.csms.script["TransactionEvent"] = lambda csms, payload: SILENT
    bench.feed(i.Present("TAG", 1))
    bench.fleet.cut(bench.st)
    bench.run(1)
    assert shown(bench) == [("total_cost_fallback", "see your bill")]


@each_version
def test_who_is_refused_is_told_why(version: str) -> None:
    bench = Bench(version, FALLBACK, shows=ALL).boot()
    bench.csms.script["Authorize"] = greets("card is blocked", "Blocked")
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(2)
    assert shown(bench) == [("tariff", "card is blocked")]
    bench.csms.script["Authorize"] = greets("welcome")
    bench.feed(i.Present("OTHER", 1))
    bench.run(2)
    assert shown(bench)[1:] == [("tariff", "welcome")]


@each_version
def test_a_driver_who_has_left_is_shown_nothing(version: str) -> None:
    """I03.FR.05."""
    settings = FALLBACK | {"TxCtrlr.TxStopPoint": ("ParkingBayOccupancy",)}
    bench = Bench(version, settings, shows=frozenset({"cost"}), evses=(EvseSpec(1, bay_sensor=True),)).boot()
    bench.csms.script["TransactionEvent"] = costs(Ended={"totalCost": 9})
    bench.feed(i.Park(1, True))
    bench.charge()
    stop(bench)
    bench.feed(i.Unplug(1, "both"), i.Park(1, False))
    bench.run(2)
    assert bench.events("Ended") and shown(bench) == []


@each_version
@pytest.mark.parametrize("switch", ["Tariff", "Cost"])
def test_switched_off(version: str, switch: str) -> None:
    bench = Bench(version, FALLBACK | {f"TariffCostCtrlr.Enabled[{switch}]": False}, shows=ALL).boot()
    bench.csms.script["Authorize"] = greets("0.30 a kWh")
    bench.csms.script["TransactionEvent"] = costs(Ended={"totalCost": 9})
    key = bench.charge()
    assert bench.ask("CostUpdated", {"totalCost": 1, "transactionId": key}) == {}
    stop(bench)
    kinds = [kind for kind, _ in shown(bench)]
    assert kinds == (["running_cost", "total_cost"] if switch == "Tariff" else ["tariff"])


@each_version
def test_a_product_without_it(version: str) -> None:
    """Its variables are not there, CostUpdated is not supported, and nothing is shown."""
    bench = Bench(version).boot()
    bench.csms.script["Authorize"] = greets("0.30 a kWh")
    bench.csms.script["TransactionEvent"] = costs(Ended={"totalCost": 9})
    key = bench.charge()
    assert bench.ask("CostUpdated", {"totalCost": 1, "transactionId": key})[0] == "NotSupported"
    row = {"component": {"name": "TariffCostCtrlr"}, "variable": {"name": "Currency"}}
    (result,) = bench.ask("GetVariables", {"getVariableData": [row]})["getVariableResult"]
    assert result["attributeStatus"] == "UnknownComponent"
    stop(bench)
    assert shown(bench) == [] and DISPLAY not in bench.st.data


@each_version
def test_a_cost_of_nothing_and_a_currency_that_is_none(version: str) -> None:
    bench = Bench(version, shows=ALL).boot()
    assert bench.ask("CostUpdated", {"totalCost": 1, "transactionId": "gone"}) == {} and not shown(bench)
    for text, status in (("euro", "Rejected"), ("Eur", "Rejected"), ("NOK", "Accepted")):
        row = {"component": {"name": "TariffCostCtrlr"}, "variable": {"name": "Currency"}, "attributeValue": text}
        (result,) = bench.ask("SetVariables", {"setVariableData": [row]})["setVariableResult"]
        assert result["attributeStatus"] == status
    rows = [
        {"component": {"name": "TariffCostCtrlr"}, "variable": {"name": "Available", "instance": name}}
        for name in ("Tariff", "Cost")
    ]
    found = bench.ask("GetVariables", {"getVariableData": rows})["getVariableResult"]
    assert [result["attributeValue"] for result in found] == ["true", "true"]
