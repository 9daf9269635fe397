"""Quirks of answers to the CSMS: silence, refusals, and a yes that means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.quirks.deeds import answer
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk
from simulator.quirks.tx import own_identifier, show_identifier

if TYPE_CHECKING:
    from simulator.core.station import Station

_STOPS = ("RemoteStopTransaction", "RequestStopTransaction")
_TIME_OUT = "Time out every CALL by itself and go on with the remaining steps."
_LEARN = (
    "Learn for each vendor whether Preparing needs a remote start, and with which token; do not repeat it; take"
    " StartTransaction as the confirmation."
)


@quirk(
    "remote-silent-no-answer",
    vendors=("ABB Terra AC",),
    sources=("evcc-io/evcc#21645",),
    breaks=("every_call_answered",),
    survive=_TIME_OUT,
    params={"action": ("ChangeAvailability",), "within_s": (30.0, 0.0, 3_600.0)},
)
class SilentAfterConnect(Quirk):
    """A request that comes right after the connection is never answered, while everything else goes on.

    ``action``: which one; ``within_s``: seconds from the connection.
    """

    action: str
    within_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """Remember when the connection began."""
        if name == "link_up":
            QuirkPort(st, self).memory["since"] = now

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Say nothing, do nothing."""
        since = QuirkPort(st, self).memory.get("since", 0)
        early = st.now - since <= self.within_s * 1_000_000
        return "silent" if action == self.action and early else None


@quirk(
    "getconfiguration-no-answer",
    vendors=("EVBox",),
    sources=("evcc-io/evcc#12083",),
    breaks=("every_call_answered",),
    survive=_TIME_OUT + " Ask for single keys.",
)
class GetConfigurationSilent(Quirk):
    """GetConfiguration without a list of keys is never answered."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Only the request for everything."""
        return "silent" if action == "GetConfiguration" and (req.key is UNSET or not req.key) else None


@quirk(
    "remotestop-rejected-while-charging",
    vendors=("EVBox",),
    sources=("evcc-io/evcc#9681", "evcc-io/evcc#8116"),
    breaks=("stoppable",),
    survive="Fall back to unlock, a limit of 0 or availability when a remote stop is refused; tell the operator.",
)
class RemoteStopRejected(Quirk):
    """A remote stop of the running transaction is rejected."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Always no."""
        return answer(st, self, action, message_id, "Rejected") if action in _STOPS else None


@quirk(
    "remotestart-embedded-profile-refused",
    vendors=("EVBox", "go-e"),
    sources=("evcc-io/evcc#12083", "goecharger/go-eCharger-API-v2#243"),
    breaks=("no_callerror",),
    survive="Send the charging profile by itself, after StartTransaction.",
    params={"rejected": (False,)},
)
class EmbeddedProfileRefused(Quirk):
    """A remote start that brings a charging profile relative to its begin is answered by a CALLERROR ProtocolError.

    ``rejected``: one that brings any profile is rejected instead (go-e, firmware 56.9).
    """

    rejected: bool

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Look for the profile."""
        if action != "RemoteStartTransaction" or req.charging_profile is UNSET:
            return None
        if self.rejected:
            reply = st.dialect.messages.RemoteStartTransactionResponse(status="Rejected")
            return QuirkPort(st, self).answer(message_id, reply)
        if req.charging_profile.charging_profile_kind != "Relative":
            return None
        return QuirkPort(st, self).refuse(message_id, "protocol", "")


@quirk(
    "remotestart-double-accepted",
    vendors=("Wallbox",),
    sources=("lbbrhzn/ocpp#1925",),
    breaks=("accepted_has_effect",),
    survive=_LEARN,
)
class DoubleStartAccepted(Quirk):
    """A second remote start for a connector that is being prepared is accepted as well, and has no effect."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Yes, as long as no energy flows."""
        if action != "RemoteStartTransaction":
            return None
        wanted = None if req.connector_id is UNSET else req.connector_id
        for evse in st.evses:
            begun = evse.grant is not None or evse.wish is not None or evse.asked is not None
            if wanted in (None, evse.evse_id) and begun and evse.status in ("Available", "Preparing"):
                reply = st.dialect.messages.RemoteStartTransactionResponse(status="Accepted")
                return QuirkPort(st, self).answer(message_id, reply)
        return None


@quirk(
    "remotestart-idtag-must-match-config",
    vendors=("Alfen",),
    sources=("evcc-io/evcc#5021", "evcc-io/evcc:charger/ocpp/cp_setup.go"),
    survive=_LEARN + " Read the key and use its value.",
    params={"key": ("PlugAndChargeIdentifier",)},
)
class RemoteTokenMustMatch(Quirk):
    """A remote start is rejected unless its token is the one in a configuration key of the station."""

    key: str

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Compare."""
        if action != "RemoteStartTransaction" or req.id_tag == own_identifier(st, self.key)[:20]:
            return None
        reply = st.dialect.messages.RemoteStartTransactionResponse(status="Rejected")
        return QuirkPort(st, self).answer(message_id, reply)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The CSMS can read the token it must use."""
        return show_identifier(st, self.key, reply) if action == "GetConfiguration" else reply
