"""Unlocking, with and without a transaction, with and without a lock."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.states import charging
from simulator.certify.tester import Tester, message


@case("TC_017_1")
def idle_socket(t: Tester) -> None:
    """A socket opens."""
    t.call(2, "UnlockConnector", {"connectorId": t.connector}, status="Unlocked")


@case("TC_017_2")
def idle_fixed(t: Tester) -> None:
    """A fixed cable has no lock."""
    t.call(2, "UnlockConnector", {"connectorId": t.connector}, status="NotSupported")


@case("TC_018_1", states=[charging])
def busy_socket(t: Tester) -> None:
    """Unlocking ends the transaction."""
    t.call(2, "UnlockConnector", {"connectorId": t.connector}, status="Unlocked")
    t.any_order(
        message(3, "StopTransaction", reason="UnlockCommand"),
        message(5, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )
    t.unplug()
    t.expect(7, "StatusNotification", connectorId=t.connector, status="Available")


@case("TC_018_2", states=[charging])
def busy_fixed(t: Tester) -> None:
    """A fixed cable has no lock; the transaction goes on."""
    t.call(2, "UnlockConnector", {"connectorId": t.connector}, status="NotSupported")


@case("TC_030", states=[charging])
def jammed(t: Tester) -> None:
    """A closed lock that does not move."""
    t.rig.inject("hand-lock", "lock.jammed", t.connector)
    t.call(2, "UnlockConnector", {"connectorId": t.connector}, status="UnlockFailed")


@case("TC_031")
def unknown(t: Tester) -> None:
    """There is no such connector."""
    t.call(2, "UnlockConnector", {"connectorId": max(t.rig.connectors) + 1}, status="NotSupported")
