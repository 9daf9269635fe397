"""Logs as people have them, read: a snippet of each format, and what must come out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.errors import UnknownName
from simulator.traces import formats, read
from simulator.traces.formats import FORMATS, alfen, csvfile, fields, frames, jsonl, mobilityhouse, steve, table
from simulator.traces.model import TO_CSMS, TO_STATION, Trace, utc
from simulator.traces.read import direction_by_action, read_trace

SNIPPETS = Path(__file__).parent / "snippets"
UP, DOWN = "up", "down"


def snippet(name: str) -> Trace:
    return read_trace((SNIPPETS / name).read_text(encoding="utf-8"))


def told(trace: Trace) -> list[tuple[int, str, str | None, int, str, str]]:
    way = {TO_CSMS: UP, TO_STATION: DOWN, None: None}
    return [(f.line, f.station, way[f.direction], f.kind, f.id, f.action) for f in trace.frames]


@pytest.mark.parametrize(
    ("name", "format_", "expected"),
    [
        ("frames-bare.log", "frames", [
            (1, "", UP, 2, "1000001", "BootNotification"),
            (2, "", DOWN, 3, "1000001", "BootNotification"),
            (3, "", DOWN, 2, "7", "GetConfiguration"),
            (4, "", UP, 3, "7", "GetConfiguration"),
            (5, "", None, 2, "8", "DataTransfer"),  # either side may send it
            (6, "", None, 4, "8", "DataTransfer"),
        ]),
        ("frames-pasted.md", "frames", [
            (3, "", UP, 2, "a1", "StatusNotification"),  # broken inside of a text, in a quotation
            (6, "", DOWN, 3, "a1", "StatusNotification"),
            (11, "", UP, 2, "a2", "Heartbeat"),  # pretty-printed
            (17, "", DOWN, 3, "a2", "Heartbeat"),  # HTML entities
            (18, "", UP, 2, "a3", "Authorize"),  # typographic quotation marks
            (19, "", DOWN, 3, "a3", "Authorize"),  # Python
            (23, "", DOWN, 3, "a4", ""),  # two on a line
            (23, "", UP, 2, "a6", "Heartbeat"),
        ]),
        ("frames-evcc.log", "frames", [
            (1, "INV0001", UP, 2, "e1", "StatusNotification"),
            (2, "INV0001", DOWN, 3, "e1", "StatusNotification"),
            (3, "INV0001", DOWN, 2, "4080794022", "RemoteStartTransaction"),
            (4, "INV0001", UP, 3, "4080794022", "RemoteStartTransaction"),
            (6, "INV0001", DOWN, 2, "4080794023", "DataTransfer"),  # evcc is a CSMS, so what it sends goes down
        ]),
        ("steve.log", "steve", [
            (2, "INV0002", UP, 2, "0000017", "BootNotification"),
            (3, "INV0002", DOWN, 3, "0000017", "BootNotification"),
            (5, "INV0002", DOWN, 2, "c-1", "UnlockConnector"),
            (8, "INV0002", UP, 4, "c-1", "UnlockConnector"),
        ]),
        ("mobilityhouse.log", "mobilityhouse", [
            (2, "INV-3", UP, 2, "m1", "BootNotification"),
            (3, "INV-3", DOWN, 3, "m1", "BootNotification"),
            (4, "INV-3", DOWN, 2, "m2", "GetBaseReport"),
            (5, "INV-3", UP, 3, "m2", "GetBaseReport"),
            (6, "INV-3", UP, 2, "m3", "Heartbeat"),
        ]),
        ("mobilityhouse-station.log", "mobilityhouse", [  # the same words, written by the other side
            (1, "INV-4", UP, 2, "s1", "Heartbeat"),
            (2, "INV-4", DOWN, 3, "s1", "Heartbeat"),
            (3, "INV-4", DOWN, 2, "s2", "DataTransfer"),
            (4, "INV-4", UP, 3, "s2", "DataTransfer"),
        ]),
        ("alfen.log", "alfen", [
            (2, "", UP, 2, "x1", "StartTransaction"),
            (4, "", DOWN, 3, "x1", "StartTransaction"),
            (6, "", DOWN, 2, "y1", "RemoteStopTransaction"),
            (7, "", UP, 3, "y1", "RemoteStopTransaction"),
        ]),
        ("table.csv", "csv", [
            (2, "INV0005", UP, 2, "t1", "Heartbeat"),
            (3, "INV0005", DOWN, 3, "t1", "Heartbeat"),
        ]),
        ("parts.csv", "csv", [
            (2, "INV0006", UP, 2, "p1", "Authorize"),
            (3, "INV0006", DOWN, 3, "p1", "Authorize"),
            (4, "INV0006", None, 4, "p9", ""),
        ]),
        ("exchange.jsonl", "jsonl", [
            (1, "INV0007", UP, 2, "j1", "Heartbeat"),
            (2, "INV0007", DOWN, 3, "j1", "Heartbeat"),
            (4, "INV0007", DOWN, 2, "j3", "Reset"),
            (5, "INV0007", UP, 4, "j3", "Reset"),
        ]),
        ("shipped.jsonl", "jsonl", [
            (1, "INV0008", UP, 2, "k1", "Heartbeat"),
            (2, "INV0008", DOWN, 3, "k1", "Heartbeat"),
        ]),
    ],
)  # fmt: skip
def test_messages_of_a_snippet(name: str, format_: str, expected: list[tuple[int, str, str, int, str, str]]) -> None:
    trace = snippet(name)
    assert trace.format == format_
    assert told(trace) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("frames-pasted.md", [
            (21, "not JSON", UP), (22, "cut off", UP), (24, "shortened", UP),
        ]),
        ("steve.log", [(9, "the line says that a message follows", None)]),
        ("mobilityhouse.log", [(8, "cut off", UP)]),
        ("table.csv", [(5, "no field holds a message", None), (6, "3 elements in a CALL", UP)]),
        ("exchange.jsonl", [(3, "cut off", UP)]),
        ("shipped.jsonl", [(4, "cut off", None)]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_listed(name: str, expected: list[tuple[int, str, str | None]]) -> None:
    found = snippet(name).unreadable
    assert [item.line for item in found] == [line for line, _, _ in expected]
    for item, (_, reason, way) in zip(found, expected, strict=True):
        assert item.reason.startswith(reason)
        assert item.direction == {UP: TO_CSMS, DOWN: TO_STATION, None: None}[way]
        assert item.raw


def test_every_line_is_accounted_for() -> None:
    trace = snippet("frames-bare.log")
    assert trace.lines == 6 and trace.other == 0
    assert snippet("frames-evcc.log").other == 1
    assert [(mark.line, mark.what, mark.station) for mark in snippet("steve.log").marks] == [
        (1, "opened", "INV0002"),
        (10, "closed", "INV0002"),
    ]


def test_payloads_come_through_as_they_were() -> None:
    pasted = snippet("frames-pasted.md").frames
    assert pasted[0].payload["status"] == "Available" and pasted[0].payload["errorCode"] == "NoError"
    assert pasted[5].payload == {"idTagInfo": {"status": "Accepted", "parentIdTag": None}}
    start, answer = snippet("alfen.log").frames[:2]
    assert start.payload == {
        "connectorId": 1, "idTag": "04A1B2C3", "meterStart": 4711, "timestamp": "2024-03-01T10:00:00Z",
    }  # fmt: skip
    assert answer.payload["transactionId"] == 2**63 - 1
    refused = snippet("exchange.jsonl").frames[-1]
    assert (refused.code, refused.description, refused.payload, refused.version) == ("NotSupported", "no", {}, "2.0.1")


def test_times_of_a_day_get_the_day_of_the_payloads_and_pass_midnight() -> None:
    pasted = snippet("frames-pasted.md")
    assert [utc(frame.at_us) for frame in pasted.frames][:2] == ["2024-03-01T10:00:00.100Z", "2024-03-01T10:00:00.120Z"]
    assert [utc(item.at_us) for item in pasted.unreadable][:2] == [
        "2024-03-01T23:59:59.900Z",
        "2024-03-02T00:00:00.100Z",
    ]
    assert pasted.frames[2].at_us is None
    assert pasted.frames[0].assumed == ("date", "zone")


def test_the_writer_of_a_table_is_told_by_its_words() -> None:
    assert utc(snippet("parts.csv").frames[0].at_us) == "2024-03-01T10:00:00.000Z"
    assert snippet("table.csv").frames[1].payload == {"currentTime": "2024-03-01T10:00:00Z"}


def test_the_direction_of_a_call_that_both_may_send_follows_from_its_answer() -> None:
    trace = read_trace(
        '{"cpId":"A","id":"1","action":"DataTransfer","payload":{"vendorId":"x"}}\n'
        '{"cpId":"A","direction":"csms-to-cp","id":"1","type":"CALLRESULT","payload":{"status":"Accepted"}}\n'
    )
    assert [frame.direction for frame in trace.frames] == [TO_CSMS, TO_STATION]
    assert direction_by_action("Invented") is None and direction_by_action("Reset") == TO_STATION


def test_two_sides_may_use_the_same_id_at_the_same_time() -> None:
    trace = read_trace(
        'CP -> CSMS [2,"1","Heartbeat",{}]\nCSMS -> CP [2,"1","Reset",{"type":"Soft"}]\n'
        'CP -> CSMS [3,"1",{"status":"Accepted"}]\nCSMS -> CP [3,"1",{"currentTime":"2024-03-01T10:00:00Z"}]\n'
    )
    assert [frame.action for frame in trace.frames] == ["Heartbeat", "Reset", "Reset", "Heartbeat"]


def test_duplicates_are_kept() -> None:
    line = '[2,"1","Heartbeat",{}]\n'
    assert len(read_trace(line * 3).frames) == 3


def test_a_format_can_be_named_and_an_unknown_one_is_refused() -> None:
    text = (SNIPPETS / "steve.log").read_text(encoding="utf-8")
    assert read_trace(text, format="frames").frames[0].station == "INV0002"
    with pytest.raises(UnknownName, match="steve"):
        read_trace(text, format="stev")


def test_every_format_is_in_the_table_and_has_a_snippet_that_is_recognised() -> None:
    modules = (alfen, csvfile, frames, jsonl, mobilityhouse, steve)
    assert sorted(FORMATS) == sorted(module.FORMAT.name for module in modules)
    read_as = {snippet(path.name).format for path in SNIPPETS.iterdir()}
    assert read_as == set(FORMATS)
    assert formats.sniff is table.sniff and table.sniff([]).name == "frames"


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "\ufeff", "no message here", "[" * 20_000, '[2,"a",' * 4_000, '{"a":' * 4_000,
        '[2,"a","b",' + "[" * 5000 + "]" * 5000 + "]", '[2,"1","A",{"x":' + "9" * 10_000 + "}]",
        '[2,\\"a' * 4_000, "[2,'a'," * 5000, '[2,"a","Heartbeat",{"a":NaN}]', '[2,"a\\', "[2,'a','b'," + "(" * 9000,
        'id,message\n"' + '"' * 10_001, "[\n" * 4_000, '[2,"a' + "\n" * 4_000, "\x00" * 1000, "Time,Message\n\x00,[",
    ],
)  # fmt: skip
def test_hostile_text_is_read_without_harm(text: str) -> None:
    for name in ("auto", *FORMATS):
        trace = read_trace(text, format=name)
        assert not trace.frames
        assert len(trace.unreadable) <= max(text.count("\n"), 1) + 1


def test_nothing_is_unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "TEXT_MAX", 50)
    monkeypatch.setattr(read, "LINES_MAX", 1)
    trace = read_trace('[2,"1","Heartbeat",{}]\n' * 10)
    assert len(trace.frames) == 1 and "first 1 lines" in trace.cut
    assert read_trace('[2,"a","b",{"c":"' + "x" * (1 << 20) + '"}]').frames == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"messageTypeId": 2, "uniqueId": "1", "action": "Heartbeat", "payload": {}}, '[2,"1","Heartbeat",{}]'),
        ({"type": "response", "message_id": "1", "payload": '{"a":1}'}, '[3,"1",{"a":1}]'),
        ({"kind": "SEND", "id": "1", "action": "NotifyPeriodicEventStream", "body": {}},
         '[6,"1","NotifyPeriodicEventStream",{}]'),
        ({"id": "1", "error": {"code": "X", "description": "y"}}, '[4,"1","X","y",{}]'),
        ({"data": [3, "1", {}]}, '[3,"1",{}]'),
    ],
)  # fmt: skip
def test_a_message_may_stand_in_parts(row: dict[str, object], text: str) -> None:
    piece = fields.piece_of_row(row, 1, "")
    assert piece is not None and not isinstance(piece, fields.Unreadable)
    assert piece.text.replace(" ", "") == text


def test_a_row_about_something_else_is_none() -> None:
    assert fields.piece_of_row({"level": "info", "note": "x"}, 1, "") is None


def test_a_line_without_a_station_is_about_the_only_one_that_is_named() -> None:
    named = 'INFO:ocpp:CP_7: receive message [2,"1","Heartbeat",{}]\n'
    bare = 'receive message [2,"2","Heartbeat",{}]\n'
    trace = read_trace(named + bare, format="mobilityhouse")
    assert [(frame.station, "station" in frame.assumed) for frame in trace.frames] == [("CP_7", False), ("CP_7", True)]
    both = read_trace(named + named.replace("CP_7", "CP_8") + bare, format="mobilityhouse")
    assert both.stations == ["CP_7", "CP_8", ""]


STEVE = "2024-03-01 10:00:0%d [chargeBoxId=BOX1, sessionId=4f1c] %s"


def test_a_log_that_was_shipped_in_a_field_still_tells_station_and_direction() -> None:
    inner = ["Connection is established", 'Received: [2,"1","DataTransfer",{"vendorId":"x"}]', 'Sending: [3,"1",{}]']
    lines = [
        json.dumps({"log": STEVE % (n, words) + "\n", "stream": "stdout", "time": f"2024-03-01T09:00:0{n}Z"})
        for n, words in enumerate([*inner, "Connection is closed (1006)"])
    ]
    trace = read_trace("\n".join(lines))
    assert (trace.format, told(trace)) == ("jsonl", [
        (2, "BOX1", UP, 2, "1", "DataTransfer"), (3, "BOX1", DOWN, 3, "1", "DataTransfer"),
    ])  # fmt: skip
    assert [utc(frame.at_us) for frame in trace.frames] == ["2024-03-01T09:00:01.000Z", "2024-03-01T09:00:02.000Z"]
    assert [(mark.line, mark.what, mark.station) for mark in trace.marks] == [
        (1, "opened", "BOX1"),
        (4, "closed", "BOX1"),
    ]
    assert read_trace('{"msg":"new connection to the database","time":"2024-03-01T09:00:00Z"}').marks == []


def test_objects_that_were_made_pretty_are_put_together() -> None:
    objects = [json.loads(line) for line in (SNIPPETS / "exchange.jsonl").read_text().splitlines()]
    expected = [row[1:] for row in told(snippet("exchange.jsonl"))]
    every = json.dumps(objects, indent=2)
    for text in (every, every.replace("[\n  {", "[{", 1), "\n".join(json.dumps(one, indent=2) for one in objects)):
        trace = read_trace(text)
        assert (trace.format, [row[1:] for row in told(trace)]) == ("jsonl", expected)
        assert [item.raw for item in trace.unreadable] == ['[2,"j2","Heart']
    cut = read_trace("\n".join(json.dumps(one, indent=2) for one in objects)[:-30])
    assert len(cut.frames) == len(expected) - 1 and cut.unreadable[-1].reason.startswith("cut off")


def test_our_own_format_tells_of_connections() -> None:
    row = {
        "timestamp": "2024-03-01T09:00:00Z",
        "chargePointId": "A",
        "messageType": "CONNECTION",
        "raw": "lost",
        "x": 1,
    }
    trace = read_trace("\n".join(json.dumps(row | {"meta": {"event": event}}) for event in ("closed", "gone")))
    (mark,) = trace.marks
    assert (mark.what, mark.detail, mark.station, utc(mark.at_us), trace.other) == (
        "closed", "lost", "A", "2024-03-01T09:00:00.000Z", 1,
    )  # fmt: skip
