"""A stream of server-sent events: a bounded queue between what happens and one reader who may be slow.

Whoever produces events must never wait for a reader (a station's frames are produced inside the loop that carries
thousands of stations), so ``send`` never blocks: what does not fit is dropped and counted, and at the place of the gap
the reader finds an event ``lost`` that says how many. The format is that of the HTML standard, section "Server-sent
events": lines ``event:`` and ``data:``, and an empty line.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable

MAX_EVENTS = 1_000
MAX_BYTES = 4 << 20
#: a comment is sent after so many seconds without an event, so that a reader who is gone is noticed
BEAT_S = 15.0
BEAT = b": still here\n\n"


class EventStream:
    """Events on their way to one reader. A handler of ``httpd`` returns it instead of a response.

    ``on_close`` is called once, when the reader has gone or the stream has come to its end.
    """

    def __init__(
        self, on_close: Callable[[], None] | None = None, *, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._on_close, self._max_events, self._max_bytes = on_close, max_events, max_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._lost = 0
        self._ended = False
        self._news = asyncio.Event()

    def send(self, event: str, data: bytes) -> None:
        """Queue an event whose ``data`` is one line of JSON; dropped and counted when the reader is too slow."""
        assert b"\n" not in data, "an event's data is one line"
        if self._ended:
            return
        one = _event(event, data)
        if len(self._waiting) + 1 >= self._max_events or self._bytes + len(one) > self._max_bytes:
            self._lost += 1
            return
        if self._lost:
            self._tell_loss()
        self._put(one)

    def end(self, why: str) -> None:
        """Nothing more will come; the reader is told ``why`` after what is still queued."""
        if not self._ended:
            if self._lost:
                self._tell_loss()
            self._put(_event("end", json.dumps({"why": why}).encode()))
            self._ended = True

    def close(self) -> None:
        """The reader is gone: forget everything."""
        self._ended = True
        self._waiting.clear()
        self._bytes = 0
        then, self._on_close = self._on_close, None
        if then is not None:
            then()

    async def next(self) -> bytes | None:
        """What to write next, waiting for it; None at the end."""
        while not self._waiting:
            if self._lost:
                self._tell_loss()
                break
            if self._ended:
                return None
            self._news.clear()
            try:
                async with asyncio.timeout(BEAT_S):
                    await self._news.wait()
            except TimeoutError:
                return BEAT
        one = self._waiting.popleft()
        self._bytes -= len(one)
        return one

    def _put(self, one: bytes) -> None:
        self._waiting.append(one)
        self._bytes += len(one)
        self._news.set()

    def _tell_loss(self) -> None:
        lost, self._lost = self._lost, 0
        self._put(_event("lost", b'{"lost":%d}' % lost))


def _event(event: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)
