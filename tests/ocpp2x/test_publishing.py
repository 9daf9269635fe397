"""A local controller publishes firmware (L03, L04), and a station behind it fetches it from there."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from simulator.blocks.publishing import AREA, MAX_PUBLISHED, Published
from simulator.core import inputs as i
from simulator.lab.files import Server
from tests.bench import each_2x
from tests.ocpp2x.field import Field
from tests.ocpp16.transfers import IMAGE, URL

NOTE = "PublishFirmwareStatusNotification"
MD5 = hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()
GOOD = ["Downloading 7", "Downloaded 7", "ChecksumVerified 7", "Published 7"]


def controller(version: str, **more: Any) -> Field:
    return Field(version, local_controller=True, **more)


def publish(lab: Field, checksum: str = MD5, url: str = URL, **more: Any) -> Any:
    return lab.ask("PublishFirmware", location=url, checksum=checksum, requestId=7, **more)


def trigger(lab: Field) -> list[str]:
    lab.forget()
    assert lab.ask("TriggerMessage", requestedMessage=NOTE)["status"] == "Accepted"
    lab.run(1)
    return lab.said(NOTE)


def places(lab: Field) -> list[str]:
    found: list[str] = lab.csms.sent(NOTE)[-1]["location"]
    return found


@each_2x
@pytest.mark.parametrize("spelled", [MD5, MD5.upper()], ids=["lower", "upper"])
def test_an_image_is_published_and_withdrawn(version: str, spelled: str) -> None:
    """L03.FR.01-05, FR.09, L04.FR.01-03: what is served is what was fetched."""
    lab = controller(version)
    assert publish(lab, spelled)["status"] == "Accepted"
    lab.run(5)
    assert lab.said(NOTE) == GOOD
    assert [sorted(payload) for payload in lab.csms.sent(NOTE)[:-1]] == [["requestId", "status"]] * 3
    (place,) = places(lab)
    assert lab.files.served[place] == IMAGE
    assert trigger(lab) == ["Idle"]  # L03.FR.10
    assert lab.ask("UnpublishFirmware", checksum="0" * 32)["status"] == "NoFirmware"
    assert lab.ask("UnpublishFirmware", checksum=MD5)["status"] == "Unpublished"
    assert place not in lab.files.served
    assert lab.ask("UnpublishFirmware", checksum=MD5)["status"] == "NoFirmware"


@each_2x
@pytest.mark.parametrize(
    ("url", "server", "checksum", "said"),
    [
        (URL, Server(fail="refused"), MD5, ["Downloading 7", "DownloadFailed 7"]),
        (URL, Server(break_after=10), MD5, ["Downloading 7", "DownloadFailed 7"]),
        ("http://files.example/none", Server(), MD5, ["Downloading 7", "DownloadFailed 7"]),
        ("gopher://files.example/x", Server(), MD5, ["Downloading 7", "DownloadFailed 7"]),
        (URL, Server(fail="timeout", failures=1), MD5, GOOD),
        (URL, Server(), "0" * 32, ["Downloading 7", "Downloaded 7", "InvalidChecksum 7"]),
    ],
)
def test_what_goes_wrong_is_told(version: str, url: str, server: Server, checksum: str, said: list[str]) -> None:
    """L03.FR.06-07, FR.11."""
    lab = controller(version)
    lab.files.servers["files.example"] = server
    assert publish(lab, checksum, url, retries=1, retryInterval=5)["status"] == "Accepted"
    lab.run(120)
    assert lab.said(NOTE) == said
    assert trigger(lab) == (["Idle"] if said == GOOD else said[-1:])
    assert bool(lab.worker.published) == (said == GOOD)
    assert lab.ask("UnpublishFirmware", checksum="0" * 32)["status"] == "NoFirmware"


@each_2x
def test_what_cannot_be_served_is_told(version: str) -> None:
    """L03.FR.08: a memory that takes nothing cannot list what is served, so it is not served."""
    lab = controller(version)
    lab.feed(i.Inject("worn", "flash.read_only", 0, {}))
    publish(lab)
    lab.run(5)
    assert lab.said(NOTE) == [*GOOD[:-1], "PublishFailed 7"] and not lab.worker.published


@each_2x
def test_one_at_a_time_and_only_so_many(version: str) -> None:
    lab = controller(version)
    lab.files.server().kb_s = 1.0
    publish(lab)
    lab.run(1)
    answer = publish(lab)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "Busy")
    assert lab.ask("UnpublishFirmware", checksum=MD5)["status"] == "DownloadOngoing"
    lab.run(1000)
    for number in range(MAX_PUBLISHED):
        lab.station.board.flash.write(AREA, str(number), Published(number, ("x",)), 8)
    answer = publish(lab, "1" * 32)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "OutOfStorage")
    assert publish(lab)["status"] == "Accepted"  # it takes its own place
    answer = publish(lab, "not a sum")
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidValue")


@each_2x
def test_nothing_is_withdrawn_from_under_a_station(version: str) -> None:
    """L04.FR.04."""
    lab = controller(version)
    publish(lab)
    lab.run(5)
    (place,) = places(lab)
    lab.files.server(place.split("/")[2]).kb_s = 1.0
    lab.ask("UpdateFirmware", requestId=1, firmware={"location": place, "retrieveDateTime": lab.at()})
    lab.run(1)
    assert lab.ask("UnpublishFirmware", checksum=MD5)["status"] == "DownloadOngoing"
    lab.run(2000)
    assert "Installed 1" in lab.said("FirmwareStatusNotification")
    assert lab.ask("UnpublishFirmware", checksum=MD5)["status"] == "Unpublished"


@each_2x
def test_a_restart_ends_what_is_under_way_and_nothing_else(version: str) -> None:
    lab = controller(version)
    publish(lab)
    lab.run(5)
    served = dict(lab.files.served)
    lab.files.server().kb_s = 1.0
    publish(lab, "1" * 32)
    lab.run(1)
    lab.forget()
    lab.feed(i.PowerOff())
    lab.feed(i.PowerOn())
    lab.run(60)
    assert lab.said(NOTE) == ["DownloadFailed 7"]
    assert lab.files.served == served
    lab.feed(i.PowerOff())
    lab.feed(i.PowerOn())
    lab.run(60)
    assert lab.said(NOTE) == ["DownloadFailed 7"], "told once"
    assert trigger(lab) == ["DownloadFailed 7"]  # L03.FR.11: the status sent last, also after a restart
    assert lab.ask("UnpublishFirmware", checksum=MD5)["status"] == "Unpublished"


@each_2x
def test_a_product_that_is_none_says_so(version: str) -> None:
    lab = Field(version)
    assert publish(lab)[0] == "NotSupported"
    assert lab.ask("UnpublishFirmware", checksum=MD5)[0] == "NotSupported"
    assert lab.ask("TriggerMessage", requestedMessage=NOTE)["status"] == "NotImplemented"
