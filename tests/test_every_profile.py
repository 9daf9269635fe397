"""Every shipped profile, in every version it speaks: it loads, boots, charges one car, and says what it always said.

What it says is kept as a transcript in tests/golden, a JSON array a frame: seconds, sender, type, message id, action,
payload. ``UPDATE_GOLDEN=1`` writes them anew; the difference is then for a reader to judge.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from simulator.blocks.metering import SAMPLE_INTERVAL
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
#: no maker, or makers without a name
NOBODY = ("generic", "legacy")
#: whose products are what CSMS teams meet most
FAMILIES = ("abb", "evbox", "wallbox", "alfen", "tritium", "kempower", "legacy")


def broken_by_quirks(bench: Bench) -> set[str]:
    """What the quirks of a station are declared to break."""
    return {word for quirk in bench.station.model.quirks for word in quirk.breaks}


def session(bench: Bench, seconds: float) -> Bench:
    """Plug, token, so much time, token, unplug; the CSMS starts it where a token at the reader has no effect."""
    bench.plug().token("TAG", 5)
    if bench.station.evses[0].tx is None and "token_asked" in broken_by_quirks(bench):
        bench.remote_start("TAG")
    return bench.run(seconds - 5).token("TAG", 5).unplug()


@cache
def smoke(name: str, version: str) -> Bench:
    """Boot, and a session with three minutes of energy."""
    bench = Bench(compile_profile(name, version))
    return session(bench.boot(20), 190).run(30)


def transcript(bench: Bench) -> Iterator[str]:
    """One line a frame."""
    for s in bench.csms.seen:
        said = s.payload.decode("utf-8", "replace") if isinstance(s.payload, bytes) else s.payload  # no JSON
        row = [round(s.now / 1e6, 3), s.direction, s.kind, s.message_id, s.action, said]
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(("name", "version"), SPOKEN)
def test_it_boots_and_charges_a_car(name: str, version: str) -> None:
    bench = smoke(name, version)
    breaks = broken_by_quirks(bench)
    actions = bench.csms.actions()
    assert ("BootNotification" in actions) != ("status_before_boot" in breaks), actions
    assert bench.station.gate == "accepted"
    # a start that is told twice, or in the place of a stop, gets an id each time
    assert len(bench.csms.transactions) == 1 or ("every_fate" in breaks and bench.csms.transactions)
    row = next(iter(bench.csms.transactions.values()))
    if "events" in row:  # 2.x
        types = [event["eventType"] for event in row["events"]]
        assert types[0] == "Started" and types[-1] == "Ended" and "Updated" in types[1:-1]
        assert [event["seqNo"] for event in row["events"]] == list(range(len(types)))
    else:
        assert actions.count("StopTransaction") == (0 if "sessions_told" in breaks and "every_fate" in breaks else 1)
        interval_s = bench.station.settings[SAMPLE_INTERVAL]
        # samples under an id of the station's own are not those of the transaction
        assert row["samples"] or not interval_s or breaks & {"configured_samples", "own_transaction_id"}
        start, stop = bench.sent("StartTransaction")[0], bench.sent("StopTransaction")[:1]
        register = {"register_never_falls", "limit_used"}  # it is told wrongly, or nothing flows
        assert not stop or stop[0]["meterStop"] > start["meterStart"] or breaks & register


@pytest.mark.parametrize(("name", "version"), SPOKEN)
def test_its_frames_obey_the_schema(name: str, version: str) -> None:
    bench = smoke(name, version)
    errors = [e for s in bench.csms.seen if s.direction == "cp" for e in schema_errors(version, s)]
    assert bool(errors) <= ("schema" in broken_by_quirks(bench)), errors[:3]


@pytest.mark.parametrize("name", [name for name, version in SPOKEN if version == "1.6"])
def test_it_breaks_nothing_but_what_its_quirks_declare(name: str) -> None:
    bench = smoke(name, "1.6")
    declared = broken_by_quirks(bench)
    found = broken(bench)
    assert set(found) <= declared, {word: found[word] for word in set(found) - declared}


@pytest.mark.parametrize(("name", "version"), SPOKEN)
def test_it_keeps_the_rules_of_the_farm(name: str, version: str) -> None:
    bench = Bench(compile_profile(name, version))
    checkers = Checkers()
    bench.watch(checkers.observe)
    session(bench.boot(20), 190)
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


@pytest.mark.parametrize("name", [name for name in PROFILES if name.partition("/")[0] not in NOBODY])
def test_a_product_is_named_as_on_the_wire(name: str) -> None:
    """Or the first thing anybody reads of the profile says that it is not known."""
    profile = loaded(name).profile
    assert profile.standing("identity.vendor") == "sourced" or "vendor text" in profile.evidence
    firmware = profile.identity.firmware
    if profile.standing("identity.firmware") == "assumed":
        assert firmware is None, "quirks are bound to a firmware; an invented one would be compared with others"
        assert "firmware" in profile.evidence, "say that it is not known"


@pytest.mark.parametrize("name", ["tritium/veefil-rt", "kempower/satellite"])
def test_thin_evidence_is_said_first(name: str) -> None:
    assert loaded(name).profile.evidence.startswith("Thin evidence")


#: quirks that stand in no shipped profile of their vendor, and why
NOWHERE = {
    "meter-only-sample-clock": "seen over OCPP 1.5, which no station speaks here",
    "ws-flapping": "for long stretches, not by a firmware; a fleet adds it",
}


#: makers whose folder is not called as the catalogue calls them
FOLDERS = {"EN+": "enplus", "Wattpilot": "fronius", "Legacy AC (generic)": "legacy", "some stations": "legacy"}


def made_by(name: str, vendor: str) -> bool:
    """Is this a profile of a maker, as the catalogue names it (``ABB Terra AC``, ``Bender/Ebee``)?"""
    folder = name.partition("/")[0]
    return folder == FOLDERS.get(vendor) or re.sub(r"\W", "", folder) in re.sub(r"\W", "", vendor.lower())


def test_every_quirk_stands_in_a_profile_of_its_maker() -> None:
    used = {
        use.name
        for name in PROFILES
        for use in loaded(name).profile.quirks
        if any(made_by(name, vendor) for vendor in QUIRKS.get(use.name).vendors)
    }
    assert set(QUIRKS) - used == set(NOWHERE)


def test_each_family_has_a_profile_with_five_quirks() -> None:
    most = dict.fromkeys(FAMILIES, 0)
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
