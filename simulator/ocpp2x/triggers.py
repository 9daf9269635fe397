"""TriggerMessage of 2.x (F06, A02.FR.01).

The reply goes first (F06.FR.04), then what was asked for with what is true then (FR.09). Accepted is a promise: what
cannot be said now is Rejected, what this station never says is NotImplemented (FR.08, FR.19).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import availability, firmware, logs, metering, provisioning, publishing, signed_values, signing
from simulator.blocks.metering import SAMPLE_MEASURANDS
from simulator.core import readings
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import TransactionUpdated

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

table = Table()

Trigger = Callable[["Station", Any], bool]


@table.on("TriggerMessage", when=REGISTERED)
def trigger(st: Station, req: Any, m: Any) -> Any:
    """F06.FR.04-19."""
    if req.requested_message == "SignChargingStationCertificate":
        return m.make(m.TriggerMessageResponse, status=signing.sign(st, triggered=True))
    serve = TRIGGERS.get(req.requested_message)
    if serve is None or (serve is _publish_status and not publishing.is_controller(st.model)):
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
    logs.tell_status(st, False)  # F06.FR.14-15
    return True


def _firmware_status(st: Station, where: Any) -> bool:
    firmware.tell_status(st)  # F06.FR.16, L01.FR.25-26
    return True


def _publish_status(st: Station, where: Any) -> bool:
    publishing.tell_status(st)  # L03.FR.10-11
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
    """F06.FR.06; nothing to promise when nothing is to be measured (FR.10)."""
    return bool(_meant(st, where)) and metering.trigger_values(st, None if where is UNSET else where.id)


def _transaction_event(st: Station, where: Any) -> bool:
    """F06.FR.07: of the transactions that run. They wait for the registration, so it is needed."""
    running = [evse for evse in _meant(st, where) if evse.tx is not None]
    if not running or st.gate != "accepted":
        return False
    for evse in running:
        assert evse.tx is not None
        reading = readings.take(st, evse, "Trigger", st.settings[SAMPLE_MEASURANDS])
        reading = signed_values.sign(st, evse, reading, signed_values.UPDATE)
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
                tell_evse=True,
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
    "PublishFirmwareStatusNotification": _publish_status,
    "StatusNotification": _status,
    "TransactionEvent": _transaction_event,
}
