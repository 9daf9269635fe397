"""The soak: its fleet has every product, version and fault, and its judge sees what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator import soak
from simulator.core import records as r
from simulator.errors import FleetError
from simulator.hardware.fault import FAULTS
from simulator.ledger import Ledger
from simulator.profile.load import load_profile, profile_paths
from simulator.resources import scenarios_dir
from simulator.yamlfile import load

FILE = scenarios_dir() / soak.FLEET


def test_every_fault_every_product_in_every_version() -> None:
    assert load(FILE, FleetError).data["groups"][0]["count"] == 2_000
    speaking = {(name, version) for name in profile_paths() for version in load_profile(name).profile.versions}
    plan = soak.plan_of(count=max(200, len(speaking)))
    assert plan.duration_us == 300_000_000 and set(plan.fault_names()) == set(FAULTS)
    assert {(station.profile, station.version) for station in plan.stations} == speaking
    assert {station.version for station in plan.stations} == {"1.6", "2.0.1", "2.1"}
    begun = {fault.name for fault in plan.faults(plan.duration_us) if fault.station_ids}
    assert begun == set(FAULTS), "each of them befalls somebody within the time"


def ledger(path: Path, stop: str) -> Path:
    with Ledger(path) as books:
        books.begin_run({})
        books.add_station("CP1", ocpp="1.6", profile="p", at_us=0)
        books.add("CP1", r.TransactionOpened("a", 1, "TAG", 0, 0.0, 0.0, False), 1)
        books.add("CP1", r.MessageFate("TransactionStarted", "answered", "a"), 2)
        books.add("CP1", r.TransactionClosed("a", 1, "Local", 0, 1.0, 1.0, 1.0, 1.0), 3)
        books.add("CP1", r.MessageFate("TransactionEnded", stop, "a", "moonshine"), 4)
        books.close_station("CP1")
    return path


@pytest.mark.parametrize(("stop", "code"), [("answered", 0), ("dropped_by_station", 1)])
def test_a_ledger_is_held_to_account(tmp_path: Path, capsys: pytest.CaptureFixture[str], stop: str, code: int) -> None:
    assert soak.main(["--check", str(ledger(tmp_path / "l.sqlite", stop))]) == code
    told = capsys.readouterr().out
    assert ("unaccounted" in told) == bool(code) and "1 transactions" in told


def test_what_is_no_ledger_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--check", str(tmp_path / "none.sqlite")]) == 2
    assert "no such file" in capsys.readouterr().err


def scaled(document: dict[str, Any], factor: float) -> dict[str, Any]:
    """The same fleet with a faster timetable; times are written in seconds."""
    for line in document["faults"]:
        for key in ("at", "for", "every"):
            if key in line:
                line[key] = f"{float(line[key].removesuffix('s')) * factor:.3f}s"
    return document


@pytest.mark.live
@pytest.mark.slow
def test_a_small_soak_loses_nothing_without_a_word(tmp_path: Path) -> None:
    """Sixty stations, every kind of fault within twenty seconds."""
    document = scaled(load(FILE, FleetError).data, 0.2)
    document["ramp"] = {"rate": 200}
    (tmp_path / "soak.yaml").write_text(json.dumps(document))
    plan = soak.plan_of(tmp_path / "soak.yaml", count=60, duration="20s")
    summary, found = soak.soak(plan, tmp_path / "l.sqlite", drain_s=20.0, boot_timeout_s=8.0)
    assert summary["booted"] >= 50 and found.total >= 20, "there was something to look at"
    assert {row["fault"] for row in summary["faults"]} == set(FAULTS)
    assert found.missing == 0, "\n".join(found.unaccounted)
    assert summary["exit_code"] in (0, 4), "nothing of ours went wrong"
