"""Remote start and stop."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.cases16.sessions import started
from simulator.certify.rules import PRESENT
from simulator.certify.states import authorizes_remote, charging
from simulator.certify.tester import Tester, message

UNKNOWN_TRANSACTION = 2_000_000_000


def remote_start(t: Tester) -> None:
    """Steps 1 to 8 of a remote start without a cable."""
    asks = authorizes_remote(t, 2)
    t.call(4, "RemoteStartTransaction", {"idTag": t.valid, "connectorId": t.connector}, status="Accepted")
    wanted = [message(7, "StatusNotification", connectorId=t.connector, status="Preparing")]
    if asks:
        wanted.append(message(5, "Authorize", idTag=t.valid))
    t.any_order(*wanted)


@case("TC_010")
def cable_in(t: Tester) -> None:
    """The cable is in: the state is the whole case."""
    charging(t)


@case("TC_011_1")
def cable_later(t: Tester) -> None:
    """The cable follows."""
    remote_start(t)
    t.plug()
    started(t, 9, 11)


@case("TC_011_2", settings={"ConnectionTimeOut": lambda t: t.tool.connection_timeout_s})
def cable_never(t: Tester) -> None:
    """No cable within the time-out."""
    limit_s = t.tool.connection_timeout_s
    remote_start(t)
    t.expect(
        9, "StatusNotification", connectorId=t.connector, status="Available", after_s=limit_s - 2, within_s=limit_s + 5
    )


@case("TC_012", states=[charging])
def remote_stop(t: Tester) -> None:
    """A remote stop ends the transaction."""
    t.call(2, "RemoteStopTransaction", {"transactionId": t.transaction_id}, status="Accepted")
    t.any_order(
        message(3, "StopTransaction", reason="Remote", transactionId=t.transaction_id),
        message(5, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )


@case("TC_026", settings={"LocalPreAuthorize": False}, states=[charging])
def start_refused(t: Tester) -> None:
    """No second transaction at the same connector."""
    t.call(2, "RemoteStartTransaction", {"idTag": t.valid, "connectorId": t.connector}, status="Rejected")


@case("TC_027")
def start_of_zero(t: Tester) -> None:
    """Connector 0 cannot start."""
    t.call(2, "RemoteStartTransaction", {"idTag": t.valid, "connectorId": 0}, or_error=PRESENT, status="Rejected")


@case("TC_028", states=[charging])
def stop_refused(t: Tester) -> None:
    """Nobody knows this transaction."""
    t.call(2, "RemoteStopTransaction", {"transactionId": UNKNOWN_TRANSACTION}, status="Rejected")
