"""TriggerMessage of 1.6 (5.17) and ExtendedTriggerMessage of its security extension (white paper 5.5, A02).

The reply goes first, then what was asked for, with what is true then. Accepted is a promise: what cannot be said now
(an unknown connector, a meter that is silent, a station that may not ask for a certificate) is Rejected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import availability, firmware, logs, metering, provisioning, signing
from simulator.core.dialect import REGISTERED, Table

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table("RemoteTrigger")
extended_table = Table()
#: 5.17: a message that is unknown is not implemented
UNKNOWN = frozenset({"requestedMessage"})

#: ``serve(station, connector)``: the connector as asked (None: all of them); the status of the answer
Trigger = Callable[["Station", int | None], str]


def _boot(st: Station, connector: int | None) -> str:
    provisioning.announce(st, st.now, triggered=True)
    return "Accepted"


def _heartbeat(st: Station, connector: int | None) -> str:
    availability.beat(st, triggered=True)
    return "Accepted"


def _meter_values(st: Station, connector: int | None) -> str:
    """4.7: connector 0 would be the main meter, and there is none."""
    return "Accepted" if connector != 0 and metering.trigger_values(st, connector) else "Rejected"


def _status(st: Station, connector: int | None) -> str:
    if connector in (None, 0):
        availability.publish_station(st, triggered=True)
    for evse in st.evses:
        if connector in (None, evse.evse_id):
            availability.publish_status(st, evse, triggered=True)
    return "Accepted"


def _diagnostics_status(st: Station, connector: int | None) -> str:
    logs.tell_status(st, True)
    return "Accepted"


def _firmware_status(st: Station, connector: int | None) -> str:
    firmware.tell_status(st, plain=True)
    return "Accepted"


def _log_status(st: Station, connector: int | None) -> str:
    logs.tell_status(st, False)
    return "Accepted"


def _signed_firmware_status(st: Station, connector: int | None) -> str:
    firmware.tell_status(st)
    return "Accepted"


def _sign(st: Station, connector: int | None) -> str:
    return signing.sign(st, triggered=True)


COMMON: dict[str, Trigger] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "MeterValues": _meter_values,
    "StatusNotification": _status,
}
TRIGGERS = COMMON | {
    "DiagnosticsStatusNotification": _diagnostics_status,
    "FirmwareStatusNotification": _firmware_status,
}
EXTENDED = COMMON | {
    "FirmwareStatusNotification": _signed_firmware_status,
    "LogStatusNotification": _log_status,
    "SignChargePointCertificate": _sign,
}
#: messages of a connector; for all others a connector has no meaning and is passed over (5.17)
OF_A_CONNECTOR = frozenset({"MeterValues", "StatusNotification"})


def _serve(st: Station, req: Any, table: dict[str, Trigger], lowest: int) -> str:
    serve = table.get(req.requested_message)
    if serve is None:
        return "NotImplemented"
    connector = None if req.connector_id is UNSET else req.connector_id
    if req.requested_message not in OF_A_CONNECTOR:
        connector = None
    if connector is not None and not lowest <= connector <= len(st.evses):
        return "Rejected"
    return serve(st, connector)


@table.on("TriggerMessage", when=REGISTERED, open_words=UNKNOWN)
def trigger(st: Station, req: Any, m: Any) -> Any:
    """5.17."""
    return m.TriggerMessageResponse(status=_serve(st, req, TRIGGERS, 0))


@extended_table.on("ExtendedTriggerMessage", when=REGISTERED, open_words=UNKNOWN)
def extended(st: Station, req: Any, m: Any) -> Any:
    """White paper 5.5: a connector is greater than 0."""
    return m.ExtendedTriggerMessageResponse(status=_serve(st, req, EXTENDED, 1))
