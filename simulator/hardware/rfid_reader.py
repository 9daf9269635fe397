"""The token reader: one presented card becomes the tokens the firmware is told of.

Usually exactly one. A dead reader gives none, a bouncing one two, and one that sends the bytes of the card's number in
the other order gives a token nobody knows.
"""

from __future__ import annotations

from simulator.hardware.fault import Fault, Part, fault

_HEX = frozenset("0123456789abcdefABCDEF")


class ReaderFault(Fault):
    """Base of faults of the reader."""

    component = "TokenReader"

    def read(self, id_token: str) -> tuple[str, ...]:
        """What one token becomes."""
        return (id_token,)


class Reader(Part[ReaderFault], gc=False, eq=False):
    """The station's reader."""

    def read(self, id_token: str, now: int) -> tuple[str, ...]:
        """What the firmware is told when ``id_token`` is held to the reader, in order."""
        tokens: tuple[str, ...] = (id_token,)
        for one in self.faults:
            tokens = tuple(seen for token in tokens for seen in one.read(token))
        return tokens


@fault("reader.dead")
class Dead(ReaderFault):
    """No token is read; remote starts still work."""

    code, info = "reader_failure", "token reader does not answer"
    wire16 = "StatusNotification with ReaderFailure; no Authorize for presented tokens"
    wire2x = "NotifyEvent for TokenReader; no Authorize for presented tokens"

    def read(self, id_token: str) -> tuple[str, ...]:
        """Nothing."""
        return ()


@fault("reader.double_read")
class DoubleRead(ReaderFault):
    """A token is read twice at once, so that a session may be stopped by the very touch that started it."""

    wire16 = "two Authorize for one touch, or a transaction that ends right after its start"
    wire2x = "two Authorize for one touch, or a transaction that ends right after its start"

    def read(self, id_token: str) -> tuple[str, ...]:
        """Twice."""
        return (id_token, id_token)


@fault("reader.byte_order")
class ByteOrder(ReaderFault):
    """The bytes of the card's number come in the other order; tokens that are not pairs of hex digits stay."""

    wire16 = "Authorize with the reversed idTag, refused by a CSMS that knows the card"
    wire2x = "Authorize with the reversed idToken, refused by a CSMS that knows the card"

    def read(self, id_token: str) -> tuple[str, ...]:
        """Last pair first."""
        if len(id_token) % 2 or not _HEX.issuperset(id_token):
            return (id_token,)
        return ("".join(id_token[i : i + 2] for i in range(len(id_token) - 2, -1, -2)),)
