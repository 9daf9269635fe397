"""Quirks of configuration keys that do something, on the wire, with and without."""

from typing import Any

import pytest

from simulator.blocks import charging_profiles
from simulator.core import inputs as i
from simulator.quirks import config_effects
from tests.quirks.rig import ENERGY, Bench, build, compare
from tests.quirks.test_config import read, write
from tests.quirks.test_config_keys import listed

CURRENTS = {"settings": {"MeterValuesSampledData": (ENERGY, "Current.Import")}}


def limited(key: str, value: str, more: str = "") -> Any:
    def scenario(b: Bench) -> tuple[str, set[float]]:
        word = write(b.boot(), value, key)
        b.session(65)
        return word, {float(s["value"]) for s in b.samples() if s["measurand"] == "Current.Import"}

    return scenario


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("config-static-limit-deciamps", "evb_MaximumStationCurrent", "80"),
        ("config-static-limit-milliamps", "MaxAvailableCurrent", "8000"),
        ("config-left-right-limit-keys", "CurrentManagementLeft", "8"),
        ("config-per-socket-limit-key", "operatorcurrentlimit", "8"),
        ("config-hidden-vendor-keys", "GridCurrent", "8"),
    ],
)
def test_limit_by_key(name: str, key: str, value: str) -> None:
    without, with_ = ("NotSupported", {15.94}), ("Accepted", {8.0})
    b = compare(name, limited(key, value), without=without, with_=with_, **CURRENTS)
    assert read(b, key) == value
    assert [write(b, text, key) for text in ("many", "-1", "nan", "1e9")] == ["Rejected"] * 4


def test_a_limit_of_the_other_socket() -> None:
    assert config_effects.LimitPerSocket.name == "config-per-socket-limit-key"
    b = Bench(build("config-per-socket-limit-key", evses=2, **CURRENTS))
    assert limited("OperatorCurrentLimit_2", "8")(b) == ("Accepted", {15.94})
    assert [there.evse_id for there in charging_profiles.installed(b.station)] == [2]
    single = Bench(build("config-per-socket-limit-key", **CURRENTS))
    assert limited("OperatorCurrentLimit_2", "8")(single) == ("Accepted", {15.94})


def test_the_hidden_limit() -> None:
    b = Bench(build("config-hidden-vendor-keys")).boot()
    assert "GridCurrent" not in listed(b) and read(b, "GridCurrent") == "32"


def test_autocharge() -> None:
    def scenario(b: Bench) -> int:
        b.boot().plug().run(30).token("TAG", 5).unplug()
        return len({p["idTag"] for p in b.sent("Authorize", "StartTransaction")} - {"TAG"})

    b = compare("autocharge-key", scenario, without=0, with_=1)
    tag = b.sent("Authorize")[0]["idTag"]
    assert len(tag) == 10 and tag.isalnum() and tag == tag.upper()
    write(b, "False", "AutochargeEnabled")
    before = len(b.sent("Authorize"))
    b.plug().run(10)
    assert len(b.sent("Authorize")) == before


def test_autocharge_in_the_newer_versions() -> None:
    b = Bench(build("autocharge-key", version="2.0.1")).boot().plug().run(30)
    assert b.sent("Authorize")[0]["idToken"]["type"] == "MacAddress" and b.csms.transactions


def test_namespaced_keys() -> None:
    def scenario(b: Bench) -> tuple[str, list[str]]:
        b.boot()
        word = write(b, "true", "HU1.CCURFIDDisable")
        b.plug().run(30).unplug()
        return word, [p["idTag"] for p in b.sent("StartTransaction")]

    compare("config-namespaced-keys", scenario, without=("NotSupported", []), with_=("Accepted", ["FREEVEND"]))


def test_dummy_tokens() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug().run(30).unplug()
        return [p["idTag"] for p in b.sent("StartTransaction")]

    b = compare("config-dummy-idtags", scenario, without=["FREEVEND"], with_=["Autostart"], free_vend=True)
    write(b, "Somebody", "DummyIdTagForAutostart")
    b.plug().run(30).unplug()
    assert b.sent("StartTransaction")[-1]["idTag"] == "Somebody"


def list_of(*tokens: str) -> list[dict[str, Any]]:
    return [{"idTag": token, "idTagInfo": {"status": "Accepted"}} for token in tokens]


def test_list_cut_short() -> None:
    def scenario(b: Bench) -> tuple[list[str], list[str]]:
        b.boot()
        words = [
            b.ask("SendLocalList", listVersion=1, updateType="Full", localAuthorizationList=list_of("A", "B", "C")),
            b.ask("SendLocalList", listVersion=2, updateType="Differential", localAuthorizationList=list_of("D")),
        ]
        b.plug()
        for token in "ABCD":
            b.presented.append((b.fleet.now, token, False))
            b.feed(i.Present(token), 20).feed(i.Present(token), 20)
        return [word["status"] for word in words], [p["idTag"] for p in b.sent("Authorize")]

    more = {"params": {"most": 2}, "settings": {"LocalPreAuthorize": True}}
    yes = ["Accepted", "Accepted"]
    without, with_ = (yes, []), (yes, ["C", "D"])
    compare("local-list-first-1000-cached", scenario, without=without, with_=with_, **more)


def rewritten(key: str, value: str) -> Any:
    def scenario(b: Bench) -> tuple[str, list[str], list[str]]:
        b.disturbed = True
        b.boot()
        word, told = write(b, value, key), []
        for _ in range(2):
            rows = b.ask("GetConfiguration", key=[key]).get("configurationKey", ())
            told.append([row["value"] for row in rows])
            b.ask("Reset", type="Soft")
            b.run(60)
        return word, *told

    return scenario


def test_acts_after_reboot() -> None:
    name, scenario = "config-change-needs-reboot", rewritten("WeldCheck", "Enable")
    with_ = ("RebootRequired", ["Disable"], ["Enable"])
    b = compare(name, scenario, without=("NotSupported", [], []), with_=with_)
    assert [write(b, "x" * 21, "WeldCheck"), write(b, "x", "ChargePointVendor")] == ["Rejected", "NotSupported"]


@pytest.mark.parametrize("turned", [False, True])
def test_another_name_after_the_reboot(turned: bool) -> None:
    uses = ["config-change-needs-reboot", "boot-identity-configurable"]
    b = Bench(build(*(reversed(uses) if turned else uses)))
    own = "Bender GmbH Co. KG"
    assert rewritten("ChargePointVendor", "Other")(b) == ("RebootRequired", [own], ["Other"])
    assert [p["chargePointVendor"] for p in b.sent("BootNotification")] == [own, "Other", "Other"]


def test_daily_reboot() -> None:
    def scenario(b: Bench) -> int:
        b.boot().run(7_300)
        return b.csms.actions().count("BootNotification")

    more = {"params": {"at_h": 1.0}, "settings": {"HeartbeatInterval": 3_600}}
    compare("config-daily-reboot", scenario, without=1, with_=2, **more)


def test_a_reboot_waits_for_the_car_and_the_key() -> None:
    busy = Bench(build(("config-daily-reboot", {"at_h": 0.1}))).boot().plug().token("TAG", 600)
    asked = Bench(build(("config-daily-reboot", {"at_h": 0.1}))).boot()
    write(asked, "FALSE", "DailyReboot")
    asked.run(600)
    assert [b.csms.actions().count("BootNotification") for b in (busy, asked)] == [1, 1]


def test_cumulative_usage() -> None:
    def scenario(b: Bench) -> list[bool]:
        b.smoke()
        write(b, "true", "ReportCumulativeUsage")
        b.session().run(5)
        write(b, "false", "ReportCumulativeUsage")
        b.session()
        return [p["meterStart"] == 0 for p in b.sent("StartTransaction")]

    name = "config-cumulative-usage-switch"
    compare(name, scenario, without=[False] * 3, with_=[True, False, True])
