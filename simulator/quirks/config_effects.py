"""Quirks of configuration keys that do something: limits in odd units, tokens, reboots, free sessions."""

from __future__ import annotations

from base64 import b32encode
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import UNSET

from simulator.blocks import authorization, device_model, local_list
from simulator.blocks import charging_schedule as cs
from simulator.core.connector import PREPARING
from simulator.core.reports import MeterReading, StatusChanged
from simulator.core.wiring import PRESENTED
from simulator.quirks import deeds
from simulator.quirks.config import AREA
from simulator.quirks.config_keys import LENIENT, READ, WRITE, Listening, rows_of, with_rows
from simulator.quirks.meter import REGISTER, EnergyPerSession
from simulator.quirks.payload import get, put
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import Report
    from simulator.core.station import Station

_LIMITS = (
    "Convert static limits as each maker has them: A, tenths or thousandths of it; station, socket, left and right."
)
_REBOOTS = "Honour RebootRequired and planned reboots, and read the state again after a boot."
_TOKENS = (
    "Normalise tokens, send short ones only, and map the tokens of the stations themselves to an account of their own."
)
_DAY_US, _HOUR_US = 86_400_000_000, 3_600_000_000
#: no product is made for more, in A
_MOST_A = 5_000.0


def is_on(text: str) -> bool:
    """Does a key of the product say yes, in any spelling?"""
    return text.strip().lower() in ("true", "1")


# -- limits


class _LimitKeys(Quirk):
    """Keys that limit the current of the station or of a connector, whatever charging profiles say.

    ``limits``: (key; EVSE, 0 for the station; how many of its unit are one ampere).
    """

    limits: ClassVar[tuple[tuple[str, int, float], ...]] = ()

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """A number takes effect at once."""
        named = (row for row in self.limits if action == WRITE and row[0].lower() == req.key.lower())
        found = next(named, None)
        if found is None:
            return super().request(st, action, req, message_id)
        name, evse_id, factor = found
        try:
            amount_a = float(req.value) / factor
        except ValueError:
            amount_a = -1.0
        word = device_model.write_key(st, name, req.value) if 0.0 <= amount_a <= _MOST_A else "Rejected"
        if word == "Accepted" and (evse_id == 0 or st.evse(evse_id) is not None):
            deeds.limit(st, evse_id, cs.AMPERE, amount_a)
        return deeds.answer(st, self, action, message_id, word)


@quirk(
    "config-static-limit-deciamps",
    vendors=("EVBox",),
    sources=(
        "sap-labs-france/ev-server:src/integration/charging-station-vendor/evbox/EVBOXChargingStationVendorIntegration.ts",
    ),
    survive=_LIMITS,
    vendor_keys={"evb_MaximumStationCurrent": ("320", True)},
)
class LimitInDeciamps(_LimitKeys):
    """The static limit of the station, evb_MaximumStationCurrent, is in tenths of an ampere."""

    limits = (("evb_MaximumStationCurrent", 0, 10.0),)


@quirk(
    "config-static-limit-milliamps",
    vendors=("KEBA",),
    sources=(
        "sap-labs-france/ev-server:src/integration/charging-station-vendor/keba/KebaChargingStationVendorIntegration.ts",
    ),
    survive=_LIMITS,
    vendor_keys={"MaxAvailableCurrent": ("32000", True)},
)
class LimitInMilliamps(_LimitKeys):
    """The static limit of the station, MaxAvailableCurrent, is in thousandths of an ampere."""

    limits = (("MaxAvailableCurrent", 0, 1_000.0),)


@quirk(
    "config-left-right-limit-keys",
    vendors=("Legrand",),
    sources=("sap-labs-france/ev-server@01dd2be6b",),
    survive=_LIMITS,
    vendor_keys={
        "CurrentManagementLeft": ("32", True),
        "CurrentManagementRight": ("32", True),
        "StatusNotificationAfterBootNotification": ("true", True),
        "MeterValuesSampleClock": ("0", True),
    },
)
class LeftAndRight(_LimitKeys):
    """Static limits are those of the left and the right socket, in ampere."""

    limits = (("CurrentManagementLeft", 1, 1.0), ("CurrentManagementRight", 2, 1.0))


@quirk(
    "config-per-socket-limit-key",
    vendors=("Bender/Ebee",),
    sources=("sap-labs-france/ev-server@01dd2be6b", "manual: Ebee OCPP configuration keys (85.156.250.63)"),
    survive=_LIMITS,
    vendor_keys={"OperatorCurrentLimit": ("32", True), "OperatorCurrentLimit_2": ("32", True)},
)
class LimitPerSocket(_LimitKeys):
    """Each socket has a static limit of its own; that of the second is the key with _2 behind it."""

    limits = (("OperatorCurrentLimit", 1, 1.0), ("OperatorCurrentLimit_2", 2, 1.0))


@quirk(
    "config-hidden-vendor-keys",
    vendors=("Delta",),
    sources=("sap-labs-france/ev-server@b8abfa6a7", "sap-labs-france/ev-server@c893d5ca5"),
    survive=LENIENT,
    vendor_keys={"GridCurrent": ("32", True)},
)
class HiddenKey(_LimitKeys, Listening):
    """The limit GridCurrent can be read by name and written, but is missing from the list of all keys."""

    limits = (("GridCurrent", 0, 1.0),)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Out of the list."""
        if action != READ or self.asked_for(st, message_id):
            return reply
        return with_rows(reply, [row for row in rows_of(reply) if row.key != "GridCurrent"])


# -- tokens and free sessions


class _OnPlugIn(Quirk):
    """Something happens by itself a moment after a cable was plugged in."""

    def wanted(self, st: Station) -> bool:
        """Is it switched on?"""
        raise NotImplementedError

    def act(self, st: Station, evse: Evse, now: int) -> None:
        """What happens."""
        raise NotImplementedError

    def report(self, st: Station, report: Report) -> Report:
        """A connector begins to prepare."""
        if isinstance(report, StatusChanged) and report.status == PREPARING and report.plugged and self.wanted(st):
            port = QuirkPort(st, self)
            port.memory[report.evse_id] = True
            port.wake_in(1.0)
        return report

    def timer(self, st: Station, now: int) -> None:
        """Where nobody was quicker."""
        memory = QuirkPort(st, self).memory
        for evse in st.evses:
            waits = memory.pop(evse.evse_id, False) and evse.plugged and evse.operative and not st.blocked(evse)
            if waits and evse.grant is None and evse.tx is None and not evse.used and not evse.reserved:
                self.act(st, evse, now)


@quirk(
    "autocharge-key",
    vendors=("Alfen",),
    sources=("evcc-io/evcc#29391",),
    breaks=("token",),
    survive=_TOKENS,
    vendor_keys={"AutochargeEnabled": ("True", True)},
)
class Autocharge(_OnPlugIn):
    """With the key AutochargeEnabled, plugging in presents the car's MAC address as the token, in Base32."""

    def wanted(self, st: Station) -> bool:
        """The key says so."""
        return is_on(QuirkPort(st, self).vendor_key("AutochargeEnabled"))

    def act(self, st: Station, evse: Evse, now: int) -> None:
        """Cars of this world have no address; each time it is another one's."""
        mac = st.rng.below("quirk.mac", 1 << 48).to_bytes(6, "big")
        PRESENTED[0](st, b32encode(mac).decode().rstrip("="), "MacAddress", evse.evse_id, now)


@quirk(
    "config-namespaced-keys",
    vendors=("Tritium",),
    sources=("public: a CSMS that reads keys of head unit HU1",),
    survive=LENIENT,
    vendor_keys={
        "HU1.CCURFIDDisable": ("false", True),
        "HU1.CCUMaxHalfEnable": ("false", True),
        "HU1.CCUSOCLimitDisable": ("false", True),
    },
)
class NamespacedKeys(_OnPlugIn):
    """Keys of a unit have its name in front; HU1.CCURFIDDisable lets sessions begin without a token."""

    def wanted(self, st: Station) -> bool:
        """The reader is disabled."""
        return is_on(QuirkPort(st, self).vendor_key("HU1.CCURFIDDisable"))

    def act(self, st: Station, evse: Evse, now: int) -> None:
        """A free session."""
        authorization.give(st, evse, st.model.free_vend_token, "NoAuthorization", None, "free")


@quirk(
    "config-dummy-idtags",
    vendors=("Mennekes",),
    sources=("evcc-io/evcc#26837",),
    breaks=("token",),
    survive=_TOKENS,
    vendor_keys={
        "DummyIdTagForApp": ("4DriversApp", True),
        "DummyIdTagForAutostart": ("Autostart", True),
        "LocalTransactionOcppMode": ("", True),
        "EnableLocalAuthorizationMethod": ("", True),
    },
)
class DummyTokens(Quirk):
    """Sessions that start without a token bear the one of the key DummyIdTagForAutostart."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """In the place of the token for free charging."""
        if get(payload, "idTag") != st.model.free_vend_token:
            return payload
        return put(
            payload, id_tag=QuirkPort(st, self).vendor_key("DummyIdTagForAutostart")[:20] or st.model.free_vend_token
        )


@quirk(
    "local-list-first-1000-cached",
    vendors=("KEBA",),
    sources=("manual: KEBA x-series configuration manual 4.14",),
    breaks=("list_whole",),
    survive="Split updates of the local list into the size that is advertised, and rely on no more than 1000 tokens.",
    params={"most": (1_000, 1, 100_000)},
)
class ListCutShort(Quirk):
    """Of a longer local list only the first 1000 tokens are kept; the update is accepted all the same.

    ``most``: how many are kept.
    """

    most: int

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """The station never sees the rest."""
        if action == "SendLocalList" and req.local_authorization_list is not UNSET:
            there = 0 if req.update_type == "Full" else local_list.length(st)
            req.local_authorization_list = req.local_authorization_list[: max(0, self.most - there)]
        return None


# -- reboots


#: what counts only after a reboot, where the product has it
_LATER = ("ChargePointVendor", "ChargePointModel", "WeldCheck")


@quirk(
    "config-change-needs-reboot",
    vendors=("Bender/Ebee",),
    sources=("manual: Ebee OCPP configuration keys (85.156.250.63)",),
    survive=_REBOOTS,
    vendor_keys={"WeldCheck": ("Disable", True)},
)
class ActsAfterReboot(Quirk):
    """WeldCheck, ChargePointVendor and ChargePointModel are written with RebootRequired, and act after the reboot."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Kept on flash until then, where the product has the key."""
        if action != WRITE or req.key not in _LATER or device_model.read_key(st, req.key) is None:
            return None
        kept = len(req.value) <= 20 and st.board.flash.write(AREA, f"next:{req.key}", req.value, 16 + len(req.value))
        return deeds.answer(st, self, action, message_id, "RebootRequired" if kept else "Rejected")

    def moment(self, st: Station, name: str, now: int) -> None:
        """The software starts: now they count."""
        for key in _LATER if name == "start" else ():
            value = st.board.flash.get(AREA, f"next:{key}")
            if isinstance(value, str) and device_model.write_key(st, key, value) == "Accepted":
                st.board.flash.delete(AREA, f"next:{key}")


@quirk(
    "config-daily-reboot",
    vendors=("Vestel",),
    sources=("evcc-io/evcc#15726",),
    breaks=("stays_connected",),
    survive=_REBOOTS,
    params={"at_h": (3.0, 0.0, 23.99)},
    vendor_keys={"DailyReboot": ("TRUE", True)},
)
class DailyReboot(Quirk):
    """The station reboots every day at the same hour, unless the key DailyReboot forbids it or a car charges.

    ``at_h``: hour of the day, by the station's clock.
    """

    at_h: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """Once the clock is set."""
        if name == "accepted":
            self._plan(st)

    def _plan(self, st: Station) -> None:
        into_day_us = st.board.rtc.wall(st.now) % _DAY_US
        left_us = (int(self.at_h * _HOUR_US) - into_day_us) % _DAY_US or _DAY_US
        port = QuirkPort(st, self)
        port.memory["due"] = left_us <= _HOUR_US
        port.wake_in(min(left_us, _HOUR_US) / 1_000_000)

    def timer(self, st: Station, now: int) -> None:
        """The hour has come, or it is time to look again."""
        due = QuirkPort(st, self).memory.get("due") and is_on(QuirkPort(st, self).vendor_key("DailyReboot"))
        if due and all(evse.tx is None for evse in st.evses):
            QuirkPort(st, self).reboot("ScheduledReset")
        else:
            self._plan(st)


@quirk(
    "config-cumulative-usage-switch",
    vendors=("Tritium",),
    sources=("public: a simulator modelled on a TRI93-50-01",),
    breaks=("register_never_falls",),
    survive=REGISTER,
    vendor_keys={"ReportCumulativeUsage": ("false", True)},
)
class CumulativeUsage(EnergyPerSession):
    """Energy is that of the session, unless the key ReportCumulativeUsage is true."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """As the key says."""
        return reading if self._cumulative(st) else super().sample(st, evse, reading, context)

    def report(self, st: Station, report: Report) -> Report:
        """As the key says."""
        return report if self._cumulative(st) else super().report(st, report)

    def _cumulative(self, st: Station) -> bool:
        return is_on(QuirkPort(st, self).vendor_key("ReportCumulativeUsage"))
