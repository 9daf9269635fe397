"""C16: tokens that end every session and begin none."""

from __future__ import annotations

import pytest

from simulator.blocks import master_pass
from simulator.core import inputs as i
from tests.ocpp2x.bench import Bench, each_version

MASTER = {master_pass.GROUP.key: "POLICE"}


def station(version: str, asks: bool = False, **settings: object) -> Bench:
    shows = frozenset({master_pass.SESSIONS}) if asks else frozenset()
    bench = Bench(version, {**MASTER, **settings}, shows=shows).boot()
    bench.csms.groups["PASS"] = "police"  # as tokens compare
    return bench


@each_version
def test_it_ends_all_sessions(version: str) -> None:
    """FR.02: each transaction says why; the token is named with those that end."""
    bench = station(version)
    keys = {bench.charge("ONE", 1), bench.charge("TWO", 2)}
    bench.feed(i.Present("PASS", 1))
    bench.run(5)
    ended = bench.events("Ended")
    assert {event["transactionInfo"]["transactionId"] for event in ended} == keys
    assert {event["transactionInfo"]["stoppedReason"] for event in ended} == {"MasterPass"}
    assert {event["idToken"]["idToken"] for event in ended} == {"PASS"}


@each_version
@pytest.mark.parametrize("known", [False, True])
def test_it_begins_nothing(version: str, known: bool) -> None:
    """FR.03, C12.FR.09: also where the cache knows it and the station need not ask."""
    bench = station(version, **{"AuthCtrlr.LocalPreAuthorize": known, "AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    bench.feed(i.Plug(1))
    for _ in range(1 + known):
        bench.feed(i.Present("PASS", 1))
        bench.run(5)
    assert len(bench.sent("Authorize")) == 1 + known and not bench.events()
    if known:
        bench.fleet.cut(bench.st)
        bench.feed(i.Present("PASS", 1))
        bench.run(5)
        assert bench.st.evses[0].grant is None


@each_version
def test_it_begins_nothing_from_afar_either(version: str) -> None:
    """FR.03, whether the request names the group or the list knows it."""
    bench = station(version)
    group = {"idToken": "POLICE", "type": "Central"}
    token = {"idToken": "LISTED", "type": "ISO14443"}
    row = {"idToken": token, "idTokenInfo": {"status": "Accepted", "groupIdToken": group}}
    bench.ask("SendLocalList", {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [row]})
    for payload in ({"idToken": token}, {"idToken": {**token, "idToken": "NEW"}, "groupIdToken": group}):
        answer = bench.ask("RequestStartTransaction", {**payload, "remoteStartId": 1})
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidIdToken"), payload


@each_version
def test_one_that_is_blocked_ends_nothing(version: str) -> None:
    """It has to be valid as any other token."""
    bench = station(version)
    bench.csms.verdicts["PASS"] = "Blocked"
    bench.charge("ONE", 1)
    bench.feed(i.Present("PASS", 1))
    bench.run(5)
    assert not bench.events("Ended")


@each_version
def test_without_a_group_nobody_has_one(version: str) -> None:
    bench = Bench(version).boot()
    assert not master_pass.is_one(bench.st, "") and not master_pass.is_one(bench.st, None)


@each_version
@pytest.mark.parametrize("evse_id", [0, 1, 2])
def test_a_display_asks_which_session_is_meant(version: str, evse_id: int) -> None:
    """FR.01; the answer names one, or all."""
    bench = station(version, asks=True)
    keys = {1: bench.charge("ONE", 1), 2: bench.charge("TWO", 2)}
    bench.feed(i.Present("PASS", 1))
    bench.run(5)
    assert not bench.events("Ended")
    bench.feed(i.Press("stop", evse_id))
    bench.run(5)
    told = {e["transactionInfo"]["transactionId"]: e["transactionInfo"]["stoppedReason"] for e in bench.events("Ended")}
    assert told == {key: "MasterPass" for number, key in keys.items() if evse_id in (0, number)}


@each_version
def test_the_question_is_answered_once_and_does_not_stand_for_ever(version: str) -> None:
    """After that the button is what it always was."""
    bench = station(version, asks=True)
    bench.charge("ONE", 1)
    bench.charge("TWO", 2)
    bench.feed(i.Present("PASS", 1))
    bench.run(5)
    bench.feed(i.Press("stop", 1), i.Press("stop", 2))
    bench.run(5)
    assert [e["transactionInfo"]["stoppedReason"] for e in bench.events("Ended")] == ["MasterPass", "Local"]
    bench.feed(i.Unplug(1))
    bench.run(5)
    bench.charge("ONE", 1)
    bench.feed(i.Present("PASS", 1))
    bench.run(70)
    bench.feed(i.Press("stop", 1))
    bench.run(5)
    assert bench.events("Ended")[-1]["transactionInfo"]["stoppedReason"] == "Local"
