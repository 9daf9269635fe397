"""Quirks of time stamps. What the clock itself does wrong (drift, steps, no battery) is hardware, not a quirk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.core.wall import format_wall, parse_wall
from simulator.quirks.payload import edit, get, meter_values, put
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Stamp
    from simulator.core.station import Station

_LENIENT = (
    "Parse time stamps leniently, compare them with the time of arrival, store both, and flag those that are far off."
)
#: 2014-01-01T01:00:00Z in microseconds since 1970
BEGIN_2014_US = 1_388_538_000_000_000
_HOUR_US = 3_600_000_000


@quirk(
    "time-pre-sync-event-timestamps",
    vendors=("ABB Terra AC",),
    sources=("evcc-io/evcc#21645", "mikuso/ocpp-rpc#76"),
    breaks=("true_time",),
    survive=_LENIENT,
    params={"behind_s": (2_400.0, 0.0, 86_400.0)},
)
class PreSyncStamps(Quirk):
    """What happened before the clock was set for the first time keeps the time it had then, far behind.

    ``behind_s``: how far.
    """

    behind_s: float

    def clock(self, st: Station, wall_us: int, stamp: Stamp) -> int:
        """No repair after the synchronisation."""
        if stamp.synced or stamp.boot != st.boot_no:
            return wall_us
        return max(0, stamp.wall_us - int(self.behind_s * 1_000_000))


@quirk(
    "time-default-2014",
    vendors=("Alfen",),
    sources=("steve-community/steve#740",),
    breaks=("true_time",),
    survive=_LENIENT,
)
class Default2014(Quirk):
    """Without synchronisation the clock begins at one o'clock on the first of January 2014."""

    def clock(self, st: Station, wall_us: int, stamp: Stamp) -> int:
        """Count from the boot; of an older boot only the time within its hour is left."""
        if stamp.synced:
            return wall_us
        since_us = stamp.mono_us - st.started_us if stamp.boot == st.boot_no else stamp.mono_us % _HOUR_US
        return BEGIN_2014_US + max(0, since_us)


@quirk(
    "time-local-until-sync",
    vendors=("Ensto",),
    sources=("steve-community/steve#136",),
    breaks=("true_time",),
    survive=_LENIENT,
    params={"offset_h": (1, -14, 14)},
)
class LocalUntilSync(Quirk):
    """Until the clock is set for the first time, stamps are local time, but labelled as UTC (Chago).

    ``offset_h``: of the local time.
    """

    offset_h: int

    def clock(self, st: Station, wall_us: int, stamp: Stamp) -> int:
        """What was stamped before keeps that time."""
        return wall_us if stamp.synced else wall_us + self.offset_h * _HOUR_US


@quirk(
    "time-local-offset",
    vendors=("Growatt",),
    sources=("lbbrhzn/ocpp#1709", "lbbrhzn/ocpp#1838"),
    survive=_LENIENT,
    params={"offset_h": (1, -14, 14)},
)
class LocalOffset(Quirk):
    """Time stamps are local, with the offset at the end (+01:00)."""

    offset_h: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The same moments, written otherwise."""
        return edit(payload, self._localise)

    def _localise(self, part: Any) -> None:
        if isinstance(part, list):
            for item in part:
                self._localise(item)
        elif isinstance(part, dict):
            for name, value in part.items():
                wall_us = parse_wall(value) if name == "timestamp" and isinstance(value, str) else None
                if wall_us is None:
                    self._localise(value)
                else:
                    local = format_wall(wall_us + self.offset_h * _HOUR_US).removesuffix("Z")
                    part[name] = f"{local}{'-' if self.offset_h < 0 else '+'}{abs(self.offset_h):02d}:00"


@quirk(
    "time-no-zone-suffix",
    vendors=("Tritium", "AEFA"),
    sources=("public: note of two authors on a simulator of the product", "lbbrhzn/ocpp#2032"),
    breaks=("schema",),  # where a date-time has an offset (RFC 3339, 5.6)
    survive=_LENIENT,
    params={"of_values": (False,)},
)
class NoZone(Quirk):
    """The time stamp of a status has microseconds and no zone at its end.

    ``of_values``: that of every meter value has none instead, with milliseconds (AEFA).
    """

    of_values: bool

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The same moment without its Z."""
        if get(payload, "connectorId") is UNSET or get(payload, "evseId") is not UNSET:
            return payload  # seen in the older shape of both messages only
        if self.of_values:
            return edit(payload, self._cut) if action == "MeterValues" else payload
        stamp = get(payload, "timestamp")
        if action != "StatusNotification" or not isinstance(stamp, str) or not stamp.endswith("Z"):
            return payload
        return put(payload, timestamp=stamp.removesuffix("Z") + "000")

    def _cut(self, message: dict[str, Any]) -> None:
        for value in meter_values(message):
            value["timestamp"] = value["timestamp"].removesuffix("Z")


@quirk(
    "time-local-labelled-utc",
    vendors=("Orbis",),
    sources=("evcc-io/evcc#20881",),
    breaks=("true_time",),
    survive=_LENIENT,
    params={"offset_h": (1, -14, 14)},
)
class LocalLabelledUtc(Quirk):
    """A composite schedule says two times when it begins: once truly, once in local time but labelled as UTC.

    ``offset_h``: hours that local time is ahead.
    """

    offset_h: int

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The second time, where the message has room for one."""
        return edit(reply, self._mislabel) if action == "GetCompositeSchedule" else reply

    def _mislabel(self, message: dict[str, Any]) -> None:
        begin_us = parse_wall(message.get("scheduleStart", ""))
        if begin_us is not None and "chargingSchedule" in message:
            message["chargingSchedule"]["startSchedule"] = format_wall(begin_us + self.offset_h * _HOUR_US)


class _NotFromBoot(Quirk):
    """The clock is not set by the answer to BootNotification."""

    def heard(self, st: Station, action: str, reply: Any) -> Any:
        """As if it had no time in it."""
        return structs.replace(reply, current_time="") if action == "BootNotification" else reply


@quirk(
    "time-no-sync-from-boot",
    vendors=("Easee",),
    sources=("https://developer.easee.cloud/docs/ocpp-commands",),
    breaks=("true_time",),
    survive=_LENIENT,
)
class NoSyncFromBoot(_NotFromBoot):
    """The time in the answer to BootNotification is passed over; the clock waits for another one."""


@quirk(
    "time-sync-from-heartbeat-only",
    vendors=("Circontrol",),
    sources=("manual: Circontrol Master/Slave, pages 66 and 67",),
    breaks=("true_time",),
    survive=_LENIENT,
    params={"heartbeat": (True,)},
)
class HeartbeatOnly(_NotFromBoot):
    """The clock is set by answers to Heartbeat and by nothing else, and only if the installer wants that.

    ``heartbeat``: false when he does not; then nothing sets it.
    """

    heartbeat: bool

    def heard(self, st: Station, action: str, reply: Any) -> Any:
        """Not from the boot, and perhaps not at all."""
        if action == "Heartbeat" and not self.heartbeat:
            return structs.replace(reply, current_time="")
        return super().heard(st, action, reply)
