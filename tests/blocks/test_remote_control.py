"""What the CSMS may ask for: start, stop, unlock, trigger; each with its refusals."""

from __future__ import annotations

import pytest

from simulator.blocks import remote_control
from simulator.blocks.authorization import CONNECTION_TIMEOUT
from simulator.blocks.metering import ALIGNED_MEASURANDS, SAMPLE_MEASURANDS
from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core import inputs as i
from simulator.core.readings import ENERGY, POWER
from simulator.lab.csms import SILENT
from tests.bench import Lab, bench, each_2x, each_version, frames


def inoperative(lab: Lab, evse_id: int) -> None:
    """Out of service."""
    if lab.version == "1.6":
        lab.ask("ChangeAvailability", connectorId=evse_id, type="Inoperative")
    else:
        lab.ask("ChangeAvailability", evse={"id": evse_id}, operationalStatus="Inoperative")


# -- start -------------------------------------------------------------------------------------------------------------


@each_version
def test_the_answer_comes_before_what_it_causes(version: str) -> None:
    lab = bench(version).plug().forget()
    assert lab.remote_start() == "Accepted"
    kinds = [(s.kind, s.action) for s in lab.csms.seen if s.direction == "cp"]
    assert kinds[0][0] == 3 and kinds[1][1] in ("StartTransaction", "TransactionEvent")


@each_version
def test_without_an_evse_the_station_chooses(version: str) -> None:
    """F01.FR.20: a waiting car goes before an empty place."""
    lab = bench(version, evses=3).plug(2)
    assert lab.remote_start(evse_id=None) == "Accepted"
    lab.run(4)
    assert lab.evse(2).flowing
    assert lab.remote_start("NEXT", None) == "Accepted"
    lab.plug(1).run(4)
    assert lab.evse(1).flowing
    lab.charge(3, "THIRD")
    assert lab.remote_start("FOURTH", None) == "Rejected"


@each_version
@pytest.mark.parametrize("trouble", ["occupied", "authorised", "faulted", "inoperative", "unknown"])
def test_a_start_that_cannot_be(version: str, trouble: str) -> None:
    """1.6 5.11, F01.FR.21-24."""
    lab = bench(version, evses=2)
    if trouble == "occupied":
        lab.charge(1)
    elif trouble == "authorised":
        lab.present("OTHER", 1)
    elif trouble == "faulted":
        lab.inject("protection.rcd_trip", 1)
    elif trouble == "inoperative":
        inoperative(lab, 1)
    assert lab.remote_start("TAG", 7 if trouble == "unknown" else 1) == "Rejected"
    assert lab.remote_start("TAG", 2) == "Accepted"


@each_version
def test_a_start_times_out(version: str) -> None:
    """F02.FR.07."""
    lab = bench(version, settings={CONNECTION_TIMEOUT: 20})
    assert lab.remote_start() == "Accepted"
    lab.run(21).plug().run(5)
    assert not lab.sessions()


# -- stop --------------------------------------------------------------------------------------------------------------


@each_version
def test_a_stop(version: str) -> None:
    lab = bench(version).charge().forget()
    assert lab.remote_stop() == "Accepted"
    assert lab.csms.seen[1].kind == 3 and not lab.evse().flowing
    assert lab.session().reason == "Remote"
    assert lab.remote_stop() == "Rejected", "it is over"


@each_version
def test_a_stop_of_something_else(version: str) -> None:
    lab = bench(version).charge()
    assert lab.remote_stop(99 if version == "1.6" else "another") == "Rejected"
    assert lab.evse().flowing


@each_2x
def test_a_stop_where_only_the_cable_ends(version: str) -> None:
    """F03: the authorisation ends; the transaction with the stop point."""
    lab = bench(version, settings={TX_STOP_POINT: ("EVConnected",)}).charge()
    assert lab.remote_stop() == "Accepted"
    assert lab.session().triggers[-1] == "RemoteStop" and lab.session().end is None
    lab.unplug().run(1)
    assert lab.session().end is not None


def test_a_stop_before_the_csms_has_named_the_transaction(lab: Lab) -> None:
    """1.6: without an answer to the start nobody knows the number."""
    lab.csms.script["StartTransaction"] = lambda csms, payload: SILENT
    lab.plug().present().run(4)
    assert lab.remote_stop(1) == "Rejected" and lab.evse().flowing


# -- unlock ------------------------------------------------------------------------------------------------------------


def unlock(lab: Lab, evse_id: int = 1) -> str:
    """UnlockConnector in the version's shape."""
    where = {"connectorId": evse_id} if lab.version == "1.6" else {"evseId": evse_id, "connectorId": 1}
    return str(lab.ask("UnlockConnector", **where)["status"])


@each_version
def test_unlock(version: str) -> None:
    lab = bench(version)
    assert unlock(lab) == "Unlocked", "F05.FR.06: also with nothing plugged in"
    assert unlock(lab, 9) == ("NotSupported" if version == "1.6" else "UnknownConnector")
    lab.charge().present()
    lab.inject("lock.jammed", 1, stuck="closed")
    assert unlock(lab) == "UnlockFailed"


@each_version
def test_unlock_of_a_fixed_cable(version: str) -> None:
    lab = bench(version, evse={"tethered": True})
    assert unlock(lab) == ("NotSupported" if version == "1.6" else "UnlockFailed")


@each_version
def test_unlock_during_a_session(version: str) -> None:
    """1.6 5.18 ends it first; F05.FR.02 leaves it alone."""
    lab = bench(version).charge()
    if version == "1.6":
        assert unlock(lab) == "Unlocked" and lab.session().reason == "UnlockCommand"
        assert not lab.evse().flowing
    else:
        assert unlock(lab) == "OngoingAuthorizedTransaction"
        lab.run(5)
        assert lab.evse().flowing and lab.station.board.locks[0].closed


@each_2x
def test_unlock_of_a_transaction_without_a_token(version: str) -> None:
    lab = bench(version, settings={TX_START_POINT: ("EVConnected",)}).plug().run(1)
    assert unlock(lab) == "Unlocked" and lab.session().end is None


@each_version
def test_the_lock_holds_a_charging_cable_only(version: str) -> None:
    lab = bench(version).plug()
    lock = lab.station.board.locks[0]
    assert not lock.closed
    lab.present().run(1)
    assert lock.closed
    lab.unplug(side="station")
    assert lab.evse().plugged and "locked" in lab.remarks()[-1]
    lab.present().run(1)
    assert not lock.closed


@each_2x
def test_unlock_where_somebody_is_authorised_and_nothing_has_begun(version: str) -> None:
    """F05.FR.04-06: without a transaction it is tried; of a lock that failed the session is over (G05)."""
    lab = bench(version).present()
    assert unlock(lab) == "Unlocked"
    lab.plug().run(4)
    assert lab.station.board.locks[0].closed and unlock(lab) == "OngoingAuthorizedTransaction"
    lab = bench(version).inject("lock.jammed", 1).plug().present().run(5)
    assert lab.evse().status == "Faulted" and not lab.sessions()
    assert unlock(lab) == "Unlocked" and lab.evse().grant is None
    lab.clear().run(5)
    assert lab.evse().status == "Preparing" and not lab.evse().flowing


@each_2x
def test_a_cable_that_waits_for_its_car_is_not_unlocked_once_somebody_is_authorised(version: str) -> None:
    lab = bench(version).plug().run(1).unplug(side="ev")
    assert lab.evse().ev_gone and unlock(lab) == "Unlocked" and lab.remote_start() == "Accepted"
    assert unlock(lab) == "OngoingAuthorizedTransaction"
    lab.plug().run(4)
    assert lab.evse().flowing and lab.station.board.locks[0].closed


@each_2x
def test_who_is_authorised_after_an_unlock_is_locked_in(version: str) -> None:
    lab = bench(version).plug()
    assert unlock(lab) == "Unlocked"
    lab.run(1).present().run(4)
    assert lab.evse().flowing and lab.station.board.locks[0].closed


# -- triggers ----------------------------------------------------------------------------------------------------------


@each_version
@pytest.mark.parametrize("wanted", ["Heartbeat", "StatusNotification", "MeterValues"])
def test_a_trigger(version: str, wanted: str) -> None:
    lab = bench(version, evses=2).forget()
    where = {"connectorId": 2} if version == "1.6" else {"evse": {"id": 2, "connectorId": 1}}
    assert lab.ask("TriggerMessage", requestedMessage=wanted, **({} if wanted == "Heartbeat" else where)) == {
        "status": "Accepted"
    }
    assert lab.csms.actions() == [wanted]
    (payload,) = lab.csms.sent(wanted)
    if wanted != "Heartbeat":
        assert payload["connectorId" if version == "1.6" else "evseId"] == 2


@each_version
def test_triggered_meter_values_hold_what_is_configured(version: str) -> None:
    """1.6 5.17, F06.FR.06."""
    setting = SAMPLE_MEASURANDS if version == "1.6" else ALIGNED_MEASURANDS
    lab = bench(version, settings={setting: (ENERGY, POWER)}).charge().forget()
    lab.ask("TriggerMessage", requestedMessage="MeterValues")
    (payload,) = lab.csms.sent("MeterValues")
    (reading,) = payload["meterValue"]
    assert [s["measurand"] for s in reading["sampledValue"]] == [ENERGY, POWER]
    assert {s["context"] for s in reading["sampledValue"]} == {"Trigger"}
    if version == "1.6":
        assert payload["transactionId"] == 1


@each_2x
def test_a_triggered_transaction_event(version: str) -> None:
    """F06.FR.07."""
    lab = bench(version).charge()
    assert lab.ask("TriggerMessage", requestedMessage="TransactionEvent") == {"status": "Accepted"}
    last = lab.session().events[-1]
    assert (last["eventType"], last["triggerReason"]) == ("Updated", "Trigger")
    assert last["transactionInfo"]["chargingState"] == "Charging" and last["meterValue"]
    lab.present().run(1)
    assert lab.ask("TriggerMessage", requestedMessage="TransactionEvent")["status"] == "Rejected"


@each_version
def test_a_trigger_for_a_connector_that_is_not_there(version: str) -> None:
    lab = bench(version).forget()
    where = {"connectorId": 9} if version == "1.6" else {"evse": {"id": 9, "connectorId": 1}}
    assert lab.ask("TriggerMessage", requestedMessage="StatusNotification", **where)["status"] == "Rejected"
    assert not frames(lab.csms)


def test_a_trigger_while_pending_passes_the_gate(lab: Lab) -> None:
    """1.6 4.2: what the CSMS asks for may be said."""
    lab.csms.boot_status, lab.csms.interval_s = "Pending", 500
    lab.ask("Reset", type="Soft")
    lab.run(30).forget()
    assert lab.ask("TriggerMessage", requestedMessage="StatusNotification", connectorId=1) == {"status": "Accepted"}
    assert lab.csms.actions() == ["StatusNotification"]


# -- what is not there -------------------------------------------------------------------------------------------------


@each_version
def test_unknown_and_not_offered(version: str) -> None:
    lab = bench(version, not_offered=frozenset({"ClearCache", "ReserveNow"}))
    assert lab.ask("Dance")[0] == "NotImplemented"
    assert lab.ask("ClearCache")[0] == "NotSupported"
    known = "ReserveNow"
    payload = {"connectorId": 1, "expiryDate": "2027-01-01T00:00:00Z", "idTag": "A", "reservationId": 1}
    assert lab.ask(known, **payload)[0] in ("NotSupported", "FormatViolation", "OccurrenceConstraintViolation")


def test_requests_of_a_feature_the_product_lacks() -> None:
    """SupportedFeatureProfiles is the owner; what has words of its own for it answers with those."""
    lab = bench(settings={FEATURE_PROFILES: ("Core",)})
    assert lab.ask("TriggerMessage", requestedMessage="Heartbeat")[0] == "NotSupported"
    assert lab.ask("CancelReservation", reservationId=1) == {"status": "Rejected"}
    assert lab.ask("GetLocalListVersion") == {"listVersion": -1}
    assert bench().ask("TriggerMessage", requestedMessage="Heartbeat") == {"status": "Accepted"}


@each_version
def test_a_request_that_breaks_the_schema(version: str) -> None:
    action = "RemoteStartTransaction" if version == "1.6" else "RequestStartTransaction"
    missing = lab_error(version, action, {})
    assert missing == {"1.6": "OccurenceConstraintViolation"}.get(version, "OccurrenceConstraintViolation")
    kind = lab_error(version, "TriggerMessage", {"requestedMessage": 5})
    assert kind == "TypeConstraintViolation"
    word = lab_error(version, "Reset", {"type": "Gentle"})
    assert word == "PropertyConstraintViolation"


def lab_error(version: str, action: str, payload: dict[str, object]) -> str:
    """The CALLERROR code that a request gets; the station goes on."""
    lab = bench(version)
    answer = lab.ask(action, **payload)
    assert isinstance(answer, list), answer
    assert lab.charge().evse().flowing
    return str(answer[0])


def test_a_wish_is_left_behind_and_nothing_is_done_yet(lab: Lab) -> None:
    """F01.FR.01-03: the rules act on it after the answer has gone out."""
    st = lab.station
    done = remote_control.request_start(st, remote_control.StartWish("A", "ISO14443", 1))
    assert done.accepted and st.evses[0].wish is not None and st.evses[0].grant is None
    assert not remote_control.request_start(st, remote_control.StartWish("B", "ISO14443", 1)).accepted
    assert remote_control.request_start(st, remote_control.StartWish("B", "ISO14443", 9)).reason == "UnknownEvse"
    assert not remote_control.request_stop(st, "no such key")
    lab.feed(i.Tick())
    assert st.evses[0].wish is None and st.evses[0].grant is not None
