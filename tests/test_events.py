"""A stream of events: order, loss where the reader is slow, its end; and over the server."""

import asyncio
import json

import pytest

from simulator import events
from simulator.events import EventStream
from simulator.httpd import HttpServer, Request, Route


def drain(stream: EventStream) -> list[tuple[str, object]]:
    """Everything that is queued, and None when the stream has ended."""

    async def main() -> list[tuple[str, object]]:
        found: list[tuple[str, object]] = []
        while stream._waiting or stream._lost or stream._ended:
            one = await stream.next()
            if one is None:
                break
            event, data = one.decode().strip().split("\n")
            found.append((event.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return found

    return asyncio.run(main())


def test_events_come_in_order() -> None:
    stream = EventStream()
    for n in range(3):
        stream.send("frame", b'{"n":%d}' % n)
    stream.end("enough")
    stream.send("frame", b'{"n":9}')
    assert drain(stream) == [("frame", {"n": 0}), ("frame", {"n": 1}), ("frame", {"n": 2}), ("end", {"why": "enough"})]


@pytest.mark.parametrize("bounds", [{"max_events": 4}, {"max_bytes": 100}])
def test_a_slow_reader_is_told_how_many_it_lost_and_where(bounds: dict[str, int]) -> None:
    stream = EventStream(**bounds)
    for n in range(10):
        stream.send("frame", b'{"n":%d}' % n)
    first = drain(stream)
    kept = len(first) - 1
    assert 0 < kept < 10 and first[-1] == ("lost", {"lost": 10 - kept})
    stream.send("frame", b'{"n":10}')
    assert drain(stream) == [("frame", {"n": 10})]


def test_the_gap_stands_before_what_comes_after_it() -> None:
    stream = EventStream(max_events=3)
    for n in range(4):
        stream.send("frame", b'{"n":%d}' % n)
    asyncio.run(stream.next())
    asyncio.run(stream.next())
    stream.send("frame", b'{"n":4}')
    assert drain(stream) == [("lost", {"lost": 2}), ("frame", {"n": 4})]


def test_silence_is_broken_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT_S", 0.001)
    assert asyncio.run(EventStream().next()) == events.BEAT


def test_closing_is_told_once() -> None:
    told: list[int] = []
    stream = EventStream(lambda: told.append(1))
    stream.send("frame", b"{}")
    stream.close()
    stream.close()
    assert told == [1] and asyncio.run(stream.next()) is None


def test_over_the_server_a_reader_who_goes_is_noticed_and_the_end_is_told() -> None:
    async def main() -> None:
        open_: list[EventStream] = []
        closed: list[int] = []

        def handler(request: Request) -> EventStream:
            stream = EventStream(lambda: closed.append(1))
            stream.send("frame", b'{"n":1}')
            open_.append(stream)
            return stream

        server = HttpServer([Route("GET", "/stream", handler)])
        await server.start()
        wires = []
        for n in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"text/event-stream" in head and b"chunked" in head
                await reader.readuntil(b'data: {"n":1}\n\n')
            wires.append((reader, writer))
            assert len(open_) == n + 1
        wires[0][1].close()
        async with asyncio.timeout(5):
            while not closed:
                await asyncio.sleep(0.01)
            open_[1].send("frame", b'{"n":2}')
            await server.stop("that is all")
            rest = await wires[1][0].read()
        assert (
            b'{"n":2}' in rest and b'event: end\ndata: {"why": "that is all"}' in rest and rest.endswith(b"0\r\n\r\n")
        )
        assert closed == [1, 1]
        wires[1][1].close()

    asyncio.run(main())
