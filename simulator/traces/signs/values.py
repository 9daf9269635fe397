"""Values of messages as signs need them. What has another type than it should have is as good as absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.core.wall import parse_wall
from simulator.traces.model import Frame
from simulator.traces.parts import fields, items, text

ENERGY = "Energy.Active.Import.Register"
#: statuses in which a session runs
BUSY = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
STAMP_MAX = 64


def number(value: Any) -> float | None:
    """A number, also where it stands in a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        made = float(value)
    except (ValueError, OverflowError):
        return None
    return made if made == made and abs(made) != float("inf") else None


def integer(value: Any) -> int | None:
    """A whole number that is one in JSON; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def stamp(value: Any) -> int | None:
    """A time stamp in microseconds since 1970; None for anything else."""
    return parse_wall(value) if isinstance(value, str) and len(value) <= STAMP_MAX else None


@dataclass(slots=True)
class Sample:
    """One sampled value. ``order``: place of its message among all of the station."""

    frame: Frame
    order: int
    connector: int | None
    transaction: Any
    at: int | None
    value: Any
    context: str
    measurand: str
    unit: str
    phase: str
    location: str

    @property
    def amount(self) -> float | None:
        """The value as a number."""
        return number(self.value)


@dataclass(slots=True)
class Status:
    """One StatusNotification."""

    frame: Frame
    order: int
    connector: int | None
    status: str
    payload: dict[str, Any]

    def get(self, name: str) -> str:
        """A text of it; "" when there is none."""
        return text(self.payload.get(name))


@dataclass(slots=True)
class Session:
    """One transaction as StartTransaction and StopTransaction tell it; either may be missing in the log."""

    start: Frame | None
    stop: Frame | None
    connector: int | None
    #: the id the CSMS gave; None when its answer is not in the log
    id: Any
    begin: int
    end: int | None = None
    samples: list[Sample] = field(default_factory=list)


class Ids:
    """Transaction ids; asking for one of any type is allowed."""

    def __init__(self, ids: Iterable[Any]) -> None:
        self._ids = {value for value in ids if isinstance(value, int | str) and not isinstance(value, bool)}

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | str) and not isinstance(value, bool) and value in self._ids


@dataclass(slots=True)
class Profile:
    """One SetChargingProfile. ``outcome``: status of the answer or code of the error, "" when there was none."""

    call: Frame
    order: int
    connector: int | None
    purpose: str
    kind: str
    stack_level: int
    unit: str
    periods: list[dict[str, Any]]
    outcome: str

    @property
    def limits(self) -> list[float]:
        """The limits of its periods."""
        return [limit for period in self.periods if (limit := number(period.get("limit"))) is not None]


def meter_values(frame: Frame) -> list[Any]:
    """The meter values of a message, also where there is one object in the place of a list."""
    payload = fields(frame.payload)
    found: list[Any] = []
    for name in ("meterValue", "transactionData"):
        value = payload.get(name)
        found += [value] if isinstance(value, dict) else items(value)
    return found
