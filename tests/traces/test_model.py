"""The data a reader gives."""

from __future__ import annotations

from simulator.traces.model import CALL, KINDS, TO_CSMS, TO_STATION, Frame, Trace, utc


def test_what_is_not_known_is_not_made_up() -> None:
    frame = Frame(line=1, raw="", kind=CALL, id="1")
    assert (frame.station, frame.action, frame.direction, frame.at_us, frame.version) == ("", "", None, None, "")
    assert not frame.to_csms and frame.is_call and KINDS[frame.kind] == "CALL"


def test_frames_of_one_station_keep_their_order() -> None:
    frames = [
        Frame(line=1, raw="", kind=CALL, id="1", station="B", direction=TO_CSMS),
        Frame(line=2, raw="", kind=CALL, id="2", station="A", direction=TO_STATION),
        Frame(line=3, raw="", kind=CALL, id="3", station="B"),
    ]
    trace = Trace(format="frames", frames=frames)
    assert trace.stations == ["B", "A"]
    assert [frame.id for frame in trace.of("B")] == ["1", "3"]


def test_times_are_told_in_utc() -> None:
    assert utc(1_719_830_400_000_001) == "2024-07-01T10:40:00.000Z"
    assert utc(None) == ""
