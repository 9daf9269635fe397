"""How sessions begin: cable first, token first, tokens in the cache, tokens that are refused."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.states import authorized, cached
from simulator.certify.tester import Tester, message


def started(t: Tester, step_start: int, step_status: int, token: str | None = None) -> None:
    """The transaction begins and energy flows, told in either order."""
    t.any_order(
        message(step_start, "StartTransaction", connectorId=t.connector, idTag=token or t.valid),
        message(step_status, "StatusNotification", connectorId=t.connector, status="Charging"),
    )


@case("TC_003")
def cable_first(t: Tester) -> None:
    """Cable, then token."""
    t.plug()
    t.expect(1, "StatusNotification", connectorId=t.connector, status="Preparing")
    t.present(t.valid)
    t.expect(3, "Authorize", idTag=t.valid)
    started(t, 5, 7)


@case("TC_004_1", settings={"MeterValueSampleInterval": lambda t: t.tool.sample_interval_s}, states=[authorized])
def token_first(t: Tester) -> None:
    """Token, then cable."""
    t.plug()
    started(t, 3, 5)


@case("TC_004_2", settings={"ConnectionTimeOut": lambda t: t.tool.connection_timeout_s}, states=[authorized])
def no_cable(t: Tester) -> None:
    """Without a cable the connector is free again after the time-out."""
    limit_s = t.tool.connection_timeout_s
    t.expect(
        2, "StatusNotification", connectorId=t.connector, status="Available", after_s=limit_s - 2, within_s=limit_s + 5
    )


@case(
    "TC_007_1",
    "TC_007_2",
    settings={"AuthorizationCacheEnabled": True, "AuthorizeRemoteTxRequests": True, "LocalPreAuthorize": True},
    if_implemented=["AuthorizeRemoteTxRequests"],
    memory=[cached],
)
def cached_token(t: Tester) -> None:
    """A cached token starts at once, without Authorize."""
    t.plug()
    t.expect(1, "StatusNotification", connectorId=t.connector, status="Preparing")
    t.call(4, "RemoteStartTransaction", {"idTag": t.valid, "connectorId": t.connector}, status="Accepted")
    started(t, 5, 7)


@case(
    "TC_061_1",
    "TC_061_2",
    settings={
        "AuthorizationCacheEnabled": True,
        "LocalPreAuthorize": True,
        "AuthorizeRemoteTxRequests": True,
        "ConnectionTimeOut": lambda t: t.tool.connection_timeout_s,
    },
    if_implemented=["AuthorizeRemoteTxRequests"],
    states=[authorized],
)
def cleared_cache(t: Tester) -> None:
    """After ClearCache the token that was cached is asked for again. (the first step is in the state)"""
    t.expect(3, "StatusNotification", connectorId=t.connector, status="Available")
    t.call(6, "ClearCache", {}, status="Accepted")
    t.authorise(6)
    t.expect(7, "Authorize", idTag=t.valid)


@case(
    "TC_023_4",
    "TC_023_5",
    settings={"MinimumStatusDuration": 10, "LocalPreAuthorize": True, "AuthorizeRemoteTxRequests": True},
    if_implemented=["MinimumStatusDuration", "AuthorizeRemoteTxRequests"],
)
def refused_token(t: Tester) -> None:
    """A token the central system refuses starts nothing. A household socket feels a car for a moment only, which is
    shorter than the status must last."""
    t.plug()
    if t.rig.feels_cars(t.connector):
        t.expect(1, "StatusNotification", connectorId=t.connector, status="Preparing")
    t.authorise(2, t.invalid)
    t.expect(3, "Authorize", idTag=t.invalid)
    t.never(5, "StartTransaction", t.tool.transaction_s)
