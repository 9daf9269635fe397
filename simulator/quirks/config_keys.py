"""Quirks of how configuration keys are listed, named and written down."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import UNSET, structs

from simulator.blocks import device_model, firmware_record
from simulator.core.release import release
from simulator.core.settings import KEYS
from simulator.quirks.config import NO_PROBING
from simulator.quirks.deeds import answer
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station

LENIENT = (
    "Compare keys without case, try other spellings, read booleans and lists leniently, hide secrets, and keep keys"
    " that are not known."
)
READ, WRITE = "GetConfiguration", "ChangeConfiguration"
_ASKED = "asked"


def rows_of(reply: Any) -> list[Any]:
    """The keys in an answer to GetConfiguration."""
    return [] if reply.configuration_key is UNSET else list(reply.configuration_key)


def with_rows(reply: Any, rows: list[Any]) -> Any:
    """That answer with other keys."""
    return structs.replace(reply, configuration_key=rows or UNSET)


class Listening(Quirk):
    """A quirk that must know which keys a GetConfiguration has named when it sees the answer."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Remember them until then; none means all."""
        if action == READ:
            named = () if req.key is UNSET else tuple(req.key)
            QuirkPort(st, self).memory[_ASKED] = (message_id, named)
        return None

    def asked_for(self, st: Station, message_id: str) -> tuple[str, ...]:
        """The keys that were named; () for all."""
        known_id, named = QuirkPort(st, self).memory.get(_ASKED, ("", ()))
        return named if known_id == message_id else ()


class _Hidden(Listening):
    """Keys that the product does not know, although the station could not do without them: as if they did not exist."""

    keys: ClassVar[frozenset[str]] = frozenset()

    def hides(self, st: Station) -> bool:
        """Are they unknown now?"""
        return True

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """A write is not supported."""
        if action == WRITE and req.key.lower() in self.keys and self.hides(st):
            return answer(st, self, action, message_id, "NotSupported")
        return super().request(st, action, req, message_id)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """They are in no list; named, they are unknown."""
        if action != READ or not self.hides(st):
            return reply
        rows = rows_of(reply)
        kept = [row for row in rows if row.key.lower() not in self.keys]
        if len(kept) == len(rows):
            return reply
        named = [key for key in self.asked_for(st, message_id) if key.lower() in self.keys]
        unknown = [*(() if reply.unknown_key is UNSET else reply.unknown_key), *named]
        return structs.replace(with_rows(reply, kept), unknown_key=unknown or UNSET)


@quirk(
    "measurand-key-unknown",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#169",),
    breaks=("required_keys",),
    survive=NO_PROBING,
    fixed_in="1.8.21",
)
class MeasurandKeyUnknown(_Hidden):
    """MeterValuesSampledData is an unknown key, and cannot be written.

    Firmware of 2021; 1.8.21 is the first that was seen with the key.
    """

    keys = frozenset({"metervaluessampleddata"})


@quirk(
    "config-key-appears-with-firmware",
    vendors=("Schneider",),
    sources=("sap-labs-france/ev-server@01dd2be6b",),
    survive=LENIENT,
    params={"since": ("3.3.0.7",)},
)
class KeyAppears(_Hidden):
    """WebSocketPingInterval is unknown before firmware 3.3.0.7; from then on it is there, in lower case.

    ``since``: the first firmware that has it.
    """

    since: str
    keys = frozenset({"websocketpinginterval"})

    def refuse_text(self, name: str, value: str) -> str | None:
        """It must be possible to compare it."""
        return None if release(value) else f"{value!r} is no firmware version"

    def hides(self, st: Station) -> bool:
        """Is the firmware that runs too old?"""
        return release(firmware_record.version(st) or "") < release(self.since)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """In the product's own spelling, once it is there."""
        if action != READ or self.hides(st):
            return super().answer(st, action, reply, message_id)
        rows = [_named(row, row.key.lower()) if row.key.lower() in self.keys else row for row in rows_of(reply)]
        return with_rows(reply, rows)


def _named(row: Any, key: str) -> Any:
    return row if row.key == key else structs.replace(row, key=key)


@quirk(
    "ws-pinginterval-not-configurable",
    vendors=("EN+", "Grizzl-E", "Huawei"),
    sources=("evcc-io/evcc#15752", "evcc-io/evcc#15874", "lbbrhzn/ocpp#899", "evcc-io/evcc#31156"),
    survive="Make pings and their interval optional for each station; rely on TCP and heartbeats where there are none.",
    params={"listed": (False,)},
)
class PingIntervalFixed(_Hidden):
    """WebSocketPingInterval cannot be set: it is not supported at all.

    ``listed``: it is there, read-only, and a write is still not supported; the setting should be 0.
    """

    listed: bool
    keys = frozenset({"websocketpinginterval"})

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Without it, or as read-only."""
        if action != READ or not self.listed:
            return super().answer(st, action, reply, message_id)
        rows = [structs.replace(row, readonly=True) if row.key.lower() in self.keys else row for row in rows_of(reply)]
        return with_rows(reply, rows)


_SPELLINGS = {
    "mixed": {
        "HeartbeatInterval": "HeartBeatInterval",
        "AllowOfflineTxForUnknownId": "AllowOffLineTxForUnknownId",
    },
    "lower": {},
}


@quirk(
    "config-key-case-variants",
    vendors=("Legacy AC (generic)",),
    sources=(
        "sap-labs-france/ev-server@5ac26ca07",
        "sap-labs-france/ev-server@01dd2be6b",
        "evcc-io/evcc@d5045cc89",
        "evcc-io/evcc#22563",
    ),
    breaks=("required_keys",),
    survive=LENIENT,
    params={"style": ("mixed",), "strict": (False,)},
)
class KeyCase(Quirk):
    """Standard keys are spelt with other capitals: HeartBeatInterval, AllowOffLineTxForUnknownId.

    ``style``: ``mixed`` are these two, ``lower`` is every key in lower case. ``strict``: no other spelling is known.
    """

    style: str
    strict: bool

    def refuse_text(self, name: str, value: str) -> str | None:
        """One of two words."""
        return None if value in _SPELLINGS else f"{value!r} is neither mixed nor lower"

    def _own(self, key: str) -> str:
        return key.lower() if self.style == "lower" else _SPELLINGS[self.style].get(key, key)

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """A strict station does not know the standard's spelling."""
        if not self.strict or action != WRITE:
            return None
        row = device_model.read_key(st, req.key)
        if row is None or req.key == self._own(row[0]):
            return None
        return answer(st, self, action, message_id, "NotSupported")

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The product's own spelling."""
        if action != READ:
            return reply
        return with_rows(reply, [_named(row, self._own(row.key)) for row in rows_of(reply)])


@quirk(
    "config-lowercase-vendor-keys",
    vendors=("Schneider",),
    sources=(
        "sap-labs-france/ev-server@01dd2be6b",
        "SAP/e-mobility-charging-stations-simulator:src/assets/station-templates/schneider.station-template.json",
    ),
    survive=LENIENT,
    vendor_keys={
        "maxintensitysocket": ("32", True),
        "emsetting": ("0", True),
        "enableevdetection": ("true", True),
        "useautotimemanagment": ("true", True),
        "timeservername": ("pool.ntp.org", True),
        "timezone": ("UTC", True),
        "ocppconnecttimeout": ("30", True),
        "ocppcentraladdress": ("", True),
        "controlchargebyremotecommand": ("true", True),
    },
)
class LowerCaseKeys(Listening):
    """The product's own keys are all in lower case, and the metering keys are listed a second time like that."""

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Twice in the list of all keys."""
        if action != READ or self.asked_for(st, message_id):
            return reply
        rows = rows_of(reply)
        return with_rows(reply, [*rows, *(_named(row, row.key.lower()) for row in rows if row.key in _TWICE)])


_TWICE = frozenset({"MeterValuesSampledData", "MeterValueSampleInterval", "ClockAlignedDataInterval"})


@quirk(
    "config-mostly-readonly",
    vendors=("Easee",),
    sources=("manual: Easee developer pages, OCPP commands",),
    survive=LENIENT,
    params={"writable": ("MeterValueSampleInterval",)},
    vendor_keys={"freecharging": ("false", True), "rfidfreecharging": ("false", True)},
)
class MostlyReadOnly(Quirk):
    """Keys that the standard lets a CSMS write are read-only; the product has a few of its own.

    ``writable``: the standard keys that can be written all the same, with commas between.
    """

    writable: str

    def _locked(self, key: str) -> bool:
        open_keys = {name.strip().lower() for name in self.writable.split(",")}
        return key.lower() in _standard() and key.lower() not in open_keys

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """No such write is taken."""
        if action != WRITE or not self._locked(req.key) or device_model.read_key(st, req.key) is None:
            return None
        return answer(st, self, action, message_id, "Rejected")

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """And that is what is said of them."""
        if action != READ:
            return reply
        rows = [structs.replace(row, readonly=True) if self._locked(row.key) else row for row in rows_of(reply)]
        return with_rows(reply, rows)


class _Shown(Quirk):
    """Keys of the product that read what the station is, not what they were given."""

    def shown(self, st: Station) -> dict[str, str | None]:
        """Key -> what it reads; None leaves it empty."""
        raise NotImplementedError

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Fill them in."""
        if action != READ:
            return reply
        shown = self.shown(st)
        rows = [structs.replace(row, value=shown[row.key] or "") if row.key in shown else row for row in rows_of(reply)]
        return with_rows(reply, rows)


@quirk(
    "config-modem-identity-keys",
    vendors=("Tritium",),
    sources=("public: a simulator modelled on a TRI93-50-01",),
    survive="Store identity as it is told, and know a station by the name it connects with.",
    vendor_keys={
        **dict.fromkeys(("ModemCcid", "ModemImsi", "SoftwareVersion", "Model", "Vendor"), ("", False)),
        "CentralURL": ("wss://csms.example/ocpp", True),
        "AutoStartRemoteCharge": ("true", True),
    },
)
class IdentityKeys(_Shown):
    """The identity of modem, software and product can also be read by keys, ModemCcid and ModemImsi among them."""

    def shown(self, st: Station) -> dict[str, str | None]:
        """The same that BootNotification says."""
        identity = st.model.identity
        return {
            "ModemCcid": _said(st, identity.iccid),
            "ModemImsi": _said(st, identity.imsi),
            "SoftwareVersion": _said(st, firmware_record.version(st)),
            "Model": identity.model,
            "Vendor": identity.vendor,
        }


def _said(st: Station, pattern: str | None) -> str | None:
    return None if pattern is None else device_model.identify(st, pattern)


@quirk(
    "config-serial-differs-from-boot",
    vendors=("Tritium",),
    sources=("public: a simulator modelled on a TRI93-50-01",),
    survive="Store identity as it is told, and know a station by the name it connects with.",
    params={"first": (132_324, 1, 999_999_999)},
    vendor_keys={"SerialNumber": ("", False)},
)
class OtherSerial(_Shown):
    """The key SerialNumber reads another serial than the one in BootNotification.

    ``first``: that of the first station of a fleet; they count up.
    """

    first: int

    def shown(self, st: Station) -> dict[str, str | None]:
        """A number of its own."""
        return {"SerialNumber": str(self.first + st.number)}


@cache
def _standard() -> frozenset[str]:
    return frozenset(key.lower() for key in KEYS)
