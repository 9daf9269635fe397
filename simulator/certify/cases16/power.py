"""Power failures: with and without a reserve, and what survives them."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states import charging
from simulator.certify.tester import Tester, message

#: a station may take this long to be back, s
BACK_S = 600.0


@case("TC_032_1", states=[charging])
def stopped_before(t: Tester) -> None:
    """The reserve is used to end the transaction; after the boot the car is still there."""
    t.rig.mains(False)
    t.any_order(
        message(1, "StopTransaction", reason="PowerLoss"),
        message(3, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )
    t.wait(30)
    t.drop("StatusNotification")  # the other connectors may say that they have no power
    t.rig.mains(True)
    t.expect(5, "BootNotification", within_s=BACK_S)
    t.statuses(7, {t.connector: one_of("Finishing", "Preparing")}, others="Available")


@case("TC_032_2", states=[charging])
def stopped_after(t: Tester) -> None:
    """The transaction ends when the station is back, or goes on until the driver ends it."""
    t.power_cycle()
    t.expect(1, "BootNotification", within_s=BACK_S)
    t.any_order(
        message(5, "StopTransaction", reason=one_of("PowerLoss", "Local", OMITTED)),
        message(3, "StatusNotification", connectorId=t.connector, status=one_of("Preparing", "Finishing")),
        *(
            message(3, "StatusNotification", connectorId=n, status="Available")
            for n in (0, *t.rig.connectors)
            if n != t.connector
        ),
    )
    t.never(7, "StatusNotification", 5, connectorId=t.connector, status="Available")


@case("TC_034")
def still_unavailable(t: Tester) -> None:
    """Out of order before, out of order after."""
    t.call(2, "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, status="Accepted")
    t.statuses(3, {}, others="Unavailable")
    t.power_cycle()
    t.expect(5, "BootNotification", within_s=BACK_S)
    t.statuses(7, {}, others="Unavailable")
