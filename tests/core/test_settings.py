"""Settings: parsing as on the wire, bounds with reasons, names, and what a station stores of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator import blocks  # noqa: F401  (declares the settings)
from simulator.core import inputs as i
from simulator.core.outbox import MESSAGE_ATTEMPTS, MESSAGE_TIMEOUT
from simulator.core.settings import KEYS, SETTINGS, Setting, SettingsView, all_settings, defaults
from tests.core.build import VERSIONS, rig


def bare(type_: str, default: object, **fields: object) -> Setting:
    """A setting that is in no table."""
    made = object.__new__(Setting)
    for name in Setting.__slots__:
        setattr(made, name, None)
    made.type, made.default, made.values = type_, default, ()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (bare("int", 0), "7", 7),
        (bare("int", 0), " 7 ", 7),
        (bare("int", 0, minimum=-5), "-5", -5),
        (bare("bool", False), "TRUE", True),
        (bare("bool", True), "false", False),
        (bare("float", 0.0), "1.5", 1.5),
        (bare("str", ""), " as it is ", " as it is "),
        (bare("list", ()), "a, b ,,c", ("a", "b", "c")),
        (bare("list", ()), "", ()),
    ],
)
def test_texts_of_the_wire_become_values_and_back(setting: Setting, text: str, value: object) -> None:
    assert setting.parse(text) == value
    assert setting.parse(setting.format(value)) == value


@pytest.mark.parametrize(
    ("setting", "text", "reason"),
    [
        (bare("int", 0), "seven", "whole number"),
        (bare("int", 0), "1.5", "whole number"),
        (bare("int", 0), "", "whole number"),
        (bare("int", 0), "1_000", "whole number"),
        (bare("int", 0), "\u0663", "whole number"),
        (bare("float", 0.0), "1_0.5", "not a number"),
        (bare("int", 0, minimum=1), "0", "below 1"),
        (bare("int", 0, maximum=9), "10", "above 9"),
        (bare("bool", False), "yes", "true or false"),
        (bare("float", 0.0), "nan", "not a number"),
        (bare("float", 0.0), "inf", "not a number"),
        (bare("float", 0.0), "x", "not a number"),
        (bare("str", "", max_len=3), "abcd", "longer than 3"),
        (bare("str", "", values=("a", "b")), "c", "one of a, b"),
        (bare("list", (), values=("a", "b")), "a,c", "'c' is not one of"),
        (bare("list", (), max_items=1), "a,b", "2 items are more than 1"),
        (bare("int", 0, check=lambda v: "odd" if v % 2 else None), "3", "odd"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(setting: Setting, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        setting.parse(text)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (bare("int", 0), True),
        (bare("int", 0), "7"),
        (bare("bool", False), 1),
        (bare("str", ""), 7),
        (bare("list", ()), "a"),
    ],
)
def test_a_value_of_another_type_is_refused(setting: Setting, value: object) -> None:
    with pytest.raises(ValueError):
        setting.validate(value)


@pytest.mark.parametrize("setting", all_settings(), ids=str)
def test_every_setting_has_a_sound_default_and_is_found_by_its_names(setting: Setting) -> None:
    setting.validate(setting.default)
    assert setting.parse(setting.format(setting.default)) == setting.default
    assert SETTINGS.get(setting.key) is setting
    if setting.key16:
        assert KEYS.get(setting.key16) is setting
    if setting.name:
        full = f"{setting.component}.{setting.variable}" + (f"[{setting.instance}]" if setting.instance else "")
        assert full == setting.name


def test_defaults_are_in_the_order_of_indexes_and_fresh() -> None:
    first, second = defaults(), defaults()
    assert first == [s.default for s in all_settings()] and first is not second
    assert [s.index for s in all_settings()] == list(range(len(first)))


def test_a_view_shows_the_difference_over_the_shared_default() -> None:
    shared = tuple(defaults())
    view = SettingsView(shared, {})
    assert view[MESSAGE_ATTEMPTS] == 3
    view.overlay[MESSAGE_ATTEMPTS.key] = 0  # falsy, and still a value
    assert view[MESSAGE_ATTEMPTS] == 0 and view[MESSAGE_TIMEOUT] == 30
    assert SettingsView(shared, {})[MESSAGE_ATTEMPTS] == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_a_written_setting_survives_a_power_cut_and_a_refused_one_changes_nothing(version: str) -> None:
    lab = rig(version).boot()
    assert lab.station.write_setting(MESSAGE_ATTEMPTS, 9)
    lab.feed(i.Inject("f", "flash.read_only"))
    assert not lab.station.write_setting(MESSAGE_ATTEMPTS, 2)
    assert lab.station.settings[MESSAGE_ATTEMPTS] == 9
    lab.feed(i.Clear("f"), i.PowerOff())
    lab.run(1)
    lab.feed(i.PowerOn())
    lab.run(60)
    assert lab.station.settings[MESSAGE_ATTEMPTS] == 9
    assert lab.station.model.defaults[MESSAGE_ATTEMPTS.index] == 3, "the model is shared and never written"


def test_models_do_not_share_their_differences() -> None:
    one, two = rig().boot(), rig(station_id="CP2").boot()
    assert one.station.write_setting(MESSAGE_ATTEMPTS, 9)
    assert two.station.settings[MESSAGE_ATTEMPTS] == 3
    assert replace(one.station.model, name="x").defaults == one.station.model.defaults
