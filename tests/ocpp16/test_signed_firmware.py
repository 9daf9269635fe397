"""SignedUpdateFirmware: certificate, signature, times, and what is told (white paper L01)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import firmware
from simulator.core import inputs as i
from simulator.core.model import FirmwareSpec, HardwareSpec, ModemSpec
from simulator.lab.jobs import LabWorker
from simulator.pki.authority import Authority
from tests.ocpp16.transfers import DAY_US, SHA, URL, Field, Maker, field, product, signed, told, words

SIGNED = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]


@pytest.fixture
def trusted() -> tuple[Field, Maker]:
    lab = field()
    maker = Maker(lab)
    maker.deliver(lab)
    return lab, maker


def test_a_signed_update(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted
    assert signed(lab, maker) == {"status": "Accepted"}
    lab.run(60)
    assert told(lab) == words(11, *SIGNED)
    assert [p["type"] for p in lab.csms.sent("SecurityEventNotification")] == ["FirmwareUpdated"]
    assert lab.csms.sent("BootNotification")[-1]["firmwareVersion"] == "2.0.0"
    lab.forget()
    lab.ask("ExtendedTriggerMessage", requestedMessage="FirmwareStatusNotification")
    assert told(lab) == ["SignedFirmware Idle"]  # L01.FR.28


def test_a_wrong_signature_is_not_installed(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted
    assert signed(lab, maker, signature=maker.signature("00" * 32))["status"] == "Accepted"
    lab.run(60)
    assert told(lab) == words(11, "Downloading", "Downloaded", "InvalidSignature")
    assert [p["type"] for p in lab.csms.sent("SecurityEventNotification")] == ["InvalidFirmwareSignature"]
    assert not lab.csms.sent("BootNotification") and firmware.version(lab.station) == "1.0"
    lab.forget()
    lab.ask("ExtendedTriggerMessage", requestedMessage="FirmwareStatusNotification")
    assert told(lab) == words(11, "InvalidSignature")  # L01.FR.29


def test_a_certificate_nobody_trusts_is_refused_before_anything_is_fetched() -> None:
    lab = field()
    maker = Maker(lab)
    assert signed(lab, maker)["status"] == "InvalidCertificate", "no root of the maker is there"
    maker.deliver(lab)
    assert signed(lab, Maker(lab))["status"] == "InvalidCertificate", "another maker"
    client = maker.authority.station(
        "CP1", not_before_us=lab.fleet.epoch_us - DAY_US, not_after_us=lab.fleet.epoch_us + DAY_US
    )
    assert signed(lab, maker, signingCertificate=client.certificate)["status"] == "InvalidCertificate"
    assert signed(lab, maker, signingCertificate="rubbish")["status"] == "InvalidCertificate"
    lab.run(60)
    assert told(lab) == [] and not lab.jobs("download")
    events = [p["type"] for p in lab.csms.sent("SecurityEventNotification")]
    assert events == ["InvalidFirmwareSigningCertificate"] * 4


def test_an_expired_certificate_is_refused(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted
    late = Authority.load(maker.authority.pem, maker.authority.key_pem)
    maker.signer = late.code_signing(
        "Old", not_before_us=lab.fleet.epoch_us - 3 * DAY_US, not_after_us=lab.fleet.epoch_us - DAY_US
    )
    assert signed(lab, maker)["status"] == "InvalidCertificate"


def test_it_is_installed_at_the_time_given(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted
    signed(lab, maker, installDateTime=lab.at(600))
    lab.run(300)
    assert told(lab) == words(11, "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled")
    assert lab.evse().operative, "until then the station may be used"
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 400)
    assert told(lab)[4:] == words(11, "Installing", "Installed")


def test_the_time_to_retrieve_is_told(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted
    signed(lab, maker, retrieveDateTime=lab.at(100))
    lab.run(50)
    assert told(lab) == words(11, "DownloadScheduled")
    lab.run(200)
    assert told(lab)[1:] == words(11, *SIGNED)


def test_a_new_request_cancels_one_that_waits(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted
    signed(lab, maker, 1, installDateTime=lab.at(600))
    lab.run(30)
    lab.forget()
    assert signed(lab, maker, 2)["status"] == "AcceptedCanceled"
    lab.run(3)
    assert told(lab) == words(2, *SIGNED[:4])
    assert signed(lab, maker, 3)["status"] == "Rejected"  # L01.FR.27
    lab.run(60)
    assert told(lab) == words(2, *SIGNED)


def test_an_installer_that_needs_a_restart_says_so(trusted: tuple[Field, Maker]) -> None:
    lab = field(hardware=product(restart="before"))
    maker = Maker(lab)
    maker.deliver(lab)
    signed(lab, maker)
    lab.run(90)
    assert told(lab) == words(11, *SIGNED[:3], "InstallRebooting", "Installing", "Installed")
    assert len(lab.csms.sent("BootNotification")) == 1
    lab.feed(i.Perform("reboot"), 60)
    assert lab.csms.sent("BootNotification")[-1]["firmwareVersion"] == "2.0.0"


def test_a_damaged_image_of_a_signed_update_fails_its_verification(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted
    lab.inject("flash.bad_image")
    signed(lab, maker)
    lab.run(30)
    assert told(lab) == words(11, *SIGNED[:3], "InstallVerificationFailed")


def test_the_answer_is_dropped_with_the_link_and_then_nothing_begins(trusted: tuple[Field, Maker]) -> None:
    lab, maker = trusted

    class Slow(LabWorker):
        def begin(self, station: Any, job: Any, now: int) -> Any:
            return [(at + 5_000_000, event) for at, event in super().begin(station, job, now)]

    lab.fleet.worker = Slow(lab.files)
    lab.fleet.call(
        lab.station,
        "SignedUpdateFirmware",
        {
            "requestId": 1,
            "firmware": {
                "location": URL,
                "retrieveDateTime": lab.at(),
                "signingCertificate": maker.signer.certificate,
                "signature": maker.signature(SHA),
            },
        },
    )
    lab.run(1)
    assert lab.station.later and signed(lab, maker, 2)["status"] == "Rejected", "one check at a time"
    lab.fleet.cut(lab.station)
    lab.fleet.mend(lab.station)
    lab.run(120)
    assert told(lab) == [] and not lab.jobs("download")
    lab.fleet.worker = lab.worker
    assert signed(lab, maker, 3)["status"] == "Accepted"


def test_a_product_that_cannot_fetch_while_charging_waits_and_pauses() -> None:
    lab = field(
        hardware=HardwareSpec(
            modem=ModemSpec(rtt_ms=(0, 0), bandwidth_kb_s=1.0), firmware=FirmwareSpec(fetch_while_charging=False)
        )
    )
    maker = Maker(lab)
    maker.deliver(lab)
    lab.run(5).charge().run(5).forget()
    assert signed(lab, maker, 1)["status"] == "Accepted"
    lab.run(60)
    assert told(lab) == words(1, "DownloadScheduled") and not lab.jobs("download")
    lab.present("TAG").run(2)
    assert told(lab) == words(1, "DownloadScheduled", "Downloading")
    lab.unplug().run(1)
    lab.plug().present("TAG").run(60)
    assert told(lab)[2:] == words(1, "DownloadPaused")
    lab.present("TAG").run(2)
    lab.unplug().run(60)
    assert told(lab)[3:] == words(1, "Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed")
