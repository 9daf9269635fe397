"""What a run has broken itself is listed with its cause."""

import pytest

from simulator.fleet import excuses
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.schema import load_fleet
from simulator.quirks import BREAKS, QUIRKS
from simulator.report.truth import Excuse


def plan(**overrides: object) -> FleetPlan:
    return resolve(load_fleet(None, overrides, environ={}), hostname="test", id_prefix="S-")


def told(found: list[Excuse], station: str = "S-00001") -> set[tuple[str, str]]:
    return {(one.check, one.why) for one in found if one.covers(station, "any", None)}


def test_a_quirk_excuses_only_its_stations_and_what_it_breaks() -> None:
    other = plan(count=2, quirks=["status-no-timestamp"], id="H-{n}").stations
    found = excuses.of_quirks((*plan(count=2, quirks=["meter-empty-sampledvalue"]).stations, *other))
    why = "the quirk meter-empty-sampledvalue"
    checks = ("no_callerrors", "all_calls_answered", "stops_delivered")
    assert told(found) == {(check, why) for check in checks}
    assert all(one.stations == {"S-00001", "S-00002"} for one in found)
    assert excuses.of_quirks(plan(count=2).stations) == []


def test_what_no_csms_can_stumble_over_excuses_nothing() -> None:
    for name in ("remotestop-rejected-while-charging", "smart-accepted-no-effect", "config-boolean-spelling"):
        assert QUIRKS.get(name).breaks
        assert excuses.of_quirks(plan(count=1, quirks=[name]).stations) == [], name


def test_of_the_quirks_of_a_station_the_likeliest_is_named() -> None:
    uses = ["tx-meterstart-always-zero", "meter-missing-measurand", "meter-nonstandard-context"]
    found = excuses.of_quirks(plan(count=1, quirks=uses).stations)
    first = next(one for one in found if one.check == "no_callerrors")
    assert first.why == "the quirk meter-nonstandard-context", "it leaves the schema"


def test_every_word_is_one_of_those_that_quirks_break() -> None:
    words = {word for causes in excuses.CAUSES.values() for word in causes}
    assert words <= set(BREAKS)
    assert all(len(set(causes)) == len(causes) for causes in excuses.CAUSES.values())


@pytest.mark.parametrize(
    "name", ["boot-not-sent-on-connect", "ws-no-upgrade-header", "tls-ca-limited", "boot-model-too-long"]
)
def test_a_product_that_does_not_register_or_may_be_sent_away_need_not_boot(name: str) -> None:
    found = excuses.of_quirks(plan(count=2, quirks=[name]).stations)
    (boot,) = [one for one in found if one.check == "all_booted"]
    assert boot.why == f"the quirk {name}" and boot.stations == {"S-00001", "S-00002"}


@pytest.mark.parametrize(
    ("at_end", "cut_short", "why"),
    [
        ("finish", False, None),
        ("finish", True, "the end of the run was cut short"),
        ("disconnect", False, "the run was to end with disconnect"),
        ("power-cut", False, "the run was to end with power-cut"),
    ],
)
def test_the_end(at_end: str, cut_short: bool, why: str | None) -> None:
    found = excuses.of_the_end(at_end, cut_short=cut_short)
    assert {one.why for one in found} == ({why} if why else set())
    assert {one.check for one in found} == ({"stops_delivered", "all_calls_answered"} if why else set())


def test_an_interrupt_excuses_those_that_still_had_time() -> None:
    (one,) = excuses.of_an_interrupt(["A", "B"])
    assert one.check == "all_booted" and one.covers("A", "late", 5) and not one.covers("C", "late", 5)
    assert excuses.of_an_interrupt([]) == []
