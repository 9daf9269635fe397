"""Listening to one direction of a WebSocket connection whose bytes pass by untouched.

Only the frame layer is read (RFC 6455, 5.2): lengths, masks, fragments. What a tap cannot make sense of it stops
listening to, and says so; the bytes go on all the same. A message longer than MESSAGE_MAX is told cut.
"""

from __future__ import annotations

from collections.abc import Callable

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_HEAD_MAX = 14
MESSAGE_MAX = 1 << 20
"""Bytes of a message that are kept."""

Told = Callable[[int, bytes], None]


class Tap:
    """Feed it the bytes of one direction; ``told(opcode, payload)`` hears whole messages and control frames."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._head = bytearray()
        self._key = b""
        self._left = 0
        self._opcode, self._fin = 0, True
        self._control = bytearray()
        self._message = bytearray()
        self._kind = 0
        self.lost = ""
        """Why it does not listen any more; "" while it does."""
        self.over = False
        """A Close has passed, or its owner says that nothing more will."""

    @property
    def between(self) -> bool:
        """Nothing of a frame has passed whose rest has not: a Close may be put in here."""
        return not self._head and not self._left and not self.lost and not self.over

    def feed(self, data: bytes) -> None:
        """The next bytes, in pieces of any size."""
        place = 0
        while place < len(data) and not self.lost:
            if self._left:
                piece = data[place : place + self._left]
                place += len(piece)
                self._piece(piece)
            else:
                self._head.append(data[place])
                place += 1
                self._try_head()

    def _try_head(self) -> None:
        head = self._head
        if len(head) < 2:
            return
        short = head[1] & 0x7F
        extra = 2 if short == 126 else 8 if short == 127 else 0
        masked = bool(head[1] & 0x80)
        size = 2 + extra + (4 if masked else 0)
        if len(head) < size:
            return
        assert size <= _HEAD_MAX
        self._opcode, self._fin = head[0] & 0x0F, bool(head[0] & 0x80)
        if self._opcode not in _OPCODES:
            self.lost = f"opcode {self._opcode}"
            return
        if head[0] & 0x70:
            self.lost = "an extension that was not agreed on"
            return
        self._left = int.from_bytes(head[2 : 2 + extra], "big") if extra else short
        self._key = bytes(head[size - 4 : size]) if masked else b""
        self._head.clear()
        if self._opcode in (TEXT, BINARY):
            self._kind, self._message = self._opcode, bytearray()
        self._control.clear()
        if not self._left:
            self._end()

    def _piece(self, piece: bytes) -> None:
        """Some more of the payload of the present frame."""
        self._left -= len(piece)
        if self._key:
            piece = unmask(piece, self._key)
            turn = len(piece) % 4
            self._key = self._key[turn:] + self._key[:turn]
        buffer = self._control if self._opcode >= CLOSE else self._message
        buffer += piece[: max(0, MESSAGE_MAX - len(buffer))]
        if not self._left:
            self._end()

    def _end(self) -> None:
        if self._opcode >= CLOSE:
            self.over = self.over or self._opcode == CLOSE
            self._told(self._opcode, bytes(self._control))
        elif self._fin:
            self._told(self._kind, bytes(self._message))
            self._message = bytearray()


def unmask(data: bytes, key: bytes) -> bytes:
    """``data`` with a mask of four bytes taken off (or put on)."""
    size = len(data)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def close_frame(code: int, *, masked: bool) -> bytes:
    """A Close frame of our own. The mask of a client may be any, and here hides nothing."""
    payload = code.to_bytes(2, "big")
    return bytes([0x80 | CLOSE, 0x82, 0, 0, 0, 0]) + payload if masked else bytes([0x80 | CLOSE, 2]) + payload


def close_code(payload: bytes) -> int:
    """The code of a Close frame; 1005 when it has none."""
    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
