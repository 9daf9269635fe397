"""From a fleet to its stations: everything decided before the first connection, from one seed.

Resolving draws nothing from the machine or the clock: the same file, options, host name and seed give the same plan. A
station's own seed comes from the run's seed and its id, so adding stations or groups changes nothing about the others.
Which stations a fault befalls, and whether it does, are draws of those seeds; taking the stations with the lowest draws
means that a larger share includes the smaller one. (Drivers draw their visits later, from the same seeds.)

The timetable of faults may go on for ever (`every` without an end), so it is an iterator in order of time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pydantic import SecretStr

from simulator.core.model import Model
from simulator.core.rng import seed_of
from simulator.errors import FleetError, ProfileError
from simulator.fleet.identity import MAX_STATIONS, StationRow, default_prefix, fill, id_problem, read_stations
from simulator.fleet.schema import (
    DEFAULT_RAMP_S,
    DEFAULT_RATE_LIMIT,
    FaultLine,
    Fleet,
    Group,
    fleet_of,
    group_name,
    habit_of,
    load_fleet,
    overlay,
    profile_name,
)
from simulator.fleet.target import Target
from simulator.fleet.timetable import StationFault, eligible, occurrences
from simulator.profile.compiled import compile_profile
from simulator.profile.load import LoadedProfile, deal, load_profile
from simulator.world.driver import Habit
from simulator.world.site import Place, Sites, matching
from simulator.yamlfile import Loc, hint

__all__ = ["FleetPlan", "FleetRow", "StationFault", "StationPlan", "load_fleet", "resolve"]


@dataclass(frozen=True, slots=True)
class StationPlan:
    """One station. ``index`` counts from 0 through the fleet, ``number`` (for serial numbers) from 1.

    ``habit`` is None for a station that no driver visits; stations of a group share the object. ``password``, ``cert``
    and ``key`` (paths) are the station's own, from a stations file. ``place``: where it stands, if there are sites.
    """

    id: str
    index: int
    seed: int
    group: str
    profile: str
    version: str
    model: Model
    serial: str | None
    password: SecretStr | None = None
    cert: str | None = None
    key: str | None = None
    habit: Habit | None = None
    place: Place | None = None

    @property
    def number(self) -> int:
        """The station's number in the fleet, from 1."""
        return self.index + 1


@dataclass(frozen=True, slots=True)
class FleetRow:
    """What ``fleet list`` shows of a station."""

    id: str
    profile: str
    version: str
    group: str
    has_password: bool


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Everything about a run that is known before it. Times are microseconds, ``connect_rate`` stations a second."""

    name: str
    seed: int
    stations: tuple[StationPlan, ...]
    target: Target | None
    connect_rate: float
    duration_us: int | None
    speed: float
    at_end: str
    expect: str
    fault_lines: tuple[FaultLine, ...]

    def connect_at_us(self, index: int) -> int:
        """When station ``index`` begins to connect, from the beginning of the run."""
        return int(index * 1_000_000 / self.connect_rate)

    def faults(self, horizon_us: int | None = None) -> Iterator[StationFault]:
        """The timetable in order of time, up to ``horizon_us``; without it, endless where a line repeats.

        Without it also what befalls nobody is told, with no stations: a line that repeats and hits nobody for long, or
        ever, must not keep whoever waits for the next hit.
        """
        lines = [occurrences(self.seed, n, line, self.stations) for n, line in enumerate(self.fault_lines)]
        for planned in heapq.merge(*lines, key=attrgetter("at_us")):
            if horizon_us is not None and planned.at_us >= horizon_us:
                return
            if planned.station_ids or horizon_us is None:
                yield planned

    def fault_names(self) -> tuple[str, ...]:
        """The faults the timetable uses, for the guard of the target."""
        return tuple(sorted({line.fault for line in self.fault_lines}))

    def hostile_quirks(self) -> tuple[str, ...]:
        """The quirks in use that are marked hostile, for the guard of the target."""
        models = {id(station.model): station.model for station in self.stations}
        used = {quirk.name for model in models.values() for quirk in model.quirks if getattr(quirk, "hostile", False)}
        return tuple(sorted(used))

    def rows(self) -> list[FleetRow]:
        """The stations as ``fleet list`` shows them."""
        shared = self.target is not None and self.target.password is not None
        return [FleetRow(s.id, s.profile, s.version, s.group, shared or s.password is not None) for s in self.stations]


# --- resolving -------------------------------------------------------------------------------------------------------


def resolve(
    fleet: Fleet,
    overrides: Mapping[str, Any] | None = None,
    *,
    hostname: str,
    id_prefix: str | None = None,
    target: Target | None = None,
    environ: Mapping[str, str] | None = None,
) -> FleetPlan:
    """The plan of ``fleet`` with ``overrides`` (keys of :func:`load_fleet`) over it.

    ``id_prefix`` replaces the default made from ``hostname``; ``target`` wins over the fleet's own. Raises FleetError
    for ids that are invalid or alike, stations files that are wrong, and what is not supported yet.
    """
    if overrides:
        fleet = _again(fleet, overrides, environ or {})
    fields = fleet.fields
    prefix = default_prefix(hostname) if id_prefix is None else id_prefix
    stations: list[StationPlan] = []
    sites = Sites()
    for index, group in enumerate(fields.groups):
        try:
            stations += _stations_of(fleet, group, index, prefix, len(stations), sites)
        except ProfileError as exc:
            if exc.file is not None:
                raise
            raise fleet.document.problem(("groups", index), str(exc), FleetError) from None
    _refuse_duplicates(fleet, stations)
    ramp = fields.ramp
    if ramp.rate is not None:
        rate = ramp.rate
    elif ramp.over_us is not None:
        rate = len(stations) * 1_000_000 / max(ramp.over_us, 1)
    else:
        rate = min(DEFAULT_RATE_LIMIT, max(1.0, len(stations) / DEFAULT_RAMP_S))
    plan = FleetPlan(
        name=fields.name,
        seed=fields.seed,
        stations=tuple(stations),
        target=target or fleet.target,
        connect_rate=rate,
        duration_us=fields.duration_us,
        speed=fields.speed,
        at_end=fields.at_end,
        expect=fields.expect,
        fault_lines=fields.faults,
    )
    _check_fault_targets(fleet, plan)
    _check_target(fleet, plan)
    return plan


def _again(fleet: Fleet, overrides: Mapping[str, Any], environ: Mapping[str, str]) -> Fleet:
    document = overlay(fleet.document, overrides)
    return fleet_of(document, fleet.base_dir, environ=environ, profile_dir=fleet.profile_dir)


def _stations_of(fleet: Fleet, group: Group, index: int, prefix: str, offset: int, sites: Sites) -> list[StationPlan]:
    loc: Loc = ("groups", index)
    rows = _rows_of(fleet, group, loc, prefix, offset)
    if offset + len(rows) > MAX_STATIONS:
        raise fleet.document.problem(loc, f"more than {MAX_STATIONS} stations", FleetError)
    settings = dict(group.settings)
    if group.meter_interval_us is not None:
        # An explicit setting, under either name, stands behind and wins.
        settings = {"MeterValueSampleInterval": group.meter_interval_us // 1_000_000, **settings}
    default_profile = profile_name(group.profile, fleet.base_dir)
    dealt = deal(group.profile, group.version, fleet.profile_dir) if "*" in group.profile else ()
    models: dict[tuple[str, str], tuple[LoadedProfile, str, Model]] = {}
    habit = habit_of(group)
    folder = (fleet.base_dir / group.stations).parent if group.stations is not None else fleet.base_dir
    stations = []
    for number, row in enumerate(rows):
        wanted = default_profile, group.version or ""
        if row.profile is not None:
            wanted = profile_name(row.profile, fleet.base_dir), group.version or ""
        elif dealt:
            wanted = dealt[number % len(dealt)]
        if wanted not in models:
            try:
                loaded = load_profile(wanted[0], fleet.profile_dir)
            except ProfileError as exc:
                if row.profile is None or exc.file is not None:
                    raise
                file = str(fleet.base_dir / str(group.stations))
                raise FleetError(str(exc), file=file, line=row.line, field="profile") from None
            version = wanted[1] or loaded.profile.versions[0]
            extras = [(use.name, use.params) for use in group.quirks]
            model = compile_profile(loaded, version, extras, settings=settings, free_vend=group.free)
            models[wanted] = (loaded, version, model)
        loaded, version, model = models[wanted]
        serial = row.serial
        if serial is None and model.identity.serial is not None:
            serial = fill(model.identity.serial, offset + number + 1, row.id)
        stations.append(
            StationPlan(
                id=row.id,
                index=offset + number,
                seed=seed_of(fleet.fields.seed, row.id),
                group=group_name(group, index),
                profile=loaded.name,
                version=version,
                model=model,
                serial=serial,
                password=row.password,
                cert=None if row.cert is None else str(folder / row.cert),
                key=None if row.key is None else str(folder / row.key),
                habit=habit,
                place=sites.place(group.site, group.site_size) if group.site is not None else None,
            )
        )
    return stations


def _rows_of(fleet: Fleet, group: Group, loc: Loc, prefix: str, offset: int) -> list[StationRow]:
    if group.stations is not None:
        rows = read_stations(fleet.base_dir / group.stations)
        if group.count is None:
            return rows
        if group.count > len(rows):
            reason = f"is more than the {len(rows)} stations of {group.stations}"
            raise fleet.document.problem((*loc, "count"), reason, FleetError)
        return rows[: group.count]
    # Own patterns count from 1 in each group; default ids go through the fleet, so that groups cannot collide.
    first = 1 if group.id is not None else offset + 1
    pattern = group.id if group.id is not None else "{prefix}{n:05d}"
    rows = []
    for number in range(first, first + (group.count or 1)):
        station_id = pattern.format(n=number, prefix=prefix)
        problem = id_problem(station_id)
        if problem is not None:
            raise fleet.document.problem((*loc, "id"), problem, FleetError)
        rows.append(StationRow(station_id, 0))
    return rows


def _refuse_duplicates(fleet: Fleet, stations: Iterable[StationPlan]) -> None:
    # Within a group ids differ by construction, or the stations file has been refused.
    order = [group_name(group, index) for index, group in enumerate(fleet.fields.groups)]
    groups: dict[str, str] = {}
    for station in stations:
        other = groups.setdefault(station.id, station.group)
        if other != station.group:
            reason = f"the id {station.id!r} is also in {other}"
            raise fleet.document.problem(("groups", order.index(station.group)), reason, FleetError)


def _check_fault_targets(fleet: Fleet, plan: FleetPlan) -> None:
    ids = {station.id for station in plan.stations}
    for index, line in enumerate(plan.fault_lines):
        loc: Loc = ("faults", index, "target")
        for number, wanted in enumerate(line.target.ids):
            if wanted not in ids:
                reason = f"there is no station {wanted!r}{hint(wanted, ids)}"
                raise fleet.document.problem((*loc, "ids", number), reason, FleetError)
        site = line.target.site
        names = [station.place.site for station in plan.stations if station.place is not None]
        if site is not None and not matching(site, names):
            reason = f"no group has a site {site!r}{hint(site, set(names))}"
            raise fleet.document.problem((*loc, "site"), reason, FleetError)
        if not any(eligible(station, line) for station in plan.stations):
            reason = f"no station of the target has EVSE {line.evse}"
            raise fleet.document.problem(("faults", index, "evse"), reason, FleetError)


def _check_target(fleet: Fleet, plan: FleetPlan) -> None:
    target = plan.target
    if target is None:
        return
    if target.security_profile in (1, 2) and target.password is None:
        for station in plan.stations:
            if station.password is None:
                raise FleetError(
                    f"station {station.id} has no password, but the target says security profile "
                    f"{target.security_profile}: give `auth` in the target or a column `password` in the stations file"
                )
    if target.security_profile == 3 and target.fields.tls.cert is None:
        for station in plan.stations:
            if station.cert is None:
                raise FleetError(
                    f"station {station.id} has no certificate, but the target says security profile 3: give tls.cert "
                    "and tls.key in the target or columns `cert` and `key` in the stations file"
                )
    for station in plan.stations:
        try:
            target.basic_password(station.password)
        except ValueError as exc:
            raise FleetError(f"the password of station {station.id} {exc}") from None
