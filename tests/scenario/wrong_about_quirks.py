"""CSMSs that stumble over products with habits: the mistake that each quirk is famous for.

Those of ``wrong.py`` are about sessions in general; these believe one thing that holds for most stations and not for
all. Each is the smallest such CSMS.
"""

from __future__ import annotations

import json
from typing import Any

from simulator.lab.csms import SILENT, CallError
from simulator.scenario.counterpart import Counterpart
from simulator.wire.loose import elements
from tests.scenario import wrong

BOOT, STATUS, START, STOP, VALUES = (
    "BootNotification",
    "StatusNotification",
    "StartTransaction",
    "StopTransaction",
    "MeterValues",
)
LARGEST = (1 << 31) - 1


class Picky(Counterpart):
    """Answers by an error what it dislikes."""

    def sound(self, action: str, payload: dict[str, Any]) -> Any:
        """An error, or what is right."""
        return CallError("InternalError") if self.dislikes(action, payload) else super().sound(action, payload)

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is this refused?"""
        raise NotImplementedError


class KnowsItsOwnIdsOnly(Picky):
    """A transaction that it has not given, or that is over, is unknown."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Does it name one that is not open?"""
        if action not in (STOP, VALUES) or "transactionId" not in payload:
            return False
        known = self.transactions.get(payload["transactionId"])
        return known is None or known["stop"] is not None


class ReadsBySchemaOnly(Picky):
    """What is not as the schema says is nothing."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is there anything that should not be?"""
        return bool(self.judge(json.dumps([2, "1", action, payload]).encode()))


class ReadsTimesInUtcOnly(Picky):
    """A time ends in Z."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Does it not?"""
        return not payload.get("timestamp", "Z").endswith("Z")


class WantsTimes(Picky):
    """A status says when it began."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Does it not?"""
        return action == STATUS and "timestamp" not in payload


class SortsByTime(Picky):
    """A status from before the last one it has heard is none."""

    last = ""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is it older?"""
        before, self.last = self.last, max(self.last, self.time())
        return action == STATUS and payload.get("timestamp", before) < before


class CountsInThirtyTwoBits(Picky):
    """No number is larger than 2^31-1."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is one of them?"""
        return any(isinstance(value, int) and value > LARGEST for value in payload.values())


class ReadsPlainNumbersOnly(Picky):
    """A value consists of digits and a point."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Does one of them not?"""
        values = [s["value"] for one in payload.get("meterValue", ()) for s in one["sampledValue"]]
        return any(set(value) - set("0123456789.") for value in values)


class WantsABoot(Picky):
    """Who has not said who he is says nothing."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Has it not?"""
        return BOOT not in self.actions()


class WantsAVendor(Counterpart):
    """A station without a maker is turned away, and one that changes its name."""

    first: tuple[Any, Any] | None = None

    def on_BootNotification(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Rejected."""
        about = payload.get("chargingStation", payload)
        name = (
            about.get("vendorName", about.get("chargePointVendor")),
            about.get("model", about.get("chargePointModel")),
        )
        self.first = self.first or name
        sound = super().on_BootNotification(payload)
        return sound if name[0] and name == self.first else {**sound, "status": "Rejected"}


class HasTwoConnectors(Picky):
    """There is no third one."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is it about one?"""
        return action == STATUS and payload.get("connectorId", 0) > 2


class EndsAtAvailable(Picky):
    """Available ends the session of the connector; what comes then is about none."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is it a stop after that?"""
        told = [one.payload.get("status") for one in self.seen if one.action == STATUS and one.kind == 2]
        return action == STOP and told[-1] == "Available"


class BelievesStatuses(Picky):
    """A connector that charges has a session already; none can begin there."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is it a start at one?"""
        told = [one.payload.get("status") for one in self.seen if one.action == STATUS and one.kind == 2]
        return action == START and told[-1] == "Charging"


class HasOneSessionPerConnector(Picky):
    """Where a session is open no other one begins."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is there one?"""
        return action == START and any(
            known["stop"] is None and known["start"]["connectorId"] == payload["connectorId"]
            for known in self.transactions.values()
        )


class RefusesEnds(Picky):
    """It cannot deal with the end of a session."""

    def dislikes(self, action: str, payload: dict[str, Any]) -> bool:
        """Is this one?"""
        return action == STOP or payload.get("eventType") == "Ended"


class GivesLargeIds(Counterpart):
    """Its transactions count from 2^31."""

    def on_StartTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A number that is right, and too large for many."""
        sound = super().on_StartTransaction(payload)
        return {**sound, "transactionId": sound["transactionId"] + LARGEST}


class KnowsCapitalsOnly(Counterpart):
    """It compares tokens letter by letter."""

    def _token_verdict(self, token: str, *, starting: bool) -> tuple[str, str | None]:
        return super()._token_verdict(token, starting=starting) if token.isupper() else ("Invalid", None)


class TellsWholeSeconds(Counterpart):
    """Its times have no fraction."""

    def time(self) -> str:
        """Cut off."""
        return super().time()[:19] + "Z"


class TellsTheTimeOnce(Counterpart):
    """The time stands in the answer to a boot only."""

    def on_Heartbeat(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Nothing."""
        return {}


class SpeaksFirst(Counterpart):
    """It begins to configure before it has answered the boot."""

    def on_BootNotification(self, payload: dict[str, Any]) -> dict[str, Any]:
        """With a request before the answer."""
        action, asked = ("GetConfiguration", {}) if "chargePointModel" in payload else ("GetVariables", VARIABLES)
        self.outbox.append(self.call(action, asked)[1])
        return super().on_BootNotification(payload)


VARIABLES = {"getVariableData": [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}]}


class MakesNumbersOfIds(Counterpart):
    """What looks like a number is one."""

    def _answer(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        super()._answer(str(int(message_id)) if message_id.isdigit() else message_id, action, payload)


class HasSeenThatId(Counterpart):
    """A message of an id that has come before is not answered again."""

    def sound(self, action: str, payload: dict[str, Any]) -> Any:
        """Silence the second time."""
        ids = [one.message_id for one in self.seen if one.direction == "cp" and one.kind == 2]
        return SILENT if ids.count(ids[-1]) > 1 else super().sound(action, payload)


class ReadsLineByLine(Counterpart):
    """A message ends where its line ends."""

    def receive(self, data: bytes, now: int, *, odd: bool = False) -> list[bytes]:
        """The first line."""
        return super().receive(data.split(b"\n")[0], now, odd=odd)


class DiesOfGarbage(Counterpart):
    """After a message that cannot be read it answers nothing any more."""

    dead = False

    def receive(self, data: bytes, now: int, *, odd: bool = False) -> list[bytes]:
        """Dead or alive."""
        self.dead = self.dead or elements(data) is None
        return [] if self.dead else super().receive(data, now, odd=odd)


class WaitsForEver(Counterpart):
    """One request at a time: until the last one was answered in order it sends no other one."""

    def call(self, action: str, payload: dict[str, Any]) -> tuple[str, bytes]:
        """Nothing of what is asked for, while it waits."""
        refused = any(one.kind == 4 and not isinstance(one.payload[-1], dict) for one in self.seen)
        return (
            super().call("DataTransfer", {"vendorId": "org.example"})
            if self.calls or refused
            else super().call(action, payload)
        )


class SpeaksFirstAndWaits(SpeaksFirst, WaitsForEver):
    """It begins too early, and then waits for an answer that never comes."""


class RepairsWhatIsWhole(Counterpart):
    """Any error code means that the connector has to be taken out of service."""

    def on_StatusNotification(self, payload: dict[str, Any]) -> dict[str, Any]:
        """With an order."""
        if payload["errorCode"] != "NoError":
            asked = {"connectorId": payload["connectorId"], "type": "Inoperative"}
            self.outbox.append(self.call("ChangeAvailability", asked)[1])
        return {}


class SetsUpTooMuch(Counterpart):
    """With every boot it makes the station available, whether it is or not."""

    def on_StatusNotification(self, payload: dict[str, Any]) -> dict[str, Any]:
        """With an order after each boot."""
        if self.actions().count(BOOT) * 2 > self.actions().count(STATUS):
            self.outbox.append(self.call("ChangeAvailability", {"connectorId": 0, "type": "Operative"})[1])
        return {}


class KnowsNoNewActions(Counterpart):
    """It hangs on an action that it does not know."""

    hanging = False

    def sound(self, action: str, payload: dict[str, Any]) -> Any:
        """Silence from then on."""
        self.hanging = self.hanging or action == "SecurityEventNotification"
        return SILENT if self.hanging else super().sound(action, payload)


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"quirks/{name}" for name in names)


#: the mistake -> scenarios that are there to find it
MISTAKES: dict[type[Counterpart], tuple[str, ...]] = {
    wrong.ForgetsSessions: (
        *_of("ws-flapping", "ws-slow-reconnect"),
        "storms/csms-restart",
        "storms/flapping-network",
        "storms/outage-of-a-site",
        "sites/homes-night",
    ),
    wrong.RefusesWhatIsOld: _of("time-default-2014"),
    wrong.RefusesOddRegisters: _of(
        "meter-energy-session-reset", "tx-meterstart-always-zero", "tx-meterstop-below-start", "tx-offline-begin-zero"
    ),
    wrong.KnowsItsOwnReasonsOnly: _of("stop-reason-201-vocabulary"),
    wrong.ForgetsStarts: _of("tx-start-duplicate-repeat"),
    wrong.HasOneId: _of("status-available-while-plugged", "meter-transaction-id-sticks"),
    KnowsItsOwnIdsOnly: _of(
        "meter-end-out-of-order", "meter-foreign-transaction-id", "meter-transaction-id-sticks",
        "meter-transaction-id-zero", "meter-values-after-stop", "tx-stop-transaction-id-minus-one",
        "tx-store-overflow", "txid-int64-max", "txid-older-than-last-issued", "txid-self-assigned",
    ),
    ReadsBySchemaOnly: _of(
        "meter-empty-sampledvalue", "meter-metervalue-object-not-array", "meter-nonstandard-context",
        "stop-reason-201-vocabulary",
    ),
    ReadsTimesInUtcOnly: _of("time-local-offset", "time-no-zone-suffix"),
    WantsTimes: _of("status-no-timestamp"),
    SortsByTime: _of("status-stale-timestamp-on-reconnect"),
    CountsInThirtyTwoBits: _of("meter-energy-uint32-wrap", "txid-int64-max"),
    ReadsPlainNumbersOnly: _of("meter-value-space-padded"),
    WantsABoot: _of("boot-not-sent-on-connect"),
    WantsAVendor: _of("boot-empty-vendor", "boot-identity-configurable"),
    HasTwoConnectors: _of("connector-id-unexpected-high"),
    EndsAtAvailable: _of("status-available-before-stop-tx"),
    BelievesStatuses: _of("status-charging-before-start-tx"),
    HasOneSessionPerConnector: _of("tx-start-instead-of-stop"),
    RefusesEnds: _of("boot-loop-after-callerror", "smart-zero-limit-ends-transaction"),
    GivesLargeIds: _of("txid-signed-int32-only"),
    KnowsCapitalsOnly: _of("idtag-letter-case-setting"),
    TellsWholeSeconds: _of("boot-conf-time-needs-fraction"),
    TellsTheTimeOnce: _of("time-no-sync-from-boot"),
    SpeaksFirst: _of("boot-loop-if-called-before-accept"),
    SpeaksFirstAndWaits: _of("calls-before-boot-unanswered"),
    MakesNumbersOfIds: _of("msgid-short-numeric-leading-zero"),
    HasSeenThatId: _of("msgid-reused-across-boots"),
    ReadsLineByLine: _of("frame-pretty-printed-json"),
    DiesOfGarbage: _of("frame-invalid-json"),
    WaitsForEver: _of("callerror-details-string", "getconfiguration-no-answer", "remote-silent-no-answer"),
    RepairsWhatIsWhole: _of("status-finishing-with-error-code"),
    SetsUpTooMuch: _of("change-availability-harmful"),
    KnowsNoNewActions: _of("security-events-unsolicited"),
}  # fmt: skip
