"""Date-times without a calendar library, against one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulator.core.wall import format_wall, parse_wall

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(some.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23)))
def test_there_and_back(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    text = format_wall(us(moment))
    assert text == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert parse_wall(text) == us(moment)


@pytest.mark.parametrize(
    "text, same",
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00+00:00"),
        ("2026-03-01t12:00:00z", "2026-03-01T12:00:00+00:00"),
        ("2026-03-01 12:00:00+02:00", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01T12:00:00-0130", "2026-03-01T13:30:00+00:00"),
        ("2026-03-01T12:00:00.5", "2026-03-01T12:00:00.500000+00:00"),
        ("2026-03-01T12:00:00,123456789Z", "2026-03-01T12:00:00.123456+00:00"),
        (" 2024-02-29T00:00:00Z ", "2024-02-29T00:00:00+00:00"),
    ],
)
def test_the_shapes_a_csms_may_send(text: str, same: str) -> None:
    assert parse_wall(text) == us(datetime.fromisoformat(same))


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00Zulu", "1" * 4000],
)
def test_what_is_no_date_time(text: str) -> None:
    assert parse_wall(text) is None


def test_a_day_that_is_not_in_the_calendar() -> None:
    assert parse_wall("2026-02-30T00:00:00Z") is None
    assert parse_wall("2026-02-29T00:00:00Z") is None
    assert parse_wall("2026-01-01T00:00:00+99:99") is None


def test_far_times_are_shown_at_the_end() -> None:
    assert format_wall(-(10**18)) == "0001-01-01T00:00:00.000Z"
    assert format_wall(10**18) == "9999-12-31T23:59:59.000Z"
