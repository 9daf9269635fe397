"""What a row of the device model is, before and after it has found its place.

A :class:`Row` stands in a table and knows no station: component, variable, how to read it, on which hardware it exists.
A :class:`Variable` is a row at one place (station, EVSE or connector) of one model. Both are immutable, and neither
holds a value: an attribute is read when somebody asks. An attribute that has no value now gives the empty text
(B06.FR.13, B07.FR.11).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.settings import READ_ONLY, WRITE_ONLY

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.model import EvseSpec, Model
    from simulator.core.settings import Setting
    from simulator.core.station import Station

ACTUAL, TARGET, MIN_SET, MAX_SET = "Actual", "Target", "MinSet", "MaxSet"
#: the tiers (part 1, 4): the station as a whole, each EVSE, each connector
STATION, EVSE, CONNECTOR = "station", "evse", "connector"
#: every EVSE of the simulated hardware has one connector
CONNECTOR_ID = 1

#: the value of a variable that is the time at which it is told
CLOCK = "@clock"

Read = Callable[["Station"], str]
#: of a row below the station: it is given the EVSE too
ReadEvse = Callable[["Station", "Evse"], str]
ReadRow = Read | ReadEvse | str
When = Callable[["Model", "EvseSpec | None"], bool]
Limit = float | Callable[["Model", "EvseSpec | None"], float | None] | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a variable. ``constant``: its value never changes; ``persistent``: it survives a reboot."""

    type: str
    read: Read
    mutability: str = READ_ONLY
    persistent: bool = False
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable at its place, shared by all stations of a model.

    ``values`` are the members of a list or option type, ``maximum`` the largest number or the greatest length of a
    text, ``max_elements`` of a list. ``monitored``: the CSMS may set monitors on it. ``setting`` is set when it is one.
    """

    component: str
    variable: str
    data_type: str
    attributes: tuple[Attribute, ...]
    evse_id: int = 0
    connector_id: int = 0
    instance: str = ""
    component_instance: str = ""
    unit: str = ""
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_elements: int | None = None
    monitored: bool = False
    setting: Setting | None = None

    @property
    def mutability(self) -> str:
        """Of the attribute Actual."""
        return self.attributes[0].mutability

    @property
    def place(self) -> tuple[str, str, int, int]:
        """The component: name, instance, EVSE, connector."""
        return self.component, self.component_instance, self.evse_id, self.connector_id

    def attribute(self, type_: str = ACTUAL) -> Attribute | None:
        """The attribute of that type, None when the variable has no such."""
        for attribute in self.attributes:
            if attribute.type == type_:
                return attribute
        return None

    def text(self, st: Station, type_: str = ACTUAL) -> str | None:
        """What an attribute is now; None when there is none or it cannot be read (write-only)."""
        attribute = self.attribute(type_)
        if attribute is None or attribute.mutability == WRITE_ONLY:
            return None
        return attribute.read(st)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table. ``read`` a text is a constant. ``more``: (type, read) of attributes beside Actual, whose
    ``read`` None means that there is no Actual. ``when``: on which hardware it exists; everywhere without it."""

    tier: str
    component: str
    variable: str
    data_type: str
    read: ReadRow | None
    unit: str = ""
    instance: str = ""
    values: tuple[str, ...] = ()
    minimum: Limit = None
    maximum: Limit = None
    monitored: bool = False
    constant: bool = False
    more: tuple[tuple[str, ReadRow], ...] = ()
    when: When | None = None
    component_instance: str = ""


def truth(fact: object) -> str:
    """A boolean on the wire."""
    return "true" if fact else "false"


def number(value: float, digits: int = 1) -> str:
    """A decimal on the wire, without a point where there is nothing behind it."""
    rounded = round(value, digits)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)
