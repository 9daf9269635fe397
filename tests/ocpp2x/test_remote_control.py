"""Remote start and stop, unlocking (F01 to F05)."""

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.model import EvseSpec
from tests.ocpp2x.bench import Bench, each_version

TOKEN = {"idToken": "APP", "type": "ISO14443"}


def start(bench: Bench, remote_start_id: int = 9, **more: Any) -> Any:
    return bench.ask("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": remote_start_id, **more})


@each_version
@pytest.mark.parametrize("plug_first", [True, False])
def test_remote_start(version: str, plug_first: bool) -> None:
    """F01.FR.02-04, FR.19, FR.25, F02.FR.01, FR.21."""
    bench = Bench(version).boot()
    if plug_first:
        bench.feed(i.Plug(2))
    assert start(bench, evseId=2) == {"status": "Accepted"}
    bench.run(5)
    if not plug_first:
        bench.feed(i.Plug(2))
        bench.run(5)
    assert not bench.sent("Authorize")
    (started,) = bench.events("Started")
    assert started["triggerReason"] == "RemoteStart" and started["idToken"] == TOKEN
    assert started["transactionInfo"]["remoteStartId"] == 9
    assert [event for event in bench.events() if "remoteStartId" in event["transactionInfo"]] == [started]
    answer = start(bench, 10, evseId=2)  # F01.FR.24
    assert answer["status"] == "Rejected" and answer["statusInfo"]["reasonCode"] == "TxInProgress"


@each_version
def test_remote_start_with_authorization(version: str) -> None:
    """F01.FR.01."""
    bench = Bench(version, {"AuthCtrlr.AuthorizeRemoteStart": True}).boot()
    bench.csms.verdicts["APP"] = "Blocked"
    bench.feed(i.Plug(1))
    assert start(bench, evseId=1)["status"] == "Accepted"
    bench.run(5)
    assert bench.sent("Authorize") == [{"idToken": TOKEN}] and not bench.events()


@each_version
def test_remote_start_of_a_transaction_that_waits_for_a_token(version: str) -> None:
    """F01.FR.13, FR.25."""
    bench = Bench(version, {"TxCtrlr.TxStartPoint": ("EVConnected",)}).boot()
    bench.feed(i.Plug(1))
    bench.run(2)
    (started,) = bench.events()
    key = started["transactionInfo"]["transactionId"]
    assert start(bench, evseId=1) == {"status": "Accepted", "transactionId": key}
    bench.run(5)
    named = bench.events()[1]
    assert named["triggerReason"] == "RemoteStart" and named["idToken"] == TOKEN
    assert named["transactionInfo"]["remoteStartId"] == 9


@each_version
@pytest.mark.parametrize("point", ["EVConnected", "Authorized"])
def test_remote_start_without_authorization(version: str, point: str) -> None:
    """F01.FR.03, FR.19, FR.25, F02.FR.05 with a token that has no text (F01, remark; C02.FR.01)."""
    bench = Bench(version, {"TxCtrlr.TxStartPoint": (point,), "AuthCtrlr.AuthorizeRemoteStart": True}).boot()
    bench.feed(i.Plug(1))
    bench.run(2)
    nobody = {"idToken": "", "type": "NoAuthorization"}
    assert start(bench, evseId=1, idToken=nobody | {"type": "ISO14443"})["statusInfo"]["reasonCode"] == "InvalidIdToken"
    assert start(bench, evseId=1, idToken=nobody)["status"] == "Accepted"
    bench.run(5)
    (named,) = [event for event in bench.events() if event["triggerReason"] == "RemoteStart"]
    assert named["idToken"] == nobody and named["transactionInfo"]["remoteStartId"] == 9
    assert not bench.sent("Authorize") and bench.st.evses[0].flowing
    key = named["transactionInfo"]["transactionId"]
    assert bench.ask("RequestStopTransaction", {"transactionId": key})["status"] == "Accepted"
    bench.run(2)
    (last,) = bench.events("Ended")
    assert "idToken" not in last and "remoteStartId" not in last["transactionInfo"]


@each_version
@pytest.mark.parametrize("asks", [False, True])
def test_the_token_is_told_as_it_was_given(version: str, asks: bool) -> None:
    """F01.FR.04, F02.FR.12: with all that is additional; that of somebody else is none of its business."""
    bench = Bench(version, {"AuthCtrlr.AuthorizeRemoteStart": asks}).boot()
    given = TOKEN | {"additionalInfo": [{"additionalIdToken": "42", "type": "contract"}]}
    bench.feed(i.Plug(1))
    assert start(bench, evseId=1, idToken=given)["status"] == "Accepted"
    bench.run(5)
    assert [event["idToken"] for event in bench.events() if "idToken" in event] == [given]
    assert bench.sent("Authorize") == ([{"idToken": given}] if asks else [])
    bench.feed(i.Present("APP", 1))
    bench.run(2)
    assert bench.events("Ended")[0]["idToken"] == TOKEN


@each_version
def test_remote_start_finds_an_evse_by_itself(version: str) -> None:
    """F01.FR.20: the one where a car waits."""
    bench = Bench(version).boot()
    bench.feed(i.Plug(2))
    bench.run(1)
    assert start(bench)["status"] == "Accepted"
    bench.run(5)
    assert bench.events("Started")[0]["evse"]["id"] == 2


@each_version
def test_remote_start_that_cannot_be(version: str) -> None:
    """F01.FR.23; an EVSE that does not exist."""
    bench = Bench(version).boot()
    assert start(bench, evseId=7)["statusInfo"]["reasonCode"] == "UnknownEvse"
    bench.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    assert start(bench, evseId=1)["status"] == "Rejected"
    bench.feed(i.Inject("f1", "protection.rcd_trip", 2))
    bench.run(1)
    assert start(bench, evseId=2)["status"] == "Rejected"
    why = start(bench)["statusInfo"]
    assert why["reasonCode"] == "Unspecified" and why["additionalInfo"]  # the code asks for more (appendices, 5)


def test_evse_zero_is_no_evse() -> None:
    assert start(Bench("2.0.1").boot(), evseId=0)["statusInfo"]["reasonCode"] == "UnknownEvse"


PROFILE = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": [
        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}]}
    ],
}


@each_version
@pytest.mark.parametrize("wrong", [{"chargingProfilePurpose": "TxDefaultProfile"}, {"transactionId": "other"}])
def test_a_profile_that_a_remote_start_must_not_bring(version: str, wrong: dict[str, str]) -> None:
    """F01.FR.09, FR.11, FR.26."""
    answer = start(Bench(version).boot(), evseId=1, chargingProfile=PROFILE | wrong)
    assert answer == {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfile"}}


@each_version
def test_a_profile_is_left_aside(version: str) -> None:
    """F01.FR.12: by a product without smart charging."""
    bench = Bench(version, {"*.SupportedFeatureProfiles": ("Core",)}).boot()
    bench.feed(i.Plug(1))
    assert start(bench, evseId=1, chargingProfile=PROFILE)["status"] == "Accepted"
    bench.run(5)
    assert bench.st.evses[0].power_w > 10_000


@each_version
def test_remote_stop(version: str) -> None:
    """F03.FR.03, FR.07-08."""
    bench = Bench(version).boot()
    key = bench.charge()
    wrong = bench.ask("RequestStopTransaction", {"transactionId": "other"})
    assert wrong["status"] == "Rejected" and wrong["statusInfo"]["reasonCode"] == "UnknownTxId"
    assert bench.ask("GetTransactionStatus", {"transactionId": key.upper()})["ongoingIndicator"]
    assert bench.ask("RequestStopTransaction", {"transactionId": key.upper()}) == {"status": "Accepted"}  # 2.1.4
    bench.run(2)
    (last,) = bench.events("Ended")
    assert (last["triggerReason"], last["transactionInfo"]["stoppedReason"]) == ("RemoteStop", "Remote")
    assert "idToken" not in last


@each_version
def test_remote_stop_with_another_stop_point(version: str) -> None:
    """F03.FR.02."""
    bench = Bench(version, {"TxCtrlr.TxStopPoint": ("EVConnected",)}).boot()
    key = bench.charge()
    assert bench.ask("RequestStopTransaction", {"transactionId": key})["status"] == "Accepted"
    bench.run(2)
    assert [event["eventType"] for event in bench.events() if event["triggerReason"] == "RemoteStop"] == ["Updated"]
    assert bench.st.evses[0].power_w == 0


@each_version
@pytest.mark.parametrize("ends", [True, False])
def test_remote_stop_of_a_transaction_that_waits_for_a_token(version: str, ends: bool) -> None:
    """F03.FR.02-03, FR.07: what is Accepted happens, and is told as what it is."""
    stops = ("EVConnected", "Authorized") if ends else ("EVConnected",)
    bench = Bench(version, {"TxCtrlr.TxStartPoint": ("EVConnected",), "TxCtrlr.TxStopPoint": stops}).boot()
    bench.feed(i.Plug(1))
    bench.run(2)
    key = bench.events()[0]["transactionInfo"]["transactionId"]
    assert bench.ask("RequestStopTransaction", {"transactionId": key})["status"] == "Accepted"
    bench.run(2)
    last = bench.events()[-1]
    assert (last["eventType"], last["triggerReason"]) == ("Ended" if ends else "Updated", "RemoteStop")
    bench.feed(i.Unplug(1), i.Unplug(1, "station"))
    bench.run(2)
    (last,) = bench.events("Ended")
    assert last["transactionInfo"]["stoppedReason"] == "Remote"
    assert [event["eventType"] for event in bench.events()][1:] == (["Ended"] if ends else ["Updated", "Ended"])


@each_version
@pytest.mark.parametrize("plugs", [False, True])
def test_remote_stop_before_the_cable(version: str, plugs: bool) -> None:
    """F02.FR.07, E03.FR.05: it waits for the cable no longer than any other, authorised or not."""
    points = {"TxCtrlr.TxStartPoint": ("Authorized",), "TxCtrlr.TxStopPoint": ("EVConnected",)}
    bench = Bench(version, points | {"SampledDataCtrlr.TxUpdatedInterval": 0}).boot()
    assert start(bench, evseId=1)["status"] == "Accepted"
    bench.run(5)
    key = bench.events()[0]["transactionInfo"]["transactionId"]
    assert bench.ask("RequestStopTransaction", {"transactionId": key})["status"] == "Accepted"
    bench.run(5)
    if plugs:
        bench.feed(i.Plug(1))
        bench.run(5)
        assert bench.st.evses[0].status == "Preparing" and not bench.st.evses[0].flowing
    bench.run(60)
    triggers = [event["triggerReason"] for event in bench.events()]
    assert triggers == ["RemoteStart", "RemoteStop", "CablePluggedIn" if plugs else "EVConnectTimeout"]
    ends = [event["transactionInfo"]["stoppedReason"] for event in bench.events("Ended")]
    assert ends == ([] if plugs else ["Timeout"])


@each_version
def test_unlock(version: str) -> None:
    """F05.FR.02-06."""
    bench = Bench(version, evses=(EvseSpec(1), EvseSpec(2, tethered=True))).boot()

    def unlock(evse_id: int, connector_id: int = 1) -> Any:
        return bench.ask("UnlockConnector", {"evseId": evse_id, "connectorId": connector_id})

    assert unlock(1) == {"status": "Unlocked"}  # no cable
    assert unlock(3)["status"] == unlock(1, 2)["status"] == "UnknownConnector"
    fixed = unlock(2)
    assert fixed["status"] == "UnlockFailed" and fixed["statusInfo"]["reasonCode"] == "FixedCable"
    bench.charge()
    assert unlock(1) == {"status": "OngoingAuthorizedTransaction"}
    bench.run(2)
    assert not bench.events("Ended")
