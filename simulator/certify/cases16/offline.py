"""Sessions without a connection: begun, ended, or both, and what the central system says of the token later."""

from __future__ import annotations

from collections.abc import Callable

from simulator.certify.case import State, case
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.states import cached_token, charging, local_list
from simulator.certify.tester import Tester, message

#: a station that was offline may take this long to be back, s
BACK_S = 600.0
#: how long the driver waits at the station, s
WHILE_S = 20.0
MAY_START = {
    "LocalAuthorizeOffline": True,
    "LocalAuthListEnabled": True,
    "AuthorizationCacheEnabled": True,
    "AllowOfflineTxForUnknownId": True,
}
IF = ("LocalAuthListEnabled", "AuthorizationCacheEnabled", "AllowOfflineTxForUnknownId", "MaxEnergyOnInvalidId")


def if_keyed(key: str, state: State) -> State:
    """A memory state, for a product that has the key it rests on."""

    def maybe(t: Tester) -> None:
        if t.read(key) is not None:
            state(t)

    return maybe


def known(role: str, token: Callable[[Tester], str]) -> list[State]:
    """The token stands in the list and in the cache, as far as the product has them."""
    return [
        if_keyed("LocalAuthListEnabled", local_list(role)),
        if_keyed("AuthorizationCacheEnabled", lambda t: cached_token(t, token(t))),
    ]


def start_offline(t: Tester, token: str) -> None:
    """The connection goes, a session begins, the connection comes back."""
    t.rig.network(False)
    t.wait(5)
    t.plug()
    t.wait(5)
    t.present(token)
    t.wait(WHILE_S)


def told_as_charging(t: Tester, token: str) -> None:
    """Back online the start is told, and that energy flows."""
    t.rig.network(True)
    t.any_order(
        message(1, "StartTransaction", connectorId=t.connector, idTag=token),
        message(3, "StatusNotification", connectorId=t.connector, status="Charging"),
        within_s=BACK_S,
    )


@case("TC_037_1", settings=MAY_START, if_implemented=IF, memory=known("valid", lambda t: t.valid))
def accepted_later(t: Tester) -> None:
    """The token is accepted when the start is told."""
    start_offline(t, t.valid)
    told_as_charging(t, t.valid)


def conflict(t: Tester) -> None:
    """A token the list accepts and the central system does not is told as a conflict, if there is a list (1.6 3.5.2).
    The document does not mention that message."""
    front = t.peek()
    if front is not None and front.payload.get("errorCode") == "LocalListConflict":
        t.csms.pending.remove(front)


def refused_now(t: Tester) -> None:
    """From now on the token is refused; it was accepted when it was remembered."""
    t.verdict_on(t.valid2, "Invalid")


@case(
    "TC_037_2",
    settings={**MAY_START, "StopTransactionOnInvalidId": False, "MaxEnergyOnInvalidId": 0},
    if_implemented=IF,
    memory=known("valid2", lambda t: t.valid2),
    states=[refused_now],
)
def refused_later_goes_on(t: Tester) -> None:
    """The token is refused when the start is told: no more energy, but the transaction stays."""
    start_offline(t, t.valid2)
    told_as_charging(t, t.valid2)
    conflict(t)
    t.expect(5, "StatusNotification", connectorId=t.connector, status="SuspendedEVSE")


@case(
    "TC_037_3",
    settings={**MAY_START, "StopTransactionOnInvalidId": True, "MaxEnergyOnInvalidId": 0},
    if_implemented=IF,
    memory=known("valid2", lambda t: t.valid2),
    states=[refused_now],
)
def refused_later_stops(t: Tester) -> None:
    """The token is refused when the start is told: the transaction ends."""
    start_offline(t, t.valid2)
    told_as_charging(t, t.valid2)
    conflict(t)
    t.any_order(
        message(5, "StopTransaction", reason="DeAuthorized"),
        message(7, "StatusNotification", connectorId=t.connector, status="Finishing"),
    )


@case("TC_038", states=[charging])
def stopped_offline(t: Tester) -> None:
    """The end of a session is told when the connection is back."""
    t.rig.network(False)
    t.wait(5)
    t.present(t.valid)
    t.wait(WHILE_S)
    t.rig.network(True)
    t.any_order(
        message(1, "StopTransaction", reason=one_of("Local", OMITTED)),
        message(3, "StatusNotification", connectorId=t.connector, status="Finishing"),
        within_s=BACK_S,
    )


@case("TC_039", settings=MAY_START, if_implemented=IF, memory=known("valid", lambda t: t.valid))
def whole_session(t: Tester) -> None:
    """Start and end are told in order when the connection is back."""
    start_offline(t, t.valid)
    t.present(t.valid)
    t.wait(WHILE_S)
    t.unplug()
    t.wait(5)
    t.background.add("StatusNotification")  # the connector is as it was; that may be told
    t.rig.network(True)
    t.expect(1, "StartTransaction", connectorId=t.connector, idTag=t.valid, within_s=BACK_S)
    t.expect(3, "StopTransaction", reason=one_of("Local", OMITTED), transactionId=t.transaction_id)
