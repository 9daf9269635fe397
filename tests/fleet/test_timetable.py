"""The timetable: who is hit by which line, alone or together, and what of it stands in the ledger."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.errors import FleetError
from simulator.fleet.plan import FleetPlan
from simulator.fleet.timetable import StationFault, befell_nobody, eligible, occurrences
from tests.fleet.manual import Rig, plan_of_file

PARK = {"name": "park", "count": 12, "id": "P-{n:02d}", "site": "park-{n}", "site_size": 3}
KERB = {"name": "kerb", "count": 4, "id": "K-{n}"}


def plan(folder: Path, *faults: dict[str, Any], groups: list[dict[str, Any]] | None = None, **more: Any) -> FleetPlan:
    return plan_of_file(folder, {"groups": groups or [PARK, KERB], "faults": list(faults), "seed": 3, **more})


def hits(found: FleetPlan, seconds: int = 600) -> list[tuple[str, ...]]:
    return [one.station_ids for one in found.faults(seconds * 1_000_000)]


def test_sites_are_derived_in_the_order_of_the_fleet(tmp_path: Path) -> None:
    found = plan(tmp_path)
    places = [(s.id, s.place.site, s.place.rotation) for s in found.stations if s.place is not None]
    assert places[:4] == [("P-01", "park-1", 0), ("P-02", "park-1", 1), ("P-03", "park-1", 2), ("P-04", "park-2", 0)]
    assert len(places) == 12 and places[-1][1] == "park-4"


def test_a_site_is_hit_as_a_whole_and_alone(tmp_path: Path) -> None:
    line = {"fault": "supply.mains_outage", "for": "5s", "target": {"site": "park-2"}}
    found = plan(tmp_path, line)
    assert hits(found) == [("P-04", "P-05", "P-06")]
    (one,) = found.faults()
    assert isinstance(one, StationFault) and one.cause_at("park-2") == "site park-2"
    assert [eligible(station, found.fault_lines[0]) for station in found.stations].count(True) == 3


def test_a_share_of_sites_and_one_lot_for_each(tmp_path: Path) -> None:
    every = {"fault": "modem.outage", "for": "5s", "every": "10s"}
    halves = hits(plan(tmp_path, {**every, "target": {"site": "park-*", "share": "50%"}}))
    assert all(len(hit) == 6 for hit in halves) and len(set(halves)) > 3
    lots = hits(plan(tmp_path, {**every, "target": {"site": "park-*"}, "probability": "50%"}))
    assert {len(hit) for hit in lots} >= {3, 6, 9}
    for hit in lots:
        sites = {(int(station[2:]) - 1) // 3 for station in hit}
        assert len(hit) == 3 * len(sites), "never a part of a site"


def test_correlated_is_all_or_nobody(tmp_path: Path) -> None:
    line = {"fault": "modem.outage", "for": "5s", "every": "10s", "probability": "40%"}
    together = hits(plan(tmp_path, {**line, "correlated": True}), 2_000)
    assert {len(hit) for hit in together} == {16} and 50 < len(together) < 110
    alone = hits(plan(tmp_path, line), 2_000)
    assert len({len(hit) for hit in alone}) > 5
    assert hits(plan(tmp_path, {**line, "correlated": True}), 2_000) == together, "from the seed"
    other = plan(tmp_path, {**line, "correlated": True}, seed=4)
    assert hits(other, 2_000) != together or [f.at_us for f in other.faults(2_000_000_000)] != []


@pytest.mark.parametrize("nobody", [{"target": {"group": "kerb", "share": "10%"}}, {"probability": "0%"}])
def test_a_line_that_repeats_and_hits_nobody_keeps_nobody_waiting(tmp_path: Path, nobody: dict[str, Any]) -> None:
    """A tenth of four stations is none of them."""
    found = plan(tmp_path, {"fault": "modem.outage", "for": "5s", "every": "10s", **nobody})
    assert [(one.at_us, one.station_ids) for one in itertools.islice(found.faults(), 3)] == [
        (0, ()), (10_000_000, ()), (20_000_000, ()),
    ]  # fmt: skip
    assert hits(found) == []


def test_a_line_that_has_hit_nobody_is_told(tmp_path: Path) -> None:
    line = {"fault": "modem.outage", "for": "5s"}
    found = plan(tmp_path, {**line, "at": "5m"}, line, {**line, "probability": "0%"})
    begun = [one.fault_id for one in found.faults(60_000_000)]
    assert list(befell_nobody(found.fault_lines, begun)) == [
        "Line 1 of the timetable, modem.outage, befell nobody (due 5m after the last station has booted).",
        "Line 3 of the timetable, modem.outage, befell nobody (due at once).",
    ]


def test_another_line_or_more_stations_change_no_draw(tmp_path: Path) -> None:
    line = {"fault": "modem.outage", "for": "5s", "every": "10s", "target": {"site": "park-*"}, "probability": "50%"}
    before = hits(plan(tmp_path, line), 200)
    more = plan(tmp_path, line, groups=[PARK, KERB, {"name": "new", "count": 9, "id": "N-{n}", "site": "depot"}])
    assert hits(more, 200) == before
    first = next(occurrences(3, 0, more.fault_lines[0], more.stations))
    assert first.fault_id == "modem.outage#1.1"


@pytest.mark.parametrize(
    ("group", "target", "message"),
    [
        ({}, {"site": "prak-1"}, "faults[0].target.site: no group has a site 'prak-1'; did you mean 'park-1'?"),
        ({}, {"site": "park-1", "ids": ["P-01"]}, "faults[0].target: site and ids exclude each other"),
        ({"site": "depot", "site_size": 4}, {}, "groups[0].site_size: needs a site with {n} in its name"),
        ({"site": "a{x}"}, {}, "groups[0].site: "),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, group: dict[str, Any], target: dict[str, Any], message: str) -> None:
    line = {"fault": "modem.outage", "target": target}
    with pytest.raises(FleetError) as caught:
        plan(tmp_path, line, groups=[{**PARK, **group}, KERB])
    assert message in str(caught.value)


def test_ground_truth_is_in_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        {"fault": "supply.phase_loss", "at": "2s", "for": "3s", "target": {"site": "park-1"}, "cause": "a digger"},
        {"fault": "meter.drop_outs", "at": "4s", "target": {"ids": ["K-2"]}, "params": {"share": 0.5}},
    ]
    one = Rig(monkeypatch, plan(tmp_path, *lines, ramp={"rate": 1000}), {})
    one.loop.turn(6)
    assert one.metrics.faults_active["supply.phase_loss"] == 0 and one.metrics.faults_active["meter.drop_outs"] == 1
    rows = one.ledger.query("SELECT station_id, fault, params, begin_us, end_us, cause FROM faults ORDER BY 1")
    begin = rows[0][3]
    assert begin - 2_000_000 >= one.farm.settled_us  # type: ignore[operator]
    assert [(row[0], row[5]) for row in rows] == [
        ("K-2", ""), ("P-01", "a digger, site park-1"), ("P-02", "a digger, site park-1"),
        ("P-03", "a digger, site park-1"),
    ]  # fmt: skip
    assert json.loads(rows[0][2]) == {"share": 0.5, "period_s": 0.0}, "all parameters, not only those that were given"
    assert len({row[3:5] for row in rows[1:]}) == 1, "at the same moment"
    assert [one.seat(f"P-0{n}").station.board.supply.rotation for n in (1, 2, 3)] == [0, 1, 2]


def test_an_outage_of_everybody_is_a_storm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        {"fault": "modem.outage", "at": "5s", "for": "20s"},
        {"fault": "network.dns_failure", "at": "5s", "for": "60s"},
    ]
    park = {**PARK, "count": 60}
    one = Rig(monkeypatch, plan(tmp_path, *lines, groups=[park], ramp={"rate": 1000}), {})
    one.loop.turn(15)
    assert one.metrics.stations["offline"] == 60
    one.loop.turn(300)
    assert one.metrics.connect_failures["dns"] >= 60
    (storm,) = one.farm.storms.summary()
    assert storm["stations_lost"] == 60 and storm["refusals"]["dns"] >= 60
    assert storm["reconnected"]["p100_s"] > 60 and storm["queues_empty"]["p100_s"] >= storm["reconnected"]["p100_s"]
    one.farm.live.feed(one.seat("P-01"), i.Unplug(1))
    assert one.farm.live.failure is None
