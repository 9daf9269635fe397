"""B11, B12: resets of the station and of an EVSE, idle and in a transaction."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states201 import (
    STOPPED_AT_ONCE,
    connector_unavailable,
    energy_started,
    ev_connected_after,
    ev_disconnected,
    parking_bay_unoccupied,
    rebooted,
    stop_authorized,
    with_a_cable,
)
from simulator.certify.states201_reservation import reserved
from simulator.certify.tester201 import Tester201

ON_IDLE, IMMEDIATE = {"type": "OnIdle"}, {"type": "Immediate"}


@case_201("TC_B_20")
def when_idle(t: Tester201) -> None:
    """Reset station: without ongoing transaction, OnIdle."""
    t.call(2, "Reset", ON_IDLE, status="Accepted")
    rebooted(t)


@case_201("TC_B_21", states=[energy_started])
def in_a_transaction_when_idle(t: Tester201) -> None:
    """Reset station: with Ongoing Transaction, OnIdle."""
    t.call(2, "Reset", ON_IDLE, status="Scheduled")
    _others_withdrawn(t, t.connector)
    stop_authorized(t)
    status = with_a_cable(t)
    if not t.points("TxStopPoint") & STOPPED_AT_ONCE:
        ev_connected_after(t)
        ev_disconnected(t)
        status = "Available"
    rebooted(t, step=7, statuses={t.connector: status}, reason="ScheduledReset")


@case_201("TC_B_22", states=[energy_started])
def in_a_transaction_at_once(t: Tester201) -> None:
    """Reset station: with Ongoing Transaction, Immediate."""
    t.call(2, "Reset", IMMEDIATE, status="Accepted")
    fields = {"idToken": OMITTED}
    ended = t.event(3, "ResetCommand", kind="Ended", state="EVConnected", stopped="ImmediateReset", fields=fields)
    t.until(3, ended)
    rebooted(t, step=5, statuses={t.connector: with_a_cable(t)}, event=False, reason="RemoteReset")


@case_201("TC_B_23", memory=[connector_unavailable])
def stays_unavailable(t: Tester201) -> None:
    """Reset station: unavailable persists reset."""
    t.call(2, "Reset", ON_IDLE, status="Accepted")
    rebooted(t, statuses={t.connector: "Unavailable"}, event=False, reason="RemoteReset")


@case_201("TC_B_24", memory=[reserved])
def stays_reserved(t: Tester201) -> None:
    """Reset station: reserved persists reset. Errata 6.2.16: at once, because a reservation is no idle state."""
    t.call(2, "Reset", IMMEDIATE, status="Accepted")
    rebooted(t, statuses={t.connector: "Reserved"}, event=False, reason="RemoteReset")


@case_201("TC_B_41")
def in_several_transactions(t: Tester201) -> None:
    """Reset station: with multiple ongoing transactions, OnIdle."""
    first, second = t.rig.connectors[:2]
    transactions = {}
    for evse in (first, second):
        t.go_to(evse, _token(t, evse))
        energy_started(t)
        transactions[evse] = t.transaction_id
    t.call(2, "Reset", ON_IDLE, status="Scheduled")
    _others_withdrawn(t, first, second)
    t.go_to(first, _token(t, first), connected=True)
    t.transaction_id = transactions[first]
    stop_authorized(t)
    ev_connected_after(t)
    parking_bay_unoccupied(t)
    t.go_to(second, _token(t, second), connected=True)
    t.transaction_id = transactions[second]
    stop_authorized(t)
    status = with_a_cable(t)
    if not t.points("TxStopPoint") & STOPPED_AT_ONCE:
        ev_connected_after(t)
        ev_disconnected(t)
        status = "Available"
    rebooted(t, step=11, statuses={second: status}, reason="ScheduledReset")


def _others_withdrawn(t: Tester201, *busy: int) -> None:
    """EVSEs without a transaction become unavailable while the reset waits, and may say so (B12, step 3a)."""
    for evse in t.rig.connectors:
        if evse not in busy:
            gone = t.status(2, "Unavailable", evse)
            t.maybe(gone.step, gone.action, gone.fields)


def _token(t: Tester201, evse: int) -> str:
    """The token that belongs to an EVSE."""
    return t.tool.valid if evse == t.rig.connectors[0] else t.tool.valid2


@case_201("TC_B_25")
def evse_when_idle(t: Tester201) -> None:
    """Reset EVSE: without ongoing transaction."""
    t.call(2, "Reset", {**ON_IDLE, "evseId": t.connector}, status="Accepted")
    _restarts(t, "Available")


@case_201("TC_B_26", states=[energy_started])
def evse_in_a_transaction_when_idle(t: Tester201) -> None:
    """Reset EVSE: with Ongoing Transaction, OnIdle. The EVSE restarts as soon as the transaction has ended (B12.FR.01),
    be it with the stop or when the car leaves."""
    t.call(2, "Reset", {**ON_IDLE, "evseId": t.connector}, status="Scheduled")
    stop_authorized(t)
    left: Any = "Available"
    if t.points("TxStopPoint") & STOPPED_AT_ONCE:
        _restarts(t, with_a_cable(t))
    else:
        left = one_of("Available", "Unavailable")
    ev_connected_after(t)
    ev_disconnected(t, left)


@case_201("TC_B_27", states=[energy_started])
def evse_in_a_transaction_at_once(t: Tester201) -> None:
    """Reset EVSE: with Ongoing Transaction, Immediate."""
    t.call(2, "Reset", {**IMMEDIATE, "evseId": t.connector}, status="Accepted")
    t.until(3, t.event(3, "ResetCommand", kind="Ended", state="EVConnected", stopped="ImmediateReset"))
    _restarts(t, with_a_cable(t))


def _restarts(t: Tester201, then: Any) -> None:
    """An EVSE that restarts may say so (B11.FR.08); if it does, it says what it is afterwards."""
    gone = t.status(3, "Unavailable")
    if t.maybe(gone.step, gone.action, gone.fields) is not None:
        t.hear(t.status(4, then), within_s=300.0)


@case_201("TC_B_28")
def evse_cannot(t: Tester201) -> None:
    """Reset EVSE: not Supported."""
    t.call(2, "Reset", {**ON_IDLE, "evseId": t.connector}, status="Rejected")


@case_201("TC_B_29", states=[energy_started])
def evse_cannot_in_a_transaction(t: Tester201) -> None:
    """Reset EVSE: with ongoing transaction, Not Supported."""
    t.call(2, "Reset", {**ON_IDLE, "evseId": t.connector}, status="Rejected")
