"""Monitors at work: thresholds, changes, periods, offline, reboots (N07, N08 and the cases TC_N of part 6)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from simulator.blocks import monitors
from simulator.blocks.availability import HEARTBEAT_INTERVAL
from simulator.core import inputs as i
from simulator.core.link_policy import PASSWORD
from simulator.core.model import HardwareSpec, RtcSpec
from simulator.core.records import FlashTrouble
from tests.bench import AT_ONCE, Lab, bench, each_2x
from tests.ocpp2x.monitor_requests import EVSE_POWER, EVSE_STATE, STATION_STATE, place, set_one, setting


def told(lab: Lab, monitor_id: int | None = None) -> list[dict[str, Any]]:
    """Events of monitors (of one), in order."""
    events = [data for payload in lab.csms.sent("NotifyEvent") for data in payload["eventData"]]
    return [e for e in events if monitor_id in (None, e.get("variableMonitoringId"))]


def short(events: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(e["trigger"], e["actualValue"], e.get("cleared", False)) for e in events]


@each_2x
def test_thresholds_are_told_once_and_cleared_once(version: str) -> None:
    """TC_N_20_CS: upper passed, lower passed, both with the transaction they belong to."""
    lab = bench(version)
    upper = set_one(lab, EVSE_POWER, "UpperThreshold", 1000)
    lab.charge().run(600)
    lower = set_one(lab, EVSE_POWER, "LowerThreshold", 500)
    assert short(told(lab, upper)) == [("Alerting", str(round(lab.evse().power_w)), False)]
    assert told(lab, lower) == []
    lab.forget().present().run(5)
    assert short(told(lab, upper)) == [("Alerting", "0", True)]
    assert short(told(lab, lower)) == [("Alerting", "0", False)]
    key = lab.session().begin["transactionInfo"]["transactionId"]
    (message,) = lab.csms.sent("NotifyEvent")
    assert message["seqNo"] == 0 and "tbc" not in message, "both at one moment, in one message"
    for event in told(lab):
        assert event["transactionId"] == key
        assert event["eventNotificationType"] == "CustomMonitor"
        assert (event["component"], event["variable"]) == EVSE_POWER
    assert len({event["eventId"] for event in told(lab)}) == 2
    lab.forget().plug().run(5)
    assert told(lab) == [], "still below"


@each_2x
def test_a_word_that_changes(version: str) -> None:
    """TC_N_45_CS, TC_N_56_CS: whatever the value of the monitor."""
    lab = bench(version)
    number = set_one(lab, EVSE_STATE, "Delta", 7)
    lab.forget().plug().run(1).unplug().run(1)
    assert short(told(lab, number)) == [("Delta", "Occupied", False), ("Delta", "Available", False)]


@each_2x
def test_a_number_that_changes_by_more(version: str) -> None:
    """TC_N_61_CS, N07.FR.18: more than the value, counted from what was told last."""
    lab = bench(version)
    threshold = setting("OCPPCommCtrlr.OfflineThreshold")
    before = int(lab.station.settings[threshold[2]])
    number = set_one(lab, threshold[:2], "Delta", 1)
    for more in (1, 2, 3, 4, 1):
        lab.configure(threshold[2], before + more)
    assert [int(e["actualValue"]) - before for e in told(lab, number)] == [2, 4, 1]


@each_2x
def test_a_secret_that_changes_is_not_told(version: str) -> None:
    """TC_N_48_CS, N07.FR.10."""
    lab = bench(version)
    password = setting(PASSWORD.key)
    number = set_one(lab, password[:2], "Delta", 1)
    row = {"component": password[0], "variable": password[1], "attributeValue": "0123456789abcdef0123"}
    answer = lab.ask("SetVariables", setVariableData=[row])
    assert answer["setVariableResult"][0]["attributeStatus"] in ("Accepted", "RebootRequired")
    lab.run(60)
    assert short(told(lab, number)) == [("Delta", "", False)]
    assert "0123456789abcdef0123" not in str(told(lab))


@each_2x
def test_periods(version: str) -> None:
    """TC_N_24_CS, N08.FR.06-07: from when it was set, and by the clock."""
    lab = bench(version).run(100)
    plain = set_one(lab, EVSE_STATE, "Periodic", 60)
    aligned = set_one(lab, STATION_STATE, "PeriodicClockAligned", 900)
    lab.run(1800)
    assert len(told(lab, plain)) == 30 and len(told(lab, aligned)) == 2
    assert [e["timestamp"][11:19] for e in told(lab, aligned)] == ["00:15:00", "00:30:00"]
    assert {e["timestamp"][17:19] for e in told(lab, plain)} == {told(lab, plain)[0]["timestamp"][17:19]}
    assert short(told(lab))[0] == ("Periodic", "Available", False)


@pytest.mark.parametrize("ppm", [-200.0, 200.0])
@pytest.mark.parametrize("heartbeat_s", [300, 899, 10_000])
def test_an_aligned_period_is_told_once_by_a_clock_that_drifts(ppm: float, heartbeat_s: int) -> None:
    """N08.FR.07: by the clock of the station, also where a heartbeat puts it over the moment."""
    hardware = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=ppm))
    lab = bench("2.0.1", hardware=hardware, settings={HEARTBEAT_INTERVAL: heartbeat_s})
    number = set_one(lab, STATION_STATE, "PeriodicClockAligned", 900)
    lab.run(3700)
    assert [e["timestamp"][11:16] for e in told(lab, number)] == ["00:15", "00:30", "00:45", "01:00"]


def test_an_aligned_period_of_days_is_not_told_every_day() -> None:
    lab = bench("2.0.1")
    set_one(lab, STATION_STATE, "PeriodicClockAligned", 5 * 86_400)
    due = lab.station.timers.get("monitor")
    assert due is not None and lab.station.board.rtc.wall(due) % (5 * 86_400_000_000) == 0


@each_2x
def test_a_clock_that_is_set_moves_what_is_aligned_to_it(version: str) -> None:
    lab = bench(version)
    number = set_one(lab, STATION_STATE, "PeriodicClockAligned", 900)
    wall_us = lab.station.board.rtc.wall(lab.station.now) + 600_000_000
    lab.station.set_clock(wall_us)
    lab.run(310)
    assert len(told(lab, number)) == 1


@each_2x
def test_a_monitor_of_transactions_rests_between_them(version: str) -> None:
    lab = bench(version)
    number = set_one(lab, EVSE_POWER, "UpperThreshold", 1000, transaction=True)
    periodic = set_one(lab, EVSE_STATE, "Periodic", 60, transaction=True)
    lab.run(300)
    assert told(lab) == [] and lab.station.timers.get("monitor") is None
    lab.charge().run(300)
    assert len(told(lab, periodic)) in (4, 5) and short(told(lab, number))[0][0] == "Alerting"
    lab.forget().present().run(5).unplug().run(600)
    assert short(told(lab, number)) == [("Alerting", "0", True)], "looked at for the last time"
    assert len(told(lab, periodic)) <= 1 and lab.station.timers.get("monitor") is None


@each_2x
def test_severe_events_wait_for_the_link_and_others_do_not(version: str) -> None:
    """TC_N_22_CS, TC_N_23_CS, N07.FR.04."""
    lab = bench(version)
    lab.configure(monitors.OFFLINE_SEVERITY, 4)
    kept = set_one(lab, EVSE_STATE, "Delta", 1, severity=4)
    not_kept = set_one(lab, EVSE_STATE, "Delta", 1, severity=5)
    lab.forget()
    lab.fleet.cut(lab.station)
    lab.run(1).plug().run(30).unplug().run(30)
    lab.fleet.mend(lab.station)
    lab.run(120)
    assert [value for _, value, _ in short(told(lab, kept))] == ["Occupied", "Available"]
    gap = [e["timestamp"] for e in told(lab, kept)]
    assert gap[0] != gap[1], "as it happened"
    assert told(lab, not_kept) == [], "it is as it was"
    lab.forget()
    lab.fleet.cut(lab.station)
    lab.run(1).plug().run(30)
    lab.fleet.mend(lab.station)
    lab.run(120)
    assert [value for _, value, _ in short(told(lab, not_kept))] == ["Occupied"], "what applies now"


@each_2x
@pytest.mark.parametrize("severity", [2, 8])
def test_an_event_that_went_down_with_the_link(version: str, severity: int) -> None:
    lab = bench(version)
    number = set_one(lab, EVSE_STATE, "Delta", 1, severity=severity)
    upper = set_one(lab, EVSE_POWER, "UpperThreshold", 1000, severity=severity)
    lab.fleet.cut(lab.station, silently=True)
    lab.forget().plug().present().run(10)
    assert lab.evse().power_w == 0 or told(lab) == []
    lab.feed(i.LinkDown(lab.station.link.number, "reset"))
    lab.fleet.mend(lab.station)
    lab.run(120)
    assert [value for _, value, _ in short(told(lab, number))] == ["Occupied"]
    if lab.evse().flowing:
        assert len(told(lab, upper)) == 1


@each_2x
def test_only_up_to_the_level(version: str) -> None:
    """N05.FR.03, N07.FR.15; with a higher level the CSMS hears what applies."""
    lab = bench(version)
    number = set_one(lab, EVSE_STATE, "Delta", 1, severity=6)
    assert lab.ask("SetMonitoringLevel", severity=5)["status"] == "Accepted"
    lab.plug().run(5)
    assert told(lab, number) == []
    assert lab.ask("SetMonitoringLevel", severity=6)["status"] == "Accepted"
    lab.run(1)
    assert [value for _, value, _ in short(told(lab, number))] == ["Occupied"]
    assert lab.ask("SetMonitoringLevel", severity=0)["status"] == "Accepted"
    lab.forget().inject("reader.dead").run(1)
    assert told(lab) == [], "hard-wired monitors have a level too"


@each_2x
def test_a_threshold_that_is_replaced_is_judged_anew(version: str) -> None:
    """TC_N_51_CS, N07.FR.11."""
    lab = bench(version)
    number = set_one(lab, EVSE_POWER, "UpperThreshold", 1000)
    lab.charge().forget()
    assert set_one(lab, EVSE_POWER, "UpperThreshold", 2000, id=number) == number
    lab.run(1)
    assert short(told(lab, number)) == [("Alerting", str(round(lab.evse().power_w)), False)], "passed as well"
    lab.forget()
    set_one(lab, EVSE_POWER, "UpperThreshold", 21_000, id=number)
    lab.run(1)
    assert [cleared for _, _, cleared in short(told(lab, number))] == [True], "within it again"


@each_2x
def test_a_threshold_that_is_removed_is_not_cleared(version: str) -> None:
    """TC_N_52_CS, N07.FR.12."""
    lab = bench(version)
    number = set_one(lab, EVSE_POWER, "UpperThreshold", 1000)
    lab.charge().forget()
    answer = lab.ask("ClearVariableMonitoring", id=[number])
    assert answer["clearMonitoringResult"][0]["status"] == "Accepted"
    lab.present().run(5)
    assert told(lab) == [] and "watch" not in lab.station.data
    assert not lab.station.board.flash.items("alerts")


@each_2x
def test_what_was_passed_before_a_reboot_is_cleared_after_it(version: str) -> None:
    """N07.FR.13-14."""
    lab = bench(version)
    number = set_one(lab, EVSE_POWER, "UpperThreshold", 1000)
    lab.charge()
    assert len(told(lab, number)) == 1
    lab.forget().feed(i.PowerOff(), 5).unplug().feed(i.PowerOn(), 60)
    assert lab.station.gate == "accepted"
    assert [cleared for _, _, cleared in short(told(lab, number))] == [True]


@each_2x
def test_a_memory_that_refuses_is_on_record(version: str) -> None:
    lab = bench(version)
    set_one(lab, EVSE_POWER, "UpperThreshold", 1000)
    lab.inject("flash.read_only").charge()
    assert any(r.area == "alerts" for r in lab.fleet.recorded(FlashTrouble))
    row = {"component": EVSE_STATE[0], "variable": EVSE_STATE[1], "type": "Delta", "value": 1, "severity": 5}
    (result,) = lab.ask("SetVariableMonitoring", setMonitoringData=[row])["setMonitoringResult"]
    assert result["status"] == "Rejected" and result["statusInfo"]["reasonCode"] == "OutOfStorage"


@each_2x
def test_a_problem_is_the_cause_of_what_it_brings(version: str) -> None:
    """N07.FR.05."""
    lab = bench(version)
    number = set_one(lab, EVSE_STATE, "Delta", 1)
    lab.forget().inject("protection.rcd_trip", 1).run(1)
    problem = next(e for e in told(lab) if e["variable"]["name"] == "Problem")
    (event,) = told(lab, number)
    assert event["actualValue"] == "Faulted" and event["cause"] == problem["eventId"]


@each_2x
def test_many_at_one_moment_go_in_parts(version: str) -> None:
    """N08.FR.04: parts are counted from 0."""
    lab = bench(version, evses=4)
    for number in range(1, 5):
        for severity in (7, 8, 9):
            set_one(lab, (place("EVSE", number), {"name": "AvailabilityState"}), "Periodic", 100, severity=severity)
    lab.forget().run(101)
    assert [(p["seqNo"], p.get("tbc"), len(p["eventData"])) for p in lab.csms.sent("NotifyEvent")] == [
        (0, True, 10),
        (1, None, 2),
    ]


@each_2x
def test_monitoring_that_is_switched_off_is_silent(version: str) -> None:
    lab = bench(version)
    number = set_one(lab, EVSE_STATE, "Delta", 1)
    lab.configure(monitors.ENABLED, False)
    lab.forget().plug().run(5)
    assert told(lab, number) == []
    lab.configure(monitors.ENABLED, True)
    lab.run(1)
    assert [value for _, value, _ in short(told(lab, number))] == ["Occupied"]


# -- moving by itself --------------------------------------------------------------------------------------------------


@each_2x
def test_a_register_is_looked_at_when_it_has_passed_and_not_before(version: str) -> None:
    lab = bench(version)
    register = (place("FiscalMetering", 1), {"name": "EnergyImportRegister"})
    begin = lab.station.board.meters[0].register_wh(lab.station.now)
    upper = set_one(lab, register, "UpperThreshold", int(begin) + 3000)
    delta = set_one(lab, register, "Delta", 999)
    lab.charge()
    ticks: list[int] = []
    lab.fleet._observer = _both(lab, ticks)
    lab.run(3600)
    (event,) = told(lab, upper)
    assert float(event["actualValue"]) == int(begin) + 3001
    values = [float(e["actualValue"]) for e in told(lab, delta)]
    assert {b - a for a, b in pairwise(values)} == {1000.0} and len(values) >= 5
    assert len(ticks) == len(values) + 1, "as often as something was due"


def _both(lab: Lab, ticks: list[int]) -> Any:
    watch = lab.watch

    def observe(st: Any, event: Any, effects: Any, now: int) -> None:
        watch(st, event, effects, now)
        if isinstance(event, i.Tick) and any(b'"NotifyEvent"' in getattr(e, "data", b"") for e in effects):
            ticks.append(now)

    return observe


@each_2x
def test_a_register_that_is_stuck_is_not_looked_at_all_the_time(version: str) -> None:
    lab = bench(version)
    register = (place("FiscalMetering", 1), {"name": "EnergyImportRegister"})
    lab.charge()
    begin = lab.station.board.meters[0].register_wh(lab.station.now)
    number = set_one(lab, register, "UpperThreshold", int(begin) + 10)
    lab.inject("meter.register_frozen", 1)
    before = lab.station.now
    fed = [0]
    watch = lab.watch
    lab.fleet._observer = lambda st, event, effects, now: (
        watch(st, event, effects, now),
        fed.__setitem__(0, fed[0] + 1),
    )
    lab.run(3600)
    assert told(lab, number) == [] and lab.station.now > before
    assert fed[0] < 400
    lab.clear().run(60)
    assert len(told(lab, number)) == 1


def test_the_older_version_has_none_of_it() -> None:
    lab = bench("1.6").charge().run(60)
    assert "watch" not in lab.station.data and lab.station.timers.get("monitor") is None
