"""Cases of 2.0.1 that the generic profiles do not show: they are for other products, or go another way there. On
profiles that differ in one thing; those in files here are in ``test_cases201``, with their mutants."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.certify import runner
from simulator.certify.verdicts import PASS

#: what differs -> the cases
PRODUCTS = {
    "hardware: {firmware: {restart: before}}": ("TC_L_02", "TC_L_08", "TC_L_14", "TC_L_15"),
    "hardware: {firmware: {restart: none}}": ("TC_L_03", "TC_L_06", "TC_L_14", "TC_L_15"),
    "settings: {TxCtrlr.TxStartPoint: [EVConnected]}": ("TC_H_01", "TC_H_02", "TC_H_23", "TC_K_37", "TC_K_41"),
}


@pytest.mark.parametrize("difference", PRODUCTS)
def test_what_is_for_other_products(tmp_path: Path, difference: str) -> None:
    """The cases apply, and are passed."""
    profile = tmp_path / "other.yaml"
    profile.write_text(f"extends: generic/ac-single\nevses: 2\n{difference}\n", encoding="utf-8")
    run = runner.run_cases(str(profile), PRODUCTS[difference], ocpp="2.0.1")
    bad = [f"{result.name}: {result.verdict} {result.reason}" for result in run.results if result.verdict != PASS]
    assert not bad and len(run.results) == len(PRODUCTS[difference]), "\n".join(bad)
