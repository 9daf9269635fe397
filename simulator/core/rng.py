"""Named random streams.

Every draw is a pure function of (station seed, stream name, counter): a splitmix64 finaliser over their mix. Adding a
draw to one stream cannot shift another, a station costs one integer instead of a 2.8 KiB ``random.Random``, and the
counters of the streams in use are the only state.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _MASK
    return value ^ (value >> 31)


def _hash_name(name: str) -> int:
    # FNV-1a: Python's own hash() of a string differs from one process to the next.
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 & _MASK
    return value


_STREAMS: dict[str, int] = {}


def stream_id(name: str) -> int:
    """The number of a stream; the table holds one entry per name in the code, so it is bounded."""
    found = _STREAMS.get(name)
    if found is None:
        found = _STREAMS[name] = _hash_name(name)
    return found


def seed_of(*parts: int | str) -> int:
    """Derive a seed: a run seed and a station id give the station's seed."""
    value = 0
    for part in parts:
        value = _mix((value + _GOLDEN + (part if isinstance(part, int) else _hash_name(part))) & _MASK)
    return value


def draw(seed: int, stream: str, counter: int) -> int:
    """A 64-bit integer."""
    return _mix((_mix((seed ^ stream_id(stream)) & _MASK) + (counter + 1) * _GOLDEN) & _MASK)


class Rng:
    """The streams of one station. ``counters`` belongs to the world and survives reboots."""

    __slots__ = ("counters", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counters: dict[str, int] = {}

    def next(self, stream: str) -> int:
        """The next 64-bit draw of ``stream``."""
        counter = self.counters.get(stream, 0)
        self.counters[stream] = counter + 1
        return draw(self.seed, stream, counter)

    def below(self, stream: str, bound: int) -> int:
        """An integer in [0, bound)."""
        assert bound > 0
        return self.next(stream) * bound >> 64

    def between(self, stream: str, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + self.below(stream, high - low + 1)

    def chance(self, stream: str, probability: float) -> bool:
        """True with ``probability`` (0..1); always one draw, so that a changed probability shifts nothing."""
        return self.next(stream) < int(probability * (1 << 64))

    def unit(self, stream: str) -> float:
        """A float in [0, 1)."""
        return (self.next(stream) >> 11) * (1.0 / (1 << 53))
