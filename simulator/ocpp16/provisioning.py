"""Boot, configuration keys and reset of 1.6 (4.2, 5.3, 5.8, 5.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import device_model, firmware, provisioning
from simulator.core.dialect import REGISTERED, Table
from simulator.core.records import Remark
from simulator.core.reports import BootAsked
from simulator.core.wall import parse_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


@table.render(BootAsked)
def boot(st: Station, report: BootAsked, m: Any) -> Any:
    """4.2. An identity field that is None is left out, an empty one is sent empty."""
    identity = st.model.identity

    def text(pattern: str | None) -> Any:
        return UNSET if pattern is None else device_model.identify(st, pattern)

    serial, version = device_model.serial_of(st), firmware.version(st)
    payload = m.make(
        m.BootNotificationRequest,
        charge_point_vendor=identity.vendor,
        charge_point_model=identity.model,
        charge_point_serial_number=UNSET if serial is None else serial,
        charge_box_serial_number=_cut(text(identity.box_serial), 25),
        firmware_version=UNSET if version is None else version,  # no pattern: it may come from an image
        iccid=text(identity.iccid),
        imsi=text(identity.imsi),
        meter_type=text(identity.meter_type),
        meter_serial_number=_cut(text(identity.meter_serial), 25),
    )
    for quirk in st.model.seams.boot:
        payload = quirk.boot(st, payload)
    return "BootNotification", payload


def _cut(text: Any, length: int) -> Any:
    return text if text is UNSET else text[:length]


@table.reply("BootNotification")
def booted(st: Station, report: BootAsked, res: Any) -> None:
    """4.2: the interval is the heartbeat's when accepted, the next try's otherwise."""
    provisioning.answered(st, res.status, parse_wall(res.current_time), res.interval)


@table.failure("BootNotification")
def boot_failed(st: Station, report: BootAsked, code: str) -> None:
    """Tried again by the block."""
    provisioning.failed(st, code)


@table.on("Reset", when=REGISTERED)
def reset(st: Station, req: Any, m: Any) -> Any:
    """5.14. Soft stops transactions and delivers their stop messages first; hard reboots at once, they come later."""
    soft = req.type == "Soft"
    provisioning.request_reset(
        st,
        kind="soft" if soft else "hard",
        reason="SoftReset" if soft else "HardReset",
        boot_reason="RemoteReset",
        patient=soft,
    )
    return m.ResetResponse(status="Accepted")


@table.on("GetConfiguration", when=REGISTERED)
def get_configuration(st: Station, req: Any, m: Any) -> Any:
    """5.8: all keys without a list; unknown ones are named; write-only ones have no value."""
    known: list[Any] = []
    unknown: list[str] = []
    if req.key is UNSET or not req.key:
        rows = device_model.all_keys(st)
    else:
        rows = []
        if len(req.key) > device_model.MAX_KEYS:
            st.record(Remark(f"GetConfiguration: {len(req.key)} keys, answered are {device_model.MAX_KEYS}"))
        for name in req.key[: device_model.MAX_KEYS]:
            row = device_model.read_key(st, name)
            if row is None:
                unknown.append(name)
            else:
                rows.append(row)
    for name, value, read_only in rows:
        known.append(m.KeyValue(key=name, readonly=read_only, value=UNSET if value is None else value[:500]))
    return m.make(
        m.GetConfigurationResponse,
        configuration_key=known if known else UNSET,
        unknown_key=unknown if unknown else UNSET,
    )


@table.on("ChangeConfiguration", when=REGISTERED)
def change_configuration(st: Station, req: Any, m: Any) -> Any:
    """5.3: NotSupported for an unknown key, Rejected for a bad value or a read-only key."""
    return m.ChangeConfigurationResponse(status=device_model.write_key(st, req.key, req.value))
