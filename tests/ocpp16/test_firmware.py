"""UpdateFirmware: every state, every failure, and what a restart makes of them (1.6 5.19)."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.blocks import firmware, firmware_record
from simulator.core import inputs as i
from simulator.core.link_policy import SECURITY_PROFILE
from simulator.core.model import HardwareSpec, Identity, ModemSpec
from simulator.fleet.state import StateDir, restore
from simulator.hardware.flash import Flash
from simulator.lab.files import Server
from tests.ocpp16.transfers import IMAGE, SHA, URL, Field, field, product, told, update

DONE = ["Firmware Downloading", "Firmware Downloaded", "Firmware Installing", "Firmware Installed"]


def test_download_install_and_the_new_version_in_the_next_boot() -> None:
    lab = field()
    assert update(lab) == {}
    lab.run(60)
    assert told(lab) == DONE
    assert [p["firmwareVersion"] for p in lab.csms.sent("BootNotification")] == ["2.0.0"]
    order = [a for a in lab.csms.actions() if a != "SecurityEventNotification"]
    assert order == [
        *["FirmwareStatusNotification"] * 3,
        "StatusNotification",  # the connector is withdrawn
        "BootNotification",
        *["StatusNotification"] * 2,
        "FirmwareStatusNotification",
    ]
    assert [p["type"] for p in lab.csms.sent("SecurityEventNotification")] == ["FirmwareUpdated"]
    assert lab.statuses() == ["Unavailable", "Available"]
    assert firmware.installed(lab.station) == firmware.Installed("2.0.0", SHA, len(IMAGE))
    assert lab.station.boot_reason == "FirmwareUpdate"
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert lab.csms.sent("BootNotification")[-1]["firmwareVersion"] == "2.0.0"
    assert told(lab) == DONE, "nothing is told twice"


def test_nothing_is_fetched_before_its_time() -> None:
    lab = field()
    update(lab, after_s=100)
    lab.run(99)
    assert told(lab) == [] and not lab.jobs()
    lab.run(2)
    assert told(lab)[:1] == ["Firmware Downloading"]


def test_the_time_to_retrieve_survives_a_power_cut() -> None:
    lab = field()
    update(lab, after_s=300)
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 100)
    assert told(lab) == []
    lab.run(400)
    assert told(lab) == DONE


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (None, 3)])
def test_a_download_that_fails_leaves_the_old_firmware(retries: int | None, attempts: int) -> None:
    lab = field()
    more = {} if retries is None else {"retries": retries}
    update(lab, "ftp://files.example/download_fail.fwi", retryInterval=5, **more)
    lab.run(300)
    assert told(lab) == ["Firmware Downloading", "Firmware DownloadFailed"]
    assert len(lab.jobs("download")) == attempts
    assert not lab.csms.sent("BootNotification") and firmware.version(lab.station) == "1.0"
    assert lab.statuses() == [] and lab.evse().operative


@pytest.mark.parametrize(
    ("server", "ok"),
    [
        (Server(password="u:p"), False),
        (Server(fail="refused", failures=1), True),
        (Server(break_after=100, failures=2), True),
        (Server(break_after=100), False),
        (Server(fail="http_status"), False),
    ],
)
def test_attempts_end_with_the_first_that_succeeds(server: Server, ok: bool) -> None:
    lab = field()
    lab.files.servers["files.example"] = server
    update(lab, retries=2, retryInterval=1)
    lab.run(200)
    assert told(lab) == (DONE if ok else ["Firmware Downloading", "Firmware DownloadFailed"])


@pytest.mark.parametrize("url", ["gopher://files.example/x", "nothing"])
def test_an_address_of_no_use_is_not_tried(url: str) -> None:
    lab = field()
    update(lab, url, retries=5)
    lab.run(5)
    assert told(lab) == ["Firmware Downloading", "Firmware DownloadFailed"] and not lab.jobs()


def test_an_image_larger_than_its_room_is_not_fetched() -> None:
    lab = field(hardware=product(max_bytes=1_024))
    update(lab, retries=0)
    lab.run(5)
    assert told(lab) == ["Firmware Downloading", "Firmware DownloadFailed"]


@pytest.mark.parametrize("image", [b"", b"CPFARM-FIRMWARE\nwithout a version", b"CPFARM-FIRMWARE {evil}\n"])
def test_what_is_no_firmware_is_not_installed(image: bytes) -> None:
    lab = field()
    lab.files.serve(URL, image)
    update(lab)
    lab.run(60)
    assert told(lab) == ["Firmware Downloading", "Firmware Downloaded", "Firmware InstallationFailed"]
    assert firmware.version(lab.station) == "1.0" and lab.evse().operative


def test_a_damaged_image_is_not_installed() -> None:
    lab = field().inject("flash.bad_image")
    assert isinstance(lab, Field) and not lab.station.board.flash.image_intact()
    update(lab)
    lab.run(60)
    assert told(lab) == ["Firmware Downloading", "Firmware Downloaded", "Firmware InstallationFailed"]
    lab.clear()
    assert isinstance(lab.station.board.flash, Flash) and lab.station.board.flash.image_intact()


def test_it_waits_for_the_end_of_transactions_and_nothing_new_begins() -> None:
    lab = field(evses=3)
    lab.charge(1).forget()
    lab.ask("ChangeAvailability", connectorId=3, type="Inoperative")
    update(lab)
    lab.run(30)
    assert told(lab) == ["Firmware Downloading", "Firmware Downloaded"]
    assert lab.statuses(2) == ["Unavailable"] and lab.statuses(1) == [] and lab.evse(1).flowing
    assert lab.remote_start("OTHER", 2) == "Rejected"
    assert lab.ask("ChangeAvailability", connectorId=2, type="Operative")["status"] == "Accepted"
    lab.run(5)
    assert lab.statuses(2) == ["Unavailable"], "an update that waits is stronger"
    lab.remote_stop()
    lab.run(5)
    assert told(lab)[2:] == ["Firmware Installing"] and not lab.evse(1).operative
    lab.unplug(1).run(60)
    assert told(lab) == DONE
    assert [lab.statuses(n)[-1] for n in (1, 2, 3)] == ["Available", "Available", "Unavailable"]


def test_a_product_without_restart_is_updated_at_once() -> None:
    lab = field(hardware=product(restart="none"))
    update(lab)
    lab.run(20)
    assert told(lab) == DONE and not lab.csms.sent("BootNotification")
    assert firmware.version(lab.station) == "2.0.0" and lab.statuses() == ["Unavailable", "Available"]


def test_a_full_memory_takes_no_request() -> None:
    lab = field()
    lab.inject("flash.full", free_bytes=20)
    assert update(lab)[0] == "GenericError"
    lab.run(30)
    assert told(lab) == [] and not lab.jobs()


def test_the_mark_of_the_new_firmware_must_be_written() -> None:
    lab = field(hardware=product(restart="none"))
    update(lab)
    lab.run(5).inject("flash.read_only").run(30)
    assert told(lab)[-1] == "Firmware InstallationFailed" and firmware.version(lab.station) == "1.0"


def test_a_power_cut_while_fetching_counts_as_an_attempt() -> None:
    lab = field(hardware=HardwareSpec(modem=ModemSpec(rtt_ms=(0, 0), bandwidth_kb_s=1.0)))
    update(lab, retries=0)
    lab.run(3).feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert told(lab) == ["Firmware Downloading", "Firmware DownloadFailed"]
    lab.forget()
    update(lab, retries=1, retryInterval=1)
    lab.run(3).feed(i.PowerOff(), 5).feed(i.PowerOn(), 90)
    assert told(lab) == DONE


def test_a_power_cut_while_installing_leaves_the_old_firmware() -> None:
    lab = field()
    update(lab)
    lab.run(5).feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert told(lab) == [*DONE[:3], "Firmware InstallationFailed"]
    assert lab.csms.sent("BootNotification")[-1]["firmwareVersion"] == "1.0" and lab.evse().operative


def test_a_new_request_replaces_one_that_waits_but_not_an_installation() -> None:
    lab = field()
    update(lab, "http://files.example/other.bin", after_s=500)
    update(lab)
    lab.run(5)
    assert told(lab) == DONE[:3]
    assert update(lab)[0] == "GenericError"
    lab.run(600)
    assert told(lab) == DONE


def test_states_that_arise_offline_are_told_later() -> None:
    lab = field(hardware=product(restart="none"))
    update(lab, after_s=20)
    lab.fleet.cut(lab.station, silently=False)
    lab.fleet.mend(lab.station)
    path = lab.fleet.paths[0]
    path.refuse = "refused"
    lab.run(60)
    assert told(lab) == []
    path.refuse = ""
    lab.run(200)
    assert told(lab) == DONE


def test_on_a_security_profile_firmware_has_to_be_signed() -> None:
    lab = field(settings={SECURITY_PROFILE: 1})
    assert update(lab)[0] == "NotSupported"
    lab.run(30)
    assert told(lab) == [] and not lab.jobs()


def test_a_date_that_is_none_is_refused() -> None:
    lab = field()
    assert lab.ask("UpdateFirmware", location=URL, retrieveDate="2026-02-30T00:00:00Z")[0] == (
        "PropertyConstraintViolation"
    )


def test_the_trigger_tells_the_state() -> None:
    lab = field()

    def trigger(action: str = "TriggerMessage") -> list[str]:
        before = len(told(lab))
        lab.ask(action, requestedMessage="FirmwareStatusNotification")
        return told(lab)[before:]

    assert trigger() == ["Firmware Idle"] and trigger("ExtendedTriggerMessage") == ["SignedFirmware Idle"]
    update(lab)
    lab.run(2)
    assert trigger() == ["Firmware Installing"] and trigger("ExtendedTriggerMessage") == ["SignedFirmware Idle"]
    lab.run(60)
    assert trigger() == ["Firmware Idle"]
    update(lab, "http://files.example/none", retries=0)
    lab.run(10)
    assert trigger() == ["Firmware Idle"]


# -- the image ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "name", "version"),
    [
        (b"CPFARM-FIRMWARE 2.0.0\nrest", "x-9.9.bin", "2.0.0"),
        (b"CPFARM-FIRMWARE  v3-beta \r\n", "x.bin", "v3-beta"),
        (b"CPFARM-FIRMWARE TAC3Z91::V1.8.22\n", "x.bin", "TAC3Z91::V1.8.22"),
        (b"CPFARM-FIRMWARE\n", "x-9.9.bin", ""),
        (b"CPFARM-FIRMWARE " + b"9" * 51 + b"\n", "x-9.9.bin", ""),
        (b"\x7fELF", "station-4.12.1-release.bin", "4.12.1"),
        (b"\x7fELF", "station7.bin", "1.0+0123abcd"),
        (b"", "station-4.12.1.bin", ""),
        (b"\xff\xfe", "1." * 60 + "1", ("1." * 60)[:50]),
    ],
)
def test_where_the_version_comes_from(head: bytes, name: str, version: str) -> None:
    assert firmware_record.version_of(head, len(head), name, "0123abcd" * 8, "1.0") == version


def test_versions_do_not_grow_from_update_to_update() -> None:
    once = firmware_record.version_of(b"x", 1, "y", "ab" * 32, "1" * 60)
    assert len(once) == 50 and firmware_record.version_of(b"x", 1, "y", "cd" * 32, once) == once[:42] + "cdcdcdcd"


def test_a_body_that_is_not_moved_is_firmware_all_the_same() -> None:
    assert firmware_record.version_of(b"", 5_000, "x-3.1.bin", "", "1.0") == "3.1"
    assert firmware_record.version_of(b"", 5_000, "x.bin", "", "1.0") == "1.0+new"


def test_a_product_that_does_not_say_its_version_says_it_after_an_update() -> None:
    lab = field(identity=Identity("Maker", "Model", firmware=None))
    assert firmware.version(lab.station) is None
    update(lab)
    lab.run(60)
    assert lab.csms.sent("BootNotification")[-1]["firmwareVersion"] == "2.0.0"
    assert firmware.version(Field(identity=Identity("M", "M", firmware="R{n:02d}")).station) == "R00"


def test_a_record_of_another_schema_is_put_aside() -> None:
    lab = field()
    lab.station.board.flash.write(firmware_record.AREA, firmware_record.UPDATE_KEY, {"schema": 99}, 10)
    lab.feed(i.Perform("reboot"), 60)
    assert lab.station.board.flash.get(firmware_record.AREA, firmware_record.UPDATE_KEY) is None and told(lab) == []


def test_an_update_survives_in_a_state_folder(tmp_path: Path) -> None:
    lab = field()
    update(lab, after_s=300)
    lab.run(1)
    state = StateDir(tmp_path)
    state.save([lab.station], lab.fleet.now)
    other = Field()
    stored = state.load("CP1")
    assert stored is not None
    other.feed(i.PowerOff())
    restore(other.station, stored)
    other.files.serve(URL, IMAGE)
    other.feed(i.PowerOn(), 500)
    assert told(other) == DONE
    state.save([other.station], other.fleet.now)
    third, stored = Field(), state.load("CP1")
    state.close()
    assert stored is not None
    third.feed(i.PowerOff())
    restore(third.station, stored)
    third.forget().feed(i.PowerOn(), 60)
    assert third.csms.sent("BootNotification")[0]["firmwareVersion"] == "2.0.0" and told(third) == []
