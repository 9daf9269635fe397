"""Sessions of 1.6, online and offline, through faults of power and cable.

Tests with an id in their name are cases of the certification tool, edition 2024-04.
"""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import MAX_ENERGY_ON_INVALID, OFFLINE_UNKNOWN, STOP_ON_EV_SIDE, STOP_ON_INVALID
from simulator.blocks.token_cache import lookup
from simulator.core.model import HardwareSpec, MeterSpec
from simulator.core.outbox import MESSAGE_ATTEMPTS
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from simulator.lab.csms import CallError
from simulator.ocpp16 import transactions
from tests.bench import AT_ONCE, Lab, bench, told


def offline_session(lab: Lab) -> None:
    """A session that began offline, once the link is back."""
    lab.fleet.cut(lab.station)
    lab.plug().present().run(10)
    lab.fleet.mend(lab.station)
    lab.run(200)


def test_tc_003_cs_plugin_first(lab: Lab) -> None:
    lab.forget().plug().run(5)
    lab.present().run(4)
    assert told(lab) == [
        "StatusNotification Preparing",
        "Authorize",
        "StartTransaction",
        "StatusNotification Charging",
    ]


def test_tc_004_1_cs_identification_first(lab: Lab) -> None:
    lab.forget().present().run(5)
    lab.plug().run(4)
    assert told(lab) == [
        "Authorize",
        "StatusNotification Preparing",
        "StartTransaction",
        "StatusNotification Charging",
    ]


def test_tc_005_1_cs_ev_side_disconnect_stops_and_unlocks(lab: Lab) -> None:
    lab.charge().forget().unplug(side="ev").run(1)
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "EVDisconnected" and lab.session().stop_token is None
    lab.unplug(side="station")
    assert lab.statuses()[-1] == "Available"


def test_tc_005_2_cs_ev_side_disconnect_stops_and_stays_locked() -> None:
    lab = bench(settings={UNLOCK_ON_EV_SIDE: False}).charge().forget()
    lab.unplug(side="ev").run(1)
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "EVDisconnected"
    lab.unplug(side="station")
    assert "locked" in lab.remarks()[-1]
    assert lab.ask("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    lab.unplug(side="station")
    assert lab.statuses()[-1] == "Available"


def test_tc_005_3_cs_ev_side_disconnect_goes_on() -> None:
    lab = bench(settings={STOP_ON_EV_SIDE: False, UNLOCK_ON_EV_SIDE: False}).charge().forget()
    lab.unplug(side="ev").run(1)
    assert told(lab) == ["StatusNotification SuspendedEV"]
    assert lab.csms.sent("StatusNotification")[0]["info"] == "EV side disconnected"
    assert lab.remote_stop() == "Accepted"
    assert sorted(told(lab)[1:]) == ["StatusNotification Finishing", "StopTransaction"]
    assert lab.session().reason == "Remote"


def test_a_fixed_cable_pulled_at_the_car_is_told_so_too() -> None:
    lab = bench(settings={STOP_ON_EV_SIDE: False}, evse={"tethered": True}).charge().forget()
    lab.unplug(side="ev").run(1)
    assert told(lab) == ["StatusNotification SuspendedEV"]
    assert lab.csms.sent("StatusNotification")[0]["info"] == "EV side disconnected"


def test_tc_012_cs_remote_stop(lab: Lab) -> None:
    lab.charge().forget()
    assert lab.remote_stop() == "Accepted"
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "Remote" and lab.session().stop_token is None


def test_tc_032_1_cs_power_failure_with_a_back_up() -> None:
    hardware = HardwareSpec(modem=AT_ONCE, holdup_s=10.0, power_loss="stop_before")
    lab = bench(hardware=hardware, evses=2).charge().forget()
    lab.inject("supply.mains_outage").run(5)
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"]
    assert lab.session().reason == "PowerLoss"
    lab.run(60)
    assert not lab.station.powered
    lab.forget().clear().run(60)
    assert told(lab)[0] == "BootNotification" and "StopTransaction" not in told(lab)
    assert [(p["connectorId"], p["status"]) for p in lab.csms.sent("StatusNotification")] == [
        (0, "Available"),
        (1, "Preparing"),
        (2, "Available"),
    ]


@pytest.mark.parametrize("habit", ["stop_after", "resume"])
def test_tc_032_2_cs_power_failure_without_back_up(habit: str) -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, power_loss=habit)).charge().forget()
    lab.inject("supply.mains_outage").run(60)
    assert told(lab) == []
    lab.clear().run(60)
    assert told(lab)[0] == "BootNotification"
    if habit == "resume":
        assert lab.statuses()[-1] == "Charging" and lab.session().end is None
        lab.present().run(1)
        assert lab.session().reason == "Local"
        assert lab.statuses()[-1] == "Finishing"
    else:
        assert lab.session().reason == "PowerLoss"
        assert lab.statuses()[-1] in ("Preparing", "Finishing")


def test_tc_037_1_cs_offline_start_valid() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True}).forget()
    offline_session(lab)
    assert lab.statuses()[-1] == "Charging" and lab.session().end is None
    assert lab.session().begin["timestamp"] == "2026-03-01T00:00:00.000Z"


def test_tc_037_2_cs_offline_start_invalid_suspends() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True, STOP_ON_INVALID: False, MAX_ENERGY_ON_INVALID: 0}).forget()
    lab.csms.verdicts["TAG"] = "Invalid"
    offline_session(lab)
    assert lab.statuses()[-2:] == ["Charging", "SuspendedEVSE"] and lab.session().end is None


def test_tc_037_3_cs_offline_start_invalid_stops() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True, STOP_ON_INVALID: True}).forget()
    lab.csms.verdicts["TAG"] = "Invalid"
    offline_session(lab)
    assert lab.statuses()[-2:] == ["Charging", "Finishing"]
    assert lab.session().reason == "DeAuthorized"


def test_tc_038_cs_offline_stop(lab: Lab) -> None:
    lab.charge()
    lab.fleet.cut(lab.station)
    lab.run(5).present().run(5)
    lab.fleet.mend(lab.station)
    lab.forget().run(200)
    assert lab.session().reason == "Local"
    assert sorted(told(lab)[:2]) == ["StatusNotification Finishing", "StopTransaction"]


def test_tc_039_cs_offline_transaction() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True}).forget()
    lab.fleet.cut(lab.station)
    lab.plug().present().run(30)
    lab.present().run(5)
    lab.unplug().run(5)
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert [a for a in told(lab) if not a.startswith("Status")] == ["StartTransaction", "StopTransaction"]
    assert lab.session().reason == "Local"
    begun, ended = lab.session().begin, lab.session().end
    assert ended is not None and begun["timestamp"] < ended["timestamp"]
    assert ended["transactionId"] == 1 and ended["meterStop"] > begun["meterStart"]


@pytest.mark.parametrize(
    "fault, reason", [("protection.rcd_trip", "Other"), ("protection.emergency_stop", "EmergencyStop")]
)
def test_a_reason_1_6_does_not_know_is_other(lab: Lab, fault: str, reason: str) -> None:
    """7.34."""
    lab.charge().inject(fault)
    assert lab.session().reason == reason and reason in transactions.REASONS


def test_what_belongs_to_a_start_that_was_never_answered(lab: Lab) -> None:
    """Errata 3.18: transactionId -1."""
    lab.csms.script["StartTransaction"] = lambda csms, payload: CallError("InternalError")
    lab.configure(MESSAGE_ATTEMPTS, 1)
    lab.charge().run(70).present().run(5)
    ids = {p["transactionId"] for p in lab.csms.sent("MeterValues", "StopTransaction")}
    assert ids == {-1}


def test_a_stop_answer_corrects_the_cache(lab: Lab) -> None:
    """4.10: idTagInfo of the answer."""
    lab.csms.script["StopTransaction"] = lambda csms, p: (
        csms.on_StopTransaction(p) | {"idTagInfo": {"status": "Blocked"}}
    )
    lab.charge().present().run(1)
    entry = lookup(lab.station, "TAG")
    assert entry is not None and entry.status == "Blocked"


def test_registers_are_whole_watt_hours() -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, meter=MeterSpec(resolution_wh=0.1))).charge().run(33).present()
    end = lab.session().end
    assert end is not None and isinstance(end["meterStop"], int)
    assert end["meterStop"] > lab.session().begin["meterStart"]
