"""The two logs: what gets a line, that they are bounded, and what survives."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.core import history
from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core import reports as p
from simulator.core.model import HardwareSpec, RtcSpec
from simulator.fleet.state import StateDir, restore
from tests.bench import AT_ONCE, Lab, bench


def texts(lab: Lab, *, security: bool = False) -> list[str]:
    return [text for _, _, text in history.lines(lab.station, security=security)]


def test_a_session_leaves_a_few_lines_and_samples_leave_none() -> None:
    lab = bench()
    assert texts(lab)[:3] == ["start PowerUp", "link up", "registered PowerUp"]
    before = len(texts(lab))
    lab.charge()
    begun = texts(lab)[before:]
    assert [line for line in begun if line.startswith("transaction") and "begins at EVSE 1" in line]
    lab.run(7_200)
    assert texts(lab)[before:] == begun, "two hours of samples and heartbeats"
    lab.present().unplug().run(1)
    assert any("ends at EVSE 1: Local, 22" in line for line in texts(lab))


def test_a_line_is_short_and_on_one_line() -> None:
    lab = bench()
    history.note(lab.station, "one\ntwo\r\n" + "x" * 1_000)
    assert texts(lab)[-1] == ("one two " + "x" * 1_000)[: history.MAX_TEXT]


@pytest.mark.parametrize("text", ["short", "y" * 150])
def test_both_logs_are_bounded_and_keep_the_newest(text: str) -> None:
    lab = bench()
    lab.station._effects = []
    for number in range(200):
        history.note(lab.station, f"{number} {text}")
        history.secure(lab.station, "InvalidMessages", f"{number} {text}")
    for security in (False, True):
        found = texts(lab, security=security)
        assert 5 < len(found) <= history.MAX_EVENTS and "199 " in found[-1]
    assert len(lab.station.data["history"]) <= history.MAX_BYTES
    assert len(lab.station.board.flash.get("facts", "security_log")) <= history.MAX_BYTES


def test_the_range_includes_its_bounds() -> None:
    lab = bench()
    lab.run(10)
    history.note(lab.station, "here")
    wall_us = lab.station.board.rtc.wall(lab.station.now)

    def there(oldest: int | None, latest: int | None) -> bool:
        found = history.lines(lab.station, security=False, oldest_us=oldest, latest_us=latest)
        return "here" in [text for _, _, text in found]

    assert there(wall_us, wall_us) and there(None, None) and there(wall_us, None) and there(None, wall_us)
    assert not there(wall_us + 1_000, None) and not there(None, wall_us - 1_000)


def test_lines_of_a_clock_that_was_not_set_are_in_every_range() -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0, battery=False)))
    found = history.lines(lab.station, security=False, oldest_us=lab.fleet.epoch_us + 10**9)
    assert ("start PowerUp", False) in [(text, trusted) for _, trusted, text in found]
    assert all(not trusted for _, trusted, _ in found)


def test_an_orderly_restart_keeps_the_history_and_a_power_cut_does_not() -> None:
    lab = bench()
    history.note(lab.station, "first")
    lab.feed(i.Perform("reboot", {"reason": "Watchdog"}), 60)
    assert "first" in texts(lab) and texts(lab).index("restart Watchdog") < texts(lab).index("start Watchdog")
    history.note(lab.station, "second")
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert "first" in texts(lab) and "second" not in texts(lab)


def test_a_memory_that_cannot_keep_it_is_on_record() -> None:
    lab = bench().inject("flash.read_only")
    lab.feed(i.Perform("reboot"), 1)
    lost = [record.lost for record in lab.fleet.recorded(r.FlashTrouble)]
    assert "history not saved" in lost


def test_security_events_are_in_their_log_only() -> None:
    lab = bench("2.0.1")
    st = lab.station
    st._effects = []
    st.publish(p.SecurityNote("InvalidMessages", st.stamp(), "why"))
    assert texts(lab, security=True)[-1] == "InvalidMessages why" and "InvalidMessages why" not in texts(lab)


def test_what_was_only_asked_for_is_no_event() -> None:
    lab = bench()
    before = texts(lab)
    lab.ask("TriggerMessage", requestedMessage="StatusNotification")
    assert texts(lab) == before


def test_the_link_and_a_problem() -> None:
    lab = bench()
    lab.fleet.cut(lab.station)
    lab.run(1).fleet.mend(lab.station)
    lab.run(120)
    assert "link down reset 0" in texts(lab) and texts(lab).count("link up") == 2
    lab.inject("protection.rcd_trip", 1).run(5)
    assert any(line.startswith("EVSE 1 Faulted") for line in texts(lab))


def test_both_survive_in_a_state_folder(tmp_path: Path) -> None:
    lab = bench()
    lab.station._effects = []
    history.secure(lab.station, "InvalidMessages", "\u00fc kept")
    lab.feed(i.Perform("reboot"), 60)
    state = StateDir(tmp_path)
    state.save([lab.station], lab.fleet.now)
    other = Lab(lab.station.model)
    stored = state.load("CP1")
    state.close()
    assert stored is not None
    restore(other.station, stored)
    other.boot().run(1)
    assert "InvalidMessages ? kept" in texts(other, security=True)
    assert "restart Watchdog" in texts(other) and "registered PowerUp" in texts(other)


def test_every_logged_class_has_a_line() -> None:
    assert all(callable(line) for line in history.LOGGED.values())
    hot = (p.HeartbeatDue, p.MeterSampled, p.SampleTaken, p.TransactionUpdated, r.CallFinished, r.QueueDepth)
    assert not set(hot) & set(history.LOGGED)
