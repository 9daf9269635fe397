"""The timetable of faults: which line befalls which stations, and when, all of it from the run's seed.

A line chooses *units* and draws for each whether it befalls it. A unit is a station; with a site in the target it is a
site, so that its stations are hit together, at the same moment and by the same lot: they share the cause. A line that
is ``correlated`` draws once for all units. Draws are named by the seed, the line and the occurrence; taking the units
with the lowest draws means that a larger share includes the smaller one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.core.rng import draw, seed_of
from simulator.world.site import matching
from simulator.yamltypes import format_duration

if TYPE_CHECKING:
    from simulator.fleet.plan import StationPlan
    from simulator.fleet.schema import FaultLine


@dataclass(frozen=True, slots=True)
class StationFault:
    """A fault that begins at ``at_us`` on some stations and ends at ``until_us`` (None: not before the run does).

    ``cause`` is what the line says of it; ``by_site``: the site of each station is part of the cause.
    """

    at_us: int
    fault_id: str
    station_ids: tuple[str, ...]
    name: str
    params: Mapping[str, Any]
    until_us: int | None
    evse_id: int = 0
    cause: str = ""
    by_site: bool = False

    def cause_at(self, site: str) -> str:
        """The cause as it goes on record for a station at this site."""
        return ", ".join(text for text in (self.cause, f"site {site}" if self.by_site else "") if text)


def eligible(station: StationPlan, line: FaultLine) -> bool:
    """Can this line befall this station?"""
    target = line.target
    wanted = target.group is None or station.group == target.group
    if target.ids:
        wanted = station.id in target.ids
    elif target.site is not None:
        wanted = wanted and station.place is not None and bool(matching(target.site, (station.place.site,)))
    return wanted and line.evse <= len(station.model.evses)


def occurrences(seed: int, index: int, line: FaultLine, stations: Sequence[StationPlan]) -> Iterator[StationFault]:
    """Line number ``index`` in order of time; endless when it repeats."""
    units = _units(seed, line, [station for station in stations if eligible(station, line)])
    occurrence = 0
    while True:
        at_us = line.at_us + occurrence * (line.every_us or 0)
        chosen = _pick(seed, units, line, index, occurrence)
        until_us = None if line.for_us is None else at_us + line.for_us
        fault_id = f"{line.fault}#{index + 1}.{occurrence + 1}"
        by_site = line.target.site is not None
        cause = line.cause or ""
        yield StationFault(at_us, fault_id, chosen, line.fault, line.params, until_us, line.evse, cause, by_site)
        if line.every_us is None or not units:
            return
        occurrence += 1


def befell_nobody(lines: Sequence[FaultLine], begun: Iterable[str]) -> Iterator[str]:
    """A sentence for each line that has hit no station, by the ids of the faults that have begun."""
    hit = {fault_id.rpartition(".")[0] for fault_id in begun}
    for index, line in enumerate(lines):
        if f"{line.fault}#{index + 1}" not in hit:
            when = f"{format_duration(line.at_us)} after the last station has booted" if line.at_us else "at once"
            yield f"Line {index + 1} of the timetable, {line.fault}, befell nobody (due {when})."


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is befallen as one. ``order`` breaks ties and keeps the order of the fleet."""

    seed: int
    order: int
    stations: tuple[StationPlan, ...]


def _units(seed: int, line: FaultLine, pool: list[StationPlan]) -> list[_Unit]:
    if line.target.site is None:
        return [_Unit(station.seed, station.index, (station,)) for station in pool]
    sites: dict[str, list[StationPlan]] = {}
    for station in pool:
        assert station.place is not None, "only stations with a site are eligible"
        sites.setdefault(station.place.site, []).append(station)
    return [_Unit(seed_of(seed, "site", name), them[0].index, tuple(them)) for name, them in sites.items()]


def _pick(seed: int, units: list[_Unit], line: FaultLine, index: int, occurrence: int) -> tuple[str, ...]:
    target, size = line.target, len(units)
    if target.count is not None:
        size = min(target.count, size)
    elif target.share is not None:
        size = round(target.share * size)
    chosen = units
    if size < len(units):
        ranked = sorted(units, key=lambda u: (draw(seed_of(u.seed, index), "fault.choice", occurrence), u.order))
        chosen = sorted(ranked[:size], key=lambda u: u.order)
    if line.probability < 1:
        limit = int(line.probability * (1 << 64))
        if line.correlated:
            common = draw(seed_of(seed, "correlated", index), "fault.chance", occurrence)
            chosen = chosen if common < limit else []
        else:
            chosen = [u for u in chosen if draw(seed_of(u.seed, index), "fault.chance", occurrence) < limit]
    return tuple(station.id for unit in chosen for station in unit.stations)
