"""The nine seams a quirk can hook into, and the base class of all quirks.

A quirk is a small class that overrides the method of one seam or more. The station calls only the quirks that do, in
the order in which the profile names them. A quirk holds its parameters and nothing else: it is compiled once per
profile and shared by all its stations; what it must remember of one station lies in ``station.data``.

======= ======================================== =================================================================
seam    method                                   may
======= ======================================== =================================================================
boot    ``boot(st, payload)``                    change the BootNotification, or hold it
sample  ``sample(st, evse, reading, context)``   change or suppress a reading
request ``request(st, action, req, message_id)`` answer a CSMS request itself, or stay silent
answer  ``answer(st, action, reply, message_id)``change or suppress an answer
report  ``report(st, report)``                   change, drop, or hold a report before it is queued
send    ``send(st, action, payload)``            change or drop a rendered message
link    ``message_id(st, number)``               shape message ids and the connection
clock   ``clock(st, wall_us, stamp)``            change the time a stamp is rendered as
setting ``setting(st, name, value)``             change what a setting reads or takes
======= ======================================== =================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from simulator.core.model import Seams
from simulator.errors import AuthorError
from simulator.registry import Registry, nearest

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import MeterReading, Report, Stamp
    from simulator.core.station import Station

SEAMS = ("boot", "sample", "request", "answer", "report", "send", "link", "clock", "setting")

#: the longest a quirk may hold something back
MAX_HOLD_US = 3_600_000_000


class Quirk:
    """One documented behaviour of a product.

    Class attributes: ``name`` as in the catalogue, ``summary``, ``vendors``, ``sources`` (links or repository threads),
    ``breaks`` (what it violates: schema, status_before_boot, ...; the checkers waive exactly that), ``survive`` (what a
    CSMS must do). Parameters are annotated class attributes with defaults, listed in ``params``.
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    vendors: ClassVar[tuple[str, ...]] = ()
    sources: ClassVar[tuple[str, ...]] = ()
    breaks: ClassVar[tuple[str, ...]] = ()
    survive: ClassVar[str] = ""
    #: parameter name -> (default, smallest, largest) for numbers or (default,) for others
    params: ClassVar[dict[str, tuple[Any, ...]]] = {}
    #: settings this quirk replaces: name or key -> value text
    settings: ClassVar[dict[str, str]] = {}

    def __init__(self, **given: Any) -> None:
        for name, value in given.items():
            if name not in self.params:
                near = nearest(name, list(self.params))
                hint = f"; did you mean {near!r}?" if near else ""
                raise AuthorError(f"unknown parameter{hint}", field=f"{self.name}.{name}")
            bounds = self.params[name]
            default = bounds[0]
            if isinstance(default, bool) != isinstance(value, bool) or not isinstance(value, type(default)):
                if not (isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool)):
                    raise AuthorError(f"{value!r} is not a {type(default).__name__}", field=f"{self.name}.{name}")
            if len(bounds) == 3 and not bounds[1] <= value <= bounds[2]:
                raise AuthorError(f"{value} is not within {bounds[1]} to {bounds[2]}", field=f"{self.name}.{name}")
        for name, bounds in self.params.items():
            setattr(self, name, given.get(name, bounds[0]))

    def boot(self, st: Station, payload: Any) -> Any:
        """Return the BootNotification payload, changed or not."""
        return payload

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Return the reading, changed or not, or None to suppress it."""
        return reading

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """None lets the request pass; otherwise the outcome on record (ok, callerror, silent) after having dealt with
        it."""
        return None

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Return the reply, changed or not; None leaves the request unanswered."""
        return reply

    def report(self, st: Station, report: Report) -> Report | tuple[int, Report] | None:
        """Return the report, changed or not; None drops it; (until_us, report) holds it."""
        return report

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Return the rendered message, a struct or a plain dictionary with wire names; None drops it."""
        return payload

    def message_id(self, st: Station, number: int) -> str | None:
        """Return the id of CALL ``number`` of this boot, or None for the usual one."""
        return None

    def clock(self, st: Station, wall_us: int, stamp: Stamp) -> int:
        """Return the wall time a stamp is rendered as."""
        return wall_us

    def setting(self, st: Station, name: str, value: str) -> str:
        """Return the text a setting is reported with."""
        return value

    def describe(self) -> dict[str, Any]:
        """Plain data for ``cpfarm quirks list --json``."""
        return describe(type(self))


QUIRKS: Registry[type[Quirk]] = Registry("quirk")

_METHOD = {seam: seam for seam in SEAMS} | {"link": "message_id"}


def quirk(name: str) -> Any:
    """Class decorator: register a quirk under its catalogue name."""

    def register(cls: type[Quirk]) -> type[Quirk]:
        cls.name = name
        cls.summary = (cls.__doc__ or "").strip().splitlines()[0]
        assert cls.summary and cls.sources, f"quirk {name} needs a docstring and a source"
        return QUIRKS.add(name, cls)

    return register


def seams_of(cls: type[Quirk]) -> tuple[str, ...]:
    """The seams a quirk class hooks into."""
    return tuple(s for s in SEAMS if getattr(cls, _METHOD[s]) is not getattr(Quirk, _METHOD[s]))


def compile_quirks(wanted: list[tuple[str, dict[str, Any]]]) -> tuple[Seams, tuple[Quirk, ...]]:
    """Make the quirks of a profile; raises UnknownName or AuthorError for a wrong name or parameter."""
    made = tuple(QUIRKS.get(name)(**params) for name, params in wanted)
    return Seams(**{seam: tuple(q for q in made if seam in seams_of(type(q))) for seam in SEAMS}), made


def describe(cls: type[Quirk]) -> dict[str, Any]:
    """Plain data about a quirk class."""
    return {
        "name": cls.name,
        "summary": cls.summary,
        "vendors": list(cls.vendors),
        "sources": list(cls.sources),
        "seams": list(seams_of(cls)),
        "breaks": list(cls.breaks),
        "survive": cls.survive,
        "params": {name: bounds[0] for name, bounds in cls.params.items()},
    }
