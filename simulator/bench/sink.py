"""A CSMS that only answers, as fast as Python can: the other end of the live benchmark.

It runs in a process of its own, ``python -m simulator.bench.sink``: prints ``listening on PORT``, serves 127.0.0.1, and
says how much CPU time it has used whenever a line comes in on standard input, until that ends. One ``asyncio.Protocol``
for each connection (uvloop where it exists), answers built once per second, no schema, no state but a counter of
transactions. It picks the first subprotocol the client offers. It is not a CSMS to test stations against.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import os
import sys
import time
from datetime import UTC, datetime

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
# fmt: off
EMPTY = (
    "BatterySwap", "ClearedChargingLimit", "DiagnosticsStatusNotification", "FirmwareStatusNotification",
    "LogStatusNotification", "MeterValues", "NotifyAllowedEnergyTransfer", "NotifyChargingLimit",
    "NotifyCustomerInformation", "NotifyDERAlarm", "NotifyDERStartStop", "NotifyDisplayMessages",
    "NotifyEVChargingSchedule", "NotifyEvent", "NotifyMonitoringReport", "NotifyPriority",
    "NotifyPriorityCharging", "NotifyReport", "NotifySettlement", "PublishFirmwareStatusNotification",
    "ReportChargingProfiles", "ReportDERControl", "ReservationStatusUpdate", "SecurityEventNotification",
    "StatusNotification", "TransactionEvent",
)  # actions whose answer has no required field
# fmt: on


class Answers:
    """Ready payloads by action, for the older message set and for the newer ones; renewed when the second changes."""

    def __init__(self, heartbeat_s: int) -> None:
        self.heartbeat_s = heartbeat_s
        self.old: dict[bytes, bytes] = {}
        self.new: dict[bytes, bytes] = {}
        self.transactions = 0
        self.renew()

    def renew(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        common = dict.fromkeys(EMPTY, "{}")
        common["Heartbeat"] = f'{{"currentTime":"{now}"}}'
        common["BootNotification"] = f'{{"status":"Accepted","currentTime":"{now}","interval":{self.heartbeat_s}}}'
        common["DataTransfer"] = common["SignCertificate"] = '{"status":"Accepted"}'
        old = {**common, "Authorize": '{"idTagInfo":{"status":"Accepted"}}'}
        old["StopTransaction"] = old["Authorize"]
        new = {**common, "Authorize": '{"idTokenInfo":{"status":"Accepted"}}'}
        for table, words in ((self.old, old), (self.new, new)):
            table.update({action.encode(): payload.encode() for action, payload in words.items()})

    def start_transaction(self) -> bytes:
        self.transactions += 1
        return b'{"idTagInfo":{"status":"Accepted"},"transactionId":%d}' % self.transactions


class Sink(asyncio.Protocol):
    """One connection: the handshake, then an answer to every CALL of the form ``[2,"id","Action",...``."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.table = answers.old
        self.buffer = b""
        self.transport: asyncio.Transport
        self.upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        if not self.upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = buffer
                return
            self.upgrade(buffer[:end])
            buffer = buffer[end + 4 :]
        out: list[bytes] = []
        pos, end = 0, len(buffer)
        while end - pos >= 6:
            size = buffer[pos + 1] & 0x7F
            start = pos + 2
            if size == 126:
                size = buffer[start] << 8 | buffer[start + 1]
                start += 2
            elif size == 127:
                if end - start < 8:
                    break
                size = int.from_bytes(buffer[start : start + 8], "big")
                start += 8
            after = start + 4 + size
            if after > end:
                break
            payload = apply_mask(buffer[start + 4 : after], buffer[start : start + 4])
            opcode = buffer[pos] & 15
            if opcode == 1:
                self.answer(payload, out)
            elif opcode == 8:
                out.append(bytes((0x88, len(payload))) + payload)
                self.transport.writelines(out)
                self.transport.close()
                return
            elif opcode == 9:
                out.append(bytes((0x8A, len(payload))) + payload)
            pos = after
        self.buffer = buffer[pos:]
        if out:
            self.transport.write(out[0] if len(out) == 1 else b"".join(out))

    def upgrade(self, head: bytes) -> None:
        headers = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + GUID).digest())
        answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer += b"Sec-WebSocket-Accept: " + accept + b"\r\n"
        picked = headers.get(b"sec-websocket-protocol", b"").split(b",")[0].strip()
        if picked:
            answer += b"Sec-WebSocket-Protocol: " + picked + b"\r\n"
        self.table = self.answers.new if picked.startswith(b"ocpp2") else self.answers.old
        self.upgraded = True
        self.transport.write(answer + b"\r\n")

    def answer(self, payload: bytes, out: list[bytes]) -> None:
        """Append the answer to one message. Anything that is no CALL in the usual spelling is left without one."""
        words = payload.split(b'"', 4)
        if len(words) != 5 or words[0].strip() != b"[2,":
            return
        message_id, action = words[1], words[3]
        body = self.table.get(action)
        if body is None and action == b"StartTransaction":
            body = self.answers.start_transaction()
        if body is None:
            text = b'[4,"' + message_id + b'","NotImplemented","",{}]'
        else:
            text = b'[3,"' + message_id + b'",' + body + b"]"
        size = len(text)
        head = bytes((0x81, size)) if size < 126 else bytes((0x81, 126, size >> 8, size & 0xFF))
        out.append(head + text)


def raise_file_limit() -> None:
    """As many open files as this process may have."""
    try:
        import resource
    except ImportError:  # no such limit on this system
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def serve(port: int, heartbeat_s: int) -> None:
    """Listen on 127.0.0.1 until standard input ends."""
    loop = asyncio.get_running_loop()
    answers = Answers(heartbeat_s)

    def renew() -> None:
        answers.renew()
        loop.call_later(1.0, renew)

    renew()
    server = await loop.create_server(lambda: Sink(answers), "127.0.0.1", port, backlog=4096)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    ended = loop.create_future()

    def read() -> None:
        if os.read(sys.stdin.fileno(), 4096):
            print(time.process_time(), flush=True)
        elif not ended.done():
            ended.set_result(None)

    loop.add_reader(sys.stdin.fileno(), read)
    await ended
    server.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--heartbeat", type=int, default=300, help="interval that BootNotification is answered with, s")
    parser.add_argument("--cpu", type=int, default=None, help="stay on this core")
    options = parser.parse_args()
    raise_file_limit()
    if options.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.cpu})
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(options.port, options.heartbeat))
    else:
        uvloop.run(serve(options.port, options.heartbeat))


if __name__ == "__main__":
    main()
