"""Quirks of requests of the CSMS that are not served, or do harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.quirks.deeds import answer
from simulator.quirks.payload import get
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station

_WAIT = "Send no CALL until a BootNotification was answered, or a grace period is over; then pace the set-up."
_TIME_OUT = "Time out every CALL by itself and go on with the remaining steps."
_TOKENS = "Keep the tokens that are sent to stations short, 19 characters at most."


@quirk(
    "calls-before-boot-unanswered",
    vendors=("Webasto NEXT",),
    sources=("lbbrhzn/ocpp#1602",),
    breaks=("every_call_answered",),
    survive=_WAIT,
)
class SilentBeforeBoot(Quirk):
    """A request that comes before BootNotification was answered is never answered itself."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Nothing is known of the CSMS yet."""
        return "silent" if st.gate == "unknown" else None


@quirk(
    "change-availability-harmful",
    vendors=("EN+",),
    sources=("evcc-io/evcc:templates/definition/charger/ocpp-enplus.yaml",),
    breaks=("stays_connected",),
    survive=_WAIT + " Leave out ChangeAvailability where it is not needed.",
    params={"within_s": (60.0, 1.0, 3_600.0)},
)
class AvailabilityHarms(Quirk):
    """ChangeAvailability soon after a boot is accepted and upsets the unit, which restarts.

    ``within_s`` seconds after the boot (what upset means is our reading).
    """

    within_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """From then on."""
        if name == "accepted":
            QuirkPort(st, self).memory["since"] = now

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """First yes, then the trouble."""
        port = QuirkPort(st, self)
        early = st.now - port.memory.get("since", st.now) <= self.within_s * 1_000_000
        if action == "ChangeAvailability" and reply.status != "Rejected" and early:
            port.wake_in(2.0)
        return reply

    def timer(self, st: Station, now: int) -> None:
        """There it is."""
        QuirkPort(st, self).reboot("Watchdog")


@quirk(
    "commands-partial-support",
    vendors=("ChargeX",),
    sources=("SAP/e-mobility-charging-stations-simulator:src/assets/station-templates/chargex.station-template.json",),
    breaks=("no_callerror", "profile_accepted"),
    survive="Do not rely on optional commands; use a table of what each station can do, learnt from its answers.",
    settings={"AuthorizeRemoteTxRequests": "true", "LocalPreAuthorize": "false"},
)
class FewCommands(Quirk):
    """Five commands are NotSupported, among them ChangeAvailability and SetChargingProfile; two switches are fixed."""

    _missing = frozenset(
        {"ChangeAvailability", "SetChargingProfile", "ClearChargingProfile", "GetDiagnostics", "TriggerMessage"}
    )
    _fixed = frozenset({"AuthorizeRemoteTxRequests", "LocalPreAuthorize"})

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """What is missing, and what cannot be written."""
        if action in self._missing:
            return QuirkPort(st, self).refuse(message_id, "not_supported", action)
        if action == "ChangeConfiguration" and req.key in self._fixed:
            return answer(st, self, action, message_id, "Rejected")
        return None

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The list of keys says what cannot be written."""
        if action != "GetConfiguration" or reply.configuration_key is UNSET:
            return reply
        rows = [structs.replace(r, readonly=True) if r.key in self._fixed else r for r in reply.configuration_key]
        return structs.replace(reply, configuration_key=rows)


@quirk(
    "getconfiguration-notimplemented",
    vendors=("Wattpilot",),
    sources=("lbbrhzn/ocpp#1036",),
    breaks=("no_callerror",),
    survive=_TIME_OUT,
)
class NoConfiguration(Quirk):
    """Configuration keys can neither be read nor written: a CALLERROR NotImplemented."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Both ways."""
        if action not in ("GetConfiguration", "ChangeConfiguration"):
            return None
        return QuirkPort(st, self).refuse(message_id, "not_implemented", action)


@quirk(
    "idtag-20-chars-typeconstraint",
    vendors=("Simpson & Partners",),
    sources=("lbbrhzn/ocpp#1911",),
    breaks=("no_callerror",),
    survive=_TOKENS,
    fixed_in="3.4.14",
)
class LongTokenRefused(Quirk):
    """A remote start with a token of 20 characters is answered by a CALLERROR TypeConstraintViolation."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """The longest that the schema allows."""
        if action != "RemoteStartTransaction" or len(req.id_tag) < 20:
            return None
        return QuirkPort(st, self).refuse(message_id, "type", "idTag")


@quirk(
    "trigger-metervalues-rejected",
    vendors=("go-e", "Project EV"),
    sources=("goecharger/go-eCharger-API-v2#134", "evcc-io/evcc#15768"),
    survive="Do not take silence for a fault; set the sample interval, and take a suspended session for one of 0 W.",
    params={"unless_charging": (False,)},
    fixed_in="055.6",
)
class NoTriggeredValues(Quirk):
    """TriggerMessage for MeterValues is rejected, other messages are triggered.

    ``unless_charging``: only while no energy flows.
    """

    unless_charging: bool

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Look at what is wanted."""
        if action != "TriggerMessage" or get(req, "requestedMessage") != "MeterValues":
            return None
        served = self.unless_charging and any(evse.flowing for evse in st.evses)
        return None if served else answer(st, self, action, message_id, "Rejected")
