"""How long a scenario takes at least, as its own steps say.

In memory a week is a blink. On sockets it is a week divided by the speed, which is worth knowing before it begins. What
a CSMS or a car may make longer or shorter is not counted: it is a lower bound, of waits that are written down. One that
goes on until something happens has none worth the name; how long it takes a rehearsal in memory tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from simulator.scenario.schema import Scenario
from simulator.scenario.step import REFERENCE, Item, walk
from simulator.yamltypes import DurationUs, format_duration

_DURATION: TypeAdapter[int] = TypeAdapter(DurationUs)


def least_us(scenario: Scenario, version: str, variables: Mapping[str, Any] | None = None) -> int:
    """Microseconds of the stations' time that its steps take at least in a version."""
    return _Lengths(version, {**scenario.fields.variables, **(variables or {})}).all_of(scenario.steps)


def open_ended(scenario: Scenario, version: str, most_us: float, variables: Mapping[str, Any] | None = None) -> bool:
    """May it take longer than ``most_us`` although its waits do not say so, because something is awaited?"""
    lengths = _Lengths(version, {**scenario.fields.variables, **(variables or {})})
    for item, _ in walk(scenario.steps, ()):
        if not item.ocpp or version in item.ocpp:
            unknown = item.name == "repeat" and _unknown_times(item.body)
            if unknown or lengths.time(item.body, "within") > most_us:
                return True
    return False


def too_long(
    scenario: Scenario,
    version: str,
    speed: float,
    longest_us: int,
    variables: Mapping[str, Any],
    rehearsed_us: int = 0,
) -> str:
    """Why it is not run in real time, as a sentence with what helps; empty when it takes at most ``longest_us``.
    ``rehearsed_us``: what it took in memory, of one that is open-ended."""
    least = least_us(scenario, version, variables)
    takes_us = max(least, rehearsed_us)
    real_us = int(takes_us / speed)
    if real_us <= longest_us:
        return ""
    how = "at least" if takes_us == least else "about"
    enough = -(-takes_us // max(longest_us, 1))
    return (
        f"it takes {how} {_rough(takes_us)} of the stations' time, {_rough(real_us)} at speed {speed:g}; "
        f"add --speed {enough}, --longest {_rough(real_us + 60_000_000)}, or run it in memory"
    )


def _unknown_times(body: BaseModel) -> bool:
    """Does it depend on what happens how often these steps are done?"""
    return getattr(body, "until", None) is not None or not isinstance(getattr(body, "times", 1), int)


def _rough(us: int) -> str:
    """Whole hours of days, minutes of hours, or seconds of less."""
    unit = 3_600_000_000 if us >= 86_400_000_000 else 60_000_000 if us >= 600_000_000 else 1_000_000
    return format_duration(us // unit * unit)


class _Lengths:
    def __init__(self, version: str, variables: Mapping[str, Any]) -> None:
        self.version, self.variables = version, variables

    def all_of(self, items: Iterable[Item]) -> int:
        """One after the other."""
        return sum(self.one(item) for item in items)

    def one(self, item: Item) -> int:
        """One step."""
        if item.ocpp and self.version not in item.ocpp:
            return 0
        body = item.body
        inner = getattr(body, "steps", ())
        match item.name:
            case "wait":
                return self.time(body, "time")
            case "expect":
                return self.time(body, "within") if getattr(body, "never", ()) else 0
            case "drivers":
                return self.time(body, "lasting")
            case "parallel":
                return max((self.one(one) for one in inner), default=0)
            case "each":
                return len(getattr(body, "values", ())) * self.all_of(inner)
            case "repeat":
                return self._repeated(body, self.all_of(inner))
        return self.all_of(inner)

    def _repeated(self, body: BaseModel, once_us: int) -> int:
        if _unknown_times(body):
            return 0  # it may be over before it begins
        times = getattr(body, "times", 1)
        return once_us + (times - 1) * max(once_us, self.time(body, "every"))

    def time(self, body: BaseModel, name: str) -> int:
        """A duration, also one that a variable of the scenario holds."""
        value = getattr(body, name, None)
        if isinstance(value, str) and (found := REFERENCE.fullmatch(value.strip())):
            try:
                return _DURATION.validate_python(self.variables.get(found["long"] or found["short"]))
            except ValueError:
                return 0
        return value if isinstance(value, int) else 0
