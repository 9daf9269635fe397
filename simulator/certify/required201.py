"""Variables that 2.0.1 requires, as TC_B_53 lists them: always, or where their component is.

The data is ``required201.csv``; a variable of EVSE or Connector is required of each of them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulator.certify.pics import Pics
from simulator.core.settings import READ_ONLY

LISTS = ("OptionList", "SequenceList", "MemberList")


@dataclass(frozen=True, slots=True)
class Required:
    """A variable. ``always``: else only where the component is. ``mutability`` as in MutabilityEnumType, several
    divided by a bar, empty where nothing is said."""

    component: str
    variable: str
    instance: str
    always: bool
    type: str
    mutability: str

    @property
    def name(self) -> str:
        """``Component.Variable[Instance]``."""
        return f"{self.component}.{self.variable}" + (f"[{self.instance}]" if self.instance else "")


@cache
def required() -> tuple[Required, ...]:
    """All of them, in the order of the data."""
    text = files("simulator.certify").joinpath("required201.csv").read_text(encoding="utf-8")
    return tuple(
        Required(r["component"], r["variable"], r["instance"], r["required"] == "always", r["type"], r["mutability"])
        for r in csv.DictReader(text.splitlines())
    )


def missing(
    configuration: Mapping[str, tuple[str | None, bool]], pics: Pics, *, writable: bool = False
) -> Iterator[tuple[str, str]]:
    """(name, who requires it) of those that an inventory lacks. ``writable``: it is one of what can be written only."""
    components = {name.partition(".")[0] for name in configuration}
    bare = {name.partition("@")[0] for name in configuration}
    for row in required():
        if not row.always and row.component not in components:
            continue
        if writable and (READ_ONLY in row.mutability or not row.mutability):
            continue
        who = "Core" if row.always else row.component
        if row.component in ("EVSE", "Connector"):
            for evse in pics.answers["HFS-8"]:
                place = f"@{evse}" if row.component == "EVSE" else f"@{evse}.1"
                if row.name + place not in configuration:
                    yield row.name + place, who
        elif row.name not in bare:
            yield row.name, who
