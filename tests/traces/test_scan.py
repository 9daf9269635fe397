"""Messages in text: where they end, what a log did to them, and what their sender did."""

from __future__ import annotations

import pytest

from simulator.traces.scan import DEPTH_MAX, START, Message, Scanner, guess, read_message


def read(text: str) -> tuple[int, str, str, object] | str:
    found = read_message(text)
    return found if isinstance(found, str) else (found.kind, found.id, found.action, found.payload)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[2,"1","Heartbeat",{}]', (2, "1", "Heartbeat", {})),
        ('[2,"1","Au\nthorize",{"id\r\nTag":"A"}]', (2, "1", "Authorize", {"idTag": "A"})),
        (r'[2,\"1\",\"Authorize\",{\"idTag\":\"a\\\"b\"}]', (2, "1", "Authorize", {"idTag": 'a"b'})),
        ("[3,&quot;1&quot;,{}]", (3, "1", "", {})),
        ("[3,\u201c1\u201d,{}]", (3, "1", "", {})),
        ("[3, '1', {'a': None}]", (3, "1", "", {"a": None})),
        ("[3,17,{}]", (3, "17", "", {})),
        ('["3","1",{}]', (3, "1", "", {})),
        ('[4,"1","NotSupported"]', (4, "1", "", None)),
        ('[2,"1","A",[1]]', (2, "1", "A", [1])),
    ],
)  # fmt: skip
def test_what_a_log_did_is_undone(text: str, expected: tuple[int, str, str, object]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[2,"1","MeterValues",{"transactionId":,"x":1}]', "not JSON"),
        ('[2,"1","Heartbeat",{}', "cut off"),
        ('[2,"1","Heartbeat"]', "3 elements in a CALL, which has 4"),
        ('[3,"1"]', "2 elements in a CALLRESULT"),
        ('[9,"1",{}]', "unknown message type 9"),
        ("[2,{},1,{}]", "the message id is no text"),
        ('[2,"1",5,{}]', "the action is no text"),
        ('[2,"1","GetC...ion"]', "shortened"),
        ('[2,"1","A",' + "[" * 70 + "]" * 71, f"nested deeper than {DEPTH_MAX}"),
        ("17", "not an array"),
        ("[true]", "unknown message type"),
    ],
)
def test_what_the_sender_did_stays(text: str, reason: str) -> None:
    found = read_message(text)
    assert isinstance(found, str) and found.startswith(reason), found


def test_an_error_has_a_code_and_a_description() -> None:
    found = read_message('[4,"1","NotSupported","no",""]')
    assert isinstance(found, Message)
    assert (found.code, found.description, found.payload) == ("NotSupported", "no", "")


def test_the_end_of_an_array_is_found_across_lines() -> None:
    scanner = Scanner()
    assert scanner.feed('[2,"a]') is None and scanner.quote == '"'
    assert scanner.feed('b","x",{"c":[1]}] rest') == len('b","x",{"c":[1]}]')
    assert scanner.deepest == 3


def test_where_a_message_may_begin() -> None:
    assert START.search('x [2, "a"') and START.search("[3,17") and START.search('[7,"a",{')
    assert not START.search("[INFO] [98 bytes] [1, 2, 3] [2024, 3]")


def test_the_beginning_of_a_broken_call_tells_what_it_was() -> None:
    assert guess('[2,"17","MeterValues",{"connectorId":') == ("17", "MeterValues")
    assert guess("[3,") == ("", "")
