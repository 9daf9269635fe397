"""How warm a station runs and what its cooling does about it, in closed form.

What is converted or conducted leaves a little of itself behind as heat, so temperatures follow the load: in steady
state, because a station looks at them rarely and nothing here ticks. The fan turns with the share of the rated power
that is being converted, the pump of a liquid-cooled cable runs while current flows in it.
"""

from __future__ import annotations

AMBIENT_C = 25.0
#: watts that flow for each kelvin of warming: at the plug, and of the coolant, which carries the heat away
WATTS_PER_KELVIN, COOLED_WATTS_PER_KELVIN = 2_000.0, 16_000.0
FAN_IDLE_RPM, FAN_FULL_RPM = 0.0, 4_800.0
#: a fan that runs at all runs at least so fast
FAN_LEAST_RPM = 1_200.0


def temperature_c(power_w: float) -> float:
    """Temperature of what conducts ``power_w``."""
    return AMBIENT_C + power_w / WATTS_PER_KELVIN


def coolant_c(power_w: float) -> float:
    """Temperature of the coolant of a liquid-cooled cable."""
    return AMBIENT_C + power_w / COOLED_WATTS_PER_KELVIN


def fan_rpm(load_share: float) -> float:
    """Speed of the fan at this share of the rated power, 0 to 1."""
    if load_share <= 0.0:
        return FAN_IDLE_RPM
    return FAN_LEAST_RPM + (FAN_FULL_RPM - FAN_LEAST_RPM) * min(load_share, 1.0)
