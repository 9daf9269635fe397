"""Documented behaviours of real products, by name. Importing this package fills the registry; the list is explicit."""

from simulator.quirks import (
    boot,
    config,
    connect,
    meter,
    meter_form,
    meter_moment,
    meter_register,
    remote,
    smart,
    smart_answers,
    smart_limits,
    status,
    time,
    tx,
)
from simulator.quirks.seams import BREAKS, QUIRKS, SEAMS, Quirk, category, compile_quirks, describe, quirk, seams_of

#: where quirks are declared; a module's name up to "_" is the category its quirks are listed under
CATEGORIES = (
    boot,
    connect,
    status,
    meter,
    meter_form,
    meter_moment,
    meter_register,
    tx,
    remote,
    config,
    time,
    smart,
    smart_answers,
    smart_limits,
)

QUIRKS.freeze()

__all__ = [
    "BREAKS",
    "CATEGORIES",
    "QUIRKS",
    "SEAMS",
    "Quirk",
    "category",
    "compile_quirks",
    "describe",
    "quirk",
    "seams_of",
]
