"""Cases of 2.0.1 that are for products the generic profiles are not: on profiles that differ in one thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.certify import runner
from simulator.certify.verdicts import PASS

BAY = "{connector_type: sType2, phases: 3, max_current_a: 32, max_power_w: 22000, voltage_v: 230, bay_sensor: true}"
#: what differs -> the cases
PRODUCTS = {
    "hardware: {firmware: {fetch_while_charging: false}}": ("TC_L_01", "TC_L_12", "TC_L_13"),
    "hardware: {firmware: {restart: before}}": ("TC_L_02", "TC_L_08", "TC_L_14", "TC_L_15"),
    "hardware: {firmware: {restart: none}}": ("TC_L_03", "TC_L_06", "TC_L_14", "TC_L_15"),
    "hardware: {cable: tethered}": ("TC_E_20", "TC_E_26", "TC_E_27"),
    f"evses: [{BAY}]": ("TC_E_12", "TC_E_19", "TC_E_26"),
}


@pytest.mark.parametrize("difference", PRODUCTS)
def test_what_is_for_other_products(tmp_path: Path, difference: str) -> None:
    """The cases apply, and are passed."""
    profile = tmp_path / "other.yaml"
    evses = "" if "evses" in difference else "evses: 2\n"
    profile.write_text(f"extends: generic/ac-single\n{evses}{difference}\n", encoding="utf-8")
    run = runner.run_cases(str(profile), PRODUCTS[difference], ocpp="2.0.1")
    bad = [f"{result.name}: {result.verdict} {result.reason}" for result in run.results if result.verdict != PASS]
    assert not bad and len(run.results) == len(PRODUCTS[difference]), "\n".join(bad)
