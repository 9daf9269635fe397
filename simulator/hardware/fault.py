"""What a hardware fault is: a named class that wraps one port of one part.

A part (meter, lock, modem ...) offers ports: ``Meter.sample``, ``Lock.drive``, ``Flash.write``. A fault sits between
the port and its caller and changes what passes; the part itself knows nothing about being broken. Several faults on one
part form a chain, sorted by ``layer`` (inside the part first, the wire to it last) and then by age.

A fault class declares its parameters as annotated fields whose ``Meta`` carries a description; every other field is
memory of the running fault. Its docstring's first line is the summary that lists show.

When, how likely and how long a fault acts is not its business: whoever injects and clears it decides that. Faults that
come and go by themselves (flapping, bouncing) and faults that draw lots are pure functions of their ``seed`` and of the
time, so that asking twice, or more often, changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Generic, Self, TypeVar

import msgspec
from msgspec.inspect import BoolType, FloatType, IntType, LiteralType, Metadata, StrType, type_info

from simulator.core.rng import draw
from simulator.errors import AuthorError
from simulator.registry import Registry, nearest

#: What a problem is about, in neutral words; a dialect knows its own. These are the meanings of the error codes that
#: the older protocol has (1.6 section 7.6), without "no error".
CODES: dict[str, str] = {
    "lock_failure": "the connector could not be locked or unlocked",
    "ev_communication": "the signalling with the car failed",
    "ground_failure": "the residual current device has tripped",
    "high_temperature": "too hot inside",
    "internal_error": "an internal part or program failed",
    "list_conflict": "the CSMS and the local authorization list disagree",
    "other_error": "something else; the info says what",
    "over_current": "the over-current protection has tripped",
    "over_voltage": "the voltage is above what is acceptable",
    "meter_failure": "the meter cannot be read",
    "power_switch_failure": "the contactor does not do what it is told",
    "reader_failure": "the token reader failed",
    "reset_failure": "a reset could not be done",
    "under_voltage": "the voltage is below what is acceptable",
    "weak_signal": "the wireless link is weak",
}

_UNITS = {"s": "s", "ms": "ms", "min": "min", "wh": "Wh", "bytes": "bytes", "ppm": "ppm", "permille": "permille"}
_UNITS |= {"dbm": "dBm", "share": "share", "jitter": "share", "to": "share"}
_UNITS |= {"mohm": "mOhm", "c": "Celsius", "day": "a day", "days": "days"}
_SECOND_US = 1_000_000


class Problem(msgspec.Struct, frozen=True, gc=False):
    """Something a station knows to be wrong with itself.

    ``component`` is a component name of the 2.x appendices, ``evse_id`` 0 the station as a whole, ``code`` a word of
    :data:`CODES`. ``blocks``: no energy can be delivered there, so the connector is Faulted. ``info`` is at most 50
    characters.
    """

    component: str
    evse_id: int
    code: str
    blocks: bool
    info: str = ""


class Pulse(msgspec.Struct, gc=False, eq=False):
    """Counts every change on one board; its parts share it."""

    version: int = 0

    def beat(self) -> None:
        """Something changed."""
        self.version += 1


class Fault(msgspec.Struct, kw_only=True, eq=False):
    """Base of all faults; subclasses are registered by :func:`fault`."""

    name: ClassVar[str] = ""
    part: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    #: the 2.x component that reports it
    component: ClassVar[str] = ""
    #: a word of CODES, or None when the station itself notices nothing
    code: ClassVar[str | None] = None
    blocks: ClassVar[bool] = False
    #: free text of the problem, at most 50 characters
    info: ClassVar[str] = ""
    #: what a CSMS sees, in the older and in the newer protocol
    wire16: ClassVar[str] = ""
    wire2x: ClassVar[str] = ""
    #: what a sound CSMS does about it, where that is not plain; with its source
    sound_csms: ClassVar[str] = ""
    #: place in the chain: 0 inside the part, 1 its conversion, 2 the wire to it
    layer: ClassVar[int] = 0
    #: changes by itself: the board asks next_change()
    moves: ClassVar[bool] = False
    #: keeps the contactors of its EVSE open
    opens: ClassVar[bool] = False
    #: cannot be given to a single EVSE
    station_wide: ClassVar[bool] = False

    seed: int = 0
    since: int = 0
    evse_id: int = 0
    #: the station has found out; stays true until the fault is cleared
    noticed: bool = False

    def begin(self, part: Any, now: int) -> None:
        """The fault takes hold of ``part``; called before it joins the chain."""

    def end(self, part: Any, now: int) -> None:
        """The fault lets go; called while it is still in the chain."""

    def evident(self) -> bool:
        """Does the station know of it?"""
        return self.code is not None

    def blocking(self, part: Any) -> bool:
        """Does it make the connector unusable?"""
        return self.blocks

    def text(self) -> str:
        """The ``info`` of the problem."""
        return self.info

    def next_change(self, now: int) -> int | None:
        """When it changes by itself after ``now`` (microseconds), or None."""
        return None

    def age(self, part: Any, now: int) -> bool:
        """It is a little worse than before; asked when ``next_change`` was due. True when the station comes to know."""
        return False

    def lot(self, what: str, number: int) -> float:
        """A float in [0, 1) that depends on this fault's seed, on ``what`` and on ``number`` only."""
        return (draw(self.seed, what, number) >> 11) * (1.0 / (1 << 53))

    def duty(self, on_s: float, off_s: float, jitter: float, now: int) -> tuple[bool, int]:
        """A cycle of ``off_s`` then ``on_s`` since the fault began: (is it on, when does that change next).

        ``jitter`` is the share by which the moment of switching on moves; cycles themselves stay equally long.
        """
        period = int((on_s + off_s) * _SECOND_US)
        cycle = (now - self.since) // period
        start = self.since + cycle * period
        off = int(off_s * _SECOND_US * (1.0 + jitter * (2.0 * self.lot("duty", cycle) - 1.0)))
        turn = start + min(max(off, 1), period - 1)
        return (False, turn) if now < turn else (True, start + period)

    def params(self) -> dict[str, Any]:
        """The parameters this fault runs with."""
        return {name: getattr(self, name) for name in _params_of(type(self))}

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """A fault with ``params`` (the rest has defaults).

        Raises :class:`AuthorError` whose ``field`` is the parameter: unknown name (with the nearest valid one), wrong
        type, out of bounds.
        """
        known = _params_of(cls)
        values: dict[str, Any] = {}
        for name, value in params.items():
            if name not in known:
                near = nearest(str(name), list(known))
                takes = ", ".join(known) or "no parameters"
                hint = f"; did you mean {near!r}?" if near else f"; it takes {takes}"
                raise AuthorError(f"{cls.name} has no such parameter{hint}", field=str(name))
            values[name] = _convert(cls, name, value, known[name])
        return cls(**values)

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """Everything a list of faults shows; plain data."""
        return {
            "name": cls.name,
            "part": cls.part,
            "summary": cls.summary,
            "component": cls.component,
            "code": cls.code,
            "blocks": cls.blocks,
            "params": [_describe(name, field) for name, field in _params_of(cls).items()],
            "wire16": cls.wire16,
            "wire2x": cls.wire2x,
            "sound_csms": cls.sound_csms,
        }


FAULTS: Registry[type[Fault]] = Registry("fault")

C = TypeVar("C", bound=type[Fault])
F = TypeVar("F", bound=Fault)


def fault(name: str) -> Callable[[C], C]:
    """Register a fault class as ``part.what``; the docstring's first line becomes its summary."""

    def register(cls: C) -> C:
        assert cls.__doc__ and cls.component and cls.wire16 and cls.wire2x, f"{name} is not fully described"
        assert cls.code is None or cls.code in CODES, f"{name}: unknown code {cls.code!r}"
        cls.name, cls.part = name, name.partition(".")[0]
        cls.summary = cls.__doc__.strip().splitlines()[0]
        FAULTS.add(name, cls)
        return cls

    return register


class Part(msgspec.Struct, Generic[F], gc=False, eq=False):
    """Base of all parts: the chain of faults, and the pulse that says something changed.

    Parts hold no reference back to the board, so they need no garbage collector.
    """

    pulse: Pulse
    faults: tuple[F, ...] = ()

    def attach(self, fault: F, now: int) -> None:
        """``fault`` joins the chain."""
        fault.begin(self, now)
        self.faults = tuple(sorted((*self.faults, fault), key=lambda f: f.layer))
        self.refresh(now)
        self.pulse.beat()

    def detach(self, fault: F, now: int) -> None:
        """``fault`` leaves the chain."""
        fault.end(self, now)
        self.faults = tuple(f for f in self.faults if f is not fault)
        self.refresh(now)
        self.pulse.beat()

    def refresh(self, now: int) -> None:
        """Bring stored port states up to date with ``now`` and the chain."""

    def notice(self, fault: Fault) -> None:
        """The station finds out about ``fault``."""
        if not fault.noticed:
            fault.noticed = True
            self.pulse.beat()


_Field = tuple[msgspec.inspect.Type, Any, str, Any]  # type, default, description, the annotation itself
_params_cache: dict[type[Fault], dict[str, _Field]] = {}  # one entry per fault class


def _params_of(cls: type[Fault]) -> dict[str, _Field]:
    found = _params_cache.get(cls)
    if found is None:
        found = _params_cache[cls] = {}
        annotations = {f.name: f.type for f in msgspec.structs.fields(cls)}
        info = type_info(cls)
        assert isinstance(info, msgspec.inspect.StructType)
        for field in info.fields:
            if isinstance(field.type, Metadata) and field.type.extra_json_schema:
                text = field.type.extra_json_schema.get("description", "")
                found[field.name] = (field.type.type, field.default, text, annotations[field.name])
    return found


def _convert(cls: type[Fault], name: str, value: Any, field: _Field) -> Any:
    kind, _, _, annotation = field
    if isinstance(value, float) and not math.isfinite(value):
        raise AuthorError(f"{cls.name} needs a finite number, not {value!r}", field=name)
    if isinstance(kind, LiteralType) and value not in kind.values:
        near = get_close_matches(str(value), [str(v) for v in kind.values], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AuthorError(f"{cls.name} takes {_choices(kind)}, not {value!r}{hint}", field=name)
    try:
        return msgspec.convert(value, annotation)
    except msgspec.ValidationError:
        raise AuthorError(f"{cls.name} takes {_wanted(kind)}, not {value!r}", field=name) from None


def _choices(kind: LiteralType) -> str:
    return " or ".join(sorted(repr(v) for v in kind.values))


def _wanted(kind: msgspec.inspect.Type) -> str:
    if isinstance(kind, FloatType | IntType):
        what = "a whole number" if isinstance(kind, IntType) else "a number"
        return f"{what} from {kind.ge:g} to {kind.le:g}" if kind.ge is not None and kind.le is not None else what
    return "true or false" if isinstance(kind, BoolType) else "text"


def _describe(name: str, field: _Field) -> dict[str, Any]:
    kind, default, text, _ = field
    words: dict[type, str] = {BoolType: "boolean", IntType: "integer", FloatType: "number", StrType: "text"}
    about: dict[str, Any] = {
        "name": name,
        "type": words.get(type(kind), "choice"),
        "default": default,
        "unit": _UNITS.get(name.rpartition("_")[2]),
        "text": text,
    }
    if isinstance(kind, LiteralType):
        about["choices"] = sorted(kind.values, key=repr)
    if isinstance(kind, FloatType | IntType):
        about["minimum"], about["maximum"] = kind.ge, kind.le
    return about
