"""Vendor messages of 1.6.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

from simulator.core.reports import DataSent
from simulator.ocpp16 import data_transfer
from tests.bench import Lab


def test_tc_064_cs_data_transfer_to_the_station(lab: Lab) -> None:
    answer = lab.ask("DataTransfer", vendorId="somebody", messageId="m", data="x")
    assert answer["status"] in ("UnknownVendorId", "UnknownMessageId", "Rejected")


def test_a_vendor_id_has_no_case(lab: Lab) -> None:
    """6.15: CiString255Type."""
    assert lab.ask("DataTransfer", vendorId="MAKER", messageId="m") == {"status": "UnknownMessageId"}


def test_a_message_of_the_station_carries_text(lab: Lab) -> None:
    """4.3: data is a text in 1.6, whatever the product meant."""
    lab.station.publish(DataSent("Maker", "m", 42))
    lab.run(400)
    assert lab.csms.sent("DataTransfer") == [{"vendorId": "Maker", "messageId": "m", "data": "42"}]
    assert {action for action, _, _ in data_transfer.table.handlers} == {"DataTransfer"}
