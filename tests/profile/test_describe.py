"""Rows of a profile: values, standings, places."""

from __future__ import annotations

import pytest

from simulator.profile.describe import describe_profile, standings
from simulator.profile.load import load_profile

from .conftest import Write


@pytest.mark.usefixtures("quirks")
def test_rows(write: Write) -> None:
    base = write(
        "acme/base",
        "identity: {vendor: A, model: B}\nversions: ['1.6']\nhardware:\n  meter: {resolution_wh: 10}\n"
        "settings: {HeartbeatInterval: 60}\nsources: {hardware.meter: https://x/m}\n",
    )
    own = write(
        "acme/own",
        "extends: base.yaml\nevses: 2\nquirks:\n- {name: slow-boot, delay_s: 3.0}\nsources: {slow-boot: https://x/q}\n",
    )
    rows = {row.path: row for row in describe_profile(load_profile(str(own)))}

    def of(path: str) -> tuple[object, ...]:
        row = rows[path]
        return row.value, row.standing, row.source, row.file, row.line

    assert of("hardware.meter.resolution_wh") == (10.0, "sourced", "https://x/m", str(base), 4)
    assert of("hardware.rtc.drift_ppm") == (20.0, "assumed", None, None, None)
    assert of("settings.HeartbeatInterval") == (60, "assumed", None, str(base), 5)
    assert of("evses[1].phases") == (3, "assumed", None, str(own), 2)
    assert of("slow-boot") == ({"delay_s": 3.0}, "sourced", "https://x/q", str(own), 4)
    assert of("versions") == (["1.6"], "assumed", None, str(base), 2)
    assert not {"extends", "evidence", "sources"} & set(rows)


def test_generic_profiles_claim_no_source() -> None:
    assert {row.standing for row in describe_profile(load_profile("generic/dc-fast"))} == {"assumed"}


def test_standings_are_counted() -> None:
    loaded = load_profile("alfen/ng910")
    rows = describe_profile(loaded)
    counts = standings(loaded)
    assert counts["sourced"] == sum(row.source is not None for row in rows) > 15
    assert sum(counts.values()) == len(rows)
    assert standings(load_profile("generic/dc-fast"))["sourced"] == 0
