"""A profile drafted from what a station of ours said behaves as that station."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.profile.compiled import compile_profile
from simulator.profile.load import LoadedProfile, load_profile
from simulator.replay.capture import capture_of
from simulator.replay.draft import Draft, checked
from simulator.replay.learn import learn
from tests.quirks.rig import Bench
from tests.replay.rig import frames_of, written
from tests.replay.test_capture import ACCEPTED, BOOT, START, VALUES


def observed(profile: str | LoadedProfile, version: str) -> Bench:
    """A session, after the CSMS has asked for everything."""
    bench = Bench(compile_profile(profile, version)).boot(120)
    if version == "1.6":
        bench.fleet.ask(bench.station, "GetConfiguration", {})
    else:
        bench.fleet.ask(bench.station, "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    return bench.run(30).plug().token("TAG", 200).token("TAG", 5).unplug().run(30)


def shape(bench: Bench) -> list[tuple[str, int, str, tuple[str, ...]]]:
    """What was said, without its values: who, type, action, and every field."""
    return [
        (seen.direction, seen.kind, seen.action, tuple(sorted(set(_fields(json.loads(json.dumps(seen.payload)), "")))))
        for seen in bench.csms.seen
    ]


def _fields(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{path}.{name}"
            yield from _fields(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item, path)
    elif isinstance(value, str) and path.endswith((".measurand", ".phase", ".unit", ".key")):
        yield f"{path}={value}"


def loaded(draft: Draft, folder: Path) -> LoadedProfile:
    path = folder / "learnt.yaml"
    path.write_text(draft.text(), encoding="utf-8")
    return load_profile(str(path))


@pytest.mark.parametrize(
    ("profile", "version"),
    [
        ("generic/ac-single", "1.6"),
        ("generic/ac-dual", "2.0.1"),
        ("generic/dc-fast", "1.6"),
        ("generic/dc-fast", "2.1"),
        ("wallbox/pulsar-max", "1.6"),
    ],
)
def test_a_learnt_profile_says_what_the_station_said(tmp_path: Path, profile: str, version: str) -> None:
    bench = observed(profile, version)
    draft = learn(capture_of(frames_of(bench)), source="field.jsonl")
    checked(draft)
    mine = loaded(draft, tmp_path)
    known = load_profile(profile).profile
    assert (mine.profile.identity.vendor, mine.profile.identity.model) == (known.identity.vendor, known.identity.model)
    assert len(mine.profile.evses) == len(known.evses) and mine.profile.versions == (version,)
    assert [evse.phases for evse in mine.profile.evses] == [evse.phases for evse in known.evses]
    assert mine.profile.standing("identity.vendor") == "sourced"
    assert mine.profile.source("identity.vendor") == "field.jsonl, line 1"
    if not known.quirks:
        assert shape(observed(mine, version)) == shape(bench)


def test_what_only_this_product_has_is_learnt() -> None:
    keys = [
        {"key": "HeartbeatInterval", "readonly": True, "value": "77"},
        {"key": "MeterValueSampleInterval", "readonly": False, "value": "soon"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "3"},
        {"key": "AuthorizationKey", "readonly": False, "value": "<secret:1>"},
        {"key": "LedColour", "readonly": False, "value": "green: always"},
        {"key": "Uptime", "readonly": True},
    ]
    boot = {**BOOT, "chargePointSerialNumber": "SN-0042-B", "iccid": "8931", "firmwareVersion": "1.{2}"}
    trace = written(
        [
            (0, "cp", 2, "BootNotification", boot),
            (0, "csms", 3, "BootNotification", ACCEPTED),
            (1, "csms", 2, "GetConfiguration", {}),
            (1, "cp", 3, "GetConfiguration", {"configurationKey": keys}),
            (2, "csms", 2, "ReserveNow", {"connectorId": 1}),
            (2, "cp", 4, "ReserveNow", "NotSupported"),
            (3, "cp", 2, "StartTransaction", START),
            (4, "cp", 2, "MeterValues", VALUES),
        ]
    )
    draft = learn(capture_of(trace), source="x.log")
    values = draft.values
    assert values["identity"]["serial"] == "SN-{n:04d}-B" and values["identity"]["firmware"] == "1.(2)"
    assert values["hardware"]["modem"] == {"kind": "lte"}
    assert len(values["evses"]) == 3
    assert values["settings"]["HeartbeatInterval"] == 77 and "HeartbeatInterval" in values["read_only"]
    assert values["vendor_keys"] == {
        "LedColour": {"value": "green: always", "writable": True},
        "Uptime": {"value": "", "writable": False},
    }
    assert values["not_offered"] == ["ReserveNow"]
    assert "WebSocketPingInterval" in values["absent"] and "LedColour" not in values["absent"]
    assert "secret" not in draft.text()
    profile = checked(draft)
    assert profile.source("settings.HeartbeatInterval") == "x.log, line 4"
    notes = "\n".join(draft.notes)
    assert "MeterValueSampleInterval was 'soon' in line 4, which cannot be carried over" in notes
    assert "identity.serial was 'SN-0042-B'" in notes
    assert draft.text().splitlines()[0] == "# Drafted from x.log: one station, 3 messages."


def test_a_snippet_without_a_beginning_still_gives_a_profile() -> None:
    profile = checked(learn(capture_of(written([(4, "cp", 2, "MeterValues", VALUES)])), source="x"))
    assert (profile.identity.vendor, profile.standing("identity.vendor")) == ("Unknown", "assumed")
    assert len(profile.evses) == 2
    assert profile.settings == {"MeterValuesSampledData": ["Energy.Active.Import.Register"]}
