"""RemoteStart/StopTransaction and UnlockConnector of 1.6 (5.11, 5.12, 5.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import remote_control, transaction_record
from simulator.blocks.remote_control import StartWish
from simulator.core.dialect import REGISTERED, Table
from simulator.ocpp16 import smart_charging

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.on("RemoteStartTransaction")
def start(st: Station, req: Any, m: Any) -> Any:
    """5.11. A profile is left aside without smart charging; with it, it must be a TxProfile (5.16.2)."""
    evse_id = None if req.connector_id is UNSET else req.connector_id
    if evse_id == 0 or not req.id_tag:  # 5.11: connector 0 cannot be started, and a token of nothing is none
        return m.RemoteStartTransactionResponse(status="Rejected")
    profile = smart_charging.remote_profile(st, req.charging_profile, evse_id)
    if profile is False:
        return m.RemoteStartTransactionResponse(status="Rejected")
    wish = StartWish(req.id_tag, "ISO14443", evse_id)
    done = remote_control.request_start(st, wish)
    if done.accepted and profile:
        smart_charging.expect(st, wish, profile)
    return m.RemoteStartTransactionResponse(status="Accepted" if done.accepted else "Rejected")


@table.on("RemoteStopTransaction")
def stop(st: Station, req: Any, m: Any) -> Any:
    """5.12: only a transaction that runs and whose id is known can be stopped."""
    wanted = str(req.transaction_id)
    for evse in st.evses:
        if evse.tx is not None and transaction_record.csms_id(st, evse.tx.key) == wanted:
            remote_control.request_stop(st, evse.tx.key)
            return m.RemoteStopTransactionResponse(status="Accepted")
    return m.RemoteStopTransactionResponse(status="Rejected")


_UNLOCK = {
    "Unlocked": "Unlocked",
    "UnlockFailed": "UnlockFailed",
    "UnknownConnector": "NotSupported",
    "NoLock": "NotSupported",
}


@table.on("UnlockConnector", when=REGISTERED)
def unlock(st: Station, req: Any, m: Any) -> Any:
    """5.18: a running transaction is finished first."""
    word = remote_control.unlock(st, req.connector_id, stop_reason="UnlockCommand")
    return m.UnlockConnectorResponse(status=_UNLOCK[word])
