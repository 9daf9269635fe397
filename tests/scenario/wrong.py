"""CSMSs that are wrong in the ways of the field: what a scenario is there for must be noticed by it.

Each is one mistake that real systems have made, in both families of messages where it exists in both.
"""

from __future__ import annotations

from typing import Any

from simulator.core.wall import parse_wall
from simulator.lab.csms import CallError, LabCsms
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.words import registers_wh

DAY_US = 86_400_000_000
REASONS = frozenset({
    "DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot", "Remote",
    "SoftReset", "UnlockCommand",
})  # fmt: skip
OF_TRANSACTIONS = ("StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent")


class Wrong(Counterpart):
    """Refuses, by an error, messages of transactions that it does not like."""

    def __init__(self, subprotocol: str) -> None:
        super().__init__(subprotocol)
        self.script = dict.fromkeys(OF_TRANSACTIONS, self._judged)  # type: ignore[arg-type]
        self.links = 0

    def _judged(self, csms: LabCsms, payload: dict[str, Any]) -> Any:
        action = self.seen[-1].action
        return CallError("InternalError") if self.dislikes(action, payload) else self.sound(action, payload)

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is this one refused?"""
        return False

    def pick(self, offered: tuple[str, ...]) -> str | None:
        """A new connection."""
        self.links += 1
        return super().pick(offered)


class ForgetsStarts(Wrong):
    """A start that comes again is a new transaction."""

    def on_StartTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Never the same id."""
        for known in self.transactions.values():
            known["start"] = None
        return super().on_StartTransaction(payload)


class ForgetsSessions(Wrong):
    """With a connection it forgets the sessions that were begun on it, and refuses their ends."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is it the end of a session of an earlier connection?"""
        if action == "StartTransaction" or payload.get("eventType") == "Started":
            self.began = self.links
        ends = action == "StopTransaction" or payload.get("eventType") == "Ended"
        return ends and self.began != self.links

    began = 0


class RefusesWhatIsOld(Wrong):
    """What happened more than a day ago cannot be true."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is it more than a day old?"""
        stamp = parse_wall(payload.get("timestamp", ""))
        return stamp is not None and stamp < self.epoch_us + self.now - DAY_US


class RefusesOddRegisters(Wrong):
    """A register that is 0, or falls, cannot be true."""

    last_wh = 0.0

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is its register 0 or less than the last one?"""
        told = registers_wh(payload)
        if not told:
            return False
        self.last_wh = max(self.last_wh, told[-1])
        return told[-1] == 0 or told[-1] < self.last_wh


class RefusesRepetitions(Wrong):
    """What was ended is unknown from then on."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Has the same end come before?"""
        if action != "StopTransaction" and payload.get("eventType") != "Ended":
            return False
        before = [one.payload for one in self.seen[:-1] if one.kind == 2 and one.action == action]
        return payload in before


class KnowsItsOwnReasonsOnly(Wrong):
    """A reason that is not in its list spoils the message."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is the reason none of 1.6?"""
        return payload.get("reason", "Local") not in REASONS


class InsistsOnBeingAsked(Wrong):
    """A token that was not asked about before does not start anything."""

    def on_StartTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Invalid unless it was asked since the last start."""
        answer = super().on_StartTransaction(payload)
        actions = [one.action for one in self.seen[:-1] if one.kind == 2 and one.direction == "cp"]
        last = max((n for n, action in enumerate(actions) if action == "StartTransaction"), default=-1)
        if "Authorize" not in actions[last + 1 :]:
            answer["idTagInfo"] = {"status": "Invalid"}
        return answer


class KnowsEverybody(Counterpart):
    """Every token is good."""

    def _token_verdict(self, token: str, *, starting: bool) -> tuple[str, str | None]:
        return "Accepted", None


class HasOneId(Counterpart):
    """Every transaction is number 1."""

    def on_StartTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Always 1."""
        return {**super().on_StartTransaction(payload), "transactionId": 1}


class LivesTwoHoursAgo(Counterpart):
    """Its clock is wrong."""

    def time(self) -> str:
        """Two hours ago."""
        right, self.now = self.now, self.now - 7_200_000_000
        wrong = super().time()
        self.now = right
        return wrong


class LetsEverybodyStart(Counterpart):
    """It never has a station wait."""

    def on_BootNotification(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Accepted."""
        return {**super().on_BootNotification(payload), "status": "Accepted"}


class ChoosesNoProtocol(Counterpart):
    """It answers a handshake without a subprotocol."""

    def pick(self, offered: tuple[str, ...]) -> str | None:
        """None."""
        return None


class ChoosesAStrangeProtocol(Counterpart):
    """It answers a handshake with a subprotocol that nobody has offered."""

    def pick(self, offered: tuple[str, ...]) -> str | None:
        """Not one of them."""
        return "ocpp0.9"


#: the mistake -> scenarios that are there to find it
MISTAKES: dict[type[Counterpart], tuple[str, ...]] = {
    ForgetsStarts: ("billing/duplicate-start", "quirks/tx-start-resent-on-reconnect"),
    ForgetsSessions: (
        "billing/offline-stop",
        "billing/stop-resent",
        "billing/power-cut-before-the-stop",
        "faults/network-lost-in-session",
        "regression/cases/tc-032-1",
        "regression/connection/session-goes-on",
        "regression/remote/reset-in-session",
        "storms/a-site-comes-back",
    ),
    RefusesWhatIsOld: ("billing/week-offline", "billing/clock-at-1970"),
    RefusesOddRegisters: ("billing/register-reset", "billing/begin-at-zero", "regression/families/family-tritium"),
    RefusesRepetitions: ("billing/stop-resent",),
    KnowsItsOwnReasonsOnly: ("regression/families/family-kempower",),
    InsistsOnBeingAsked: ("regression/cases/tc-007", "regression/cases/tc-037-1", "billing/offline-start"),
    KnowsEverybody: (
        "regression/cases/tc-023-1",
        "regression/cases/tc-023-2",
        "regression/cases/tc-023-3",
        "regression/cases/tc-037-3",
        "sessions/blocked-token",
    ),
    HasOneId: ("regression/status/two-connectors", "regression/families/family-tritium"),
    LivesTwoHoursAgo: (
        "billing/clock-at-1970",
        "regression/onboarding/boot-accepted",
        "regression/connection/heartbeat-rhythm",
        "regression/connection/clock-set-by-heartbeat",
    ),
    ChoosesNoProtocol: ("regression/cases/tc-088",),
    ChoosesAStrangeProtocol: ("regression/cases/tc-088",),
    LetsEverybodyStart: ("regression/onboarding/boot-pending", "regression/onboarding/boot-rejected"),
}
