"""Durations, shares and sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.yamltypes import MAX_DURATION_US, format_duration, parse_duration, parse_share, parse_size


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("20m", 1_200_000_000), ("1h30m", 5_400_000_000), ("45s", 45_000_000), ("500ms", 500_000),
        ("2d", 172_800_000_000),
        ("1h 30m", 5_400_000_000), ("2.5s", 2_500_000), ("1m500ms", 60_500_000), ("7us", 7), ("0", 0), (0, 0),
        ("0s", 0),
        ("90m", 5_400_000_000), ("0.000001s", 1),
        ("2 days", 172_800_000_000), ("1 week", 604_800_000_000), ("1 hour 30 minutes", 5_400_000_000),
        ("10 min", 600_000_000), ("1 second", 1_000_000), ("45 secs", 45_000_000),
    ],
)  # fmt: skip
def test_duration(text: object, us: int) -> None:
    assert parse_duration(text) == us


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "20",
        "m",
        "1.5h",
        "-5s",
        "5 s 3 m",
        "1m1h",
        "ten",
        "1e3s",
        "5s5s",
        "٣s x",
        "2 dayz",
        "days",
        "1 day 1 week",
    ],
)
def test_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write it like"):
        parse_duration(text)


def test_durations_need_a_unit_and_an_end() -> None:
    with pytest.raises(ValueError, match="30 has no unit; write 30s for seconds"):
        parse_duration(30)
    with pytest.raises(ValueError, match="must be a duration like"):
        parse_duration(True)
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration("9" * 4_000 + "d")


@given(st.integers(0, MAX_DURATION_US))
def test_format_is_the_inverse(us: int) -> None:
    assert parse_duration(format_duration(us)) == us


@pytest.mark.parametrize(
    ("value", "share"), [("30%", 0.3), ("0.3", 0.3), (0.3, 0.3), (1, 1.0), ("100 %", 1.0), (0, 0.0)]
)
def test_share(value: object, share: float) -> None:
    assert parse_share(value) == pytest.approx(share)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (30, "write 30% for a percentage"), ("30", "write 30% for a percentage"), ("130%", "not between 0% and 100%"),
        ("-1%", "not between 0% and 100%"), ("nan", "not between"), ("some", "is not a share"),
        (None, "must be a share"),
        (True, "must be a share"),
    ],
)  # fmt: skip
def test_not_a_share(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_share(value)


@pytest.mark.parametrize(
    ("value", "size"), [("64KiB", 65_536), ("5MB", 5_000_000), ("512B", 512), (7, 7), ("7", 7), ("1.5 KiB", 1_536)]
)
def test_size(value: object, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize("value", ["64 KB/s", "big", -1, True, None, 1.5, "1kb"])
def test_not_a_size(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a size|is below 0"):
        parse_size(value)
