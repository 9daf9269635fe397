"""How a slowly moving quantity goes on from a moment, in closed form, and when it will pass a level.

Between two events of a station a temperature, a register or a state of charge follows one formula: a straight line plus
something that decays. So nobody has to look every second: the moment at which it will have passed a level is worked out
once, and one timer is set for it. The formula has at most one turn, so it is cut there and each piece is halved until
the microsecond is found.
"""

from __future__ import annotations

import math

import msgspec

#: nobody sets a timer for what comes later than this
HORIZON_US = 400 * 86_400 * 1_000_000


class Course(msgspec.Struct, frozen=True, gc=False):
    """``base + slope_s * t + decay * exp(-t / tau_s)``, where t are the seconds since ``since`` (microseconds)."""

    since: int
    base: float
    slope_s: float = 0.0
    decay: float = 0.0
    tau_s: float = 1.0

    def at(self, now: int) -> float:
        """The value at ``now``, which is not before ``since``."""
        t = (now - self.since) / 1e6
        value = self.base + self.slope_s * t
        return value + self.decay * math.exp(-t / self.tau_s) if self.decay else value

    def passes(self, level: float, now: int, *, rising: bool) -> int | None:
        """The first microsecond from ``now`` on at which the value has reached ``level`` from below (``rising``) or
        from above; ``now`` when it is there already, None when that does not come within the horizon."""
        sign = 1.0 if rising else -1.0

        def reached(at: int) -> bool:
            return sign * (self.at(at) - level) >= 0.0

        if reached(now):
            return now
        low = now
        for high in self._pieces(now):
            if reached(high):
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (low, middle) if reached(middle) else (middle, high)
                return high
            low = high
        return None

    def _pieces(self, now: int) -> tuple[int, ...]:
        """Ends of the stretches after ``now`` on which the value only rises or only falls."""
        end = now + HORIZON_US
        pull = self.decay / (self.tau_s * self.slope_s) if self.slope_s else 0.0
        if pull <= 0.0:
            return (end,)
        turn = self.since + round(self.tau_s * math.log(pull) * 1e6)
        return (turn, end) if now < turn < end else (end,)
