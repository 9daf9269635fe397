"""Authorize and ClearCache (C01 to C03, C11)."""

from typing import Any

import pytest

from simulator.blocks.device_model import variables
from simulator.blocks.token_cache import CACHE_ENABLED
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec
from simulator.lab.csms import Late
from simulator.ocpp2x.authorization import NOT_CACHED, token_info
from simulator.ocpp2x.messages_201 import IdTokenInfoType, IdTokenType
from tests.ocpp2x.bench import Bench, each_version

ACCEPTED = {"status": "Accepted"}


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
    absent = frozenset({CACHE_ENABLED})
    for bench in (Bench(version, {"AuthCacheCtrlr.Enabled": False}).boot(), Bench(version, absent=absent).boot()):
        answer = bench.ask("ClearCache")
        assert answer["status"] == "Rejected" and answer["statusInfo"]["reasonCode"] == "NotEnabled"
    assert not any(found.component == "AuthCacheCtrlr" for found in variables(bench.st)), "2.4.2"


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


LIMITED = {"status": "Accepted", "evseId": [2]}


@each_version
@pytest.mark.parametrize("where", ["cache", "list"])
@pytest.mark.parametrize("online", [True, False])
def test_what_is_known_locally_is_good_for_some_evses_only(version: str, where: str, online: bool) -> None:
    """C01.FR.21, C10.FR.04: list and cache keep where a token may charge."""
    bench = Bench(version, {"AuthCtrlr.LocalPreAuthorize": True}).boot()
    bench.csms.script["Authorize"] = lambda csms, payload: {"idTokenInfo": LIMITED}
    bench.csms.script["TransactionEvent"] = lambda csms, payload: (
        {"idTokenInfo": LIMITED} if "idToken" in payload else {}
    )
    if where == "list":
        row = {"idToken": {"idToken": "TAG", "type": "ISO14443"}, "idTokenInfo": LIMITED}
        bench.ask("SendLocalList", {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [row]})
    else:
        bench.feed(i.Present("TAG", 1))
    bench.run(1)
    if not online:
        bench.fleet.cut(bench.st)
    for evse_id in (1, 2):
        bench.feed(i.Plug(evse_id), i.Present("TAG", evse_id))
        bench.run(5)
    assert [bool(evse.tx) for evse in bench.st.evses] == [False, True]


@each_version
def test_one_text_of_two_types_is_two_tokens(version: str) -> None:
    """C01.FR.25 (errata 2.18): neither ends the other's session, nor is one known for the other."""
    bench = Bench(version, {"AuthCtrlr.LocalPreAuthorize": True}).boot()
    bench.charge()
    for evse_id in (2, 1):
        bench.feed(i.Plug(evse_id), i.Present("TAG", evse_id, "KeyCode"))
        bench.run(1)
    assert bench.st.evses[0].flowing
    assert [payload["idToken"]["type"] for payload in bench.sent("Authorize")] == ["ISO14443", "KeyCode", "KeyCode"]
    bench.feed(i.Present("tag", 1))
    bench.run(1)
    assert not bench.st.evses[0].flowing


@each_version
@pytest.mark.parametrize("final", [False, True])
def test_a_listed_token_whose_time_is_over_is_asked_about(version: str, final: bool) -> None:
    """C14.FR.04-05: as if it were not in the list, whatever DisablePostAuthorize says of refused ones."""
    settings = {"AuthCtrlr.LocalPreAuthorize": True, "LocalAuthListCtrlr.DisablePostAuthorize": final}
    bench = Bench(version, settings).boot()
    rows = [
        {"idToken": {"idToken": name, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"} | info}
        for name, info in (("OVER", {"cacheExpiryDateTime": "2020-01-01T00:00:00Z"}), ("TIMELESS", {}))
    ]
    bench.ask("SendLocalList", {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": rows})
    for evse_id, name in enumerate(("OVER", "TIMELESS"), 1):
        bench.feed(i.Plug(evse_id), i.Present(name, evse_id))
        bench.run(5)
    assert [payload["idToken"]["idToken"] for payload in bench.sent("Authorize")] == ["OVER"]
    assert all(evse.flowing for evse in bench.st.evses)


@each_version
def test_an_evse_that_went_out_of_service_over_the_question(version: str) -> None:
    """G03: the answer comes too late to begin anything."""
    bench = Bench(version).boot()
    bench.csms.script["Authorize"] = lambda csms, payload: Late(3, {"idTokenInfo": {"status": "Accepted"}})
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(1)
    bench.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    bench.run(5)
    assert not bench.events() and bench.st.evses[0].grant is None


@each_version
@pytest.mark.parametrize("obstacle", ["reserved", "inoperative"])
def test_a_master_pass_works_at_an_evse_where_nothing_can_begin(version: str, obstacle: str) -> None:
    """C16.FR.02: all sessions end, wherever it was presented."""
    bench = Bench(version, {"AuthCtrlr.MasterPassGroupId": "POLICE"}).boot()
    bench.csms.groups["PASS"] = "POLICE"
    bench.charge(evse_id=2)
    if obstacle == "reserved":
        expiry = "2036-01-01T00:00:00Z"
        token = {"idToken": "OTHER", "type": "ISO14443"}
        assert bench.ask("ReserveNow", {"id": 1, "evseId": 1, "expiryDateTime": expiry, "idToken": token}) == ACCEPTED
    else:
        assert bench.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}}) == ACCEPTED
    bench.feed(i.Present("PASS", 1))
    bench.run(1)
    assert bench.events()[-1]["transactionInfo"]["stoppedReason"] == "MasterPass"


@each_version
def test_a_central_token_is_not_asked_about_for_the_sake_of_a_reservation(version: str) -> None:
    """C05.FR.01, F01.FR.22: its group is told in the request or not at all."""
    bench = Bench(version).boot()
    group = {"idToken": "FAMILY", "type": "Central"}
    reservation = {"id": 1, "evseId": 1, "expiryDateTime": "2036-01-01T00:00:00Z", "groupIdToken": group}
    assert bench.ask("ReserveNow", reservation | {"idToken": {"idToken": "OTHER", "type": "ISO14443"}}) == ACCEPTED
    start = {"idToken": {"idToken": "APP", "type": "Central"}, "remoteStartId": 5, "evseId": 1}
    assert bench.ask("RequestStartTransaction", start)["status"] == "Rejected"
    assert bench.ask("RequestStartTransaction", start | {"groupIdToken": group})["status"] == "Accepted"
    assert not bench.sent("Authorize")


@each_version
def test_who_charges_can_end_it_before_the_station_is_registered_again(version: str) -> None:
    """C01.FR.03: a session that outlived a power cut, and a CSMS that keeps the station waiting."""
    bench = Bench(version, hardware=HardwareSpec(power_loss="resume")).boot()
    bench.charge()
    bench.csms.boot_status = "Pending"
    bench.feed(i.PowerOff(), i.PowerOn())
    bench.run(60)
    assert bench.st.gate == "pending" and bench.st.evses[0].grant is not None
    bench.feed(i.Present("TAG", 1))
    bench.run(1)
    assert bench.st.evses[0].tx is None
    bench.csms.boot_status = "Accepted"
    bench.run(400)
    assert bench.events()[-1]["transactionInfo"]["stoppedReason"] == "Local"


@each_version
def test_a_token_presented_in_a_session_begins_none_of_its_own(version: str) -> None:
    """C09.FR.05: the CSMS is asked whether it may end the session; that is over when the answer comes."""
    bench = Bench(version).boot()
    bench.charge()
    bench.csms.script["Authorize"] = lambda csms, payload: Late(4, {"idTokenInfo": {"status": "Accepted"}})
    bench.feed(i.Present("OTHER", 1))
    bench.run(1)
    bench.feed(i.Present("TAG", 1))
    bench.run(10)
    assert len(bench.events("Started")) == len(bench.events("Ended")) == 1


@each_version
def test_an_empty_group_is_none(version: str) -> None:
    """C 1.2: groups match if they are not empty; it lets nobody end a session or use a reservation."""
    bench = Bench(version).boot()
    nobody = {"idToken": "", "type": "Central"}
    bench.csms.script["Authorize"] = lambda csms, payload: {
        "idTokenInfo": {"status": "Accepted", "groupIdToken": nobody}
    }
    reservation = {"id": 1, "evseId": 2, "expiryDateTime": "2036-01-01T00:00:00Z", "groupIdToken": nobody}
    assert bench.ask("ReserveNow", reservation | {"idToken": {"idToken": "MINE", "type": "ISO14443"}}) == ACCEPTED
    bench.charge()
    bench.feed(i.Present("OTHER", 1))
    bench.run(1)
    bench.feed(i.Plug(2), i.Present("OTHER", 2))
    bench.run(5)
    assert [bool(evse.tx) for evse in bench.st.evses] == [True, False]
    token = {"idToken": "APP", "type": "Central"}
    start = {"idToken": token, "groupIdToken": nobody, "remoteStartId": 5, "evseId": 2}
    assert bench.ask("RequestStartTransaction", start)["status"] == "Rejected"
