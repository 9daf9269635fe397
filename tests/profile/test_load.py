"""Profiles: where they are found, what their errors say, and how one extends another."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ProfileError
from simulator.profile.load import find_profile, load_profile, profile_paths
from simulator.profile.schema import Profile, schema_json

from .conftest import Write

PLAIN = "identity: {vendor: Acme, model: Wall}\nversions: ['1.6', '2.0.1']\n"


def refused(path: Path) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))
    return [line.replace(str(path.parent.parent) + "/", "") for line in str(caught.value).splitlines()]


def test_names() -> None:
    assert {"generic/ac-single", "generic/ac-dual", "generic/dc-fast"} <= set(profile_paths())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("generic/ac-singel", "unknown profile 'generic/ac-singel'; did you mean 'generic/ac-single'?"),
        ("dc-fast", "unknown profile 'dc-fast'; did you mean 'generic/dc-fast'?"),
        ("zzzzzz", "unknown profile 'zzzzzz'"),
        ("./nothing.yaml", "there is no profile file './nothing.yaml'"),
        ("../../etc/passwd", "unknown profile '../../etc/passwd'"),
    ],
)
def test_unknown_names(name: str, reason: str) -> None:
    with pytest.raises(ProfileError) as caught:
        find_profile(name)
    assert str(caught.value) == reason


def test_own_folder_wins_and_a_path_works(write: Write, tmp_path: Path) -> None:
    path = write("generic/ac-single", PLAIN)
    assert load_profile("generic/ac-single", tmp_path).profile.identity.vendor == "Acme"
    assert load_profile("generic/ac-dual", tmp_path).profile.identity.vendor == "Acme"
    assert load_profile("generic/ac-single").profile.identity.vendor == "Generic"
    loaded = load_profile(str(path))
    assert (loaded.name, loaded.profile.versions) == ("generic/ac-single", ("1.6", "2.0.1"))


def test_loaded_once_until_the_file_changes(write: Write) -> None:
    path = write("a/b", PLAIN)
    first = load_profile(str(path))
    assert load_profile(str(path)) is first
    write("a/b", PLAIN.replace("Wall", "Other wall"))
    assert load_profile(str(path)).profile.identity.model == "Other wall"


def test_versions_in_any_spelling(write: Write) -> None:
    path = write("a/b", "identity: {vendor: A, model: B}\nversions: [1.6J, ocpp2.0.1, 2.1]\n")
    assert load_profile(str(path)).profile.versions == ("1.6", "2.0.1", "2.1")


@pytest.mark.usefixtures("quirks")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("versions: ['1.6']", "a/b.yaml:1: identity: is required"),
        ("identity: {vendor: A}\nversions: ['1.6']", "a/b.yaml:1: identity.model: is required"),
        (PLAIN.replace("'1.6'", "1.5"), "a/b.yaml:2: versions[0]: unknown OCPP version '1.5'; did you mean '1.6'?"),
        (PLAIN.replace("'1.6'", "2.0.1"), "a/b.yaml:2: versions[1]: 2.0.1 stands twice"),
        (PLAIN + "hardwear: {}", "a/b.yaml:3: hardwear: unknown key; did you mean 'hardware'?"),
        (PLAIN + "hardware:\n  meter:\n    resolution: 1",
         "a/b.yaml:5: hardware.meter.resolution: unknown key; did you mean 'resolution_wh'?"),
        (PLAIN + "hardware:\n  cable: socked",
         "a/b.yaml:4: hardware.cable: 'socked' is not one of tethered, socket; did you mean 'socket'?"),
        (PLAIN + "hardware: {meter: {measurands: [SoC, Volts]}}",
         "a/b.yaml:3: hardware.meter.measurands[1]: 'Volts' is not one of Current.Export, Current.Import, "
         "Current.Offered, ... (22 in all); did you mean 'Voltage'?"),
        (PLAIN + "hardware: {modem: {rtt_ms: [20, 2]}}",
         "a/b.yaml:3: hardware.modem: rtt_ms must be [lowest, highest] within 0 and 60000, not [20, 2]"),
        (PLAIN + "hardware: {modem: {signal_dbm: -70}}",
         "a/b.yaml:3: hardware.modem: signal_dbm belongs to a radio link; a cable has no signal strength"),
        (PLAIN + "hardware: {flash: {capacity: 1KiB}}", "a/b.yaml:3: hardware.flash.capacity: must be at least 4096"),
        (PLAIN + "evses: 0", "a/b.yaml:3: evses: must be from 1 to 64"),
        (PLAIN + "evses: []", "a/b.yaml:3: evses: must not be empty"),
        (PLAIN + "evses:\n- {}\n- {phases: 4}", "a/b.yaml:5: evses[1].phases: 4 is not one of 0, 1, 2, 3"),
        (PLAIN + "settings:\n  HartbeatInterval: 5",
         "a/b.yaml:4: settings.HartbeatInterval: unknown setting 'HartbeatInterval'; "
         "did you mean 'HeartbeatInterval'?"),
        (PLAIN + "settings:\n  HeartbeatInterval: often",
         "a/b.yaml:4: settings.HeartbeatInterval: 'often' is not a number"),
        (PLAIN + "settings:\n  HeartbeatInterval: 1.5",
         "a/b.yaml:4: settings.HeartbeatInterval: 1.5 is not a whole number"),
        (PLAIN + "settings:\n  AuthCtrlr.AuthorizeRemoteStart: 1",
         "a/b.yaml:4: settings.AuthCtrlr.AuthorizeRemoteStart: 1 is not true or false"),
        (PLAIN + "settings:\n  HeartbeatInterval: 5\n  OCPPCommCtrlr.HeartbeatInterval: 6",
         "a/b.yaml:5: settings.OCPPCommCtrlr.HeartbeatInterval: is the same setting as HeartbeatInterval"),
        (PLAIN + "settings: {HeartbeatInterval: 5}\nabsent: HeartbeatInterval",
         "a/b.yaml:3: settings.HeartbeatInterval: is set here and listed under absent"),
        (PLAIN + "read_only:\n- HeartbeatInterval\n- Hearing",
         "a/b.yaml:5: read_only[1]: unknown setting 'Hearing'"),
        (PLAIN + "not_offered: [UnlockConector]",
         "a/b.yaml:3: not_offered[0]: unknown action 'UnlockConector'; did you mean 'UnlockConnector'?"),
        (PLAIN + "quirks:\n- slow-boat", "a/b.yaml:4: quirks[0]: unknown quirk 'slow-boat'; did you mean 'slow-boot'?"),
        (PLAIN + "quirks:\n- slow-boot\n- slow-boot", "a/b.yaml:5: quirks[1]: the quirk 'slow-boot' stands twice"),
        (PLAIN + "quirks:\n- name: slow-boot\n  dealy_s: 5.0",
         "a/b.yaml:5: quirks[0].dealy_s: unknown parameter; did you mean 'delay_s'?"),
        (PLAIN + "quirks:\n- name: slow-boot\n  delay_s: 601.0",
         "a/b.yaml:5: quirks[0].delay_s: 601.0 is not within 0.0 to 600.0"),
        (PLAIN + "quirks: [5]",
         "a/b.yaml:3: quirks[0]: must be the name of a quirk, or {name: ..., and its parameters}"),
        ("identity: {vendor: A, model: B, serial: '{nn}'}\nversions: ['1.6']",
         "a/b.yaml:1: identity.serial: {nn} is not one of {n}, {id}"),
        ("identity: {vendor: A, model: B, serial: '{n:x}'}\nversions: ['1.6']",
         "a/b.yaml:1: identity.serial: {n:x} is not a width such as {n:05d}"),
        ("identity: {vendor: A, model: B, serial: '{n'}\nversions: ['1.6']",
         "a/b.yaml:1: identity.serial: is not a valid pattern: expected '}' before end of string"),
        ("identity: {vendor: A, model: B, firmware: '1.0 {beta'}\nversions: ['1.6']",
         "a/b.yaml:1: identity.firmware: is not a valid pattern: expected '}' before end of string"),
        ("identity: {vendor: 'A vendor of twenty-one', model: B}\nversions: ['2.0.1', '1.6']",
         "a/b.yaml:1: identity.vendor: is longer than 20 characters, the most that 1.6 allows"),
        (PLAIN + "sources: {hardware.metre: 'https://example.invalid'}",
         "a/b.yaml:3: sources.hardware.metre: is neither a field of this profile nor one of its quirks; "
         "did you mean 'hardware.meter'?"),
        (PLAIN + "extends: generic/ac-singel",
         "a/b.yaml:3: extends: unknown profile 'generic/ac-singel'; did you mean 'generic/ac-single'?"),
        (PLAIN + "extends: generic/ac-dual",
         "a/b.yaml:3: extends: generic/ac-dual extends another profile itself; only one step is allowed"),
        (PLAIN + "extends: [a]", "a/b.yaml:3: extends: must be the name of a profile"),
        (PLAIN + "extends: b.yaml", "a/b.yaml:3: extends: a profile cannot extend itself"),
    ],
)  # fmt: skip
def test_each_rule_says_where_and_why(write: Write, text: str, line: str) -> None:
    assert refused(write("a/b", text)) == [line]


# --- extends ---------------------------------------------------------------------------------------------------------

BASE = """\
identity: {vendor: Acme, model: Base, firmware: '1'}
versions: ['1.6', '2.0.1']
evses:
  - {max_current_a: 16, power_group: a}
  - {max_current_a: 63}
hardware:
  meter: {resolution_wh: 10, accuracy_permille: 5}
  rtc: {battery: false}
settings: {HeartbeatInterval: 60, ConnectionTimeOut: 30}
quirks: [fast-heart]
read_only: [HeartbeatInterval]
"""


@pytest.mark.usefixtures("quirks")
def test_maps_merge_deeply_and_lists_are_replaced(write: Write) -> None:
    write("acme/base", BASE)
    path = write(
        "acme/own",
        """\
extends: ../acme/base.yaml
identity: {model: Own}
versions: ['2.1']
hardware: {meter: {resolution_wh: 100}}
settings: {HeartbeatInterval: 5}
quirks: [{name: slow-boot, delay_s: 9.0}]
""",
    )
    found = load_profile(str(path)).profile
    assert (found.identity.vendor, found.identity.model, found.identity.firmware) == ("Acme", "Own", "1")
    assert found.versions == ("2.1",)
    assert [evse.max_current_a for evse in found.evses] == [16, 63]
    assert (found.hardware.meter.resolution_wh, found.hardware.meter.accuracy_permille) == (100, 5)
    assert not found.hardware.rtc.battery
    assert found.settings == {"HeartbeatInterval": 5, "ConnectionTimeOut": 30}
    assert [(use.name, use.params) for use in found.quirks] == [("slow-boot", {"delay_s": 9.0})]
    assert found.read_only == ("HeartbeatInterval",)


@pytest.mark.usefixtures("quirks")
def test_a_number_of_evses_repeats_the_first_of_the_extended(write: Write, tmp_path: Path) -> None:
    write("acme/base", BASE)
    path = write("acme/own", "extends: acme/base\nevses: 3\n")
    evses = load_profile(str(path), tmp_path).profile.evses
    assert [(evse.max_current_a, evse.power_group) for evse in evses] == [(16, "a")] * 3
    alone = write("acme/alone", PLAIN + "evses: 2")
    assert [evse.max_current_a for evse in load_profile(str(alone)).profile.evses] == [32, 32]


@pytest.mark.usefixtures("quirks")
def test_an_error_in_what_is_inherited_names_the_other_file(write: Write) -> None:
    write("acme/base", BASE.replace("60", "sixty"))
    path = write("acme/own", "extends: base.yaml\nhardware: {cable: rope}\n")
    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))
    assert str(caught.value) == f"{path.with_name('base.yaml')}:9: settings.HeartbeatInterval: 'sixty' is not a number"
    write("acme/base", BASE)
    # Right in the base, wrong only together with what extends it: the line is where the value stands.
    own = write("acme/own", "extends: base.yaml\nabsent: [ConnectionTimeOut]\n")
    with pytest.raises(ProfileError) as caught:
        load_profile(str(own))
    base = path.with_name("base.yaml")
    assert str(caught.value) == f"{base}:9: settings.ConnectionTimeOut: is set here and listed under absent"


# --- standing --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quirks")
def test_standing_of_values_and_quirks(write: Write) -> None:
    text = (
        BASE
        + "sources:\n  hardware.meter: https://x/m\n  fast-heart: https://x/q\n  evses[1].max_current_a: https://x/e\n"
    )
    found = load_profile(str(write("acme/base", text))).profile
    assert found.standing("hardware.meter.resolution_wh") == "sourced"
    assert found.source("hardware.meter.accuracy_permille") == "https://x/m"
    assert found.standing("hardware.rtc.battery") == "assumed"
    assert found.standing("evses[1].max_current_a") == "sourced"
    assert found.standing("evses[0].max_current_a") == "assumed"
    assert found.standing("fast-heart") == "sourced"


@pytest.mark.usefixtures("quirks")
def test_a_replaced_value_loses_the_link_of_the_old_one(write: Write) -> None:
    write("acme/base", BASE + "sources: {hardware.meter: https://x/m, fast-heart: https://x/q, evses: https://x/e}\n")
    own = "extends: base.yaml\nevidence: seen\nhardware: {meter: {resolution_wh: 1}}\nquirks: [slow-boot]\nevses: 1\n"
    found = load_profile(str(write("acme/own", own))).profile
    assert found.standing("hardware.meter.resolution_wh") == "assumed"
    assert found.source("hardware.meter.accuracy_permille") == "https://x/m"
    assert found.standing("evses[0].max_current_a") == "assumed"
    assert found.sources == {"hardware.meter.accuracy_permille": "https://x/m"}
    again = load_profile(
        str(write("acme/again", own + "sources: {hardware.meter.resolution_wh: https://x/own}"))
    ).profile
    assert again.source("hardware.meter.resolution_wh") == "https://x/own"


# --- shipped profiles, schema ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["generic/ac-single", "generic/ac-dual", "generic/dc-fast"])
def test_generic_profiles_speak_every_version_and_have_no_quirk(name: str) -> None:
    found = load_profile(name).profile
    assert (found.versions, found.quirks) == (("1.6", "2.0.1", "2.1"), ())
    assert found.evidence


def test_schema_lists_every_key_and_requires_nothing() -> None:
    schema = schema_json()
    assert set(schema["properties"]) == set(Profile.model_fields)
    assert "required" not in schema
    assert {"type": "integer", "minimum": 1} in schema["properties"]["evses"]["anyOf"]
    assert "capacity" in schema["$defs"]["FlashFields"]["properties"]
