"""The five performance parameters: what counts, what does not, and that nothing is kept for ever."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.report.performance import FORGET_US, MAX_WAITING, PARAMETERS, Performance

S = 1_000_000


class Talk:
    """Frames between one central system and one station, with their moments in seconds."""

    def __init__(self) -> None:
        self.performance = Performance()

    def csms(self, at: float, *frame: Any) -> None:
        self.performance.frame("CP", json.dumps(frame).encode(), False, int(at * S))

    def cp(self, at: float, *frame: Any) -> None:
        self.performance.frame("CP", json.dumps(frame).encode(), True, int(at * S))

    def measured(self) -> dict[str, float]:
        found = self.performance.summary()
        return {name: row["longest_s"] for name, row in found.items() if row["count"]}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("command", "payload", "follows", "body"),
    [
        ("ReserveNow", {}, "StatusNotification", {"status": "Reserved"}),
        ("CancelReservation", {}, "StatusNotification", {"status": "Available"}),
        ("ChangeAvailability", {}, "StatusNotification", {"status": "Unavailable"}),
        ("ReserveNow", {}, "StatusNotification", {"connectorStatus": "Reserved"}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}, "Heartbeat", {}),
        ("ExtendedTriggerMessage", {"requestedMessage": "MeterValues"}, "MeterValues", {}),
    ],
)
def test_a_triggered_function_counts_from_the_answer(
    command: str, payload: dict[str, str], follows: str, body: dict[str, str]
) -> None:
    talk = Talk()
    talk.csms(1, 2, "a", command, payload)
    talk.cp(1.25, 3, "a", {"status": "Accepted"})
    talk.cp(1.5, 2, "x", "DataTransfer", {})
    talk.cp(2, 2, "b", follows, body)
    talk.cp(3, 2, "c", follows, body)
    assert talk.measured() == {"response_timeout": 0.25, "triggered_function_timeout": 0.75}


def test_a_refused_command_causes_nothing() -> None:
    talk = Talk()
    talk.csms(1, 2, "a", "ChangeAvailability", {})
    talk.cp(2, 3, "a", {"status": "Rejected"})
    talk.cp(3, 2, "b", "StatusNotification", {"status": "Available"})
    assert talk.measured() == {"response_timeout": 1.0}


@pytest.mark.parametrize("event", [("StartTransaction", {}), ("TransactionEvent", {"eventType": "Started"})])
def test_a_remote_start_counts_from_the_command(event: tuple[str, dict[str, str]]) -> None:
    talk = Talk()
    talk.csms(1, 2, "a", "RemoteStartTransaction", {})
    talk.cp(1.5, 3, "a", {"status": "Accepted"})
    talk.cp(2, 2, "b", "TransactionEvent", {"eventType": "Updated"})
    talk.cp(3, 2, "c", *event)
    assert talk.measured()["remote_start_to_start"] == 2.0


def test_a_start_that_waited_for_the_cable_does_not_count() -> None:
    talk = Talk()
    talk.csms(1, 2, "a", "RemoteStartTransaction", {})
    talk.cp(1.5, 3, "a", {"status": "Accepted"})
    talk.cp(2, 2, "b", "StatusNotification", {"status": "Preparing"})
    talk.cp(9, 2, "c", "StartTransaction", {})
    assert "remote_start_to_start" not in talk.measured()


@pytest.mark.parametrize("event", [("StopTransaction", {}), ("TransactionEvent", {"eventType": "Ended"})])
def test_a_remote_stop(event: tuple[str, dict[str, str]]) -> None:
    talk = Talk()
    talk.csms(1, 2, "a", "RequestStopTransaction", {})
    talk.cp(1.5, 3, "a", {"status": "Accepted"})
    talk.cp(1.75, 2, "c", *event)
    assert talk.measured()["remote_stop_to_stop"] == 0.75


def test_authorize_is_the_central_system_s_time() -> None:
    talk = Talk()
    talk.cp(1, 2, "a", "Authorize", {"idTag": "X"})
    talk.csms(1.5, 3, "other", {})
    talk.csms(2, 3, "a", {"idTagInfo": {"status": "Accepted"}})
    assert talk.measured() == {"authorize_response": 1.0}


def test_what_never_comes_is_forgotten() -> None:
    talk = Talk()
    talk.csms(0, 2, "a", "RemoteStopTransaction", {})
    talk.cp(0.5, 3, "a", {"status": "Accepted"})
    talk.csms(0.5, 2, "b", "Reset", {})
    talk.cp(1, 2, "n", "Authorize", {})
    late = 2 + FORGET_US / S
    talk.cp(late, 2, "z", "Heartbeat", {})
    talk.cp(late, 2, "y", "StopTransaction", {})
    assert talk.measured() == {"response_timeout": 0.5}
    assert not talk.performance._waiting


def test_there_is_an_end_to_what_is_waited_for() -> None:
    talk = Talk()
    for number in range(MAX_WAITING + 5):
        talk.csms(1, 2, f"a{number}", "GetConfiguration", {})
        talk.cp(1, 2, f"b{number}", "Authorize", {})
    waiting = talk.performance._waiting["CP"]
    assert len(waiting.asked) == MAX_WAITING == len(waiting.authorize)


@pytest.mark.parametrize("data", [b"", b"[2", b"[2,1]", b'[2,"a","Authorize",[]]', b'[2,{},"x",{}]', b"[3,"])
def test_garbage_is_of_no_interest(data: bytes) -> None:
    performance = Performance()
    performance.frame("CP", b'[2,"a","Reset",{}]', False, 0)
    for to_csms in (True, False):
        performance.frame("CP", data, to_csms, 1)
    assert all(not values for values in performance.samples.values())


def test_a_station_that_is_not_commanded_costs_nothing() -> None:
    talk = Talk()
    talk.cp(1, 2, "a", "MeterValues", {"transactionId": 1})
    talk.csms(1, 3, "a", {})
    assert not talk.performance._waiting
    assert tuple(talk.performance.summary()) == PARAMETERS
