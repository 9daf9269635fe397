"""Which firmware is newer."""

from __future__ import annotations

import pytest

from simulator.core.release import has_fix, release


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("6.7.25", (6, 7, 25)),
        ("v2.3.2", (2, 3, 2)),
        ("4.52-5419", (4, 52, 5419)),
        ("6.0.0-beta2", (6,)),
        ("TAC3Z9119006710273::V1.8.21", (1, 8, 21)),
        ("THOR_11AS-V5.2.4-20230307-NOVO", (5, 2, 4, 20230307)),
        ("V01.01.91/V01.01.90", (1, 1, 91)),
        ("055.6", (55, 6)),
        ("328", (328,)),
        ("0.0", (0,)),
        ("9" * 40, (int("9" * 18),)),
        ("beta", ()),
        ("", ()),
    ],
)
def test_the_numbers_that_count(text: str, numbers: tuple[int, ...]) -> None:
    assert release(text) == numbers


@pytest.mark.parametrize(
    ("running", "factory", "fixed_in", "fixed"),
    [
        ("1.9", "1.8.5", "1.9", True),
        ("1.9.0", "1.8.5", "1.9", True),
        ("1.8.9", "1.8.5", "1.9", False),
        ("1.10", "1.8.5", "1.9", True),
        ("1.8.21", "1.0", ">1.8.21", False),
        ("1.8.22", "1.0", ">1.8.21", True),
        ("4.60-1", "4.52-5419", "4.60", True),
        ("1.9", None, "1.9", True),
        # the habit was given to a product that counts otherwise: only what is newer than its own can have a fix
        ("2.0", "3.1.4", "1.9", False),
        ("3.1.4", "3.1.4", "1.9", False),
        ("3.1.5", "3.1.4", "1.9", True),
        ("beta", "1.0", "1.9", False),
        ("9.0", "1.0", "", False),
    ],
)
def test_an_update_brings_a_fix(running: str, factory: str | None, fixed_in: str, fixed: bool) -> None:
    assert has_fix(running, factory, fixed_in) is fixed
