"""Registration, the clock, resets: what a station says before and after it is let in."""

from __future__ import annotations

import pytest

from simulator.blocks import provisioning
from simulator.blocks.availability import HEARTBEAT_INTERVAL
from simulator.blocks.firmware_record import Firmware, Update
from simulator.blocks.token_cache import CACHE_ENABLED
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec, Identity, RtcSpec
from simulator.core.records import Booted, BootRefused
from simulator.lab.csms import SILENT, CallError
from tests.bench import AT_ONCE, Lab, bench, build, each_2x, each_version, frames


def boots(lab: Lab) -> list[float]:
    """When BootNotifications came."""
    return [t for t, _, _ in frames(lab.csms, "BootNotification")]


@each_version
def test_boot_comes_first_and_alone_then_every_status_then_heartbeats(version: str) -> None:
    lab = Lab(build(version, evses=2))
    lab.csms.interval_s = 120
    lab.boot().run(370)
    sent = frames(lab.csms)
    assert sent[0][1] == "BootNotification"
    count = 3 if version == "1.6" else 2  # 1.6 tells the station as connector 0
    assert [a for _, a, _ in sent[1 : 1 + count]] == ["StatusNotification"] * count
    assert lab.statuses(1) == lab.statuses(2) == ["Available"]
    rest = [(t, a) for t, a, _ in sent[1 + count :]]
    if version != "1.6":  # A04: the boot is a critical security event
        assert rest.pop(0) == (0, "SecurityEventNotification")
    assert rest == [(120, "Heartbeat"), (240, "Heartbeat"), (360, "Heartbeat")]
    assert lab.station.settings[HEARTBEAT_INTERVAL] == 120  # B01.FR.04
    assert [r.reason for r in lab.fleet.recorded(Booted)] == ["PowerUp"]


@each_version
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_the_interval_is_obeyed_and_nothing_else_is_said(version: str, status: str) -> None:
    """B01.FR.08, B02.FR.02, B03.FR.06; 1.6 4.2."""
    lab = Lab(build(version))
    lab.csms.boot_status, lab.csms.interval_s = status, 77
    lab.boot().run(10).plug().present().run(100)
    lab.inject("protection.rcd_trip", 1).run(50)
    assert set(lab.csms.actions()) == {"BootNotification"}
    assert boots(lab) == [0, 77, 154]
    assert not lab.evse().flowing and lab.evse().tx is None
    assert [r.status for r in lab.fleet.recorded(BootRefused)] == [status] * 3
    lab.clear()
    lab.csms.boot_status = "Accepted"
    lab.run(100)
    assert boots(lab)[-1] == 231
    assert lab.statuses()[-1] == ("Preparing" if version == "1.6" else "Occupied")


@each_version
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_an_interval_of_0_leaves_the_wait_to_the_station(version: str, status: str) -> None:
    """B02.FR.07, B03.FR.05: it must not flood."""
    lab = Lab(build(version))
    lab.csms.boot_status, lab.csms.interval_s = status, 0
    lab.boot().run(600)
    waits = [b - a for a, b in zip(boots(lab), boots(lab)[1:], strict=False)]
    assert len(waits) >= 9 and all(30 <= wait <= 60 for wait in waits)
    assert len(set(waits)) > 1


@each_version
def test_requests_before_registration(version: str) -> None:
    """Pending and not yet answered serve; Rejected refuses (B02.FR.01, B03.FR.08), in 1.6 by silence (4.2)."""
    lab = Lab(build(version))
    lab.csms.script["BootNotification"] = lambda csms, payload: SILENT
    lab.boot()
    question = ("GetConfiguration", {}) if version == "1.6" else ("ClearCache", {})
    assert isinstance(lab.ask(question[0], **question[1]), dict)
    del lab.csms.script["BootNotification"]
    lab.csms.boot_status, lab.csms.interval_s = "Rejected", 60
    lab.run(100)
    assert lab.station.gate == "rejected"
    answer = lab.ask(question[0], **question[1])
    assert answer is None if version == "1.6" else answer[0] == "SecurityError"
    lab.csms.boot_status = "Pending"
    lab.run(60)
    assert isinstance(lab.ask(question[0], **question[1]), dict)


@each_version
def test_a_remote_start_while_pending_is_not_served(version: str) -> None:
    """1.6 4.2: no RemoteStart before Accepted; B02.FR.05: Rejected."""
    lab = Lab(build(version))
    lab.csms.boot_status = "Pending"
    lab.boot().plug()
    if version == "1.6":
        answer = lab.ask("RemoteStartTransaction", idTag="TAG", connectorId=1)
        assert answer == {"status": "Rejected"} or answer[0] == "GenericError"
    else:
        assert lab.remote_start() == "Rejected"
    lab.run(60)
    assert not lab.evse().flowing


@each_version
def test_a_failed_boot_is_tried_again(version: str) -> None:
    lab = Lab(build(version))
    answers = [CallError("InternalError"), SILENT, None]
    lab.csms.script["BootNotification"] = lambda csms, payload: answers.pop(0) or csms.on_BootNotification(payload)
    lab.boot().run(200)
    first, second, third = boots(lab)
    assert first == 0 and 30 <= second <= 60
    assert 60 <= third - second <= 90  # the time-out of the message, then a wait of its own
    assert lab.station.gate == "accepted"


@each_version
def test_registration_belongs_to_the_boot_not_to_the_connection(version: str) -> None:
    lab = bench(version)
    lab.fleet.cut(lab.station)
    lab.run(30)
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert boots(lab) == [0] and lab.station.link.is_up


@each_version
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_new_link_does_not_shorten_the_interval(version: str, status: str) -> None:
    """B02.FR.04, B03.FR.02; 1.6 4.2. One that opens after it is over asks at once."""
    lab = Lab(build(version))
    lab.csms.boot_status, lab.csms.interval_s = status, 500
    lab.boot().run(10)
    lab.fleet.cut(lab.station)
    lab.run(10)
    lab.fleet.mend(lab.station)
    lab.run(90)
    assert lab.station.link.is_up and boots(lab) == [0]
    lab.run(400)
    assert boots(lab) == [0, 500]
    lab.fleet.cut(lab.station)
    lab.run(600)
    lab.fleet.mend(lab.station)
    lab.run(300)
    assert len(boots(lab)) == 3 and boots(lab)[-1] > 1110


@each_version
def test_the_clock_is_set_from_the_answer(version: str) -> None:
    """1.6 4.2, B01.FR.06: a clock that had no battery is right from the first status on."""
    hardware = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(battery=False, drift_ppm=0.0))
    lab = Lab(build(version, hardware=hardware)).boot()
    status = lab.csms.sent("StatusNotification")[0]
    assert lab.csms.clock_error_us(status["timestamp"]) == 0


@each_version
def test_heartbeats_keep_a_drifting_clock(version: str) -> None:
    lab = bench(version, hardware=HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0)))
    lab.inject("rtc.drift", ppm=1000.0).run(3000)
    error_us = lab.station.board.rtc.wall(lab.fleet.now) - lab.fleet.epoch_us - lab.fleet.now
    assert abs(error_us) <= 300_000  # 0.1 % of the 300 s since the last answer, not of 3000 s


@each_version
def test_what_boot_says_of_the_station(version: str) -> None:
    identity = Identity("Maker", "Box", firmware="", serial="S-{id}", iccid="8931", imsi="204")
    (told,) = bench(version, identity=identity).csms.sent("BootNotification")
    if version == "1.6":
        assert told == {
            "chargePointVendor": "Maker",
            "chargePointModel": "Box",
            "chargePointSerialNumber": "S-CP1",
            "firmwareVersion": "",
            "iccid": "8931",
            "imsi": "204",
        }
    else:
        assert told["reason"] == "PowerUp"
        assert told["chargingStation"] == {
            "vendorName": "Maker",
            "model": "Box",
            "serialNumber": "S-CP1",
            "firmwareVersion": "",
            "modem": {"iccid": "8931", "imsi": "204"},
        }


# -- resets ------------------------------------------------------------------------------------------------------------

RESETS = [("1.6", "Soft", 5), ("1.6", "Hard", 15), ("2.0.1", "OnIdle", 5), ("2.1", "Immediate", 15)]


@pytest.mark.parametrize("version, kind, boot_s", RESETS)
def test_each_kind_of_reset_takes_its_time(version: str, kind: str, boot_s: int) -> None:
    lab = bench(version).forget()
    assert lab.ask("Reset", type=kind) == {"status": "Accepted"}
    assert not lab.station.running
    lab.run(boot_s - 0.001)
    assert lab.csms.actions() == []
    lab.run(0.001)
    assert lab.csms.actions()[0] == "BootNotification"
    assert lab.fleet.recorded(Booted)[-1].reason == "RemoteReset"
    if version != "1.6":
        assert lab.csms.sent("BootNotification")[0]["reason"] == "RemoteReset"


@each_version
def test_a_power_cut_takes_longest(version: str) -> None:
    lab = bench(version).inject("supply.mains_outage").run(100).forget().clear().run(19.9)
    assert lab.csms.actions() == []
    lab.run(0.1)
    assert boots(lab) == [120.0]
    assert lab.fleet.recorded(Booted)[-1].reason == "PowerUp"


@each_version
def test_a_watchdog_names_itself(version: str) -> None:
    lab = bench(version).feed(i.Perform("reboot", {"reason": "Watchdog"}), 60)
    assert [r.reason for r in lab.fleet.recorded(Booted)] == ["PowerUp", "Watchdog"]


@each_version
def test_a_reset_is_answered_before_the_link_goes(version: str) -> None:
    lab = bench(version).charge()
    kind = "Hard" if version == "1.6" else "Immediate"
    assert lab.ask("Reset", type=kind) == {"status": "Accepted"}
    lab.run(60)
    session = lab.session()
    assert session.reason == ("HardReset" if version == "1.6" else "ImmediateReset")
    if version != "1.6":
        assert session.triggers[-1] == "ResetCommand"  # B12.FR.05
        # told before the station went (B12.FR.04)
        assert lab.csms.actions().index("BootNotification", 1) > max(
            n for n, action in enumerate(lab.csms.actions()) if action == "TransactionEvent"
        )
    assert not lab.evse().flowing


@each_2x
def test_on_idle_waits_for_the_transaction(version: str) -> None:
    """B12.FR.01, FR.03."""
    lab = bench(version).charge().forget()
    assert lab.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    lab.run(300)
    assert lab.evse().flowing and not boots(lab)
    lab.present().run(30)
    assert len(boots(lab)) == 1
    assert lab.csms.sent("BootNotification")[0]["reason"] == "ScheduledReset"


@each_2x
def test_while_a_reset_waits_for_one_evse_nothing_begins_at_a_free_one(version: str) -> None:
    """B12, scenario step 3a: what is Available becomes Unavailable, whoever charges goes on and is told as ever."""
    lab = bench(version, evses=3).charge(1).charge(2).forget()
    assert lab.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    assert [lab.statuses(evse_id) for evse_id in (1, 2, 3)] == [[], [], ["Unavailable"]]
    assert lab.remote_start(evse_id=3) == "Rejected"
    lab.present(evse_id=1).unplug(1).run(60)
    assert lab.statuses(1)[-1] == "Available" and not boots(lab)  # TC_B_41, step 5
    lab.plug(3).present(evse_id=3).run(30)
    assert lab.evse(3).tx is None and lab.statuses(3) == ["Unavailable"]
    lab.unplug(3).present(evse_id=2).run(60)
    assert [boot["reason"] for boot in lab.csms.sent("BootNotification")] == ["ScheduledReset"]
    assert lab.statuses(3) == ["Unavailable", "Available"]


def test_an_impatient_reset_gives_nothing_free_in_between() -> None:
    lab = bench("2.0.1", evses=2).charge(1).forget()
    lab.ask("Reset", type="OnIdle")
    lab.ask("Reset", type="Immediate")
    lab.run(1)
    assert lab.statuses(2) == ["Unavailable"]
    lab.run(60)
    assert lab.statuses(2) == ["Unavailable", "Available"]


@each_2x
def test_on_idle_waits_for_whatever_a_reset_would_disturb(version: str) -> None:
    """Errata 2.14: a reservation, a driver who has been let in, a log on its way, an update."""
    lab = bench(version, evses=2).forget()
    token = {"idToken": "FRIEND", "type": "ISO14443"}
    wish = {"id": 5, "expiryDateTime": "2099-01-01T00:00:00Z", "idToken": token, "evseId": 1}
    assert lab.ask("ReserveNow", **wish)["status"] == "Accepted"
    assert lab.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    lab.run(60)
    assert not boots(lab)
    lab.present("FRIEND", 1).run(50)
    assert not boots(lab) and lab.evse().grant is not None
    lab.run(70)  # nobody plugged in, and the reservation is used up
    assert [boot["reason"] for boot in lab.csms.sent("BootNotification")] == ["ScheduledReset"]

    anywhere = {name: value for name, value in wish.items() if name != "evseId"}
    assert lab.ask("ReserveNow", **anywhere)["status"] == "Accepted"
    assert lab.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    lab.ask("CancelReservation", reservationId=5)
    lab.run(60)
    assert len(boots(lab)) == 2

    lab.ask("GetLog", logType="DiagnosticsLog", requestId=1, log={"remoteLocation": "http://127.0.0.1/{files}"})
    assert lab.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    assert lab.ask("Reset", type="Immediate") == {"status": "Accepted"}


@pytest.mark.parametrize(
    ("step", "word"),
    [("ready", "Accepted"), ("restarting", "Rejected"), ("installing", "Rejected"), ("activating", "Rejected")],
)
def test_at_once_is_not_while_an_update_is_being_installed(step: str, word: str) -> None:
    """B11.FR.06, B12.FR.10: what cannot be cancelled (L01.FR.27) is not broken off by a reset either."""
    lab = bench("2.0.1")
    lab.station.data["firmware"] = Firmware(Update("http://x", 0, 1, 1, step=step))
    answer = lab.ask("Reset", type="Immediate")
    assert answer["status"] == word
    assert answer.get("statusInfo") == ({"reasonCode": "FwUpdateInProgress"} if word == "Rejected" else None)


@pytest.mark.parametrize(("step", "word"), [("fetching", "Scheduled"), ("ready", "Accepted"), ("over", "Accepted")])
def test_on_idle_waits_for_an_update_that_is_under_way(step: str, word: str) -> None:
    """... and not for one that itself waits for its time."""
    lab = bench("2.0.1")
    lab.station.data["firmware"] = Firmware(Update("http://x", 0, 1, 1, step=step))
    assert lab.ask("Reset", type="OnIdle") == {"status": word}


@each_version
def test_a_reset_whose_messages_are_not_answered_goes_on_all_the_same(version: str) -> None:
    lab = bench(version).charge().forget()
    stop = "StopTransaction" if version == "1.6" else "TransactionEvent"
    lab.csms.script[stop] = lambda csms, payload: SILENT
    lab.ask("Reset", type="Soft" if version == "1.6" else "Immediate")
    lab.run(29)
    assert lab.station.running
    lab.run(20)
    assert len(boots(lab)) == 1
    del lab.csms.script[stop]
    lab.run(300)
    assert lab.session().end is not None  # it was on flash


@each_version
def test_settings_outlive_a_reset(version: str) -> None:
    lab = bench(version)
    lab.configure(CACHE_ENABLED, False)
    lab.ask("Reset", type="Soft" if version == "1.6" else "OnIdle")
    lab.run(30)
    assert lab.station.boot_no == 2 and lab.station.settings[CACHE_ENABLED] is False


@each_version
def test_a_triggered_boot_while_pending(version: str) -> None:
    """F06, B02: the CSMS may ask for BootNotification before the interval is over."""
    lab = Lab(build(version))
    lab.csms.boot_status, lab.csms.interval_s = "Pending", 1000
    lab.boot().run(5)
    lab.csms.boot_status = "Accepted"
    assert lab.ask("TriggerMessage", requestedMessage="BootNotification")["status"] == "Accepted"
    assert boots(lab) == [0, 5] and lab.station.gate == "accepted"


def test_what_interrupts_every_transaction() -> None:
    hardware = HardwareSpec(modem=AT_ONCE, power_loss="stop_before", holdup_s=60.0)
    lab = bench(hardware=hardware)
    assert provisioning.interruption(lab.station, lab.evse()) is None
    lab.inject("supply.mains_outage")
    assert provisioning.interruption(lab.station, lab.evse()) == ("AbnormalCondition", "PowerLoss")
    lab.clear()
    provisioning.request_reset(lab.station, kind="soft", reason="SoftReset", boot_reason="RemoteReset", patient=True)
    assert provisioning.interruption(lab.station, lab.evse()) == ("ResetCommand", "SoftReset")


def test_a_second_reset_that_waits_changes_nothing() -> None:
    lab = bench("2.0.1").charge()
    for _ in range(2):
        assert lab.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    assert lab.ask("Reset", type="Immediate") == {"status": "Accepted"}, "the impatient one goes first"
    lab.run(60)
    assert lab.session().reason == "ImmediateReset" and lab.station.boot_no == 2
