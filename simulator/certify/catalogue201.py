"""Which station cases of 2.0.1 there are: ids, certification profiles, marks, conditions. The data is ``octt201.csv``.

A row belongs to one certification profile; it applies to a product that has this profile and fulfils the condition.
``mark`` is M or C as in the list. A condition that the list gives a mandatory case for central systems only is left
out; ranges and verbal conditions are written out in features (:mod:`simulator.certify.features201`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulator.certify.catalogue import Row
from simulator.certify.pics import Pics
from simulator.errors import UnknownName
from simulator.registry import nearest

#: certification profile -> the answer that says whether a product has it
PROFILES = {
    "Core": "",
    "Advanced Security": "AdvancedSecurity",
    "Local Authorization List Management": "LocalAuthorizationList",
    "Smart Charging": "SmartCharging",
    "Advanced Device Management": "AdvancedDeviceManagement",
    "Reservation": "Reservation",
}


@dataclass(frozen=True, slots=True)
class Row201(Row):
    """One case as data; ``section`` is its certification profile."""

    def not_applicable(self, pics: Pics) -> str:
        """Why the case does not apply to this product; "" when it does."""
        if not pics.holds(PROFILES[self.section]):
            return f"the product does not have the profile {self.section}"
        return "" if pics.holds(self.condition) else f"not true of this product: {self.condition}"


@cache
def rows() -> dict[str, Row]:
    """Every row, in the order of the list."""
    text = files("simulator.certify").joinpath("octt201.csv").read_text(encoding="utf-8")
    found = [
        Row201(r["id"], r["profile"], r["group"], r["title"], True, r["mark"], r["condition"], "", r["id"])
        for r in csv.DictReader(text.splitlines())
    ]
    return {row.id: row for row in found}


def runnable() -> list[Row]:
    """Every row, in the order of the list."""
    return list(rows().values())


def wanted(names: list[str]) -> list[Row]:
    """The rows for names as typed (``TC_B_01``, ``tc_b_01_cs``); raises UnknownName with the nearest id."""
    found: dict[str, Row] = {}
    for name in names:
        plain = name.upper().removesuffix("_CS")
        if plain not in rows():
            raise UnknownName("station case of 2.0.1", name, nearest(plain, list(rows())))
        found[plain] = rows()[plain]
    return list(found.values())
