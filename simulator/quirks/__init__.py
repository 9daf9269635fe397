"""Documented behaviours of real products, by name. Importing this package fills the registry; the list is explicit."""

from simulator.quirks.seams import QUIRKS, SEAMS, Quirk, compile_quirks, describe, quirk, seams_of

__all__ = ["QUIRKS", "SEAMS", "Quirk", "compile_quirks", "describe", "quirk", "seams_of"]
