"""Sites: places in the order of the fleet, wired in turn."""

from __future__ import annotations

from simulator.world.site import DEFAULT_SIZE, Place, Sites, matching


def test_one_site_takes_everybody_in_order() -> None:
    sites = Sites()
    places = [sites.place("depot", None) for _ in range(5)]
    assert places == [Place("depot", number) for number in range(5)]
    assert [place.rotation for place in places] == [0, 1, 2, 0, 1]


def test_a_pattern_makes_as_many_sites_as_are_needed() -> None:
    sites = Sites()
    places = [sites.place("park-{n:02d}", 2) for _ in range(5)]
    assert [(place.site, place.position) for place in places] == [
        ("park-01", 0), ("park-01", 1), ("park-02", 0), ("park-02", 1), ("park-03", 0),
    ]  # fmt: skip
    assert sites.place("other-{n}", None) == Place("other-1", 0)
    assert sites.place("park-{n:02d}", 2) == Place("park-03", 1), "a second group goes on where the first ended"
    many = Sites()
    assert [many.place("x{n}", None).site for _ in range(DEFAULT_SIZE + 1)][-2:] == ["x1", "x2"]


def test_names_match_with_stars() -> None:
    names = ["park-01", "depot", "park-02", "park-01"]
    assert matching("park-*", names) == ["park-01", "park-02"]
    assert matching("depot", names) == ["depot"] and matching("PARK-*", names) == []
