"""Quirks of firmware updates, on the wire, with and without."""

from __future__ import annotations

from typing import Any

from simulator.core.wall import format_wall
from simulator.lab.jobs import LabWorker
from simulator.quirks import fw
from tests.ocpp16.transfers import IMAGE
from tests.quirks.rig import Bench, compare


def update(b: Bench, url: str) -> list[str]:
    b.fleet.worker = LabWorker()
    b.fleet.worker.files.serve(url, IMAGE)
    b.boot()
    b.disturbed = True
    b.ask("UpdateFirmware", location=url, retrieveDate=format_wall(b.fleet.epoch_us))
    b.run(60)
    return [payload["status"] for payload in b.sent("FirmwareStatusNotification")]


def test_only_ftp() -> None:
    def scenario(b: Bench) -> tuple[str, list[str]]:
        told = update(b, "http://files.example/image.bin")
        (row,) = b.ask("GetConfiguration", key=["SupportedFileTransferProtocols"])["configurationKey"]
        return row["value"], told[-1:]

    assert fw.FtpOnly.name == "fw-ftp-only"
    without = lambda found: found[0] != "FTP" and found[1] == ["Installed"]  # noqa: E731
    compare("fw-ftp-only", scenario, without=without, with_=("FTP", ["DownloadFailed"]))


def test_the_address_is_encoded_twice() -> None:
    def scenario(b: Bench) -> Any:
        update(b, "http://files.example/client/util?FileName=a%20b")
        return next(job.args["url"] for _, job in b.fleet.jobs)

    compare(
        "fw-url-double-encoded", scenario,
        without="http://files.example/client/util?FileName=a%20b",
        with_="http://files.example/client%2Futil%3FFileName%3Da%2520b",
    )  # fmt: skip
    assert fw.encoded("ftp://host") == "ftp://host"


def test_firmware_that_comes_by_itself() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug().token("TAG", 30)
        b.token("TAG", 5).unplug().run(200)
        b.run(200)
        return [boot["firmwareVersion"] for boot in b.sent("BootNotification")]

    params = {"after_s": 20}
    b = compare("fw-variant-by-hardware-revision", scenario, without=["1.0"], with_=["1.0", "6.7.25"], params=params)
    assert b.csms.transactions[1]["stop"] is not None, "not while somebody charges"
