"""Quirks of what a StatusNotification says beside the status, on the wire, with and without."""

import json
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.quirks import status_texts
from tests.quirks.rig import Bench, build, compare


def field(name: str) -> Any:
    return lambda b: {p.get(name) for p in b.smoke().sent("StatusNotification")}


def test_info_is_json() -> None:
    assert status_texts.InfoIsJson.name == "status-info-embedded-json"

    def told(found: set[str]) -> bool:
        read = [json.loads(text) for text in found]
        return all(set(row) == {"reason", "cpv", "rv"} for row in read) and len(max(found, key=len)) <= 50

    b = compare("status-info-embedded-json", field("info"), without={None}, with_=told)
    plug_in = next(p for p in b.sent("StatusNotification") if p["status"] == "Preparing")
    assert plug_in["info"] == '{"reason":"plugInGun","cpv":0,"rv":0}' and plug_in["vendorId"] == "EN+"


def test_info_knows_a_car_that_has_come_from_one_that_goes() -> None:
    b = Bench(build("status-info-embedded-json", "status-finishing-on-plugin")).smoke()
    told = [json.loads(p["info"])["reason"] for p in b.sent("StatusNotification") if p["status"] == "Finishing"]
    assert told == ["plugInGun", "stopCharge"]


def test_vendor_error_bits() -> None:
    compare("status-vendor-error-bitfield", field("vendorErrorCode"), without={None}, with_={"0" * 32})


def test_a_bit_for_an_error() -> None:
    b = Bench(build("status-vendor-error-bitfield")).boot()
    b.feed(i.Inject("f", "protection.rcd_trip", 1), 5)
    told = b.sent("StatusNotification")[-1]
    assert told["errorCode"] == "GroundFailure" and told["vendorErrorCode"] == "001" + "0" * 29


def test_finishing_with_error() -> None:
    def scenario(b: Bench) -> list[tuple[str, str]]:
        told = b.smoke().sent("StatusNotification")
        return [(p["status"], p["errorCode"]) for p in told if p["status"] in ("Charging", "Finishing")]

    fine = [("Charging", "NoError"), ("Finishing", "NoError")]
    with_ = [fine[0], ("Finishing", "OtherError")]
    compare("status-finishing-with-error-code", scenario, without=fine, with_=with_)


def test_residual_current() -> None:
    def scenario(b: Bench) -> int:
        b.boot(65).session(185).run(120)
        told = b.sent("StatusNotification")
        assert all(p["status"] == "Charging" for p in told if "RCMB" in p.get("info", ""))
        return sum("RCMB" in p.get("info", "") for p in told)

    name = "status-info-spam-on-residual-current"
    compare(name, scenario, without=0, with_=lambda n: 3 <= n <= 6)


@pytest.mark.parametrize(
    ("key", "value"), [("RCMBDelta", "1000"), ("RCMBDelta", "0"), ("InfoStatusNotifications", "0")]
)
def test_residual_current_by_key(key: str, value: str) -> None:
    b = Bench(build("status-info-spam-on-residual-current")).boot()
    assert b.ask("ChangeConfiguration", key=key, value=value) == {"status": "Accepted"}
    b.session(600)
    assert not any("RCMB" in p.get("info", "") for p in b.sent("StatusNotification"))


def suspended(b: Bench) -> list[tuple[int, str]]:
    """What is told of both connectors from the moment a car suspends."""
    b.boot().plug().token("TAG", 30)
    before = len(b.sent("StatusNotification"))
    b.feed(i.EvReady(1, False), 20)
    told = [(p["connectorId"], p["status"]) for p in b.sent("StatusNotification")[before:]]
    b.token("TAG", 5).unplug()
    return told


def test_zero_available_beside_suspended() -> None:
    name, own = "status-connector-zero-available-while-plugged", (1, "SuspendedEV")
    compare(name, suspended, without=[own], with_=lambda told: sorted(told) == [(0, "Available"), own])


def test_zero_every_time() -> None:
    def scenario(b: Bench) -> tuple[int, int]:
        told = [p["connectorId"] for p in b.smoke().sent("StatusNotification")]
        return told.count(0), told.count(1)

    b = compare("status-connector-zero-noise", scenario, without=(1, 5), with_=(6, 5))
    assert {p["status"] for p in b.sent("StatusNotification") if p["connectorId"] == 0} == {"Available"}


def test_an_error_code_nobody_knows() -> None:
    def scenario(b: Bench) -> set[str]:
        b.boot().feed(i.Inject("f", "protection.rcd_trip", 1), 5)
        return {p["errorCode"] for p in b.sent("StatusNotification")}

    fine = {"NoError", "GroundFailure"}
    compare("status-error-code-unknown", scenario, without=fine, with_={"NoError", "Error"})
