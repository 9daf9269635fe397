"""The pilot of a cable that overheats: onset, first alert, derating and failure, and the lead time between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from simulator.fleet.trace import InputRecorder
from simulator.ledger import Ledger
from simulator.report.timeline import Timeline, draw
from simulator.resources import scenarios_dir
from simulator.scenario.cells import Cell, choose, places_of
from simulator.scenario.history import timeline
from simulator.scenario.judge import checks_of, ledger_findings, verdict_of
from simulator.scenario.memory import Played, play_in_memory
from simulator.scenario.schema import load_scenario

DAY_S = 86_400.0


@dataclass
class Pilot:
    """The scenario as it went."""

    played: Played
    ledger: Ledger
    line: Timeline
    digest: str

    def mark(self, lane: str, text: str) -> list[float]:
        """Days of the marks of a lane that hold a text."""
        (found,) = [one for one in self.line.lanes if one.name == lane]
        return [(mark.at_s - self.line.begin_s) / DAY_S for mark in found.marks if text in mark.text]


def cell() -> Cell:
    (found,) = choose([load_scenario(scenarios_dir() / "diagnostics" / "cable-overheats.yaml")])
    return found


def played(ledger: Ledger) -> tuple[Played, str]:
    recorder, one = InputRecorder(), cell()
    done = play_in_memory(one.scenario, places_of(one), seed=1, version="2.0.1", ledger=ledger, recorder=recorder)
    return done, recorder.digest


@pytest.fixture(scope="module")
def pilot() -> Pilot:
    ledger = Ledger()
    done, digest = played(ledger)
    return Pilot(done, ledger, timeline(done, "the pilot"), digest)


def test_it_passes_and_is_the_same_every_time(pilot: Pilot) -> None:
    one = cell()
    checks = checks_of(one.scenario, places_of(one), pilot.played, strict=True)
    findings = ledger_findings(one.scenario.fields.ledger, pilot.played, places_of(one))
    assert verdict_of(pilot.played.failure, checks, findings) == ("PASS", "")
    with Ledger() as ledger:
        assert played(ledger)[1] == pilot.digest


def test_it_happens_in_order_and_the_ledger_knows(pilot: Pilot) -> None:
    ((onset_us,),) = pilot.ledger.query("SELECT begin_us FROM faults WHERE fault = 'thermal.contact_worn'")
    remarks = pilot.ledger.query("SELECT at_us, kind, text FROM remarks WHERE kind IN ('alert', 'heat') ORDER BY at_us")
    alert_us = next(at_us for at_us, kind, text in remarks if kind == "alert" and "TemperatureSensor" in text)
    derated_us = next(at_us for at_us, kind, text in remarks if kind == "heat" and "derated" in text)
    failed_us = next(at_us for at_us, kind, text in remarks if kind == "heat" and "failed" in text)
    assert onset_us < alert_us < derated_us < failed_us
    assert (failed_us - onset_us) / 1e6 == pytest.approx(20 * DAY_S), "1 mOhm at 0.05 a day"
    assert pilot.line.lead is not None
    begin_s, until_s, text = pilot.line.lead
    assert until_s == failed_us / 1e6
    assert begin_s == pytest.approx(alert_us / 1e6, abs=1.0), "heard as soon as it was raised"
    assert text == f"lead time {(until_s - begin_s) / DAY_S:.1f} days"


def test_the_readings_show_it_before_anybody_is_alarmed(pilot: Pilot) -> None:
    """The pattern the pilot is after: rising temperatures, session by session, long before the alert."""
    hottest: dict[int, float] = {}
    assert pilot.line.lead is not None
    for heard in pilot.played.seats[0].frames:
        if heard.action != "NotifyEvent" or heard.kind != 2 or heard.now / 1e6 >= pilot.line.lead[0]:
            continue
        for event in heard.payload["eventData"]:
            if event["trigger"] == "Periodic":
                session = int((heard.now / 1e6 - pilot.line.begin_s) // (DAY_S / 2))
                hottest[session] = max(hottest.get(session, 0.0), float(event["actualValue"]))
    before = list(hottest.values())
    assert len(before) >= 15
    assert before == sorted(before)
    assert before[-1] - before[0] > 25


def test_the_picture_has_truth_messages_answers_operations_and_the_lead(pilot: Pilot) -> None:
    assert [lane.name for lane in pilot.line.lanes] == [
        "sessions", "faults", "protection", "station says", "monitors say", "CSMS answers", "CSMS does",
    ]  # fmt: skip
    temperature, resistance = pilot.line.curves
    assert max(value for _, value in temperature.points) > 89
    assert resistance.points[-1][1] == pytest.approx(1.4, abs=0.01)
    assert pilot.line.limits == [(85.0, "alert above 85 °C")]
    assert [name for name, _ in pilot.line.facts] == [
        "onset", "first alert heard", "power reduced", "failure", "lead time",
    ]  # fmt: skip
    (get,), (out,) = pilot.mark("CSMS does", "GetVariables"), pilot.mark("CSMS does", "ChangeAvailability")
    assert pilot.mark("monitors say", "Alerting: TemperatureSensor.Temperature")[0] == pytest.approx(get, abs=0.001)
    assert pilot.mark("protection", "contact burnt") == [pytest.approx(out, abs=0.001)]
    svg = draw(pilot.line)
    for text in ("lead time", "temperature of the contacts", "alert above 85", "SetVariableMonitoring", "monitors say"):
        assert text in svg


def test_a_healthy_contact_alarms_nobody() -> None:
    from tests.scenario.play import play

    text = (scenarios_dir() / "diagnostics" / "cable-overheats.yaml").read_text()
    healthy = text.replace("growth_mohm_per_day: 0.05", "growth_mohm_per_day: 0").replace("4 weeks", "3 days")
    steps = healthy[healthy.index("settings:") :].replace("times: 50", "times: 5")
    result: Any = play(f"ocpp: 2.0.1\n{steps}", version="2.0.1", profile="generic/dc-fast")
    assert (result.verdict, result.failure.because) == ("FAIL", "the first alert")
    assert timeline(result.played, "quiet").lead is None
