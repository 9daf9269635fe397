"""The HTTP side: operations, faults, passwords, absence, the database, the child process."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import uvloop
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator.csms.api import Api
from simulator.csms.app import CsmsOptions, ReferenceCsms
from simulator.csms.session import WAITING_MAX
from simulator.csms.stations import StationBook
from tests.csms.rig import LATER, NOW, rig, run

pytestmark = pytest.mark.live
START = {"connectorId": 1, "idTag": "VALID", "meterStart": 0, "timestamp": NOW}


def test_an_operation_gets_its_answer() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            post = r.http("POST", "/api/stations/S1/Reset", {"type": "Soft"})
            answer, call = await asyncio.gather(post, s.answer({"status": "Accepted"}))
            assert answer == {"status": "result", "payload": {"status": "Accepted"}}
            assert call[2:] == ["Reset", {"type": "Soft"}]

            async def refuse() -> None:
                got = await s.next()
                await s.socket.send(json.dumps([4, got[1], "NotSupported", "no", {"a": 1}]))

            answer, _ = await asyncio.gather(r.http("POST", "/api/stations/S1/ClearCache", {}), refuse())
            expected = {"status": "error", "code": "NotSupported", "description": "no", "details": {"a": 1}}
            assert answer == expected
            post = r.http("POST", "/api/stations/S1/ClearCache", {})
            answer, _ = await asyncio.gather(post, s.answer({"status": "Perhaps"}))
            assert answer["payload"] == {"status": "Perhaps"} and answer["violation"].startswith("enum: status")
            assert await r.rules() == ["enum"]

    run(main())


def test_21_is_told_that_its_answer_is_no_good() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", "2.1") as s:
            await s.boot()
            post = r.http("POST", "/api/stations/S1/ClearCache", {})
            _, call = await asyncio.gather(post, s.answer({}))
            assert (await s.next())[:3] == [5, call[1], "ProtocolError"]

    run(main())


def test_only_a_sound_answer_is_wrongly_refused() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", "2.1") as s:
            await s.boot()
            await r.http("PUT", "/api/faults", {"wrong": ["Heartbeat"]})
            await s.socket.send('[2,"spoilt","Heartbeat",{}]')
            await s.next()
            await s.socket.send('[5,"spoilt","FormatViolation","",{}]')
            await r.http("PUT", "/api/faults", {})
            await s.socket.send('[2,"sound","Heartbeat",{}]')
            await s.next()
            assert await r.rules() == []
            await s.socket.send('[5,"sound","FormatViolation","",{}]')
            await s.socket.send('[2,"more","Heartbeat",{}]')
            await s.next()
            assert await r.rules() == ["callresulterror"]

    run(main())


def test_operations_that_cannot_be_sent() -> None:
    async def main() -> None:
        async with rig() as r:
            assert "ever here" in (await r.http("POST", "/api/stations/S1/Reset", {"type": "Soft"}, 404))["error"]
            async with r.station("S1") as s:
                await s.boot()
                base = "/api/stations/S1"
                for path, body, says in (
                    ("/Reset", {}, "required"),
                    ("/Reset", {"type": "Soft", "x": 1}, "additionalProperties"),
                    ("/Rest", {}, "did you mean 'Reset'"),
                    ("/RequestStartTransaction", {}, "OCPP 1.6 has no"),
                    ("/Heartbeat", {}, "sent by stations"),
                    ("/Reset", b"{", "not JSON"),
                    ("/Reset?timeout=0", {"type": "Soft"}, "timeout"),
                ):
                    assert says in (await r.http("POST", base + path, body, 400))["error"]
                late = await r.http("POST", f"{base}/Rest?raw=1&timeout=0.1", [1])
                assert late["status"] == "timeout"
                call = await s.next()
                assert call[2:] == ["Rest", [1]]
                await s.socket.send(json.dumps([3, call[1], {}]))
                await s.call("Heartbeat", {})
                assert await r.rules() == ["late-answer"]
                post = asyncio.create_task(r.http("POST", f"{base}/ClearCache", {}))
                await s.next()
                await s.socket.close()
                assert (await post)["status"] == "disconnected"
                assert "not connected" in (await r.http("POST", f"{base}/ClearCache", {}, 404))["error"]

    run(main())


def test_one_call_at_a_time_and_not_too_many_waiting() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            session = r.csms.sessions["S1"]
            calls = [asyncio.create_task(session.call_station("ClearCache", {}, 5)) for _ in range(WAITING_MAX)]
            first = await s.next()
            assert "wait for S1" in (await r.http("POST", "/api/stations/S1/ClearCache", {}, 429))["error"]
            assert (await s.frame("Heartbeat", {}))[0] == 3  # the answer comes first: no second CALL is under way
            await s.socket.send(json.dumps([3, first[1], {"status": "Accepted"}]))
            for _ in calls[1:]:
                await s.answer({"status": "Accepted"})
            assert {outcome.status for outcome in await asyncio.gather(*calls)} == {"result"}

    run(main())


@pytest.mark.parametrize("plan", [{"silent": True}, {"silent": ["StartTransaction"]}])
def test_a_lost_answer_is_booked_and_the_resend_recognised(plan: dict[str, Any]) -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            await r.http("PUT", "/api/faults", plan)
            await s.socket.send(json.dumps([2, "lost", "StartTransaction", START]))
            while not await r.transactions():
                await asyncio.sleep(0)
            await r.http("PUT", "/api/faults", {})
            assert (await s.frame("StartTransaction", START))[0] == 3
            assert [t["duplicates"] for t in await r.transactions()] == [1]

    run(main())


def test_wrong_answers() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()

            async def raw(**plan: Any) -> Any:
                await r.http("PUT", "/api/faults", plan)
                return await s.raw('[2,"id","Heartbeat",{}]')

            assert await raw(wrong=["Heartbeat"]) == [3, "id", {"wrongShape": [None, 1]}]
            assert (await raw(callerror=True))[:3] == [4, "id", "InternalError"]
            assert (await raw(wrong_id=True))[1] != "id"
            first = await raw(twice=["Heartbeat"])
            assert await s.next() == first
            assert (await raw(delay_s=0.05))[0] == 3
            assert await r.rules() == []
            assert (await r.http("GET", "/api/faults"))["delay_s"] == 0.05

    run(main())


def test_a_delayed_answer_does_not_hold_back_our_own_calls() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            await r.http("PUT", "/api/faults", {"delay_s": 600})
            await s.socket.send('[2,"id","Heartbeat",{}]')
            post = r.http("POST", "/api/stations/S1/ClearCache", {})
            answer, _ = await asyncio.gather(post, s.answer({"status": "Accepted"}))
            assert answer["status"] == "result"

    run(main())


@pytest.mark.parametrize(("close_code", "seen"), [(4000, 4000), (1006, 1006)])
def test_closing_after_some_calls(close_code: int, seen: int) -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            await r.http("PUT", "/api/faults", {"close_after": 2, "close_code": close_code})
            await s.call("Heartbeat", {})
            with pytest.raises(ConnectionClosed):
                await s.call("Heartbeat", {})
                await s.next()
            assert s.socket.close_code == seen

    run(main())


def test_refusing_connections() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.http("PUT", "/api/faults", {"refuse_connect": True, "retry_after_s": 9})
            with pytest.raises(InvalidStatus) as caught:
                async with r.station("S1"):
                    pass
            assert caught.value.response.status_code == 503
            assert caught.value.response.headers["Retry-After"] == "9"
            await r.http("PUT", "/api/faults", {})
            async with r.station("S1") as s:
                await s.boot()

    run(main())


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"delay_s": -1}, "delay_s"),
        ({"delay": 1}, "delay: Extra inputs"),
        ({"silent": ["Heartbeet"]}, "did you mean 'Heartbeat'"),
        ({"close_after": 1, "close_code": 1005}, "close_code"),
        ({"down_for_s": 0}, "down_for_s"),
        ([], "body"),
    ],
)
def test_faults_that_make_no_sense(plan: Any, says: str) -> None:
    async def main() -> None:
        async with rig() as r:
            assert says in (await r.http("PUT", "/api/faults", plan, 400))["error"]
            assert not r.csms.faults.active and r.csms.listening

    run(main())


def test_going_away_and_coming_back() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            number = (await s.call("StartTransaction", START))["transactionId"]
            port = r.csms.port
            await r.csms.go_down()
            with pytest.raises(ConnectionClosed):
                await s.next()
            assert s.socket.close_code == 1006
            with pytest.raises(OSError):
                async with r.station("S1"):
                    pass
            health = await r.http("GET", "/healthz")
            assert not health["listening"] and health["connected"] == 0
            await r.csms.come_up()
            await r.csms.come_up()  # harmless
            assert r.csms.port == port
            async with r.station("S1") as again:
                stop = {"transactionId": number, "meterStop": 5, "timestamp": LATER}
                await again.call("StopTransaction", stop)
            assert [t["energy_wh"] for t in await r.transactions()] == [5]
            assert await r.rules() == []
            await r.http("PUT", "/api/faults", {"down_for_s": 0.05})
            while r.csms.listening:
                await asyncio.sleep(0)
            while not r.csms.listening:
                await asyncio.sleep(0.01)
            async with r.station("S1") as again:
                await again.call("Heartbeat", {})
            await r.http("PUT", "/api/faults", {"down_for_s": 3600})
            while r.csms.listening:
                await asyncio.sleep(0)
            await r.http("PUT", "/api/faults", {})  # ends the absence
            while not r.csms.listening:
                await asyncio.sleep(0.01)

    run(main())


def test_stopping_while_away_and_connected() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            await r.http("PUT", "/api/faults", {"down_for_s": 3600})
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            await r.csms.stop()
            with pytest.raises(ConnectionClosed):
                await s.next()
            assert s.socket.close_code == 1001

    run(main())


def test_the_database_outlives_the_program(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "csms.db"
        async with rig(db=path) as r, r.station("S1") as s, r.station("S2", "2.0.1") as s2:
            await s.boot()
            await s2.boot()
            number = (await s.call("StartTransaction", START))["transactionId"]
            began = {"eventType": "Started", "timestamp": NOW, "triggerReason": "Authorized", "seqNo": 0}
            began["transactionInfo"] = {"transactionId": "t"}  # type: ignore[assignment]
            await s2.call("TransactionEvent", began)
            page = {"requestId": 1, "generatedAt": NOW, "seqNo": 0, "tbc": True}
            await s2.call("NotifyReport", page)
        async with rig(db=path) as r, r.station("S1") as s, r.station("S2", "2.0.1") as s2:
            assert (await s.call("StartTransaction", START))["transactionId"] == number
            again = {**START, "connectorId": 2}
            assert (await s.call("StartTransaction", again))["transactionId"] > number
            ended = {**began, "eventType": "Ended", "seqNo": 1, "triggerReason": "EVDeparted"}
            await s2.call("TransactionEvent", ended)
            await s2.call("NotifyReport", {**page, "seqNo": 1, "tbc": False})
            assert (await r.http("GET", "/api/stations/S2"))["reports"][0]["complete"]
            states = [(t["station"], t["state"], t["duplicates"]) for t in await r.transactions()]
            assert states == [("S1", "open", 1), ("S2", "closed", 0), ("S1", "open", 0)]
            assert await r.rules() == [] and await r.rules("S2") == []

    run(main())


def test_pages() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s, r.station("S2") as s2:
            await s.boot()
            await s2.boot()
            for connector in (1, 2, 3):
                await s.call("StartTransaction", {**START, "connectorId": connector})
            page = await r.http("GET", "/api/transactions?limit=2")
            assert [t["evse_id"] for t in page["transactions"]] == [1, 2]
            page = await r.http("GET", f"/api/transactions?limit=2&after={page['next']}")
            assert [t["evse_id"] for t in page["transactions"]] == [3] and page["next"] is None
            page = await r.http("GET", "/api/stations?limit=1")
            assert [found["id"] for found in page["stations"]] == ["S1"] and page["next"] == "S1"
            page = await r.http("GET", "/api/stations?limit=1&after=S1&connected=1")
            assert [found["id"] for found in page["stations"]] == ["S2"]
            assert (await r.http("GET", "/api/transactions?state=ajar", status=400))["error"]
            await s.code("Nope", {})
            assert (await r.http("GET", "/api/violations"))["by_rule"] == {"unknown-action": 1}
            assert (await r.http("DELETE", "/api/violations")) == {"count": 0}
            assert (await r.http("GET", "/api/violations"))["violations"] == []

    run(main())


def test_it_runs_in_uvloop_too() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", "2.1") as s:
            await s.boot()
            assert (await r.http("GET", "/healthz"))["status"] == "ok"

    uvloop.run(main())


def test_a_database_that_fails_is_reported_and_tried_again() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            store = r.csms._store
            assert store is not None
            store.read("SELECT 1")
            store._db.execute("PRAGMA query_only=ON")
            await s.call("StartTransaction", START)
            store.flush()
            assert (await r.http("GET", "/healthz", status=503))["write_errors"] >= 1
            store._db.execute("PRAGMA query_only=OFF")
            assert len(await r.transactions()) == 1

    run(main())


def test_an_error_of_ours_is_an_internal_error_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("planted")

    async def main() -> None:
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            monkeypatch.setattr(StationBook, "connector", fail)
            status = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
            assert await s.code("StatusNotification", status) == "InternalError"
            await s.call("Heartbeat", {})

    run(main())
    assert "planted" in caplog.text


def test_two_hundred_stations_connect_at_once() -> None:
    async def main() -> None:
        async with rig(require_auth=True) as r:

            async def one(i: int) -> str:
                async with r.station(f"S{i}", password=b"p" * 16) as s:
                    return str((await s.boot())["status"])

            assert set(await asyncio.gather(*(one(i) for i in range(200)))) == {"Accepted"}
            assert (await r.http("GET", "/healthz"))["stations"] == 200

    run(main())


def test_documentation_names_every_route() -> None:
    from simulator.csms import api

    for route in Api(ReferenceCsms(CsmsOptions(port=0, http_port=0))).routes:
        assert route.path.replace("{action}", "{Action}") in (api.__doc__ or "")
