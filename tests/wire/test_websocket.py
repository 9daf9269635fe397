"""The client's side of WebSocket, against the library's own server protocol and against hand-made frames."""

from __future__ import annotations

import logging
import os
import re
import struct
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.server import ServerProtocol
from websockets.utils import accept_key

from simulator.errors import LocalProtocolError
from simulator.wire import websocket
from simulator.wire.websocket import (
    MAX_HEAD,
    Binary,
    Closed,
    Event,
    Opened,
    Pinged,
    Pong,
    Refused,
    Text,
    WebSocketClient,
    build_frame,
    parse_url,
)


def client(**changes: object) -> WebSocketClient:
    options: dict[str, object] = {"subprotocols": ("ocpp1.6",), "user_agent": "cpfarm/test", **changes}
    return WebSocketClient("ws://127.0.0.1:9000/ocpp/CP%201?x=1", **options)  # type: ignore[arg-type]


def agree(request: bytes, extra: bytes = b"Sec-WebSocket-Protocol: ocpp1.6\r\n") -> bytes:
    key = re.search(rb"Sec-WebSocket-Key: (\S+)\r\n", request)
    assert key
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + accept_key(key[1].decode()).encode() + b"\r\n" + extra + b"\r\n"


def opened(**changes: object) -> WebSocketClient:
    c = client(**changes)
    assert c.receive(agree(c.start())) == [Opened("ocpp1.6")]
    return c


def from_server(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    return build_frame(opcode, payload, fin=fin, rsv=rsv, masked=False)


def close_code(frame: bytes) -> int:
    """The code in a masked Close frame."""
    assert frame[0] == 0x88
    mask, body = frame[2:6], frame[6:]
    return int(struct.unpack("!H", bytes(b ^ mask[i] for i, b in enumerate(body[:2])))[0])


# -- the opening handshake --------------------------------------------------------------------------------------------


def test_handshake_with_the_librarys_server_and_messages_both_ways() -> None:
    c = client(headers=(("Authorization", "Basic abc"),))
    server = ServerProtocol(subprotocols=["ocpp1.6"])  # type: ignore[list-item]
    server.receive_data(c.start())
    (request,) = server.events_received()
    assert request.path == "/ocpp/CP%201?x=1"  # type: ignore[union-attr]
    assert request.headers.get_all("User-Agent") == ["cpfarm/test"]  # type: ignore[union-attr]
    assert request.headers["Authorization"] == "Basic abc"  # type: ignore[union-attr]
    assert "Sec-WebSocket-Extensions" not in request.headers  # type: ignore[union-attr]
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    assert c.receive(b"".join(server.data_to_send())) == [Opened("ocpp1.6")]

    for size in (0, 1, 125, 126, 65535, 65536, 200_000):
        payload = os.urandom(size)
        server.receive_data(c.send_text(payload))
        (frame,) = server.events_received()
        assert frame.data == payload  # type: ignore[union-attr]
        server.send_text(payload)
        assert c.receive(b"".join(server.data_to_send())) == [Text(payload)]
    server.receive_data(c.ping(b"hello"))
    assert c.receive(b"".join(server.data_to_send())) == [Pong()]
    server.receive_data(c.close(1000, "bye"))
    assert c.receive(b"".join(server.data_to_send())) == [Closed(1000, "bye")]
    assert server.close_rcvd is not None
    assert c.receive_eof() == []


@pytest.mark.parametrize(
    ("said", "picked"),
    [
        (b"", None),
        (b"Sec-WebSocket-Protocol: ocpp9\r\n", "ocpp9"),
        (b"Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n", "a, b"),
    ],
)
def test_a_subprotocol_nobody_offered_is_shown_to_the_caller(said: bytes, picked: str | None) -> None:
    c = client()
    assert c.receive(agree(c.start(), said)) == [Opened(picked)]
    assert c.is_open
    c = client(subprotocols=())
    assert c.receive(agree(c.start(), said)) == [Opened(picked)]


def test_a_handshake_in_single_bytes_and_frames_in_the_same_segment() -> None:
    c = client()
    answer = agree(c.start())
    events: list[Event] = []
    for i in range(len(answer)):
        events += c.receive(answer[i : i + 1])
    assert events == [Opened("ocpp1.6")]
    c = client()
    answer = agree(c.start()) + from_server(1, b"[1]") + from_server(9, b"hi") + from_server(1, b"[2]")[:3]
    assert c.receive(answer) == [Opened("ocpp1.6"), Text(b"[1]"), Pinged()]
    assert c.pending()[0] == 0x8A
    assert c.receive(from_server(1, b"[2]")[3:]) == [Text(b"[2]")]


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, "Unauthorized"),
        (b"HTTP/1.1 404 Not Found\r\nConnection: keep-alive\r\n\r\n", 404, "Not Found"),  # a body without an end
        (b"HTTP/1.0 503 Busy\r\nRetry-After: 7\r\n\r\n", 503, "Busy"),
        (b"HTTP/1.1 500 \r\nContent-Length: 1000000\r\n\r\nabc", 500, ""),
        (b"HTTP/1.1 200 OK\r\n\r\n", 200, "OK"),
        (b"HTTP/1.1 999 Odd\r\n\r\n", 0, "not valid HTTP"),
        (b"HTTP/1.1\r\n\r\n", 0, "not valid HTTP"),
        (b"HTTP/1.1 400 Bad\r\nbroken header\r\n\r\n", 0, "not valid HTTP"),
        (b"SSH-2.0-OpenSSH_9\r\n", 0, "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", 0, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * MAX_HEAD, 0, "no end of the HTTP head"),
        (b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n", 101, "Connection"),
        (b"HTTP/1.0 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 101, "HTTP/1.1"),
        (
            b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: eA==\r\n\r\n",
            101,
            "Sec-WebSocket-Accept",
        ),
    ],
)
def test_a_refused_handshake_says_why(answer: bytes, status: int, reason: str) -> None:
    c = client()
    c.start()
    (event,) = c.receive(answer)
    assert isinstance(event, Refused)
    assert event.status == status
    assert reason in event.reason
    if b"Retry-After" in answer:
        assert dict(event.headers)["Retry-After"] == "7"
    assert c.receive(b"more") == []
    assert c.receive_eof() == []
    assert not c.is_open


def test_an_extension_nobody_offered_is_refused() -> None:
    c = client()
    (event,) = c.receive(agree(c.start(), b"Sec-WebSocket-Extensions: permessage-deflate\r\n"))
    assert isinstance(event, Refused)
    assert event.status == 101
    assert "extension" in event.reason


def test_the_stream_ends_before_the_answer() -> None:
    c = client()
    c.start()
    assert c.receive(b"HTTP/1.1 101") == []
    assert c.receive_eof() == [Closed(1006, "")]
    assert c.receive_eof() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"subprotocols": ("not a token",)},
        {"headers": (("Bad name", "x"),)},
        {"headers": (("X-A", "line\r\nX-B: break"),)},
        {"headers": (("X-A", "caf\u00e9"),)},
        {"user_agent": "two\nlines"},
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_is_sent(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"cannot be|does not allow"):
        client(**changes)


@pytest.mark.parametrize("url", ["http://h/", "ws://", "ws://h:99999/", "ws://h/#part", "no url"])
def test_an_unusable_url_is_named(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        parse_url(url)


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="credentials") as caught:
        parse_url("ws://user:hunter2@host/")
    assert "hunter2" not in str(caught.value)


def test_nothing_is_logged_even_when_everybody_else_logs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        c = client(headers=(("Authorization", "Basic c2VjcmV0"),))
        c.receive(agree(c.start()))
        c.receive(from_server(9))
        c.receive(from_server(8))
    assert caplog.records == []


# -- frames -----------------------------------------------------------------------------------------------------------

messages = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.binary(max_size=300)),
        st.tuples(st.just("text"), st.sampled_from([125, 126, 127, 65535, 65536]).map(bytes)),
        st.tuples(st.just("binary"), st.binary(max_size=20)),
        st.tuples(st.just("ping"), st.binary(max_size=20)),
        st.tuples(st.just("pong"), st.binary(max_size=20)),
        st.tuples(st.just("parts"), st.binary(max_size=40)),
        st.tuples(st.just("binary parts"), st.binary(max_size=40)),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(messages, st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_how_the_stream_is_cut_makes_no_difference(wanted: list[tuple[str, bytes]], cuts: list[int]) -> None:
    """Every cut of the same bytes gives the same events and pongs and leaves nothing of the library behind."""
    stream, pongs = b"", []
    expected: list[Event] = []
    for kind, payload in wanted:
        if kind == "ping":
            stream += from_server(9, payload)
            pongs.append(payload)
            expected.append(Pinged())
        elif kind == "pong":
            stream += from_server(10, payload)
            expected.append(Pong())
        else:
            opcode = 1 if kind in ("text", "parts") else 2
            if "parts" in kind:
                expected.append(Pinged())
                half = len(payload) // 2
                stream += from_server(opcode, payload[:half], fin=False) + from_server(9, b"between")
                stream += from_server(0, b"", fin=False) + from_server(0, payload[half:])
                pongs.append(b"between")
            else:
                stream += from_server(opcode, payload)
            expected.append(Text(payload) if opcode == 1 else Binary(payload))
    c = opened()
    events: list[Event] = []
    out, pos, turn = b"", 0, 0
    while pos < len(stream):
        # Long runs of zeros in big steps: the headers are what matters.
        step = cuts[turn % len(cuts)] if len(stream) < 5000 else cuts[turn % len(cuts)] * 97
        events += c.receive(stream[pos : pos + step])
        out += c.pending()
        pos, turn = pos + step, turn + 1
    assert events == expected
    server = ServerProtocol()
    server.state = websocket.State.OPEN
    server.parser = websocket.Protocol.parse(server)
    next(server.parser)
    server.receive_data(out)
    assert [bytes(frame.data) for frame in server.events_received()] == pongs  # type: ignore[union-attr]
    assert c._protocol is None and c._idle


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8))
def test_garbage_never_raises_and_ends_at_most_once(chunks: list[bytes]) -> None:
    c = opened(max_size=1000)
    events: list[Event] = []
    for chunk in chunks:
        events += c.receive(chunk)
        c.pending()
    events += c.receive_eof()
    assert sum(isinstance(event, Closed) for event in events) == 1
    assert isinstance(events[-1], Closed)


@pytest.mark.parametrize("inner", [b"short", bytes(300)])
def test_a_payload_that_looks_like_a_frame_is_not_taken_for_one(inner: bytes) -> None:
    c = opened()
    decoy = from_server(1, inner)
    whole = from_server(1, b"begin" + decoy)
    assert c.receive(whole[: -len(decoy)]) == []
    assert c.receive(decoy) == [Text(b"begin" + decoy)]


def test_text_is_not_checked_to_be_utf8() -> None:
    c = opened()
    assert c.receive(from_server(1, b'[3,"1",{"a":"\xff\xfe"}]')) == [Text(b'[3,"1",{"a":"\xff\xfe"}]')]
    assert c.receive(from_server(1, b"\xc3", fin=False) + from_server(0, b"\x28")) == [Text(b"\xc3\x28")]
    assert c.is_open


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (build_frame(1, b"masked"), 1002),
        (from_server(1, b"x", rsv=4), 1002),
        (from_server(3, b"x"), 1002),
        (from_server(11), 1002),
        (from_server(0, b"x"), 1002),
        (from_server(1, b"x", fin=False) + from_server(1, b"y"), 1002),
        (from_server(9, b"x" * 126), 1002),
        (from_server(9, b"x", fin=False), 1002),
        (from_server(8, b"\x03"), 1002),
        (from_server(8, struct.pack("!H", 1005)), 1002),
        (from_server(8, struct.pack("!H", 1000) + b"\xff"), 1007),
        (from_server(1, b"x", fin=False) + from_server(8), 1002),
        (from_server(1, bytes(1001)), 1009),
        (b"\x81\x7f" + b"\x7f" * 8, 1009),
        (from_server(1, bytes(600), fin=False) + from_server(0, bytes(401)), 1009),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, bytes) else None,  # a mask is random, a name must not be
)
def test_each_broken_rule_has_its_close_code(frames: bytes, code: int) -> None:
    c = opened(max_size=1000)
    *before, last = c.receive(from_server(1, b"fine") + frames + from_server(1, b"late"))
    assert before == [Text(b"fine")]
    assert isinstance(last, Closed)
    assert last.by_us
    assert last.code == code
    assert last.reason
    assert close_code(c.pending()) == code
    assert c.receive(from_server(1, b"later")) == []
    assert not c.is_open


def test_a_frame_of_the_largest_size_is_taken_and_memory_is_bounded() -> None:
    c = opened(max_size=1000)
    assert c.receive(from_server(1, bytes(1000))) == [Text(bytes(1000))]
    assert c.receive(from_server(1, bytes(500), fin=False) + from_server(0, bytes(500))) == [Text(bytes(1000))]
    (event,) = opened(max_size=1000).receive(from_server(1, bytes(1001)))
    assert isinstance(event, Closed) and event.code == 1009
    big = from_server(1, bytes(1000))
    for i in range(len(big) - 1):
        assert c.receive(big[i : i + 1]) == []
        assert len(c._buffer) <= 1014
    assert c.receive(big[-1:]) == [Text(bytes(1000))]


@pytest.mark.parametrize(("payload", "code", "reason"), [(b"", 1005, ""), (b"\x03\xe9away", 1001, "away")])
def test_the_servers_close_is_reported_and_echoed(payload: bytes, code: int, reason: str) -> None:
    c = opened()
    assert c.receive(from_server(8, payload) + from_server(1, b"late")) == [Closed(code, reason)]
    echo = c.pending()
    assert echo[0] == 0x88
    assert len(echo) == 6 + len(payload)
    assert c.pending() == b""
    assert c.receive(from_server(1, b"later")) == []
    assert c.receive_eof() == []


def test_our_close_waits_for_the_servers_and_takes_messages_until_then() -> None:
    c = opened()
    assert close_code(c.close(4001, "done")) == 4001
    assert not c.is_open
    assert c.receive(from_server(1, b"last words")) == [Text(b"last words")]
    assert c.receive(from_server(8, b"\x0f\xa1")) == [Closed(4001, "")]
    c = opened()
    c.close()
    assert c.receive_eof() == [Closed(1006, "")]


def test_an_end_without_a_close_frame() -> None:
    c = opened()
    c.receive(from_server(1, b"half a message", fin=False))
    assert c.receive_eof() == [Closed(1006, "")]


def test_only_an_open_connection_sends() -> None:
    fresh, closing = client(), opened()
    closing.close()
    for c in (fresh, closing):
        for act in (lambda c: c.send_text(b"x"), lambda c: c.send_raw(b"x"), lambda c: c.ping(), lambda c: c.close()):
            with pytest.raises(LocalProtocolError, match="not open"):
                act(c)
    with pytest.raises(LocalProtocolError, match="1006"):
        opened().close(1006)


def test_raw_frames_can_break_every_rule() -> None:
    c = opened()
    assert c.send_raw(b"hi", masked=False) == b"\x81\x02hi"
    assert c.send_raw(b"", opcode=15, fin=False, rsv=7, masked=False) == b"\x7f\x00"
    assert c.send_raw(b"\xff", opcode=1)[:2] == b"\x81\x81"


def test_masks_are_not_reused() -> None:
    c = opened()
    masks = {c.send_text(b"x")[2:6] for _ in range(3000)}
    assert len(masks) > 2990


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_process_has_masks_of_its_own() -> None:
    c = opened()
    c.send_text(b"x")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, c.send_text(b"x")[2:6])
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 4)
    os.close(reading)
    os.close(writing)
    assert theirs != c.send_text(b"x")[2:6]


def test_an_open_quiet_connection_is_small() -> None:
    c = opened()
    c.receive(from_server(9))
    c.pending()
    c.receive(from_server(1, b"x"))
    held = [c, *(getattr(c, name) for name in c.__slots__)]
    assert sum(sys.getsizeof(thing) for thing in held if thing is not None) < 450
