"""Words of the cases that move a station to the tool's other address.

The tool has two addresses. The station is at the first, by whatever slot it was delivered with; the other one goes into
the next slot, which is what the document does (errata 6.2.17): the slot in use is never written over.
"""

from __future__ import annotations

from typing import Any

from simulator.certify.rules import one_of
from simulator.certify.tester201 import Tester201
from simulator.certify.variables201 import place

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
ACTIVE = "OCPPCommCtrlr.ActiveNetworkProfile"
#: the two slots every product has (B09.FR.06)
SLOTS = ("1", "2")
#: how long a station waits for answers at the other address, s
TIMEOUT_S = 30


def active_slot(t: Tester201) -> str:
    """The slot of the present connection."""
    return t.read(ACTIVE) or SLOTS[0]


def network_profile(t: Tester201, *, security_profile: int, status: Any = "Accepted", listening: bool = True) -> str:
    """The tool stores its second address in the slot that is not in use, which is returned."""
    active = active_slot(t)
    slot = next(one for one in SLOTS if one != active)
    data = {
        "messageTimeout": TIMEOUT_S,
        "ocppCsmsUrl": t.rig.second_url(security_profile, listening),
        "ocppInterface": "Wired0" if t.rig.model.hardware.modem.kind == "ethernet" else "Wireless0",
        "ocppTransport": "JSON",
        "ocppVersion": "OCPP20",
        "securityProfile": security_profile,
    }
    t.call(2, "SetNetworkProfile", {"configurationSlot": int(slot), "connectionData": data}, status=status)
    return slot


def use_slots(t: Tester201, *slots: str, status: Any = one_of("Accepted", "RebootRequired")) -> None:  # noqa: B008
    """The tool says in which order the slots are tried."""
    payload = {"setVariableData": [{**place(PRIORITY), "attributeValue": ",".join(slots)}]}
    t.call(4, "SetVariables", payload, {"setVariableResult.0.attributeStatus": status})


def move(t: Tester201, *, security_profile: int, listening: bool = True) -> tuple[str, str]:
    """After the next reset the station goes to the other address; (slot so far, the new one)."""
    old = active_slot(t)
    new = network_profile(t, security_profile=security_profile, listening=listening)
    use_slots(t, new, old)
    return old, new
