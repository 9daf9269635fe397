"""How sessions end at the station: by token, by group, by the cable."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.rules import one_of
from simulator.certify.states import charging, grouped
from simulator.certify.tester import Tester, message

#: how long nothing may happen after a token that must do nothing, s
SILENCE_S = 10.0


def _pulled(stop: bool, unlock: bool) -> dict[str, object]:
    return {
        "MinimumStatusDuration": 0,
        "StopTransactionOnEVSideDisconnect": stop,
        "UnlockConnectorOnEVSideDisconnect": unlock,
    }


@case("TC_068", states=[charging])
def same_token(t: Tester) -> None:
    """Only the token of the start stops."""
    t.present(t.valid2)
    t.never(1, "StopTransaction", SILENCE_S)
    t.never(1, "Authorize", 0)
    t.present(t.valid)
    t.any_order(
        message(3, "StopTransaction", idTag=t.valid),
        message(5, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )


@case("TC_069", memory=[grouped], states=[charging])
def same_group(t: Tester) -> None:
    """Another token of the same group stops."""
    t.present(t.member)
    t.expect(1, "Authorize", idTag=t.member)
    t.any_order(
        message(3, "StopTransaction", idTag=t.member),
        message(5, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )


@case("TC_005_1", settings=_pulled(True, True), if_implemented=["MinimumStatusDuration"], states=[charging])
def pulled_and_unlocked(t: Tester) -> None:
    """The cable pulled at the car stops the transaction."""
    t.unplug("ev")
    t.any_order(
        message(1, "StopTransaction", reason="EVDisconnected"),
        message(3, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )


@case("TC_005_2", settings=_pulled(True, False), if_implemented=["MinimumStatusDuration"], states=[charging])
def pulled_and_locked(t: Tester) -> None:
    """The transaction stops; the cable is let go by command."""
    t.unplug("ev")
    t.any_order(
        message(1, "StopTransaction", reason="EVDisconnected"),
        message(3, "StatusNotification", connectorId=t.connector, status=one_of("Finishing", "Available")),
    )
    t.call(6, "UnlockConnector", {"connectorId": t.connector}, status=one_of("Unlocked", "NotSupported"))


@case("TC_005_3", settings=_pulled(False, False), if_implemented=["MinimumStatusDuration"], states=[charging])
def pulled_and_on(t: Tester) -> None:
    """The transaction goes on without energy until the tool stops it."""
    t.unplug("ev")
    t.expect(
        1,
        "StatusNotification",
        connectorId=t.connector,
        status=one_of("SuspendedEV", "SuspendedEVSE"),
        info="EV side disconnected",
    )
    t.call(4, "RemoteStopTransaction", {"transactionId": t.transaction_id}, status="Accepted")
    ended = one_of("Finishing", "Available") if t.rig.fixed_cable(t.connector) else "Finishing"
    t.any_order(
        message(5, "StatusNotification", connectorId=t.connector, status=ended),
        message(7, "StopTransaction", reason="Remote"),
    )
