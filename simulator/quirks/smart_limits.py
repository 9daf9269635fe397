"""Quirks of charging profiles that were accepted: without effect, with another one, or for a while; and of a limit of
nothing, which pauses a session in many ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.blocks import charging_schedule as cs
from simulator.core.reports import StatusChanged, TransactionEnded, TransactionReport, TransactionStarted
from simulator.quirks import deeds
from simulator.quirks.deeds import SET, answer, asked
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import Report
    from simulator.core.station import Station

_VERIFY = (
    "Take Accepted as a promise to verify: compare the measured current within a minute, try another purpose, then"
    " alarm."
)
_PAUSE = (
    "Choose for each vendor how to pause (0 A, 6 A at least, or a remote stop), and clear the limit of 0 A before the"
    " next session."
)
_KEMPOWER = "https://manual-sofar.eniris.be/fr/Devices/EV-charging-station/Kempower"
CLEAR = "ClearChargingProfile"


@quirk(
    "smart-accepted-no-effect",
    vendors=("Wallbox", "go-e"),
    sources=("evcc-io/evcc#15490", "goecharger/go-eCharger-API-v2#105"),
    breaks=("limit_obeyed",),
    survive=_VERIFY,
)
class NoEffect(Quirk):
    """Every profile is accepted, and changes nothing."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Yes, and that is all."""
        return answer(st, self, SET, message_id, "Accepted") if action == SET else None


@quirk(
    "smart-chargepointmax-accepted-ignored",
    vendors=("Grizzl-E",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    breaks=("limit_obeyed",),
    survive=_VERIFY,
)
class StationMaxIgnored(Quirk):
    """A profile for the whole station (ChargePointMaxProfile) is accepted and not applied (firmware 03.09.0)."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Only this purpose."""
        profile = asked(action, req)
        ignored = profile is not None and profile.purpose == cs.STATION_MAX
        return answer(st, self, SET, message_id, "Accepted") if ignored else None


class Bending(Quirk):
    """Takes over profiles with other limits than they have."""

    def bend(self, evse: Evse, unit: str, limit: int) -> int:
        """The limit that is applied, in 0.1 of the unit; bending twice must be bending once."""
        raise NotImplementedError

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """As soon as a profile is there."""
        if action == SET and reply.status == "Accepted":
            deeds.alter(st, self.bend)
        return reply


@quirk(
    "smart-below-threshold-is-zero",
    vendors=("Kempower",),
    sources=(_KEMPOWER,),
    breaks=("limit_used",),
    survive=_VERIFY,
    params={"threshold_w": (1_000, 0, 1_000_000)},
)
class SmallIsNothing(Bending):
    """A limit below 1000 W counts as none at all and stops the flow of energy.

    ``threshold_w``: smaller ones are 0. Known of limits over Modbus; for those of a CSMS it is our reading.
    """

    threshold_w: int

    def bend(self, evse: Evse, unit: str, limit: int) -> int:
        """Only what is in W."""
        return 0 if unit == cs.WATT and limit < self.threshold_w * 10 else limit


@quirk(
    "smart-discrete-current-steps",
    vendors=("NEcharge",),
    sources=("evcc-io/evcc:templates/definition/charger/ocpp-necharge.yaml",),
    survive=_VERIFY,
    params={"steps": ("6 8 10 13 16",)},
)
class CurrentSteps(Bending):
    """The current is 6, 8, 10, 13 or 16 A; a limit in between is rounded down to one of them.

    ``steps``: currents in A that there are.
    """

    steps: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """Whole numbers, at least one."""
        parts = value.split()
        return None if parts and all(part.isdigit() for part in parts) else "is no list of whole numbers"

    def bend(self, evse: Evse, unit: str, limit: int) -> int:
        """In W it is the same, for all phases together."""
        tenths = 1 if unit == cs.AMPERE else int(evse.spec.voltage_v * max(1, evse.spec.phases))
        return max((step for part in self.steps.split() if (step := int(part) * 10 * tenths) <= limit), default=0)


@quirk(
    "smart-limit-clamped-to-minimum",
    vendors=("EVBox",),
    sources=("lbbrhzn/ocpp#221",),
    breaks=("limit_obeyed",),
    survive=_VERIFY,
    fixed_in="0.220212",
)
class AlwaysMinimum(Bending):
    """Whatever the limit, the car gets the least there is, 6 A.

    Firmware before 2022; on the 12th of February 2022 an owner found it gone with a newer one, and the maker's numbers
    are dates.
    """

    def bend(self, evse: Evse, unit: str, limit: int) -> int:
        """More or less does not matter."""
        return deeds.least(evse, unit)


@quirk(
    "smart-zero-needs-remotestop",
    vendors=("EN+",),
    sources=("evcc-io/evcc#25069",),
    breaks=("limit_obeyed",),
    survive=_PAUSE,
)
class ZeroNotHonoured(Bending):
    """A limit of 0 A is not honoured: the car goes on with 6 A, and only a remote stop ends that."""

    def bend(self, evse: Evse, unit: str, limit: int) -> int:
        """Any other limit is."""
        return limit or deeds.least(evse, unit)


@quirk(
    "smart-limit-lost-on-reboot",
    vendors=("Grizzl-E",),
    sources=("lbbrhzn/ocpp:docs/user-guide.md",),
    breaks=("limit_obeyed",),
    survive="Set the limit again after every boot.",
)
class LostOnReboot(Quirk):
    """After a reboot the limit is again that of the switches inside, and profiles are gone."""

    def moment(self, st: Station, name: str, now: int) -> None:
        """Flash had kept them."""
        if name == "start":
            deeds.forget(st)


@quirk(
    "smart-profile-lost-on-reconnect",
    vendors=("go-e",),
    sources=("goecharger/go-eCharger-API-v2#217",),
    breaks=("limit_obeyed",),
    survive="Set the limit again after every connection.",
)
class LostWithLink(Quirk):
    """A lost connection takes the profiles with it, and charging goes on at full power (firmware 56.2)."""

    def moment(self, st: Station, name: str, now: int) -> None:
        """At once, not only when it is back."""
        if name == "link_down":
            deeds.forget(st)


@quirk(
    "smart-fallback-power-on-comm-loss",
    vendors=("Kempower",),
    sources=(_KEMPOWER,),
    survive="Repeat the limit more often than the station's time-out, and expect the fall-back power after a boot.",
    params={"fallback_w": (4_200, 0, 1_000_000), "after_s": (300.0, 1.0, 3_600.0)},
)
class Fallback(Quirk):
    """Until a first profile comes, and when none comes for a while, a configured power is all there is.

    ``fallback_w`` for the whole station, ``after_s`` seconds without a profile.
    """

    fallback_w: int
    after_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """Begin with it."""
        if name == "start":
            deeds.limit(st, 0, cs.WATT, self.fallback_w)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The CSMS is in charge."""
        if action == SET and reply.status == "Accepted":
            deeds.release(st, 0)
            QuirkPort(st, self).wake_in(self.after_s)
        return reply

    def timer(self, st: Station, now: int) -> None:
        """It has gone silent."""
        deeds.limit(st, 0, cs.WATT, self.fallback_w)


@quirk(
    "smart-static-limit-station-wide-only",
    vendors=("Schneider",),
    sources=("sap-labs-france/ev-server@01dd2be6b", "sap-labs-france/ev-server@c893d5ca5"),
    survive="Convert static limits for each vendor (A, 0.1 A, mA; station, socket, left and right).",
    params={"key": ("maxintensitysocket",)},
    vendor_keys={"maxintensitysocket": ("", True)},
)
class StaticLimit(Quirk):
    """A configuration key limits every socket to the same current; there is none for a single connector.

    ``key``: its value in A for each socket; nothing, or what is no number, does not limit.
    """

    key: str

    def _obey(self, st: Station) -> None:
        value = QuirkPort(st, self).vendor_key(self.key)
        for evse in st.evses:
            if value.isdecimal():
                deeds.limit(st, evse.evse_id, cs.AMPERE, min(int(value), 1_000))
            else:
                deeds.release(st, evse.evse_id)

    def moment(self, st: Station, name: str, now: int) -> None:
        """What the key says from the beginning."""
        if name == "start":
            self._obey(st)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """It may have been written."""
        if action == "ChangeConfiguration" and reply.status == "Accepted":
            self._obey(st)
        return reply


# -- a limit of nothing


@quirk(
    "smart-zero-gives-suspendedevse",
    vendors=("Wallbox",),
    sources=("lbbrhzn/ocpp#1245",),
    survive=_PAUSE,
    params={"after_s": (0.1, 0.0, 60.0)},
)
class ZeroSuspends(Quirk):
    """A limit of 0 A leads to SuspendedEVSE a tenth of a second after it was accepted.

    ``after_s``: that long.
    """

    after_s: float

    def report(self, st: Station, report: Report) -> Report | tuple[int, Report]:
        """What follows meanwhile waits as well, so that the order stays."""
        if not isinstance(report, StatusChanged) or not report.evse_id:
            return report
        port = QuirkPort(st, self)
        if report.status == "SuspendedEVSE" and deeds.starved(st.evses[report.evse_id - 1]):
            port.memory[report.evse_id] = port.hold(self.after_s)
        until_us = port.memory.get(report.evse_id, 0)
        return (until_us, report) if until_us > st.now else report


class PauseWatch(Quirk):
    """Notes at which EVSEs a limit of nothing has suspended the running transaction."""

    def report(self, st: Station, report: Report) -> Report:
        """A transaction is noted until it ends."""
        if isinstance(report, TransactionReport):
            memory = QuirkPort(st, self).memory
            if isinstance(report, TransactionStarted):
                self.started(st, report)
            if deeds.paused(st, report):
                memory[report.evse_id] = report.key
                self.paused(st, report)
            if memory.get(report.evse_id) == report.key and report.trigger == "EVCommunicationLost":
                self.unplugged(st, report)
            if isinstance(report, TransactionEnded) and memory.get(report.evse_id) == report.key:
                del memory[report.evse_id]
                self.ended(st, report)
        return report

    def started(self, st: Station, report: TransactionReport) -> None:
        """A transaction has begun."""

    def paused(self, st: Station, report: TransactionReport) -> None:
        """A transaction has been paused."""

    def unplugged(self, st: Station, report: TransactionReport) -> None:
        """The plug of a transaction that has been paused was pulled at the car."""

    def ended(self, st: Station, report: TransactionReport) -> None:
        """A transaction that has been paused is over."""


@quirk(
    "smart-zero-limit-breaks-resume",
    vendors=("ABB Terra AC",),
    sources=("evcc-io/evcc#12821", "evcc-io/evcc#12728"),
    breaks=("limit_used",),
    survive=_PAUSE,
)
class NoResume(PauseWatch):
    """A session paused by a limit of 0 A does not go on when a higher limit is accepted."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Yes, without effect, as long as that session lasts."""
        memory = QuirkPort(st, self).memory
        stuck = any(evse.tx is not None and memory.get(evse.evse_id) == evse.tx.key for evse in st.evses)
        return answer(st, self, action, message_id, "Accepted") if stuck and action in (SET, CLEAR) else None


@quirk(
    "smart-zero-limit-ends-transaction",
    vendors=("Huawei",),
    sources=("evcc-io/evcc#29274",),
    breaks=("stop_reason",),
    survive=_PAUSE,
)
class ZeroEnds(PauseWatch):
    """A limit of 0 W ends the transaction instead of suspending it."""

    def paused(self, st: Station, report: TransactionReport) -> None:
        """In a moment."""
        QuirkPort(st, self).wake_in(0.2)

    def timer(self, st: Station, now: int) -> None:
        """If it is still so."""
        for evse in st.evses:
            if deeds.starved(evse):
                deeds.stop(st, evse)


@quirk(
    "smart-zero-limit-persists",
    vendors=("Huawei",),
    sources=("traktore-org/sem-community#977",),
    breaks=("stop_reason",),
    survive=_PAUSE,
)
class ZeroPersists(PauseWatch):
    """A limit of 0 A outlives its session: every later one is accepted and ends after a second, with reason Other."""

    def ended(self, st: Station, report: TransactionReport) -> None:
        """The limit of a transaction should go with it."""
        QuirkPort(st, self).memory["zero", report.evse_id] = True

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Another profile, or clearing, helps."""
        if action in (SET, CLEAR) and reply.status == "Accepted":
            memory = QuirkPort(st, self).memory
            for evse in st.evses:
                memory.pop(("zero", evse.evse_id), None)
        return reply

    def started(self, st: Station, report: TransactionReport) -> None:
        """A second of hope."""
        port = QuirkPort(st, self)
        if ("zero", report.evse_id) in port.memory:
            port.wake_in(1.0)

    def timer(self, st: Station, now: int) -> None:
        """Over."""
        for evse in st.evses:
            if ("zero", evse.evse_id) in QuirkPort(st, self).memory:
                deeds.stop(st, evse)


@quirk(
    "smart-zero-limit-faults-on-unplug",
    vendors=("EVBox",),
    sources=("evcc-io/evcc#12821",),
    breaks=("stays_usable",),
    survive=_PAUSE,
)
class ZeroFaults(PauseWatch):
    """After a limit of 0 A, unplugging the car ends in a fault with the cable locked in, until the power is cycled."""

    def unplugged(self, st: Station, report: TransactionReport) -> None:
        """In a moment."""
        port = QuirkPort(st, self)
        port.memory["broken"] = report.evse_id
        port.wake_in(0.2)

    def timer(self, st: Station, now: int) -> None:
        """The bolt is driven home once more, and stays."""
        evse_id = QuirkPort(st, self).memory.get("broken", 1)
        deeds.damage(st, f"{self.name} lock {evse_id}", "lock.jammed", evse_id, stuck="closed")
        deeds.damage(st, f"{self.name} pilot {evse_id}", "pilot.short", evse_id)

    def moment(self, st: Station, name: str, now: int) -> None:
        """Only without power it recovers."""
        if name == "start" and st.boot_reason == "PowerUp":
            for evse in st.evses:
                deeds.repair(st, f"{self.name} lock {evse.evse_id}")
                deeds.repair(st, f"{self.name} pilot {evse.evse_id}")
