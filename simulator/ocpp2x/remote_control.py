"""RequestStart/StopTransaction, UnlockConnector and TriggerMessage of 2.x (F01 to F06)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import availability, metering, provisioning, remote_control
from simulator.blocks.metering import ALIGNED_MEASURANDS, SAMPLE_MEASURANDS
from simulator.blocks.remote_control import StartWish
from simulator.core import readings
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import FirmwareProgress, LogProgress, TransactionUpdated
from simulator.ocpp2x.types import reason

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

table = Table()


@table.on("RequestStartTransaction", when=REGISTERED)
def start(st: Station, req: Any, m: Any) -> Any:
    """F01, F02. Without smart charging a profile in the request is left aside (F01.FR.12)."""

    def rejected(code: str) -> Any:
        return m.make(m.RequestStartTransactionResponse, status="Rejected", status_info=reason(m, code))

    if st.gate != "accepted":  # B02.FR.05
        return rejected("CSNotAccepted")
    evse_id = None if req.evse_id is UNSET else req.evse_id
    if evse_id is not None and st.evse(evse_id) is None:
        return rejected("UnknownEvse")
    done = remote_control.request_start(
        st,
        StartWish(
            req.id_token.id_token,
            req.id_token.type,
            evse_id,
            req.remote_start_id,
            None if req.group_id_token is UNSET else req.group_id_token.id_token,
        ),
    )
    if not done.accepted:
        wanted = st.evses if evse_id is None else (st.evses[evse_id - 1],)
        return rejected("TxInProgress" if any(evse.tx is not None for evse in wanted) else "Unspecified")
    return m.make(
        m.RequestStartTransactionResponse, status="Accepted", transaction_id=done.transaction_key or UNSET
    )  # F01.FR.13


@table.on("RequestStopTransaction", when=REGISTERED)
def stop(st: Station, req: Any, m: Any) -> Any:
    """F03.FR.07-08; B02.FR.05 while the registration is pending."""
    if st.gate != "accepted":
        return m.make(m.RequestStopTransactionResponse, status="Rejected", status_info=reason(m, "CSNotAccepted"))
    if remote_control.request_stop(st, req.transaction_id):
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


# -- triggers ----------------------------------------------------------------------------------------------------------

Trigger = Callable[["Station", Any], bool]


@table.on("TriggerMessage", when=REGISTERED)
def trigger(st: Station, req: Any, m: Any) -> Any:
    """F06: the reply first (FR.04), then what was asked for with what is true then (FR.09)."""
    serve = TRIGGERS.get(req.requested_message)
    if serve is None:  # F06.FR.08, FR.19
        return m.make(m.TriggerMessageResponse, status="NotImplemented")
    return m.make(m.TriggerMessageResponse, status="Accepted" if serve(st, req.evse) else "Rejected")


def _boot(st: Station, where: Any) -> bool:
    if st.gate == "accepted":  # F06.FR.17
        return False
    provisioning.announce(st, st.now, triggered=True)
    return True


def _heartbeat(st: Station, where: Any) -> bool:
    availability.beat(st, triggered=True)
    return True


def _log_status(st: Station, where: Any) -> bool:
    st.publish(LogProgress("Idle"), triggered=True)  # F06.FR.15: nothing is ever uploaded by the present blocks
    return True


def _firmware_status(st: Station, where: Any) -> bool:
    st.publish(FirmwareProgress("Idle"), triggered=True)  # F06.FR.16
    return True


def _status(st: Station, where: Any) -> bool:
    """F06.FR.12: only for one connector."""
    if where is UNSET or where.connector_id is UNSET:
        return False
    evse = st.evse(where.id)
    if evse is None or where.connector_id != 1:
        return False
    availability.publish_status(st, evse, triggered=True)
    return True


def _meant(st: Station, where: Any) -> tuple[Evse, ...]:
    """F06.FR.11: without an EVSE all are meant."""
    if where is UNSET:
        return st.evses
    evse = st.evse(where.id)
    return () if evse is None else (evse,)


def _meter_values(st: Station, where: Any) -> bool:
    """F06.FR.06; nothing to promise when nothing is to be measured."""
    meant = _meant(st, where)
    if not meant or not st.settings[ALIGNED_MEASURANDS]:
        return False
    metering.trigger_values(st, None if where is UNSET else where.id)
    return True


def _transaction_event(st: Station, where: Any) -> bool:
    """F06.FR.07: of the transactions that run. They wait for the registration, so it is needed."""
    running = [evse for evse in _meant(st, where) if evse.tx is not None]
    if not running or st.gate != "accepted":
        return False
    for evse in running:
        assert evse.tx is not None
        reading = readings.take(st, evse, "Trigger", st.settings[SAMPLE_MEASURANDS])
        if reading is not None:
            metering.publish_sample(st, evse, evse.tx, reading, "Trigger", triggered=True)
            continue
        st.publish(
            TransactionUpdated(
                key=evse.tx.key,
                evse_id=evse.evse_id,
                connector_id=1,
                seq_no=-1,
                trigger="Trigger",
                at=st.stamp(),
                charging_state=evse.charging_state,
            ),
            triggered=True,
        )
    return True


TRIGGERS: dict[str, Trigger] = {
    "BootNotification": _boot,
    "FirmwareStatusNotification": _firmware_status,
    "Heartbeat": _heartbeat,
    "LogStatusNotification": _log_status,
    "MeterValues": _meter_values,
    "StatusNotification": _status,
    "TransactionEvent": _transaction_event,
}
