"""What a fleet file may say: groups of stations, how they come up, what breaks when, and how it ends.

The command line says the same things for a quick try and wins over the file. An option of a group (`count`,
`charging`, ...) given on the command line holds for every group; `count` then is the size of the whole fleet, and the
groups keep their proportions. Both are merged first and validated together, so there is one set of rules and one kind
of error, and without a file the command line alone is a fleet.

`plan.py` turns a valid fleet into the list of its stations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from simulator.errors import AuthorError, FleetError, ProfileError, TargetError, UnknownName
from simulator.fleet.target import Target, load_target, make_target
from simulator.fleet.target_file import TargetFile
from simulator.profile.checks import check_quirks, check_settings, pattern_problem
from simulator.profile.load import deal, find_profile, load_profile
from simulator.profile.schema import Quirks, Version
from simulator.world.driver import HABITS, Habit, steady
from simulator.yamlfile import Closed, Document, Loc, Place, hint, load, validate
from simulator.yamltypes import DurationUs, Share, Texts

#: connections per second when the fleet does not say: all of it in this time, but no more than the limit
DEFAULT_RAMP_S = 30
DEFAULT_RATE_LIMIT = 200.0
#: the mean length of the sessions of `charging`
DEFAULT_SESSION_US = 20 * 60_000_000
COMMAND_LINE: Place = ("command line", 0)
_MAX_STATIONS = 100_000


class Group(Closed):
    """Stations of one kind; ``*`` in ``profile`` deals all profiles that fit, in all their versions, in turn.

    ``id`` is a pattern (``BERLIN-{n:05d}``, ``{prefix}``); ``stations`` a CSV file instead. ``charging`` keeps a share
    of the connectors in transactions of about ``session``; ``habit`` has drivers come and go instead. ``settings`` and
    ``quirks`` are added to the profile's; ``free``: charging needs no token. ``site``: the grid connection they share,
    or with ``{n}`` in it several, of ``site_size`` stations each.
    """

    name: str | None = Field(default=None, min_length=1, max_length=60)
    profile: str = "generic/ac-single"
    count: int | None = Field(default=None, ge=1, le=_MAX_STATIONS)
    version: Version | None = None
    id: str | None = None
    stations: str | None = None
    charging: Share | None = None
    session_us: DurationUs | None = Field(default=None, alias="session")
    meter_interval_us: DurationUs | None = Field(default=None, alias="meter_interval", ge=1_000_000)
    habit: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict, max_length=500)
    quirks: Quirks = Field(default=(), max_length=64)
    site: str | None = Field(default=None, min_length=1, max_length=60)
    site_size: int | None = Field(default=None, ge=1, le=_MAX_STATIONS)
    free: bool | None = None


class FaultTarget(Closed):
    """Which stations a fault befalls: all, or of one ``group``, and of these a ``share``, a ``count``, or ``ids``.

    ``site`` (``*`` stands for anything): whole sites, share and count are of sites then.
    """

    group: str | None = None
    site: str | None = None
    share: Share | None = None
    count: int | None = Field(default=None, ge=1)
    ids: Texts = ()


class FaultLine(Closed):
    """One line of the timetable; times count from the moment from which ``duration`` counts.

    ``for``: how long (without it, to the end); ``every``: again and again, stations drawn anew each time;
    ``probability``: of each chosen station or site, each time; ``correlated``: one lot for all of them. ``evse`` 0
    means the station or each EVSE its part has. ``cause`` goes on record with it.
    """

    fault: str
    at_us: DurationUs = Field(default=0, alias="at")
    for_us: DurationUs | None = Field(default=None, alias="for", gt=0)
    every_us: DurationUs | None = Field(default=None, alias="every", ge=100_000)
    probability: Share = 1.0
    target: FaultTarget = FaultTarget()
    correlated: bool = False
    cause: str | None = Field(default=None, max_length=200)
    evse: int = Field(default=0, ge=0, le=64)
    params: dict[str, Any] = Field(default_factory=dict)


class Ramp(Closed):
    """How fast stations connect: ``rate`` of them a second, or all of them ``over`` a time."""

    rate: float | None = Field(default=None, gt=0, le=10_000)
    over_us: DurationUs | None = Field(default=None, alias="over")


class FleetFile(Closed):
    """A whole fleet file."""

    name: str = Field(default="fleet", min_length=1, max_length=100)
    seed: int = Field(default=1, ge=0, lt=1 << 63)
    #: a file, or the keys of one; ``fleet_of`` validates it, because a target has its own kind of error
    target: Any = None
    groups: tuple[Group, ...] = Field(default=(Group(),), min_length=1, max_length=200)
    ramp: Ramp = Ramp()
    duration_us: DurationUs | None = Field(default=None, alias="duration", gt=0)
    faults: tuple[FaultLine, ...] = Field(default=(), max_length=1_000)
    speed: float = Field(default=1.0, gt=0, le=1_000)
    at_end: Literal["finish", "disconnect", "power-cut"] = "finish"
    expect: Literal["default", "none"] = "default"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A valid fleet: its fields, where they were written, and the target if the fleet names one."""

    fields: FleetFile
    document: Document
    base_dir: Path
    target: Target | None
    profile_dir: Path | None


def load_fleet(
    path: Path | str | None,
    overrides: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str],
    profile_dir: Path | str | None = None,
) -> Fleet:
    """The fleet in a file with ``overrides`` over it, or of ``overrides`` alone when ``path`` is None.

    ``overrides`` has the keys of a fleet file and of a group (see the module's text). Raises FleetError, TargetError or
    ProfileError, one line for each problem.
    """
    if path is None:
        document, base_dir = Document({}, COMMAND_LINE[0], {}), Path.cwd()
    else:
        document, base_dir = load(path, FleetError), Path(path).resolve().parent
    document = overlay(document, overrides or {})
    folder = None if profile_dir is None else Path(profile_dir)
    return fleet_of(document, base_dir, environ=environ, profile_dir=folder)


def fleet_of(
    document: Document, base_dir: Path, *, environ: Mapping[str, str], profile_dir: Path | None = None
) -> Fleet:
    """The fleet that ``document`` describes; paths in it start at ``base_dir``. Raises as :func:`load_fleet`."""

    def checks(fields: FleetFile) -> Iterator[tuple[Loc, str]]:
        return check_fleet(fields, base_dir, profile_dir)

    fields = validate(document, FleetFile, FleetError, checks)
    return Fleet(fields, document, base_dir, _target(fields, document, base_dir, environ), profile_dir)


def _target(fields: FleetFile, document: Document, base_dir: Path, environ: Mapping[str, str]) -> Target | None:
    wanted = fields.target
    if wanted is None:
        return None
    if isinstance(wanted, str):
        return load_target(base_dir / wanted, environ)
    if isinstance(wanted, dict):
        return make_target(document.part("target"), environ, base_dir=base_dir)
    raise document.problem(("target",), "must be the name of a target file, or the keys of one", TargetError)


# --- command line over file ------------------------------------------------------------------------------------------

_GROUP_KEYS = {info.alias or name for name, info in Group.model_fields.items()} - {"name"}
_FLEET_KEYS = {info.alias or name for name, info in FleetFile.model_fields.items()} - {"groups"}


def overlay(document: Document, overrides: Mapping[str, Any]) -> Document:
    """``document`` with the command line's keys over it; raises FleetError for a key that neither part has."""
    data, places = dict(document.data), dict(document.places)
    for key, value in overrides.items():
        if key not in _FLEET_KEYS | _GROUP_KEYS:
            raise FleetError("unknown key" + hint(key, _FLEET_KEYS | _GROUP_KEYS), file=COMMAND_LINE[0], field=key)
        if key in _FLEET_KEYS:
            _set(data, places, (), key, value)
    group_overrides = {key: value for key, value in overrides.items() if key in _GROUP_KEYS}
    groups = data.get("groups", [{}])
    if group_overrides and isinstance(groups, list) and all(isinstance(group, dict) for group in groups):
        data["groups"] = groups = [dict(group) for group in groups]
        counts = _counts(groups, group_overrides.pop("count", None))
        for index, group in enumerate(groups):
            if counts:
                _set(group, places, ("groups", index), "count", counts[index])
            for key, value in group_overrides.items():
                if key == "charging":
                    group.pop("habit", None)
                elif key == "habit":
                    group.pop("charging", None)
                elif key == "id":
                    group.pop("stations", None)
                if key == "quirks":
                    value = [*group.get("quirks", ()), *([value] if isinstance(value, str) else value)]
                _set(group, places, ("groups", index), key, value)
    return Document(data, document.path, places)


def _set(data: dict[str, Any], places: dict[Loc, Place], loc: Loc, key: str, value: Any) -> None:
    # Maps are merged, except a target: half of one CSMS and half of another is no CSMS.
    old = data.get(key)
    if isinstance(old, dict) and isinstance(value, dict) and key == "settings":
        data[key] = {**old, **value}
        places.update({(*loc, key, inner): COMMAND_LINE for inner in value})
        return
    data[key] = value
    for known in [known for known in places if known[: len(loc) + 1] == (*loc, key)]:
        del places[known]
    places[(*loc, key)] = COMMAND_LINE


def _counts(groups: list[dict[str, Any]], total: Any) -> list[Any]:
    """The size of each group so that all are ``total`` and proportions stay (largest remainders)."""
    if total is None:
        return []
    if len(groups) == 1 or isinstance(total, bool) or not isinstance(total, int):
        return [total] * len(groups)
    sizes = [group.get("count", 1) for group in groups]
    if any("stations" in group for group in groups) or not all(type(size) is int and size > 0 for size in sizes):
        reason = "can only be shared out among groups that have a count of their own"
        raise FleetError(reason, file=COMMAND_LINE[0], field="count")
    if total < len(groups):
        raise FleetError(f"must be at least {len(groups)}, one for each group", file=COMMAND_LINE[0], field="count")
    # One for each group first, so that none disappears; the rest by proportion.
    rest, weight = total - len(groups), sum(sizes)
    shares = [1 + rest * size // weight for size in sizes]
    by_remainder = sorted(range(len(groups)), key=lambda i: (-(rest * sizes[i] % weight), i))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


# --- what pydantic cannot see ----------------------------------------------------------------------------------------


def check_fleet(fields: FleetFile, base_dir: Path, profile_dir: Path | None = None) -> Iterator[tuple[Loc, str]]:
    """Names that live in registries, and rules across fields; location and reason of each problem."""
    if fields.ramp.rate is not None and fields.ramp.over_us is not None:
        yield ("ramp",), "rate and over exclude each other"
    names: set[str] = set()
    for index, group in enumerate(fields.groups):
        name = group_name(group, index)
        if name in names:
            yield ("groups", index, "name"), f"{name} is the name of another group"
        names.add(name)
        yield from _check_group(group, ("groups", index), base_dir, profile_dir)
    for index, line in enumerate(fields.faults):
        yield from _check_fault(line, ("faults", index), names)


def group_name(group: Group, index: int) -> str:
    """What a group is called; one without a name has a number from 1."""
    return group.name or f"group-{index + 1}"


def _check_group(group: Group, loc: Loc, base_dir: Path, profile_dir: Path | None) -> Iterator[tuple[Loc, str]]:
    yield from check_settings(group.settings, (*loc, "settings"))
    yield from check_quirks(group.quirks, (*loc, "quirks"))
    yield from _check_profile(group, loc, base_dir, profile_dir)
    if group.stations is not None and group.id is not None:
        yield (*loc, "id"), "id and stations exclude each other"
    if group.id is not None:
        if reason := pattern_problem(group.id, ("n", "prefix")):
            yield (*loc, "id"), reason
        elif (group.count or 1) > 1 and "{n" not in group.id:
            yield (*loc, "id"), f"must hold {{n}} or {{n:05d}}, because there are {group.count} stations"
    if group.habit is not None and group.charging is not None:
        yield (*loc, "habit"), "habit and charging exclude each other"
    elif group.session_us is not None and group.charging is None:
        yield (*loc, "session"), "needs charging; a habit has its own times"
    else:
        try:
            habit_of(group)
        except UnknownName as exc:
            yield (*loc, "habit"), str(exc)
        except AuthorError as exc:
            yield (*loc, str(exc.field)), str(exc).removeprefix(f"{exc.field}: ")
    if group.site is not None and (reason := pattern_problem(group.site, ("n",))):
        yield (*loc, "site"), reason
    elif group.site_size is not None and "{n" not in (group.site or ""):
        yield (*loc, "site_size"), "needs a site with {n} in its name, of which there are several"
    if group.meter_interval_us is not None and group.meter_interval_us % 1_000_000:
        yield (*loc, "meter_interval"), "must be a whole number of seconds"


def habit_of(group: Group) -> Habit | None:
    """What drivers do at a group's stations; None when nobody comes. Raises UnknownName or AuthorError."""
    if group.habit is not None:
        return HABITS.get(group.habit)
    if not group.charging:
        return None
    return steady(group.charging, (group.session_us or DEFAULT_SESSION_US) / 1_000_000)


def _check_profile(group: Group, loc: Loc, base_dir: Path, profile_dir: Path | None) -> Iterator[tuple[Loc, str]]:
    if "*" in group.profile:
        if not deal(group.profile, group.version, profile_dir):
            yield (
                (*loc, "profile"),
                f"no profile fits {group.profile}" + (f" in {group.version}" if group.version else ""),
            )
        return
    try:
        name = profile_name(group.profile, base_dir)
        find_profile(name, profile_dir)
    except ProfileError as exc:
        yield (*loc, "profile"), str(exc)
        return
    # Mistakes inside the profile are not the fleet's: they leave as they are, with the profile's file and line.
    profile = load_profile(name, profile_dir).profile
    if group.version is not None and group.version not in profile.versions:
        yield (*loc, "version"), f"{group.profile} speaks {', '.join(profile.versions)}, not {group.version}"


def profile_name(name: str, base_dir: Path) -> str:
    """A profile's path is meant from the folder of the fleet file; a name stays a name."""
    return str(base_dir / name) if name.endswith((".yaml", ".yml")) else name


def _check_fault(line: FaultLine, loc: Loc, groups: Iterable[str]) -> Iterator[tuple[Loc, str]]:
    from simulator.fleet.fault_params import check_fault  # not before it is needed: it imports every message

    try:
        check_fault(line.fault, line.params)
    except UnknownName as exc:
        yield (*loc, "fault"), str(exc)
    except AuthorError as exc:
        inner = (*loc, "params", exc.field) if exc.field in line.params else (*loc, "params")
        yield inner, str(exc).removeprefix(f"{exc.field}: ")
    if line.every_us is not None and (line.for_us is None or line.for_us >= line.every_us):
        yield (*loc, "every"), "needs a shorter `for`: a fault must end before it begins again"
    target = line.target
    if sum((target.share is not None, target.count is not None, bool(target.ids))) > 1:
        yield (*loc, "target"), "share, count and ids exclude each other"
    if target.group is not None:
        if target.group not in groups:
            yield (*loc, "target", "group"), f"unknown group {target.group!r}{hint(target.group, groups)}"
        if target.ids:
            yield (*loc, "target"), "group and ids exclude each other"
    if target.site is not None and target.ids:
        yield (*loc, "target"), "site and ids exclude each other"


def schema_json() -> dict[str, Any]:
    """The JSON schema of a fleet file, for editors."""
    from simulator.profile.schema import schema_json as profile_schema

    schema = FleetFile.model_json_schema(by_alias=True)
    target = TargetFile.model_json_schema(by_alias=True)
    definitions = {**target.pop("$defs", {}), **schema.get("$defs", {}), "TargetFile": target}
    schema["properties"]["target"] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/TargetFile"}]}
    definitions["QuirkUse"] = profile_schema()["$defs"]["QuirkUse"]
    return {**schema, "$defs": definitions, "title": "cpfarm fleet"}
