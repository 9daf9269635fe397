"""What the station knows of tokens by itself: the cache, and the rules for starting without asking."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks.authorization import (
    AUTHORIZE_REMOTE,
    LOCAL_AUTHORIZE_OFFLINE,
    LOCAL_PRE_AUTHORIZE,
    OFFLINE_UNKNOWN,
)
from simulator.blocks.token_cache import (
    CACHE_AREA,
    CACHE_ENABLED,
    CACHE_LIFETIME,
    TokenInfo,
    lookup,
    remember,
)
from simulator.core import inputs as i
from simulator.core.model import FlashSpec, HardwareSpec
from tests.bench import AT_ONCE, Lab, asked, bench, each_version, verdict_in_start


def cached(lab: Lab, token: str = "TAG", **info: Any) -> None:
    """The CSMS has told the station about a token before."""
    remember(lab.station, token, TokenInfo(**({"status": "Accepted"} | info)))


@each_version
@pytest.mark.parametrize("before", [True, False])
def test_local_pre_authorize_goes_ahead(version: str, before: bool) -> None:
    lab = bench(version, settings={LOCAL_PRE_AUTHORIZE: before})
    cached(lab)
    lab.plug().present().run(4)
    assert lab.evse().flowing and asked(lab) == (0 if before else 1)


@each_version
def test_local_pre_authorize_asks_about_what_is_not_accepted(version: str) -> None:
    """C10.FR.03: only an Accepted entry goes ahead."""
    lab = bench(version, settings={LOCAL_PRE_AUTHORIZE: True})
    cached(lab, status="Blocked")
    lab.plug().present().run(4)
    assert asked(lab) == 1 and lab.evse().flowing, "the CSMS has changed its mind"


OFFLINE = [
    # cached, LocalAuthorizeOffline, AllowOfflineTxForUnknownId -> charges
    (None, True, False, False),
    (None, True, True, True),
    (None, False, True, True),
    ("Accepted", True, False, True),
    ("Accepted", False, False, False),
    ("Blocked", True, True, False),
    ("Expired", True, True, False),
]


@each_version
@pytest.mark.parametrize("known, local, unknown, charges", OFFLINE)
def test_offline_rules(version: str, known: str | None, local: bool, unknown: bool, charges: bool) -> None:
    """1.6 3.5.4, C13, C15."""
    lab = bench(version, settings={LOCAL_AUTHORIZE_OFFLINE: local, OFFLINE_UNKNOWN: unknown})
    if known:
        cached(lab, status=known)
    lab.fleet.cut(lab.station)
    lab.run(1).plug().present().run(5)
    assert lab.evse().flowing is charges


@each_version
def test_remote_starts_are_checked_when_the_setting_says_so(version: str) -> None:
    """1.6 AuthorizeRemoteTxRequests, F01.FR.01-02."""
    lab = bench(version, settings={AUTHORIZE_REMOTE: True})
    lab.csms.verdicts["BAD"] = "Invalid"
    assert lab.remote_start("BAD") == "Accepted"
    lab.plug().run(10)
    assert asked(lab) == 1 and not lab.sessions()
    assert lab.remote_start("TAG") == "Accepted"
    lab.run(5)
    assert asked(lab) == 2 and lab.evse().flowing


@each_version
def test_the_cache_remembers_every_answer(version: str) -> None:
    """C10.FR.01, FR.04-05; 1.6 3.5.1."""
    lab = bench(version)
    lab.csms.verdicts["BAD"] = "Blocked"
    lab.csms.groups["TAG"] = "FAMILY"
    lab.present("BAD").present("TAG").run(1)
    bad, good = lookup(lab.station, "BAD"), lookup(lab.station, "TAG")
    assert bad is not None and bad.status == "Blocked"
    assert good is not None and (good.status, good.group) == ("Accepted", "FAMILY")
    assert lookup(lab.station, "nobody") is None
    assert lab.ask("ClearCache")["status"] == "Accepted"
    assert lookup(lab.station, "TAG") is None


@each_version
def test_a_cache_that_is_off(version: str) -> None:
    """C11.FR.04: nothing to clear."""
    lab = bench(version, settings={CACHE_ENABLED: False, LOCAL_PRE_AUTHORIZE: True}).present().run(1).present()
    lab.forget().present().run(1)
    assert asked(lab) == 1
    assert lab.ask("ClearCache")["status"] == "Rejected"


@each_version
def test_the_start_answer_corrects_the_cache(version: str) -> None:
    """1.6 3.5.1, C10.FR.04."""
    lab = bench(version)
    verdict_in_start(lab, "Expired")
    lab.plug().present().run(5)
    entry = lookup(lab.station, "TAG")
    assert entry is not None and entry.status == "Expired"


@each_version
def test_cached_tokens_expire(version: str) -> None:
    """C10.FR.08, FR.10, FR.13."""
    lab = bench(version, settings={CACHE_LIFETIME: 100})
    wall_us = lab.station.board.rtc.wall(lab.fleet.now)
    cached(lab, "DATED", expiry_us=wall_us + 10_000_000)
    cached(lab, "UNDATED")
    lab.run(60)
    dated, undated = lookup(lab.station, "DATED"), lookup(lab.station, "UNDATED")
    assert dated is not None and dated.status == "Expired"
    assert undated is not None and undated.status == "Accepted"
    lab.run(60)
    assert lookup(lab.station, "UNDATED") is None


@each_version
def test_a_word_of_the_csms_prolongs_the_life_of_a_cached_token(version: str) -> None:
    """C10.FR.10 (errata 2.21): AuthCacheCtrlr.LifeTime counts from the last update, which every session brings."""
    lab = bench(version, settings={CACHE_LIFETIME: 100, LOCAL_PRE_AUTHORIZE: True})
    cached(lab)
    lab.run(80).charge().present().unplug().run(80)
    assert asked(lab) == 0 and lookup(lab.station, "TAG") is not None
    lab.run(30).feed(i.Tick())
    assert lookup(lab.station, "TAG") is None


def test_a_use_that_nobody_heard_of_does_not_prolong_it() -> None:
    """C10.FR.10 (errata 2.21); the one used last is still the last to give way."""
    lab = bench(settings={CACHE_LIFETIME: 100, LOCAL_PRE_AUTHORIZE: True})
    cached(lab)
    lab.run(80).present().run(1).present().run(15)
    assert lookup(lab.station, "TAG") is not None
    lab.run(10).feed(i.Tick())
    assert lookup(lab.station, "TAG") is None


@each_version
def test_what_is_over_already_is_not_kept(version: str) -> None:
    """C10.FR.10, note: a past expiry keeps a token out of the cache, or takes it out."""
    lab = bench(version)
    cached(lab)
    cached(lab, expiry_us=lab.station.board.rtc.wall(lab.station.now) - 1)
    assert lookup(lab.station, "TAG") is None and not lab.station.board.flash.items(CACHE_AREA)


def test_the_oldest_entry_gives_way() -> None:
    """C10.FR.07: as many as the product keeps."""
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, flash=FlashSpec(cache_tokens=20)))
    for number in range(25):
        lab.run(0.001).feed(i.Tick())
        cached(lab, f"T{number}")
    assert len(lab.station.board.flash.items(CACHE_AREA)) == 20
    assert lookup(lab.station, "T4") is None and lookup(lab.station, "T5") is not None


def test_what_is_not_valid_gives_way_first() -> None:
    """1.6 3.5.1: an expired or blocked token goes before a valid one that is older."""
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, flash=FlashSpec(cache_tokens=3)))
    wall_us = lab.station.board.rtc.wall(lab.station.now)
    for name, info in (
        ("OLD", {}),
        ("BLOCKED", {"status": "Blocked"}),
        ("PAST", {"expiry_us": wall_us + 1}),
        ("NEW", {}),
        ("NEWER", {}),
        ("NEWEST", {}),
    ):
        lab.run(0.001).feed(i.Tick())
        cached(lab, name, **info)
    kept = {key for key, _ in lab.station.board.flash.items(CACHE_AREA)}
    assert kept == {"NEW", "NEWER", "NEWEST"}
    assert lookup(lab.station, "OLD") is None, "the oldest valid one went last"
    lab.run(0.001).feed(i.Tick())
    cached(lab, "BAD", status="Blocked")
    kept = {key for key, _ in lab.station.board.flash.items(CACHE_AREA)}
    assert kept == {"NEWER", "NEWEST", "BAD"}, "room is made for a new entry, valid or not"


def test_case_does_not_count() -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True})
    cached(lab, "04aB")
    cached(lab, "04Ab", status="Blocked")
    assert len(lab.station.board.flash.items(CACHE_AREA)) == 1
    found = lookup(lab.station, "04AB")
    assert found is not None and found.status == "Blocked"


def test_without_a_cache_nothing_is_kept_and_nothing_cleared() -> None:
    """1.6 errata 3.23."""
    lab = bench(absent=frozenset({CACHE_ENABLED}))
    lab.present().run(1)
    assert lab.ask("ClearCache") == {"status": "Rejected"}
    assert lookup(lab.station, "TAG") is None and not lab.station.board.flash.items(CACHE_AREA)


def test_a_small_flash_holds_a_small_cache() -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, flash=FlashSpec(capacity_bytes=600)))
    for number in range(50):
        lab.run(0.001).feed(i.Tick())
        cached(lab, f"T{number}")
    assert lookup(lab.station, "T0") is None and lookup(lab.station, "T49") is not None


@each_version
def test_the_cache_outlives_a_reset(version: str) -> None:
    lab = bench(version)
    cached(lab)
    lab.ask("Reset", type="Hard" if version == "1.6" else "Immediate")
    lab.run(60)
    assert lookup(lab.station, "TAG") is not None
