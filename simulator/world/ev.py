"""A car at the plug: its battery, what it takes, and when that changes.

The charging curve is piecewise constant: from each step of the state of charge on, the battery accepts a share of the
car's largest DC power. So the power is constant between two events, energy is exact, and the next event is known in
closed form. Charging is taken as lossless: energies and powers are those at the plug.

On AC the pilot offers a current; a car draws nothing below 6 A (IEC 61851-1), and never more than its on-board charger
takes on the phases it uses. On DC the station delivers what car, curve and offer all allow.
"""

from __future__ import annotations

import math

import msgspec

from simulator.core.inputs import EvSpec
from simulator.errors import AuthorError
from simulator.registry import Registry

MIN_AC_CURRENT_A = 6.0
_NEAR = 1e-9  # two states of charge closer than this are the same
_US_PER_H = 3_600_000_000

#: (from this state of charge on, share of the largest power), rising in the first; begins at 0.
Curve = tuple[tuple[float, float], ...]

CURVES: Registry[Curve] = Registry("charging curve")
#: no taper: useful where a test wants one constant power
CURVES.add("flat", ((0.0, 1.0),))
#: the usual shape: full power, less from half on, slow at the end
CURVES.add("li-ion", ((0.0, 0.95), (0.1, 1.0), (0.5, 0.8), (0.7, 0.55), (0.8, 0.35), (0.9, 0.15), (0.97, 0.06)))
#: iron phosphate: flat for long, then steep
CURVES.add("lfp", ((0.0, 1.0), (0.6, 0.8), (0.8, 0.6), (0.95, 0.1)))
#: a cold battery: little at first, better as it warms
CURVES.add("cold", ((0.0, 0.25), (0.3, 0.4), (0.5, 0.5), (0.8, 0.3), (0.9, 0.12)))
CURVES.freeze()


class Ev(msgspec.Struct, gc=False, eq=False):
    """One car while it is plugged in.

    ``soc`` 0..1; ``wants``: the car asks for energy as long as it is not full (False: it suspends by itself). Raises
    :class:`AuthorError` for a spec that describes no car, :class:`UnknownName` for an unknown curve.
    """

    spec: EvSpec
    soc: float = -1.0
    wants: bool = True
    curve: Curve = ()

    def __post_init__(self) -> None:
        spec = self.spec
        _check("soc", spec.soc, 0.0, 1.0)
        _check("target_soc", spec.target_soc, 0.0, 1.0)
        _check("battery_wh", spec.battery_wh, 1.0, 1e8)
        _check("max_ac_w", spec.max_ac_w, 0.0, 1e7)
        _check("max_dc_w", spec.max_dc_w, 0.0, 1e7)
        _check("phases", spec.phases, 1, 3)
        self.curve = CURVES.get(spec.curve)
        if self.soc < 0.0:
            self.soc = spec.soc

    @property
    def ready(self) -> bool:
        """Does the car ask for energy? Not when it is full, nor when it has suspended."""
        return self.wants and self.soc < self.spec.target_soc - _NEAR

    @ready.setter
    def ready(self, wants: bool) -> None:
        self.wants = wants

    def accepts_w(self) -> float:
        """What the battery accepts at this state of charge."""
        spec = self.spec
        share = 0.0
        for start, value in self.curve:
            if self.soc < start - _NEAR:
                break
            share = value
        return share * max(spec.max_dc_w, spec.max_ac_w)

    def power_w(self, offer_w: float, phases: int, voltage_v: float, offer_a: float) -> float:
        """What the car draws of an offer: at most ``offer_w`` in all and ``offer_a`` a phase.

        ``phases`` the station offers (0: DC), ``voltage_v`` phase to neutral (DC: at the plug).
        """
        if not self.ready or offer_w <= 0.0 or offer_a <= 0.0 or voltage_v <= 0.0:
            return 0.0
        spec = self.spec
        if phases == 0:
            return min(offer_w, offer_a * voltage_v, spec.max_dc_w, self.accepts_w())
        per_amp = voltage_v * min(phases, spec.phases)
        if min(offer_a, offer_w / per_amp) < MIN_AC_CURRENT_A - _NEAR:
            return 0.0
        return min(offer_w, offer_a * per_amp, spec.max_ac_w, self.accepts_w())

    def take(self, energy_wh: float) -> None:
        """This much has come in; the battery never holds more than it can."""
        assert energy_wh >= 0.0
        soc = min(self.soc + energy_wh / self.spec.battery_wh, 1.0)
        # What was to reach a step exactly must not stop a hair before it.
        for edge in self._edges():
            if abs(soc - edge) < _NEAR:
                soc = max(edge, self.soc)
        self.soc = soc

    def until_change_us(self, power_w: float) -> int | None:
        """How long this power lasts until the curve's next step or the car's target; None when neither will come."""
        if power_w <= 0.0 or not self.ready:
            return None
        ahead = [edge for edge in self._edges() if edge > self.soc + _NEAR and edge <= self.spec.target_soc]
        if not ahead:
            return None
        energy_wh = (min(ahead) - self.soc) * self.spec.battery_wh
        return max(math.ceil(energy_wh / power_w * _US_PER_H), 1)

    def phase_currents(self, power_w: float, phases: int, voltage_v: float) -> tuple[float, float, float]:
        """Current in each phase in A; DC is all in the first."""
        if power_w <= 0.0 or voltage_v <= 0.0:
            return (0.0, 0.0, 0.0)
        used = min(phases, self.spec.phases) if phases else 1
        amps = power_w / (voltage_v * used)
        return (amps, amps if used > 1 else 0.0, amps if used > 2 else 0.0)

    def _edges(self) -> tuple[float, ...]:
        return (*(start for start, _ in self.curve), self.spec.target_soc)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise AuthorError(f"a car has {low:g} to {high:g}, not {value!r}", field=f"ev.{name}")
