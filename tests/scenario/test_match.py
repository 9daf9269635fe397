"""Where a value stands, and whether it is what was wanted."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.scenario.match import find, holds, matcher_problem, path_problem, shown

PAYLOAD = {"a": {"b": [{"c": 1}, {"c": "2"}]}, "d": "text", "e": True, "f": None}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[0].c", [1]), ("a.b[*].c", [1, "2"]), ("a.b[2].c", []), ("a.x", []), ("d", ["text"]), ("d[0]", []),
        ("f", [None]), ("", [PAYLOAD]),
    ],
)  # fmt: skip
def test_find(path: str, found: list[Any]) -> None:
    assert find(PAYLOAD, path) == found


@pytest.mark.parametrize(
    ("wanted", "found", "verdict"),
    [
        (1, [1], True), (1, ["1"], True), ("1.0", [1], True), (1, [2], False), (1, [], False), ("x", ["y", "x"], True),
        ("any", ["y"], True), ("any", [], False), ("absent", [], True), ("absent", [None], False),
        (">= 5", [5], True), (">= 5", ["4.9"], False), ("< 5", [4], True), ("> b", ["c"], True), ("> b", [True], False),
        ("< 2026-03-01T10:00:00Z", ["2026-03-01T12:00:00+03:00"], True),
        ("< 1990-01-01", ["1970-01-01T00:00:00Z"], True),
        (">= 2026-03-01T10:00:00.5Z", ["2026-03-01T10:00:00Z"], False), ("> 2026-03-01T10:00:00Z", [5], False),
        ("!= x", ["y"], True), ("!= x", ["x"], False), ("!= 1", ["1.0"], False),
        ("~ ^CP-\\d+$", ["CP-1"], True), ("~ ^CP", ["XCP"], False), ("~ 1", [1], False),
        (["a", "b"], ["b"], True), (["a", ">= 3"], [4], True), (["a"], ["b"], False),
        ({"c": 1}, [{"c": 1, "d": 2}], True), ({"c": "absent"}, [{"d": 2}], True), ({"c": 2}, [{"c": 1}], False),
        (True, ["true"], True), (True, [1], False), (False, [False], True),
    ],
)  # fmt: skip
def test_holds(wanted: Any, found: list[Any], verdict: bool) -> None:
    assert holds(wanted, found) is verdict


def test_what_cannot_be_used_is_told() -> None:
    assert matcher_problem("~ [") == "'~ [' is not a regular expression: unterminated character set at position 0"
    assert matcher_problem(["a", "~ ("]) is not None
    assert matcher_problem({"a": 1}) is matcher_problem("~ a+") is matcher_problem(3) is None
    assert path_problem("a.b[*].c") is None
    assert path_problem("a[x]") == "'a[x]' is not a path such as meterValue[*].sampledValue[0].value"
    assert path_problem("") is not None


def test_values_in_a_sentence() -> None:
    assert (shown([]), shown([1, 2]), shown("a" * 90)) == ("nothing", "1 or 2", "a" * 77 + "...")
