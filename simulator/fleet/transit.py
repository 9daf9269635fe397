"""What holds up the messages of one station on real sockets: delay, bandwidth, pauses, and a socket that is not read.

The live driver keeps what is held up in its one heap of deadlines, so no station needs a task. What is asked here is
answered by the station's board; the order of messages in one direction never changes. Pings and Close frames are not
held up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.fleet.connection import Connection
    from simulator.hardware.board import Board


class Transit:
    """One station's line in both directions; ``*_us`` is station time at which the last message is through."""

    __slots__ = ("in_us", "out_us", "paused")

    def __init__(self) -> None:
        self.in_us = self.out_us = 0
        #: the connection that is not read at the moment
        self.paused: Connection | None = None

    def through_us(self, board: Board, size: int, now: int, speed: float, *, inbound: bool) -> int:
        """When a message of ``size`` bytes that sets out ``now`` is through; ``speed`` of the station's time.

        A line with a bandwidth is busy with one message at a time; a delay is only added to each.
        """
        modem, network = board.modem, board.network
        delay_us, transfer_us = 0, 0
        if network.faults:
            delay_us = network.hold_us()
        if modem.faults:
            delay_us += modem.added_rtt_ms() * 1_000 // 2
            kb_s = modem.bandwidth_kb_s()
            transfer_us = 0 if kb_s is None else int(size * 1_000 / kb_s)
        transfer_us = int(transfer_us * speed)
        before = self.in_us if inbound else self.out_us
        at = max(max(before, now) + transfer_us, now + transfer_us + int(delay_us * speed))
        if inbound:
            self.in_us = at
        else:
            self.out_us = at
        return at

    def read(self, conn: Connection | None, reads_at: int, now: int) -> None:
        """Stop reading the connection, or go on, as the network has it at the moment."""
        paused = conn if reads_at > now else None
        if paused is self.paused:
            return
        if self.paused is not None:
            self.paused.read(True)
        if paused is not None:
            paused.read(False)
        self.paused = paused

    def over(self, now: int) -> bool:
        """Is nothing held up any more?"""
        return self.paused is None and self.in_us <= now and self.out_us <= now


def send_odd(conn: Connection, data: bytes, *, binary: bool = False, pieces: int = 1) -> bool:
    """One message as binary data, or in several WebSocket frames (RFC 6455 section 5.4); else as ``send``."""
    size = -(-len(data) // pieces) or 1
    opcode, at = 2 if binary else 1, 0
    while True:
        sent = conn.send_raw(data[at : at + size], opcode=opcode, fin=at + size >= len(data))
        opcode, at = 0, at + size
        if not sent or at >= len(data):
            return sent
