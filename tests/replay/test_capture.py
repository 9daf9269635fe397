"""What of a trace can be played, and what is filled in."""

from typing import Any

import pytest

from simulator.errors import AuthorError
from simulator.replay.capture import Capture, capture_of, complete
from simulator.traces.model import TO_CSMS, Frame, Trace, Unreadable
from tests.replay.rig import STATION, told, written

BOOT = {"chargePointVendor": "Maker", "chargePointModel": "Box"}
ACCEPTED = {"status": "Accepted", "currentTime": "2020-09-13T12:26:40Z", "interval": 60}
START = {"connectorId": 2, "idTag": "TAG", "meterStart": 5, "timestamp": "2020-09-13T12:26:41Z"}
STOP = {"transactionId": 17, "meterStop": 900, "timestamp": "2020-09-13T12:30:00Z", "idTag": "TAG"}
VALUES = {
    "connectorId": 2,
    "transactionId": 17,
    "meterValue": [{"timestamp": "2020-09-13T12:27:00Z", "sampledValue": [{"value": "0.75", "unit": "kWh"}]}],
}
WHOLE: list[tuple[float | None, str, int, str, Any]] = [
    (0, "cp", 2, "BootNotification", BOOT),
    (1, "csms", 3, "BootNotification", ACCEPTED),
    (2, "cp", 2, "StartTransaction", START),
    (3, "csms", 3, "StartTransaction", {"transactionId": 17, "idTagInfo": {"status": "Accepted"}}),
    (4, "csms", 2, "RemoteStopTransaction", {"transactionId": 17}),
    (5, "cp", 3, "RemoteStopTransaction", {"status": "Accepted"}),
    (6, "cp", 2, "StopTransaction", STOP),
    (7, "csms", 4, "StopTransaction", "InternalError"),
]


def completed(rows: list[tuple[float | None, str, int, str, Any]], version: str = "1.6") -> Capture:
    return complete(capture_of(written(rows, version)), lambda: {"made": "up"}, "ANY")


def test_messages_orders_and_answers_are_told_apart() -> None:
    found = completed(WHOLE)
    assert (found.station, found.version, found.assumed, found.notes) == (STATION, "1.6", [], [])
    assert told(found) == ["BootNotification", "StartTransaction", "StopTransaction"]
    boot, start, stop = found.acts
    assert boot.answer is not None and boot.answer.payload == ACCEPTED
    assert start.transaction == 17 and start.line == 3
    assert stop.answer is not None and stop.answer.is_error and stop.answer.code == "InternalError"
    (order,) = found.orders
    assert order.answer is not None and order.answer.payload == {"status": "Accepted"}
    assert found.ended_us - found.began_us == 7_000_000
    assert found.tokens() == {"TAG": "Accepted"}


def test_a_registration_is_filled_in_only_when_there_was_one() -> None:
    found = completed(WHOLE[2:4])
    assert told(found) == ["BootNotification", "StartTransaction"]
    assert found.acts[0].assumed and found.acts[0].payload == {"made": "up"}
    assert found.assumed == ["BootNotification is the profile's: the trace begins after it"]
    early = [(0, "cp", 2, "Heartbeat", {}), (0, "csms", 4, "Heartbeat", "SecurityError"), *WHOLE]
    assert told(completed(early))[0] == "Heartbeat"  # it spoke too early, and that is what is to be played


def test_a_start_is_filled_in_before_what_belongs_to_it() -> None:
    found = completed([(0, "cp", 2, "MeterValues", VALUES), (1, "csms", 3, "MeterValues", {}), *WHOLE[6:]])
    assert told(found) == ["BootNotification", "StartTransaction", "MeterValues", "StopTransaction"]
    start = found.acts[1]
    assert start.assumed and start.transaction == 17
    assert start.payload == {
        "connectorId": 2,
        "idTag": "TAG",
        "meterStart": 750,
        "timestamp": "2020-09-13T12:27:00Z",
    }
    assert "a start of transaction 17 is put before line 1: the trace begins after it" in found.assumed


def test_a_start_without_its_answer_is_that_of_the_next_unknown_id() -> None:
    found = completed([*WHOLE[:3], WHOLE[6]])
    assert told(found) == ["BootNotification", "StartTransaction", "StopTransaction"]
    assert found.acts[1].transaction == 17
    assert found.assumed == ["transaction 17 is that of the StartTransaction in line 3"]


def test_an_id_that_nobody_gave_is_said_as_it_is() -> None:
    """A product that names a transaction out of thin air is what such a replay is for."""
    found = completed([*WHOLE[:2], (2, "cp", 2, "MeterValues", VALUES)])
    assert told(found) == ["BootNotification", "MeterValues"]
    assert found.notes == ["transaction 17 of line 3 was never begun: it is sent as it is"]


def test_a_session_of_a_newer_version_gets_its_first_event() -> None:
    event = {
        "eventType": "Updated",
        "timestamp": "2020-09-13T12:27:00Z",
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 6,
        "transactionInfo": {"transactionId": "T"},
        "evse": {"id": 1, "connectorId": 1},
    }
    found = completed([(0, "cp", 2, "TransactionEvent", event), (1, "csms", 3, "TransactionEvent", {})], "2.0.1")
    assert told(found) == ["BootNotification", "TransactionEvent", "TransactionEvent"]
    start = found.acts[1]
    assert start.assumed and start.payload["eventType"] == "Started"
    assert start.payload["idToken"]["idToken"] == "ANY" and start.payload["evse"] == event["evse"]
    shift = found.seq_shift["T"]
    assert (start.payload["seqNo"] + shift, 6 + shift) == (0, 1)


def test_a_log_without_times_and_versions_is_played_too() -> None:
    rows: list[tuple[float | None, str, int, str, Any]] = [(None, *row[1:]) for row in WHOLE]
    found = completed(rows, version="")
    assert found.version == "1.6" and {act.at_us for act in found.acts} == {0}
    assert found.assumed == [
        "the version is 1.6, because of what is said",
        "the trace has no times; its messages follow each other at once",
    ] or found.assumed == [
        "the trace has no times; its messages follow each other at once",
        "the version is 1.6, because of what is said",
    ]
    newer = [(0.0, "cp", 2, "NotifyReport", {}), (0.0, "cp", 2, "TransactionEvent", {"eventType": "Started"})]
    assert capture_of(written(newer, "")).version == "2.0.1"
    assert capture_of(written(newer, ""), version="2.1").version == "2.1"
    assert capture_of(written(newer, "2.1"), version="2.1").version == "2.1"
    with pytest.raises(AuthorError, match=r"--ocpp: 1\.6 is not what the trace says: it says 2\.1"):
        capture_of(written(newer, "2.1"), version="1.6")


def test_what_cannot_be_read_is_kept_in_its_place() -> None:
    trace = written(WHOLE[:4])
    trace.unreadable.append(Unreadable(line=2, raw='[2,"x",', reason="cut", direction=TO_CSMS, station=STATION))
    found = capture_of(trace, raw=True)
    assert [act.raw for act in found.acts] == [None, '[2,"x",', None]
    left = capture_of(trace)
    assert [act.raw for act in left.acts] == [None, None]
    assert left.notes == ["1 pieces are left out, which are no messages: the first is in line 2"]


def test_frames_that_went_nowhere_are_left_out_and_counted() -> None:
    trace = written(WHOLE[:2])
    trace.frames.append(Frame(line=9, raw="", kind=2, id="q", action="DataTransfer", station=STATION))
    assert capture_of(trace).notes == ["1 frames are left out: nothing tells which way they went"]


def test_a_station_must_be_named_when_there_are_several() -> None:
    trace = written(WHOLE)
    trace.frames.append(Frame(line=9, raw="", kind=2, id="q", action="Heartbeat", station="CP-8", direction=TO_CSMS))
    with pytest.raises(AuthorError, match=r"--station: holds 2 stations; say which: 'CP-7', 'CP-8'"):
        capture_of(trace)
    with pytest.raises(AuthorError, match="did you mean 'CP-8'"):
        capture_of(trace, station="CP8")
    assert told(capture_of(trace, station="CP-8")) == ["Heartbeat"]
    with pytest.raises(AuthorError, match="no message can be read"):
        capture_of(Trace(format="jsonl"))
    with pytest.raises(AuthorError, match="no message of the station"):
        capture_of(written(WHOLE[4:5]))


def test_what_stands_before_the_first_time_is_then() -> None:
    found = completed([(None, *row[1:]) if place < 3 else row for place, row in enumerate(WHOLE)])
    assert [(act.at_us - found.began_us) / 1e6 for act in found.acts] == [0, 0, 3]
    assert (found.ended_us - found.began_us) / 1e6 == 4


@pytest.mark.parametrize("step", [-1_600_000_000, 90_000_000, 7_200])
def test_a_clock_that_was_set_is_no_pause(step: int) -> None:
    """The log of a station without a battery begins in 1970 and goes on in the present."""
    rows: list[tuple[float | None, str, int, str, Any]] = [
        (second + step if place < 2 else second, *rest)  # type: ignore[operator]
        for place, (second, *rest) in enumerate(WHOLE)
    ]
    found = completed(rows)
    assert [(act.at_us - found.began_us) / 1e6 for act in found.acts] == [0, 1, 5]
    assert found.ended_us == 1_600_000_007_000_000
    assert found.assumed == ["no time passes before line 3, where the clock of the log jumps"]
