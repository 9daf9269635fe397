"""Settings: one constant per setting, declared in the block that reads it, both protocol names on it.

``SETTINGS`` maps the name (``Component.Variable`` or ``Component.Variable[Instance]``) to the setting; dialects list
and write them by whichever name is theirs. A model holds one shared tuple of defaults, a station only a dict of what
differs, which lives on flash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from simulator.registry import Registry

Value = Any  # int | bool | str | float | tuple[str, ...]

#: numbers as they are written on the wire; Python's own readers also take "1_000" and the digits of other scripts
_WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
#: characters of a wrong text that are repeated
MAX_SHOWN = 60

READ_ONLY, READ_WRITE, WRITE_ONLY = "ReadOnly", "ReadWrite", "WriteOnly"


class Setting:
    """One setting. ``type``: int, bool, str, list (ordered or not, ``values`` are the members allowed), float.

    ``name`` is the 2.x name, or None where 2.x has no such variable; ``key16`` the 1.6 key or None. ``reboot``: a
    change takes effect after a reboot. ``feature``: it exists only on a product with this optional feature; ``when``:
    only on a product (a Model) for which this says so.
    ``max_items`` bounds a list, ``max_len`` a string. ``check`` may refuse a value with a reason of its own.
    """

    __slots__ = (
        "check",
        "component",
        "default",
        "description",
        "feature",
        "index",
        "instance",
        "key",
        "key16",
        "maximum",
        "max_items",
        "max_len",
        "minimum",
        "mutability",
        "mutability16",
        "name",
        "reboot",
        "required",
        "required16",
        "type",
        "unit",
        "values",
        "variable",
        "when",
    )

    def __init__(
        self,
        name: str | None,
        type_: str,
        default: Value,
        *,
        key16: str | None = None,
        mutability: str = READ_WRITE,
        mutability16: str | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        values: tuple[str, ...] = (),
        max_items: int | None = None,
        max_len: int | None = None,
        unit: str = "",
        reboot: bool = False,
        required: bool = False,
        required16: bool = False,
        check: Callable[[Value], str | None] | None = None,
        feature: str = "",
        when: Callable[[Any], bool] | None = None,
        description: str = "",
    ) -> None:
        assert name or key16
        assert type_ in ("int", "bool", "str", "list", "float")
        self.name, self.key16, self.type, self.default = name, key16, type_, default
        self.mutability, self.mutability16 = mutability, mutability16 or mutability
        self.minimum, self.maximum, self.values = minimum, maximum, values
        self.max_items, self.max_len, self.unit, self.reboot = max_items, max_len, unit, reboot
        self.required, self.required16, self.check, self.description = required, required16, check, description
        self.feature, self.when = feature, when
        self.component = self.variable = self.instance = ""
        if name:
            self.component, _, rest = name.partition(".")
            self.variable, _, instance = rest.partition("[")
            self.instance = instance.rstrip("]")
        self.key = name or f"*.{key16}"
        self.index = len(_ORDER)
        _ORDER.append(self)
        SETTINGS.add(self.key, self)
        if key16:
            KEYS.add(key16, self)

    def parse(self, text: str) -> Value:
        """The typed value of a wire string; raises ValueError with a reason a person understands."""
        if self.type == "bool":
            if text.lower() not in ("true", "false"):
                raise ValueError(f"{text!r} is not true or false")
            value: Value = text.lower() == "true"
        elif self.type == "int":
            if not _WHOLE.fullmatch(text.strip()):
                raise ValueError(f"{text[:MAX_SHOWN]!r} is not a whole number")
            value = int(text)
        elif self.type == "float":
            value = float(text) if _NUMBER.fullmatch(text.strip()) else float("inf")
            if value in (float("inf"), float("-inf")):
                raise ValueError(f"{text[:MAX_SHOWN]!r} is not a number")
        elif self.type == "list":
            value = tuple(part.strip() for part in text.split(",") if part.strip())
        else:
            value = text
        self.validate(value)
        return value

    def validate(self, value: Value) -> None:
        """Raise ValueError when ``value`` is out of the setting's bounds."""
        if self.type in ("int", "float"):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{value!r} is not a number")
            if self.minimum is not None and value < self.minimum:
                raise ValueError(f"{value} is below {self.minimum}")
            if self.maximum is not None and value > self.maximum:
                raise ValueError(f"{value} is above {self.maximum}")
        elif self.type == "bool":
            if not isinstance(value, bool):
                raise ValueError(f"{value!r} is not true or false")
        elif self.type == "list":
            if not isinstance(value, tuple):
                raise ValueError(f"{value!r} is not a list")
            if self.max_items is not None and len(value) > self.max_items:
                raise ValueError(f"{len(value)} items are more than {self.max_items}")
            for item in value:
                if self.values and item not in self.values:
                    raise ValueError(f"{item!r} is not one of {', '.join(self.values)}")
        else:
            if not isinstance(value, str):
                raise ValueError(f"{value!r} is not a text")
            if self.max_len is not None and len(value) > self.max_len:
                raise ValueError(f"longer than {self.max_len}")
            if self.values and value not in self.values:
                raise ValueError(f"{value!r} is not one of {', '.join(self.values)}")
        if self.check is not None:
            problem = self.check(value)
            if problem:
                raise ValueError(problem)

    def format(self, value: Value) -> str:
        """The wire string of a value."""
        if self.type == "bool":
            return "true" if value else "false"
        if self.type == "list":
            return ",".join(value)
        return str(value)

    def __repr__(self) -> str:
        return f"<setting {self.key}>"


_ORDER: list[Setting] = []
SETTINGS: Registry[Setting] = Registry("setting")
KEYS: Registry[Setting] = Registry("configuration key")

setting = Setting


def all_settings() -> tuple[Setting, ...]:
    """Every setting, in order of declaration."""
    return tuple(_ORDER)


def defaults() -> list[Value]:
    """A fresh list of default values, indexed by ``Setting.index``."""
    return [s.default for s in _ORDER]


class SettingsView:
    """What a station reads: the model's shared defaults under the station's own differences."""

    __slots__ = ("_shared", "overlay")

    def __init__(self, shared: tuple[Value, ...], overlay: dict[str, Value]) -> None:
        self._shared = shared
        self.overlay = overlay

    def __getitem__(self, wanted: Setting) -> Value:
        if self.overlay:
            value = self.overlay.get(wanted.key, _MISSING)
            if value is not _MISSING:
                return value
        return self._shared[wanted.index]


_MISSING = object()
