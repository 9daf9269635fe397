"""Fleet files: what each rule says, and how the command line is laid over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.errors import FleetError, ProfileError, TargetError
from simulator.fleet.schema import Fleet, FleetFile, Group, load_fleet, schema_json


def fleet(tmp_path: Path, text: str, overrides: dict[str, Any] | None = None, **environ: str) -> Fleet:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    return load_fleet(path, overrides, environ=environ)


def refused(tmp_path: Path, text: str, overrides: dict[str, Any] | None = None) -> list[str]:
    with pytest.raises(FleetError) as caught:
        fleet(tmp_path, text, overrides)
    return str(caught.value).replace(f"{tmp_path}/", "").splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nmae: x", "f.yaml:1: nmae: unknown key; did you mean 'name'?"),
        ("seed: -1", "f.yaml:1: seed: must be at least 0"),
        ("groups: []", "f.yaml:1: groups: must not be empty"),
        ("groups:\n- cuont: 5", "f.yaml:2: groups[0].cuont: unknown key; did you mean 'count'?"),
        ("groups:\n- count: 0", "f.yaml:2: groups[0].count: must be at least 1"),
        ("groups:\n- {}\n- profile: generic/ac-singel",
         "f.yaml:3: groups[1].profile: unknown profile 'generic/ac-singel'; did you mean 'generic/ac-single'?"),
        ("groups:\n- profile: ./own.yaml", "own.yaml: there is no profile file"),
        ("groups:\n- version: 2.2", "f.yaml:2: groups[0].version: unknown OCPP version '2.2'; did you mean '2.1'?"),
        ("groups:\n- {name: a}\n- {name: a}", "f.yaml:3: groups[1].name: a is the name of another group"),
        ("groups:\n- id: X-{m}", "f.yaml:2: groups[0].id: {m} is not one of {n}, {prefix}"),
        ("groups:\n- {id: X, count: 2}",
         "f.yaml:2: groups[0].id: must hold {n} or {n:05d}, because there are 2 stations"),
        ("groups:\n- {id: X, stations: s.csv}", "f.yaml:2: groups[0].id: id and stations exclude each other"),
        ("groups:\n- charging: 130%", "f.yaml:2: groups[0].charging: 130% is not between 0% and 100%"),
        ("groups:\n- charging: 30",
         "f.yaml:2: groups[0].charging: 30 is more than the whole; write 30% for a percentage"),
        ("groups:\n- {charging: 30%, session: 20}",
         "f.yaml:2: groups[0].session: 20 has no unit; write 20s for seconds"),
        ("groups:\n- {charging: 30%, session: 5s}",
         "f.yaml:2: groups[0].session: must last from 10 s to 30 days, not 5.0 s"),
        ("groups:\n- {session: 20m}", "f.yaml:2: groups[0].session: needs charging; a habit has its own times"),
        ("groups:\n- {habit: hom}", "f.yaml:2: groups[0].habit: unknown habit 'hom'; did you mean 'home'?"),
        ("groups:\n- {habit: home, charging: 5%}",
         "f.yaml:2: groups[0].habit: habit and charging exclude each other"),
        ("groups:\n- {meter_interval: 1500ms}",
         "f.yaml:2: groups[0].meter_interval: must be a whole number of seconds"),
        ("groups:\n- settings:\n    HartbeatInterval: 5",
         "f.yaml:3: groups[0].settings.HartbeatInterval: unknown setting 'HartbeatInterval'; "
         "did you mean 'HeartbeatInterval'?"),
        ("groups:\n- quirks: [zzzzzzzz]", "f.yaml:2: groups[0].quirks[0]: unknown quirk 'zzzzzzzz'"),
        ("ramp: {rate: 5, over: 1m}", "f.yaml:1: ramp: rate and over exclude each other"),
        ("ramp: {rate: 0}", "f.yaml:1: ramp.rate: must be above 0"),
        ("duration: forever",
         "f.yaml:1: duration: 'forever' is not a duration; write it like 45s, 20m, 1h30m, 500ms or 2d"),
        ("speed: 0", "f.yaml:1: speed: must be above 0"),
        ("at_end: explode", "f.yaml:1: at_end: 'explode' is not one of finish, disconnect, power-cut"),
        ("expect: nothing", "f.yaml:1: expect: 'nothing' is not one of default, none"),
        ("faults:\n- fault: meter.no_reading",
         "f.yaml:2: faults[0].fault: unknown fault 'meter.no_reading'; did you mean 'meter.no_readings'?"),
        ("faults:\n- fault: meter.noise\n  params:\n    zzz: 1",
         "f.yaml:4: faults[0].params.zzz: meter.noise has no such parameter; it takes "),
        ("faults:\n- {fault: meter.noise, every: 10s}",
         "f.yaml:2: faults[0].every: needs a shorter `for`: a fault must end before it begins again"),
        ("faults:\n- {fault: meter.noise, every: 10s, for: 10s}",
         "f.yaml:2: faults[0].every: needs a shorter `for`: a fault must end before it begins again"),
        ("faults:\n- {fault: meter.noise, for: 0s}", "f.yaml:2: faults[0].for: must be above 0"),
        ("faults:\n- {fault: meter.noise, target: {group: gruop-1}}",
         "f.yaml:2: faults[0].target.group: unknown group 'gruop-1'; did you mean 'group-1'?"),
        ("faults:\n- {fault: meter.noise, target: {share: 10%, count: 5}}",
         "f.yaml:2: faults[0].target: share, count and ids exclude each other"),
        ("faults:\n- {fault: meter.noise, target: {ids: A, group: group-1}}",
         "f.yaml:2: faults[0].target: group and ids exclude each other"),
        ("faults:\n- {fault: meter.noise, probability: often}",
         "f.yaml:2: faults[0].probability: 'often' is not a share; write it like 30% or 0.3"),
    ],
)  # fmt: skip
def test_each_rule_says_where_and_why(tmp_path: Path, text: str, line: str) -> None:
    [found] = refused(tmp_path, text)
    if "own.yaml" in line:  # the path in this message is absolute
        assert found.startswith("f.yaml:2: groups[0].profile: there is no profile file")
    elif line.endswith("it takes "):  # which parameters there are is the fault's own business
        assert found.startswith(line)
    else:
        assert found == line


def test_a_version_the_profile_does_not_speak(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("identity: {vendor: A, model: B}\nversions: ['1.6']\n")
    assert refused(tmp_path, "groups:\n- {profile: own.yaml, version: 2.1}") == [
        "f.yaml:2: groups[0].version: own.yaml speaks 1.6, not 2.1"
    ]


def test_a_mistake_inside_a_profile_is_the_profiles(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("identity: {vendor: A}\nversions: ['1.6']\n")
    with pytest.raises(ProfileError) as caught:
        fleet(tmp_path, "groups:\n- profile: own.yaml")
    assert str(caught.value) == f"{tmp_path}/own.yaml:1: identity.model: is required"


def test_all_problems_at_once(tmp_path: Path) -> None:
    assert refused(tmp_path, "speed: 0\ngroups:\n- {count: x}\n- {version: 3}\n") == [
        "f.yaml:1: speed: must be above 0",
        "f.yaml:3: groups[0].count: must be a whole number",
        "f.yaml:4: groups[1].version: unknown OCPP version '3'",
    ]


# --- the target of a fleet -------------------------------------------------------------------------------------------


def test_target_as_file_or_keys(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("url: ws://${HOST}/ocpp\n")
    found = fleet(tmp_path, "target: t.yaml", HOST="10.0.0.9").target
    assert found is not None and found.host == "10.0.0.9"
    found = fleet(tmp_path, "target: {url: 'ws://h/'}").target
    assert found is not None and found.host == "h"
    assert fleet(tmp_path, "name: x").target is None
    with pytest.raises(TargetError) as caught:
        fleet(tmp_path, "name: x\ntarget:\n  url: ws://h/\n  auth: {password: x}\n")
    assert str(caught.value) == f"{tmp_path}/f.yaml:4: auth.format: is required"
    with pytest.raises(TargetError) as caught:
        fleet(tmp_path, "target: 5")
    assert str(caught.value) == f"{tmp_path}/f.yaml:1: target: must be the name of a target file, or the keys of one"


# --- command line over file ------------------------------------------------------------------------------------------


def test_without_a_file_the_command_line_is_the_fleet() -> None:
    found = load_fleet(
        None, {"count": 5, "profile": "generic/dc-fast", "version": "2.0.1", "duration": "1m"}, environ={}
    )
    [group] = found.fields.groups
    assert (group.count, group.profile, group.version) == (5, "generic/dc-fast", "2.0.1")
    assert found.fields.duration_us == 60_000_000
    with pytest.raises(FleetError) as caught:
        load_fleet(None, {"count": 0}, environ={})
    assert str(caught.value) == "command line: groups[0].count: must be at least 1"


def test_the_command_line_wins(tmp_path: Path) -> None:
    group = "{count: 3, habit: home, settings: {ConnectionTimeOut: 9}}"
    text = f"seed: 1\nramp: {{rate: 5}}\ngroups:\n- {group}\n- {{version: '1.6'}}\n"
    found = fleet(
        tmp_path,
        text,
        {"seed": 2, "ramp": {"over": "10s"}, "charging": "50%", "version": "2.1", "settings": {"HeartbeatInterval": 5}},
    ).fields
    assert (found.seed, found.ramp.rate, found.ramp.over_us) == (2, None, 10_000_000)
    assert [(g.charging, g.habit, g.version) for g in found.groups] == [(0.5, None, "2.1")] * 2
    assert found.groups[0].settings == {"ConnectionTimeOut": 9, "HeartbeatInterval": 5}
    assert found.groups[1].settings == {"HeartbeatInterval": 5}


@pytest.mark.parametrize(
    ("sizes", "total", "shares"),
    [
        ([1], 7, [7]),
        ([1, 1], 3, [2, 1]),
        ([90, 10], 1000, [899, 101]),
        ([5, 3, 2], 10, [5, 3, 2]),
        ([1, 999], 2, [1, 1]),
    ],
)
def test_count_is_shared_out(tmp_path: Path, sizes: list[int], total: int, shares: list[int]) -> None:
    text = "groups:\n" + "".join(f"- {{count: {size}}}\n" for size in sizes)
    found = [group.count for group in fleet(tmp_path, text, {"count": total}).fields.groups]
    assert found == shares and sum(found) == total


def test_overrides_that_cannot_be(tmp_path: Path) -> None:
    assert refused(tmp_path, "name: x", {"cuont": 5}) == ["command line: cuont: unknown key; did you mean 'count'?"]
    assert refused(tmp_path, "name: x", {"charging": "much"}) == [
        "command line: groups[0].charging: 'much' is not a share; write it like 30% or 0.3"
    ]
    two = "groups:\n- {count: 2}\n- {stations: s.csv}"
    assert refused(tmp_path, two, {"count": 5}) == [
        "command line: count: can only be shared out among groups that have a count of their own"
    ]
    assert refused(tmp_path, "groups: [{}, {}]", {"count": 1}) == [
        "command line: count: must be at least 2, one for each group"
    ]
    # What the file says wrongly is the file's mistake, though the command line gave something, too.
    assert refused(tmp_path, "seed: x\ngroups: 5", {"count": 5}) == [
        "f.yaml:1: seed: must be a whole number",
        "f.yaml:2: groups: must be a list",
    ]


def test_an_overridden_mistake_is_none(tmp_path: Path) -> None:
    assert (
        fleet(tmp_path, "duration: x\nramp: {rate: 0}", {"duration": "5s", "ramp": {"rate": 1}}).fields.ramp.rate == 1
    )


def test_schema_lists_every_key() -> None:
    schema = schema_json()
    assert set(schema["properties"]) == {info.alias or name for name, info in FleetFile.model_fields.items()}
    group = schema["$defs"]["Group"]["properties"]
    assert set(group) == {info.alias or name for name, info in Group.model_fields.items()}
    assert {"type": "string"} in schema["$defs"]["QuirkUse"]["anyOf"]
    assert "url" in schema["$defs"]["TargetFile"]["properties"]
    assert "Tokens" in schema["$defs"]
