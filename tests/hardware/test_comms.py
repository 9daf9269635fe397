"""The communication controller: the bytes of a frame without and with each fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.hardware.board import Board
from simulator.hardware.comms import ANSWER, CALL, FrameFault, Outgoing
from simulator.hardware.fault import FAULTS

FRAME = b'[2,"a-7","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":100}]'
IDLE = b'[2,"a-8","Heartbeat",{}]'
RESULT = b'[3,"x","{}"]'
FRAMES = [name for name in FAULTS if FAULTS.get(name).part == "frame"]


def out(board: Board, data: bytes = FRAME, action: str = "StartTransaction", kind: str = CALL) -> list[bytes]:
    return [frame.data for frame in board.frame.out(data, action, kind)]


def test_without_a_fault_the_frame_leaves_as_it_is(board: Board) -> None:
    (frame,) = board.frame.out(FRAME, "StartTransaction", CALL)
    assert frame == Outgoing(FRAME, FRAME) and frame.sound


@pytest.mark.parametrize(
    ("name", "params", "wire"),
    [
        ("frame.truncated", {"cut_bytes": 5}, [FRAME[:-5]]),
        ("frame.stray_comma", {}, [FRAME[:-1] + b",]"]),
        ("frame.wrong_types", {}, [FRAME.replace(b'"connectorId":1', b'"connectorId":[1]')]),
        ("frame.wrong_length", {}, [b'[2,"a-7","StartTransaction"]']),
        ("frame.wrong_length", {"change": "longer"}, [FRAME[:-1] + b",{}]"]),
        ("frame.unknown_type", {}, [b"[9" + FRAME[2:]]),
        ("frame.duplicate", {}, [FRAME, FRAME]),
        ("frame.answer_to_nothing", {}, [b'[3,"nobody-1",{}]', FRAME]),
        ("frame.oversize", {"size_bytes": 2_000}, [FRAME[:-1] + b" " * (2_000 - len(FRAME)) + b"]"]),
        ("frame.invalid_utf8", {}, [FRAME.replace(b'meterStart"', b'meterStart\xff"')]),
        ("frame.byte_order_mark", {}, [b"\xef\xbb\xbf" + FRAME]),
        ("frame.wrong_case", {}, [b'[2,"a-7","StartTransaction",{"ConnectorId":1,"IdTag":"TAG","MeterStart":100}]']),
        (
            "frame.numbers_as_text",
            {},
            [
                FRAME.replace(b'"connectorId":1', b'"connectorId":"1"').replace(
                    b'"meterStart":100', b'"meterStart":"100"'
                )
            ],
        ),
    ],
)
def test_the_bytes_of_one_frame_and_of_the_next(
    board: Board, name: str, params: dict[str, Any], wire: list[bytes]
) -> None:
    board.inject("f", name, 0, params, 0)
    assert out(board) == wire
    assert out(board) == [FRAME], "one frame is spoilt unless told otherwise"
    board.clear("f", 1)
    assert out(board) == [FRAME]


def test_what_is_another_shape_of_the_same_bytes(board: Board) -> None:
    for name, params in (
        ("frame.binary", {}),
        ("frame.fragmented", {"pieces": 4}),
        ("frame.late_answer", {"late_s": 2.5}),
    ):
        board.inject(name, name, 0, params, 0)
    (call,) = board.frame.out(FRAME, "StartTransaction", CALL)
    assert call == Outgoing(FRAME, FRAME, binary=True, pieces=4) and not call.sound
    (answer,) = board.frame.out(RESULT, "Reset", ANSWER)
    assert answer == Outgoing(RESULT, RESULT, late_us=2_500_000), (
        "the one-time faults are used up, this one waits for answers"
    )


def test_pretty_printed_is_the_same_json(board: Board) -> None:
    board.inject("f", "frame.pretty_printed", 0, {}, 0)
    (text,) = out(board)
    assert text.count(b"\n") > 5 and json.loads(text) == json.loads(FRAME)


def test_a_duplicate_id_needs_a_call_before(board: Board) -> None:
    board.inject("f", "frame.duplicate_id", 0, {}, 0)
    assert out(board) == [FRAME], "there was none before"
    assert out(board, b'[3,"q",{}]', "Reset", ANSWER) == [b'[3,"q",{}]']
    assert out(board, IDLE, "Heartbeat") == [IDLE.replace(b"a-8", b"a-7")]
    assert out(board, IDLE.replace(b"a-8", b"a-9"), "Heartbeat") == [IDLE.replace(b"a-8", b"a-9")]


def test_actions_direction_and_number_are_chosen(board: Board) -> None:
    params = {"actions": "Heartbeat Reset", "frames": 2, "direction": "call"}
    board.inject("f", "frame.stray_comma", 0, params, 0)
    assert out(board) == [FRAME]
    assert out(board, RESULT, "Reset", ANSWER) == [RESULT]
    assert [out(board, IDLE, "Heartbeat") != [IDLE] for _ in range(4)] == [True, True, False, False]


def test_a_share_is_drawn_from_the_seed(make_board: Any) -> None:
    def draws(seed: int) -> list[bool]:
        board = make_board(seed=seed)
        board.inject("f", "frame.stray_comma", 0, {"share": 0.25, "frames": 0}, 0)
        return [out(board) != [FRAME] for _ in range(400)]

    assert draws(1) == draws(1) != draws(2)
    assert 60 < sum(draws(1)) < 140


@pytest.mark.parametrize("name", FRAMES)
def test_what_cannot_be_spoilt_passes_and_is_not_counted(board: Board, name: str) -> None:
    fault = board.inject("f", name, 0, {}, 0)
    assert isinstance(fault, FrameFault)
    for data in (b"", b"7", b'{"a":1}', b'[2,"x'):
        leaving = board.frame.out(data, "", CALL)
        assert all(frame.data == data for frame in leaving) or fault.done, (data, leaving)
        fault.done = 0
    assert FAULTS.get(name).describe()["sound_csms"]


def test_faults_one_after_the_other(board: Board) -> None:
    board.inject("a", "frame.duplicate", 0, {}, 0)
    board.inject("b", "frame.stray_comma", 0, {"frames": 0}, 0)
    leaving = board.frame.out(FRAME, "StartTransaction", CALL)
    assert [frame.data for frame in leaving] == [FRAME[:-1] + b",]"] * 2
    assert [frame.meant for frame in leaving] == [FRAME, b""], "the station wanted to say it once"
