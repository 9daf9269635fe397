"""The plan of a run: ids, seeds, passwords, habits, the ramp, the timetable, all from one seed."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.settings import KEYS
from simulator.errors import AuthorError, FleetError
from simulator.fleet.plan import FleetPlan, StationFault, resolve
from simulator.fleet.schema import load_fleet
from simulator.fleet.target import guard, make_target
from simulator.profile.load import deal
from simulator.world.driver import HABITS


def plan(text: str, base: Path = Path(), overrides: dict[str, Any] | None = None, **options: Any) -> FleetPlan:
    path = base / "f.yaml"
    path.write_text(text)
    return resolve(load_fleet(path, environ={}), overrides, hostname="bench", **options)


def refused(text: str, base: Path, overrides: dict[str, Any] | None = None, **options: Any) -> str:
    with pytest.raises(AuthorError) as caught:
        plan(text, base, overrides, **options)
    return str(caught.value).replace(f"{base}/", "")


TWO_GROUPS = "seed: 7\ngroups:\n- {count: 3}\n- {name: dc, profile: generic/dc-fast, version: '2.1', count: 2}\n"


def test_stations_of_two_groups(tmp_path: Path) -> None:
    found = plan(TWO_GROUPS, tmp_path, id_prefix="T-")
    assert [(s.id, s.index, s.number, s.group, s.profile, s.version, s.serial) for s in found.stations] == [
        ("T-00001", 0, 1, "group-1", "generic/ac-single", "1.6", "GAS000001"),
        ("T-00002", 1, 2, "group-1", "generic/ac-single", "1.6", "GAS000002"),
        ("T-00003", 2, 3, "group-1", "generic/ac-single", "1.6", "GAS000003"),
        ("T-00004", 3, 4, "dc", "generic/dc-fast", "2.1", "GDF000004"),
        ("T-00005", 4, 5, "dc", "generic/dc-fast", "2.1", "GDF000005"),
    ]
    assert found.stations[0].model is found.stations[2].model
    assert len({s.seed for s in found.stations}) == 5
    assert [dataclasses.astuple(row) for row in found.rows()][3] == ("T-00004", "generic/dc-fast", "2.1", "dc", False)


def test_the_default_prefix_names_the_machine(tmp_path: Path) -> None:
    ids = [s.id for s in plan("groups: [{count: 2}]", tmp_path).stations]
    assert ids == ["CPF-1b32-00001", "CPF-1b32-00002"]


def test_patterns(tmp_path: Path) -> None:
    text = "groups:\n- {id: 'B-{n:03d}', count: 2}\n- {id: '{prefix}x{n}', count: 2}\n- {id: ONE}\n- {count: 1}\n"
    ids = [s.id for s in plan(text, tmp_path, id_prefix="P").stations]
    assert ids == ["B-001", "B-002", "Px1", "Px2", "ONE", "P00006"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("groups:\n- {id: A}\n- {id: A}", "f.yaml:3: groups[1]: the id 'A' is also in group-1"),
        ("groups:\n- id: 'a:{n}'",
         "f.yaml:2: groups[0].id: the id 'a:1' cannot be used: no colon, no control characters, not '.' or '..'"),
        ("groups:\n- {count: 100000}\n- {}", "f.yaml:3: groups[1]: more than 100000 stations"),
        ("groups: [{id: A}]\nfaults:\n- {fault: meter.noise, target: {ids: [A, AA]}}",
         "f.yaml:3: faults[0].target.ids[1]: there is no station 'AA'; did you mean 'A'?"),
        ("groups: [{id: STATION-1}]\nfaults:\n- {fault: meter.noise, target: {ids: STATOIN-1}}",
         "f.yaml:3: faults[0].target.ids[0]: there is no station 'STATOIN-1'; did you mean 'STATION-1'?"),
        ("faults:\n- {fault: meter.noise, evse: 2}", "f.yaml:2: faults[0].evse: no station of the target has EVSE 2"),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, text: str, line: str) -> None:
    assert refused(text, tmp_path) == line


# --- stations files --------------------------------------------------------------------------------------------------


def test_a_stations_file(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("id,password,profile,serial\nA,pw,,S-1\nB,,generic/dc-fast,\nC,pw,,\n")
    found = plan("groups: [{stations: s.csv, count: 2, charging: 50%}]", tmp_path)
    assert [(s.id, s.profile, s.serial, s.password is not None) for s in found.stations] == [
        ("A", "generic/ac-single", "S-1", True),
        ("B", "generic/dc-fast", "GDF000002", False),
    ]
    assert "pw" not in repr(found)
    assert [row.has_password for row in found.rows()] == [True, False]
    text = "groups:\n- stations: s.csv\n  count: 4"
    assert refused(text, tmp_path) == "f.yaml:3: groups[0].count: is more than the 3 stations of s.csv"


def test_an_unknown_profile_in_a_stations_file_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("id,profile\nA,\nB,generic/dc-fats\n")
    line = refused("groups: [{stations: s.csv}]", tmp_path)
    assert line == "s.csv:3: profile: unknown profile 'generic/dc-fats'; did you mean 'generic/dc-fast'?"


def test_passwords_must_fit_the_target(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("id,password\nA,00ff\nB,xyz\nC,\n")
    text = "groups: [{stations: s.csv, count: %d}]"
    as_hex = make_target({"url": "ws://h", "security_profile": 1, "auth": {"format": "hex"}}, {}, base_dir=tmp_path)
    assert plan(text % 1, tmp_path, target=as_hex).target is as_hex
    line = refused(text % 2, tmp_path, target=as_hex)
    assert line == "the password of station B is not hexadecimal, as format: hex says"
    as_text = make_target({"url": "ws://h", "security_profile": 1}, {}, base_dir=tmp_path)
    line = refused(text % 3, tmp_path, target=as_text)
    assert line.startswith("station C has no password, but the target says security profile 1")


# --- settings, habits, ramp ------------------------------------------------------------------------------------------


def test_settings_of_a_group(tmp_path: Path) -> None:
    index = KEYS.get("MeterValueSampleInterval").index
    text = "groups:\n- {meter_interval: 15s, free: true}\n- {meter_interval: 15s, settings: {%s: 20}}\n- {}\n"
    for name in ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval"):
        models = [s.model for s in plan(text % name, tmp_path).stations]
        assert [m.defaults[index] for m in models][:2] == [15, 20]
        assert [m.free_vend for m in models] == [True, False, False]


def test_habits(tmp_path: Path) -> None:
    text = "groups:\n- {}\n- {habit: home}\n- {charging: 25%, session: 10m, count: 2}\n- {charging: 0%}\n"
    none, home, steady, also, nobody = (s.habit for s in plan(text, tmp_path).stations)
    assert none is None and nobody is None
    assert home is HABITS.get("home")
    assert steady is also and steady is not None and steady.steady
    assert sum(steady.stay_s) / 2 == pytest.approx(600)


@pytest.mark.parametrize(
    ("ramp", "count", "rate"),
    [
        ("{}", 300, 10), ("{}", 7_000, 200), ("{}", 3, 1), ("{rate: 2.5}", 10, 2.5), ("{over: 20s}", 300, 15),
    ],
)  # fmt: skip
def test_ramp(tmp_path: Path, ramp: str, count: int, rate: float) -> None:
    found = plan(f"ramp: {ramp}\ngroups: [{{count: {count}}}]", tmp_path)
    assert found.connect_rate == pytest.approx(rate)
    assert found.connect_at_us(0) == 0 and found.connect_at_us(2) == int(2_000_000 / rate)


def test_all_at_once(tmp_path: Path) -> None:
    found = plan("ramp: {over: 0s}\ngroups: [{count: 50}]", tmp_path)
    assert found.connect_at_us(49) == 0


# --- one seed --------------------------------------------------------------------------------------------------------

BUSY = """
seed: 11
groups:
- {count: 40, charging: 30%}
- {name: dc, profile: generic/dc-fast, count: 20}
faults:
- {fault: meter.no_readings, at: 10s, for: 20s, every: 1m, target: {share: 25%}}
- {fault: reader.dead, at: 15s, target: {group: dc, count: 3}, evse: 0}
- {fault: meter.noise, at: 5s, for: 1s, every: 30s, probability: 50%, target: {group: dc}, evse: 2}
"""


def schedule(found: FleetPlan, horizon_us: int | None = 120_000_000) -> list[StationFault]:
    return list(found.faults(horizon_us))


def test_the_same_seed_gives_the_same_plan(tmp_path: Path) -> None:
    one, two = plan(BUSY, tmp_path), plan(BUSY, tmp_path)
    assert one.stations == two.stations
    assert schedule(one) == schedule(two)
    other = plan(BUSY, tmp_path, {"seed": 12})
    assert [s.id for s in other.stations] == [s.id for s in one.stations]
    assert [s.seed for s in other.stations] != [s.seed for s in one.stations]
    assert schedule(other) != schedule(one)


def test_a_station_does_not_change_because_others_come(tmp_path: Path) -> None:
    few = plan("groups: [{count: 2}]", tmp_path)
    many = plan("groups: [{count: 9}, {profile: generic/dc-fast}]", tmp_path)
    assert many.stations[:2] == few.stations


def test_timetable(tmp_path: Path) -> None:
    found = schedule(plan(BUSY, tmp_path, id_prefix=""))
    assert [(f.at_us // 1_000_000, f.fault_id) for f in found] == [
        (5, "meter.noise#3.1"), (10, "meter.no_readings#1.1"), (15, "reader.dead#2.1"), (35, "meter.noise#3.2"),
        (65, "meter.noise#3.3"), (70, "meter.no_readings#1.2"), (95, "meter.noise#3.4"),
    ]  # fmt: skip
    by_id = {f.fault_id: f for f in found}
    first, again = by_id["meter.no_readings#1.1"], by_id["meter.no_readings#1.2"]
    assert (len(first.station_ids), first.until_us) == (15, 30_000_000)
    assert len(again.station_ids) == 15 and again.station_ids != first.station_ids
    assert list(first.station_ids) == sorted(first.station_ids)
    dead = by_id["reader.dead#2.1"]
    assert (len(dead.station_ids), dead.until_us) == (3, None)
    dc = {f"{n:05d}" for n in range(41, 61)}
    assert set(dead.station_ids) <= dc
    hit = [set(f.station_ids) for f in found if f.name == "meter.noise"]
    assert all(stations < dc for stations in hit) and sum(map(len, hit)) in range(20, 61)
    assert by_id["meter.noise#3.1"].evse_id == 2


def test_a_larger_share_includes_the_smaller(tmp_path: Path) -> None:
    text = "groups: [{count: 50}]\nfaults: [{fault: meter.noise, target: {share: %d%%}}]"
    chosen = [set(schedule(plan(text % share, tmp_path))[0].station_ids) for share in (10, 20, 60, 100)]
    assert [len(stations) for stations in chosen] == [5, 10, 30, 50]
    assert all(small < large for small, large in itertools.pairwise(chosen))


def test_a_new_line_does_not_move_the_draws_of_others(tmp_path: Path) -> None:
    line = "- {fault: meter.noise, target: {share: 30%%}, probability: %s}\n"
    head = "groups: [{count: 50}]\nfaults:\n"
    one = schedule(plan(head + line % "50%", tmp_path))
    two = schedule(plan(head + line % "50%" + line % "80%", tmp_path))
    assert one[0] in two


def test_without_a_horizon_the_timetable_goes_on(tmp_path: Path) -> None:
    found = plan("faults: [{fault: meter.noise, for: 1s, every: 10s}]", tmp_path).faults()
    assert [f.at_us for f in itertools.islice(found, 1_000)] == [n * 10_000_000 for n in range(1_000)]


def test_certain_and_impossible(tmp_path: Path) -> None:
    text = "groups: [{count: 20}]\nfaults: [{fault: meter.noise, probability: %s}]"
    assert len(schedule(plan(text % "100%", tmp_path))[0].station_ids) == 20
    assert schedule(plan(text % "0%", tmp_path)) == []


# --- overrides, guards -----------------------------------------------------------------------------------------------


def test_overrides_at_resolving(tmp_path: Path) -> None:
    found = plan(TWO_GROUPS, tmp_path, {"count": 10, "seed": 3, "speed": 2, "at_end": "power-cut", "expect": "none"})
    assert [sum(s.group == g for s in found.stations) for g in ("group-1", "dc")] == [6, 4]
    assert (found.seed, found.speed, found.at_end, found.expect) == (3, 2, "power-cut", "none")
    with pytest.raises(FleetError, match="command line: speed: must be above 0"):
        plan(TWO_GROUPS, tmp_path, {"speed": 0})


def test_what_the_guard_of_the_target_needs(tmp_path: Path) -> None:
    text = "target: {url: 'ws://csms.example/'}\nfaults: [{fault: modem.outage, for: 1s}, {fault: meter.noise}]"
    found = plan(text, tmp_path)
    assert (found.fault_names(), found.hostile_quirks()) == (("meter.noise", "modem.outage"), ())
    assert found.target is not None
    with pytest.raises(AuthorError, match=r"network faults \(modem.outage\) need permission"):
        guard(found.target, len(found.stations), found.hostile_quirks(), found.fault_names())


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 2**63 - 1))
def test_any_seed_gives_the_asked_share(count: int, share: float, seed: int) -> None:
    overrides = {
        "count": count,
        "seed": seed,
        "faults": [{"fault": "meter.noise", "target": {"share": share}}],
    }
    found = resolve(load_fleet(None, overrides, environ={}), hostname="h")
    hits = [len(f.station_ids) for f in found.faults(1)]
    assert hits == ([round(share * count)] if round(share * count) else [])


def test_a_star_deals_profiles_and_versions_in_turn(tmp_path: Path) -> None:
    found = plan("groups:\n- {profile: 'generic/*', count: 40, id: 'S{n}'}\n", tmp_path)
    dealt = deal("generic/*", None)
    assert [(s.profile, s.version) for s in found.stations] == [dealt[n % len(dealt)] for n in range(40)]
    assert {name for name, _ in dealt} >= {"generic/ac-single", "generic/dc-fast"}
    assert (
        deal("generic/*", "2.1") == tuple(pair for pair in dealt if pair[1] == "2.1") and deal("nobody/*", None) == ()
    )
    told = refused("groups:\n- {profile: 'nobody/*', version: '2.1'}\n", tmp_path)
    assert "f.yaml:2: groups[0].profile: no profile fits nobody/* in 2.1" in told
