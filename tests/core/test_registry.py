"""Named tables: no duplicates, near names, frozen once filled."""

from __future__ import annotations

import pytest

from simulator.errors import UnknownName
from simulator.hardware.fault import FAULTS
from simulator.registry import Registry, nearest


def test_a_table_gives_what_was_put_in_and_lists_it_in_order() -> None:
    table: Registry[int] = Registry("number")
    table.add("two", 2)
    assert table.named("one")(1) == 1
    assert list(table) == ["one", "two"] and len(table) == 2
    assert "one" in table and "three" not in table and 7 not in table
    assert table.get("two") == 2


def test_an_unknown_name_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match=r"unknown fault 'meter\.noize'; did you mean 'meter\.noise'") as caught:
        FAULTS.get("meter.noize")
    assert (caught.value.kind, caught.value.name, caught.value.near) == ("fault", "meter.noize", "meter.noise")
    with pytest.raises(UnknownName) as caught:
        FAULTS.get("completely different")
    assert caught.value.near is None and "did you mean" not in str(caught.value)


def test_a_whole_part_of_a_name_is_near_it() -> None:
    names = ["kempower/satellite", "tritium/rtm75", "txid-int64-max", "meter.noise"]
    for given, near in (("Kempower", names[0]), ("rtm75", names[1]), ("int64", names[2]), ("noise", names[3])):
        assert nearest(given, names) == near
    assert [nearest(given, names) for given in ("kemp", "te", "", "xx")] == [None] * 4


def test_a_name_is_given_once_and_a_frozen_table_takes_no_more() -> None:
    table: Registry[int] = Registry("number")
    table.add("one", 1)
    with pytest.raises(AssertionError, match="'one' registered twice"):
        table.add("one", 2)
    table.freeze()
    with pytest.raises(AssertionError, match="after the table was frozen"):
        table.add("two", 2)
    assert table.get("one") == 1


@pytest.mark.parametrize(("name", "near"), [("METER.NOISE", "meter.noise"), ("metre.noise", "meter.noise"), ("", None)])
def test_case_does_not_count_and_nothing_is_guessed_from_nothing(name: str, near: str | None) -> None:
    assert nearest(name, ["meter.noise", "lock.jammed"]) == near
