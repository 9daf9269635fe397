"""BootNotification and Reset of 2.x (B01 to B03, B11, B12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import device_model, evse_reset, firmware, product_settings, provisioning
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import BootAsked
from simulator.core.wall import parse_wall
from simulator.ocpp2x.types import reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: type of a reset -> why it ends a transaction, None: it waits for the end
REASONS = {"Immediate": "ImmediateReset", "OnIdle": None}


@table.render(BootAsked)
def boot(st: Station, report: BootAsked, m: Any) -> Any:
    """B01.FR.01, FR.09. An identity field that is None is left out, an empty one is sent empty."""
    identity = st.model.identity

    def text(pattern: str | None, length: int) -> Any:
        return UNSET if pattern is None else device_model.identify(st, pattern)[:length]

    modem = UNSET
    if identity.iccid is not None or identity.imsi is not None:
        modem = m.make(m.ModemType, iccid=text(identity.iccid, 20), imsi=text(identity.imsi, 20))
    serial, version = device_model.serial_of(st), firmware.version(st)
    payload = m.make(
        m.BootNotificationRequest,
        reason=report.reason,
        charging_station=m.make(
            m.ChargingStationType,
            model=identity.model[:20],
            vendor_name=identity.vendor[:50],
            serial_number=UNSET if serial is None else serial,
            firmware_version=UNSET if version is None else version[:50],  # no pattern: it may come from an image
            modem=modem,
        ),
    )
    for quirk in st.model.seams.boot:
        payload = quirk.boot(st, payload)
    return "BootNotification", payload


def told_time(st: Station, text: str) -> int | None:
    """The time the CSMS tells, None where the clock does not follow it (B01.FR.06, G02.FR.06)."""
    return parse_wall(text) if "Heartbeat" in st.settings[product_settings.TIME_SOURCE] else None


@table.reply("BootNotification")
def booted(st: Station, report: BootAsked, res: Any) -> None:
    """The interval is the heartbeat's when accepted (B01.FR.04), the next try's otherwise (B02.FR.08, B03.FR.06)."""
    provisioning.answered(st, res.status, told_time(st, res.current_time), res.interval)


@table.failure("BootNotification")
def boot_failed(st: Station, report: BootAsked, code: str) -> None:
    """Tried again by the block."""
    provisioning.failed(st, code)


@table.on("Reset", when=REGISTERED)
def reset(st: Station, req: Any, m: Any) -> Any:
    """B11, B12, of the station or of one EVSE. A transaction cannot be resumed after it (2.1 B13.FR.01)."""
    if req.type not in REASONS:
        return m.make(m.ResetResponse, status="Rejected", status_info=reason(m, "UnsupportedParam", req.type))
    if req.evse_id is not UNSET:
        status, why, info = evse_reset.request(st, req.evse_id, REASONS[req.type])
        return m.make(m.ResetResponse, status=status, status_info=reason(m, why, info) if why else UNSET)
    if req.type == "Immediate":
        if firmware.installs(st):  # B11.FR.06, B12.FR.10
            return m.make(m.ResetResponse, status="Rejected", status_info=reason(m, "FwUpdateInProgress"))
        # B12.FR.02, FR.04-05: end transactions, wait a bounded time for the answers, then reboot
        word = provisioning.request_reset(
            st, kind="hard", reason="ImmediateReset", boot_reason="RemoteReset", patient=True
        )
    else:
        why = "RemoteReset" if provisioning.idle(st) else "ScheduledReset"
        # B12.FR.01, FR.03
        word = provisioning.request_reset(st, kind="soft", reason=None, boot_reason=why, patient=True)
    return m.make(m.ResetResponse, status=word)
