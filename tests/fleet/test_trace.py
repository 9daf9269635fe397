"""Traces, rings and recordings: what they hold, what they must not hold, and that a recording can be fed again."""

import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from simulator.core import effects as fx
from simulator.core import inputs as inp
from simulator.core import records as r
from simulator.errors import AuthorError
from simulator.fleet import trace
from simulator.fleet.trace import (
    FrameRings,
    FrameTrace,
    InputRecorder,
    OpenCalls,
    RecordedInput,
    failure_of,
    read_digest,
    read_header,
    read_inputs,
    trace_record,
)
from simulator.report.redact import Redactor

SECRET = "hunter2-hunter2-hunter2"


def parsed(data: bytes, to_csms: bool = True, calls: OpenCalls | None = None) -> dict[str, Any]:
    record = trace_record(
        data, station_id="CP1", ocpp="1.6", utc_us=1_700_000_000_123_456, to_csms=to_csms, calls=calls or OpenCalls()
    )
    found: dict[str, Any] = json.loads(trace.msgspec.json.encode(record))
    return found


def test_a_call_in_the_exchange_format() -> None:
    assert parsed(b'[2,"1","Heartbeat",{"a": 1.50}]') == {
        "schemaVersion": "1.1",
        "timestamp": "2023-11-14T22:13:20.123Z",
        "ocppVersion": "1.6",
        "transport": "json",
        "chargePointId": "CP1",
        "direction": "cp-to-csms",
        "messageType": "CALL",
        "messageId": "1",
        "action": "Heartbeat",
        "payload": {"a": 1.5},
    }


def test_answers_carry_the_action_of_their_call() -> None:
    calls = OpenCalls()
    parsed(b'[2,"1","Heartbeat",{}]', True, calls)
    parsed(b'[2,"1","Reset",{"type":"Soft"}]', False, calls)
    assert parsed(b'[3,"1",{"status":"Accepted"}]', True, calls)["action"] == "Reset"
    error = parsed(b'[4,"1","InternalError","no",{"x":1}]', False, calls)
    assert error["action"] == "Heartbeat"
    assert error["error"] == {"code": "InternalError", "description": "no", "details": {"x": 1}}
    assert "payload" not in error
    assert "action" not in parsed(b'[3,"1",{}]', False, calls), "answered before"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'[6,"1","NotifyPeriodicEventStream",{"id":1}]', "SEND"),
        (b'[5,"1","FormatViolation","bad",{}]', "CALLRESULTERROR"),
        (b'[4,"1","InternalError","short"]', "CALLERROR"),
    ],
)
def test_other_message_types(data: bytes, kind: str) -> None:
    assert parsed(data)["messageType"] == kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"[]",
        b"{}",
        b'[2,"1","Heartbeat"',
        b'[2,"1","Heartbeat",{},{}]',
        b'[2,1,"Heartbeat",{}]',
        b'[9,"1",{}]',
        b'["2","1","Heartbeat",{}]',
        b'[2.5,"1","Heartbeat",{}]',
        b'[3,"1"]',
        b'[3,"1",{"a":"\xff"}]',
        b"[" * 50_000,
        b'[2,"1","Heartbeat",' + b"[" * 50_000 + b"]" * 50_000 + b"]",
    ],
)
def test_what_cannot_be_read_is_kept_raw(data: bytes) -> None:
    record = parsed(data)
    if record["messageType"] != "UNPARSEABLE":
        assert data.startswith(b'[2,"1","Heartbeat",[[')
        assert record["action"] == "Heartbeat"
        return
    assert record["raw"] == data.decode("utf-8", "backslashreplace")
    assert record["meta"]["problem"]
    assert "messageId" not in record


def test_open_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "OPEN_CALLS_MAX", 2)
    calls = OpenCalls()
    for n in range(3):
        calls.asked("CP1", True, str(n), f"Action{n}")
    assert [calls.answered("CP1", False, str(n)) for n in range(3)] == [None, "Action1", "Action2"]


def test_a_trace_file_has_a_line_per_frame_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    writer = FrameTrace(path, Redactor())
    frames = [
        b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey",\n"value":"%s"}]' % SECRET.encode(),
        b'[3,"1",{"status":\r\n"Accepted"}]',
        b'garbage "%s"\n' % SECRET.encode(),
    ]
    for number, data in enumerate(frames):
        writer.frame("CP1", data, ocpp="1.6", utc_us=0, to_csms=number == 1, meta={"link": 3})
    writer.flush()
    writer.close()
    text = path.read_text()
    assert SECRET not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["messageType"] for line in lines] == ["CALL", "CALLRESULT", "UNPARSEABLE"]
    assert lines[0]["payload"] == {"key": "AuthorizationKey", "value": "<secret:1>"}
    assert lines[1]["action"] == "ChangeConfiguration"
    assert lines[2]["meta"]["link"] == 3
    assert "problem" in lines[2]["meta"]
    assert writer.frames == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_happened_to_a_connection_has_the_direction_of_whoever_did_it(tmp_path: Path) -> None:
    trace = FrameTrace(tmp_path / "t.jsonl", Redactor(["hunter2"]))
    trace.connection("A", "opened", "connected", ocpp="1.6", utc_us=0)
    trace.connection("A", "closed", "closed, code 1001", ocpp="1.6", utc_us=1_000_000, by="csms", code=1001)
    trace.connection("A", "refused", "401, not with hunter2", ocpp="1.6", utc_us=2_000_000, status=401)
    trace.connection("A", "closed", "closed, code 1000", ocpp="1.6", utc_us=3_000_000, by="station", code=1000)
    trace.close()
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [(line["raw"], line["direction"], line["meta"]) for line in lines] == [
        ("connected", "cp-to-csms", {"event": "opened"}),
        ("closed, code 1001", "csms-to-cp", {"event": "closed", "by": "csms", "code": 1001}),
        ("401, not with <secret:1>", "csms-to-cp", {"event": "refused", "status": 401}),
        ("closed, code 1000", "cp-to-csms", {"event": "closed", "by": "station", "code": 1000}),
    ]
    told = {(line["messageType"], line["chargePointId"], line["ocppVersion"]) for line in lines}
    assert told == {("CONNECTION", "A", "1.6")} and lines[1]["timestamp"] == "1970-01-01T00:00:01.000Z"


def test_rings_keep_the_last_frames_and_the_ones_around_a_failure() -> None:
    rings = FrameRings(stations=3)
    for n in range(60):
        rings.add("CP1", n * 1000, b'[2,"%d","Heartbeat",{}]' % n, True)
    rings.keep("CP1", "Heartbeat: timeout")
    for n in range(60, 120):
        rings.add("CP1", n * 1000, b'[2,"%d","Heartbeat",{}]' % n, True)
    rings.keep("CP1", "something later")
    assert rings.kept["CP1"].why == "Heartbeat: timeout"
    read = rings.read("CP1", Redactor(), ocpp="1.6", utc_of_zero_us=1_000_000)
    assert [record["messageId"] for record in read] == [str(n) for n in range(10, 60)]
    assert read[0]["timestamp"] == "1970-01-01T00:00:01.010Z"
    rings.keep("CP9", "never said a word")
    assert rings.read("CP9", Redactor(), ocpp="1.6") == []


def test_rings_of_a_large_fleet_are_shorter_and_frames_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FrameRings(20_000).length == 10
    assert FrameRings(1_000_000).length == trace.RING_FRAMES_MIN
    rings = FrameRings()
    rings.add("CP1", 0, b'[2,"1","DataTransfer",{"data":"%s"}]' % (b"x" * 100_000), True)
    (record,) = rings.read("CP1", Redactor(), ocpp="1.6")
    assert len(record["raw"]) == trace.RING_FRAME_BYTES
    monkeypatch.setattr(trace, "KEPT_MAX", 1)
    for station in ("CP1", "CP2"):
        rings.keep(station, "why")
    assert list(rings.kept) == ["CP1"]


def test_frames_in_rings_are_redacted_when_read() -> None:
    rings = FrameRings()
    rings.add(
        "CP1", 0, b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"%s"}]' % SECRET.encode(), False
    )
    assert SECRET not in json.dumps(rings.read("CP1", Redactor(), ocpp="1.6"), default=lambda raw: bytes(raw).decode())


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (r.CallFinished("Heartbeat", "ok", 1, 0), None),
        (r.CallFinished("Heartbeat", "callerror", 1, 0, "InternalError"), "Heartbeat: callerror InternalError"),
        (r.CallFinished("Heartbeat", "lost", 1, 0), "Heartbeat: lost"),
        (r.ViolationSeen("Reset", "type", "enum"), "Reset: type: enum"),
        (r.StrayAnswer("twice", "1"), "an answer nobody waits for (twice)"),
        (r.BootRefused("Rejected"), "BootNotification: Rejected"),
        (r.ConnectFailed("http_status", 401), "connect: http_status 401"),
        (r.ConnectFailed("refused", 0), "connect: refused"),
        (r.Booted(1, "PowerUp"), None),
    ],
)
def test_which_records_are_failures(record: object, why: str | None) -> None:
    assert failure_of(record) == why


PASSWORD_CHANGE = b'[2,"5","ChangeConfiguration",{"key":"AuthorizationKey","value":"%s"}]'
Feed = tuple[int, str, inp.AnyInput, Sequence[fx.Effect]]


def run(secret: bytes) -> list[Feed]:
    """A few feeds of one station that stores the password it is told and dials with it."""
    dial = fx.Dial(2, 0, "", ("ocpp1.6",), 1, secret.decode(), {}, 30_000_000)
    return [
        (0, "CP1", inp.PowerOn(), [fx.Dial(1, 0, "", ("ocpp1.6",), 1, None, {}, 30_000_000)]),
        (10, "CP1", inp.LinkUp(1, "ocpp1.6"), [fx.Send(1, b'[2,"1","BootNotification",{}]', True)]),
        (20, "CP1", inp.Frame(1, PASSWORD_CHANGE % secret), [fx.Send(1, b'[3,"5",{"status":"Accepted"}]')]),
        (30, "CP1", inp.Frame(1, b"\xff\xfe"), [fx.RawSend(1, b"\xff", True), fx.Hangup(1, "reset")]),
        (40, "CP1", inp.LinkDown(1, "reset"), [dial, fx.Record(r.Disconnected("reset", 0))]),
        (50, "CP1", inp.Inject("f", "meter.noise", 1, {"permille": 5, "a": [1]}), []),
        (60, "CP2", inp.Plug(1, inp.EvSpec(soc=0.25)), [fx.Record(r.Remark("ok"))]),
        (70, "CP2", inp.JobDone(3, True, {"pem": "x"}), []),
    ]


def recorded(feeds: list[Feed], path: Path | None = None) -> InputRecorder:
    recorder = InputRecorder(path, header={"seed": 7})
    for now, station, fed, effects in feeds:
        recorder.record(now, station, fed, effects)
    recorder.close()
    return recorder


def test_a_recording_can_be_read_again_and_its_replay_has_the_same_digest(tmp_path: Path) -> None:
    path = tmp_path / "inputs.jsonl"
    recorder = recorded(run(SECRET.encode()), path)
    assert SECRET not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_header(path) == {"schema": "cpfarm-inputs/1", "seed": 7}
    assert read_digest(path) == recorder.digest
    # The replayed station was told the placeholder instead of the password, and dials with it.
    expected = run(b"<secret:1>")
    assert list(read_inputs(path)) == [RecordedInput(now, station, fed) for now, station, fed, _ in expected]
    assert recorded(expected).digest == recorder.digest
    assert recorder.inputs == len(expected)


def test_the_digest_sees_every_part_of_a_feed() -> None:
    base = run(b"<secret:1>")
    now, station, fed, effects = base[1]
    changed: list[Feed] = [
        (now + 1, station, fed, effects),
        (now, "CP3", fed, effects),
        (now, station, inp.LinkUp(1, None), effects),
        (now, station, fed, []),
        (now, station, fed, [fx.Send(1, b'[2,"1","BootNotification",{}]', False)]),
        (now, station, fed, [*effects, fx.Ping(1)]),
    ]
    digests = {recorded([base[0], feed, *base[2:]]).digest for feed in [base[1], *changed]}
    assert len(digests) == 1 + len(changed)
    assert recorded(list(reversed(base))).digest not in digests


def test_a_recording_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "inputs.jsonl"
    recorded(run(b"x" * 20), path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4]))
    assert len(list(read_inputs(path))) == 3
    assert read_digest(path) is None
    path.write_text("".join(lines[:4]) + lines[4][:-10])
    with pytest.raises(AuthorError, match=r"inputs\.jsonl:5: not a recorded input"):
        list(read_inputs(path))


@pytest.mark.parametrize("text", ["", "hello\n", "[]\n", '{"schema":"other"}\n'])
def test_another_file_is_no_recording(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(AuthorError, match=r"x\.jsonl:1: this is no recording of inputs"):
        list(read_inputs(path))
    assert read_digest(path) is None
