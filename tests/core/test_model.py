"""A model is shared and read only; a station adds nothing but its differences."""

from __future__ import annotations

import dataclasses

import pytest

from simulator.core import model as models
from simulator.core.model import EvseSpec, HardwareSpec, Identity, MeterSpec, Model, RtcSpec, Seams
from simulator.core.station import Station
from simulator.quirks.seams import SEAMS
from tests.core.build import VERSIONS, model, rig

SPECS = [v for v in vars(models).values() if isinstance(v, type) and dataclasses.is_dataclass(v)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.__name__)
def test_every_part_is_frozen(spec: type) -> None:
    assert spec.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert hasattr(spec, "__slots__")
    assert spec.__doc__


def test_the_seams_are_the_nine_of_the_quirks() -> None:
    assert tuple(field.name for field in dataclasses.fields(Seams)) == SEAMS and len(SEAMS) == 9
    assert all(getattr(Seams(), name) == () for name in SEAMS)


def test_direct_current_has_no_phases() -> None:
    assert EvseSpec(1, phases=0).is_dc and not EvseSpec(1, phases=3).is_dc


@pytest.mark.parametrize("version", VERSIONS)
def test_stations_of_one_model_share_it_and_nothing_else(version: str) -> None:
    shared = model(version, evses=2)
    one, two = Station("A", shared, seed=1, number=1), Station("B", shared, seed=1, number=2)
    assert one.model is two.model and one.settings._shared is two.settings._shared
    assert one.board.flash.areas is not two.board.flash.areas
    assert one.board.rtc.own_ppb != two.board.rtc.own_ppb
    assert one.board.meters[0].register_wh(0) != two.board.meters[0].register_wh(0)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_register_is_the_profile_s_or_depends_on_the_id_and_is_never_0_by_itself(version: str) -> None:
    for station_id in ("A", "B", "CP-000001"):
        first, again = Station(station_id, model(version), seed=1), Station(station_id, model(version), seed=2)
        register = first.board.meters[0].register_wh(0)
        assert register == again.board.meters[0].register_wh(0) >= 1_000
    assert Station("A", model(version, initial_register_wh=0.0), seed=1).board.meters[0].register_wh(0) == 0
    assert Station("A", model(version), seed=1, register_wh=5.0).board.meters[0].register_wh(0) == 5


@pytest.mark.parametrize("version", VERSIONS)
def test_what_identity_leaves_out_is_not_sent_and_patterns_are_filled(version: str) -> None:
    identity = Identity("ACME", "X", firmware=None, serial="S{n}-{id}")
    lab = rig(version, identity=identity).boot()
    (boot,) = lab.sent("BootNotification")
    station = boot if version == "1.6" else boot["chargingStation"]
    assert "firmwareVersion" not in station
    assert station["chargePointSerialNumber" if version == "1.6" else "serialNumber"] == "S0-CP1"


def test_defaults_are_a_plain_product() -> None:
    plain = model()
    assert isinstance(plain, Model) and plain.hardware == HardwareSpec()
    assert (MeterSpec().resolution_wh, RtcSpec().battery, HardwareSpec().power_loss) == (1.0, True, "stop_after")
