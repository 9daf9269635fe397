"""P01: what vendors say to each other, and data of theirs within other messages."""

from __future__ import annotations

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place

VENDOR = "org.openchargealliance.octt"
CUSTOM = {"customData": {"vendorId": VENDOR, "test": "value"}}
THRESHOLD, VALUE = "OCPPCommCtrlr.OfflineThreshold", "200"


@case_201("TC_P_01")
def nothing_of_ours(t: Tester201) -> None:
    """Data Transfer to the station: rejected / Unknown VendorId / Unknown MessagingId."""
    status = one_of("UnknownVendorId", "UnknownMessageId", "Rejected")
    t.call(2, "DataTransfer", {"vendorId": VENDOR, "messageId": "cpfarm.unused"}, status=status)


@case_201("TC_P_03")
def custom_data(t: Tester201) -> None:
    """CustomData: receive custom data."""
    where = {**place(THRESHOLD), "attributeType": "Actual"}
    wanted = {"setVariableData": [{**where, "attributeValue": VALUE, **CUSTOM}], **CUSTOM}
    t.call(2, "SetVariables", wanted, {"setVariableResult.0.attributeStatus": "Accepted"})
    fields = {
        "getVariableResult.0.attributeStatus": "Accepted",
        "getVariableResult.0.attributeType": one_of("Actual", OMITTED),
        "getVariableResult.0.attributeValue": VALUE,
    }
    t.call(4, "GetVariables", {"getVariableData": [{**where, **CUSTOM}], **CUSTOM}, fields)
