"""What the reference CSMS answers in OCPP 1.6 (with the security extension)."""

from __future__ import annotations

from typing import Any

from ocpp.routing import on

from simulator.csms.clock import now_text
from simulator.csms.meter import registers_wh
from simulator.csms.passwords import readings
from simulator.csms.session import Session
from simulator.csms.tokens import judge
from simulator.csms.transactions import Transaction

VENDOR = "cpfarm"


class Session16(Session):
    """A station that speaks 1.6."""

    version = _ocpp_version = "1.6"
    silent_answers = frozenset(
        {
            "DiagnosticsStatusNotification",
            "FirmwareStatusNotification",
            "LogStatusNotification",
            "SignedFirmwareStatusNotification",
        }
    )

    @on("BootNotification")
    def on_boot16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Registration (1.6 4.2)."""
        return self.boot(dict(payload))

    @on("Heartbeat")
    def on_heartbeat16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The time (1.6 4.6)."""
        return {"currentTime": now_text()}

    @on("Authorize")
    def on_authorize16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Verdict by prefix (1.6 4.1). 1.6 knows no other moment to say ConcurrentTx before a session than this one."""
        return {"idTagInfo": self._id_tag_info(payload["idTag"])}

    @on("DataTransfer")
    def on_data_transfer16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Only our own vendor id is known; its data comes back (1.6 4.3)."""
        if payload["vendorId"] != VENDOR:
            return {"status": "UnknownVendorId"}
        return {"status": "Accepted", **({"data": payload["data"]} if "data" in payload else {})}

    @on("SecurityEventNotification")
    def on_security_event16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Kept among the station's events (security whitepaper A04)."""
        self.station.add_event({"action": "SecurityEventNotification", **payload})
        return {}

    @on("SignCertificate")
    def on_sign_certificate16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Signed if there is an authority here (security whitepaper A02)."""
        return self.sign(payload["csr"], {})

    @on("StatusNotification")
    def on_status16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The latest status of each connector; 0 is the station itself (1.6 4.9)."""
        if "timestamp" in payload:
            self.check_time("StatusNotification", payload["timestamp"])
        self.csms.stations.connector(self.station, str(payload["connectorId"]), payload)
        return {}

    @on("StartTransaction")
    def on_start_transaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Book a start (1.6 4.8); the same start again gets the same number."""
        station, book = self.station.id, self.csms.transactions
        connector, token = payload["connectorId"], payload["idTag"]
        dedupe = "|".join((station, str(connector), payload["timestamp"], token, str(payload["meterStart"])))
        info = self._id_tag_info(token)
        booked = book.find_dedupe(dedupe)
        if booked is None:
            self._check_start(payload)
            booked = book.new(station, self.version, None, dedupe)
            booked.evse_id = booked.connector_id = connector
            booked.id_token, booked.status = token, info["status"]
            booked.started_at, booked.meter_start_wh = payload["timestamp"], float(payload["meterStart"])
            booked.meter_last_wh = booked.meter_start_wh
            booked.reservation_id = payload.get("reservationId")
            booked.start_seen = True
        else:
            booked.duplicates += 1
        book.changed(booked)
        return {"idTagInfo": info, "transactionId": int(booked.transaction_id)}

    def _check_start(self, payload: dict[str, Any]) -> None:
        self.check_time("StartTransaction", payload["timestamp"])
        connector = payload["connectorId"]
        if connector < 1:
            self.violation("StartTransaction", "connector", f"a transaction on connector {connector}")
        running = self.csms.transactions.open_at(self.station.id, connector)
        if running is not None:
            detail = f"connector {connector} has transaction {running.transaction_id} open"
            self.violation("StartTransaction", "transaction-overlap", detail)

    @on("StopTransaction")
    def on_stop_transaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Book a stop (1.6 4.10). The CSMS cannot prevent one, so the answer is the same for an unknown number."""
        answer = {"idTagInfo": self._id_tag_info(payload["idTag"], starting=False)} if "idTag" in payload else {}
        self.check_time("StopTransaction", payload["timestamp"])
        transaction = self._known("StopTransaction", payload["transactionId"])
        if transaction is None:
            return answer
        if transaction.state == "closed":
            transaction.duplicates += 1
            before = (transaction.stopped_at, transaction.meter_stop_wh)
            if before != (payload["timestamp"], float(payload["meterStop"])):
                detail = f"transaction {transaction.transaction_id} was stopped before, with other values"
                self.violation("StopTransaction", "stop-changed", detail)
        else:
            transaction.stopped_at, transaction.meter_stop_wh = payload["timestamp"], float(payload["meterStop"])
            transaction.meter_last_wh = transaction.meter_stop_wh
            transaction.reason = payload.get("reason", "Local")  # 1.6 6.49: Local when left out
            transaction.stop_id_token = payload.get("idTag")
            transaction.meter_values += len(payload.get("transactionData", ()))
            self.csms.transactions.close(
                transaction, lambda rule, detail: self.violation("StopTransaction", rule, detail)
            )
        self.csms.transactions.changed(transaction)
        return answer

    @on("MeterValues")
    def on_meter_values16(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Counted; inside a transaction the register is kept (1.6 4.7)."""
        station, values = self.station, payload["meterValue"]
        station.meter_values += len(values)
        station.last_meter_values = payload
        for value in values:
            self.check_time("MeterValues", value["timestamp"])
        if "transactionId" in payload:
            transaction = self._known("MeterValues", payload["transactionId"])
            if transaction is not None:
                transaction.meter_values += len(values)
                if transaction.state == "open":
                    transaction.meter_last_wh = _last(registers_wh(values), transaction.meter_last_wh)
                self.csms.transactions.changed(transaction)
        return {}

    def learn_password(self, action: str, payload: Any, result: Any) -> None:
        """ChangeConfiguration of AuthorizationKey (security whitepaper A01.FR.03): from now on the new one is right."""
        is_password = action == "ChangeConfiguration" and payload["key"].lower() == "authorizationkey"
        if is_password and result["status"] == "Accepted":
            self.csms.passwords.replace(self.station.id, readings(payload["value"]))

    def _known(self, action: str, number: int) -> Transaction | None:
        """This station's transaction ``number``; a violation and None when it has none."""
        transaction = self.csms.transactions.find(self.station.id, str(number))
        if transaction is None:
            owner = self.csms.transactions.owner(str(number))
            whose = "nobody's" if owner is None else "another station's"
            self.violation(action, "unknown-transaction", f"transaction {number} is {whose}")
        return transaction

    def _id_tag_info(self, token: str, *, starting: bool = True) -> dict[str, Any]:
        verdict = judge(token, strict=self.csms.options.strict_tokens, starting=starting)
        info = {"status": "Invalid" if verdict.status == "Unknown" else verdict.status}
        if verdict.group is not None:
            info["parentIdTag"] = verdict.group
        return info


def _last(registers: dict[str, float], before: float | None) -> float | None:
    return list(registers.values())[-1] if registers else before
