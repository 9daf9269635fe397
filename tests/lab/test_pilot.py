"""A cable that overheats: onset, first alert, derating and failure, and the lead time between them."""

from __future__ import annotations

import pytest

from simulator.core.model import HardwareSpec
from simulator.lab import pilot
from simulator.lab.pilot import DAY_S, Story, play
from simulator.ledger import Ledger
from tests.bench import AT_ONCE, bench
from tests.ocpp2x.monitor_requests import EVSE_POWER, set_one

DAYS = 6


@pytest.fixture(scope="module")
def story() -> Story:
    return play(days=DAYS, growth_mohm_per_day=0.2, fails_mohm=1.0)


def test_it_happens_in_order(story: Story) -> None:
    assert story.onset_s is not None and story.alert_s is not None
    assert story.derated_s is not None and story.failed_s is not None
    assert story.onset_s < story.alert_s < story.derated_s < story.failed_s
    assert story.failed_s - story.onset_s == pytest.approx(5 * DAY_S), "1 mOhm at 0.2 a day"
    assert story.lead_s is not None and 2 * DAY_S < story.lead_s < 4 * DAY_S


def test_the_readings_show_it_before_anybody_is_alarmed(story: Story) -> None:
    """The pattern the paper is after: rising temperatures, session by session, long before the alert."""
    hottest: dict[int, float] = {}
    for moment in story.of("temperature"):
        session = int(moment.at_s // (DAY_S / 2))
        hottest[session] = max(hottest.get(session, 0.0), float(moment.value))
    assert story.alert_s is not None
    before = [celsius for session, celsius in hottest.items() if (session + 1) * DAY_S / 2 < story.alert_s]
    assert len(before) >= 3 and before == sorted(before) and before[-1] - before[0] > 10
    per_session = [m for m in story.of("temperature") if m.at_s < DAY_S / 2]
    assert len(per_session) in (7, 8), "every five minutes of forty, and only while somebody charges"


def test_alerts_come_in_pairs_and_say_what_is_true(story: Story) -> None:
    alerts = [m for m in story.moments if m.what in ("alert", "alert over")]
    assert [m.what for m in alerts[:4]] == ["alert", "alert over", "alert", "alert over"]
    assert all(m.value == 85.1 for m in alerts if m.what == "alert"), "the first that is above, at its moment"
    assert all(float(m.value) <= 85.0 for m in alerts if m.what == "alert over")
    states = [m.what for m in story.moments if m.what in ("derated", "normal", "cut_out", "failed")]
    assert states[0] == "derated" and states[-1] == "failed" and "cut_out" not in states
    problems = [m for m in story.moments if m.what == "problem"]
    assert problems[-1].value == "Connector: connector contact burnt"
    assert any("power reduced" in str(m.value) for m in problems)


def test_the_ledger_has_alert_and_protection() -> None:
    lab = bench("2.0.1", hardware=HardwareSpec(modem=AT_ONCE))
    set_one(lab, EVSE_POWER, "UpperThreshold", 1_000)
    lab.inject("thermal.contact_worn", 1, extra_mohm=3.6, fails_mohm=100.0).charge().run(3_600)
    ledger = Ledger()
    for at_us, station, record in lab.fleet.records:
        ledger.add(station.id, record, at_us)
    found = ledger.query("SELECT kind, text FROM remarks WHERE kind IN ('alert', 'heat') ORDER BY at_us LIMIT 2")
    assert [kind for kind, _ in found] == ["alert", "heat"]
    assert "EVSE.Power" in found[0][1] and found[1][1] == "EVSE 1 derated at 90.0 degrees Celsius"
    assert ledger.query("SELECT fault FROM faults") == [("thermal.contact_worn",)]


def test_it_is_the_same_every_time(story: Story) -> None:
    again = play(days=DAYS, growth_mohm_per_day=0.2, fails_mohm=1.0)
    assert again.moments == story.moments
    assert play(days=1, seed=2).moments != play(days=1, seed=1).moments


def test_a_healthy_contact_alarms_nobody() -> None:
    quiet = play(days=2, growth_mohm_per_day=0.0)
    assert {m.what for m in quiet.moments} == {"wear begins", "temperature"} and quiet.lead_s is None


def test_monitors_that_are_refused_are_an_error() -> None:
    with pytest.raises(ValueError, match="refuses the monitors"):
        play(days=1, alert_c=1_000.0)


def test_it_tells(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, story: Story) -> None:
    monkeypatch.setattr(pilot, "play", lambda: story)
    pilot.main()
    text = capsys.readouterr().out
    assert "lead time: " in text and "hottest reading" in text and "connector contact burnt" in text
