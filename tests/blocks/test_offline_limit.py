"""How long a charging profile counts without a connection (2.1 K01.FR.101-103, Q08)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import offline_limit
from simulator.core import inputs as i
from tests.bench import Lab, bench
from tests.ocpp2x.charging import composite, install, reported


def amperes(lab: Lab) -> float | None:
    limit = lab.evse().limit
    return None if limit is None or limit.current is None else limit.current / 10


def apart(**fields: Any) -> Lab:
    """Charging under a profile for so long without a connection, above one that says nothing of it; then cut off."""
    lab = bench("2.1")
    assert install(lab, 1, (0, 16)) == "Accepted"
    assert install(lab, 1, (0, 10), number=2, level=1, **fields) == "Accepted"
    lab.charge()
    assert amperes(lab) == 10
    lab.fleet.cut(lab.station)
    return lab


def back(lab: Lab) -> None:
    lab.fleet.mend(lab.station)
    assert lab.fleet.settle(400, lambda: lab.station.link.is_up)
    lab.run(1)


def test_a_profile_gives_way_while_the_station_is_offline_for_too_long() -> None:
    lab = apart(maxOfflineDuration=60)
    lab.run(59)
    assert amperes(lab) == 10
    lab.run(2)
    assert amperes(lab) == 16
    back(lab)
    assert amperes(lab) == 10 and composite(lab, duration=60) == [(0, 10.0)]
    assert [number for _, _, number in reported(lab)] == [1, 2]


def test_one_that_is_not_to_come_back_is_gone() -> None:
    lab = apart(maxOfflineDuration=60, invalidAfterOfflineDuration=True)
    lab.run(61)
    assert amperes(lab) == 16
    back(lab)
    assert amperes(lab) == 16 and [number for _, _, number in reported(lab)] == [1]


@pytest.mark.parametrize("fields", [{}, {"invalidAfterOfflineDuration": True}])
def test_without_a_limit_it_stays(fields: dict[str, Any]) -> None:
    """K01.FR.103."""
    lab = apart(**fields)
    lab.run(3_600)
    assert amperes(lab) == 10 and lab.station.timers.get(offline_limit.TIMER) is None


def test_a_short_time_offline_changes_nothing() -> None:
    lab = apart(maxOfflineDuration=60, invalidAfterOfflineDuration=True)
    lab.run(20)
    back(lab)
    lab.run(120)
    assert amperes(lab) == 10
    (told,) = (p for r in ask(lab) for p in r["chargingProfile"] if p["id"] == 2)
    assert (told["maxOfflineDuration"], told["invalidAfterOfflineDuration"]) == (60, True)


def ask(lab: Lab) -> list[dict[str, Any]]:
    lab.forget()
    lab.ask("GetChargingProfiles", requestId=1, chargingProfile={})
    lab.run(1)
    return lab.csms.sent("ReportChargingProfiles")


def test_a_restart_in_between_does_not_begin_anew() -> None:
    lab = apart(maxOfflineDuration=60)
    lab.run(30)
    lab.feed(i.PowerOff())
    lab.feed(i.PowerOn())
    lab.run(40)
    assert lab.station.timers.get(offline_limit.TIMER) is None
    assert not [one for one in offline_limit.waiting(lab.station) if not one[1]]


def test_a_limit_of_less_than_nothing_is_none() -> None:
    assert install(bench("2.1"), 1, (0, 10), maxOfflineDuration=-1) == "InvalidProfile"
