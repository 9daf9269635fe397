"""What a profile must obey beyond its schema: names that live in registries, and rules across fields.

Each check yields location and reason; `yamlfile.validate` turns them into lines that name file, line and field. Fleet
files use the checks of settings and quirks too, because a group may change both.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter
from typing import Any

from simulator.core.settings import Setting, Value
from simulator.errors import AuthorError, UnknownName
from simulator.profile.schema import Profile, Quirks
from simulator.registry import nearest
from simulator.yamlfile import Loc, field_path, hint

_PATTERN_FIELDS = ("firmware", "meter_type", "serial", "box_serial", "meter_serial", "iccid", "imsi")
#: longest texts of 1.6 BootNotification.req; 2.x allows more
_LIMITS_16 = {"vendor": 20, "model": 20, "firmware": 50, "meter_type": 25}


def check_profile(profile: Profile) -> Iterator[tuple[Loc, str]]:
    """Names that live in registries, and rules across fields; location and reason of each problem."""
    for index, version in enumerate(profile.versions):
        if version in profile.versions[:index]:
            yield ("versions", index), f"{version} stands twice"
    if "1.6" in profile.versions:
        for name, limit in _LIMITS_16.items():
            text = getattr(profile.identity, name)
            if text is not None and len(text) > limit:
                yield ("identity", name), f"is longer than {limit} characters, the most that 1.6 allows"
    for name in _PATTERN_FIELDS:
        pattern = getattr(profile.identity, name)
        if pattern is not None and (reason := pattern_problem(pattern, ("n", "id"))):
            yield ("identity", name), reason
    yield from check_settings(profile.settings, ("settings",))
    for key in ("read_only", "absent"):
        for index, name in enumerate(getattr(profile, key)):
            if reason := setting_problem(name):
                yield (key, index), reason
    for name in profile.settings:
        if name in profile.absent:
            yield ("settings", name), "is set here and listed under absent"
    actions = csms_actions()
    for index, action in enumerate(profile.not_offered):
        if action not in actions:
            yield ("not_offered", index), f"unknown action {action!r}{hint(action, actions)}"
    yield from check_quirks(profile.quirks, ("quirks",))
    quirk_names = {use.name for use in profile.quirks}
    paths = set(field_paths(profile))
    for path in profile.sources:
        if path not in paths and path not in quirk_names:
            near = hint(path, sorted(paths | quirk_names))
            yield ("sources", path), f"is neither a field of this profile nor one of its quirks{near}"


def pattern_problem(pattern: str, names: tuple[str, ...]) -> str | None:
    """What is wrong with a text pattern that may use ``{name}`` of ``names``; None when it is fine."""
    try:
        for _, field, spec, conversion in Formatter().parse(pattern):
            if field is None:
                continue
            if field not in names or conversion:
                return f"{{{field}}} is not one of {', '.join('{' + name + '}' for name in names)}"
            if spec and (field != "n" or not spec.removesuffix("d").isdigit() or len(spec) > 3):
                return f"{{{field}:{spec}}} is not a width such as {{n:05d}}"
    except ValueError as exc:
        return f"is not a valid pattern: {exc}"
    return None


def setting_problem(name: str) -> str | None:
    """None when ``name`` is a setting by its 2.x name or its 1.6 key, else the reason with the nearest name."""
    try:
        find_setting(name)
    except UnknownName as exc:
        return str(exc)
    return None


def find_setting(name: str) -> Setting:
    """The setting called ``name`` (2.x name or 1.6 key); raises UnknownName with the nearest of both."""
    import simulator.dialects  # noqa: F401 - declares every setting
    from simulator.core.settings import KEYS, SETTINGS

    if name in SETTINGS:
        return SETTINGS.get(name)
    if name in KEYS:
        return KEYS.get(name)
    raise UnknownName("setting", name, nearest(name, [*SETTINGS, *KEYS]))


def setting_value(name: str, value: Any) -> Value:
    """``value`` as the setting stores it; ValueError with a reason when the setting refuses it."""
    setting = find_setting(name)
    if setting.type == "list":
        if isinstance(value, str):
            return setting.parse(value)
        if isinstance(value, list | tuple):
            value = tuple(value)
            if not all(isinstance(item, str) for item in value):
                raise ValueError("must be a list of texts")
    elif setting.type == "int" and isinstance(value, float):
        raise ValueError(f"{value!r} is not a whole number")
    elif setting.type == "str" and isinstance(value, int | float):
        raise ValueError("must be a text; put quotes around it")
    setting.validate(value)
    return value


def check_settings(settings: dict[str, Any], loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Unknown settings, values out of bounds, and one setting under both of its names."""
    seen: dict[Any, str] = {}
    for name, value in settings.items():
        try:
            setting_value(name, value)
        except (UnknownName, ValueError) as exc:
            yield (*loc, name), str(exc)
            continue
        other = seen.setdefault(find_setting(name), name)
        if other != name:
            yield (*loc, name), f"is the same setting as {other}"


def check_quirks(uses: Quirks, loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Unknown quirks and parameters that the quirk refuses."""
    from simulator.quirks import QUIRKS

    seen: set[str] = set()
    for index, use in enumerate(uses):
        where = (*loc, index)
        if use.name in seen:
            yield where, f"the quirk {use.name!r} stands twice"
        seen.add(use.name)
        try:
            QUIRKS.get(use.name)(**use.params)
        except UnknownName as exc:
            yield where, str(exc)
        except AuthorError as exc:
            # The quirk says "name.parameter"; here the parameter stands beside the name.
            parameter = (exc.field or "").removeprefix(f"{use.name}.")
            inner = (*where, parameter) if parameter in use.params else where
            yield inner, str(exc).removeprefix(f"{exc.field}: ")


def csms_actions() -> list[str]:
    """Every request that some version knows; a profile may say that its product does not offer it."""
    from simulator.ocpp2x import messages_21, messages_201
    from simulator.ocpp16 import messages

    return sorted({action for module in (messages, messages_201, messages_21) for action in module.REQUESTS})


def field_paths(profile: Profile) -> Iterator[str]:
    """The path of every field that a profile has, parts included: ``hardware``, ``hardware.meter``, ..."""

    def walk(value: Any, loc: Loc) -> Iterator[str]:
        if loc:
            yield field_path(loc)
        if isinstance(value, dict):
            for key, item in value.items():
                yield from walk(item, (*loc, key))
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from walk(item, (*loc, index))

    data = profile.model_dump(by_alias=True, exclude={"extends", "evidence", "sources"})
    data["quirks"] = [use.name for use in profile.quirks]
    yield from walk(data, ())
