"""Authorize and ClearCache (C01 to C03, C11)."""

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.ocpp2x.authorization import NOT_CACHED, token_info
from simulator.ocpp2x.messages_201 import IdTokenInfoType, IdTokenType
from tests.ocpp2x.bench import Bench, each_version


def test_token_info_in_neutral_words() -> None:
    """C01.FR.06-07, FR.20, C10.FR.13."""
    info = token_info(
        IdTokenInfoType(
            status="Accepted",
            group_id_token=IdTokenType(id_token="GROUP", type="Central"),
            cache_expiry_date_time="1970-01-01T00:00:01Z",
            evse_id=[2],
        )
    )
    assert (info.status, info.group, info.expiry_us, info.evse_ids) == ("Accepted", "GROUP", 1_000_000, (2,))
    bare = token_info(IdTokenInfoType(status="Blocked"))
    assert (bare.status, bare.group, bare.expiry_us, bare.evse_ids) == ("Blocked", None, None, ())


@each_version
@pytest.mark.parametrize("status", ["Accepted", "Blocked", "NoCredit", "NotAtThisLocation", "Unknown"])
def test_the_csms_decides(version: str, status: str) -> None:
    """C01.FR.02, FR.07."""
    bench = Bench(version).boot()
    bench.csms.verdicts["TAG"] = status
    bench.feed(i.Plug(1))
    bench.feed(i.Present("TAG", 1, "KeyCode"))
    bench.run(5)
    assert bench.sent("Authorize") == [{"idToken": {"idToken": "TAG", "type": "KeyCode"}}]
    assert bool(bench.events()) == (status == "Accepted")


@each_version
def test_a_token_may_be_good_for_some_evses_only(version: str) -> None:
    """C01.FR.20-21."""
    bench = Bench(version).boot()
    bench.csms.script["Authorize"] = lambda csms, payload: {"idTokenInfo": {"status": "Accepted", "evseId": [2]}}
    for evse_id in (1, 2):
        bench.feed(i.Plug(evse_id), i.Present("TAG", evse_id))
        bench.run(5)
    assert [event["evse"]["id"] for event in bench.events("Started")] == [2]


@each_version
def test_the_longest_token(version: str) -> None:
    bench = Bench(version).boot()
    bench.feed(i.Plug(1), i.Present("T" * 300, 1))
    bench.run(5)
    assert len(bench.sent("Authorize")[0]["idToken"]["idToken"]) == {"2.0.1": 36, "2.1": 255}[version]


@each_version
def test_free_vend_has_an_empty_token(version: str) -> None:
    """C02.FR.01, FR.03: never asked about, never cached."""
    bench = Bench(version, free_vend=True).boot()
    bench.feed(i.Plug(1))
    bench.run(5)
    assert not bench.sent("Authorize")
    assert bench.events("Started")[0]["idToken"] == {"idToken": "", "type": "NoAuthorization"}
    assert not bench.st.board.flash.items("cache")


@each_version
def test_a_central_token_is_neither_checked_nor_cached(version: str) -> None:
    """C03.FR.01-02, also where remote starts are to be authorised."""
    bench = Bench(version, {"AuthCtrlr.AuthorizeRemoteStart": True}).boot()
    bench.feed(i.Plug(1))
    token = {"idToken": "APP", "type": "Central"}
    assert bench.ask("RequestStartTransaction", {"idToken": token, "remoteStartId": 5})["status"] == "Accepted"
    bench.run(5)
    assert not bench.sent("Authorize")
    assert bench.events("Started")[0]["idToken"] == token
    assert "Central" in NOT_CACHED and not bench.st.board.flash.items("cache")


def _cached(bench: Bench) -> list[Any]:
    return [name for name, _ in bench.st.board.flash.items("cache")]


@each_version
def test_the_cache_can_be_cleared(version: str) -> None:
    """C10.FR.01, C11.FR.01-03."""
    bench = Bench(version).boot()
    bench.charge("TAG")
    assert _cached(bench) == ["TAG"]
    assert bench.ask("ClearCache") == {"status": "Accepted"}
    assert not _cached(bench)


@each_version
def test_without_a_cache_there_is_nothing_to_clear(version: str) -> None:
    """C11.FR.04."""
    answer = Bench(version, {"AuthCacheCtrlr.Enabled": False}).boot().ask("ClearCache")
    assert answer["status"] == "Rejected" and answer["statusInfo"]["reasonCode"] == "NotEnabled"


@each_version
def test_a_flash_that_refuses_to_clear(version: str) -> None:
    """C11.FR.05."""
    bench = Bench(version).boot()
    bench.charge("TAG")
    bench.feed(i.Inject("f1", "flash.read_only"))
    answer = bench.ask("ClearCache")
    assert answer["status"] == "Rejected" and answer["statusInfo"]["reasonCode"] == "InternalError"


@each_version
def test_no_answer_means_no_session(version: str) -> None:
    bench = Bench(version).boot()
    bench.csms.script["Authorize"] = lambda csms, payload: {"idTokenInfo": {}}
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(5)
    assert not bench.events()
    bench.csms.script.clear()
    bench.feed(i.Present("TAG", 1))
    bench.run(5)
    assert bench.events("Started")


@each_version
def test_a_cable_that_stayed_locked_is_handed_back(version: str) -> None:
    """E09.FR.03: pulled at the car, locked in the socket; who is authorised gets it, and no session begins."""
    settings = {"OCPPCommCtrlr.UnlockOnEVSideDisconnect": False, "TxCtrlr.TxStartPoint": ("Authorized",)}
    bench = Bench(version, settings).boot()
    bench.charge()
    bench.feed(i.Unplug(1, "ev"))
    bench.run(2)
    assert len(bench.events("Ended")) == 1 and bench.st.board.locks[0].closed
    bench.csms.verdicts["OTHER"] = "Invalid"
    bench.feed(i.Present("OTHER", 1))
    bench.run(2)
    assert bench.st.board.locks[0].closed
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    assert not bench.st.board.locks[0].closed and len(bench.events("Started")) == 1
    bench.feed(i.Unplug(1, "station"))
    bench.run(2)
    assert bench.sent("StatusNotification")[-1]["connectorStatus"] == "Available"
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    assert len(bench.events("Started")) == 2


@each_version
@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("where", ["AuthCacheCtrlr", "LocalAuthListCtrlr"])
def test_what_is_refused_locally_may_be_final(version: str, where: str, final: bool) -> None:
    """DisablePostAuthorize, against C10.FR.03 and C14.FR.03; each for its own store only."""
    bench = Bench(version, {f"{where}.DisablePostAuthorize": final}).boot()
    bench.csms.verdicts |= {"CACHED": "Invalid", "LISTED": "Invalid"}
    row = {"idToken": {"idToken": "LISTED", "type": "ISO14443"}, "idTokenInfo": {"status": "Invalid"}}
    bench.ask("SendLocalList", {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [row]})
    bench.feed(i.Present("CACHED", 1))
    bench.run(5)
    mark = bench.mark()
    for token in ("CACHED", "LISTED"):
        bench.feed(i.Present(token, 1))
        bench.run(5)
    asked = [payload["idToken"]["idToken"] for action, payload in bench.since(mark) if action == "Authorize"]
    silent = {"AuthCacheCtrlr": "CACHED", "LocalAuthListCtrlr": "LISTED"}[where]
    assert asked == [token for token in ("CACHED", "LISTED") if not (final and token == silent)]
