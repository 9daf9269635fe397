"""A field that no version of a message has is found when a scenario is read."""

from __future__ import annotations

import pytest

from simulator.scenario.fields import field_problem


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("transaction started", "token"),
        ("transaction started", "idTag"),  # of one version only
        ("transaction started", "idToken.idToken"),
        ("transaction ended", "register"),
        ("MeterValues", "meterValue[*].sampledValue[0].value"),
        ("MeterValues", "${what}"),
        ("NoSuchAction", "anything"),
    ],
)
def test_words_and_paths_of_a_message(message: str, path: str) -> None:
    assert field_problem([message], path) is None


@pytest.mark.parametrize(
    ("message", "path", "nearest"),
    [
        ("transaction started", "idTaq", "idTag"),
        ("transaction ended", "reasons", "reason"),
        ("MeterValues", "metervalue[0]", "meterValue"),
    ],
)
def test_a_misspelt_one_names_the_nearest(message: str, path: str, nearest: str) -> None:
    problem = field_problem([message], path)
    assert problem is not None and repr(path) in problem and repr(nearest) in problem


def test_answers_have_fields_of_their_own() -> None:
    assert field_problem(["transaction started"], "status", answer=True) is None
    assert field_problem(["transaction started"], "idTagInfo.status", answer=True) is None
    assert "'status'" in str(field_problem(["transaction started"], "statos", answer=True))


def test_of_several_messages_one_is_enough() -> None:
    assert field_problem(["transaction started", "MeterValues"], "meterStart") is None
