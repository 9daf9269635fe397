"""Documented behaviours of real products, by name. Importing this package fills the registry; the list is explicit."""

from simulator.quirks import (
    boot,
    boot_texts,
    config,
    connect,
    connect_frames,
    connect_links,
    connect_open,
    fw,
    meter,
    meter_form,
    meter_moment,
    meter_register,
    remote,
    smart,
    smart_answers,
    smart_limits,
    status,
    status_order,
    status_texts,
    time,
    tx,
    tx_ends,
    tx_ids,
    tx_values,
)
from simulator.quirks.seams import BREAKS, QUIRKS, SEAMS, Quirk, category, compile_quirks, describe, quirk, seams_of

#: where quirks are declared; a module's name up to "_" is the category its quirks are listed under
CATEGORIES = (
    boot,
    boot_texts,
    connect,
    connect_frames,
    connect_links,
    connect_open,
    status,
    status_order,
    status_texts,
    meter,
    meter_form,
    meter_moment,
    meter_register,
    tx,
    tx_ends,
    tx_ids,
    tx_values,
    remote,
    config,
    time,
    fw,
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
