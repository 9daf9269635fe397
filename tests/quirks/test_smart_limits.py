"""Quirks of limits that were accepted: what flows, and how a session is paused, with and without."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.power_path import SUSPENDED_EVSE
from simulator.errors import AuthorError
from simulator.quirks import deeds, smart_limits
from tests.quirks.rig import Bench, build, compare
from tests.quirks.test_smart import put

DC = {"phases": 0, "voltage_v": 400.0, "max_power_w": 50_000.0, "max_current_a": 125.0, "tethered": True}
#: what the car of the bench takes at most, and at 6 A
FULL, SIX = 11_000, 4_140


def flows(b: Bench) -> int:
    """Watts at connector 1, ten seconds later."""
    return round(b.run(10).station.evses[0].power_w)


def limited(*limits: float, purpose: str = "TxDefaultProfile", unit: str = "A") -> Any:
    """A scenario: watts that flow after each of these limits was set."""

    def scenario(b: Bench) -> list[int]:
        b.boot().plug().token("TAG", 20)
        watts = []
        for limit in limits:
            assert put(b, purpose, limit, unit=unit) == "Accepted"
            watts.append(flows(b))
        return watts

    return scenario


def test_accepted_and_nothing_else() -> None:
    station = limited(10, purpose="ChargePointMaxProfile")
    compare("smart-accepted-no-effect", limited(10), without=[6_900], with_=[FULL])
    b = compare("smart-chargepointmax-accepted-ignored", station, without=[6_900], with_=[FULL])
    assert limited(10)(Bench(b.station.model)) == [6_900]


def test_limits_that_are_bent() -> None:
    step, least = "smart-discrete-current-steps", "smart-limit-clamped-to-minimum"
    compare(step, limited(15, 7, 32), without=[10_350, 4_830, FULL], with_=[8_970, SIX, FULL])
    compare(least, limited(16, 10, 0), without=[FULL, 6_900, 0], with_=[SIX] * 3)
    compare("smart-zero-needs-remotestop", limited(0, 8), without=[0, 5_520], with_=[SIX, 5_520])
    below = "smart-below-threshold-is-zero"
    compare(below, limited(900, 1_100, unit="W"), without=[900, 1_100], with_=[0, 1_100], evse=DC)


def test_steps_are_numbers() -> None:
    with pytest.raises(AuthorError, match="is no list of whole numbers"):
        build(("smart-discrete-current-steps", {"steps": "6 to 16"}))
    with pytest.raises(NotImplementedError):
        smart_limits.Bending().bend(Bench(build()).station.evses[0], "A", 1)


def test_lost_on_reboot() -> None:
    def scenario(b: Bench) -> list[int]:
        watts = limited(10)(b)
        b.disturbed = True
        b.ask("Reset", type="Hard")
        return [*watts, flows(b.run(60).unplug().plug().token("TAG", 20))]

    compare("smart-limit-lost-on-reboot", scenario, without=[6_900, 6_900], with_=[6_900, FULL])


def test_lost_with_the_link() -> None:
    def scenario(b: Bench) -> list[int]:
        return [*limited(10)(b), flows(b.drop_link())]

    compare("smart-profile-lost-on-reconnect", scenario, without=[6_900, 6_900], with_=[6_900, FULL])


def test_fallback() -> None:
    def scenario(b: Bench) -> list[int]:
        b.boot().plug().token("TAG", 20)
        watts = [flows(b)]
        put(b, limit=16.0)
        return [*watts, flows(b), flows(b.run(60))]

    params = {"fallback_w": 4_200, "after_s": 60.0}
    name = "smart-fallback-power-on-comm-loss"
    compare(name, scenario, params=params, without=[FULL] * 3, with_=[4_200, FULL, 4_200])


def test_static_limit() -> None:
    def scenario(b: Bench) -> list[int]:
        watts = [flows(b.boot().plug().token("TAG", 20))]
        for value in ("10", ""):
            assert b.ask("ChangeConfiguration", key="maxintensitysocket", value=value) == {"status": "Accepted"}
            watts.append(flows(b))
        return watts

    keys = {"maxintensitysocket": ("8", True)}
    name = "smart-static-limit-station-wide-only"
    compare(name, scenario, vendor_keys=keys, without=[FULL] * 3, with_=[5_520, 6_900, 5_520])


# -- a limit of nothing


def test_suspended_a_moment_later() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.boot().plug().token("TAG", 20)
        put(b, limit=0.0)
        asked = next(s.now for s in b.csms.seen if s.action == "SetChargingProfile" and s.direction == "cp")
        b.run(1)
        put(b, limit=16.0)
        b.run(10)
        told = next(s.now for s in b.calls() if s.payload.get("status") == SUSPENDED_EVSE)
        return [told - asked, b.statuses()[-3:]]

    statuses = ["SuspendedEVSE", "SuspendedEV", "Charging"]
    with_ = [100_000, statuses]
    compare("smart-zero-gives-suspendedevse", scenario, without=lambda seen: seen[0] < 50_000, with_=with_)


def test_what_follows_a_held_status_waits_too() -> None:
    b = Bench(build(("smart-zero-gives-suspendedevse", {"after_s": 5.0}))).boot().plug().token("TAG", 20)
    put(b, limit=0.0)
    put(b, limit=16.0)
    b.run(20)
    assert b.statuses()[-3:] == ["SuspendedEVSE", "SuspendedEV", "Charging"]


def paused(b: Bench) -> tuple[list[int], list[str]]:
    """Watts before and after a pause in the first session, and in a second one; the reasons of all ends."""
    b.boot().plug().token("TAG", 20)
    put(b, "TxProfile", 0.0)
    watts = [flows(b)]
    put(b, "TxProfile", 16.0)
    watts.append(flows(b))
    return watts, [p.get("reason") for p in b.sent("StopTransaction")]


def test_no_resume() -> None:
    b = compare("smart-zero-limit-breaks-resume", paused, without=([0, FULL], []), with_=([0, 0], []))
    assert b.ask("ClearChargingProfile") == {"status": "Accepted"} and flows(b) == 0
    b.token("TAG", 5).unplug().plug().token("TAG", 20)
    assert flows(b) == FULL


def test_nothing_ends_it() -> None:
    compare("smart-zero-limit-ends-transaction", paused, without=([0, FULL], []), with_=([0, 0], ["Other"]))


def test_nothing_persists() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.boot().plug().token("TAG", 20)
        put(b, "TxProfile", 0.0)
        b.run(10).token("TAG", 5).unplug().plug().token("TAG", 20).unplug().plug()
        answer = b.remote_start()["status"]
        b.run(10)
        return [answer, [p.get("reason") for p in b.sent("StopTransaction")]]

    name = "smart-zero-limit-persists"
    fine = ["Accepted", ["Local", "EVDisconnected"]]
    b = compare(name, scenario, without=fine, with_=["Accepted", ["Local", "Other", "Other"]])
    b.unplug()
    put(b, limit=16.0)
    b.session(20)
    assert b.sent("StopTransaction")[-1]["reason"] == "Local"


def test_nothing_faults() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.boot().plug().token("TAG", 20)
        put(b, limit=0.0)
        b.run(10).feed(i.Unplug(1, "ev"), 5)
        return [b.station.evses[0].status, b.station.board.locks[0].closed]

    name = "smart-zero-limit-faults-on-unplug"
    b = compare(name, scenario, without=["Finishing", False], with_=["Faulted", True])
    b.ask("Reset", type="Hard")
    assert b.run(60).station.evses[0].status == "Faulted"
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    b.feed(i.Unplug(1, "station"), 5)
    assert b.station.evses[0].status == "Available" and not b.station.board.active


# -- deeds


def test_deeds_that_find_nothing_to_do() -> None:
    b = Bench(build()).boot()
    st = b.station
    deeds.forget(st)
    deeds.release(st, 0)
    deeds.repair(st, "nothing")
    deeds.stop(st, st.evses[0])
    assert not deeds.of_csms(st) and st.evses[0].wish is None


def test_a_limit_of_the_product_is_not_of_the_csms() -> None:
    b = Bench(build()).boot()
    deeds.limit(b.station, 0, "A", 8)
    assert b.ask("ClearChargingProfile") == {"status": "Unknown"}
    assert flows(b.plug().token("TAG", 10)) == 5_520


def test_a_quirk_notes_only_the_last_few_things() -> None:
    b = Bench(build("smart-accepted-no-effect")).boot()
    (quirk,) = b.station.model.quirks
    assert deeds.noted(b.station, quirk) == ()
    for number in range(40):
        deeds.note(b.station, quirk, number)
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert deeds.noted(b.station, quirk) == tuple(range(24, 40))
