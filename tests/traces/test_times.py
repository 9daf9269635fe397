"""Times as logs write them."""

from __future__ import annotations

import pytest

from simulator.traces.model import utc
from simulator.traces.times import DAY_US, Days, read_time, whole


@pytest.mark.parametrize(
    ("text", "expected", "assumed"),
    [
        ("[INFO ] 2023-05-04 12:34:56,789 x", "2023-05-04T12:34:56.789Z", ("zone",)),
        ("TRACE 2024/01/02 10:00:00 recv", "2024-01-02T10:00:00.000Z", ("zone",)),
        ("2024-01-02T10:00:00.123+02:00", "2024-01-02T08:00:00.123Z", ()),
        ("4_2023-06-29T11:11:25.012Z:INFO", "2023-06-29T11:11:25.012Z", ()),
        ("12/Jan/2024:10:00:00 +0100", "2024-01-12T09:00:00.000Z", ()),
        ("02.01.2024 10:00:00", "2024-01-02T10:00:00.000Z", ("zone",)),
        ("13/02/2024 10:00:00", "2024-02-13T10:00:00.000Z", ("zone",)),
        ("1/2/2024 3:04:05 PM", "2024-01-02T15:04:05.000Z", ("date", "zone")),
        ("Jan  2 10:00:00 host x", "1972-01-02T10:00:00.000Z", ("date", "zone")),
        ("[1704189600.123] x", "2024-01-02T10:00:00.123Z", ()),
        ("10:00:00.5 x", "1970-01-01T10:00:00.500Z", ("day", "zone")),
    ],
)
def test_a_time_in_a_line(text: str, expected: str, assumed: tuple[str, ...]) -> None:
    found = read_time(text)
    assert found is not None
    assert (utc(found.at_us), found.assumed) == (expected, assumed)


@pytest.mark.parametrize("text", ["", "no time", "99:99:99", "12.30"])
def test_no_time(text: str) -> None:
    assert read_time(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1704189600", "2024-01-02T10:00:00.000Z"),
        ("1704189600123", "2024-01-02T10:00:00.123Z"),
        ("1704189600123456", "2024-01-02T10:00:00.123Z"),
        ("1704189600.5", "2024-01-02T10:00:00.500Z"),
        ("2024-01-02T10:00:00Z", "2024-01-02T10:00:00.000Z"),
        ("at 2024-01-02T10:00:00Z", ""),
    ],
)
def test_a_field_that_is_a_time(text: str, expected: str) -> None:
    found = whole(text)
    assert (utc(found.at_us) if found else "") == expected


def test_midnight_passes() -> None:
    days = Days()
    assert [days.place(us) for us in (1000, DAY_US - 1, 5)] == [1000, DAY_US - 1, DAY_US + 5]
