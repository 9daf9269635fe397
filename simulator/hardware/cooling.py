"""What cooling does: the power modules, their fan, and the coolant of a cooled cable, in closed form.

What is converted leaves a little of itself behind as heat, which the cooling carries away. The temperature of a module
and of the coolant therefore follow the share of the rated power that passes, above the air around the station; both
settle within seconds, which is soon enough not to need a course of its own (contacts and housing do: ``thermal.py``).
The fan turns with the same share, the pump of a cooled cable runs while current flows.
"""

from __future__ import annotations

#: warming above the air at full power: of a power module, of the coolant
MODULE_WARMING_K, COOLANT_WARMING_K = 60.0, 20.0
FAN_FULL_RPM = 4_800.0
#: a fan that runs at all runs at least so fast
FAN_LEAST_RPM = 1_200.0


def module_c(ambient_c: float, load_share: float) -> float:
    """Temperature of a power module at this share of its rated power."""
    return ambient_c + MODULE_WARMING_K * load_share


def coolant_c(ambient_c: float, load_share: float) -> float:
    """Temperature of the coolant of a cooled cable at this share of the rated power."""
    return ambient_c + COOLANT_WARMING_K * load_share


def fan_rpm(load_share: float) -> float:
    """Speed of the fan at this share of the rated power, 0 to 1."""
    if load_share <= 0.0:
        return 0.0
    return FAN_LEAST_RPM + (FAN_FULL_RPM - FAN_LEAST_RPM) * min(load_share, 1.0)
