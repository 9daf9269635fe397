"""A running reference CSMS, stations that send hand-written frames, and an HTTP client; all over loopback."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from simulator.csms.app import CsmsOptions, ReferenceCsms

NOW = "2026-01-01T10:00:00Z"
LATER = "2026-01-01T11:00:00Z"
BOOT_16 = {"chargePointVendor": "Maker", "chargePointModel": "One"}
BOOT_2X = {"reason": "PowerUp", "chargingStation": {"vendorName": "Maker", "model": "Two"}}
SUBPROTOCOL = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}


class Station:
    """A client that knows frames and nothing of their meaning."""

    def __init__(self, socket: ClientConnection, version: str) -> None:
        self.socket, self.version, self._count = socket, version, 0

    async def raw(self, frame: str | bytes) -> Any:
        """Send ``frame`` as text and return the next frame."""
        await self.socket.send(frame, text=True)
        return await self.next()

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            return json.loads(await self.socket.recv())

    async def frame(self, action: str, payload: Any) -> Any:
        """Send a CALL and return the whole answering frame."""
        self._count += 1
        answer = await self.raw(json.dumps([2, f"s-{self._count}", action, payload]))
        assert answer[1] == f"s-{self._count}"
        return answer

    async def call(self, action: str, payload: Any) -> Any:
        """Send a CALL and return the payload of its result."""
        answer = await self.frame(action, payload)
        assert answer[0] == 3, answer
        return answer[2]

    async def code(self, action: str, payload: Any) -> str:
        """Send a CALL and return the code of the CALLERROR that answers it."""
        answer = await self.frame(action, payload)
        assert answer[0] == 4, answer
        return str(answer[2])

    async def boot(self) -> Any:
        return await self.call("BootNotification", BOOT_16 if self.version == "1.6" else BOOT_2X)

    async def answer(self, payload: Any) -> Any:
        """Take the CSMS's next CALL, answer it with ``payload``, and return the CALL."""
        call = await self.next()
        assert call[0] == 2, call
        await self.socket.send(json.dumps([3, call[1], payload]))
        return call


class Rig:
    """The CSMS under test with what a test needs around it."""

    def __init__(self, csms: ReferenceCsms) -> None:
        self.csms = csms

    @asynccontextmanager
    async def station(
        self, name: str, version: str = "1.6", password: bytes | None = None, *, user: str | None = None
    ) -> AsyncIterator[Station]:
        headers = {}
        if password is not None:
            pair = (user or name).encode() + b":" + password
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        async with connect(
            f"{self.csms.url}/{name}",
            subprotocols=[SUBPROTOCOL[version]],  # type: ignore[list-item]
            additional_headers=headers,
            compression=None,
            proxy=None,
        ) as socket:
            yield Station(socket, version)

    async def http(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """One request to the API; asserts the status, returns the JSON."""
        text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self.csms.http_port)
        try:
            writer.write(head.encode() + text)
            async with asyncio.timeout(5):
                answer = await reader.read()
        finally:
            writer.close()
        top, _, rest = answer.partition(b"\r\n\r\n")
        assert int(top.split()[1]) == status, answer
        return json.loads(rest)

    async def transactions(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http("GET", f"/api/transactions{query}"))["transactions"]
        return found

    async def rules(self, station: str = "S1") -> list[str]:
        """The rules that ``station`` broke, in order."""
        found = await self.http("GET", f"/api/violations?station={station}")
        return [violation["rule"] for violation in found["violations"]]


@asynccontextmanager
async def rig(**options: Any) -> AsyncIterator[Rig]:
    async with ReferenceCsms(CsmsOptions(port=0, http_port=0, **options)) as csms:
        yield Rig(csms)


def run(main: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await main

    asyncio.run(bounded())
