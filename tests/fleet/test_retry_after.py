"""The Retry-After header, in seconds and as a date."""

from __future__ import annotations

import pytest

from simulator.fleet.retry_after import retry_after_s


@pytest.mark.parametrize(
    ("value", "expected"),
    [("120", 120), ("0", 0), ("-5", None), ("1e3", None), ("soon", None), ("9" * 400, None), ("\u0661", None)],
)
def test_retry_after_in_seconds(value: str, expected: int | None) -> None:
    assert retry_after_s((("retry-AFTER", value),)) == expected
    assert retry_after_s(()) is None


def test_retry_after_as_a_date_is_never_negative() -> None:
    assert retry_after_s((("Retry-After", "Fri, 20 Nov 2020 10:00:00 GMT"),)) == 0
    far = retry_after_s((("Retry-After", "Fri, 20 Nov 2099 10:00:00 -0000"),))
    assert far is not None and far > 10**9
