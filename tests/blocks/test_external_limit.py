"""K11 to K13: limits that do not come from the CSMS, and what it is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks.external_limit import EXTERNAL_ENABLED, LIMIT_CHANGE, WITH_SCHEDULES, external_id
from simulator.core.inputs import Perform, PowerOff
from tests.bench import bench, each_2x, frames
from tests.ocpp2x.charging import composite, install, power_kw, reported


@each_2x
def test_a_limit_from_beside_the_csms(version: str) -> None:
    """K11.FR.01-06, K13.FR.01-03."""
    lab = bench(version)
    lab.charge(1).forget()
    lab.feed(Perform("charging_limit", {"limit_a": 10, "source": "SO", "grid_critical": True}), 2)
    assert power_kw(lab) == 6.9
    (told,) = lab.csms.sent("NotifyChargingLimit")
    assert told == {"chargingLimit": {"chargingLimitSource": "SO", "isGridCritical": True}}  # evseId must be > 0
    lab.feed(Perform("charging_limit", {"limit_a": 10.5, "source": "SO"}), 2)
    assert len(lab.csms.sent("NotifyChargingLimit")) == 1  # not by more than LimitChangeSignificance
    lab.feed(Perform("charging_limit_released", {}), 2)
    assert lab.csms.sent("ClearedChargingLimit") == [{"chargingLimitSource": "SO", "evseId": 0}]
    assert power_kw(lab) == 11.0
    triggers = [event["triggerReason"] for event in lab.csms.sent("TransactionEvent")]
    assert triggers == ["ChargingRateChanged", "ChargingRateChanged"]
    assert "charging_profiles" not in lab.station.board.flash.areas or reported(lab) == []


@each_2x
def test_a_limit_while_nobody_charges(version: str) -> None:
    """K12.FR.01-05: the schedule is told where that is wanted; it survives a restart, and ends by itself."""
    lab = bench(version, settings={WITH_SCHEDULES: True, LIMIT_CHANGE: 0.0})
    lab.feed(Perform("charging_limit", {"limit_w": 6900.0, "duration_s": 500, "source": "Other"}), 1)
    (told,) = lab.csms.sent("NotifyChargingLimit")
    (schedule,) = told["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6900.0}]
    assert (schedule["chargingRateUnit"], schedule["duration"]) == ("W", 500)
    lab.feed(PowerOff(), 5)
    lab.boot().run(60).charge(1)
    assert power_kw(lab) == 6.9
    assert power_kw(lab.run(500)) == 11.0


@each_2x
def test_a_limit_takes_no_profile_of_the_csms_away(version: str) -> None:
    """K11.FR.06: ids below zero are only less likely to be in use."""
    lab = bench(version)
    assert install(lab, 1, (0, 10), number=external_id(0)) == "Accepted"
    for limit_a in (20, 8):
        lab.feed(Perform("charging_limit", {"limit_a": limit_a}), 1)
        assert len(reported(lab)) == 2
    assert install(lab, 1, (0, 10), number=external_id(0) - 2, level=1) == "InvalidProfile"  # K01.FR.05
    lab.feed(Perform("charging_limit_released", {}), 1)
    assert reported(lab) == [("CSO", 1, external_id(0))]


@each_2x
def test_a_limit_that_the_car_does_not_feel(version: str) -> None:
    """K11.FR.04: the rate of charging has not changed, only the limit has."""
    lab = bench(version).charge(1).forget()
    for limit_a in (25, 20, 16):
        lab.feed(Perform("charging_limit", {"limit_a": limit_a}), 1)
    assert power_kw(lab) == 11.0 and len(lab.csms.sent("NotifyChargingLimit")) == 3
    assert lab.csms.sent("TransactionEvent") == []


@each_2x
def test_a_limit_whose_time_is_over_is_gone(version: str) -> None:
    """K13.FR.01-03: also over a restart; the CSMS may never have heard how long it was meant for."""
    lab = bench(version).charge(1).forget()
    lab.feed(Perform("charging_limit", {"limit_a": 8, "duration_s": 20, "source": "SO"}), 19)
    assert power_kw(lab) == 5.52 and lab.csms.sent("ClearedChargingLimit") == []
    lab.run(2)
    assert power_kw(lab) == 11.0 and reported(lab) == []
    assert [p["chargingLimitSource"] for p in lab.csms.sent("ClearedChargingLimit")] == ["SO"]
    triggers = [event["triggerReason"] for event in lab.csms.sent("TransactionEvent")]
    assert triggers.count("ChargingRateChanged") == 2
    lab.feed(Perform("charging_limit", {"limit_a": 8, "duration_s": 20, "evse_id": 1}), 1).feed(PowerOff(), 60)
    lab.boot().run(60)
    assert reported(lab) == [] and lab.csms.sent("ClearedChargingLimit")[-1]["evseId"] == 1


@each_2x
def test_a_limit_of_one_evse_and_suspension(version: str) -> None:
    lab = bench(version, evses=2)
    lab.charge(1).charge(2, "OTHER").forget()
    lab.feed(Perform("charging_limit", {"limit_a": 0, "evse_id": 2}), 2)
    assert power_kw(lab, 1) == 11.0 and power_kw(lab, 2) == 0.0
    states = [event["transactionInfo"].get("chargingState") for event in lab.csms.sent("TransactionEvent")]
    assert "SuspendedEVSE" in states
    assert [p["evseId"] for _, _, p in frames(lab.csms, "NotifyChargingLimit")] == [2]


@each_2x
@pytest.mark.parametrize(
    "args",
    [{}, {"limit_a": 1, "limit_w": 1}, {"limit_a": -1}, {"limit_a": "x"}, {"limit_a": 6, "evse_id": 9},
     {"limit_a": 6, "source": "CSO"}],
)  # fmt: skip
def test_a_limit_that_makes_no_sense(version: str, args: dict[str, Any]) -> None:
    """K11.FR.05 among them: it is never the CSMS's own."""
    lab = bench(version)
    lab.feed(Perform("charging_limit", args), 1)
    assert lab.remarks()[-1].startswith("external limit ignored") and lab.csms.sent("NotifyChargingLimit") == []


@each_2x
def test_external_limits_switched_off(version: str) -> None:
    lab = bench(version, settings={EXTERNAL_ENABLED: False})
    lab.feed(Perform("charging_limit", {"limit_a": 6}), 1)
    lab.feed(Perform("charging_limit_released", {"evse_id": 1}), 1)
    assert [text.split(":")[0] for text in lab.remarks()[-2:]] == ["external limit ignored"] * 2
    assert composite(lab) == [(0, 31.8)]
