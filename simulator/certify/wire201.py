"""The tool's end of the wire in 2.0.1: what it learns from what the station says by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.certify.wire import ToolCsms

#: how many transactions are remembered at most
MAX_TRANSACTIONS = 1_000


@dataclass
class ToolCsms201(ToolCsms):
    """See :class:`~simulator.certify.wire.ToolCsms`. ``statuses`` by EVSE; ``numbers``: transaction id -> sequence
    numbers of its events, in the order they came."""

    numbers: dict[str, list[int]] = field(default_factory=dict)

    def learn(self, action: str, payload: dict[str, Any]) -> None:
        """What a CALL of the station says about statuses and transactions."""
        if action == "StatusNotification":
            self.statuses[int(payload["evseId"])] = str(payload["connectorStatus"])
        elif action == "NotifyEvent":
            for one in payload.get("eventData", ()):
                where = one["component"]
                if where["name"] == "Connector" and one["variable"]["name"] == "AvailabilityState" and "evse" in where:
                    self.statuses[int(where["evse"]["id"])] = str(one["actualValue"])
        elif action == "TransactionEvent":
            key = str(payload["transactionInfo"]["transactionId"])
            if key in self.numbers or len(self.numbers) < MAX_TRANSACTIONS:
                self.numbers.setdefault(key, []).append(int(payload["seqNo"]))
            if payload["eventType"] == "Ended":
                self.running.pop(key, None)
            else:
                self.running.setdefault(key, payload)

    def fresh_case(self) -> None:
        """A case begins: nothing of an earlier one counts."""
        super().fresh_case()
        self.numbers.clear()

    def on_NotifyEVChargingNeeds(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Taken."""
        return {"status": "Accepted"}
