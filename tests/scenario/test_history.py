"""A played scenario as a time line, also where nothing gets hot."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from simulator.lab.csms import SILENT, CallError
from simulator.scenario.counterpart import Counterpart
from simulator.scenario.history import timeline
from simulator.scenario.truth import SAMPLE_US
from tests.scenario.play import play


def lanes(result: Any) -> dict[str, list[str]]:
    return {lane.name: [mark.text for mark in lane.marks] for lane in timeline(result.played, "t").lanes}


def test_sessions_faults_links_and_operations() -> None:
    result = play(
        """
        steps:
          - plug
          - present: valid
          - wait: 10 minutes
          - inject: {fault: modem.outage, for: 5 minutes}
          - wait: 10 minutes
          - operator: reset
          - wait: 5 minutes
        """
    )
    found = lanes(result)
    assert found["faults"] == ["modem.outage"]
    assert found["not connected"][:2] == ["offline", "off"]
    assert "Reset" in found["CSMS does"][0]
    assert found["sessions"][0].endswith("ended: SoftReset")
    assert not timeline(result.played, "t").curves  # type: ignore[arg-type]


def test_what_is_wrong_with_answers_stands_out() -> None:
    class Moody(Counterpart):
        def on_Authorize(self, payload: dict[str, Any]) -> Any:
            return CallError("InternalError")

        def on_StatusNotification(self, payload: dict[str, Any]) -> Any:
            return SILENT if payload["status"] == "Preparing" else {}

    result = play("steps:\n  - plug\n  - wait: 5 minutes\n  - present: valid\n  - wait: 5 minutes\n", csms=Moody)
    (lane,) = [one for one in timeline(result.played, "t").lanes if one.name == "CSMS answers"]  # type: ignore[arg-type]
    assert [mark.kind for mark in lane.marks if "no answer" in mark.text] == ["bad"]
    assert [mark.kind for mark in lane.marks if "InternalError" in mark.text] == ["bad"]


def test_truth_is_sampled_only_while_a_contact_is_worn() -> None:
    steps = "steps:\n  - plug\n  - present: valid\n  - wait: 1h\n"
    assert play(steps).played.truth.samples == {}  # type: ignore[union-attr]
    worn = steps.replace("- plug", "- inject: {fault: thermal.contact_worn, evse: 1}\n  - plug")
    (rows,) = play(worn).played.truth.samples.values()  # type: ignore[union-attr]
    assert 5 < len(rows) <= 3_700_000_000 // SAMPLE_US
    assert all(after[0] - before[0] >= SAMPLE_US for before, after in pairwise(rows))
