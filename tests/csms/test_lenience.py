"""What the reference CSMS forgives: the capitals of an id always, breaches of the protocol when it is tolerant."""

from __future__ import annotations

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.csms.rig import BOOT_16, NOW, rig, run

pytestmark = pytest.mark.live


def test_a_tolerant_one_takes_what_it_can_and_records_it_all_the_same() -> None:
    async def main() -> None:
        async with rig(tolerant=True) as r, r.station("S1") as s:
            await s.boot()
            start = {"connectorId": 1, "idTag": "VALID-1", "meterStart": 5, "timestamp": NOW}
            number = (await s.call("StartTransaction", start))["transactionId"]
            odd = {"value": "16", "context": "CurrentMax"}
            values = [{"timestamp": NOW, "sampledValue": [odd, {"value": "40"}]}]
            assert await s.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values}) == {}
            assert await s.call("MeterValues", {"connectorId": 1, "meterValue": values[0]}) == {}
            stop = {"transactionId": number, "meterStop": 50, "timestamp": NOW, "reason": "StoppedByEV"}
            await s.call("StopTransaction", stop)
            (booked,) = (await r.http("GET", "/api/transactions"))["transactions"]
            assert (booked["state"], booked["meter_stop_wh"]) == ("closed", 50)
            assert await s.code("StartTransaction", {"connectorId": 1}) == "ProtocolError"
            assert len(await r.rules()) == 4
            async with connect(f"{r.csms.url}/S2", proxy=None) as bare:
                await bare.send(json.dumps([2, "1", "BootNotification", BOOT_16]))
                assert json.loads(await bare.recv())[2]["status"] == "Accepted"

    run(main())


def test_the_capitals_of_an_id_make_no_second_station() -> None:
    async def main() -> None:
        async with rig() as r, r.station("CP-A") as old:
            await old.boot()
            async with r.station("cp-a") as new:
                with pytest.raises(ConnectionClosed):
                    await old.next()
                await new.call("Heartbeat", {})
                assert [one["id"] for one in (await r.http("GET", "/api/stations"))["stations"]] == ["CP-A"]
                assert (await r.http("GET", "/api/stations/Cp-a"))["connected"] is True

    run(main())
