"""Quirks of charging profiles that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import UNSET, structs

from simulator.blocks import charging_schedule as cs
from simulator.core.readings import POWER
from simulator.core.reports import LimitImposed
from simulator.quirks.deeds import SET, Asked, answer, asked
from simulator.quirks.payload import get, knows
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import MeterReading, Report
    from simulator.core.station import Station

_SHAPE = (
    "Negotiate the shape of a profile with each vendor: try purpose, kind, stack level 0 and unit in turn, and remember"
    " what was accepted."
)
_EASEE = "https://developer.easee.com/docs/ocpp-smart-charging"


class Refusal(Quirk):
    """Answers a charging profile that it does not like by Rejected."""

    #: reason code and text where the version has room for them
    why: ClassVar[tuple[str, str]] = ("InvalidProfile", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Is it one of those?"""
        raise NotImplementedError

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Look at the profile."""
        profile = asked(action, req)
        if profile is None or not self.refuses(st, profile):
            return None
        return answer(st, self, SET, message_id, "Rejected", self.why)


@quirk(
    "smart-absolute-rejected-needs-relative",
    vendors=("Wallbox",),
    sources=(
        "evcc-io/evcc@4ed2b2e00",
        "evcc-io/evcc:templates/definition/charger/ocpp-wallbox.yaml",
        "evcc-io/evcc#15492",
    ),
    breaks=("profile_accepted",),
    survive=_SHAPE,
)
class AbsoluteDefaultRejected(Refusal):
    """A TxDefaultProfile of kind Absolute is rejected, one of kind Relative is taken."""

    why = ("UnsupportedKind", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Only this purpose and kind."""
        return profile.purpose == cs.TX_DEFAULT and profile.kind == cs.ABSOLUTE


@quirk(
    "smart-relative-unsupported",
    vendors=("Easee", "Autel"),
    sources=(_EASEE, "lbbrhzn/ocpp#2150"),
    breaks=("profile_accepted",),
    survive=_SHAPE,
)
class RelativeRejected(Refusal):
    """Profiles of kind Relative are rejected, and one for the whole station needs a startSchedule."""

    why = ("UnsupportedKind", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """A begin of its own is needed."""
        return profile.kind == cs.RELATIVE or (profile.purpose == cs.STATION_MAX and not profile.started)


@quirk(
    "smart-chargepointmax-rejected",
    vendors=("EVBox",),
    sources=("lbbrhzn/ocpp#221",),
    breaks=("profile_accepted",),
    survive=_SHAPE,
)
class StationMaxRejected(Refusal):
    """A profile for the whole station (ChargePointMaxProfile) is rejected."""

    why = ("UnsupportedPurpose", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Only this purpose."""
        return profile.purpose == cs.STATION_MAX


@quirk(
    "smart-txdefault-rejected",
    vendors=("Charge Amps",),
    sources=("lbbrhzn/ocpp#878", "evcc-io/evcc@161c068db"),
    breaks=("profile_accepted",),
    survive=_SHAPE,
)
class DefaultRejected(Refusal):
    """Only a profile of a running transaction is taken; UnlockConnector is NotSupported (Halo, firmware 169)."""

    why = ("UnsupportedPurpose", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Both purposes that outlive a transaction."""
        return profile.purpose in (cs.TX_DEFAULT, cs.STATION_MAX)

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Unlocking is refused beside."""
        if action == "UnlockConnector" and get(req, "connectorId") is not UNSET and not knows(req, "evseId"):
            return answer(st, self, action, message_id, "NotSupported")
        return super().request(st, action, req, message_id)


@quirk(
    "smart-txprofile-unsupported",
    vendors=("Easee",),
    sources=(_EASEE,),
    breaks=("profile_accepted",),
    survive=_SHAPE,
)
class TxProfileRejected(Refusal):
    """A profile of a running transaction (TxProfile) is rejected."""

    why = ("UnsupportedPurpose", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Only this purpose."""
        return profile.purpose == cs.TX


@quirk(
    "smart-stack-level-zero-only",
    vendors=("ABB Terra AC", "Wallbox"),
    sources=(
        "evcc-io/evcc:templates/definition/charger/ocpp-abb-tac.yaml",
        "evcc-io/evcc@b20253830",
        "lbbrhzn/ocpp#1737",
        "sap-labs-france/ev-server:src/integration/charging-station-vendor/wallbox/WALLBOXChargingStationVendorIntegration.ts",
        "evcc-io/evcc:templates/definition/charger/ocpp-wallbox-fw5.yaml",
    ),
    breaks=("profile_accepted",),
    survive=_SHAPE,
)
class StackLevelZero(Refusal):
    """Profiles above stack level 0 are rejected, whatever ChargeProfileMaxStackLevel says."""

    why = ("InvalidStackLevel", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Everything above."""
        return profile.level > 0


@quirk(
    "smart-max-periods",
    vendors=("Easee",),
    sources=(_EASEE,),
    breaks=("profile_accepted",),
    survive=_SHAPE,
    params={"most": (16, 1, 1_024), "connectors": (2, 0, 64)},
    settings={"ChargingScheduleMaxPeriods": "16"},
)
class MaxPeriods(Refusal):
    """Schedules have at most 16 periods, and no connector above 2 takes a profile.

    ``most`` periods; ``connectors``: the highest number of one.
    """

    why = ("TooManyElements", "")

    most: int
    connectors: int

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Count."""
        return profile.periods > self.most or profile.evse_id > self.connectors


@quirk(
    "smart-watts-rejected",
    vendors=("EVBox",),
    sources=("lbbrhzn/ocpp#221",),
    breaks=("profile_accepted",),
    survive=_SHAPE,
)
class WattsRejected(Refusal):
    """Profiles in W are rejected, although the unit is said to be allowed."""

    why = ("UnsupportedRateUnit", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Look at the unit."""
        return cs.WATT in profile.units


@quirk(
    "smart-watts-only",
    vendors=("Cahors", "Huawei"),
    sources=(
        "sap-labs-france/ev-server@496a8c434",
        "evcc-io/evcc:templates/definition/charger/ocpp-huawei.yaml",
        "lbbrhzn/ocpp@a37fed3",
    ),
    survive=_SHAPE,
    settings={"ChargingScheduleAllowedChargingRateUnit": "Power"},
)
class WattsOnly(Refusal):
    """Limits must be in W, for all phases together; those in A are rejected, and the key says so."""

    why = ("UnsupportedRateUnit", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Look at the unit."""
        return cs.AMPERE in profile.units


@quirk(
    "smart-rejected-without-transaction",
    vendors=("ABB Terra AC", "Wallbox"),
    sources=("evcc-io/evcc#14733", "evcc-io/evcc#16768"),
    breaks=("profile_accepted",),
    survive="Send profiles with an open transaction only, and again after a start, a reconnect and a boot.",
)
class RejectedWhileIdle(Refusal):
    """While no transaction runs every profile is rejected, also a default one."""

    why = ("TxNotFound", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Is there any?"""
        return not any(evse.tx is not None for evse in st.evses if profile.evse_id in (0, evse.evse_id))


@quirk(
    "smart-rejected-load-balancer-disabled",
    vendors=("Schneider",),
    sources=("lbbrhzn/ocpp#263",),
    breaks=("profile_accepted",),
    survive="Show the refusal to the installer as a setting of the site, and try again at the next boot.",
    params={"key": ("EnergyManagementEnabled",)},
    vendor_keys={"EnergyManagementEnabled": ("false", True)},
)
class LoadBalancerDisabled(Refusal):
    """Profiles are rejected until the energy management of the site is switched on.

    ``key``: a configuration key that does so when its value is true.
    """

    why = ("NotEnabled", "load balancer is disabled")

    key: str

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Look at the switch."""
        return QuirkPort(st, self).vendor_key(self.key).lower() != "true"


@quirk(
    "smart-limit-ignored-when-local-ems",
    vendors=("Kempower",),
    sources=("https://manual-sofar.eniris.be/fr/Devices/EV-charging-station/Kempower",),
    breaks=("profile_accepted",),
    survive="Know which sites have an energy manager of their own, and do not limit there.",
)
class LocalManagerFirst(Refusal):
    """Once an energy manager on the site has given a limit, profiles of the CSMS are rejected until the next boot."""

    why = ("NotEnabled", "")

    def report(self, st: Station, report: Report) -> Report:
        """The station notes every limit of others, told or not."""
        if isinstance(report, LimitImposed) and report.source == "EMS":
            QuirkPort(st, self).memory["seen"] = True
        return report

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Whether that limit is still there does not matter."""
        return bool(QuirkPort(st, self).memory.get("seen"))


@quirk(
    "smart-needs-beta-firmware",
    vendors=("Easee",),
    sources=("evcc-io/evcc:templates/definition/charger/ocpp-easee.yaml",),
    breaks=("profile_accepted",),
    survive="Tell the operator which firmware a profile needs; limit by other means until then.",
    fixed_in="9012",
)
class NeedsNewerFirmware(Refusal):
    """Profiles are rejected by every firmware before the beta build 9012."""

    why = ("UnsupportedRequest", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Always: an update is the only way out."""
        return True


@quirk(
    "smart-unsupported-cloud-mode",
    vendors=("Zaptec",),
    sources=("evcc-io/evcc#27499",),
    breaks=("profile_accepted", "power_true"),
    survive="Take a power of 0 in a session whose register rises as unknown, and limit by the vendor's own means.",
)
class CloudMode(Refusal):
    """In the mode in which the vendor's cloud speaks for it, profiles are rejected and the power reads 0."""

    why = ("UnsupportedRequest", "")

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Always."""
        return True

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """While it charges, too."""
        if reading is None:
            return None
        values = tuple(
            structs.replace(value, value=0.0) if value.measurand == POWER else value for value in reading.values
        )
        return structs.replace(reading, values=values)


@quirk(
    "smart-flash-wear-rate-limit",
    vendors=("Easee",),
    sources=(_EASEE,),
    breaks=("profile_accepted",),
    survive="Limit how often profiles are written (25 a day here), and leave out those that change nothing.",
    params={"endurance": (100_000, 1, 10_000_000)},
)
class FlashWears(Refusal):
    """Every profile is a write to flash; when it is worn out none is taken any more.

    ``endurance``: so many writes (that a worn memory refuses is our reading of the warning in the manual).
    """

    why = ("OutOfStorage", "")

    endurance: int

    def refuses(self, st: Station, profile: Asked) -> bool:
        """Count on flash, where a reboot does not forget it."""
        flash = st.board.flash
        written = int(flash.get("facts", self.name) or 0)
        if written < self.endurance:
            flash.write("facts", self.name, written + 1, 16)
        return written >= self.endurance
