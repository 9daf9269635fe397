"""What must be different when a captured station speaks again: ids, times, tokens.

Message ids are new. Transaction ids are those that the CSMS assigns now (1.6) or new ones of our own (2.x, where the
station names them). Times all move by the same amount, so that their differences stay; a time before :data:`BELIEVED`
is that of a clock that was never set, and stays as wrong as it was. Ids of requests become those of the CSMS's own
requests. Everything else is said word for word, mistakes included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from simulator.core.wall import format_wall, parse_wall
from simulator.replay.capture import NO_TRANSACTION

#: no clock that has been set shows an earlier time (us since 1970: the year 2000)
BELIEVED_US = 946_684_800_000_000
#: fields whose content is the vendor's, where what looks like a time may be none
_OPAQUE = frozenset({"data", "customData"})
_REMOTE_START = "remoteStartId"


class Exchange:
    """Old for new. ``shift_us`` is added to every time; ``tokens`` are exchanged one for one; ``nonce`` makes the ids
    of this run its own."""

    def __init__(
        self,
        shift_us: int,
        *,
        tokens: Mapping[str, str] | None = None,
        seq_shift: Mapping[str, int] | None = None,
        nonce: str = "",
    ) -> None:
        self.shift_us, self.tokens, self.nonce = shift_us, dict(tokens or {}), nonce
        self._seq_shift = dict(seq_shift or {})
        self.transactions: dict[Any, Any] = {}
        """Of the trace -> of this run."""
        self.requests: dict[tuple[str, Any], Any] = {}
        """(field, id in the trace) -> the id of the CSMS's own request."""

    def payload(self, payload: Any) -> Any:
        """A message of the station as it is to be said now."""
        moved = self._walk(payload, "")
        if isinstance(moved, dict) and isinstance(payload, dict) and isinstance(payload.get("transactionInfo"), dict):
            added = self._seq_shift.get(str(payload["transactionInfo"].get("transactionId")))
            if added is not None and isinstance(payload.get("seqNo"), int):
                moved["seqNo"] = payload["seqNo"] + added
        return moved

    def order(self, payload: Any) -> Any:
        """A call of the first CSMS as this one is to send it; it names its remote starts itself."""
        kept = self.payload(payload)
        if isinstance(kept, dict) and isinstance(payload, dict) and _REMOTE_START in payload:
            kept[_REMOTE_START] = payload[_REMOTE_START]
        return kept

    def named(self, key: Any) -> Any:
        """The id of a transaction whose station names it, new for this run (2.x, at most 36 characters)."""
        if key not in self.transactions:
            text = hashlib.sha256(f"{self.nonce}/{key}".encode()).hexdigest()
            self.transactions[key] = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))
        return self.transactions[key]

    def _walk(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            kept = {key: item for key, item in value.items() if not self._is_stranger(key, item)}
            return {key: self._walk(item, key) if key not in _OPAQUE else item for key, item in kept.items()}
        if isinstance(value, list):
            return [self._walk(item, name) for item in value]
        if isinstance(value, bool):
            return value
        if name == "transactionId":
            if isinstance(value, str) and value:
                return self.named(value)
            return value if value in NO_TRANSACTION else self.transactions.get(value, value)
        if (name, value) in self.requests:
            return self.requests[name, value]
        if isinstance(value, str):
            if name in ("idTag", "idToken"):
                return self.tokens.get(value, value)
            return moved(value, self.shift_us)
        return value

    def _is_stranger(self, name: str, value: Any) -> bool:
        """A remote start that this CSMS never asked for is not named to it."""
        return name == _REMOTE_START and (name, value) not in self.requests


def moved(text: str, shift_us: int) -> str:
    """A time moved, written as it was: its digits after the point, and its zone or the lack of one; any other text as
    it is."""
    if len(text) < 19 or not text[0].isdigit():
        return text
    at_us = parse_wall(text)
    if at_us is None or at_us < BELIEVED_US:
        return text
    stripped = text.strip()
    zone, tail_at = _zone(stripped)
    point, digits = (stripped[19], tail_at - 20) if tail_at > 20 else ("", 0)
    # the zone is kept, so the clock in it shows the moved moment
    new = format_wall(at_us + shift_us + _offset_us(zone))
    fraction = f"{(at_us + shift_us) % 1_000_000:06d}".ljust(digits, "0")[:digits]
    return f"{new[:10]}{stripped[10]}{new[11:19]}{point}{fraction}{zone}"


def _zone(text: str) -> tuple[str, int]:
    """The zone a time ends with, and where it begins."""
    if text[-1] in "Zz":
        return text[-1], len(text) - 1
    for place in range(19, len(text)):
        if text[place] in "+-":
            return text[place:], place
    return "", len(text)


def _offset_us(zone: str) -> int:
    if not zone or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60
    return (-seconds if zone[0] == "-" else seconds) * 1_000_000
