"""Firmware updates of 2.x, signed (L01) and not (L02). Tests with an id in their name are cases of part 6."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import firmware
from simulator.blocks.firmware import ALLOW_NEW
from simulator.lab.files import Server
from simulator.ocpp2x import firmware as dialect
from tests.bench import each_2x
from tests.ocpp2x.field import Field
from tests.ocpp16.transfers import SHA, URL, Maker, product

FETCHED = ["Downloading 11", "Downloaded 11"]


def update(lab: Field, maker: Maker | None = None, number: int = 11, **more: Any) -> Any:
    """Ask for an update; signed by a maker."""
    image: dict[str, Any] = {"location": URL, "retrieveDateTime": lab.at(-3600)}
    if maker is not None:
        image |= {"signingCertificate": maker.signer.certificate, "signature": maker.signature(SHA)}
    outer = {name: more.pop(name) for name in ("retries", "retryInterval") if name in more}
    answer = lab.ask("UpdateFirmware", requestId=number, firmware=image | more, **outer)
    return answer["status"] if isinstance(answer, dict) else answer


def known_maker(lab: Field) -> Maker:
    maker = Maker(lab)  # type: ignore[arg-type]
    maker.deliver(lab)  # type: ignore[arg-type]
    return maker


@each_2x
@pytest.mark.parametrize("signed", [True, False], ids=["tc_l_01", "tc_l_02"])
def test_an_update(version: str, signed: bool) -> None:
    """L01.FR.01, FR.04, FR.10, FR.28, FR.31; L02.FR.01-02, FR.20."""
    lab = Field(version)
    assert update(lab, known_maker(lab) if signed else None) == "Accepted"
    lab.run(300)
    verified = ["SignatureVerified 11"] if signed else []
    assert lab.said() == [*FETCHED, *verified, "Installing 11", "Installed 11"]
    assert firmware.version(lab.station) == "2.0.0" and "FirmwareUpdated" in lab.events()
    boots = lab.csms.sent("BootNotification")
    assert [boot["chargingStation"]["firmwareVersion"] for boot in boots] == ["2.0.0"]


@each_2x
def test_tc_l_03_04_later(version: str) -> None:
    """L01.FR.13, FR.16: both moments are the clock's."""
    lab = Field(version)
    more = {"retrieveDateTime": lab.at(100), "installDateTime": lab.at(500)}
    assert update(lab, known_maker(lab), **more) == "Accepted"
    lab.run(99)
    assert lab.said() == ["DownloadScheduled 11"]
    lab.run(300)
    assert lab.said()[1:] == [*FETCHED, "SignatureVerified 11", "InstallScheduled 11"]
    lab.run(300)
    assert lab.said()[5:] == ["Installing 11", "Installed 11"]


@each_2x
def test_tc_l_05_an_unknown_certificate(version: str) -> None:
    """L01.FR.02, FR.21-22."""
    lab = Field(version)
    assert update(lab, Maker(lab)) == "InvalidCertificate"  # type: ignore[arg-type]
    lab.run(60)
    assert lab.said() == [] and lab.events() == ["InvalidFirmwareSigningCertificate"]


@each_2x
def test_tc_l_06_a_wrong_signature(version: str) -> None:
    """L01.FR.03: what its maker has not signed is not installed."""
    lab = Field(version)
    maker = known_maker(lab)
    assert update(lab, maker, signature=maker.signature("00" * 32)) == "Accepted"
    lab.run(300)
    assert lab.said() == [*FETCHED, "InvalidSignature 11"] and lab.events() == ["InvalidFirmwareSignature"]
    assert firmware.version(lab.station) == "1.0"


@each_2x
def test_half_a_signature(version: str) -> None:
    """L01.FR.21, and step 5 of its scenario: a signature that is missing entirely is an invalid one."""
    lab = Field(version)
    assert update(lab, signature="abc") == "Rejected" and lab.run(60).said() == []
    assert update(lab, signingCertificate="abc") == "InvalidCertificate" and lab.run(60).said() == []
    lab.forget()
    assert update(lab, signingCertificate=known_maker(lab).signer.certificate) == "Accepted"
    lab.run(60)
    assert lab.said() == [*FETCHED, "InvalidSignature 11"] and lab.events() == ["InvalidFirmwareSignature"]


@each_2x
def test_tc_l_18_a_station_that_knows_its_maker_takes_nothing_unsigned(version: str) -> None:
    """Who can check a signature wants one."""
    lab = Field(version)
    known_maker(lab)
    assert update(lab) == "Rejected" and lab.run(60).said() == []


@each_2x
def test_tc_l_07_08_it_cannot_be_fetched(version: str) -> None:
    """L01.FR.30: after the last attempt."""
    lab = Field(version)
    server = lab.files.servers["files.example"] = Server(fail="http_status")
    assert update(lab, retries=2, retryInterval=5) == "Accepted"
    lab.run(60)
    assert lab.said() == ["Downloading 11", "DownloadFailed 11"] and server.attempts == 3
    lab.forget().ask("TriggerMessage", requestedMessage="FirmwareStatusNotification")
    assert lab.said() == ["DownloadFailed 11"]  # L02.FR.17: the last status, also without a signature


@each_2x
@pytest.mark.parametrize("allowed", [False, True])
def test_tc_l_10_it_waits_for_transactions(version: str, allowed: bool) -> None:
    """L01.FR.06-07: nobody else begins meanwhile, unless the operator lets them."""
    lab = Field(version, evses=2, settings={ALLOW_NEW: allowed})
    lab.charge(1).forget()
    update(lab, known_maker(lab))
    lab.run(60)
    assert lab.said() == [*FETCHED, "SignatureVerified 11", "InstallScheduled 11"]  # L01.FR.34, part 6 TC_L_14-15
    assert lab.statuses(2) == ([] if allowed else ["Unavailable"])
    lab.present("TAG", 1).unplug(1).run(300)
    assert lab.said()[4:] == ["Installing 11", "Installed 11"]
    assert lab.statuses(2)[-1] == "Available"


@each_2x
def test_tc_l_11_a_new_request_cancels_the_old(version: str) -> None:
    """L01.FR.24, FR.27: but not once it is being installed."""
    lab = Field(version, hardware=product(install_s=100.0))
    update(lab, number=10, retrieveDateTime=lab.at(500))
    lab.run(1)
    assert update(lab) == "AcceptedCanceled"
    lab.run(20)
    assert lab.said() == ["DownloadScheduled 10", *FETCHED, "Installing 11"]
    assert update(lab, number=12) == "Rejected"


@each_2x
def test_tc_l_11_a_product_that_cannot_cancel(version: str) -> None:
    """L01.FR.27: not even while it waits."""
    lab = Field(version, hardware=product(cancels=False))
    update(lab, number=10, retrieveDateTime=lab.at(50))
    lab.run(1)
    assert update(lab) == "Rejected"
    lab.run(300)
    assert lab.said() == ["DownloadScheduled 10", "Downloading 10", "Downloaded 10", "Installing 10", "Installed 10"]
    assert update(lab) == "Accepted"


@each_2x
def test_tc_l_16_a_product_that_installs_while_charging(version: str) -> None:
    """Nobody is kept out, and the session goes on."""
    lab = Field(version, evses=2, hardware=product(restart="none", install_while_charging=True))
    lab.charge(1).forget()
    update(lab, known_maker(lab))
    lab.run(60)
    assert lab.said() == [*FETCHED, "SignatureVerified 11", "Installing 11", "Installed 11"]
    assert lab.statuses(2) == [] and lab.evse().flowing and not lab.csms.sent("BootNotification")


@each_2x
def test_a_restart_before_the_installation(version: str) -> None:
    """L01.FR.15."""
    lab = Field(version, hardware=product(restart="before"))
    update(lab)
    lab.run(600)
    assert lab.said() == [*FETCHED, "InstallRebooting 11", "Installing 11", "Installed 11"]


@each_2x
def test_triggered(version: str) -> None:
    """L01.FR.25-26, L02.FR.16-17, F06.FR.16."""
    lab = Field(version)

    def asked() -> list[str]:
        lab.forget()
        assert lab.ask("TriggerMessage", requestedMessage="FirmwareStatusNotification")["status"] == "Accepted"
        return lab.said()

    assert asked() == ["Idle"]
    update(lab, retrieveDateTime=lab.at(50))
    lab.run(10)
    assert asked() == ["DownloadScheduled 11"]
    lab.run(600)
    assert asked() == ["Idle"]


@each_2x
def test_publishing_is_for_local_controllers(version: str) -> None:
    """L03, L04."""
    lab = Field(version)
    publish = {"location": URL, "checksum": "0" * 32, "requestId": 1}
    assert lab.ask("PublishFirmware", **publish)[0] == "NotSupported"
    assert lab.ask("UnpublishFirmware", checksum="0" * 32)[0] == "NotSupported"
    assert update(lab, retrieveDateTime="soon")[0] == "PropertyConstraintViolation"
    assert dialect.table.feature == "FirmwareManagement"


@each_2x
@pytest.mark.parametrize("allowed", [False, True], ids=["tc_l_13", "tc_l_14"])
def test_a_product_that_does_not_fetch_while_charging(version: str, allowed: bool) -> None:
    """L01.FR.13: with others kept out meanwhile, unless the operator lets them in."""
    lab = Field(version, evses=2, settings={ALLOW_NEW: allowed}, hardware=product(fetch_while_charging=False))
    lab.charge(1).forget()
    update(lab, known_maker(lab))
    lab.run(60)
    assert lab.said() == ["DownloadScheduled 11"] and lab.statuses(2) == ([] if allowed else ["Unavailable"])
    lab.present("TAG", 1).unplug(1).run(300)
    assert lab.said()[1:] == [*FETCHED, "SignatureVerified 11", "Installing 11", "Installed 11"]
    # L01.FR.07: what was withdrawn is free again when the firmware is installed, and not earlier
    assert lab.statuses(2) == ["Unavailable", "Available"] and lab.station.data["withdrawn"] == ()


@each_2x
def test_what_is_fetched_after_a_session_is_installed_when_it_is_time(version: str) -> None:
    """L01.FR.16."""
    lab = Field(version, evses=2, hardware=product(fetch_while_charging=False))
    lab.charge(1).forget()
    update(lab, known_maker(lab), installDateTime=lab.at(1_000))
    lab.run(60).present("TAG", 1).unplug(1).run(300)
    assert lab.said()[-1] == "InstallScheduled 11" and lab.statuses(2) == ["Unavailable", "Available"]
    lab.run(900)
    assert lab.said()[-2:] == ["Installing 11", "Installed 11"]


@each_2x
def test_what_was_withdrawn_is_free_again_when_nothing_is_fetched(version: str) -> None:
    lab = Field(version, evses=2, hardware=product(fetch_while_charging=False))
    lab.files.servers["files.example"] = Server(fail="http_status")
    lab.charge(1).forget()
    update(lab, known_maker(lab), retries=0)
    lab.run(60)
    assert lab.statuses(2) == ["Unavailable"]
    lab.present("TAG", 1).unplug(1).run(300)
    assert lab.said()[-1] == "DownloadFailed 11" and lab.statuses(2) == ["Unavailable", "Available"]


@each_2x
def test_tc_l_08_a_damaged_image(version: str) -> None:
    """L01.FR.29: found while it is installed; the old firmware stays."""
    lab = Field(version)
    maker = known_maker(lab)
    lab.inject("flash.bad_image")
    update(lab, maker)
    lab.run(300)
    assert lab.said()[3:] == ["Installing 11", "InstallVerificationFailed 11"]
    assert firmware.version(lab.station) == "1.0"
