"""RequestStart/StopTransaction and UnlockConnector of 2.x (F01 to F05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import remote_control
from simulator.blocks.remote_control import StartWish
from simulator.core.dialect import REGISTERED, Table
from simulator.ocpp2x import smart_charging
from simulator.ocpp2x.charging_profile import Refused
from simulator.ocpp2x.types import NO_AUTHORIZATION, group_of, reason, remember_additional

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.on("RequestStartTransaction", when=REGISTERED)
def start(st: Station, req: Any, m: Any) -> Any:
    """F01, F02, K05. Without smart charging a profile in the request is left aside (F01.FR.12)."""

    def rejected(code: str, info: str = "") -> Any:
        return m.make(m.RequestStartTransactionResponse, status="Rejected", status_info=reason(m, code, info))

    if st.gate != "accepted":  # B02.FR.05
        return rejected("CSNotAccepted")
    token = req.id_token.id_token
    if not token and req.id_token.type != NO_AUTHORIZATION:
        return rejected("InvalidIdToken")
    evse_id = None if req.evse_id is UNSET else req.evse_id
    if evse_id is not None and st.evse(evse_id) is None:
        return rejected("UnknownEvse")
    try:
        profile = smart_charging.remote_profile(st, req.charging_profile, evse_id)
    except Refused as refusal:  # K05.FR.05
        return rejected(refusal.code)
    wish = StartWish(
        token or NO_AUTHORIZATION,  # it has no text on the wire, but here whoever charges has a name
        req.id_token.type,
        evse_id,
        req.remote_start_id,
        group_of(req.group_id_token),
    )
    done = remote_control.request_start(st, wish)
    if done.reason == "InvalidIdToken":
        return rejected(done.reason)
    if not done.accepted:
        wanted = st.evses if evse_id is None else (st.evses[evse_id - 1],)
        if any(evse.tx is not None for evse in wanted):
            return rejected("TxInProgress")
        return rejected("Unspecified", "reserved for somebody else, out of service, or about to be used")
    if req.id_token.additional_info is not UNSET:
        remember_additional(st, req.remote_start_id, req.id_token.additional_info)
    if profile is not None:
        smart_charging.expect(st, wish, profile)
    return m.make(
        m.RequestStartTransactionResponse, status="Accepted", transaction_id=done.transaction_key or UNSET
    )  # F01.FR.13


@table.on("RequestStopTransaction", when=REGISTERED)
def stop(st: Station, req: Any, m: Any) -> Any:
    """F03.FR.07-08; B02.FR.05 while the registration is pending."""
    if st.gate != "accepted":
        return m.make(m.RequestStopTransactionResponse, status="Rejected", status_info=reason(m, "CSNotAccepted"))
    if remote_control.request_stop(st, req.transaction_id.lower()):  # without case (2.1.4); the station's own are lower
        return m.make(m.RequestStopTransactionResponse, status="Accepted")
    return m.make(m.RequestStopTransactionResponse, status="Rejected", status_info=reason(m, "UnknownTxId"))


@table.on("UnlockConnector", when=REGISTERED)
def unlock(st: Station, req: Any, m: Any) -> Any:
    """F05.FR.01-06: a running authorised transaction is left alone. Every EVSE has one connector."""
    word = "UnknownConnector"
    if req.connector_id == 1:
        word = remote_control.unlock(st, req.evse_id, stop_reason=None)
    if word == "NoLock":
        return m.make(m.UnlockConnectorResponse, status="UnlockFailed", status_info=reason(m, "FixedCable"))
    return m.make(m.UnlockConnectorResponse, status=word)
