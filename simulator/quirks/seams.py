"""The nine seams a quirk can hook into, and the base class of all quirks.

A quirk is a small class that overrides the method of one seam or more. The station calls only the quirks that do, in
the order in which the profile names them (``order`` moves one to the end). A quirk holds its parameters and nothing
else: it is compiled once per profile and shared by all its stations; what it must remember of one station, and its one
timer, it reaches through a :class:`~simulator.quirks.port.QuirkPort`.

======= ======================================== =================================================================
seam    method                                   may
======= ======================================== =================================================================
boot    ``boot(st, payload)``                    change the BootNotification
sample  ``sample(st, evse, reading, context)``   change or suppress a reading
request ``request(st, action, req, message_id)`` answer a CSMS request itself, or stay silent
        ``read(st, action, payload)``            change how the station reads an answer of the CSMS
        ``heard(st, action, reply)``             change what the station understands of it
answer  ``answer(st, action, reply, message_id)``change or suppress an answer
        ``error(st, action, error)``             change a CALLERROR
report  ``report(st, report)``                   change, drop, or hold a report before it is queued
send    ``send(st, action, payload)``            change or drop a rendered message
link    ``message_id(st, number)``               shape message ids
        ``dial(st, dial)``                       change how a connection is opened
        ``redial(st, wait_us, was_up)``          change when it dials again, or never
        ``farewell(st, how)``                    change how the station hangs up
clock   ``clock(st, wall_us, stamp)``            change the time a stamp is rendered as
setting ``setting(st, name, value)``             change what a setting reads as
======= ======================================== =================================================================

Beside the seams a quirk may listen to *moments* of the station's life (``moment``) and to its own timer (``timer``).
What it may do to charging itself (limits, stops, damage) stands in ``deeds``.

What a quirk violates it declares in ``breaks``, in the words of :data:`BREAKS`; checkers waive exactly that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from simulator.core.model import Seams
from simulator.core.release import release
from simulator.errors import AuthorError
from simulator.registry import Registry, nearest

if TYPE_CHECKING:
    from msgspec import Raw

    from simulator.core.connector import Evse
    from simulator.core.effects import Dial
    from simulator.core.reports import MeterReading, Report, Stamp
    from simulator.core.station import Station

SEAMS = ("boot", "sample", "request", "answer", "report", "send", "link", "clock", "setting")

#: what a quirk can break -> what holds as long as no quirk breaks it
BREAKS: dict[str, str] = {
    "accepted_has_effect": "a remote start that was accepted leads to a transaction of its own",
    "attempts": "a message is offered as often as the settings say, and no more",
    "boot_once": "a station that was accepted does not ask for it again by itself",
    "composite_true": "a composite schedule is what the accepted charging profiles and the hardware allow",
    "configured_samples": "samples come when the settings say so and hold the measurands they name",
    "connector_asked": "what the CSMS triggers comes from the connector it asked for",
    "error_true": "an error code that is told is a problem that the station has",
    "every_call_answered": "every CALL of the CSMS gets an answer while the link is up",
    "every_fate": "a durable message ends with one fate on record",
    "frames": "every frame is JSON as OCPP-J says",
    "gets_in": "a sound CSMS is let talk, and dialled again soon after a link was lost",
    "handshake": "a connection is opened as RFC 6455 and OCPP-J say, under the station's own id",
    "limit_obeyed": "no more flows than the accepted charging profiles allow",
    "limit_used": "a car that wants energy gets some where the accepted charging profiles allow it",
    "list_whole": "an accepted local list is kept as a whole",
    "measurand_unit": "the unit of a sample fits its measurand",
    "message_ids": "no CALL has the message id of an earlier one",
    "no_callerror": "a valid CALL is not answered by a CALLERROR",
    "one_start": "an answered StartTransaction is not sent again",
    "own_transaction_id": "messages name only transaction ids the CSMS gave to this station",
    "phases": "a value is reported for the phase on which it was measured",
    "power_true": "a power that is told is the power that flows",
    "profile_accepted": "a charging profile that fits what the station says of itself is accepted",
    "plain_numbers": "a sampled value is a number and nothing else",
    "reads_back": "a setting reads as it is",
    "refusal_obeyed": "nothing flows to a session whose token the CSMS has refused",
    "register_never_falls": "the energy register of a connector never falls",
    "required_keys": "a list of all configuration keys holds those that every station must have",
    "sample_context": "a sample's context says why it was taken",
    "samples_in_session": "values that name a transaction come before its stop",
    "says_goodbye": "a station with power that gives up its connection says so to the other side",
    "schema": "messages obey their schema",
    "sessions_told": "a session is told by a start and a stop",
    "status_before_boot": "nothing but BootNotification is sent before it was accepted",
    "status_true": "a status that is told is the status of the connector",
    "stays_connected": "the station keeps a good link, and does not reboot by itself",
    "stays_usable": "a connector becomes Faulted only by a fault",
    "stop_reason": "a transaction ends because somebody or something ends it, and says what",
    "stoppable": "a running transaction can be stopped by the CSMS",
    "token": "a token is told as it was read",
    "token_asked": "a token that is presented at a free connector is asked about",
    "true_time": "time stamps of a synchronised station are true",
    "value_true": "voltages are those of the mains, offers what the limits allow, totals the sum of their phases",
}


class Quirk:
    """One documented behaviour of a product.

    Class attributes, set by the decorator: ``name`` as in the catalogue, ``summary`` (first line of the docstring),
    ``vendors``, ``sources`` (``owner/repo#N``: an issue or pull request; ``owner/repo@commit``; ``owner/repo:path``),
    ``breaks`` (words of :data:`BREAKS`), ``survive`` (what a CSMS must do). ``params`` maps a parameter to
    (default, smallest, largest), or to (default,) when it is no number; parameters are annotated in the class body.
    ``settings`` are those this quirk replaces, as texts. ``vendor_keys`` are configuration keys that come with it, as
    in a profile: name -> (value, writable). ``order``: higher ones come later at every seam. ``fixed_in``:
    the first firmware without it, or ``>`` and the last with it; after a simulated update to such a one it is gone
    (``core/release.py``). "" where no fix is known. ``hostile``: it sends what may harm a server that is not prepared;
    against somebody else's it needs permission (``fleet/target.py``).
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    vendors: ClassVar[tuple[str, ...]] = ()
    sources: ClassVar[tuple[str, ...]] = ()
    breaks: ClassVar[tuple[str, ...]] = ()
    survive: ClassVar[str] = ""
    params: ClassVar[dict[str, tuple[Any, ...]]] = {}
    settings: ClassVar[dict[str, str]] = {}
    vendor_keys: ClassVar[dict[str, tuple[str, bool]]] = {}
    order: ClassVar[int] = 0
    fixed_in: ClassVar[str] = ""
    hostile: ClassVar[bool] = False

    def __init__(self, **given: Any) -> None:
        for name, value in given.items():
            if name not in self.params:
                near = nearest(name, list(self.params))
                hint = f"; did you mean {near!r}?" if near else ""
                raise AuthorError(f"unknown parameter{hint}", field=f"{self.name}.{name}")
            self._check(name, value, self.params[name])
        for name, bounds in self.params.items():
            setattr(self, name, given.get(name, bounds[0]))

    def _check(self, name: str, value: Any, bounds: tuple[Any, ...]) -> None:
        kind = type(bounds[0])
        fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
        if not fits or isinstance(value, bool) != (kind is bool):
            raise AuthorError(f"{value!r} is not a {kind.__name__}", field=f"{self.name}.{name}")
        if len(bounds) == 3 and not bounds[1] <= value <= bounds[2]:
            raise AuthorError(f"{value} is not within {bounds[1]} to {bounds[2]}", field=f"{self.name}.{name}")
        if isinstance(value, str) and (reason := self.refuse_text(name, value)):
            raise AuthorError(reason, field=f"{self.name}.{name}")

    def refuse_text(self, name: str, value: str) -> str | None:
        """Why a text parameter cannot be used, or None; by default 50 characters are the most."""
        return None if len(value) <= 50 else "is longer than 50 characters"

    # -- the seams

    def boot(self, st: Station, payload: Any) -> Any:
        """Return the BootNotification payload, changed or not."""
        return payload

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Return the reading, changed or not, or None to suppress it."""
        return reading

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """None lets the request pass; else it was dealt with, and this is the outcome: ok, callerror or silent."""
        return None

    def read(self, st: Station, action: str, payload: Raw) -> Raw:
        """Return the payload of an answer of the CSMS to the station's own CALL, before it is held to the schema."""
        return payload

    def heard(self, st: Station, action: str, reply: Any) -> Any:
        """Return the answer of the CSMS to the station's own CALL, a struct, as the station takes it."""
        return reply

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Return the reply, changed or not; None leaves the request unanswered."""
        return reply

    def error(self, st: Station, action: str, error: CallErrorParts) -> CallErrorParts:
        """Return code, description and details of a CALLERROR, changed or not."""
        return error

    def report(self, st: Station, report: Report) -> Report | tuple[int, Report] | None:
        """Return the report, changed or not; None drops it; (until_us, report) holds it."""
        return report

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Return the rendered message, a struct or a plain dictionary with wire names; None drops it."""
        return payload

    def message_id(self, st: Station, number: int) -> str | None:
        """Return the id of CALL ``number`` of this boot, or None for the usual one."""
        return None

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Return how the next connection is opened; see ``Dial.manner``."""
        return dial

    def redial(self, st: Station, wait_us: int, was_up: bool) -> int | None:
        """Return how long the station waits before it dials again, None for never; ``was_up``: a link was lost."""
        return wait_us

    def farewell(self, st: Station, how: str) -> str:
        """Return how the station gives up a connection: ``close``, ``reset`` or ``vanish``."""
        return how

    def clock(self, st: Station, wall_us: int, stamp: Stamp) -> int:
        """Return the wall time a stamp is rendered as."""
        return wall_us

    def setting(self, st: Station, name: str, value: str) -> str:
        """Return the text a setting is reported with; ``name`` is the one the CSMS used."""
        return value

    # -- beside the seams

    def moment(self, st: Station, name: str, now: int) -> None:
        """The station's life has reached ``start``, ``link_up``, ``link_down``, ``accepted`` or ``callerror``: the CSMS
        has answered a CALL (``st.outbox.action``) by an error (``core/wiring.py``)."""

    def timer(self, st: Station, now: int) -> None:
        """The quirk's one timer, set through its port, is due."""

    def describe(self) -> dict[str, Any]:
        """Plain data about this quirk, with the values of its parameters."""
        return {**describe(type(self)), "params": {name: getattr(self, name) for name in self.params}}


Q = TypeVar("Q", bound=type[Quirk])

QUIRKS: Registry[type[Quirk]] = Registry("quirk")

#: code, description and details
CallErrorParts = tuple[str, str, Any]

_METHODS = {seam: (seam,) for seam in SEAMS} | {
    "request": ("request", "read", "heard"),
    "answer": ("answer", "error"),
    "link": ("message_id", "dial", "redial", "farewell"),
}


def quirk(name: str, **facts: Any) -> Callable[[Q], Q]:
    """Class decorator: register a quirk under its catalogue name; ``facts`` are the class attributes of `Quirk`."""

    def register(cls: Q) -> Q:
        cls.name = name
        cls.summary = (cls.__doc__ or "").strip().splitlines()[0]
        for fact, value in facts.items():
            assert fact in Quirk.__annotations__, f"quirk {name}: there is no fact {fact!r}"
            setattr(cls, fact, value)
        assert cls.summary and cls.sources, f"quirk {name} needs a docstring and a source"
        assert not cls.fixed_in or release(cls.fixed_in), f"quirk {name}: {cls.fixed_in!r} is no firmware version"
        # settings are data of a product, and data outlive an update
        assert not (cls.fixed_in and cls.settings), f"quirk {name} has a fix and settings, which would stay"
        assert set(cls.breaks) <= set(BREAKS), f"quirk {name} breaks what nobody knows: {cls.breaks}"
        QUIRKS.add(name, cls)
        return cls

    return register


def seams_of(cls: type[Quirk]) -> tuple[str, ...]:
    """The seams a quirk class hooks into."""
    return tuple(s for s in SEAMS if any(getattr(cls, m) is not getattr(Quirk, m) for m in _METHODS[s]))


def compile_quirks(wanted: list[tuple[str, dict[str, Any]]]) -> tuple[Seams, tuple[Quirk, ...]]:
    """Make the quirks of a profile; raises UnknownName or AuthorError for a wrong name or parameter.

    A quirk named twice counts once, with the parameters given last: a fleet may change those of the profile.
    """
    latest = dict(wanted)
    made = tuple(QUIRKS.get(name)(**params) for name, params in latest.items())
    placed = sorted(made, key=lambda q: q.order)
    return Seams(**{seam: tuple(q for q in placed if seam in seams_of(type(q))) for seam in SEAMS}), made


def category(module: str) -> str:
    """What the quirks of a module are listed under: its name up to the first underscore (``meter_form``: meter)."""
    return module.rpartition(".")[2].partition("_")[0]


def describe(cls: type[Quirk]) -> dict[str, Any]:
    """Plain data about a quirk class, for ``cpfarm quirks list --json``.

    ``params`` are the defaults, ``bounds`` the smallest and largest value where there are such.
    """
    return {
        "name": cls.name,
        "category": category(cls.__module__),
        "summary": cls.summary,
        "description": " ".join((cls.__doc__ or "").split()),
        "vendors": list(cls.vendors),
        "sources": list(cls.sources),
        "seams": list(seams_of(cls)),
        "listens": [name for name in ("moment", "timer") if getattr(cls, name) is not getattr(Quirk, name)],
        "breaks": list(cls.breaks),
        "survive": cls.survive,
        "fixed_in": cls.fixed_in,
        "hostile": cls.hostile,
        "params": {name: bounds[0] for name, bounds in cls.params.items()},
        "bounds": {name: list(bounds[1:]) for name, bounds in cls.params.items() if len(bounds) == 3},
        "settings": dict(cls.settings),
        "vendor_keys": {name: value for name, (value, _) in cls.vendor_keys.items()},
    }
