"""The other side of the comparison: ``ocpp.ChargePoint`` over ``websockets``, as their documentation shows it.

No station logic at all: each client builds the message a station of ours would send at that moment and waits for the
answer, the next begins at once. Validation is on, as it is unless somebody switches it off. Compression and the
library's keepalive are off, because ours has neither: both would only make it dearer.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import ocpp.v16
import ocpp.v16.call
import ocpp.v201
import ocpp.v201.call
import websockets
import websockets.asyncio.client as ws

SUBPROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1"}
AT_ONCE = 64
"""Handshakes under way at a time."""


class Tap:
    """The first client's connection, counting: one in hundreds is enough to know the size of messages."""

    def __init__(self, socket: ws.ClientConnection) -> None:
        self._socket = socket
        self.recv = socket.recv
        self.sent_bytes = self.messages = 0

    async def send(self, message: str) -> None:
        """Pass it on."""
        self.sent_bytes += len(message)
        self.messages += 1
        await self._socket.send(message)


class Bare:
    """Clients of the ``ocpp`` package."""

    def __init__(self, version: str, port: int) -> None:
        self.version, self.port = version, port
        self.points: list[Any] = []
        self.tap: Tap | None = None
        self._done: dict[int, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._transactions: list[int] = []

    async def connect(self, count: int) -> None:
        """``count`` more clients, each with its receiving task, after a BootNotification."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with slots:
                socket = await ws.connect(
                    f"ws://127.0.0.1:{self.port}/BARE-{number:05d}",
                    subprotocols=[websockets.Subprotocol(SUBPROTOCOLS[self.version])],
                    compression=None,
                    ping_interval=None,
                    proxy=None,
                )
                kind = ocpp.v16.ChargePoint if self.version == "1.6" else ocpp.v201.ChargePoint
                if self.tap is None:
                    self.tap = Tap(socket)
                    point = kind(f"BARE-{number:05d}", self.tap)
                else:
                    point = kind(f"BARE-{number:05d}", socket)
                self.points.append(point)
                self._tasks.append(asyncio.ensure_future(point.start()))
                await self._call(point, self._boot())

        first = len(self.points)
        await asyncio.gather(*(one(number) for number in range(first, first + count)))

    async def _call(self, point: Any, message: Any) -> Any:
        answer = await point.call(message, suppress=False)
        assert answer is not None, "no answer"
        return answer

    def _boot(self) -> Any:
        if self.version == "1.6":
            return ocpp.v16.call.BootNotification(charge_point_model="AC-Single", charge_point_vendor="Generic")
        station = {"model": "AC-Single", "vendor_name": "Generic"}
        return ocpp.v201.call.BootNotification(charging_station=station, reason="PowerUp")

    async def charge(self) -> None:
        """1.6 knows a transaction by a number it is given; 2.x by one of its own."""
        for number, point in enumerate(self.points):
            if self.version == "1.6":
                message = ocpp.v16.call.StartTransaction(1, "VALID0001", number, _now())
                self._transactions.append((await self._call(point, message)).transaction_id)
            else:
                self._transactions.append(number)

        assert self.tap is not None
        self.tap.sent_bytes = self.tap.messages = 0

    async def window(self, seconds: float) -> int:
        """Every client for so long: a sample, a heartbeat, a sample; how many calls were answered."""
        end = perf_counter() + seconds
        counts = await asyncio.gather(*(self._client(*pair, end) for pair in enumerate(self.points)))
        return sum(counts)

    def bytes_per_call(self) -> float:
        """Of the first client's messages since all were charging."""
        return 0.0 if self.tap is None else self.tap.sent_bytes / max(1, self.tap.messages)

    async def _client(self, number: int, point: Any, end: float) -> int:
        calls = 0
        done = self._done.get(number, 0)
        beat = ocpp.v16.call.Heartbeat if self.version == "1.6" else ocpp.v201.call.Heartbeat
        while perf_counter() < end:
            await self._call(point, beat() if done + calls & 1 else self._sample(number, done + calls))
            calls += 1
        self._done[number] = done + calls  # the next window goes on where this one ended: as many samples as heartbeats
        return calls

    def _sample(self, number: int, calls: int) -> Any:
        register_wh = 1_000_000 + number + calls * 18
        values = [
            _value("Energy.Active.Import.Register", register_wh, "Wh"),
            _value("Power.Active.Import", 21999.6, "W"),
            *(_value("Current.Import", 31.88, "A", phase) for phase in ("L1", "L2", "L3")),
        ]
        if self.version == "1.6":
            texts = [{**value, "value": str(value["value"])} for value in values]
            reading = {"timestamp": _now(), "sampled_value": texts}
            return ocpp.v16.call.MeterValues(1, [reading], self._transactions[number])
        for value in values:
            value["unit_of_measure"] = {"unit": value.pop("unit")}
        return ocpp.v201.call.TransactionEvent(
            event_type="Updated",
            timestamp=_now(),
            trigger_reason="MeterValuePeriodic",
            seq_no=calls,
            transaction_info={"transaction_id": f"01234567-89ab-4cde-8f01-{number:012d}"},
            meter_value=[{"timestamp": _now(), "sampled_value": values}],
        )

    async def close(self) -> None:
        """Let go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _value(measurand: str, value: float, unit: str, phase: str | None = None) -> dict[str, Any]:
    found = {"value": value, "context": "Sample.Periodic", "measurand": measurand, "unit": unit}
    return found if phase is None else {**found, "phase": phase}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
