"""Conditions of the certification lists: precedence, brackets, and errors that say what is wrong."""

from __future__ import annotations

import itertools

import pytest

from simulator.certify.conditions import holds, names_in
from simulator.errors import AuthorError

YES_NO = {"C-07": True, "C-08": False, "AQ-2": True, "AQ-7.1": False}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("", True),
        ("C-07", True),
        ("NOT C-07", False),
        ("C-07 AND C-08", False),
        ("C-07 OR C-08", True),
        ("C-07 AND NOT C-08", True),
        ("C-08 AND C-08 OR C-07", True),
        ("C-08 AND (C-08 OR C-07)", False),
        ("NOT (C-08 OR AQ-7.1)", True),
        ("NOT NOT C-07", True),
    ],
)
def test_values(expression: str, value: bool) -> None:
    assert holds(expression, YES_NO) is value


def test_every_combination_agrees_with_python() -> None:
    for a, b, c in itertools.product((False, True), repeat=3):
        answers = {"R-0": a, "R-1": b, "AQ-2": c}
        assert holds("R-0 AND R-1 AND NOT AQ-2", answers) is (a and b and not c)
        assert holds("R-0 AND (R-1 OR NOT AQ-2)", answers) is (a and (b or not c))


def test_sets_and_counts() -> None:
    answers = {"C-06": "Both", "C-10": "No", "security_profiles": (0, 1, 2, 3)}
    assert holds("C-06 IN {Yes,Both} AND C-10 IN {No,Configurable}", answers)
    assert not holds("C-10 IN {Yes}", answers)
    assert holds("count(security_profiles) > 1", answers) and not holds("count(security_profiles) > 4", answers)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("C-7", "did you mean 'C-07'"),
        ("C-07 AND", "missing at the end"),
        ("(C-07", r"'\)' is missing"),
        ("C-07 C-08", "unexpected 'C-08'"),
        ("C-07 ! C-08", "cannot read"),
        ("who", "is 'me', not yes or no"),
        ("NOT", "missing at the end"),
    ],
)
def test_what_is_wrong_is_said(expression: str, words: str) -> None:
    with pytest.raises(AuthorError, match=words):
        holds(expression, {**YES_NO, "who": "me"})


def test_both_sides_are_read_even_when_one_decides() -> None:
    with pytest.raises(AuthorError, match="C-99"):
        holds("C-07 OR C-99", YES_NO)


def test_names_asked_for() -> None:
    assert names_in("C-06 IN {Yes,Both} AND NOT (AQ-9 OR count(security_profiles) > 1)") == {
        "C-06", "AQ-9", "security_profiles",
    }  # fmt: skip
