"""Resets, idle and in a transaction."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.rules import one_of
from simulator.certify.states import charging
from simulator.certify.tester import Tester, message

#: how long a station may take from the answer to the boot, s
BOOT_S = 300.0


def _while_unavailable(t: Tester, kind: str) -> None:
    """An inoperative connector stays so over a reset."""
    away = {"connectorId": t.connector, "type": "Inoperative"}
    t.call(2, "ChangeAvailability", away, status="Accepted")
    t.expect(3, "StatusNotification", connectorId=t.connector, status="Unavailable")
    t.call(6, "Reset", {"type": kind}, status="Accepted")
    booted = True
    if kind == "Hard":
        t.expect(7, "BootNotification", within_s=BOOT_S)
    else:
        booted = t.maybe(7, "BootNotification", within_s=BOOT_S) is not None
    if booted:
        t.statuses(9, {t.connector: "Unavailable"}, others="Available")
    t.call(12, "ChangeAvailability", away | {"type": "Operative"}, status="Accepted")
    t.expect(13, "StatusNotification", connectorId=t.connector, status="Available")


@case("TC_013")
def hard_idle(t: Tester) -> None:
    """Hard reset."""
    _while_unavailable(t, "Hard")


@case("TC_014")
def soft_idle(t: Tester) -> None:
    """Soft reset; the boot is optional."""
    _while_unavailable(t, "Soft")


@case("TC_015", states=[charging])
def hard_charging(t: Tester) -> None:
    """The transaction is stopped, told before or after the boot."""
    t.call(2, "Reset", {"type": "Hard"}, status="Accepted")
    stop = message(3, "StopTransaction", reason="HardReset", transactionId=t.transaction_id)
    finishing = message(5, "StatusNotification", connectorId=t.connector, status="Finishing")
    first = t.peek(within_s=BOOT_S)
    if first and (first.action == "StopTransaction" or finishing.fits(first.payload)[0]):
        t.any_order(stop, finishing)
        t.expect(7, "BootNotification", within_s=BOOT_S)
        _statuses_after(t)
        return
    t.expect(7, "BootNotification", within_s=BOOT_S)
    connectors = (0, *t.rig.connectors)
    statuses = [message(9, "StatusNotification", connectorId=n, status=_after(t, n)) for n in connectors]
    t.any_order(stop, *statuses)


@case("TC_016", states=[charging])
def soft_charging(t: Tester) -> None:
    """The transaction is stopped first."""
    t.call(2, "Reset", {"type": "Soft"}, status="Accepted")
    t.any_order(
        message(3, "StopTransaction", reason="SoftReset", transactionId=t.transaction_id),
        message(5, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )
    if t.maybe(7, "BootNotification", within_s=BOOT_S) is not None:
        _statuses_after(t)


def _after(t: Tester, connector: int) -> object:
    """The status after the boot: the car is still there, but a household socket does not feel it."""
    if connector != t.connector:
        return "Available"
    return one_of("Finishing", "Preparing", *(() if t.rig.feels_cars(connector) else ("Available",)))


def _statuses_after(t: Tester) -> None:
    t.statuses(9, {t.connector: _after(t, t.connector)}, others="Available")
