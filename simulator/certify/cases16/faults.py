"""Broken hardware: a lock that does not close, a station that may not charge."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.rules import one_of
from simulator.certify.states import authorizes_remote
from simulator.certify.tester import Tester, message


@case("TC_024")
def lock_fails(t: Tester) -> None:
    """Without a closed lock the connector is faulted and nothing starts. (the cable is only half in)"""
    t.rig.inject("hand-lock", "lock.jammed", t.connector)
    asks = authorizes_remote(t, 2)
    t.call(4, "RemoteStartTransaction", {"idTag": t.valid, "connectorId": t.connector}, status="Accepted")
    wanted = [message(7, "StatusNotification", connectorId=t.connector, status="Preparing")]
    if asks:
        wanted.append(message(5, "Authorize", idTag=t.valid))
    t.any_order(*wanted)
    t.plug()
    t.expect(9, "StatusNotification", connectorId=t.connector, status="Faulted", errorCode="ConnectorLockFailure")
    t.never("9b", "StartTransaction", t.tool.transaction_s)


@case("TC_041")
def faulted(t: Tester) -> None:
    """A faulted station starts nothing."""
    t.rig.inject("hand-station", "protection.emergency_stop")
    t.statuses(1, {t.connector: "Faulted"}, others=one_of("Faulted", "Available"))
    t.plug()
    t.present(t.valid)
    t.never(3, "StartTransaction", t.tool.transaction_s)
