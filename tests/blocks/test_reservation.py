"""What is kept for whom, for how long, and what ends it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulator.blocks import reservation
from simulator.blocks.authorization import CONNECTION_TIMEOUT, LOCAL_PRE_AUTHORIZE, OFFLINE_UNKNOWN
from simulator.blocks.local_lookup import Known
from simulator.blocks.reservation import HELD, RESERVATION_AREA, Reservation
from simulator.blocks.token_cache import TokenInfo, remember
from simulator.core import inputs as i
from simulator.core.records import FlashTrouble
from simulator.fleet.state import StateDir
from simulator.lab.csms import SILENT
from tests.bench import Lab, asked, bench, build, told

HOUR_S = 3600.0


def wall_us(lab: Lab, in_s: float = 0.0) -> int:
    return lab.station.board.rtc.wall(lab.station.now) + int(in_s * 1e6)


def reserve(lab: Lab, evse_id: int = 1, token: str = "TAG", number: int = 7, for_s: float = HOUR_S, **more: Any) -> str:
    """As a request of the CSMS would, and what follows from it."""
    wanted = Reservation(number, evse_id, token, wall_us(lab, for_s), **more)
    word = reservation.reserve(lab.station, wanted)
    lab.feed(i.Tick())
    return word


def cancel(lab: Lab, number: int = 7) -> bool:
    done = reservation.cancel(lab.station, number)
    lab.feed(i.Tick())
    return done


def reserved(lab: Lab) -> list[int]:
    return [evse.evse_id for evse in lab.station.evses if evse.reserved]


def used(lab: Lab) -> list[Any]:
    return [session.begin.get("reservationId") for session in lab.sessions()]


# -- one EVSE ----------------------------------------------------------------------------------------------------------


def test_a_cable_before_the_token_changes_nothing() -> None:
    lab = bench()
    assert reserve(lab) == "Accepted"
    lab.forget().plug().run(5).present("OTHER").run(5)
    assert told(lab) == [] and lab.evse().status == "Reserved"
    lab.present().run(5)
    assert told(lab)[0] == "Authorize" and lab.statuses()[-1] == "Charging" and used(lab) == [7]
    lab.present().unplug().run(1)
    assert lab.statuses()[-1] == "Available" and HELD not in lab.station.data


def test_a_token_at_the_common_reader_finds_what_is_kept_for_it() -> None:
    lab = bench(evses=3)
    reserve(lab, 2, "TAG")
    reserve(lab, 1, "SOMEBODY", 8)
    lab.present("STRANGER").run(1)
    assert lab.evse(3).grant is not None
    lab.present("TAG").run(1)
    assert lab.evse(2).grant is not None
    lab.present("LATE").run(1)
    assert asked(lab) == 2 and lab.remarks()[-1].endswith("is reserved")


def test_the_same_id_replaces() -> None:
    lab = bench(evses=2)
    assert reserve(lab, 1) == reserve(lab, 1, "OTHER", for_s=60) == "Accepted"
    lab.present("TAG", 1).run(1)
    assert lab.evse(1).grant is None
    assert reserve(lab, 2, "OTHER") == "Accepted" and reserved(lab) == [2]
    assert [one.evse_id for _, one in lab.station.board.flash.items(RESERVATION_AREA)] == [2]
    lab.plug(1)
    assert reserve(lab, 1, "OTHER") == "Occupied" and reserved(lab) == [2], "what it would have replaced stays"
    assert reserve(lab, 2, "OTHER", 9) == "Occupied"


def test_a_reserved_token_whose_cable_never_comes() -> None:
    lab = bench(settings={CONNECTION_TIMEOUT: 20})
    reserve(lab)
    lab.present().run(19)
    assert lab.statuses()[-1] == "Preparing"
    lab.run(2)
    assert lab.statuses()[-3:] == ["Preparing", "Available", "Reserved"]
    lab.charge()
    assert used(lab) == [7]


def test_a_car_that_waits_at_a_kept_evse_is_there_after_a_restart() -> None:
    lab = bench()
    reserve(lab)
    lab.plug().ask("Reset", type="Soft")
    lab.run(60)
    assert lab.evse().plugged and lab.statuses()[-1] == "Reserved"
    lab.present("OTHER").run(1)
    assert lab.evse().grant is None
    lab.present("TAG").run(5)
    assert used(lab) == [7]


def test_a_car_that_is_not_ready() -> None:
    """Reserved to SuspendedEV in one moment."""
    lab = bench()
    reserve(lab)
    lab.plug().feed(i.EvReady(1, False)).run(5).present().run(20)
    assert lab.evse().status == "SuspendedEV" and used(lab) == [7]


def test_cancelled_while_the_cable_is_awaited() -> None:
    lab = bench()
    reserve(lab)
    lab.present().run(1)
    assert cancel(lab) and not cancel(lab)
    lab.plug().run(5)
    assert used(lab) == [None]


@pytest.mark.parametrize("whole", [False, True])
def test_unavailable_ends_it(whole: bool) -> None:
    lab = bench(evses=2)
    reserve(lab)
    lab.ask("ChangeAvailability", connectorId=0 if whole else 1, type="Inoperative")
    assert HELD not in lab.station.data and lab.statuses()[-1] == "Unavailable"
    lab.ask("ChangeAvailability", connectorId=0, type="Operative")
    assert lab.statuses()[-1] == "Available"


def test_a_fault_ends_it() -> None:
    lab = bench(evses=2)
    reserve(lab, 1)
    reserve(lab, 2, "OTHER", 8)
    lab.inject("protection.rcd_trip", 1)
    assert reserved(lab) == [2] and lab.statuses()[-2:] == ["Reserved", "Faulted"]
    lab.clear().run(1)
    assert not lab.station.board.flash.get(RESERVATION_AREA, 7)


def test_free_vend_waits() -> None:
    lab = bench(free_vend=True)
    reserve(lab)
    lab.plug().run(5)
    assert not lab.sessions() and lab.statuses()[-1] == "Reserved"
    cancel(lab)
    lab.run(5)
    assert len(lab.sessions()) == 1


# -- groups ------------------------------------------------------------------------------------------------------------


def test_a_group_that_is_known_here_needs_no_question() -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True})
    remember(lab.station, "SISTER", TokenInfo("Accepted", "family"))
    remember(lab.station, "STRANGER", TokenInfo("Accepted", "OTHERS"))
    reserve(lab, group="FAMILY")
    lab.present("STRANGER").run(1)
    assert asked(lab) == 0 and lab.evse().grant is None
    lab.present("SISTER").plug().run(5)
    assert asked(lab) == 0 and used(lab) == [7]


def test_without_a_group_nobody_is_asked() -> None:
    lab = bench()
    reserve(lab)
    lab.csms.groups = {"SISTER": "FAMILY"}
    lab.present("SISTER").run(1)
    assert asked(lab) == 0


@pytest.mark.parametrize("group, accepted", [("FAMILY", True), ("OTHERS", False)])
def test_a_remote_start_that_only_its_group_can_carry(group: str, accepted: bool) -> None:
    """Not asked about otherwise (AuthorizeRemoteTxRequests is off)."""
    lab = bench()
    lab.csms.groups = {"SISTER": group}
    reserve(lab, group="FAMILY")
    assert lab.remote_start("SISTER") == "Accepted"
    lab.plug().run(5)
    assert asked(lab) == 1 and used(lab) == ([7] if accepted else [])


@pytest.mark.parametrize("group, number", [("FAMILY", 7), ("OTHERS", None)])
def test_a_remote_start_where_there_is_room_is_asked_about_its_group(group: str, number: int | None) -> None:
    """Any of two EVSEs is kept, so none is marked; whoever may be of the group could use it all the same. The other
    EVSE is not kept for somebody who has come."""
    lab = bench(evses=2)
    lab.csms.groups = {"SISTER": group}
    assert reserve(lab, 0, group="FAMILY") == "Accepted" and reserved(lab) == []
    assert lab.remote_start("SISTER", 1) == "Accepted"
    lab.run(1)
    assert asked(lab) == 1 and reserved(lab) == ([] if number else [2])
    lab.plug().run(5)
    assert lab.evse().flowing and used(lab) == [number]


def test_a_remote_start_whose_group_matters_to_nobody_is_not_asked_about() -> None:
    """No group, or its own reservation: nothing is to be learnt."""
    lab = bench(evses=2)
    reserve(lab, 0)
    reserve(lab, 0, "SISTER", 8, group="FAMILY")
    assert lab.remote_start("SISTER", 1) == "Accepted"
    lab.plug().run(5)
    assert asked(lab) == 0 and used(lab) == [8]


def test_offline_the_group_must_be_known() -> None:
    lab = bench(settings={OFFLINE_UNKNOWN: True})
    reserve(lab, group="FAMILY")
    lab.fleet.cut(lab.station)
    lab.run(5).plug().present("SISTER").run(5)
    assert lab.evse().grant is None
    lab.present("TAG").run(5)
    assert lab.evse().flowing


def test_a_link_that_breaks_while_the_csms_is_asked() -> None:
    """The offline rules let the unknown in, but not where something is kept for others."""
    lab = bench(settings={OFFLINE_UNKNOWN: True})
    reserve(lab, group="FAMILY")
    lab.csms.script["Authorize"] = lambda csms, payload: SILENT
    lab.present("SISTER")
    assert lab.evse().asked is not None
    lab.fleet.cut(lab.station)
    lab.run(40)
    assert lab.evse().asked is None and lab.evse().grant is None and lab.evse().status == "Reserved"


# -- any EVSE ----------------------------------------------------------------------------------------------------------


def test_one_is_always_kept() -> None:
    lab = bench(evses=3)
    assert reserve(lab, 0) == "Accepted" and reserved(lab) == []
    lab.charge(1, "A")
    assert reserved(lab) == []
    lab.plug(2)
    assert reserved(lab) == [3] and lab.statuses(3)[-1] == "Reserved"
    lab.present("B", 3).run(1)
    assert lab.evse(3).grant is None
    lab.present("B", 2).run(4)
    assert lab.evse(2).flowing
    assert reserve(lab, 3, "C", 8) == reserve(lab, 0, "C", 8) == "Occupied"
    lab.present("A", 1).unplug(1)
    assert reserved(lab) == [] and lab.statuses(3)[-1] == "Available"
    assert reserve(lab, 3, "C", 8) == "Accepted" and reserved(lab) == [1, 3]
    lab.charge(1, "TAG")
    assert used(lab) == [None, None, 7] and reserved(lab) == [3]


def test_whoever_has_come_is_expected_no_more() -> None:
    """Between token and cable the reservation is in use already; no second EVSE is kept for it."""
    lab = bench(evses=2, settings={CONNECTION_TIMEOUT: 20})
    reserve(lab, 0)
    lab.present("TAG", 1).run(1)
    assert reserved(lab) == [] and lab.statuses(2) == ["Available"]
    lab.run(25).plug(2)
    assert reserved(lab) == [1], "it did not start, so one is kept again"


def test_as_many_as_there_are() -> None:
    lab = bench(evses=2)
    assert [reserve(lab, 0, token, number) for number, token in enumerate("ABC")] == [
        "Accepted",
        "Accepted",
        "Occupied",
    ]
    assert reserved(lab) == [1, 2] and reserve(lab, 1, "D", 9) == "Occupied"
    lab.charge(2, "A")
    assert used(lab) == [0] and reserved(lab) == [1]
    lab.present("A", 1).run(1)
    assert lab.evse(1).grant is None


def test_any_ends_when_all_are_broken() -> None:
    lab = bench(evses=2)
    reserve(lab, 0)
    lab.inject("protection.rcd_trip", 1)
    assert reserved(lab) == [2]
    lab.inject("protection.rcd_trip", 2, "g")
    assert HELD not in lab.station.data


# -- time and memory ---------------------------------------------------------------------------------------------------


def test_the_clock_decides_and_moves_the_deadline() -> None:
    lab = Lab(build())
    lab.csms.interval_s = 86_400  # nobody sets the clock right meanwhile
    lab.boot()
    reserve(lab, for_s=600)
    lab.station.set_clock(wall_us(lab, -300))
    lab.run(700)
    assert reserved(lab) == [1], "five minutes more by this clock"
    lab.run(250)
    assert reserved(lab) == [] and lab.statuses()[-1] == "Available"
    reserve(lab, for_s=600)
    lab.station.set_clock(wall_us(lab, 3600))
    lab.feed(i.Tick())
    assert reserved(lab) == []


@pytest.mark.parametrize("how", ["Soft", "Hard", "power"])
def test_it_survives_a_restart(how: str) -> None:
    """5.13 names what ends a reservation; a restart is not of it."""
    lab = bench(evses=2)
    reserve(lab)
    reserve(lab, 2, "SHORT", 8, for_s=5)
    lab.forget()
    if how == "power":
        lab.feed(i.PowerOff()).run(10).feed(i.PowerOn())
    else:
        lab.ask("Reset", type=how)
    lab.run(60)
    assert lab.statuses()[-1] == "Reserved" and lab.statuses(2)[-1] == "Available"
    lab.charge(1)
    assert used(lab) == [7]


def test_it_is_in_the_state_folder(tmp_path: Any) -> None:
    lab = bench()
    reserve(lab, group="FAMILY")
    folder = StateDir(tmp_path)
    folder.save([lab.station], lab.fleet.now)
    loaded = folder.load("CP1")
    folder.close()
    assert loaded is not None
    assert loaded["flash"][RESERVATION_AREA] == lab.station.board.flash.areas[RESERVATION_AREA]


@pytest.mark.parametrize("fault", ["flash.read_only", "flash.full"])
def test_flash_that_refuses(fault: str) -> None:
    lab = bench(evses=2)
    reserve(lab, 1)
    lab.inject(fault)
    request = {"connectorId": 2, "idTag": "OTHER", "reservationId": 8, "expiryDate": "2099-01-01T00:00:00Z"}
    assert lab.ask("ReserveNow", **request) == {"status": "Rejected"} and reserved(lab) == [1]
    assert [r.area for r in lab.fleet.recorded(FlashTrouble)] == [RESERVATION_AREA]
    assert cancel(lab) is (fault == "flash.full")


def test_nothing_is_there_before_and_after() -> None:
    lab = bench()
    assert HELD not in lab.station.data and lab.station.timers.get("reservation") is None
    reserve(lab)
    cancel(lab)
    assert HELD not in lab.station.data and lab.station.timers.get("reservation") is None
    assert not lab.station.board.flash.items(RESERVATION_AREA)


# -- stances -----------------------------------------------------------------------------------------------------------

ACCEPTED, SISTERLY = Known("Accepted", None, False), Known("Accepted", "FAMILY", False)


@pytest.mark.parametrize(
    "evse_id, token, known, expected",
    [
        (1, "tag", None, "mine"),
        (1, "X", SISTERLY, "mine"),
        (1, "X", Known("Blocked", "FAMILY", True), "ask"),
        (1, "X", None, "ask"),
        (1, "X", ACCEPTED, "refused"),
        (2, "X", None, "refused"),
        (2, "TAG", None, "refused"),
        (2, "OTHER", None, "mine"),
        (3, "X", None, "free"),
        (3, "TAG", None, "free"),
    ],
)
def test_stances(evse_id: int, token: str, known: Known | None, expected: str) -> None:
    lab = bench(evses=3)
    reserve(lab, 1, group="FAMILY")
    reserve(lab, 2, "OTHER", 8)
    assert reservation.stance(lab.station, lab.evse(evse_id), token, "", known) == expected


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_nobody_takes_what_is_kept(seed: int) -> None:
    """By lot: no transaction at an EVSE kept for others, each reservation used once, no more kept than promised."""
    lot = random.Random(seed)
    lab = bench(evses=3, settings={CONNECTION_TIMEOUT: 30})
    tokens = ["A", "B", "C", "D"]
    lab.csms.groups = {"A": "FAMILY", "B": "FAMILY"}
    number = 0
    for _ in range(250):
        lab.run(1)
        evse_id, token = lot.randint(1, 3), lot.choice(tokens)
        kept = {
            evse.evse_id: reservation._keepers(lab.station, lab.station.data.get(HELD, {}), evse)
            for evse in lab.station.evses
        }
        begun = {evse.evse_id: evse.tx.key if evse.tx else None for evse in lab.station.evses}
        what = lot.randrange(9)
        if what == 0:
            number += 1
            group = lot.choice([None, "FAMILY"])
            reserve(lab, lot.randint(0, 3), token, number, lot.choice([20.0, 900.0]), group=group)
        elif what == 1:
            cancel(lab, lot.randint(max(1, number - 5), number + 1))
        elif what <= 3:
            if not lab.evse(evse_id).connected:
                lab.plug(evse_id)
        elif what <= 5:
            lab.present(token, lot.choice([0, evse_id]))
        elif what == 6:
            if lab.evse(evse_id).connected:
                lab.unplug(evse_id)
        elif what == 7:
            lab.remote_start(token, evse_id)
        else:
            lab.run(lot.choice([1, 25]))
            continue
        for evse in lab.station.evses:
            tx = evse.tx
            if tx is None or tx.key == begun[evse.evse_id] or not kept[evse.evse_id]:
                continue
            group = lab.csms.groups.get(tx.id_token)
            assert any(one.admits(tx.id_token, tx.token_type, group) for one in kept[evse.evse_id]), (seed, tx)
        held = lab.station.data.get(HELD, {})
        open_ended = sum(1 for one in held.values() if one.evse_id == 0)
        own = {one.evse_id for one in held.values()} - {0}
        come = {evse.evse_id for evse in lab.station.evses if evse.grant is not None}
        assert own - come <= set(reserved(lab)) and len(set(reserved(lab)) - own) <= open_ended
        assert {key for key, _ in lab.station.board.flash.items(RESERVATION_AREA)} == set(held)
    numbers = [n for n in used(lab) if n is not None]
    assert len(numbers) == len(set(numbers)) and numbers
