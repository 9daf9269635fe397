"""The catalogue of documented behaviour: its rows are well-formed, and say the same as what is built."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from typing import Any

import pytest

from simulator.errors import AuthorError
from simulator.profile.checks import check_profile
from simulator.profile.schema import Profile
from simulator.quirks import QUIRKS
from simulator.yamlfile import load_text, validate

KINDS = ("behaviour", "data", "no", "open")


def rows() -> list[dict[str, str]]:
    """Every row, with the category its file is called after."""
    found = []
    for path in sorted(files("simulator.quirks").joinpath("catalogue").iterdir(), key=lambda path: path.name):
        with path.open(encoding="utf-8", newline="") as file:
            found += [{"category": path.name.removesuffix(".csv"), **row} for row in csv.DictReader(file)]
    return found


ROWS = rows()
DATA = [row for row in ROWS if row["kind"] == "data" and row["note"]]


def test_every_row_has_its_facts() -> None:
    ids = [row["id"] for row in ROWS]
    assert len(ids) == len(set(ids)) >= 260
    for row in ROWS:
        assert row["kind"] in KINDS and row["confidence"] and row["vendors"] and row["sources"], row
        assert row["kind"] != "no" or row["note"].endswith("."), f"{row['id']} does not say why"


def test_what_is_behaviour_is_built_and_the_other_way_round() -> None:
    kinds = {row["id"]: row["kind"] for row in ROWS}
    assert sorted(name for name, kind in kinds.items() if kind == "behaviour" and name not in QUIRKS) == []
    assert sorted(name for name in QUIRKS if kinds.get(name, "behaviour") in ("data", "no")) == []


@pytest.mark.parametrize("row", DATA, ids=lambda row: row["id"])
def test_the_data_can_be_copied_into_a_profile(row: dict[str, str]) -> None:
    data: dict[str, Any] = {"identity": {"vendor": "Maker", "model": "Model"}, "versions": ["1.6"]}
    for item in row["note"].replace(" || ", "; ").split("; "):
        path, _, text = item.partition("=")
        *parts, last = path.split(".", 1) if path.startswith(("settings.", "vendor_keys.")) else path.split(".")
        place = data
        for part in parts:
            if part.startswith("evses["):
                evses = place.setdefault("evses", [])
                number = int(part[6:-1])
                evses += [{} for _ in range(number + 1 - len(evses))]
                place = evses[number]
            else:
                place = place.setdefault(part, {})
        place[last] = text if parts[:1] == ["vendor_keys"] else load_text(f"value: {text}", row["id"]).data["value"]
    profile = validate(load_text(json.dumps(data), row["id"]), Profile, AuthorError, check_profile)
    assert set(data) <= profile.model_fields_set, "nothing was taken for something else"
