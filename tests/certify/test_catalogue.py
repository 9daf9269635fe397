"""The data of the cases: numbers, forms, names; and that exactly these are implemented."""

from __future__ import annotations

import pytest

from simulator.certify import catalogue
from simulator.certify.case import CASES
from simulator.certify.conditions import names_in
from simulator.certify.pics import pics_of
from simulator.certify.runner import run_cases  # noqa: F401 - the cases register themselves
from simulator.errors import UnknownName

ROWS = catalogue.rows().values()
#: rows whose case is still to be written; whoever writes one takes it out
WAITING = frozenset(
    [
        "TC_045_1",
        "TC_045_2",
        "TC_073",
        "TC_075_1",
        "TC_075_2",
        "TC_076",
        "TC_078",
        "TC_079",
        "TC_080",
        "TC_081",
        "TC_083",
        "TC_084",
        "TC_085",
        "TC_086",
        "TC_044_1",
        "TC_044_2",
        "TC_044_3",
        "TC_074",
        "TC_077",
        "TC_087",
    ]
)


def test_numbers_of_the_list() -> None:
    """112 rows, 99 of them for a station: 46 mandatory, 49 conditional, 4 optional."""
    listed = [row for row in ROWS if row.listed]
    assert len(listed) == 112
    marks = [row.mark for row in listed if row.mark]
    assert (len(marks), marks.count("M"), marks.count("C"), marks.count("O")) == (99, 46, 49, 4)


def test_numbers_of_the_document() -> None:
    """102 station cases, each with a row of its own."""
    documents = {row.document for row in ROWS if row.document}
    assert len(documents) == 102
    assert documents <= set(catalogue.rows())
    assert all(catalogue.rows()[name].document == name for name in documents)


def test_every_row_for_a_station_has_steps() -> None:
    """A marked row is printed in the document, by itself or as a form of a text."""
    assert [row.id for row in ROWS if row.mark and not row.document] == []
    assert len(catalogue.runnable()) == 107  # 99, and 8 that only the document has


def test_what_was_added_to_the_list() -> None:
    """The cases that only the document has."""
    assert {row.id for row in ROWS if not row.listed} == {
        *("TC_008", "TC_023", "TC_027", "TC_041", "TC_044_1", "TC_044_2", "TC_044_3", "TC_048_1", "TC_050_1"),
        "TC_050_4",
    }


def test_conditions_name_answers_of_the_pics() -> None:
    """Every condition can be decided for a product."""
    pics = pics_of("generic/ac-single")
    for row in ROWS:
        assert names_in(row.condition) <= set(pics.answers), row.id
        row.not_applicable(pics)


def test_mode_12_changes_what_applies() -> None:
    """Excluded and mandatory rows of the subtype."""
    rows, pics, plain = catalogue.rows(), pics_of("generic/ac-mode2"), pics_of("generic/ac-single")
    assert rows["TC_057"].not_applicable(pics) and not rows["TC_057"].not_applicable(plain)
    assert not rows["TC_005_2"].not_applicable(pics)


def test_names() -> None:
    """An id of the document stands for its forms; a wrong one says the nearest."""
    assert [row.id for row in catalogue.wanted(["tc_007_cs"])] == ["TC_007_1", "TC_007_2"]
    assert [row.id for row in catalogue.wanted(["TC_027", "TC_003"])] == ["TC_027", "TC_003"]
    with pytest.raises(UnknownName, match="did you mean 'TC_003'"):
        catalogue.wanted(["TC_0003"])
    with pytest.raises(UnknownName):
        catalogue.wanted(["TC_088"])  # no case for a station


def test_nothing_is_implemented_that_is_no_case() -> None:
    """Declared ids are rows that run."""
    assert set(CASES) <= {row.id for row in catalogue.runnable()}


def test_exactly_these_are_implemented() -> None:
    """Every row that runs has its case."""
    missing = {row.id for row in catalogue.runnable()} - set(CASES)
    assert missing <= WAITING, sorted(missing - WAITING)
