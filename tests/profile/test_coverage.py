"""The catalogue and what covers it: quirks and profiles hold together with it."""

from __future__ import annotations

import pytest

from simulator.errors import AuthorError
from simulator.profile.coverage import (
    KINDS,
    Entry,
    Item,
    Verdict,
    _judge,
    catalogue,
    coverage,
    items_of,
    parts_of,
    problems_of,
    states,
    summary,
)
from simulator.profile.schema import Profile
from simulator.quirks import QUIRKS


def profile(**more: object) -> Profile:
    return Profile.model_validate({"identity": {"vendor": "Acme", "model": "X"}, "versions": ["1.6"], **more})


def entry(kind: str, note: str = "", name: str = "some-id") -> Entry:
    return Entry(name, "boot", "log", ("Acme",), ("a/b#1",), "Live with it.", kind, note)


# -- the shipped catalogue


def test_the_catalogue_is_whole() -> None:
    found = catalogue()
    assert len(found) == 268 + 10, "those of the research, and those found since"
    for one in found.values():
        assert one.vendors and one.sources and one.survive and one.confidence, one.id


def test_every_quirk_stands_in_the_catalogue_and_every_behaviour_is_a_quirk() -> None:
    behaviours = {one.id for one in catalogue().values() if one.kind == "behaviour"}
    assert set(QUIRKS) - behaviours == set(), "a quirk that the catalogue does not call behaviour"
    assert behaviours - set(QUIRKS) == set(), "behaviour without a quirk"


def test_quirks_and_catalogue_name_the_same_makers() -> None:
    told = {name: (set(QUIRKS.get(name).vendors), set(catalogue()[name].vendors)) for name in QUIRKS}
    assert {name: both for name, both in told.items() if both[0] != both[1]} == {}


@pytest.mark.parametrize("name", [one.id for one in catalogue().values() if one.kind == "data"])
def test_a_row_of_data_is_something_a_profile_can_say(name: str) -> None:
    for part in parts_of(catalogue()[name].note):
        items = items_of(part)
        assert items and list(problems_of(items)) == []


def test_what_cannot_be_simulated_says_why_and_is_little() -> None:
    never = [one for one in catalogue().values() if one.kind == "no"]
    assert all(one.note.endswith(".") for one in never), [one.id for one in never]
    assert len(never) <= 28


def test_every_entry_gets_a_verdict() -> None:
    verdicts = coverage()
    counts = summary(verdicts)
    assert counts["all"] == len(catalogue()) and counts["covered"] == counts["behaviour"] + counts["data"]
    assert counts["covered"] + counts["impossible"] + counts["open"] == counts["all"]
    assert counts["behaviour"] == len(QUIRKS)
    evbox = next(verdict for verdict in verdicts if verdict.entry.id == "boot-profile-evbox")
    assert (evbox.state, evbox.by) == ("data", "evbox/elvi")
    assert evbox.row()["category"] == "boot" and evbox.row()["kind"] in KINDS


# -- verdicts


def test_states_of_an_entry() -> None:
    quirk = next(iter(QUIRKS))
    shipped = {"acme/x": profile(sources={"identity": "a/b#1"})}
    other = {"other/y": profile(identity={"vendor": "Other", "model": "Y"}, sources={"identity": "a/b#2"})}
    judged = {
        "behaviour": _judge(entry("behaviour", name=quirk), {}),
        "none": _judge(entry("behaviour", name="no-such-quirk"), {}),
        "data": _judge(entry("data", "identity.vendor=Acme; identity.model=X"), shipped),
        "two makers": _judge(entry("data", "identity.vendor=Acme || identity.vendor=Other"), shipped | other),
        "one of two": _judge(entry("data", "identity.vendor=Acme || identity.vendor=Other"), shipped),
        "half": _judge(entry("data", "identity.vendor=Acme; identity.model=Y"), shipped),
        "blank": _judge(entry("data"), shipped),
        "wrong": _judge(entry("data", "settings.NoSuchKey=1"), shipped),
        "garbage": _judge(entry("data", "identity.vendor=[1"), shipped),
        "no": _judge(entry("no", "It is soap."), {}),
        "silent": _judge(entry("no"), {}),
        "open": _judge(entry("open"), {}),
    }
    told = {name: (verdict.state, verdict.by) for name, verdict in judged.items()}
    assert told == {
        "behaviour": ("behaviour", ""),
        "none": ("open", ""),
        "data": ("data", "acme/x"),
        "two makers": ("data", "acme/x, other/y"),
        "one of two": ("open", ""),
        "half": ("open", ""),
        "blank": ("open", ""),
        "wrong": ("open", ""),
        "garbage": ("open", ""),
        "no": ("impossible", ""),
        "silent": ("open", ""),
        "open": ("open", ""),
    }
    assert summary([Verdict(entry("open"), "open")])["covered"] == 0


# -- facts of profiles

SAID = {
    "evses": [{"phases": 0}, {"pilot": False, "max_current_a": 16}],
    "settings": {"MeterValueSampleInterval": 30, "ChargingScheduleAllowedChargingRateUnit": ["Current", "Power"]},
    "vendor_keys": {"evb_Mode": "1", "Open": {"value": "true", "writable": True}},
    "absent": ["HeartbeatInterval", "MinimumStatusDuration"],
    "quirks": ["ws-flapping"],
}


@pytest.mark.parametrize(
    ("note", "holds"),
    [
        ("identity.vendor=Acme", True),
        ("identity.vendor=Other", False),
        ("identity.meter_type=null", True),
        ("evses[0].phases=0; evses[1].pilot=false", True),
        ("evses[0].phases=false", False),
        ("evses[1].max_current_a=16", True),
        ("evses[2].phases=0", False),
        ("hardware.power_loss=stop_after", True),
        ("hardware.nothing=1", False),
        ("settings.MeterValueSampleInterval=30", True),
        ("settings.SampledDataCtrlr.TxUpdatedInterval=30", True),
        ("settings.MeterValueSampleInterval=31", False),
        ("settings.MeterValueSampleInterval", True),
        ("settings.HeartbeatInterval", False),
        ("settings.ChargingScheduleAllowedChargingRateUnit=[Current, Power]", True),
        ('vendor_keys.evb_Mode="1"', True),
        ("vendor_keys.evb_Mode=1", True),
        ("evses=[{phases: 0}, {pilot: false}]", True),
        ("evses=[{phases: 0}]", False),
        ("evses=[{phases: 0}, {pilot: true}]", False),
        ("vendor_keys.evb_Mode", True),
        ("vendor_keys.evb_Other", False),
        ('vendor_keys.Open={value: "true", writable: true}', True),
        ("vendor_keys.Open={writable: false}", False),
        ("absent=[MinimumStatusDuration]", True),
        ("absent=MinimumStatusDuration", True),
        ("absent=[LocalPreAuthorize]", False),
        ("quirks=[ws-flapping]", True),
    ],
)
def test_what_a_profile_states(note: str, holds: bool) -> None:
    everything = ("identity", "evses", "hardware", "settings", "vendor_keys", "absent", "ws-flapping")
    sourced = profile(**SAID, sources=dict.fromkeys(everything, "a/b#1"))
    items = items_of(note)
    assert all(states(sourced, item) for item in items) is holds
    assert not any(states(profile(**SAID), item) for item in items), "what has no source does not count"


@pytest.mark.parametrize(
    ("note", "problem"),
    [
        ("identity.vendr=Acme", "vendr"),
        ("hardware.meter.resolution_wh=-1", "resolution_wh"),
        ("settings.HeartbeatIntervall=5", "did you mean"),
        ("settings.HeartbeatIntervall", "no path"),
        ("evses[0].connector_type=plug", "connector_type"),
        ("versions", "no path"),
        ("identity", "no path"),
        ("quirks=[no-such-quirk]", "no-such-quirk"),
    ],
)
def test_what_no_profile_can_state(note: str, problem: str) -> None:
    assert any(problem in text for text in problems_of(items_of(note)))


def test_an_item_is_a_path_and_perhaps_a_value() -> None:
    first, second = items_of("vendor_keys.A; identity.firmware=1.2.3")
    assert first.any_value and second == Item("identity.firmware", "1.2.3")
    with pytest.raises(AuthorError):
        items_of("a=[1")
