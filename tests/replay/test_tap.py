"""What a tap hears, however the bytes are cut."""

import pytest
from websockets.frames import Frame, Opcode

from simulator.replay.tap import (
    CLOSE,
    MESSAGE_MAX,
    PING,
    TEXT,
    Tap,
    close_code,
    close_frame,
    unmask,
)

FRAMES = [
    Frame(Opcode.TEXT, b"[2,", fin=False),
    Frame(Opcode.PING, b"are you there"),
    Frame(Opcode.CONT, b'"1","Heartbeat",{}]'),
    Frame(Opcode.TEXT, b""),
    Frame(Opcode.TEXT, b"x" * 300),
    Frame(Opcode.TEXT, b"y" * 70_000),
    Frame(Opcode.CLOSE, b"\x03\xe8bye"),
]
HEARD = [
    (PING, b"are you there"),
    (TEXT, b'[2,"1","Heartbeat",{}]'),
    (TEXT, b""),
    (TEXT, b"x" * 300),
    (TEXT, b"y" * 70_000),
    (CLOSE, b"\x03\xe8bye"),
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [1, 3, 4096, 1 << 20])
def test_messages_are_heard_whole_in_pieces_of_any_size(masked: bool, size: int) -> None:
    heard: list[tuple[int, bytes]] = []
    tap = Tap(lambda kind, data: heard.append((kind, data)))
    wire = b"".join(frame.serialize(mask=masked) for frame in FRAMES)
    for place in range(0, len(wire), size):
        tap.feed(wire[place : place + size])
    assert heard == HEARD
    assert tap.over and not tap.between and not tap.lost


def test_a_tap_knows_whether_a_frame_is_under_way() -> None:
    tap = Tap(lambda kind, data: None)
    wire = FRAMES[4].serialize(mask=True)
    tap.feed(wire[:1])
    assert not tap.between
    tap.feed(wire[1:20])
    assert not tap.between
    tap.feed(wire[20:])
    assert tap.between


def test_a_message_that_is_too_long_is_told_cut() -> None:
    heard: list[bytes] = []
    tap = Tap(lambda kind, data: heard.append(data))
    tap.feed(Frame(Opcode.TEXT, b"z" * (MESSAGE_MAX + 5)).serialize(mask=False))
    tap.feed(Frame(Opcode.TEXT, b"next").serialize(mask=False))
    assert [len(data) for data in heard] == [MESSAGE_MAX, 4]


@pytest.mark.parametrize(("first", "why"), [(0x83, "opcode 3"), (0xC1, "an extension that was not agreed on")])
def test_what_is_no_frame_ends_the_listening(first: int, why: str) -> None:
    tap = Tap(lambda kind, data: pytest.fail("heard"))
    tap.feed(bytes([first, 1, 65]))
    tap.feed(FRAMES[3].serialize(mask=False))
    assert tap.lost == why and not tap.between


@pytest.mark.parametrize("masked", [False, True])
def test_a_close_of_our_own_is_a_close(masked: bool) -> None:
    heard: list[tuple[int, int]] = []
    Tap(lambda kind, data: heard.append((kind, close_code(data)))).feed(close_frame(1001, masked=masked))
    assert heard == [(CLOSE, 1001)]
    assert close_code(b"") == 1005


def test_a_mask_taken_off_is_put_on() -> None:
    assert unmask(unmask(b"abcdefg", b"1234"), b"1234") == b"abcdefg"
    assert unmask(b"", b"1234") == b""
