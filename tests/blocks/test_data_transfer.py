"""Vendor messages, both ways."""

from __future__ import annotations

from simulator.blocks import data_transfer
from simulator.core import inputs as i
from tests.bench import bench, each_version


@each_version
def test_an_unknown_vendor(version: str) -> None:
    """1.6 5.6, P01.FR.05."""
    answer = bench(version).ask("DataTransfer", vendorId="com.example", messageId="m", data="text")
    assert answer == {"status": "UnknownVendorId"}


@each_version
def test_an_unknown_message_of_the_own_vendor(version: str) -> None:
    """1.6 5.6, P01.FR.06."""
    lab = bench(version)
    assert lab.ask("DataTransfer", vendorId="Maker", messageId="m") == {"status": "UnknownMessageId"}
    assert lab.ask("DataTransfer", vendorId="Maker") == {"status": "Rejected"}


@each_version
def test_a_message_of_the_station(version: str) -> None:
    lab = bench(version)
    data_transfer.send(lab.station, "Maker", "hello", "42")
    data_transfer.send(lab.station, "Maker", None, None)
    lab.run(400)
    assert lab.csms.sent("DataTransfer") == [
        {"vendorId": "Maker", "messageId": "hello", "data": "42"},
        {"vendorId": "Maker"},
    ]


@each_version
def test_a_message_by_hand(version: str) -> None:
    lab = bench(version)
    lab.feed(i.Perform("data_transfer", {"vendor_id": "Maker", "message_id": "hello", "data": "42"}))
    lab.run(400)
    assert lab.csms.sent("DataTransfer") == [{"vendorId": "Maker", "messageId": "hello", "data": "42"}]
