"""Requests about monitors (N02 to N06) and the cases of part 6 about them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import device_model, monitors
from simulator.core import inputs as i
from simulator.core.settings import WRITE_ONLY
from simulator.ocpp2x.monitoring import BASES, CRITERIA
from simulator.profile.compiled import compile_profile
from tests.bench import Lab, bench, each_2x
from tests.ocpp2x.monitor_requests import (
    EVSE_POWER,
    EVSE_STATE,
    STATION_STATE,
    place,
    report,
    row,
    set_all,
    set_one,
    setting,
)


def status(result: dict[str, Any]) -> tuple[str, str]:
    return result["status"], result.get("statusInfo", {}).get("reasonCode", "")


def filters(*targets: Any) -> list[dict[str, Any]]:
    return [{"component": one[0]} | ({"variable": one[1]} if len(one) > 1 else {}) for one in targets]


def kinds(rows: list[dict[str, Any]]) -> set[str]:
    return {monitor["type"] for row in rows for monitor in row["variableMonitoring"]}


@each_2x
def test_one_monitor(version: str) -> None:
    """TC_N_08_CS, N04.FR.01-02, FR.08, FR.11."""
    lab = bench(version)
    (result,) = set_all(lab, row(EVSE_STATE, "Delta", 1, 8))
    assert result["status"] == "Accepted" and "statusInfo" not in result
    assert (result["type"], result["severity"]) == ("Delta", 8)
    assert (result["component"], result["variable"]) == EVSE_STATE
    answer, (found,) = report(lab, componentVariable=filters(EVSE_STATE))
    assert answer == "Accepted"
    assert (found["component"], found["variable"]) == EVSE_STATE
    (monitor,) = found["variableMonitoring"]
    assert monitor["id"] == result["id"] and monitor["type"] == "Delta" and monitor["transaction"] is False
    assert ("eventNotificationType" in monitor) == (version == "2.1")


@each_2x
def test_several_on_several_variables_and_on_one(version: str) -> None:
    """TC_N_09_CS, TC_N_10_CS, TC_N_15_CS: the same type with another severity is another monitor."""
    lab = bench(version)
    results = set_all(
        lab,
        row(EVSE_STATE, "Delta", 1, 8),
        row(STATION_STATE, "Delta", 1, 8),
        row(EVSE_STATE, "Delta", 1, 7),
        row(EVSE_STATE, "Delta", 2, 8),
    )
    assert [one["status"] for one in results] == ["Accepted", "Accepted", "Accepted", "Duplicate"]
    assert len({one["id"] for one in results[:3]}) == 3 and "id" not in results[3]
    _, found = report(lab, componentVariable=filters(EVSE_STATE, STATION_STATE))
    assert sorted(len(one["variableMonitoring"]) for one in found) == [1, 2]


@each_2x
def test_what_is_not_known_or_does_not_fit(version: str) -> None:
    """TC_N_11_CS, TC_N_12_CS, TC_N_13_CS, TC_N_37_CS, TC_N_38_CS, N04.FR.03-06, FR.14."""
    lab = bench(version)
    most_w = lab.evse().spec.max_power_w
    found = set_all(
        lab,
        row((place("EVSE", 99), {"name": "AvailabilityState"}), "Delta", 1),
        row((place("NonExistent"), {"name": "Power"}), "UpperThreshold", 1234),
        row((place("EVSE", 1), {"name": "unknownVariable"}), "Delta", 1),
        row(EVSE_STATE, "UpperThreshold", 1),
        row(EVSE_STATE, "Delta", -1),
        row(EVSE_POWER, "Delta", -1),
        row(EVSE_POWER, "UpperThreshold", most_w + 1),
        row(EVSE_POWER, "LowerThreshold", -1),
        row(EVSE_POWER, "Delta", 1, 10),
        row(EVSE_STATE, "Periodic", 0),
        row((place("ClockCtrlr"), {"name": "DateTime"}), "Delta", 1),
        row((place("ClockCtrlr"), {"name": "DateTime"}), "Periodic", 60),  # part 1, 4.4: no period of a dateTime
        row((place("ChargingStation"), {"name": "Model"}), "Periodic", 60),
    )
    assert [status(one) for one in found] == [
        ("UnknownComponent", "NotFound"),
        ("UnknownComponent", "NotFound"),
        ("UnknownVariable", "NotFound"),
        ("UnsupportedMonitorType", ""),
        ("Rejected", "ValuePositiveOnly"),
        ("Rejected", "ValuePositiveOnly"),
        ("Rejected", "ValueOutOfRange"),
        ("Rejected", "ValueOutOfRange"),
        ("Rejected", "ValueOutOfRange"),
        ("Rejected", "ValueTooLow"),
        *[("UnsupportedMonitorType", "")] * 3,
    ]
    assert not any("id" in one for one in found) and not lab.station.board.flash.items(monitors.AREA)


@each_2x
def test_one_bad_item_leaves_the_others(version: str) -> None:
    """TC_N_43_CS."""
    lab = bench(version)
    found = set_all(
        lab,
        row(EVSE_POWER, "UpperThreshold", 100),
        row(EVSE_POWER, "Delta", -1),
        row(EVSE_POWER, "LowerThreshold", 10),
    )
    assert [one["status"] for one in found] == ["Accepted", "Rejected", "Accepted"]


@each_2x
def test_by_criteria(version: str) -> None:
    """TC_N_01_CS, TC_N_04_CS, N02.FR.02, FR.12-14."""
    lab = bench(version)
    for target, kind, value in (
        (EVSE_POWER, "LowerThreshold", 10),
        (EVSE_POWER, "UpperThreshold", 100),
        (EVSE_STATE, "Delta", 1),
        (STATION_STATE, "Periodic", 60),
        (STATION_STATE, "PeriodicClockAligned", 900),
    ):
        set_one(lab, target, kind, value)
    names = list(CRITERIA)
    wanted = [{"UpperThreshold", "LowerThreshold"}, {"Delta"}, {"Periodic", "PeriodicClockAligned"}]
    for count in (1, 2, 3):
        answer, found = report(lab, 40 + count, monitoringCriteria=names[:count])
        assert answer == "Accepted" and kinds(found) == set().union(*wanted[:count])
    answer = lab.ask("GetMonitoringReport", requestId=9, monitoringCriteria=["DeltaMonitoring", "Weather"])
    assert isinstance(answer, list), "the schema has no such word"


@each_2x
def test_by_component_and_variable(version: str) -> None:
    """TC_N_02_CS, TC_N_03_CS, TC_N_47_CS, N02.FR.05, FR.10-11, FR.16-21."""
    lab = bench(version, evses=2)
    for target in (STATION_STATE, EVSE_STATE, (place("EVSE", 2), {"name": "AvailabilityState"})):
        set_one(lab, target, "Delta", 1)
    set_one(lab, EVSE_POWER, "UpperThreshold", 100)
    answer, found = report(lab, componentVariable=filters(STATION_STATE, (place("EVSE", 1),)))
    assert answer == "Accepted"
    assert [(one["component"], one["variable"]["name"]) for one in found] == [
        (place("ChargingStation"), "AvailabilityState"),
        (place("EVSE", 1), "AvailabilityState"),
        (place("EVSE", 1), "Power"),
    ]
    both = filters(STATION_STATE, EVSE_STATE)
    assert report(lab, monitoringCriteria=["ThresholdMonitoring"], componentVariable=both) == ("EmptyResultSet", [])
    answer, found = report(lab, monitoringCriteria=["DeltaMonitoring"], componentVariable=both)
    assert len(found) == 2 and kinds(found) == {"Delta"}
    _, found = report(lab, componentVariable=filters((place("EVSE"), {"name": "AvailabilityState"})))
    assert len(found) == 2, "every EVSE"
    _, found = report(lab)
    own = len(monitors.own(lab.station.model).problems)
    assert sum(len(one["variableMonitoring"]) for one in found) == own + 4


@each_2x
def test_bases(version: str) -> None:
    """TC_N_05_CS, TC_N_06_CS, N03.FR.03-05."""
    lab = bench(version)

    def base(name: str) -> int:
        assert lab.ask("SetMonitoringBase", monitoringBase=name)["status"] == "Accepted"
        _, found = report(lab)
        return sum(len(one["variableMonitoring"]) for one in found)

    assert set(BASES) == set(monitors.ACTIVE_BASE.values)
    own = monitors.own(lab.station.model)
    everything, hard_wired = len(own.monitors), len(own.problems)
    assert 0 < hard_wired < everything
    mine = set_one(lab, EVSE_POWER, "UpperThreshold", 100)
    assert base("All") == everything + 1
    assert base("FactoryDefault") == everything and monitors.find(lab.station, mine) is None
    set_one(lab, EVSE_POWER, "UpperThreshold", 100)
    assert report(lab, componentVariable=filters(STATION_STATE))[0] == "Accepted"
    assert base("HardWiredOnly") == hard_wired
    assert report(lab, componentVariable=filters(STATION_STATE)) == ("EmptyResultSet", [])
    assert isinstance(lab.ask("SetMonitoringBase", monitoringBase="Some"), list), "TC_N_07_CS: the schema has no such"
    active = {"component": {"name": "MonitoringCtrlr"}, "variable": {"name": "ActiveMonitoringBase"}}
    answer = lab.ask("GetVariables", getVariableData=[active])
    assert answer["getVariableResult"][0]["attributeValue"] == "HardWiredOnly"


@each_2x
def test_a_preconfigured_monitor_is_overruled_and_comes_back(version: str) -> None:
    """TC_N_41_CS, N04.FR.15, N03.FR.04."""
    lab = bench(version)
    lab.ask("SetMonitoringBase", monitoringBase="All")
    _, (found,) = report(lab, componentVariable=filters(EVSE_STATE))
    (before,) = found["variableMonitoring"]
    assert set_one(lab, EVSE_STATE, "Delta", 1, before["severity"] + 1, id=before["id"]) == before["id"]
    _, (found,) = report(lab, monitoringCriteria=["DeltaMonitoring"], componentVariable=filters(EVSE_STATE))
    (changed,) = found["variableMonitoring"]
    assert (changed["id"], changed["severity"]) == (before["id"], before["severity"] + 1)
    lab.ask("SetMonitoringBase", monitoringBase="All")
    _, (found,) = report(lab, componentVariable=filters(EVSE_STATE))
    assert found["variableMonitoring"] == [changed], "All leaves it (N03.FR.03)"
    lab.ask("SetMonitoringBase", monitoringBase="FactoryDefault")
    _, (found,) = report(lab, componentVariable=filters(EVSE_STATE))
    assert found["variableMonitoring"] == [before]


@each_2x
def test_a_preconfigured_monitor_that_was_removed_comes_back_with_its_base(version: str) -> None:
    lab = bench(version)
    lab.ask("SetMonitoringBase", monitoringBase="All")
    _, (found,) = report(lab, componentVariable=filters(EVSE_STATE))
    (before,) = found["variableMonitoring"]
    assert lab.ask("ClearVariableMonitoring", id=[before["id"]])["clearMonitoringResult"][0]["status"] == "Accepted"
    assert report(lab, componentVariable=filters(EVSE_STATE))[0] == "EmptyResultSet"
    lab.feed(i.Perform("reboot"), 60)
    assert report(lab, componentVariable=filters(EVSE_STATE))[0] == "EmptyResultSet"
    lab.ask("SetMonitoringBase", monitoringBase="All")
    assert report(lab, componentVariable=filters(EVSE_STATE))[0] == "Accepted"


@each_2x
def test_a_custom_monitor_stands_for_the_preconfigured_one_like_it(version: str) -> None:
    """N04.FR.10: no two of one type and severity on a variable, nor two events for one change."""
    lab = bench(version)
    preconfigured = next(m for m in monitors.own(lab.station.model).monitors if m.variable == "AvailabilityState")
    target = (place(preconfigured.component), {"name": "AvailabilityState"})
    mine = set_one(lab, target, "Delta", 1, preconfigured.severity)
    lab.ask("SetMonitoringBase", monitoringBase="All")
    _, (found,) = report(lab, componentVariable=filters(target))
    assert [one["id"] for one in found["variableMonitoring"]] == [mine]
    lab.ask("ClearVariableMonitoring", id=[mine])
    _, (found,) = report(lab, componentVariable=filters(target))
    assert [one["id"] for one in found["variableMonitoring"]] == [preconfigured.monitor_id]


@each_2x
def test_replacing(version: str) -> None:
    """TC_N_39_CS, TC_N_40_CS, N04.FR.12-13, FR.16, FR.18."""
    lab = bench(version)
    number = set_one(lab, EVSE_STATE, "Delta", 1, 5)
    found = set_all(
        lab,
        row((place("ChargingStation"), {"name": "Power"}), "UpperThreshold", 1, id=number),
        row(EVSE_STATE, "Delta", 1, 4, id=9999),
        row(EVSE_STATE, "Delta", 1, 4, id=1),
        row(EVSE_STATE, "Delta", 1, 4, id=number),
    )
    assert [one["status"] for one in found] == ["Rejected", "Rejected", "Rejected", "Accepted"]
    assert monitors.own(lab.station.model).monitors[0].monitor_id == 1, "hard-wired"
    _, (listed,) = report(lab, monitoringCriteria=["DeltaMonitoring"], componentVariable=filters(EVSE_STATE))
    assert [monitor["severity"] for monitor in listed["variableMonitoring"]] == [4]


@each_2x
def test_clearing(version: str) -> None:
    """TC_N_16_CS to TC_N_19_CS, TC_N_44_CS, N06.FR.01-03, FR.05; an id is not used twice."""
    lab = bench(version)
    one, two = set_one(lab, EVSE_STATE, "Delta", 1), set_one(lab, EVSE_POWER, "Delta", 1)
    answer = lab.ask("ClearVariableMonitoring", id=[one, two, two, two + 1, 1])
    assert [(row["id"], row["status"]) for row in answer["clearMonitoringResult"]] == [
        (one, "Accepted"),
        (two, "Accepted"),
        (two, "NotFound"),
        (two + 1, "NotFound"),
        (1, "Rejected"),
    ]
    assert report(lab, componentVariable=filters(EVSE_STATE, EVSE_POWER)) == ("EmptyResultSet", [])
    assert set_one(lab, EVSE_STATE, "Delta", 1) == two + 1


@each_2x
def test_levels(version: str) -> None:
    """N05.FR.01-02."""
    lab = bench(version)
    words = [lab.ask("SetMonitoringLevel", severity=level) for level in (0, 9, 10)]
    assert [word["status"] if isinstance(word, dict) else "refused" for word in words] == [
        "Accepted",
        "Accepted",
        "Rejected",
    ]
    assert lab.station.settings[monitors.ACTIVE_LEVEL] == 9


@each_2x
def test_monitors_survive_a_reboot(version: str) -> None:
    """TC_N_53_CS, N07.FR.13."""
    lab = bench(version)
    number = set_one(lab, EVSE_POWER, "UpperThreshold", 100)
    lab.feed(i.PowerOff(), 1).feed(i.PowerOn(), 60)
    _, (found,) = report(lab, monitoringCriteria=["ThresholdMonitoring"])
    assert [monitor["id"] for monitor in found["variableMonitoring"]] == [number]
    lab.charge().run(1)
    events = [data for payload in lab.csms.sent("NotifyEvent") for data in payload["eventData"]]
    assert [event["variableMonitoringId"] for event in events] == [number]


@each_2x
def test_limits(version: str) -> None:
    """N04.FR.09, N06.FR.06-07."""
    lab = bench(version, settings={monitors.ITEMS_PER_SET: 2, monitors.ITEMS_PER_CLEAR: 2, monitors.BYTES_PER_SET: 200})
    rows = [row(EVSE_STATE, "Delta", 1, severity) for severity in range(3)]
    assert lab.ask("SetVariableMonitoring", setMonitoringData=rows)[0] == "OccurrenceConstraintViolation"
    assert lab.ask("SetVariableMonitoring", setMonitoringData=rows[:2])[0] == "FormatViolation"
    assert lab.ask("ClearVariableMonitoring", id=[1, 2, 3])[0] == "OccurrenceConstraintViolation"
    assert set_all(lab, rows[0])[0]["status"] == "Accepted"


@each_2x
def test_so_many_and_no_more(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "MAX_CUSTOM", 3)
    lab = bench(version)
    found = set_all(lab, *(row(EVSE_STATE, "Delta", 1, severity) for severity in range(4)))
    assert [status(one) for one in found] == [("Accepted", "")] * 3 + [("Rejected", "OutOfMemory")]
    assert set_one(lab, EVSE_STATE, "Delta", 1, 9, id=found[0]["id"]) == found[0]["id"], "replacing needs no room"


@each_2x
def test_every_setting_can_be_watched_for_changes(version: str) -> None:
    lab = bench(version)
    target = setting("SecurityCtrlr.OrganizationName")
    number = set_one(lab, target[:2], "Delta", 1)
    lab.configure(target[2], "Somebody")
    events = [data for payload in lab.csms.sent("NotifyEvent") for data in payload["eventData"]]
    assert [(e["variableMonitoringId"], e["actualValue"]) for e in events] == [(number, "Somebody")]
    secret = setting("SecurityCtrlr.BasicAuthPassword")
    assert secret[2].mutability == WRITE_ONLY
    assert all(v.monitored for v in device_model.variables(lab.station) if v.setting is not None), "and says so"
    assert set_all(lab, row(secret[:2], "Periodic", 60))[0]["status"] == "UnsupportedMonitorType"


def test_what_only_the_newer_version_has_is_refused() -> None:
    lab = bench("2.1")
    stream = {"interval": 10, "values": 5}
    found = set_all(
        lab,
        row(EVSE_POWER, "TargetDelta", 1),
        row(EVSE_POWER, "Periodic", 10, periodicEventStream=stream),
    )
    assert [status(one) for one in found] == [
        ("UnsupportedMonitorType", "UnsupportedParam"),
        ("Rejected", "UnsupportedParam"),
    ]


def test_stations_with_the_same_monitors_share_them() -> None:
    one, two = (Lab(compile_profile("generic/ac-single", "2.0.1"), seed=seed).boot() for seed in (1, 2))
    for lab in (one, two):
        for severity in range(3):
            set_one(lab, EVSE_STATE, "Delta", 1, severity)
    assert monitors.kept(one.station) is monitors.kept(two.station)
    assert one.station.data["watch"].plan is two.station.data["watch"].plan
