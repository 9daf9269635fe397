"""E06, E07, E09, E10: where transactions stop, and the cable that is pulled at the car."""

from __future__ import annotations

from simulator.certify.case import case_201
from simulator.certify.cases201.starts import TIMEOUT, TIMEOUT_S, parking_bay_occupied
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states201 import (
    HAND_S,
    energy_started,
    energy_suspended,
    ev_connected_after,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
    stopped_locally,
    stopped_remotely,
)
from simulator.certify.tester201 import Tester201

STOP = "TxCtrlr.TxStopPoint"
ON_EV_SIDE = "TxCtrlr.StopTxOnEVSideDisconnect"
UNLOCK = "OCPPCommCtrlr.UnlockOnEVSideDisconnect"


@case_201("TC_E_06", states=[energy_started])
def stop_by_token(t: Tester201) -> None:
    """Local Stop Transaction: accepted."""
    stopped_locally(t)
    ev_connected_after(t)
    ev_disconnected(t)
    parking_bay_unoccupied(t)


@case_201("TC_E_07", settings={STOP: "PowerPathClosed"}, states=[energy_started])
def power_path_by_token(t: Tester201) -> None:
    """Stop point: PowerPathClosed, Local stop."""
    stopped_locally(t)


@case_201("TC_E_15", settings={STOP: "Authorized"}, states=[energy_started])
def authorised_by_token(t: Tester201) -> None:
    """Stop point: StopAuthorized, Local."""
    t.wait(t.tool.transaction_s)
    t.present()
    t.hear(t.event(1, "StopAuthorized", kind="Ended", stopped="Local"))


@case_201("TC_E_35", settings={STOP: "PowerPathClosed"}, states=[energy_started])
def power_path_remotely(t: Tester201) -> None:
    """Stop point: PowerPathClosed, Remote stop."""
    stopped_remotely(t)


@case_201("TC_E_21", settings={STOP: "Authorized"}, states=[energy_started])
def authorised_remotely(t: Tester201) -> None:
    """Stop point: StopAuthorized, Remote."""
    stopped_remotely(t)


@case_201("TC_E_08", settings={STOP: "EnergyTransfer"}, states=[energy_started])
def energy_by_token(t: Tester201) -> None:
    """Stop point: EnergyTransfer stopped, StopAuthorized."""
    stop_authorized(t)


@case_201("TC_E_22", settings={STOP: "EnergyTransfer"}, states=[energy_started])
def energy_by_the_car(t: Tester201) -> None:
    """Stop point: EnergyTransfer stopped, SuspendedEV."""
    t.rig.ev_ready(t.connector, False)
    states = one_of("EVConnected", "SuspendedEV")
    t.hear(t.event(1, "ChargingStateChanged", kind="Ended", state=states, stopped="StoppedByEV"))


@case_201("TC_E_14", settings={STOP: "EVConnected"}, states=[ev_connected_after])
def connection_lost(t: Tester201) -> None:
    """Stop point: EVDisconnected, station side."""
    t.unplug()
    stopped = one_of("Local", "EVDisconnected", OMITTED) if t.local else "Remote"
    ended = t.event(3, "EVCommunicationLost", kind="Ended", state="Idle", stopped=stopped)
    t.any_order(t.status(1, "Available"), ended)


@case_201("TC_E_20", settings={STOP: "EVConnected", ON_EV_SIDE: False}, states=[energy_suspended])
def connection_lost_at_the_car(t: Tester201) -> None:
    """Stop point: EVDisconnected, EV side (able to charge IEC 61851-1 EV)."""
    _pulled(t, "Ended", "EVDisconnected")


@case_201("TC_E_54", settings={STOP: "EVConnected", ON_EV_SIDE: False}, states=[energy_suspended])
def connection_lost_at_a_car_that_talks(t: Tester201) -> None:
    """Stop point: EVDisconnected, EV side (not able to charge IEC 61851-1 EV)."""
    _pulled(t, "Ended", one_of("StoppedByEV", "EVDisconnected"))


@case_201("TC_E_37", settings={STOP: "PowerPathClosed", ON_EV_SIDE: False}, states=[energy_suspended])
def power_path_lost_at_the_car(t: Tester201) -> None:
    """Stop point: PowerPathClosed, EV side disconnect."""
    _pulled(t, "Ended", one_of("EVDisconnected", "StoppedByEV"))


@case_201("TC_E_17", settings={STOP: "Authorized", ON_EV_SIDE: True, UNLOCK: False}, states=[energy_suspended])
def deauthorised_at_the_car(t: Tester201) -> None:
    """Stop point: deauthorized, EV side disconnect."""
    _pulled(t, "Ended", "EVDisconnected", free=False)
    _release(t)


@case_201("TC_E_24", settings={ON_EV_SIDE: True, UNLOCK: True}, states=[energy_suspended])
def unlocked(t: Tester201) -> None:
    """Cable pulled at the car: deauthorize transaction, UnlockOnEVSideDisconnect is true."""
    _pulled(t, one_of("Ended", "Updated"), one_of("EVDisconnected", OMITTED), free=False)
    t.unplug("station")
    t.hear(t.status(3, "Available"))


@case_201("TC_E_25", settings={ON_EV_SIDE: True, UNLOCK: False}, states=[energy_suspended])
def stays_locked(t: Tester201) -> None:
    """Cable pulled at the car: deauthorize transaction, UnlockOnEVSideDisconnect is false."""
    _pulled(t, one_of("Ended", "Updated"), one_of("EVDisconnected", OMITTED), free=False)
    _release(t)


@case_201(
    "TC_E_26",
    settings={STOP: "Authorized", ON_EV_SIDE: False, UNLOCK: False},
    states=[energy_started],
)
def goes_on(t: Tester201) -> None:
    """Cable pulled at the car: suspend transaction."""
    fixed = t.rig.fixed_cable(t.connector)
    t.unplug("ev")
    lost = t.event(1, "EVCommunicationLost", kind="Updated", state="Idle")
    t.any_order(lost, *([t.status(3, "Available")] if fixed else []))
    t.wait(HAND_S)
    if fixed:
        t.plug()
    else:
        t.rig.replug(t.connector)
    back = t.event(5, "CablePluggedIn", kind="Updated", state="EVConnected")
    t.any_order(back, *([t.status(5, "Occupied")] if fixed else []))
    t.until(7, t.event(7, "ChargingStateChanged", kind="Updated", state="Charging"))


@case_201(
    "TC_E_27",
    settings={STOP: "Authorized", ON_EV_SIDE: False, UNLOCK: False, TIMEOUT: TIMEOUT_S},
    states=[energy_suspended],
)
def nobody_comes_back(t: Tester201) -> None:
    """Cable pulled at the car: suspend transaction, Fixed cable connection timeout. Nobody reconnects (errata)."""
    t.unplug("ev")
    t.connected = False
    lost = t.event(1, "EVCommunicationLost", kind="Updated", state="Idle")
    t.any_order(lost, t.status(3, "Available"))
    t.hear(t.event(5, "EVConnectTimeout", kind="Ended", stopped="Timeout"), after_s=TIMEOUT_S - 10.0)


@case_201(
    "TC_E_19",
    settings={STOP: "ParkingBayOccupancy"},
    states=[parking_bay_occupied, energy_started, ev_disconnected],
)
def bay_left(t: Tester201) -> None:
    """Stop point: ParkingBayUnoccupied."""
    t.rig.park(t.connector, False)
    t.hear(t.event(1, "EVDeparted", kind="Ended", stopped="Local" if t.local else "Remote"))


def _pulled(t: Tester201, kind: object, stopped: object, *, free: bool = True) -> None:
    """The cable is pulled at the car: the event of step 1. ``free``: what becomes of the socket is left open."""
    t.unplug("ev")
    t.connected = t.authorized = False
    lost = t.event(1, "EVCommunicationLost", kind=kind, state="Idle", stopped=stopped)
    t.any_order(lost, *([t.status(1, "Available")] if t.rig.fixed_cable(t.connector) and free else []))


def _release(t: Tester201) -> None:
    """The driver gets the cable back with the token, where it is still locked in; the connector is free."""
    if not t.rig.fixed_cable(t.connector):
        t.wait(HAND_S)
        t.present()
        t.wait(HAND_S)
        t.unplug("station")
        t.drop("Authorize")
    t.hear(t.status(3, "Available"))
