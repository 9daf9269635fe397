"""The reset of one EVSE: what it ends, what it forgets, what comes back, and that the others do not notice."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import evse_reset
from simulator.blocks.firmware_record import Firmware, Update
from simulator.blocks.token_cache import CACHE_ENABLED
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec, RtcSpec
from simulator.lab.csms import SILENT, Late
from tests.bench import AT_ONCE, Lab, bench, each_2x, frames, verdict_in_start

#: what a soft reset takes in these tests, s
SOFT_S = 7


def dual(version: str = "2.0.1", *, power_loss: str = "stop_after", holdup_s: float = 0.0, **more: Any) -> Lab:
    """Two EVSEs that can be reset one by one."""
    hardware = HardwareSpec(
        modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0), boot_soft_s=SOFT_S, power_loss=power_loss, holdup_s=holdup_s
    )
    return bench(version, evses=2, resets_evse=True, hardware=hardware, **more)


def reset(lab: Lab, kind: str, evse_id: int = 1) -> Any:
    """The CSMS resets an EVSE; the answer."""
    return lab.ask("Reset", type=kind, evseId=evse_id)


def reserve(lab: Lab, evse_id: int, reservation_id: int = 5) -> None:
    """The EVSE is kept for somebody, for a day."""
    token = {"idToken": "FRIEND", "type": "ISO14443"}
    payload = {"id": reservation_id, "expiryDateTime": "2099-01-01T00:00:00Z", "idToken": token, "evseId": evse_id}
    assert lab.ask("ReserveNow", **payload)["status"] == "Accepted"
    lab.run(1)


@each_2x
@pytest.mark.parametrize("kind", ["OnIdle", "Immediate"])
def test_an_idle_evse_restarts_alone(version: str, kind: str) -> None:
    """B11.FR.01, FR.08: the station does not boot, the other EVSE says nothing."""
    lab = dual(version).forget()
    assert reset(lab, kind) == {"status": "Accepted"}
    assert lab.statuses(1) == ["Unavailable"]
    lab.run(SOFT_S - 0.1)
    assert lab.evse().restarting and lab.statuses(1) == ["Unavailable"]
    lab.run(0.1)
    assert not lab.evse().restarting and lab.statuses(1) == ["Unavailable", "Available"]
    assert lab.statuses(2) == [] and lab.csms.sent("BootNotification") == [] and lab.station.boot_no == 1
    lab.charge()


@each_2x
def test_at_once_ends_the_transaction_of_that_evse_only(version: str) -> None:
    """B12.FR.02, FR.08: told before the EVSE goes; the reason and the trigger of the errata (2.16)."""
    lab = dual(version).charge(1, "ONE").charge(2, "TWO").forget()
    before = lab.evse(2).tx
    assert reset(lab, "Immediate") == {"status": "Accepted"}
    told = [(a, p.get("eventType") or p.get("connectorStatus")) for _, a, p in frames(lab.csms)]
    assert told == [("TransactionEvent", "Ended"), ("StatusNotification", "Unavailable")]
    (ended,) = lab.csms.sent("TransactionEvent")
    info = ended["transactionInfo"]
    assert (ended["triggerReason"], info["stoppedReason"]) == ("ResetCommand", "ImmediateReset")
    assert info["chargingState"] == "EVConnected" and "idToken" not in ended
    evse = lab.evse(1)
    assert evse.grant is None and evse.tx is None and not evse.flowing
    assert not lab.station.board.contactors[0].closed and not lab.station.board.locks[0].closed
    assert lab.evse(2).flowing and lab.evse(2).tx is before and lab.station.board.contactors[1].closed
    lab.run(SOFT_S)
    assert lab.statuses(1) == ["Unavailable", "Occupied"] and lab.statuses(2) == []


@each_2x
def test_on_idle_waits_for_the_transaction_of_that_evse(version: str) -> None:
    """B12.FR.01, FR.07: it ends as it would anyway, whatever goes on at the other one."""
    lab = dual(version).charge(1, "ONE").charge(2, "TWO").forget()
    for _ in range(2):
        assert reset(lab, "OnIdle") == {"status": "Scheduled"}
    lab.run(100)
    assert lab.evse(1).flowing and lab.statuses(1) == [] and lab.evse(1).reset_wanted == evse_reset.WHEN_IDLE
    lab.present("ONE", 1)
    assert lab.evse(1).restarting and lab.evse(2).flowing
    (ended,) = [p for p in lab.csms.sent("TransactionEvent") if p["eventType"] == "Ended"]
    assert ended["triggerReason"] == "StopAuthorized"
    lab.run(SOFT_S + 100)
    assert lab.statuses(1) == ["Unavailable", "Occupied"], "once is enough"
    assert lab.station.boot_no == 1 and lab.evse(2).flowing


@each_2x
def test_the_impatient_one_goes_first(version: str) -> None:
    lab = dual(version).charge()
    assert reset(lab, "OnIdle") == {"status": "Scheduled"}
    assert reset(lab, "Immediate") == {"status": "Accepted"}
    lab.run(SOFT_S + 60)
    assert lab.session().reason == "ImmediateReset" and lab.statuses(1).count("Unavailable") == 1


def test_idle_is_more_than_without_a_transaction() -> None:
    """Errata 2.14: an authorisation, a reservation, a cable that is still locked in."""
    lab = dual()
    lab.present("TAG", 1)
    assert lab.evse().grant is not None and reset(lab, "OnIdle") == {"status": "Scheduled"}
    lab.run(70)  # nobody plugged in
    assert lab.statuses(1)[-2:] == ["Unavailable", "Available"]

    reserve(lab, 1)
    assert reset(lab, "OnIdle") == {"status": "Scheduled"}
    assert lab.ask("CancelReservation", reservationId=5)["status"] == "Accepted"
    lab.run(SOFT_S)
    assert lab.statuses(1)[-2:] == ["Unavailable", "Available"]

    lab = dual()
    verdict_in_start(lab, "Blocked")
    lab.plug().present("TAG", 1).run(10)
    assert lab.evse().tx is None and lab.station.board.locks[0].closed  # E05.FR.11
    assert reset(lab, "OnIdle") == {"status": "Scheduled"}
    assert lab.ask("UnlockConnector", evseId=1, connectorId=1) == {"status": "Unlocked"}
    assert lab.evse().restarting


@each_2x
def test_what_the_csms_has_told_it_to_be_comes_back(version: str) -> None:
    """B11.FR.02, FR.05, B12.FR.06."""
    lab = dual(version)
    assert lab.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})["status"] == "Accepted"
    assert reset(lab, "OnIdle") == {"status": "Accepted"}
    lab.run(SOFT_S + 60)
    assert lab.statuses(1)[-1] == "Unavailable" and not lab.evse().operative and not lab.evse().restarting

    reserve(lab, 2)
    assert reset(lab, "Immediate", 2) == {"status": "Accepted"}
    lab.run(SOFT_S + 60)
    assert lab.statuses(2)[-1] == "Reserved" and lab.evse(2).reserved
    lab.plug(2).present("OTHER", 2).run(5)
    assert not lab.evse(2).flowing
    lab.present("FRIEND", 2).run(5)
    assert lab.evse(2).flowing


def test_a_change_that_waits_for_the_transaction_is_made() -> None:
    """G03.FR.05 with B12.FR.08: scheduled to be inoperative, and the reset ends what it waits for."""
    lab = dual().charge()
    assert lab.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})["status"] == "Scheduled"
    assert reset(lab, "Immediate") == {"status": "Accepted"}
    lab.run(SOFT_S + 10)
    assert lab.statuses(1)[-1] == "Unavailable" and not lab.evse().operative


@each_2x
def test_nothing_begins_while_it_restarts(version: str) -> None:
    """Tokens and remote starts are refused, a plug is felt, and a session begins after it."""
    lab = dual(version)
    reset(lab, "OnIdle")
    lab.present("TAG")  # at the common reader: the other one is meant
    assert lab.evse(1).grant is None and lab.evse(2).grant is not None
    lab.plug().present("NEXT", 1)
    assert lab.remarks()[-1] == "token refused: EVSE 1 is not usable"
    assert lab.remote_start(evse_id=1) == "Rejected"
    assert lab.ask("UnlockConnector", evseId=1, connectorId=1)["status"] == "UnlockFailed"
    token = {"idToken": "FRIEND", "type": "ISO14443"}
    wish = {"id": 6, "expiryDateTime": "2099-01-01T00:00:00Z", "idToken": token, "evseId": 1}
    assert lab.ask("ReserveNow", **wish)["status"] == "Unavailable"
    lab.run(SOFT_S)
    assert lab.statuses(1)[-1] == "Occupied"
    lab.present("NEXT", 1).run(5)
    assert lab.evse(1).flowing


def test_a_transaction_that_a_plug_begins_waits_for_the_restart() -> None:
    lab = dual(settings={TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)})
    reset(lab, "OnIdle")
    lab.run(1).plug().run(SOFT_S - 2)
    assert lab.sessions() == []
    lab.run(1)
    assert lab.session().begin["triggerReason"] == "CablePluggedIn" and lab.evse().tx is not None


def test_free_vend_begins_anew() -> None:
    """As after a reboot of the station, the car that is there has not charged yet."""
    lab = dual(free_vend=True).plug().run(5)
    reset(lab, "Immediate")
    lab.run(SOFT_S - 1)
    assert len(lab.sessions()) == 1 and not lab.evse().flowing
    lab.run(6)
    assert [session.reason for session in lab.sessions()] == ["ImmediateReset", None] and lab.evse().flowing


def test_an_answer_that_comes_too_late_authorises_nobody() -> None:
    lab = dual(settings={CACHE_ENABLED: False})
    lab.csms.script["Authorize"] = lambda csms, payload: Late(SOFT_S - 2, csms.on_Authorize(payload))
    lab.plug().present("TAG", 1)
    assert lab.evse().asked is not None
    reset(lab, "Immediate")
    assert lab.evse().asked is None
    lab.run(SOFT_S + 5)
    assert lab.evse().grant is None and not lab.evse().flowing


@each_2x
def test_a_power_cut_in_between_loses_nothing(version: str) -> None:
    """The end is on flash before the restart begins; a restart that was cut off is over with the boot."""
    lab = dual(version).charge(1, "ONE").charge(2, "TWO")
    lab.csms.script["TransactionEvent"] = lambda csms, payload: SILENT
    reset(lab, "Immediate")
    lab.feed(i.PowerOff(), 2).feed(i.PowerOn())
    del lab.csms.script["TransactionEvent"]
    lab.run(300)
    assert {s.evse_id: s.reason for s in lab.sessions()} == {1: "ImmediateReset", 2: "PowerLoss"}
    evse = lab.evse()
    assert lab.station.boot_no == 2 and not evse.restarting and evse.reset_wanted is None and evse.operative


@each_2x
def test_rejected_when_it_cannot_be_done(version: str) -> None:
    """B11.FR.06, FR.09, B12.FR.09, FR.10."""
    lab = bench(version, evses=2).charge()
    for kind in ("OnIdle", "Immediate"):
        answer = reset(lab, kind)
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")
    assert lab.evse().flowing

    lab = dual(version)
    assert reset(lab, "OnIdle", 3)["statusInfo"]["reasonCode"] == "UnknownEvse"
    reset(lab, "OnIdle")
    for kind in ("OnIdle", "Immediate"):
        answer = reset(lab, kind)
        assert answer["status"] == "Rejected" and "restarts already" in answer["statusInfo"]["additionalInfo"]
    assert reset(lab, "OnIdle", 2) == {"status": "Accepted"}


def test_rejected_before_a_reboot_and_without_power() -> None:
    lab = dual(power_loss="stop_before", holdup_s=60.0)
    lab.inject("supply.mains_outage")
    assert "no power" in reset(lab, "Immediate")["statusInfo"]["additionalInfo"]
    lab.clear().charge()
    lab.csms.script["TransactionEvent"] = lambda csms, payload: SILENT
    lab.ask("Reset", type="Immediate")
    assert "about to reboot" in reset(lab, "OnIdle", 2)["statusInfo"]["additionalInfo"]


def test_an_update_that_is_being_installed_is_not_disturbed() -> None:
    """B11.FR.06: at once it cannot be done, later it can; the reboot into the new firmware does it."""
    lab = dual()
    update = Update("http://x", 0, 1, 1, step="installing")
    lab.station.data["firmware"] = Firmware(update)
    answer = reset(lab, "Immediate")
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "FwUpdateInProgress")
    assert reset(lab, "OnIdle") == {"status": "Scheduled"}
    lab.run(20)
    assert not lab.evse().restarting
    update.step = "over"
    lab.plug(2)  # anything that happens makes it look
    assert lab.evse().restarting


@each_2x
def test_the_device_model_says_what_the_product_can(version: str) -> None:
    """B11.FR.10."""
    row = {"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "AllowReset"}}
    for lab, value in ((dual(version), "true"), (bench(version, evses=2), "false")):
        (answer,) = lab.ask("GetVariables", getVariableData=[row])["getVariableResult"]
        assert answer["attributeValue"] == value


def test_the_reset_of_the_station_takes_the_others_along() -> None:
    lab = dual().charge()
    assert reset(lab, "OnIdle") == {"status": "Scheduled"}
    assert lab.ask("Reset", type="Immediate") == {"status": "Accepted"}
    lab.run(60)
    assert lab.station.boot_no == 2 and lab.evse().reset_wanted is None and not lab.evse().restarting
