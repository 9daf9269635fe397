"""Which cases there are: ids, groups, marks, conditions. The data is ``octt16.csv`` beside this file.

A row is a case of the certification list (``listed``), or one that only the test case document has. ``mark`` is M, C or
O for a station, empty where the list does not apply the case to a station. ``document`` is the id under which the
document prints the steps, empty where it has none for a station; one text may serve two rows of the list: a local and
a remote form, of which the PICS picks one. ``mode_12`` says what the subtype Mode 1/2-only changes: excluded, or
mandatory whatever the condition says.

Where list and document differ, this is what was decided: TC_007, TC_008, TC_023, TC_053 and TC_061 of the document are
run as the local or the remote form of the list. TC_048_4 and TC_050_4 are for a station that cannot be reserved (that
way), as their prerequisites say, although the list has one of them in the group of stations that can.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulator.certify.pics import Pics
from simulator.errors import UnknownName
from simulator.registry import nearest


@dataclass(frozen=True, slots=True)
class Row:
    """One case as data."""

    id: str
    section: str
    group: str
    title: str
    listed: bool
    mark: str
    condition: str
    mode_12: str
    document: str

    @property
    def for_station(self) -> bool:
        """Is it a case for a station: marked in the list, or printed in the document?"""
        return bool(self.mark or self.document)

    def not_applicable(self, pics: Pics) -> str:
        """Why the case does not apply to this product; "" when it does."""
        if self.mode_12 == "excluded" and pics.mode_12:
            return "excluded for the subtype Mode 1/2-only"
        if self.mode_12 == "mandatory" and pics.mode_12:
            return ""
        return "" if pics.holds(self.condition) else f"not true of this product: {self.condition}"


@cache
def rows() -> dict[str, Row]:
    """Every row, in the order of the list."""
    text = files("simulator.certify").joinpath("octt16.csv").read_text(encoding="utf-8")
    found = [
        Row(
            r["id"],
            r["section"],
            r["group"],
            r["title"],
            r["listed"] == "yes",
            r["mark"],
            r["condition"],
            r["mode_12"],
            r["document"],
        )
        for r in csv.DictReader(text.splitlines())
    ]
    return {row.id: row for row in found}


@cache
def forms_of(document: str) -> tuple[str, ...]:
    """The ids to run for one text of the document: its forms in the list, else itself."""
    forms = tuple(row.id for row in rows().values() if row.document == document and row.mark)
    return forms or (document,)


def runnable() -> list[Row]:
    """Every row that is run as a case of its own, in the order of the list."""
    return [row for row in rows().values() if row.for_station and row.id in forms_of(row.document or row.id)]


def wanted(names: list[str]) -> list[Row]:
    """The rows for names as typed (``TC_003``, ``tc_003_cs``); an id of the document stands for all its forms.

    Raises UnknownName with the nearest id.
    """
    found: dict[str, Row] = {}
    valid = [row.id for row in rows().values() if row.for_station]
    for name in names:
        plain = name.upper().removesuffix("_CS")
        if plain not in valid:
            raise UnknownName("station case", name, nearest(plain, valid))
        for one in forms_of(plain) if rows()[plain].document == plain else (plain,):
            found[one] = rows()[one]
    return list(found.values())
