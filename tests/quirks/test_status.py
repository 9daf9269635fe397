"""Quirks of StatusNotification, on the wire, with and without."""

from typing import Any

from simulator.core import inputs as i
from simulator.quirks import status
from tests.quirks.rig import Bench, build, compare

SESSION = ["Available", "Preparing", "Charging", "Finishing", "Available"]


def field(name: str) -> Any:
    return lambda b: {p.get(name) for p in b.smoke().sent("StatusNotification")}


def test_no_timestamp() -> None:
    assert status.StatusNoTimestamp.name == "status-no-timestamp"
    compare("status-no-timestamp", field("timestamp"), without=lambda f: None not in f, with_={None})


def test_vendor_error_code() -> None:
    compare("status-vendor-error-code-on-noerror", field("vendorErrorCode"), without={None}, with_={"0x0000"})
    old = {"params": {"code": "0x00"}}
    compare("status-vendor-error-code-on-noerror", field("vendorErrorCode"), without={None}, with_={"0x00"}, **old)


def test_info_null() -> None:
    compare("status-info-literal-null", field("info"), without={None}, with_={"null"})


def test_info_null_leaves_what_there_is_to_tell() -> None:
    def scenario(b: Bench) -> str:
        b.boot().plug().token("TAG", 10).feed(i.Unplug(1, "ev"), 2)
        return str(b.sent("StatusNotification")[-1].get("info"))

    compare("status-info-literal-null", scenario, without="EV side disconnected", with_="EV side disconnected")


def test_vendor_id_always() -> None:
    def scenario(b: Bench) -> set[tuple[Any, ...]]:
        b.smoke()
        return {tuple(p.get(k) for k in ("vendorId", "vendorErrorCode", "info")) for p in b.sent("StatusNotification")}

    compare("status-vendorid-always", scenario, without={(None, None, None)}, with_={("com.wallbox", "", "")})


def test_charging_before_start() -> None:
    def scenario(b: Bench) -> tuple[list[str], bool]:
        b.smoke()
        charging = next(s.now for s in b.calls() if s.payload.get("status") == "Charging")
        started = next(s.now for s in b.calls() if s.action == "StartTransaction")
        return b.statuses(), 900_000 < started - charging < 1_100_000

    compare("status-charging-before-start-tx", scenario, without=(SESSION, False), with_=(SESSION, True))


def test_available_direct() -> None:
    def scenario(b: Bench) -> tuple[list[str], list[Any]]:
        b.boot().plug().token("TAG", 60).unplug()
        return b.statuses(), [p["info"] for p in b.sent("StatusNotification") if p.get("info")]

    direct = [*SESSION[:3], "Available"]
    name = "status-available-direct-after-charging"
    compare(name, scenario, without=(SESSION, ["EV side disconnected"]), with_=(direct, ["EV side disconnected."]))
    b = Bench(build(name)).boot().plug().token("TAG", 30).unplug().plug().token("TAG", 30).unplug()
    assert b.statuses() == [*direct, "Preparing", "Charging", "Available"]


def test_available_direct_with_a_fixed_cable() -> None:
    b = Bench(build("status-available-direct-after-charging", evse={"tethered": True}))
    b.boot().plug().token("TAG", 30).unplug()
    assert b.statuses() == [*SESSION[:3], "Available"]
    assert b.sent("StatusNotification")[-1]["info"] == "EV side disconnected."


def test_flicker() -> None:
    flicker = ["Available", "Preparing", "Available", "Preparing", *SESSION[2:]]
    compare("status-preparing-available-flicker", lambda b: b.smoke().statuses(), without=SESSION, with_=flicker)


def test_a_flicker_ends_when_charging_begins() -> None:
    b = Bench(build(("status-preparing-available-flicker", {"step_s": 5})))
    b.boot().plug(0.5).token("TAG", 60)
    assert b.statuses()[-1] == "Charging" and b.statuses().count("Charging") == 1


def test_two_connectors_flicker_by_themselves() -> None:
    b = Bench(build("status-preparing-available-flicker", evses=2)).boot()
    b.feed(i.Plug(1), 0.3).feed(i.Plug(2), 5)
    told = [(p["connectorId"], p["status"][0]) for p in b.sent("StatusNotification") if p["connectorId"]]
    assert [s for n, s in told if n == 1] == [s for n, s in told if n == 2] == ["A", "P", "A", "P"]
