"""The PICS of a profile follows from its station: nothing in it is said by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from simulator.certify.pics import MODE_12, pics_of, pics_of_model
from simulator.core.settings import KEYS
from simulator.errors import ProfileError
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile, profile_paths

ALL_16 = [name for name in profile_paths() if "1.6" in load_profile(name).profile.versions]


@pytest.mark.parametrize("name", ALL_16)
def test_every_profile_has_one_and_it_is_plain_data(name: str) -> None:
    pics = pics_of(name)
    data = pics.as_dict()
    assert json.loads(json.dumps(data))["profile"] == name
    assert data["general_information"]["firmware_version"] == (load_profile(name).profile.identity.firmware or "")
    assert all(answer is not None for key, answer in pics.answers.items() if key != "SC-1")
    assert (pics.answers["SC-1"] is not None) == ("SmartCharging" in pics.features)


def test_hardware_answers() -> None:
    single, fast, mode2 = pics_of("generic/ac-single"), pics_of("generic/dc-fast"), pics_of("generic/ac-mode2")
    assert [p.answers["fixed_cable"] for p in (single, fast, mode2)] == [False, True, False]
    assert [p.answers["AQ-6"] for p in (single, fast, mode2)] == [True, False, False]
    assert [p.answers["AQ-7.1"] for p in (single, fast, mode2)] == [False, True, False]
    assert [p.answers["C-10"] for p in (single, fast, mode2)] == ["Configurable", "No", "Configurable"]
    assert [p.general["product_subtype"] for p in (single, fast, mode2)] == ["N.A.", "N.A.", MODE_12]
    assert [p.mode_12 for p in (single, fast, mode2)] == [False, False, True]
    assert fast.general["communication"] == ("mobile network",) and fast.general["sockets_connectors"] == "multiple"


def test_a_key_the_product_lacks_or_fixes_shows() -> None:
    model = compile_profile("generic/ac-single", "1.6")
    stop = KEYS.get("StopTransactionOnEVSideDisconnect")
    cache = KEYS.get("AuthorizationCacheEnabled")
    assert pics_of_model(model).answers["C-06"] == "Both" and pics_of_model(model).answers["C-04"]
    assert pics_of_model(replace(model, read_only=frozenset({stop}))).answers["C-06"] == "Yes"
    values = list(model.defaults)
    values[stop.index] = False
    fixed = replace(model, read_only=frozenset({stop}), defaults=tuple(values), absent=frozenset({cache}))
    assert pics_of_model(fixed).answers["C-06"] == "No" and not pics_of_model(fixed).answers["C-04"]
    assert not pics_of_model(replace(model, free_vend=True)).answers["C-07"]


def test_conditions_are_held_against_it() -> None:
    pics = pics_of("generic/ac-single")
    assert pics.holds("C-07 AND C-08 AND NOT AQ-2") and not pics.holds("fixed_cable")
    assert pics.holds("count(security_profiles) > 1")


def test_an_unknown_profile_is_an_error() -> None:
    with pytest.raises(ProfileError, match="generic/ac-single"):
        pics_of("generic/ac-singel")
