"""The local list: updates that happen whole or not at all, and what is shared between stations."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.blocks import local_list
from simulator.blocks.authorization import LOCAL_AUTHORIZE_OFFLINE, LOCAL_PRE_AUTHORIZE, OFFLINE_UNKNOWN
from simulator.blocks.local_list import (
    LIST_AREA,
    LIST_ENABLED,
    LIST_KEY,
    LIST_MAX,
    LIST_MAX_SENT,
    ListEntry,
    LocalList,
    shared,
)
from simulator.blocks.local_lookup import ASKS_NOBODY, lookup
from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.blocks.token_cache import TokenInfo, remember
from simulator.core import inputs as i
from simulator.core.model import FlashSpec, HardwareSpec, RtcSpec
from simulator.core.records import FlashTrouble
from simulator.fleet.state import StateDir
from tests.bench import AT_ONCE, Lab, asked, bench

OK = ListEntry("Accepted")
BLOCKED = ListEntry("Blocked")


def stored(lab: Lab) -> LocalList:
    found = lab.station.board.flash.get(LIST_AREA, LIST_KEY)
    assert isinstance(found, LocalList)
    return found


def full(lab: Lab, number: int, **rows: ListEntry | None) -> str:
    return local_list.update(lab.station, number, rows.items(), full=True)


def differential(lab: Lab, number: int, **rows: ListEntry | None) -> str:
    return local_list.update(lab.station, number, rows.items(), full=False)


def tokens(lab: Lab, *names: str) -> dict[str, str | None]:
    return {name: None if (e := local_list.known(lab.station, name)) is None else e.status for name in names}


def test_full_replaces_and_differential_changes() -> None:
    lab = bench()
    assert local_list.version(lab.station) == 0
    assert full(lab, 3, A=OK, B=OK) == "Accepted"
    assert full(lab, 2, B=OK, C=BLOCKED) == "Accepted", "a full list may have any version"
    assert tokens(lab, "A", "B", "C") == {"A": None, "B": "Accepted", "C": "Blocked"}
    assert differential(lab, 7, B=None, C=OK, D=BLOCKED, NEVER=None) == "Accepted"
    assert tokens(lab, "B", "C", "D", "d") == {"B": None, "C": "Accepted", "D": "Blocked", "d": "Blocked"}
    assert (local_list.version(lab.station), stored(lab).length) == (7, 2)


@pytest.mark.parametrize("number", [5, 4, 0, -1])
def test_an_old_version_is_a_mismatch(number: int) -> None:
    lab = bench()
    full(lab, 5, A=OK)
    before = stored(lab)
    assert differential(lab, number, A=BLOCKED) == "VersionMismatch"
    assert stored(lab) is before


def test_an_empty_list_has_version_0() -> None:
    lab = bench()
    assert full(lab, 4) == "Accepted" and local_list.version(lab.station) == 0
    full(lab, 4, A=OK)
    assert differential(lab, 5, A=None) == "Accepted" and local_list.version(lab.station) == 0
    assert not lab.station.board.flash.items(LIST_AREA)
    assert differential(lab, 1, B=OK) == "Accepted" and local_list.version(lab.station) == 1


@pytest.mark.parametrize(
    "number, rows",
    [
        (0, [("A", OK)]),
        (-1, [("A", OK)]),
        (2, [("A", OK), ("a", BLOCKED)]),
        (2, [("A", None)]),
        (2, [(f"T{n}", OK) for n in range(6)]),
    ],
    ids=["version 0", "version -1", "twice the same", "nothing to keep", "too many at once"],
)
def test_a_full_update_that_fails_changes_nothing(number: int, rows: list[tuple[str, ListEntry | None]]) -> None:
    lab = bench(settings={LIST_MAX_SENT: 5})
    full(lab, 1, OLD=OK)
    before = stored(lab)
    assert local_list.update(lab.station, number, rows, full=True) == "Failed"
    assert stored(lab) is before


def test_the_list_has_a_longest_length() -> None:
    lab = bench(settings={LIST_MAX: 3})
    full(lab, 1, A=OK, B=OK, C=OK)
    assert differential(lab, 2, D=OK) == "Failed" and stored(lab).version == 1
    assert differential(lab, 2, D=OK, A=None) == "Accepted"
    assert differential(lab, 3, B=BLOCKED) == "Accepted"


@pytest.mark.parametrize("fault", ["flash.read_only", "flash.full"])
def test_flash_that_refuses_leaves_the_list_as_it_was(fault: str) -> None:
    lab = bench()
    full(lab, 1, A=OK)
    lab.inject(fault)
    assert lab.ask("SendLocalList", listVersion=2, updateType="Differential", localAuthorizationList=[entry("B")]) == {
        "status": "Failed"
    }
    assert tokens(lab, "A", "B") == {"A": "Accepted", "B": None} and local_list.version(lab.station) == 1
    assert [r.area for r in lab.fleet.recorded(FlashTrouble)] == [LIST_AREA]
    lab.clear()
    assert differential(lab, 2, B=OK) == "Accepted"


def entry(token: str, status: str | None = "Accepted", **info: Any) -> dict[str, Any]:
    return {"idTag": token} | ({} if status is None else {"idTagInfo": {"status": status} | info})


def test_a_list_takes_its_room_on_flash_and_survives_a_power_cut() -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0), flash=FlashSpec(capacity_bytes=2_000)))
    empty = lab.station.board.flash.used_bytes
    assert full(lab, 1, **{f"T{n:03d}": OK for n in range(100)}) == "Failed"
    assert full(lab, 1, **{f"T{n:03d}": OK for n in range(40)}) == "Accepted"
    assert lab.station.board.flash.used_bytes - empty == 16 + 40 * 28
    differential(lab, 2, T000=None, T001=BLOCKED)
    assert lab.station.board.flash.used_bytes - empty == 16 + 39 * 28
    lab.feed(i.PowerOff()).run(5).feed(i.PowerOn()).run(30)
    assert local_list.version(lab.station) == 2
    assert tokens(lab, "T000", "T001", "T002") == {"T000": None, "T001": "Blocked", "T002": "Accepted"}


def test_stations_told_the_same_share_one_list() -> None:
    labs = [bench() for _ in range(3)]
    for lab in labs:
        assert full(lab, 1, **{f"T{n}": OK for n in range(90)}) == "Accepted"
        assert differential(lab, 2, T5=BLOCKED, NEW=OK) == "Accepted"
    one, two, three = (stored(lab) for lab in labs)
    assert one.base is two.base is three.base and one.changes is two.changes is three.changes
    assert differential(labs[2], 3, T6=None) == "Accepted"
    assert stored(labs[2]).base is one.base and len(stored(labs[2]).changes) == 3
    assert tokens(labs[0], "T6") == {"T6": "Accepted"}


def test_many_changes_become_a_list_of_their_own() -> None:
    lab = bench()
    full(lab, 1, A=OK)
    assert differential(lab, 2, A=None, **{f"T{n}": OK for n in range(40)}) == "Accepted"
    assert not stored(lab).changes and stored(lab).length == len(stored(lab).base) == 40
    assert tokens(lab, "A") == {"A": None}


def test_a_list_from_a_state_folder_is_shared_again(tmp_path: Any) -> None:
    lab = bench()
    full(lab, 4, A=OK, B=ListEntry("Accepted", "GROUP", 1_900_000_000_000_000))
    differential(lab, 5, C=BLOCKED, A=None)
    before = stored(lab)
    folder = StateDir(tmp_path)
    folder.save([lab.station], lab.fleet.now)
    loaded = folder.load("CP1")
    folder.close()
    assert loaded is not None
    again = loaded["flash"][LIST_AREA][LIST_KEY][0]
    assert again == before and again.base is before.base and again.changes is before.changes


def test_what_is_shared_is_bounded() -> None:
    lab = bench()
    for number in range(1, local_list.MAX_SHARED + 20):
        full(lab, number, **{f"T{number}": OK})
    assert len(local_list._SHARED) == local_list.MAX_SHARED
    assert any(stored(lab).base is entries for entries in local_list._SHARED.values())


NAMES = st.sampled_from(["A", "B", "C", "d", "E"])
ENTRIES = st.one_of(st.none(), st.sampled_from([OK, BLOCKED]))


@given(st.lists(st.tuples(st.booleans(), st.dictionaries(NAMES, ENTRIES, max_size=5)), max_size=12))
def test_it_is_a_dictionary_with_a_version(updates: list[tuple[bool, dict[str, ListEntry | None]]]) -> None:
    """Whatever comes, the list holds what a plain dictionary would."""
    model: dict[str, ListEntry] = {}
    lab = SHARED_LAB
    assert full(lab, 1) == "Accepted"
    for number, (whole, rows) in enumerate(updates, 1):
        word = local_list.update(lab.station, number, rows.items(), full=whole)
        if whole and None in rows.values():
            assert word == "Failed"
            continue
        assert word == "Accepted"
        model = {} if whole else dict(model)
        for key, e in rows.items():
            if e is None:
                model.pop(key.upper(), None)
            else:
                model[key.upper()] = e
        assert local_list.version(lab.station) == (number if model else 0)
        found = {name: local_list.known(lab.station, name) for name in "ABCDE"}
        assert {name: e for name, e in found.items() if e is not None} == model
        if model:
            assert stored(lab).length == len(model)


SHARED_LAB = bench()


# -- what it decides ---------------------------------------------------------------------------------------------------


def test_the_list_goes_before_the_cache() -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True})
    remember(lab.station, "TAG", TokenInfo("Accepted", "CACHED"))
    full(lab, 1, TAG=ListEntry("Blocked", "LISTED"))
    known = lookup(lab.station, "TAG")
    assert known is not None and known[:3] == ("Blocked", "LISTED", True)
    lab.configure(LIST_ENABLED, False)
    cached = lookup(lab.station, "TAG")
    assert cached is not None and cached[:3] == ("Accepted", "CACHED", False)
    assert lab.ask("GetLocalListVersion") == {"listVersion": -1}
    lab.configure(LIST_ENABLED, True)
    assert lookup(lab.station, "TAG") == known, "switched off is not forgotten"


@pytest.mark.parametrize("pre", [True, False])
def test_a_listed_token_goes_ahead_online(pre: bool) -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: pre})
    full(lab, 1, TAG=OK)
    lab.plug().present("tag").run(4)
    assert lab.evse().flowing and asked(lab) == (0 if pre else 1)


@pytest.mark.parametrize("listed", [True, False])
def test_a_station_that_asks_nobody_goes_by_what_it_knows(listed: bool) -> None:
    """DisableRemoteAuthorization: who is listed charges, whatever LocalPreAuthorize says; who is not does not."""
    lab = bench("2.0.1", settings={LOCAL_PRE_AUTHORIZE: False, ASKS_NOBODY: True})
    if listed:
        token = {"idToken": "TAG", "type": "ISO14443"}
        entry = {"idToken": token, "idTokenInfo": {"status": "Accepted"}}
        lab.ask("SendLocalList", versionNumber=1, updateType="Full", localAuthorizationList=[entry])
    lab.plug().present().run(4)
    assert lab.evse().flowing is listed and asked(lab) == 0
    if listed:  # nor about somebody else's token, which might be of the same group
        lab.present("OTHER").run(4)
        assert lab.evse().flowing and asked(lab) == 0


def test_a_token_listed_as_not_valid_is_asked_about_online() -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True})
    full(lab, 1, TAG=BLOCKED)
    lab.plug().present().run(4)
    assert asked(lab) == 1 and lab.evse().flowing


@pytest.mark.parametrize(
    "listed, allowed, unknown, charges",
    [
        (OK, True, False, True),
        (OK, False, True, False),
        (BLOCKED, True, True, False),
        (ListEntry("Accepted", None, 1), True, True, False),
        (None, True, True, True),
        (None, True, False, False),
    ],
)
def test_offline(listed: ListEntry | None, allowed: bool, unknown: bool, charges: bool) -> None:
    """1.6 3.5.4: listed and not valid, or not any more, is refused even where the unknown are let in."""
    lab = bench(settings={LOCAL_AUTHORIZE_OFFLINE: allowed, OFFLINE_UNKNOWN: unknown})
    full(lab, 1, OTHER=OK, **({} if listed is None else {"TAG": listed}))
    lab.fleet.cut(lab.station)
    lab.run(5).plug().present().run(5)
    assert lab.evse().flowing is charges


def test_what_is_listed_is_not_cached() -> None:
    """1.6 3.5.3."""
    lab = bench()
    full(lab, 1, TAG=OK)
    lab.charge().present().run(1).unplug()
    assert lab.station.board.flash.get("cache", "TAG") is None
    lab.charge(token="OTHER")
    assert lab.station.board.flash.get("cache", "OTHER") is not None


def test_a_product_without_the_feature_has_no_list() -> None:
    lab = bench(settings={FEATURE_PROFILES: ("Core",)})
    assert full(lab, 1, TAG=OK) == "NotSupported" and local_list.version(lab.station) == -1
    keys = {row["key"] for row in lab.ask("GetConfiguration")["configurationKey"]}
    assert not keys & {"LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength"}
    assert lab.ask("ChangeConfiguration", key="LocalAuthListEnabled", value="false") == {"status": "NotSupported"}


def test_an_entry_is_plain_data() -> None:
    full(SHARED_LAB, 1, A=OK, B=BLOCKED)
    differential(SHARED_LAB, 2, A=None)
    found = stored(SHARED_LAB)
    assert msgspec.convert(msgspec.to_builtins(found), LocalList) == found


def test_a_list_of_before_types_counted_is_read() -> None:
    """Its tokens are found by their types, and can be deleted by them."""
    old = LocalList(
        3,
        2,
        {"A": ListEntry("Accepted", token_type="eMAID"), "B": ListEntry("Blocked", token_type="Local")},
        {"B": None},
    )
    found = shared(old)
    assert found.version == 3 and found.get("a", "eMAID") == old.base["A"]
    assert found.get("a", "ISO14443") is None and found.get("b") is None
