"""Stations of every version against the running CSMS: answers, books, violations, reports."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.csms.rig import BOOT_2X, LATER, NOW, Rig, Station, rig, run

pytestmark = pytest.mark.live


def start(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": "VALID-1", "meterStart": 1000, "timestamp": NOW, **changes}


def stop(number: int, **changes: Any) -> dict[str, Any]:
    return {"transactionId": number, "meterStop": 3500, "timestamp": LATER, "idTag": "VALID-1", **changes}


def event(kind: str, seq_no: int, *, register: Any = None, **changes: Any) -> dict[str, Any]:
    info = {"transactionId": "tx-1", **changes.pop("info", {})}
    reason = {"Started": "Authorized", "Updated": "MeterValuePeriodic", "Ended": "StopAuthorized"}[kind]
    made: dict[str, Any] = {"eventType": kind, "timestamp": NOW, "triggerReason": reason, "seqNo": seq_no}
    made["transactionInfo"] = info
    if register is not None:
        context, value, unit = register
        sample = {"value": value, "context": context, "unitOfMeasure": unit}
        made["meterValue"] = [{"timestamp": NOW, "sampledValue": [sample]}]
    return {**made, **changes}


def test_a_session_in_16() -> None:
    async def main() -> None:
        async with rig(heartbeat_s=77) as r, r.station("S1") as s:
            boot = await s.boot()
            assert (boot["status"], boot["interval"]) == ("Accepted", 77)
            assert (await s.call("Authorize", {"idTag": "GROUP-a-1"}))["idTagInfo"] == {
                "status": "Accepted",
                "parentIdTag": "GROUP-a",
            }
            status = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
            assert await s.call("StatusNotification", status) == {}
            number = (await s.call("StartTransaction", start(reservationId=4)))["transactionId"]
            sample = {"value": "1.7", "unit": "kWh", "measurand": "Energy.Active.Import.Register"}
            values = {"connectorId": 1, "transactionId": number}
            values["meterValue"] = [{"timestamp": NOW, "sampledValue": [sample]}]
            assert await s.call("MeterValues", values) == {}
            (open_one,) = await r.transactions("?state=open")
            assert (open_one["meter_last_wh"], open_one["energy_wh"], open_one["meter_values"]) == (1700, None, 1)
            assert await s.call("StopTransaction", stop(number, reason="Remote")) == {
                "idTagInfo": {"status": "Accepted"}
            }
            (booked,) = await r.transactions("?station=S1")
            expected = {
                "transaction_id": str(number),
                "evse_id": 1,
                "id_token": "VALID-1",
                "started_at": NOW,
                "stopped_at": LATER,
                "meter_start_wh": 1000,
                "meter_stop_wh": 3500,
                "energy_wh": 2500,
                "reason": "Remote",
                "reservation_id": 4,
                "state": "closed",
                "duplicates": 0,
            }
            assert {name: booked[name] for name in expected} == expected
            shown = await r.http("GET", "/api/stations/S1")
            assert shown["connectors"]["1"]["status"] == "Charging"
            assert (shown["meter_values"]["count"], shown["identity"]["chargePointVendor"]) == (1, "Maker")
            assert await r.rules() == []

    run(main())


def test_what_comes_again_in_16_is_booked_once() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s, r.station("S2") as other:
            await s.boot()
            await other.boot()
            first = await s.call("StartTransaction", start())
            assert await s.call("StartTransaction", start()) == first
            await s.call("StopTransaction", stop(first["transactionId"]))
            assert [t["duplicates"] for t in await r.transactions()] == [1]  # also brings it out of memory
            await s.call("StopTransaction", stop(first["transactionId"]))
            assert await s.call("StartTransaction", start()) == first
            assert [(t["duplicates"], t["state"]) for t in await r.transactions()] == [(3, "closed")]
            # The same message of another station is another transaction, with a higher number.
            assert (await other.call("StartTransaction", start()))["transactionId"] > first["transactionId"]
            assert await r.rules() == []
            await s.call("StopTransaction", stop(first["transactionId"], meterStop=9999))
            assert await r.rules() == ["stop-changed"]
            assert (await r.transactions())[0]["meter_stop_wh"] == 3500

    run(main())


def test_what_makes_no_sense_in_16_is_a_violation_and_is_answered() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s, r.station("S2") as other:
            await s.call("Heartbeat", {})
            await s.boot()
            await other.boot()
            number = (await other.call("StartTransaction", start()))["transactionId"]
            await s.call("StopTransaction", stop(4711))
            await s.call("StopTransaction", stop(number))
            one = (await s.call("StartTransaction", start()))["transactionId"]
            await s.call("StartTransaction", start(timestamp=LATER, connectorId=1))
            await s.call("StopTransaction", stop(one, timestamp="2026-01-01T09:00:00Z", meterStop=1))
            await s.call("StartTransaction", start(connectorId=0, timestamp="2026-01-01T12:00:00"))
            assert await r.rules() == [
                "before-boot",
                "unknown-transaction",
                "unknown-transaction",
                "transaction-overlap",
                "register-fell",
                "time-order",
                "date-time",
                "connector",
            ]
            assert (await r.transactions("?station=S2"))[0]["state"] == "open"

    run(main())


@pytest.mark.parametrize(
    ("version", "formation"), [("1.6", "FormationViolation"), ("2.0.1", "FormatViolation"), ("2.1", "FormatViolation")]
)
def test_calls_that_break_the_protocol(version: str, formation: str) -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", version) as s:
            await s.boot()
            assert await s.code("Heartbeat", {"x": 1}) == formation
            assert await s.code("Heartbeat", []) == "TypeConstraintViolation"
            assert await s.code("Authorize", {}) == "ProtocolError"
            assert await s.code("Reset", {}) == "NotSupported"
            assert await s.code("Nonsense", {}) == "NotImplemented"
            assert await s.raw('[2,"x","Heartbeat"]') == [4, "x", *_error(version, "3 elements in a message of type 2")]
            await s.socket.send('[3,"nobody",{}]')
            if version == "1.6":
                await s.socket.send("not json")  # nothing to answer to
                await s.socket.send('[9,"x",{}]')
            else:
                assert (await s.raw("not json"))[:3] == [4, "-1", "RpcFrameworkError"]
                if version == "2.1":  # ignored (part 4, 4.4)
                    await s.socket.send('[9,"x",{}]')
                else:
                    assert (await s.raw('[9,"x",{}]'))[:3] == [4, "x", "MessageTypeNotSupported"]
            await s.call("Heartbeat", {})
            assert await r.rules() == [
                "additionalProperties",
                "type",
                "required",
                "unknown-action",
                "unknown-action",
                "frame",
                "unmatched-answer",
                "json",
                "message-type",
            ]

    run(main())


def _error(version: str, description: str) -> list[Any]:
    return ["FormationViolation" if version == "1.6" else "RpcFrameworkError", description, {}]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_session_in_2x(version: str) -> None:
    async def main() -> None:
        token = {"idToken": "GROUP-a-1", "type": "ISO14443"}
        group = {"status": "Accepted", "groupIdToken": {"idToken": "GROUP-a", "type": "Central"}}
        async with rig() as r, r.station("S1", version) as s:
            assert (await s.boot())["status"] == "Accepted"
            assert await s.call("Authorize", {"idToken": token}) == {"idTokenInfo": group}
            began = event(
                "Started",
                0,
                register=("Transaction.Begin", 1.0, {"unit": "kWh"}),
                evse={"id": 2, "connectorId": 1},
                info={"remoteStartId": 9},
            )
            assert await s.call("TransactionEvent", began) == {}
            assert await s.call("TransactionEvent", event("Updated", 1, idToken=token)) == {"idTokenInfo": group}
            register = ("Transaction.End", 35, {"unit": "Wh", "multiplier": 2})
            ended = event("Ended", 2, register=register, timestamp=LATER, info={"stoppedReason": "Remote"})
            for _ in range(2):  # the second one is a resend
                await s.call("TransactionEvent", ended)
            (booked,) = await r.transactions()
            expected = {
                "ocpp": version,
                "transaction_id": "tx-1",
                "evse_id": 2,
                "connector_id": 1,
                "id_token": "GROUP-a-1",
                "meter_start_wh": 1000,
                "meter_stop_wh": 3500,
                "energy_wh": 2500,
                "reason": "Remote",
                "remote_start_id": 9,
                "seq_ranges": [[0, 2]],
                "seq_missing": [],
                "state": "closed",
                "started_at": NOW,
                "stopped_at": LATER,
                "duplicates": 1,
            }
            assert {name: booked[name] for name in expected} == expected
            assert await r.rules() == []

    run(main())


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_prices_are_told_when_there_are_any(version: str) -> None:
    """I01.FR.01, I02.FR.01, I03.FR.02: the cost follows from what was reported."""
    token = {"idToken": {"idToken": "VALID-1", "type": "ISO14443"}}
    unit = {"unit": "Wh"}

    async def session(price: float | None) -> list[Any]:
        async with rig(price_per_kwh=price) as r, r.station("S1", version) as s:
            await s.boot()
            info = (await s.call("Authorize", token))["idTokenInfo"]
            made = (
                event("Started", 0, evse={"id": 1}, register=("Transaction.Begin", 1000, unit)),
                event("Updated", 1, register=("Sample.Periodic", 1500, unit)),
                event("Ended", 2, register=("Transaction.End", 3010, unit)),
            )
            costs = [(await s.call("TransactionEvent", one)).get("totalCost") for one in made]
            assert await r.rules() == []
            return [info.get("personalMessage", {}).get("content"), *costs]

    assert asyncio.run(session(0.4)) == ["0.4 per kWh", 0, 0.2, 0.8]
    assert asyncio.run(session(None)) == [None, None, None, None]


def test_order_of_events_in_2x() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", "2.0.1") as s:
            await s.boot()
            evse = {"id": 1}
            for made in (
                event("Started", 0, evse=evse),
                event("Updated", 3),
                event("Updated", 2),
                event("Updated", 2, timestamp=LATER),
                event("Started", 4),
                event("Ended", 5),
                event("Updated", 6),
                event("Updated", 0, info={"transactionId": "tx-2"}),
                event("Started", 7, info={"transactionId": "tx-3"}, evse=evse),
                event("Started", 0, info={"transactionId": "tx-4"}, evse=evse),
            ):
                await s.call("TransactionEvent", made)
            assert await r.rules() == [
                "seqno-gap",
                "seqno-order",
                "seqno-reused",
                "started-twice",
                "after-end",
                "unknown-transaction",
                "transaction-overlap",
            ]
            assert (await r.transactions())[0]["seq_missing"] == [1]

    run(main())


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_verdicts_on_the_wire_in_2x(version: str) -> None:
    async def main() -> None:
        async with rig(strict_tokens=True) as _, _.station("S1", version) as s:
            await s.boot()

            async def authorize(text: str, kind: str = "ISO14443") -> str:
                answer = await s.call("Authorize", {"idToken": {"idToken": text, "type": kind}})
                return str(answer["idTokenInfo"]["status"])

            assert await authorize("CONCURRENT") == "Accepted"
            assert await authorize("04AB") == "Unknown"
            assert await authorize("", "NoAuthorization") == "Accepted"
            token = {"idToken": "CONCURRENT", "type": "ISO14443"}
            began = await s.call("TransactionEvent", event("Started", 0, idToken=token))
            assert began["idTokenInfo"]["status"] == "ConcurrentTx"

    run(main())


def test_verdicts_on_the_wire_in_16() -> None:
    async def main() -> None:
        async with rig(strict_tokens=True) as r, r.station("S1") as s:
            await s.boot()
            for token, status in (("CONCURRENT", "ConcurrentTx"), ("04AB", "Invalid"), ("BLOCKED", "Blocked")):
                assert (await s.call("Authorize", {"idTag": token}))["idTagInfo"]["status"] == status
            began = await s.call("StartTransaction", start(idTag="EXPIRED"))
            assert began["idTagInfo"]["status"] == "Expired" and began["transactionId"] > 0

    run(main())


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_who_is_not_accepted_may_only_boot(version: str) -> None:
    async def main() -> None:
        async with rig(boot="pending", retry_interval_s=11) as r, r.station("S1", version) as s:
            boot = await s.boot()
            assert (boot["status"], boot["interval"]) == ("Pending", 11)
            answer = await s.frame("Heartbeat", {})
            assert answer[0] == 3 if version == "1.6" else answer[2] == "SecurityError"
            assert await r.rules() == ["before-accepted"]
            trigger = r.http("POST", "/api/stations/S1/TriggerMessage", {"requestedMessage": "Heartbeat"})
            await _both(trigger, s.answer({"status": "Accepted"}))
            assert (await s.frame("Heartbeat", {}))[0] == 3  # we asked for it
            assert await r.rules() == ["before-accepted"]
            assert (await r.http("PUT", "/api/boot", {"status": "accepted", "interval": 5}))["interval"] == 5
            assert (await s.boot())["interval"] == 5
            assert (await s.frame("Heartbeat", {}))[0] == 3
            assert "rejected" in (await r.http("PUT", "/api/boot", {"status": "no"}, 400))["error"]
            assert await r.rules() == ["before-accepted"]

    run(main())


async def _both(*things: Any) -> Any:
    return await asyncio.gather(*things)


def test_the_device_model_arrives_in_pages() -> None:
    def page(seq_no: int, tbc: bool, name: str, request_id: int = 5) -> dict[str, Any]:
        data = {"component": {"name": name}, "variable": {"name": "V"}, "variableAttribute": [{"value": "1"}]}
        made: dict[str, Any] = {"requestId": request_id, "generatedAt": NOW, "seqNo": seq_no, "reportData": [data]}
        return {**made, "tbc": tbc}

    async def main() -> None:
        async with rig() as r, r.station("S1", "2.1") as s:
            await s.boot()
            await s.call("NotifyReport", page(0, True, "A"))
            (report,) = (await r.http("GET", "/api/stations/S1"))["reports"]
            assert (report["complete"], report["pages"]) == (False, 1)
            await s.call("NotifyReport", page(1, False, "B"))
            (report,) = (await r.http("GET", "/api/stations/S1"))["reports"]
            assert report["complete"] and [v["component"]["name"] for v in report["variables"]] == ["A", "B"]
            await s.call("NotifyReport", page(0, False, "C"))  # the same id again replaces it
            (report,) = (await r.http("GET", "/api/stations/S1"))["reports"]
            assert report["complete"] and report["pages"] == 1
            assert await r.rules() == []
            for request_id in (6, 7, 8):
                await s.call("NotifyReport", page(0, False, "D", request_id))
            await s.call("NotifyReport", page(2, False, "E", 8))
            reports = (await r.http("GET", "/api/stations/S1"))["reports"]
            assert [(found["request_id"], found["complete"]) for found in reports] == [(6, True), (7, True), (8, False)]
            assert await r.rules() == ["seqno-gap"]

    run(main())


def test_events_and_notices_of_2x() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", "2.1") as s:
            await s.boot()
            about = {
                "eventId": 1,
                "timestamp": NOW,
                "trigger": "Delta",
                "actualValue": "Occupied",
                "eventNotificationType": "HardWiredNotification",
                "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 2}},
                "variable": {"name": "AvailabilityState"},
            }
            await s.call("NotifyEvent", {"generatedAt": NOW, "seqNo": 0, "eventData": [about]})
            await s.call("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": NOW})
            await s.call("FirmwareStatusNotification", {"status": "Idle"})
            data = [{"t": 0, "v": "1"}]
            stream = {"data": data, "id": 1, "pending": 0, "basetime": NOW}
            await s.socket.send(json.dumps([6, "x", "NotifyPeriodicEventStream", stream]))
            await s.socket.send(json.dumps([6, "y", "NotifyPeriodicEventStream", {}]))
            assert (await s.call("VatNumberValidation", {"vatNumber": "X1"}))["status"] == "Rejected"
            assert (await s.call("Get15118EVCertificate", _exi()))["status"] == "Failed"
            shown = await r.http("GET", "/api/stations/S1")
            assert shown["events"]["count"] == 2
            assert shown["connectors"]["1/2"]["connectorStatus"] == "Occupied"
            assert shown["notices"]["FirmwareStatusNotification"]["payload"] == {"status": "Idle"}
            assert shown["notices"]["NotifyPeriodicEventStream"]["count"] == 1
            assert await r.rules() == ["required"]

    run(main())


def _exi() -> dict[str, str]:
    return {"iso15118SchemaVersion": "urn", "action": "Install", "exiRequest": "eA=="}


def test_without_a_common_version_the_connection_is_closed_at_once() -> None:
    async def main() -> None:
        async with rig() as r:
            async with connect(f"{r.csms.url}/S1", subprotocols=["ocpp1.5"], proxy=None) as socket:  # type: ignore[list-item]
                assert socket.subprotocol is None
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert socket.close_code == 1002
            both = ["mine", "ocpp2.0.1", "ocpp1.6"]
            async with connect(f"{r.csms.url}/x/y/S%201?q=1", subprotocols=both, proxy=None) as socket:  # type: ignore[arg-type]
                assert socket.subprotocol == "ocpp2.0.1"
                assert await r.http("GET", "/api/stations/S%201")

    run(main())


def test_a_newer_connection_replaces_the_older() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as old:
            await old.boot()
            async with r.station("S1") as new:
                with pytest.raises(ConnectionClosed):
                    await old.next()
                assert old.socket.close_code == 1008
                await new.call("Heartbeat", {})  # no boot needed: it did not reboot
                assert await _is_connected(r, new)
                assert await r.rules() == []

    run(main())


async def _is_connected(r: Rig, station: Station) -> bool:
    await station.call("Heartbeat", {})
    return bool((await r.http("GET", "/api/stations?connected=1"))["stations"])


def test_boot_needs_every_field() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", "2.0.1") as s:
            assert await s.code("BootNotification", {"chargingStation": BOOT_2X["chargingStation"]}) == "ProtocolError"
            assert (await r.http("GET", "/api/stations/S1"))["registration"] is None

    run(main())
