"""Closed formulas and the moment at which they pass a level."""

from __future__ import annotations

import math

import pytest

from simulator.core.course import HORIZON_US, Course

S = 1_000_000


def test_a_line() -> None:
    line = Course(10 * S, 5.0, slope_s=0.5)
    assert line.at(10 * S) == 5.0 and line.at(20 * S) == 10.0
    assert line.passes(10.0, 10 * S, rising=True) == 20 * S
    assert line.passes(5.0, 10 * S, rising=True) == 10 * S, "there already"
    assert line.passes(4.0, 10 * S, rising=False) is None
    assert line.passes(1e9, 10 * S, rising=True) is None, "not within the horizon"
    assert line.passes(9.0, 15 * S, rising=False) == 15 * S


def test_something_that_decays() -> None:
    warming = Course(0, 85.0, decay=-60.0, tau_s=600.0)
    found = warming.passes(55.0, 0, rising=True)
    assert found == pytest.approx(600.0 * math.log(2) * S, abs=1)
    assert found is not None and warming.at(found - 1) < 55.0 <= warming.at(found)
    assert warming.passes(85.0, 0, rising=True) is None or warming.at(HORIZON_US) >= 85.0


def test_one_that_falls_and_rises_again() -> None:
    """Cooling towards a line that rises: down through a level, and up again, cut at the turn."""
    course = Course(0, 40.0, slope_s=0.001, decay=50.0, tau_s=300.0)
    down = course.passes(50.0, 0, rising=False)
    assert down is not None and course.at(down - 1) > 50.0 >= course.at(down)
    up = course.passes(50.0, down + S, rising=True)
    assert up is not None and up > down and course.at(up - 1) < 50.0 <= course.at(up)
    assert course.passes(30.0, 0, rising=False) is None, "it never gets there"


@pytest.mark.parametrize("level", [0.1, 1.0, 24.9, 25.0, 30.0, 59.0, 61.0])
def test_it_is_the_first_moment(level: float) -> None:
    course = Course(5, 60.0, slope_s=1e-5, decay=-60.0, tau_s=120.0)
    found = course.passes(level, 5, rising=True)
    assert found is not None and course.at(found) >= level
    steps = range(5, found, max((found - 5) // 1000, 1))
    assert all(course.at(at) < level for at in steps)
