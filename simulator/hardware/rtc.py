"""The real-time clock: what the station believes the time to be.

``now`` drives everything; the clock only labels. It is a straight line from ``now`` to microseconds since 1970, moved
by ``set``, tilted by drift (parts per billion, integers only) and lost in a power cut unless a battery keeps it.
``synced`` means that somebody has set it since it was last lost; ``trusted`` is what a sensible firmware would go by.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from simulator.core.model import RtcSpec
from simulator.core.rng import draw
from simulator.hardware.fault import Fault, Part, Pulse, fault

_DAY_US = 86_400_000_000
#: A clock that shows less than this (2020-01-01) has never been set: no product of this kind is older.
PLAUSIBLE_WALL_US = 18_262 * _DAY_US


def year_us(year: int) -> int:
    """Microseconds from 1970 to the first moment of ``year`` (Gregorian, at least 1970)."""
    before = year - 1
    days = 365 * (year - 1970) + (before // 4 - before // 100 + before // 400) - 477
    return days * _DAY_US


class RtcFault(Fault):
    """Base of faults of the clock; each hook passes a value on."""

    component = "RealTimeClock"

    def rate_ppb(self, ppb: int) -> int:
        """How much too fast it runs."""
        return ppb

    def wall(self, wall_us: int) -> int:
        """What it shows."""
        return wall_us

    def may_set(self) -> bool:
        """Can it be set?"""
        return True

    def keeps(self, kept: bool) -> bool:
        """Does the time survive a power cut?"""
        return kept

    def unset(self, wall_us: int) -> int:
        """What it shows once the time is lost."""
        return wall_us


class Rtc(Part[RtcFault], gc=False, eq=False):
    """The clock. ``synced``: set since it was last lost."""

    spec: RtcSpec = RtcSpec()
    own_ppb: int = 0
    ppb: int = 0
    base_us: int = 0
    since: int = 0
    synced: bool = False
    lost: bool = False
    off: bool = False

    @classmethod
    def build(cls, spec: RtcSpec, pulse: Pulse, seed: int, epoch_us: int, now: int) -> Rtc:
        """A clock that shows ``epoch_us`` if it has a battery, else its unset time; its drift is drawn."""
        limit = int(spec.drift_ppm * 1000)
        ppb = (draw(seed, "rtc.drift", 0) * (2 * limit + 1) >> 64) - limit
        base = epoch_us if spec.battery else spec.unset_wall_us
        return cls(pulse, spec=spec, own_ppb=ppb, ppb=ppb, base_us=base, since=now, lost=not spec.battery)

    def wall(self, now: int) -> int:
        """Microseconds since 1970 as the station believes."""
        wall_us = self._line(now)
        for one in self.faults:
            wall_us = one.wall(wall_us)
        return wall_us

    def set(self, wall_us: int, now: int) -> bool:
        """Set it; False when a fault forbids that, and then nothing changes."""
        for one in self.faults:
            if not one.may_set():
                return False
        self.base_us, self.since = wall_us, now
        self.synced, self.lost = True, False
        return True

    def shift(self, delta_us: int, now: int) -> None:
        """Jump by ``delta_us``."""
        self.base_us, self.since = self._line(now) + delta_us, now

    def trusted(self, now: int) -> bool:
        """Would a sensible firmware stamp transactions by it? Set since it was lost, or kept and plausible."""
        return self.synced or (not self.lost and self.wall(now) >= PLAUSIBLE_WALL_US)

    def power_cut(self, now: int) -> None:
        """The station's power fails."""
        kept, unset = self.spec.battery, self.spec.unset_wall_us
        for one in self.faults:
            kept, unset = one.keeps(kept), one.unset(unset)
        self.off = True
        if not kept:
            self.base_us, self.since = unset, now
            self.synced, self.lost = False, True

    def power_up(self, now: int) -> None:
        """Power is back: a clock that lost the time starts at its unset time now."""
        if self.off and self.lost:
            self.since = now
        self.off = False

    def refresh(self, now: int) -> None:
        """Go on at the rate the chain gives, from where the line stands. It is left alone while the rate is the same:
        each new beginning rounds down, and a slow clock that begins anew every microsecond stands still."""
        ppb = self.own_ppb
        for one in self.faults:
            ppb = one.rate_ppb(ppb)
        if ppb != self.ppb:
            self.base_us, self.since, self.ppb = self._line(now), now, ppb

    def _line(self, now: int) -> int:
        elapsed = now - self.since
        return self.base_us + elapsed + elapsed * self.ppb // 1_000_000_000


@fault("rtc.drift")
class Drift(RtcFault):
    """The clock runs too fast or, with a negative value, too slow, on top of its own drift."""

    wire16 = "timestamps drift away from the CSMS's time between two Heartbeat answers"
    wire2x = "timestamps drift away from the CSMS's time between two Heartbeat answers"

    ppm: Annotated[float, Meta(ge=-500_000.0, le=500_000.0, description="microseconds too many per second")] = 200.0

    def rate_ppb(self, ppb: int) -> int:
        """Own drift plus this."""
        return ppb + int(self.ppm * 1000)


@fault("rtc.step")
class Step(RtcFault):
    """The clock jumps once; only setting it repairs that."""

    wire16 = "timestamps jump, also within a transaction, until the next answer that carries the time"
    wire2x = "timestamps jump, also within a transaction, until the next answer that carries the time"

    step_s: Annotated[int, Meta(ge=-315_360_000, le=315_360_000, description="how far, backwards if negative")] = 3600

    def begin(self, part: Any, now: int) -> None:
        """Jump."""
        part.shift(self.step_s * 1_000_000, now)


@fault("rtc.battery_dead")
class BatteryDead(RtcFault):
    """The time does not survive a power cut; the clock then starts in a year long ago."""

    wire16 = "after a power cut messages carry a time of that year until BootNotification is answered"
    wire2x = "after a power cut messages carry a time of that year until BootNotification is answered"

    year: Annotated[int, Meta(ge=1970, le=2100, description="the year in which the clock starts again")] = 1970

    def keeps(self, kept: bool) -> bool:
        """Never."""
        return False

    def unset(self, wall_us: int) -> int:
        """New year of ``year``."""
        return year_us(self.year)


@fault("rtc.never_syncs")
class NeverSyncs(RtcFault):
    """The time the CSMS gives is not taken over."""

    wire16 = "timestamps keep their error although BootNotification and Heartbeat are answered"
    wire2x = "timestamps keep their error although BootNotification and Heartbeat are answered"

    def may_set(self) -> bool:
        """Never."""
        return False


@fault("rtc.local_time")
class LocalTime(RtcFault):
    """The clock shows local time, which is then labelled as UTC."""

    wire16 = "timestamps are off by a whole offset yet end in Z"
    wire2x = "timestamps are off by a whole offset yet end in Z"

    offset_min: Annotated[int, Meta(ge=-840, le=840, description="local time minus UTC")] = 120

    def wall(self, wall_us: int) -> int:
        """UTC plus the offset."""
        return wall_us + self.offset_min * 60_000_000
