"""The energy meter: an analytic integral, a register with a resolution, and a fixed error of its own.

Between two changes of the flow the power is constant, so the energy is known in closed form at any time; nothing ticks.
Two energies are kept apart. *Physical* is what the car took; no fault can touch it. The *register* is what the meter
counted: physical energy times the meter's own gain, plus where the register stood, rounded down to the resolution. Only
the reading that comes out of ``sample`` has passed the faults.

A law of the register: it never falls, unless a fault declares ``may_fall``. Faults of layer 0 sit in the register, of
layer 1 in its conversion, of layer 2 on the bus that carries the reading.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from simulator.core.model import MeterSpec
from simulator.core.rng import draw
from simulator.hardware.fault import Fault, Part, Pulse, fault

_WH = 1.0 / 3.6e9  # one watt for one microsecond, in watt-hours
NO_CURRENTS = (0.0, 0.0, 0.0)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What the meter says; None means that it says nothing about it. ``energy_wh`` is the import register."""

    energy_wh: float | None
    power_w: float | None = None
    currents_a: tuple[float, float, float] | None = None
    voltage_v: float | None = None


class MeterFault(Fault):
    """Base of faults between the meter and its reader."""

    component = "FiscalMetering"
    #: the register may be seen to fall while it acts or when it ends
    may_fall: ClassVar[bool] = False

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """The reading that comes out on this side."""
        raise NotImplementedError

    def falls(self) -> bool:
        """May the register be seen to fall because of this fault?"""
        return self.may_fall


class Meter(Part[MeterFault], gc=False, eq=False):
    """One meter. Energies in Wh, powers in W, currents in A per phase, voltage in V to neutral (DC: at the plug)."""

    spec: MeterSpec = MeterSpec()
    gain: float = 1.0
    base_wh: float = 0.0
    since: int = 0
    power_w: float = 0.0
    currents_a: tuple[float, float, float] = NO_CURRENTS
    voltage_v: float = 0.0
    origin_wh: float = 0.0
    offset_wh: float = 0.0
    #: how many readings it has signed so far
    page: int = 0

    @classmethod
    def build(cls, spec: MeterSpec, pulse: Pulse, seed: int, evse_id: int, register_wh: float, now: int) -> Meter:
        """A meter whose register stands at ``register_wh``. Its error is drawn within the spec's accuracy."""
        meter = cls(pulse, spec=spec, base_wh=register_wh, since=now, origin_wh=register_wh, offset_wh=register_wh)
        if spec.accuracy_permille:
            unit = draw(seed, "meter.accuracy", evse_id) / (1 << 63) - 1.0
            meter.gain = 1.0 + unit * spec.accuracy_permille / 1000.0
        return meter

    def set_flow(self, power_w: float, currents_a: tuple[float, float, float], voltage_v: float, now: int) -> None:
        """From ``now`` on this much flows."""
        assert power_w >= 0.0, "an import meter cannot count backwards"
        self.base_wh = self.physical_wh(now)
        self.since = now
        self.power_w, self.currents_a, self.voltage_v = power_w, currents_a, voltage_v

    def physical_wh(self, now: int) -> float:
        """The true energy since the meter left the factory; no fault touches it."""
        assert now >= self.since, "time runs forward"
        return self.base_wh + self.power_w * (now - self.since) * _WH

    def register_wh(self, now: int) -> float:
        """What the register has counted, not rounded."""
        return (self.physical_wh(now) - self.origin_wh) * self.gain + self.offset_wh

    def shift(self, delta_wh: float) -> None:
        """Move the register for good, as a reset or lost counts do."""
        self.offset_wh += delta_wh

    def rounded(self, energy_wh: float) -> float:
        """``energy_wh`` as the register can show it: rounded down to the resolution."""
        step = self.spec.resolution_wh
        if step <= 0.0:
            return energy_wh
        # A hair is added, because 0.3 / 0.1 is a hair below 3; and below one Wh dividing gives cleaner decimals.
        count = math.floor((energy_wh + 1e-6) / step)
        return count * step if step >= 1.0 else count / round(1.0 / step)

    def sample(self, now: int) -> Reading | None:
        """A reading, or None when the meter does not answer at all."""
        return self._through(self.faults, now)

    def inside_wh(self, fault: MeterFault, now: int) -> float:
        """The register as it reaches ``fault``, whether that is in the chain already or about to join it."""
        if fault in self.faults:
            inner = self.faults[: self.faults.index(fault)]
        else:
            inner = tuple(f for f in self.faults if f.layer <= fault.layer)
        reading = self._through(inner, now)
        assert reading is not None and reading.energy_wh is not None, "faults of layer 0 never hide the register"
        return reading.energy_wh

    def _through(self, faults: tuple[MeterFault, ...], now: int) -> Reading | None:
        gain, power_w = self.gain, self.power_w
        assert now >= self.since, "time runs forward"
        # register_wh(now), written out: this is read for every sample of a fleet
        physical_wh = self.base_wh + power_w * (now - self.since) * _WH
        energy_wh = self.rounded((physical_wh - self.origin_wh) * gain + self.offset_wh)
        if gain == 1.0:
            reading = Reading(energy_wh, power_w, self.currents_a, self.voltage_v)
        else:
            a, b, c = self.currents_a
            reading = Reading(energy_wh, power_w * gain, (a * gain, b * gain, c * gain), self.voltage_v)
        for one in faults:
            passed = one.sample(reading, self, now)
            if passed is None:
                return None
            reading = passed
        return reading


@fault("meter.no_readings")
class NoReadings(MeterFault):
    """The meter does not answer at all.

    Whether the connector can still be used is the profile's: ``meter.stop_when_dead``.
    """

    code, info, layer = "meter_failure", "meter does not answer", 2
    wire16 = "StatusNotification with PowerMeterFailure; no MeterValues; meterStop is the last value known"
    wire2x = "NotifyEvent or StatusNotification for FiscalMetering; TransactionEvents carry no meterValue"

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """Nothing."""
        return None

    def blocking(self, part: Any) -> bool:
        """As the profile says."""
        return isinstance(part, Meter) and part.spec.stop_when_dead


@fault("meter.register_frozen")
class RegisterFrozen(MeterFault):
    """Power is still measured, the energy register stands still; seen after a meter bus time-out."""

    wire16 = "MeterValues repeat one register value while current and power go on; meterStop may equal meterStart"
    wire2x = "TransactionEvents repeat one register value while current and power go on"

    catches_up: Annotated[bool, Meta(description="the register jumps to the true value afterwards")] = True
    held_wh: float = 0.0

    def begin(self, part: Any, now: int) -> None:
        """Hold what the register shows at this moment."""
        self.held_wh = part.inside_wh(self, now)

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """The held energy."""
        return msgspec.structs.replace(reading, energy_wh=self.held_wh)

    def end(self, part: Any, now: int) -> None:
        """Either the truth is back, or the energy of the meantime is lost for good."""
        if not self.catches_up:
            part.shift(self.held_wh - part.inside_wh(self, now))


@fault("meter.register_reset")
class RegisterReset(MeterFault):
    """The register jumps to another value once and counts on from there, as after an exchange of the meter."""

    may_fall = True
    wire16 = "the register in MeterValues falls within a transaction; meterStop may lie below meterStart"
    wire2x = "the register in TransactionEvents falls within a transaction"

    value_wh: Annotated[float, Meta(ge=0.0, le=1e12, description="where the register stands afterwards")] = 0.0

    def begin(self, part: Any, now: int) -> None:
        """Jump."""
        part.shift(self.value_wh - part.register_wh(now))

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """The jump is in the register itself."""
        return reading


@fault("meter.drop_outs")
class DropOuts(MeterFault):
    """Some samples get lost on the meter bus; the others are right."""

    layer = 2
    wire16 = "gaps in the MeterValues of a transaction"
    wire2x = "gaps in the sampled values of a transaction"

    share: Annotated[float, Meta(ge=0.0, le=1.0, description="share of the samples, or of each period, lost")] = 0.3
    period_s: Annotated[float, Meta(ge=0.0, le=86_400.0, description="0: by lot; else the start of each period")] = 0.0

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """Nothing, by lot or by the clock."""
        if self.period_s > 0.0:
            period = max(int(self.period_s * 1_000_000), 1)
            lost = (now - self.since) % period < self.share * period
        else:
            lost = self.lot("drop", now) < self.share
        return None if lost else reading


@fault("meter.noise")
class Noise(MeterFault):
    """Measured values scatter; the register counts too much or too little but never falls.

    What was counted wrong stays in the register. ``jitter_wh`` makes single readings of the register unsteady as well,
    and then it can fall.
    """

    wire16 = "MeterValues scatter; meterStop differs from the energy delivered"
    wire2x = "sampled values scatter; the register differs from the energy delivered"

    permille: Annotated[float, Meta(ge=0.0, le=1000.0, description="largest deviation of each value")] = 20.0
    jitter_wh: Annotated[float, Meta(ge=0.0, le=1e6, description="largest deviation of single register readings")] = 0.0
    seen_wh: float = 0.0
    counted_wh: float = 0.0

    def begin(self, part: Any, now: int) -> None:
        """Both counts start at what is shown."""
        self.seen_wh = self.counted_wh = part.inside_wh(self, now)

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """Scattered values; the scatter is a function of the time, so asking twice gives the same."""
        energy = reading.energy_wh
        assert energy is not None, "nothing inside the register hides it"
        self.counted_wh += max(energy - self.seen_wh, 0.0) * self._factor("energy", now)
        self.seen_wh = energy
        shown = meter.rounded(self.counted_wh + self.jitter_wh * (2.0 * self.lot("jitter", now) - 1.0))
        amps = reading.currents_a
        if amps is not None:
            amps = (
                amps[0] * self._factor("l1", now),
                amps[1] * self._factor("l2", now),
                amps[2] * self._factor("l3", now),
            )
        return Reading(
            max(shown, 0.0),
            None if reading.power_w is None else reading.power_w * self._factor("power", now),
            amps,
            None if reading.voltage_v is None else reading.voltage_v * self._factor("voltage", now),
        )

    def end(self, part: Any, now: int) -> None:
        """The wrong counts stay."""
        part.shift(self.counted_wh - self.seen_wh)

    def falls(self) -> bool:
        """Only with jitter."""
        return self.jitter_wh > 0.0

    def _factor(self, what: str, now: int) -> float:
        return 1.0 + (2.0 * self.lot(what, now) - 1.0) * self.permille / 1000.0


@fault("meter.wrong_unit")
class WrongUnit(MeterFault):
    """Energy and power come out in another unit than they are labelled with, usually by a factor of 1000."""

    may_fall, layer = True, 1
    wire16 = "register and power are wrong by the factor while the unit says Wh and W"
    wire2x = "register and power are wrong by the factor while unitOfMeasure says Wh and W"

    factor: Annotated[float, Meta(ge=0.0, le=1e6, description="what the true value is multiplied by")] = 1000.0

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """Energy and power times the factor."""
        energy, power = reading.energy_wh, reading.power_w
        return msgspec.structs.replace(
            reading,
            energy_wh=None if energy is None else energy * self.factor,
            power_w=None if power is None else power * self.factor,
        )


@fault("meter.power_missing")
class PowerMissing(MeterFault):
    """Only the energy register can be read; power, currents and voltage are missing."""

    layer = 1
    wire16 = "MeterValues carry the register only, although more measurands are configured"
    wire2x = "sampled values carry the register only, although more measurands are configured"

    def sample(self, reading: Reading, meter: Meter, now: int) -> Reading | None:
        """The register alone."""
        return Reading(reading.energy_wh)
