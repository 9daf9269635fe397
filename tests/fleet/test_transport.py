"""Dials that fail and dials that wait, over loopback sockets, on both event loops."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.fleet import transport
from simulator.fleet.transport import DialSpec
from tests.fleet.loopback import Recorder, Run, Server, accept, dialled, frame, make_transport, read_frame

pytestmark = pytest.mark.live


def test_a_port_where_nobody_listens(run: Run) -> None:
    async def scenario() -> None:
        with socket.socket() as placeholder:
            placeholder.bind(("127.0.0.1", 0))
            port = placeholder.getsockname()[1]
            rec, conn = dialled(DialSpec(url=f"ws://localhost:{port}/CP1", subprotocols=()))
            cause, code, detail, _ = await rec.down()
        assert (cause, code) == ("refused", 0)
        assert str(port) in detail
        assert not conn._owner.connections and conn._owner._dialling == 0

    run(scenario())


@pytest.mark.parametrize(
    ("answer", "code", "retry"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n", 401, None),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 17\r\nContent-Length: 5\r\n\r\nlater", 503, 17),
        (
            b"HTTP/1.1 429 Slow\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
            b"Retry-After: Fri, 20 Nov 2026 10:01:30 GMT\r\n\r\n",
            429,
            90,
        ),
        (b"HTTP/1.1 404 Not Found\r\nRetry-After: 17\r\n\r\n", 404, None),
        (b"220 mail.example ESMTP\r\n", 0, None),
    ],
)
def test_a_handshake_that_is_refused(run: Run, answer: bytes, code: int, retry: int | None) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)  # and the connection stays open: the status is enough
            await reader.read()
            writer.close()

        async with Server(script) as server:
            rec, _ = dialled(server.dial())
            cause, status, detail, retry_after = await rec.down()
        assert (cause, status, retry_after) == ("http_status", code, retry)
        assert detail

    run(scenario())


@pytest.mark.parametrize("picked", ["ocpp2.0.1", ""])
def test_a_subprotocol_that_was_not_offered(run: Run, picked: str) -> None:
    async def scenario() -> None:
        seen: list[Any] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer, picked)
            seen.append(await read_frame(reader))
            writer.write(frame(8, seen[-1][1]))
            writer.close()

        async with Server(script) as server:
            rec, conn = dialled(server.dial())
            assert await rec.until("open") == (picked or None,)  # the station's to judge
            conn.close()
            await rec.down()
            rec, _ = dialled(server.dial(require_subprotocol=True))
            cause, code, detail, _ = await rec.down()
            assert (cause, code) == ("subprotocol", 101)
            assert "ocpp1.6" in detail and ("open", picked) not in rec.said
        assert seen[0] == (0x88, struct.pack("!H", 1000))

    run(scenario())


def test_a_server_that_says_nothing(run: Run) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with Server(script) as server:
            rec, _ = dialled(server.dial(timeout_s=0.05))
            assert await rec.down() == ("timeout", 0, "no answer to the handshake within 0.05 s", None)
            url = f"wss://127.0.0.1:{server.port}/"
            rec, _ = dialled(DialSpec(url=url, subprotocols=(), timeout_s=0.05))
            assert await rec.down() == ("timeout", 0, "no TLS within 0.05 s", None)

    run(scenario())


def test_a_server_that_hangs_up_on_the_handshake(run: Run) -> None:
    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.close()

        async with Server(script) as server:
            rec, _ = dialled(server.dial())
            cause, _, detail, _ = await rec.down()
            assert cause == "reset" and "before the handshake was answered" in detail

    run(scenario())


def test_what_this_machine_lacks_is_not_the_servers_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        rec, _ = dialled(DialSpec(url="ws://127.0.0.1:9/", subprotocols=(), source_address="192.0.2.1"))
        assert (await rec.down())[0] == "local_limit"
        rec, _ = dialled(DialSpec(url="ws://127.0.0.1:9/", subprotocols=(), source_address="::1"))
        cause, _, detail, _ = await rec.down()
        assert cause == "local_limit" and "family" in detail

        def full(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(transport, "new_socket", full)
        rec, _ = dialled(DialSpec(url="ws://127.0.0.1:9/", subprotocols=()))
        cause, _, detail, _ = await rec.down()
        assert cause == "local_limit" and "Too many open files" in detail

    run(scenario())


def test_dials_wait_for_a_slot_and_say_so_when_none_comes_free(run: Run) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await gate.wait()
            await accept(reader, writer)
            await reader.read()
            writer.close()

        async with Server(script) as server:
            made = make_transport(connect_limit=1)
            recs = [Recorder() for _ in range(4)]
            first = made.open(server.dial(), recs[0])
            made.open(server.dial(timeout_s=0.03), recs[1])
            given_up = made.open(server.dial(), recs[2])
            made.open(server.dial(), recs[3])
            cause, _, detail, _ = await recs[1].down()
            assert cause == "local_limit" and detail.startswith("1 dials")
            recs[2].call(given_up.abort)
            assert (await recs[2].down())[0] == "reset"
            assert not first.is_open
            gate.set()
            await recs[0].until("open")
            await recs[3].until("open")
            assert made._dialling == 0 and len(made.connections) == 2
            made.abort_all()
            await recs[0].down()
            await recs[3].down()
            assert not made.connections

    run(scenario())


def test_a_dial_can_be_given_up_at_every_stage(run: Run) -> None:
    async def scenario() -> None:
        async def never(host: str) -> list[str]:
            await asyncio.Event().wait()
            return []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with Server(script) as server:
            for act in ("close", "abort", "vanish"):
                for url in ("ws://name.invalid/", f"ws://127.0.0.1:{server.port}/"):
                    for turns in (0, 1, 2, 5, 20):
                        rec, conn = dialled(DialSpec(url=url, subprotocols=()), resolve=never)
                        for _ in range(turns):
                            await asyncio.sleep(0)
                        rec.call(getattr(conn, act))
                        cause, code, _, _ = await rec.down()
                        assert (cause, code) == (("reset" if act == "abort" else "closed"), 0)
                        assert conn._owner._dialling == 0
            rec, _ = dialled(DialSpec(url="ws://name.invalid/", subprotocols=(), timeout_s=0.02), resolve=never)
            assert await rec.down() == ("timeout", 0, "no TCP connection within 0.02 s", None)

    run(scenario())


def test_what_cannot_be_dialled_is_refused_at_once(run: Run) -> None:
    async def scenario() -> None:
        made = make_transport()
        for changes in ({"url": "http://h/"}, {"headers": (("a b", ""),)}, {"source_address": "somewhere"}):
            options: dict[str, Any] = {"url": "ws://127.0.0.1/", "subprotocols": (), **changes}
            with pytest.raises(ValueError, match=r"URL|header|somewhere"):
                made.open(DialSpec(**options), Recorder())
        assert not made.connections and made._dialling == 0

    run(scenario())


def test_secrets_are_not_in_the_repr() -> None:
    spec = DialSpec(
        url="ws://h/", subprotocols=(), basic_auth=("CP1", "hunter2"), headers=(("Authorization", "Bearer hunter2"),)
    )
    assert "hunter2" not in repr(spec)


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from gevent._hub_local import get_hub_if_exists
start = monkey.get_original("_thread", "start_new_thread")
import uvloop
from simulator.fleet.transport import DialSpec, Transport
said = []
class Listener:
    def on_open(self, conn, subprotocol):
        conn.send(b'[2,"1","Heartbeat",{}]')
    def on_text(self, conn, data):
        conn.close()
    def on_down(self, conn, cause, code, detail, retry_after_s):
        said.append((cause, code, detail, get_hub_if_exists()))
        loop.stop()
loop = uvloop.new_event_loop()
def thread():
    url = "ws://localhost:" + sys.argv[1] + "/CP1"
    spec = DialSpec(url=url, subprotocols=("ocpp1.6",), source_address="127.0.0.1")
    loop.call_soon(lambda: Transport(loop, user_agent="x").open(spec, Listener()))
    loop.run_forever()
start(thread, ())
for _ in range(500):
    if said:
        break
    gevent.sleep(0.01)
print(said)
"""


def test_a_real_thread_of_a_process_that_gevent_has_patched(sink_port: int) -> None:
    pytest.importorskip("uvloop", reason="this is about uvloop under Locust")
    words = [sys.executable, "-c", UNDER_GEVENT, str(sink_port)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[('closed', 1000, '', None)]", done.stderr
