"""E04, E08, E11 to E15: transactions without a connection, retries of their messages, their status."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.rules import OMITTED, PRESENT, such_that
from simulator.certify.states201 import (
    HAND_S,
    authorized,
    cached,
    cached_token,
    energy_started,
    ev_connected,
    grouped,
    offline_session,
    parking_bay_unoccupied,
    running,
    valid_listed,
)
from simulator.certify.tester201 import Tester201
from simulator.certify.wire import CONNECT, Heard
from simulator.lab.csms import SILENT, CallError

STOP = "TxCtrlr.TxStopPoint"
UNKNOWN_OFFLINE = "AuthCtrlr.OfflineTxForUnknownIdEnabled"
#: the tool does not accept a reconnection for so long, s; the station samples more often
AWAY_S = 30
SAMPLE_S = 10
#: attempts of a message of a transaction, and the wait between the first two, s
ATTEMPTS, INTERVAL_S = 3, 10
MAX_EVENTS = 100
STATUSES = {"StatusNotification", "NotifyEvent"}

AWAY = {
    "SampledDataCtrlr.TxUpdatedInterval": SAMPLE_S,
    "OCPPCommCtrlr.OfflineThreshold": AWAY_S + 60,
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": AWAY_S,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
}
RETRIES = {
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": ATTEMPTS,
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": INTERVAL_S,
}


def away(t: Tester201) -> None:
    """The connection is lost; the tool hears when it is back."""
    t.rig.tells_connections = True
    t.wait(HAND_S)  # what was said last has been answered
    t.csms.pending.clear()
    t.rig.network(False)


def back(t: Tester201) -> None:
    """The tool accepts the reconnection."""
    t.wait(AWAY_S)
    t.rig.network(True)
    t.expect("connected", CONNECT, within_s=300.0)


def emptied(t: Tester201, step: int, **last: Any) -> list[Heard]:
    """The queue of the station: events of the time without a connection, up to the one that ends the transaction."""
    t.see_samples()
    t.background |= STATUSES  # those of a connector come in any order with these (part 6, 2.1)
    heard: list[Heard] = []
    for _ in range(MAX_EVENTS):
        one = t.hear(t.event(step, fields={"offline": True}))
        heard.append(one)
        if one.payload["eventType"] == "Ended":
            t.validate(step, one, last)
            return heard
    raise t.inconclusive(f"more than {MAX_EVENTS} events")


def _samples(t: Tester201, step: int) -> None:
    fields = {"offline": True, "meterValue": PRESENT}
    t.see_samples()
    t.background |= STATUSES
    for _ in range(2):
        t.hear(t.event(step, "MeterValuePeriodic", kind="Updated", fields=fields))


@case_201("TC_E_40", settings=AWAY, states=[energy_started])
def lost_in_a_transaction(t: Tester201) -> None:
    """Offline Behaviour: connection loss during transaction."""
    away(t)
    back(t)
    _samples(t, 3)


@case_201("TC_E_43", settings={UNKNOWN_OFFLINE: True}, if_implemented=[UNKNOWN_OFFLINE], memory=[cached, valid_listed])
def whole_transaction(t: Tester201) -> None:
    """Offline Behaviour: transaction during offline period."""
    away(t)
    _offline_start(t)
    t.present()
    t.wait(HAND_S)
    t.unplug()
    back(t)
    first, *_ = emptied(t, 2)
    t.validate(2, first, eventType="Started")


def _offline_start(t: Tester201) -> None:
    t.wait(HAND_S)
    t.plug()
    t.wait(HAND_S)
    t.present()
    t.wait(AWAY_S)


@case_201("TC_E_44", settings=AWAY, states=[energy_started])
def stopped(t: Tester201) -> None:
    """Offline Behaviour: stop transaction during offline period."""
    away(t)
    t.wait(HAND_S)
    t.present()
    t.wait(HAND_S)
    t.unplug()
    back(t)
    emptied(t, 3)


def _member_cached(t: Tester201) -> None:
    cached_token(t, t.valid2)


@case_201("TC_E_45", settings=AWAY, memory=[grouped, _member_cached], states=[energy_started])
def stopped_by_the_group(t: Tester201) -> None:
    """Offline Behaviour: stop transaction during offline period, Same GroupId."""
    away(t)
    t.wait(HAND_S)
    t.present(t.valid2)
    t.wait(HAND_S)
    t.unplug()
    back(t)
    emptied(t, 3, **{"transactionInfo.stoppedReason": "Local"})


@case_201(
    "TC_E_16",
    settings={STOP: "Authorized", UNKNOWN_OFFLINE: True, "TxCtrlr.StopTxOnInvalidId": True},
    if_implemented=[UNKNOWN_OFFLINE],
    memory=[cached, valid_listed],
)
def refused_later(t: Tester201) -> None:
    """Stop point: deauthorized, Invalid idToken."""
    t.verdict_on(t.valid, "Invalid")
    t.background |= STATUSES
    offline_session(t)
    started = t.until(1, t.event(1, kind="Started", fields={"offline": True}), within_s=300.0)
    t.validate(1, started, {"idToken.idToken": t.valid})
    t.until(3, t.event(3, "Deauthorized", kind="Ended", stopped="DeAuthorized"))


# -- status ------------------------------------------------------------------------------------------------------------


def _status(t: Tester201, step: int, ongoing: Any, queued: bool, transaction: str | None = None) -> None:
    payload = {"transactionId": transaction} if transaction else {}
    t.call(step, "GetTransactionStatus", payload, ongoingIndicator=ongoing, messagesInQueue=queued)


@case_201("TC_E_28")
def status_of_nothing(t: Tester201) -> None:
    """Check Transaction status: TransactionId unknown."""
    _status(t, 2, False, False, "d1c2f0a4-nobody")


@case_201("TC_E_29", settings=AWAY, states=[energy_started])
def status_while_queued(t: Tester201) -> None:
    """Check Transaction status: transaction with id ongoing, with message in queue."""
    away(t)
    back(t)
    _status(t, 4, True, True, t.transaction_id)
    _samples(t, 5)


@case_201("TC_E_30", states=[energy_started])
def status_while_running(t: Tester201) -> None:
    """Check Transaction status: transaction with id ongoing, without message in queue."""
    t.wait(HAND_S)
    _status(t, 2, True, False, t.transaction_id)


@case_201("TC_E_31", settings=AWAY, states=[energy_started])
def status_of_an_ended_one_while_queued(t: Tester201) -> None:
    """Check Transaction status: transaction with id ended, with message in queue."""
    away(t)
    t.wait(HAND_S)
    t.present()
    t.wait(HAND_S)
    t.unplug()
    t.wait(t.tool.transaction_s)
    back(t)
    _status(t, 2, False, True, t.transaction_id)
    emptied(t, 3)


@case_201("TC_E_32", states=[energy_started, parking_bay_unoccupied])
def status_of_an_ended_one(t: Tester201) -> None:
    """Check Transaction status: transaction with id ended, without message in queue."""
    t.wait(HAND_S)
    _status(t, 2, False, False, t.transaction_id)


@case_201("TC_E_33", settings=AWAY, states=[energy_started])
def status_of_all_while_queued(t: Tester201) -> None:
    """Check Transaction status: without transactionId, with message in queue."""
    away(t)
    back(t)
    _status(t, 4, OMITTED, True)
    _samples(t, 5)


@case_201("TC_E_34")
def status_of_all(t: Tester201) -> None:
    """Check Transaction status: without transactionId, without message in queue."""
    _status(t, 2, OMITTED, False)


# -- retries -----------------------------------------------------------------------------------------------------------


def _tried(t: Tester201, answers: list[Any], times: int, timeout_s: float) -> None:
    """The next event is sent ``times`` times, at growing intervals, and then no more."""
    if not running(t):
        raise t.inconclusive("no transaction has begun")
    left = list(answers)
    t.answer_always("TransactionEvent", lambda payload: left.pop(0) if left else answers[-1])
    first = t.hear(t.event(5))
    number = first.payload["seqNo"]
    same = such_that(f"{number}, as before", lambda value: value == number)
    t.see_samples()
    for attempt in range(1, times):
        wait_s = timeout_s + INTERVAL_S * attempt
        t.hear(t.event(5, fields={"seqNo": same}), after_s=wait_s - 1.0, within_s=wait_s + 10.0)
    t.never(5, "TransactionEvent", timeout_s + INTERVAL_S * (times + 1), {"seqNo": number})


def _timeout_s(t: Tester201) -> float:
    return float(t.read("OCPPCommCtrlr.MessageTimeout[Default]", "timeout") or 30)


@case_201("TC_E_41", settings=RETRIES, states=[authorized, ev_connected])
def never_answered(t: Tester201) -> None:
    """Retries of a transaction message: max retry count reached."""
    _tried(t, [SILENT], ATTEMPTS, _timeout_s(t))


@case_201("TC_E_42", settings=RETRIES, states=[authorized, ev_connected])
def answered_the_second_time(t: Tester201) -> None:
    """Retries of a transaction message: success before reaching the max retry count."""
    _tried(t, [SILENT, {}], 2, _timeout_s(t))


@case_201("TC_E_50", settings=RETRIES, states=[authorized, ev_connected])
def always_an_error(t: Tester201) -> None:
    """Retries of a transaction message: max retry count reached, CallError."""
    _tried(t, [CallError("InternalError")], ATTEMPTS, 0.0)


@case_201("TC_E_51", settings=RETRIES, states=[authorized, ev_connected])
def an_error_the_first_time(t: Tester201) -> None:
    """Retries of a transaction message: success before reaching the max retry count, CallError."""
    _tried(t, [CallError("InternalError"), {}], 2, 0.0)
