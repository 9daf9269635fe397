"""Archetypes: each profile has one, and reports and watches at least what it asks for."""

from __future__ import annotations

import pytest

from simulator.blocks.device_model import archetype
from simulator.blocks.inventory.archetypes import (
    AC_DUAL,
    AC_SINGLE,
    ARCHETYPES,
    DC_FAST,
    DC_HPC,
    HARD_WIRED,
    LIQUID_COOLED,
    PRECONFIGURED,
    derived,
)
from simulator.blocks.inventory.tree import inventory
from simulator.core.model import EvseSpec, Model
from simulator.hardware.fault import FAULTS
from simulator.profile.compiled import compile_profile
from tests.ocpp2x.bench import model

KINDS = {"UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"}


def direct(power_w: float, current_a: float) -> EvseSpec:
    return EvseSpec(1, phases=0, tethered=True, max_power_w=power_w, max_current_a=current_a, voltage_v=800.0)


@pytest.mark.parametrize(
    ("evses", "name"),
    [
        ((EvseSpec(1),), AC_SINGLE),
        ((EvseSpec(1), EvseSpec(2)), AC_DUAL),
        ((direct(50_000, 125),), DC_FAST),
        ((direct(150_000, 375), EvseSpec(2)), DC_FAST),
        ((direct(300_000, 400),), DC_HPC),
        ((direct(400_000, 500),), LIQUID_COOLED),
    ],
)
def test_it_follows_from_the_hardware(evses: tuple[EvseSpec, ...], name: str) -> None:
    made = model("2.0.1", evses=evses)
    assert derived(made) == archetype(made).name == name
    reports(made)


def test_a_profile_may_name_it() -> None:
    assert archetype(model("2.0.1", evses=(direct(150_000, 375),), archetype=LIQUID_COOLED)).name == LIQUID_COOLED


@pytest.mark.parametrize("name", ["generic/ac-single", "generic/ac-dual", "generic/dc-fast", "generic/ac-mode2"])
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_the_generic_profiles_report_what_theirs_asks_for(name: str, version: str) -> None:
    reports(compile_profile(name, version))


def reports(made: Model) -> None:
    """All components, a monitor possible on every variable named; a part the hardware lacks excepted for monitors."""
    kind = archetype(made)
    found = inventory(made).variables
    components = {one.component for one in found}
    assert set(kind.components) <= components
    monitored = {(one.component, one.variable) for one in found if one.monitored}
    assert {pair for pair in kind.monitored if pair[0] in components} <= monitored
    for monitor in kind.monitors:
        assert monitor.component not in components or (monitor.component, monitor.variable) in monitored, monitor


@pytest.mark.parametrize("name", list(ARCHETYPES))
def test_monitors_and_severities_are_sound(name: str) -> None:
    kind = ARCHETYPES[name]
    assert len(set(kind.components)) == len(kind.components) and len(set(kind.monitored)) == len(kind.monitored)
    for monitor in kind.monitors:
        assert monitor.kind in KINDS and 0 <= monitor.severity <= 9 and monitor.standing in (HARD_WIRED, PRECONFIGURED)
        assert (monitor.component, monitor.variable) in kind.monitored, monitor
    for row in kind.severities:
        assert kind.severity(row.component, row.variable) == row.severity, "one severity for one thing"
    assert kind.severity("Nonsense", "Problem") is None


def test_every_fault_that_a_station_notices_has_a_severity() -> None:
    kind = ARCHETYPES[LIQUID_COOLED]
    noticed = {FAULTS.get(name).component for name in FAULTS if FAULTS.get(name).code}
    missing = {component for component in noticed if kind.severity(component, "Problem") is None}
    # a plug that cannot be locked is of a socket, worn contacts are of the connector
    assert missing <= {"ConnectorPlugRetentionLock", "Connector"}
