"""Which dialects there are, and how people spell their versions."""

from __future__ import annotations

from simulator.core.dialect import Dialect
from simulator.errors import UnknownName
from simulator.ocpp2x import DIALECT_21, DIALECT_201
from simulator.ocpp16 import DIALECT_16
from simulator.registry import nearest

DIALECTS: dict[str, Dialect] = {d.name: d for d in (DIALECT_16, DIALECT_201, DIALECT_21)}
VERSIONS = tuple(DIALECTS)


def normalise_version(text: str) -> str:
    """``1.6J``, ``ocpp1.6``, ``OCPP-1.6`` and the like to the plain version; raises UnknownName."""
    plain = text.strip().lower().removeprefix("ocpp").lstrip("-_ v").rstrip("j")
    if plain not in DIALECTS:
        raise UnknownName("OCPP version", text, nearest(plain, list(DIALECTS)))
    return plain


def dialect_for(version: str) -> Dialect:
    """The dialect of a version in any common spelling."""
    return DIALECTS[normalise_version(version)]
