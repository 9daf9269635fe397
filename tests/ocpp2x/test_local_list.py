"""The local list of 2.x. Tests with an id in their name are cases of part 6."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks import local_list
from simulator.blocks.authorization import LOCAL_PRE_AUTHORIZE, OFFLINE_UNKNOWN
from simulator.blocks.local_list import LIST_ENABLED, LIST_MAX_BYTES, LIST_MAX_SENT
from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.core.records import ViolationSeen
from simulator.core.wall import format_wall
from simulator.ocpp2x import local_list as dialect
from tests.bench import Lab, asked, bench, each_2x


def row(token: str, status: str | None = "Accepted", kind: str = "ISO14443", **info: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"idToken": {"idToken": token, "type": kind}}
    return found if status is None else found | {"idTokenInfo": {"status": status, **info}}


def send(lab: Lab, number: int, *rows: dict[str, Any], full: bool = True) -> Any:
    payload: dict[str, Any] = {"versionNumber": number, "updateType": "Full" if full else "Differential"}
    if rows:
        payload["localAuthorizationList"] = list(rows)
    return lab.ask("SendLocalList", **payload)["status"]


def listed(lab: Lab) -> int:
    return int(lab.ask("GetLocalListVersion")["versionNumber"])


def known(lab: Lab, *tokens: str) -> list[str | None]:
    found = [local_list.known(lab.station, token, "ISO14443") for token in tokens]
    return [None if entry is None else entry.status for entry in found]


@each_2x
def test_tc_d_01_full(version: str) -> None:
    lab = bench(version)
    assert listed(lab) == 0  # D02.FR.02
    assert send(lab, 5, row("A"), row("B", "Blocked")) == "Accepted" and listed(lab) == 5
    assert send(lab, 3, row("C")) == "Accepted" and listed(lab) == 3  # D01.FR.15: full replaces whatever there was
    assert known(lab, "A", "B", "c") == [None, None, "Accepted"]


@each_2x
def test_tc_d_02_differential_update_and_tc_d_03_remove(version: str) -> None:
    lab = bench(version)
    assert send(lab, 1, row("A"), row("B")) == "Accepted"
    assert send(lab, 2, row("B", "Blocked"), row("C"), full=False) == "Accepted"
    assert known(lab, "A", "B", "C") == ["Accepted", "Blocked", "Accepted"] and listed(lab) == 2
    assert send(lab, 3, row("A", None), full=False) == "Accepted"
    assert known(lab, "A", "B", "C") == [None, "Blocked", "Accepted"] and listed(lab) == 3


@each_2x
def test_tc_d_04_full_with_an_empty_list(version: str) -> None:
    """D01.FR.04: no token is left, and the version is the one told."""
    lab = bench(version)
    send(lab, 1, row("A"))
    assert send(lab, 7) == "Accepted"
    assert known(lab, "A") == [None] and listed(lab) == 7 and local_list.length(lab.station) == 0
    assert send(lab, 7, row("B"), full=False) == "VersionMismatch"
    assert send(lab, 8, row("B"), full=False) == "Accepted" and known(lab, "B") == ["Accepted"]


@each_2x
def test_tc_d_05_differential_with_an_empty_list(version: str) -> None:
    """D01.FR.05."""
    lab = bench(version)
    send(lab, 1, row("A"))
    assert send(lab, 2, full=False) == "Accepted"
    assert known(lab, "A") == ["Accepted"] and listed(lab) == 2


@each_2x
@pytest.mark.parametrize("number", [4, 5])
def test_tc_d_06_version_mismatch(version: str, number: int) -> None:
    """D01.FR.19."""
    lab = bench(version)
    send(lab, 5, row("A"))
    assert send(lab, number, row("B"), full=False) == "VersionMismatch"
    assert known(lab, "A", "B") == ["Accepted", None] and listed(lab) == 5


@each_2x
def test_tc_d_07_persistent_over_reboot(version: str) -> None:
    lab = bench(version)
    send(lab, 5, row("A"))
    assert lab.ask("Reset", type="Immediate")["status"] == "Accepted"
    lab.run(120)
    assert lab.station.boot_no == 2 and listed(lab) == 5 and known(lab, "A") == ["Accepted"]


@each_2x
def test_tc_d_10_switched_off(version: str) -> None:
    """D02.FR.03; 2.x has no word of its own for a list that is switched off."""
    lab = bench(version)
    send(lab, 5, row("A"))
    lab.configure(LIST_ENABLED, False)
    assert listed(lab) == 0 and known(lab, "A") == [None]
    answer = lab.ask("SendLocalList", versionNumber=6, updateType="Full", localAuthorizationList=[row("B")])
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "NotEnabled")
    lab.configure(LIST_ENABLED, True)
    assert listed(lab) == 5 and known(lab, "A", "B") == ["Accepted", None]


@each_2x
def test_failed_leaves_the_list_as_it_was(version: str) -> None:
    """D01.FR.06, FR.11, FR.18; a full list says something of every token."""
    lab = bench(version, settings={LIST_MAX_SENT: 2, LIST_MAX_BYTES: 1_000})
    send(lab, 5, row("A"))
    assert send(lab, 0, row("B")) == "Failed"
    assert send(lab, 6, row("B"), row("b", "Blocked")) == "Failed"
    assert send(lab, 6, row("B"), row("C", None)) == "Failed"
    long = row("E", personalMessage={"format": "UTF8", "content": "x" * 500})
    for rows, code in (
        ((row("B"), row("C"), row("D")), "TooManyElements"),
        ((long, {**long, "idToken": row("F")["idToken"]}), "TooLargeElement"),
    ):
        answer = lab.ask("SendLocalList", versionNumber=6, updateType="Full", localAuthorizationList=list(rows))
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", code)
    lab.inject("flash.read_only")
    assert send(lab, 6, row("B")) == "Failed"
    assert listed(lab) == 5 and known(lab, "A", "B") == ["Accepted", None]


@each_2x
def test_it_decides_offline_and_spares_the_question_online(version: str) -> None:
    """C13.FR.01-04, C14.FR.01-03."""
    lab = bench(version, evses=2, settings={LOCAL_PRE_AUTHORIZE: True, OFFLINE_UNKNOWN: True})
    send(lab, 1, row("GOOD"), row("BAD", "Blocked"), row("OLD", cacheExpiryDateTime=format_wall(lab.fleet.epoch_us)))
    lab.charge(1, "GOOD")
    assert asked(lab) == 0
    lab.present("BAD", 2).run(1)
    assert asked(lab) == 1  # not valid in the list: the CSMS is asked
    lab.run(61).plug(2)
    lab.inject("modem.outage", fault_id="off")
    lab.run(2)
    assert not lab.station.link.is_up
    for refused in ("BAD", "OLD"):
        lab.present(refused, 2).run(2)
        assert lab.evse(2).grant is None, refused
    lab.present("STRANGER", 2).run(4)
    assert lab.evse(2).flowing


@each_2x
def test_another_type_is_another_token(version: str) -> None:
    lab = bench(version, settings={LOCAL_PRE_AUTHORIZE: True})
    send(lab, 1, row("TAG", kind="KeyCode"))
    lab.plug().present("TAG").run(2)
    assert asked(lab) == 1
    assert local_list.known(lab.station, "TAG", "KeyCode") is not None
    assert local_list.known(lab.station, "TAG", "ISO14443") is None


@each_2x
def test_the_group_of_the_list_ends_a_session(version: str) -> None:
    """C09.FR.07: known from the list, nobody is asked."""
    lab = bench(version, settings={LOCAL_PRE_AUTHORIZE: True})
    group = {"idToken": "FAMILY", "type": "Central"}
    send(lab, 1, row("ONE", groupIdToken=group), row("TWO", groupIdToken=group))
    lab.charge(1, "ONE").present("TWO", 1).run(2)
    assert asked(lab) == 0 and lab.session().triggers[-1] == "StopAuthorized"


@each_2x
def test_a_product_without_a_list(version: str) -> None:
    lab = bench(version, settings={FEATURE_PROFILES: ("Core",)})
    assert lab.ask("GetLocalListVersion")[0] == "NotSupported"
    assert lab.ask("SendLocalList", versionNumber=1, updateType="Full")[0] == "NotSupported"
    assert dialect.table.feature == local_list.FEATURE


@each_2x
def test_one_text_of_two_types_is_listed_twice(version: str) -> None:
    """C01.FR.25 (errata 2.18), D01.FR.06: two tokens; the same of one type twice is a duplicate."""
    lab = bench(version)
    assert send(lab, 1, row("A"), row("a", "Blocked")) == "Failed"
    assert send(lab, 2, row("A"), row("a", "Blocked", "eMAID")) == "Accepted"
    assert known(lab, "A") == ["Accepted"] and local_list.length(lab.station) == 2
    assert send(lab, 3, row("A", None, "eMAID"), full=False) == "Accepted"
    assert known(lab, "A") == ["Accepted"] and local_list.length(lab.station) == 1


@each_2x
@pytest.mark.parametrize("full", [True, False])
def test_a_list_that_is_there_but_empty_is_like_none(version: str, full: bool) -> None:
    """D01.FR.04-05: the schema wants one token at least, and is on record with that; the requirement is obeyed."""
    lab = bench(version)
    send(lab, 1, row("A"))
    kind = "Full" if full else "Differential"
    answer = lab.ask("SendLocalList", versionNumber=2, updateType=kind, localAuthorizationList=[])
    assert answer == {"status": "Accepted"} and listed(lab) == 2
    assert known(lab, "A") == [None if full else "Accepted"]
    (seen,) = lab.fleet.recorded(ViolationSeen)
    assert (seen.path, seen.rule) == ("localAuthorizationList", "minItems")
