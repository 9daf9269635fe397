"""What BootNotification says, on the wire, with and without."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.lab.csms import SILENT
from simulator.quirks import boot_texts
from tests.quirks.rig import Bench, build, compare


def said(b: Bench) -> dict[str, Any]:
    return b.boot(1).sent("BootNotification")[0]


PLAIN = {
    "chargePointVendor": "Maker",
    "chargePointModel": "Model",
    "chargePointSerialNumber": "S00000",
    "firmwareVersion": "1.0",
}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("boot-composite-model-string", {"chargePointModel": "Model::NET_WIFI"}),
        ("boot-composite-firmware-string", {"firmwareVersion": "TAC3Z9119006710273::V1.0"}),
        ("boot-firmware-dash-build", {"firmwareVersion": "1.00-5419"}),
        ("boot-firmware-freeform", {"firmwareVersion": "V1.0@25238bf+100,F8.gl,ws,ESP32,RN8213@V31"}),
        ("boot-empty-optional-fields", {"iccid": "", "imsi": "", "meterSerialNumber": ""}),
        ("boot-empty-vendor", {"chargePointVendor": ""}),
        ("boot-meter-noncompliant", {"meterType": "Internal NON compliant"}),
        ("boot-numeric-model", {"chargePointModel": "10616"}),
        ("boot-serial-duplicated", {"chargeBoxSerialNumber": "S00000", "meterType": "V1"}),
        ("boot-vendor-string-variants", {"chargePointVendor": "MAKER"}),
        ("boot-model-too-long", {"chargePointModel": "Grizzl-E Smart Connect"}),
        ("boot-serial-too-long", {"chargeBoxSerialNumber": "EVB1A22P2RI3N18000000000000000000"}),
    ],
)
def test_the_texts(name: str, changes: dict[str, str]) -> None:
    compare(name, said, without=PLAIN, with_={**PLAIN, **changes})


@pytest.mark.parametrize(("params", "spellings"), [({}, ["MAKER", "Maker"]), ({"other": "MKR"}, ["MKR", "Maker"])])
def test_only_spellings_that_were_seen(params: dict[str, str], spellings: list[str]) -> None:
    product = build(("boot-vendor-string-variants", params))
    told = []
    for number in range(3):
        b = Bench(product)
        b.station.number = number
        told.append(said(b)["chargePointVendor"])
    assert told == [*spellings, spellings[0]]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("boot-composite-model-string", {"model": "Model::NET_WIFI"}),
        ("boot-firmware-dash-build", {"firmwareVersion": "1.00-5419"}),
        ("boot-empty-optional-fields", {"modem": {"iccid": "", "imsi": ""}}),
        ("boot-empty-vendor", {"vendorName": ""}),
        ("boot-serial-duplicated", {}),
    ],
)
def test_the_texts_of_the_newer_versions(name: str, version: str, changes: dict[str, Any]) -> None:
    plain = said(Bench(build(version=version)))["chargingStation"]
    assert said(Bench(build(name, version=version)))["chargingStation"] == {**plain, **changes}


def test_a_long_model_makes_room_for_the_network() -> None:
    class Long:
        charge_point_model = "x" * 20

    assert boot_texts.told(Long(), "model") == "x" * 20 and boot_texts.told(Long(), "serial") == ""
    made = boot_texts.CompositeModel(variant="NET_LTE")
    m = build().dialect.messages
    boot = m.BootNotificationRequest(charge_point_vendor="V", charge_point_model="CDT_TACW11-LONG-NAME")
    station = Bench(build()).station
    assert made.boot(station, boot).charge_point_model == "CDT_TACW11-::NET_LTE"
    assert boot_texts.tell({"chargePointModel": "x"}, model="y") == {"chargePointModel": "x"}


def test_vendor_and_model_are_what_somebody_wrote() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        b.ask("ChangeConfiguration", key="ChargePointVendor", value="Other")
        b.disturbed = True
        b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
        return [boot["chargePointVendor"] for boot in b.sent("BootNotification")]

    with_ = ["Bender GmbH Co. KG", "Other"]
    b = compare("boot-identity-configurable", scenario, without=["Maker", "Maker"], with_=with_)
    (row,) = b.ask("GetConfiguration", key=["ChargePointModel"])["configurationKey"]
    assert row == {"key": "ChargePointModel", "readonly": False, "value": "CC612_2S0R"}


def test_a_connector_it_does_not_have() -> None:
    def scenario(b: Bench) -> list[int]:
        b.boot()
        return sorted(p["connectorId"] for p in b.sent("StatusNotification"))

    compare("connector-id-unexpected-high", scenario, without=[0, 1], with_=[0, 1, 11])


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_connector_it_does_not_have_goes_down_with_the_link(version: str) -> None:
    b = Bench(build("connector-id-unexpected-high", version=version))
    b.csms.script["StatusNotification"] = lambda csms, _: SILENT
    b.boot(1).drop_link(5)
    b.csms.script.clear()
    assert b.drop_link(5).sent("StatusNotification")


def test_the_power_of_the_others() -> None:
    def scenario(b: Bench) -> int:
        b.boot().plug().token("TAG", 200)
        powers = [float(s["value"]) for s in b.samples() if s.get("measurand") == "Power.Offered"]
        b.token("TAG", 5).unplug()
        return len({round(power) for power in powers})

    measurands = ("Energy.Active.Import.Register", "Power.Offered")
    settings = {"MeterValueSampleInterval": 20, "MeterValuesSampledData": measurands}
    compare("power-shared-across-satellites", scenario, without=1, with_=4, settings=settings)


def test_texts_that_are_too_long_are_told_beside_others() -> None:
    uses = ("boot-serial-too-long", "boot-model-too-long", "boot-empty-vendor", "boot-meter-noncompliant")
    told = said(Bench(build(*uses)))
    assert len(told["chargeBoxSerialNumber"]) == 33 and len(told["chargePointModel"]) == 22
    assert told["chargePointVendor"] == "" and told["meterType"] == "Internal NON compliant"
    assert said(Bench(build(*uses, version="2.0.1")))["chargingStation"]["model"] == "Model"
