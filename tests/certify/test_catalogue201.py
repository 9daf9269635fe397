"""The data of 2.0.1's cases: numbers, names, conditions; features; required variables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.certify import catalogue201
from simulator.certify.conditions import names_in
from simulator.certify.edition import EDITIONS, edition_of
from simulator.certify.edition16 import EDITION_16
from simulator.certify.edition201 import EDITION_201
from simulator.certify.features201 import features_of, features_of_model
from simulator.certify.required201 import missing, required
from simulator.certify.variables201 import place, spelled
from simulator.core.settings import SETTINGS
from simulator.errors import UnknownName
from simulator.profile.compiled import compile_profile

ROWS = catalogue201.rows()


def test_numbers_of_the_list() -> None:
    """350 distinct station cases of six certification profiles."""
    assert len(ROWS) == 350
    assert Counter(row.section for row in ROWS.values()) == {
        "Core": 222,
        "Advanced Device Management": 41,
        "Smart Charging": 36,
        "Local Authorization List Management": 22,
        "Reservation": 22,
        "Advanced Security": 7,
    }
    assert Counter(row.mark for row in ROWS.values()) == {"M": 211, "C": 139}


def test_conditions_name_features() -> None:
    """Every condition can be decided for a product."""
    pics = features_of("generic/ac-single")
    for row in ROWS.values():
        assert names_in(row.condition) <= set(pics.answers), row.id
        row.not_applicable(pics)


def test_names() -> None:
    """As typed; a wrong one says the nearest."""
    assert [row.id for row in catalogue201.wanted(["tc_b_01_cs", "TC_C_02"])] == ["TC_B_01", "TC_C_02"]
    with pytest.raises(UnknownName, match="did you mean 'TC_B_01'"):
        catalogue201.wanted(["TC_B_001"])


def test_editions() -> None:
    """One for each version, and no other."""
    assert [edition_of(name) for name in EDITIONS] == [EDITION_16, EDITION_201]
    with pytest.raises(UnknownName):
        edition_of("2.1")


def test_features_follow_from_hardware_and_settings() -> None:
    """What differs between the generic profiles."""
    single, dual, fast = (features_of(f"generic/{name}") for name in ("ac-single", "ac-dual", "dc-fast"))
    assert [p.answers["HFS-1"] for p in (single, dual, fast)] == [True, True, False]
    assert [p.answers["HFS-4"] for p in (single, dual, fast)] == [False, False, True]
    assert [len(p.answers["HFS-8"]) for p in (single, dual, fast)] == [1, 2, 2]
    assert [p.answers["AQ-9"] for p in (single, dual, fast)] == [True, True, False]
    assert [p.answers["C-12.1"] for p in (single, dual, fast)] == [True, True, False]
    assert single.features[0] == "Core" and single.as_dict()["certification_profiles"] == list(single.features)
    assert not single.answers["C-09.3"] and not single.answers["C-09.6"] and single.answers["C-09.2"]


def test_a_type_of_connector_can_be_reserved_if_the_list_of_the_version_has_it() -> None:
    """Part 5 errata, 5.19; and only where any EVSE can be reserved."""
    model = compile_profile("generic/ac-single", "2.0.1")
    newer = replace(model, evses=tuple(replace(evse, connector_type="cNACS") for evse in model.evses))
    assert [features_of_model(one).answers["R-1"] for one in (model, newer)] == [True, False]
    plain = features_of(str(Path(__file__).with_name("plain.yaml")))
    assert not plain.answers["R-1"] and not plain.answers["R-2"] and plain.answers["Reservation"]


def test_a_variable_that_is_fixed_or_absent_shows() -> None:
    """Read-only points offer what they hold; a cache that is not there is no feature."""
    model = compile_profile("generic/ac-single", "2.0.1")
    start, cache = SETTINGS.get("TxCtrlr.TxStartPoint"), SETTINGS.get("AuthCacheCtrlr.Enabled")
    fixed = features_of_model(replace(model, read_only=frozenset({start}), absent=frozenset({cache})))
    assert [fixed.answers[f"C-09.{n}"] for n in range(1, 7)] == [False, False, False, True, False, False]
    assert not fixed.answers["C-51"] and not fixed.answers["C-49"]
    plain = features_of_model(model)
    assert plain.answers["C-51"] and plain.answers["C-49"]
    assert not features_of_model(replace(model, not_offered=frozenset({"ReserveNow"}))).holds("Reservation")
    assert not features_of_model(replace(model, free_vend=True)).holds("C-30 OR C-31")


def test_required_variables() -> None:
    """An inventory without them says which are missing, and who wants them."""
    pics = features_of("generic/ac-dual")
    assert len(required()) == 64
    lacking = dict(missing({"SmartChargingCtrlr.Enabled": ("true", False)}, pics))
    assert lacking["OCPPCommCtrlr.MessageTimeout[Default]"] == "Core"
    assert lacking["EVSE.Power@2"] == "Core" and lacking["Connector.Available@1.1"] == "Core"
    assert lacking["SmartChargingCtrlr.RateUnit"] == "SmartChargingCtrlr"
    assert not any(name.startswith("MonitoringCtrlr") for name in lacking)
    writable = dict(missing({}, pics, writable=True))
    assert "TxCtrlr.StopTxOnInvalidId" in writable and "TxCtrlr.TxStartPoint" not in writable


@pytest.mark.parametrize("name", ["A.B", "A.B[C]", "A.B@1", "A.B[C]@2.1"])
def test_names_of_variables(name: str) -> None:
    """There and back."""
    assert spelled(place(name)) == name
