"""E01 to E03, E05: where transactions start, in which order, and what keeps them from it."""

from __future__ import annotations

from simulator.certify.case import case_201
from simulator.certify.cases201.meter_values import located
from simulator.certify.rules import PRESENT, one_of
from simulator.certify.states201 import (
    HAND_S,
    REMOTE_START_ID,
    authorized,
    authorized_locally,
    energy_started,
    ev_connected,
    running,
    start_request,
)
from simulator.certify.tester201 import Tester201, same_token
from simulator.core import inputs as i

START, STOP = "TxCtrlr.TxStartPoint", "TxCtrlr.TxStopPoint"
TIMEOUT = "TxCtrlr.EVConnectionTimeOut"
TIMEOUT_S = 30
#: what the tool does not want in the way of an authorisation
ONLINE = {"AuthCacheCtrlr.Enabled": False, "AuthCtrlr.LocalPreAuthorize": False}
#: a car that takes no energy
FULL = i.EvSpec(soc=1.0, curve="flat")


@case_201("TC_E_01", settings={START: "PowerPathClosed"}, states=[authorized])
def power_path_closed(t: Tester201) -> None:
    """Start point: PowerPathClosed. Until energy flows, as the errata have it here and in the following."""
    ev_connected(t)
    energy_started(t)


@case_201("TC_E_02", settings={START: "EnergyTransfer"}, states=[authorized])
def energy_transfer(t: Tester201) -> None:
    """Start point: EnergyTransfer."""
    t.wait(HAND_S)
    t.plug()
    t.connected = True
    triggers = ("ChargingStateChanged", "Authorized") if t.local else ("RemoteStart",)
    fields = {**same_token(t.valid), "evse.id": t.connector, "evse.connectorId": 1}
    started = t.event(3, one_of(*triggers), kind="Started", state="Charging", fields=fields)
    t.any_order(t.status(1, "Occupied"), started)


@case_201("TC_E_09", settings={START: "EVConnected"})
def connected(t: Tester201) -> None:
    """Start point: EVConnected."""
    t.plug()
    t.connected = True
    triggers = one_of("CablePluggedIn", "ChargingStateChanged")
    fields = {"evse.id": t.connector, "evse.connectorId": 1}
    started = t.event(3, triggers, kind="Started", state="EVConnected", fields=fields)
    t.any_order(t.status(1, "Occupied"), started)
    energy_started(t)


def parking_bay_occupied(t: Tester201) -> None:
    """The car is in the bay (ParkingBayOccupied)."""
    with t.within("ParkingBayOccupied"):
        was = running(t)
        t.rig.park(t.connector)
        if not was and "ParkingBayOccupancy" in t.points("TxStartPoint"):
            t.hear(t.event(1, "EVDetected", kind="Started"))


@case_201("TC_E_12", settings={START: "ParkingBayOccupancy"})
def bay_occupied(t: Tester201) -> None:
    """Start point: ParkingBayOccupied."""
    parking_bay_occupied(t)
    authorized(t)
    ev_connected(t)
    energy_started(t)


@case_201("TC_E_10", settings={START: "Authorized"})
def authorised_here(t: Tester201) -> None:
    """Start point: authorized, Local."""
    t.present()
    t.expect(1, "Authorize", same_token(t.valid))
    t.hear(t.event(3, "Authorized", kind="Started", fields=same_token(t.valid)))
    t.authorized = True
    ev_connected(t)
    energy_started(t)


@case_201("TC_E_13", settings={START: "Authorized"})
def authorised_remotely(t: Tester201) -> None:
    """Start point: authorized, Remote."""
    asks = t.read("AuthCtrlr.AuthorizeRemoteStart", 1) == "true"
    t.call(2, "RequestStartTransaction", start_request(t), status="Accepted")
    if asks:
        t.expect(3, "Authorize", same_token(t.valid))
    fields = {**same_token(t.valid), "transactionInfo.remoteStartId": REMOTE_START_ID}
    t.hear(t.event(5, "RemoteStart", kind="Started", fields=fields))
    t.authorized = True
    ev_connected(t)
    energy_started(t)


@case_201("TC_E_39", settings={STOP: "Authorized", TIMEOUT: TIMEOUT_S}, states=[authorized])
def too_late(t: Tester201) -> None:
    """Stop point: deauthorized, timeout."""
    if running(t):
        ended = t.event(1, "EVConnectTimeout", kind="Ended", stopped="Timeout")
        t.hear(ended, after_s=TIMEOUT_S - 10.0)
    t.wait(TIMEOUT_S)
    t.authorized = False
    t.plug()
    t.hear(t.status(2, "Occupied"))
    t.never(3, "TransactionEvent", 30.0, {"transactionInfo.chargingState": "Charging"})


@case_201("TC_E_03", states=[ev_connected])
def cable_first(t: Tester201) -> None:
    """Local start, Cable plugin first: success."""
    authorized_locally(t)
    energy_started(t)


@case_201("TC_E_04")
def token_first(t: Tester201) -> None:
    """Local start, Authorization first: success."""
    authorized_locally(t)
    energy_started(t)


@case_201("TC_E_05", settings={TIMEOUT: TIMEOUT_S, **ONLINE}, states=[authorized_locally])
def token_but_no_cable(t: Tester201) -> None:
    """Local start, Authorization first: cable plugin timeout."""
    if running(t):
        ended = "Authorized" in t.points("TxStopPoint")
        kind, stopped = ("Ended", "Timeout") if ended else ("Updated", None)
        t.hear(t.event(1, "EVConnectTimeout", kind=kind, stopped=stopped), after_s=TIMEOUT_S - 10.0)
    t.wait(TIMEOUT_S)
    t.authorized = False
    authorized_locally(t)
    energy_started(t)


@case_201(
    "TC_E_52",
    settings={"AuthCtrlr.Enabled": True, "AuthCtrlr.DisableRemoteAuthorization": True},
    if_implemented=["AuthCtrlr.Enabled"],
)
def nobody_is_asked(t: Tester201) -> None:
    """Local start, Authorization first: DisableRemoteAuthorization. The cable shows that it was refused (errata)."""
    t.present()
    t.never(1, "Authorize", 30.0)
    ev_connected(t)
    t.never(3, "TransactionEvent", 30.0, {"transactionInfo.chargingState": "Charging"})


@case_201("TC_E_38", states=[authorized])
def car_not_ready(t: Tester201) -> None:
    """Local start: EV not ready."""
    t.car = FULL
    ev_connected(t)
    t.hear(t.event(2, "ChargingStateChanged", state="SuspendedEV"))


@case_201("TC_J_07", settings={START: "EVConnected"})
def begin_values(t: Tester201) -> None:
    """Sampled Meter Values: EventType Started, EVSE known."""
    t.plug()
    t.connected = True
    fields = {"meterValue.0.sampledValue.0.context": "Transaction.Begin", "meterValue.0.sampledValue.0.value": PRESENT}
    t.any_order(t.status(1, "Occupied"), t.event(1, kind="Started", fields=fields))
    energy_started(t)
    located(t)


@case_201("TC_J_08", settings={START: "Authorized"})
def begin_values_when_the_evse_is_known(t: Tester201) -> None:
    """Sampled Meter Values: context Transaction.Start, EVSE not known."""
    context = {"meterValue.0.sampledValue.0.context": "Transaction.Begin"}
    t.present()
    t.expect("authorize", "Authorize", same_token(t.valid))
    started = t.hear(t.event("start", "Authorized", kind="Started"))
    known = "evse" in started.payload  # a reader for each EVSE: the values are due at once (E01.FR.09)
    if known:
        t.validate(3, started, context)
    t.wait(HAND_S)
    t.plug()
    t.connected = True
    fields = {"evse.id": t.connector, "evse.connectorId": 1}
    t.any_order(t.status(1, "Occupied"), t.event(3, "CablePluggedIn", kind="Updated", fields=fields))
    # else in the event in which charging starts (E01.FR.17)
    t.hear(t.event(9, "ChargingStateChanged", state="Charging", fields={} if known else context))
    located(t)
