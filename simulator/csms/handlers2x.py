"""What the reference CSMS answers in OCPP 2.0.1 and 2.1; one set of handlers, as the messages are nearly the same."""

from __future__ import annotations

from typing import Any

from ocpp.routing import on

from simulator.csms.clock import now_text
from simulator.csms.handlers16 import VENDOR
from simulator.csms.meter import registers_wh
from simulator.csms.passwords import readings
from simulator.csms.session import Session
from simulator.csms.signed import judge as judge_signed
from simulator.csms.tokens import Verdict, judge
from simulator.csms.transactions import Transaction

SILENT_201 = frozenset(
    {
        "ClearedChargingLimit",
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyMonitoringReport",
        "PublishFirmwareStatusNotification",
        "ReportChargingProfiles",
        "ReservationStatusUpdate",
    }
)
SILENT_21 = SILENT_201 | {
    "BatterySwap",
    "ClosePeriodicEventStream",
    "NotifyDERAlarm",
    "NotifyDERStartStop",
    "NotifyPriorityCharging",
    "NotifySettlement",
    "ReportDERControl",
}


class Session2x(Session):
    """What 2.0.1 and 2.1 have in common."""

    @on("BootNotification")
    def on_boot(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Registration (B01 to B03)."""
        return self.boot({**payload["chargingStation"], "reason": payload["reason"]})

    @on("Heartbeat")
    def on_heartbeat(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The time (G02)."""
        return {"currentTime": now_text()}

    @on("Authorize")
    def on_authorize(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Verdict by prefix (C01); a contract certificate is believed (C07)."""
        answer: dict[str, Any] = {"idTokenInfo": self._id_token_info(payload["idToken"], starting=False)}
        if "certificate" in payload or "iso15118CertificateHashData" in payload:
            answer["certificateStatus"] = "Accepted"
        return answer

    @on("DataTransfer")
    def on_data_transfer(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Only our own vendor id is known; its data comes back (P02)."""
        if payload["vendorId"] != VENDOR:
            return {"status": "UnknownVendorId"}
        return {"status": "Accepted", **({"data": payload["data"]} if "data" in payload else {})}

    @on("StatusNotification")
    def on_status(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The latest status of each connector (G01)."""
        self.check_time("StatusNotification", payload["timestamp"])
        key = f"{payload['evseId']}/{payload['connectorId']}"
        self.csms.stations.connector(self.station, key, payload)
        return {}

    @on("NotifyEvent")
    def on_event(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Kept among the station's events; a connector's AvailabilityState is its status too (G01, N07)."""
        for event in payload["eventData"]:
            self.station.add_event({"action": "NotifyEvent", **event})
            component, variable = event["component"], event["variable"]
            evse = component.get("evse", {})
            if (component["name"], variable["name"]) == ("Connector", "AvailabilityState") and "connectorId" in evse:
                status = {
                    "evseId": evse["id"],
                    "connectorId": evse["connectorId"],
                    "connectorStatus": event["actualValue"],
                    "timestamp": event["timestamp"],
                }
                self.csms.stations.connector(self.station, f"{evse['id']}/{evse['connectorId']}", status)
        return {}

    @on("SecurityEventNotification")
    def on_security_event(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Kept among the station's events (A04)."""
        self.station.add_event({"action": "SecurityEventNotification", **payload})
        return {}

    @on("NotifyReport")
    def on_report(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A page of the device model (B07, B08)."""
        problem = self.csms.stations.add_report_page(self.station, payload)
        if problem is not None:
            self.violation("NotifyReport", "seqno-gap", problem)
        return {}

    @on("MeterValues")
    def on_meter_values(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Outside transactions (J01)."""
        self._count_meter_values("MeterValues", payload)
        return {}

    @on("SignCertificate")
    def on_sign_certificate(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Signed if there is an authority here (A02)."""
        named: dict[str, Any] = {name: payload[name] for name in ("certificateType", "requestId") if name in payload}
        return self.sign(payload["csr"], named)

    @on("Get15118EVCertificate")
    def on_ev_certificate(self, payload: dict[str, Any]) -> dict[str, Any]:
        """There is no contract certificate pool here (M01)."""
        return {"status": "Failed", "exiResponse": ""}

    @on("GetCertificateStatus")
    def on_certificate_status(self, payload: dict[str, Any]) -> dict[str, Any]:
        """There is no OCSP responder here (M06)."""
        return {"status": "Failed"}

    @on("NotifyEVChargingNeeds")
    def on_charging_needs(self, payload: dict[str, Any]) -> dict[str, Any]:
        """No schedule is made here (K15)."""
        self.station.note("NotifyEVChargingNeeds", payload)
        return {"status": "Rejected"}

    @on("NotifyEVChargingSchedule")
    def on_charging_schedule(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Whatever the EV plans is fine (K15)."""
        self.station.note("NotifyEVChargingSchedule", payload)
        return {"status": "Accepted"}

    @on("TransactionEvent")
    def on_transaction_event(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Book an event of a transaction (E01 to E13); the same sequence number again is a resend."""
        book, info, kind = self.csms.transactions, payload["transactionInfo"], payload["eventType"]
        self.check_time("TransactionEvent", payload["timestamp"])
        transaction = book.find(self.station.id, info["transactionId"])
        if transaction is None:
            transaction = book.new(self.station.id, self.version, info["transactionId"])
            if kind != "Started":
                self._complain("unknown-transaction", f"{kind} for {info['transactionId']}, which never started")
        answer = self._answer_event(payload, transaction)
        event = f"{payload['seqNo']}|{kind}|{payload['timestamp']}"
        last_seq = transaction.seq_ranges[-1][1] if transaction.seq_ranges else None
        if transaction.see_seq(payload["seqNo"]):
            self._check_order(payload, transaction, last_seq)
            self._apply_event(payload, transaction)
        else:
            transaction.duplicates += 1
            if transaction.last_event.startswith(f"{payload['seqNo']}|") and transaction.last_event != event:
                self._complain("seqno-reused", f"{info['transactionId']}: another event as seqNo {payload['seqNo']}")
        transaction.last_event = event
        book.changed(transaction)
        return answer | self._cost(transaction)

    def _cost(self, transaction: Transaction) -> dict[str, Any]:
        """What it costs by the values that have come, without them nothing (I02.FR.01, I03.FR.02, FR.04)."""
        price, begun, last = self.csms.options.price_per_kwh, transaction.meter_start_wh, transaction.meter_last_wh
        if price is None or begun is None or last is None:
            return {}
        return {"totalCost": round((last - begun) / 1000 * price, 2)}

    def _check_order(self, payload: dict[str, Any], transaction: Transaction, last_seq: int | None) -> None:
        """Part 2 E 1.3.2: one up each time, from Started to Ended."""
        name, seq_no = transaction.transaction_id, payload["seqNo"]
        if last_seq is not None and seq_no > last_seq + 1:
            self._complain("seqno-gap", f"{name}: seqNo {seq_no} after {last_seq}")
        elif last_seq is not None and seq_no < last_seq:
            self._complain("seqno-order", f"{name}: seqNo {seq_no} came after {last_seq}")
        if payload["eventType"] == "Started" and transaction.start_seen:
            self._complain("started-twice", f"{name}: Started again with seqNo {seq_no}")
        if transaction.state == "closed" and (last_seq is None or seq_no > last_seq):
            self._complain("after-end", f"{name}: {payload['eventType']} after Ended")

    def _apply_event(self, payload: dict[str, Any], transaction: Transaction) -> None:
        kind, info, evse = payload["eventType"], payload["transactionInfo"], payload.get("evse")
        if evse is not None and transaction.evse_id is None:
            running = self.csms.transactions.open_at(self.station.id, evse["id"])
            if running is not None and running is not transaction and transaction.state == "open":
                self._complain("transaction-overlap", f"EVSE {evse['id']} has {running.transaction_id} open")
            transaction.evse_id = evse["id"]
        if evse is not None and "connectorId" in evse:
            transaction.connector_id = evse["connectorId"]
        if "remoteStartId" in info:
            transaction.remote_start_id = info["remoteStartId"]
        if "reservationId" in payload:
            transaction.reservation_id = payload["reservationId"]
        self._count_meter_values("TransactionEvent", payload, transaction)
        if kind == "Started" and not transaction.start_seen:
            transaction.start_seen, transaction.started_at = True, payload["timestamp"]
        token = payload.get("idToken", {}).get("idToken")
        if kind == "Ended":
            transaction.stop_id_token = token
            transaction.stopped_at, transaction.reason = payload["timestamp"], info.get("stoppedReason", "Local")
            self.csms.transactions.close(transaction, self._complain)
        elif token is not None and transaction.id_token is None:
            transaction.id_token = token
            transaction.status = self._verdict(payload["idToken"], starting=True).status

    def _answer_event(self, payload: dict[str, Any], transaction: Transaction) -> dict[str, Any]:
        """E01.FR.12: a token in the request asks for a verdict in the response."""
        if "idToken" not in payload:
            return {}
        return {"idTokenInfo": self._id_token_info(payload["idToken"], starting=payload["eventType"] != "Ended")}

    def _count_meter_values(self, action: str, payload: dict[str, Any], transaction: Transaction | None = None) -> None:
        values = payload.get("meterValue")
        if not values:
            return
        self.station.meter_values += len(values)
        self.station.last_meter_values = payload
        for value in values:
            self.check_time(action, value["timestamp"])
        judged = judge_signed(values, transaction.public_key if transaction is not None else "")
        for problem in judged.problems:
            self.violation(action, "signed-value", problem)
        if transaction is None:
            return
        transaction.signed_values += judged.right
        transaction.public_key = judged.key
        transaction.meter_values += len(values)
        registers = registers_wh(values)
        if registers:
            transaction.meter_last_wh = list(registers.values())[-1]
        if "Transaction.Begin" in registers and transaction.meter_start_wh is None:
            transaction.meter_start_wh = registers["Transaction.Begin"]
        if "Transaction.End" in registers:
            transaction.meter_stop_wh = transaction.meter_last_wh = registers["Transaction.End"]

    def learn_password(self, action: str, payload: Any, result: Any) -> None:
        """SetVariables of BasicAuthPassword (A01.FR.11): from now on the new one is right."""
        if action != "SetVariables":
            return
        done = {
            (entry["component"]["name"], entry["variable"]["name"])
            for entry in result["setVariableResult"]
            if entry["attributeStatus"] in ("Accepted", "RebootRequired")
        }
        for entry in payload["setVariableData"]:
            name = (entry["component"]["name"], entry["variable"]["name"])
            if name == ("SecurityCtrlr", "BasicAuthPassword") and name in done:
                self.csms.passwords.replace(self.station.id, readings(entry["attributeValue"]))

    def _complain(self, rule: str, detail: str) -> None:
        self.violation("TransactionEvent", rule, detail)

    def _verdict(self, token: dict[str, Any], *, starting: bool) -> Verdict:
        if token["type"] == "NoAuthorization":
            return Verdict("Accepted")
        return judge(token["idToken"], strict=self.csms.options.strict_tokens, starting=starting)

    def _id_token_info(self, token: dict[str, Any], *, starting: bool) -> dict[str, Any]:
        verdict = self._verdict(token, starting=starting)
        info: dict[str, Any] = {"status": verdict.status}
        if self.csms.options.price_per_kwh is not None and verdict.status == "Accepted":  # I01.FR.01
            text = f"{self.csms.options.price_per_kwh:g} per kWh"
            info["personalMessage"] = {"format": "UTF8", "content": text}
        if verdict.group is not None:
            info["groupIdToken"] = {"idToken": verdict.group, "type": "Central"}
        return info


class Session201(Session2x):
    """A station that speaks 2.0.1."""

    version = _ocpp_version = "2.0.1"
    silent_answers = SILENT_201


class Session21(Session2x):
    """A station that speaks 2.1."""

    version = _ocpp_version = "2.1"
    silent_answers = SILENT_21

    @on("GetCertificateChainStatus")
    def on_chain_status(self, payload: dict[str, Any]) -> dict[str, Any]:
        """There is no OCSP responder here either (M06): every status is Failed."""
        return {
            "certificateStatus": [
                {
                    "certificateHashData": request["certificateHashData"],
                    "source": request["source"],
                    "status": "Failed",
                    "nextUpdate": now_text(),
                }
                for request in payload["certificateStatusRequests"]
            ]
        }

    @on("OpenPeriodicEventStream")
    def on_open_stream(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Streams are welcome; what they carry is noted (N11)."""
        self.station.note("OpenPeriodicEventStream", payload)
        return {"status": "Accepted"}

    @on("PullDynamicScheduleUpdate")
    def on_pull_schedule(self, payload: dict[str, Any]) -> dict[str, Any]:
        """There are no dynamic schedules here (K28)."""
        return {"status": "Rejected"}

    @on("VatNumberValidation")
    def on_vat_number(self, payload: dict[str, Any]) -> dict[str, Any]:
        """There is no tax office here."""
        return {"status": "Rejected", "vatNumber": payload["vatNumber"]}
