"""What stands in front of a message, and which lines belong to it."""

from __future__ import annotations

import pytest

from simulator.traces.model import TO_CSMS, TO_STATION
from simulator.traces.pieces import direction_of, general_head, marked, read_lines, station_of, way_of


@pytest.mark.parametrize(
    ("words", "direction", "way"),
    [
        ("CP -> CSMS", TO_CSMS, "out"),
        ("CSMS to CP:", TO_STATION, None),
        ("received from charger", TO_CSMS, "in"),
        ("sent to station 7", TO_STATION, "out"),
        ("recv", None, "in"),
        ("<<", None, "in"),
        ("outgoing", None, "out"),
        ("nothing", None, None),
    ],
)
def test_words_for_the_way(words: str, direction: str | None, way: str | None) -> None:
    assert direction_of(words) == direction
    assert way_of(words) == way


@pytest.mark.parametrize(
    ("words", "station"),
    [
        ("[chargeBoxId=A-1, sessionId=x]", "A-1"),
        ("recv B2:", "B2"),
        ("C3: receive message", "C3"),
        ("charge point D4 said", "D4"),
        ("ws://csms.example/ocpp/E5 ", "E5"),
        ("10:00:00 <- F6 ", ""),  # too short for one that nothing else tells
        ("<- F-06 ", "F-06"),
        ("F-06 -->", "F-06"),
        ("CP -> CSMS ", ""),
        ("thread 1234 -> ", ""),
        ("receive message", ""),
        ("INFO: send", ""),
    ],
)
def test_the_id_of_a_station(words: str, station: str) -> None:
    assert station_of(words) == station


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("WebSocket connection established", "opened"),
        ("Connection closed, code 1006", "closed"),
        ("connection refused: 401", "refused"),
        ("the weather is closed", None),
    ],
)
def test_what_happened_to_the_connection(words: str, what: str | None) -> None:
    found = marked(words)
    assert (found and found[0]) == what


def test_a_message_goes_on_until_another_begins() -> None:
    found = read_lines(['a [2,"1","Heartbeat",', "{}", '] b [3,"1",', '[3,"2",{}]', "rest"], general_head)
    assert [(piece.line, piece.text) for piece in found.pieces] == [
        (1, '[2,"1","Heartbeat",\n{}\n]'), (3, '[3,"1",'), (4, '[3,"2",{}]'),
    ]  # fmt: skip
    assert found.other == 1
