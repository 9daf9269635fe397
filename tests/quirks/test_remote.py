"""Quirks of answers to the CSMS, on the wire, with and without."""

from typing import Any

from simulator.core.records import CsmsCallHandled
from simulator.quirks import remote
from tests.quirks.rig import Bench, build, compare


def handled(b: Bench) -> list[tuple[str, str]]:
    return [(r.action, r.outcome) for r in b.fleet.recorded(CsmsCallHandled)]


def test_silent_after_connect() -> None:
    assert remote.SilentAfterConnect.name == "remote-silent-no-answer"

    def scenario(b: Bench) -> list[Any]:
        b.boot(5)
        early = b.ask("ChangeAvailability", connectorId=1, type="Inoperative")
        other = b.ask("GetConfiguration", key=["HeartbeatInterval"])
        b.run(30)
        late = b.ask("ChangeAvailability", connectorId=1, type="Operative")
        assert other and late == {"status": "Accepted"}
        return [early, b.statuses()]

    answered = [{"status": "Accepted"}, ["Available", "Unavailable", "Available"]]
    b = compare("remote-silent-no-answer", scenario, without=answered, with_=[None, ["Available"]])
    assert handled(b)[0] == ("ChangeAvailability", "silent")


def test_getconfiguration_silent() -> None:
    def scenario(b: Bench) -> tuple[bool, bool]:
        b.boot()
        return b.ask("GetConfiguration") is None, b.ask("GetConfiguration", key=["HeartbeatInterval"]) is None

    compare("getconfiguration-no-answer", scenario, without=(False, False), with_=(True, False))


def test_remote_stop_rejected() -> None:
    def scenario(b: Bench) -> tuple[str, int]:
        b.boot().plug().token("TAG", 30)
        answer = b.ask("RemoteStopTransaction", transactionId=1)["status"]
        b.run(5)
        return answer, b.csms.actions().count("StopTransaction")

    b = compare("remotestop-rejected-while-charging", scenario, without=("Accepted", 1), with_=("Rejected", 0))
    assert handled(b) == [("RemoteStopTransaction", "ok")]


def test_remote_stop_rejected_in_2x() -> None:
    b = Bench(build("remotestop-rejected-while-charging", version="2.0.1"))
    b.boot().plug().token("TAG", 30)
    running = b.sent("TransactionEvent")[0]["transactionInfo"]["transactionId"]
    assert b.ask("RequestStopTransaction", transactionId=running)["status"] == "Rejected"
    assert b.station.evses[0].tx is not None


PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
}


def test_embedded_profile_refused() -> None:
    def scenario(b: Bench) -> Any:
        b.boot().plug()
        answer = b.remote_start(chargingProfile=PROFILE)
        return answer if isinstance(answer, dict) else answer[0]

    name = "remotestart-embedded-profile-refused"
    b = compare(name, scenario, without={"status": "Accepted"}, with_="ProtocolError")
    assert handled(b) == [("RemoteStartTransaction", "callerror")]
    assert b.remote_start(chargingProfile={**PROFILE, "chargingProfileKind": "Absolute"}) == {"status": "Accepted"}
    b = Bench(build((name, {"rejected": True}))).boot().plug()
    for more, status in (({"chargingProfile": PROFILE}, "Rejected"), ({}, "Accepted")):
        assert b.remote_start(**more) == {"status": status}


def test_double_start() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        answers = [b.remote_start()["status"] for _ in range(2)]
        b.plug().run(30)
        return [*answers, b.remote_start()["status"]]

    without, with_ = ["Accepted", "Rejected", "Rejected"], ["Accepted", "Accepted", "Rejected"]
    compare("remotestart-double-accepted", scenario, without=without, with_=with_)


def test_token_must_match() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug()
        return [b.remote_start(token)["status"] for token in ("OTHER", "S00000")]

    name = "remotestart-idtag-must-match-config"
    compare(name, scenario, without=["Accepted", "Rejected"], with_=["Rejected", "Accepted"])
    b = Bench(build(name, vendor_keys={"PlugAndChargeIdentifier": ("FREE", True)})).boot().plug()
    assert [b.remote_start(token)["status"] for token in ("S00000", "FREE")] == ["Rejected", "Accepted"]
