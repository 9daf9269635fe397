"""Every shipped profile, in every version it speaks: it loads, boots, charges one car, and says what it always said.

What it says is kept as a transcript in tests/golden, a JSON array a frame: seconds, sender, type, message id, action,
payload. ``UPDATE_GOLDEN=1`` writes them anew; the difference is then for a reader to judge.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from simulator.core import inputs as i
from simulator.core.settings import KEYS
from simulator.lab.checkers import Checkers
from simulator.profile.compiled import compile_profile
from simulator.profile.load import LoadedProfile, load_profile, profile_paths
from simulator.quirks import QUIRKS
from tests.quirks.checks import broken, schema_errors
from tests.quirks.rig import Bench

GOLDEN = Path(__file__).parent / "golden"
PROFILES = tuple(profile_paths())
SPOKEN = [(name, version) for name in PROFILES for version in load_profile(name).profile.versions]
VENDORS = ("abb", "evbox", "wallbox", "alfen")


@cache
def smoke(name: str, version: str) -> Bench:
    """Boot, plug, token, three minutes of energy, token, unplug."""
    bench = Bench(compile_profile(name, version))
    return bench.boot(20).session(190).run(30)


def transcript(bench: Bench) -> Iterator[str]:
    """One line a frame."""
    for s in bench.csms.seen:
        row = [round(s.now / 1e6, 3), s.direction, s.kind, s.message_id, s.action, s.payload]
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(("name", "version"), SPOKEN)
def test_it_boots_and_charges_a_car(name: str, version: str) -> None:
    bench = smoke(name, version)
    model = bench.station.model
    breaks = {word for quirk in model.quirks for word in quirk.breaks}
    actions = bench.csms.actions()
    assert ("BootNotification" in actions) != ("status_before_boot" in breaks), actions
    assert bench.station.gate == "accepted"
    assert len(bench.csms.transactions) == 1
    [row] = bench.csms.transactions.values()
    if "events" in row:  # 2.x
        types = [event["eventType"] for event in row["events"]]
        assert types[0] == "Started" and types[-1] == "Ended" and "Updated" in types[1:-1]
        assert [event["seqNo"] for event in row["events"]] == list(range(len(types)))
    else:
        # a station whose ids flip says the stop under another one
        assert actions.count("StopTransaction") == 1
        assert row["samples"] or "configured_samples" in breaks
        start, stop = bench.sent("StartTransaction")[0], bench.sent("StopTransaction")[0]
        assert stop["meterStop"] > start["meterStart"]


@pytest.mark.parametrize(("name", "version"), SPOKEN)
def test_its_frames_obey_the_schema(name: str, version: str) -> None:
    bench = smoke(name, version)
    errors = [e for s in bench.csms.seen if s.direction == "cp" for e in schema_errors(version, s)]
    breaks = {word for quirk in bench.station.model.quirks for word in quirk.breaks}
    assert bool(errors) == ("schema" in breaks), errors[:3]


@pytest.mark.parametrize("name", [name for name, version in SPOKEN if version == "1.6"])
def test_it_breaks_nothing_but_what_its_quirks_declare(name: str) -> None:
    bench = smoke(name, "1.6")
    declared = {word for quirk in bench.station.model.quirks for word in quirk.breaks}
    found = broken(bench)
    assert set(found) <= declared, {word: found[word] for word in set(found) - declared}


@pytest.mark.parametrize(("name", "version"), SPOKEN)
def test_it_keeps_the_rules_of_the_farm(name: str, version: str) -> None:
    bench = Bench(compile_profile(name, version))
    checkers = Checkers()
    bench.watch(checkers.observe)
    bench.boot(20).session(190)
    bench.plug().token("TAG", 70).drop_link(20).token("TAG", 10).unplug()
    bench.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    bench.session(70).run(200)
    assert checkers.finish([bench.station], bench.fleet.now) == []


@pytest.mark.parametrize(("name", "version"), SPOKEN)
def test_it_says_what_it_always_said(name: str, version: str) -> None:
    path = GOLDEN / f"{name.replace('/', '-')}-{version}.jsonl"
    said = list(transcript(smoke(name, version)))
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text("\n".join(said) + "\n", encoding="utf-8")
    assert path.is_file(), f"{path.name} is missing; UPDATE_GOLDEN=1 writes it"
    kept = path.read_text(encoding="utf-8").splitlines()
    for number, (now, then) in enumerate(zip(said, kept, strict=False), 1):
        assert now == then, f"{path.name}:{number}; UPDATE_GOLDEN=1 if this is meant"
    assert len(said) == len(kept), f"{path.name}: {len(said)} frames, {len(kept)} in the transcript"


def test_no_transcript_without_its_profile() -> None:
    expected = {f"{name.replace('/', '-')}-{version}.jsonl" for name, version in SPOKEN}
    assert {path.name for path in GOLDEN.glob("*.jsonl")} == expected


# -- evidence


@cache
def loaded(name: str) -> LoadedProfile:
    return load_profile(name)


@pytest.mark.parametrize("name", PROFILES)
def test_its_evidence_is_told(name: str) -> None:
    profile = loaded(name).profile
    assert profile.evidence, "one line that says what the profile rests on"
    for use in profile.quirks:
        known = QUIRKS.get(use.name).sources
        assert profile.sources.get(use.name) in known, f"{use.name}: link one of {', '.join(known)}"
        assert profile.standing(use.name) == "sourced"


@pytest.mark.parametrize("name", [name for name in PROFILES if name.partition("/")[0] in VENDORS])
def test_a_vendor_is_named_as_on_the_wire(name: str) -> None:
    profile = loaded(name).profile
    assert profile.standing("identity.vendor") == "sourced"
    assert profile.standing("identity.firmware") == "sourced", "quirks are bound to a firmware; say which"


def test_each_vendor_has_a_profile_with_five_quirks() -> None:
    most = dict.fromkeys(VENDORS, 0)
    for name in PROFILES:
        vendor = name.partition("/")[0]
        if vendor in most:
            most[vendor] = max(most[vendor], len(loaded(name).profile.quirks))
    assert min(most.values()) >= 5, most


@pytest.mark.parametrize("name", PROFILES)
def test_no_key_stands_twice(name: str) -> None:
    """A vendor key that has become a setting of ours belongs under ``settings``."""
    profile = loaded(name).profile
    twice = [key for key in profile.vendor_keys if key in KEYS and key not in profile.absent]
    assert twice == [], f"{name}: move {twice} to settings"
