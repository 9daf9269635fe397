"""What a run has broken itself is listed with its cause."""

import pytest

from simulator.fleet import excuses
from simulator.fleet.plan import FleetPlan, resolve
from simulator.fleet.schema import load_fleet


def plan(**overrides: object) -> FleetPlan:
    return resolve(load_fleet(None, overrides, environ={}), hostname="test", id_prefix="S-")


def test_a_quirk_excuses_only_its_stations_and_what_it_breaks() -> None:
    from simulator.quirks import QUIRKS

    breaking = next(n for n in QUIRKS if QUIRKS.get(n).breaks and not excuses.NOT_BOOTED & set(QUIRKS.get(n).breaks))
    harmless = next(name for name in QUIRKS if not QUIRKS.get(name).breaks)
    stations = (*plan(count=2, quirks=[breaking]).stations, *plan(count=2, quirks=[harmless], id="H-{n}").stations)
    found = excuses.of_quirks(stations)
    assert {(one.check, one.why) for one in found} == {
        (check, f"the quirk {breaking}") for check in ("no_callerrors", "all_calls_answered", "stops_delivered")
    }
    assert all(one.stations == {"S-00001", "S-00002"} for one in found)
    assert excuses.of_quirks(plan(count=2).stations) == []


@pytest.mark.parametrize("name", ["boot-not-sent-on-connect", "ws-no-upgrade-header", "tls-ca-limited"])
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
