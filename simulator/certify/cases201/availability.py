"""G01, G03, G04: statuses of connectors, and what the tool takes out of service and puts back."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.states201 import (
    booted_with,
    booting,
    concerned,
    connector_unavailable,
    energy_started,
    ev_connected,
    ev_connected_after,
    evse_unavailable,
    rebooted,
    running,
    station_unavailable,
    stop_authorized,
)
from simulator.certify.tester201 import Tester201

Where = dict[str, int] | None


def _change(t: Tester201, operative: bool, where: Where, status: str = "Accepted") -> None:
    word = "Operative" if operative else "Inoperative"
    payload: dict[str, Any] = {"operationalStatus": word} | ({"evse": where} if where else {})
    t.call(2, "ChangeAvailability", payload, status=status)


def _back(t: Tester201, where: Where) -> None:
    """Put back into service: every connector concerned says so."""
    _change(t, True, where)
    t.any_order(*(t.status(3, "Available", evse) for evse in concerned(t, where)))


def _in_a_transaction(t: Tester201, where: Where) -> None:
    """Out of service when the transaction is over; what has none at once."""
    _change(t, False, where, "Scheduled")
    others = [evse for evse in concerned(t, where) if evse != t.connector]
    t.any_order(*(t.status(3, "Unavailable", evse) for evse in others))
    stop_authorized(t)
    if running(t):
        ev_connected_after(t)
    if running(t):
        t.unplug()
        t.connected = False
        t.hear(t.event(10, "EVCommunicationLost", kind="Ended"))
    t.hear(t.status(4, "Unavailable"))


@case_201("TC_G_01")
def occupied(t: Tester201) -> None:
    """Connector status: available to Occupied."""
    ev_connected(t)


@case_201("TC_G_02", states=[ev_connected])
def available(t: Tester201) -> None:
    """Connector status: occupied to Available."""
    t.unplug()
    t.until(3, t.status(3, "Available"))


@case_201("TC_G_03")
def evse_out(t: Tester201) -> None:
    """Change Availability EVSE: operative to inoperative."""
    evse_unavailable(t)


@case_201("TC_G_05")
def station_out(t: Tester201) -> None:
    """Change Availability station: operative to inoperative."""
    station_unavailable(t)


@case_201("TC_G_07")
def connector_out(t: Tester201) -> None:
    """Change Availability Connector: operative to inoperative."""
    connector_unavailable(t)


@case_201("TC_G_04", memory=[evse_unavailable])
def evse_back(t: Tester201) -> None:
    """Change Availability EVSE: inoperative to operative."""
    _back(t, {"id": t.connector})


@case_201("TC_G_06", states=[station_unavailable])
def station_back(t: Tester201) -> None:
    """Change Availability station: inoperative to operative."""
    _back(t, None)


@case_201("TC_G_08", memory=[connector_unavailable])
def connector_back(t: Tester201) -> None:
    """Change Availability Connector: inoperative to operative."""
    _back(t, t.evse)


@case_201("TC_G_09")
def evse_stays(t: Tester201) -> None:
    """Change Availability EVSE: operative to operative."""
    _change(t, True, {"id": t.connector})


@case_201("TC_G_12")
def station_stays(t: Tester201) -> None:
    """Change Availability station: operative to operative."""
    _change(t, True, None)


@case_201("TC_G_15")
def connector_stays(t: Tester201) -> None:
    """Change Availability Connector: operative to operative."""
    _change(t, True, t.evse)


@case_201("TC_G_10", states=[evse_unavailable])
def evse_stays_out(t: Tester201) -> None:
    """Change Availability EVSE: inoperative to inoperative."""
    _change(t, False, {"id": t.connector})


@case_201("TC_G_13", states=[station_unavailable])
def station_stays_out(t: Tester201) -> None:
    """Change Availability station: inoperative to inoperative."""
    # Step 3 wants the status told again; G03.FR.05 and G04.FR.06 want it told when it changes, which it does not.
    _change(t, False, None)


@case_201("TC_G_16", states=[connector_unavailable])
def connector_stays_out(t: Tester201) -> None:
    """Change Availability Connector: inoperative to inoperative."""
    _change(t, False, t.evse)


@case_201("TC_G_11", states=[energy_started])
def evse_in_a_transaction(t: Tester201) -> None:
    """Change Availability EVSE: with ongoing transaction."""
    _in_a_transaction(t, {"id": t.connector})


@case_201("TC_G_14", states=[energy_started])
def station_in_a_transaction(t: Tester201) -> None:
    """Change Availability station: with ongoing transaction."""
    _in_a_transaction(t, None)


@case_201("TC_G_17", states=[energy_started])
def connector_in_a_transaction(t: Tester201) -> None:
    """Change Availability Connector: with ongoing transaction."""
    _in_a_transaction(t, t.evse)


@case_201("TC_G_18", states=[evse_unavailable])
def evse_after_a_boot(t: Tester201) -> None:
    """Change Availability EVSE: state persists across reboot."""
    _change(t, False, {"id": t.connector})
    booted_with(t, "Immediate", statuses={t.connector: "Unavailable"})


@case_201("TC_G_19", states=[connector_unavailable])
def connector_after_a_boot(t: Tester201) -> None:
    """Change Availability Connector: state persists across reboot."""
    booting(t)
    rebooted(t, step=2, statuses={t.connector: "Unavailable"})


@case_201("TC_G_21", states=[station_unavailable])
def station_after_a_boot(t: Tester201) -> None:
    """Change Availability station: state persists across reboot."""
    booting(t)
    rebooted(t, step=2, statuses=dict.fromkeys(t.rig.connectors, "Unavailable"))
