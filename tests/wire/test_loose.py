"""What listeners take for a message, and what they do not."""

from __future__ import annotations

import pytest

from simulator.wire.loose import elements


@pytest.mark.parametrize(
    "frame",
    [
        b'[2,"1","Heartbeat",{}]',
        b'[2,"1","Heartbeat",[]]',
        b'[3,"1",{}]',
        b'[4,"1","GenericError","",{}]',
        b'[5,"1","GenericError","",{}]',
        b'[6,"1","NotifyPeriodicEventStream",{}]',
    ],
)
def test_a_message_is_its_elements(frame: bytes) -> None:
    found = elements(frame)
    assert found is not None and found[0] == int(frame[1:2]) and found[1] == "1"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"[2,",
        b'"text"',
        b'{"2":1}',
        b'[2,"1","Heartbeat"]',
        b'[2,"1","Heartbeat",{},1]',
        b'[2,1,"Heartbeat",{}]',
        b'[2,"1",7,{}]',
        b'[3,"1"]',
        b'[7,"1",{}]',
        b'[[3],"1",{}]',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_anything_else_is_none(frame: bytes) -> None:
    assert elements(frame) is None
