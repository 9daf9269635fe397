"""Faults that announce themselves over days: each hour the part is a little worse than before.

Nobody notices the first day; whoever looks at the curve knows the end before it comes. (Contacts that wear are in
``thermal.py``, where heat makes them a matter of a formula.)
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from simulator.hardware.fault import Fault, fault
from simulator.hardware.flash import FlashFault
from simulator.hardware.meter import Meter, MeterFault, Reading
from simulator.hardware.modem import ModemFault
from simulator.hardware.rtc import RtcFault
from simulator.hardware.thermal import ThermalFault

_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000


def _next_hour(since: int, now: int) -> int:
    return since + ((now - since) // _HOUR_US + 1) * _HOUR_US


def _days(one: Fault, now: int) -> float:
    """Whole hours since it began, in days."""
    return (now - one.since) // _HOUR_US / 24


@fault("flash.ageing")
class FlashAgeing(FlashFault):
    """The memory wears out: a share of the writes fails that grows from day to day; noticed at the first failure."""

    code, info, moves = "internal_error", "memory write failed", True
    wire16 = "more and more messages are missing after restarts; configuration changes are refused at times"
    wire2x = "more and more messages are missing after restarts; settings are refused at times"

    share_per_day: Annotated[float, Meta(ge=0.0, le=1.0, description="what the share of failures grows by")] = 0.01
    share_most: Annotated[float, Meta(ge=0.0, le=1.0, description="it grows no further than this")] = 0.5
    writes: int = 0
    failing: float = 0.0

    def next_change(self, now: int) -> int | None:
        """Every hour."""
        return _next_hour(self.since, now)

    def age(self, part: Any, now: int) -> bool:
        """A little worse."""
        self.failing = min(self.share_per_day * _days(self, now), self.share_most)
        return False

    def refuse(self) -> str:
        """By lot, one for each write."""
        self.writes += 1
        return "broken" if self.lot("write", self.writes) < self.failing else ""

    def evident(self) -> bool:
        """Once a write has failed."""
        return self.noticed


@fault("meter.drift")
class MeterDrift(MeterFault):
    """The meter counts wrong by a share that grows from day to day; what was counted wrong stays in the register."""

    moves = True
    wire16 = "register and power drift away from what cars take, a little more each day"
    wire2x = "register and power drift away from what cars take, a little more each day"

    permille_per_day: Annotated[float, Meta(ge=-100.0, le=100.0, description="growth of the error")] = 1.0
    factor: float = 1.0
    seen_wh: float = 0.0
    counted_wh: float = 0.0

    def begin(self, part: Any, now: int) -> None:
        """Right so far."""
        self.seen_wh = self.counted_wh = part.inside_wh(self, now)

    def next_change(self, now: int) -> int | None:
        """Every hour."""
        return _next_hour(self.since, now)

    def age(self, part: Any, now: int) -> bool:
        """What has been counted is counted; from here on by another factor, between a half and the double."""
        inside_wh = part.inside_wh(self, now)
        self.counted_wh += (inside_wh - self.seen_wh) * self.factor
        self.seen_wh = inside_wh
        self.factor = min(max(1.0 + self.permille_per_day / 1_000 * _days(self, now), 0.5), 2.0)
        return False

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """Energy, power and currents by the factor."""
        assert reading.energy_wh is not None, "nothing inside the register hides it"
        power, amps = reading.power_w, reading.currents_a
        return msgspec.structs.replace(
            reading,
            energy_wh=meter.rounded(self.counted_wh + (reading.energy_wh - self.seen_wh) * self.factor),
            power_w=None if power is None else power * self.factor,
            currents_a=None if amps is None else (amps[0] * self.factor, amps[1] * self.factor, amps[2] * self.factor),
        )

    def end(self, part: Any, now: int) -> None:
        """The wrong counts stay."""
        self.age(part, now)
        part.shift(self.counted_wh - self.seen_wh)


@fault("thermal.fan_worn")
class FanWorn(ThermalFault):
    """The fan of the housing turns slower from day to day: the same load makes it hotter."""

    component, moves, station_wide = "TemperatureSensor", True, True
    wire16 = "Temperature in MeterValues rises from day to day under the same load; HighTemperature, less power"
    wire2x = "FanSpeed falls and Temperature rises from day to day; NotifyEvent for TemperatureSensor, less power"

    loss_per_day: Annotated[float, Meta(ge=0.0, le=1.0, description="share of the air flow it loses each day")] = 0.03
    flow_least: Annotated[float, Meta(ge=0.05, le=1.0, description="what is left at the end")] = 0.1
    flow: float = 1.0

    def next_change(self, now: int) -> int | None:
        """Every hour, until nothing changes any more."""
        return None if self.flow <= self.flow_least else _next_hour(self.since, now)

    def age(self, part: Any, now: int) -> bool:
        """A little slower."""
        self.flow = max(1.0 - self.loss_per_day * _days(self, now), self.flow_least)
        return False

    def airflow(self, share: float) -> float:
        """What is left."""
        return share * self.flow


@fault("rtc.battery_ageing")
class BatteryAgeing(RtcFault):
    """The clock's battery runs down: the clock is slower from day to day, then the time is lost with the power."""

    moves = True
    wire16 = "timestamps fall behind a little more each day; one day a power cut brings a time of long ago"
    wire2x = "timestamps fall behind a little more each day; one day a power cut brings a time of long ago"

    lag_ppm_per_day: Annotated[float, Meta(ge=0.0, le=10_000.0, description="how much slower it gets")] = 5.0
    lasts_days: Annotated[float, Meta(ge=0.0, le=3_650.0, description="days until it is empty")] = 14.0
    days: float = 0.0

    def next_change(self, now: int) -> int | None:
        """Every hour."""
        return _next_hour(self.since, now)

    def age(self, part: Any, now: int) -> bool:
        """A little weaker."""
        self.days = _days(self, now)
        return False

    def rate_ppb(self, ppb: int) -> int:
        """Slower; an empty battery no more than a weak one."""
        return ppb - int(self.lag_ppm_per_day * min(self.days, self.lasts_days) * 1_000)

    def keeps(self, kept: bool) -> bool:
        """As long as it lasts."""
        return kept and self.days < self.lasts_days


@fault("modem.fading")
class Fading(ModemFault):
    """The radio signal gets weaker from day to day: first the station says so, at last there is no link."""

    code, moves = "weak_signal", True
    wire16 = "StatusNotification with WeakSignal after some days, in the end the connection is lost for good"
    wire2x = "SignalStrength falls, NotifyEvent for DataLink after some days, in the end the connection is lost"

    first_dbm: Annotated[int, Meta(ge=-140, le=-30, description="strength at the beginning")] = -75
    loss_db_per_day: Annotated[float, Meta(ge=0.0, le=100.0, description="what it loses each day")] = 3.0
    weak_dbm: Annotated[int, Meta(ge=-140, le=-30, description="the station says so from here on")] = -105
    lost_dbm: Annotated[int, Meta(ge=-141, le=-30, description="no link from here on")] = -120
    strength: float = 0.0

    def begin(self, part: Any, now: int) -> None:
        """As it was."""
        self.strength = float(self.first_dbm)

    def next_change(self, now: int) -> int | None:
        """Every hour."""
        return _next_hour(self.since, now)

    def age(self, part: Any, now: int) -> bool:
        """A little weaker; True when the station comes to know."""
        before = self.evident()
        self.strength = max(self.first_dbm - self.loss_db_per_day * _days(self, now), -140.0)
        return self.evident() is not before

    def signal(self, dbm: int | None) -> int | None:
        """What is received."""
        return round(self.strength)

    def up(self, up: bool, now: int) -> bool:
        """Not below the limit."""
        return up and self.strength > self.lost_dbm

    def evident(self) -> bool:
        """When it is weak."""
        return self.strength <= self.weak_dbm

    def text(self) -> str:
        """With the strength."""
        return f"signal {round(self.strength)} dBm"
