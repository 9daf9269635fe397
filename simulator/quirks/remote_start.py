"""Quirks of remote starts: without effect, needed, refused, or with consequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import authorization
from simulator.blocks import charging_schedule as cs
from simulator.core.connector import AVAILABLE, FINISHING
from simulator.core.reports import AuthorizeAsked, StatusChanged, TransactionEnded, TransactionStarted
from simulator.quirks import deeds
from simulator.quirks.deeds import answer
from simulator.quirks.payload import get
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import Report
    from simulator.core.station import Station

_LEARN = (
    "Learn for each vendor whether Preparing needs a remote start, and with which token; do not repeat it; take"
    " StartTransaction as the confirmation."
)
_FINISHING = "Take Finishing as plugged in; offer to unlock or reset, and pause by a limit instead of stopping."
START = ("RemoteStartTransaction", "RequestStartTransaction")
STOP = ("RemoteStopTransaction", "RequestStopTransaction")
#: tokens of remote starts that are kept in mind
_KEPT = 8


def meant(st: Station, req: Any) -> list[Evse]:
    """The EVSEs a remote start may be about: the one it names, or all."""
    named = [number for name in ("connectorId", "evseId") if (number := get(req, name)) is not UNSET]
    return [evse for evse in st.evses if not named or evse.evse_id in named]


@quirk(
    "remotestart-accepted-no-start",
    vendors=("go-e",),
    sources=("evcc-io/evcc#6771",),
    breaks=("accepted_has_effect",),
    survive=_LEARN,
)
class AcceptedOnly(Quirk):
    """A remote start is accepted, and charging does not begin (firmware 55)."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Yes, and nothing."""
        return answer(st, self, action, message_id, "Accepted") if action in START else None


@quirk(
    "remotestart-accepted-when-available",
    vendors=("EVBox",),
    sources=("evcc-io/evcc#8116",),
    breaks=("stoppable",),
    survive=_LEARN + " Do not start remotely before Preparing.",
    settings={"AuthorizeRemoteTxRequests": "true"},
)
class StartWithoutCar(Quirk):
    """A remote start without a car is accepted, its token asked about, and the stop of that session rejected."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Nobody has plugged in?"""
        memory = QuirkPort(st, self).memory
        if action in START:
            memory["empty"] = not any(evse.plugged for evse in meant(st, req))
        elif action in STOP and memory.get("empty"):
            return answer(st, self, action, message_id, "Rejected")
        return None

    def report(self, st: Station, report: Report) -> Report:
        """Until its end."""
        if isinstance(report, TransactionEnded):
            QuirkPort(st, self).memory.pop("empty", None)
        return report


@quirk(
    "remotestart-changes-mode",
    vendors=("myenergi zappi",),
    sources=("https://support.myenergi.com/hc/en-gb/articles/16929919292433",),
    breaks=("limit_used",),
    survive=_LEARN,
    params={"key": ("OCPPChargeMode",), "free_key": ("FreeCharging",), "eco_a": (6.0, 0.0, 80.0)},
    vendor_keys={"OCPPChargeMode": ("FAST", True), "FreeCharging": ("False", True)},
)
class ModeByStart(Quirk):
    """Nothing flows until a remote start switches to the mode that a key names; unplugging switches back to STOP.

    ``key`` holds FAST, or ECO and ECO+, which have ``eco_a`` A; with True in ``free_key`` nothing is switched back.
    """

    key: str
    free_key: str
    eco_a: float

    def _stop(self, st: Station, evse_id: int) -> None:
        if QuirkPort(st, self).vendor_key(self.free_key).lower() != "true":
            deeds.limit(st, evse_id, cs.AMPERE, 0)

    def moment(self, st: Station, name: str, now: int) -> None:
        """As it leaves the factory."""
        if name == "start":
            for evse in st.evses:
                self._stop(st, evse.evse_id)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The wish of an accepted start stands with the EVSE."""
        if action in START and reply.status == "Accepted":
            for evse in st.evses:
                if evse.wish is not None and evse.wish.start:
                    if QuirkPort(st, self).vendor_key(self.key).upper().startswith("ECO"):
                        deeds.limit(st, evse.evse_id, cs.AMPERE, self.eco_a)
                    else:
                        deeds.release(st, evse.evse_id)
        return reply

    def report(self, st: Station, report: Report) -> Report:
        """The car has gone."""
        if isinstance(report, StatusChanged) and report.evse_id and report.status == AVAILABLE:
            evse = st.evses[report.evse_id - 1]
            if evse.wish is None and evse.grant is None:
                self._stop(st, report.evse_id)
        return report


@quirk(
    "remotestart-rejected-in-finishing",
    vendors=("Ocular", "Evnex"),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "https://community.evnex.io/t/remotely-charging/44"),
    survive=_FINISHING,
)
class NotWhileFinishing(Quirk):
    """A remote start is rejected in Finishing, which lasts until the car is unplugged."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Is every connector that is meant in it?"""
        evses = meant(st, req) if action in START else []
        finishing = bool(evses) and all(evse.status == FINISHING for evse in evses)
        return answer(st, self, action, message_id, "Rejected") if finishing else None


@quirk(
    "remotestart-required",
    vendors=("Wallbox", "Autel"),
    sources=(
        "evcc-io/evcc:templates/definition/charger/ocpp-wallbox-fw5.yaml",
        "evcc-io/evcc:templates/definition/charger/ocpp-autel.yaml",
    ),
    breaks=("token_asked",),
    survive=_LEARN,
)
class OnlyByStart(Quirk):
    """No session begins but by a remote start: a token at the reader has no effect (firmware 5)."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Tokens of the CSMS may be asked about."""
        if action in START:
            token = get(req, "idTag")
            memory = QuirkPort(st, self).memory
            named = token if token is not UNSET else req.id_token.id_token
            memory["remote"] = (*memory.get("remote", ())[1 - _KEPT :], named)
        return None

    def report(self, st: Station, report: Report) -> Report | None:
        """A token that would end a session is asked about as ever."""
        if not isinstance(report, AuthorizeAsked) or st.evses[report.evse_id - 1].grant is not None:
            return report
        if report.id_token in QuirkPort(st, self).memory.get("remote", ()):
            return report
        authorization.unanswered(st, report.evse_id, "unused")
        return None


@quirk(
    "remotestart-soon-after-stop-dead-session",
    vendors=("FoxESS",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "lbbrhzn/ocpp#2008"),
    breaks=("limit_used", "stays_connected"),
    survive=_FINISHING + " Leave ten minutes between a stop and the next start.",
    params={"within_s": (600.0, 1.0, 3_600.0), "after_s": (60.0, 1.0, 3_600.0), "offline_s": (600.0, 1.0, 3_600.0)},
)
class DeadRestart(Quirk):
    """A remote start minutes after a stop opens a transaction without power, and then the station goes offline.

    ``within_s`` of the stop; ``after_s`` from the start until the link is lost, for ``offline_s``.
    """

    within_s: float
    after_s: float
    offline_s: float

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Too soon?"""
        if action in START:
            memory = QuirkPort(st, self).memory
            for evse in meant(st, req):
                ended = memory.get(evse.evse_id)
                memory["soon", evse.evse_id] = ended is not None and st.now - ended <= self.within_s * 1_000_000
        return None

    def report(self, st: Station, report: Report) -> Report:
        """The session that comes of it is dead until its end."""
        port = QuirkPort(st, self)
        if isinstance(report, TransactionStarted) and port.memory.pop(("soon", report.evse_id), False):
            deeds.limit(st, report.evse_id, cs.AMPERE, 0)
            port.wake_in(self.after_s)
        elif isinstance(report, TransactionEnded):
            port.memory[report.evse_id] = st.now
            deeds.release(st, report.evse_id)
        return report

    def timer(self, st: Station, now: int) -> None:
        """Gone."""
        QuirkPort(st, self).hang_up("reset", redial_s=self.offline_s)
